-- The schema as all migrations leave it: for reading. Written by SchemaSnapshotTests, which compares it with a freshly
-- migrated database; after a new migration run the test with UPDATE_SNAPSHOTS=1.
set check_function_bodies = off;

create table artifacts (
    id uuid not null,
    session_id uuid not null,
    user_id text not null,
    type text not null,
    "position" integer default 0 not null,
    data jsonb not null,
    content bytea,
    content_type text,
    content_hash text,
    created_at timestamp with time zone default clock_timestamp() not null,
    constraint artifacts_pkey PRIMARY KEY (id)
);

create table estimate_outcomes (
    transform_id uuid not null,
    kind text not null,
    counts integer[] not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    constraint estimate_outcomes_pkey PRIMARY KEY (transform_id),
    constraint estimate_outcomes_counts_check CHECK ((cardinality(counts) > 0))
);

create table file_checkpoints (
    transform_id uuid not null,
    file_id uuid not null,
    "position" bigint not null,
    crc32c bigint not null,
    file_size bigint not null,
    modified_at timestamp with time zone not null,
    updated_at timestamp with time zone default clock_timestamp() not null,
    constraint file_checkpoints_pkey PRIMARY KEY (transform_id),
    constraint file_checkpoints_crc32c_check CHECK (((crc32c >= 0) AND (crc32c <= '4294967295'::bigint))),
    constraint file_checkpoints_position_check CHECK (("position" >= 0))
);

create table files (
    id uuid not null,
    user_id text not null,
    metadata text not null,
    size bigint not null,
    status text default 'uploading'::text not null,
    content_type text,
    crc32c bigint,
    modified_at timestamp with time zone,
    expires_at timestamp with time zone not null,
    constraint files_pkey PRIMARY KEY (id),
    constraint files_check CHECK (((status <> 'stored'::text) OR ((content_type IS NOT NULL) AND (crc32c IS NOT NULL) AND (modified_at IS NOT NULL)))),
    constraint files_crc32c_check CHECK (((crc32c >= 0) AND (crc32c <= '4294967295'::bigint))),
    constraint files_size_check CHECK ((size >= 0)),
    constraint files_status_check CHECK ((status = ANY (ARRAY['uploading'::text, 'stored'::text])))
);

create table guidance (
    session_id uuid not null,
    "position" integer not null,
    id uuid not null,
    idempotency_key text not null,
    text text not null,
    received_at timestamp with time zone default clock_timestamp() not null,
    applied_in uuid,
    constraint guidance_pkey PRIMARY KEY (session_id, "position"),
    constraint guidance_session_id_idempotency_key_key UNIQUE (session_id, idempotency_key),
    constraint guidance_position_check CHECK (("position" >= 0)),
    constraint guidance_text_check CHECK ((text <> ''::text))
);

create table relay_appends (
    transform_id uuid not null,
    producer_id text not null,
    sequence bigint not null,
    first_index integer not null,
    last_index integer not null,
    constraint relay_appends_pkey PRIMARY KEY (transform_id, producer_id, sequence)
);

create table schema_migrations (
    name text not null,
    checksum text not null,
    applied_at timestamp with time zone default clock_timestamp() not null,
    constraint schema_migrations_pkey PRIMARY KEY (name)
);

create table sessions (
    id uuid not null,
    kind text not null,
    user_id text not null,
    input jsonb not null,
    idempotency_key text,
    created_at timestamp with time zone default clock_timestamp() not null,
    constraint sessions_pkey PRIMARY KEY (id),
    constraint sessions_kind_check CHECK ((kind <> ''::text))
);

