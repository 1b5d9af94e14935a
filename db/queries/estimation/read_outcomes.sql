-- How the estimates of the newest runs of a kind turned out, added up entry by entry. $1 text kind, $2 int runs at most,
-- $3 int length of the counts; runs of an earlier program with other counts are passed over.
-- Rows: $3 in the order of the counts, or none. Index: estimate_outcomes_of_kind.
select sum(entry.value)::int as count
from (select counts from estimate_outcomes where kind = $1 order by created_at desc limit $2) as outcome
cross join lateral unnest(outcome.counts) with ordinality as entry(value, position)
where cardinality(outcome.counts) = $3
group by entry.position
order by entry.position
