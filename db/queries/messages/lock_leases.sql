-- Locks the runs of a batch that change more than messages, so that nobody takes their lease between its statements.
-- $1 uuid[] transforms. Index: transforms_pkey. In the order of the key: two batches cannot wait for each other.
select id from transforms where id = any ($1) order by id for no key update