create table status_samples (
    taken_at timestamp with time zone not null,
    instance text not null,
    role text not null,
    open_streams integer not null,
    readers integer not null,
    slow_readers integer not null,
    websocket_connections integer,
    runs integer not null,
    places integer not null,
    queue_utilization real,
    append_queue integer not null,
    messages_per_second real not null,
    delivery_p50_ms real,
    delivery_p99_ms real,
    commit_p99_ms real,
    working_set_bytes bigint not null,
    heap_bytes bigint not null,
    memory_load real not null,
    gc_pause_share real not null,
    cpu_share real not null,
    threads integer not null,
    database_ms real,
    active_streams integer not null,
    active_uploads integer not null,
    queued integer not null,
    average_stream_seconds real,
    sub12s_success_rate real,
    constraint status_samples_pkey PRIMARY KEY (taken_at, instance),
    constraint status_samples_instance_check CHECK (((instance <> ''::text) AND (length(instance) <= 200)))
);

create table tickets (
    ticket_hash bytea not null,
    user_id text not null,
    kind text,
    session_id uuid,
    used_at timestamp with time zone,
    valid_until timestamp with time zone not null,
    session_ids uuid[],
    constraint tickets_pkey PRIMARY KEY (ticket_hash),
    constraint tickets_of_one_or_several CHECK (
CASE
    WHEN (kind = 'status'::text) THEN ((session_id IS NULL) AND (session_ids IS NULL))
    ELSE (((kind IS NULL) = (session_id IS NULL)) AND ((session_id IS NULL) <> (session_ids IS NULL)))
END),
    constraint tickets_ticket_hash_check CHECK ((octet_length(ticket_hash) = 32))
);

create table transform_chunks (
    transform_id uuid not null,
    chunk_index integer not null,
    chunk_type text not null,
    chunk_data text not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    constraint transform_chunks_pkey PRIMARY KEY (transform_id, chunk_index),
    constraint transform_chunks_chunk_index_check CHECK ((chunk_index >= 0)),
    constraint transform_chunks_chunk_type_check CHECK (((chunk_type <> ''::text) AND (length(chunk_type) <= 64)))
);

create table transform_inputs (
    transform_id uuid not null,
    artifact_id uuid not null,
    constraint transform_inputs_pkey PRIMARY KEY (transform_id, artifact_id)
);

create table transform_outputs (
    transform_id uuid not null,
    artifact_id uuid not null,
    constraint transform_outputs_pkey PRIMARY KEY (transform_id, artifact_id)
);

create table transform_stages (
    transform_id uuid not null,
    stage text not null,
    "position" integer not null,
    weight real not null,
    label text not null,
    status text default 'pending'::text not null,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    half_seconds real,
    constraint transform_stages_pkey PRIMARY KEY (transform_id, stage),
    constraint transform_stages_half_seconds_check CHECK ((half_seconds >= (0)::double precision)),
    constraint transform_stages_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'failed'::text]))),
    constraint transform_stages_weight_check CHECK ((weight > (0)::double precision))
);

create table transforms (
    id uuid not null,
    session_id uuid not null,
    ordinal integer not null,
    kind text not null,
    status text not null,
    priority smallint default 0 not null,
    attempt integer default 0 not null,
    losses integer default 0 not null,
    lease_owner text,
    lease_expires_at timestamp with time zone,
    execution_context jsonb default '{}'::jsonb not null,
    expected_chunks integer,
    error jsonb,
    created_at timestamp with time zone default clock_timestamp() not null,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    last_index integer,
    messages_removed_at timestamp with time zone,
    user_id text,
    traceparent text,
    queue text default 'generations'::text not null,
    constraint transforms_pkey PRIMARY KEY (id),
    constraint transforms_session_id_ordinal_key UNIQUE (session_id, ordinal),
    constraint transforms_ordinal_check CHECK ((ordinal >= 1)),
    constraint transforms_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'running'::text, 'paused'::text, 'completed'::text, 'failed'::text, 'cancelled'::text]))),
    constraint transforms_traceparent_check CHECK ((length(traceparent) <= 100))
) with (fillfactor=70);

create table uploads (
    session_id uuid not null,
    content bytea not null,
    constraint uploads_pkey PRIMARY KEY (session_id)
);

