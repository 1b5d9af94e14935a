-- A ticket is for the stream of one session, as before, or for that of several on one connection: then it names them in the
-- order in which they are asked for. It outlives a session of several that is deleted, because the others go on; whose they
-- are is asked anew at each use.
alter table tickets alter column kind drop not null;
alter table tickets alter column session_id drop not null;
alter table tickets add column session_ids uuid[];
alter table tickets add constraint tickets_of_one_or_several
    check ((kind is null) = (session_id is null) and (session_id is null) <> (session_ids is null));
