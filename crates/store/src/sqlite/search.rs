//! Lists of instances. Code, not the query planner, picks the driving index; all filters on columns are tested inside
//! it; then only the documents of the winners are fetched (architecture §3.3).

use std::fmt::Write;

use mottak_model::{Guid, Instance, Time};
use mottak_service::ports::{Cursor, InstanceQuery, Order, Page, StoreFailure, TimeRange};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};

use super::elements::{first_element, last_element};
use super::ledger::attempted;
use super::read::{self, Unreadable};
use crate::matching::{QueryFacts, changed_range, matches, status_filter};
use crate::rules::failure;

const ATTEMPT: &str = "list instances";

/// How much one page may look at. A page that ran out of it is short, perhaps empty, but says where to go on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Entries of the driving index.
    pub(super) keys: usize,
    /// Documents.
    pub(super) documents: usize,
}

/// Answers one page.
pub(super) fn search(connection: &Connection, query: &InstanceQuery, budget: Budget) -> Result<Page, StoreFailure> {
    // One moment for all statements. Ends, with nothing to undo, when dropped.
    let _moment = connection.unchecked_transaction().map_err(attempted(ATTEMPT))?;
    let Some(keys) = Keys::of(connection, query)? else { return Ok(Page::default()) };
    // A store with fewer instances than that is not worth the counting.
    let window = budget.keys.max(1);
    let window = (rows_at_most(connection)? > window).then_some(window);
    let page = if query.needs_documents() {
        search_documents(connection, query, &keys, window, budget.documents.max(1))?
    } else {
        search_keys(connection, query, &keys, window)?
    };
    match (page.next, window) {
        (None, Some(window)) => Ok(Page { next: keys.end_of_window(connection, query.order, window)?, ..page }),
        _ => Ok(page),
    }
}

/// All filters are columns: find the keys, then fetch the documents.
fn search_keys(
    connection: &Connection,
    query: &InstanceQuery,
    keys: &Keys,
    window: Option<usize>,
) -> Result<Page, StoreFailure> {
    let failed = attempted(ATTEMPT);
    let (sql, parameters) = keys.statement("id, changed, guid", query.order, window, query.size);
    let mut statement = connection.prepare_cached(&sql).map_err(&failed)?;
    let winners: Vec<(i64, Cursor)> = statement
        .query_map(params_from_iter(parameters), |row| Ok((row.get(0)?, place(row)?)))
        .and_then(Iterator::collect)
        .map_err(&failed)?;
    let mut instances = Vec::with_capacity(winners.len());
    for (id, _) in &winners {
        let instance = if query.include_elements { whole(connection, *id)? } else { bare(connection, *id)? };
        instances.extend(instance);
    }
    let next = winners.last().filter(|_| winners.len() == query.size).map(|(_, place)| *place);
    Ok(Page { instances, next })
}

/// Some filter needs the document: look at one candidate after the other, but not at too many. Where text is searched
/// for, the document is parsed only if the column of texts contains it.
fn search_documents(
    connection: &Connection,
    query: &InstanceQuery,
    keys: &Keys,
    window: Option<usize>,
    scan_budget: usize,
) -> Result<Page, StoreFailure> {
    let failed = attempted(ATTEMPT);
    let (sql, parameters) = keys.statement("id, changed, guid", query.order, window, scan_budget);
    let mut document =
        connection.prepare_cached("select changed, doc, search_text from instance where id = ?").map_err(&failed)?;
    let wanted = query.search_text.as_ref().map(|text| text.to_lowercase());
    let mut statement = connection.prepare_cached(&sql).map_err(&failed)?;
    let mut rows = statement.query(params_from_iter(parameters)).map_err(&failed)?;
    let mut page = Page::default();
    let mut scanned = 0;
    while let Some(row) = rows.next().map_err(&failed)? {
        scanned += 1;
        let id: i64 = row.get(0).map_err(&failed)?;
        let mut documents = document.query([id]).map_err(&failed)?;
        let candidate = documents.next().map_err(&failed)?.ok_or_else(missing)?;
        if may_contain(candidate, wanted.as_deref())?
            && let Some(instance) = readable(id, read::instance(candidate, 0, 1, ATTEMPT))?
            && matches(query, &instance)
        {
            page.instances.extend(if query.include_elements { whole(connection, id)? } else { Some(instance) });
        }
        if page.instances.len() == query.size || scanned == scan_budget {
            page.next = Some(place(row).map_err(&failed)?);
            break;
        }
    }
    Ok(page)
}

