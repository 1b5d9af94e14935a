-- The last statement of a batch: transforms that end in it. An entry each: $1 uuid[] transform, $2 int[] attempt,
-- $3 text[] status, $4 jsonb[] error or null, $5 timestamptz[] time. Index: transforms_pkey.
update transforms as t
set status = done.status, error = done.error, ended_at = done.at, lease_owner = null, lease_expires_at = null
from unnest($1::uuid[], $2::int[], $3::text[], $4::jsonb[], $5::timestamptz[])
     as done(transform_id, attempt, status, error, at)
where t.id = done.transform_id and t.attempt = done.attempt and t.status = 'running'
