-- Standing permissions: given by people, taken back by them, and by themselves after a no; and approvals that come to their end.

-- Section: taking back what was not begun -----------------------------------------------------------------------------

create function private.with_reason(decision jsonb, code text, reason text) returns jsonb
language sql immutable set search_path = '' as $$
  select decision || jsonb_build_object('verdict', 'ask', 'permission_id', null,
    'considered_permission_id', coalesce(decision -> 'permission_id', decision -> 'considered_permission_id'),
    'reasons', coalesce(decision -> 'reasons', '[]') || jsonb_build_array(jsonb_build_object('code', code, 'message', reason, 'value', '', 'origin', null,
      'source', '', 'quote', '')))
$$;
comment on function private.with_reason is 'A decision that asks now, with one more reason.';

create function private.take_back(approval_id uuid, code text, reason text) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  approval public.approvals;
  draft public.drafts;
  made public.drafts;
  task public.tasks;
  asked public.approvals;
begin
  select * into approval from public.approvals a where a.id = take_back.approval_id;
  -- What begins a sending or a step locks the draft or the task first, and so does this.
  if approval.draft_id is not null then
    select * into draft from public.drafts d where d.id = approval.draft_id for no key update;
  end if;
  select * into task from public.tasks t where t.id = approval.task_id for no key update;
  select * into approval from public.approvals a where a.id = take_back.approval_id for no key update;
  if approval.state is distinct from 'approved' or (draft.id is not null and draft.state <> 'approved') then
    return null;
  end if;
  update public.approvals a set state = case when code = 'expired' then 'expired' else 'voided' end, notes = coalesce(a.notes, reason) where a.id = approval.id;
  if draft.id is not null then
    update public.drafts d set state = 'superseded' where d.id = draft.id;
    perform private.cancel_sending(draft);
    made := private.insert_draft(task, to_jsonb(draft), draft, private.with_reason(approval.decision, code, reason));
    update public.tasks t set blocked_reason = 'Waiting for your review', unblocked_by = 'Approve the draft, edit it, or say what to change'
    where t.id = task.id and t.execution_status = 'blocked' and t.blocked_on = 'review';
    return (select a.id from public.approvals a where a.draft_id = made.id and a.state = 'open');
  end if;
  if task.execution_status = 'queued' then
    update public.tasks t set execution_status = 'in_progress' where t.id = task.id returning t.* into task;
  end if;
  if task.execution_status not in ('in_progress', 'blocked') or (task.execution_status = 'blocked' and task.blocked_on <> 'delay') then
    return null; -- it asks anew when it goes on
  end if;
  insert into public.approvals (organization_id, task_id, title, digest, why, payload, tool, generation, requested_by, decision)
  values (approval.organization_id, approval.task_id, approval.title, approval.digest, approval.why, approval.payload, approval.tool, approval.generation,
    approval.requested_by, private.with_reason(approval.decision, code, reason)) returning * into asked;
  update public.tasks t set execution_status = 'blocked', blocked_on = 'approval', blocked_reason = 'Waiting for your yes to what it will do',
    unblocked_by = 'Say yes or no', blocked_until = asked.expires_at where t.id = task.id;
  return asked.id;
end $$;
comment on function private.take_back is
  'A yes of which nothing was begun is void, and its draft or act asks a person anew; the id of the new question, null where something was begun or it asks by itself when it goes on.';

create function private.take_back_held(organization_id uuid, policy_id uuid, code text, reason text) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  held uuid;
  n integer := 0;
begin
  for held in
    select a.id from public.approvals a where a.organization_id = take_back_held.organization_id and a.state = 'approved' and a.decided_how = 'permission'
      and (take_back_held.policy_id is null or a.policy_id = take_back_held.policy_id) order by a.id
  loop
    perform private.take_back(held, code, reason);
    n := n + 1;
  end loop;
  return n;
end $$;
comment on function private.take_back_held is 'Takes back all that a permission, or any permission, let through and nothing was begun of.';

