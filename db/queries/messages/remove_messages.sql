-- Retention: one batch of messages whose transforms ended longer ago than the grace period, the oldest first. Transforms go
-- whole as long as they fit; one that does not goes alone, from index 0 upwards, over several batches.
-- @grace interval grace period, @count int messages at most. One row: transforms that were touched, and messages that went.
-- One caller at a time, of all services: whoever does not get the lock removes nothing.
-- statement_timestamp(), because the index cannot be searched for what is volatile. Index: transforms_with_messages, transform_chunks_pkey, transforms_pkey.
with alone as materialized (
    select pg_try_advisory_xact_lock(5308412) as is_mine
), due as materialized (
    select id, ended_at, last_index from transforms
    where ended_at is not null and messages_removed_at is null and ended_at < statement_timestamp() - @grace::interval
      and (select is_mine from alone)
    order by ended_at
    limit 200
), sized as (
    select due.id, due.last_index, rows.low, rows.high,
           sum(rows.high - rows.low + 1) over (order by due.ended_at, due.id) as total,
           row_number() over (order by due.ended_at, due.id) as place
    from due
    cross join lateral (
        select coalesce((select min(chunk_index) from transform_chunks where transform_id = due.id), 0) as low,
               coalesce((select max(chunk_index) from transform_chunks where transform_id = due.id), -1) as high
    ) as rows
), batch as materialized (
    select id, low, high, least(high, low + @count::int - 1) as upto,
           -- A stream of two messages needs two indexes, whatever was there.
           coalesce(last_index, greatest(high, 1)) as last_index
    from sized
    where total <= @count::int or place = 1
), removed as (
    delete from transform_chunks as c using batch
    where c.transform_id = batch.id and c.chunk_index between batch.low and batch.upto
    returning 1
), marked as (
    update transforms as t
    set last_index = batch.last_index, messages_removed_at = case when batch.upto = batch.high then clock_timestamp() end
    from batch
    where t.id = batch.id and t.messages_removed_at is null
    returning 1
)
select (select count(*) from marked)::int as transforms, (select count(*) from removed)::int as messages
