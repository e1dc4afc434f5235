-- The journal: every model and tool call, recorded before and after its effect, under a deterministic key.

create table public.steps (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  task_id uuid not null references public.tasks (id) on delete cascade,
  root_task_id uuid not null,
  key text not null check (length(key) between 1 and 300),
  kind text not null check (kind in ('model', 'read', 'act')),
  name text not null check (length(name) between 1 and 200),
  state text not null default 'started' check (state in ('started', 'finished', 'failed', 'uncertain')),
  run_id uuid,
  attempts integer not null default 1 check (attempts > 0),
  replays integer not null default 0 check (replays >= 0),
  result jsonb,
  error text check (length(error) <= 2000),
  cost_usd numeric(14, 8),
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  unique (task_id, key),
  constraint uncertain_and_failed_say_why check (state not in ('failed', 'uncertain') or error is not null)
);
comment on table public.steps is 'One model or tool call of a task. A retried run replays what finished; what began and did not end is checked against the outside.';
comment on column public.steps.key is 'Deterministic: generation, purpose and number of the call for a model; name and number for a tool, whatever the generation.';
comment on column public.steps.attempts is 'How often the call was begun; more than one where a run broke off or the call failed.';
create index steps_root_idx on public.steps (root_task_id);
create index steps_organization_idx on public.steps (organization_id, started_at);

create function private.next_step_states(state text) returns text[]
language sql immutable set search_path = '' as $$
  select case state
    when 'started' then array['finished', 'failed', 'uncertain']
    when 'failed' then array['started', 'finished']
    when 'uncertain' then array['finished', 'failed']
    else array[]::text[]
  end
$$;
comment on function private.next_step_states is 'Where a step may go from a state; finished is final.';

create function private.before_step_update() returns trigger
language plpgsql set search_path = '' as $$
begin
  if new.task_id <> old.task_id or new.key <> old.key or new.kind <> old.kind or new.organization_id <> old.organization_id then
    perform private.refuse(409, 'What a step is never changes');
  end if;
  if new.state <> old.state and not new.state = any (private.next_step_states(old.state)) then
    perform private.refuse(409, format('A step that is %s cannot become %s', old.state, new.state));
  end if;
  if old.state = 'finished' and new.result is distinct from old.result then
    perform private.refuse(409, 'The result of a finished step never changes');
  end if;
  return new;
end $$;
comment on function private.before_step_update is 'Holds the states of steps; a finished one keeps its result.';
create trigger steps_10_change before update on public.steps for each row execute function private.before_step_update();

create function private.after_step_change() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select 1 from public.tasks t where t.id = new.task_id) then
    perform private.record_event(new.organization_id, new.task_id, new.root_task_id, 'step',
      case when tg_op = 'UPDATE' and new.replays > old.replays then 'replayed' else new.state end,
      jsonb_strip_nulls(jsonb_build_object('step_id', new.id, 'name', new.name, 'step_kind', new.kind, 'attempt', new.attempts,
        'error', new.error, 'cost_usd', new.cost_usd,
        'latency_ms', case when new.finished_at is not null then round(extract(epoch from new.finished_at - new.started_at) * 1000) end)));
  end if;
  return null;
end $$;
comment on function private.after_step_change is 'Steps as events, for the live pages.';
create constraint trigger steps_20_record after insert or update on public.steps
deferrable initially deferred for each row execute function private.after_step_change();

-- Section: bounds -------------------------------------------------------------------------------------------------

alter table public.organizations
  add column bounds jsonb not null default '{}' check (jsonb_typeof(bounds) = 'object'),
  add column automation_rules jsonb not null default '{}' check (jsonb_typeof(automation_rules) = 'object');
comment on column public.organizations.bounds is 'Bounds of every tree of this tenant, where the tree sets none of its own.';
comment on column public.organizations.automation_rules is 'When a task without rules of its own runs by itself; none: it waits for Execute.';

