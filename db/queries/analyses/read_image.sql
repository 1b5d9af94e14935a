-- The picture of an analysis: as it came with the request; else what its upload became, or, as long as that is not ready, what was
-- uploaded. @session uuid analysis. One row; null: it is not stored any more.
-- Index: sessions_pkey, uploads_pkey, artifacts_of_session.
select coalesce(
    (select content from uploads where session_id = s.id),
    (select a.content from artifacts as a where a.session_id = u.id and a.type = 'image' order by a.id desc limit 1),
    (select content from uploads where session_id = u.id)) as content
from sessions as s
left join sessions as u on u.id = (s.input ->> 'uploadId')::uuid and u.kind = 'upload' and u.user_id = s.user_id
where s.id = @session
