-- Reconciliation: of each of many transforms the last index that is in the table, -1 if there is none, and whether its
-- messages are there to stay: not if they are being removed, or the transform was. $1 uuid[] transforms.
-- Index: transform_chunks_pkey, transforms_pkey.
select asked.transform_id,
       coalesce((select max(chunk_index) from transform_chunks where transform_id = asked.transform_id), -1) as head,
       coalesce((select last_index is null from transforms where id = asked.transform_id), false) as stays
from unnest($1::uuid[]) as asked(transform_id)
