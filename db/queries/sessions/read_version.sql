-- What read_versions tells, of one session: with an array of one PostgreSQL makes a plan for each execution, which takes three times as
-- long as the rest. $1 uuid session, $2 text whose it must be. One row, or none. Index: sessions_pkey, transforms_session_id_ordinal_key,
-- transform_chunks_pkey, artifacts_of_session.
select 1 as number, s.kind, t.id as transform_id, t.ordinal, t.status,
       coalesce(t.last_index, (select max(chunk_index) from transform_chunks where transform_id = t.id), -1) as head,
       (select count(*) from artifacts where session_id = s.id)::int as artifacts,
       t.last_index is not null as is_shortened, t.attempt, t.traceparent
from sessions as s
cross join lateral (select id, ordinal, status, last_index, attempt, traceparent from transforms where session_id = s.id order by ordinal desc limit 1) as t
where s.id = $1 and s.user_id = $2
