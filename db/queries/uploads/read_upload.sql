-- The image of an upload as it came. @session uuid session. One row, or none: it is made smaller, or was refused. Index: uploads_pkey.
select content from uploads where session_id = @session
