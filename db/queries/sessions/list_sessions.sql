-- A page of a user's sessions of one kind, newest first. @user text user, @kind text kind, @before uuid: those before it (null: from
-- the newest), @count int rows at most. Index: sessions_of_user, transforms_session_id_ordinal_key.
select s.id, s.input::text as input, s.created_at, t.status, t.execution_context::text as execution_context,
       coalesce(t.ended_at, t.started_at, t.created_at) as updated_at
from sessions as s
cross join lateral (select status, execution_context, created_at, started_at, ended_at
                    from transforms where session_id = s.id order by ordinal desc limit 1) as t
where s.user_id = @user and s.kind = @kind and s.id < coalesce(@before::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
order by s.id desc
limit @count
