-- Times are 64-bit counts of 100 ns since 1970 UTC. Documents are JSON in the storage form of the contract, kept as text:
-- they go out as they came in. Every key of what belongs to an instance begins with the party, so that one change
-- touches one shard. No triggers, no foreign keys, no sequences: the same SQL runs on distributed engines.
--
-- {per party} stands for what makes a table one of parties: its storage settings, or its partitions.

-- An app, with the org that its instances carry: a list by org is a list by the org's apps.
create table app (
    id int4 primary key,
    name text not null,
    org text not null,
    unique (name, org)
);

create table instance (
    party int4 not null,
    guid uuid not null,
    app int4 not null,
    version int8 not null,
    changed int8 not null,
    created int8,
    status int4 not null,
    task text,
    due int8,
    ended int8,
    visible_after int8,
    -- Rows of the history.
    last_event int4 not null,
    -- The presentation texts in lower case.
    search_text text not null,
    doc text not null,
    primary key (party, guid)
) {per party};
create index instance_by_guid on instance (guid);

-- The driving orders of lists. The filters follow as key columns, so that they are tested inside the index.
create index instance_by_party on instance
    (party, changed, guid, status, app, task, created, due, ended, visible_after);
create index instance_by_app on instance
    (app, changed, guid, status, task, created, due, ended, visible_after, party);
-- What service owners ask for all day: ours, ended (16), not yet confirmed (8) by us.
create index instance_unconfirmed on instance
    (app, changed, guid, status, task, created, due, ended, visible_after, party)
    where (status & 24) = 16;

-- Who stands at a task (32), however few they are among those that have ended.
create index instance_at_task on instance
    (app, task, changed, guid, status, created, due, ended, visible_after, party)
    where (status & 32) = 32;

create table element (
    party int4 not null,
    instance uuid not null,
    guid uuid not null,
    -- In the order of creation.
    position int4 not null,
    changed int8,
    -- 0 none, 1 a row of `blob`, 2 an object
    content int2 not null,
    object_key text,
    -- Of the content.
    sha256 bytea,
    doc text not null,
    primary key (party, instance, guid)
) {per party};
-- An object is the content of one element.
create unique index element_by_object on element (object_key, party) where object_key is not null;

-- The content of an element, when small.
create table blob (
    party int4 not null,
    instance uuid not null,
    element uuid not null,
    -- Bytes of the original.
    size int8 not null,
    is_compressed boolean not null,
    body bytea not null,
    primary key (party, instance, element)
) {per party};
-- What is worth compressing is compressed before it comes here.
alter table blob alter column body set storage external;

-- The history, one row per change: a JSON array of events.
create table event (
    party int4 not null,
    instance uuid not null,
    n int4 not null,
    docs text not null,
    primary key (party, instance, n)
) {per party};

-- Instances that were removed without their history.
create table removed (
    party int4 not null,
    guid uuid not null,
    primary key (party, guid)
) {per party};

-- Lane 0: the store's own clean-up. Lane 1: the outbox. Lane 2: buried jobs, with the reason.
create table job (
    id int8 primary key,
    lane int2 not null,
    due int8 not null,
    kind text not null,
    body text not null,
    attempts int4 not null,
    reason text
);
create index job_by_due on job (lane, due, id);

-- Small documents beside the instances, written with compare-and-set.
create table record (
    kind text not null,
    key text collate "C" not null,
    version int8 not null,
    document text not null,
    primary key (kind, key)
);

-- The highest number that was handed out, by what is numbered. Nodes take numbers by the block.
create table counter (
    name text primary key,
    last int8 not null
);
insert into counter (name, last) values ('job', 0);

-- The time of the last commit of any node. Who changes it holds the row until its commit: so commits become visible in
-- the order of their times.
create table clock (
    id int2 primary key,
    last int8 not null
) {rewritten};
insert into clock (id, last) values (0, 0);

-- Transactions that were committed not long ago: who loses the connection during a commit looks here for its outcome.
create table batch (
    id uuid primary key,
    at int8 not null
);
create index batch_by_time on batch (at);
