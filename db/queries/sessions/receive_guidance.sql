-- Stores what a user says to the newest transform of a session. @kind text kind, @session uuid session, @user text user,
-- @key text idempotency key, @id uuid its id, @text text what is said, @max int at most in one session, @data text data of
-- the message that tells of it. One row: 'received', 'repeated', 'reused', 'full', the status if it came too late, or null
-- if there is no such session. Index: sessions_pkey, transforms_session_id_ordinal_key, guidance_pkey,
-- guidance_session_id_idempotency_key_key.
select receive_guidance(@kind, @session, @user, @key, @id, @text, @max, @data) as outcome
