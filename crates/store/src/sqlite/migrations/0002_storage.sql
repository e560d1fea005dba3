-- The checksum of the element's content; null for what was stored before.
alter table element add column sha256 blob;

-- The presentation texts in lower case; null for what was stored before: then the document has to be looked into.
alter table instance add column search_text text;

-- Lane 2: buried jobs, with the reason.
alter table job add column reason text;

-- Small documents beside the instances, written with compare-and-set.
create table record (
    kind text not null,
    key text not null,
    version integer not null,
    document text not null,
    primary key (kind, key)
) without rowid;

-- The ends of the histories of instances that were removed without them.
create table removed_instance (
    guid blob primary key,
    party integer not null,
    last_event integer
) without rowid;

-- What waits in a task (32), however few they are among the many that have ended.
create index instance_at_task on instance (app, task, changed, guid, status, created, due, ended, visible_after)
    where (status & 32) = 32;
