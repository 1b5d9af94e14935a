-- Group commit: the messages of many runs, for those whose lease still stands. One row for each run that has lost it.
-- $1 uuid[] transforms of the runs, $2 int[] their attempts; then an entry a message: $3 int[] number of its run (from 1),
-- $4 int[] index, $5 text[] type, $6 text[] data, $7 timestamptz[] time.
-- Index: transforms_pkey. The insert runs transform_chunks_announce, once.
with held as materialized (
    select run.number, run.transform_id
    from unnest($1::uuid[], $2::int[]) with ordinality as run(transform_id, attempt, number)
    join transforms as t on t.id = run.transform_id and t.attempt = run.attempt and t.status = 'running'
), written as (
    insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data, created_at)
    select held.transform_id, message.chunk_index, message.chunk_type, message.chunk_data, message.created_at
    from unnest($3::int[], $4::int[], $5::text[], $6::text[], $7::timestamptz[])
         as message(run, chunk_index, chunk_type, chunk_data, created_at)
    join held on held.number = message.run
)
select run.transform_id from unnest($1::uuid[]) as run(transform_id)
where run.transform_id not in (select transform_id from held)
