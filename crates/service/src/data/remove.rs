//! Removing data elements: DELETE data (app-api §4.8).

use mottak_apps::App;

use super::calculation::{self, calculate};
use super::create::{Written, check};
use super::{ElementId, Wanted, access, data_type_of, element_of, load_for, require_task};
use crate::authentication::Caller;
use crate::draft::{Author, Draft};
use crate::instances::read::hide_unreadable;
use crate::validation::Changed;
use crate::{Refusal, Service};

/// Removes an element at once. Its lock does not keep it from being removed (platform-storage §2.4.5).
pub async fn remove(
    svc: &Service,
    caller: &Caller,
    app: &App,
    id: ElementId,
    wanted: Wanted<'_>,
) -> Result<Written, Refusal> {
    let _gate = svc.enter(id.instance).await?;
    svc.retrying(async || {
        let snapshot = load_for(svc, caller, app, id.instance, "write").await?;
        let element = element_of(&snapshot.instance, id.element)?;
        let data_type = data_type_of(app, &element.data_type)?;
        access::require_removal(svc, caller, app, &snapshot.instance, data_type)?;
        require_task(&snapshot.instance, "delete")?;
        let author = Author::of(svc, caller, app)?;
        let mut draft = Draft::of(svc, app, &author, &snapshot);
        draft.remove_element(id.element);
        let mut edits = Vec::new();
        calculate(svc, caller, app, &draft.instance, &mut edits, wanted.language).await?;
        let changed = Changed::Forms(data_type.is_form() || !edits.is_empty());
        let forms = calculation::store(&mut draft, edits);
        let findings = check(svc, caller, app, &draft.instance, &forms, wanted, &changed).await?;
        let mut instance = svc.commit(Some(&snapshot.instance), draft.finish()).await?;
        hide_unreadable(svc, caller, app, &mut instance)?;
        Ok(Written { element: id.element, instance, forms, findings })
    })
    .await
}
