-- One output of a user's session by its place, and what the session was asked. @kind text kind, @session uuid session, @user text user, @type text type, @position int position.
-- Index: sessions_pkey, transforms_session_id_ordinal_key, transform_outputs_pkey.
select a.id, a.data::text as data, s.input::text as input
from sessions as s
cross join lateral (select id from transforms where session_id = s.id order by ordinal desc limit 1) as t
join transform_outputs as o on o.transform_id = t.id
join artifacts as a on a.id = o.artifact_id and a.type = @type and a.position = @position
where s.id = @session and s.kind = @kind and s.user_id = @user
