-- Documents and their executions: tasks made from a work breakdown, and what changes about them when the document does.

create function public.list_plan_executions(plan_id uuid) returns setof jsonb
language plpgsql stable set search_path = '' as $$
declare
  plan public.plans := private.own_plan(list_plan_executions.plan_id);
begin
  return query select private.plan_json(p) from public.plans p
  where p.document_id = plan.id and private.in_scope(p.organization_id) order by p.created_at desc, p.id desc limit 200;
end $$;
comment on function public.list_plan_executions is 'Plans that carry out a document, newest first.';

create function public.execute_plan_document(plan jsonb, paths jsonb default '[]', confidence double precision default null, wait_because text default null,
  again boolean default false)
returns jsonb
language plpgsql set search_path = '' as $$
declare
  document public.tasks := private.own_task(private.as_uuid(plan ->> 'document_id'), true); -- of two at once, one sees the other
  running public.tasks;
  made jsonb;
begin
  select t.* into running from public.plans p join public.tasks t on t.id = p.id
  where p.document_id = document.id and t.execution_status not in ('completed', 'failed', 'cancelled') order by p.created_at desc limit 1;
  if running.id is not null and not execute_plan_document.again then
    perform private.refuse(409, 'This document is being carried out already', format('plan %s: %s', running.id, running.title),
      'Apply what has changed to that plan, cancel it, or ask for another one with "again".');
  end if;
  made := public.create_plan(plan || jsonb_build_object('kind', 'objective',
    'starts_by_itself', execute_plan_document.wait_because is null and coalesce((plan ->> 'starts_by_itself')::boolean, true)));
  update public.tasks t set decomposition_confidence = execute_plan_document.confidence,
    source_ref = t.source_ref || jsonb_build_object('document_id', document.id, 'document_paths', execute_plan_document.paths),
    blocked_reason = case when t.blocked_on = 'start' then coalesce(left(execute_plan_document.wait_because, 2000), t.blocked_reason) else t.blocked_reason end
  where t.id = (made ->> 'id')::uuid;
  return private.plan_json(private.own_plan((made ->> 'id')::uuid));
end $$;
comment on function public.execute_plan_document is
  'A plan with the tasks of a document (as in create_plan). paths: digests of its tasks, so that one that is taken out is known. It waits for its start where wait_because says why. One at a time, unless asked again.';

create function private.check_plan_diff(diff jsonb) returns void
language plpgsql stable set search_path = '' as $$
declare
  fields text[] := array['title', 'description', 'kind', 'execution_type', 'assignee_role', 'acceptance_criteria', 'estimated_duration_minutes', 'due_at',
    'due_is_all_day', 'decomposition_confidence', 'source_ref', 'depends_on'];
  item record;
  wrong text;
begin
  if jsonb_typeof(diff) is distinct from 'object' then
    perform private.refuse(422, 'A difference is an object', left(diff::text, 200));
  end if;
  select k.key into wrong from jsonb_each(diff) k where k.key not in ('add', 'change', 'renumber', 'remove', 'paths') or jsonb_typeof(k.value) <> 'array' limit 1;
  if wrong is not null then
    perform private.refuse(422, format('%s is no list of a difference', left(wrong, 100)), 'allowed: add, change, renumber, remove, paths');
  end if;
  for item in
    select 'change' as what, c.value, array['id'] as more from jsonb_array_elements(coalesce(diff -> 'change', '[]')) c
    union all select 'add', a.value, array['key', 'parent_id', 'position'] from jsonb_array_elements(coalesce(diff -> 'add', '[]')) a
  loop
    if jsonb_typeof(item.value) <> 'object' or jsonb_typeof(coalesce(item.value -> 'depends_on', '[]')) <> 'array'
       or jsonb_typeof(coalesce(item.value -> 'source_ref', '{}')) <> 'object' then
      perform private.refuse(422, format('Each entry of %s is an object, its depends_on a list, its source_ref an object', item.what), left(item.value::text, 200));
    end if;
    select string_agg(k, ', ') into wrong from jsonb_object_keys(item.value) k where k <> all (fields || item.more);
    if wrong is not null then
      perform private.refuse(422, format('These fields are no part of a difference (%s)', item.what), wrong);
    end if;
    if coalesce(btrim(item.value ->> 'title'), '') = '' and (item.what = 'add' or item.value ? 'title') then
      perform private.refuse(422, 'A task has a title', left(item.value::text, 200));
    end if;
  end loop;
end $$;
comment on function private.check_plan_diff is 'Refuses a difference that is not understood, before anything is changed.';

create function private.change_work(root_id uuid, change jsonb) returns text
language plpgsql set search_path = '' as $$
declare
  part public.tasks := private.part_to_edit(change_work.root_id, change ->> 'id');
begin
  update public.tasks t set (title, description, kind, execution_type, assignee_role, acceptance_criteria, estimated_duration_minutes, due_at, due_is_all_day) =
    (select r.title, coalesce(r.description, ''), r.kind, r.execution_type, r.assignee_role, coalesce(r.acceptance_criteria, '[]'), r.estimated_duration_minutes,
      r.due_at, r.due_is_all_day from jsonb_populate_record(part, change - array['id', 'source_ref', 'depends_on']) r),
    source_ref = t.source_ref || coalesce(change -> 'source_ref', '{}') || jsonb_build_object('plan_id', change_work.root_id)
  where t.id = part.id returning t.* into part;
  return part.title;
end $$;
comment on function private.change_work is 'Changes a task that has not begun to what its document says now; its edges come later. Its title.';

create function private.add_work(root_id uuid, item jsonb, keys jsonb) returns public.tasks
language plpgsql set search_path = '' as $$
declare
  parent_id uuid := case when item ->> 'parent_id' is null then add_work.root_id
    else coalesce((keys ->> (item ->> 'parent_id'))::uuid, private.as_uuid(item ->> 'parent_id')) end;
