-- What is queued, running or paused now, whichever instance runs it: how many of each kind, queue, priority and status, and since when there is the oldest.
-- @max int where to stop counting. Index: transforms_in_progress.
select kind, queue, priority, status, count(*)::int as count, min(created_at) as oldest
from (select kind, queue, priority, status, created_at from transforms where status in ('queued', 'running', 'paused') limit @max) as found
group by kind, queue, priority, status
