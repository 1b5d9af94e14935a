-- A sample of one instance, for the moment that is nearest of those that all instances write for. @interval interval time between two of these moments,
-- @instance text instance, @role text its role, and its figures: @open_streams int, @readers int, @slow_readers int, @websocket_connections int or null,
-- @runs int, @places int, @queue_utilization float8 or null, @append_queue int, @messages_per_second float8, @delivery_p50_ms float8 or null, @delivery_p99_ms float8 or null,
-- @commit_p99_ms float8 or null, @working_set_bytes bigint, @heap_bytes bigint, @memory_load float8, @gc_pause_share float8, @cpu_share float8, @threads int,
-- @database_ms float8 or null, @active_streams int, @active_uploads int, @queued int, @average_stream_seconds float8 or null, @sub12s_success_rate float8 or null.
-- A second one for the same moment is passed over. Index: status_samples_pkey.
insert into status_samples (
    taken_at, instance, role, open_streams, readers, slow_readers, websocket_connections, runs, places, queue_utilization, append_queue, messages_per_second,
    delivery_p50_ms, delivery_p99_ms, commit_p99_ms, working_set_bytes, heap_bytes, memory_load, gc_pause_share, cpu_share, threads, database_ms,
    active_streams, active_uploads, queued, average_stream_seconds, sub12s_success_rate)
values (
    date_bin(@interval::interval, clock_timestamp() + @interval::interval / 2, 'epoch'), @instance, @role, @open_streams, @readers, @slow_readers,
    @websocket_connections::int, @runs, @places, @queue_utilization::float8, @append_queue, @messages_per_second::float8, @delivery_p50_ms::float8, @delivery_p99_ms::float8,
    @commit_p99_ms::float8, @working_set_bytes, @heap_bytes, @memory_load::float8, @gc_pause_share::float8, @cpu_share::float8, @threads, @database_ms::float8,
    @active_streams, @active_uploads, @queued, @average_stream_seconds::float8, @sub12s_success_rate::float8)
on conflict (taken_at, instance) do nothing
