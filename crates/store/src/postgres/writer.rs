//! The one writer of this node: a task that commits what is waiting as one transaction.
//!
//! It takes whatever waits (up to a limit), reads and locks what the changes are about, decides each of them on a
//! [`Sheet`], writes what differs, and answers all when the transaction is durable: two round trips, however many
//! changes. There is no timer: an idle store commits at once, a busy one batches by itself.
//!
//! A conflict is decided here and hurts nobody else. Whatever the database refuses makes the changes of the group be
//! tried one at a time. When the connection breaks during the commit, the mark that the transaction left tells on the
//! next connection whether it took place; whoever asks leaves the mark itself, so that it never will if it has not yet.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mottak_model::{AppId, Guid, InstanceId, PartyId, Time};
use mottak_service::ports::{Clock, CommitFailure, Committed, Expect, Ids as _, RandomIds, StoreFailure};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::link::{Address, Call, Link, Session, failed, is_lost, plain};
use super::rows::{self, AppNumbers};
use super::sheet::{Conflict, Content, Element, Live, Sheet};
use super::{CommitOrder, PostgresOptions};
use crate::prepare::Prepared;
use crate::rules::failure;

/// Work that may wait before callers have to wait for a place in the queue.
const QUEUE: usize = 1024;
/// How often a group is tried when others were in its way or the connection was lost.
const ATTEMPTS: u32 = 6;
/// How long it is tried to learn the outcome of a commit whose connection broke.
const PATIENCE: Duration = Duration::from_secs(30);
/// Job numbers that are taken at a time.
const NUMBERS: i64 = 10_000;

const ATTEMPT: &str = "commit a group of changes";

/// In the order in which they are given, which has to be the same for everybody.
pub(super) const LOCK_INSTANCES: &str = "select k.party, k.guid, i.version, i.changed, i.last_event \
     from unnest($1::int4[], $2::uuid[]) as k (party, guid) cross join lateral \
     (select version, changed, last_event from instance where party = k.party and guid = k.guid for update) i";
/// What stands behind an offset is looked up for each of the keys, and never read as a whole.
pub(super) const READ_ELEMENTS: &str = "select k.party, k.guid, e.guid, e.position, e.content, e.object_key \
     from unnest($1::int4[], $2::uuid[]) as k (party, guid) cross join lateral \
     (select guid, position, content, object_key from element where party = k.party and instance = k.guid offset 0) e";
pub(super) const READ_TOMBSTONES: &str = "select k.party, k.guid from unnest($1::int4[], $2::uuid[]) as k (party, guid) cross join lateral \
     (select 1 from removed where party = k.party and guid = k.guid offset 0) r";
const LOCK_CLOCK: &str = "select last from clock where id = 0 for update";
const SET_CLOCK: &str = "update clock set last = $1 where id = 0";
const MARK_BATCH: &str = "insert into batch (id, at) values ($1, $2)";
const SETTLE_BATCH: &str = "insert into batch (id, at) values ($1, $2) on conflict (id) do nothing";
const FIND_APP: &str = "select id from app where name = $1 and org = $2";
const ADD_APP: &str = "insert into app (id, name, org) select coalesce(max(id), 0) + 1, $1, $2 from app \
     on conflict do nothing";
const TAKE_NUMBERS: &str = "update counter set last = last + $1 where name = 'job' returning last";

struct Order {
    change: Prepared,
    answer: oneshot::Sender<Result<Committed, CommitFailure>>,
}

enum Command {
    Commit(Box<Order>),
    /// Answers when the writer and its connection work.
    Ask(oneshot::Sender<Result<(), StoreFailure>>),
    Close(oneshot::Sender<()>),
}

/// The handle to the writer's task, which ends when it is dropped.
#[derive(Debug)]
pub(super) struct Writer {
    commands: mpsc::Sender<Command>,
}

