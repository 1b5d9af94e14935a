-- The unified state without its messages, which read_state_messages tells in the same transaction, so of the same snapshot. $1 uuid session,
-- $2 text kind, $3 text user, $4 int ordinal and $5 int index after which messages are wanted (0 and -1: all of them). The progress
-- is the newest up to there: what comes after it is among the messages. One row, or none.
-- Index: sessions_pkey, transforms_session_id_ordinal_key, transform_chunks_pkey, artifacts_of_session, guidance_pkey.
select s.id, s.input::text as input, s.created_at,
       t.id as transform_id, t.ordinal, t.status, t.error::text as error, t.execution_context::text as execution_context,
       coalesce(t.last_index, head.chunk_index) as head, coalesce(t.ended_at, greatest(head.created_at, t.created_at)) as updated_at,
       made.artifacts, made.types, made.data,
       progress.chunk_data as progress,
       stages.names, stages.labels, stages.weights, stages.statuses,
       t.last_index is not null as is_shortened, t.attempt,
       said.ids, said.texts, said.received, said.applied
from sessions as s
cross join lateral (
    select id, ordinal, status, error, execution_context, created_at, ended_at, last_index, attempt,
           status <> 'completed' and last_index is null as is_unfinished
    from transforms where session_id = s.id order by ordinal desc limit 1
) as t
left join lateral (
    select chunk_index, created_at from transform_chunks where transform_id = t.id order by chunk_index desc limit 1
) as head on true
cross join lateral (
    select (select count(*) from artifacts where session_id = s.id)::int as artifacts,
           array_agg(type) as types, array_agg(data::text) as data
    from (select a.type, a.data from artifacts as a
          where a.session_id = s.id
            and (exists (select from transform_outputs as o where o.transform_id = t.id and o.artifact_id = a.id)
                 or not exists (select from transform_outputs as o where o.artifact_id = a.id))
          order by a.position, a.id) as a
) as made
left join lateral (
    select chunk_data from transform_chunks
    where t.is_unfinished and transform_id = t.id and chunk_type = 'progress'
      and chunk_index <= case when t.ordinal = $4 then $5 else -1 end
    order by chunk_index desc limit 1
) as progress on true
cross join lateral (
    select array_agg(stage) as names, array_agg(label) as labels, array_agg(weight) as weights,
           array_agg(status) as statuses
    from (select stage, label, weight, status from transform_stages
          where t.is_unfinished and transform_id = t.id order by position) as g
) as stages
cross join lateral (
    select array_agg(id) as ids, array_agg(text) as texts, array_agg(received_at) as received, array_agg(applied_in is not distinct from t.id) as applied
    from (select id, text, received_at, applied_in from guidance where session_id = s.id order by position) as g
) as said
where s.id = $1 and s.kind = $2 and s.user_id = $3
