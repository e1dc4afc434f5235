-- What a gate is asked with is part of its decision, and a plan that waits for its start is started, not ticked off.

create or replace function private.before_gate_changes() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op = 'INSERT' then
    if private.is_gate(new) and new.tool_input ? 'given' then
      perform private.refuse_undecided();
    end if;
    return new;
  end if;
  if tg_op = 'DELETE' then
    if private.is_gate(old) and old.execution_status <> 'completed' and old.superseded_at is null
       and exists (select 1 from public.tasks p where p.id = old.parent_task_id) then -- else the whole goes, and nothing gets past
      perform private.refuse_undecided();
    end if;
    return old;
  end if;
  if private.is_gate(old) and (not private.is_gate(new) or new.tool_input is distinct from old.tool_input
     or new.waived_at is not null and old.waived_at is null) then
    perform private.refuse_undecided();
  elsif private.is_gate(new) and not private.is_gate(old) and new.tool_input ? 'given' then
    perform private.refuse_undecided();
  end if;
  return new;
end $$;
comment on function private.before_gate_changes is
  'Taking a gate away, making something else of it, writing its verdict or its question, or going on without it is a decision, as its answer is.';
create trigger tasks_13_gate_comes before insert on public.tasks for each row
when (new.tool = 'plan_stage') execute function private.before_gate_changes();

create function private.before_plan_ends() returns trigger
language plpgsql set search_path = '' as $$
begin
  if (select auth.uid()) is not null and exists (select 1 from public.plans p where p.id = old.id) then
    perform private.refuse(409, 'A plan that waits for its start is started, not ticked off', format('plan %s', old.id), 'Execute it, or cancel it.');
  end if;
  return new;
end $$;
comment on function private.before_plan_ends is 'A plan of which nothing was done is not completed: it is started, or cancelled.';
create trigger tasks_12_plan_ends before update of execution_status on public.tasks for each row
when (new.execution_status in ('in_progress', 'completed') and old.execution_status = 'blocked' and old.blocked_on = 'start') execute function private.before_plan_ends();

select private.expose_function('private.before_plan_ends', array['authenticated', 'service_role']);
