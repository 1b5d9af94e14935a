-- What an analysis that begins goes by: the load of its queue, and how long recent analyses with the same model took, newest first.
-- Those that re-used all of an earlier one are left out, and those that changed hands. @session uuid analysis, @queue text its queue,
-- @age interval how far back, @max int at most. One row at least, whose strategy is null if there is no history.
-- Index: transforms_session_id_ordinal_key, transforms_running, transforms_queued, transforms_completed, transform_outputs_pkey.
with own as (
    select execution_context, lease_owner from transforms where session_id = @session order by ordinal desc limit 1
), load as (
    select (select count(*) from transforms as t where t.status = 'running' and t.queue = @queue and t.lease_owner = (select lease_owner from own))::int as running,
           (select count(*) from (select from transforms where status = 'queued' and queue = @queue limit 1000) as waiting)::int as queued
), past as (
    select r.ended_at, r.strategy, r.seconds, r.load
    from (
        select t.ended_at, extract(epoch from t.ended_at - t.started_at)::float8 as seconds, chosen.data ->> 'strategy' as strategy, (chosen.data ->> 'load')::float8 as load
        from (select id, started_at, ended_at, execution_context from transforms
              where kind = 'analysis' and status = 'completed' and attempt = 1 and ended_at > clock_timestamp() - @age::interval
              order by ended_at desc limit @max) as t
        cross join lateral (
            select a.data from transform_outputs as o join artifacts as a on a.id = o.artifact_id
            where o.transform_id = t.id and a.type = 'strategy' limit 1) as chosen
        cross join lateral (
            select a.data from transform_outputs as o join artifacts as a on a.id = o.artifact_id
            where o.transform_id = t.id and a.type = 'outcome' limit 1) as outcome
        where t.execution_context = (select execution_context from own) and outcome.data ->> 'cache' is distinct from 'full'
    ) as r
)
select load.running, load.queued, past.strategy, past.seconds, past.load, extract(epoch from clock_timestamp() - past.ended_at)::float8 as age_seconds
from load left join past on true
order by past.ended_at desc