/// Whether the instance may have a presentation text with this part; what was stored before the column was there may.
fn may_contain(row: &Row<'_>, part: Option<&str>) -> Result<bool, StoreFailure> {
    let Some(part) = part else { return Ok(true) };
    let texts = row.get_ref(2).map_err(attempted(ATTEMPT))?;
    Ok(texts.as_str_or_null().map_or(true, |texts| texts.is_none_or(|texts| texts.contains(part))))
}

fn place(row: &Row<'_>) -> rusqlite::Result<Cursor> {
    Ok(Cursor { changed: Time::from_ticks(row.get(1)?), guid: Guid::from_bytes(row.get(2)?) })
}

/// One damaged document must not keep a list from its reader: it is told in the log and left out.
fn readable<T>(id: i64, read: Result<T, Unreadable>) -> Result<Option<T>, StoreFailure> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(Unreadable::Damaged(failure)) => {
            tracing::error!(row = id, %failure, "an instance is left out of a list");
            Ok(None)
        }
        Err(Unreadable::Failed(failure)) => Err(failure),
    }
}

/// The instance without its elements, if its document can be read.
fn bare(connection: &Connection, id: i64) -> Result<Option<Instance>, StoreFailure> {
    let failed = attempted(ATTEMPT);
    let mut statement = connection.prepare_cached("select changed, doc from instance where id = ?").map_err(&failed)?;
    let mut rows = statement.query([id]).map_err(&failed)?;
    let row = rows.next().map_err(&failed)?.ok_or_else(missing)?;
    readable(id, read::instance(row, 0, 1, ATTEMPT))
}

/// The instance with its elements, those that can be read.
fn whole(connection: &Connection, id: i64) -> Result<Option<Instance>, StoreFailure> {
    let failed = attempted(ATTEMPT);
    let mut statement = connection
        .prepare_cached(
            "select i.changed, i.doc, e.changed, e.doc from instance i left join element e on e.id between ? and ? \
             where i.id = ? order by e.id",
        )
        .map_err(&failed)?;
    let mut rows = statement.query([first_element(id), last_element(id), id]).map_err(&failed)?;
    let first = rows.next().map_err(&failed)?.ok_or_else(missing)?;
    let Some(mut instance) = readable(id, read::instance(first, 0, 1, ATTEMPT))? else { return Ok(None) };
    instance.data.extend(readable(id, read::element(first, 2, 3, ATTEMPT))?.flatten());
    while let Some(row) = rows.next().map_err(&failed)? {
        instance.data.extend(readable(id, read::element(row, 2, 3, ATTEMPT))?.flatten());
    }
    Ok(Some(instance))
}

fn missing() -> StoreFailure {
    failure(ATTEMPT, "a row of the index is missing")
}

/// Apps whose orders are merged into one list. Of more, the candidates are sorted.
const MERGED_APPS: usize = 100;

/// Not fewer than the rows there are.
fn rows_at_most(connection: &Connection) -> Result<usize, StoreFailure> {
    connection
        .prepare_cached("select coalesce(max(id), 0) from instance")
        .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)))
        .map(|last| usize::try_from(last).unwrap_or(0))
        .map_err(attempted(ATTEMPT))
}

/// The columns of the driving indexes, besides the app and the party.
const KEY_COLUMNS: &str = "id, app, changed, guid, status, task, created, due, ended, visible_after";

/// The part of the question that the index answers.
struct Keys {
    index: Option<&'static str>,
    /// One list for each of these, merged; one list of everything when there are none.
    apps: Vec<i64>,
    /// Where in the index to look.
    range: Vec<Condition>,
    /// What has to hold of what is found there.
    filters: Vec<Condition>,
}

/// SQL and its parameters.
type Condition = (String, Vec<Value>);

