-- The first messages of an attempt, after whatever the attempt before it managed to write; returns the last index.
-- Once they are there, no append of an earlier attempt can succeed any more: its next index is taken.
-- $1 uuid transform, $2 int attempt, $3 text[] types, $4 text[] data. No row: the lease is already lost.
select write_messages(id, $3, $4) from transforms where id = $1 and attempt = $2 and status = 'running' for no key update
