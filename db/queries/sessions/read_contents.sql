-- The files of a type that a session's runs have made, newer ones too. @session uuid session, @type text type.
-- A row for each, in the order of their position. Index: artifacts_of_session.
select data::text as data, content from artifacts where session_id = @session and type = @type and content is not null order by position, id
