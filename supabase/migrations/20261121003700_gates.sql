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

create function private.refuse_undecided() returns void
language plpgsql stable set search_path = '' as $$
begin
  if private.may_not_decide() then
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
declare
  needed public.tasks;
begin
  if private.may_not_decide() then
    select * into needed from public.tasks t where t.id = old.depends_on_task_id and t.superseded_at is null;
    if needed.id is not null and (private.holds_gate(needed) or private.is_behind_gate(needed.id)) then
      perform private.refuse_undecided();
    end if;
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

-- Section: its question and its verdict ---------------------------------------------------------------------------------

create trigger tasks_13_gate_comes before insert on public.tasks for each row
when (new.tool = 'plan_stage') execute function private.before_gate_changes();

-- Section: how far it reaches -----------------------------------------------------------------------------------------

create function private.is_undecided(task public.tasks) returns boolean
language sql immutable set search_path = '' as $$
  select private.is_gate(task) and task.execution_status <> 'completed' and task.superseded_at is null and task.waived_at is null
$$;
comment on function private.is_undecided is 'Is this a gate without a person''s yes?';

create function private.holds_gate(task public.tasks) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return private.is_undecided(task) or exists (
    with recursive below as (
      select t.* from public.tasks t where t.parent_task_id = task.id and t.superseded_at is null
      union all
      select c.* from below b join public.tasks c on c.parent_task_id = b.id where c.superseded_at is null)
    select 1 from below g where private.is_undecided((select t from public.tasks t where t.id = g.id)));
end $$;
comment on function private.holds_gate is 'Is this a gate without a yes, or is there one below it?';

create function private.is_behind_gate(task_id uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return exists (select 1 from private.done_before(is_behind_gate.task_id) d join public.tasks t on t.id = d where private.is_undecided(t));
end $$;
comment on function private.is_behind_gate is 'Does it come after a gate that has no yes yet?';

-- Section: programs that may not decide -------------------------------------------------------------------------------

create function private.may_not_decide() returns boolean
language sql stable set search_path = '' as $$
  select private.token_scopes() is not null and not private.token_scopes() ? 'review:write'
$$;
comment on function private.may_not_decide is 'Is this a program without the scope to decide?';

create function private.before_getting_past() returns trigger
language plpgsql set search_path = '' as $$
begin
  if private.may_not_decide() and (tg_op = 'UPDATE' or exists (select 1 from public.tasks p where p.id = old.parent_task_id))
     and (private.holds_gate(old) or private.is_behind_gate(old.id)) then
    perform private.refuse_undecided();
  end if;
  return coalesce(new, old);
end $$;
comment on function private.before_getting_past is
  'No program without the scope to decide ends, leaves out or takes away what holds a gate, or what comes after one.';
create trigger tasks_15_past before update of execution_status, waived_at on public.tasks for each row
when (new.execution_status = 'completed' and old.execution_status <> 'completed' or new.waived_at is not null and old.waived_at is null)
execute function private.before_getting_past();
create trigger tasks_15_past_goes before delete on public.tasks for each row execute function private.before_getting_past();

create function private.before_gate_is_reworded() returns trigger
language plpgsql set search_path = '' as $$
begin
  if not private.is_undecided(old) then
    return new;
  end if;
  perform private.refuse_undecided();
  if (new.title, new.description) is distinct from (old.title, old.description)
     and exists (select 1 from public.approvals a where a.task_id = old.id and a.state = 'open') then
    perform private.refuse(409, 'This gate is asked already: its words stand until it is decided', format('task %s', old.id));
  end if;
  return new;
end $$;
comment on function private.before_gate_is_reworded is 'What a person is asked stays what they were asked; no program without the scope to decide writes it, or says what a no means.';
create trigger tasks_15_reworded before update of title, description, on_failure on public.tasks for each row
when (old.tool in ('approval_gate', 'plan_stage') and (new.title, new.description, new.on_failure) is distinct from (old.title, old.description, old.on_failure))
execute function private.before_gate_is_reworded();

-- Section: plans that are changed after a no --------------------------------------------------------------------------

create or replace function private.change_plan(parent public.tasks, failed public.tasks, decision text, reason text, parts jsonb) returns text
language plpgsql set search_path = '' as $$
declare
  diff jsonb := '{}';
  reached text;
begin
  -- A person's no is not planned around: what holds a gate without a yes is a person's to decide, but for other parts that end in that gate again.
  if decision <> 'escalate' and (select auth.uid()) is null and private.holds_gate(failed)
     and not (failed.tool = 'approval_gate' and decision in ('another_approach', 'other_subtasks')
              and coalesce(parts -> -1 ->> 'tool' = 'approval_gate', false)) then
    decision := 'escalate';
    reason := reason || ' (a person''s decision is missing)';
  end if;
  if decision in ('another_approach', 'other_subtasks') then
    reached := private.growth_bound(parent, jsonb_array_length(parts));
    if reached is not null then
      decision := 'escalate';
      reason := reason || ' (the tree has reached its bound: ' || reached || ')';
    end if;
  end if;
  case decision
    when 'skip' then
      update public.tasks t set waived_at = now(), waived_reason = left(reason, 2000) where t.id = failed.id;
      diff := jsonb_build_object('skipped', jsonb_build_array(jsonb_build_object('task_id', failed.id, 'title', failed.title)));
    when 'escalate' then
      update public.tasks t set escalated_at = now() where t.id = failed.id;
    else
      diff := private.replace_task(failed, parts);
  end case;
  insert into public.plan_changes (organization_id, root_task_id, task_id, failed_task_id, decision, reason, diff, actor_type)
  values (parent.organization_id, parent.root_task_id, parent.id, failed.id, decision, left(reason, 5000), diff, private.actor_type());
  return decision;
end $$;

create or replace function private.settle_tree() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  next_task public.tasks;
begin
  -- Lock the parent first: of two last children finishing at once, one sees the other.
  perform 1 from public.tasks t where t.id = new.parent_task_id for no key update;
  if new.execution_status = 'failed' and new.on_failure = 'skip' and new.waived_at is null and not private.holds_gate(new) then
    update public.tasks t set waived_at = now(), waived_reason = 'It may fail: the plan goes on without it' where t.id = new.id;
    return null; -- comes back here as waived
  end if;
  if new.execution_status = 'completed' or new.waived_at is not null then
    for next_task in
      select t.* from public.task_dependencies d join public.tasks t on t.id = d.task_id
      where d.depends_on_task_id = new.id and t.execution_status = 'pending'
      for no key update of t
    loop
      if private.may_start(next_task) then
        update public.tasks set execution_status = 'queued' where id = next_task.id;
      end if;
    end loop;
  end if;
  perform private.settle_parent(new.parent_task_id);
  return null;
end $$;

do $$ declare f text; begin
  foreach f in array array['is_undecided', 'holds_gate', 'is_behind_gate', 'may_not_decide', 'before_getting_past', 'before_gate_is_reworded'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
end $$;
