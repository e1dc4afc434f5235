-- What a digest says of promises, tasks put off and reminders is kept when it is made: a day that is over is not told anew.

create function public.keep_in_digest(digest_id uuid, kept jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  organization uuid := private.acting_organization();
  digest public.digests;
  before public.digests;
begin
  select * into digest from public.digests d where d.id = keep_in_digest.digest_id and d.organization_id = organization for update;
  if digest.id is null then
    perform private.refuse(404, 'There is no such digest', format('digest %s', keep_in_digest.digest_id));
  end if;
  if jsonb_typeof(keep_in_digest.kept) is distinct from 'object' or length(keep_in_digest.kept::text) > 400000 then
    perform private.refuse(422, 'kept is an object of at most 400,000 characters');
  end if;
  if digest.content ? 'kept' then
    return to_jsonb(digest) - 'organization_id';
  end if;
  select * into before from public.digests d where d.organization_id = organization and d.day < digest.day order by d.day desc limit 1;
  update public.digests d set content = d.content || jsonb_build_object('kept', keep_in_digest.kept, 'since', before.made_at,
    'is_from_start', before.id is null and exists (select 1 from public.organizations o where o.id = organization and o.created_at > d.created_at - interval '1 day'),
    'preparing', (select count(*) from public.tasks t where t.organization_id = organization and t.source = 'proactive' and t.parent_task_id is null
      and (t.started_at > d.created_at or t.started_at is null and t.execution_status in ('queued', 'in_progress'))))
  where d.id = digest.id returning d.* into digest;
  return to_jsonb(digest) - 'organization_id';
end $$;
comment on function public.keep_in_digest is
  'Keeps in a digest, once, what was due when it was made (kept: {promises, snoozed, reminders}), since when it tells (the one before; null: a day, or is_from_start) and how many tasks found unasked were about to be prepared. PT404.';

select private.expose_function('public.keep_in_digest', array['authenticated', 'service_role']);
