-- Gives the right to go on with a stream of a user's file to who asks now, and takes it from whoever had it. @file uuid file, @user text user,
-- @transform uuid transform. One row: attempt, the last checkpoint, and the percentage that clients were last told. No row: no such stream, or it has ended. Index: transforms_pkey, file_checkpoints_pkey,
-- transform_chunks_pkey.
update transforms as t set attempt = t.attempt + 1
from file_checkpoints as c join files as f on f.id = c.file_id
where t.id = @transform and t.status = 'running' and c.transform_id = t.id and f.id = @file and f.user_id = @user
returning t.attempt, c.position, c.crc32c, c.file_size, c.modified_at,
    coalesce((select (m.chunk_data::jsonb ->> 'progress')::float8 from transform_chunks as m
              where m.transform_id = t.id and m.chunk_type = 'progress' order by m.chunk_index desc limit 1), 0) as told
