//! Lists of instances. Code picks the driving index; filters on columns are tested inside it; the documents of the
//! winners, with their elements, are joined in the same statement (architecture §3.3).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt as _;
use mottak_model::{AppId, DataElement, Guid, InstanceId, PartyId, Time};
use mottak_service::ports::{Cursor, InstanceQuery, Order, Page, StoreFailure, TimeRange};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row};

use super::PostgresStore;
use super::link::{Call, Link, Session, failed, is_lost, plain};
use super::read::{self, get};
use crate::matching::{QueryFacts, changed_range, matches, status_filter};

const ATTEMPT: &str = "list instances";

/// Apps whose orders are merged into one list. Of more, the candidates are sorted.
const MERGED_APPS: usize = 100;

/// Candidates that are looked into at a time, at most.
const SCANNED_AT_ONCE: usize = 2_000;

/// One moment for all statements of a list.
const BEGIN: &str = "begin isolation level repeatable read read only";

const ELEMENTS_OF: &str = "select k.party, k.guid, e.position, e.changed, e.doc \
     from unnest($1::int4[], $2::uuid[]) as k (party, guid) cross join lateral \
     (select position, changed, doc from element where party = k.party and instance = k.guid offset 0) e";

impl PostgresStore {
    /// One page. One that ran out of the scan budget is short, but says where to go on.
    pub(super) async fn list(&self, query: InstanceQuery) -> Result<Page, StoreFailure> {
        if status_filter(&query).is_impossible() || query.reference.as_deref().is_some_and(|text| !is_reference(text)) {
            return Ok(Page::default());
        }
        let Some(apps) = self.apps.numbers(self.points.any(), &query).await? else { return Ok(Page::default()) };
        let link = self.lists.lend(ATTEMPT).await?;
        match self.list_once(&link, &query, &apps).await {
            Err(error) if is_lost(&error) => self.list_once(&link, &query, &apps).await,
            done => done,
        }
        .map_err(|error| failed(ATTEMPT, &error))?
    }

    async fn list_once(
        &self,
        link: &Link,
        query: &InstanceQuery,
        apps: &[i32],
    ) -> Result<Result<Page, StoreFailure>, Error> {
        link.with_session(async |session| {
            if query.needs_documents() || query.reference.is_some() {
                list_by_documents(session, query, apps, self.options.scan_budget.max(1)).await
            } else {
                list_by_keys(session, query, apps).await
            }
        })
        .await
    }
}

/// All filters are columns: keys and documents by one statement.
async fn list_by_keys(
    session: &Session,
    query: &InstanceQuery,
    apps: &[i32],
) -> Result<Result<Page, StoreFailure>, Error> {
    let rows = session.query(&page_statement(query, apps)).await?;
    Ok(gather(&rows, query))
}

/// The keys of the page, and what is joined to them: the instances at place 0, their elements at their own.
pub(super) fn page_statement(query: &InstanceQuery, apps: &[i32]) -> Call<'static> {
    let question = Question::of(query, apps);
    let keys = question.keys_statement("party, guid, changed", query.size);
    let mut sql = format!(
        "with k as materialized ({}) \
         select k.party, k.guid, k.changed, 0 as place, i.changed, i.doc from k cross join lateral \
         (select changed, doc from instance where party = k.party and guid = k.guid offset 0) i",
        keys.0
    );
    if query.include_elements {
        sql.push_str(
            " union all select k.party, k.guid, k.changed, e.position, e.changed, e.doc from k cross join lateral \
             (select position, changed, doc from element where party = k.party and instance = k.guid offset 0) e",
        );
    }
    keys.1.into_iter().fold(Call::new(sql), |call, (value, kind)| call.with_boxed(value, kind))
}

