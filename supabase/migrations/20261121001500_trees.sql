-- Trees: what may start, what a finished or failed part means for the rest, changes of plan, making trees, rules for running by itself.

-- Section: what may start -----------------------------------------------------------------------------------------

create or replace function private.waits_for_others(task_id uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (
    select 1 from public.task_dependencies d join public.tasks t on t.id = d.depends_on_task_id
    where d.task_id = waits_for_others.task_id and t.execution_status <> 'completed' and t.waived_at is null);
end $$;
comment on function private.waits_for_others is 'Is something this task depends on neither completed nor waived?';

create function private.may_start(task public.tasks) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return task.execution_status = 'pending' and task.execution_type <> 'manual'
    and (task.parent_task_id is null or exists (
      select 1 from public.tasks p where p.id = task.parent_task_id and p.execution_status in ('blocked', 'in_progress', 'paused')))
    and not private.waits_for_others(task.id) and not private.is_paused(task.id);
end $$;
comment on function private.may_start is 'May a worker begin this part of a tree: its parent is under way, nothing it depends on is open, nothing above is paused?';

create function private.queue_ready_children(parent_id uuid) returns void
language sql set search_path = '' as $$
  update public.tasks t set execution_status = 'queued' where t.parent_task_id = queue_ready_children.parent_id and private.may_start(t)
$$;
comment on function private.queue_ready_children is 'Queues every part of a task that may start now.';

-- Section: settling -----------------------------------------------------------------------------------------------

create function private.settle_parent(parent_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  parent public.tasks;
  failed public.tasks;
begin
  select * into parent from public.tasks t where t.id = settle_parent.parent_id for no key update;
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
comment on function private.settle_parent is
  'What its parts mean for a waiting task: all done, it completes; a failure is re-planned, stops it, or needs a person; else its count of done parts moves on.';

create or replace function private.settle_tree() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  next_task public.tasks;
begin
  -- Lock the parent first: of two last children finishing at once, one sees the other.
  perform 1 from public.tasks t where t.id = new.parent_task_id for no key update;
  if new.execution_status = 'failed' and new.on_failure = 'skip' and new.waived_at is null then
    update public.tasks t set waived_at = now(), waived_reason = 'It may fail: the plan goes on without it' where t.id = new.id;
    return null; -- comes back here as waived
  end if;
  if new.execution_status = 'completed' or new.waived_at is not null then
    for next_task in
      select t.* from public.task_dependencies d join public.tasks t on t.id = d.task_id
      where d.depends_on_task_id = new.id and t.execution_status = 'pending'
      for no key update of t
    loop
      if private.may_start(next_task) then
        update public.tasks set execution_status = 'queued' where id = next_task.id;
      end if;
    end loop;
  end if;
  perform private.settle_parent(new.parent_task_id);
  return null;
end $$;
comment on function private.settle_tree is
  'A finished task releases its dependents and, when it is the last, its parent, in its own transaction; a failed one is handed to its parent.';

create trigger tasks_31_waived after update of waived_at on public.tasks for each row
when (new.parent_task_id is not null and new.waived_at is not null and old.waived_at is null)
execute function private.settle_tree();

create function private.stop_below() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.execution_status = 'completed' and (select auth.uid()) is null then
    return null; -- done by its parts themselves
  end if;
  update public.approvals a set state = 'voided' from public.tasks t
  where t.parent_task_id = new.id and a.task_id = t.id and a.state in ('open', 'approved')
    and not exists (select 1 from public.drafts d where d.task_id = t.id and d.state = 'sending');
  update public.drafts d set state = 'superseded' from public.tasks t
  where t.parent_task_id = new.id and d.task_id = t.id and d.state in ('draft', 'approved');
  update public.tasks t set execution_status = 'cancelled', failure_reason = 'What it was part of has ended'
  where t.parent_task_id = new.id and t.execution_status not in ('completed', 'failed', 'cancelled')
    and not (new.execution_status = 'completed' and t.tool in ('email_send', 'slack_notification') and t.tool_input ? 'draft_id') -- approved: it goes
    -- what is being sent is let out in order
    and not (t.tool in ('email_send', 'slack_notification') and exists (select 1 from public.drafts d where d.id::text = t.tool_input ->> 'draft_id' and d.state = 'sending'));
  return null;
end $$;
comment on function private.stop_below is 'The parts of a task that failed, was cancelled or was ticked off by a person no longer matter: they are cancelled, level by level.';
create trigger tasks_35_stop after update of execution_status on public.tasks for each row
when (new.execution_status in ('failed', 'cancelled', 'completed') and old.execution_status not in ('failed', 'cancelled', 'completed'))
execute function private.stop_below();

-- Section: edges --------------------------------------------------------------------------------------------------

create function private.cycle_path(task_id uuid, depends_on_task_id uuid) returns text
language plpgsql stable set search_path = '' as $$
declare
  came_from jsonb := jsonb_build_object(cycle_path.task_id || ' start', null);
  frontier text[] := array[cycle_path.task_id || ' start'];
  target text := cycle_path.depends_on_task_id || ' end';
  node text;
  following text;
  later text[];
  path text[] := '{}';
begin
  while cardinality(frontier) > 0 and not came_from ? target loop
    later := '{}';
    foreach node in array frontier loop
      for following in select n.node from private.after_in_plan(split_part(node, ' ', 1)::uuid, split_part(node, ' ', 2)) n (node) loop
        if not came_from ? following then
          came_from := came_from || jsonb_build_object(following, node);
          later := later || following;
        end if;
      end loop;
    end loop;
    frontier := later;
  end loop;
  node := target;
  while node is not null loop
    path := split_part(node, ' ', 1) || path;
    node := came_from ->> node;
  end loop;
  return (select string_agg(t.title, ' -> ' order by o.position desc)
          from (select p.id, p.position, lag(p.id) over (order by p.position) as before
                from unnest(path || cycle_path.task_id::text) with ordinality p (id, position)) o
          join public.tasks t on t.id = o.id::uuid where o.before is distinct from o.id);
end $$;
comment on function private.cycle_path is 'The cycle that an edge would close, as titles, each waiting for the next.';

create function private.after_in_plan(task_id uuid, phase text) returns setof text
language sql stable set search_path = '' as $$
  select c.id || ' start' from public.tasks c where phase = 'start' and c.parent_task_id = after_in_plan.task_id
  union all select after_in_plan.task_id || ' end' where phase = 'start'
  union all select d.task_id || ' start' from public.task_dependencies d where phase = 'end' and d.depends_on_task_id = after_in_plan.task_id
  union all select t.parent_task_id || ' end' from public.tasks t where phase = 'end' and t.id = after_in_plan.task_id and t.parent_task_id is not null
$$;
comment on function private.after_in_plan is
  'What can only come after the start (or the end) of a task: the start of its parts, its own end; the start of its dependents, the end of its parent.';

create or replace function private.check_dependency() returns trigger
language plpgsql set search_path = '' as $$
declare
  here public.tasks;
  there public.tasks;
begin
  select * into here from public.tasks t where t.id = new.task_id;
  select * into there from public.tasks t where t.id = new.depends_on_task_id;
  if here.id is null or there.id is null or here.organization_id <> there.organization_id
     or here.root_task_id <> there.root_task_id or new.organization_id <> here.organization_id then
    perform private.refuse(422, 'A dependency joins two tasks of one tree',
      format('%s does not lie in the tree of %s', new.depends_on_task_id, new.task_id));
  end if;
  if there.superseded_at is not null then
    perform private.refuse(422, 'A dependency on a task that was replaced is never fulfilled',
      (select format('%s was replaced by %s', there.title, t.id) from public.tasks t where t.supersedes_task_id = there.id));
  end if;
  -- One edge of a tree at a time, or two transactions could each add half of a cycle.
  perform pg_advisory_xact_lock(hashtextextended(here.root_task_id::text, 0));
  if exists (
    with recursive reach (id, phase) as (
      select new.task_id, 'start'
      union
      select n.id, n.phase from reach r cross join lateral (
        select c.id, 'start' from public.tasks c where r.phase = 'start' and c.parent_task_id = r.id
        union all select r.id, 'end' where r.phase = 'start'
        union all select d.task_id, 'start' from public.task_dependencies d where r.phase = 'end' and d.depends_on_task_id = r.id
        union all select t.parent_task_id, 'end' from public.tasks t where r.phase = 'end' and t.id = r.id and t.parent_task_id is not null
      ) n (id, phase))
    select 1 from reach r where r.id = new.depends_on_task_id and r.phase = 'end') then
    perform private.refuse(422, 'Dependencies must not form a cycle', private.cycle_path(new.task_id, new.depends_on_task_id));
  end if;
  return new;
end $$;
comment on function private.check_dependency is
  'Refuses edges out of the tree, and edges that close a cycle, also one through parents and parts; names the cycle.';

create function public.add_dependency(task_id uuid, depends_on_task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(add_dependency.task_id, true);
begin
  perform private.own_task(add_dependency.depends_on_task_id);
  if task.execution_status not in ('pending', 'queued') then
    perform private.refuse(409, format('A task that is %s takes no new dependency', task.execution_status), task.execution_status);
  end if;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  values (task.organization_id, task.id, add_dependency.depends_on_task_id) on conflict do nothing;
  if task.execution_status = 'queued' and private.waits_for_others(task.id) then
    update public.tasks t set execution_status = 'pending' where t.id = task.id;
  end if;
  return public.list_dependencies(task.id);
end $$;
comment on function public.add_dependency is 'task_id waits for depends_on_task_id. Twice is once.';

create function public.remove_dependency(task_id uuid, depends_on_task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(remove_dependency.task_id, true);
begin
  delete from public.task_dependencies d where d.task_id = task.id and d.depends_on_task_id = remove_dependency.depends_on_task_id;
  if not found then
    perform private.refuse(404, 'There is no such dependency', format('%s does not wait for %s', task.id, remove_dependency.depends_on_task_id));
  end if;
  if task.parent_task_id is not null and private.may_start(task) then
    update public.tasks t set execution_status = 'queued' where t.id = task.id;
  end if;
  return public.list_dependencies(task.id);
end $$;
comment on function public.remove_dependency is 'task_id waits for it no longer, and starts where nothing else holds it.';

create function public.list_dependencies(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  perform private.own_task(list_dependencies.task_id);
  return jsonb_build_object(
    'depends_on', (select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'title', t.title, 'execution_status', t.execution_status) order by t.position, t.id), '[]')
      from public.task_dependencies d join public.tasks t on t.id = d.depends_on_task_id where d.task_id = list_dependencies.task_id),
    'dependents', (select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'title', t.title, 'execution_status', t.execution_status) order by t.position, t.id), '[]')
      from public.task_dependencies d join public.tasks t on t.id = d.task_id where d.depends_on_task_id = list_dependencies.task_id));
