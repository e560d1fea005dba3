//! The one writer: an OS thread that owns the write connection and commits what is waiting as a group.
//!
//! It begins a transaction for the first piece of work, takes whatever else is waiting (up to a limit), runs each
//! piece, commits once, and answers all. There is no timer: an idle store commits at once, a busy one batches by itself.
//!
//! A piece that is refused has written nothing, as a rule: it looks before it writes. So a group runs without marks to
//! return to, each of which would cost a copy of every page that is written after it. When a piece fails half-way all
//! the same, the group is undone and run again, this time with a savepoint around each piece.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use mottak_service::ports::StoreFailure;
use tokio::sync::{mpsc, oneshot};

use super::ledger::Ledger;
use crate::rules::failure;

/// Work that may wait before callers have to wait for a place in the queue.
const QUEUE: usize = 1024;

/// Something to do on the writer thread.
trait Work: Send {
    /// Does it, inside the group's transaction; answers whether to keep what it wrote. A group that has to be undone is
    /// run again.
    fn run(&mut self, ledger: &mut Ledger) -> Effect;
    /// Tells the caller how it went, once the group is durable (or is not).
    fn answer(self: Box<Self>, durable: Result<(), StoreFailure>);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Keep,
    Undo,
}

/// Work for a caller who waits for its outcome.
struct Order<F, T, E> {
    work: F,
    outcome: Option<Result<T, E>>,
    sender: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Work for Order<F, T, E>
where
    F: FnMut(&mut Ledger) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreFailure> + Send,
{
    fn run(&mut self, ledger: &mut Ledger) -> Effect {
        let outcome = self.outcome.insert((self.work)(ledger));
        if outcome.is_ok() { Effect::Keep } else { Effect::Undo }
    }

    fn answer(self: Box<Self>, durable: Result<(), StoreFailure>) {
        let Self { outcome, sender, .. } = *self;
        let not_run = || Err(failure("run a piece of work", "its group did not get to it").into());
        // A caller that no longer waits needs no answer.
        let _ = sender.send(durable.map_err(E::from).and_then(|()| outcome.unwrap_or_else(not_run)));
    }
}

enum Command {
    Work(Box<dyn Work>),
    Close(oneshot::Sender<()>),
}

/// The handle to the writer thread. Dropping it waits until everything accepted is durable.
#[derive(Debug)]
pub(super) struct Writer {
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. `lock` is held until the thread ends.
    pub(super) fn start(ledger: Ledger, lock: File, group_limit: usize) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
            let _lock = lock;
            write(ledger, receiver, group_limit.max(1));
        })?;
        Ok(Self { commands: Some(sender), thread: Some(thread) })
    }

    /// Runs `work` on the writer thread and answers when its effect is durable. After an error nothing of it is kept.
    /// It may be run twice, when a neighbour's failure has undone the first time.
    pub(super) async fn submit<T, E>(
        &self,
        attempt: &str,
        work: impl FnMut(&mut Ledger) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreFailure> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let work = Box::new(Order { work, outcome: None, sender });
        let is_accepted = match &self.commands {
            Some(commands) => commands.send(Command::Work(work)).await.is_ok(),
            None => false,
        };
        if !is_accepted {
            return Err(failure(attempt, "the store is closed").into());
        }
        receiver.await.unwrap_or_else(|_| Err(failure(attempt, "the writer gave it up; the log says why").into()))
    }

    /// Finishes what was accepted, tidies the log and ends the thread. Later work is refused.
    pub(super) async fn close(&self) {
        let (sender, receiver) = oneshot::channel();
        if let Some(commands) = &self.commands
            && commands.send(Command::Close(sender)).await.is_ok()
        {
            // An error means that the thread is gone already.
            let _ = receiver.await;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer thread had panicked");
        }
    }
}

fn write(mut ledger: Ledger, mut receiver: mpsc::Receiver<Command>, group_limit: usize) {
    let mut closing = None;
    while closing.is_none()
        && let Some(command) = receiver.blocking_recv()
    {
        let first = match command {
            Command::Work(work) => work,
            Command::Close(closed) => {
                closing = Some(closed);
                break;
            }
        };
        let mut next = Some(first);
        let mut taken = 1;
        let group = std::iter::from_fn(|| {
            let work = next.take()?;
            if taken < group_limit {
                match receiver.try_recv() {
                    Ok(Command::Work(work)) => next = Some(work),
                    Ok(Command::Close(closed)) => closing = Some(closed),
                    Err(_) => {}
                }
                taken += 1;
            }
            Some(work)
        });
        write_group(&mut ledger, group);
        // Nobody waits for this but the next group.
        ledger.checkpoint_if_due();
    }
    receiver.close();
    if let Err(error) = ledger.connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())) {
        tracing::warn!(%error, "could not empty the write-ahead log on closing");
    }
    drop(ledger);
    if let Some(closed) = closing {
        let _ = closed.send(());
    }
}

fn write_group(ledger: &mut Ledger, group: impl Iterator<Item = Box<dyn Work>>) {
    let mut pieces = Vec::new();
    let outcome = run_group(ledger, group, &mut pieces).and_then(|()| ledger.commit());
    if let Err(error) = &outcome {
        tracing::error!(%error, "could not commit a group of changes");
        ledger.roll_back();
    }
    for piece in pieces {
        let durable = outcome.as_ref().map_err(|error| failure("commit a group of changes", error)).copied();
        // What runs after the commit must not end the thread either.
        if catch_unwind(AssertUnwindSafe(|| piece.answer(durable))).is_err() {
            tracing::error!("an answer of the store's writer panicked");
        }
    }
}

