-- Plans: a root task with what was asked for. Its parts are tasks like all others; the plan has the id of its root.

-- Section: the table ------------------------------------------------------------------------------------------------

create table public.plans (
  id uuid primary key references public.tasks (id) on delete cascade,
  organization_id uuid not null references public.organizations (id) on delete cascade,
  kind text not null check (kind in ('objective', 'document')),
  playbook text check (length(playbook) between 1 and 100),
  request jsonb not null default '{}' check (jsonb_typeof(request) = 'object'),
  document_id uuid references public.plans (id) on delete set null,
  starts_by_itself boolean not null default true,
  planned_at timestamptz,
  callback_url text check (length(callback_url) <= 2000 and callback_url ~* '^https?://'),
  created_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  constraint no_document_of_itself check (document_id <> id),
  constraint documents_have_a_prompt check (kind <> 'document' or coalesce(btrim(request ->> 'prompt'), '') <> ''),
  constraint documents_have_a_level check (kind <> 'document' or coalesce(request ->> 'speed_vs_detail', '') in
    ('ping_llm', 'fast_but_skip_details', 'balanced_speed_and_detail', 'all_details_but_slow')),
  constraint documents_come_planned check (kind <> 'document' or planned_at is not null),
  constraint only_executions_have_a_document check (document_id is null or kind = 'objective')
);
comment on table public.plans is 'A root task with what was asked for: an objective that is planned and executed, or a document that is written stage by stage.';
comment on column public.plans.request is 'What was asked for, as it came: {objective, context} or {prompt, speed_vs_detail, llm_model, timezone}.';
comment on column public.plans.document_id is 'The plan document whose work breakdown it executes.';
comment on column public.plans.planned_at is 'When its tasks were there; null while they are being planned.';
create index plans_organization_idx on public.plans (organization_id, created_at, id);
create index plans_document_idx on public.plans (document_id) where document_id is not null;
create index plans_created_by_idx on public.plans (created_by);

select private.guard_table('public.plans', 'select');
create policy plans_read on public.plans for select to authenticated using (organization_id in (select private.my_organizations()));

create table private.plan_secrets (
  plan_id uuid primary key references public.plans (id) on delete cascade,
  sealed_secret text not null check (length(sealed_secret) between 1 and 2000)
);
comment on table private.plan_secrets is 'What the messages to the callback address of a plan are signed with, sealed.';

create index task_events_progress_idx on public.task_events (task_id, id) where kind = 'progress';

-- Section: a plan that waits for its start ------------------------------------------------------------------------------

alter table public.tasks
  drop constraint tasks_blocked_on_check,
  add constraint tasks_blocked_on_check check (blocked_on in
    ('review', 'person', 'subtasks', 'model', 'delay', 'agent', 'reply', 'approval', 'bounds', 'account', 'start')),
  add constraint only_roots_wait_for_a_start check (blocked_on <> 'start' or parent_task_id is null);
comment on constraint tasks_blocked_on_check on public.tasks is
  'account: a service is not connected, or its sign-in has expired; connecting it lets the task go on. start: a plan that rests until somebody executes it.';

create or replace function private.may_start(task public.tasks) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return task.execution_status = 'pending' and task.execution_type <> 'manual'
    and (task.parent_task_id is null or exists (
      select 1 from public.tasks p where p.id = task.parent_task_id
        and (p.execution_status in ('blocked', 'in_progress', 'paused') and p.blocked_on is distinct from 'start'
             or p.execution_status = 'completed' and task.supersedes_task_id is not null)))
    and not private.waits_for_others(task.id) and not private.is_paused(task.id);
end $$;
comment on function private.may_start is
  'May a worker begin this part of a tree: its parent is under way (or is done, and this takes the place of a part of it), nothing it depends on is open, nothing above is paused or waits for its start?';

create function private.before_part_starts() returns trigger
language plpgsql set search_path = '' as $$
begin
  if exists (select 1 from public.tasks r where r.id = new.root_task_id and r.blocked_on = 'start') then
    perform private.refuse(409, 'The plan of this task waits for its start', format('plan %s', new.root_task_id), 'Execute the plan.');
  end if;
  return new;
