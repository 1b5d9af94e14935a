-- A page of all transforms, the newest first. @before uuid those before it (null: from the newest), @count int rows at most.
-- Ids grow with time. Index: transforms_pkey, sessions_pkey.
select t.id, t.session_id, s.user_id, t.kind, t.ordinal, t.attempt, t.status, t.created_at, t.started_at, t.ended_at, t.error ->> 'code' as error,
       t.execution_context ->> 'model' as model
from transforms as t join sessions as s on s.id = t.session_id
where t.id < coalesce(@before::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
order by t.id desc
limit @count