/// The page that the rows of [`page_statement`] make.
fn gather(rows: &[Row], query: &InstanceQuery) -> Result<Page, StoreFailure> {
    let mut places = Vec::with_capacity(rows.len());
    for row in rows {
        let cursor = Cursor { changed: Time::from_ticks(get(row, 2, ATTEMPT)?), guid: get(row, 1, ATTEMPT)? };
        places.push((cursor, get::<i32>(row, 3, ATTEMPT)?, row));
    }
    places.sort_unstable_by(|(left, left_place, _), (right, right_place, _)| {
        crate::matching::compare(query.order, *left, *right).then(left_place.cmp(right_place))
    });
    let mut page = Page::default();
    let (mut found, mut last) = (0, None);
    let mut is_readable = false;
    for (cursor, place, row) in places {
        if place == 0 {
            (found, last) = (found + 1, Some(cursor));
            let instance = readable(cursor.guid, read::instance(row, 4, 5, ATTEMPT));
            is_readable = instance.is_some();
            page.instances.extend(instance);
        } else if is_readable && let Some(instance) = page.instances.last_mut() {
            instance.data.extend(readable(cursor.guid, read::element(row, 4, 5, ATTEMPT)));
        }
    }
    page.next = last.filter(|_| found == query.size);
    Ok(page)
}

/// Some filter needs the document: look at one candidate after the other, but not at too many.
async fn list_by_documents(
    session: &Session,
    query: &InstanceQuery,
    apps: &[i32],
    scan_budget: usize,
) -> Result<Result<Page, StoreFailure>, Error> {
    let moment = Moment { session };
    let mut page = Page::default();
    let mut begin = BEGIN;
    let mut left = scan_budget;
    let mut at_once = query.size.saturating_mul(2).clamp(64, SCANNED_AT_ONCE);
    let mut rest = query.clone();
    while left > 0 {
        at_once = at_once.min(left);
        let question = Question::of(&rest, apps);
        let rows = session.pipeline(begin, &[question.candidates_statement(&rest, at_once)], "").await?.pop();
        let rows = rows.unwrap_or_default();
        begin = "";
        for row in &rows {
            let cursor = match cursor_in(row) {
                Ok(cursor) => cursor,
                Err(failure) => return Ok(Err(failure)),
            };
            left -= 1;
            rest.after = Some(cursor);
            let is_candidate = row.try_get::<_, Option<&str>>(3).is_ok_and(|doc| doc.is_some());
            if is_candidate
                && let Some(instance) = readable(cursor.guid, read::instance(row, 2, 3, ATTEMPT))
                && matches(query, &instance)
            {
                page.instances.push(instance);
            }
            if page.instances.len() == query.size || left == 0 {
                page.next = Some(cursor);
                break;
            }
        }
        if page.next.is_some() || rows.len() < at_once {
            break;
        }
        at_once = (at_once * 2).min(SCANNED_AT_ONCE);
    }
    if query.include_elements && !page.instances.is_empty() {
        let (parties, guids): (Vec<i32>, Vec<Guid>) =
            page.instances.iter().map(|instance| (instance.id.party.get(), instance.id.guid)).unzip();
        let call = Call::new(ELEMENTS_OF).with(parties, Type::INT4_ARRAY).with(guids, Type::UUID_ARRAY);
        let rows = session.query(&call).await?;
        if let Err(failure) = add_elements(&mut page, &rows) {
            return Ok(Err(failure));
        }
    }
    drop(moment);
    Ok(Ok(page))
}

fn cursor_in(row: &Row) -> Result<Cursor, StoreFailure> {
    Ok(Cursor { changed: Time::from_ticks(get(row, 2, ATTEMPT)?), guid: get(row, 1, ATTEMPT)? })
}

fn add_elements(page: &mut Page, rows: &[Row]) -> Result<(), StoreFailure> {
    let mut by_instance: HashMap<InstanceId, Vec<(i32, DataElement)>> = HashMap::new();
    for row in rows {
        let id = InstanceId::new(PartyId::new(get(row, 0, ATTEMPT)?), get(row, 1, ATTEMPT)?);
        if let Some(element) = readable(id.guid, read::element(row, 3, 4, ATTEMPT)) {
            by_instance.entry(id).or_default().push((get(row, 2, ATTEMPT)?, element));
        }
    }
    for instance in &mut page.instances {
        let mut elements = by_instance.remove(&instance.id).unwrap_or_default();
        elements.sort_by_key(|(position, _)| *position);
        instance.data.extend(elements.into_iter().map(|(_, element)| element));
    }
    Ok(())
}

