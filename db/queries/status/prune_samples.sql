-- Removes a few samples that are too old, or too many, the oldest first. @kept interval how long they are kept, @max int how many at most.
-- What another instance is removing is left to it. Index: status_samples_pkey.
delete from status_samples as s
using (
    select taken_at, instance from status_samples
    where taken_at <= greatest(statement_timestamp() - @kept::interval, (select taken_at from status_samples order by taken_at desc offset @max::int limit 1))
    order by taken_at limit 1000
    for update skip locked
) as old
where s.taken_at = old.taken_at and s.instance = old.instance
