-- A ticket for a stream of a user's session, and out with a few that have ended. @hash bytea SHA-256 of the ticket,
-- @user text user, @kind text kind, @session uuid session, @seconds double how long it can be used.
-- One row: until when. No row: no such session. Index: sessions_pkey, tickets_by_end, tickets_pkey.
with ended as (
    select ticket_hash from tickets where valid_until < clock_timestamp() order by valid_until limit 100 for update skip locked
), pruned as (
    delete from tickets where ticket_hash in (select ticket_hash from ended)
)
insert into tickets (ticket_hash, user_id, kind, session_id, valid_until)
select @hash, s.user_id, s.kind, s.id, clock_timestamp() + make_interval(secs => @seconds)
from sessions as s
where s.id = @session and s.kind = @kind and s.user_id = @user
returning valid_until
