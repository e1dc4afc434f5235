-- The API of tasks: one use case, one function, one transaction. Names follow seeds document 002 where it gives them.

-- Section: reading ------------------------------------------------------------------------------------------------

create function private.task_json(task public.tasks) returns jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(task) - array['search', 'priority_rank', 'due_key', 'source_key', 'depth']
    || jsonb_build_object(
      'subtask_count', (select count(*) from public.tasks c where c.parent_task_id = task.id),
      'subtask_done_count', (select count(*) from public.tasks c where c.parent_task_id = task.id and c.execution_status = 'completed'),
      'open_draft_id', (select d.id from public.drafts d where d.task_id = task.id and d.state = 'draft' limit 1),
      'open_approval_id', (select a.id from public.approvals a where a.task_id = task.id and a.state = 'open' limit 1))
$$;
comment on function private.task_json is 'A task as people and programs see it.';

create function private.own_task(task_id uuid, for_update boolean default false) returns public.tasks
language plpgsql set search_path = '' as $$
declare
  found_task public.tasks;
begin
  if for_update then
    select * into found_task from public.tasks t where t.id = own_task.task_id and private.in_scope(t.organization_id) for no key update;
  else
    select * into found_task from public.tasks t where t.id = own_task.task_id and private.in_scope(t.organization_id);
  end if;
  if found_task.id is null then
    perform private.refuse(404, 'There is no such task', format('task %s', own_task.task_id));
  end if;
  return found_task;
end $$;
comment on function private.own_task is 'The task if the caller may see it, else PT404: what is not yours does not exist.';

create function public.get_task(task_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  select private.task_json(private.own_task(get_task.task_id))
$$;
comment on function public.get_task is 'One task, with its log.';

create function public.list_tasks(filter jsonb default '{}', sort text default 'urgency', after jsonb default null, page_size integer default 50)
returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  keys text[];
  types text[];
  direction text := '>';
  conditions text := 't.organization_id = $1';
  rows jsonb;
  last jsonb;
begin
  case sort
    when 'urgency' then keys := array['priority_rank', 'due_key', 'created_at', 'id']; types := array['smallint', 'timestamptz', 'timestamptz', 'uuid'];
    when 'due' then keys := array['due_key', 'priority_rank', 'id']; types := array['timestamptz', 'smallint', 'uuid'];
    when 'created' then keys := array['created_at', 'id']; types := array['timestamptz', 'uuid']; direction := '<';
    when 'updated' then keys := array['updated_at', 'id']; types := array['timestamptz', 'uuid']; direction := '<';
    when 'title' then keys := array['title', 'id']; types := array['text', 'uuid'];
    when 'position' then keys := array['position', 'id']; types := array['double precision', 'uuid'];
    else perform private.refuse(422, format('Tasks cannot be sorted by %L', sort), 'allowed: urgency, due, created, updated, title, position');
  end case;
  if page_size is null or page_size not between 1 and 200 then
    perform private.refuse(422, 'limit is between 1 and 200', format('limit is %s', page_size));
  end if;
  if filter ? 'status' then conditions := conditions || ' and t.execution_status in (select jsonb_array_elements_text($2 -> ''status''))'; end if;
  if filter ? 'execution_type' then conditions := conditions || ' and t.execution_type = $2 ->> ''execution_type'''; end if;
  if filter ? 'source' then conditions := conditions || ' and t.source = $2 ->> ''source'''; end if;
  if filter ? 'priority' then conditions := conditions || ' and t.priority = $2 ->> ''priority'''; end if;
  if filter ? 'label' then conditions := conditions || ' and t.labels @> array[$2 ->> ''label'']'; end if;
  if filter ? 'due_before' then conditions := conditions || ' and t.due_at < ($2 ->> ''due_before'')::timestamptz'; end if;
  if filter ? 'due_after' then conditions := conditions || ' and t.due_at >= ($2 ->> ''due_after'')::timestamptz'; end if;
  if filter ? 'parent' then
    conditions := conditions || case when filter ->> 'parent' = 'none' then ' and t.parent_task_id is null'
                                else ' and t.parent_task_id = ($2 ->> ''parent'')::uuid' end;
  end if;
  if filter ? 'text' then
    conditions := conditions || ' and (t.search @@ websearch_to_tsquery(''simple'', $2 ->> ''text'')'
      || ' or t.title ilike ''%'' || replace(replace(replace($2 ->> ''text'', ''\'', ''\\''), ''%'', ''\%''), ''_'', ''\_'') || ''%'')';
  end if;
  conditions := conditions || case when filter ->> 'archived' = 'true' then ' and t.archived_at is not null' else ' and t.archived_at is null' end;
  if after is not null then
    if jsonb_typeof(after) <> 'array' or jsonb_array_length(after) <> cardinality(keys) then
      perform private.refuse(422, 'This cursor belongs to another list', 'cursor');
    end if;
    conditions := conditions || format(' and (%s) %s (%s)',
      (select string_agg(format('t.%I', k), ', ' order by o) from unnest(keys) with ordinality u (k, o)), direction,
      (select string_agg(format('($3 ->> %s)::%s', o - 1, k), ', ' order by o) from unnest(types) with ordinality u (k, o)));
  end if;
  execute format(
    'select coalesce(jsonb_agg(private.task_json(p) - ''execution_log'' - ''result'' - ''description'' order by %1$s), ''[]''),'
    || ' (jsonb_agg(jsonb_build_array(%2$s) order by %1$s)) -> -1'
    || ' from (select t.* from public.tasks t where %3$s order by %4$s limit %5$s) p',
    (select string_agg(format('p.%I %s', k, case direction when '<' then 'desc' else 'asc' end), ', ' order by o) from unnest(keys) with ordinality u (k, o)),
    (select string_agg(format('p.%I', k), ', ' order by o) from unnest(keys) with ordinality u (k, o)),
    conditions,
    (select string_agg(format('t.%I %s', k, case direction when '<' then 'desc' else 'asc' end), ', ' order by o) from unnest(keys) with ordinality u (k, o)),
    page_size)
  into rows, last using private.acting_organization(), filter, after;
  return jsonb_build_object('items', rows, 'after', case when jsonb_array_length(rows) = page_size then last end);
