-- What has ended of late, by kind, queue, priority and status: how many, how long they ran (from the first start to the end), and how many took no longer than
-- they should, from the request to the end. @since interval how far back, @max int of how many at most, the newest; @within interval how long they should
-- take, @targets interval[] the same of uploads by priority from 0 on, null for none. Index: transforms_ended.
select kind, queue, priority, status, count(*)::int as count, avg(seconds)::float8 as average_seconds,
       percentile_cont(0.5) within group (order by seconds)::float8 as p50_seconds, percentile_cont(0.95) within group (order by seconds)::float8 as p95_seconds,
       count(*) filter (where total <= case when kind = 'upload' then (@targets::interval[])[priority + 1] else @within::interval end)::int as in_time
from (
    select kind, queue, priority, status, ended_at - created_at as total, extract(epoch from ended_at - coalesce(started_at, created_at)) as seconds
    from transforms
    where ended_at is not null and ended_at > statement_timestamp() - @since::interval
    order by ended_at desc limit @max
) as ended
group by kind, queue, priority, status
