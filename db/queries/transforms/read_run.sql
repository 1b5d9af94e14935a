-- What a worker needs to begin or go on with a run. @transform uuid transform. Index: transforms_pkey, sessions_pkey.
select s.id as session_id, s.user_id, s.input::text as input,
       concat_ws('/', t.execution_context ->> 'provider', t.execution_context ->> 'model') as model,
       coalesce((select jsonb_agg(jsonb_build_object('stage', g.stage, 'status', g.status) order by g.position)
                 from transform_stages as g where g.transform_id = t.id), '[]')::text as stages,
       coalesce((select jsonb_agg(jsonb_build_object('type', a.type, 'position', a.position, 'data', a.data, 'content', encode(a.content, 'base64'))
                                  order by a.position, a.id)
                 from transform_outputs as o join artifacts as a on a.id = o.artifact_id
                 where o.transform_id = t.id), '[]')::text as artifacts,
       (select c.chunk_data from transform_chunks as c
        where c.transform_id = t.id and c.chunk_type = 'progress' order by c.chunk_index desc limit 1) as progress,
       extract(epoch from clock_timestamp() - t.created_at)::float8 as age_seconds
from transforms as t join sessions as s on s.id = t.session_id
where t.id = @transform