impl Keys {
    /// `None`: no instance can be meant.
    fn of(connection: &Connection, query: &InstanceQuery) -> Result<Option<Self>, StoreFailure> {
        let status = status_filter(query);
        if status.is_impossible() {
            return Ok(None);
        }
        let mut keys = Self { index: None, apps: Vec::new(), range: Vec::new(), filters: Vec::new() };
        if let Some(party) = query.party {
            keys.index = Some("instance_by_party");
            keys.range.push(equal("party", party.get()));
        }
        if query.app.is_some() || query.org.is_some() {
            let apps = app_numbers(connection, query)?;
            if apps.is_empty() {
                return Ok(None);
            }
            if query.party.is_some() || apps.len() > MERGED_APPS {
                let marks = vec!["?"; apps.len()].join(", ");
                keys.filters.push((format!("app in ({marks})"), apps.into_iter().map(Value::from).collect()));
            } else if let Some(task) = &query.current_task {
                keys.index = Some("instance_at_task");
                keys.range.push(("(status & 32) = 32".to_owned(), Vec::new()));
                keys.range.push(equal("task", task.clone()));
                keys.apps = apps;
            } else if status.implies_ended_and_unconfirmed() {
                keys.index = Some("instance_unconfirmed");
                // The words of the partial index, so that it is known to hold all that is asked for.
                keys.range.push(("(status & 24) = 16".to_owned(), Vec::new()));
                keys.apps = apps;
            } else {
                keys.index = Some("instance_by_app");
                keys.apps = apps;
            }
        }
        if let Some((mask, wanted)) = status.mask() {
            keys.filters.push(("(status & ?) = ?".to_owned(), vec![mask.into(), wanted.into()]));
        }
        if let Some(task) = query.current_task.as_ref().filter(|_| keys.index != Some("instance_at_task")) {
            keys.filters.push(equal("task", task.clone()));
        }
        if let Some(reference) = &query.reference {
            let digits = i64::try_from(reference.len()).unwrap_or(i64::MAX);
            let condition = "substr(lower(hex(guid)), -?) = ?".to_owned();
            keys.filters.push((condition, vec![digits.into(), reference.clone().into()]));
        }
        within("changed", changed_range(query), &mut keys.range);
        within("created", query.created, &mut keys.filters);
        within("ended", query.ended, &mut keys.filters);
        within("visible_after", query.visible_after, &mut keys.filters);
        within("due", query.due_before, &mut keys.filters);
        if let Some(after) = query.after {
            let comparison = match query.order {
                Order::Ascending => "(changed, guid) > (?, ?)",
                Order::Descending => "(changed, guid) < (?, ?)",
            };
            let place = [after.changed.ticks().into(), after.guid.as_bytes().to_vec().into()];
            keys.range.push((comparison.to_owned(), place.to_vec()));
        }
        Ok(Some(keys))
    }

    /// The statement that finds at most `limit` keys, with its parameters. `window`: how many entries of the index it
    /// looks at, if not at all of them.
    fn statement(&self, columns: &str, order: Order, window: Option<usize>, limit: usize) -> (String, Vec<Value>) {
        let mut sql = String::new();
        let mut parameters = Vec::new();
        match window {
            None => self.write_list(columns, &self.filters, order, &mut sql, &mut parameters),
            Some(window) => {
                let _ = write!(sql, "select {columns} from (");
                self.write_list(KEY_COLUMNS, &[], order, &mut sql, &mut parameters);
                sql.push_str(" limit ?)");
                parameters.push(number(window));
                write_conditions("where", &self.filters, &mut sql, &mut parameters);
                write_order(order, &mut sql);
            }
        }
        sql.push_str(" limit ?");
        parameters.push(number(limit));
        (sql, parameters)
    }

    /// The place of the last entry that the window holds, if there are more behind it.
    fn end_of_window(
        &self,
        connection: &Connection,
        order: Order,
        window: usize,
    ) -> Result<Option<Cursor>, StoreFailure> {
        let mut sql = String::new();
        let mut parameters = Vec::new();
        self.write_list("id, changed, guid", &[], order, &mut sql, &mut parameters);
        sql.push_str(" limit 1 offset ?");
        parameters.push(number(window - 1));
        connection
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_row(params_from_iter(parameters), place).optional())
            .map_err(attempted(ATTEMPT))
    }

    /// Everything in the range of the index, in its order.
    fn write_list(
        &self,
        columns: &str,
        filters: &[Condition],
        order: Order,
        sql: &mut String,
        parameters: &mut Vec<Value>,
    ) {
        if self.apps.is_empty() {
            self.write_part(columns, None, filters, sql, parameters);
        }
        for (number, app) in self.apps.iter().enumerate() {
            if number > 0 {
                sql.push_str(" union all ");
            }
            self.write_part(columns, Some(*app), filters, sql, parameters);
        }
        write_order(order, sql);
    }

    fn write_part(
        &self,
        columns: &str,
        app: Option<i64>,
        filters: &[Condition],
        sql: &mut String,
        parameters: &mut Vec<Value>,
    ) {
        let _ = write!(sql, "select {columns} from instance");
        if let Some(index) = self.index {
            let _ = write!(sql, " indexed by {index}");
        }
        let of_app: Vec<_> = app.map(|app| equal("app", app)).into_iter().collect();
        let joint = write_conditions("where", &of_app, sql, parameters);
        let joint = write_conditions(joint, &self.range, sql, parameters);
        write_conditions(joint, filters, sql, parameters);
    }
}

