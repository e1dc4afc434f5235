-- Executing a task: queue, start, complete, fail, block, decompose; and pause, resume, cancel, retry for the whole tree.

create function public.queue_task_execution(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(queue_task_execution.task_id, true);
begin
  if task.execution_status in ('queued', 'in_progress') then
    return private.task_json(task); -- pressed twice: it is on its way
  end if;
  if private.is_paused(task.id) then
    perform private.refuse(409, 'This task is paused', null, 'Resume it first.');
  end if;
  if private.waits_for_others(task.id) then
    perform private.refuse(409, 'This task waits for others',
      (select string_agg(t.title, ', ') from public.task_dependencies d join public.tasks t on t.id = d.depends_on_task_id
       where d.task_id = task.id and t.execution_status <> 'completed'));
  end if;
  if task.execution_status = 'blocked' and task.blocked_on in ('review', 'subtasks') then
    perform private.refuse(409, 'This task is blocked: ' || task.blocked_reason, task.blocked_on);
  end if;
  update public.tasks t set execution_status = 'queued', run_after = null, failure_reason = null where t.id = task.id returning t.* into task;
  return private.task_json(task);
end $$;
comment on function public.queue_task_execution is 'Execute: sets queued and puts the job into the queue in one transaction. Twice is once.';

create function public.start_task_execution(task_id uuid, executor_id uuid default null, executor_type text default 'agent') returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(start_task_execution.task_id, true);
begin
  if private.is_paused(task.id) then
    perform private.refuse(409, 'This task is paused');
  end if;
  if task.execution_status = 'in_progress' then
    perform private.refuse(409, 'This task is running already');
  end if;
  update public.tasks t set execution_status = 'in_progress', assigned_to_type = executor_type,
    assigned_to_id = coalesce(executor_id, t.assigned_to_id),
    agent_id = case when executor_type = 'agent' and exists (select 1 from public.agents a where a.id = executor_id) then executor_id else t.agent_id end
  where t.id = task.id returning t.* into task;
  return private.task_json(task);
end $$;
comment on function public.start_task_execution is 'Marks a run as started by its executor (user, agent or workflow).';

create function public.complete_task_execution(task_id uuid, result_data jsonb default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(complete_task_execution.task_id, true);
begin
  update public.tasks t set execution_status = 'completed', result = coalesce(result_data, t.result),
    strategy = coalesce(result_data ->> 'strategy', t.strategy), failure_reason = null
  where t.id = task.id returning t.* into task;
  return private.task_json(task);
end $$;
comment on function public.complete_task_execution is 'Completes a running task with its result {strategy, output, confidence, ...}; dependents and parent follow by trigger.';

create function public.fail_task_execution(task_id uuid, error text, should_retry boolean default true, retry_after_seconds integer default null)
returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(fail_task_execution.task_id, true);
begin
  if should_retry and task.retry_count < task.max_retries then
    update public.tasks t set execution_status = 'queued', retry_count = t.retry_count + 1, failure_reason = error,
      run_after = now() + make_interval(secs => greatest(coalesce(retry_after_seconds, 0),
        least(3600, 2 * power(2, t.retry_count)) * (0.5 + random() / 2)))
    where t.id = task.id returning t.* into task;
  else
    update public.tasks t set execution_status = 'failed', failure_reason = error where t.id = task.id returning t.* into task;
  end if;
  return private.task_json(task);
end $$;
comment on function public.fail_task_execution is
  'Retries with exponential back-off and jitter (2 s doubling, at most an hour) until max_retries, then fails.';

create function public.block_task_execution(task_id uuid, reason text, blocked_on text default 'person', unblocked_by text default null,
  result_data jsonb default null, strategy text default 'blocked') returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(block_task_execution.task_id, true);
begin
  update public.tasks t set execution_status = 'blocked', blocked_reason = reason, blocked_on = block_task_execution.blocked_on,
    unblocked_by = block_task_execution.unblocked_by, result = coalesce(result_data, t.result), strategy = block_task_execution.strategy
  where t.id = task.id returning t.* into task;
  if task.tool = 'revise_draft' then -- the first task waited for a new draft that is not coming by itself
    update public.tasks t set blocked_on = 'person', blocked_reason = reason, unblocked_by = 'Edit the draft yourself, or say it in other words'
    where t.id = task.parent_task_id and t.execution_status = 'blocked' and t.blocked_on = 'review';
  end if;
  return private.task_json(task);
end $$;
comment on function public.block_task_execution is 'Stops a running task until somebody does something: why, what kind of thing, and what would unblock it.';

create function public.decompose_task_execution(task_id uuid, subtasks jsonb, message text default '', confidence double precision default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(decompose_task_execution.task_id, true);
  made public.tasks;
  ids uuid[] := '{}';
  item record;
begin
  if jsonb_typeof(subtasks) <> 'array' or jsonb_array_length(subtasks) not between 1 and 200 then
    perform private.refuse(422, 'subtasks is a list of 1 to 200 tasks');
  end if;
  for item in select value, ordinality from jsonb_array_elements(subtasks) with ordinality loop
    made := private.insert_task((item.value - 'depends_on') || jsonb_build_object('source', 'agent', 'position', item.ordinality,
      'source_ref', jsonb_build_object('task_id', task.id)), task.id);
    ids := ids || made.id;
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select distinct task.organization_id, ids[s.ordinality], ids[d.value::integer + 1]
  from jsonb_array_elements(subtasks) with ordinality s
  cross join jsonb_array_elements_text(coalesce(s.value -> 'depends_on', '[]')) d;
  update public.tasks t set execution_status = 'blocked', strategy = 'decompose', blocked_on = 'subtasks',
    blocked_reason = format('0 of %s subtasks done', cardinality(ids)), decomposition_confidence = confidence,
    result = jsonb_build_object('strategy', 'decompose', 'output', message, 'confidence', confidence)
  where t.id = task.id returning t.* into task;
  update public.tasks t set execution_status = 'queued'
  where t.id = any (ids) and t.execution_type <> 'manual' and not private.waits_for_others(t.id);
  return private.task_tree_json(task.id);
end $$;
comment on function public.decompose_task_execution is
  'Breaks a running task into subtasks with edges (depends_on: positions from 0) and queues what can start. The parent waits, blocked on them.';

create function public.add_execution_log_entry(task_id uuid, log_entry jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(add_execution_log_entry.task_id, true);
begin
  if jsonb_typeof(log_entry) <> 'object' or coalesce(log_entry ->> 'event', '') = '' then
    perform private.refuse(422, 'log_entry is an object with an event');
  end if;
  update public.tasks t set execution_log = t.execution_log || jsonb_build_array(log_entry
    || jsonb_build_object('timestamp', now(), 'actor_type', private.actor_type(), 'actor_id', (select auth.uid())))
  where t.id = task.id returning t.* into task;
  return task.execution_log;
end $$;
comment on function public.add_execution_log_entry is 'Appends to the execution history; time and actor are the database''s.';

create function public.add_task_event(task_id uuid, kind text, message text default '', data jsonb default '{}') returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  task public.tasks;
begin
  select * into task from public.tasks t where t.id = add_task_event.task_id and private.in_scope(t.organization_id);
  if task.id is null then
    perform private.refuse(404, 'There is no such task', format('task %s', add_task_event.task_id));
  end if;
  if kind in ('state', 'draft', 'approval', 'changed') then
    perform private.refuse(422, 'These events are the database''s own', kind);
  end if;
  return private.record_event(task.organization_id, task.id, task.root_task_id, kind, message, data);
end $$;
comment on function public.add_task_event is 'A fine event of a running task, for the live pages. Definer: nobody writes task_events directly.';

-- Section: the whole tree -----------------------------------------------------------------------------------------

create function private.subtree(task_id uuid) returns setof uuid
language sql stable set search_path = '' as $$
  with recursive below as (
    select t.id from public.tasks t where t.id = subtree.task_id
    union all select t.id from public.tasks t join below b on t.parent_task_id = b.id)
  select b.id from below b
$$;
comment on function private.subtree is 'A task and everything below it.';

create function public.pause_task(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(pause_task.task_id, true);
begin
  if task.execution_status in ('completed', 'failed', 'cancelled') then
    perform private.refuse(409, format('A task that is %s cannot be paused', task.execution_status));
  end if;
  update public.tasks t set paused_at = coalesce(t.paused_at, now()) where t.id = task.id;
  update public.tasks t set execution_status = 'paused'
  where t.id in (select private.subtree(task.id)) and t.execution_status = 'in_progress';
  update public.tasks t set execution_status = 'pending'
  where t.id in (select private.subtree(task.id)) and t.execution_status = 'queued' and t.id <> task.id;
  return public.get_task(task.id);
end $$;
comment on function public.pause_task is 'Pauses the tree from here down: nothing below is claimed, running tasks become paused.';

create function public.resume_task(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(resume_task.task_id, true);
begin
  if task.paused_at is null then
    perform private.refuse(409, 'This task is not paused',
      (select 'paused above it: ' || t.title from public.tasks t where t.id = task.root_task_id and t.paused_at is not null and t.id <> task.id));
  end if;
  update public.tasks t set paused_at = null where t.id = task.id;
  update public.tasks t set execution_status = 'queued'
  where t.id in (select private.subtree(task.id)) and t.execution_status = 'paused' and not private.is_paused(t.id);
  update public.tasks t set execution_status = 'pending'
  where t.id = task.id and t.execution_status = 'queued' and task.execution_status = 'queued';
  update public.tasks t set execution_status = 'queued'
  where t.id in (select private.subtree(task.id)) and t.execution_status = 'pending' and t.execution_type <> 'manual'
    and (t.id <> task.id or task.execution_status = 'queued')
    and not private.is_paused(t.id) and not private.waits_for_others(t.id);
  return public.get_task(task.id);
end $$;
comment on function public.resume_task is 'Takes the pause off: paused tasks and what was waiting to run are queued again.';

create function public.cancel_task(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(cancel_task.task_id, true);
begin
  if task.execution_status in ('completed', 'failed', 'cancelled') then
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
  return public.get_task(task.id);
end $$;
comment on function public.cancel_task is 'Cancels the tree from here down; open drafts are voided, finished work stays.';

create function public.retry_task(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(retry_task.task_id, true);
begin
  if task.execution_status <> 'failed' then
    perform private.refuse(409, format('A task that is %s is not retried', task.execution_status), 'only a failed task is');
  end if;
  update public.tasks t set execution_status = 'queued', retry_count = 0, run_after = null, failure_reason = null where t.id = task.id;
  return public.get_task(task.id);
end $$;
comment on function public.retry_task is 'A person has a failed task tried again.';

create function public.requeue_lost_tasks(silent_seconds integer default 15) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  lost public.tasks;
  n integer := 0;
begin
  for lost in
    select t.* from public.tasks t
    where t.execution_status in ('queued', 'in_progress') and t.assigned_to_type is distinct from 'user'
      and t.updated_at < now() - make_interval(secs => 2)
      and not exists (
        select 1 from jobs.procrastinate_jobs j left join jobs.procrastinate_workers w on w.id = j.worker_id
        where j.args ->> 'task_id' = t.id::text
          and (j.status = 'todo' or (j.status = 'doing' and w.last_heartbeat > now() - make_interval(secs => silent_seconds))))
    for no key update of t skip locked
  loop
    if lost.execution_status = 'in_progress' then
      update public.tasks t set execution_status = 'queued', failure_reason = 'The worker went away; the task is taken up again' where t.id = lost.id;
    elsif not private.is_paused(lost.id) then
      perform private.defer_task(lost);
    end if;
    n := n + 1;
  end loop;
  return n;
end $$;
comment on function public.requeue_lost_tasks is
  'The sweep: tasks whose worker died or whose job was lost are queued again, in every tenant. Definer, since it reads the queue.';

do $$ declare f text; begin
  foreach f in array array['queue_task_execution', 'start_task_execution', 'complete_task_execution', 'fail_task_execution',
    'block_task_execution', 'decompose_task_execution', 'add_execution_log_entry', 'add_task_event', 'pause_task', 'resume_task',
    'cancel_task', 'retry_task'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('public.requeue_lost_tasks', array['service_role']);
  perform private.expose_function('private.subtree', array['authenticated', 'service_role']);
end $$;