create function private.demote_policy(policy_id uuid, because text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  policy public.policies;
begin
  update public.policies p set is_enabled = false, demoted_at = now(), demoted_because = left(because, 2000)
  where p.id = demote_policy.policy_id and (p.is_enabled or p.demoted_at is null) returning * into policy;
  if policy.id is not null then
    perform private.audit(policy.organization_id, 'policy.demoted', 'policy', policy.id, because, '{}');
    perform private.take_back_held(policy.organization_id, policy.id, 'demoted', 'The permission switched itself off: ' || because);
  end if;
end $$;
comment on function private.demote_policy is 'A permission switches itself off, and what it let through asks again.';

create function private.demote_for(approval public.approvals, because text) returns void
language plpgsql security definer set search_path = '' as $$
declare
  named uuid := private.as_uuid(coalesce(approval.decision ->> 'permission_id', approval.decision ->> 'considered_permission_id'));
  policy public.policies;
begin
  -- Not only the one that was weighed at the time: a permission may be younger than the question. A no to an answer whose
  -- thread has moved is no word about them: none lets such an answer through.
  for policy in
    select p.* from public.policies p where p.organization_id = approval.organization_id and (p.id = named or p.is_enabled and p.expires_at > now())
    order by p.id
  loop
    if policy.id = named or not coalesce(approval.decision -> 'reasons' @> '[{"code": "thread_moved"}]', false)
       and private.permission_reaches(policy, approval) is null then
      perform private.demote_policy(policy.id, because);
    end if;
  end loop;
end $$;
comment on function private.demote_for is
  'Every permission that let something through, or would now by its action, kinds of task and targets, switches itself off after a no to it.';

create function public.undo_permission(approval_id uuid) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  approval public.approvals;
  asked uuid;
begin
  select * into approval from public.approvals a where a.id = undo_permission.approval_id and private.in_scope(a.organization_id);
  if approval.id is null then
    perform private.refuse(404, 'There is no such approval', format('approval %s', undo_permission.approval_id));
  elsif (select auth.uid()) is null then
    perform private.refuse(403, 'Only a person undoes what a permission let through');
  elsif approval.decided_how is distinct from 'permission' then
    perform private.refuse(409, 'Nothing was let through by a permission here', approval.state);
  end if;
  asked := private.take_back(approval.id, 'undone', 'You undid it');
  select * into approval from public.approvals a where a.id = undo_permission.approval_id;
  if approval.state = 'used' then
    perform private.refuse(409, 'Too late: it has gone, or is going, and cannot be undone', 'used');
  elsif approval.notes is distinct from 'You undid it' or (asked is null and approval.draft_id is not null) then
    perform private.refuse(409, format('This approval is %s already', approval.state), approval.state);
  end if;
  perform private.audit(approval.organization_id, 'permission.undone', 'approval', approval.id, null,
    jsonb_build_object('policy_id', approval.policy_id, 'asked_anew', asked));
  if approval.policy_id is not null then
    perform private.demote_policy(approval.policy_id, 'You undid what it let through');
  end if;
  return (select to_jsonb(a) from public.approvals a where a.id = coalesce(asked, approval.id));
end $$;
comment on function public.undo_permission is
  'A person undoes what a permission let through, as long as nothing was begun: the draft or act asks again, and the permission switches itself off. The new question.';

-- Section: giving and stopping --------------------------------------------------------------------------------------------

create function private.policy_json(policy public.policies) returns jsonb
language sql stable security definer set search_path = '' as $$
  select to_jsonb(policy) || (
    select jsonb_build_object('used_this_hour', count(*) filter (where a.decided_at > now() - interval '1 hour'), 'used_today', count(*))
    from public.approvals a where a.policy_id = policy.id and a.decided_how = 'permission' and a.state in ('approved', 'used')
      and a.decided_at > now() - interval '1 day')
    || jsonb_build_object('held', (select count(*) from public.approvals a where a.policy_id = policy.id and a.decided_how = 'permission' and a.state = 'approved'))
$$;
comment on function private.policy_json is 'A standing permission, how often it was used in the last hour and day (what was taken back is not counted), and how much it let through that nothing was begun of.';

create function public.list_policies() returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'items', (select coalesce(jsonb_agg(private.policy_json(p) order by p.created_at, p.id), '[]') from public.policies p
      where p.organization_id = (select private.acting_organization())),
    'stopped_at', (select o.permissions_stopped_at from public.organizations o where o.id = (select private.acting_organization())))
$$;
comment on function public.list_policies is 'The standing permissions of the tenant, oldest first, and since when all of them are stopped: {items, stopped_at}.';

create function private.may_permit() returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare
  organization uuid := private.acting_organization();
begin
  if (select auth.uid()) is null or organization is null then
    perform private.refuse(403, 'Only a person gives or changes standing permissions');
  elsif not exists (select 1 from public.members m where m.organization_id = organization and m.user_id = (select auth.uid()) and m.role in ('owner', 'admin')) then
    perform private.refuse(403, 'Only an owner or admin gives or changes standing permissions');
  end if;
  return organization;
end $$;
comment on function private.may_permit is 'The tenant whose permissions the caller may change; else PT403.';