end $$;
comment on function public.list_dependencies is 'What a task waits for and what waits for it: {depends_on, dependents}.';

-- Section: making trees -------------------------------------------------------------------------------------------

create or replace function private.insert_task(item jsonb, parent_id uuid default null) returns public.tasks
language plpgsql set search_path = '' as $$
declare
  made public.tasks;
begin
  insert into public.tasks (organization_id, created_by, parent_task_id, title, description, kind, priority, due_at, due_is_all_day,
    recurrence, labels, position, recipient, acceptance_criteria, notes_file, source, source_ref, source_key, ai_confidence, ai_context,
    flags, execution_type, assigned_to_type, assigned_to_id, assignee_role, agent_executable, workflow_id, agent_id, tool, tool_input,
    automation_rules, decomposition_confidence, max_retries, estimated_duration_minutes, timeout_seconds, on_failure, bounds, supersedes_task_id)
  select private.acting_organization(), (select auth.uid()), coalesce(parent_id, r.parent_task_id), r.title, coalesce(r.description, ''),
    coalesce(r.kind, 'errand'), coalesce(r.priority, 'medium'), r.due_at, coalesce(r.due_is_all_day, true), r.recurrence,
    coalesce(r.labels, '{}'), coalesce(r.position, 0), r.recipient, coalesce(r.acceptance_criteria, '[]'), r.notes_file,
    coalesce(r.source, 'manual'), coalesce(r.source_ref, '{}'), r.source_key, r.ai_confidence, r.ai_context, coalesce(r.flags, '{}'),
    coalesce(r.execution_type, 'manual'), r.assigned_to_type, r.assigned_to_id, r.assignee_role, r.agent_executable,
    coalesce(r.workflow_id, (select w.id from public.workflows w where w.kind = r.kind and w.is_active
      and (w.organization_id is null or w.organization_id = private.acting_organization()) order by w.organization_id nulls last limit 1)),
    r.agent_id, r.tool, coalesce(r.tool_input, '{}'), coalesce(r.automation_rules, '{}'), r.decomposition_confidence,
    coalesce(r.max_retries, 3), r.estimated_duration_minutes, r.timeout_seconds, coalesce(r.on_failure, 'replan'), coalesce(r.bounds, '{}'),
    r.supersedes_task_id
  from jsonb_populate_record(null::public.tasks, item) r
  on conflict (organization_id, source_key) where source_key is not null do nothing
  returning * into made;
  return made;
