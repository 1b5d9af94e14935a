-- Keys to one stream each, for browsers: an EventSource cannot send a token. Used once to connect; from then on the same
-- row lets the same stream be resumed for a while. Only the hash is kept.
create table tickets (
    ticket_hash bytea primary key check (octet_length(ticket_hash) = 32),
    user_id text not null,
    kind text not null,
    session_id uuid not null references sessions on delete cascade,
    used_at timestamptz,
    valid_until timestamptz not null                        -- until then it may be used; once used, may be resumed with
);
create index tickets_by_end on tickets (valid_until);
create index tickets_of_session on tickets (session_id);
