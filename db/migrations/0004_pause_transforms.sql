-- Pauses or resumes a transform from outside its run. Pausing raises the attempt, so that a run still going on finds out
-- with its next append; resuming puts the transform back into the queue. Returns the status it found; it acted only if that
-- was in p_from.
create function move_transform(p_transform_id uuid, p_from text[], p_status text, p_types text[], p_data text[]) returns text
language plpgsql as $$
declare
    found_status text;
begin
    select status into found_status from transforms where id = p_transform_id for update;
    if found_status = any (p_from) then
        update transforms
        set status = p_status, attempt = attempt + 1, lease_owner = null, lease_expires_at = null
        where id = p_transform_id;
        perform write_messages(p_transform_id, p_types, p_data);
    end if;
    return found_status;
end $$;
