-- Group commit for relays: the appends of many requests, in one statement, one commit and one notification. append_to_relay
-- remains for a request with several sequences, and for a relay that somebody else is writing to.
create function append_to_relays(
    p_sessions uuid[], p_users text[], p_producer_ids text[], p_sequences bigint[],
    p_appends int[], p_positions int[], p_types text[], p_data text[])
returns table (append int, transform_id uuid, ordinal int, outcome text, first_index int, last_index int, written_at timestamptz)
language plpgsql
set enable_seqscan = off
as $$
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
end $$;
