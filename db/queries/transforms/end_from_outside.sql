-- Fails a run from outside, for the worker that still holds its lease. $1 uuid transform, $2 int attempt, $3 jsonb error,
-- $4 text[] types and $5 text[] data of its last messages. No row: the lease is lost. Index: transforms_pkey.
select end_transform(id, array['running'], 'failed', $3, $4, $5) from transforms where id = $1 and attempt = $2
