-- Times are 64-bit counts of 100 ns since 1970 UTC. Documents are JSON in the storage form of the contract.
--
-- A durable commit costs the pages it dirties: each is written twice, to the log and to the file. So rows of one
-- instance are found by its local id (`instance.id`), which counts up, not by guids, which are random: what is new is
-- appended, and what belongs together is side by side.

create table meta (
    name text primary key,
    value integer not null
) without rowid;

-- An app, with the org that its instances carry: a list by org is a list by the org's apps.
create table app (
    id integer primary key,
    name text not null,
    org text not null,
    unique (name, org)
);

create table instance (
    id integer primary key,
    guid blob not null,
    party integer not null,
    app integer not null,
    version integer not null,
    changed integer not null,
    created integer,
    status integer not null,
    task text,
    due integer,
    ended integer,
    visible_after integer,
    -- The end of the history: `event.id`.
    last_event integer,
    doc text not null
);
create unique index instance_by_guid on instance (guid);

-- The driving orders of lists. The filters follow as key columns, so that they are tested inside the index.
create index instance_by_party on instance (party, changed, guid, status, app, task, created, due, ended, visible_after);
create index instance_by_app on instance (app, changed, guid, status, task, created, due, ended, visible_after);
-- What service owners ask for all day: ours, ended (16), not yet confirmed (8) by us.
create index instance_unconfirmed on instance (app, changed, guid, status, task, created, due, ended, visible_after)
    where (status & 24) = 16;

-- `id` is the instance's id times 1048576, plus the element's place in the order of creation.
create table element (
    id integer primary key,
    guid blob not null,
    changed integer,
    -- 0 none, 1 a row of `blob`, 2 an object
    content integer not null,
    object_key text,
    doc text not null
);
create unique index element_by_object on element (object_key) where object_key is not null;

-- The content of an element, when small: `id` is the element's. `size` is that of the original bytes.
create table blob (
    id integer primary key,
    size integer not null,
    is_compressed integer not null,
    body blob not null
);

-- The history, one row per change: a JSON array of events. Rows are appended in the order of commits; those of one
-- instance are a chain from its last.
create table event (
    id integer primary key,
    previous integer,
    docs text not null
);

-- Lane 0: the store's own clean-up. Lane 1: the outbox. Ids are never used again.
create table job (
    id integer primary key autoincrement,
    lane integer not null,
    due integer not null,
    kind text not null,
    body text not null,
    attempts integer not null default 0
);
create index job_by_due on job (lane, due, id);
