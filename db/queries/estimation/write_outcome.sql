-- Notes how the estimates of a completed run turned out; once, whoever repeats it. $1 uuid transform, $2 int[] counts.
-- No row: the transform has gone. Index: transforms_pkey.
insert into estimate_outcomes (transform_id, kind, counts)
select id, kind, $2 from transforms where id = $1
on conflict (transform_id) do nothing
