-- What create_ticket does, for the stream of the service's status, which is of no session. @hash bytea SHA-256 of the ticket, @user text user,
-- @seconds double how long it can be used. One row: until when. Index: tickets_by_end, tickets_pkey.
with ended as (
    select ticket_hash from tickets where valid_until < clock_timestamp() order by valid_until limit 100 for update skip locked
), pruned as (
    delete from tickets where ticket_hash in (select ticket_hash from ended)
)
insert into tickets (ticket_hash, user_id, kind, valid_until)
values (@hash, @user, 'status', clock_timestamp() + make_interval(secs => @seconds))
returning valid_until
