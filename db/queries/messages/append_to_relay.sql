-- Messages of one producer's sequence to a relay, once. $1 uuid transform, $2 text producer or null, $3 bigint sequence
-- or null, $4 text[] types, $5 text[] data. One row: first and last index, and whether they were there already.
-- No row: not a running relay.
select first_index, last_index, duplicate from append_to_relay($1, $2, $3, $4, $5)
