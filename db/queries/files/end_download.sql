-- Ends a download, if it is still @attempt's. @transform uuid transform, @attempt int attempt, @status text status, @error jsonb error or null,
-- @types text[] types and @data text[] data of its last messages. One row: the status before; none: it is somebody else's. Index: transforms_pkey.
select end_transform(id, array['running'], @status, @error::jsonb, @types, @data) from transforms where id = @transform and attempt = @attempt