exception when invalid_text_representation or invalid_datetime_format or datetime_field_overflow then
  perform private.refuse(422, 'A filter or cursor has a wrong value', sqlerrm);
  return null;
end $$;
comment on function public.list_tasks is
  'A page of tasks without their logs: {items, after}. filter keys: status (array), execution_type, source, priority, label, due_before, due_after, parent (id or none), text, archived.';

create function public.count_tasks() returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_object_agg(s.execution_status, s.n), '{}') from (
    select t.execution_status, count(*) as n from public.tasks t
    where t.organization_id = private.acting_organization() and t.archived_at is null and t.parent_task_id is null
    group by 1) s
$$;
comment on function public.count_tasks is 'How many top-level tasks stand in each state.';

create function public.get_executable_tasks(org_id uuid default null, execution_type text default null, page_size integer default 50)
returns setof jsonb
language sql stable set search_path = '' as $$
  select private.task_json(t) - 'execution_log' from public.tasks t
  where t.organization_id = coalesce(get_executable_tasks.org_id, private.acting_organization())
    and private.in_scope(t.organization_id)
    and t.execution_status in ('pending', 'queued') and t.archived_at is null
    and (get_executable_tasks.execution_type is null or t.execution_type = get_executable_tasks.execution_type)
    and not private.is_paused(t.id) and not private.waits_for_others(t.id)
  order by t.priority_rank, t.due_key, t.created_at, t.id limit least(greatest(page_size, 1), 200)
$$;
comment on function public.get_executable_tasks is 'Tasks that could be executed now, most urgent first.';

create function public.find_tasks(prefix text) returns setof jsonb
language sql stable set search_path = '' as $$
  select private.task_json(t) - 'execution_log' from public.tasks t
  where t.organization_id = private.acting_organization() and t.id::text like (regexp_replace(lower(prefix), '[^0-9a-f-]', '', 'g') || '%')
    and prefix ~* '^[0-9a-f-]{4,36}$'
  order by t.created_at desc limit 20
$$;
comment on function public.find_tasks is 'Tasks whose id begins with these hex digits (at least four), newest first.';

