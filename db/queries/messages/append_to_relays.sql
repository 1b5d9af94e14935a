-- Group commit: the messages of many requests to relays, each relay once. An entry a request: $1 uuid[] sessions, $2 text[]
-- their users, $3 text[] producers or null, $4 bigint[] sequences or null; an entry a message: $5 int[] number of its request
-- (from 1), $6 int[] its position there (from 1), $7 text[] type, $8 text[] data; then $9 int milliseconds to wait for a lock, as in
-- append_messages. A row for each relay that there is: what became of it, "written",
-- "duplicate", "ended", or "busy" if somebody else holds its lock.
-- Index: sessions_pkey, transforms_session_id_ordinal_key, transforms_pkey, transform_chunks_pkey, relay_appends_pkey.
select append, transform_id, ordinal, outcome, first_index, last_index, written_at from append_to_relays($1, $2, $3, $4, $5, $6, $7, $8)
where (select set_config('lock_timeout', $9::text, true)) is not null