-- Foreign keys
alter table artifacts add constraint artifacts_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE;
alter table estimate_outcomes add constraint estimate_outcomes_transform_id_fkey FOREIGN KEY (transform_id) REFERENCES transforms(id) ON DELETE CASCADE;
alter table file_checkpoints add constraint file_checkpoints_file_id_fkey FOREIGN KEY (file_id) REFERENCES files(id) ON DELETE CASCADE;
alter table file_checkpoints add constraint file_checkpoints_transform_id_fkey FOREIGN KEY (transform_id) REFERENCES transforms(id) ON DELETE CASCADE;
alter table files add constraint files_id_fkey FOREIGN KEY (id) REFERENCES sessions(id) ON DELETE CASCADE;
alter table guidance add constraint guidance_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE;
alter table relay_appends add constraint relay_appends_transform_id_fkey FOREIGN KEY (transform_id) REFERENCES transforms(id) ON DELETE CASCADE;
alter table tickets add constraint tickets_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE;
alter table transform_inputs add constraint transform_inputs_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES artifacts(id) ON DELETE CASCADE;
alter table transform_inputs add constraint transform_inputs_transform_id_fkey FOREIGN KEY (transform_id) REFERENCES transforms(id) ON DELETE CASCADE;
alter table transform_outputs add constraint transform_outputs_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES artifacts(id) ON DELETE CASCADE;
alter table transform_outputs add constraint transform_outputs_transform_id_fkey FOREIGN KEY (transform_id) REFERENCES transforms(id) ON DELETE CASCADE;
alter table transform_stages add constraint transform_stages_transform_id_fkey FOREIGN KEY (transform_id) REFERENCES transforms(id) ON DELETE CASCADE;
alter table transforms add constraint transforms_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE;
alter table uploads add constraint uploads_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE;

-- Indexes besides those of the keys
CREATE INDEX analyses_of_image ON sessions USING btree (user_id, (((input -> 'image'::text) ->> 'sha256'::text)), id DESC) WHERE (kind = 'analysis'::text);
CREATE INDEX artifacts_of_session ON artifacts USING btree (session_id, "position", id);
CREATE INDEX estimate_outcomes_of_kind ON estimate_outcomes USING btree (kind, created_at DESC);
CREATE INDEX file_checkpoints_of_file ON file_checkpoints USING btree (file_id);
CREATE INDEX files_of_user ON files USING btree (user_id);
CREATE INDEX files_uploading ON files USING btree (expires_at) WHERE (status = 'uploading'::text);
CREATE UNIQUE INDEX sessions_idempotency ON sessions USING btree (user_id, kind, idempotency_key) WHERE (idempotency_key IS NOT NULL);
CREATE INDEX sessions_of_user ON sessions USING btree (user_id, kind, id DESC);
CREATE INDEX tickets_by_end ON tickets USING btree (valid_until);
CREATE INDEX tickets_of_session ON tickets USING btree (session_id);
CREATE INDEX transform_inputs_of_artifact ON transform_inputs USING btree (artifact_id);
CREATE INDEX transform_outputs_of_artifact ON transform_outputs USING btree (artifact_id);
CREATE INDEX transforms_completed ON transforms USING btree (kind, ended_at DESC) WHERE (status = 'completed'::text);
CREATE INDEX transforms_ended ON transforms USING btree (ended_at) WHERE (ended_at IS NOT NULL);
CREATE INDEX transforms_in_progress ON transforms USING btree (user_id) WHERE (status = ANY (ARRAY['queued'::text, 'running'::text, 'paused'::text]));
CREATE INDEX transforms_queued ON transforms USING btree (queue, priority DESC, created_at) WHERE (status = 'queued'::text);
CREATE INDEX transforms_running ON transforms USING btree (id) WHERE (status = 'running'::text);
CREATE INDEX transforms_with_messages ON transforms USING btree (ended_at) WHERE ((ended_at IS NOT NULL) AND (messages_removed_at IS NULL));

-- Functions
CREATE OR REPLACE FUNCTION announce_artifacts()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
    perform pg_notify('session_artifacts', session_id::text) from (select distinct session_id from inserted) as grown;
    return null;
