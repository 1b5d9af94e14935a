-- Ends a user's relay. @session uuid session, @user text user, @status text status, @error jsonb error or null, @types text[] types and
-- @data text[] data of its last messages. One row: the status it had before. No row: no such relay.
select end_transform(t.id, array['running'], @status, @error::jsonb, @types, @data) as status
from sessions as s
cross join lateral (select id from transforms where session_id = s.id order by ordinal desc limit 1) as t
where s.id = @session and s.kind = 'relay' and s.user_id = @user
