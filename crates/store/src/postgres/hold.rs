//! Holding the objects of a store while one moment of it is read: see the SQLite store's `hold`. Here a hold is a lease
//! in the database, by the database's clock, so that all nodes respect it.

use std::sync::Arc;
use std::time::Duration;

use mottak_model::Guid;
use mottak_service::ports::{Ids as _, RandomIds, StoreFailure};
use tokio::task::JoinHandle;
use tokio_postgres::types::Type;

use super::link::{Address, Call, Link};

const HOLD: &str = "insert into lease (name, holder, epoch, until) \
     values ($1, $2, 1, now() + interval '15 minutes') \
     on conflict (name) do update set epoch = lease.epoch + 1, until = excluded.until";
const LET_GO: &str = "delete from lease where name = $1";
const IS_HELD: &str = "select 1 from lease where name like 'backup-%' and until > now() limit 1";
const FORGET: &str = "delete from lease where name like 'backup-%' and until < now() - interval '1 day'";
const HEARTBEAT: Duration = Duration::from_mins(1);

/// Lasts until it is ended, or a quarter of an hour after its holder is gone.
#[derive(Debug)]
pub(super) struct Hold {
    link: Arc<Link>,
    name: String,
    heart: JoinHandle<()>,
}

impl Hold {
    pub(super) async fn begin(address: &Arc<Address>) -> Result<Self, StoreFailure> {
        let (link, holder) = (Arc::new(Link::new(address)), RandomIds.guid());
        let name = format!("backup-{}", holder.simple());
        link.execute("forget old holds", &Call::new(FORGET)).await?;
        beat(&link, &name, holder).await?;
        let (beating, beaten) = (Arc::clone(&link), name.clone());
        let heart = tokio::spawn(async move {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                if let Err(failure) = beat(&beating, &beaten, holder).await {
                    tracing::warn!(%failure, "could not say that objects are still needed");
                }
            }
        });
        Ok(Self { link, name, heart })
    }

    pub(super) async fn end(&self) -> Result<(), StoreFailure> {
        self.heart.abort();
        let let_go = Call::new(LET_GO).with(self.name.as_str(), Type::TEXT);
        self.link.execute("let go of the objects", &let_go).await.map(drop)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.heart.abort();
    }
}

async fn beat(link: &Link, name: &str, holder: Guid) -> Result<(), StoreFailure> {
    let call = Call::new(HOLD).with(name, Type::TEXT).with(holder, Type::UUID);
    link.execute("hold the objects of the store", &call).await.map(drop)
}

/// Whether somebody holds the objects.
pub(super) async fn is_held(link: &Link) -> Result<bool, StoreFailure> {
    Ok(!link.query("look for who needs the objects", &Call::new(IS_HELD)).await?.is_empty())
}