end $function$;
CREATE OR REPLACE FUNCTION announce_deletion()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
    perform pg_notify('transform_status', old.id || ':' || old.session_id || ':deleted');
    return null;
end $function$;
CREATE OR REPLACE FUNCTION announce_messages()
 RETURNS trigger
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
declare
    -- A payload must stay below 8,000 bytes; 150 entries of at most 48 bytes are 7,200.
    entries_max constant int := 150;
    refused boolean;
    ended boolean;
    entries text[];
    ignored text;
begin
    select bool_or(grown.high - grown.low + 1 <> grown.messages
                   -- Not "not exists": that may be planned as a hash of the whole table.
                   or (grown.low > 0 and coalesce((select before.chunk_type from transform_chunks as before
                                                   where before.transform_id = grown.transform_id
                                                     and before.chunk_index = grown.low - 1), 'end') = 'end')),
           bool_or(grown.ends), array_agg(grown.transform_id || ':' || grown.high)
    into refused, ended, entries
    from (select transform_id, min(chunk_index) as low, max(chunk_index) as high, count(*) as messages, bool_or(chunk_type = 'end') as ends
          from inserted group by transform_id) as grown;
    if refused then
        raise exception 'the messages of a transform are numbered 0, 1, 2, … without gaps, and nothing follows its end'
            using errcode = 'check_violation', constraint = 'transform_chunks_gapless', table = 'transform_chunks';
    end if;

    if ended then
        update transforms set status = 'completed', ended_at = clock_timestamp()
        where kind = 'relay' and status = 'running'
          and id in (select transform_id from inserted where chunk_type = 'end');
    end if;

    for place in 1 .. coalesce(cardinality(entries), 0) by entries_max loop
        -- An assignment is an expression, which costs less than a query.
        ignored := pg_notify('transform_changes', array_to_string(entries[place : place + entries_max - 1], ','));
    end loop;
    return null;
end $function$;
CREATE OR REPLACE FUNCTION announce_status()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
    perform pg_notify('transform_status', new.id || ':' || new.session_id || ':' || new.status);
    return null;
end $function$;
CREATE OR REPLACE FUNCTION append_message(p_transform_id uuid, p_type text, p_data jsonb)
 RETURNS integer
 LANGUAGE sql
AS $function$ select append_message(p_transform_id, p_type, p_data::text) $function$;
CREATE OR REPLACE FUNCTION append_message(p_transform_id uuid, p_type text, p_data text)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
begin
    perform from transforms where id = p_transform_id and kind = 'relay' and status = 'running' for no key update;
    if not found then
        raise exception 'transform % is not a running relay', p_transform_id using errcode = 'object_not_in_prerequisite_state';
    end if;
    return write_messages(p_transform_id, array[p_type], array[p_data]);
end $function$;
CREATE OR REPLACE FUNCTION append_messages(p_transform_ids uuid[], p_attempts integer[], p_indexes integer[], p_types text[], p_data text[], p_times timestamp with time zone[], p_lock_patience integer)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
begin
    perform set_config('lock_timeout', p_lock_patience::text, true);
    return query
    insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data, created_at)
    select held.id, message.chunk_index, message.chunk_type, message.chunk_data, message.created_at
    from unnest(p_transform_ids, p_attempts, p_indexes, p_types, p_data, p_times)
         as message(transform_id, attempt, chunk_index, chunk_type, chunk_data, created_at)
    cross join lateral (select t.id, t.attempt, t.status from transforms as t where t.id = message.transform_id limit 1) as held
    where held.attempt = message.attempt and held.status = 'running'
    returning transform_id;
end $function$;
CREATE OR REPLACE FUNCTION append_to_relay(p_transform_id uuid, p_producer_id text, p_sequence bigint, p_types text[], p_data text[])
 RETURNS TABLE(first_index integer, last_index integer, duplicate boolean)
 LANGUAGE plpgsql
AS $function$
declare
    relay_status text;
