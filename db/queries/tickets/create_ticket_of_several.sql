-- A ticket for the stream of several of a user's sessions, and out with a few that have ended. @hash bytea SHA-256 of the
-- ticket, @user text user, @sessions uuid[] sessions in the order of the stream, none twice, @seconds double how long it can be used.
-- One row: until when. No row: one of the sessions, or more, are not there. Index: sessions_pkey, tickets_by_end, tickets_pkey.
with ended as (
    select ticket_hash from tickets where valid_until < clock_timestamp() order by valid_until limit 100 for update skip locked
), pruned as (
    delete from tickets where ticket_hash in (select ticket_hash from ended)
)
insert into tickets (ticket_hash, user_id, session_ids, valid_until)
select @hash, @user, @sessions, clock_timestamp() + make_interval(secs => @seconds)
where (select count(*) from sessions where id = any(@sessions) and user_id = @user) = cardinality(@sessions)
returning valid_until
