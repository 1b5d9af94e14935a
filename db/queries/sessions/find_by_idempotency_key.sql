-- The session that a key made, and whether it was asked with the same input. @user text user, @kind text kind, @key text key,
-- @input jsonb input. Index: sessions_idempotency.
select id, input = @input::jsonb as same from sessions where user_id = @user and kind = @kind and idempotency_key = @key
