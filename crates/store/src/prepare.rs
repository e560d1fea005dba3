//! A change as the rows will hold it. Made on the caller's side, so that the writer neither serialises nor
//! compresses.

use bytes::Bytes;
use mottak_model::{AppId, DataElement, Guid, Instance, InstanceId, Time};
use mottak_service::ports::{Body, Change, ElementChange, ElementPut, Expect, Job, Removal, Sha256, StoreFailure};
use sha2::Digest as _;

use crate::matching::search_text;
use crate::rules::{check, failure, stored_instance};
use crate::status::Status;

/// Larger bodies are not worth the attempt to make them fit into a row.
const WORTH_COMPRESSING: usize = 256 * 1024;

#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) id: InstanceId,
    pub(crate) expect: Expect,
    pub(crate) touch: bool,
    pub(crate) instance: Option<InstanceRow>,
    pub(crate) elements: Vec<PreparedElement>,
    /// A JSON array, when there are any.
    pub(crate) events: Option<String>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) removal: Option<Removal>,
}

#[derive(Debug)]
pub(crate) struct InstanceRow {
    pub(crate) app: AppId,
    pub(crate) org: String,
    pub(crate) status: Status,
    pub(crate) task: Option<String>,
    pub(crate) created: Option<Time>,
    pub(crate) due: Option<Time>,
    pub(crate) ended: Option<Time>,
    pub(crate) visible_after: Option<Time>,
    /// What a search for text looks into.
    pub(crate) search_text: String,
    pub(crate) doc: String,
}

#[derive(Debug)]
pub(crate) enum PreparedElement {
    Put(ElementRow),
    Drop(Guid),
}

#[derive(Debug)]
pub(crate) struct ElementRow {
    pub(crate) guid: Guid,
    /// Used when the element is not touched.
    pub(crate) changed: Option<Time>,
    pub(crate) touch: bool,
    pub(crate) body: PreparedBody,
    pub(crate) doc: String,
}

#[derive(Debug)]
pub(crate) enum PreparedBody {
    Keep,
    Inline(InlineBody),
    /// Has to be staged before the change is handed to the writer.
    Large {
        bytes: Bytes,
        sha256: Sha256,
    },
    Object {
        key: String,
        sha256: Sha256,
    },
}

/// A body as a row holds it.
#[derive(Debug)]
pub(crate) struct InlineBody {
    /// Bytes of the original.
    pub(crate) size: usize,
    pub(crate) sha256: Sha256,
    pub(crate) is_compressed: bool,
    pub(crate) bytes: Bytes,
}

impl Prepared {
    /// The objects that the change names.
    pub(crate) fn object_keys(&self) -> impl Iterator<Item = &str> {
        self.elements.iter().filter_map(|element| match element {
            PreparedElement::Put(row) => match &row.body {
                PreparedBody::Object { key, .. } => Some(key.as_str()),
                _ => None,
            },
            PreparedElement::Drop(_) => None,
        })
    }
}

/// Turns a change into rows. `inline_limit`: the largest body, after compression, that becomes a row.
pub(crate) fn prepare(change: Change, inline_limit: usize, now: Time) -> Result<Prepared, StoreFailure> {
    check(&change, now)?;
    let unwritable = |error| failure(&format!("write the documents of instance {}", change.id), error);
    let instance = change.instance.map(prepare_instance).transpose().map_err(unwritable)?;
    let mut elements = Vec::with_capacity(change.elements.len());
    for element in change.elements {
        elements.push(match element {
            ElementChange::Put(put) => PreparedElement::Put(prepare_element(*put, inline_limit).map_err(unwritable)?),
            ElementChange::Drop(guid) => PreparedElement::Drop(guid),
        });
    }
    let has_events = !change.events.is_empty();
    let events = has_events.then(|| serde_json::to_string(&change.events)).transpose().map_err(unwritable)?;
    Ok(Prepared {
        id: change.id,
        expect: change.expect,
        touch: change.touch,
        instance,
        elements,
        events,
        jobs: change.jobs,
        removal: change.removal,
    })
}