/// A transaction that only reads. It ends when this is dropped, also when its reader gives up.
struct Moment<'s> {
    session: &'s Session,
}

impl Drop for Moment<'_> {
    fn drop(&mut self) {
        // Polled once, the words are on their way. Nobody waits for the answer.
        let _ = self.session.run("rollback").now_or_never();
    }
}

/// One damaged document must not keep a list from its reader: it is told in the log and left out.
fn readable<T>(instance: Guid, read: Result<T, StoreFailure>) -> Option<T> {
    read.inspect_err(|failure| tracing::error!(%instance, %failure, "a damaged document is left out of a list")).ok()
}

type Value = Box<dyn ToSql + Sync + Send>;

/// The part of a question that an index answers.
struct Question {
    /// One list for each of these, merged; one list of everything when there are none.
    apps: Vec<i32>,
    order: Order,
    conditions: Vec<String>,
    values: Vec<(Value, Type)>,
}

impl Question {
    /// `apps`: the short numbers of the apps that are asked for; none when all are.
    fn of(query: &InstanceQuery, apps: &[i32]) -> Self {
        let mut question = Self { apps: Vec::new(), order: query.order, conditions: Vec::new(), values: Vec::new() };
        let status = status_filter(query);
        if let Some(party) = query.party {
            question.demand("party =", party.get(), Type::INT4);
        }
        match apps {
            [] => {}
            apps if query.party.is_some() || apps.len() > MERGED_APPS => {
                let place = question.bind(apps.to_vec(), Type::INT4_ARRAY);
                // A sum is no key: so the order of an app is not taken for a way to the party.
                question.conditions.push(format!("app + 0 = any({place})"));
            }
            apps => {
                question.apps = apps.to_vec();
                if query.current_task.is_some() {
                    // Who stands at a task is at one. These words too are those of a partial index.
                    question.conditions.push("(status & 32) = 32".to_owned());
                } else if status.implies_ended_and_unconfirmed() {
                    // The words of the partial index, so that it is known to hold all that is asked for.
                    question.conditions.push("(status & 24) = 16".to_owned());
                }
            }
        }
        if let Some((mask, wanted)) = status.mask() {
            let (mask, wanted) = (question.bind(mask as i32, Type::INT4), question.bind(wanted as i32, Type::INT4));
            question.conditions.push(format!("(status & {mask}) = {wanted}"));
        }
        if let Some(task) = &query.current_task {
            question.demand("task =", plain(task).into_owned(), Type::TEXT);
        }
        question.within("changed", changed_range(query));
        question.within("created", query.created);
        question.within("ended", query.ended);
        question.within("visible_after", query.visible_after);
        question.within("due", query.due_before);
        if let Some(after) = query.after {
            let changed = question.bind(after.changed.ticks(), Type::INT8);
            let guid = question.bind(after.guid, Type::UUID);
            let comparison = match query.order {
                Order::Ascending => ">",
                Order::Descending => "<",
            };
            question.conditions.push(format!("(changed, guid) {comparison} ({changed}, {guid})"));
        }
        question
    }

    /// Answers the parameter's name.
    fn bind(&mut self, value: impl ToSql + Sync + Send + 'static, kind: Type) -> String {
        self.values.push((Box::new(value), kind));
        format!("${}", self.values.len())
    }

    fn demand(&mut self, comparison: &str, value: impl ToSql + Sync + Send + 'static, kind: Type) {
        let place = self.bind(value, kind);
        self.conditions.push(format!("{comparison} {place}"));
    }

    fn within(&mut self, column: &str, range: TimeRange) {
        if let Some(from) = range.at_least {
            self.demand(&format!("{column} >="), from.ticks(), Type::INT8);
        }
        if let Some(to) = range.below {
            self.demand(&format!("{column} <"), to.ticks(), Type::INT8);
        }
    }

