-- When the stage first said that it was half done, in seconds from its beginning: how far its percentage may be trusted.
alter table transform_stages add column half_seconds real check (half_seconds >= 0);

-- The newest completed runs of a kind, that estimates of the next one are made from.
create index transforms_completed on transforms (kind, ended_at desc) where status = 'completed';

-- How the estimates of a run turned out, as counts that add up over runs (src/Streaming/Estimation/EstimateOutcome.cs).
-- Its own table: a run that is deleted takes its words with it, and transforms stays narrow.
create table estimate_outcomes (
    transform_id uuid primary key references transforms on delete cascade,
    kind text not null,
    counts int[] not null check (cardinality(counts) > 0),
    created_at timestamptz not null default clock_timestamp()
);
create index estimate_outcomes_of_kind on estimate_outcomes (kind, created_at desc);
