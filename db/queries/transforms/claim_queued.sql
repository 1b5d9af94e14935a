-- Takes queued transforms for a worker, first by priority, then by age. @kinds text[] kinds it can run, @owner text owner,
-- @lease interval length of the lease, @count int how many at most. Index: transforms_queued.
with next as (
    select id from transforms
    where status = 'queued' and kind = any (@kinds)
    order by priority desc, created_at
    limit @count
    for update skip locked
)
update transforms as t
set status = 'running', attempt = t.attempt + 1, lease_owner = @owner, lease_expires_at = clock_timestamp() + @lease,
    started_at = coalesce(t.started_at, clock_timestamp())
from next
where t.id = next.id
returning t.id, t.session_id, t.kind, t.ordinal, t.attempt, t.traceparent
