-- Artifacts of a batch, as outputs of their transforms. An entry each: $1 uuid[] transform, $2 int[] attempt,
-- $3 uuid[] artifact, $4 text[] type, $5 int[] position, $6 jsonb[] data,
-- $7 bytea[] content, $8 text[] content type, $9 text[] SHA-256 of the content in hex: null where there is no file. Index: transforms_pkey, sessions_pkey.
with fresh as (
    insert into artifacts (id, session_id, user_id, type, position, data, content, content_type, content_hash)
    select new.id, s.id, s.user_id, new.type, new.position, new.data, new.content, new.content_type, new.content_hash
    from unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::int[], $6::jsonb[], $7::bytea[], $8::text[], $9::text[])
         as new(transform_id, attempt, id, type, position, data, content, content_type, content_hash)
    join transforms as t on t.id = new.transform_id and t.attempt = new.attempt and t.status = 'running'
    join sessions as s on s.id = t.session_id
    returning id
)
insert into transform_outputs (transform_id, artifact_id)
select new.transform_id, new.id
from unnest($1::uuid[], $3::uuid[]) as new(transform_id, id) join fresh on fresh.id = new.id
