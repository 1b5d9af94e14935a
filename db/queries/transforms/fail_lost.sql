-- Ends running transforms whose lease has expired at the last attempt. @attemptsMax int attempts at most, @error jsonb error but for its
-- traceId, which is that of the request that asked for the transform; @types text[] types of the messages that say so: that of the error
-- and of @end text. Index: transforms_running.
select id, end_transform(id, array['running'], 'failed', error, @types, array[error::text, @end])
from (select id, jsonb_strip_nulls(@error::jsonb || jsonb_build_object('traceId', split_part(traceparent, '-', 2))) as error
      from transforms
      where status = 'running' and lease_expires_at < clock_timestamp() and losses + 1 >= @attemptsMax
      for update skip locked) as lost
