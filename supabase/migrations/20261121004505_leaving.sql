-- What is a person's own in an organization that they share, and what becomes of it when they leave.

-- Section: whose work it is ---------------------------------------------------------------------------------------
-- A task is done with the accounts of whoever it belongs to. One that belongs to nobody would be done with anybody's.

create function private.keep_task_somebodys() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  person uuid;
begin
  if exists (select 1 from public.organizations o where o.id = new.organization_id and not o.is_personal) then
    select coalesce(
      (select p.created_by from public.tasks p where p.id = new.parent_task_id),
      (select r.created_by from public.tasks p join public.tasks r on r.id = p.root_task_id where p.id = new.parent_task_id),
      (select m.user_id from public.members m where m.organization_id = new.organization_id
        order by m.role = 'owner' desc, m.created_at, m.user_id limit 1)) into person;
    if person is not null then
      new.created_by := person;
      new.source_ref := new.source_ref || '{"by_program": true}'; -- it is theirs, and not their own word
    end if;
  end if;
  return new;
end $$;
comment on function private.keep_task_somebodys is
  'In an organization of several, a part belongs to whoever its task belongs to, and what nobody made to the first owner: it is done with their accounts and no others.';
create trigger tasks_04_somebodys before insert on public.tasks for each row
when (new.created_by is null) execute function private.keep_task_somebodys();

create or replace function private.is_own_word(task public.tasks) returns boolean
language sql immutable set search_path = '' as $$
  select private.is_said_by_person(task) and not task.source_ref ?| array['by_program', 'handed_over', 'others_words']
$$;
comment on function private.is_own_word is
  'Did the person themself say what this task is? Not what came in, not what an agent planned, not what a program with a token said, and not what another left to them or changed.';

-- Section: who says yes -------------------------------------------------------------------------------------------

