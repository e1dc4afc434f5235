-- A person hands a task, or what is left of a plan, to outside agents.

create function public.hand_to_agent(task_id uuid, whom text default '', capabilities jsonb default '[]', instructions text default '', input jsonb default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(hand_to_agent.task_id, true);
  wanted jsonb := jsonb_strip_nulls(jsonb_build_object('whom', nullif(trim(whom), ''), 'capabilities', nullif(hand_to_agent.capabilities, '[]'),
    'instructions', nullif(trim(instructions), ''))) || case when hand_to_agent.input is null then '{}' else jsonb_build_object('input', hand_to_agent.input) end;
  ids uuid[];
begin
  perform private.refuse_token();
  if jsonb_typeof(hand_to_agent.capabilities) is distinct from 'array' or jsonb_array_length(hand_to_agent.capabilities) > 50 then
    perform private.refuse(422, 'capabilities is a list of at most 50 words', left(hand_to_agent.capabilities::text, 200));
  end if;
  if jsonb_typeof(hand_to_agent.input) <> 'object' then
    perform private.refuse(422, 'input is an object', left(hand_to_agent.input::text, 200));
  end if;
  if exists (select 1 from public.tasks t where t.parent_task_id = task.id and t.superseded_at is null and t.execution_status <> 'cancelled') then
    ids := array(
      with recursive below as (
        select t.* from public.tasks t where t.parent_task_id = task.id and t.superseded_at is null
        union all
        select c.* from below b join public.tasks c on c.parent_task_id = b.id where c.superseded_at is null)
      select b.id from below b where b.tool is null and b.execution_type <> 'manual' and b.execution_status = 'pending'
        and not exists (select 1 from below c where c.parent_task_id = b.id));
  elsif coalesce(task.tool, 'outside_agent') = 'outside_agent' and (task.execution_status in ('pending', 'failed')
        or task.execution_status = 'blocked' and task.blocked_on in ('person', 'model', 'agent', 'bounds', 'start')) then
    ids := array[task.id];
  end if;
  if coalesce(cardinality(ids), 0) = 0 then
    perform private.refuse(409, 'There is nothing here to hand to an agent', task.title,
      'Tasks that have not begun, without a tool of their own, can be handed over; of a whole, those that are no person''s.');
  end if;
  update public.tasks t set tool = 'outside_agent', execution_type = 'fully_automated', tool_input = (t.tool_input - array['whom', 'capabilities', 'instructions']) || wanted
  where t.id = any (ids);
  if task.execution_status = 'blocked' and task.blocked_on = 'agent' then
    update public.tasks t set execution_status = 'queued', run_after = null where t.id = task.id; -- offered anew, to the one that is meant now
  end if;
  return jsonb_build_object('task_ids', to_jsonb(ids));
end $$;
comment on function public.hand_to_agent is
  'Has outside agents do a task, or every part of a plan that has not begun and is no person''s: the agent named, or any with all these capabilities. `input` is what they get with it; without one, what is there stays. It is offered when it is executed. A person''s own act: PT403 for programs.';
select private.expose_function('public.hand_to_agent', array['authenticated', 'service_role']);

-- Section: what a program may not do, whatever way it came --------------------------------------------------------
-- It makes new work for agents out of its own words. What a person keeps here it shows to none of them: it hands no task over, says of
-- none who gets it with what, and puts no work for agents into a tree that is there, where it would be shown what the others brought.

create function private.refuse_handing_over() returns void
language plpgsql stable set search_path = '' as $$
begin
  perform private.refuse(403, 'A token does not hand tasks to agents', null, 'It may make a task of its own for agents; what is there already, a person hands over.');
end $$;
comment on function private.refuse_handing_over is 'PT403 for a program that would show agents what a person keeps here.';

create function private.before_handing_over() returns trigger
language plpgsql set search_path = '' as $$
begin
  if (select auth.uid()) is null or private.token_scopes() is null then
    return new;
  elsif tg_op = 'UPDATE' then
    if old.tool is distinct from new.tool or old.tool_input - 'feedback' <> new.tool_input - 'feedback' then
      perform private.refuse_handing_over();
    end if;
  elsif exists (select 1 from public.tasks p join public.tasks r on r.id = p.root_task_id where p.id = new.parent_task_id and r.created_at < now())
        and not exists (select 1 from public.tasks s where s.id = new.supersedes_task_id and s.tool = new.tool and s.tool_input - 'feedback' = new.tool_input - 'feedback') then
    perform private.refuse_handing_over(); -- doing such a part again is none
  end if;
  return new;
end $$;
comment on function private.before_handing_over is 'A program hands no task that is there to agents, nor changes what they get with it, nor adds work for them to a tree.';
create trigger tasks_07_handing_over before insert on public.tasks for each row when (new.tool = 'outside_agent') execute function private.before_handing_over();
create trigger tasks_13_handing_over before update of tool, tool_input on public.tasks for each row when (new.tool = 'outside_agent') execute function private.before_handing_over();

create function private.before_adding_for_agent() returns trigger
language plpgsql set search_path = '' as $$
begin
  if (select auth.uid()) is null or private.token_scopes() is null or new.tool = 'revise_draft'
     or new.tool in ('email_send', 'slack_notification') and new.tool_input ? 'draft_id' then
    return new; -- sending and revising is done to what the task has
  elsif exists (select 1 from public.tasks p where p.id = new.parent_task_id and p.tool = 'outside_agent') and not exists (
       select 1 from public.tasks s where s.id = new.supersedes_task_id and s.parent_task_id = new.parent_task_id
         and s.tool is not distinct from new.tool and s.tool_input - 'feedback' = new.tool_input - 'feedback') then
    perform private.refuse_handing_over();
  end if;
  return new;
end $$;
comment on function private.before_adding_for_agent is 'An agent is shown what is below its task: a program adds nothing to that, but has a part done again.';
create trigger tasks_07_for_agent before insert on public.tasks for each row when (new.parent_task_id is not null) execute function private.before_adding_for_agent();

create function private.after_gate_is_cancelled() returns trigger
language plpgsql set search_path = '' as $$
begin
  if private.may_not_decide() and private.is_undecided(new)
     and exists (select 1 from public.tasks p where p.id = new.parent_task_id and p.execution_status <> 'cancelled') then
    perform private.refuse_undecided();
  end if;
  return null;
end $$;
comment on function private.after_gate_is_cancelled is
  'Taking a question away is an answer to it: no program without the scope to decide does so, but with the whole that the gate is a part of.';
create trigger tasks_15_gate_cancelled after update of execution_status on public.tasks for each row
when (new.execution_status = 'cancelled' and old.execution_status <> 'cancelled' and new.tool in ('approval_gate', 'plan_stage'))
execute function private.after_gate_is_cancelled();

create function private.before_showing_agent() returns trigger
language plpgsql set search_path = '' as $$
begin
  if (select auth.uid()) is not null and private.token_scopes() is not null
     and exists (select 1 from public.tasks t where t.id = new.task_id and t.tool = 'outside_agent' and t.created_at < now()) then
    perform private.refuse_handing_over();
  end if;
  return new;
end $$;
comment on function private.before_showing_agent is 'An agent is shown what its task depends on: a program adds nothing to that.';
create trigger task_dependencies_07_showing_agent before insert or update on public.task_dependencies for each row execute function private.before_showing_agent();

do $$ declare f text; begin
  foreach f in array array['refuse_handing_over', 'before_handing_over', 'before_adding_for_agent', 'after_gate_is_cancelled', 'before_showing_agent'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
end $$;
