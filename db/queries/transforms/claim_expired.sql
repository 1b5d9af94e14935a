-- Takes running transforms whose worker has not renewed its lease, as the next attempt. Parameters as in claim_queued, but for the queue's;
-- @attemptsMax int attempts at most, counting those that were lost; one handed back at a shutdown is not. Index: transforms_running.
with next as (
    select id from transforms
    where status = 'running' and lease_expires_at < clock_timestamp() and kind = any (@kinds) and losses + 1 < @attemptsMax
    order by lease_expires_at
    limit @count
    for update skip locked
)
update transforms as t
set attempt = t.attempt + 1, losses = t.losses + 1, lease_owner = @owner, lease_expires_at = clock_timestamp() + @lease
from next
where t.id = next.id
returning t.id, t.session_id, t.kind, t.ordinal, t.attempt, t.traceparent, false as is_aged
