-- What several transforms have grown by. $1 uuid[] transforms, $2 int[] index after which to read of each,
-- $3 int rows at most of each, $4 int bytes of data at which each ends, with the row that reaches them. In order of index within
-- each transform. Index: transform_chunks_pkey.
select grown.transform_id, c.chunk_index, c.chunk_type, c.chunk_data, c.created_at
from unnest($1::uuid[], $2::int[]) as grown(transform_id, head)
cross join lateral (
    select chunk_index, chunk_type, chunk_data, created_at,
           sum(octet_length(chunk_data)) over (order by chunk_index) - octet_length(chunk_data) as bytes_before
    from transform_chunks
    where transform_id = grown.transform_id and chunk_index > grown.head and chunk_index <= grown.head + $3
    order by chunk_index
) as c
where c.bytes_before < $4
