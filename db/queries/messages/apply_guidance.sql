-- Runs of a batch go by what was said to them. An entry each: $1 uuid[] transform, $2 int[] attempt, $3 int[] position up
-- to which they do. Index: transforms_pkey, guidance_pkey.
update guidance as g set applied_in = t.id
from unnest($1::uuid[], $2::int[], $3::int[]) as run(transform_id, attempt, position)
join transforms as t on t.id = run.transform_id and t.attempt = run.attempt and t.status = 'running'
where g.session_id = t.session_id and g.position <= run.position and g.applied_in is distinct from t.id
