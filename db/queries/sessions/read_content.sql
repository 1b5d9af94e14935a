-- The file of one artifact of a user's session, or its data where it has no file. @kind text kind, @session uuid session, @user text user,
-- @artifact uuid artifact. One row, or none. Index: sessions_pkey, artifacts_pkey.
select a.type, a.position, a.data->>'name' as name, a.content_type, a.content_hash, coalesce(a.content, convert_to(a.data::text, 'UTF8')) as content
from artifacts as a join sessions as s on s.id = a.session_id
where a.id = @artifact and s.id = @session and s.kind = @kind and s.user_id = @user
