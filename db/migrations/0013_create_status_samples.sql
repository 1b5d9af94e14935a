-- What each instance found of itself and of all, every Status:SampleInterval. Instances write for the same moments, so that their rows add up.
create table status_samples (
    taken_at timestamptz not null,
    instance text not null check (instance <> '' and length(instance) <= 200),
    role text not null,
    -- Of this instance.
    open_streams int not null,
    readers int not null,
    slow_readers int not null,
    websocket_connections int,
    runs int not null,
    places int not null,
    queue_utilization real,
    append_queue int not null,
    messages_per_second real not null,
    delivery_p50_ms real,
    delivery_p99_ms real,
    commit_p99_ms real,
    working_set_bytes bigint not null,
    heap_bytes bigint not null,
    memory_load real not null,
    gc_pause_share real not null,
    cpu_share real not null,
    threads int not null,
    database_ms real,
    -- Of all instances together, as this one found it in the database.
    active_streams int not null,
    active_uploads int not null,
    queued int not null,
    average_stream_seconds real,
    sub12s_success_rate real,
    primary key (taken_at, instance)
);

-- What has ended of late, in whatever way.
create index transforms_ended on transforms (ended_at) where ended_at is not null;

-- A ticket may also be for the stream of the service's own status, which is of no session.
alter table tickets drop constraint tickets_of_one_or_several;
alter table tickets add constraint tickets_of_one_or_several check (
    case when kind = 'status' then session_id is null and session_ids is null
         else (kind is null) = (session_id is null) and (session_id is null) <> (session_ids is null) end);
