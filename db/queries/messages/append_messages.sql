-- Group commit: the messages of many runs, those of them whose lease still stands. An entry a message: $1 uuid[] transform of
-- its run, $2 int[] the run's attempt, $3 int[] index, $4 text[] type, $5 text[] data, $6 timestamptz[] time; then $7 int
-- milliseconds to wait for a lock (55P03 after that): whoever holds a row of one run must not hold up the messages of all.
-- Until the end of the transaction, so that it suits a pooler too. A row for each message that was written.
-- Index: transforms_pkey. The insert runs transform_chunks_announce, once.
insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data, created_at)
select held.id, message.chunk_index, message.chunk_type, message.chunk_data, message.created_at
from unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::text[], $6::timestamptz[])
     as message(transform_id, attempt, chunk_index, chunk_type, chunk_data, created_at)
join transforms as held on held.id = message.transform_id and held.attempt = message.attempt and held.status = 'running'
where (select set_config('lock_timeout', $7::text, true)) is not null
returning transform_id