begin
    select status into relay_status from transforms
    where id = p_transform_id and kind = 'relay' for no key update;

    select a.first_index, a.last_index, true into first_index, last_index, duplicate
    from relay_appends as a
    where a.transform_id = p_transform_id and a.producer_id = p_producer_id and a.sequence = p_sequence;
    if found then
        return next;
    elsif relay_status = 'running' then
        last_index := write_messages(p_transform_id, p_types, p_data);
        first_index := last_index - cardinality(p_types) + 1;
        duplicate := false;
        if p_producer_id is not null then
            insert into relay_appends values (p_transform_id, p_producer_id, p_sequence, first_index, last_index);
        end if;
        return next;
    end if;
end $function$;
CREATE OR REPLACE FUNCTION append_to_relays(p_sessions uuid[], p_users text[], p_producer_ids text[], p_sequences bigint[], p_appends integer[], p_positions integer[], p_types text[], p_data text[])
 RETURNS TABLE(append integer, transform_id uuid, ordinal integer, outcome text, first_index integer, last_index integer, written_at timestamp with time zone)
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
declare
    now_written timestamptz := clock_timestamp();
    asked_transforms uuid[];
    locked_transforms uuid[];
    locked_statuses text[];
begin
    select array_agg(newest.id order by asked.number) into asked_transforms
    from unnest(p_sessions, p_users) with ordinality as asked(session_id, user_id, number)
    left join sessions as s on s.id = asked.session_id and s.user_id = asked.user_id and s.kind = 'relay'
    left join lateral (select t.id from transforms as t where t.session_id = s.id order by t.ordinal desc limit 1) as newest on true;

    -- In an order, against deadlocks. A relay that somebody else has locked must not hold up the others.
    select array_agg(held.id), array_agg(held.status) into locked_transforms, locked_statuses
    from (select t.id, t.status from transforms as t where t.id = any(asked_transforms) order by t.id for no key update skip locked) as held;

    -- A statement of its own: it sees what was committed before the locks were given.
    return query
    with asked as materialized (
        select a.number::int as number, a.transform_id, a.producer_id, a.sequence, t.ordinal, held.status,
               known.first_index, known.last_index
        from unnest(asked_transforms, p_producer_ids, p_sequences) with ordinality as a(transform_id, producer_id, sequence, number)
        join transforms as t on t.id = a.transform_id
        left join unnest(locked_transforms, locked_statuses) as held(id, status) on held.id = a.transform_id
        left join relay_appends as known
             on known.transform_id = a.transform_id and known.producer_id = a.producer_id and known.sequence = a.sequence
    ), fresh as materialized (
        select asked.number, asked.transform_id, asked.producer_id, asked.sequence, head.chunk_index as head,
               (select count(*)::int from unnest(p_appends) as message(append) where message.append = asked.number) as messages
        from asked
        cross join lateral (select c.chunk_index, c.chunk_type from transform_chunks as c
                            where c.transform_id = asked.transform_id order by c.chunk_index desc limit 1) as head
        where asked.status = 'running' and asked.last_index is null and head.chunk_type <> 'end'
    ), written as (
        insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data, created_at)
        select fresh.transform_id, fresh.head + message.position, message.type, message.data, now_written
        from unnest(p_appends, p_positions, p_types, p_data) as message(append, position, type, data)
        join fresh on fresh.number = message.append
    ), remembered as (
        insert into relay_appends (transform_id, producer_id, sequence, first_index, last_index)
        select fresh.transform_id, fresh.producer_id, fresh.sequence, fresh.head + 1, fresh.head + fresh.messages
        from fresh where fresh.producer_id is not null
    )
    select asked.number, asked.transform_id, asked.ordinal,
           case when asked.last_index is not null then 'duplicate' when asked.status is null then 'busy'
                when fresh.number is null then 'ended' else 'written' end,
           coalesce(asked.first_index, fresh.head + 1), coalesce(asked.last_index, fresh.head + fresh.messages), now_written
    from asked left join fresh on fresh.number = asked.number;