create function private.before_anothers_yes() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  person uuid;
begin
  -- The account that is named, and those of whoever the task belongs to.
  select a.user_id into person from public.tasks t join public.accounts a on a.organization_id = t.organization_id
  where t.id = new.task_id and a.user_id <> auth.uid() and (a.user_id = t.created_by and a.state <> 'revoked'
    or a.id::text in (select d.target ->> 'account_id' from public.drafts d where d.id = new.draft_id
                      union all select t.tool_input ->> 'account' union all select new.payload #>> '{input,account}'))
  limit 1;
  if person is not null then
    perform private.refuse(403, 'This would leave through somebody else''s account', private.person_json(new.organization_id, person) ->> 'email',
      'Only they say yes to it; anybody here may reject it or change it.');
  end if;
  return new;
end $$;
comment on function private.before_anothers_yes is
  'What leaves through a member''s own account is approved by them alone. Definer, because an account is seen by its person alone.';
create trigger approvals_06_own_account before update on public.approvals for each row
when (new.state = 'approved' and old.state <> 'approved' and (new.draft_id is not null or new.payload ? 'destinations') and auth.uid() is not null)
execute function private.before_anothers_yes();

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
     or exists (select 1 from public.drafts d join public.accounts a on a.organization_id = d.organization_id and a.id::text = d.target ->> 'account_id'
       where d.id = approval.draft_id and a.user_id <> permission.created_by) then
    return 'The standing permission is another member''s: it covers their own work';
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

-- Section: what a member takes along, and what they leave ---------------------------------------------------------

create function private.end_access(organization_id uuid, user_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  agent public.agents;
begin
  update public.api_tokens t set revoked_at = now()
  where t.organization_id = end_access.organization_id and t.user_id = end_access.user_id and t.revoked_at is null;
  update public.invitations i set revoked_at = now()
  where i.organization_id = end_access.organization_id and i.invited_by = end_access.user_id and i.accepted_at is null and i.revoked_at is null;
  delete from public.calendar_feeds f where f.organization_id = end_access.organization_id and f.user_id = end_access.user_id;
  delete from public.slack_links l where l.organization_id = end_access.organization_id and l.user_id = end_access.user_id;
  delete from private.slack_codes c where c.organization_id = end_access.organization_id and c.user_id = end_access.user_id;
  delete from private.sign_ins s where s.organization_id = end_access.organization_id and s.user_id = end_access.user_id;
  delete from private.account_secrets s using public.accounts a
  where s.account_id = a.id and a.organization_id = end_access.organization_id and a.user_id = end_access.user_id;
  update public.accounts a set state = 'revoked', reason = 'Its person left the organization', sync = '{}', synced_at = null
  where a.organization_id = end_access.organization_id and a.user_id = end_access.user_id and a.state <> 'revoked';
  -- Whoever made an agent's token has read it.
  for agent in
    select a.* from public.agents a where a.organization_id = end_access.organization_id and a.token_hash is not null and not a.is_internal
      and end_access.user_id = coalesce((
        select e.actor_id from public.audit_events e where e.subject_id = a.id and e.action in ('agent.registered', 'agent.token_rotated')
        order by e.id desc limit 1), a.created_by)
    order by a.id
  loop
    update public.agents a set token_hash = null, token_prefix = null where a.id = agent.id;
    perform private.take_work_back(agent.id, format('Whoever gave %s its token left; its work is offered to others', agent.name));
    perform private.audit(agent.organization_id, 'agent.token_revoked', 'agent', agent.id, 'Whoever made it left the organization',
      jsonb_build_object('name', agent.name));
  end loop;
end $$;
comment on function private.end_access is
  'Ends every way in that a person has to an organization, or has read: tokens, links, accounts, invitations, agents'' tokens. Definer: it is about another''s rows.';

create function private.withdraw_permissions(organization_id uuid, user_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  given uuid;
begin
  for given in
    update public.policies p set is_enabled = false, demoted_at = now(), demoted_because = 'Whoever gave it may give none any more'
    where p.organization_id = withdraw_permissions.organization_id and p.created_by = withdraw_permissions.user_id and p.is_enabled returning p.id
  loop
    perform private.take_back_held(withdraw_permissions.organization_id, given, 'stopped', 'Whoever gave the permission may give none any more');
  end loop;
end $$;
comment on function private.withdraw_permissions is
  'Switches off what a person lets go by itself; what waits to leave by it asks. Definer: it is about another''s rows.';

create function private.withdraw_yes(organization_id uuid, user_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  given uuid;
begin
  perform private.withdraw_permissions(withdraw_yes.organization_id, withdraw_yes.user_id);
  for given in
    select a.id from public.approvals a join public.tasks t on t.id = a.task_id
    where a.organization_id = withdraw_yes.organization_id and a.state = 'approved'
      and (a.decided_by = withdraw_yes.user_id or t.created_by = withdraw_yes.user_id) order by a.id
  loop
    perform private.take_back(given, 'changed', 'Whoever said yes, or whose work it is, left the organization');
  end loop;
end $$;
comment on function private.withdraw_yes is
  'What a person allowed and what has not left yet asks again: their permissions are off, their yes is void. Definer: it is about another''s rows.';

create function private.hand_over_work(organization_id uuid, user_id uuid, heir uuid) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  top uuid;
  n integer;
begin
  -- What runs or is about to, is paused where it begins: whoever has it now says whether it goes on.
  for top in
    select t.id from public.tasks t left join public.tasks p on p.id = t.parent_task_id
    where t.organization_id = hand_over_work.organization_id and t.created_by = hand_over_work.user_id
      and t.execution_status not in ('completed', 'failed', 'cancelled') and p.created_by is distinct from hand_over_work.user_id
      and exists (select 1 from public.tasks b where b.id in (select private.subtree(t.id)) and b.execution_status in ('in_progress', 'queued'))
    order by t.id
  loop
    update public.tasks t set paused_at = coalesce(t.paused_at, now()) where t.id = top;
    update public.tasks t set execution_status = 'paused' where t.id in (select private.subtree(top)) and t.execution_status = 'in_progress';
    update public.tasks t set execution_status = 'pending' where t.id in (select private.subtree(top)) and t.execution_status = 'queued' and t.id <> top;
  end loop;
  -- Where the person wanted to be told is theirs, and not of whoever has the plan now.
  update private.plan_callbacks c set given_up_at = now(), error = 'Whoever wanted to be told left the organization'
  from public.plans p where p.id = c.plan_id and p.organization_id = hand_over_work.organization_id and p.created_by = hand_over_work.user_id
    and c.sent_at is null and c.given_up_at is null;
  delete from private.plan_secrets s using public.plans p
  where p.id = s.plan_id and p.organization_id = hand_over_work.organization_id and p.created_by = hand_over_work.user_id;
  update public.plans p set callback_url = null
  where p.organization_id = hand_over_work.organization_id and p.created_by = hand_over_work.user_id and p.callback_url is not null;
  if heir is null then
    return 0;
  end if;
  update public.tasks t set created_by = heir, source_ref = t.source_ref || '{"handed_over": true}'
  where t.organization_id = hand_over_work.organization_id and t.created_by = hand_over_work.user_id
    and t.execution_status not in ('completed', 'failed', 'cancelled');
  get diagnostics n = row_count;
  update public.tasks t set assigned_to_id = heir
  where t.organization_id = hand_over_work.organization_id and t.assigned_to_type = 'user' and t.assigned_to_id = hand_over_work.user_id
    and t.execution_status not in ('completed', 'failed', 'cancelled');
  update public.plans p set created_by = heir where p.organization_id = hand_over_work.organization_id and p.created_by = hand_over_work.user_id;
  update public.reminders r set created_by = heir where r.organization_id = hand_over_work.organization_id and r.created_by = hand_over_work.user_id;
  return n;
end $$;
comment on function private.hand_over_work is
  'Pauses what runs in the name of a person and gives their open tasks to another, whose own word they are not; how many. Definer: it is about another''s rows.';

create function private.after_member_left() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  heir uuid;
  n integer;
begin
  if not exists (select 1 from public.organizations o where o.id = old.organization_id) then
    return null; -- with an organization everything in it goes
  end if;
  select m.user_id into heir from public.members m where m.organization_id = old.organization_id
  order by coalesce(m.user_id = (select auth.uid()), false) desc, m.role = 'owner' desc, m.created_at, m.user_id limit 1;
  perform private.end_access(old.organization_id, old.user_id);
  perform private.withdraw_yes(old.organization_id, old.user_id);
  n := private.hand_over_work(old.organization_id, old.user_id, heir);
  if n > 0 then
    perform private.audit(old.organization_id, 'member.work_handed_over', 'member', old.user_id, null, jsonb_build_object('to', heir, 'tasks', n));
  end if;
  return null;
end $$;
comment on function private.after_member_left is
  'Whoever leaves takes their sign-ins along and leaves their open work to whoever removed them, or the first owner. Definer: it is about another''s rows.';
create trigger members_20_left after delete on public.members for each row execute function private.after_member_left();

create function private.after_role_lowered() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.invitations i set revoked_at = now()
  where i.organization_id = new.organization_id and i.invited_by = new.user_id and i.accepted_at is null and i.revoked_at is null
    and (new.role = 'member' or i.role = 'admin');
  if new.role = 'member' then
    perform private.withdraw_permissions(new.organization_id, new.user_id);
  end if;
  return null;
end $$;
comment on function private.after_role_lowered is 'What somebody may give no more, and has given without its being taken up, is taken back. Definer: it is about another''s rows.';
create trigger members_21_lowered after update of role on public.members for each row
when (new.role <> old.role and (new.role = 'member' or old.role = 'owner')) execute function private.after_role_lowered();

-- Section: leaving ------------------------------------------------------------------------------------------------

create function public.remove_member(organization_id uuid, user_id uuid) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  own_role text := private.manage_organization(remove_member.organization_id, array['owner', 'admin']);
  member public.members;
  told jsonb;
begin
  if remove_member.user_id = (select auth.uid()) then
    perform private.refuse(409, 'You do not remove yourself', null, 'Leave the organization instead.');
  end if;
  select m.* into member from public.members m where m.organization_id = remove_member.organization_id and m.user_id = remove_member.user_id;
  if member.user_id is null then
    perform private.refuse(404, 'There is no such member', format('user %s', remove_member.user_id));
  elsif own_role <> 'owner' and member.role <> 'member' then
    perform private.refuse(403, format('Only an owner removes an %s', member.role));
  end if;
  told := private.member_json(member);
  delete from public.members m where m.organization_id = member.organization_id and m.user_id = member.user_id;
  return told;
end $$;
comment on function public.remove_member is
  'Somebody belongs here no more (owners remove everybody, admins plain members): their ways in end, their open work is the caller''s. Definer: nobody writes members by hand.';

create function public.leave_organization(organization_id uuid) returns setof jsonb
language plpgsql security definer set search_path = '' as $$
begin
  perform private.manage_organization(leave_organization.organization_id, array['owner', 'admin', 'member']);
  if exists (select 1 from public.organizations o where o.id = leave_organization.organization_id and o.is_personal) then
    perform private.refuse(409, 'Nobody leaves their personal organization');
  end if;
  delete from public.members m where m.organization_id = leave_organization.organization_id and m.user_id = (select auth.uid());
  return query select * from public.list_my_organizations();
end $$;
comment on function public.leave_organization is
  'The caller belongs here no more; the organizations that are left to them. Definer: nobody writes members by hand. PT409 for the last owner, and for a personal one.';

do $$ declare f text; begin
  foreach f in array array['remove_member', 'leave_organization'] loop
    perform private.expose_function('public.' || f, array['authenticated']);
  end loop;
  foreach f in array array['keep_task_somebodys', 'before_anothers_yes', 'end_access', 'withdraw_permissions', 'withdraw_yes', 'hand_over_work',
      'after_member_left', 'after_role_lowered'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;
