-- What an earlier analysis of the same user made of the same picture with the same model, thoroughly enough: all of it, if it had the
-- same context, language and wish for suggestions, nobody guided it, and it was completed; else what was seen in the picture. The newest
-- fifty analyses of the picture are looked at. @session uuid analysis that begins, @rankMin int rank that the strategy of the earlier one must have.
-- Rows: the artifacts of one earlier analysis, or none. Index: sessions_pkey, analyses_of_image, transforms_session_id_ordinal_key, transform_outputs_pkey, guidance_pkey.
with own as (
    select s.id, s.user_id, s.input, t.execution_context
    from sessions as s cross join lateral (select execution_context from transforms where session_id = s.id order by ordinal desc limit 1) as t
    where s.id = @session
), earlier as (
    select t.id as transform_id,
           t.status = 'completed' and s.input -> 'context' is not distinct from own.input -> 'context' and s.input -> 'language' is not distinct from own.input -> 'language'
           and s.input -> 'suggestionCount' is not distinct from own.input -> 'suggestionCount'
           and not exists (select from guidance where session_id in (s.id, own.id)) as is_full
    from own
    cross join lateral (
        select id, input from sessions
        where user_id = own.user_id and kind = 'analysis' and input -> 'image' ->> 'sha256' = own.input -> 'image' ->> 'sha256' and id <> own.id
        order by id desc limit 50) as s
    cross join lateral (select id, status, execution_context from transforms where session_id = s.id order by ordinal desc limit 1) as t
    cross join lateral (
        select a.data from transform_outputs as o join artifacts as a on a.id = o.artifact_id
        where o.transform_id = t.id and a.type = 'strategy' limit 1) as chosen
    where t.execution_context = own.execution_context and (chosen.data ->> 'rank')::int >= @rankMin::int
      and exists (select from transform_outputs as o join artifacts as a on a.id = o.artifact_id where o.transform_id = t.id and a.type = 'image_analysis')
    order by is_full desc, s.id desc limit 1
)
select earlier.is_full, a.type, a.position, a.data::text as data
from earlier join transform_outputs as o on o.transform_id = earlier.transform_id join artifacts as a on a.id = o.artifact_id
order by a.position, a.id