end $$;

create function private.check_size(root_id uuid) returns void
language plpgsql set search_path = '' as $$
declare
  allowed jsonb := private.tree_bounds(check_size.root_id);
  size record;
begin
  select count(*) as tasks, max(t.depth) as depth, coalesce(max(p.parts), 0) as parts into size
  from public.tasks t left join lateral (select count(*) as parts from public.tasks c where c.parent_task_id = t.id) p on true
  where t.root_task_id = check_size.root_id;
  if size.tasks > (allowed ->> 'max_tasks')::numeric or size.depth > (allowed ->> 'max_depth')::numeric or size.parts > (allowed ->> 'max_children')::numeric then
    perform private.refuse(422, 'This tree is larger than its bounds',
      format('%s tasks of %s, %s levels of %s, at most %s parts of one task of %s', size.tasks, allowed ->> 'max_tasks', size.depth, allowed ->> 'max_depth',
        size.parts, allowed ->> 'max_children'), 'Raise the bounds of the root, or make it smaller.');
  end if;
end $$;
comment on function private.check_size is 'Refuses a tree that was made larger than its bounds allow.';

create function private.insert_node(node jsonb, parent_id uuid, place integer, state jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  made public.tasks;
  child record;
  source_ref jsonb := coalesce(nullif(node -> 'source_ref', 'null'), '{}');
begin
  if jsonb_typeof(node) <> 'object' then
    perform private.refuse(422, 'A node of a tree is an object', left(node::text, 200));
  end if;
  if jsonb_typeof(coalesce(node -> 'children', '[]')) <> 'array' or jsonb_typeof(coalesce(node -> 'depends_on', '[]')) <> 'array' then
    perform private.refuse(422, 'children and depends_on are lists', node ->> 'title');
  end if;
  if node ->> 'tool' is not null and jsonb_array_length(coalesce(node -> 'children', '[]')) > 0 then
    perform private.refuse(422, 'A task with a tool has no parts', node ->> 'title', 'Make the tool a part of its own that depends on the others.');
  end if;
  if state -> 'keys' ? (node ->> 'key') then
    perform private.refuse(422, format('Two tasks of the tree have the key %L', node ->> 'key'), 'key');
  end if;
  made := private.insert_task(jsonb_build_object('position', place) || (node - array['parent_task_id', 'id'])
    || case when node ? 'key' and jsonb_typeof(source_ref) = 'object'
      then jsonb_build_object('source_ref', source_ref || jsonb_build_object('key', node ->> 'key')) else '{}' end, parent_id);
  if made.id is null then
    perform private.refuse(409, 'This task is known already', format('source_key %s', node ->> 'source_key'));
  end if;
  state := jsonb_build_object('root', coalesce(state -> 'root', to_jsonb(made.id)), 'count', (state ->> 'count')::integer + 1,
    'keys', (state -> 'keys') || case when node ? 'key' then jsonb_build_object(node ->> 'key', made.id) else '{}' end,
    'edges', (state -> 'edges') || case when jsonb_array_length(coalesce(node -> 'depends_on', '[]')) > 0
      then jsonb_build_array(jsonb_build_object('task', made.id, 'title', made.title, 'on', node -> 'depends_on')) else '[]' end);
  if (state ->> 'count')::integer > 1000 then
    perform private.refuse(422, 'A tree has at most 1000 tasks');
  end if;
  for child in select value, ordinality from jsonb_array_elements(coalesce(node -> 'children', '[]')) with ordinality loop
    state := private.insert_node(child.value, made.id, child.ordinality::integer, state);
  end loop;
  return state;
end $$;
comment on function private.insert_node is 'One node of a tree and what is below it; the state collects keys and edges: {root, count, keys, edges}.';

create function public.create_task_tree(tree jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  state jsonb;
  edge record;
  task public.tasks;
begin
  state := private.insert_node(tree, null, 0, '{"root": null, "count": 0, "keys": {}, "edges": []}'::jsonb - 'root');
  for edge in
    select (e.value ->> 'task')::uuid as task_id, e.value ->> 'title' as title, k.value as wanted, (state -> 'keys' ->> k.value)::uuid as depends_on
    from jsonb_array_elements(state -> 'edges') e cross join jsonb_array_elements_text(e.value -> 'on') k
  loop
    if edge.depends_on is null then
      perform private.refuse(422, format('%s depends on %L, which is no key of this tree', edge.title, edge.wanted), 'depends_on');
    end if;
    insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
    values (private.acting_organization(), edge.task_id, edge.depends_on) on conflict do nothing;
  end loop;
  perform private.check_size((state ->> 'root')::uuid);
  for task in select t.* from public.tasks t where t.root_task_id = (state ->> 'root')::uuid and position('{{' in t.tool_input::text) > 0 loop
    perform private.check_templates(task);
  end loop;
  return private.task_tree_json((state ->> 'root')::uuid) || jsonb_build_object('keys', state -> 'keys');
end $$;
comment on function public.create_task_tree is
  'A whole tree in one transaction: each node a task with key, depends_on (keys anywhere in the tree) and children. Templates in inputs may name tasks that are over before. Answers the tree, and which id each key got.';

-- Section: decomposition and changes of plan ----------------------------------------------------------------------

create function private.insert_parts(parent public.tasks, parts jsonb) returns uuid[]
language plpgsql set search_path = '' as $$
declare
  made public.tasks;
  ids uuid[] := '{}';
  item record;
begin
  for item in select value, ordinality from jsonb_array_elements(parts) with ordinality loop
    made := private.insert_task((item.value - array['depends_on', 'parent_task_id', 'source_key']) || jsonb_build_object('source', 'agent',
      'position', item.ordinality, 'source_ref', jsonb_build_object('task_id', parent.id)), parent.id);
    ids := ids || made.id;
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select distinct parent.organization_id, ids[s.ordinality], ids[d.value::integer + 1]
  from jsonb_array_elements(parts) with ordinality s
  cross join jsonb_array_elements_text(coalesce(s.value -> 'depends_on', '[]')) d;
  return ids;
end $$;
comment on function private.insert_parts is 'Parts of a task with edges among them (depends_on: positions from 0); their ids in order.';

create or replace function public.decompose_task_execution(task_id uuid, subtasks jsonb, message text default '', confidence double precision default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(decompose_task_execution.task_id);
  ids uuid[];
  reached text;
begin
  if jsonb_typeof(subtasks) <> 'array' or jsonb_array_length(subtasks) not between 1 and 200 then
    perform private.refuse(422, 'subtasks is a list of 1 to 200 tasks');
  end if;
  reached := private.growth_bound(task, jsonb_array_length(subtasks));
  if reached is not null then
    perform public.block_task_execution(task.id, 'The tree has reached its bound: ' || reached, 'bounds',
      'Raise the bound of the tree, or do this part yourself', strategy => 'decompose');
    return private.task_tree_json(task.id);
  end if;
  ids := private.insert_parts(task, subtasks);
  update public.tasks t set execution_status = 'blocked', strategy = 'decompose', blocked_on = 'subtasks',
    blocked_reason = format('0 of %s subtasks done', cardinality(ids)), decomposition_confidence = confidence,
    result = jsonb_build_object('strategy', 'decompose', 'output', message, 'confidence', confidence)
  where t.id = task.id;
  perform private.queue_ready_children(task.id);
  return private.task_tree_json(task.id);
end $$;
comment on function public.decompose_task_execution is
  'Breaks a running task into subtasks with edges (depends_on: positions from 0) and queues what can start. The parent waits, blocked on them; or on a bound of the tree.';

create function public.open_subtasks(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(open_subtasks.task_id);
  failures jsonb;
begin
  if not exists (select 1 from public.tasks t where t.parent_task_id = task.id and t.tool is distinct from 'email_send' and t.tool is distinct from 'revise_draft') then
    return '{"opened": false, "failures": []}';
  end if;
  select coalesce(jsonb_agg(private.task_json(t) - 'execution_log' order by t.position), '[]') into failures from public.tasks t
  where t.parent_task_id = task.id and t.execution_status = 'failed' and t.on_failure = 'replan'
    and t.waived_at is null and t.superseded_at is null and t.escalated_at is null;
  if failures <> '[]' then
    return jsonb_build_object('opened', false, 'failures', failures);
  end if;
  update public.tasks t set execution_status = 'blocked', strategy = 'decompose', blocked_on = 'subtasks', blocked_reason = 'Its parts are under way'
  where t.id = task.id;
  perform private.queue_ready_children(task.id);
  perform private.settle_parent(task.id);
  return '{"opened": true, "failures": []}';
end $$;
comment on function public.open_subtasks is
  'A running task that has parts lets them run and waits for them; failed parts that want another plan are returned instead: {opened, failures}.';

create table public.plan_changes (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  root_task_id uuid not null,
  task_id uuid not null references public.tasks (id) on delete cascade,
  failed_task_id uuid references public.tasks (id) on delete set null,
  decision text not null check (decision in ('another_approach', 'other_subtasks', 'skip', 'escalate')),
  reason text not null check (length(reason) between 1 and 5000),
  diff jsonb not null default '{}' check (jsonb_typeof(diff) = 'object'),
  actor_type text not null default 'agent' check (actor_type in ('user', 'agent', 'database')),
  created_at timestamptz not null default now()
);
comment on table public.plan_changes is 'How plans were changed after a failure: what was decided and why, and what was removed, added and rewired.';
create index plan_changes_task_idx on public.plan_changes (task_id, created_at);
create index plan_changes_failed_idx on public.plan_changes (failed_task_id) where failed_task_id is not null;
create index plan_changes_root_idx on public.plan_changes (root_task_id, created_at);
create index plan_changes_organization_idx on public.plan_changes (organization_id, created_at);

create function private.after_plan_change() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.audit(new.organization_id, 'plan.' || new.decision, 'task', new.task_id, new.reason, new.diff);
  perform private.record_event(new.organization_id, new.task_id, new.root_task_id, 'plan', new.decision,
    jsonb_build_object('plan_change_id', new.id, 'reason', new.reason));
  return null;
end $$;
comment on function private.after_plan_change is 'A change of plan as event and audit line.';
create constraint trigger plan_changes_20_record after insert on public.plan_changes
deferrable initially deferred for each row execute function private.after_plan_change();

create function private.replace_task(failed public.tasks, parts jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  parent public.tasks;
  ids uuid[];
  rewired jsonb;
begin
  select * into parent from public.tasks t where t.id = failed.parent_task_id;
  select coalesce(jsonb_agg(jsonb_build_object('task_id', t.id, 'title', t.title, 'from', failed.id) order by t.position), '[]') into rewired
  from public.task_dependencies d join public.tasks t on t.id = d.task_id where d.depends_on_task_id = failed.id;
  update public.tasks t set superseded_at = now() where t.id = failed.id;
  ids := private.insert_parts(parent, parts);
  update public.tasks t set supersedes_task_id = failed.id where t.id = ids[1];
  -- What the failed task waited for, the new ones wait for that begin; what waited for it, waits for those that end.
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select parent.organization_id, n.id, d.depends_on_task_id
  from unnest(ids) n (id) join public.task_dependencies d on d.task_id = failed.id
  where not exists (select 1 from public.task_dependencies x where x.task_id = n.id and x.depends_on_task_id = any (ids));
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select parent.organization_id, d.task_id, n.id
  from unnest(ids) n (id) join public.task_dependencies d on d.depends_on_task_id = failed.id
  where not exists (select 1 from public.task_dependencies x where x.depends_on_task_id = n.id and x.task_id = any (ids));
  delete from public.task_dependencies d where d.depends_on_task_id = failed.id;
  return jsonb_build_object('removed', jsonb_build_array(jsonb_build_object('task_id', failed.id, 'title', failed.title)), 'rewired', rewired,
    'added', (select jsonb_agg(jsonb_build_object('task_id', t.id, 'title', t.title, 'depends_on',
        (select coalesce(jsonb_agg(w.title order by w.position), '[]') from public.task_dependencies d join public.tasks w on w.id = d.depends_on_task_id where d.task_id = t.id))
      order by t.position) from public.tasks t where t.id = any (ids)));
end $$;
comment on function private.replace_task is 'Puts other tasks in the place of a failed one, which stays as it is; the diff of the plan: {removed, added, rewired}.';

create function private.change_plan(parent public.tasks, failed public.tasks, decision text, reason text, parts jsonb) returns text
language plpgsql set search_path = '' as $$
declare
  diff jsonb := '{}';
  reached text;
begin
  if decision in ('another_approach', 'other_subtasks') then
    reached := private.growth_bound(parent, jsonb_array_length(parts));
    if reached is not null then
      decision := 'escalate';
      reason := reason || ' (the tree has reached its bound: ' || reached || ')';
    end if;
  end if;
  case decision
    when 'skip' then
      update public.tasks t set waived_at = now(), waived_reason = left(reason, 2000) where t.id = failed.id;
      diff := jsonb_build_object('skipped', jsonb_build_array(jsonb_build_object('task_id', failed.id, 'title', failed.title)));
    when 'escalate' then
      update public.tasks t set escalated_at = now() where t.id = failed.id;
    else
      diff := private.replace_task(failed, parts);
  end case;
  insert into public.plan_changes (organization_id, root_task_id, task_id, failed_task_id, decision, reason, diff, actor_type)
  values (parent.organization_id, parent.root_task_id, parent.id, failed.id, decision, left(reason, 5000), diff, private.actor_type());
  return decision;
end $$;
comment on function private.change_plan is 'One change of a plan after a failure, kept with its reason and diff.';

create function public.apply_plan_changes(task_id uuid, changes jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  parent public.tasks := private.running_task(apply_plan_changes.task_id);
  failed public.tasks;
  item jsonb;
  is_changed boolean := false;
begin
  for item in select value from jsonb_array_elements(changes) loop
    select * into failed from public.tasks t where t.id = (item ->> 'failed_task_id')::uuid and t.parent_task_id = parent.id for no key update;
    if failed.execution_status is distinct from 'failed' or failed.superseded_at is not null or failed.waived_at is not null then
      continue; -- a person was faster
    end if;
    is_changed := private.change_plan(parent, failed, item ->> 'decision', coalesce(nullif(item ->> 'reason', ''), 'no reason given'),
      coalesce(item -> 'tasks', '[]')) <> 'escalate' or is_changed;
  end loop;
  update public.tasks t set replan_count = t.replan_count + 1, execution_status = 'blocked', blocked_on = 'subtasks',
    blocked_reason = case when is_changed then 'The plan was changed' else 'Its parts are under way' end
  where t.id = parent.id;
  perform private.queue_ready_children(parent.id);
  perform private.settle_parent(parent.id);
  return public.get_task(parent.id);
end $$;
comment on function public.apply_plan_changes is
  'The end of a re-planning run: [{failed_task_id, decision, reason, tasks}]. Finished work is untouched; each change is kept as a diff. The parent waits for its parts again.';

create function public.waive_task(task_id uuid, reason text default '') returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(waive_task.task_id, true);
  parent public.tasks;
begin
  if task.parent_task_id is null then
    perform private.refuse(409, 'This task is not part of another', null, 'Cancel or archive it.');
  end if;
  if task.execution_status not in ('failed', 'cancelled') or task.superseded_at is not null then
    perform private.refuse(409, format('A task that %s is not gone on without',
      case when task.superseded_at is not null then 'was replaced by another' else 'is ' || task.execution_status end), 'allowed: failed, cancelled');
  end if;
  if task.waived_at is null then
    parent := private.own_task(task.parent_task_id, true);
    perform private.change_plan(parent, task, 'skip', coalesce(nullif(trim(waive_task.reason), ''), 'Somebody decided to go on without it'), '[]');
  end if;
  return public.get_task(task.id);
end $$;
comment on function public.waive_task is 'Go on without a failed or cancelled part: what waits for it may start.';

create function public.list_plan_changes(task_id uuid) returns setof jsonb
language plpgsql stable set search_path = '' as $$
begin
  perform private.own_task(list_plan_changes.task_id);
  return query select to_jsonb(c) from public.plan_changes c
  where c.task_id = list_plan_changes.task_id or c.root_task_id = list_plan_changes.task_id order by c.created_at, c.id;
end $$;
comment on function public.list_plan_changes is 'Changes of the plan of a task, of the whole tree for a root; oldest first.';

-- Section: retrying, pausing, going on ----------------------------------------------------------------------------

create function private.renew_task(old_task public.tasks) returns uuid
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
  for child in select t.* from public.tasks t where t.parent_task_id = old_task.id and t.source <> 'agent' and t.superseded_at is null loop
    ids := ids || jsonb_build_object(child.id, private.renew_part(child, made.id));
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, (ids ->> d.task_id::text)::uuid, (ids ->> d.depends_on_task_id::text)::uuid
  from public.task_dependencies d where ids ? d.task_id::text and ids ? d.depends_on_task_id::text;
  return made.id;
end $$;
comment on function private.renew_task is 'A new row in the place of one that is final, with its edges and its planned parts.';

create function private.renew_part(part public.tasks, new_parent_id uuid) returns uuid
language plpgsql set search_path = '' as $$
declare
  made public.tasks;
  child public.tasks;
  ids jsonb := '{}';
begin
  made := private.insert_task(to_jsonb(part) - array['source_key', 'supersedes_task_id'], new_parent_id);
  for child in select t.* from public.tasks t where t.parent_task_id = part.id and t.source <> 'agent' and t.superseded_at is null loop
    ids := ids || jsonb_build_object(child.id, private.renew_part(child, made.id));
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, (ids ->> d.task_id::text)::uuid, (ids ->> d.depends_on_task_id::text)::uuid
  from public.task_dependencies d where ids ? d.task_id::text and ids ? d.depends_on_task_id::text;
  return made.id;
end $$;
comment on function private.renew_part is 'A copy of a planned part and what is below it, under another parent.';

create or replace function public.retry_task(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(retry_task.task_id, true);
  part public.tasks;
begin
  if task.execution_status <> 'failed' or task.superseded_at is not null then
    perform private.refuse(409, format('A task that is %s is not retried', case when task.superseded_at is not null then 'replaced by another' else task.execution_status end),
      'only a failed task is');
  end if;
  -- Parts that were stopped with it get rows of their own again; parts that failed are tried again when it starts.
  for part in select t.* from public.tasks t where t.parent_task_id = task.id and t.execution_status in ('cancelled', 'failed')
    and t.superseded_at is null and t.waived_at is null and t.tool is distinct from 'email_send' and t.tool is distinct from 'revise_draft'
  loop
    perform private.renew_task(part);
  end loop;
  update public.tasks t set execution_status = 'queued', retry_count = 0, replan_count = 0, run_after = null, failure_reason = null where t.id = task.id;
  return public.get_task(task.id);
end $$;
comment on function public.retry_task is 'A person has a failed task tried again, with the parts of it that were stopped. Finished work is kept.';

create or replace function public.resume_task(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(resume_task.task_id, true);
  below uuid[];
  waiting uuid[];
begin
  if task.paused_at is null then
    perform private.refuse(409, 'This task is not paused',
      (select 'paused above it: ' || t.title from public.tasks t where t.id = task.root_task_id and t.paused_at is not null and t.id <> task.id));
  end if;
  below := array(select private.subtree(task.id));
  update public.tasks t set paused_at = null where t.id = task.id;
  -- What was queued meanwhile may have lost its job to the pause: it is queued anew.
  waiting := array(select t.id from public.tasks t where t.id = any (below) and t.execution_status = 'queued' and not private.is_paused(t.id));
  update public.tasks t set execution_status = 'queued'
  where t.id = any (below) and t.execution_status = 'paused' and not private.is_paused(t.id);
  update public.tasks t set execution_status = 'pending' where t.id = any (waiting);
  update public.tasks t set execution_status = 'queued' where t.id = any (waiting);
  update public.tasks t set execution_status = 'queued'
  where t.id = any (below) and (t.id <> task.id or t.parent_task_id is not null) and private.may_start(t);
  return public.get_task(task.id);
end $$;
comment on function public.resume_task is 'Takes the pause off: paused tasks and what was waiting to run are queued again.';

create or replace function private.task_json(task public.tasks) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return to_jsonb(task) - array['priority_rank', 'due_key', 'source_key', 'depth', 'lost_count', 'worker_id']
    || jsonb_build_object(
      'subtask_count', (select count(*) from public.tasks c where c.parent_task_id = task.id),
      'subtask_done_count', (select count(*) from public.tasks c where c.parent_task_id = task.id and c.execution_status = 'completed'),
      'superseded_by_id', case when task.superseded_at is not null then (select c.id from public.tasks c where c.supersedes_task_id = task.id) end,
      'open_draft_id', (select d.id from public.drafts d where d.task_id = task.id and d.state = 'draft' limit 1),
      'open_approval_id', (select a.id from public.approvals a where a.task_id = task.id and a.state = 'open' limit 1));
end $$;

-- Section: changing a task, with the new fields ------------------------------------------------------------------

create or replace function public.update_task(task_id uuid, changes jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(update_task.task_id, true);
  wanted text := changes ->> 'execution_status';
  unknown text;
begin
  select string_agg(k, ', ') into unknown from jsonb_object_keys(changes) k where k <> all (array['title', 'description', 'kind',
    'priority', 'due_at', 'due_is_all_day', 'recurrence', 'labels', 'position', 'recipient', 'acceptance_criteria', 'execution_type',
    'assigned_to_type', 'assigned_to_id', 'assignee_role', 'estimated_duration_minutes', 'automation_rules', 'execution_status', 'archived_at',
    'blocked_reason', 'failure_reason', 'bounds', 'timeout_seconds', 'on_failure', 'max_retries']);
  if unknown is not null then
    perform private.refuse(422, 'These fields cannot be changed', unknown);
  end if;
  update public.tasks t set (title, description, kind, priority, due_at, due_is_all_day, recurrence, labels, position, recipient,
      acceptance_criteria, execution_type, assigned_to_type, assigned_to_id, assignee_role, estimated_duration_minutes, automation_rules, archived_at,
      blocked_reason, failure_reason, bounds, timeout_seconds, on_failure, max_retries) =
    (select r.title, r.description, r.kind, r.priority, r.due_at, r.due_is_all_day, r.recurrence, r.labels, r.position, r.recipient,
      r.acceptance_criteria, r.execution_type, r.assigned_to_type, r.assigned_to_id, r.assignee_role, r.estimated_duration_minutes, r.automation_rules, r.archived_at,
      r.blocked_reason, r.failure_reason, r.bounds, r.timeout_seconds, r.on_failure, r.max_retries
     from jsonb_populate_record(task, changes) r)
  where t.id = task.id returning t.* into task;
  if wanted is not null and wanted <> task.execution_status then
    if wanted = 'queued' and private.waits_for_others(task.id) then
      perform private.refuse(409, 'This task waits for others');
    end if;
    if wanted = 'in_progress' and (select auth.uid()) is not null
       and (task.tool is not null or exists (select 1 from public.tasks t where t.parent_task_id = task.id)) then
      perform private.refuse(409, 'A worker starts this task, since it has parts or a tool', null, 'Execute it instead.');
    end if;
    if wanted = 'failed' and task.failure_reason is null then
      update public.tasks t set failure_reason = 'A person said that it failed' where t.id = task.id;
    end if;
    if wanted = 'completed' and task.execution_status in ('pending', 'queued', 'blocked') then
      update public.tasks t set execution_status = 'in_progress' where t.id = task.id;
    end if;
    update public.tasks t set execution_status = wanted where t.id = task.id returning t.* into task;
  end if;
  return private.task_json(task);
end $$;

-- Section: running by itself --------------------------------------------------------------------------------------

create function private.rule_holds(condition jsonb, facts jsonb) returns boolean
language plpgsql immutable set search_path = '' as $$
declare
  part jsonb;
  fact jsonb;
begin
  if condition is null or condition = '{}' then
    return true;
  elsif jsonb_typeof(condition) <> 'object' then
    perform private.refuse(422, 'A condition is an object', left(condition::text, 200));
  elsif condition ? 'all' then
    for part in select value from jsonb_array_elements(condition -> 'all') loop
      if not private.rule_holds(part, facts) then return false; end if;
    end loop;
    return true;
  elsif condition ? 'any' then
    for part in select value from jsonb_array_elements(condition -> 'any') loop
      if private.rule_holds(part, facts) then return true; end if;
    end loop;
    return false;
  elsif condition ? 'not' then
    return not private.rule_holds(condition -> 'not', facts);
  end if;
  if not coalesce(condition ->> 'field', '') = any (array['title', 'kind', 'priority', 'labels', 'source', 'execution_type', 'ai_confidence',
      'estimated_duration_minutes', 'recipient', 'due_at', 'assignee_role']) then
    perform private.refuse(422, format('A rule cannot look at %L', condition ->> 'field'),
      'allowed: title, kind, priority, labels, source, execution_type, ai_confidence, estimated_duration_minutes, recipient, due_at, assignee_role');
  end if;
  fact := nullif(facts -> (condition ->> 'field'), 'null');
  return coalesce(case
    when condition ? 'is' then fact = condition -> 'is'
    when condition ? 'in' then (condition -> 'in') @> jsonb_build_array(fact)
    when condition ? 'contains' then fact @> jsonb_build_array(condition -> 'contains')
      or position(lower(condition ->> 'contains') in lower(fact #>> '{}')) > 0
    when condition ->> 'field' = 'due_at' then case when condition ? 'at_least' then (fact #>> '{}')::timestamptz >= (condition ->> 'at_least')::timestamptz
      else (fact #>> '{}')::timestamptz <= (condition ->> 'at_most')::timestamptz end
    when condition ? 'at_least' then (fact #>> '{}')::numeric >= (condition ->> 'at_least')::numeric
    when condition ? 'at_most' then (fact #>> '{}')::numeric <= (condition ->> 'at_most')::numeric
    end, false);
end $$;
comment on function private.rule_holds is
  'Does a condition hold? {all: [...]}, {any: [...]}, {not: ...}, or {field, and one of is, in, contains, at_least, at_most}. A missing fact holds nothing.';

create function private.check_rules() returns trigger
language plpgsql set search_path = '' as $$
declare
  unknown text;
begin
  select string_agg(k, ', ') into unknown from jsonb_object_keys(new.automation_rules) k where k <> all (array['run_by_itself', 'when']);
  if unknown is not null then
    perform private.refuse(422, 'These are no automation rules', unknown, 'A rule is {"run_by_itself": true, "when": {...}}.');
  end if;
  if jsonb_typeof(coalesce(new.automation_rules -> 'run_by_itself', 'false')) <> 'boolean' then
    perform private.refuse(422, 'run_by_itself is true or false', new.automation_rules ->> 'run_by_itself');
  end if;
  perform private.check_condition(coalesce(new.automation_rules -> 'when', '{}'));
  return new;
end $$;
comment on function private.check_rules is 'Refuses rules that mean nothing, when they are written.';

create function private.check_condition(condition jsonb, level integer default 1) returns void
language plpgsql immutable set search_path = '' as $$
declare
  part jsonb;
  word text;
  shown text := left(condition::text, 200);
begin
  if jsonb_typeof(condition) <> 'object' then
    perform private.refuse(422, 'A condition is an object', shown);
  elsif condition = '{}' then
    return;
  elsif level > 10 then
    perform private.refuse(422, 'Conditions may lie 10 levels deep', shown);
  end if;
  select k into word from jsonb_object_keys(condition) k where k in ('all', 'any', 'not') limit 1;
  if word is not null then
    if (select count(*) from jsonb_object_keys(condition)) > 1 then
      perform private.refuse(422, format('%L stands alone in its condition', word), shown, 'Put both into {"all": [...]}.');
    elsif word = 'not' then
      perform private.check_condition(condition -> 'not', level + 1);
      return;
    elsif jsonb_typeof(condition -> word) <> 'array' then
      perform private.refuse(422, format('%L is a list of conditions', word), shown);
    end if;
    for part in select value from jsonb_array_elements(condition -> word) loop
      perform private.check_condition(part, level + 1);
    end loop;
    return;
  end if;
  select min(k) into word from jsonb_object_keys(condition) k where k <> 'field';
  if (select count(*) from jsonb_object_keys(condition) k where k <> 'field') <> 1 or word not in ('is', 'in', 'contains', 'at_least', 'at_most') then
    perform private.refuse(422, 'A condition has a field and exactly one of is, in, contains, at_least, at_most', shown);
  end if;
  if word = 'in' and jsonb_typeof(condition -> 'in') <> 'array' then
    perform private.refuse(422, 'in is a list', shown);
  elsif word in ('at_least', 'at_most') then
    if condition ->> 'field' in ('ai_confidence', 'estimated_duration_minutes') then
      if jsonb_typeof(condition -> word) <> 'number' then
        perform private.refuse(422, format('%s of %s is a number', word, condition ->> 'field'), shown);
      end if;
    elsif condition ->> 'field' = 'due_at' then
      begin
        perform (condition ->> word)::timestamptz;
      exception when others then
        perform private.refuse(422, format('%s of due_at is a time like 2026-03-04T09:30:00+01:00', word), shown);
      end;
    else
      perform private.refuse(422, format('%s goes with ai_confidence, estimated_duration_minutes and due_at', word), shown);
    end if;
  end if;
  perform private.rule_holds(condition, '{}');
end $$;
comment on function private.check_condition is 'Refuses a condition that can never be read.';
create trigger tasks_06_rules before insert or update of automation_rules on public.tasks for each row
when (new.automation_rules <> '{}') execute function private.check_rules();
create trigger organizations_06_rules before insert or update of automation_rules on public.organizations for each row
when (new.automation_rules <> '{}') execute function private.check_rules();

create function private.run_by_itself() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  rules jsonb := new.automation_rules;
begin
  if rules = '{}' then
    select o.automation_rules into rules from public.organizations o where o.id = new.organization_id;
  end if;
  if coalesce((rules ->> 'run_by_itself')::boolean, false) and new.flags = '{}'
     and not private.is_paused(new.id) and not private.waits_for_others(new.id)
     and private.rule_holds(rules -> 'when', to_jsonb(new)) then
    perform private.audit(new.organization_id, 'task.runs_by_itself', 'task', new.id, 'Its automation rules hold', rules);
    update public.tasks t set execution_status = 'queued' where t.id = new.id and t.execution_status = 'pending';
  end if;
  return null;
end $$;
comment on function private.run_by_itself is
  'Queues a task whose automation rules (its own, else its tenant''s) hold. Never a manual task, nor one with a flag; leaving the house still takes leave.';
create trigger tasks_25_rules_new after insert on public.tasks for each row
when (new.parent_task_id is null and new.execution_type <> 'manual') execute function private.run_by_itself();
create trigger tasks_25_rules_change after update of title, kind, priority, labels, due_at, recipient, execution_type, automation_rules, assignee_role,
  estimated_duration_minutes on public.tasks for each row
when (new.parent_task_id is null and new.execution_type <> 'manual' and new.execution_status = 'pending' and old.execution_status = 'pending'
  and (new.title, new.kind, new.priority, new.labels, new.due_at, new.recipient, new.execution_type, new.automation_rules, new.assignee_role, new.estimated_duration_minutes)
  is distinct from (old.title, old.kind, old.priority, old.labels, old.due_at, old.recipient, old.execution_type, old.automation_rules, old.assignee_role, old.estimated_duration_minutes))
execute function private.run_by_itself();

-- Section: row-level security and grants --------------------------------------------------------------------------

select private.guard_table('public.plan_changes', 'select, insert');
create policy plan_changes_read on public.plan_changes for select to authenticated using (organization_id in (select private.my_organizations()));
create policy plan_changes_add on public.plan_changes for insert to authenticated with check (organization_id in (select private.my_organizations()));

do $$ declare f text; begin
  foreach f in array array['add_dependency', 'remove_dependency', 'list_dependencies', 'create_task_tree', 'waive_task', 'list_plan_changes'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['open_subtasks', 'apply_plan_changes'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  foreach f in array array['may_start', 'check_size', 'queue_ready_children', 'cycle_path', 'after_in_plan', 'insert_node', 'insert_parts', 'change_plan', 'replace_task',
    'renew_task', 'renew_part', 'rule_holds', 'check_rules', 'check_condition'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('private.settle_parent', array['service_role']);
  foreach f in array array['stop_below', 'after_plan_change', 'run_by_itself'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;
