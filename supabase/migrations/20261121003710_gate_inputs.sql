-- What a gate is asked with, and its verdict, are part of its decision.

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
