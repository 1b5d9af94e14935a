-- The newest sample of each instance. @fresh interval how old it may be, @max int samples to look at, the newest. Index: status_samples_pkey.
select distinct on (instance) instance, role, taken_at as at, open_streams, readers, slow_readers, websocket_connections, runs, places,
       queue_utilization::float8 as queue_utilization, delivery_p99_ms::float8 as delivery_p99_ms, working_set_bytes, memory_load::float8 as memory_load, cpu_share::float8 as cpu_share
from (select * from status_samples where taken_at > statement_timestamp() - @fresh::interval order by taken_at desc limit @max) as recent
order by instance, taken_at desc
