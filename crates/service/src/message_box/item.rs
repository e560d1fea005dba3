//! An instance as the message box shows it (platform-storage §1.14, §2.7.2).

use std::collections::BTreeMap;

use mottak_model::{Guid, Instance, PartyId, ReadStatus, Substatus, TextResource, Time};
use serde::Serialize;

use super::Rights;

/// An instance in the message box. Absent members are written as `null`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageBoxInstance {
    pub id: Guid,
    #[serde(serialize_with = "as_text")]
    pub instance_owner_id: PartyId,
    pub org: String,
    pub app_name: String,
    pub title: String,
    pub process_current_task: &'static str,
    /// When it became visible.
    pub created_date_time: Option<Time>,
    pub last_changed_by: Option<String>,
    pub due_date_time: Option<Time>,
    /// 1 for what was deleted and can be had back, else 0.
    pub delete_status: u8,
    pub read_status: ReadStatus,
    pub substatus: Option<Substatus>,
    pub allow_delete: bool,
    pub allow_new_copy: bool,
    pub authorized_for_write: bool,
    pub authorized_for_sign: bool,
    pub archived_date_time: Option<Time>,
    pub deleted_date_time: Option<Time>,
    pub presentation_text: Option<String>,
    pub data_values: Option<BTreeMap<String, String>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn as_text<S: serde::Serializer>(party: &PartyId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(party)
}

impl MessageBoxInstance {
    /// The instance in the words of the texts, to somebody with these rights.
    pub fn of(instance: &Instance, texts: Option<&TextResource>, rights: Rights) -> Self {
        let status = &instance.status;
        let is_done = status.is_archived || status.is_soft_deleted;
        let presentation_text = presentation_text(instance);
        Self {
            id: instance.id.guid,
            instance_owner_id: instance.id.party,
            org: instance.org.clone(),
            app_name: instance.app_id.app().to_owned(),
            title: title(instance, texts, presentation_text.as_deref()),
            process_current_task: process_current_task(instance),
            created_date_time: instance.created.max(instance.visible_after),
            last_changed_by: last_changed_by(instance),
            due_date_time: instance.due_before.filter(|_| !is_done),
            delete_status: u8::from(status.is_soft_deleted),
            read_status: status.read_status,
            substatus: status.substatus.as_ref().map(|substatus| Substatus {
                label: substatus.label.as_deref().map(|label| in_words(texts, label)),
                description: substatus.description.as_deref().map(|description| in_words(texts, description)),
            }),
            allow_delete: rights.delete,
            allow_new_copy: rights.instantiate,
            authorized_for_write: rights.write,
            authorized_for_sign: rights.sign,
            archived_date_time: status.archived,
            deleted_date_time: status.soft_deleted,
            presentation_text,
            data_values: instance.data_values.clone(),
        }
    }
}

/// The language of the texts: the one that was asked for if there are texts in it at all, else Bokmål.
pub fn language(asked: Option<&str>) -> &'static str {
    let asked = asked.unwrap_or_default().trim();
    ["en", "nn"].into_iter().find(|known| known.eq_ignore_ascii_case(asked)).unwrap_or("nb")
}

/// What the app is called, and what tells this instance from others of it.
fn title(instance: &Instance, texts: Option<&TextResource>, presentation_text: Option<&str>) -> String {
    let named = ["appName", "ServiceName"].into_iter().find_map(|id| text_of(texts, id));
    let name = named.unwrap_or_else(|| instance.app_id.app());
    match presentation_text.filter(|text| !text.trim().is_empty()) {
        Some(text) => format!("{name}, {text}"),
        None => name.to_owned(),
    }
}

fn presentation_text(instance: &Instance) -> Option<String> {
    let texts = instance.presentation_texts.as_ref()?;
    Some(texts.values().map(String::as_str).collect::<Vec<_>>().join(", "))
}

/// The text with this id, if there is one; else the id is the text.
fn in_words(texts: Option<&TextResource>, id: &str) -> String {
    text_of(texts, id).unwrap_or(id).to_owned()
}

fn text_of<'a>(texts: Option<&'a TextResource>, id: &str) -> Option<&'a str> {
    let text = texts?.resources.iter().find(|text| text.id.as_deref() == Some(id))?;
    text.value.as_deref()
}

/// Where the process stands, in the message box's own words.
fn process_current_task(instance: &Instance) -> &'static str {
    let Some(process) = &instance.process else { return "default" };
    if process.is_ended() {
        return if instance.status.is_archived { "Archived" } else { "Submit" };
    }
    let task_type = process.current_task.as_ref().and_then(|task| task.altinn_task_type.as_deref());
    match task_type.unwrap_or_default().to_ascii_lowercase().as_str() {
        "confirmation" => "Confirmation",
        "feedback" => "Feedback",
        "signing" => "Signing",
        _ => "FormFilling",
    }
}

/// Who changed the instance or, later than that, one of its elements.
fn last_changed_by(instance: &Instance) -> Option<String> {
    let own = (instance.last_changed, &instance.last_changed_by);
    let elements = instance.data.iter().map(|element| (element.last_changed, &element.last_changed_by));
    let latest = elements.fold(own, |latest, element| if element.0 > latest.0 { element } else { latest });
    latest.1.clone()
}

#[cfg(test)]
mod tests {
    use mottak_model::{
        AppId, DataElement, InstanceId, InstanceOwner, InstanceStatus, ProcessElement, ProcessState, TextElement,
    };
    use mottak_testing::covers;

