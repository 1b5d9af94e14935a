-- Which queue a transform waits in. Those of different queues do not wait for each other: each has places of its own, and a
-- worker finds the next of one without a look at the others. What an instance of the version before makes is a generation.
alter table transforms add column queue text not null default 'generations';

drop index transforms_queued;
create index transforms_queued on transforms (queue, priority desc, created_at) where status = 'queued';

-- The image of an upload as it came: here from before the answer to the upload until it is made smaller.
create table uploads (
    session_id uuid primary key references sessions on delete cascade,
    content bytea not null
);
-- It is packed already.
alter table uploads alter column content set storage external;

-- With the transaction that ends the transform: what was made smaller, or is refused for good, is not kept as it came. What
-- has failed otherwise, or was cancelled, may be tried again.
create function remove_upload() returns trigger
language plpgsql as $$
begin
    delete from uploads where session_id = new.session_id;
    return null;
end $$;

create trigger transforms_remove_upload after update of status on transforms
for each row when (new.kind = 'upload' and (new.status = 'completed' or (new.status = 'failed' and new.error ->> 'recoverable' = 'false')))
execute function remove_upload();
