-- How long the stages of the newest completed runs of a kind took, newest run first; the wait for a worker is a stage `queue`.
-- Runs that changed hands, were paused or were handed back (attempt > 1) are left out: their stages did not do all of the work.
-- So is a stage whose beginning and end came in one commit: it has no beginning. $1 text kind, $2 text property of the
-- session's input that says how much was asked for (a path with dots to a number; everything counts 1 without), $3 int runs at most,
-- $4 text[] stages that it is the size of, none: all.
-- Rows: that many runs times their stages and one. Index: transforms_completed, transform_stages_pkey, sessions_pkey.
with runs as (
    select t.id, t.session_id, t.ended_at, t.execution_context, t.created_at, t.started_at
    from transforms as t
    where t.kind = $1 and t.status = 'completed' and t.attempt = 1
    order by t.ended_at desc
    limit $3
), sized as (
    select r.*, coalesce(case when jsonb_typeof(asked.amount) = 'number' then nullif(abs(asked.amount::float8), 0) end, 1) as size
    from runs as r
    -- Not a join: that may be planned as a hash of all sessions.
    cross join lateral (select (select s.input #> string_to_array($2, '.') from sessions as s where s.id = r.session_id) as amount) as asked
)
select r.id as run, concat_ws('/', r.execution_context ->> 'provider', r.execution_context ->> 'model') as model,
       g.stage, case when g.stage = 'queue' or (cardinality($4::text[]) > 0 and g.stage <> all ($4::text[])) then 1 else r.size end as size, g.seconds, g.half_seconds
from sized as r
cross join lateral (
    select stage, extract(epoch from ended_at - started_at)::float8 as seconds, half_seconds::float8 as half_seconds
    from transform_stages
    where transform_id = r.id and status = 'completed' and ended_at >= started_at
    union all
    select 'queue', extract(epoch from r.started_at - r.created_at)::float8, null
    where r.started_at >= r.created_at
) as g
order by r.ended_at desc, r.id
