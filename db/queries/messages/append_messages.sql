-- Group commit: the messages of many runs, those of them whose lease still stands. An entry a message: $1 uuid[] transform of
-- its run, $2 int[] the run's attempt, $3 int[] index, $4 text[] type, $5 text[] data, $6 timestamptz[] time; then $7 int
-- milliseconds to wait for a lock (55P03 after that): whoever holds a row of one run must not hold up the messages of all.
-- Until the end of the transaction, so that it suits a pooler too. A row for each message that was written, with its transform.
-- Index: transforms_pkey. The insert runs transform_chunks_announce, once.
select append_messages($1, $2, $3, $4, $5, $6, $7)
