-- Prolongs the leases of a worker's runs; one row for each that still stands. @transforms uuid[] transforms, @attempts int[] attempts,
-- @lease interval length of the lease. Index: transforms_pkey.
update transforms as t set lease_expires_at = clock_timestamp() + @lease
from unnest(@transforms::uuid[], @attempts::int[]) as run(transform_id, attempt)
where t.id = run.transform_id and t.attempt = run.attempt and t.status = 'running'
returning t.id, t.attempt
