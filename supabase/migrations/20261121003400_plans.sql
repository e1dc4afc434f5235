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
      where t.root_task_id = plan.id and a.decided_how is distinct from 'own' order by a.created_at desc, a.id desc limit 500) a));
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

-- Section: what is done to a plan ---------------------------------------------------------------------------------------

create function private.note_plan(plan_id uuid, action text, message text, data jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  plan public.plans := private.own_plan(note_plan.plan_id);
begin
  perform private.audit(plan.organization_id, 'plan.' || note_plan.action, 'task', plan.id, note_plan.message, note_plan.data);
  perform private.record_event(plan.organization_id, plan.id, plan.id, 'plan', note_plan.action, note_plan.data || jsonb_build_object('reason', note_plan.message));
end $$;
comment on function private.note_plan is 'What was done to a plan, as audit line and event. Called last, on behalf of the functions that change plans.';

create function private.live_parts(root_id uuid) returns setof uuid
language sql stable set search_path = '' as $$
  with recursive tree as materialized (
    select t.id, t.parent_task_id from public.tasks t where t.root_task_id = live_parts.root_id and t.superseded_at is null),
  live as (
    select t.id from tree t where t.parent_task_id = live_parts.root_id
    union all
    select c.id from live l join tree c on c.parent_task_id = l.id)
  select l.id from live l
$$;
comment on function private.live_parts is 'Everything below the root of a plan that was not replaced, nor is part of what was.';

create function private.edit_fields() returns text[]
language sql immutable set search_path = '' as $$
  select array['title', 'description', 'kind', 'tool', 'tool_input', 'depends_on', 'execution_type', 'assignee_role', 'acceptance_criteria',
    'estimated_duration_minutes', 'priority', 'on_failure', 'max_retries', 'risk', 'position']
$$;
comment on function private.edit_fields is 'What can be changed about a task of a plan that waits for its start.';

create function private.check_edits(edits jsonb) returns void
language plpgsql stable set search_path = '' as $$
declare
  item record;
  wrong text;
  known text[];
begin
  if jsonb_typeof(edits) is distinct from 'object' then
    perform private.refuse(422, 'Edits are an object', left(edits::text, 200));
  end if;
  select string_agg(k, ', ') into wrong from jsonb_object_keys(edits) k where k not in ('add', 'change', 'remove');
  if wrong is not null then
    perform private.refuse(422, 'There are no such edits', wrong, 'allowed: add, change, remove');
  end if;
  select k.key into wrong from jsonb_each(edits) k where jsonb_typeof(k.value) not in ('array', 'null') limit 1;
  if wrong is not null then
    perform private.refuse(422, format('%s is a list', wrong), left(edits ->> wrong, 200));
  end if;
  for item in
    select 'change' as what, c.value from jsonb_array_elements(coalesce(nullif(edits -> 'change', 'null'), '[]')) c
    union all select 'add', a.value from jsonb_array_elements(coalesce(nullif(edits -> 'add', 'null'), '[]')) a
  loop
    if jsonb_typeof(item.value) <> 'object' then
      perform private.refuse(422, format('Each entry of %s is an object', item.what), left(item.value::text, 200));
    end if;
    known := private.edit_fields() || case item.what when 'change' then array['id'] else array['key', 'parent_id'] end;
    select string_agg(k, ', ') into wrong from jsonb_object_keys(item.value) k where k <> all (known);
    if wrong is not null then
      perform private.refuse(422, format('These fields cannot be edited (%s)', item.what), wrong, 'allowed: ' || array_to_string(known, ', '));
    end if;
    if jsonb_typeof(coalesce(item.value -> 'depends_on', '[]')) <> 'array' then
      perform private.refuse(422, 'depends_on is a list of ids and keys', left(item.value ->> 'depends_on', 200));
    end if;
    if coalesce(item.value ->> 'risk', 'low') not in ('low', 'medium', 'high') then
      perform private.refuse(422, format('There is no risk %L', item.value ->> 'risk'), 'risk', 'allowed: low, medium, high');
    end if;
    select k.key into wrong from jsonb_each(item.value) k where k.value = 'null' and k.key not in ('tool', 'assignee_role', 'estimated_duration_minutes', 'risk', 'key', 'parent_id');
    if wrong is not null then
      perform private.refuse(422, format('%s cannot be empty', wrong), item.value ->> 'title');
    end if;
  end loop;
end $$;
comment on function private.check_edits is 'Refuses edits of a plan that are not understood, before anything is changed.';

create function private.part_to_edit(root_id uuid, part_id text) returns public.tasks
language plpgsql stable set search_path = '' as $$
declare
  part public.tasks;
begin
  select * into part from public.tasks t where t.id = private.as_uuid(part_to_edit.part_id) and t.id in (select private.live_parts(part_to_edit.root_id));
  if part.id is null then
    perform private.refuse(404, format('There is no task %s in this plan', left(coalesce(part_to_edit.part_id, 'without an id'), 100)), 'id');
  end if;
  if part.execution_status <> 'pending' then
    perform private.refuse(409, format('%s is %s, and is not edited', part.title, part.execution_status), part.id::text);
  end if;
  return part;
end $$;
comment on function private.part_to_edit is 'The task of a plan that an edit names.';

create function private.remove_part(root_id uuid, part_id text) returns text
language plpgsql set search_path = '' as $$
declare
  part public.tasks := private.part_to_edit(remove_part.root_id, remove_part.part_id);
  gone uuid[] := array(select private.subtree(part.id));
  edge record;
begin
  -- What waited for any of it waits for what that waited for.
  for edge in
    with recursive upstream (task_id, on_id) as (
      select d.task_id, d.depends_on_task_id from public.task_dependencies d where d.depends_on_task_id = any (gone) and d.task_id <> all (gone)
      union
      select u.task_id, d.depends_on_task_id from upstream u join public.task_dependencies d on d.task_id = u.on_id where u.on_id = any (gone))
    select u.task_id, u.on_id from upstream u where u.on_id <> all (gone)
  loop
    insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
    values (part.organization_id, edge.task_id, edge.on_id) on conflict do nothing;
  end loop;
  delete from public.tasks t where t.id = part.id;
  return part.title;
end $$;
comment on function private.remove_part is 'Takes a task out of a plan; what depended on it then depends on what it depended on. Its title.';

create function private.change_part(root_id uuid, change jsonb) returns text
language plpgsql set search_path = '' as $$
declare
  part public.tasks := private.part_to_edit(change_part.root_id, change ->> 'id');
begin
  update public.tasks t set (title, description, kind, tool, tool_input, execution_type, assignee_role, acceptance_criteria, estimated_duration_minutes,
      priority, on_failure, max_retries, position) =
    (select r.title, r.description, r.kind, r.tool, r.tool_input, r.execution_type, r.assignee_role, r.acceptance_criteria, r.estimated_duration_minutes,
      r.priority, r.on_failure, r.max_retries, r.position from jsonb_populate_record(part, change - array['id', 'risk', 'depends_on']) r),
    source_ref = case when not change ? 'risk' then t.source_ref when change ->> 'risk' is null then t.source_ref - 'risk'
      else t.source_ref || jsonb_build_object('risk', change -> 'risk') end
  where t.id = part.id returning t.* into part;
  if part.tool is not null and exists (select 1 from public.tasks c where c.parent_task_id = part.id) then
    perform private.refuse(422, 'A task with a tool has no parts', part.title);
  end if;
  return part.title;
end $$;
comment on function private.change_part is 'Changes a task of a plan; its edges come later. Its title.';

create function private.add_part(root_id uuid, item jsonb) returns public.tasks
language plpgsql set search_path = '' as $$
declare
  under uuid := add_part.root_id;
  parent public.tasks;
begin
  if item ->> 'parent_id' is not null and item ->> 'parent_id' <> add_part.root_id::text then
    parent := private.part_to_edit(add_part.root_id, item ->> 'parent_id');
    under := parent.id;
    if parent.tool is not null then
      perform private.refuse(422, 'A task with a tool has no parts', parent.title);
    end if;
  end if;
  if item ->> 'key' is not null and exists (select 1 from public.tasks t where t.id in (select private.live_parts(add_part.root_id))
       and t.source_ref ->> 'key' = item ->> 'key') then
    perform private.refuse(422, format('Two tasks of the plan have the key %L', left(item ->> 'key', 100)), 'key');
  end if;
  return private.insert_task(jsonb_build_object('position', (select coalesce(max(t.position), 0) + 1 from public.tasks t where t.parent_task_id = under))
    || case when item ->> 'tool' is null then '{}' else '{"execution_type": "fully_automated"}'::jsonb end
    || (item - array['depends_on', 'risk', 'key', 'parent_id']) || jsonb_build_object('source', 'plan',
      'source_ref', jsonb_strip_nulls(jsonb_build_object('plan_id', add_part.root_id, 'key', item -> 'key', 'risk', item -> 'risk'))), under);
end $$;
comment on function private.add_part is 'A task added to a plan; its edges come later.';

create function private.redraw_edges(root_id uuid, task_id uuid, wanted jsonb, keys jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  part public.tasks;
  one text;
  on_id uuid;
begin
  select * into part from public.tasks t where t.id = redraw_edges.task_id;
  for one in select jsonb_array_elements_text(wanted) loop
    on_id := coalesce((keys ->> one)::uuid, private.as_uuid(one));
    if on_id is null or on_id not in (select private.live_parts(redraw_edges.root_id)) then
      perform private.refuse(422, format('%s depends on %L, which is no task of this plan', part.title, left(one, 100)), 'depends_on');
    elsif on_id = part.id then
      perform private.refuse(422, 'Dependencies must not form a cycle', format('%s -> %s', part.title, part.title));
    end if;
    insert into public.task_dependencies (organization_id, task_id, depends_on_task_id) values (part.organization_id, part.id, on_id) on conflict do nothing;
  end loop;
end $$;
comment on function private.redraw_edges is 'The edges of an edited task, to ids and keys of added ones; the old ones are gone before.';

create function public.edit_plan(plan_id uuid, edits jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  root public.tasks := private.own_task(edit_plan.plan_id, true);
  plan public.plans := private.own_plan(root.id);
  made public.tasks;
  item jsonb;
  keys jsonb := '{}';
  edges jsonb := '[]';
  said jsonb := '{"added": [], "changed": [], "removed": []}';
begin
  if root.execution_status <> 'blocked' or root.blocked_on <> 'start' then
    perform private.refuse(409, 'A plan is edited while it waits for its start', 'this one is ' || (private.plan_json(plan) ->> 'state'));
  end if;
  perform private.check_edits(edits);
  for item in select value from jsonb_array_elements(coalesce(nullif(edits -> 'change', 'null'), '[]')) loop
    said := jsonb_set(said, '{changed}', said -> 'changed' || to_jsonb(private.change_part(root.id, item)));
    if item ? 'depends_on' then
      delete from public.task_dependencies d where d.task_id = (item ->> 'id')::uuid;
      edges := edges || jsonb_build_array(jsonb_build_object('id', item -> 'id', 'on', item -> 'depends_on'));
    end if;
  end loop;
  for item in select value from jsonb_array_elements(coalesce(nullif(edits -> 'remove', 'null'), '[]')) loop
    said := jsonb_set(said, '{removed}', said -> 'removed' || to_jsonb(private.remove_part(root.id, item #>> '{}')));
  end loop;
  for item in select value from jsonb_array_elements(coalesce(nullif(edits -> 'add', 'null'), '[]')) loop
    made := private.add_part(root.id, item);
    said := jsonb_set(said, '{added}', said -> 'added' || to_jsonb(made.title));
    keys := keys || case when item ->> 'key' is null then '{}' else jsonb_build_object(item ->> 'key', made.id) end;
    edges := edges || jsonb_build_array(jsonb_build_object('id', made.id, 'on', coalesce(item -> 'depends_on', '[]')));
  end loop;
  for item in select value from jsonb_array_elements(edges) loop
    perform private.redraw_edges(root.id, (item ->> 'id')::uuid, item -> 'on', keys);
  end loop;
  if not exists (select 1 from public.tasks t where t.parent_task_id = root.id and t.superseded_at is null and t.execution_status <> 'cancelled') then
    perform private.refuse(422, 'A plan keeps at least one task', 'remove', 'Cancel the plan instead.');
  end if;
  perform private.check_size(root.id);
  perform private.check_plan_templates(root.id);
  perform private.note_plan(root.id, 'edited', format('%s added, %s changed, %s removed', jsonb_array_length(said -> 'added'),
    jsonb_array_length(said -> 'changed'), jsonb_array_length(said -> 'removed')), said);
  return public.get_plan(root.id);
end $$;
comment on function public.edit_plan is
  'Changes a plan that waits for its start, all or nothing: {add: [...], change: [{id, ...}], remove: [ids]}. depends_on are ids, or keys of added tasks, and replace what was there.';

-- Section: writing a stage anew -----------------------------------------------------------------------------------------

create function private.stage_to_rerun(root public.tasks, stage text) returns public.tasks
language plpgsql set search_path = '' as $$
declare
  part public.tasks;
begin
  select * into part from public.tasks t where t.parent_task_id = root.id and t.superseded_at is null and t.source_ref ->> 'key' = stage_to_rerun.stage
  for no key update;
  if part.id is null then
    perform private.refuse(404, format('This plan has no stage %L', left(stage_to_rerun.stage, 100)), 'there are: ' || coalesce((
      select string_agg(t.source_ref ->> 'key', ', ' order by t.position) from public.tasks t where t.parent_task_id = root.id and t.superseded_at is null), 'none'));
  end if;
  if root.execution_status = 'failed' then
    perform private.refuse(409, 'This plan has failed', root.failure_reason, 'Try it again as a whole first.');
  elsif root.execution_status = 'cancelled' then
    perform private.refuse(409, 'This plan is cancelled', null, 'Make it anew.');
  elsif part.execution_status not in ('completed', 'failed', 'cancelled', 'blocked') then
    perform private.refuse(409, format('The stage %s is %s', part.source_ref ->> 'key', part.execution_status), part.execution_status,
      'It is written anew when it has ended.');
  end if;
  return part;
end $$;
comment on function private.stage_to_rerun is 'The stage of a document that is to be written anew, where that can be.';

create function private.stages_after(stage public.tasks) returns uuid[]
language sql stable set search_path = '' as $$
  with recursive later as (
    select stage.id
    union
    select d.task_id from later l join public.task_dependencies d on d.depends_on_task_id = l.id
    join public.tasks t on t.id = d.task_id and t.superseded_at is null and t.parent_task_id = stage.parent_task_id)
  select array_agg(t.id order by t.position, t.id) from later l join public.tasks t on t.id = l.id
  where t.id = stage.id or t.execution_status not in ('pending', 'queued')
$$;
comment on function private.stages_after is 'A stage and all that depend on it and have begun, in the order of the plan.';

create function private.renew_stages(root public.tasks, ids uuid[], tool_inputs jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  earlier public.tasks;
  made public.tasks;
  renewed jsonb := '{}';
begin
  for earlier in select t.* from public.tasks t where t.id = any (ids) order by t.position, t.id for no key update loop
    made := private.insert_task((to_jsonb(earlier) - array['source_key']) || jsonb_build_object('supersedes_task_id', earlier.id,
      'tool_input', coalesce(tool_inputs -> earlier.id::text, jsonb_build_object('stage', earlier.source_ref -> 'key'))), root.id);
    update public.tasks t set superseded_at = now() where t.id = earlier.id;
    if earlier.execution_status not in ('completed', 'failed', 'cancelled') then
      perform public.cancel_task(earlier.id); -- its successor is there: the plan is not over with it
    end if;
    renewed := renewed || jsonb_build_object(earlier.id, made.id);
  end loop;
  -- Edges in the order of the plan, those of the new ones first: each is checked the faster the fewer tasks come after it yet.
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, (renewed ->> d.task_id::text)::uuid, coalesce((renewed ->> w.id::text)::uuid, w.id)
  from public.task_dependencies d join public.tasks t on t.id = d.task_id join public.tasks w on w.id = d.depends_on_task_id
  where d.task_id = any (ids) and (w.superseded_at is null or w.id = any (ids)) order by t.position, t.id;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, d.task_id, (renewed ->> d.depends_on_task_id::text)::uuid
  from public.task_dependencies d join public.tasks t on t.id = d.task_id
  where d.depends_on_task_id = any (ids) and t.superseded_at is null order by t.position, t.id;
  delete from public.task_dependencies d using public.tasks t
  where d.depends_on_task_id = any (ids) and t.id = d.task_id and t.superseded_at is null;
  return renewed;
end $$;
comment on function private.renew_stages is
  'New rows in the place of these stages, with edges among themselves and to those that stay; which id took the place of which.';

create function public.rerun_stage(plan_id uuid, stage text, given jsonb default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  root public.tasks := private.own_task(rerun_stage.plan_id, true);
  plan public.plans := private.own_plan(root.id);
  part public.tasks;
  ids uuid[];
  renewed jsonb;
  most integer := (private.tree_bounds(root.id) ->> 'max_tasks')::integer;
  has integer := (select count(*) from public.tasks t where t.root_task_id = root.id);
begin
  if plan.kind <> 'document' then
    perform private.refuse(409, 'This plan has no stages to write anew', plan.kind);
  end if;
  if jsonb_typeof(given) not in ('object', 'null') then
    perform private.refuse(422, 'given is a section: an object', left(given::text, 200));
  end if;
  part := private.stage_to_rerun(root, rerun_stage.stage);
  ids := private.stages_after(part);
  if has + cardinality(ids) > most then
    perform private.refuse(409, 'The plan has reached its bound', format('it may have %s tasks, and would have %s', most, has + cardinality(ids)),
      'Raise the bound max_tasks of the plan.');
  end if;
  renewed := private.renew_stages(root, ids, jsonb_build_object(part.id, jsonb_build_object('stage', rerun_stage.stage)
    || case when jsonb_typeof(given) = 'object' then jsonb_build_object('given', given) else '{"again": true}' end));
  -- One that waited for a worker waits for the new rows again.
  update public.tasks t set execution_status = 'pending'
  where t.parent_task_id = root.id and t.superseded_at is null and t.execution_status = 'queued' and private.waits_for_others(t.id);
  perform private.queue_ready_children(root.id);
  perform private.note_plan(root.id, 'stage_rerun', format('%s is written anew, and %s after it', rerun_stage.stage, cardinality(ids) - 1),
    jsonb_build_object('stage', rerun_stage.stage, 'by_person', jsonb_typeof(given) is not distinct from 'object', 'task_ids',
      (select jsonb_agg(r.value) from jsonb_each(renewed) r)));
  return public.get_plan(root.id);
end $$;
comment on function public.rerun_stage is
  'Has a stage of a document written anew, or as given, and after it all that depend on it and had begun: new rows take the place of theirs, in one transaction. Finished plans go on with those parts.';

create or replace function private.check_new_part() returns trigger
language plpgsql set search_path = '' as $$
declare
  parent public.tasks;
begin
  select * into parent from public.tasks t where t.id = new.parent_task_id;
  if parent.id is null or new.tool in ('revise_draft') or (new.tool in ('email_send', 'slack_notification') and new.tool_input ? 'draft_id') then
    return new; -- sending and revising belong to a task whatever its state
  end if;
  if parent.tool is not null then
    perform private.refuse(422, 'A task with a tool has no parts', format('parent %s', parent.title));
  elsif parent.execution_status = 'completed' and exists (
      select 1 from public.tasks t where t.id = new.supersedes_task_id and t.parent_task_id = parent.id) then
    return new; -- a part of it is done again
  elsif parent.execution_status in ('completed', 'cancelled') then
    perform private.refuse(409, format('A task that is %s takes no new parts', parent.execution_status), parent.execution_status);
  end if;
  return new;
end $$;
comment on function private.check_new_part is 'Refuses parts of what is over (but one that takes the place of another), or of what a tool does.';

create function private.copy_parts(root_id uuid, new_root_id uuid) returns integer
language plpgsql set search_path = '' as $$
declare
  part public.tasks;
  made public.tasks;
  ids jsonb := jsonb_build_object(copy_parts.root_id, copy_parts.new_root_id);
begin
  for part in
    select t.* from public.tasks t where t.id in (select private.live_parts(copy_parts.root_id)) and not private.belongs_to_draft(t)
      and (private.is_planned(t) or t.supersedes_task_id is not null or t.parent_task_id = copy_parts.root_id)
    order by t.depth, t.position, t.id
  loop
    if ids ? part.parent_task_id::text then
      made := private.insert_task((to_jsonb(part) - array['source_key', 'supersedes_task_id']) || jsonb_build_object(
        'source_ref', part.source_ref || jsonb_build_object('plan_id', copy_parts.new_root_id),
        'tool_input', case when part.tool = 'plan_stage' then jsonb_build_object('stage', part.tool_input -> 'stage') else part.tool_input end),
        (ids ->> part.parent_task_id::text)::uuid);
      if part.tainted_by <> '[]' then
        update public.tasks t set tainted_by = private.merged_taint(t.tainted_by, part.tainted_by) where t.id = made.id;
      end if;
      ids := ids || jsonb_build_object(part.id, made.id);
    end if;
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, (ids ->> d.task_id::text)::uuid, (ids ->> d.depends_on_task_id::text)::uuid
  from public.task_dependencies d join public.tasks t on t.id = d.task_id
  where t.root_task_id = copy_parts.root_id and ids ? d.task_id::text and ids ? d.depends_on_task_id::text order by t.depth, t.position, t.id;
  return (select count(*) - 1 from jsonb_object_keys(ids));
end $$;
comment on function private.copy_parts is 'The planned parts of a plan that were not replaced, with their edges, below another root; how many.';

create function public.clone_plan(plan_id uuid, starts boolean default false) returns jsonb
language plpgsql set search_path = '' as $$
declare
  root public.tasks := private.own_task(clone_plan.plan_id);
  plan public.plans := private.own_plan(root.id);
  made public.tasks;
  copied integer;
begin
  made := private.insert_task((to_jsonb(root) - array['source_key', 'supersedes_task_id', 'parent_task_id', 'recurrence']) || jsonb_build_object(
    'source', 'plan', 'source_ref', jsonb_build_object('cloned_from', root.id), 'automation_rules', '{"run_by_itself": false}'::jsonb));
  if root.tainted_by <> '[]' then
    update public.tasks t set tainted_by = private.merged_taint(t.tainted_by, root.tainted_by) where t.id = made.id;
  end if;
  perform private.insert_plan(made.id, to_jsonb(plan) - 'callback_url' || jsonb_build_object('starts_by_itself', coalesce(starts, false)));
  copied := private.copy_parts(root.id, made.id);
  perform private.check_size(made.id);
  if copied = 0 then
    update public.tasks t set execution_status = 'queued' where t.id = made.id;
  else
    perform private.check_plan_templates(made.id);
    update public.tasks t set execution_status = 'in_progress' where t.id = made.id;
    perform private.open_plan(made.id, case when not coalesce(starts, false) then 'It is a copy, and waits for your start' end);
  end if;
  perform private.note_plan(made.id, 'cloned', format('A copy of %s', root.title), jsonb_build_object('plan_id', root.id));
  return private.plan_json(private.own_plan(made.id));
end $$;
comment on function public.clone_plan is
  'The same plan again, with the tasks it has now and nothing done: it waits for its start, or starts. One without tasks is planned again. Nobody is called back.';

-- What is done again after the end of a plan does not count the time since: a document may be written on a year later.
create or replace function private.wall_bound(root_task_id uuid) returns text
language sql stable set search_path = '' as $$
  select format('it was begun more than %s seconds ago', b.seconds)
  from public.tasks t join public.organizations o on o.id = t.organization_id
  cross join lateral (select coalesce(t.bounds ->> 'max_wall_seconds', o.bounds ->> 'max_wall_seconds', '2592000')::numeric as seconds) b
  where t.id = wall_bound.root_task_id and t.started_at < coalesce(t.completed_at, now()) - make_interval(secs => b.seconds::double precision)
$$;

create or replace function private.work_bound(root_task_id uuid) returns text
language plpgsql stable set search_path = '' as $$
declare
  allowed jsonb := private.tree_bounds(work_bound.root_task_id);
  calls bigint;
  cost numeric;
  seconds numeric;
begin
  select coalesce(sum(s.attempts), 0), coalesce(sum(s.cost_usd), 0) into calls, cost
  from public.steps s where s.root_task_id = work_bound.root_task_id and s.kind = 'model';
  select extract(epoch from coalesce(t.completed_at, now()) - t.started_at) into seconds from public.tasks t where t.id = work_bound.root_task_id;
  return case
    when calls >= (allowed ->> 'max_model_calls')::numeric then format('%s of %s model calls are used', calls, allowed ->> 'max_model_calls')
    when cost >= (allowed ->> 'max_cost_usd')::numeric then format('$%s of $%s are spent', round(cost, 2), allowed ->> 'max_cost_usd')
    when seconds > (allowed ->> 'max_wall_seconds')::numeric then format('it was begun more than %s seconds ago', allowed ->> 'max_wall_seconds')
  end;
end $$;

create function private.is_redone(task public.tasks) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return task.execution_status = 'completed' and exists (select 1 from public.tasks c where c.parent_task_id = task.id and c.supersedes_task_id is not null
    and c.superseded_at is null and c.execution_status not in ('completed', 'failed', 'cancelled'));
end $$;
comment on function private.is_redone is 'Is a finished task having parts done again?';

create or replace function public.pause_task(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(pause_task.task_id, true);
begin
  if task.execution_status in ('completed', 'failed', 'cancelled') and not private.is_redone(task) then
    perform private.refuse(409, format('A task that is %s cannot be paused', task.execution_status));
  end if;
  update public.tasks t set paused_at = coalesce(t.paused_at, now()) where t.id = task.id;
  update public.tasks t set execution_status = 'paused'
  where t.id in (select private.subtree(task.id)) and t.execution_status = 'in_progress';
  update public.tasks t set execution_status = 'pending'
  where t.id in (select private.subtree(task.id)) and t.execution_status = 'queued' and t.id <> task.id;
  return public.get_task(task.id);
end $$;

create or replace function public.cancel_task(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(cancel_task.task_id, true);
begin
  if task.execution_status in ('completed', 'failed', 'cancelled') and not private.is_redone(task) then
    perform private.refuse(409, format('A task that is %s cannot be cancelled', task.execution_status));
  end if;
  if exists (select 1 from public.drafts d where d.task_id in (select private.subtree(task.id)) and d.state = 'sending') then
    perform private.refuse(409, 'A message of this task is being sent', null, 'Wait a moment and try again.');
  end if;
  update public.approvals a set state = 'voided'
  where a.task_id in (select private.subtree(task.id)) and a.state in ('open', 'approved');
  update public.drafts d set state = 'superseded'
  where d.task_id in (select private.subtree(task.id)) and d.state in ('draft', 'approved');
  update public.tasks t set execution_status = 'cancelled', paused_at = null
  where t.id in (select private.subtree(task.id)) and t.execution_status not in ('completed', 'failed', 'cancelled');
  update public.tasks t set paused_at = null where t.id = task.id and t.execution_status = 'completed' and t.paused_at is not null;
  return public.get_task(task.id);
end $$;

create or replace function private.settle_parent(parent_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  parent public.tasks;
  failed public.tasks;
begin
  select * into parent from public.tasks t where t.id = settle_parent.parent_id for no key update;
  if parent.execution_status = 'completed' then
    -- A part that was done again after the end: nobody re-plans it.
    update public.tasks t set escalated_at = now() where t.parent_task_id = parent.id and t.execution_status = 'failed' and t.supersedes_task_id is not null
      and t.waived_at is null and t.superseded_at is null and t.escalated_at is null and t.failed_at >= parent.completed_at;
    return;
  end if;
  if parent.execution_status <> 'blocked' or parent.blocked_on <> 'subtasks' then
    return;
  end if;
  for failed in select t.* from public.tasks t where t.parent_task_id = parent.id and t.execution_status = 'failed'
    and t.waived_at is null and t.superseded_at is null and t.escalated_at is null
  loop
    if failed.on_failure = 'stop' then
      update public.tasks t set execution_status = 'failed', failure_reason = format('%s failed: %s', failed.title, failed.failure_reason)
      where t.id = parent.id;
      return;
    elsif failed.on_failure = 'replan' and parent.replan_count < (private.tree_bounds(parent.root_task_id) ->> 'max_replans')::integer then
      update public.tasks t set execution_status = 'queued', run_after = null where t.id = parent.id;
      return;
    else
      update public.tasks t set escalated_at = now() where t.id = failed.id;
    end if;
  end loop;
  if not exists (select 1 from public.tasks t where t.parent_task_id = parent.id
                 and t.execution_status not in ('completed', 'cancelled')
                 and (t.execution_status <> 'failed' or (t.waived_at is null and t.superseded_at is null))) then
    update public.tasks set execution_status = 'in_progress' where id = parent.id;
    update public.tasks p set execution_status = 'completed',
      (result, verification, evidence) = (
        select coalesce(p.result, '{}') || jsonb_build_object('strategy', 'decompose',
            'subtasks_completed', count(*) filter (where t.execution_status = 'completed')),
          case when bool_and(t.verification = 'verified') then 'verified' else 'claimed' end,
          jsonb_build_array(jsonb_build_object('kind', 'subtasks', 'at', now(), 'what',
            format('%s of %s parts verified', count(*) filter (where t.verification = 'verified'), count(*))))
        from public.tasks t where t.parent_task_id = p.id and t.execution_status = 'completed')
    where id = parent.id;
  else
    update public.tasks p set blocked_reason = (
      select format('%s of %s subtasks done', count(*) filter (where t.execution_status = 'completed'), count(*))
             || case count(*) filter (where t.execution_status = 'failed' and t.waived_at is null)
                  when 0 then '' when 1 then '; one failed and needs you' else '; several failed and need you' end
      from public.tasks t where t.parent_task_id = p.id and t.execution_status <> 'cancelled' and t.superseded_at is null and t.waived_at is null)
    where id = parent.id;
  end if;
end $$;

create function private.is_planned(task public.tasks) returns boolean
language sql immutable set search_path = '' as $$
  select task.source <> 'agent' or task.source_ref ? 'plan_id'
$$;
comment on function private.is_planned is 'Was this part of a task planned beforehand, by a person or for a plan? Not what a run made on its way.';

create or replace function private.renew_task(old_task public.tasks) returns uuid
language plpgsql set search_path = '' as $$
declare
  made public.tasks;
  child public.tasks;
  ids jsonb := '{}';
begin
  made := private.insert_task((to_jsonb(old_task) - array['source_key', 'supersedes_task_id']) || jsonb_build_object('supersedes_task_id', old_task.id),
    old_task.parent_task_id);
  update public.tasks t set superseded_at = now() where t.id = old_task.id;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, made.id, d.depends_on_task_id from public.task_dependencies d where d.task_id = old_task.id;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, d.task_id, made.id from public.task_dependencies d where d.depends_on_task_id = old_task.id;
  delete from public.task_dependencies d where d.depends_on_task_id = old_task.id;
  -- Parts that somebody planned go with it; those that a run made, a run will make anew.
  for child in select t.* from public.tasks t where t.parent_task_id = old_task.id and private.is_planned(t) and t.superseded_at is null loop
    ids := ids || jsonb_build_object(child.id, private.renew_part(child, made.id));
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, (ids ->> d.task_id::text)::uuid, (ids ->> d.depends_on_task_id::text)::uuid
  from public.task_dependencies d where ids ? d.task_id::text and ids ? d.depends_on_task_id::text;
  return made.id;
end $$;

create or replace function private.renew_part(part public.tasks, new_parent_id uuid) returns uuid
language plpgsql set search_path = '' as $$
declare
  made public.tasks;
  child public.tasks;
  ids jsonb := '{}';
begin
  made := private.insert_task(to_jsonb(part) - array['source_key', 'supersedes_task_id'], new_parent_id);
  for child in select t.* from public.tasks t where t.parent_task_id = part.id and private.is_planned(t) and t.superseded_at is null loop
    ids := ids || jsonb_build_object(child.id, private.renew_part(child, made.id));
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, (ids ->> d.task_id::text)::uuid, (ids ->> d.depends_on_task_id::text)::uuid
  from public.task_dependencies d where ids ? d.task_id::text and ids ? d.depends_on_task_id::text;
  return made.id;
end $$;

-- Section: what a document says, and what a plan took --------------------------------------------------------------------

create function public.list_plan_sections(plan_id uuid) returns setof jsonb
language plpgsql stable set search_path = '' as $$
declare
  plan public.plans := private.own_plan(list_plan_sections.plan_id);
begin
  return query select jsonb_build_object('stage', t.source_ref ->> 'key', 'task_id', t.id, 'title', t.title, 'state', t.execution_status,
    'output', s.result -> 'output', 'reason', coalesce(t.blocked_reason, t.waived_reason, case when t.execution_status in ('failed', 'cancelled') then t.failure_reason end),
    'is_stale', coalesce((s.result ->> 'age')::integer > 0, false), 'is_reused', coalesce((s.result ->> 'is_reused')::boolean, false),
    'by_person', coalesce((s.result ->> 'by_person')::boolean, false), 'started_at', t.started_at, 'completed_at', t.completed_at)
  from public.tasks t
  left join lateral (select case when jsonb_typeof(t.result -> 'output') = 'object' then t.result || '{"age": 0}'
    when t.supersedes_task_id is not null then private.section_of(t.id) end as result) s on true
  where t.parent_task_id = plan.id and t.superseded_at is null and t.source_ref ? 'key' and plan.kind = 'document'
  order by t.position, t.created_at, t.id;
end $$;
comment on function public.list_plan_sections is
  'Every stage of a document with its section, in the order of the plan: [{stage, task_id, title, state, output, reason, is_stale, is_reused, by_person, started_at, completed_at}].';

create view public.plan_metrics with (security_invoker = true) as
select p.id as plan_id, p.organization_id, t.id as task_id, t.title, t.position, t.source_ref ->> 'key' as stage, t.execution_status,
  t.superseded_at is not null as is_replaced, t.retry_count,
  coalesce(m.model_calls, 0) as model_calls, coalesce(m.failed_calls, 0) as failed_calls, coalesce(r.replays, 0) as replayed_calls,
  coalesce(m.input_tokens, 0) as input_tokens, coalesce(m.output_tokens, 0) as output_tokens, coalesce(m.cost_usd, 0) as cost_usd,
  coalesce(m.models, '{}') as models, w.seconds_waiting, w.seconds_working
from public.plans p join public.tasks t on t.root_task_id = p.id
left join lateral (
  select count(*) as model_calls, count(*) filter (where i.error is not null) as failed_calls, sum(i.input_tokens) as input_tokens,
    sum(i.output_tokens) as output_tokens, sum(i.cost_usd) as cost_usd, array_agg(distinct coalesce(i.served_model, i.model)) as models
  from public.llm_interactions i where i.task_id = t.id and i.provider <> 'steward') m on true
left join lateral (select sum(s.replays) as replays from public.steps s where s.task_id = t.id and s.kind = 'model') r on true
left join lateral (
  select round(sum(extract(epoch from e.until - e.since)) filter (where e.state = 'queued'), 3) as seconds_waiting,
    round(sum(extract(epoch from e.until - e.since)) filter (where e.state = 'in_progress'), 3) as seconds_working
  from (select l.value ->> 'to' as state, (l.value ->> 'timestamp')::timestamptz as since,
      coalesce(lead((l.value ->> 'timestamp')::timestamptz) over (order by l.ordinality), now()) as until
    from jsonb_array_elements(t.execution_log) with ordinality l where l.value ? 'to') e) w on true;
comment on view public.plan_metrics is 'What each task of a plan took: requests to models, tokens, US dollars, and seconds it waited for a worker and worked. Rows as the reader may see them.';
revoke all on public.plan_metrics from public, anon, authenticated;
grant select on public.plan_metrics to authenticated, service_role;

create function public.get_plan_metrics(plan_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  plan public.plans := private.own_plan(get_plan_metrics.plan_id);
begin
  return (select jsonb_build_object('plan_id', plan.id, 'model_calls', coalesce(sum(m.model_calls), 0), 'failed_calls', coalesce(sum(m.failed_calls), 0),
      'input_tokens', coalesce(sum(m.input_tokens), 0), 'output_tokens', coalesce(sum(m.output_tokens), 0), 'cost_usd', coalesce(sum(m.cost_usd), 0),
      'retries', coalesce(sum(m.retry_count), 0), 'tasks', coalesce(jsonb_agg(to_jsonb(m) - array['plan_id', 'organization_id', 'position', 'execution_status',
        'is_replaced', 'retry_count'] order by m.task_id <> plan.id, m.position, m.task_id), '[]'))
    from public.plan_metrics m where m.plan_id = plan.id)
    || jsonb_build_object('replans', (select count(*) from public.plan_changes c where c.root_task_id = plan.id),
      'approvals', (select count(*) from public.tasks t join public.approvals a on a.task_id = t.id
        where t.root_task_id = plan.id and a.decided_how is distinct from 'own'),
      'seconds', (select round(extract(epoch from coalesce(t.completed_at, t.cancelled_at, case when t.execution_status = 'failed' then t.failed_at end, now())
        - t.started_at), 3) from public.tasks t where t.id = plan.id));
end $$;
comment on function public.get_plan_metrics is 'What a plan took, and each of its tasks, its root first.';

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

create or replace function public.get_plan(plan_id uuid) returns jsonb
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
