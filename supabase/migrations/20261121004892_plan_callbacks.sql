-- Where somebody wants to be told of a plan is theirs: often whoever knows the address may write to it.

alter table private.plan_secrets
  add column callback_url text constraint plans_callback_url_check check (length(callback_url) <= 2000 and callback_url ~* '^https?://');
update private.plan_secrets s set callback_url = p.callback_url from public.plans p where p.id = s.plan_id;
delete from private.plan_secrets s where s.callback_url is null;
alter table private.plan_secrets alter column callback_url set not null;
alter table public.plans drop column callback_url;
comment on table private.plan_secrets is 'Where the messages about a plan go, and what they are signed with, sealed.';

create function private.has_callback(plan_id uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select 1 from private.plan_secrets s join public.plans p on p.id = s.plan_id
    where s.plan_id = has_callback.plan_id and private.in_scope(p.organization_id))
$$;
comment on function private.has_callback is 'Is somebody told of a plan? Not where. Definer: the address is read by nobody.';
select private.expose_function('private.has_callback', array['authenticated', 'service_role']);

create or replace function private.insert_plan(root_id uuid, plan jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  root public.tasks;
begin
  select * into root from public.tasks t where t.id = insert_plan.root_id and private.in_scope(t.organization_id) for no key update;
  if root.id is null then
    perform private.refuse(404, 'There is no such task', format('task %s', insert_plan.root_id));
  end if;
  if root.source <> 'plan' or root.parent_task_id is not null or root.created_at <> now() then
    perform private.refuse(409, 'A plan is made together with its task', format('task %s', root.id));
  end if;
  if plan ->> 'document_id' is not null then
    if not exists (select 1 from public.plans p where p.id = private.as_uuid(plan ->> 'document_id') and p.kind = 'document'
         and p.organization_id = root.organization_id) then
      perform private.refuse(404, 'There is no such plan document', format('document_id %s', left(plan ->> 'document_id', 100)));
    end if;
    -- What a document was written from comes with what is made out of it.
    update public.tasks t set tainted_by = private.merged_taint(t.tainted_by, d.tainted_by) from public.tasks d
    where t.id = root.id and d.id = (plan ->> 'document_id')::uuid and d.tainted_by <> '[]';
  end if;
  insert into public.plans (id, organization_id, kind, playbook, request, document_id, starts_by_itself, planned_at, created_by)
  select root.id, root.organization_id, r.kind, r.playbook, coalesce(r.request, '{}'), r.document_id, coalesce(r.starts_by_itself, true),
    r.planned_at, (select auth.uid())
  from jsonb_populate_record(null::public.plans, plan) r;
  if plan ->> 'callback_secret' is not null then
    insert into private.plan_secrets (plan_id, sealed_secret, callback_url) values (root.id, plan ->> 'callback_secret', plan ->> 'callback_url');
  end if;
end $$;

create or replace function private.plan_json(plan public.plans) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  root record;
  leaves record;
  is_moving boolean;
  is_redone boolean;
  state text;
  reason text;
begin
  select t.title, t.execution_status as status, t.blocked_on, t.blocked_reason, t.failure_reason, t.paused_at, t.started_at, t.completed_at,
    t.failed_at, t.cancelled_at into root from public.tasks t where t.id = plan.id;
  select coalesce((select jsonb_object_agg(c.status, c.n) from (
      select l.status, count(*) as n from unnest(array_agg(p.status)) l (status) group by 1) c), '{}') as counts,
    coalesce(sum(p.weight) filter (where p.is_counted and (p.status <> 'cancelled' or root.status in ('cancelled', 'failed'))), 0) as total,
    coalesce(sum(p.weight * p.done) filter (where p.is_counted), 0) as done,
    count(*) filter (where p.waits_for_person) as waiting,
    count(*) filter (where p.status in ('pending', 'queued', 'in_progress', 'paused', 'blocked')
      or p.status = 'failed' and p.is_counted and p.failed_at > root.completed_at) as unfinished,
    (array_agg(format('%s: %s', p.title, p.reason) order by p.place)
      filter (where p.is_counted and p.reason is not null and (p.status = 'failed' or p.status = 'blocked')))[1] as reason
  into leaves from private.plan_leaves(plan.id) p;
  is_moving := exists (select 1 from public.tasks t where t.root_task_id = plan.id and t.id <> plan.id
    and t.execution_status in ('queued', 'in_progress') and t.superseded_at is null);
  is_redone := root.status = 'completed' and leaves.unfinished > 0;
  state := case
    when root.status in ('cancelled', 'failed') then root.status
    when root.status = 'completed' and not is_redone then 'completed'
    when root.paused_at is not null or root.status = 'paused' then 'paused'
    when root.status = 'completed' or root.status = 'blocked' and root.blocked_on = 'subtasks' then case when is_moving then 'running' else 'waiting' end
    when root.status = 'blocked' and root.blocked_on = 'start' then 'ready'
    when root.status = 'blocked' then 'waiting'
    when plan.planned_at is null then 'planning'
    when root.status = 'pending' then 'ready'
    else 'running' end;
  reason := case
    when state = 'waiting' and (is_redone or root.blocked_on = 'subtasks') then coalesce(leaves.reason, root.blocked_reason)
    when state in ('waiting', 'ready') then root.blocked_reason
    when state = 'failed' then root.failure_reason end;
  return to_jsonb(plan) || jsonb_build_object('title', root.title, 'state', state, 'execution_status', root.status, 'reason', reason,
    'percent', case when root.status = 'completed' and not is_redone then 100 when leaves.total = 0 then 0
      else round((100 * leaves.done / leaves.total)::numeric, 1) end,
    'counts', leaves.counts, 'has_callback', private.has_callback(plan.id),
    'waiting_for_you', case when state in ('completed', 'cancelled') then 0
      when root.status = 'blocked' and root.blocked_on in ('start', 'person', 'model', 'bounds', 'account') then 1
      when root.status in ('completed', 'blocked', 'paused', 'failed') then leaves.waiting else 0 end,
    'started_at', root.started_at, 'completed_at', root.completed_at, 'failed_at', root.failed_at, 'cancelled_at', root.cancelled_at);
end $$;

create or replace function public.get_plan(plan_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  plan public.plans := private.own_plan(get_plan.plan_id);
begin
  return jsonb_build_object('plan', private.plan_json(plan), 'tree', private.plan_tree_json(plan.id),
    'changes', (select coalesce(jsonb_agg(to_jsonb(c) order by c.created_at, c.id), '[]') from public.plan_changes c where c.root_task_id = plan.id),
    'approvals', (select coalesce(jsonb_agg(a.row order by a.created_at desc, a.id desc), '[]') from (
      select a.id, a.created_at, to_jsonb(a) || jsonb_build_object('task_title', t.title, 'decision', private.decision_with_quotes(a.task_id, a.decision)) as row
      from public.tasks t join public.approvals a on a.task_id = t.id
      where t.root_task_id = plan.id and a.decided_how is distinct from 'own' order by a.created_at desc, a.id desc limit 500) a),
    'callbacks', case when private.has_callback(plan.id) then private.plan_callbacks_json(plan.id) end);
end $$;

create or replace function private.tell_about_plan(plan_id uuid, type text, status text, data jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  plan public.plans;
  summary jsonb;
begin
  select * into plan from public.plans p where p.id = tell_about_plan.plan_id
    and exists (select 1 from private.plan_secrets s where s.plan_id = p.id);
  if plan.id is null then
    return;
  end if;
  summary := private.plan_json(plan);
  perform pg_advisory_xact_lock(7238195); -- the lock of the events: numbers are given in the order of commits
  insert into private.plan_callbacks (plan_id, type, body) values (plan.id, tell_about_plan.type, jsonb_build_object('type', tell_about_plan.type, 'timestamp', now(),
    'data', jsonb_strip_nulls(jsonb_build_object('planId', plan.id, 'status', coalesce(tell_about_plan.status, summary ->> 'state'), 'percent', summary -> 'percent')
      || tell_about_plan.data)));
end $$;

create or replace function public.claim_plan_callbacks(max_count integer default 20) returns setof jsonb
language plpgsql security definer set search_path = '' as $$
begin
  update private.plan_callbacks c set given_up_at = now(), error = coalesce(c.error, 'Its worker went away each time')
  where c.sent_at is null and c.given_up_at is null and c.due_at <= now() and c.attempts >= 8;
  return query
  with due as (
    select c.id from private.plan_callbacks c
    where c.sent_at is null and c.given_up_at is null and c.due_at <= now()
      and not exists (select 1 from private.plan_callbacks e where e.plan_id = c.plan_id and e.number < c.number and e.sent_at is null and e.given_up_at is null)
    order by c.due_at, c.number limit least(greatest(max_count, 1), 200) for no key update of c skip locked),
  taken as (
    update private.plan_callbacks c set attempts = c.attempts + 1, due_at = now() + interval '1 minute' from due where c.id = due.id returning c.*)
  select jsonb_build_object('id', t.id, 'plan_id', t.plan_id, 'organization_id', p.organization_id, 'url', s.callback_url, 'sealed_secret', s.sealed_secret,
    'body', t.body, 'attempts', t.attempts)
  from taken t join public.plans p on p.id = t.plan_id join private.plan_secrets s on s.plan_id = t.plan_id order by t.number;
end $$;

create or replace function private.plan_callbacks_json(plan_id uuid) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select jsonb_build_object('waiting', count(*) filter (where c.sent_at is null and c.given_up_at is null), 'sent', count(c.sent_at),
      'given_up', count(c.given_up_at), 'last_error',
      case when bool_and(p.created_by is not distinct from coalesce((select auth.uid()), p.created_by)) then (array_agg(c.error order by c.number desc) filter (where c.error is not null))[1] end)
    from public.plans p join private.plan_callbacks c on c.plan_id = p.id
    where p.id = plan_callbacks_json.plan_id and private.in_scope(p.organization_id));
end $$;
comment on function private.plan_callbacks_json is
  'How the messages to the callback address of a plan stand: {waiting, sent, given_up, last_error}; the error, which may name the address, for whoever made the plan alone.';
