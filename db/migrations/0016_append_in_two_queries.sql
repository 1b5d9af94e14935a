-- Group commit: the messages of many runs, those of them whose lease still stands; see db/queries/messages/append_messages.sql.
-- A function, because its plan is kept for the session, and a session that commits from the start plans on empty tables: it would go
-- through all running transforms for each message, or read all of the table (enable_seqscan). So a lease is looked up by its key alone. One plan
-- for all: for arrays of a few it would be made anew at each execution.
create function append_messages(
    p_transform_ids uuid[], p_attempts int[], p_indexes int[], p_types text[], p_data text[], p_times timestamptz[], p_lock_patience int)
returns setof uuid language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
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
end $$;

-- The trigger of 0001 with one query in place of four: it runs in each commit, and was a fifth of PostgreSQL's time in one.
-- Nothing that it does has changed: see there.
create or replace function announce_messages() returns trigger language plpgsql set enable_seqscan = off as $$
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
end $$;
