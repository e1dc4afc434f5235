-- Plans: messages to whoever asked for one, and to the stakeholders of what failed.

-- Section: messages to whoever asked for a plan --------------------------------------------------------------------------

create table private.plan_callbacks (
  id uuid primary key default gen_random_uuid(),
  number bigint generated always as identity,
  plan_id uuid not null references public.plans (id) on delete cascade,
  type text not null,
  body jsonb not null,
  attempts integer not null default 0,
  due_at timestamptz not null default now(),
  sent_at timestamptz,
  given_up_at timestamptz,
  error text check (length(error) <= 2000),
  constraint given_up_says_why check (given_up_at is null or error is not null)
);
comment on table private.plan_callbacks is 'Messages to the callback addresses of plans, in the order in which they came to be; the id is that of the message.';
comment on column private.plan_callbacks.due_at is 'Not before this time: the back-off of another try, and the lease of the worker that has it.';
create index plan_callbacks_plan_idx on private.plan_callbacks (plan_id, number);
create index plan_callbacks_due_idx on private.plan_callbacks (due_at) where sent_at is null and given_up_at is null;
alter table private.plan_callbacks enable row level security;
alter table private.plan_secrets enable row level security;
revoke all on private.plan_callbacks, private.plan_secrets from public, anon, authenticated, service_role;

