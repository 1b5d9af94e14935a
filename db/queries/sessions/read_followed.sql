-- What channels of users follow: of the users' sessions those that are in progress, those whose newest transform ended at @since or later,
-- and those that are asked for; of each what read_versions tells, and whose it is. @users text[] users, @since timestamptz, null: now,
-- @slack interval how long before that, @window interval how long before now at most, @sessions uuid[] sessions that are asked for.
-- One row at least: the first column is the time of the database, before which everything committed was seen.
-- Index: transforms_in_progress, files_of_user, transforms_with_messages, transforms_session_id_ordinal_key, sessions_pkey, transform_chunks_pkey.
with found as (
    select session_id from transforms where user_id = any(@users::text[]) and status in ('queued', 'running', 'paused')
    union
    select t.session_id
    from files as f join transforms as t on t.session_id = f.id
    where f.user_id = any(@users::text[]) and t.status in ('queued', 'running', 'paused')
    union
    select session_id from transforms
    where ended_at is not null and messages_removed_at is null
      and ended_at >= greatest(coalesce(@since::timestamptz, statement_timestamp()) - @slack::interval, statement_timestamp() - @window::interval)
    union
    select unnest(@sessions::uuid[])
), followed as (
    select s.user_id, s.id as session_id, s.kind, t.id as transform_id, t.ordinal, t.status,
           coalesce(t.last_index, (select max(chunk_index) from transform_chunks where transform_id = t.id), -1) as head,
           t.last_index is not null as is_shortened, t.attempt, t.ended_at
    from found join sessions as s on s.id = found.session_id and s.user_id = any(@users::text[])
    cross join lateral (select id, ordinal, status, last_index, attempt, ended_at from transforms where session_id = s.id order by ordinal desc limit 1) as t
)
select statement_timestamp(), f.user_id, f.session_id, f.kind, f.transform_id, f.ordinal, f.status, f.head, f.is_shortened, f.attempt, f.ended_at
from (select) as once left join followed as f on true
order by f.session_id
