-- How many sessions a user has in progress. A transform in progress says whose it is, so that they are counted without a
-- look at all that the user ever made. Instances of the version before leave it out: what they make is not counted.
alter table transforms add column user_id text;

update transforms as t set user_id = s.user_id
from sessions as s
where s.id = t.session_id and t.status in ('queued', 'running', 'paused');

create index transforms_in_progress on transforms (user_id) where status in ('queued', 'running', 'paused');

-- Sessions of a user that are queued, running or paused. Whoever asks is the only one to do so for this user until the end
-- of his transaction: two that count at once would both find the last place free. A session has one transform in progress
-- at most.
create function sessions_in_progress(p_user_id text) returns bigint
language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('sessions_in_progress ' || p_user_id, 0));
    -- A statement of its own: it sees what was committed while the lock was waited for.
    return (select count(*) from transforms where user_id = p_user_id and status in ('queued', 'running', 'paused'));
end $$;
