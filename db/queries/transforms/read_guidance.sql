-- What was said to sessions beyond what their runs know. @transforms uuid[] transforms of the runs, @known int[] the last
-- position that each knows, -1 for none. In order of the position. Index: transforms_pkey, guidance_pkey.
select t.id as transform_id, g.position, g.id, g.text, (g.applied_in is not distinct from t.id) as applied
from unnest(@transforms::uuid[], @known::int[]) as run(transform_id, known)
join transforms as t on t.id = run.transform_id
join guidance as g on g.session_id = t.session_id and g.position > run.known
order by g.session_id, g.position
