-- A download whose progress is told. @file uuid file, @user text user, @transform uuid transform, @start text data of the start message.
-- One row: 'made', the status of a file that is not stored, or null if the user has none such. Index: files_pkey.
select create_download(@file, @user, @transform, @start)