fn prepare_instance(instance: Instance) -> serde_json::Result<InstanceRow> {
    let instance = stored_instance(instance);
    let doc = serde_json::to_string(&instance)?;
    Ok(instance_row(instance, doc))
}

/// What lists go by, taken from an instance whose document is `doc`.
pub(crate) fn instance_row(instance: Instance, doc: String) -> InstanceRow {
    InstanceRow {
        status: Status::of(&instance),
        task: instance.current_task_id().map(str::to_owned),
        created: instance.created,
        due: instance.due_before,
        ended: instance.process.as_ref().and_then(|process| process.ended),
        visible_after: instance.visible_after,
        search_text: search_text(&instance),
        app: instance.app_id,
        org: instance.org,
        doc,
    }
}

fn prepare_element(put: ElementPut, inline_limit: usize) -> serde_json::Result<ElementRow> {
    let changed = put.element.last_changed;
    let stored = DataElement { self_links: None, last_changed: None, ..put.element };
    let body = match put.body {
        Body::Keep => PreparedBody::Keep,
        Body::Staged(staged) => PreparedBody::Object { key: staged.key, sha256: staged.sha256 },
        Body::Bytes(bytes) => match shrink(bytes, inline_limit) {
            Ok(inline) => PreparedBody::Inline(inline),
            Err(large) => {
                let sha256 = sha2::Sha256::digest(&large).into();
                PreparedBody::Large { bytes: large, sha256 }
            }
        },
    };
    Ok(ElementRow { guid: stored.id, changed, touch: put.touch, body, doc: serde_json::to_string(&stored)? })
}

/// The body as a row, compressed if it shrinks; or the body itself when it is too large for a row.
pub(crate) fn shrink(original: Bytes, inline_limit: usize) -> Result<InlineBody, Bytes> {
    let size = original.len();
    let sha256 = |bytes: &Bytes| sha2::Sha256::digest(bytes).into();
    if size <= WORTH_COMPRESSING {
        let compressed = lz4_flex::block::compress(&original);
        if compressed.len() < size && compressed.len() <= inline_limit {
            let sha256 = sha256(&original);
            return Ok(InlineBody { size, sha256, is_compressed: true, bytes: compressed.into() });
        }
    }
    if size > inline_limit {
        return Err(original);
    }
    Ok(InlineBody { size, sha256: sha256(&original), is_compressed: false, bytes: original })
}

/// The original bytes of a stored body.
pub(crate) fn restore(size: usize, is_compressed: bool, stored: &[u8]) -> Result<Bytes, StoreFailure> {
    if !is_compressed {
        return Ok(Bytes::copy_from_slice(stored));
    }
    let original = lz4_flex::block::decompress(stored, size).map_err(|error| failure("read a stored body", error))?;
    Ok(original.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1024;

    #[test]
    fn a_body_is_compressed_only_if_it_shrinks() {
        let text = Bytes::from("<skjema>".repeat(1000));
        let row = shrink(text.clone(), LIMIT).unwrap();
        assert!(row.is_compressed && row.bytes.len() < 200);
        assert_eq!(restore(row.size, row.is_compressed, &row.bytes).unwrap(), text);

        let short = Bytes::from_static(b"x");
        let row = shrink(short.clone(), LIMIT).unwrap();
        assert!(!row.is_compressed);
        assert_eq!(restore(row.size, row.is_compressed, &row.bytes).unwrap(), short);
    }

    #[test]
    fn a_body_that_stays_large_is_no_row() {
        let noise: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let noise = Bytes::from(noise);
        assert_eq!(shrink(noise.clone(), LIMIT).unwrap_err(), noise);
    }

    #[test]
    fn a_damaged_body_is_a_failure_not_a_panic() {
        assert!(restore(10, true, b"\xff\xff\xff\xff").is_err());
    }
}
