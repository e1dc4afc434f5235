-- What agents report: each event once, whatever the order; what comes late is recorded and changes nothing.

-- Section: the record ---------------------------------------------------------------------------------------------

create table public.agent_reports (
  agent_id uuid not null references public.agents (id) on delete cascade,
  event_id text not null check (length(event_id) between 1 and 200),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  execution_id uuid not null references public.tasks (id) on delete cascade,
  task_id uuid not null references public.tasks (id) on delete cascade,
  lease_id uuid,
  kind text not null,
  data jsonb not null default '{}' check (jsonb_typeof(data) = 'object'),
  at timestamptz,
  received_at timestamptz not null default now(),
  outcome text not null default 'recorded' check (outcome in ('applied', 'recorded', 'late', 'refused')),
  answer jsonb not null default '{}',
  primary key (agent_id, event_id)
);
comment on table public.agent_reports is 'Every event that an agent reported, once: what it said, whether it was applied, and what it was answered.';
comment on column public.agent_reports.at is 'When it happened, by the agent''s clock.';
comment on column public.agent_reports.outcome is 'applied; recorded: older than what was applied already; late: its lease had ended; refused: the state of things did not allow it.';
create index agent_reports_execution_idx on public.agent_reports (execution_id, received_at);
create index agent_reports_task_idx on public.agent_reports (task_id);
create index agent_reports_organization_idx on public.agent_reports (organization_id);
create index agent_reports_received_idx on public.agent_reports (received_at);
select private.guard_table('public.agent_reports', 'select');
create policy agent_reports_read on public.agent_reports for select to authenticated using (organization_id in (select private.my_organizations()));

-- Section: parts that an agent makes ------------------------------------------------------------------------------

create function private.insert_agent_parts(parent public.tasks, agent public.agents, data jsonb, needs_agreement boolean) returns jsonb
language plpgsql set search_path = '' as $$
declare
  gate public.tasks;
  made public.tasks;
  ids jsonb := '[]';
  item record;
begin
  if needs_agreement then
    gate := private.insert_task(jsonb_build_object('title', left(format('Agree to how %s breaks this down', agent.name), 500), 'position', 0, 'source', 'agent',
      'description', coalesce(data ->> 'message', ''), 'tool', 'approval_gate', 'execution_type', 'fully_automated', 'on_failure', 'escalate',
      'source_ref', jsonb_build_object('task_id', parent.id, 'agent_id', agent.id, 'agrees_to_parts', true),
      'tool_input', jsonb_build_object('question', left(format('%s would do "%s" in these parts. Shall it?', agent.name, parent.title), 500),
        'why', format('It is %s sure of them.', round(100 * coalesce((data ->> 'confidence')::numeric, 0)) || ' %'),
        'parts', (select jsonb_agg(p.value ->> 'title' order by p.ordinality) from jsonb_array_elements(data -> 'parts') with ordinality p))), parent.id);
  end if;
  for item in select value, ordinality from jsonb_array_elements(data -> 'parts') with ordinality loop
    made := private.insert_task((item.value - array['depends_on', 'parent_task_id', 'source_key', 'key', 'source', 'source_ref', 'bounds', 'supersedes_task_id', 'agent_id',
        'assigned_to_type', 'assigned_to_id', 'automation_rules', 'recurrence']) || jsonb_build_object('source', 'agent', 'position', item.ordinality, 'on_failure', 'escalate',
      'source_ref', jsonb_strip_nulls(jsonb_build_object('task_id', parent.id, 'agent_id', agent.id, 'key', item.value -> 'key'))), parent.id);
    ids := ids || jsonb_build_array(jsonb_build_object('key', item.value -> 'key', 'task_id', made.id));
    if gate.id is not null then
      insert into public.task_dependencies (organization_id, task_id, depends_on_task_id) values (parent.organization_id, made.id, gate.id);
    end if;
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select distinct parent.organization_id, (ids -> (s.ordinality::integer - 1) ->> 'task_id')::uuid, (ids -> d.value::integer ->> 'task_id')::uuid
  from jsonb_array_elements(data -> 'parts') with ordinality s
  cross join jsonb_array_elements_text(coalesce(s.value -> 'depends_on', '[]')) d;
  return ids;
end $$;
comment on function private.insert_agent_parts is
  'Parts {key, title, ..., depends_on: [positions from 0]} below a task, with a person''s agreement before all of them where the agent is not sure; their ids by key.';

