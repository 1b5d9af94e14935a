-- Reconciliation: the last index of each of many transforms. $1 uuid[] transforms. Index: transform_chunks_pkey.
select asked.transform_id, head.chunk_index
from unnest($1::uuid[]) as asked(transform_id)
cross join lateral (
    select chunk_index from transform_chunks
    where transform_id = asked.transform_id order by chunk_index desc limit 1
) as head
