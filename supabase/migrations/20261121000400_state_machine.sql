-- The state machine of tasks, held by triggers: no client, console or bug gets around it.

create function private.next_states(state text) returns text[]
language sql immutable set search_path = '' as $$
  select case state
    when 'pending' then array['queued', 'in_progress', 'cancelled']
    when 'queued' then array['in_progress', 'pending', 'cancelled']
    when 'in_progress' then array['completed', 'failed', 'paused', 'blocked', 'cancelled', 'queued']
    when 'paused' then array['in_progress', 'queued', 'completed', 'failed', 'cancelled']
    when 'blocked' then array['in_progress', 'queued', 'failed', 'cancelled']
    when 'failed' then array['queued']
    else array[]::text[]
  end
$$;
comment on function private.next_states is 'Where a task may go from a state; completed and cancelled are final.';

create function private.state_entry(task public.tasks, old_state text) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'event', case
      when old_state is null then 'created'
      when task.execution_status = 'in_progress' and old_state in ('paused', 'blocked') then 'resumed'
      when task.execution_status = 'in_progress' then 'started'
      when task.execution_status = 'queued' and old_state = 'in_progress' then 'retry_queued'
      when task.execution_status = 'pending' then 'unqueued'
      else task.execution_status end,
    'from', old_state,
    'to', task.execution_status,
    'timestamp', now(),
    'actor_type', private.actor_type(),
    'actor_id', (select auth.uid()),
    'executor_type', case when task.execution_status = 'in_progress' then
      case when private.actor_type() = 'user' then 'user' else coalesce(task.assigned_to_type, 'agent') end end,
    'executor_id', case when task.execution_status = 'in_progress' then coalesce((select auth.uid()), task.assigned_to_id) end,
    'reason', case task.execution_status
      when 'blocked' then task.blocked_reason
      when 'failed' then task.failure_reason
      when 'queued' then case when old_state = 'in_progress' then task.failure_reason end end,
    'result', case when task.execution_status = 'completed' and pg_column_size(task.result) < 32768 then task.result end))
$$;
comment on function private.state_entry is 'The line of execution_log for a state change (seeds document 002, "Execution Log").';

create function private.before_task_insert() returns trigger
language plpgsql set search_path = '' as $$
declare
  parent public.tasks;
begin
  if new.execution_status <> 'pending' then
    perform private.refuse(409, 'A new task starts as pending', format('execution_status is %s', new.execution_status));
  end if;
  new.root_task_id := new.id;
  new.depth := 0;
  if new.parent_task_id is not null then
    select * into parent from public.tasks t where t.id = new.parent_task_id;
    if parent.id is null or parent.organization_id <> new.organization_id then
      perform private.refuse(422, 'The parent task does not exist', format('parent_task_id %s', new.parent_task_id));
    end if;
    if parent.execution_status = 'cancelled' then
      perform private.refuse(409, 'A cancelled task takes no subtasks', format('parent_task_id %s', new.parent_task_id));
    end if;
    if parent.depth >= 12 then
      perform private.refuse(422, 'The tree is too deep', 'subtasks may be nested 12 levels');
    end if;
    new.root_task_id := parent.root_task_id;
    new.depth := parent.depth + 1;
  end if;
  new.execution_log := jsonb_build_array(private.state_entry(new, null));
  return new;
end $$;
comment on function private.before_task_insert is 'A task is born pending, inside its parent''s tenant and tree, with the first line of its log.';

