-- Pauses or resumes the newest transform of a user's session. @kind text kind, @session uuid session, @user text user,
-- @from text[] statuses in which to act, @status text the new one, @types text[] types and @data text[] data of the messages
-- that say so. One row: the status it had before. No row: no such session.
-- Index: sessions_pkey, transforms_session_id_ordinal_key.
select move_transform(t.id, @from, @status, @types, @data) as status
from sessions as s
cross join lateral (select id from transforms where session_id = s.id order by ordinal desc limit 1) as t
where s.id = @session and s.kind = @kind and s.user_id = @user
