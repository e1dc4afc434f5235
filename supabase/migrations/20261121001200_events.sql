-- Events get their ids in commit order, so that a reader who has seen id N never misses a smaller one.
-- They are written by deferred triggers, at the very end of a transaction and under one lock; nothing is locked after it.

create or replace function private.record_event(organization_id uuid, task_id uuid, root_task_id uuid, kind text, message text, data jsonb)
returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  new_id bigint;
begin
  -- Held until the commit. NOTIFY takes a lock of its own there in any case, so this costs no further waiting.
  perform pg_advisory_xact_lock(7238195);
  insert into public.task_events (organization_id, task_id, root_task_id, kind, message, data)
  values (record_event.organization_id, record_event.task_id, record_event.root_task_id, record_event.kind,
          coalesce(record_event.message, ''), coalesce(record_event.data, '{}'))
  returning id into new_id;
  perform pg_notify('steward_events', json_build_object('id', new_id, 'organization_id', record_event.organization_id)::text);
  return new_id;
end $$;
comment on function private.record_event is
  'Appends a fine event and wakes the streams. Called last in a transaction: by deferred triggers, and by functions that do nothing after it.';

drop trigger tasks_20_record on public.tasks;
create or replace function private.after_task_change() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  entry jsonb;
begin
  if tg_op = 'UPDATE' and new.execution_status = old.execution_status then
    if (new.title, new.description, new.kind, new.priority, new.due_at, new.due_is_all_day, new.recurrence, new.labels, new.position,
        new.recipient, new.acceptance_criteria, new.execution_type, new.assigned_to_type, new.assigned_to_id, new.assignee_role,
        new.blocked_on, new.blocked_reason, new.blocked_until, new.unblocked_by, new.failure_reason, new.result, new.paused_at,
        new.archived_at, new.automation_rules, new.estimated_duration_minutes, new.flags, new.waived_at, new.superseded_at,
        new.escalated_at, new.bounds)
      is not distinct from (old.title, old.description, old.kind, old.priority, old.due_at, old.due_is_all_day, old.recurrence, old.labels, old.position,
        old.recipient, old.acceptance_criteria, old.execution_type, old.assigned_to_type, old.assigned_to_id, old.assignee_role,
        old.blocked_on, old.blocked_reason, old.blocked_until, old.unblocked_by, old.failure_reason, old.result, old.paused_at,
        old.archived_at, old.automation_rules, old.estimated_duration_minutes, old.flags, old.waived_at, old.superseded_at,
        old.escalated_at, old.bounds)
      or not exists (select 1 from public.tasks t where t.id = new.id) then
      return null;
    end if;
    perform private.record_event(new.organization_id, new.id, new.root_task_id, 'changed', '', '{}');
    return null;
  end if;
  entry := new.execution_log -> -1;
  perform private.audit(new.organization_id, 'task.' || (entry ->> 'event'), 'task', new.id, entry ->> 'reason',
    jsonb_build_object('from', entry ->> 'from', 'to', entry ->> 'to'));
  if exists (select 1 from public.tasks t where t.id = new.id) then
    perform private.record_event(new.organization_id, new.id, new.root_task_id, 'state', entry ->> 'event',
      (entry - 'result') || jsonb_build_object('title', new.title));
  end if;
  return null;
end $$;
comment on function private.after_task_change is 'Each change becomes an event, and each change of state an audit line, at the end of its transaction.';

-- No WHEN clauses here: Postgres parses them anew for every statement, a function keeps its plans.
create constraint trigger tasks_20_record after insert or update on public.tasks
deferrable initially deferred for each row execute function private.after_task_change();

create or replace function private.defer_task(task public.tasks) returns void
language plpgsql security definer set search_path = jobs, pg_temp as $$
begin
  perform procrastinate_defer_jobs_v1(array[row(
    case when task.tool is not null then 'tools' else 'thinking' end, 'advance_task', 5 - task.priority_rank,
    null, task.id::text,
    jsonb_build_object('task_id', task.id, 'organization_id', task.organization_id), task.run_after
  )::procrastinate_job_to_defer_v1]);
exception when unique_violation then
  -- A job for this task waits already: one is enough, but it must not wait longer than this one would.
  update procrastinate_jobs j set scheduled_at = task.run_after
  where j.queueing_lock = task.id::text and j.status = 'todo' and j.scheduled_at > coalesce(task.run_after, now());
end $$;

create function private.queue_job() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.defer_task(new);
  return null;
end $$;
comment on function private.queue_job is 'A task that becomes queued gets its job in the same transaction.';
create trigger tasks_20_queue after update of execution_status on public.tasks for each row
when (new.execution_status = 'queued' and old.execution_status <> 'queued') execute function private.queue_job();

drop trigger drafts_20_record on public.drafts;
drop trigger approvals_20_record on public.approvals;
create constraint trigger drafts_20_record after insert or update on public.drafts
deferrable initially deferred for each row execute function private.after_draft_change();
create constraint trigger approvals_20_record after insert or update on public.approvals
deferrable initially deferred for each row execute function private.after_approval_change();

create function public.read_task_events(after bigint, page_size integer default 500) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(e) from public.task_events e where e.id > read_task_events.after
  order by e.id limit least(greatest(page_size, 1), 5000)
$$;
comment on function public.read_task_events is
  'New events of every tenant, oldest first, for the one reader of a web process, which gives each on only to its own tenant.';

create function public.get_newest_event_id() returns bigint
language sql stable set search_path = '' as $$
  select coalesce(max(e.id), 0) from public.task_events e
$$;
comment on function public.get_newest_event_id is 'Where the reader of a web process begins.';

select private.expose_function('private.queue_job', array[]::text[]);
select private.expose_function('public.read_task_events', array['service_role']);
select private.expose_function('public.get_newest_event_id', array['service_role']);
