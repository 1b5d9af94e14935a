-- Prolongs the leases of a worker's runs; one row for each that still stands, and whether it was prolonged: one whose row
-- somebody has locked is passed over, so that it does not cost the others theirs. @transforms uuid[] transforms,
-- @attempts int[] attempts, @lease interval length of the lease. Index: transforms_pkey.
with standing as materialized (
    select t.id, t.attempt
    from unnest(@transforms::uuid[], @attempts::int[]) as run(transform_id, attempt)
    join transforms as t on t.id = run.transform_id and t.attempt = run.attempt and t.status = 'running'
), free as (
    select t.id
    from unnest(@transforms::uuid[], @attempts::int[]) as run(transform_id, attempt)
    join transforms as t on t.id = run.transform_id and t.attempt = run.attempt and t.status = 'running'
    for no key update of t skip locked
), renewed as (
    update transforms as t set lease_expires_at = clock_timestamp() + @lease
    from free
    where t.id = free.id
    returning t.id
)
select standing.id, standing.attempt, renewed.id is not null as renewed
from standing left join renewed on renewed.id = standing.id