begin
  if parent_id is null or parent_id <> add_work.root_id and parent_id not in (select private.live_parts(add_work.root_id)) then
    perform private.refuse(422, format('%s comes below %L, which is no task of this plan', item ->> 'title', left(item ->> 'parent_id', 100)), 'parent_id');
  elsif keys ? (item ->> 'key') then
    perform private.refuse(422, format('%s needs a key of its own', item ->> 'title'), left(item ->> 'key', 100));
  end if;
  return private.insert_task((item - array['key', 'parent_id', 'depends_on']) || jsonb_build_object('source', 'agent', 'source_ref',
    coalesce(item -> 'source_ref', '{}') || jsonb_strip_nulls(jsonb_build_object('plan_id', add_work.root_id, 'key', item -> 'key'))), parent_id);
end $$;
comment on function private.add_work is 'A task that its document has now; its edges come later. keys: those added before it.';

create function private.remove_work(root_id uuid, part_id text) returns text
language plpgsql set search_path = '' as $$
declare
  part public.tasks := private.part_to_edit(remove_work.root_id, remove_work.part_id);
  begun public.tasks;
begin
  select t.* into begun from public.tasks t where t.id in (select private.subtree(part.id)) and t.execution_status <> 'pending' limit 1;
  if begun.id is not null then
    perform private.refuse(409, format('%s is %s, and is not dropped', begun.title, begun.execution_status), begun.id::text);
  end if;
  delete from public.tasks t where t.id = part.id;
  return part.title;
end $$;
comment on function private.remove_work is 'Drops a task that its document has no more, with its parts: none of it has begun. Its title.';

create function public.apply_plan_diff(plan_id uuid, diff jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  root public.tasks := private.own_task(apply_plan_diff.plan_id, true);
  plan public.plans := private.own_plan(root.id);
  made public.tasks;
  item jsonb;
  keys jsonb := '{}';
  edges jsonb := '[]';
  said jsonb := '{"added": [], "changed": [], "removed": []}';
begin
  if plan.document_id is null then
    perform private.refuse(409, 'This plan carries out no document', format('plan %s', plan.id));
  elsif root.execution_status in ('completed', 'failed', 'cancelled') then
    perform private.refuse(409, format('This plan is %s', root.execution_status), root.execution_status, 'Carry out the document anew.');
  end if;
  perform private.check_plan_diff(diff);
  for item in select value from jsonb_array_elements(coalesce(diff -> 'add', '[]')) loop
    made := private.add_work(root.id, item, keys);
    keys := keys || case when item ->> 'key' is null then '{}' else jsonb_build_object(item ->> 'key', made.id) end;
    said := jsonb_set(said, '{added}', said -> 'added' || to_jsonb(made.title));
    edges := edges || jsonb_build_array(jsonb_build_object('id', made.id, 'on', coalesce(item -> 'depends_on', '[]')));
  end loop;
  for item in select value from jsonb_array_elements(coalesce(diff -> 'change', '[]')) loop
    said := jsonb_set(said, '{changed}', said -> 'changed' || to_jsonb(private.change_work(root.id, item)));
    if item ? 'depends_on' then
      delete from public.task_dependencies d where d.task_id = (item ->> 'id')::uuid;
      edges := edges || jsonb_build_array(jsonb_build_object('id', item -> 'id', 'on', item -> 'depends_on'));
    end if;
  end loop;
  for item in select value from jsonb_array_elements(edges) loop
    perform private.redraw_edges(root.id, (item ->> 'id')::uuid, item -> 'on', keys);
  end loop;
  -- The number of a task in its document is no part of the work: it follows the document whatever has become of the task.
  update public.tasks t set source_ref = t.source_ref || jsonb_strip_nulls(jsonb_build_object('wbs_id', n.value ->> 'wbs_id', 'key', n.value ->> 'wbs_id',
    'stages', n.value -> 'stages'))
  from jsonb_array_elements(coalesce(diff -> 'renumber', '[]')) n
  where t.id = private.as_uuid(n.value ->> 'id') and t.id in (select private.live_parts(root.id)) and t.source_ref ? 'wbs_id';
  for item in select value from jsonb_array_elements(coalesce(diff -> 'remove', '[]')) loop
    said := jsonb_set(said, '{removed}', said -> 'removed' || to_jsonb(private.remove_work(root.id, item #>> '{}')));
  end loop;
  update public.tasks t set source_ref = t.source_ref || jsonb_build_object('document_paths', diff -> 'paths') where t.id = root.id and diff ? 'paths';
  perform private.check_size(root.id);
  for made in select t.* from public.tasks t where t.root_task_id = root.id and t.execution_status = 'blocked' and t.blocked_on = 'subtasks' loop
    perform private.settle_parts(made.id);
  end loop;
  perform private.note_plan(root.id, 'document_applied', format('%s added, %s changed, %s removed', jsonb_array_length(said -> 'added'),
    jsonb_array_length(said -> 'changed'), jsonb_array_length(said -> 'removed')), said || jsonb_build_object('document_id', plan.document_id));
  return public.get_plan(root.id);
end $$;
comment on function public.apply_plan_diff is
  'Brings an execution to what its document says now, all or nothing: {add: [{key, parent_id, ...}], change: [{id, ...}], renumber: [{id, wbs_id, stages}], remove: [ids], paths}. Only what has not begun is changed or dropped.';

do $$ declare f text; begin
  foreach f in array array['list_plan_executions', 'execute_plan_document', 'apply_plan_diff'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['check_plan_diff', 'change_work', 'add_work', 'remove_work'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
end $$;
