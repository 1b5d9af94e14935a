-- How far an upload is. @session uuid session, @user text whose it must be (null: anybody's), @max int where to stop counting those ahead of it in the queue.
-- One row, or none. Index: sessions_pkey, transforms_session_id_ordinal_key, transforms_queued, transform_chunks_pkey, transform_outputs_pkey, artifacts_pkey.
select t.id, t.status, t.priority, t.ordinal, t.attempt, t.created_at, t.started_at, t.ended_at, t.error ->> 'code' as error,
       case when t.status = 'queued' then (
           select count(*)::int from (
               select from transforms as q
               where q.status = 'queued' and q.queue = t.queue and (q.priority > t.priority or (q.priority = t.priority and q.created_at < t.created_at))
               limit @max) as ahead) end as ahead,
       (select c.chunk_data from transform_chunks as c
        where c.transform_id = t.id and c.chunk_type = 'progress' order by c.chunk_index desc limit 1) as progress,
       (select a.data::text from transform_outputs as o join artifacts as a on a.id = o.artifact_id
        where o.transform_id = t.id and a.type = 'image' limit 1) as image
from sessions as s
cross join lateral (select * from transforms where session_id = s.id order by ordinal desc limit 1) as t
where s.id = @session and s.kind = 'upload' and (@user::text is null or s.user_id = @user)
