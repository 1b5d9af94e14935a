-- How many transforms wait for a worker. @kinds text[] kinds that count, @max int where to stop counting. One row.
-- Index: transforms_queued.
select count(*)::int from (select from transforms where status = 'queued' and kind = any (@kinds) limit @max) as queued
