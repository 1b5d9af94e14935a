-- What was asked for. A session belongs to one user; everything below it is reached through it.
create table sessions (
    id uuid primary key,                                    -- version 7: newest last, so the key is the order of a list
    kind text not null check (kind <> ''),
    user_id text not null,
    input jsonb not null,
    idempotency_key text,
    created_at timestamptz not null default clock_timestamp()
);
create unique index sessions_idempotency on sessions (user_id, kind, idempotency_key) where idempotency_key is not null;
create index sessions_of_user on sessions (user_id, kind, id desc);

-- One run of a kind's pipeline over a session.
--
--   queued ──claim──> running ──finish──> completed | failed
--     │ ▲              │  │ ▲
--     │ └──hand back───┤  │ └─ claim of an expired lease: the next attempt
--     └───cancel───────┴──┴──> cancelled
--
-- attempt is the fencing token: whoever changes hands or ends a transform raises it, and a writer that still
-- holds the old number writes nothing from then on.
create table transforms (
    id uuid primary key,
    session_id uuid not null references sessions on delete cascade,
    ordinal int not null check (ordinal >= 1),
    kind text not null,
    status text not null check (status in ('queued', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    priority smallint not null default 0,
    attempt int not null default 0,
    losses int not null default 0,                          -- attempts whose worker did not come back
    lease_owner text,
    lease_expires_at timestamptz,
    execution_context jsonb not null default '{}',
    expected_chunks int,
    error jsonb,
    created_at timestamptz not null default clock_timestamp(),
    started_at timestamptz,
    ended_at timestamptz,
    unique (session_id, ordinal)
) with (fillfactor = 70);
-- A renewed lease changes no indexed column, so it is a heap-only update.
create index transforms_queued on transforms (priority desc, created_at) where status = 'queued';
create index transforms_running on transforms (id) where status = 'running';

-- The history that time estimates are made from.
create table transform_stages (
    transform_id uuid not null references transforms on delete cascade,
    stage text not null,
    position int not null,
    weight real not null check (weight > 0),
    label text not null,
    status text not null default 'pending' check (status in ('pending', 'running', 'completed', 'failed')),
    started_at timestamptz,
    ended_at timestamptz,
    primary key (transform_id, stage)
);

-- The stream itself: every message that a client will ever be told, one row each, in the order of its index.
-- No foreign key: the append joins on transforms already, and a key check a row would double its cost.
create table transform_chunks (
    transform_id uuid not null,
    chunk_index int not null check (chunk_index >= 0),
    chunk_type text not null check (chunk_type <> '' and length(chunk_type) <= 64),
    chunk_data text not null,                               -- a JSON object; anything else is read as {"text": …}
    created_at timestamptz not null default clock_timestamp(),
    primary key (transform_id, chunk_index)
);

create table artifacts (
    id uuid primary key,
    session_id uuid not null references sessions on delete cascade,
    user_id text not null,
    type text not null,
    position int not null default 0,
    data jsonb not null,
    content bytea,
    content_type text,
    content_hash text,
    created_at timestamptz not null default clock_timestamp()
);
create index artifacts_of_session on artifacts (session_id, position, id);

create table transform_inputs (
    transform_id uuid not null references transforms on delete cascade,
    artifact_id uuid not null references artifacts on delete cascade,
    primary key (transform_id, artifact_id)
);
create index transform_inputs_of_artifact on transform_inputs (artifact_id);

create table transform_outputs (
    transform_id uuid not null references transforms on delete cascade,
    artifact_id uuid not null references artifacts on delete cascade,
    primary key (transform_id, artifact_id)
);
create index transform_outputs_of_artifact on transform_outputs (artifact_id);

-- What a producer of a relay has already sent: a repeated sequence is answered with the first one's indexes.
create table relay_appends (
    transform_id uuid not null references transforms on delete cascade,
    producer_id text not null,
    sequence bigint not null,
    first_index int not null,
    last_index int not null,
    primary key (transform_id, producer_id, sequence)
);

create function refuse_message_update() returns trigger language plpgsql as $$
begin
    raise exception 'transform_chunks is append-only: a message is never changed'
        using errcode = 'integrity_constraint_violation';
end $$;
create trigger transform_chunks_immutable before update on transform_chunks
    for each statement execute function refuse_message_update();

-- Runs once a statement, whoever wrote it, and does three things:
-- 1. refuses a gap, and what would follow 'end', which no reader would ever see. So "index n is there" means
--    "everything before n is there" for every reader. Together with
--    the primary key it also decides between two writers of one transform: they need the same next index, so the
--    second waits for the first to commit and then fails.
-- 2. ends a relay whose writer has written 'end'.
-- 3. tells the listeners which transforms grew, and to which index: ids only, never data.
-- The plans of a function are kept for the session: one that was made while the table was small must not read all of it
-- when it has grown.
create function announce_messages() returns trigger language plpgsql set enable_seqscan = off as $$
declare
    payload text;
begin
    if exists (
        select from (select transform_id, min(chunk_index) as low, max(chunk_index) as high, count(*) as messages
                     from inserted group by transform_id) as grown
        where high - low + 1 <> messages
           -- Not "not exists": that may be planned as a hash of the whole table.
           or (low > 0 and coalesce((select chunk_type from transform_chunks as before
                                     where before.transform_id = grown.transform_id
                                       and before.chunk_index = low - 1), 'end') = 'end'))
    then
        raise exception 'the messages of a transform are numbered 0, 1, 2, … without gaps, and nothing follows its end'
            using errcode = 'check_violation', constraint = 'transform_chunks_gapless', table = 'transform_chunks';
    end if;

    if exists (select from inserted where chunk_type = 'end') then
        update transforms set status = 'completed', ended_at = clock_timestamp()
        where kind = 'relay' and status = 'running'
          and id in (select transform_id from inserted where chunk_type = 'end');
    end if;

    -- A payload must stay below 8,000 bytes; 150 entries of at most 48 bytes are 7,200.
    for payload in
        select string_agg(entry, ',')
        from (select transform_id || ':' || max(chunk_index) as entry, (row_number() over () - 1) / 150 as page
              from inserted group by transform_id) as entries
        group by page
    loop
        perform pg_notify('transform_changes', payload);
    end loop;
    return null;
end $$;
create trigger transform_chunks_announce after insert on transform_chunks
    referencing new table as inserted for each statement execute function announce_messages();

create function announce_status() returns trigger language plpgsql as $$
begin
    perform pg_notify('transform_status', new.id || ':' || new.session_id || ':' || new.status);
    return null;
end $$;
create trigger transforms_announce_insert after insert on transforms
    for each row execute function announce_status();
create trigger transforms_announce_update after update on transforms
    for each row when (old.status is distinct from new.status or old.attempt is distinct from new.attempt)
    execute function announce_status();

create function announce_artifacts() returns trigger language plpgsql as $$
begin
    perform pg_notify('session_artifacts', session_id::text) from (select distinct session_id from inserted) as grown;
    return null;
end $$;
create trigger artifacts_announce after insert on artifacts
    referencing new table as inserted for each statement execute function announce_artifacts();

-- Writes messages after the last one of a transform, whatever that is by then, and returns the last index.
-- For writers that hold no lease. The caller has locked the row of transforms; a lease holder's append takes no such
-- lock (it would cost a row version a batch), so the index may be taken by one that commits first: then read again.
-- After an 'end' there is nothing to write.
create function write_messages(p_transform_id uuid, p_types text[], p_data text[]) returns int
language plpgsql as $$
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
end $$;

-- Ends a transform from outside its run: cancel, a relay's end, a worker that was lost. Raises the attempt, so that a
-- run still going on finds out with its next append. Returns the status it found; it acted only if that was in p_from.
create function end_transform(p_transform_id uuid, p_from text[], p_status text, p_error jsonb,
                              p_types text[], p_data text[]) returns text
language plpgsql as $$
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
end $$;

-- For any program with a database connection: adds one message to a relay, returns its index.
-- p_data: a JSON object (the message's own fields) or plain text.
create function append_message(p_transform_id uuid, p_type text, p_data text) returns int
language plpgsql as $$
begin
    perform from transforms where id = p_transform_id and kind = 'relay' and status = 'running' for no key update;
    if not found then
        raise exception 'transform % is not a running relay', p_transform_id using errcode = 'object_not_in_prerequisite_state';
    end if;
    return write_messages(p_transform_id, array[p_type], array[p_data]);
end $$;
create function append_message(p_transform_id uuid, p_type text, p_data jsonb) returns int
language sql as $$ select append_message(p_transform_id, p_type, p_data::text) $$;

-- The same over HTTP, many at once and idempotent: a sequence that a producer has sent before is not written again.
create function append_to_relay(p_transform_id uuid, p_producer_id text, p_sequence bigint, p_types text[], p_data text[])
returns table (first_index int, last_index int, duplicate boolean)
language plpgsql as $$
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
end $$;
