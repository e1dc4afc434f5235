-- A standing permission is whoever gave it: it covers their own work, through their own accounts, on their own terms.

create or replace function private.permission_covers(policy_id uuid, approval public.approvals) returns text
language plpgsql security definer set search_path = '' as $$
declare
  permission public.policies;
  refusal text;
  this_hour bigint;
  this_day bigint;
begin
  -- Locked: two at once would both count the same past.
  select * into permission from public.policies p
  where p.id = permission_covers.policy_id and p.organization_id = approval.organization_id for no key update;
  if permission.id is null then
    return 'There is no such standing permission';
  elsif exists (select 1 from public.organizations o where o.id = approval.organization_id and o.permissions_stopped_at is not null) then
    return 'All standing permissions are stopped';
  elsif not permission.is_enabled then
    return 'The standing permission is switched off';
  elsif permission.expires_at <= now() then
    return 'The standing permission has expired';
  elsif exists (select 1 from public.tasks t join public.organizations o on o.id = t.organization_id
       where t.id = approval.task_id and (t.created_by <> permission.created_by or not o.is_personal and t.created_by is null))
     or exists (select 1 from private.people_of_accounts(approval) p where p <> permission.created_by) then
    return 'The standing permission is another member''s: it covers their own work';
  elsif exists (select 1 from public.drafts d join public.approvals a on a.draft_id = d.supersedes_id
       where d.id = approval.draft_id and a.state = 'rejected' and a.decided_by <> permission.created_by) then
    return 'Another member said how it is to be: whoever gave the permission looks at it';
  elsif private.wanted_by(approval.task_id) is not null then -- whoever asks
    return format('It is the wish of %s, an agent of others', private.wanted_by(approval.task_id) ->> 'name');
  elsif approval.decision ->> 'verdict' is distinct from 'allow' or approval.decision ->> 'permission_id' is distinct from permission.id::text then
    return 'The policy did not allow it by this permission';
  end if;
  refusal := private.permission_reaches(permission, approval);
  if refusal is not null then
    return refusal;
  end if;
  select count(*) filter (where a.decided_at > now() - interval '1 hour'), count(*) into this_hour, this_day
  from public.approvals a where a.policy_id = permission.id and a.decided_how = 'permission' and a.state in ('approved', 'used')
    and a.decided_at > now() - interval '1 day'; -- what was taken back had not begun: it never left
  return case
    when this_hour >= permission.max_per_hour then format('The standing permission was used %s times in the last hour, as often as it may', this_hour)
    when this_day >= permission.max_per_day then format('The standing permission was used %s times in the last day, as often as it may', this_day) end;
end $$;
comment on function private.permission_covers is
  'Why a standing permission does not cover what an approval asks for, in words; null when it does. None covers another member''s work or account, nor what an outside agent wants. Locks the permission, so that two at once cannot exceed its limits.';

