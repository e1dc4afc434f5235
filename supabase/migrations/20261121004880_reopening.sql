-- What a person ticked off by mistake: what is done stays done, and a new row is open in its place.

create function private.refuse_replaced(task public.tasks) returns void
language plpgsql stable set search_path = '' as $$
begin
  if task.superseded_at is not null then
    perform private.refuse(409, 'Another task took this one''s place',
      (select format('The newer one is %s', t.id) from public.tasks t where t.supersedes_task_id = task.id order by t.created_at desc limit 1),
      'Change the newer one; this one stays as it was.');
  end if;
end $$;
comment on function private.refuse_replaced is 'PT409 for a task that another took the place of.';
select private.expose_function('private.refuse_replaced', array['authenticated', 'service_role']);

create function public.reopen_task(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(reopen_task.task_id, true);
  parent public.tasks;
  made public.tasks;
  goes_on boolean;
begin
  perform private.refuse_replaced(task);
  if task.execution_status <> 'completed' or task.result is not null
      or not task.evidence @> '[{"kind": "word", "what": "A person said that it is done"}]' then
    perform private.refuse(409, 'Only what a person ticked off is opened again');
  elsif exists (select 1 from public.tasks t where t.parent_task_id = task.id) or exists (select 1 from public.drafts d where d.task_id = task.id) then
    perform private.refuse(409, 'A task with parts or a draft is not opened again', null, 'Make a new task of what is left to do.');
  end if;
  select * into parent from public.tasks t where t.id = task.parent_task_id;
  if parent.execution_status in ('completed', 'cancelled') then
    perform private.refuse(409, 'What it is a part of is over', parent.title, 'Make a new task of what is left to do.');
  end if;
  -- A series that went on goes on from its next one: this is open once more, and starts no second series.
  goes_on := task.continued_at is not null or exists (select 1 from public.tasks n where n.repeats_task_id = task.id);
  made := private.insert_task((to_jsonb(task) - array['source_key', 'repeats_task_id']
      - case when goes_on then array['recurrence', 'series_id', 'series_number', 'series_starts_at', 'occurs_at', 'run_when_due'] else '{}' end)
    || jsonb_build_object('supersedes_task_id', task.id), task.parent_task_id);
  perform private.keep_whose(made.id, task.id);
  update public.tasks t set superseded_at = now() where t.id = task.id;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, made.id, d.depends_on_task_id from public.task_dependencies d where d.task_id = task.id;
  -- What has not begun waits for it again; what began on the word that it was done, has begun.
  with waiting as (
    delete from public.task_dependencies d using public.tasks w
    where d.depends_on_task_id = task.id and w.id = d.task_id and w.execution_status = 'pending' returning d.organization_id, d.task_id)
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id) select w.organization_id, w.task_id, made.id from waiting w;
  insert into public.reminders (organization_id, task_id, created_by, at, note)
  select r.organization_id, made.id, r.created_by, r.at, r.note from public.reminders r where r.task_id = task.id and r.told_at is null;
  update public.commitments c set task_id = made.id, state = 'open', closed_at = null, closed_because = null, reopened_at = now()
  where c.task_id = task.id and c.state = 'kept';
  update public.tasks t set execution_status = 'pending' where t.id = made.id and t.execution_status = 'queued'; -- a rule started it
  return public.get_task(made.id);
end $$;
comment on function public.reopen_task is
  'Not done after all: a new open row in the place of one that a person ticked off, with its dates, edges, reminders, promise and what it is tainted by.';
select private.expose_function('public.reopen_task', array['authenticated', 'service_role']);

-- Section: what was replaced stays as it was -------------------------------------------------------------------------

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
  elsif changes = '{}' or changes - 'archived_at' <> '{}' then -- what was replaced may still be put out of sight
    perform private.refuse_replaced(task);
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
