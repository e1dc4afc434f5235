-- A gate reaches as far as what waits for it: nobody gets past it one step further down, nor past the part that it lies in.

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

create or replace function private.before_edge_goes() returns trigger
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
