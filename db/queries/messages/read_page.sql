-- One page of one transform, as read_messages tells it; see read_version for why. $1 uuid transform, $2 int index after which to read, $3 int
-- rows at most, $4 int bytes of data at which the page ends. Index: transform_chunks_pkey.
select 1 as number, chunk_index, chunk_type, chunk_data, created_at
from transform_chunks
where transform_id = $1 and chunk_index > $2 and chunk_index <= (
    select case when sum(octet_length(chunk_data)) < $4 then $2 + $3 else (
        select max(chunk_index)
        from (select chunk_index, sum(octet_length(chunk_data)) over (order by chunk_index) - octet_length(chunk_data) as bytes_before
              from transform_chunks
              where transform_id = $1 and chunk_index > $2 and chunk_index <= $2 + $3) as page
        where bytes_before < $4) end
    from transform_chunks
    where transform_id = $1 and chunk_index > $2 and chunk_index <= $2 + $3)
order by chunk_index
