-- What becomes of what a member has here, and gave, when they leave or may less than before.

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
  heir := coalesce((select m.user_id from public.members m where m.organization_id = old.organization_id and m.user_id = (select auth.uid())),
    private.first_owner(old.organization_id));
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

-- Section: who goes -----------------------------------------------------------------------------------------------

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
  foreach f in array array['end_access', 'withdraw_permissions', 'withdraw_yes', 'hand_over_work', 'after_member_left', 'after_role_lowered'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;
