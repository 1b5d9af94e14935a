-- A file that is about to be uploaded. @id uuid file, @transform uuid transform, @user text user, @metadata text what the client says of it,
-- @size bigint bytes, @input jsonb input of the session, @start text data of the start message, @expiry interval how long it may stand still,
-- @uploadsMax int uploads in progress, @filesMax int files, @bytesMax bigint bytes that the user may have. One row: 'made', 'uploads', 'files' or 'bytes'.
-- Index: files_of_user.
select create_file(@id, @transform, @user, @metadata, @size, @input::jsonb, @start, @expiry, @uploadsMax, @filesMax, @bytesMax)