create function private.tree_bounds(root_task_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  select '{"max_depth": 8, "max_children": 100, "max_tasks": 1000, "max_model_calls": 1000, "max_cost_usd": 10, "max_wall_seconds": 2592000, "max_replans": 3}'::jsonb
    || coalesce(o.bounds, '{}') || coalesce(t.bounds, '{}')
  from public.tasks t join public.organizations o on o.id = t.organization_id where t.id = tree_bounds.root_task_id
$$;
comment on function private.tree_bounds is 'What a tree may use: the defaults, the tenant''s, its own.';

create function private.check_bounds() returns trigger
language plpgsql set search_path = '' as $$
declare
  item record;
  known text[] := array['max_depth', 'max_children', 'max_tasks', 'max_model_calls', 'max_cost_usd', 'max_wall_seconds', 'max_replans',
    'max_cost_usd_per_task'] || case when tg_table_name = 'organizations' then array['max_cost_usd_per_day', 'max_model_calls_per_day'] end;
begin
  for item in select key, value from jsonb_each(new.bounds) loop
    if item.key <> all (known) then
      perform private.refuse(422, format('There is no bound %L', item.key), 'allowed: ' || array_to_string(known, ', '));
    end if;
    if jsonb_typeof(item.value) <> 'number' or item.value::numeric < 0 then
      perform private.refuse(422, format('%s is a number from 0', item.key), item.value::text);
    end if;
  end loop;
  return new;
end $$;
comment on function private.check_bounds is 'Refuses bounds that mean nothing. What a day may cost is bounded for a tenant, not for a tree.';
create trigger tasks_05_bounds before insert or update of bounds on public.tasks for each row
when (new.bounds <> '{}') execute function private.check_bounds();
create trigger organizations_05_bounds before insert or update of bounds on public.organizations for each row
when (new.bounds <> '{}') execute function private.check_bounds();

create function private.tree_usage(root_task_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'tasks', (select count(*) from public.tasks t where t.root_task_id = tree_usage.root_task_id),
    'depth', (select max(t.depth) from public.tasks t where t.root_task_id = tree_usage.root_task_id),
    'model_calls', coalesce(sum(s.attempts) filter (where s.kind = 'model'), 0),
    'cost_usd', coalesce(sum(s.cost_usd), 0),
    'wall_seconds', (select coalesce(extract(epoch from coalesce(t.completed_at, now()) - t.started_at), 0)::bigint
                     from public.tasks t where t.id = tree_usage.root_task_id))
  from public.steps s where s.root_task_id = tree_usage.root_task_id
$$;
comment on function private.tree_usage is 'What a tree has used so far.';

create function public.get_tree_bounds(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_tree_bounds.task_id);
begin
  return jsonb_build_object('root_task_id', task.root_task_id, 'bounds', private.tree_bounds(task.root_task_id),
    'used', private.tree_usage(task.root_task_id));
end $$;
comment on function public.get_tree_bounds is 'Bounds of the tree a task is in, and how much of them is used: {root_task_id, bounds, used}.';

create function private.work_bound(root_task_id uuid) returns text
language plpgsql stable set search_path = '' as $$
declare
  allowed jsonb := private.tree_bounds(work_bound.root_task_id);
  calls bigint;
  cost numeric;
  seconds numeric;
begin
  select coalesce(sum(s.attempts), 0), coalesce(sum(s.cost_usd), 0) into calls, cost
  from public.steps s where s.root_task_id = work_bound.root_task_id and s.kind = 'model';
  select extract(epoch from now() - t.started_at) into seconds from public.tasks t where t.id = work_bound.root_task_id;
  return case
    when calls >= (allowed ->> 'max_model_calls')::numeric then format('%s of %s model calls are used', calls, allowed ->> 'max_model_calls')
    when cost >= (allowed ->> 'max_cost_usd')::numeric then format('$%s of $%s are spent', round(cost, 2), allowed ->> 'max_cost_usd')
    when seconds > (allowed ->> 'max_wall_seconds')::numeric then format('it was begun more than %s seconds ago', allowed ->> 'max_wall_seconds')
  end;
end $$;
comment on function private.work_bound is 'Which bound forbids another model call in a tree, in words; null when none does.';

create function private.wall_bound(root_task_id uuid) returns text
language sql stable set search_path = '' as $$
  select format('it was begun more than %s seconds ago', b.seconds)
  from public.tasks t join public.organizations o on o.id = t.organization_id
  cross join lateral (select coalesce(t.bounds ->> 'max_wall_seconds', o.bounds ->> 'max_wall_seconds', '2592000')::numeric as seconds) b
  where t.id = wall_bound.root_task_id and t.started_at < now() - make_interval(secs => b.seconds::double precision)
$$;
comment on function private.wall_bound is 'The bound of wall time in words where a tree has reached it; no part of it starts then.';

create function private.growth_bound(parent public.tasks, more integer) returns text
language plpgsql stable set search_path = '' as $$
declare
  allowed jsonb := private.tree_bounds(parent.root_task_id);
  here bigint;
  all_tasks bigint;
begin
  select count(*) into here from public.tasks t where t.parent_task_id = parent.id;
  select count(*) into all_tasks from public.tasks t where t.root_task_id = parent.root_task_id;
  return case
    when parent.depth + 1 > (allowed ->> 'max_depth')::numeric then format('it may be %s levels deep', allowed ->> 'max_depth')
    when here + more > (allowed ->> 'max_children')::numeric then format('a task may have %s parts, this one would have %s', allowed ->> 'max_children', here + more)
    when all_tasks + more > (allowed ->> 'max_tasks')::numeric then format('it may have %s tasks, and would have %s', allowed ->> 'max_tasks', all_tasks + more)
  end;
end $$;
comment on function private.growth_bound is 'Which bound forbids more parts below a task, in words; null when none does.';

-- Section: the functions of the journal ---------------------------------------------------------------------------

create function public.begin_step(task_id uuid, key text, kind text, name text, approval_id uuid default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(begin_step.task_id);
  known public.steps;
  was text;
  reached text;
begin
  select * into known from public.steps s where s.task_id = task.id and s.key = begin_step.key for no key update;
  if known.state = 'finished' then
    update public.steps s set replays = s.replays + 1 where s.id = known.id;
    return jsonb_build_object('state', 'finished', 'step_id', known.id, 'result', known.result);
  end if;
  if known.state = 'uncertain' then
    return jsonb_build_object('state', 'uncertain', 'step_id', known.id);
  end if;
  if kind = 'model' then
    reached := private.work_bound(task.root_task_id);
    if reached is not null then
      return jsonb_build_object('state', 'refused', 'reason', reached);
    end if;
  end if;
  was := known.state;
  if known.id is null then
    insert into public.steps as s (organization_id, task_id, root_task_id, key, kind, name, run_id)
    values (task.organization_id, task.id, task.root_task_id, begin_step.key, begin_step.kind, begin_step.name, task.run_id) returning s.* into known;
  else
    update public.steps s set state = 'started', error = null, started_at = clock_timestamp(), finished_at = null, run_id = task.run_id,
      attempts = s.attempts + case when was = 'started' and s.run_id is not distinct from task.run_id then 0 else 1 end
    where s.id = known.id;
  end if;
  if begin_step.approval_id is not null then
    update public.approvals a set state = 'used', step_id = known.id
    where a.id = begin_step.approval_id and a.task_id = task.id and a.tool = task.tool
      and (a.state = 'approved' and (a.expires_at is null or a.expires_at > now()) or a.state = 'used' and a.step_id = known.id);
    if not found then
      perform private.refuse(409, 'Nothing is done without an unused approval of exactly this', format('approval %s', begin_step.approval_id));
    end if;
  end if;
  return jsonb_build_object('step_id', known.id,
    'state', case when was = 'started' and kind = 'act' and known.run_id is distinct from task.run_id then 'unknown' else 'new' end);
end $$;
comment on function public.begin_step is
  'Before the effect. new: do it; finished: here is its result, do not do it again; unknown: an earlier run began it and did not end; uncertain: a person decides; refused: a bound of the tree is reached. approval_id: the person''s yes that this step uses up.';

create function public.finish_step(step_id uuid, result jsonb, call jsonb default null) returns void
language plpgsql set search_path = '' as $$
declare
  step public.steps;
begin
  select * into step from public.steps s where s.id = finish_step.step_id and private.in_scope(s.organization_id) for no key update;
  if step.id is null then
    perform private.refuse(404, 'There is no such step', format('step %s', finish_step.step_id));
  end if;
  if step.state = 'finished' then
    return;
  end if;
  if call is not null then
    perform public.record_llm_interaction(step.task_id, call);
  end if;
  update public.steps s set state = 'finished', result = finish_step.result, finished_at = clock_timestamp(),
    cost_usd = coalesce(s.cost_usd, 0) + coalesce((call ->> 'cost_usd')::numeric, 0) where s.id = step.id;
end $$;
comment on function public.finish_step is
  'After the effect: its result is kept for good, whoever tells it: a run that was taken over knows best what it did. call: tokens and cost of a model call.';

create function public.fail_step(step_id uuid, error text, is_uncertain boolean default false, call jsonb default null) returns void
language plpgsql set search_path = '' as $$
declare
  step public.steps;
begin
  select * into step from public.steps s where s.id = fail_step.step_id and private.in_scope(s.organization_id) for no key update;
  if step.id is null then
    perform private.refuse(404, 'There is no such step', format('step %s', fail_step.step_id));
  end if;
  if call is not null then
    perform public.record_llm_interaction(step.task_id, call);
  end if;
  -- The failure of a run that was taken over says nothing about what its successor has begun.
  if step.state = 'started' and step.run_id is not distinct from coalesce((auth.jwt() ->> 'run_id')::uuid, step.run_id) then
    update public.steps s set state = case when is_uncertain then 'uncertain' else 'failed' end, error = left(fail_step.error, 2000),
      finished_at = clock_timestamp(), cost_usd = coalesce(s.cost_usd, 0) + coalesce((call ->> 'cost_usd')::numeric, 0) where s.id = step.id;
  end if;
end $$;
comment on function public.fail_step is
  'The call failed and certainly had no effect; or, is_uncertain, nobody can know and a person decides. Only the run that began it last may say so.';

create function public.resolve_step(step_id uuid, happened boolean) returns jsonb
language plpgsql set search_path = '' as $$
declare
  step public.steps;
  task public.tasks;
begin
  select * into step from public.steps s where s.id = resolve_step.step_id and private.in_scope(s.organization_id) for no key update;
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
  return (select to_jsonb(s) from public.steps s where s.id = step.id);
end $$;
comment on function public.resolve_step is 'A person says whether an uncertain step took effect; its task goes on accordingly.';

create function public.list_steps(task_id uuid) returns setof jsonb
language plpgsql stable set search_path = '' as $$
begin
  perform private.own_task(list_steps.task_id);
  return query select to_jsonb(s) - array['result', 'root_task_id'] from public.steps s where s.task_id = list_steps.task_id order by s.started_at, s.key;
end $$;
comment on function public.list_steps is 'The steps of a task, without what they returned, oldest first.';

select private.guard_table('public.steps', 'select, update');
create policy steps_read on public.steps for select to authenticated using (organization_id in (select private.my_organizations()));
create policy steps_change on public.steps for update to authenticated using (organization_id in (select private.my_organizations()));
grant update (bounds, automation_rules) on public.organizations to authenticated;

do $$ declare f text; begin
  foreach f in array array['resolve_step', 'list_steps', 'get_tree_bounds'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['begin_step', 'finish_step', 'fail_step'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  foreach f in array array['next_step_states', 'before_step_update', 'tree_bounds', 'check_bounds', 'tree_usage', 'work_bound', 'wall_bound', 'growth_bound'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('private.after_step_change', array[]::text[]);
end $$;
