-- What users say to a generation while it goes on. It belongs to the session, so that a retry goes by it too.
create table guidance (
    session_id uuid not null references sessions on delete cascade,
    position int not null check (position >= 0),
    id uuid not null,
    idempotency_key text not null,
    text text not null check (text <> ''),
    received_at timestamptz not null default clock_timestamp(),
    -- The newest transform that went by it. No reference: transforms go with their session alone.
    applied_in uuid,
    primary key (session_id, position),
    unique (session_id, idempotency_key)
);

-- Stores what a user says to the newest transform of a session, with the message that tells of it. Takes the lock that a
-- run's batch takes before it completes a stage or ends: whatever is received before that is seen by the run. Does not
-- raise the attempt: the run goes on, and numbers its next messages anew. Returns 'received'; 'repeated' if the key was
-- used for the same text, else 'reused'; 'full' if there are p_max already; the transform's status if it has ended, or
-- nothing is left to be guided; null if there is no such session.
create function receive_guidance(
    p_kind text, p_session_id uuid, p_user_id text, p_key text, p_id uuid, p_text text, p_max int, p_data text) returns text
language plpgsql as $$
declare
    target_id uuid;
    target_status text;
    earlier text;
    given int;
begin
    select t.id, t.status into target_id, target_status
    from sessions as s join transforms as t on t.session_id = s.id
    where s.id = p_session_id and s.kind = p_kind and s.user_id = p_user_id
    order by t.ordinal desc limit 1
    for no key update of t;
    if not found then
        return null;
    end if;
    select g.text into earlier from guidance as g where g.session_id = p_session_id and g.idempotency_key = p_key;
    if found then
        return case when earlier = p_text then 'repeated' else 'reused' end;
    end if;
    if target_status not in ('queued', 'running', 'paused')
        or not exists (select from transform_stages where transform_id = target_id and status <> 'completed') then
        return target_status;
    end if;
    select count(*) into given from guidance where session_id = p_session_id;
    if given >= p_max then
        return 'full';
    end if;
    insert into guidance (session_id, position, id, idempotency_key, text) values (p_session_id, given, p_id, p_key, p_text);
    perform write_messages(target_id, array['info'], array[p_data]);
    perform pg_notify('transform_status', target_id || ':' || p_session_id || ':guided');
    return 'received';
end $$;