impl Writer {
    /// Starts the task. Must be called within a runtime.
    pub(super) fn start(address: &Arc<Address>, clock: Arc<dyn Clock>, options: &PostgresOptions) -> Self {
        let (commands, receiver) = mpsc::channel(QUEUE);
        let pen = Pen {
            link: Link::new(address),
            numbers_link: Link::new(address),
            clock,
            order: options.commit_order,
            apps: AppNumbers::new(),
            numbers: Vec::new(),
        };
        tokio::spawn(write(pen, receiver, options.group_limit.max(1)));
        Self { commands }
    }

    /// Answers when the change is durable.
    pub(super) async fn commit(&self, change: Prepared) -> Result<Committed, CommitFailure> {
        const ATTEMPT: &str = "commit a change";
        let (answer, outcome) = oneshot::channel();
        let order = Box::new(Order { change, answer });
        if self.commands.send(Command::Commit(order)).await.is_err() {
            return Err(closed(ATTEMPT).into());
        }
        outcome.await.unwrap_or_else(|_| Err(failure(ATTEMPT, "the writer gave it up").into()))
    }

    pub(super) async fn ask(&self) -> Result<(), StoreFailure> {
        const ATTEMPT: &str = "answer the readiness check";
        let (answer, outcome) = oneshot::channel();
        if self.commands.send(Command::Ask(answer)).await.is_err() {
            return Err(closed(ATTEMPT));
        }
        outcome.await.unwrap_or_else(|_| Err(failure(ATTEMPT, "the writer gave it up")))
    }

    /// Finishes what was accepted and ends the task. Later work is refused.
    pub(super) async fn close(&self) {
        let (answer, closed) = oneshot::channel();
        if self.commands.send(Command::Close(answer)).await.is_ok() {
            // An error means that the task is gone already.
            let _ = closed.await;
        }
    }
}

fn closed(attempt: &str) -> StoreFailure {
    failure(attempt, "the store is closed")
}

async fn write(mut pen: Pen, mut receiver: mpsc::Receiver<Command>, group_limit: usize) {
    let mut next = None;
    loop {
        let command = match next.take() {
            Some(command) => Some(command),
            None => receiver.recv().await,
        };
        let first = match command {
            None => return,
            Some(Command::Ask(answer)) => {
                let _ = answer.send(pen.ping().await);
                continue;
            }
            Some(Command::Close(answer)) => {
                receiver.close();
                drop(receiver);
                let _ = answer.send(());
                return;
            }
            Some(Command::Commit(order)) => order,
        };
        let mut group = vec![*first];
        while group.len() < group_limit
            && let Ok(command) = receiver.try_recv()
        {
            match command {
                Command::Commit(order) => group.push(*order),
                other => {
                    next = Some(other);
                    break;
                }
            }
        }
        pen.commit_and_answer(group).await;
    }
}

/// Why a transaction did not end as it should.
enum Trouble {
    /// It was not committed and may do better at once: others were in its way.
    Again(StoreFailure),
    /// It was not committed, because the connection broke.
    Lost(StoreFailure),
    /// The connection broke when it may have been committed already. If it was, this is how the changes fared.
    Unknown(Uuid, Vec<Outcome>),
    /// It was not committed and never will be.
    Refused(StoreFailure),
}

type Outcome = Result<Committed, Conflict>;

impl Trouble {
    /// An error before the commit was sent.
    fn before_commit(error: &Error) -> Self {
        let failure = failed(ATTEMPT, error);
        if is_lost(error) {
            Self::Lost(failure)
        } else if is_passing(error) {
            Self::Again(failure)
        } else {
            Self::Refused(failure)
        }
    }
}

/// Whether others were in the way: the same transaction may do better at once.
fn is_passing(error: &Error) -> bool {
    let states = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::LOCK_NOT_AVAILABLE];
    // Another node has made the same instance meanwhile: that will be a conflict.
    let is_late = error.code() == Some(&SqlState::UNIQUE_VIOLATION)
        && error.as_db_error().and_then(|refusal| refusal.table()).is_some_and(|table| table.starts_with("instance"));
    is_late || error.code().is_some_and(|code| states.contains(code))
}

