-- What read_followed tells, of these sessions alone, whoever's they are: for news of sessions that begin. @sessions uuid[] sessions.
-- Index: sessions_pkey, transforms_session_id_ordinal_key, transform_chunks_pkey.
select statement_timestamp(), s.user_id, s.id as session_id, s.kind, t.id as transform_id, t.ordinal, t.status,
       coalesce(t.last_index, (select max(chunk_index) from transform_chunks where transform_id = t.id), -1) as head,
       t.last_index is not null as is_shortened, t.attempt, t.ended_at
from sessions as s
cross join lateral (select id, ordinal, status, last_index, attempt, ended_at from transforms where session_id = s.id order by ordinal desc limit 1) as t
where s.id = any(@sessions::uuid[])