end $$;
comment on function private.before_part_starts is 'Nothing begins below a plan that waits for its start, whoever asks.';
create trigger tasks_11_plan_start before update of execution_status on public.tasks for each row
when (new.parent_task_id is not null and old.execution_status = 'pending' and new.execution_status in ('queued', 'in_progress'))
execute function private.before_part_starts();

create function private.open_plan(root_id uuid, wait_because text) returns void
language plpgsql set search_path = '' as $$
begin
  if open_plan.wait_because is null then
    update public.tasks t set execution_status = 'blocked', strategy = 'decompose', blocked_on = 'subtasks', blocked_reason = (
      select format('0 of %s subtasks done', count(*)) from public.tasks c where c.parent_task_id = t.id)
    where t.id = open_plan.root_id;
    perform private.queue_ready_children(open_plan.root_id);
  else
    update public.tasks t set execution_status = 'blocked', strategy = 'decompose', blocked_on = 'start', blocked_reason = left(open_plan.wait_because, 2000),
      unblocked_by = 'Execute it when it is as you want it'
    where t.id = open_plan.root_id;
    update public.tasks t set started_at = null where t.id = open_plan.root_id; -- the time it may take begins with its start
  end if;
end $$;
comment on function private.open_plan is 'The running root of a plan that has its tasks lets them run, or waits for its start.';

-- Section: making plans -------------------------------------------------------------------------------------------------

create function private.own_plan(plan_id uuid) returns public.plans
language plpgsql stable set search_path = '' as $$
declare
  found_plan public.plans;
begin
  select * into found_plan from public.plans p where p.id = own_plan.plan_id and private.in_scope(p.organization_id);
  if found_plan.id is null then
    perform private.refuse(404, 'There is no such plan', format('plan %s', own_plan.plan_id));
  end if;
  return found_plan;
end $$;
comment on function private.own_plan is 'A plan of the caller''s; PT404 for any other task.';

create function private.insert_plan(root_id uuid, plan jsonb) returns void
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
  insert into public.plans (id, organization_id, kind, playbook, request, document_id, starts_by_itself, planned_at, callback_url, created_by)
  select root.id, root.organization_id, r.kind, r.playbook, coalesce(r.request, '{}'), r.document_id, coalesce(r.starts_by_itself, true),
    r.planned_at, r.callback_url, (select auth.uid())
  from jsonb_populate_record(null::public.plans, plan) r;
  if plan ->> 'callback_secret' is not null then
    insert into private.plan_secrets (plan_id, sealed_secret) values (root.id, plan ->> 'callback_secret');
  end if;
end $$;
comment on function private.insert_plan is 'The row of a plan whose root was made in this transaction. Definer: plans are made and changed by their functions alone.';

create function private.planned_node(node jsonb, source text, plan_id uuid) returns jsonb
language sql immutable set search_path = '' as $$
  select case when jsonb_typeof(node) <> 'object' then node else
    (case when node ->> 'tool' is null then '{}'::jsonb else '{"execution_type": "fully_automated"}' end)
    || (node - array['risk', 'source', 'source_key', 'supersedes_task_id'])
    || jsonb_build_object('source', planned_node.source, 'source_ref',
      case when jsonb_typeof(node -> 'source_ref') = 'object' then node -> 'source_ref' else '{}' end
      || jsonb_build_object('plan_id', planned_node.plan_id)
      || case when node ->> 'risk' is null then '{}' else jsonb_build_object('risk', node -> 'risk') end)
    || case when jsonb_typeof(node -> 'children') = 'array' then jsonb_build_object('children', (
      select coalesce(jsonb_agg(private.planned_node(c.value, planned_node.source, planned_node.plan_id) order by c.ordinality), '[]')
      from jsonb_array_elements(node -> 'children') with ordinality c)) else '{}' end end
$$;
comment on function private.planned_node is 'A node of a plan as insert_node takes it: where it comes from, its risk in source_ref, and so on below it.';