create function private.target_problem(target text) returns text
language sql immutable set search_path = '' as $$
  select case
    when target ~ '[\u0001-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]'
      then 'it holds a character that cannot be seen'
    when target ~* '^[a-z][a-z0-9+.-]*:' then 'write the address or host alone, without mailto: or https:// before it'
    when length(target) > 300 or target ~ '[\s,;<>"()*?]' then 'it is not one bare address, channel or domain'
    when lower(target) = 'named' or target ~ '^#[^#@]{1,80}$' or target ~ '^@[^@.]{1,80}$' or target ~ '^[CDGUW][A-Z0-9]{7,20}$' then null
    when target ~ '[^\x21-\x7e]' then 'write an address or host in its ASCII form (xn--...)'
    when target ~ '^@[^@]+\.[^@.]+$' then case when private.is_public_mail_domain(substr(target, 2)) then 'anybody gets an address there' end
    when target ~ '^[^@]+@[^@]+\.[^@.]+$' or target ~* '^[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,24}$' then null
    else 'it is no address (ana@example.com), domain (@example.com), host (hooks.example.com), channel (#team), handle (@ana), Slack id, or the word named' end
$$;
comment on function private.target_problem is 'What is wrong with a target of a permission, in words; null when nothing is.';

create function private.check_policy(policy public.policies) returns void
language plpgsql stable set search_path = '' as $$
declare
  target text;
begin
  if policy.action is null or policy.action !~ '^[a-z][a-z0-9_]{0,99}$' then
    perform private.refuse(422, 'action is the name of a tool, such as email_send or slack_notification', coalesce(policy.action, 'missing'));
  elsif private.is_own_act(policy.action) then
    perform private.refuse(422, format('%s needs no permission: it is one''s own and can be undone', policy.action), 'action');
  elsif coalesce(cardinality(policy.targets), 0) not between 1 and 100 then
    perform private.refuse(422, 'targets names 1 to 100 targets', format('targets has %s', coalesce(cardinality(policy.targets), 0)));
  elsif policy.carries not in ('own_words', 'plain_text') then
    perform private.refuse(422, 'carries is own_words or plain_text', policy.carries);
  elsif policy.carries = 'plain_text' and exists (select 1 from unnest(policy.targets) t where lower(t) = 'named') then
    perform private.refuse(422, 'plain_text goes to targets named one by one or by domain only', 'targets has named');
  elsif policy.max_per_hour is null or policy.max_per_hour not between 1 and 1000 then
    perform private.refuse(422, 'max_per_hour is between 1 and 1000', coalesce(policy.max_per_hour::text, 'missing'));
  elsif policy.max_per_day is null or policy.max_per_day not between 1 and 1000 then
    perform private.refuse(422, 'max_per_day is between 1 and 1000', coalesce(policy.max_per_day::text, 'missing'));
  elsif policy.hold_seconds not between 0 and 86400 then
    perform private.refuse(422, 'hold_seconds is between 0 and 86400', policy.hold_seconds::text);
  elsif policy.expires_at is null or policy.expires_at <= now() or policy.expires_at > now() + interval '366 days' then
    perform private.refuse(422, 'expires_at is a time in the future, at most a year ahead', coalesce(policy.expires_at::text, 'missing'));
  elsif cardinality(policy.task_kinds) > 50 or exists (select 1 from unnest(policy.task_kinds) k where k is null or k !~ '^[a-z_]{1,60}$') then
    perform private.refuse(422, 'task_kinds names at most 50 kinds of task, each of 1 to 60 letters a-z and _', 'task_kinds');
  end if;
  foreach target in array policy.targets loop
    if target is null or private.target_problem(target) is not null then
      perform private.refuse(422, format('%s cannot be a target: %s', coalesce(left(target, 200), 'null'), coalesce(private.target_problem(target), 'it is empty')), 'targets');
    end if;
  end loop;
  select min(t) into target from unnest(policy.targets) t group by lower(t) having count(*) > 1 limit 1;
  if target is not null then
    perform private.refuse(422, format('%s stands twice in targets: name each once', left(target, 200)), 'targets');
  end if;
end $$;
comment on function private.check_policy is 'Refuses a permission that is not narrow, limited and bounded in time, and names the field.';

create function public.save_policy(policy jsonb) returns jsonb
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
  'A new standing permission (no id), or changes to one: action, targets, task_kinds, carries, max_per_hour, max_per_day, hold_seconds (120), expires_at, is_enabled (false). For owners and admins. What it let through under other terms asks again.';

