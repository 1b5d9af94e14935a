-- Files that users upload and read back. A file is a session of kind `file`; its bytes lie in a folder, under its id.
create table files (
    id uuid primary key references sessions on delete cascade,
    user_id text not null,
    -- As the client gave it, to be given back: Upload-Metadata of tus.
    metadata text not null,
    size bigint not null check (size >= 0),
    status text not null default 'uploading' check (status in ('uploading', 'stored')),
    -- Known when all bytes are there: what they look like, their CRC-32C, and when the file was last written.
    content_type text,
    crc32c bigint check (crc32c between 0 and 4294967295),
    modified_at timestamptz,
    -- When an upload that stands still is removed.
    expires_at timestamptz not null,
    check (status <> 'stored' or (content_type is not null and crc32c is not null and modified_at is not null))
);
create index files_of_user on files (user_id);
create index files_uploading on files (expires_at) where status = 'uploading';

-- How far the stream of a file has come, an upload or a download: as many bytes as are surely on disk, or were read; their
-- rolling CRC-32C; size and time of the file then.
create table file_checkpoints (
    transform_id uuid primary key references transforms on delete cascade,
    file_id uuid not null references files on delete cascade,
    position bigint not null check (position >= 0),
    crc32c bigint not null check (crc32c between 0 and 4294967295),
    file_size bigint not null,
    modified_at timestamptz not null,
    updated_at timestamptz not null default clock_timestamp()
);
create index file_checkpoints_of_file on file_checkpoints (file_id);

-- A file that is about to be uploaded: session, running transform, `start`. Returns 'made', also when it was made before;
-- else which limit of the user it is over: 'uploads', 'files' or 'bytes'. The transform has no user, so that it does not
-- count among the generations in progress.
create function create_file(
    p_id uuid, p_transform_id uuid, p_user_id text, p_metadata text, p_size bigint, p_input jsonb, p_start text, p_expiry interval,
    p_uploads_max int, p_files_max int, p_bytes_max bigint)
returns text language plpgsql as $$
declare
    upload_count bigint;
    file_count bigint;
    bytes numeric;
begin
    perform pg_advisory_xact_lock(hashtextextended('files ' || p_user_id, 0));
    if exists (select from files as f where f.id = p_id) then
        return 'made';
    end if;
    select count(*) filter (where f.status = 'uploading'), count(*), coalesce(sum(f.size), 0) into upload_count, file_count, bytes
    from files as f where f.user_id = p_user_id;
    if upload_count >= p_uploads_max then
        return 'uploads';
    elsif file_count >= p_files_max then
        return 'files';
    elsif bytes + p_size > p_bytes_max then
        return 'bytes';
    end if;
    insert into sessions (id, kind, user_id, input) values (p_id, 'file', p_user_id, p_input);
    insert into transforms (id, session_id, ordinal, kind, status, execution_context, started_at)
    values (p_transform_id, p_id, 1, 'file', 'running', '{"operation": "upload"}', clock_timestamp());
    insert into files (id, user_id, metadata, size, expires_at) values (p_id, p_user_id, p_metadata, p_size, clock_timestamp() + p_expiry);
    insert into file_checkpoints (transform_id, file_id, position, crc32c, file_size, modified_at)
    values (p_transform_id, p_id, 0, 0, 0, 'epoch');
    insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) values (p_transform_id, 0, 'start', p_start);
    return 'made';
end $$;

-- How far a stream has come, with the messages that tell of it. False: it is not p_attempt's any more, and nothing is written.
create function checkpoint_file(
    p_transform_id uuid, p_attempt int, p_position bigint, p_crc32c bigint, p_file_size bigint, p_modified_at timestamptz,
    p_expiry interval, p_types text[], p_data text[])
returns boolean language plpgsql set lock_timeout = '2s' as $$
begin
    perform from transforms where id = p_transform_id and attempt = p_attempt and status = 'running' for no key update;
    if not found then
        return false;
    end if;
    update file_checkpoints
    set position = p_position, crc32c = p_crc32c, file_size = p_file_size, modified_at = p_modified_at, updated_at = clock_timestamp()
    where transform_id = p_transform_id;
    update files set expires_at = clock_timestamp() + p_expiry
    where id = (select file_id from file_checkpoints where transform_id = p_transform_id) and status = 'uploading';
    if cardinality(p_types) > 0 then
        perform write_messages(p_transform_id, p_types, p_data);
    end if;
    return true;
end $$;

-- All bytes of an upload are there: the last checkpoint, the artifact, and the messages that say so, `end` at last. False:
-- it is not p_attempt's any more. A repeat of the attempt that did it is true.
create function store_file(
    p_transform_id uuid, p_attempt int, p_crc32c bigint, p_modified_at timestamptz, p_content_type text, p_artifact jsonb, p_types text[], p_data text[])
returns boolean language plpgsql set lock_timeout = '2s' as $$
declare
    stored_id uuid;
begin
    if not checkpoint_file(p_transform_id, p_attempt, (select f.size from files as f join file_checkpoints as c on c.file_id = f.id
            where c.transform_id = p_transform_id), p_crc32c,
        (select f.size from files as f join file_checkpoints as c on c.file_id = f.id where c.transform_id = p_transform_id),
        p_modified_at, interval '0', '{}', '{}') then
        -- Ending it has raised the attempt by one.
        return exists (select from transforms where id = p_transform_id and attempt = p_attempt + 1 and status = 'completed');
    end if;
    update files set status = 'stored', content_type = p_content_type, crc32c = p_crc32c, modified_at = p_modified_at
    where id = (select file_id from file_checkpoints where transform_id = p_transform_id)
    returning id into stored_id;
    insert into artifacts (id, session_id, user_id, type, data)
    select stored_id, id, user_id, 'file', p_artifact from sessions where id = stored_id;
    perform end_transform(p_transform_id, array['running'], 'completed', null, p_types, p_data);
    return true;
end $$;

-- A download whose progress is told: the next transform of a stored file. One that is under way ends as cancelled. Returns
-- 'made', also when it was made before, or the file's status if it is not stored; null: the user has no such file.
create function create_download(p_file_id uuid, p_user_id text, p_transform_id uuid, p_start text)
returns text language plpgsql set lock_timeout = '2s' as $$
declare
    file_status text;
begin
    select status into file_status from files where id = p_file_id and user_id = p_user_id for no key update;
    if file_status is distinct from 'stored' or exists (select from transforms where id = p_transform_id) then
        return case when file_status = 'stored' then 'made' else file_status end;
    end if;
    perform end_transform(id, array['running'], 'cancelled', null, array['end'], array['{"status":"cancelled"}'])
    from transforms where session_id = p_file_id and status = 'running';
    insert into transforms (id, session_id, ordinal, kind, status, execution_context, started_at)
    select p_transform_id, p_file_id, max(ordinal) + 1, 'file', 'running', '{"operation": "download"}', clock_timestamp()
    from transforms where session_id = p_file_id;
    insert into file_checkpoints (transform_id, file_id, position, crc32c, file_size, modified_at)
    select p_transform_id, id, 0, 0, size, modified_at from files where id = p_file_id;
    insert into transform_chunks (transform_id, chunk_index, chunk_type, chunk_data) values (p_transform_id, 0, 'start', p_start);
    return 'made';
end $$;
