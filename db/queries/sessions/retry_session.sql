-- The next transform of a user's session whose newest one has failed or was cancelled, with stages and `start` message.
-- @kind text kind, @session uuid session, @user text user, @transform uuid transform, @context jsonb execution context, @traceparent text request that asks for it or null, @stages text[] stages,
-- @labels text[] labels, @weights real[] weights, @start text data of the start message, @inProgressMax int sessions that the user may
-- have in progress or null. One row: status of the newest transform before, whether this retry was made, now or by an earlier try of
-- it, and whether it was not because the user has as many in progress as may be. No row: no such session.
-- Index: sessions_pkey, transforms_session_id_ordinal_key, transforms_in_progress.
with newest as (
    select t.id, t.session_id, t.ordinal, t.kind, t.status, t.queue, t.priority
    from sessions as s
    cross join lateral (select * from transforms where session_id = s.id order by ordinal desc limit 1) as t
    where s.id = @session and s.kind = @kind and s.user_id = @user
), room as materialized (
    select case when @inProgressMax::int is null then true else sessions_in_progress(@user) < @inProgressMax::int end as free
    from newest where status in ('failed', 'cancelled')
), transform as (
    insert into transforms (id, session_id, user_id, ordinal, kind, queue, priority, status, execution_context, traceparent)
    select @transform, session_id, @user, ordinal + 1, kind, queue, priority, 'queued', @context::jsonb, @traceparent from newest, room where free
    on conflict (session_id, ordinal) do nothing
    returning id
), inputs as (
    insert into transform_inputs (transform_id, artifact_id)
    select transform.id, i.artifact_id from transform, newest join transform_inputs as i on i.transform_id = newest.id
), stages as (
    insert into transform_stages (transform_id, stage, position, weight, label)
    select transform.id, stage.name, stage.position, stage.weight, stage.label
    from transform, unnest(@stages::text[], @labels::text[], @weights::real[]) with ordinality as stage(name, label, weight, position)
), start as (
    insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data)
    select id, 0, 'start', @start from transform
)
select newest.status, (newest.id = @transform or exists (select from transform)) as retried,
    exists (select from room where not free) as is_full
from newest
