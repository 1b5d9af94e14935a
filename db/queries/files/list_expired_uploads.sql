-- Uploads that have stood still for too long, 100 at most: id and user. Index: files_uploading.
select id, user_id from files where status = 'uploading' and expires_at < clock_timestamp() order by expires_at limit 100
