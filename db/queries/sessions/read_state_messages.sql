-- Of the messages that a state is made of those of the session's newest transform after $3 int index, if $2 int is its ordinal; else all of
-- them. $1 uuid session. None once the transform is completed or messages of it were removed. Types `info` and `progress` come with the
-- chunks: an `info` may say that a stage was begun anew. In order, a row each: the service reads the first while PostgreSQL
-- sends the next. (A state of 2,000 took a quarter longer with all of them in one value.) Index: transforms_session_id_ordinal_key, transform_chunks_pkey.
with newest as materialized (
    select id, case when ordinal = $2 then $3 else -1 end as after
    from transforms
    where session_id = $1 and ordinal = (select max(ordinal) from transforms where session_id = $1)
      and status <> 'completed' and last_index is null
)
select chunk_index, chunk_type, chunk_data, created_at
from transform_chunks
where transform_id = (select id from newest) and chunk_index > (select after from newest) and chunk_type in ('chunk', 'info', 'progress')
order by chunk_index
