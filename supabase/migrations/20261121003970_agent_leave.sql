-- What a part that an outside agent made reads, leaves the house to that agent: it has leave only by a person's yes, or by a tool that
-- the person gave the agent. And such a part names no outputs but the agent's own.

-- Section: who gets what a task finds -----------------------------------------------------------------------------

create function private.agents_above(task_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  with recursive above (id, parent_id, agent_id) as (
    select t.id, t.parent_task_id, t.source_ref ->> 'agent_id' from public.tasks t where t.id = agents_above.task_id and private.in_scope(t.organization_id)
    union all
    select t.id, t.parent_task_id, t.source_ref ->> 'agent_id' from above a join public.tasks t on t.id = a.parent_id)
  select coalesce(jsonb_agg(jsonb_build_object('id', m.agent_id, 'name', coalesce(g.name, 'An agent'), 'tools', coalesce((
      select jsonb_agg(case jsonb_typeof(x.value) when 'object' then x.value ->> 'name' else x.value #>> '{}' end) from jsonb_array_elements(g.tools) x), '[]'))
    order by g.name), '[]')
  from (select distinct a.agent_id from above a where a.agent_id is not null) m left join public.agents g on g.id = private.as_uuid(m.agent_id)
$$;
comment on function private.agents_above is
  'The outside agents that made this task, or one above it: what it finds goes to them. `tools` is what the person gave each. Definer, since nobody reads the hashes.';

create function private.wanted_by(task_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  with recursive above (parent_id, agent_id, height) as (
    select t.parent_task_id, t.source_ref ->> 'agent_id', 0 from public.tasks t where t.id = wanted_by.task_id
    union all
    select t.parent_task_id, t.source_ref ->> 'agent_id', a.height + 1 from above a join public.tasks t on t.id = a.parent_id)
  select jsonb_build_object('agent_id', private.as_uuid(a.agent_id), 'name', coalesce(g.name, 'An agent'))
  from above a left join public.agents g on g.id = private.as_uuid(a.agent_id)
  where private.as_uuid(a.agent_id) is not null
  order by a.height limit 1
$$;
comment on function private.wanted_by is 'The nearest outside agent that made this task, or one above it: {agent_id, name}; null where none did.';
select private.expose_function('private.wanted_by', array['authenticated', 'service_role']);

create function private.may_not_read(task_id uuid, name text) returns text
language sql stable set search_path = '' as $$
  -- Computing on what is given looks at nothing.
  select case when may_not_read.name <> 'data_transform' then (
    select format('what it finds goes to %s, who was not given %s', a.value ->> 'name', may_not_read.name)
    from jsonb_array_elements(private.agents_above(may_not_read.task_id)) a where not a.value -> 'tools' ? may_not_read.name limit 1) end
$$;
comment on function private.may_not_read is 'Why this task may not read by itself with this tool, in words; null where it may.';

create or replace function private.step_refusal(step public.steps) returns text
language plpgsql stable security definer set search_path = '' as $$
declare
  purpose text := regexp_replace(step.key, '/[0-9]+$', '');
begin
  if step.kind = 'read' then
    return case when not exists (select 1 from public.approvals a where a.step_id = step.id and a.task_id = step.task_id and a.state = 'used' and a.tool = step.name)
      then private.may_not_read(step.task_id, step.name) end;
  elsif step.kind <> 'act' or exists (
       select 1 from public.approvals a where a.step_id = step.id and a.task_id = step.task_id and a.state = 'used'
         and private.is_step_of(a.tool, step.name, step.key)
         and (a.decided_how is distinct from 'own' or private.agents_above(step.task_id) = '[]')) then
    return null;
  elsif purpose like 'send draft %' then
    return case when not exists (
      select 1 from public.drafts d join public.approvals a on a.draft_id = d.id and a.state = 'used' and a.digest = d.digest
      join public.tasks t on t.id = step.task_id and t.tool_input ->> 'draft_id' = d.id::text
      where d.id = private.as_uuid(substr(purpose, 12)) and d.organization_id = step.organization_id and d.state in ('sending', 'sent', 'failed', 'uncertain')
        and step.name = purpose and step.key = purpose || '/0')
      then 'this draft is not being sent' end;
  elsif purpose ~ '^browser_by_hand [0-9]{1,18}$' then
    return case when not exists (
      select 1 from public.browser_commands c where c.id = substr(purpose, 17)::bigint and c.task_id = step.task_id)
      then 'no person made this move' end;
  end if;
  return 'no approval was used for it';
end $$;
comment on function private.step_refusal is
  'Why a step has no leave, in words; null when it has. An act: an approval used by this step, a draft that is being sent, or a person''s own move in the browser. A read: where it goes to no outside agent, or to one that was given the tool, or by a yes.';

create or replace function private.permission_covers(policy_id uuid, approval public.approvals) returns text
language plpgsql security definer set search_path = '' as $$
declare
  permission public.policies;
  refusal text;
  this_hour bigint;
  this_day bigint;
begin
  -- Locked: two at once would both count the same past.
  select * into permission from public.policies p
  where p.id = permission_covers.policy_id and p.organization_id = approval.organization_id for no key update;
  if permission.id is null then
    return 'There is no such standing permission';
  elsif exists (select 1 from public.organizations o where o.id = approval.organization_id and o.permissions_stopped_at is not null) then
    return 'All standing permissions are stopped';
  elsif not permission.is_enabled then
    return 'The standing permission is switched off';
  elsif permission.expires_at <= now() then
    return 'The standing permission has expired';
  elsif private.wanted_by(approval.task_id) is not null then -- whoever asks
    return format('It is the wish of %s, an agent of others', private.wanted_by(approval.task_id) ->> 'name');
  elsif approval.decision ->> 'verdict' is distinct from 'allow' or approval.decision ->> 'permission_id' is distinct from permission.id::text then
    return 'The policy did not allow it by this permission';
  end if;
  refusal := private.permission_reaches(permission, approval);
  if refusal is not null then
    return refusal;
  end if;
  select count(*) filter (where a.decided_at > now() - interval '1 hour'), count(*) into this_hour, this_day
  from public.approvals a where a.policy_id = permission.id and a.decided_how = 'permission' and a.state in ('approved', 'used')
    and a.decided_at > now() - interval '1 day'; -- what was taken back had not begun: it never left
  return case
    when this_hour >= permission.max_per_hour then format('The standing permission was used %s times in the last hour, as often as it may', this_hour)
    when this_day >= permission.max_per_day then format('The standing permission was used %s times in the last day, as often as it may', this_day) end;
end $$;
comment on function private.permission_covers is
  'Why a standing permission does not cover what an approval asks for, in words; null when it does. What an outside agent wants, none covers. Locks the permission, so that two at once cannot exceed its limits.';

create or replace function public.begin_step(task_id uuid, key text, kind text, name text, approval_id uuid default null, own jsonb default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(begin_step.task_id);
  known public.steps;
  was text;
  reached text;
  sealed jsonb;
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
      and (begin_step.kind <> 'act' or private.is_step_of(a.tool, begin_step.name, begin_step.key))
      and (a.state = 'approved' and a.generation = task.generation and a.payload -> 'given' = task.tool_input or a.state = 'used' and a.step_id = known.id);
    if not found then
      perform private.refuse(409, 'Nothing is done without an unused approval of exactly this', format('approval %s', begin_step.approval_id));
    end if;
  elsif kind in ('act', 'read') then
    reached := private.step_refusal(known);
    if reached is not null and kind = 'act' and private.is_own_act(task.tool) and begin_step.name = task.tool and private.agents_above(task.id) = '[]' then
      sealed := coalesce(begin_step.own, jsonb_build_object('input', task.tool_input));
      insert into public.approvals (organization_id, task_id, title, state, digest, payload, tool, generation, step_id, decided_how, decision)
      values (task.organization_id, task.id, task.title, 'used', encode(sha256(convert_to(sealed::text, 'UTF8')), 'hex'), sealed, task.tool, task.generation,
        known.id, 'own', '{"verdict": "allow", "permission_id": null, "reasons": []}');
    elsif reached is not null then
      perform private.refuse(403, 'Nothing is done without leave', format('%s: %s', begin_step.name, reached));
    end if;
  end if;
  return jsonb_build_object('step_id', known.id,
    'state', case when was = 'started' and kind = 'act' and known.run_id is distinct from task.run_id then 'unknown' else 'new' end);
end $$;

-- Section: what outside agents have done here waits for everybody else ------------------------------------------------

create function private.burdens(task public.tasks) returns text
language sql stable set search_path = '' as $$
  select case when coalesce(task.tool, '') <> all (array['outside_agent', 'agent_interrupt', 'approval_gate', 'noop', 'delay'])
    then private.wanted_by(task.id) ->> 'agent_id' end
$$;
comment on function private.burdens is 'The outside agent for which a worker would do this; null where it is for none, or costs nothing.';

create or replace function private.defer_task(task public.tasks) returns void
language plpgsql security definer set search_path = jobs, pg_temp as $$
begin
  perform procrastinate_defer_jobs_v1(array[row(
    case when task.tool is not null then 'tools' else 'thinking' end, 'advance_task',
    5 - task.priority_rank - case when private.burdens(task) is null then 0 else 100 end, -- agents' after all others
    null, task.id::text,
    jsonb_build_object('task_id', task.id, 'organization_id', task.organization_id), task.run_after
  )::procrastinate_job_to_defer_v1]);
exception when unique_violation then
  -- A job for this task waits already: one is enough, but it must not wait longer than this one would.
  update procrastinate_jobs j set scheduled_at = task.run_after
  where j.queueing_lock = task.id::text and j.status = 'todo' and j.scheduled_at > coalesce(task.run_after, now());
end $$;

create function private.is_held_back(task_id uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  most constant integer := 2; -- at a time, for one agent
  task public.tasks;
  agent text;
begin
  select t.* into task from public.tasks t where t.id = is_held_back.task_id and t.execution_status = 'queued' and private.in_scope(t.organization_id);
  agent := private.burdens(task);
  if agent is null then
    return false;
  end if;
  -- Two that start at once would both count the same; nobody waits for the lock.
  if pg_try_advisory_xact_lock(hashtextextended('parts of agent ' || agent, 0)) and most > (
       select count(*) from public.tasks t
       where t.organization_id = task.organization_id and t.execution_status = 'in_progress' and t.worker_id is not null
         and private.burdens(t) = agent and not exists (select 1 from public.tasks c where c.parent_task_id = t.id)) then
    return false;
  end if;
  -- The more wait, the less often each asks; the end of one calls the next.
  task.run_after := now() + make_interval(secs => 1 + 0.25 * (select count(*) from public.tasks t
    where t.parent_task_id = task.parent_task_id and t.execution_status = 'queued'));
  perform private.defer_task(task);
  return true;
end $$;
comment on function private.is_held_back is
  'Does as much run for the task''s outside agent as may at a time? Then it stays queued, with a job that asks again a moment later. Definer: nobody else touches the queue.';

create function private.call_next_part() returns trigger
language plpgsql security definer set search_path = jobs, pg_temp as $$
declare
  agent text := private.burdens(old);
begin
  if agent is not null then
    update procrastinate_jobs w set scheduled_at = now()
    where w.id = (
      select j.id from procrastinate_jobs j join public.tasks t on t.id::text = j.queueing_lock
      where j.status = 'todo' and j.priority < -50 and j.scheduled_at > now() and t.execution_status = 'queued' and coalesce(t.run_after <= now(), true)
        and t.organization_id = old.organization_id and private.burdens(t) = agent
      order by j.scheduled_at limit 1 for update of j skip locked);
  end if;
  return null;
end $$;
comment on function private.call_next_part is 'What was held back for an outside agent is tried when one of its tasks has ended. Definer: nobody else touches the queue.';
create trigger tasks_22_next_part after update of execution_status on public.tasks for each row
when (old.execution_status = 'in_progress' and new.execution_status <> 'in_progress' and old.parent_task_id is not null) execute function private.call_next_part();

create or replace function private.start_queued_task(task_id uuid, executor_id uuid, worker_id uuid, journaled jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  answer jsonb;
  kind text;
  reached text;
  told jsonb;
begin
  if private.waits_for_others(start_queued_task.task_id) then
    -- An edge was drawn since, or a waiver taken back: its release queues it again.
    update public.tasks t set execution_status = 'pending'
    where t.id = start_queued_task.task_id and t.execution_status = 'queued' and private.in_scope(t.organization_id);
    return case when found then '{}'::jsonb end;
  end if;
  if private.is_held_back(start_queued_task.task_id) then
    return '{}';
  end if;
  update public.tasks t set execution_status = 'in_progress', assigned_to_type = 'agent', worker_id = start_queued_task.worker_id,
    assigned_to_id = coalesce(start_queued_task.executor_id, t.assigned_to_id),
    agent_id = coalesce((select a.id from public.agents a where a.id = start_queued_task.executor_id), t.agent_id)
  where t.id = start_queued_task.task_id and t.execution_status = 'queued' and (t.run_after is null or t.run_after <= now() + interval '1 second')
    and private.in_scope(t.organization_id) and not private.is_paused(t.id)
  returning to_jsonb(t) - array['search', 'priority_rank', 'due_key', 'source_key', 'depth', 'lost_count', 'worker_id', 'execution_log']
    || jsonb_build_object('subtask_count', (select count(*) from public.tasks c where c.parent_task_id = t.id)) into answer;
  if answer is null then
    return null;
  end if;
  told := private.agents_above(start_queued_task.task_id);
  if told <> '[]' then
    answer := answer || jsonb_build_object('outside_agents', told);
  end if;
  reached := private.wall_bound((answer ->> 'root_task_id')::uuid);
  if reached is not null then
    return answer || jsonb_build_object('bound', reached);
  end if;
  kind := journaled ->> (answer ->> 'tool');
  -- Another act needs a yes, and so may a read of which an outside agent is told: the run looks for it.
  if kind = 'read' and (told = '[]' or private.may_not_read(start_queued_task.task_id, answer ->> 'tool') is null)
     or kind = 'act' and told = '[]' and private.is_own_act(answer ->> 'tool') then
    answer := answer || jsonb_build_object('step', public.begin_step(start_queued_task.task_id,
      case when kind = 'read' then format('%s/%s/0', answer ->> 'generation', answer ->> 'tool') else (answer ->> 'tool') || '/0' end,
      kind, answer ->> 'tool'));
  end if;
  return answer;
end $$;

create function private.before_agents_thought() returns trigger
language plpgsql set search_path = '' as $$
begin
  -- It saw other tasks, threads and notes: a person reads what came out before the agent does.
  new.execution_type := 'semi_automated';
  return new;
end $$;
comment on function private.before_agents_thought is 'What Steward thinks for an outside agent waits for a person''s review.';
create trigger tasks_12_agents_thought before insert on public.tasks for each row
when (new.source_ref ? 'agent_id' and new.tool is null and new.execution_type = 'fully_automated') execute function private.before_agents_thought();

create function private.before_agents_part_changes() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if private.token_scopes() is null then
    return new;
  elsif old.source_ref ? 'agent_id' and (new.execution_type <> old.execution_type or new.tool is distinct from old.tool) then
    perform private.refuse(403, 'How an agent''s part is done, a person changes', case when new.tool is distinct from old.tool then 'tool' else 'execution_type' end);
  elsif private.may_not_decide() and old.execution_status <> 'completed' and new.execution_status = 'completed'
        and (old.blocked_on in ('review', 'approval') or old.tool is null and old.execution_type <> 'manual' and old.result is not null
          or exists (select 1 from public.approvals a where a.task_id = old.id and a.state = 'open'))
        and private.agents_above(old.id) <> '[]' then
    perform private.refuse(403, 'A person looks at this before an agent does', 'execution_status', 'A token decides only with the scope review:write.');
  end if;
  return new;
end $$;
comment on function private.before_agents_part_changes is
  'No program has an agent''s part done in another way, or, without the scope to decide, ends one that waits for a person''s word. Definer, since nobody reads the agents above.';
create trigger tasks_14_agents_part before update of execution_type, tool, execution_status on public.tasks for each row
when (new.execution_type <> old.execution_type or new.tool is distinct from old.tool or new.execution_status = 'completed' and old.execution_status <> 'completed')
execute function private.before_agents_part_changes();

-- Section: what templates may name --------------------------------------------------------------------------------

create function private.nameable(task_id uuid) returns setof uuid
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks;
  part public.tasks;
begin
  select t.* into task from public.tasks t where t.id = nameable.task_id;
  part := task;
  while part.id is not null and not part.source_ref ? 'agent_id' loop
    select t.* into part from public.tasks t where t.id = part.parent_task_id;
  end loop;
  if part.id is null then
    -- As if there were no parts that agents made.
    return query with recursive theirs (id) as (
      select t.id from public.tasks t where t.root_task_id = task.root_task_id and t.source_ref ? 'agent_id'
      union select c.id from theirs h join public.tasks c on c.parent_task_id = h.id)
    select t.id from public.tasks t where t.root_task_id = task.root_task_id and not exists (select 1 from theirs h where h.id = t.id);
    return;
  end if;
  return query
    select t.id from public.tasks t where t.parent_task_id = part.parent_task_id and t.id <> part.id and t.source_ref ->> 'agent_id' = part.source_ref ->> 'agent_id'
    union select d.depends_on_task_id from public.task_dependencies d where d.task_id = part.parent_task_id
    union select private.subtree(part.id);
end $$;
comment on function private.nameable is
  'Whose outputs templates of this task may name, as far as they are over before it. Of a part that an outside agent made: the agent''s other parts of the same task, and what that task directly depends on. Of any other: all but such parts.';

create or replace function public.list_outputs_before(task_id uuid) returns setof jsonb
language plpgsql stable set search_path = '' as $$
begin
  perform private.own_task(list_outputs_before.task_id);
  return query
    with named as materialized (select private.nameable(list_outputs_before.task_id) as id)
    select jsonb_build_object('id', t.id, 'title', t.title, 'names', case when t.id in (select n.id from named n) then private.template_names(t) else '{}' end,
      'tool', t.tool, 'tool_input', t.tool_input, 'source', t.source, 'execution_status', t.execution_status, 'is_waived', t.waived_at is not null,
      'result', t.result, 'after', array(select private.done_before(t.id)))
    from public.tasks t where t.id in (select private.done_before(list_outputs_before.task_id)) order by t.position, t.id;
end $$;
comment on function public.list_outputs_before is
  'Every task that is over before this one starts, with what it gave and, where templates may name it, its names.';

create or replace function private.check_templates(task public.tasks) returns void
language plpgsql stable set search_path = '' as $$
declare
  wanted text;
  fitting integer;
  named uuid[];
begin
  for wanted in
    select distinct m[2] from jsonb_path_query(task.tool_input, 'strict $.**') v (value)
    cross join lateral regexp_matches(v.value #>> '{}', '(\\?)\{\{\s*([^\s.{}\[\]]*)', 'g') m
    where jsonb_typeof(v.value) = 'string' and m[1] = ''
  loop
    named := coalesce(named, array(select private.nameable(task.id)));
    select count(*) into fitting from public.tasks t
    where t.id in (select private.done_before(task.id)) and t.id = any (named) and wanted = any (private.template_names(t));
    if fitting = 1 then
      continue;
    elsif fitting > 1 then
      perform private.refuse(422, format('%s uses {{ %s }}, and several tasks are called that', task.title, wanted), 'tool_input', 'Give each a key of its own.');
    elsif exists (select 1 from public.tasks t where t.id = any (named) and wanted = any (private.template_names(t))) then
      perform private.refuse(422, format('%s uses {{ %s }}, and does not depend on that task', task.title, wanted), 'tool_input', 'Add it to depends_on.');
    else
      perform private.refuse(422, format('%s uses {{ %s }}, and no task of the tree has that key or title', task.title, wanted), 'tool_input');
    end if;
  end loop;
end $$;

do $$ begin
  perform private.expose_function('private.agents_above', array['service_role']);
  perform private.expose_function('private.may_not_read', array['service_role']);
  perform private.expose_function('private.nameable', array['authenticated', 'service_role']);
  perform private.expose_function('private.before_agents_thought', array[]::text[]);
  perform private.expose_function('private.before_agents_part_changes', array[]::text[]);
  perform private.expose_function('private.burdens', array[]::text[]);
  perform private.expose_function('private.call_next_part', array[]::text[]);
  perform private.expose_function('private.is_held_back', array['authenticated', 'service_role']);
end $$;
