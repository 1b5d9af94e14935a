-- A session of an older system with its one ended transform, all messages and artifacts: together or not at all.
-- @session uuid session, @kind text kind, @user text user, @input text input (a JSON object), @key text idempotency key made of the source,
-- @created timestamptz when it was asked for, @transform uuid transform, @status text its final status; an entry a message, in
-- order from index 0: @types text[] types, @data text[] data, @times timestamptz[] times; an entry an artifact: @artifacts uuid[] ids,
-- @artifactTypes text[] types, @positions int[] positions, @artifactData text[] data. One row: sessions made, 0 if the key is there already.
-- The grace period of retention begins now. Index: sessions_idempotency.
with session as (
    insert into sessions (id, kind, user_id, input, idempotency_key, created_at)
    values (@session, @kind, @user, @input::jsonb, @key, @created)
    on conflict (user_id, kind, idempotency_key) where idempotency_key is not null do nothing
    returning id
), transform as (
    insert into transforms (id, session_id, ordinal, kind, status, created_at, started_at, ended_at)
    select @transform, id, 1, @kind, @status, @created, @created, clock_timestamp() from session
    returning id
), messages as (
    insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data, created_at)
    select transform.id, message.place - 1, message.type, message.data, message.time
    from transform, unnest(@types::text[], @data::text[], @times::timestamptz[]) with ordinality as message(type, data, time, place)
), made as (
    insert into artifacts (id, session_id, user_id, type, position, data, created_at)
    select artifact.id, session.id, @user, artifact.type, artifact.position, artifact.data::jsonb, @created
    from session, unnest(@artifacts::uuid[], @artifactTypes::text[], @positions::int[], @artifactData::text[]) as artifact(id, type, position, data)
    returning id
), outputs as (
    insert into transform_outputs (transform_id, artifact_id) select transform.id, made.id from transform, made
)
select count(*)::int from session