create function private.check_plan(plan jsonb) returns void
language plpgsql stable set search_path = '' as $$
declare
  unknown text;
  part record;
begin
  if jsonb_typeof(plan) is distinct from 'object' then
    perform private.refuse(422, 'A plan is an object', left(plan::text, 200));
  end if;
  select string_agg(k, ', ') into unknown from jsonb_object_keys(plan) k where k <> all (array['kind', 'title', 'description', 'request', 'priority',
    'due_at', 'due_is_all_day', 'labels', 'starts_by_itself', 'playbook', 'document_id', 'bounds', 'callback_url', 'callback_secret', 'tasks']);
  if unknown is not null then
    perform private.refuse(422, 'A plan does not have these fields', unknown);
  end if;
  if coalesce(plan ->> 'kind', '') not in ('objective', 'document') then
    perform private.refuse(422, format('There is no kind of plan %L', plan ->> 'kind'), 'allowed: objective, document');
  end if;
  for part in select * from (values ('request', 'object'), ('tasks', 'array'), ('starts_by_itself', 'boolean')) v (field, type) loop
    if coalesce(jsonb_typeof(plan -> part.field), 'null') not in ('null', part.type) then
      perform private.refuse(422, format('%s is not of the type %s', part.field, part.type), left(plan ->> part.field, 200));
    end if;
  end loop;
  if plan ->> 'kind' = 'document' and jsonb_array_length(coalesce(nullif(plan -> 'tasks', 'null'), '[]')) = 0 then
    perform private.refuse(422, 'A plan document has a task for each stage', 'tasks');
  end if;
  if (plan ->> 'callback_url' is null) <> (plan ->> 'callback_secret' is null) then
    perform private.refuse(422, 'A callback address and its secret go together', 'callback_url');
  end if;
end $$;
comment on function private.check_plan is 'Refuses a plan with fields that mean nothing or do not go together.';

