-- Ends running transforms whose lease has expired at the last attempt. @attemptsMax int attempts at most, @error jsonb error,
-- @types text[] types and @data text[] data of the messages that say so. Index: transforms_running.
select id, end_transform(id, array['running'], 'failed', @error::jsonb, @types, @data)
from (select id from transforms
      where status = 'running' and lease_expires_at < clock_timestamp() and losses + 1 >= @attemptsMax
      for update skip locked) as lost