end $function$;
CREATE OR REPLACE FUNCTION checkpoint_file(p_transform_id uuid, p_attempt integer, p_position bigint, p_crc32c bigint, p_file_size bigint, p_modified_at timestamp with time zone, p_expiry interval, p_types text[], p_data text[])
 RETURNS boolean
 LANGUAGE plpgsql
 SET lock_timeout TO '2s'
AS $function$
begin
    perform from transforms where id = p_transform_id and attempt = p_attempt and status = 'running' for no key update;
    if not found then
        return false;
    end if;
    update file_checkpoints
    set position = p_position, crc32c = p_crc32c, file_size = p_file_size, modified_at = p_modified_at, updated_at = clock_timestamp()
    where transform_id = p_transform_id;
    update files set expires_at = clock_timestamp() + p_expiry
    where id = (select file_id from file_checkpoints where transform_id = p_transform_id) and status = 'uploading';
    if cardinality(p_types) > 0 then
        perform write_messages(p_transform_id, p_types, p_data);
    end if;
    return true;
end $function$;
CREATE OR REPLACE FUNCTION create_download(p_file_id uuid, p_user_id text, p_transform_id uuid, p_start text)
 RETURNS text
 LANGUAGE plpgsql
 SET lock_timeout TO '2s'
AS $function$
declare
    file_status text;
begin
    select status into file_status from files where id = p_file_id and user_id = p_user_id for no key update;
    if file_status is distinct from 'stored' or exists (select from transforms where id = p_transform_id) then
        return case when file_status = 'stored' then 'made' else file_status end;
    end if;
    perform end_transform(id, array['running'], 'cancelled', null, array['end'], array['{"status":"cancelled"}'])
    from transforms where session_id = p_file_id and status = 'running';
    insert into transforms (id, session_id, ordinal, kind, status, execution_context, started_at)
    select p_transform_id, p_file_id, max(ordinal) + 1, 'file', 'running', '{"operation": "download"}', clock_timestamp()
    from transforms where session_id = p_file_id;
    insert into file_checkpoints (transform_id, file_id, position, crc32c, file_size, modified_at)
    select p_transform_id, id, 0, 0, size, modified_at from files where id = p_file_id;
    insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) values (p_transform_id, 0, 'start', p_start);
    return 'made';
end $function$;
CREATE OR REPLACE FUNCTION create_file(p_id uuid, p_transform_id uuid, p_user_id text, p_metadata text, p_size bigint, p_input jsonb, p_start text, p_expiry interval, p_uploads_max integer, p_files_max integer, p_bytes_max bigint)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
declare
    upload_count bigint;
    file_count bigint;
    bytes numeric;
begin
    perform pg_advisory_xact_lock(hashtextextended('files ' || p_user_id, 0));
    if exists (select from files as f where f.id = p_id) then
        return 'made';
    end if;
    select count(*) filter (where f.status = 'uploading'), count(*), coalesce(sum(f.size), 0) into upload_count, file_count, bytes
    from files as f where f.user_id = p_user_id;
    if upload_count >= p_uploads_max then
        return 'uploads';
    elsif file_count >= p_files_max then
        return 'files';
    elsif bytes + p_size > p_bytes_max then
        return 'bytes';
    end if;
    insert into sessions (id, kind, user_id, input) values (p_id, 'file', p_user_id, p_input);
    insert into transforms (id, session_id, ordinal, kind, status, execution_context, started_at)
    values (p_transform_id, p_id, 1, 'file', 'running', '{"operation": "upload"}', clock_timestamp());
    insert into files (id, user_id, metadata, size, expires_at) values (p_id, p_user_id, p_metadata, p_size, clock_timestamp() + p_expiry);
    insert into file_checkpoints (transform_id, file_id, position, crc32c, file_size, modified_at)
    values (p_transform_id, p_id, 0, 0, 0, 'epoch');
    insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) values (p_transform_id, 0, 'start', p_start);
    return 'made';
end $function$;
CREATE OR REPLACE FUNCTION delete_session(p_kind text, p_session_id uuid, p_user_id text)
 RETURNS boolean
 LANGUAGE plpgsql
 SET lock_timeout TO '2s'