create function private.before_task_update() returns trigger
language plpgsql set search_path = '' as $$
begin
  if new.id <> old.id or new.organization_id <> old.organization_id or new.created_at <> old.created_at
     or new.parent_task_id is distinct from old.parent_task_id or new.root_task_id <> old.root_task_id
     or new.depth <> old.depth then
    perform private.refuse(409, 'A task keeps its id, tenant and place in the tree');
  end if;
  if new.execution_log is distinct from old.execution_log and not (
       jsonb_array_length(new.execution_log) > jsonb_array_length(old.execution_log)
       and (select coalesce(jsonb_agg(e.value order by e.ordinality), '[]')
            from jsonb_array_elements(new.execution_log) with ordinality e
            where e.ordinality <= jsonb_array_length(old.execution_log)) = old.execution_log) then
    perform private.refuse(403, 'execution_log is append-only');
  end if;
  new.updated_at := now();
  if new.execution_status = old.execution_status then
    return new;
  end if;
  if not new.execution_status = any (private.next_states(old.execution_status)) then
    perform private.refuse(409,
      format('A task that is %s cannot become %s', old.execution_status, new.execution_status),
      format('allowed: %s', coalesce(nullif(array_to_string(private.next_states(old.execution_status), ', '), ''), 'none, this state is final')));
  end if;
  case new.execution_status
    when 'in_progress' then new.started_at := coalesce(old.started_at, now());
    when 'blocked' then new.blocked_at := now();
    when 'failed' then new.failed_at := now();
    when 'cancelled' then new.cancelled_at := now();
    when 'completed' then
      new.completed_at := now();
      new.actual_duration_minutes := coalesce(new.actual_duration_minutes,
        round(extract(epoch from now() - coalesce(old.started_at, now())) / 60)::integer);
    else null;
  end case;
  if old.execution_status = 'blocked' then
    new.blocked_on := null; new.blocked_reason := null; new.blocked_until := null; new.unblocked_by := null;
  end if;
  new.execution_log := new.execution_log || jsonb_build_array(private.state_entry(new, old.execution_status));
  return new;
end $$;
comment on function private.before_task_update is 'Refuses what the state machine does not allow, stamps times, appends to the log.';

create function private.defer_task(task public.tasks) returns void
language plpgsql security definer set search_path = jobs, pg_temp as $$
begin
  perform procrastinate_defer_jobs_v1(array[row(
    case when task.tool is not null then 'tools' else 'thinking' end, 'advance_task', 5 - task.priority_rank,
    null, task.id::text,
    jsonb_build_object('task_id', task.id, 'organization_id', task.organization_id), task.run_after
  )::procrastinate_job_to_defer_v1]);
exception when unique_violation then
  null; -- a job for this task waits already: one is enough
end $$;
comment on function private.defer_task is
  'Puts "advance this task" into the queue inside the caller''s transaction; the task''s id is the queueing lock. Definer: nobody else touches the queue.';

create function private.after_task_change() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  entry jsonb := new.execution_log -> -1;
begin
  if tg_op = 'INSERT' or new.execution_status <> old.execution_status then
    perform private.record_event(new.organization_id, new.id, new.root_task_id, 'state', entry ->> 'event',
      (entry - 'result') || jsonb_build_object('title', new.title));
    perform private.audit(new.organization_id, 'task.' || (entry ->> 'event'), 'task', new.id, entry ->> 'reason',
      jsonb_build_object('from', entry ->> 'from', 'to', entry ->> 'to'));
    if new.execution_status = 'queued' then
      perform private.defer_task(new);
    end if;
  elsif to_jsonb(new) - 'updated_at' - 'search' is distinct from to_jsonb(old) - 'updated_at' - 'search' then
    perform private.record_event(new.organization_id, new.id, new.root_task_id, 'changed', '', '{}');
  end if;
  return null;
end $$;
comment on function private.after_task_change is
  'Each state change becomes an event and an audit line, and a queued task a job, in the same transaction.';

create function private.is_paused(task_id uuid) returns boolean
language sql stable set search_path = '' as $$
  with recursive above as (
    select t.id, t.parent_task_id, t.paused_at from public.tasks t where t.id = is_paused.task_id
    union all
    select t.id, t.parent_task_id, t.paused_at from public.tasks t join above a on t.id = a.parent_task_id
  )
  select exists (select 1 from above a where a.paused_at is not null)
$$;
comment on function private.is_paused is 'Is this task, or one above it, paused?';

create function private.waits_for_others(task_id uuid) returns boolean
language sql stable set search_path = '' as $$
  select exists (
    select 1 from public.task_dependencies d join public.tasks t on t.id = d.depends_on_task_id
    where d.task_id = waits_for_others.task_id and t.execution_status <> 'completed')
$$;
comment on function private.waits_for_others is 'Is something this task depends on not completed yet?';