create function public.get_task_tree(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  perform private.own_task(get_task_tree.task_id);
  return private.task_tree_json(get_task_tree.task_id);
end $$;
comment on function public.get_task_tree is 'The subtree as nested JSON: each node a task with depends_on (ids) and children.';

create function private.task_tree_json(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return (select private.task_json(t) - 'execution_log' || jsonb_build_object(
    'depends_on', (select coalesce(jsonb_agg(d.depends_on_task_id), '[]') from public.task_dependencies d where d.task_id = t.id),
    'children', (select coalesce(jsonb_agg(private.task_tree_json(c.id) order by c.position, c.created_at, c.id), '[]')
                 from public.tasks c where c.parent_task_id = t.id))
    from public.tasks t where t.id = task_tree_json.task_id);
end $$;
comment on function private.task_tree_json is 'One node with everything below it.';

create function public.list_task_events(task_id uuid default null, after bigint default 0, page_size integer default 200)
returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(e) - 'root_task_id' from public.task_events e
  where e.organization_id = private.acting_organization() and e.id > coalesce(list_task_events.after, 0)
    and (list_task_events.task_id is null or e.task_id = list_task_events.task_id or e.root_task_id = list_task_events.task_id)
  order by e.id limit least(greatest(page_size, 1), 1000)
$$;
comment on function public.list_task_events is 'Fine events after an id, oldest first; of a task''s tree, or of everything.';

create function public.get_last_event_id() returns bigint
language sql stable set search_path = '' as $$
  select coalesce(max(e.id), 0) from public.task_events e where e.organization_id = private.acting_organization()
$$;
comment on function public.get_last_event_id is 'Where a live stream begins that wants nothing of the past.';

-- Section: making and changing ------------------------------------------------------------------------------------

create function private.insert_task(item jsonb, parent_id uuid default null) returns public.tasks
language plpgsql set search_path = '' as $$
declare
  made public.tasks;
begin
  insert into public.tasks (organization_id, created_by, parent_task_id, title, description, kind, priority, due_at, due_is_all_day,
    recurrence, labels, position, recipient, acceptance_criteria, notes_file, source, source_ref, source_key, ai_confidence, ai_context,
    flags, execution_type, assigned_to_type, assigned_to_id, assignee_role, agent_executable, workflow_id, agent_id, tool, tool_input,
    automation_rules, decomposition_confidence, max_retries, estimated_duration_minutes)
  select private.acting_organization(), (select auth.uid()), coalesce(parent_id, r.parent_task_id), r.title, coalesce(r.description, ''),
    coalesce(r.kind, 'errand'), coalesce(r.priority, 'medium'), r.due_at, coalesce(r.due_is_all_day, true), r.recurrence,
    coalesce(r.labels, '{}'), coalesce(r.position, 0), r.recipient, coalesce(r.acceptance_criteria, '[]'), r.notes_file,
    coalesce(r.source, 'manual'), coalesce(r.source_ref, '{}'), r.source_key, r.ai_confidence, r.ai_context, coalesce(r.flags, '{}'),
    coalesce(r.execution_type, 'manual'), r.assigned_to_type, r.assigned_to_id, r.assignee_role, r.agent_executable,
    coalesce(r.workflow_id, (select w.id from public.workflows w where w.kind = r.kind and w.is_active
      and (w.organization_id is null or w.organization_id = private.acting_organization()) order by w.organization_id nulls last limit 1)),
    r.agent_id, r.tool, coalesce(r.tool_input, '{}'), coalesce(r.automation_rules, '{}'), r.decomposition_confidence,
    coalesce(r.max_retries, 3), r.estimated_duration_minutes
  from jsonb_populate_record(null::public.tasks, item) r
  on conflict (organization_id, source_key) where source_key is not null do nothing
  returning * into made;
  return made;
end $$;
comment on function private.insert_task is 'One task from JSON, for the acting organization. Null when its source_key is known already.';

create function public.create_tasks(items jsonb) returns setof jsonb
language plpgsql set search_path = '' as $$
declare
  item jsonb;
  made public.tasks;
begin
  if jsonb_typeof(items) <> 'array' or jsonb_array_length(items) not between 1 and 50000 then
    perform private.refuse(422, 'items is a list of 1 to 50000 tasks');
  end if;
  for item in select value from jsonb_array_elements(items) loop
    made := private.insert_task(item);
    if made.id is not null then
      return next private.task_json(made);
    end if;
  end loop;
end $$;
comment on function public.create_tasks is 'Makes tasks, all or none. Items with a source_key that exists already are passed over.';

create function public.create_subtask(parent_id uuid, title text, description text default '', execution_type text default 'manual',
  details jsonb default '{}') returns jsonb
language plpgsql set search_path = '' as $$
begin
  perform private.own_task(create_subtask.parent_id);
  return private.task_json(private.insert_task(create_subtask.details || jsonb_build_object('title', create_subtask.title,
    'description', create_subtask.description, 'execution_type', create_subtask.execution_type,
    'source', coalesce(create_subtask.details ->> 'source', 'agent')), create_subtask.parent_id));
end $$;
comment on function public.create_subtask is 'One task below another.';

create function public.update_task(task_id uuid, changes jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(update_task.task_id, true);
  wanted text := changes ->> 'execution_status';
  unknown text;
begin
  select string_agg(k, ', ') into unknown from jsonb_object_keys(changes) k where k <> all (array['title', 'description', 'kind',
    'priority', 'due_at', 'due_is_all_day', 'recurrence', 'labels', 'position', 'recipient', 'acceptance_criteria', 'execution_type',
    'assigned_to_type', 'assigned_to_id', 'assignee_role', 'estimated_duration_minutes', 'automation_rules', 'execution_status', 'archived_at',
    'blocked_reason', 'failure_reason']);
  if unknown is not null then
    perform private.refuse(422, 'These fields cannot be changed', unknown);
  end if;
  update public.tasks t set (title, description, kind, priority, due_at, due_is_all_day, recurrence, labels, position, recipient,
      acceptance_criteria, execution_type, assigned_to_type, assigned_to_id, assignee_role, estimated_duration_minutes, automation_rules, archived_at,
      blocked_reason, failure_reason) =
    (select r.title, r.description, r.kind, r.priority, r.due_at, r.due_is_all_day, r.recurrence, r.labels, r.position, r.recipient,
      r.acceptance_criteria, r.execution_type, r.assigned_to_type, r.assigned_to_id, r.assignee_role, r.estimated_duration_minutes, r.automation_rules, r.archived_at,
      r.blocked_reason, r.failure_reason
     from jsonb_populate_record(task, changes) r)
  where t.id = task.id returning t.* into task;
  if wanted is not null and wanted <> task.execution_status then
    if wanted = 'completed' and task.execution_status in ('pending', 'queued', 'blocked') then
      update public.tasks t set execution_status = 'in_progress' where t.id = task.id;
    end if;
    update public.tasks t set execution_status = wanted where t.id = task.id returning t.* into task;
  end if;
  return private.task_json(task);
end $$;
comment on function public.update_task is
  'Changes a task. execution_status moves along the state machine; ticking off passes through in_progress, both changes logged.';

create function public.delete_task(task_id uuid) returns void
language plpgsql set search_path = '' as $$
begin
  perform private.own_task(delete_task.task_id, true);
  if exists (with recursive below as (
      select t.id from public.tasks t where t.id = delete_task.task_id
      union all select t.id from public.tasks t join below b on t.parent_task_id = b.id)
    select 1 from below b join public.drafts d on d.task_id = b.id and d.state in ('sending', 'uncertain')) then
    perform private.refuse(409, 'Something of this task is being sent', null, 'Wait until it is sent, or say what became of it.');
  end if;
  delete from public.tasks t where t.id = delete_task.task_id;
end $$;
comment on function public.delete_task is 'Deletes a task and what hangs below it; what was decided stays in the audit.';

create function public.bulk_update_tasks(task_ids uuid[], action text, value text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task_id uuid;
begin
  if cardinality(task_ids) not between 1 and 200 then
    perform private.refuse(422, 'ids is a list of 1 to 200 tasks');
  end if;
  foreach task_id in array task_ids loop
    case action
      when 'complete' then perform public.update_task(task_id, '{"execution_status": "completed"}');
      when 'cancel' then perform public.cancel_task(task_id);
      when 'execute' then perform public.queue_task_execution(task_id);
      when 'retry' then perform public.retry_task(task_id);
      when 'delete' then perform public.delete_task(task_id);
      when 'archive' then perform public.update_task(task_id, jsonb_build_object('archived_at', now()));
      when 'priority' then perform public.update_task(task_id, jsonb_build_object('priority', value));
      when 'label' then perform public.update_task(task_id, jsonb_build_object('labels',
        (select to_jsonb(array(select distinct l from unnest(t.labels || value) l)) from public.tasks t where t.id = task_id)));
      else perform private.refuse(422, format('There is no bulk action %L', action),
        'allowed: complete, cancel, execute, retry, delete, archive, priority, label');
    end case;
  end loop;
  return jsonb_build_object('updated', cardinality(task_ids));
end $$;
comment on function public.bulk_update_tasks is 'One action on many tasks, all or none.';

create function public.add_feedback(task_id uuid, rating integer default null, comment text default '') returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(add_feedback.task_id);
  made public.feedback;
begin
  insert into public.feedback (organization_id, task_id, user_id, rating, comment)
  values (task.organization_id, task.id, (select auth.uid()), add_feedback.rating, coalesce(add_feedback.comment, '')) returning * into made;
  return to_jsonb(made);
end $$;
comment on function public.add_feedback is 'A person''s rating (1-5) and comment on a task''s result.';

do $$ declare f text; begin
  foreach f in array array['get_task', 'list_tasks', 'find_tasks', 'count_tasks', 'get_executable_tasks', 'get_task_tree', 'list_task_events', 'get_last_event_id',
    'create_tasks', 'create_subtask', 'update_task', 'delete_task', 'bulk_update_tasks', 'add_feedback'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['task_json', 'own_task', 'task_tree_json', 'insert_task'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
end $$;
