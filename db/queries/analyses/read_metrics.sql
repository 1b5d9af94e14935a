-- How a user's newest analyses went: in all, by status, and by strategy. @user text user, @max int analyses at most, @budget float8 seconds that
-- one is to take at most. Times are from the request to the end, of those that were completed and made anew. One row at least, that of all.
-- Index: sessions_of_user, transforms_session_id_ordinal_key, transform_outputs_pkey.
with runs as (
    select t.status, extract(epoch from t.ended_at - t.created_at)::float8 as seconds, chosen.data ->> 'strategy' as strategy, outcome.data ->> 'cache' as cache,
           (outcome.data ->> 'withinBudget')::boolean as within_budget
    from (select id from sessions where user_id = @user and kind = 'analysis' order by id desc limit @max) as s
    cross join lateral (select id, status, created_at, ended_at from transforms where session_id = s.id order by ordinal desc limit 1) as t
    left join lateral (
        select a.data from transform_outputs as o join artifacts as a on a.id = o.artifact_id
        where o.transform_id = t.id and a.type = 'strategy' limit 1) as chosen on true
    left join lateral (
        select a.data from transform_outputs as o join artifacts as a on a.id = o.artifact_id
        where o.transform_id = t.id and a.type = 'outcome' limit 1) as outcome on true
)
select case when grouping(status) = 0 then 'status' when grouping(strategy) = 0 then 'strategy' else 'all' end as part,
       coalesce(status, strategy) as name, count(*)::int as count,
       count(*) filter (where status = 'completed')::int as completed,
       count(*) filter (where status = 'completed' and seconds <= @budget)::int as in_time,
       count(*) filter (where within_budget)::int as within_budget,
       count(*) filter (where cache = 'full')::int as reused,
       percentile_cont(0.5) within group (order by seconds) filter (where status = 'completed' and cache is distinct from 'full') as median_seconds,
       percentile_cont(0.95) within group (order by seconds) filter (where status = 'completed' and cache is distinct from 'full') as p95_seconds
from runs
group by grouping sets ((), (status), (strategy))
having grouping(strategy) = 1 or strategy is not null
order by 1, 2
