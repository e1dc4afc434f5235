-- A plan ends with its tasks and a stage with its section: neither is ticked off without.

create function private.before_plan_is_done() returns trigger
language plpgsql set search_path = '' as $$
begin
  if exists (select 1 from public.plans p where p.id = new.id)
     and exists (select 1 from public.tasks t where t.parent_task_id = new.id and t.superseded_at is null
                 and (t.execution_status not in ('completed', 'cancelled', 'failed') or t.execution_status = 'failed' and t.waived_at is null)) then
    perform private.refuse(409, 'A plan ends with its tasks', format('plan %s', new.id), 'Finish or go on without what is open, or cancel the plan.');
  end if;
  return new;
end $$;
comment on function private.before_plan_is_done is 'A plan completes when nothing of it is open, whoever says so: else what was never done would count as done.';
create trigger tasks_14_plan_is_done before update of execution_status on public.tasks for each row
when (new.parent_task_id is null and new.source = 'plan' and new.execution_status = 'completed' and old.execution_status <> 'completed')
execute function private.before_plan_is_done();

create function private.before_stage_is_done() returns trigger
language plpgsql set search_path = '' as $$
begin
  if jsonb_typeof(new.result -> 'output') is distinct from 'object' then
    perform private.refuse(409, 'A stage is done with its section', format('task %s', new.id), 'Give it one, have it written, or go on without it.');
  end if;
  return new;
end $$;
comment on function private.before_stage_is_done is 'An empty section does not pass as done, whoever says so.';
create trigger tasks_14_stage_is_done before update of execution_status on public.tasks for each row
when (new.tool = 'plan_stage' and new.execution_status = 'completed' and old.execution_status <> 'completed')
execute function private.before_stage_is_done();

do $$ begin
  perform private.expose_function('private.before_stage_is_done', array['authenticated', 'service_role']);
  perform private.expose_function('private.before_plan_is_done', array['authenticated', 'service_role']);
end $$;
