-- What a user has analysed before is found by the bytes of the picture.
create index analyses_of_image on sessions (user_id, (input -> 'image' ->> 'sha256'), id desc) where kind = 'analysis';

-- The picture of an analysis that came with its request goes like that of an upload: when nothing needs it any more.
drop trigger transforms_remove_upload on transforms;
create trigger transforms_remove_upload after update of status on transforms
for each row when (new.kind in ('upload', 'analysis') and (new.status = 'completed' or (new.status = 'failed' and new.error ->> 'recoverable' = 'false')))
execute function remove_upload();
