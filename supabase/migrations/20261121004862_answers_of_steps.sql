-- What a run read, and what a model answered it, is not for everybody who may see the task.

-- A step that reads holds what stood in the mail, the calendar or the files of whoever the task belongs to.

drop policy steps_read on public.steps;
create policy steps_read on public.steps for select to authenticated
  using (organization_id = (select private.acting_organization())
    and (kind <> 'read' or exists (select 1 from public.tasks t where t.id = task_id and (t.created_by is null or t.created_by = (select auth.uid())))));

-- What a step gave, a model's answer too, is for the run that goes on with it. What came of the task stands with the task.
revoke select on public.steps from authenticated;
grant select (id, organization_id, task_id, root_task_id, key, kind, name, state, run_id, attempts, replays, error, cost_usd, started_at, finished_at)
  on public.steps to authenticated;

create or replace function public.list_steps(task_id uuid) returns setof jsonb
language plpgsql stable set search_path = '' as $$
begin
  perform private.own_task(list_steps.task_id);
  return query select jsonb_build_object('id', s.id, 'organization_id', s.organization_id, 'task_id', s.task_id, 'key', s.key, 'kind', s.kind, 'name', s.name,
      'state', s.state, 'run_id', s.run_id, 'attempts', s.attempts, 'replays', s.replays, 'error', s.error, 'cost_usd', s.cost_usd,
      'started_at', s.started_at, 'finished_at', s.finished_at)
    from public.steps s where s.task_id = list_steps.task_id order by s.started_at, s.key;
end $$;

create or replace function public.resolve_step(step_id uuid, happened boolean) returns jsonb
language plpgsql set search_path = '' as $$
declare
  step record;
  task public.tasks;
begin
  select s.id, s.task_id, s.state into step from public.steps s where s.id = resolve_step.step_id and private.in_scope(s.organization_id) for no key update;
  if step.id is null then
    perform private.refuse(404, 'There is no such step', format('step %s', resolve_step.step_id));
  end if;
  if step.state <> 'uncertain' then
    perform private.refuse(409, format('This step is %s, not uncertain', step.state), step.state);
  end if;
  if (select auth.uid()) is null then
    perform private.refuse(403, 'Only a person says what became of an uncertain step');
  end if;
  task := private.own_task(step.task_id, true);
  if happened then
    update public.steps s set state = 'finished', result = jsonb_build_object('value', jsonb_build_object(
      'output', null, 'verification', 'claimed', 'more', jsonb_build_object('resolved_by', 'person'), 'evidence', jsonb_build_array(
        jsonb_build_object('kind', 'word', 'what', 'A person found that it happened', 'at', now())))), finished_at = clock_timestamp() where s.id = step.id;
  else
    update public.steps s set state = 'failed', error = 'A person found that it did not happen', finished_at = clock_timestamp() where s.id = step.id;
  end if;
  if task.execution_status = 'blocked' and task.blocked_on = 'person' then
    update public.tasks t set execution_status = 'queued', run_after = null where t.id = task.id;
  end if;
  return (select l from public.list_steps(task.id) l where l ->> 'id' = step.id::text);
end $$;

-- Section: the words of a model as they come --------------------------------------------------------------------------
-- What it says, and what it thinks before, may quote what it was told of whoever it works for. What is kept of it stands with the task.

drop policy task_events_read on public.task_events;
create policy task_events_read on public.task_events for select to authenticated
  using (organization_id = (select private.acting_organization())
    and (kind <> 'output' or exists (select 1 from public.tasks t where t.id = task_id and (t.created_by is null or t.created_by = (select auth.uid())))));

create or replace function public.read_task_events(after bigint, page_size integer default 500) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(e) || case when e.kind = 'output' then jsonb_build_object('person_id', (select t.created_by from public.tasks t where t.id = e.task_id))
    else '{}' end
  from public.task_events e where e.id > read_task_events.after
  order by e.id limit least(greatest(page_size, 1), 5000)
$$;
comment on function public.read_task_events is
  'New events of every tenant, oldest first, for the one reader of a web process, which gives each on only to its own tenant; words of a model to person_id alone, where there is one.';
