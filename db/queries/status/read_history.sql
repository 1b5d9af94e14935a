-- What the samples of all instances say together, moment by moment: sums of what each counts for itself, the largest of what each measures or finds out
-- about all. @after timestamptz moments after this one, @settle interval how long a moment must be over, so that all have written. Index: status_samples_pkey.
select taken_at as at, count(*)::int as instances, max(active_streams) as active_streams, max(active_uploads) as active_uploads, max(queued) as queued,
       sum(open_streams)::int as open_streams, sum(websocket_connections)::int as websocket_connections, sum(slow_readers)::int as slow_readers,
       max(queue_utilization)::float8 as queue_utilization, max(average_stream_seconds)::float8 as average_stream_duration,
       max(sub12s_success_rate)::float8 as sub12s_success_rate, sum(messages_per_second)::float8 as messages_per_second,
       max(delivery_p50_ms)::float8 as delivery_p50_ms, max(delivery_p99_ms)::float8 as delivery_p99_ms, max(commit_p99_ms)::float8 as commit_p99_ms,
       sum(working_set_bytes)::bigint as working_set_bytes, sum(heap_bytes)::bigint as heap_bytes, max(memory_load)::float8 as memory_load,
       max(gc_pause_share)::float8 as gc_pause_share, max(cpu_share)::float8 as cpu_share, max(database_ms)::float8 as database_ms
from status_samples
where taken_at > @after and taken_at <= statement_timestamp() - @settle::interval
group by taken_at
order by taken_at
