-- A part that writes a mail is a part like any other; only the sending of an approved draft, and its rewriting, are not.

create function private.belongs_to_draft(task public.tasks) returns boolean
language sql immutable set search_path = '' as $$
  select coalesce(task.tool in ('email_send', 'slack_notification', 'revise_draft') and task.tool_input ? 'draft_id', false)
$$;
comment on function private.belongs_to_draft is 'Is it only the sending of an approved draft, or the rewriting of a rejected one?';
select private.expose_function('private.belongs_to_draft', array['authenticated', 'service_role']);

create or replace function public.open_subtasks(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(open_subtasks.task_id);
  failures jsonb;
begin
  if not exists (select 1 from public.tasks t where t.parent_task_id = task.id and not private.belongs_to_draft(t)) then
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
    and t.superseded_at is null and t.waived_at is null and not private.belongs_to_draft(t)
  loop
    perform private.renew_task(part);
  end loop;
  update public.tasks t set execution_status = 'queued', retry_count = 0, replan_count = 0, run_after = null, failure_reason = null where t.id = task.id;
  return public.get_task(task.id);
end $$;