create function public.create_plan(plan jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  root public.tasks;
  parts jsonb;
  state jsonb;
  node record;
begin
  perform private.check_plan(plan);
  parts := coalesce(nullif(plan -> 'tasks', 'null'), '[]');
  root := private.insert_task((plan - array['kind', 'tasks', 'request']) || jsonb_build_object('source', 'plan', 'kind', 'project',
    'execution_type', 'fully_automated', 'automation_rules', '{"run_by_itself": false}'::jsonb));
  perform private.insert_plan(root.id, plan || jsonb_build_object('planned_at', case when parts <> '[]' then now() end));
  if parts = '[]' then
    update public.tasks t set execution_status = 'queued' where t.id = root.id;
    return private.plan_json(private.own_plan(root.id));
  end if;
  state := jsonb_build_object('root', root.id, 'count', 1, 'keys', '{}'::jsonb, 'edges', '[]'::jsonb);
  for node in select value, ordinality from jsonb_array_elements(parts) with ordinality loop
    -- What is taken from a document a model wrote is not in the words of who executes it.
    state := private.insert_node(private.planned_node(node.value, case when plan ->> 'document_id' is null then 'plan' else 'agent' end, root.id),
      root.id, node.ordinality::integer, state);
  end loop;
  perform private.draw_edges(root.organization_id, state);
  perform private.check_size(root.id);
  perform private.check_plan_templates(root.id);
  update public.tasks t set execution_status = 'in_progress' where t.id = root.id;
  perform private.open_plan(root.id, case when not coalesce((plan ->> 'starts_by_itself')::boolean, true) then 'It waits for your start' end);
  return private.plan_json(private.own_plan(root.id));
end $$;
comment on function public.create_plan is
  'A plan in one transaction: {kind, title, description, request, priority, due_at, starts_by_itself, playbook, document_id, bounds, callback_url, callback_secret (sealed), tasks}. tasks are nodes as in create_task_tree; without any its root is queued to be planned. With tasks it starts, or waits for its start.';

create function private.draw_edges(organization_id uuid, state jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  edge record;
begin
  -- In the order of the plan: an edge is checked the faster the fewer tasks come after it yet.
  for edge in
    select (e.value ->> 'task')::uuid as task_id, e.value ->> 'title' as title, k.value as wanted, (state -> 'keys' ->> k.value)::uuid as depends_on
    from jsonb_array_elements(state -> 'edges') with ordinality e cross join jsonb_array_elements_text(e.value -> 'on') k order by e.ordinality
  loop
    if edge.depends_on is null then
      perform private.refuse(422, format('%s depends on %L, which is no key of this plan', edge.title, left(edge.wanted, 100)), 'depends_on');
    end if;
    insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
    values (draw_edges.organization_id, edge.task_id, edge.depends_on) on conflict do nothing;
  end loop;
end $$;
comment on function private.draw_edges is 'The edges that insert_node collected, by key.';

create function private.check_plan_templates(root_id uuid) returns void
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks;
begin
  for task in select t.* from public.tasks t where t.root_task_id = check_plan_templates.root_id and t.superseded_at is null
    and position('{{' in t.tool_input::text) > 0
  loop
    perform private.check_templates(task);
  end loop;
end $$;
comment on function private.check_plan_templates is 'Refuses inputs of a plan that name the output of a task which is not there, or not certainly over before.';

create function private.mark_planned(plan_id uuid, playbook text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update public.plans p set planned_at = coalesce(p.planned_at, now()), playbook = coalesce(mark_planned.playbook, p.playbook)
  where p.id = mark_planned.plan_id and private.in_scope(p.organization_id);
end $$;
comment on function private.mark_planned is 'The tasks of a plan are there.';

create function public.save_plan_tasks(task_id uuid, tasks jsonb, message text default '', confidence double precision default null,
  playbook text default null, wait_because text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  root public.tasks := private.running_task(save_plan_tasks.task_id);
  plan public.plans := private.own_plan(root.id);
  reached text;
begin
  if jsonb_typeof(tasks) is distinct from 'array' or jsonb_array_length(tasks) not between 1 and 200 then
    perform private.refuse(422, 'tasks is a list of 1 to 200 tasks');
  end if;
  if exists (select 1 from public.tasks t where t.parent_task_id = root.id and t.superseded_at is null) then
    perform private.refuse(409, 'This plan has its tasks already', format('plan %s', root.id));
  end if;
  reached := private.growth_bound(root, jsonb_array_length(tasks));
  if reached is not null then
    return public.block_task_execution(root.id, 'The tree has reached its bound: ' || reached, 'bounds',
      'Raise the bound of the tree, or ask for a smaller plan', strategy => 'decompose');
  end if;
  perform private.insert_plan_parts(root, tasks);
  perform private.check_plan_templates(root.id);
  update public.tasks t set decomposition_confidence = confidence,
    result = jsonb_build_object('strategy', 'decompose', 'output', message, 'confidence', confidence)
  where t.id = root.id;
  perform private.mark_planned(root.id, save_plan_tasks.playbook);
  perform private.open_plan(root.id, coalesce(nullif(btrim(wait_because), ''),
    case when not plan.starts_by_itself then 'It is planned, and waits for your start' end));
  return public.get_task(root.id);
end $$;
comment on function public.save_plan_tasks is
  'The end of a planning run: parts with edges (depends_on: positions from 0), templates checked. The plan goes on, or waits for its start: where it does not start by itself, or wait_because says why.';

create function private.insert_plan_parts(root public.tasks, parts jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  made public.tasks;
  ids uuid[] := '{}';
  item record;
  source_ref jsonb;
  wrong text;
begin
  for item in select value, ordinality::integer as place from jsonb_array_elements(parts) with ordinality loop
    if jsonb_typeof(item.value) <> 'object' or jsonb_typeof(coalesce(nullif(item.value -> 'depends_on', 'null'), '[]')) <> 'array' then
      perform private.refuse(422, 'A task of a plan is an object, and its depends_on a list', left(item.value::text, 200));
    end if;
    select d.value::text into wrong from jsonb_array_elements(coalesce(nullif(item.value -> 'depends_on', 'null'), '[]')) d
    where d.value::text !~ '^[0-9]{1,4}$' or d.value::text::integer >= jsonb_array_length(parts) limit 1;
    if wrong is not null then
      perform private.refuse(422, format('%s depends on %s, which is no position in this plan', item.value ->> 'title', left(wrong, 100)), 'depends_on',
        format('allowed: 0 to %s', jsonb_array_length(parts) - 1));
    end if;
    source_ref := case when jsonb_typeof(item.value -> 'source_ref') = 'object' then item.value -> 'source_ref' else '{}' end
      || jsonb_strip_nulls(jsonb_build_object('task_id', root.id, 'plan_id', root.id, 'risk', item.value -> 'risk', 'key', item.value -> 'key'));
    made := private.insert_task((item.value - array['depends_on', 'parent_task_id', 'source_key', 'supersedes_task_id', 'id'])
      || jsonb_build_object('source', 'agent', 'position', item.place, 'source_ref', source_ref), root.id);
    ids := ids || made.id;
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select root.organization_id, ids[s.ordinality], ids[d.value::text::integer + 1]
  from jsonb_array_elements(parts) with ordinality s
  cross join jsonb_array_elements(coalesce(nullif(s.value -> 'depends_on', 'null'), '[]')) d
  order by s.ordinality on conflict do nothing;
end $$;
comment on function private.insert_plan_parts is 'The parts that a planning run made, with edges among them (depends_on: positions from 0).';

-- Section: how a plan stands --------------------------------------------------------------------------------------------

create function private.plan_leaves(root_id uuid)
returns table (id uuid, title text, place double precision, status text, blocked_on text, reason text, is_counted boolean, weight integer, done double precision,
  waits_for_person boolean, failed_at timestamptz)
language sql stable set search_path = '' as $$
  with recursive tree as materialized (
    select t.* from public.tasks t
    where t.root_task_id = plan_leaves.root_id and t.superseded_at is null
      and case when t.tool in ('email_send', 'slack_notification', 'revise_draft') then not t.tool_input ? 'draft_id' else true end),
  live as (
    select t.id, t.parent_task_id from tree t where t.parent_task_id = plan_leaves.root_id
    union all
    select c.id, c.parent_task_id from live l join tree c on c.parent_task_id = l.id)
  select t.id, t.title, t.position, t.execution_status, t.blocked_on, coalesce(t.blocked_reason, t.failure_reason),
    t.waived_at is null, coalesce(t.estimated_duration_minutes, 1),
    case when t.execution_status = 'completed' then 1
      when t.execution_status in ('in_progress', 'paused') then coalesce((
        select least(1, greatest(0, case when jsonb_typeof(e.data -> 'done') = 'number' and jsonb_typeof(e.data -> 'total') = 'number'
          and (e.data ->> 'total')::double precision > 0 then (e.data ->> 'done')::double precision / (e.data ->> 'total')::double precision else 0 end))
        from public.task_events e where e.task_id = t.id and e.kind = 'progress' and e.created_at >= t.run_started_at order by e.id desc limit 1), 0)
      else 0 end,
    coalesce(t.execution_status = 'blocked' and t.blocked_on in ('review', 'approval', 'person', 'account', 'model', 'bounds')
      or t.execution_status = 'failed' and t.waived_at is null
      or t.execution_status in ('pending', 'in_progress') and t.execution_type = 'manual' and not private.waits_for_others(t.id), false),
    t.failed_at
  from tree t
  where t.id in (select l.id from live l) and not exists (select 1 from live c where c.parent_task_id = t.id)
$$;
comment on function private.plan_leaves is
  'The tasks of a plan that have no parts of their own and were not replaced, with what each counts (weight: estimated minutes) and how much of it is done (0 to 1).';

create function private.plan_json(plan public.plans) returns jsonb
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
  return to_jsonb(plan) - 'callback_url' || jsonb_build_object('title', root.title, 'state', state, 'execution_status', root.status, 'reason', reason,
    'percent', case when root.status = 'completed' and not is_redone then 100 when leaves.total = 0 then 0
      else round((100 * leaves.done / leaves.total)::numeric, 1) end,
    'counts', leaves.counts, 'has_callback', plan.callback_url is not null,
    'waiting_for_you', case when state in ('completed', 'cancelled') then 0
      when root.status = 'blocked' and root.blocked_on in ('start', 'person', 'model', 'bounds', 'account') then 1
      when root.status in ('completed', 'blocked', 'paused', 'failed') then leaves.waiting else 0 end,
    'started_at', root.started_at, 'completed_at', root.completed_at, 'failed_at', root.failed_at, 'cancelled_at', root.cancelled_at);
end $$;
comment on function private.plan_json is
  'A plan as its callers see it: what it is at, percent of its work done by estimated minutes, how many tasks stand in each state, how many wait for a person.';

create function private.plan_tree_json(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select private.task_json(t) - 'result' || jsonb_build_object(
    'depends_on', (select coalesce(jsonb_agg(d.depends_on_task_id), '[]') from public.task_dependencies d where d.task_id = t.id),
    'children', (select coalesce(jsonb_agg(private.plan_tree_json(c.id) order by c.position, c.created_at, c.id), '[]')
                 from public.tasks c where c.parent_task_id = t.id))
    from public.tasks t where t.id = plan_tree_json.task_id);
end $$;
comment on function private.plan_tree_json is 'A task with what is below it, without results.';

create function public.list_plans(kind text default null, state text default null, search text default null, max_count integer default 50,
  before timestamptz default null, before_id uuid default null) returns setof jsonb
language plpgsql stable set search_path = '' as $$
begin
  if max_count is null or max_count not between 1 and 200 then
    perform private.refuse(422, 'limit is between 1 and 200', format('limit is %s', max_count));
  end if;
  return query select private.plan_json(page.plan) from (
  select p as plan, p.created_at, p.id from public.plans p join public.tasks t on t.id = p.id
  where p.organization_id = private.acting_organization() and (list_plans.kind is null or p.kind = list_plans.kind)
    and (nullif(btrim(list_plans.search), '') is null
         or position(lower(btrim(list_plans.search)) in lower(t.title || ' ' || t.description)) > 0)
    and (list_plans.before is null or p.created_at < list_plans.before
         or p.created_at = list_plans.before and list_plans.before_id is not null and p.id < list_plans.before_id)
    -- What its root tells first: how a plan stands is looked up only where it may be.
    and (list_plans.state is null or (case list_plans.state
        when 'completed' then t.execution_status = 'completed' when 'failed' then t.execution_status = 'failed'
        when 'cancelled' then t.execution_status = 'cancelled' when 'planning' then p.planned_at is null
        when 'ready' then t.execution_status in ('pending', 'blocked') else t.execution_status not in ('failed', 'cancelled') end
      and private.plan_json(p) ->> 'state' = list_plans.state))
  order by p.created_at desc, p.id desc limit max_count) page order by page.created_at desc, page.id desc;
end $$;
comment on function public.list_plans is 'Plans, newest first; the next page begins before the last one''s created_at and id.';

create function public.get_plan(plan_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  plan public.plans := private.own_plan(get_plan.plan_id);
begin
  return jsonb_build_object('plan', private.plan_json(plan), 'tree', private.plan_tree_json(plan.id),
    'changes', (select coalesce(jsonb_agg(to_jsonb(c) order by c.created_at, c.id), '[]') from public.plan_changes c where c.root_task_id = plan.id),
    'approvals', (select coalesce(jsonb_agg(a.row order by a.created_at desc, a.id desc), '[]') from (
      select a.id, a.created_at, to_jsonb(a) || jsonb_build_object('task_title', t.title) as row
      from public.tasks t join public.approvals a on a.task_id = t.id
      where t.root_task_id = plan.id and a.decided_how is distinct from 'own' order by a.created_at desc, a.id desc limit 500) a),
    'callbacks', case when plan.callback_url is not null then private.plan_callbacks_json(plan.id) end);
end $$;
comment on function public.get_plan is 'A plan with its tree (without results), its changes after failures, oldest first, and its approvals, newest first.';

-- Section: stages of a document -----------------------------------------------------------------------------------------

create function private.section_of(task_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  with recursive earlier as (
    select t.id, t.supersedes_task_id, t.result, 0 as age from public.tasks t where t.id = section_of.task_id
    union all
    select t.id, t.supersedes_task_id, t.result, e.age + 1 from earlier e join public.tasks t on t.id = e.supersedes_task_id
    where jsonb_typeof(e.result -> 'output') is distinct from 'object')
  select e.result || jsonb_build_object('age', e.age) from earlier e where jsonb_typeof(e.result -> 'output') = 'object' order by e.age limit 1
$$;
comment on function private.section_of is 'The result of a stage with its section, or that of the newest row before it that has one; age counts how many rows lie between.';

create function public.get_stage_inputs(task_id uuid, stages jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_stage_inputs.task_id);
  plan public.plans := private.own_plan(task.root_task_id);
begin
  return jsonb_build_object(
    'prompt', coalesce(plan.request ->> 'prompt', ''), 'level', coalesce(plan.request ->> 'speed_vs_detail', 'balanced_speed_and_detail'),
    'llm_model', plan.request -> 'llm_model', 'timezone', coalesce(plan.request ->> 'timezone', 'UTC'),
    'started_at', (select coalesce(r.started_at, plan.created_at) from public.tasks r where r.id = plan.id),
    'sections', (select coalesce(jsonb_object_agg(t.source_ref ->> 'key', t.result -> 'output'), '{}') from public.tasks t
      where t.root_task_id = plan.id and t.id in (select private.done_before(task.id)) and t.superseded_at is null and t.execution_status = 'completed'
        and t.source_ref ->> 'key' in (select jsonb_array_elements_text(get_stage_inputs.stages)) and jsonb_typeof(t.result -> 'output') = 'object'),
    'superseded', case when task.supersedes_task_id is not null then private.section_of(task.supersedes_task_id) - 'age' end);
end $$;
comment on function public.get_stage_inputs is
  'What a stage is given: {prompt, level, llm_model, started_at, timezone, sections, superseded}. sections: of these stages those that are over before it; superseded: the result whose place it takes.';

create function public.request_stage_decision(task_id uuid, title text, payload jsonb, why text, result_data jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(request_stage_decision.task_id);
  gate public.approvals;
begin
  perform private.own_plan(task.root_task_id);
  if jsonb_typeof(result_data) is distinct from 'object' then
    perform private.refuse(422, 'result_data is an object', left(result_data::text, 200));
  end if;
  update public.approvals a set state = 'voided' where a.task_id = task.id and a.draft_id is null and a.state = 'open';
  insert into public.approvals (organization_id, task_id, title, digest, why, payload)
  values (task.organization_id, task.id, left(request_stage_decision.title, 500), encode(sha256(convert_to(coalesce(payload, '{}')::text, 'UTF8')), 'hex'),
    coalesce(request_stage_decision.why, ''), coalesce(payload, '{}')) returning * into gate;
  perform public.block_task_execution(task.id, 'Waiting for your decision', 'approval', 'Say yes or no', result_data,
    coalesce(result_data ->> 'strategy', 'immediate'), until => gate.expires_at);
  return to_jsonb(gate) || jsonb_build_object('task_title', task.title);
end $$;
comment on function public.request_stage_decision is
  'A running stage asks a person whether the plan goes on: it waits with its section kept; a yes completes it with that, a no fails it.';

do $$ declare f text; begin
  foreach f in array array['create_plan', 'list_plans', 'get_plan'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['save_plan_tasks', 'get_stage_inputs', 'request_stage_decision'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  foreach f in array array['before_part_starts', 'open_plan', 'own_plan', 'insert_plan', 'planned_node', 'check_plan', 'draw_edges', 'check_plan_templates',
    'insert_plan_parts', 'plan_leaves', 'plan_json', 'plan_tree_json', 'section_of'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('private.mark_planned', array['service_role']);
end $$;
