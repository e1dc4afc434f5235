-- Plans: what is done to one: edited before its start, copied, paused, ended.

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
