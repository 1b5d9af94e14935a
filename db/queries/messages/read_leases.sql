-- After a failed batch: which of its runs still hold their lease, how far each one's messages go, and what stands where
-- the batch wanted to begin, which tells a commit whose answer was lost from somebody else's message.
-- $1 uuid[] transforms, $2 int[] attempts, $3 int[] first index of each. No row: lease lost.
-- Index: transforms_pkey, transform_chunks_pkey.
select t.id, (select coalesce(max(c.chunk_index), -1) from transform_chunks as c where c.transform_id = t.id) as head,
       first.chunk_type, first.chunk_data
from unnest($1::uuid[], $2::int[], $3::int[]) as run(transform_id, attempt, first_index)
join transforms as t on t.id = run.transform_id and t.attempt = run.attempt
left join transform_chunks as first on first.transform_id = t.id and first.chunk_index = run.first_index
