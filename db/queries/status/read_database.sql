-- What the server tells of itself: connections to this database and the most there may be to all, how long the oldest transaction is open, replicas
-- and how far the slowest of them is behind (null without the right to see it, or when nothing is written). No parameters. One row.
select (select count(*)::int from pg_stat_activity where datname = current_database() and backend_type = 'client backend') as connections,
       current_setting('max_connections')::int as connections_max,
       (select extract(epoch from clock_timestamp() - min(xact_start))::float8 from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()) as oldest_transaction_seconds,
       (select count(*)::int from pg_stat_replication) as replicas,
       (select extract(epoch from max(replay_lag))::float8 from pg_stat_replication) as replication_lag_seconds