AS $function$
begin
    perform from sessions where id = p_session_id and kind = p_kind and user_id = p_user_id;
    if not found then
        return false;
    end if;
    -- Transforms before the session, as a run's batch locks them. Again under its lock: a retry may have added one meanwhile.
    perform end_transform(id, array['queued', 'running', 'paused'], 'cancelled', null, array['end'], array['{"status":"cancelled"}'])
    from transforms where session_id = p_session_id;
    perform from sessions where id = p_session_id and kind = p_kind and user_id = p_user_id for update;
    if not found then
        return false;
    end if;
    perform end_transform(id, array['queued', 'running', 'paused'], 'cancelled', null, array['end'], array['{"status":"cancelled"}'])
    from transforms where session_id = p_session_id;
    delete from transform_chunks where transform_id in (select id from transforms where session_id = p_session_id);
    delete from sessions where id = p_session_id;
    return true;
end $function$;
CREATE OR REPLACE FUNCTION end_transform(p_transform_id uuid, p_from text[], p_status text, p_error jsonb, p_types text[], p_data text[])
 RETURNS text
 LANGUAGE plpgsql
 SET lock_timeout TO '2s'
AS $function$
declare
    found_status text;
begin
    select status into found_status from transforms where id = p_transform_id for update;
    if found_status = any (p_from) then
        update transforms
        set status = p_status, error = p_error, attempt = attempt + 1, lease_owner = null, lease_expires_at = null,
            ended_at = clock_timestamp()
        where id = p_transform_id;
        perform write_messages(p_transform_id, p_types, p_data);
    end if;
    return found_status;
end $function$;
CREATE OR REPLACE FUNCTION move_transform(p_transform_id uuid, p_from text[], p_status text, p_types text[], p_data text[])
 RETURNS text
 LANGUAGE plpgsql
 SET lock_timeout TO '2s'
AS $function$
declare
    found_status text;
begin
    select status into found_status from transforms where id = p_transform_id for update;
    if found_status = any (p_from) then
        update transforms
        set status = p_status, attempt = attempt + 1, lease_owner = null, lease_expires_at = null
        where id = p_transform_id;
        perform write_messages(p_transform_id, p_types, p_data);
    end if;
    return found_status;
end $function$;
CREATE OR REPLACE FUNCTION receive_guidance(p_kind text, p_session_id uuid, p_user_id text, p_key text, p_id uuid, p_text text, p_max integer, p_data text)
 RETURNS text
 LANGUAGE plpgsql
 SET lock_timeout TO '2s'
AS $function$
declare
    target_id uuid;
    target_status text;
    earlier text;
    given int;
begin
    select t.id, t.status into target_id, target_status
    from sessions as s join transforms as t on t.session_id = s.id
    where s.id = p_session_id and s.kind = p_kind and s.user_id = p_user_id
    order by t.ordinal desc limit 1
    for no key update of t;
    if not found then
        return null;
    end if;
    select g.text into earlier from guidance as g where g.session_id = p_session_id and g.idempotency_key = p_key;
    if found then
        return case when earlier = p_text then 'repeated' else 'reused' end;
    end if;
    if target_status not in ('queued', 'running', 'paused')
        or not exists (select from transform_stages where transform_id = target_id and status <> 'completed') then
        return target_status;
    end if;
    select count(*) into given from guidance where session_id = p_session_id;
    if given >= p_max then
        return 'full';
    end if;
    insert into guidance (session_id, position, id, idempotency_key, text) values (p_session_id, given, p_id, p_key, p_text);
    perform write_messages(target_id, array['info'], array[p_data]);
    perform pg_notify('transform_status', target_id || ':' || p_session_id || ':guided');
    return 'received';
end $function$;
CREATE OR REPLACE FUNCTION refuse_message_update()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
    raise exception 'transform_chunks is append-only: a message is never changed'
        using errcode = 'integrity_constraint_violation';
