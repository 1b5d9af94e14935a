-- Locks the runs of a batch that change more than messages, so that nobody takes their lease between its statements.
-- $1 uuid[] transforms, $2 int milliseconds to wait for a lock, as in append_messages. Index: transforms_pkey. In the order
-- of the key: two batches cannot wait for each other.
select id from transforms
where id = any ($1) and (select set_config('lock_timeout', $2::text, true)) is not null
order by id for no key update
