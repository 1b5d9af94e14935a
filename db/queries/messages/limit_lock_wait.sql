-- How long the other statements of this transaction wait for a lock before they fail (55P03): whoever holds a row of one run
-- must not hold up the messages of all. $1 int milliseconds. One row. Until the end of the transaction, so that it suits a pooler too.
select set_config('lock_timeout', $1::text, true)