end $function$;
CREATE OR REPLACE FUNCTION remove_upload()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
    delete from uploads where session_id = new.session_id;
    return null;
end $function$;
CREATE OR REPLACE FUNCTION sessions_in_progress(p_user_id text)
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
begin
    perform pg_advisory_xact_lock(hashtextextended('sessions_in_progress ' || p_user_id, 0));
    -- A statement of its own: it sees what was committed while the lock was waited for.
    return (select count(*) from transforms where user_id = p_user_id and status in ('queued', 'running', 'paused'));
end $function$;
CREATE OR REPLACE FUNCTION store_file(p_transform_id uuid, p_attempt integer, p_crc32c bigint, p_modified_at timestamp with time zone, p_content_type text, p_artifact jsonb, p_types text[], p_data text[])
 RETURNS boolean
 LANGUAGE plpgsql
 SET lock_timeout TO '2s'
AS $function$
declare
    stored_id uuid;
begin
    if not checkpoint_file(p_transform_id, p_attempt, (select f.size from files as f join file_checkpoints as c on c.file_id = f.id
            where c.transform_id = p_transform_id), p_crc32c,
        (select f.size from files as f join file_checkpoints as c on c.file_id = f.id where c.transform_id = p_transform_id),
        p_modified_at, interval '0', '{}', '{}') then
        -- Ending it has raised the attempt by one.
        return exists (select from transforms where id = p_transform_id and attempt = p_attempt + 1 and status = 'completed');
    end if;
    update files set status = 'stored', content_type = p_content_type, crc32c = p_crc32c, modified_at = p_modified_at
    where id = (select file_id from file_checkpoints where transform_id = p_transform_id)
    returning id into stored_id;
    insert into artifacts (id, session_id, user_id, type, data)
    select stored_id, id, user_id, 'file', p_artifact from sessions where id = stored_id;
    perform end_transform(p_transform_id, array['running'], 'completed', null, p_types, p_data);
    return true;
end $function$;
CREATE OR REPLACE FUNCTION write_messages(p_transform_id uuid, p_types text[], p_data text[])
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
declare
    head int;
    head_type text;
begin
    loop
        select chunk_index, chunk_type into head, head_type
        from transform_chunks where transform_id = p_transform_id order by chunk_index desc limit 1;
        if head_type = 'end' then
            return head;
        end if;
        head := coalesce(head, -1);
        begin
            insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data)
            select p_transform_id, head + ordinality, type, data
            from unnest(p_types, p_data) with ordinality as message(type, data, ordinality);
            return head + cardinality(p_types);
        exception when unique_violation then
            null;
        end;
    end loop;
end $function$;

-- Triggers
CREATE TRIGGER artifacts_announce AFTER INSERT ON artifacts REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION announce_artifacts();
CREATE TRIGGER transform_chunks_announce AFTER INSERT ON transform_chunks REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION announce_messages();
CREATE TRIGGER transform_chunks_immutable BEFORE UPDATE ON transform_chunks FOR EACH STATEMENT EXECUTE FUNCTION refuse_message_update();
CREATE TRIGGER transforms_announce_delete AFTER DELETE ON transforms FOR EACH ROW EXECUTE FUNCTION announce_deletion();
CREATE TRIGGER transforms_announce_insert AFTER INSERT ON transforms FOR EACH ROW EXECUTE FUNCTION announce_status();
CREATE TRIGGER transforms_announce_update AFTER UPDATE ON transforms FOR EACH ROW WHEN (((old.status IS DISTINCT FROM new.status) OR (old.attempt IS DISTINCT FROM new.attempt))) EXECUTE FUNCTION announce_status();
CREATE TRIGGER transforms_remove_upload AFTER UPDATE OF status ON transforms FOR EACH ROW WHEN (((new.kind = ANY (ARRAY['upload'::text, 'analysis'::text])) AND ((new.status = 'completed'::text) OR ((new.status = 'failed'::text) AND ((new.error ->> 'recoverable'::text) = 'false'::text))))) EXECUTE FUNCTION remove_upload();