/// Writes the conditions; answers the word that joins the next one.
fn write_conditions(
    mut joint: &'static str,
    conditions: &[Condition],
    sql: &mut String,
    parameters: &mut Vec<Value>,
) -> &'static str {
    for (condition, values) in conditions {
        let _ = write!(sql, " {joint} {condition}");
        parameters.extend_from_slice(values);
        joint = "and";
    }
    joint
}

fn write_order(order: Order, sql: &mut String) {
    let direction = match order {
        Order::Ascending => "asc",
        Order::Descending => "desc",
    };
    let _ = write!(sql, " order by changed {direction}, guid {direction}");
}

fn number(number: usize) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

fn equal(column: &str, value: impl Into<Value>) -> Condition {
    (format!("{column} = ?"), vec![value.into()])
}

fn within(column: &str, range: TimeRange, conditions: &mut Vec<Condition>) {
    if let Some(from) = range.at_least {
        conditions.push((format!("{column} >= ?"), vec![from.ticks().into()]));
    }
    if let Some(to) = range.below {
        conditions.push((format!("{column} < ?"), vec![to.ticks().into()]));
    }
}

/// The short numbers of the app, or of all apps of the org.
fn app_numbers(connection: &Connection, query: &InstanceQuery) -> Result<Vec<i64>, StoreFailure> {
    let read = |sql: &str, names: &[&str]| {
        let mut statement = connection.prepare_cached(sql)?;
        statement.query_map(params_from_iter(names), |row| row.get(0))?.collect::<rusqlite::Result<_>>()
    };
    match (&query.app, &query.org) {
        (Some(app), Some(org)) => read("select id from app where name = ? and org = ?", &[app.as_str(), org]),
        (Some(app), None) => read("select id from app where name = ?", &[app.as_str()]),
        (None, Some(org)) => read("select id from app where org = ?", &[org]),
        (None, None) => Ok(Vec::new()),
    }
    .map_err(attempted(ATTEMPT))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use mottak_model::{AppId, PartyId};
    use mottak_service::ports::{Clock as _, FixedClock, Store as _};

    use super::super::migrate::migrate;
    use super::super::{DATABASE, Options, SqliteStore};
    use super::*;
    use crate::specimen::Specimens;

    /// How SQLite finds the keys.
    fn plan(query: &InstanceQuery, window: Option<usize>) -> String {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        connection
            .execute_batch(
                "insert into app (name, org) values ('ttd/tilskudd', 'ttd'), ('ttd/melding', 'ttd'), ('skd/melding', 'skd')",
            )
            .unwrap();
        let (sql, parameters) = Keys::of(&connection, query).unwrap().unwrap().statement(
            "id, changed, guid",
            query.order,
            window,
            query.size,
        );
        let mut statement = connection.prepare(&format!("explain query plan {sql}")).unwrap();
        let lines = statement.query_map(params_from_iter(parameters), |row| row.get::<_, String>(3)).unwrap();
        lines.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    /// A question with every filter that is a column.
    fn all_filters() -> InstanceQuery {
        let range = TimeRange { at_least: Some(Time::from_ticks(1)), below: Some(Time::from_ticks(9)) };
        InstanceQuery {
            current_task: Some("Task_1".to_owned()),
            is_archived: Some(true),
            changed: range,
            created: range,
            ended: range,
            visible_after: range,
            due_before: range,
            reference: Some("0123456789ab".to_owned()),
            after: Some(Cursor { changed: Time::from_ticks(5), guid: Guid::nil() }),
            ..InstanceQuery::default()
        }
    }

    #[test]
    fn all_column_filters_are_tested_inside_the_driving_index_which_gives_the_order() {
        let (org, app) = (Some("ttd".to_owned()), Some(AppId::new("ttd", "tilskudd")));
        let in_task_of_org = InstanceQuery { org, ..all_filters() };
        let by_org = InstanceQuery { current_task: None, ..in_task_of_org.clone() };
        let by_app = InstanceQuery { app, ..by_org.clone() };
        let in_task = InstanceQuery { current_task: in_task_of_org.current_task.clone(), ..by_app.clone() };
        let by_party = InstanceQuery { party: Some(PartyId::new(1)), ..in_task.clone() };
        let standing_question =
            InstanceQuery { is_complete: Some(true), exclude_confirmed_by: Some("ttd".to_owned()), ..by_app.clone() };
        let standing_question_of_all_apps = InstanceQuery { app: None, ..standing_question.clone() };
        for (query, index) in [
            (by_org, "instance_by_app"),
            (by_app, "instance_by_app"),
            (in_task_of_org, "instance_at_task"),
            (in_task, "instance_at_task"),
            (by_party, "instance_by_party"),
            (standing_question, "instance_unconfirmed"),
            (standing_question_of_all_apps, "instance_unconfirmed"),
        ] {
            let ways = [Order::Ascending, Order::Descending].map(|order| [(order, None), (order, Some(1000))]);
            for (order, window) in ways.into_iter().flatten() {
                let plan = plan(&InstanceQuery { order, ..query.clone() }, window);
                assert!(plan.contains(&format!("USING COVERING INDEX {index} ")), "{plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{plan}");
            }
        }
    }

    #[test]
    fn contradicting_filters_are_answered_without_a_search() {
        let connection = Connection::open_in_memory().unwrap();
        let query = InstanceQuery {
            org: Some("ttd".to_owned()),
            exclude_confirmed_by: Some("ttd".to_owned()),
            is_confirmed: Some(true),
            ..InstanceQuery::default()
        };
        assert!(Keys::of(&connection, &query).unwrap().is_none());
    }

    /// A store with three instances in one app, the second of which somebody has damaged.
    fn with_damage(damage: &str) -> (Vec<Guid>, Page) {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::at(Time::parse("2025-03-01T12:00:00Z").unwrap()));
        let mut specimens = Specimens::new(AppId::new("ttd", "tilskudd"), 1, 7);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = SqliteStore::open(folder.path(), clock.clone(), Options::default()).unwrap();
            let mut guids = Vec::new();
            for _ in 0..3 {
                let change = specimens.creation(clock.now(), Bytes::from_static(b"<skjema/>"));
                guids.push(change.id.guid);
                store.commit(change).await.unwrap();
            }
            let writer = Connection::open(folder.path().join(DATABASE)).unwrap();
            writer.execute(damage, [guids[1].as_bytes()]).unwrap();
            let query = InstanceQuery {
                app: Some(AppId::new("ttd", "tilskudd")),
                search_text: Some("PRØVEFORETAKET".to_owned()),
                order: Order::Ascending,
                ..InstanceQuery::default()
            };
            let by_keys = store.search(InstanceQuery { search_text: None, ..query.clone() }).await.unwrap();
            let by_text = store.search(query).await.unwrap();
            assert_eq!(by_keys.instances, by_text.instances);
            (guids, by_text)
        })
    }

    #[test]
    fn a_damaged_document_is_left_out_of_a_list() {
        let (guids, page) = with_damage("update instance set doc = '{' where guid = ?");
        let found: Vec<_> = page.instances.iter().map(|instance| instance.id.guid).collect();
        assert_eq!(found, [guids[0], guids[2]]);
    }

    #[test]
    fn a_damaged_element_is_left_out_of_its_instance() {
        let (_, page) =
            with_damage("update element set doc = 'x' where id / 1048576 = (select id from instance where guid = ?)");
        let elements: Vec<_> = page.instances.iter().map(|instance| instance.data.len()).collect();
        assert_eq!(elements, [1, 0, 1]);
    }

    #[test]
    fn text_is_found_in_documents_that_are_older_than_its_column() {
        let (guids, page) = with_damage("update instance set search_text = null where guid = ?");
        assert_eq!(page.instances.len(), guids.len());
    }
}
