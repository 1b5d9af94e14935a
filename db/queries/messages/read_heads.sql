-- Reconciliation: of many transforms those that have more messages than is known, or whose messages are not there to stay: being
-- removed, or gone with the transform. Last index that is in the table, -1 if there is none, and whether they stay.
-- $1 uuid[] transforms, $2 int[] last index that is known of each. Index: transform_chunks_pkey, transforms_pkey.
select transform_id, head, stays
from (select asked.transform_id, asked.known,
             coalesce((select max(chunk_index) from transform_chunks where transform_id = asked.transform_id), -1) as head,
             coalesce((select last_index is null from transforms where id = asked.transform_id), false) as stays
      from unnest($1::uuid[], $2::int[]) as asked(transform_id, known)) as found
where head > known or not stays