create or replace function public.save_policy(policy jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := private.may_permit();
  earlier public.policies;
  given public.policies;
  unknown text;
begin
  if jsonb_typeof(policy) is distinct from 'object' then
    perform private.refuse(422, 'policy is an object', coalesce(left(policy::text, 200), 'null'));
  end if;
  select string_agg(k, ', ') into unknown from jsonb_object_keys(policy) k
  where k <> all (array['id', 'action', 'targets', 'task_kinds', 'carries', 'max_per_hour', 'max_per_day', 'hold_seconds', 'expires_at', 'is_enabled']);
  if unknown is not null then
    perform private.refuse(422, 'These fields of a permission cannot be set', unknown,
      'Known: id, action, targets, task_kinds, carries, max_per_hour, max_per_day, hold_seconds, expires_at, is_enabled.');
  end if;
  if policy ->> 'id' is not null then
    select * into earlier from public.policies p where p.id = (policy ->> 'id')::uuid and p.organization_id = organization for no key update;
    if earlier.id is null then
      perform private.refuse(404, 'There is no such permission', format('policy %s', policy ->> 'id'));
    end if;
  end if;
  given := jsonb_populate_record(case when earlier.id is not null then earlier end, policy);
  given.id := coalesce(earlier.id, gen_random_uuid());
  given.targets := array(select btrim(t) from unnest(given.targets) t order by 1);
  given.task_kinds := coalesce(given.task_kinds, '{}');
  given.carries := coalesce(given.carries, 'own_words');
  given.hold_seconds := coalesce(given.hold_seconds, 120);
  given.is_enabled := coalesce(given.is_enabled, false);
  if earlier.created_by <> (select auth.uid()) and (given.is_enabled or to_jsonb(given) - 'is_enabled' is distinct from to_jsonb(earlier) - 'is_enabled') then
    perform private.refuse(403, 'Only whoever gave a permission changes it', private.person_json(organization, earlier.created_by) ->> 'email',
      'You may switch it off, and give one of your own: it covers your own work.');
  end if;
  -- One that has ended, or is for what is no longer allowed, can still be switched off.
  if given.is_enabled or earlier.id is null or to_jsonb(given) - 'is_enabled' is distinct from to_jsonb(earlier) - 'is_enabled' then
    perform private.check_policy(given);
  end if;
  if earlier.id is null then
    insert into public.policies (id, organization_id, action, targets, task_kinds, carries, max_per_hour, max_per_day, hold_seconds, expires_at, is_enabled, created_by)
    values (given.id, organization, given.action, given.targets, given.task_kinds, given.carries, given.max_per_hour, given.max_per_day, given.hold_seconds,
      given.expires_at, given.is_enabled, (select auth.uid())) returning * into given;
  else
    update public.policies p set action = given.action, targets = given.targets, task_kinds = given.task_kinds, carries = given.carries,
      max_per_hour = given.max_per_hour, max_per_day = given.max_per_day, hold_seconds = given.hold_seconds, expires_at = given.expires_at,
      is_enabled = given.is_enabled, demoted_at = case when not given.is_enabled then p.demoted_at end,
      demoted_because = case when not given.is_enabled then p.demoted_because end
    where p.id = earlier.id returning * into given;
    if not given.is_enabled or (given.action, given.targets, given.task_kinds, given.carries)
       is distinct from (earlier.action, earlier.targets, earlier.task_kinds, earlier.carries) then
      perform private.take_back_held(organization, given.id, 'changed', 'The permission was changed meanwhile');
    end if;
  end if;
  perform private.audit(organization, case when earlier.id is null then 'policy.created' else 'policy.changed' end, 'policy', given.id, null,
    jsonb_build_object('policy', to_jsonb(given)) || case when earlier.id is not null then jsonb_build_object('earlier', to_jsonb(earlier)) else '{}' end);
  return private.policy_json(given);
exception when invalid_text_representation or invalid_datetime_format or datetime_field_overflow or numeric_value_out_of_range then
  perform private.refuse(422, 'A field of the permission has a wrong value', sqlerrm);
  return null;
end $$;
comment on function public.save_policy is
  'A new standing permission (no id), or changes to one: action, targets, task_kinds, carries, max_per_hour, max_per_day, hold_seconds (120), expires_at, is_enabled (false). For owners and admins; another''s they switch off, no more. What it let through under other terms asks again.';

-- What somebody else had changed is no longer what its giver said.
do $$ declare changed record; begin
  for changed in
    select p.organization_id, p.id from public.policies p where p.is_enabled and exists (
      select 1 from public.audit_events e where e.subject_id = p.id and e.action = 'policy.changed' and e.actor_id <> p.created_by)
  loop
    update public.policies p set is_enabled = false, demoted_at = now(), demoted_because = 'Somebody else than whoever gave it had changed it' where p.id = changed.id;
    perform private.take_back_held(changed.organization_id, changed.id, 'stopped', 'Somebody else than whoever gave the permission had changed it');
  end loop;
end $$;
