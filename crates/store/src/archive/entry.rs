//! The pieces of a store, each a line of JSON in an archive.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use mottak_model::{Guid, PartyId, Time};
use mottak_service::ports::Sha256;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{from_hex, hex};

/// A piece of a store. Elements and history belong to the instance before them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Entry {
    Instance(InstanceEntry),
    Element(ElementEntry),
    /// The events of one change: a JSON array.
    History(Box<RawValue>),
    /// An instance of which only the history is left.
    RemovedInstance(RemovedEntry),
    Record(RecordEntry),
    Job(JobEntry),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct InstanceEntry {
    pub(crate) party: PartyId,
    pub(crate) guid: Guid,
    pub(crate) version: u64,
    pub(crate) changed: Time,
    /// As it is stored: without elements, links and `lastChanged`.
    pub(crate) document: Box<RawValue>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ElementEntry {
    pub(crate) guid: Guid,
    pub(crate) changed: Option<Time>,
    /// As it is stored: without links and `lastChanged`.
    pub(crate) document: Box<RawValue>,
    pub(crate) body: Option<BodyEntry>,
}

/// The content of an element.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "BodyLine", into = "BodyLine")]
pub(crate) struct BodyEntry {
    /// Bytes.
    pub(crate) size: u64,
    pub(crate) sha256: Sha256,
    pub(crate) content: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Bytes(Bytes),
    /// The key of an object.
    Object(String),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RemovedEntry {
    pub(crate) party: PartyId,
    pub(crate) guid: Guid,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RecordEntry {
    pub(crate) kind: String,
    pub(crate) key: String,
    pub(crate) version: u64,
    pub(crate) document: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct JobEntry {
    pub(crate) id: i64,
    pub(crate) due: Time,
    pub(crate) kind: String,
    pub(crate) body: String,
    pub(crate) attempts: u32,
    /// Why it was given up, if it was.
    pub(crate) buried: Option<String>,
}

/// A body as it is written: text where it is text, so that archives can be read by people too.
#[derive(Serialize, Deserialize)]
struct BodyLine {
    size: u64,
    sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<String>,
}

impl From<BodyEntry> for BodyLine {
    fn from(body: BodyEntry) -> Self {
        let line = Self { size: body.size, sha256: hex(&body.sha256), text: None, base64: None, object: None };
        match body.content {
            Content::Object(key) => Self { object: Some(key), ..line },
            Content::Bytes(bytes) => match std::str::from_utf8(&bytes) {
                Ok(text) => Self { text: Some(text.to_owned()), ..line },
                Err(_) => Self { base64: Some(STANDARD.encode(&bytes)), ..line },
            },
        }
    }
}

impl TryFrom<BodyLine> for BodyEntry {
    type Error = String;

    fn try_from(line: BodyLine) -> Result<Self, String> {
        let sha256 = from_hex(&line.sha256).ok_or("a checksum is not 64 hexadecimal digits")?;
        let content = match (line.text, line.base64, line.object) {
            (Some(text), None, None) => Content::Bytes(text.into()),
            (None, Some(text), None) => {
                Content::Bytes(STANDARD.decode(text).map_err(|error| error.to_string())?.into())
            }
            (None, None, Some(key)) => Content::Object(key),
            _ => return Err("a body is text, or base64, or an object".to_owned()),
        };
        Ok(Self { size: line.size, sha256, content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gives_back_exactly_what_was_written() {
        let document = || RawValue::from_string(r#"{"b":1.50,"a":"\u00e5"}"#.to_owned()).expect("JSON");
        let guid = Guid::from_u128(7);
        let body = |content| BodyEntry { size: 3, sha256: [0xab; 32], content };
        for content in [
            Content::Bytes(Bytes::from_static(b"<a>\n\0\"</a>")),
            Content::Bytes(Bytes::from_static(b"\xff\x00\xfe")),
            Content::Bytes(Bytes::new()),
            Content::Object("0123".to_owned()),
        ] {
            let element = ElementEntry { guid, changed: None, document: document(), body: Some(body(content)) };
            let line = serde_json::to_string(&Entry::Element(element.clone())).expect("a line");
            assert!(!line.contains('\n'), "{line}");
            let Entry::Element(read) = serde_json::from_str(&line).expect("the same entry") else { panic!("{line}") };
            assert_eq!(format!("{read:?}"), format!("{element:?}"));
            assert_eq!(read.document.get(), element.document.get());
        }
    }

    #[test]
    fn a_body_that_is_nothing_or_two_things_is_refused() {
        let sha256 = "00".repeat(32);
        for rest in ["", r#","text":"a","base64":"YQ==""#, r#","base64":"%""#] {
            let line = format!(r#"{{"size":1,"sha256":"{sha256}"{rest}}}"#);
            assert!(serde_json::from_str::<BodyEntry>(&line).is_err(), "{line}");
        }
        assert!(serde_json::from_str::<BodyEntry>(r#"{"size":1,"sha256":"0g","text":"a"}"#).is_err());
    }
}
