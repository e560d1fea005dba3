-- Times are 64-bit counts of 100 ns since 1970 UTC. Documents are JSON in the storage form of the contract.
-- `instance.id` is local to this file: children refer to it, so that their rows are appended in order of creation.

create table meta (
    name text primary key,
    value integer not null
) without rowid;

create table app (
    id integer primary key,
    name text not null unique
);

create table instance (
    id integer primary key,
    party integer not null,
    guid blob not null,
    app integer not null,
    org text not null,
    version integer not null,
    changed integer not null,
    created integer,
    status integer not null,
    task text,
    due integer,
    ended integer,
    visible_after integer,
    doc text not null
);
create unique index instance_by_guid on instance (guid, party);

-- The driving orders of lists. The filters follow as key columns, so that they are tested inside the index.
create index instance_by_party on instance (party, changed, guid, status, org, app, task, created, due, ended, visible_after);
create index instance_by_app on instance (app, changed, guid, status, org, task, created, due, ended, visible_after);
create index instance_by_org on instance (org, changed, guid, status, app, task, created, due, ended, visible_after);
-- What service owners ask for all day: ours, ended (16), not yet confirmed (8) by us.
create index instance_unconfirmed on instance (org, changed, guid, app, status, task, created, due, ended, visible_after)
    where (status & 24) = 16;

create table element (
    id integer primary key,
    party integer not null,
    guid blob not null,
    instance integer not null,
    position integer not null,
    changed integer,
    -- 0 none, 1 inline, 2 object
    blob integer not null,
    object_key text,
    doc text not null
);
create unique index element_by_guid on element (party, guid);
create unique index element_by_instance on element (instance, position);
create unique index element_by_object on element (object_key) where object_key is not null;

-- The content of an element, when small. `size` is that of the original bytes.
create table blob (
    id integer primary key,
    size integer not null,
    is_compressed integer not null,
    body blob not null
);

create table event (
    instance integer not null,
    n integer not null,
    doc text not null,
    primary key (instance, n)
) without rowid;

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
