-- A person hands a task, or what is left of a plan, to outside agents.

create function public.hand_to_agent(task_id uuid, whom text default '', capabilities jsonb default '[]', instructions text default '') returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(hand_to_agent.task_id, true);
  wanted jsonb := jsonb_strip_nulls(jsonb_build_object('whom', nullif(trim(whom), ''), 'capabilities', nullif(hand_to_agent.capabilities, '[]'),
    'instructions', nullif(trim(instructions), '')));
  ids uuid[];
begin
  if jsonb_typeof(hand_to_agent.capabilities) is distinct from 'array' or jsonb_array_length(hand_to_agent.capabilities) > 50 then
    perform private.refuse(422, 'capabilities is a list of at most 50 words', left(hand_to_agent.capabilities::text, 200));
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
  'Has outside agents do a task, or every part of a plan that has not begun and is no person''s: the agent named, or any with all these capabilities. It is offered when it is executed.';
select private.expose_function('public.hand_to_agent', array['authenticated', 'service_role']);