    use super::*;

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    fn instance() -> Instance {
        let party = PartyId::new(1337);
        Instance {
            id: InstanceId::new(party, Guid::from_u128(1)),
            instance_owner: InstanceOwner {
                party_id: party,
                person_number: None,
                organisation_number: None,
                username: None,
                external_identifier: None,
            },
            app_id: AppId::new("ttd", "navn"),
            org: "ttd".to_owned(),
            self_links: None,
            due_before: Some(time("2025-07-01")),
            visible_after: None,
            process: None,
            status: InstanceStatus::default(),
            complete_confirmations: None,
            data: Vec::new(),
            presentation_texts: None,
            data_values: None,
            created: Some(time("2025-06-01")),
            created_by: None,
            last_changed: Some(time("2025-06-02")),
            last_changed_by: Some("1337".to_owned()),
        }
    }

    fn texts(entries: &[(Option<&str>, Option<&str>)]) -> TextResource {
        let element = |(id, value): &(Option<&str>, Option<&str>)| TextElement {
            id: id.map(str::to_owned),
            value: value.map(str::to_owned),
            variables: None,
        };
        TextResource { resources: entries.iter().map(element).collect(), ..TextResource::default() }
    }

    fn shown(instance: &Instance, texts: &TextResource) -> MessageBoxInstance {
        MessageBoxInstance::of(instance, Some(texts), Rights::default())
    }

    #[test]
    fn title_is_a_text_of_the_app_or_its_name() {
        let _rows = covers("platform-storage", &["M33", "M34"]);
        let both = texts(&[(None, Some("x")), (Some("ServiceName"), Some("Tjeneste")), (Some("appName"), Some("App"))]);
        let service = texts(&[(None, None), (Some("ServiceName"), Some("Tjeneste"))]);
        let neither = texts(&[(None, Some("appName")), (Some("appName"), None)]);
        let mut instance = instance();
        for (texts, title) in [(&both, "App"), (&service, "Tjeneste"), (&neither, "navn")] {
            assert_eq!(shown(&instance, texts).title, title);
        }
        instance.presentation_texts = Some([("b", "2"), ("a", "1")].map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        assert_eq!(shown(&instance, &both).title, "App, 1, 2");
        assert_eq!(shown(&instance, &both).presentation_text.as_deref(), Some("1, 2"));
        instance.presentation_texts = Some([("a".to_owned(), " ".to_owned())].into());
        assert_eq!(shown(&instance, &both).title, "App");
    }

    #[test]
    fn substatus_is_put_into_words() {
        let mut instance = instance();
        instance.status.substatus =
            Some(Substatus { label: Some("godkjent".to_owned()), description: Some("ukjent".to_owned()) });
        let substatus = shown(&instance, &texts(&[(Some("godkjent"), Some("Godkjent"))])).substatus.unwrap();
        assert_eq!(substatus.label.as_deref(), Some("Godkjent"));
        assert_eq!(substatus.description.as_deref(), Some("ukjent"));
    }

    #[test]
    fn current_task_has_the_message_boxs_own_words() {
        let _rows = covers("platform-storage", &["M35"]);
        let at = |task_type: &str| ProcessState {
            current_task: Some(ProcessElement {
                altinn_task_type: Some(task_type.to_owned()),
                ..ProcessElement::default()
            }),
            ..ProcessState::default()
        };
        let ended = ProcessState { ended: Some(time("2025-06-03")), ..ProcessState::default() };
        for (process, is_archived, expected) in [
            (None, false, "default"),
            (Some(ended.clone()), false, "Submit"),
            (Some(ended), true, "Archived"),
            (Some(at("confirmation")), false, "Confirmation"),
            (Some(at("feedback")), false, "Feedback"),
            (Some(at("signing")), false, "Signing"),
            (Some(at("data")), false, "FormFilling"),
            (Some(at("payment")), false, "FormFilling"),
            (Some(ProcessState::default()), false, "FormFilling"),
        ] {
            let mut instance = instance();
            instance.process = process;
            instance.status.is_archived = is_archived;
            assert_eq!(process_current_task(&instance), expected);
        }
    }

    #[test]
    fn languages_without_texts_are_bokmaal() {
        for (asked, language_of) in
            [(Some("EN"), "en"), (Some("nn"), "nn"), (Some("nb"), "nb"), (Some("fr"), "nb"), (None, "nb")]
        {
            assert_eq!(language(asked), language_of, "{asked:?}");
        }
    }

    #[test]
    fn last_change_may_be_an_elements() {
        let mut instance = instance();
        let mut element = DataElement::new(Guid::from_u128(2), instance.id.guid, "vedlegg");
        element.last_changed_by = Some("20".to_owned());
        element.last_changed = instance.last_changed;
        instance.data.push(element.clone());
        assert_eq!(last_changed_by(&instance).as_deref(), Some("1337"));
        element.last_changed = Some(time("2025-06-03"));
        instance.data.push(element);
        assert_eq!(last_changed_by(&instance).as_deref(), Some("20"));
    }

    #[test]
    fn what_is_done_is_due_no_more_and_what_waits_is_created_when_it_shows() {
        let mut instance = instance();
        let none = texts(&[]);
        assert_eq!(shown(&instance, &none).due_date_time, instance.due_before);
        instance.visible_after = Some(time("2025-06-05"));
        assert_eq!(shown(&instance, &none).created_date_time, instance.visible_after);
        instance.status.is_soft_deleted = true;
        assert_eq!((shown(&instance, &none).due_date_time, shown(&instance, &none).delete_status), (None, 1));
        instance.status = InstanceStatus { is_archived: true, ..InstanceStatus::default() };
        assert_eq!((shown(&instance, &none).due_date_time, shown(&instance, &none).delete_status), (None, 0));
    }
}
