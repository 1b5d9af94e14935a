-- Uses a ticket, or resumes with one that was used. @hash bytea SHA-256 of the ticket, @kind text kind and @session uuid
-- session of the stream that is asked for, @resume bool the request has a cursor, @seconds double how long a used one can
-- be resumed with. One row: whose it is. No row: refused. Index: tickets_pkey.
-- Two uses at once: the second waits for the row, then finds it used; its snapshot has it unused, so it is no resume either.
with used as (
    update tickets set used_at = clock_timestamp(), valid_until = clock_timestamp() + make_interval(secs => @seconds)
    where ticket_hash = @hash and kind = @kind and session_id = @session and used_at is null and valid_until > clock_timestamp()
    returning user_id
)
select user_id from used
union all
select user_id from tickets
where ticket_hash = @hash and kind = @kind and session_id = @session and used_at is not null and valid_until > clock_timestamp()
  and @resume
