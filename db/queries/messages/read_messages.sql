-- One page of a transform's messages. $1 uuid transform, $2 int index after which to read, $3 int rows at most.
-- Index: transform_chunks_pkey.
select chunk_index, chunk_type, chunk_data, created_at
from transform_chunks
where transform_id = $1 and chunk_index > $2
order by chunk_index
limit $3
