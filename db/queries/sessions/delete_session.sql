-- Removes a user's session with everything below it. @kind text kind, @session uuid session, @user text user.
-- One row: whether there was one. Index: sessions_pkey, transforms_session_id_ordinal_key, transform_chunks_pkey.
select delete_session(@kind, @session, @user)