/// Runs the group's pieces in a transaction and puts those that are to be answered into `pieces`. One that panics is
/// undone and unanswered; its neighbours are not hurt.
fn run_group(
    ledger: &mut Ledger,
    group: impl Iterator<Item = Box<dyn Work>>,
    pieces: &mut Vec<Box<dyn Work>>,
) -> rusqlite::Result<()> {
    let begun = ledger.begin();
    let mut has_remains = false;
    for mut piece in group {
        if begun.is_err() || has_remains {
            // Its turn comes with the second run, if there is one.
            pieces.push(piece);
            continue;
        }
        let written_before = ledger.connection.total_changes();
        let effect = run_guarded(ledger, &mut *piece);
        has_remains = effect != Some(Effect::Keep) && ledger.connection.total_changes() != written_before;
        if effect.is_some() {
            pieces.push(piece);
        }
    }
    begun?;
    if has_remains {
        ledger.roll_back();
        ledger.begin()?;
        let mut broken = Ok(());
        pieces.retain_mut(|piece| match broken.as_ref().map(|()| run_with_savepoint(ledger, &mut **piece)) {
            Ok(Ok(is_answered)) => is_answered,
            Ok(Err(error)) => {
                broken = Err(error);
                true
            }
            Err(_) => true,
        });
        broken?;
    }
    Ok(())
}

/// `None`: it panicked.
fn run_guarded(ledger: &mut Ledger, piece: &mut dyn Work) -> Option<Effect> {
    catch_unwind(AssertUnwindSafe(|| piece.run(ledger)))
        .inspect_err(|_| tracing::error!("a change panicked in the store's writer"))
        .ok()
}

/// Answers whether there is anything to tell the caller.
fn run_with_savepoint(ledger: &mut Ledger, piece: &mut dyn Work) -> rusqlite::Result<bool> {
    ledger.run("savepoint work")?;
    let effect = run_guarded(ledger, piece);
    if effect != Some(Effect::Keep) {
        ledger.run("rollback to work")?;
    }
    ledger.run("release work")?;
    Ok(effect.is_some())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use mottak_service::ports::SystemClock;

    use super::super::{Options, SqliteStore};
    use super::*;

    fn store(folder: &tempfile::TempDir) -> Arc<SqliteStore> {
        SqliteStore::open(folder.path(), Arc::new(SystemClock), Options::default()).unwrap()
    }

    fn add_app(ledger: &Ledger, name: &str) {
        ledger.connection.execute("insert into app (name, org) values (?, 'ttd')", [name]).unwrap();
    }

    async fn apps(store: &SqliteStore) -> Vec<String> {
        let read = |ledger: &mut Ledger| -> Result<Vec<String>, StoreFailure> {
            let mut statement = ledger.connection.prepare("select name from app order by name").unwrap();
            Ok(statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect())
        };
        store.writer.submit("read the apps", read).await.unwrap()
    }

    #[tokio::test]
    async fn work_that_panics_is_undone_and_answered_and_its_neighbours_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let good = store.writer.submit("be good", |ledger| {
            add_app(ledger, "kept");
            Ok::<_, StoreFailure>(())
        });
        let panicking = store.writer.submit("panic", |ledger| -> Result<(), StoreFailure> {
            add_app(ledger, "lost");
            panic!("on purpose")
        });
        let refused = store.writer.submit("be refused", |ledger| -> Result<(), StoreFailure> {
            add_app(ledger, "refused");
            Err(failure("be refused", "on purpose"))
        });
        let (good, panicking, refused) = tokio::join!(good, panicking, refused);
        assert!(good.is_ok() && panicking.is_err() && refused.is_err());
        assert_eq!(apps(&store).await, ["kept"]);
    }

    /// How often a piece runs that shares its group with a neighbour who fails after doing this.
    async fn runs_beside(neighbour: fn(&Ledger)) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let holding = store.writer.submit("hold the writer", move |_| {
            // Until the others wait: they are one group then.
            let _ = gate.recv();
            Ok::<_, StoreFailure>(())
        });
        let counting = store.writer.submit("count", move |ledger| {
            counted.fetch_add(1, Ordering::Relaxed);
            add_app(ledger, "kept");
            Ok::<_, StoreFailure>(())
        });
        let failing = store.writer.submit("fail", move |ledger| -> Result<(), StoreFailure> {
            neighbour(ledger);
            Err(failure("fail", "on purpose"))
        });
        let opening = async move { drop(open) };
        let (holding, counting, failing, ()) = tokio::join!(holding, counting, failing, opening);
        assert!(holding.is_ok() && counting.is_ok() && failing.is_err());
        assert_eq!(apps(&store).await, ["kept"]);
        runs.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn a_group_runs_again_only_if_a_refused_piece_had_written() {
        assert_eq!(runs_beside(|_| {}).await, 1);
        assert_eq!(runs_beside(|ledger| add_app(ledger, "half")).await, 2);
    }

    #[tokio::test]
    async fn a_group_that_cannot_be_committed_is_undone_and_the_next_one_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let broken = store.writer.submit("end the transaction early", |ledger| {
            add_app(ledger, "lost");
            ledger.connection.execute_batch("rollback").unwrap();
            Ok::<_, StoreFailure>(())
        });
        assert!(broken.await.is_err());
        assert_eq!(apps(&store).await, Vec::<String>::new());
    }
}
