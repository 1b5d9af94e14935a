-- Stages that began or ended in a batch. An entry each: $1 uuid[] transform, $2 int[] attempt, $3 text[] stage,
-- $4 text[] status, $5 timestamptz[] time, $6 float8[] seconds that the first half took, null if not known. A stage that begins again
-- starts its clock anew. Index: transform_stages_pkey.
update transform_stages as s
set status = change.status,
    started_at = case when change.status = 'running' then change.at else s.started_at end,
    ended_at = case when change.status = 'running' then null else change.at end,
    half_seconds = change.half_seconds
from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::timestamptz[], $6::float8[])
     as change(transform_id, attempt, stage, status, at, half_seconds)
join transforms as t on t.id = change.transform_id and t.attempt = change.attempt and t.status = 'running'
where s.transform_id = change.transform_id and s.stage = change.stage
