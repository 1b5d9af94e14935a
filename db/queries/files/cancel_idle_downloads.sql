-- Ends downloads that have stood still for so long. @expiry interval how long. A row for each. Index: transforms_running, file_checkpoints_pkey.
select end_transform(t.id, array['running'], 'cancelled', null, array['end'], array['{"status":"cancelled"}'])
from transforms as t join file_checkpoints as c on c.transform_id = t.id
where t.status = 'running' and t.kind = 'file' and t.ordinal > 1 and c.updated_at < clock_timestamp() - @expiry::interval
