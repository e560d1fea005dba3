//! What is in the store before the first request.

use bytes::Bytes;
use mottak_model::{DataElement, Instance, InstanceEvent};
use mottak_service::ports::{Body, Change, ElementChange, ElementPut, Expect};

use crate::TestServer;

/// The most bytes that the seed hands over with the change; longer bodies are staged first, as uploads are.
const AT_HAND: usize = 16 * 1024;

/// An instance that no request made, with the bytes of its elements and its history.
#[derive(Clone, Debug)]
pub struct Seed {
    pub instance: Instance,
    pub elements: Vec<(DataElement, Bytes)>,
    pub events: Vec<InstanceEvent>,
}

impl Seed {
    /// An instance without elements and history. Its own `data` does not count.
    pub fn of(instance: Instance) -> Self {
        Self { instance, elements: Vec::new(), events: Vec::new() }
    }

    /// With an element as it is given, times included.
    #[must_use]
    pub fn with(mut self, element: DataElement, body: impl Into<Bytes>) -> Self {
        self.elements.push((element, body.into()));
        self
    }
}

impl TestServer {
    /// Puts an instance into the store and answers it as it is kept there. Its `lastChanged` is the time the server's
    /// clock shows, or the microsecond after the last one seeded.
    pub async fn seed(&self, seed: Seed) -> Instance {
        let id = seed.instance.id;
        let mut change = Change::expecting(id, 0);
        change.expect = Expect::Absent;
        change.instance = Some(Instance { data: Vec::new(), self_links: None, ..seed.instance });
        change.touch = true;
        change.events = seed.events;
        for (element, bytes) in seed.elements {
            let body = self.body(bytes).await;
            let put = ElementPut { element: DataElement { self_links: None, ..element }, touch: false, body };
            change.elements.push(ElementChange::Put(Box::new(put)));
        }
        let store = &self.service.store;
        store.commit(change).await.unwrap_or_else(|failure| panic!("seed {id}: {failure}"));
        let snapshot = store.load(id).await.unwrap_or_else(|failure| panic!("load {id}: {failure}"));
        snapshot.unwrap_or_else(|| panic!("{id} was seeded just now")).instance
    }

    async fn body(&self, bytes: Bytes) -> Body {
        if bytes.len() <= AT_HAND {
            return Body::Bytes(bytes);
        }
        let mut writer = self.service.store.blobs().stage().await.expect("a body can be staged");
        writer.write(bytes).await.expect("a staged body takes bytes");
        Body::Staged(writer.finish().await.expect("a staged body can be kept"))
    }
}
