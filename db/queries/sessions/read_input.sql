-- What a user's session was asked. @kind text kind, @session uuid session, @user text user. One row, or none. Index: sessions_pkey.
select input::text from sessions where id = @session and kind = @kind and user_id = @user
