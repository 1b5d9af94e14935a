-- The messages that a state is made of. $1 uuid session, $2 text kind, $3 text user, $4 int ordinal and $5 int index after which
-- messages are wanted, as in read_state. None once the transform is completed or messages of it were removed. Types `info` and `progress`
-- come with the chunks: an `info` may say that a stage was begun anew. The type is null for a chunk, which most are: a text less to read.
-- In order, a row each: the service reads the first while PostgreSQL sends the next. (A state of 2,000 took a quarter longer with all of
-- them in one value.) Index: sessions_pkey, transforms_session_id_ordinal_key, transform_chunks_pkey.
with newest as materialized (
    select t.id, case when t.ordinal = $4 then $5 else -1 end as after
    from sessions as s
    cross join lateral (select id, ordinal, status, last_index from transforms where session_id = s.id order by ordinal desc limit 1) as t
    where s.id = $1 and s.kind = $2 and s.user_id = $3 and t.status <> 'completed' and t.last_index is null
)
select chunk_index, nullif(chunk_type, 'chunk') as other_type, chunk_data, created_at
from transform_chunks
where transform_id = (select id from newest) and chunk_index > (select after from newest) and chunk_type in ('chunk', 'info', 'progress')
order by chunk_index