    fn keys_statement(mut self, columns: &str, limit: usize) -> (String, Vec<(Value, Type)>) {
        let direction = match self.order {
            Order::Ascending => "asc",
            Order::Descending => "desc",
        };
        let limit = self.bind(i64::try_from(limit).unwrap_or(i64::MAX), Type::INT8);
        let end = format!(" order by changed {direction}, guid {direction} limit {limit}");
        let mut sql = String::new();
        match &std::mem::take(&mut self.apps)[..] {
            [] => self.write_part(columns, None, &mut sql),
            [app] => {
                let place = self.bind(*app, Type::INT4);
                self.write_part(columns, Some(&place), &mut sql);
            }
            apps => {
                for (number, app) in apps.iter().enumerate() {
                    sql.push_str(if number == 0 { "(" } else { " union all (" });
                    let place = self.bind(*app, Type::INT4);
                    self.write_part(columns, Some(&place), &mut sql);
                    // Each in order by itself, so that they can be merged.
                    sql.push_str(&end);
                    sql.push(')');
                }
            }
        }
        sql.push_str(&end);
        (sql, self.values)
    }

    fn write_part(&self, columns: &str, app: Option<&str>, sql: &mut String) {
        let _ = write!(sql, "select {columns} from instance");
        let app = app.map(|place| format!("app = {place}"));
        for (number, condition) in app.iter().chain(&self.conditions).enumerate() {
            let _ = write!(sql, " {} {condition}", if number == 0 { "where" } else { "and" });
        }
    }

    /// Keys, with the documents of those that are not ruled out by their texts or their guid.
    fn candidates_statement(mut self, query: &InstanceQuery, limit: usize) -> Call<'static> {
        let mut tests = Vec::new();
        if let Some(text) = &query.search_text {
            let place = self.bind(plain(&text.to_lowercase()).into_owned(), Type::TEXT);
            tests.push(format!("strpos(search_text, {place}) > 0"));
        }
        if let Some(reference) = &query.reference {
            let place = self.bind(reference.clone(), Type::TEXT);
            tests.push(format!("right(replace(guid::text, '-', ''), {}) = {place}", reference.len()));
        }
        let doc =
            if tests.is_empty() { "doc".to_owned() } else { format!("case when {} then doc end", tests.join(" and ")) };
        let (sql, values) = self.keys_statement(&format!("party, guid, changed, {doc} as doc"), limit);
        values.into_iter().fold(Call::new(sql), |call, (value, kind)| call.with_boxed(value, kind))
    }
}

/// One to thirty-two lower-case hexadecimal digits.
fn is_reference(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The short numbers of apps, as far as lists have asked for them.
#[derive(Debug, Default)]
pub(super) struct AppBook(Mutex<HashMap<(AppId, String), i32>>);

impl AppBook {
    /// The numbers of the app, or of all apps of the org; none when all apps are asked for. `None`: there is no such app.
    async fn numbers(&self, link: &Link, query: &InstanceQuery) -> Result<Option<Vec<i32>>, StoreFailure> {
        let call = match (&query.app, &query.org) {
            (None, None) => return Ok(Some(Vec::new())),
            (Some(app), Some(org)) => {
                if let Some(number) = self.known(app, org) {
                    return Ok(Some(vec![number]));
                }
                Call::new("select id from app where name = $1 and org = $2")
                    .with(plain(app.as_str()), Type::TEXT)
                    .with(plain(org), Type::TEXT)
            }
            (Some(app), None) => Call::new("select id from app where name = $1").with(plain(app.as_str()), Type::TEXT),
            (None, Some(org)) => Call::new("select id from app where org = $1").with(plain(org), Type::TEXT),
        };
        let rows = link.query(ATTEMPT, &call).await?;
        let mut numbers: Vec<i32> = rows.iter().map(|row| get(row, 0, ATTEMPT)).collect::<Result<_, _>>()?;
        // The same apps make the same statement.
        numbers.sort_unstable();
        if let (Some(app), Some(org), [number]) = (&query.app, &query.org, &numbers[..]) {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert((app.clone(), org.clone()), *number);
        }
        Ok((!numbers.is_empty()).then_some(numbers))
    }

    fn known(&self, app: &AppId, org: &str) -> Option<i32> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(app.clone(), org.to_owned())).copied()
    }
}
