-- An upload is complete. @transform uuid transform, @attempt int attempt, @crc bigint checksum, @modified timestamptz time of the file, @contentType text media type,
-- @artifact jsonb artifact, @types text[] types and @data text[] data of messages. One row: false if the upload is somebody else's by now.
-- Index: transforms_pkey, file_checkpoints_pkey.
select store_file(@transform, @attempt, @crc, @modified, @contentType, @artifact::jsonb, @types, @data)
