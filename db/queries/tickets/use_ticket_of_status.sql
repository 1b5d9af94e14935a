-- What use_ticket does, for the stream of the service's status. @hash bytea SHA-256 of the ticket, @resume bool the request has a cursor,
-- @seconds double how long a used one can be resumed with. One row: whose it is. No row: refused. Index: tickets_pkey.
with used as (
    update tickets set used_at = clock_timestamp(), valid_until = clock_timestamp() + make_interval(secs => @seconds)
    where ticket_hash = @hash and kind = 'status' and used_at is null and valid_until > clock_timestamp()
    returning user_id
)
select user_id from used
union all
select user_id from tickets
where ticket_hash = @hash and kind = 'status' and used_at is not null and valid_until > clock_timestamp()
  and @resume
