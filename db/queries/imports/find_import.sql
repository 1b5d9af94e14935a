-- How many messages an earlier import of a source has written. @user text user, @kind text kind, @key text idempotency key made of the
-- source. One row, or none. Index: sessions_idempotency, transforms_session_id_ordinal_key, transform_chunks_pkey.
select coalesce(t.last_index, (select max(chunk_index) from transform_chunks where transform_id = t.id), -1) + 1 as messages
from sessions as s
join transforms as t on t.session_id = s.id and t.ordinal = 1
where s.user_id = @user and s.kind = @kind and s.idempotency_key = @key
