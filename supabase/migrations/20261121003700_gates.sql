-- Gates: what a person is to decide is decided, not ticked off, taken away or gone around.

-- Section: what a gate is -------------------------------------------------------------------------------------------

create function private.is_gate(task public.tasks) returns boolean
language sql immutable set search_path = '' as $$
  select coalesce(task.tool = 'approval_gate' or task.tool = 'plan_stage' and task.tool_input ->> 'stage' = 'redline_gate', false)
$$;
comment on function private.is_gate is 'Is this task a person''s decision that others wait for: an approval gate, or the redline gate of a plan document?';

-- Section: how it ends ----------------------------------------------------------------------------------------------

create function private.before_gate_ends() returns trigger
language plpgsql set search_path = '' as $$
begin
  if not private.is_gate(old) then
    return new;
  end if;
  if exists (select 1 from public.approvals a where a.task_id = old.id and a.draft_id is null and a.state = 'used' and a.decided_by is not null) then
    return new;
  end if;
  if old.tool = 'plan_stage' and (select auth.uid()) is null and not exists (
       select 1 from public.approvals a where a.task_id = old.id and a.state = 'open') then
    return new; -- the stage found nothing to ask about
  end if;
  perform private.refuse(409, 'A gate is decided, not ticked off', format('task %s', old.id), 'Say yes or no to it, under Review or on its page.');
  return null;
end $$;
comment on function private.before_gate_ends is 'A gate completes by a person''s yes alone, whoever asks.';
create trigger tasks_12_gate_ends before update of execution_status on public.tasks for each row
when (new.execution_status = 'completed' and old.execution_status <> 'completed') execute function private.before_gate_ends();

-- Section: what would let others past it ------------------------------------------------------------------------------

create function private.before_gate_changes() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op = 'DELETE' then
    if private.is_gate(old) and old.execution_status <> 'completed' and old.superseded_at is null
       and exists (select 1 from public.tasks p where p.id = old.parent_task_id) then -- else the whole goes, and nothing gets past
      perform private.refuse_undecided();
    end if;
    return old;
  end if;
  if private.is_gate(old) and (not private.is_gate(new) or new.waived_at is not null and old.waived_at is null) then
    perform private.refuse_undecided();
  end if;
  return new;
end $$;
comment on function private.before_gate_changes is 'Taking a gate away, making something else of it, or going on without it is a decision, as its answer is.';

create function private.refuse_undecided() returns void
language plpgsql stable set search_path = '' as $$
begin
  if private.token_scopes() is not null and not private.token_scopes() ? 'review:write' then
    perform private.refuse(403, 'This token may not decide', null, 'It lacks the scope review:write.');
  end if;
end $$;
comment on function private.refuse_undecided is 'PT403 for a program that lacks the scope to decide.';

create trigger tasks_13_gate_changes before update of tool, tool_input, waived_at on public.tasks for each row
when (old.execution_status <> 'completed' and old.tool in ('approval_gate', 'plan_stage')) execute function private.before_gate_changes();
create trigger tasks_13_gate_goes before delete on public.tasks for each row
when (old.tool in ('approval_gate', 'plan_stage')) execute function private.before_gate_changes();

create function private.before_edge_goes() returns trigger
language plpgsql set search_path = '' as $$
begin
  if exists (select 1 from public.tasks g where g.id = old.depends_on_task_id and private.is_gate(g) and g.execution_status <> 'completed'
             and g.superseded_at is null) then
    perform private.refuse_undecided();
  end if;
  return old;
end $$;
comment on function private.before_edge_goes is 'No program without the scope to decide frees a task of the gate that it waits for.';
create trigger task_dependencies_13_gate before delete on public.task_dependencies for each row execute function private.before_edge_goes();

create function private.before_gate_is_made() returns trigger
language plpgsql set search_path = '' as $$
begin
  if private.is_gate(new) and new.on_failure = 'skip' then
    perform private.refuse(422, 'A gate cannot be skipped: a no would count as a yes', new.title, 'allowed for on_failure: replan, escalate, stop');
  end if;
  return new;
end $$;
comment on function private.before_gate_is_made is 'A gate whose no is passed over is none.';
create trigger tasks_07_gate before insert or update of on_failure, tool on public.tasks for each row
when (new.on_failure = 'skip') execute function private.before_gate_is_made();

-- Section: times that every reader can read ---------------------------------------------------------------------------

alter table public.tasks add constraint due_at_can_be_read check (due_at between '1900-01-01' and '9998-01-01') not valid;
comment on constraint due_at_can_be_read on public.tasks is 'Postgres knows years that other programs do not: such a row could not be read any more.';

do $$ declare f text; begin
  foreach f in array array['is_gate', 'before_gate_ends', 'before_gate_changes', 'refuse_undecided', 'before_edge_goes', 'before_gate_is_made'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
end $$;