-- Section: one report ---------------------------------------------------------------------------------------------

create function private.taken_from(agent public.agents) returns jsonb
language sql immutable set search_path = '' as $$
  select jsonb_build_array(jsonb_build_object('kind', 'agent', 'ref', agent.id, 'title', agent.name))
$$;
comment on function private.taken_from is 'What an agent reports was written by somebody else: this goes among the origins of the task.';

create function private.apply_end(task public.tasks, lease public.agent_leases, agent public.agents, kind text, data jsonb, rules jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  wait_seconds double precision;
  parts jsonb;
  reached text;
  is_unsure boolean;
begin
  update public.tasks t set tainted_by = private.merged_taint(t.tainted_by, private.taken_from(agent)) where t.id = task.id;
  case kind
    when 'complete' then
      perform private.end_lease(lease.id, 'completed');
      update public.tasks t set execution_status = 'completed', failure_reason = null, verification = 'claimed', strategy = 'immediate',
        result = jsonb_strip_nulls(jsonb_build_object('strategy', 'immediate', 'message', data -> 'message', 'confidence', data -> 'confidence'))
          || jsonb_build_object('output', coalesce(data -> 'output', data -> 'message')),
        evidence = jsonb_build_array(jsonb_build_object('kind', 'agent', 'what', format('The agent %s reported it', agent.name), 'where', agent.id, 'at', now()))
          || coalesce(data -> 'evidence', '[]')
      where t.id = task.id;
    when 'error' then
      if data ->> 'error_type' = 'decomposition_failed' then
        perform private.end_lease(lease.id, 'failed');
        perform private.block_paused(task.id);
        perform public.block_task_execution(task.id, left(format('%s cannot break it down: %s', agent.name, data ->> 'error'), 2000), 'person',
          'Break it down yourself, do it, or execute it again');
        return '{"human_review_required": true}';
      end if;
      perform private.end_lease(lease.id, 'failed');
      perform public.fail_task_execution(task.id, left(format('%s: %s', agent.name, data ->> 'error'), 2000), coalesce((data ->> 'is_retryable')::boolean, true),
        (data ->> 'retry_after_seconds')::double precision);
    when 'blocked' then
      perform private.end_lease(lease.id, 'blocked');
      perform private.block_paused(task.id);
      if data ->> 'on' = 'person' then
        perform public.block_task_execution(task.id, left(format('%s: %s', agent.name, data ->> 'reason'), 2000), 'person',
          coalesce(data ->> 'unblocked_by', 'Do what it needs, then execute it again'));
      else
        update public.agent_offers o set state = 'resting', obstacle = left(data ->> 'reason', 2000), obstacle_since = coalesce(o.obstacle_since, now()),
          rechecks = o.rechecks + 1, reserved_for = agent.id,
          opens_at = now() + make_interval(secs => least(coalesce((data ->> 'recheck_after_seconds')::double precision,
            coalesce((rules ->> 'recheck_seconds')::double precision, 300) * power(2, least(o.rechecks, 20))), coalesce((rules ->> 'recheck_most_seconds')::double precision, 21600)))
        where o.task_id = task.id;
        update public.agent_offers o set reserved_until = o.opens_at + interval '10 minutes' where o.task_id = task.id;
        perform public.block_task_execution(task.id, left(format('%s waits: %s', agent.name, data ->> 'reason'), 2000), 'agent',
          coalesce(data ->> 'unblocked_by', 'The agent looks again; you can also enter the result yourself'),
          until => (select o.deadline_at from public.agent_offers o where o.task_id = task.id));
      end if;
    when 'created' then
      reached := private.growth_bound(task, jsonb_array_length(data -> 'parts') + 1);
      if reached is not null then
        perform private.refuse(422, 'The tree has reached its bound', reached);
      end if;
      perform private.block_paused(task.id);
      is_unsure := coalesce((data ->> 'confidence')::double precision, 0) < 0.8;
      select t.* into task from public.tasks t where t.id = task.id;
      parts := private.insert_agent_parts(task, agent, data, is_unsure);
      perform private.end_lease(lease.id, 'decomposed');
      update public.agent_offers o set continues = coalesce((data ->> 'continues')::boolean, false), reserved_for = agent.id,
        reserved_until = now() + interval '1 day' where o.task_id = task.id;
      update public.tasks t set execution_status = 'blocked', strategy = 'decompose', blocked_on = 'subtasks', decomposition_confidence = (data ->> 'confidence')::real,
        blocked_reason = case when is_unsure then 'Waits for your agreement to its parts' else format('0 of %s subtasks done', jsonb_array_length(parts)) end,
        result = jsonb_build_object('strategy', 'decompose', 'output', coalesce(data ->> 'message', ''), 'confidence', data -> 'confidence')
      where t.id = task.id;
      perform private.queue_ready_children(task.id);
      return jsonb_build_object('parts', parts, 'human_review_required', is_unsure);
  end case;
  return '{}';
end $$;
comment on function private.apply_end is
  'A report that ends the lease: the task is completed, failed or tried again, blocked on a person or on something outside, or broken down.';

create function private.block_paused(task_id uuid) returns void
language sql set search_path = '' as $$
  -- A paused task cannot become blocked: it runs for this moment. Its tree stays paused.
  update public.tasks t set execution_status = 'in_progress' where t.id = block_paused.task_id and t.execution_status = 'paused'
$$;
comment on function private.block_paused is 'Lets a paused task pass to blocked, for a report that comes while its tree is paused.';

create function private.lease_of_report(agent public.agents, task public.tasks, event jsonb, rules jsonb) returns public.agent_leases
language plpgsql set search_path = '' as $$
declare
  lease public.agent_leases;
  offer public.agent_offers;
begin
  if event ->> 'lease_id' is not null then
    select l.* into lease from public.agent_leases l
    where l.id = (event ->> 'lease_id')::uuid and l.agent_id = agent.id and l.task_id = task.id;
  else
    select l.* into lease from public.agent_leases l where l.agent_id = agent.id and l.task_id = task.id order by l.claimed_at desc limit 1;
  end if;
  if event ->> 'type' = 'subtask_started' and (lease.id is null or lease.ended_at is not null) and task.execution_status = 'blocked'
     and task.blocked_on = 'agent' and agent.paused_at is null and not private.is_paused(task.id) then
    select o.* into offer from public.agent_offers o where o.task_id = task.id and o.state = 'open';
    if offer.task_id is not null and private.fits(offer, agent)
       and (select count(*) from public.agent_leases l where l.agent_id = agent.id and l.ended_at is null) < agent.max_concurrent then
      lease := private.lease_task(task, agent, rules);
    end if;
  end if;
  return lease;
end $$;
comment on function private.lease_of_report is
  'The lease that an event is about; a subtask that the agent begins by saying so is claimed with it. Null where the agent never had the task.';

create function private.apply_report(agent public.agents, execution_id uuid, event jsonb, rules jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  kind text := split_part(event ->> 'type', '_', 2); -- what happened, to a task or to a subtask
  data jsonb := coalesce(nullif(event -> 'data', 'null'), '{}');
  said_at timestamptz := (event ->> 'at')::timestamptz;
  task public.tasks;
  lease public.agent_leases;
  known public.agent_reports;
  said jsonb := '{}';
  became text := 'applied';
  refused_message text;
  refused_detail text;
begin
  select t.* into task from public.tasks t
  where t.id = (event ->> 'task_id')::uuid and t.root_task_id = apply_report.execution_id and private.in_scope(t.organization_id) for no key update;
  if task.id is not null then
    lease := private.lease_of_report(agent, task, event, rules);
  end if;
  if lease.id is null then
    return jsonb_build_object('event_id', event ->> 'event_id', 'outcome', 'refused', 'status', 404, 'next', 'poll',
      'reason', 'no work of yours: you never had this task under lease in this execution', 'task_id', event ->> 'task_id');
  end if;
  insert into public.agent_reports (agent_id, event_id, organization_id, execution_id, task_id, lease_id, kind, data, at)
  values (agent.id, event ->> 'event_id', agent.organization_id, apply_report.execution_id, task.id, lease.id, event ->> 'type', data, said_at)
  on conflict on constraint agent_reports_pkey do nothing;
  if not found then
    select r.* into known from public.agent_reports r where r.agent_id = agent.id and r.event_id = event ->> 'event_id';
    if (known.execution_id, known.task_id, known.kind, known.data) is distinct from (apply_report.execution_id, task.id, event ->> 'type', data) then
      return jsonb_build_object('event_id', event ->> 'event_id', 'outcome', 'refused', 'status', 409, 'next', 'continue',
        'reason', 'this event_id was used for another event', 'task_id', task.id);
    end if;
    return known.answer || jsonb_build_object('outcome', 'duplicate', 'first_outcome', known.outcome);
  end if;
  if lease.ended_at is not null then
    became := 'late';
  elsif said_at is not null and said_at < lease.told_at and kind in ('started', 'progress') then
    became := 'recorded'; -- a newer word was applied already
  elsif kind in ('started', 'progress') then
    update public.agent_leases l set heard_at = now(), told_at = coalesce(greatest(l.told_at, said_at), l.told_at), started_at = coalesce(l.started_at, now()),
      percent = coalesce((data ->> 'percent')::real, l.percent), message = coalesce(left(data ->> 'message', 2000), l.message),
      expires_at = now() + make_interval(secs => coalesce(agent.lease_seconds, (rules ->> 'silent_seconds')::integer, 1800))
    where l.id = lease.id returning l.* into lease;
  else
    begin
      said := private.apply_end(task, lease, agent, kind, data, rules);
    exception when others then
      if sqlstate not like 'PT%' and sqlstate not in ('23514', '22P02', '22003', '22023') then
        raise;
      end if;
      get stacked diagnostics refused_message = message_text, refused_detail = pg_exception_detail;
      became := 'refused';
      said := jsonb_build_object('status', case when sqlstate like 'PT%' then substring(sqlstate from 3)::integer else 422 end,
        'reason', concat_ws(': ', refused_message, nullif(refused_detail, '')));
    end;
    select l.* into lease from public.agent_leases l where l.id = lease.id;
  end if;
  said := jsonb_build_object('event_id', event ->> 'event_id', 'outcome', became) || private.next_of(lease) || said;
  if became = 'applied' and kind not in ('started', 'progress') then
    said := said || '{"next": "poll"}' || case when said ? 'reason' then jsonb_build_object('reason', 'recorded; poll for more work') else '{}' end;
  end if;
  update public.agent_reports r set outcome = became, answer = said where r.agent_id = agent.id and r.event_id = event ->> 'event_id';
  perform private.record_agent_event(task, 'agent', left(coalesce(data ->> 'message', data ->> 'error', data ->> 'reason', ''), 2000),
    jsonb_strip_nulls(jsonb_build_object('type', event ->> 'type', 'agent_id', agent.id, 'agent', agent.name, 'event_id', event ->> 'event_id', 'outcome', became,
      'percent', data -> 'percent', 'at', said_at, 'title', task.title)));
  return said;
end $$;
comment on function private.apply_report is
  'One event of an agent: recorded once, applied where its lease stands and the state machine allows it, and answered with what to do next.';

create function public.report_events(execution_id uuid, events jsonb, rules jsonb default '{}') returns jsonb
language plpgsql set search_path = '' as $$
declare
  agent public.agents := private.speaking_agent(private.acting_agent());
  answers jsonb := '[]';
  item record;
begin
  if jsonb_typeof(events) is distinct from 'array' or jsonb_array_length(events) not between 1 and 500 then
    perform private.refuse(422, 'events is a list of 1 to 500 events');
  end if;
  if not exists (select 1 from public.tasks t where t.id = report_events.execution_id and t.parent_task_id is null and private.in_scope(t.organization_id)) then
    perform private.refuse(404, 'There is no such execution', format('execution %s', report_events.execution_id));
  end if;
  for item in select value from jsonb_array_elements(events) loop
    if item.value ->> 'type' = 'heartbeat' then
      answers := answers || jsonb_build_array(private.apply_heartbeat(agent, item.value, rules));
    else
      answers := answers || jsonb_build_array(private.apply_report(agent, report_events.execution_id, item.value, rules));
    end if;
  end loop;
  return answers;
end $$;
comment on function public.report_events is
  'Events of the agent that speaks, {event_id, type, task_id, lease_id, at, data}, in the order in which they are to be applied; an answer to each, in that order.';

create function private.apply_heartbeat(agent public.agents, event jsonb, rules jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  lease public.agent_leases;
begin
  update public.agent_leases l set heard_at = now(), percent = coalesce((event -> 'data' ->> 'percent')::real, l.percent),
    message = coalesce(left(event -> 'data' ->> 'message', 2000), l.message),
    expires_at = now() + make_interval(secs => coalesce(agent.lease_seconds, (rules ->> 'silent_seconds')::integer, 1800))
  where l.agent_id = agent.id and l.task_id = (event ->> 'task_id')::uuid and l.ended_at is null
    and (event ->> 'lease_id' is null or l.id = (event ->> 'lease_id')::uuid) returning l.* into lease;
  if lease.id is null then
    select l.* into lease from public.agent_leases l where l.agent_id = agent.id and l.task_id = (event ->> 'task_id')::uuid
      and (event ->> 'lease_id' is null or l.id = (event ->> 'lease_id')::uuid) order by l.claimed_at desc limit 1;
  end if;
  if lease.id is null then
    return jsonb_build_object('event_id', event ->> 'event_id', 'outcome', 'refused', 'status', 404, 'next', 'poll',
      'reason', 'no work of yours: you never had this task under lease', 'task_id', event ->> 'task_id');
  end if;
  return jsonb_build_object('event_id', event ->> 'event_id', 'outcome', case when lease.ended_at is null then 'applied' else 'late' end) || private.next_of(lease);
end $$;
comment on function private.apply_heartbeat is 'A heartbeat among events: it extends the lease, is the same twice, and is not kept.';

create function public.list_agent_reports(execution_id uuid, after timestamptz default null, most integer default 100) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(r) || jsonb_build_object('agent', a.name) from public.agent_reports r join public.agents a on a.id = r.agent_id
  where r.execution_id = list_agent_reports.execution_id and private.in_scope(r.organization_id) and (list_agent_reports.after is null or r.received_at > list_agent_reports.after)
  order by r.received_at, r.event_id limit least(most, 1000)
$$;
comment on function public.list_agent_reports is 'What agents reported about an execution, oldest first, with what became of each.';

-- Section: a person breaks it down --------------------------------------------------------------------------------

create function private.close_offer(task_id uuid) returns void
language sql security definer set search_path = '' as $$
  update public.agent_offers o set state = 'closed', continues = false where o.task_id = close_offer.task_id and private.in_scope(o.organization_id)
$$;
comment on function private.close_offer is 'A task waits for no agent any more. Definer, since people may not write offers.';

create function public.break_down_task(task_id uuid, parts jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(break_down_task.task_id, true);
  reached text;
  ids uuid[];
begin
  if jsonb_typeof(parts) is distinct from 'array' or jsonb_array_length(parts) not between 1 and 200 then
    perform private.refuse(422, 'parts is a list of 1 to 200 tasks');
  end if;
  if not (task.execution_status in ('pending', 'queued', 'failed') or task.execution_status = 'blocked' and task.blocked_on in ('person', 'agent', 'model', 'bounds'))
     or task.tool is not null and task.tool <> 'outside_agent' then
    perform private.refuse(409, 'This task cannot be broken down now', case when task.tool is not null and task.tool <> 'outside_agent'
      then format('its tool is %s', task.tool) else format('it is %s', task.execution_status) || coalesce(' on ' || task.blocked_on, '') end);
  end if;
  reached := private.growth_bound(task, jsonb_array_length(parts));
  if reached is not null then
    perform private.refuse(422, 'The tree has reached its bound', reached, 'Raise the bound of the tree.');
  end if;
  if task.execution_status = 'failed' then
    update public.tasks t set execution_status = 'queued', failure_reason = null where t.id = task.id;
  end if;
  update public.tasks t set execution_status = 'in_progress' where t.id = task.id returning t.* into task;
  ids := private.insert_parts(task, parts);
  update public.tasks t set source = 'manual' where t.id = any (ids);
  update public.tasks t set execution_status = 'blocked', strategy = 'decompose', blocked_on = 'subtasks',
    blocked_reason = format('0 of %s subtasks done', cardinality(ids)) where t.id = task.id;
  perform private.close_offer(task.id);
  perform private.queue_ready_children(task.id);
  return private.task_tree_json(task.id);
end $$;
comment on function public.break_down_task is
  'A person says what the parts of a task are, {title, ..., depends_on: [positions from 0]}: where an agent could not, or its parts were refused. It completes with them.';

do $$ declare f text; begin
  perform private.expose_function('public.report_events', array['service_role']);
  perform private.expose_function('public.list_agent_reports', array['authenticated', 'service_role']);
  perform private.expose_function('public.break_down_task', array['authenticated', 'service_role']);
  perform private.expose_function('private.close_offer', array['authenticated', 'service_role']);
  foreach f in array array['insert_agent_parts', 'taken_from', 'apply_end', 'block_paused', 'lease_of_report', 'apply_report', 'apply_heartbeat'] loop
    perform private.expose_function('private.' || f, array['service_role']);
  end loop;
end $$;
