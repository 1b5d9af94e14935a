-- Which of these ids are files. @ids uuid[] ids. Index: files_pkey.
select id from files where id = any (@ids)
