-- How far a stream has come. $1 uuid transform, $2 int attempt, $3 bigint position, $4 bigint checksum up to there, $5 bigint size and
-- $6 timestamptz time of the file, $7 interval how long an upload may stand still, $8 text[] types and $9 text[] data of messages.
-- One row: false if the stream is somebody else's by now. Index: transforms_pkey, file_checkpoints_pkey.
select checkpoint_file($1, $2, $3, $4, $5, $6, $7, $8, $9)
