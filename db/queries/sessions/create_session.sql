-- A session with its first transform, the transform's stages, its `start` message and the bytes of an upload: together or not at all.
-- @session uuid session, @kind text kind, @user text user, @input jsonb input, @key text idempotency key or null, @transform uuid transform,
-- @status text status, @context jsonb execution context, @traceparent text request that asks for it or null, @stages text[] stages, @labels text[] their labels, @weights real[] their weights,
-- @start text data of the start message, @inputs uuid[] artifacts it reads, @queue text queue, @priority smallint priority, @content bytea bytes of an upload or null, @inProgressMax int sessions that the user may have in
-- progress or null. One row: the session's id. No row: the key was used before, or the user has as many in progress as may be.
-- Index: sessions_idempotency, transforms_in_progress.
with room as materialized (
    select case when @inProgressMax::int is null then true else sessions_in_progress(@user) < @inProgressMax::int end as free
), session as (
    insert into sessions (id, kind, user_id, input, idempotency_key)
    select @session, @kind, @user, @input::jsonb, @key where (select free from room)
    on conflict (user_id, kind, idempotency_key) where idempotency_key is not null do nothing
    returning id
), transform as (
    insert into transforms (id, session_id, user_id, ordinal, kind, queue, priority, status, execution_context, traceparent, started_at)
    select @transform, id, @user, 1, @kind, @queue, @priority, @status, @context::jsonb, @traceparent, case when @status = 'running' then clock_timestamp() end from session
    returning id
), stages as (
    insert into transform_stages (transform_id, stage, position, weight, label)
    select transform.id, stage.name, stage.position, stage.weight, stage.label
    from transform, unnest(@stages::text[], @labels::text[], @weights::real[]) with ordinality as stage(name, label, weight, position)
), upload as (
    insert into uploads (session_id, content) select id, @content::bytea from session where @content::bytea is not null
), inputs as (
    insert into transform_inputs (transform_id, artifact_id)
    select transform.id, artifact_id from transform, unnest(@inputs::uuid[]) as artifact_id
), start as (
    insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data)
    select id, 0, 'start', @start from transform
)
select id from session
