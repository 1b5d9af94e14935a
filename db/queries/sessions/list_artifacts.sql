-- What a user's session has made, without contents: outputs of its newest transform, and artifacts that are of none. @kind text kind,
-- @session uuid session, @user text user. No row: no such session; one row without id: no artifact.
-- Index: sessions_pkey, transforms_session_id_ordinal_key, artifacts_of_session, transform_outputs_pkey.
select a.id, a.type, a.position, a.data->>'name' as name, a.content_type, a.content_hash,
       coalesce(octet_length(a.content), octet_length(a.data::text)) as bytes
from sessions as s
cross join lateral (select id from transforms where session_id = s.id order by ordinal desc limit 1) as t
left join artifacts as a on a.session_id = s.id
     and (exists (select from transform_outputs as o where o.transform_id = t.id and o.artifact_id = a.id)
          or not exists (select from transform_outputs as o where o.artifact_id = a.id))
where s.id = @session and s.kind = @kind and s.user_id = @user
order by a.position, a.id
