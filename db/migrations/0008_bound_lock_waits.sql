-- A transaction that somebody has left open may hold the row of a transform for hours. Who wants to control that transform
-- learns it in two seconds (lock_not_available), and holds no connection meanwhile that others need.
alter function end_transform(uuid, text[], text, jsonb, text[], text[]) set lock_timeout = '2s';
alter function move_transform(uuid, text[], text, text[], text[]) set lock_timeout = '2s';
alter function receive_guidance(text, uuid, text, text, uuid, text, int, text) set lock_timeout = '2s';
alter function delete_session(text, uuid, text) set lock_timeout = '2s';