/// What the writer has at hand.
struct Pen {
    link: Link,
    /// For numbers, which are taken outside of the transaction that uses them.
    numbers_link: Link,
    clock: Arc<dyn Clock>,
    order: CommitOrder,
    apps: AppNumbers,
    /// Job numbers that were taken and not used, the next one last.
    numbers: Vec<i64>,
}

impl Pen {
    async fn ping(&self) -> Result<(), StoreFailure> {
        self.link.query("answer the readiness check", &Call::new("select 1")).await.map(drop)
    }

    async fn commit_and_answer(&mut self, group: Vec<Order>) {
        let (changes, answers): (Vec<_>, Vec<_>) = group.into_iter().map(|order| (order.change, order.answer)).unzip();
        let all: Vec<&Prepared> = changes.iter().collect();
        let outcomes: Vec<Result<Committed, CommitFailure>> = match self.commit(&all).await {
            Ok(outcomes) => {
                outcomes.into_iter().map(|outcome| outcome.map_err(|Conflict| CommitFailure::Conflict)).collect()
            }
            Err(Refusal { cause, may_be_one: true }) if all.len() > 1 => {
                tracing::warn!(%cause, changes = all.len(), "a group of changes is tried one at a time");
                let mut outcomes = Vec::with_capacity(all.len());
                for change in all {
                    outcomes.push(self.commit_alone(change).await);
                }
                outcomes
            }
            Err(Refusal { cause, .. }) => {
                tracing::error!(%cause, "could not commit a group of changes");
                all.iter().map(|change| Err(refused(change, &cause))).collect()
            }
        };
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            // A caller that no longer waits needs no answer.
            let _ = answer.send(outcome);
        }
    }

    async fn commit_alone(&mut self, change: &Prepared) -> Result<Committed, CommitFailure> {
        match self.commit(&[change]).await {
            Ok(mut outcomes) => match outcomes.pop() {
                Some(Ok(committed)) => Ok(committed),
                _ => Err(CommitFailure::Conflict),
            },
            Err(Refusal { cause, .. }) => Err(refused(change, &cause)),
        }
    }

    async fn commit(&mut self, changes: &[&Prepared]) -> Result<Vec<Outcome>, Refusal> {
        let mut last = None;
        for attempt in 0..ATTEMPTS {
            match self.try_commit(changes).await {
                Ok(outcomes) => return Ok(outcomes),
                Err(Trouble::Refused(cause)) => return Err(Refusal { cause, may_be_one: true }),
                Err(Trouble::Again(cause)) => last = Some(cause),
                Err(Trouble::Lost(cause)) => {
                    last = Some(cause);
                    tokio::time::sleep(Duration::from_millis(25 << attempt)).await;
                }
                Err(Trouble::Unknown(batch, outcomes)) => match self.was_committed(batch).await {
                    Ok(true) => return Ok(outcomes),
                    Ok(false) => {}
                    Err(cause) => return Err(Refusal { cause, may_be_one: false }),
                },
            }
        }
        let cause = last.unwrap_or_else(|| failure(ATTEMPT, "the connection broke too often"));
        Err(Refusal { cause: StoreFailure { is_overload: true, ..cause }, may_be_one: false })
    }

    async fn try_commit(&mut self, changes: &[&Prepared]) -> Result<Vec<Outcome>, Trouble> {
        let session = self.link.session().await.map_err(|error| Trouble::before_commit(&error))?;
        let done = self.commit_on(&session, changes).await;
        if let Err(Trouble::Lost(_) | Trouble::Unknown(..)) = &done {
            self.link.forget(&session);
        }
        done
    }

    async fn commit_on(&mut self, session: &Session, changes: &[&Prepared]) -> Result<Vec<Outcome>, Trouble> {
        let before = |error: Error| Trouble::before_commit(&error);
        self.number_apps(session, changes).await.map_err(before)?;
        let mut sheet = self.read(session, changes).await?;
        let outcomes: Vec<Outcome> = changes.iter().map(|change| sheet.apply(change)).collect();
        if outcomes.iter().all(Result::is_err) {
            roll_back(session).await;
            return Ok(outcomes);
        }
        let numbers = match self.take_numbers(sheet.jobs.len()).await {
            Ok(numbers) => numbers,
            Err(cause) => {
                roll_back(session).await;
                return Err(Trouble::Lost(cause));
            }
        };
        let batch = RandomIds.guid();
        let mut calls = rows::statements(&sheet, &self.apps, numbers);
        if self.order == CommitOrder::Strict {
            calls.push(Call::new(SET_CLOCK).with(sheet.last.ticks(), Type::INT8));
        }
        calls.push(mark(MARK_BATCH, batch, self.clock.now()));
        // What is still to be prepared waits for answers: not behind the commit.
        for call in &calls {
            if let Err(error) = session.ready(call).await {
                roll_back(session).await;
                return Err(before(error));
            }
        }
        match session.pipeline("", &calls, "commit").await {
            Ok(_) => Ok(outcomes),
            Err(error) if is_lost(&error) => Err(Trouble::Unknown(batch, outcomes)),
            // The server has taken the commit for a rollback.
            Err(error) => Err(before(error)),
        }
    }

    /// Begins the transaction, locks the instances, and reads what the changes are decided on.
    async fn read<'a>(&self, session: &Session, changes: &[&'a Prepared]) -> Result<Sheet<'a>, Trouble> {
        let ids: BTreeSet<InstanceId> = changes.iter().map(|change| change.id).collect();
        let with_elements: BTreeSet<InstanceId> = changes
            .iter()
            .filter(|change| change.removal.is_some() || !change.elements.is_empty())
            .map(|change| change.id)
            .collect();
        let new: BTreeSet<InstanceId> =
            changes.iter().filter(|change| change.expect == Expect::Absent).map(|change| change.id).collect();
        let keyed = |sql, ids: &BTreeSet<InstanceId>| {
            let (parties, guids): (Vec<i32>, Vec<Guid>) = ids.iter().map(|id| (id.party.get(), id.guid)).unzip();
            Call::new(sql).with(parties, Type::INT4_ARRAY).with(guids, Type::UUID_ARRAY)
        };
        let mut calls =
            vec![keyed(LOCK_INSTANCES, &ids), keyed(READ_ELEMENTS, &with_elements), keyed(READ_TOMBSTONES, &new)];
        if self.order == CommitOrder::Strict {
            // Last, so that nobody waits for an instance while others wait for him.
            calls.push(Call::new(LOCK_CLOCK));
        }
        let answers = match session.pipeline("begin", &calls, "").await {
            Ok(answers) => answers,
            Err(error) => {
                roll_back(session).await;
                return Err(Trouble::before_commit(&error));
            }
        };
        let last = match answers.get(3).and_then(|rows| rows.first()) {
            Some(row) => Time::from_ticks(row.get(0)),
            None => Time::from_ticks(0),
        };
        let mut sheet = Sheet::new(self.order, self.clock.now(), last);
        for row in &answers[0] {
            let entry = sheet.entry(id_in(row));
            entry.is_stored = true;
            entry.live = Some(Live {
                version: row.get::<_, i64>(2) as u64,
                changed: Time::from_ticks(row.get(3)),
                last_event: row.get(4),
                row: None,
                is_changed: false,
            });
        }
        for row in &answers[1] {
            let content = Content::of(row.get(4), row.get(5));
            sheet.entry(id_in(row)).elements.push(Element {
                guid: row.get(2),
                position: row.get(3),
                stored: Some(content.clone()),
                content,
                row: None,
                body: None,
            });
        }
        for row in &answers[2] {
            sheet.entry(id_in(row)).has_tombstone = true;
        }
        for entry in sheet.entries.values_mut() {
            entry.elements.sort_unstable_by_key(|element| element.position);
        }
        Ok(sheet)
    }

    /// Learns the short numbers of the changes' apps. They are given for good, whatever becomes of the changes.
    async fn number_apps(&mut self, session: &Session, changes: &[&Prepared]) -> Result<(), Error> {
        for row in changes.iter().filter_map(|change| change.instance.as_ref()) {
            let name = (row.app.clone(), row.org.clone());
            while !self.apps.contains_key(&name) {
                match find_app(session, &name.0, &name.1).await? {
                    Some(number) => {
                        self.apps.insert(name.clone(), number);
                    }
                    None => {
                        let add = Call::new(ADD_APP)
                            .with(plain(name.0.as_str()), Type::TEXT)
                            .with(plain(&name.1), Type::TEXT);
                        session.execute(&session.ready(&add).await?).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Numbers for new jobs, ascending.
    async fn take_numbers(&mut self, count: usize) -> Result<Vec<i64>, StoreFailure> {
        if self.numbers.len() < count {
            let more = NUMBERS.max(i64::try_from(count).unwrap_or(i64::MAX));
            let call = Call::new(TAKE_NUMBERS).with(more, Type::INT8);
            let rows = self.numbers_link.query("number jobs", &call).await?;
            let last: i64 =
                rows.first().map(|row| row.get(0)).ok_or_else(|| failure("number jobs", "there is no counter"))?;
            // What is left of the block before is lower, and is never used.
            self.numbers = (last - more + 1..=last).rev().collect();
        }
        let mut taken = self.numbers.split_off(self.numbers.len() - count);
        taken.reverse();
        Ok(taken)
    }

    /// Whether the transaction with this mark took place. If it did not, it never will.
    async fn was_committed(&self, batch: Uuid) -> Result<bool, StoreFailure> {
        tracing::warn!(%batch, "the connection broke during a commit; asking for its outcome");
        let begin = tokio::time::Instant::now();
        let call = mark(SETTLE_BATCH, batch, self.clock.now());
        loop {
            let asked = self.link.execute("learn the outcome of a commit", &call).await;
            match asked {
                Ok(inserted) => return Ok(inserted == 0),
                Err(cause) if begin.elapsed() > PATIENCE => return Err(cause),
                Err(cause) => {
                    tracing::warn!(%cause, "still asking for the outcome of a commit");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }
}

/// The database did not take a group of changes.
struct Refusal {
    cause: StoreFailure,
    /// Whether it may be the fault of one of them.
    may_be_one: bool,
}

fn refused(change: &Prepared, cause: &StoreFailure) -> CommitFailure {
    let own = failure(&format!("change instance {}", change.id), &cause.cause);
    StoreFailure { is_overload: cause.is_overload, ..own }.into()
}

async fn roll_back(session: &Session) {
    if let Err(error) = session.run("rollback").await {
        tracing::warn!(cause = super::link::cause_of(&error), "could not roll back a group of changes");
    }
}

async fn find_app(session: &Session, app: &AppId, org: &str) -> Result<Option<i32>, Error> {
    let find = Call::new(FIND_APP).with(plain(app.as_str()), Type::TEXT).with(plain(org), Type::TEXT);
    Ok(session.query(&find).await?.first().map(|row| row.get(0)))
}

fn mark(sql: &'static str, batch: Uuid, now: Time) -> Call<'static> {
    Call::new(sql).with(batch, Type::UUID).with(now.ticks(), Type::INT8)
}

/// From the first two columns.
fn id_in(row: &Row) -> InstanceId {
    InstanceId::new(PartyId::new(row.get(0)), row.get(1))
}