create function private.settle_tree() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  parent public.tasks;
  next_task public.tasks;
begin
  -- Lock the parent first: of two last children finishing at once, one sees the other.
  select * into parent from public.tasks t where t.id = new.parent_task_id for no key update;
  if new.execution_status = 'completed' then
    for next_task in
      select t.* from public.task_dependencies d join public.tasks t on t.id = d.task_id
      where d.depends_on_task_id = new.id and t.execution_status = 'pending' and t.execution_type <> 'manual'
      for no key update of t
    loop
      if not private.waits_for_others(next_task.id) then
        update public.tasks set execution_status = 'queued' where id = next_task.id;
      end if;
    end loop;
  end if;
  if parent.execution_status = 'blocked' and parent.blocked_on = 'subtasks' then
    if not exists (select 1 from public.tasks t where t.parent_task_id = parent.id
                   and t.execution_status not in ('completed', 'cancelled')) then
      update public.tasks set execution_status = 'in_progress' where id = parent.id;
      update public.tasks set execution_status = 'completed',
        result = coalesce(result, '{}') || jsonb_build_object('strategy', 'decompose', 'subtasks_completed',
          (select count(*) from public.tasks t where t.parent_task_id = parent.id and t.execution_status = 'completed'))
      where id = parent.id;
    else
      update public.tasks set blocked_reason = (
        select format('%s of %s subtasks done', count(*) filter (where t.execution_status = 'completed'), count(*))
               || case when bool_or(t.execution_status = 'failed') then '; one failed and needs you' else '' end
        from public.tasks t where t.parent_task_id = parent.id and t.execution_status <> 'cancelled')
      where id = parent.id;
    end if;
  end if;
  return null;
end $$;
comment on function private.settle_tree is
  'A finished task releases its dependents and, when it is the last, its parent, in its own transaction.';

create trigger tasks_10_born before insert on public.tasks for each row execute function private.before_task_insert();
create trigger tasks_10_change before update on public.tasks for each row execute function private.before_task_update();
create trigger tasks_20_record after insert or update on public.tasks for each row execute function private.after_task_change();
create trigger tasks_30_settle after update of execution_status on public.tasks for each row
when (new.parent_task_id is not null and new.execution_status <> old.execution_status
      and new.execution_status in ('completed', 'cancelled', 'failed'))
execute function private.settle_tree();

create function private.refuse_deletion_of_work() returns trigger
language plpgsql set search_path = '' as $$
begin
  if old.execution_status = 'in_progress' and pg_trigger_depth() = 1 then
    perform private.refuse(409, 'A running task cannot be deleted', null, 'Cancel it first.');
  end if;
  perform private.audit_task_deletion(old);
  return old;
end $$;
comment on function private.refuse_deletion_of_work is 'Running work is cancelled before it is deleted; a deletion is audited.';

create function private.audit_task_deletion(task public.tasks) returns void
language sql security definer set search_path = '' as $$
  select private.audit(task.organization_id, 'task.deleted', 'task', task.id, null, jsonb_build_object('title', task.title))
$$;
comment on function private.audit_task_deletion is 'Audits a deletion on behalf of the trigger.';
create trigger tasks_40_delete before delete on public.tasks for each row execute function private.refuse_deletion_of_work();

select private.expose_function('private.next_states', array['authenticated', 'service_role']);
select private.expose_function('private.state_entry', array['authenticated', 'service_role']);
select private.expose_function('private.before_task_insert', array['authenticated', 'service_role']);
select private.expose_function('private.before_task_update', array['authenticated', 'service_role']);
select private.expose_function('private.defer_task', array[]::text[]);
select private.expose_function('private.after_task_change', array[]::text[]);
select private.expose_function('private.is_paused', array['authenticated', 'service_role']);
select private.expose_function('private.waits_for_others', array['authenticated', 'service_role']);
select private.expose_function('private.settle_tree', array[]::text[]);
select private.expose_function('private.refuse_deletion_of_work', array['authenticated', 'service_role']);
select private.expose_function('private.audit_task_deletion', array['authenticated', 'service_role']);
