//! New data elements: POST data (app-api §4.2).

use mottak_apps::App;
use mottak_forms::FormData;
use mottak_forms::validation::Issue;
use mottak_model::{DataType, Guid, Instance, InstanceId};

use super::calculation::{self, Edit, calculate};
use super::{Wanted, access, data_type_of, load_for, require_task};
use crate::authentication::Caller;
use crate::content::{Content, IncomingForm};
use crate::data::file::FileHeaders;
use crate::draft::{Author, Draft, NewElement};
use crate::evaluation::Situation;
use crate::instances::read::hide_unreadable;
use crate::refusal::ProblemKind;
use crate::validation::{self, Changed, Findings};
use crate::{Problem, Refusal, Service, forms};

/// What a new element is made of.
#[derive(Clone, Debug)]
pub enum NewData {
    /// A form as it was sent; none: an empty one.
    Form(Option<IncomingForm>),
    File {
        headers: FileHeaders,
        content: Content,
    },
}

/// A write to data, done.
#[derive(Clone, Debug)]
pub struct Written {
    /// The element that was written.
    pub element: Guid,
    /// The instance as the caller may see it.
    pub instance: Instance,
    /// The forms that were written, as they are stored.
    pub forms: Vec<(Guid, FormData)>,
    /// What the validators found; empty when they were not asked to run.
    pub findings: Vec<Findings>,
}

/// Refuses, before the body is read, what would be refused anyway; answers the data type and whether it is a form.
pub async fn admit<'a>(
    svc: &Service,
    caller: &Caller,
    app: &'a App,
    id: InstanceId,
    data_type: &str,
) -> Result<&'a DataType, Refusal> {
    let snapshot = load_for(svc, caller, app, id, "write").await?;
    let data_type = data_type_of(app, data_type)?;
    access::require_create(svc, caller, app, &snapshot.instance, data_type, None)?;
    require_task(&snapshot.instance, "create")?;
    Ok(data_type)
}

/// Adds an element to the instance.
pub async fn create(
    svc: &Service,
    caller: &Caller,
    app: &App,
    id: InstanceId,
    data_type: &DataType,
    data: NewData,
    wanted: Wanted<'_>,
) -> Result<Written, Refusal> {
    let _gate = svc.enter(id).await?;
    svc.retrying(async || {
        let snapshot = load_for(svc, caller, app, id, "write").await?;
        access::require_create(svc, caller, app, &snapshot.instance, data_type, None)?;
        require_task(&snapshot.instance, "create")?;
        let author = Author::of(svc, caller, app)?;
        let mut draft = Draft::of(svc, app, &author, &snapshot);
        let (element, forms) = match &data {
            NewData::Form(sent) => {
                let mut form = match sent {
                    None => FormData::new(forms::model_of(app, &data_type.id)?),
                    Some(sent) => forms::parse(app, data_type, sent.content_type.as_deref(), &sent.bytes)?,
                };
                let party = svc.register.party(id.party)?.ok_or_else(|| Refusal::NotFound(Problem::bare()))?;
                let profile = forms::profile_of(svc, caller)?;
                forms::prefill(
                    app,
                    data_type,
                    &mut form,
                    &party,
                    profile.as_deref(),
                    &std::collections::BTreeMap::new(),
                )?;
                let (element, form) = forms::add(&mut draft, data_type, form)?;
                let mut edits = vec![Edit { element, form, is_changed: false }];
                calculate(svc, caller, app, &draft.instance, &mut edits, wanted.language).await?;
                let mut new = edits.remove(0);
                if new.is_changed {
                    forms::refine(&mut draft, element, &mut new.form);
                }
                let mut written = vec![(element, new.form)];
                written.extend(calculation::store(&mut draft, edits));
                (element, written)
            }
            NewData::File { headers, content } => {
                let new = NewElement {
                    filename: Some(headers.filename.clone()),
                    content_type: Some(headers.content_type.clone()),
                    size: content.len(),
                    ..NewElement::default()
                };
                let element = draft.add_element(data_type, new, content.to_body());
                let mut edits = Vec::new();
                calculate(svc, caller, app, &draft.instance, &mut edits, wanted.language).await?;
                (element, calculation::store(&mut draft, edits))
            }
        };
        let changed = Changed::Forms(!forms.is_empty());
        let findings = check(svc, caller, app, &draft.instance, &forms, wanted, &changed).await?;
        let mut instance = svc.commit(Some(&snapshot.instance), draft.finish()).await?;
        hide_unreadable(svc, caller, app, &mut instance)?;
        Ok(Written { element, instance, forms, findings })
    })
    .await
}

/// Runs the validators that were asked for over the instance as it will be.
pub(super) async fn check(
    svc: &Service,
    caller: &Caller,
    app: &App,
    instance: &Instance,
    written: &[(Guid, FormData)],
    wanted: Wanted<'_>,
    changed: &Changed,
) -> Result<Vec<Findings>, Refusal> {
    let Some(selection) = wanted.validation else { return Ok(Vec::new()) };
    let is_stored = |id: Guid| !written.iter().any(|(new, _)| *new == id);
    let mut situation = Situation::load(svc, app, instance, wanted.language, |element| is_stored(element.id)).await?;
    for (id, form) in written {
        situation.replace_form(*id, form.clone());
    }
    validation::run(svc, caller, &situation, selection, changed)
}

/// The refusal of an upload that does not hold what it should.
pub(crate) fn refuse_upload(detail: &str, issues: Vec<Issue>) -> Refusal {
    let problem = Problem::details("File validation failed", detail);
    Refusal::Invalid(problem.with(ProblemKind::UploadIssues(issues)))
}
