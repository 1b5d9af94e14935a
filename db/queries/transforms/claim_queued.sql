-- Takes queued transforms of one queue for a worker, first by priority, then by age; and, if it may, first the oldest of those that
-- have waited too long. @queue text queue, @kinds text[] kinds it can run, @owner text owner, @lease interval length of the lease, @count int how
-- many at most, @aged boolean whether one of them may be one that has waited for @agedAfter interval. Index: transforms_queued.
with aged as (
    select head.id
    -- The oldest of each priority: four looks at the index, however long the queue is.
    from generate_series(0, 3) as level(priority)
    cross join lateral (
        select id, created_at from transforms
        where @aged::boolean and status = 'queued' and queue = @queue and priority = level.priority and kind = any (@kinds)
          and created_at < now() - @agedAfter::interval
        order by created_at limit 1
        for update skip locked
    ) as head
    order by head.created_at limit 1
), next as (
    select id from transforms
    where status = 'queued' and queue = @queue and kind = any (@kinds) and id not in (select id from aged)
    order by priority desc, created_at
    limit @count::int - (select count(*) from aged)
    for update skip locked
), taken as (
    select id, true as is_aged from aged union all select id, false from next
)
update transforms as t
set status = 'running', attempt = t.attempt + 1, lease_owner = @owner, lease_expires_at = clock_timestamp() + @lease,
    started_at = coalesce(t.started_at, clock_timestamp())
from taken
where t.id = taken.id
returning t.id, t.session_id, t.kind, t.ordinal, t.attempt, t.traceparent, taken.is_aged
