-- A user's file and how far its upload has come. @id uuid file, @user text user. One row, or none.
-- Index: files_pkey, transforms_session_id_ordinal_key, file_checkpoints_pkey.
select f.id, s.input->>'name' as name, f.metadata, f.size, f.status, f.content_type, f.crc32c, f.modified_at, f.expires_at, t.id as transform_id, c.position
from files as f
join sessions as s on s.id = f.id
join transforms as t on t.session_id = f.id and t.ordinal = 1
join file_checkpoints as c on c.transform_id = t.id
where f.id = @id and f.user_id = @user
