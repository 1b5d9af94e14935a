-- What tells whether the state of a session has changed, and where its stream goes on, of several sessions of any kind. An entry
-- each: $1 uuid[] session, $2 text[] whose it must be. Those that are not there, or another user's, are left out; the others
-- have the number of their entry (from 1). Each is looked up by itself ("limit"), however the plan was made: no hash of all sessions. Index: sessions_pkey, transforms_session_id_ordinal_key, transform_chunks_pkey, artifacts_of_session.
select asked.number::int, s.kind, t.id as transform_id, t.ordinal, t.status,
       coalesce(t.last_index, (select max(chunk_index) from transform_chunks where transform_id = t.id), -1) as head,
       (select count(*) from artifacts where session_id = s.id)::int as artifacts,
       t.last_index is not null as is_shortened, t.attempt, t.traceparent
from unnest($1::uuid[], $2::text[]) with ordinality as asked(session_id, user_id, number)
cross join lateral (select id, kind from sessions where id = asked.session_id and user_id = asked.user_id limit 1) as s
cross join lateral (select id, ordinal, status, last_index, attempt, traceparent from transforms where session_id = s.id order by ordinal desc limit 1) as t
