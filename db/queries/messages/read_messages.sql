-- Pages of several transforms. An entry each: $1 uuid[] transform, $2 int[] index after which to read; for all: $3 int
-- rows at most, $4 int bytes of data at which a page ends, with the row that reaches them: one row at least. Rows with the
-- number of their entry (from 1), in order of index within it. Messages have no gaps, so a page is a range of indexes: a limit alone was planned
-- as a sort of all that follow, at each page. Where it ends is looked up first: a running sum over its rows took as long as all else, and few pages need one.
-- Index: transform_chunks_pkey.
select asked.number::int, c.chunk_index, c.chunk_type, c.chunk_data, c.created_at
from unnest($1::uuid[], $2::int[]) with ordinality as asked(transform_id, head, number)
cross join lateral (
    select case when sum(octet_length(chunk_data)) < $4 then asked.head + $3 else (
        select max(chunk_index)
        from (select chunk_index, sum(octet_length(chunk_data)) over (order by chunk_index) - octet_length(chunk_data) as bytes_before
              from transform_chunks
              where transform_id = asked.transform_id and chunk_index > asked.head and chunk_index <= asked.head + $3) as page
        where bytes_before < $4) end as last
    from transform_chunks
    where transform_id = asked.transform_id and chunk_index > asked.head and chunk_index <= asked.head + $3
) as page
cross join lateral (
    select chunk_index, chunk_type, chunk_data, created_at
    from transform_chunks
    where transform_id = asked.transform_id and chunk_index > asked.head and chunk_index <= page.last
    order by chunk_index
) as c