create function public.delete_policy(policy_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := private.may_permit();
  gone public.policies;
begin
  select * into gone from public.policies p where p.id = delete_policy.policy_id and p.organization_id = organization for update;
  if gone.id is null then
    perform private.refuse(404, 'There is no such permission', format('policy %s', delete_policy.policy_id));
  end if;
  perform private.take_back_held(organization, gone.id, 'deleted', 'The permission was deleted meanwhile');
  perform private.audit(organization, 'policy.deleted', 'policy', gone.id, null, jsonb_build_object('policy', to_jsonb(gone)));
  delete from public.policies p where p.id = gone.id;
end $$;
comment on function public.delete_policy is 'Takes a standing permission away; what it let through and nothing was begun of asks again.';

create function public.stop_permissions(stopped boolean) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := private.acting_organization();
  since timestamptz;
  n integer := 0;
begin
  if stopped is null then
    perform private.refuse(422, 'stopped is true or false', 'null');
  elsif not stopped or (select auth.uid()) is null or organization is null then
    organization := private.may_permit(); -- to stop is any member's right, to go on an owner's
  end if;
  update public.organizations o set permissions_stopped_at = case when stopped then coalesce(o.permissions_stopped_at, now()) end
  where o.id = organization returning o.permissions_stopped_at into since;
  if stopped then
    n := private.take_back_held(organization, null, 'stopped', 'All standing permissions were stopped');
  end if;
  perform private.audit(organization, case when stopped then 'permissions.stopped' else 'permissions.resumed' end, 'organization', organization, null,
    jsonb_build_object('taken_back', n));
  return jsonb_build_object('stopped_at', since, 'taken_back', n);
end $$;
comment on function public.stop_permissions is
  'The kill switch: stopped, no standing permission counts, and what they let through asks again; false lets them count again. {stopped_at, taken_back}';

create function public.list_sent_history(action text, days integer default 90) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  organization uuid := private.acting_organization();
begin
  if days is null or days not between 1 and 366 then
    perform private.refuse(422, 'days is between 1 and 366', coalesce(days::text, 'null'));
  elsif list_sent_history.action is null then
    perform private.refuse(422, 'action is the name of a tool', 'null');
  end if;
  return (
    select coalesce(jsonb_agg(to_jsonb(h) order by h.created_at desc), '[]') from (
      select a.id as approval_id, a.draft_id, list_sent_history.action as action, a.title, a.task_id, t.kind as task_kind, a.created_at, a.decided_at,
        private.approval_destinations(a) as destinations, a.decision, a.decided_how, a.policy_id, a.origin,
        coalesce(d.provenance, a.payload -> 'provenance', '{}') as provenance,
        case when d.id is not null then jsonb_build_object('subject', d.subject, 'body', d.body, 'attachments', d.attachments, 'target', d.target)
          else a.payload end as content,
        case
          when d.state = 'sent' or (a.draft_id is null and a.state = 'used') then 'sent'
          when d.state in ('sending', 'uncertain', 'failed') then d.state
          when d.state = 'rejected' or a.state = 'rejected' then 'rejected'
          when n.id is not null and n.digest <> d.digest then 'edited'
          when a.state in ('open', 'approved') then 'waiting'
          else 'void' end as became
      from public.approvals a
      join public.tasks t on t.id = a.task_id
      left join public.drafts d on d.id = a.draft_id
      left join public.drafts n on n.supersedes_id = d.id
      where a.organization_id = organization and a.created_at > now() - make_interval(days => days)
        and a.decided_how is distinct from 'own'
        and case when a.draft_id is null then a.tool = list_sent_history.action
            else list_sent_history.action = case d.channel when 'mail' then 'email_send' else 'slack_notification' end end
      order by a.created_at desc limit 500) h);
end $$;
comment on function public.list_sent_history is
  'What was asked or let through for an action in the last days, newest first, at most 500: whom it was for, the kind of task, its content, provenance and decision, and what became of it (sent, edited, rejected, failed, uncertain, sending, waiting, void).';

-- Section: approvals that come to their end -----------------------------------------------------------------------------

create function private.ask_anew(approval public.approvals) returns void
language plpgsql set search_path = '' as $$
begin
  update public.approvals a set state = 'expired' where a.id = approval.id and a.state = 'open';
  if found then
    insert into public.approvals (organization_id, task_id, draft_id, title, digest, why, payload, tool, generation, requested_by, decision)
    values (approval.organization_id, approval.task_id, approval.draft_id, approval.title, approval.digest, approval.why, approval.payload, approval.tool,
      approval.generation, approval.requested_by, approval.decision);
  end if;
end $$;
comment on function private.ask_anew is 'An open question has come to its end: the same is asked again.';

create function private.expire_approvals() returns integer
language plpgsql security definer set search_path = '' as $$
declare
  old public.approvals;
  n integer := 0;
begin
  for old in
    select a.* from public.approvals a where a.state = 'open' and a.expires_at <= now() and (
      exists (select 1 from public.drafts d where d.id = a.draft_id and d.state = 'draft')
      or a.draft_id is null and exists (select 1 from public.tasks t where t.id = a.task_id and t.execution_status = 'blocked' and t.blocked_on = 'review'))
    order by a.expires_at limit 200
  loop
    if old.draft_id is not null then
      perform 1 from public.drafts d where d.id = old.draft_id and d.state = 'draft' for no key update skip locked;
    end if;
    if old.draft_id is null or found then
      begin
        perform private.ask_anew(old);
        n := n + 1;
      exception when others then -- one that cannot be asked anew must not hold up every tenant
        raise warning 'approval % is not asked anew: %', old.id, sqlerrm;
      end;
    end if;
  end loop;
  for old in
    select a.* from public.approvals a where a.state = 'approved' and (a.good_until <= now() or a.decided_how = 'permission' and not private.permission_stands(a))
    order by a.good_until limit 200
  loop
    begin
      if old.draft_id is null and old.good_until <= now() then
        update public.approvals a set state = 'expired' where a.id = old.id and a.state = 'approved'; -- its task asks again as it goes on
      else
        perform private.take_back(old.id, case when old.good_until <= now() then 'expired' else 'stopped' end,
          case when old.good_until <= now() then 'The yes to it was not used in time' else 'The permission that let it through is no longer in force' end);
      end if;
      n := n + 1;
    exception when others then
      raise warning 'approval % is not taken back: %', old.id, sqlerrm;
    end;
  end loop;
  return n;
end $$;
comment on function private.expire_approvals is
  'In every tenant: questions about drafts and results that nobody answered are asked again; a yes that was not used in time, or whose permission is gone, is void and asked for again.';

create or replace function public.wake_waiting_tasks() returns integer
language plpgsql security definer set search_path = '' as $$
declare
  waiting public.tasks;
  n integer := 0;
begin
  for waiting in
    select t.* from public.tasks t where t.execution_status = 'blocked' and t.blocked_until <= now()
      and t.blocked_on in ('delay', 'bounds', 'agent', 'reply', 'approval')
    order by t.blocked_until limit 200 for no key update of t skip locked
  loop
    if private.is_paused(waiting.id) then
      continue;
    end if;
    if waiting.blocked_on in ('delay', 'bounds') then
      update public.tasks t set execution_status = 'queued', run_after = null where t.id = waiting.id;
    else
      update public.approvals a set state = 'expired' where a.task_id = waiting.id and a.state = 'open';
      update public.tasks t set execution_status = 'failed',
        failure_reason = case waiting.blocked_on when 'approval' then 'Nobody decided in time' when 'agent' then 'The agent did not report in time'
          else 'No answer came in time' end where t.id = waiting.id;
    end if;
    n := n + 1;
  end loop;
  for waiting in
    select t.* from public.tasks t where t.execution_status = 'blocked' and t.remind_at <= now() and t.reminded_at is null
    limit 200 for no key update of t skip locked
  loop
    update public.tasks t set reminded_at = now() where t.id = waiting.id;
    perform private.audit(waiting.organization_id, 'task.reminded', 'task', waiting.id, waiting.blocked_reason, '{}');
    n := n + 1;
  end loop;
  return n + private.expire_approvals();
end $$;

create function private.before_permissions_go_on() returns trigger
language plpgsql set search_path = '' as $$
begin
  if (select auth.uid()) is null then
    perform private.refuse(403, 'Only a person lets standing permissions count again');
  end if;
  return new;
end $$;
comment on function private.before_permissions_go_on is 'The kill switch is let go by a person alone.';
create trigger organizations_06_stopped before update of permissions_stopped_at on public.organizations for each row
when (old.permissions_stopped_at is not null and new.permissions_stopped_at is distinct from old.permissions_stopped_at)
execute function private.before_permissions_go_on();

-- Section: who may what -------------------------------------------------------------------------------------------------

-- Permissions are written by the functions above alone, which ask who it is; the worker, too, only reads them.
revoke insert, update, delete, truncate on public.policies from service_role;

do $$ declare f text; begin
  foreach f in array array['list_policies', 'save_policy', 'delete_policy', 'stop_permissions', 'undo_permission', 'list_sent_history'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['demote_for', 'policy_json', 'may_permit', 'before_permissions_go_on'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['with_reason', 'take_back', 'take_back_held', 'demote_policy', 'target_problem', 'check_policy', 'ask_anew', 'expire_approvals'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;
