//! The data of an instance as rules see it: the forms that were loaded, beside what the app and the registers say.

use std::collections::HashMap;
use std::sync::Arc;

use mottak_apps::App;
use mottak_forms::FormData;
use mottak_forms::expression::{DataTypeFacts, ElementFacts, Facts, InstanceFacts, OwnerKind};
use mottak_model::{DataElement, Guid, Instance, Party, PartyType};

use crate::{Refusal, Service, forms};

/// An instance with its forms in memory. Owns what [`Facts`] borrows.
#[derive(Debug)]
pub(crate) struct Situation<'a> {
    pub(crate) app: &'a App,
    pub(crate) instance: &'a Instance,
    forms: HashMap<Guid, FormData>,
    element_ids: Vec<String>,
    instance_id: String,
    party_id: String,
    owner: Option<Arc<Party>>,
    language: String,
}

impl<'a> Situation<'a> {
    /// Loads the forms that `is_wanted` names.
    pub(crate) async fn load(
        svc: &Service,
        app: &'a App,
        instance: &'a Instance,
        language: Option<&str>,
        is_wanted: impl Fn(&DataElement) -> bool + Send,
    ) -> Result<Self, Refusal> {
        let mut loaded = HashMap::new();
        for element in &instance.data {
            let is_form = app.application.data_type(&element.data_type).is_some_and(mottak_model::DataType::is_form);
            if is_form && is_wanted(element) {
                loaded.insert(element.id, forms::load(svc, app, instance.id.party, element).await?);
            }
        }
        Ok(Self {
            app,
            instance,
            forms: loaded,
            element_ids: instance.data.iter().map(|element| element.id.to_string()).collect(),
            instance_id: instance.id.to_string(),
            party_id: instance.id.party.to_string(),
            owner: svc.register.party(instance.id.party)?,
            language: language.unwrap_or("nb").to_owned(),
        })
    }

    /// A loaded form.
    pub(crate) fn form(&self, element: Guid) -> Option<&FormData> {
        self.forms.get(&element)
    }

    /// Puts a form in place of the one that was loaded.
    pub(crate) fn replace_form(&mut self, element: Guid, form: FormData) {
        self.forms.insert(element, form);
    }

    /// The data type of the layout set of the current task.
    pub(crate) fn task_data_type(&self) -> Option<&str> {
        let task = self.instance.current_task_id()?;
        self.app.ui.set_of_task(task)?.data_type.as_deref()
    }

    /// What expressions may ask for.
    pub(crate) fn facts(&self) -> Facts<'_> {
        let mut facts = Facts::new(&self.app.settings.front_end, &self.app.texts.translations);
        facts.language = &self.language;
        facts.data_types = self
            .app
            .application
            .data_types
            .iter()
            .map(|data_type| DataTypeFacts {
                id: &data_type.id,
                max_count: data_type.max_count,
                has_model: data_type.is_form(),
            })
            .collect();
        facts.elements = self
            .instance
            .data
            .iter()
            .zip(&self.element_ids)
            .map(|(element, id)| ElementFacts {
                id,
                data_type: &element.data_type,
                content: self.forms.get(&element.id).map(|form| form as &dyn mottak_forms::expression::DataSource),
            })
            .collect();
        facts.task_data_type = self.task_data_type();
        facts.instance = InstanceFacts {
            id: Some(&self.instance_id),
            app_id: Some(self.instance.app_id.as_str()),
            owner_party_id: Some(&self.party_id),
            owner_kind: self.owner_kind(),
            owner_name: self.owner.as_ref().and_then(|party| party.name.as_deref()),
        };
        facts
    }

    fn owner_kind(&self) -> OwnerKind {
        match self.owner.as_ref().map(|party| party.party_type) {
            Some(PartyType::Person) => OwnerKind::Person,
            Some(PartyType::Organisation | PartyType::SubUnit | PartyType::BankruptcyEstate) => OwnerKind::Organisation,
            Some(PartyType::SelfIdentified) => OwnerKind::SelfIdentified,
            Some(PartyType::None) | None => OwnerKind::Unknown,
        }
    }
}
