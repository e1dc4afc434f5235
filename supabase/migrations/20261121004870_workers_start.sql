-- Who starts a run as a worker.

create or replace function public.start_task_execution(task_id uuid, executor_id uuid default null, executor_type text default 'agent', worker_id uuid default null,
  journaled jsonb default '{}') returns jsonb
language plpgsql set search_path = '' as $$
declare
  answer jsonb;
  task public.tasks;
begin
  if start_task_execution.worker_id is not null then
    if (select auth.uid()) is not null then
      perform private.refuse(403, 'Only a worker starts a run as a worker', 'worker_id', 'Left out, the task is marked as started by you.');
    end if;
    answer := private.start_queued_task(start_task_execution.task_id, executor_id, start_task_execution.worker_id, journaled);
    if answer = '{}' then
      return null;
    elsif answer is not null then
      perform private.commit_without_waiting(answer -> 'step' is null or answer ->> 'tool' is null or journaled ->> (answer ->> 'tool') <> 'act');
      return answer;
    end if;
  end if;
  task := private.own_task(start_task_execution.task_id, true);
  if private.waits_for_others(task.id) then
    perform private.refuse(409, 'This task waits for others');
  end if;
  if start_task_execution.worker_id is not null and (task.execution_status <> 'queued' or task.run_after > now() + interval '1 second') then
    perform private.refuse(409, format('This task is %s, not waiting for a worker', task.execution_status), task.execution_status);
  end if;
  if task.execution_status = 'in_progress' then
    perform private.refuse(409, 'This task is running already');
  end if;
  if private.is_paused(task.id) then
    perform private.refuse(409, 'This task is paused');
  end if;
  update public.tasks t set execution_status = 'in_progress', assigned_to_type = executor_type, worker_id = start_task_execution.worker_id,
    assigned_to_id = coalesce(executor_id, t.assigned_to_id), agent_id = coalesce((select a.id from public.agents a where a.id = executor_id), t.agent_id)
  where t.id = task.id returning t.* into task;
  return private.task_json(task);
end $$;
comment on function public.start_task_execution is
  'Marks a run as started by its executor (user, agent or workflow). A worker alone names itself, and starts only what is queued; its run_id fences the run; null when the task waits for others and was put back. journaled {tool: read or act}: the step of such a tool begins with the run.';
