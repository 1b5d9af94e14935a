-- What is queued and what runs now, whichever instance runs it: how many of each kind, queue, priority and status, and since when there is the oldest.
-- @max int where to stop counting, for each of the two; of the queued those that are taken first. Index: transforms_running, transforms_queued.
select kind, queue, priority, status, count(*)::int as count, min(created_at) as oldest
from (
    (select kind, queue, priority, status, created_at from transforms where status = 'running' limit @max)
    union all
    (select kind, queue, priority, status, created_at from transforms where status = 'queued' order by queue, priority desc, created_at limit @max)
) as found
group by kind, queue, priority, status
