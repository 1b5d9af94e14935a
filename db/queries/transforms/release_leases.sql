-- Shutdown: hands runs back to the queue, so that another worker need not wait for their leases to expire.
-- @transforms uuid[], @attempts int[]. Index: transforms_pkey.
update transforms as t set status = 'queued', lease_owner = null, lease_expires_at = null
from unnest(@transforms::uuid[], @attempts::int[]) as run(transform_id, attempt)
where t.id = run.transform_id and t.attempt = run.attempt and t.status = 'running'