create function private.tell_about_plan(plan_id uuid, type text, status text, data jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  plan public.plans;
  summary jsonb;
begin
  select * into plan from public.plans p where p.id = tell_about_plan.plan_id and p.callback_url is not null;
  if plan.id is null then
    return;
  end if;
  summary := private.plan_json(plan);
  perform pg_advisory_xact_lock(7238195); -- the lock of the events: numbers are given in the order of commits
  insert into private.plan_callbacks (plan_id, type, body) values (plan.id, tell_about_plan.type, jsonb_build_object('type', tell_about_plan.type, 'timestamp', now(),
    'data', jsonb_strip_nulls(jsonb_build_object('planId', plan.id, 'status', coalesce(tell_about_plan.status, summary ->> 'state'), 'percent', summary -> 'percent')
      || tell_about_plan.data)));
end $$;
comment on function private.tell_about_plan is 'A message to the callback address of a plan that has one. Called at the end of a transaction, by deferred triggers.';

create function private.after_plan_state() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.parent_task_id is not null then
    perform private.tell_about_plan(new.root_task_id, 'task.failed', null,
      jsonb_build_object('taskId', new.id, 'title', new.title, 'reason', new.failure_reason));
  elsif new.execution_status <> 'blocked' then
    perform private.tell_about_plan(new.id, 'plan.' || new.execution_status, new.execution_status,
      jsonb_build_object('reason', case when new.execution_status = 'failed' then new.failure_reason end));
  elsif new.blocked_on = 'start' then
    perform private.tell_about_plan(new.id, 'plan.waiting', 'ready', jsonb_build_object('reason', new.blocked_reason));
  elsif new.blocked_on = 'subtasks' and not exists (select 1 from private.plan_callbacks c where c.plan_id = new.id and c.type = 'plan.started') then
    perform private.tell_about_plan(new.id, 'plan.started', 'running', '{}');
  end if;
  return null;
end $$;
comment on function private.after_plan_state is 'Tells of the start, waiting and end of a plan, and of its parts that failed.';
create constraint trigger tasks_60_plan after update of execution_status on public.tasks deferrable initially deferred for each row
when (new.execution_status <> old.execution_status and (new.execution_status = 'failed' or new.parent_task_id is null and new.source = 'plan'
  and new.execution_status in ('blocked', 'completed', 'cancelled')))
execute function private.after_plan_state();

create function private.after_plan_planned() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.tell_about_plan(new.id, 'plan.planned', 'planning', '{}');
  return null;
end $$;
comment on function private.after_plan_planned is 'Tells that the tasks of a plan are there.';
create constraint trigger plans_60_planned after update of planned_at on public.plans deferrable initially deferred for each row
when (new.planned_at is not null and old.planned_at is null) execute function private.after_plan_planned();

create function private.after_plan_approval() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  task public.tasks;
begin
  if tg_op = 'INSERT' and not exists (select 1 from public.approvals a where a.id = new.id and a.state = 'open') then
    return null; -- decided at once: nobody is asked
  end if;
  select * into task from public.tasks t where t.id = new.task_id;
  perform private.tell_about_plan(task.root_task_id, case tg_op when 'INSERT' then 'approval.waiting' else 'approval.decided' end, null,
    jsonb_build_object('taskId', task.id, 'title', new.title, 'reason', case tg_op when 'INSERT' then nullif(new.why, '') else new.notes end,
      'decision', case tg_op when 'UPDATE' then new.state end));
  return null;
end $$;
comment on function private.after_plan_approval is 'Tells that something in a plan waits for a decision, and how it was decided.';
create constraint trigger approvals_60_plan_new after insert on public.approvals deferrable initially deferred for each row
when (new.state = 'open') execute function private.after_plan_approval();
create constraint trigger approvals_60_plan_decided after update of state on public.approvals deferrable initially deferred for each row
when (new.state in ('approved', 'rejected') and old.state = 'open') execute function private.after_plan_approval();

create function public.claim_plan_callbacks(max_count integer default 20) returns setof jsonb
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
  select jsonb_build_object('id', t.id, 'plan_id', t.plan_id, 'organization_id', p.organization_id, 'url', p.callback_url, 'sealed_secret', s.sealed_secret,
    'body', t.body, 'attempts', t.attempts)
  from taken t join public.plans p on p.id = t.plan_id join private.plan_secrets s on s.plan_id = t.plan_id order by t.number;
end $$;
comment on function public.claim_plan_callbacks is
  'Messages to callback addresses that are due, of every tenant, at most one of a plan so that order is kept; each is the caller''s for a minute. attempts counts this try.';

create function public.finish_plan_callback(callback_id uuid, error text default null, retry_after_seconds double precision default null) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update private.plan_callbacks c set error = left(finish_plan_callback.error, 2000),
    sent_at = case when finish_plan_callback.error is null then now() end,
    given_up_at = case when finish_plan_callback.error is not null and (retry_after_seconds is null or c.attempts >= 8) then now() end,
    due_at = case when finish_plan_callback.error is not null and retry_after_seconds is not null
      then now() + make_interval(secs => least(greatest(retry_after_seconds, 0), 86400)) else c.due_at end
  where c.id = finish_plan_callback.callback_id and c.sent_at is null and c.given_up_at is null;
  if not found and not exists (select 1 from private.plan_callbacks c where c.id = finish_plan_callback.callback_id) then
    perform private.refuse(404, 'There is no such message', format('callback %s', finish_plan_callback.callback_id));
  end if;
end $$;
comment on function public.finish_plan_callback is
  'A message was taken (no error), is tried again after a while, or is given up: with an error and no time, or after eight tries. Its error is kept.';

create function private.plan_callbacks_json(plan_id uuid) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  return (select jsonb_build_object('waiting', count(*) filter (where c.sent_at is null and c.given_up_at is null), 'sent', count(c.sent_at),
      'given_up', count(c.given_up_at), 'last_error', (array_agg(c.error order by c.number desc) filter (where c.error is not null))[1])
    from public.plans p join private.plan_callbacks c on c.plan_id = p.id
    where p.id = plan_callbacks_json.plan_id and private.in_scope(p.organization_id));
end $$;
comment on function private.plan_callbacks_json is 'How the messages to the callback address of a plan stand: {waiting, sent, given_up, last_error}.';

-- Section: telling stakeholders ------------------------------------------------------------------------------------------

create function private.after_part_lost() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  plan public.plans;
  made uuid;
begin
  if new.priority <> 'critical' and not (new.source_ref ->> 'risk' = 'high'
       and exists (select 1 from public.tasks r where r.id = new.root_task_id and r.priority = 'critical')) then
    return null;
  end if;
  select * into plan from public.plans p where p.id = new.root_task_id;
  if plan.id is null or jsonb_typeof(plan.request #> '{context,stakeholders}') is distinct from 'array'
     or jsonb_array_length(plan.request #> '{context,stakeholders}') = 0 then
    return null;
  end if;
  -- In the words of who asked for the plan: the title of a part may be a model's.
  insert into public.tasks (organization_id, created_by, title, kind, priority, source, source_ref, source_key, execution_type, tool, tool_input,
    automation_rules, tainted_by)
  values (plan.organization_id, plan.created_by,
    'Tell the stakeholders of a failure: ' || left((select r.title from public.tasks r where r.id = plan.id), 400), 'message', 'critical', 'plan',
    jsonb_build_object('plan_id', plan.id, 'task_id', new.id), 'notify_stakeholders/' || new.id, 'fully_automated', 'notify_stakeholders',
    jsonb_build_object('plan_id', plan.id, 'task_id', new.id), '{"run_by_itself": false}', new.tainted_by)
  on conflict (organization_id, source_key) where source_key is not null do nothing returning id into made;
  update public.tasks t set execution_status = 'queued' where t.id = made;
  return null;
end $$;
comment on function private.after_part_lost is
  'A critical part of a plan that failed for good has its stakeholders told, once: by a task of its own, which writes drafts.';
create trigger tasks_27_lost after update of execution_status, escalated_at on public.tasks for each row
when (new.execution_status = 'failed' and new.parent_task_id is not null and new.waived_at is null and new.superseded_at is null
  and (old.execution_status <> 'failed' and new.on_failure = 'stop' or new.escalated_at is not null and old.escalated_at is null))
execute function private.after_part_lost();

do $$ declare f text; begin
  foreach f in array array['edit_plan', 'rerun_stage', 'clone_plan', 'list_plan_sections', 'get_plan_metrics'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['claim_plan_callbacks', 'finish_plan_callback'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  foreach f in array array['note_plan', 'live_parts', 'edit_fields', 'check_edits', 'part_to_edit', 'remove_part', 'change_part', 'add_part', 'redraw_edges',
    'stage_to_rerun', 'stages_after', 'copy_parts', 'renew_stages', 'is_redone', 'is_planned', 'plan_callbacks_json'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['tell_about_plan', 'after_plan_state', 'after_plan_planned', 'after_plan_approval', 'after_part_lost'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;
