-- The messages of an ended transform go after a time, from index 0 upwards, and its stream is then `result` and `end`,
-- made from what stays.
--
--   last_index null ──first rows go──> last_index set ──last rows go──> messages_removed_at set
--     stream: rows                       stream: result, end              stream: result, end
--
-- last_index is set in the statement that removes the first rows, so no snapshot shows a stream with a hole: a reader sees
-- all rows and no last_index, or last_index and does not look at the rows. It is what lastEventId goes on saying.
alter table transforms add column last_index int, add column messages_removed_at timestamptz;
create index transforms_with_messages on transforms (ended_at) where ended_at is not null and messages_removed_at is null;

-- Removes a user's session with everything below it; false if the user has no such session. What still runs is ended first:
-- the raised attempt and the `end` at its next index keep an append that is under way from leaving rows behind, because
-- that append then waits for this transaction, and finds its predecessor gone.
create function delete_session(p_kind text, p_session_id uuid, p_user_id text) returns boolean
language plpgsql as $$
begin
    perform from sessions where id = p_session_id and kind = p_kind and user_id = p_user_id;
    if not found then
        return false;
    end if;
    -- Transforms before the session, as a run's batch locks them. Again under its lock: a retry may have added one meanwhile.
    perform end_transform(id, array['queued', 'running', 'paused'], 'cancelled', null, array['end'], array['{"status":"cancelled"}'])
    from transforms where session_id = p_session_id;
    perform from sessions where id = p_session_id and kind = p_kind and user_id = p_user_id for update;
    if not found then
        return false;
    end if;
    perform end_transform(id, array['queued', 'running', 'paused'], 'cancelled', null, array['end'], array['{"status":"cancelled"}'])
    from transforms where session_id = p_session_id;
    delete from transform_chunks where transform_id in (select id from transforms where session_id = p_session_id);
    delete from sessions where id = p_session_id;
    return true;
end $$;

-- Open streams and waiting polls learn at once that there is nothing left to wait for.
create function announce_deletion() returns trigger language plpgsql as $$
begin
    perform pg_notify('transform_status', old.id || ':' || old.session_id || ':deleted');
    return null;
end $$;
create trigger transforms_announce_delete after delete on transforms
    for each row execute function announce_deletion();
