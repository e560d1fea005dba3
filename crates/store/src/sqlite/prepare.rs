//! A change as the rows will hold it. Made on the caller's side, so that the writer thread neither serialises nor
//! compresses.

use bytes::Bytes;
use mottak_model::{AppId, DataElement, Guid, Instance, InstanceId, Time};
use mottak_service::ports::{Body, Change, ElementChange, ElementPut, Expect, Job, StoreFailure};

use crate::rules::{check, failure, stored_instance};
use crate::status::Status;

/// Larger bodies are not worth the attempt to make them fit into a row.
const WORTH_COMPRESSING: usize = 256 * 1024;

#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) id: InstanceId,
    pub(super) expect: Expect,
    pub(super) touch: bool,
    pub(super) instance: Option<InstanceRow>,
    pub(super) elements: Vec<PreparedElement>,
    /// A JSON array, when there are any.
    pub(super) events: Option<String>,
    pub(super) jobs: Vec<Job>,
}

#[derive(Debug)]
pub(super) struct InstanceRow {
    pub(super) app: AppId,
    pub(super) org: String,
    pub(super) status: Status,
    pub(super) task: Option<String>,
    pub(super) created: Option<Time>,
    pub(super) due: Option<Time>,
    pub(super) ended: Option<Time>,
    pub(super) visible_after: Option<Time>,
    pub(super) doc: String,
}

#[derive(Debug)]
pub(super) enum PreparedElement {
    Put(ElementRow),
    Drop(Guid),
}

#[derive(Debug)]
pub(super) struct ElementRow {
    pub(super) guid: Guid,
    /// Used when the element is not touched.
    pub(super) changed: Option<Time>,
    pub(super) touch: bool,
    pub(super) body: PreparedBody,
    pub(super) doc: String,
}

#[derive(Debug)]
pub(super) enum PreparedBody {
    Keep,
    Inline(InlineBody),
    /// Has to be staged before the change is handed to the writer.
    Large(Bytes),
    Object {
        key: String,
    },
}

/// A body as a row holds it.
#[derive(Debug)]
pub(super) struct InlineBody {
    /// Bytes of the original.
    pub(super) size: usize,
    pub(super) is_compressed: bool,
    pub(super) bytes: Bytes,
}

/// Turns a change into rows. `inline_limit`: the largest body, after compression, that becomes a row.
pub(super) fn prepare(change: Change, inline_limit: usize) -> Result<Prepared, StoreFailure> {
    check(&change)?;
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
    })
}

fn prepare_instance(instance: Instance) -> serde_json::Result<InstanceRow> {
    let instance = stored_instance(instance);
    let doc = serde_json::to_string(&instance)?;
    Ok(InstanceRow {
        status: Status::of(&instance),
        task: instance.current_task_id().map(str::to_owned),
        created: instance.created,
        due: instance.due_before,
        ended: instance.process.as_ref().and_then(|process| process.ended),
        visible_after: instance.visible_after,
        app: instance.app_id,
        org: instance.org,
        doc,
    })
}

fn prepare_element(put: ElementPut, inline_limit: usize) -> serde_json::Result<ElementRow> {
    let changed = put.element.last_changed;
    let stored = DataElement { self_links: None, last_changed: None, ..put.element };
    let body = match put.body {
        Body::Keep => PreparedBody::Keep,
        Body::Staged(staged) => PreparedBody::Object { key: staged.key },
        Body::Bytes(bytes) => match shrink(bytes, inline_limit) {
            Ok(inline) => PreparedBody::Inline(inline),
            Err(large) => PreparedBody::Large(large),
        },
    };
    Ok(ElementRow { guid: stored.id, changed, touch: put.touch, body, doc: serde_json::to_string(&stored)? })
}

/// The body as a row, compressed if it shrinks; or the body itself when it is too large for a row.
fn shrink(original: Bytes, inline_limit: usize) -> Result<InlineBody, Bytes> {
    let size = original.len();
    if size <= WORTH_COMPRESSING {
        let compressed = lz4_flex::block::compress(&original);
        if compressed.len() < size && compressed.len() <= inline_limit {
            return Ok(InlineBody { size, is_compressed: true, bytes: compressed.into() });
        }
    }
    if size <= inline_limit { Ok(InlineBody { size, is_compressed: false, bytes: original }) } else { Err(original) }
}

/// The original bytes of a stored body.
pub(super) fn restore(size: usize, is_compressed: bool, stored: &[u8]) -> Result<Bytes, StoreFailure> {
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
