-- What came with an upload of a user. @upload uuid session of the upload, @user text user. One row, or none: no such upload.
-- Index: sessions_pkey.
select (input -> 'received')::text as received from sessions where id = @upload and kind = 'upload' and user_id = @user
