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
  received_at timestamptz not null default clock_timestamp(),
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

-- Section: how much is kept ----------------------------------------------------------------------------------------
-- An agent may say the same for ever: what has no effect is kept shortened, and of each lease so much.

create function private.as_kept(data jsonb) returns jsonb
language sql immutable set search_path = '' as $$
  select case when length(data::text) <= 2500 then data
    else jsonb_build_object('cut', true, 'start', left(data::text, 2000), 'digest', encode(sha256(convert_to(data::text, 'UTF8')), 'hex')) end
$$;
comment on function private.as_kept is 'The data of an event that ended nothing: where it is long, its first 2000 characters, and a digest that tells it from other data.';

create function private.why_not_kept(lease public.agent_leases, outcome text) returns text
language sql immutable set search_path = '' as $$
  select case when outcome = 'applied' then case when lease.words > 10000 then 'heard, and not kept: 10000 words about this lease are' end
    when lease.without_effect > 1000 then format('%s, and not kept: 1000 events about this lease without effect are', outcome) end
$$;
comment on function private.why_not_kept is 'Why an event is not kept: so many of its lease are already; null where it is.';

-- Section: one report ---------------------------------------------------------------------------------------------

create function private.taken_from(agent public.agents) returns jsonb
language sql immutable set search_path = '' as $$
  select jsonb_build_array(jsonb_build_object('kind', 'agent', 'ref', agent.id, 'title', agent.name))
$$;
comment on function private.taken_from is 'What an agent reports was written by somebody else: this goes among the origins of the task.';

create function private.evidence_of(agent public.agents, given jsonb) returns jsonb
language sql stable set search_path = '' as $$
  -- Whatever kind the agent says: it is its word.
  select jsonb_build_array(jsonb_build_object('kind', 'agent', 'what', format('The agent %s reported it', agent.name), 'where', agent.id, 'at', now()))
    || coalesce((select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('kind', 'agent', 'what', left(concat_ws(': ', nullif(e.value ->> 'kind', ''), e.value ->> 'what'), 2000),
        'where', left(e.value ->> 'where', 2000), 'at', now())) order by e.ordinality)
      from jsonb_array_elements(case when jsonb_typeof(given) = 'array' then given else '[]' end) with ordinality e
      where jsonb_typeof(e.value) = 'object' and e.value ->> 'what' <> '' and e.ordinality <= 50), '[]')
$$;
comment on function private.evidence_of is 'What an agent says shows that it is done; kept as its word, of whatever kind it says that it is.';

create function private.complete_by_agent(task public.tasks, agent public.agents, data jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  open_part text := (select t.title from public.tasks t where t.parent_task_id = task.id and t.superseded_at is null
    and t.execution_status not in ('completed', 'failed', 'cancelled') order by t.position limit 1);
begin
  if open_part is not null then
    perform private.refuse(409, 'Not all its parts are done', open_part, 'Wait for them.');
  end if;
  update public.tasks t set execution_status = 'completed', failure_reason = null, verification = 'claimed', strategy = 'immediate',
    result = jsonb_strip_nulls(jsonb_build_object('strategy', 'immediate', 'message', data -> 'message', 'confidence', data -> 'confidence'))
      || jsonb_build_object('output', coalesce(data -> 'output', data -> 'message')),
    evidence = private.evidence_of(agent, data -> 'evidence')
  where t.id = task.id;
end $$;
comment on function private.complete_by_agent is 'The task is done, by the word of its agent. PT409 while a part of it is open.';

create function private.release_by_agent(task public.tasks, agent public.agents, data jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  offer public.agent_offers;
begin
  update public.agent_offers o set state = 'open', offered_at = now(), opens_at = null, told_at = null where o.task_id = task.id returning o.* into offer;
  perform public.block_task_execution(task.id, left(format('%s gave it back: %s', agent.name, data ->> 'error'), 2000), 'agent',
    'An agent that takes it; you can also enter the result yourself', until => offer.deadline_at);
  perform private.announce_offer(task, offer.capabilities, offer.whom);
end $$;
comment on function private.release_by_agent is 'The agent gives its work back, as one that ends does: whoever fits may have it at once, and no attempt is counted.';

create function private.fail_by_agent(task public.tasks, agent public.agents, data jsonb, rules jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  said text := left(format('%s: %s', agent.name, data ->> 'error'), 2000);
  may_retry boolean := coalesce((data ->> 'is_retryable')::boolean, true);
  attempts integer := coalesce((rules ->> 'attempts')::integer, 3);
begin
  perform private.block_paused(task.id);
  if data ->> 'error_type' = 'released' then
    perform private.release_by_agent(task, agent, data);
    return '{}';
  elsif data ->> 'error_type' = 'decomposition_failed' then
    perform public.block_task_execution(task.id, left(format('%s cannot break it down: %s', agent.name, data ->> 'error'), 2000), 'person',
      'Break it down yourself, do it, or execute it again');
    return '{"human_review_required": true}';
  elsif data ->> 'error_type' = 'timeout' then
    update public.agent_offers o set timeouts = o.timeouts + 1 where o.task_id = task.id;
    may_retry := may_retry and (select o.timeouts < attempts from public.agent_offers o where o.task_id = task.id);
  end if;
  perform public.fail_task_execution(task.id, said, may_retry, (data ->> 'retry_after_seconds')::double precision);
  return '{}';
end $$;
comment on function private.fail_by_agent is 'The attempt failed: it is tried again while that may help, or a person breaks the task down. An agent that gives its work back has not failed.';

create function private.waited(offer public.agent_offers) returns double precision
language sql stable set search_path = '' as $$
  select coalesce(extract(epoch from now() - offer.obstacle_since), 0)
$$;
comment on function private.waited is 'For how many seconds an obstacle has lasted; 0 where there is none.';

create function private.block_by_agent(task public.tasks, agent public.agents, data jsonb, rules jsonb, reached real) returns void
language plpgsql set search_path = '' as $$
declare
  since timestamptz;
  pause double precision;
  own_pause double precision;
  is_kept boolean;
  offer public.agent_offers;
begin
  perform private.block_paused(task.id);
  if data ->> 'on' = 'person' then
    perform public.block_task_execution(task.id, left(format('%s: %s', agent.name, data ->> 'reason'), 2000), 'person',
      left(coalesce(data ->> 'unblocked_by', 'Do what it needs, then execute it again'), 2000));
    return;
  end if;
  select o.* into offer from public.agent_offers o where o.task_id = task.id;
  since := coalesce(offer.obstacle_since, now());
  own_pause := coalesce((rules ->> 'recheck_seconds')::double precision, 300);
  pause := least(greatest(1, coalesce((data ->> 'recheck_after_seconds')::double precision, own_pause * power(2, least(offer.rechecks, 20))),
      -- Put off that often, it is no more up to the agent how soon.
      case when offer.rounds >= 20 then own_pause * power(2, least(offer.rounds - 20, 20)) end),
    coalesce((rules ->> 'recheck_most_seconds')::double precision, 21600));
  is_kept := offer.rounds < 5 and pause >= 5;
  update public.agent_offers o set state = 'resting', obstacle = left(data ->> 'reason', 2000), obstacle_since = since, rechecks = o.rechecks + 1,
    rounds = o.rounds + 1, reached = greatest(o.reached, block_by_agent.reached),
    -- Not beyond the time that obstacles may last in all: then a person is told.
    opens_at = greatest(now(), least(now() + make_interval(secs => pause),
      since + make_interval(hours => coalesce((rules ->> 'obstacle_hours')::integer, 48)) - make_interval(secs => o.waited_seconds)))
  where o.task_id = task.id returning o.* into offer;
  -- Kept for whoever knows it, but not for one that puts it off again and again; where that asks for it at once, others have it first.
  update public.agent_offers o set reserved_for = case when is_kept then agent.id end, reserved_until = case when is_kept then offer.opens_at + interval '10 minutes' end,
    avoided_agent_id = case when pause < 5 then agent.id end, avoided_until = case when pause < 5 then offer.opens_at + interval '1 minute' end
  where o.task_id = task.id;
  perform public.block_task_execution(task.id, left(format('%s waits: %s', agent.name, data ->> 'reason'), 2000), 'agent',
    left(coalesce(data ->> 'unblocked_by', 'The agent looks again; you can also enter the result yourself'), 2000), until => offer.deadline_at);
end $$;
comment on function private.block_by_agent is
  'Something keeps the agent from going on: a person, or something outside that is looked at again, each time after twice the pause. One that puts it off again and again does not keep it from others.';

create function private.break_down_by_agent(task public.tasks, agent public.agents, data jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  is_unsure boolean := coalesce((data ->> 'confidence')::double precision, 0) < 0.8;
  reached text := private.growth_bound(task, jsonb_array_length(data -> 'parts') + is_unsure::integer); -- with the question whether to
  parts jsonb;
begin
  if reached is not null then
    perform private.refuse(422, 'The tree has reached its bound', reached);
  end if;
  perform private.block_paused(task.id);
  select t.* into task from public.tasks t where t.id = task.id;
  parts := private.insert_agent_parts(task, agent, data, is_unsure);
  update public.agent_offers o set continues = coalesce((data ->> 'continues')::boolean, false), reserved_for = agent.id, reserved_until = null,
    waited_seconds = o.waited_seconds + private.waited(o), obstacle = null, obstacle_since = null, rechecks = 0 where o.task_id = task.id;
  update public.tasks t set execution_status = 'blocked', strategy = 'decompose', blocked_on = 'subtasks', decomposition_confidence = round((data ->> 'confidence')::numeric, 4)::real,
    blocked_reason = case when is_unsure then 'Waits for your agreement to its parts' else format('0 of %s subtasks done', jsonb_array_length(parts)) end,
    result = jsonb_build_object('strategy', 'decompose', 'output', coalesce(data ->> 'message', ''), 'confidence', data -> 'confidence')
  where t.id = task.id;
  perform private.queue_ready_children(task.id);
  return jsonb_build_object('parts', parts, 'human_review_required', is_unsure);
end $$;
comment on function private.break_down_by_agent is 'The parts that an agent has made of its task; a person agrees to them first where it is not sure.';

create function private.apply_end(task public.tasks, lease public.agent_leases, agent public.agents, kind text, data jsonb, rules jsonb) returns jsonb
language plpgsql set search_path = '' as $$
begin
  update public.tasks t set tainted_by = private.merged_taint(t.tainted_by, private.taken_from(agent))
  where t.id = task.id and private.merged_taint(t.tainted_by, private.taken_from(agent)) <> t.tainted_by;
  perform private.end_lease(lease.id, case kind when 'complete' then 'completed' when 'blocked' then 'blocked' when 'created' then 'decomposed'
    else case data ->> 'error_type' when 'timeout' then 'timeout' when 'released' then 'taken_back' else 'failed' end end);
  case kind
    when 'complete' then perform private.complete_by_agent(task, agent, data);
    when 'error' then return private.fail_by_agent(task, agent, data, rules);
    when 'blocked' then perform private.block_by_agent(task, agent, data, rules, lease.furthest);
    when 'created' then return private.break_down_by_agent(task, agent, data);
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

create function private.as_time(value text) returns timestamptz
language plpgsql stable set search_path = '' as $$
begin
  if value ~* '^(19[7-9]|[2-9]\d\d)\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)? ?(Z|[+-]\d\d(:?\d\d)?)$' then
    return value::timestamptz;
  end if;
  return null;
exception when data_exception then -- the 31st of February
  return null;
end $$;
comment on function private.as_time is 'A moment in ISO 8601 with its offset, from 1970 to 9999; null for any other text.';

create function private.data_problem(kind text, data jsonb) returns text
language sql stable set search_path = '' as $$
  with fields (name, type, most) as (values ('percent', 'number', 100), ('confidence', 'number', 1), ('retry_after_seconds', 'number', 604800),
    ('recheck_after_seconds', 'number', 31622400), ('message', 'string', 20000), ('error', 'string', 20000), ('reason', 'string', 20000), ('unblocked_by', 'string', 2000),
    ('error_type', 'string', 100), ('on', 'string', 100), ('is_retryable', 'boolean', null), ('continues', 'boolean', null), ('evidence', 'array', 50), ('parts', 'array', 200))
  select coalesce((
    select format('data.%s: %s is not %s', f.name, left((data -> f.name)::text, 100), case f.type when 'number' then 'a number from 0 to ' || f.most
      when 'string' then format('a text of at most %s characters', f.most) when 'array' then format('a list of at most %s', f.most) else 'true or false' end)
    from fields f where jsonb_typeof(coalesce(data -> f.name, 'null')) <> 'null' and case
      when jsonb_typeof(data -> f.name) <> f.type then true
      when f.type = 'number' then (data ->> f.name)::numeric not between 0 and f.most
      when f.type = 'string' then length(data ->> f.name) > f.most
      when f.type = 'array' then jsonb_array_length(data -> f.name) > f.most
      else false end limit 1),
    case
      when kind = 'error' and coalesce(data ->> 'error', '') = '' then 'data.error: say what went wrong'
      when kind = 'blocked' and coalesce(data ->> 'reason', '') = '' then 'data.reason: say what blocks it'
      when kind = 'blocked' and coalesce(data ->> 'on', 'outside') not in ('outside', 'person') then 'data.on: outside or person'
      when kind = 'created' and coalesce(data -> 'parts', '[]') = '[]' then 'data.parts: 1 to 200 parts'
      when kind = 'created' and data -> 'confidence' is null then 'data.confidence: say how sure you are, from 0 to 1'
    end)
$$;
comment on function private.data_problem is 'What is wrong with the data of an event, by field and value; null where nothing is.';

create function private.event_problem(event jsonb) returns text
language sql stable set search_path = '' as $$
  select case
    when jsonb_typeof(event) is distinct from 'object' then 'an event is an object'
    when jsonb_typeof(event -> 'event_id') is distinct from 'string' or length(event ->> 'event_id') not between 1 and 200 then 'event_id: a text of 1 to 200 characters'
    when event ->> 'type' is null or event ->> 'type' <> all (array['heartbeat', 'task_started', 'task_progress', 'task_complete', 'task_error', 'task_blocked',
      'subtask_created', 'subtask_started', 'subtask_progress', 'subtask_complete', 'subtask_error', 'subtask_blocked'])
      then format('type: %s is not one of the types of events', left(coalesce(event ->> 'type', 'nothing'), 100))
    when private.as_uuid(event ->> 'task_id') is null then format('task_id: %s is no id', left(coalesce(event ->> 'task_id', 'nothing'), 100))
    when event ->> 'lease_id' is not null and private.as_uuid(event ->> 'lease_id') is null then format('lease_id: %s is no id', left(event ->> 'lease_id', 100))
    when event ->> 'at' is not null and private.as_time(event ->> 'at') is null then format('at: %s is no time with an offset in the years 1970 to 9999', left(event ->> 'at', 100))
    when jsonb_typeof(coalesce(event -> 'data', 'null')) not in ('object', 'null') then 'data: an object'
    when pg_column_size(event -> 'data') > 2000000 then 'data: too large'
    else private.data_problem(split_part(event ->> 'type', '_', 2), coalesce(nullif(event -> 'data', 'null'), '{}')) end
$$;
comment on function private.event_problem is 'What is wrong with an event, by field and value; null where nothing is.';

create function private.lease_of_report(agent public.agents, event jsonb) returns public.agent_leases
language sql stable set search_path = '' as $$
  select l.* from public.agent_leases l where l.agent_id = agent.id and l.task_id = (event ->> 'task_id')::uuid
    and (event ->> 'lease_id' is null or l.id = (event ->> 'lease_id')::uuid) order by l.claimed_at desc, l.id limit 1
$$;
comment on function private.lease_of_report is 'The lease that an event is about: the one it names, else the agent''s newest of that task. Null where the agent never had it.';

create function private.claim_by_report(agent public.agents, task public.tasks, rules jsonb) returns public.agent_leases
language plpgsql set search_path = '' as $$
declare
  none public.agent_leases;
begin
  perform pg_advisory_xact_lock(hashtextextended('agent ' || agent.id, 0));
  agent := private.speaking_agent(agent.id);
  if agent.paused_at is not null or private.has_its_limit(agent) or not private.may_lease(task, agent) then
    return none;
  end if;
  return private.lease_task(task, agent, rules);
end $$;
comment on function private.claim_by_report is 'A part that waits for this agent is claimed by the word that it has begun; null where it may not have it.';

create function private.refused_event(event jsonb, status integer, reason text, next_step text) returns jsonb
language sql immutable set search_path = '' as $$
  select jsonb_build_object('event_id', left(coalesce(event ->> 'event_id', ''), 200), 'outcome', 'refused', 'status', status, 'next', next_step, 'reason', reason,
    'task_id', left(event ->> 'task_id', 100))
$$;
comment on function private.refused_event is 'The answer to an event that is not even recorded.';

create function private.known_answer(known public.agent_reports, execution_id uuid, event jsonb, data jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  lease public.agent_leases;
begin
  if (known.execution_id, known.task_id, known.kind) is distinct from (known_answer.execution_id, (event ->> 'task_id')::uuid, event ->> 'type')
     or known.data <> data and known.data <> private.as_kept(data) then
    return private.refused_event(event, 409, 'this event_id was used for another event', 'continue');
  end if;
  select l.* into lease from public.agent_leases l where l.id = known.lease_id;
  return known.answer || case when known.answer ->> 'next' in ('continue', 'pause') and lease.id is not null then private.next_of(lease) else '{}' end
    || jsonb_build_object('outcome', 'duplicate', 'first_outcome', known.outcome);
end $$;
comment on function private.known_answer is 'The answer to an event that was reported before: as then, with what to do now.';

create function private.hear_word(lease public.agent_leases, agent public.agents, said_at timestamptz, kind text, data jsonb, rules jsonb) returns text
language plpgsql set search_path = '' as $$
declare
  heard public.agent_leases;
  clock timestamptz := least(said_at, now()); -- a clock that runs ahead must not make what follows look old
begin
  update public.agent_leases l set heard_at = now(), told_at = coalesce(greatest(l.told_at, clock), l.told_at), started_at = coalesce(l.started_at, now()),
    percent = coalesce(round((data ->> 'percent')::numeric, 2)::real, l.percent), message = coalesce(left(data ->> 'message', 2000), l.message),
    words = l.words + 1, furthest = greatest(l.furthest, round((data ->> 'percent')::numeric, 2)::real),
    expires_at = now() + make_interval(secs => coalesce(agent.lease_seconds, (rules ->> 'silent_seconds')::integer, 1800))
  where l.id = lease.id and l.ended_at is null and (clock is null or l.told_at is null or clock >= l.told_at) returning l.* into heard;
  if heard.id is null then
    return case when (select l.ended_at from public.agent_leases l where l.id = lease.id) is null then 'recorded' else 'late' end;
  end if;
  if kind = 'progress' and data ->> 'percent' is not null then
    update public.agent_offers o set waited_seconds = o.waited_seconds + private.waited(o), obstacle = null, obstacle_since = null, rechecks = 0
    where o.task_id = lease.task_id and o.obstacle_since is not null and (data ->> 'percent')::numeric > coalesce(o.reached, 0)::numeric;
  end if;
  return 'applied';
end $$;
comment on function private.hear_word is
  'A word about how it goes: applied; recorded where a newer one was applied already; late where the lease has ended. Going beyond where it stuck ends an obstacle.';

create function private.apply_report(agent public.agents, execution_id uuid, event jsonb, rules jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  kind text := split_part(event ->> 'type', '_', 2); -- what happened, to a task or to a subtask
  data jsonb := coalesce(nullif(event -> 'data', 'null'), '{}');
  said_at timestamptz;
  task public.tasks;
  lease public.agent_leases;
  begun public.agent_leases;
  known public.agent_reports;
  problem text := private.event_problem(event);
  said jsonb := '{}';
  became text;
  is_end boolean;
  refused_message text;
  refused_detail text;
begin
  if problem is not null then
    return private.refused_event(event, 422, problem, 'continue');
  end if;
  select t.* into task from public.tasks t
  where t.id = (event ->> 'task_id')::uuid and t.root_task_id = apply_report.execution_id and private.in_scope(t.organization_id);
  lease := private.lease_of_report(agent, event);
  if task.id is not null and (kind not in ('started', 'progress') or lease.ended_at is not null or lease.id is null)
     and (lease.id is not null or event ->> 'type' = 'subtask_started' and event ->> 'lease_id' is null) then
    -- What moves the task waits for others who do; a word about how it goes does not.
    select t.* into task from public.tasks t where t.id = task.id for no key update;
    lease := private.lease_of_report(agent, event);
  end if;
  select r.* into known from public.agent_reports r where r.agent_id = agent.id and r.event_id = event ->> 'event_id';
  if known.agent_id is not null then
    return private.known_answer(known, apply_report.execution_id, event, data);
  end if;
  if task.id is not null and event ->> 'type' = 'subtask_started' and event ->> 'lease_id' is null and (lease.id is null or lease.ended_at is not null) then
    begun := private.claim_by_report(agent, task, rules);
    if begun.id is not null then
      lease := begun;
    end if;
  end if;
  if task.id is null or lease.id is null then
    return private.refused_event(event, 404, 'no work of yours: you never had this task under lease in this execution', 'poll');
  end if;
  said_at := private.as_time(event ->> 'at');
  if lease.ended_at is not null then
    became := 'late';
  elsif kind in ('started', 'progress') then
    became := private.hear_word(lease, agent, said_at, kind, data, rules);
  else
    begin
      said := private.apply_end(task, lease, agent, kind, data, rules);
      became := 'applied';
    exception when others then
      if sqlstate !~ '^(PT|22|23)' then
        raise;
      end if;
      get stacked diagnostics refused_message = message_text, refused_detail = pg_exception_detail;
      became := 'refused';
      said := jsonb_build_object('status', case when sqlstate like 'PT%' then substring(sqlstate from 3)::integer else 422 end,
        'reason', concat_ws(': ', refused_message, nullif(refused_detail, '')));
    end;
  end if;
  if became <> 'applied' then
    update public.agent_leases l set without_effect = l.without_effect + 1 where l.id = lease.id;
  end if;
  select l.* into lease from public.agent_leases l where l.id = lease.id;
  said := jsonb_build_object('event_id', event ->> 'event_id', 'outcome', became) || private.next_of(lease) || said;
  is_end := became = 'applied' and kind not in ('started', 'progress');
  if not is_end and private.why_not_kept(lease, became) is not null then
    return said || jsonb_build_object('reason', concat_ws('; ', said ->> 'reason', private.why_not_kept(lease, became)));
  end if;
  if is_end then
    said := said || '{"next": "poll", "reason": "recorded; poll for more work"}';
  end if;
  insert into public.agent_reports (agent_id, event_id, organization_id, execution_id, task_id, lease_id, kind, data, at, outcome, answer)
  values (agent.id, event ->> 'event_id', agent.organization_id, apply_report.execution_id, task.id, lease.id, event ->> 'type', case when is_end then data else private.as_kept(data) end, said_at, became, said)
  on conflict on constraint agent_reports_pkey do nothing;
  if not found then
    raise exception 'The same event came twice at the same moment' using errcode = '40001'; -- tried again, it is a duplicate
  end if;
  return said;
end $$;
comment on function private.apply_report is
  'One event of an agent: recorded once, applied where its lease stands and the state machine allows it, and answered with what to do next.';

create function private.apply_heartbeat(agent public.agents, execution_id uuid, event jsonb, rules jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  lease public.agent_leases;
begin
  if private.event_problem(event) is not null then
    return private.refused_event(event, 422, private.event_problem(event), 'continue');
  end if;
  lease := private.lease_of_report(agent, event);
  if lease.id is null or lease.root_task_id <> apply_heartbeat.execution_id then
    return private.refused_event(event, 404, 'no work of yours: you never had this task under lease in this execution', 'poll');
  end if;
  update public.agent_leases l set heard_at = now(), percent = coalesce(round((event -> 'data' ->> 'percent')::numeric, 2)::real, l.percent),
    message = coalesce(left(event -> 'data' ->> 'message', 2000), l.message),
    expires_at = now() + make_interval(secs => coalesce(agent.lease_seconds, (rules ->> 'silent_seconds')::integer, 1800))
  where l.id = lease.id and l.ended_at is null;
  select l.* into lease from public.agent_leases l where l.id = lease.id;
  return jsonb_build_object('event_id', event ->> 'event_id', 'outcome', case when lease.ended_at is null then 'applied' else 'late' end) || private.next_of(lease);
end $$;
comment on function private.apply_heartbeat is 'A heartbeat among events: it extends the lease, is the same twice, and is not kept.';

create function private.record_reports(agent public.agents, events jsonb, answers jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  said record;
  data jsonb;
begin
  for said in
    select e.value as event, a.value ->> 'outcome' as outcome, t.organization_id, t.id, t.root_task_id, t.title
    from jsonb_array_elements(events) with ordinality e
    join jsonb_array_elements(answers) with ordinality a on a.ordinality = e.ordinality
    join public.tasks t on t.id = (a.value ->> 'task_id')::uuid
    where a.value ? 'lease_id' and a.value ->> 'outcome' <> 'duplicate' and e.value ->> 'type' <> 'heartbeat'
      and exists (select 1 from public.agent_reports r where r.agent_id = agent.id and r.event_id = e.value ->> 'event_id') order by e.ordinality
  loop
    data := case when jsonb_typeof(said.event -> 'data') = 'object' then said.event -> 'data' else '{}' end;
    perform private.record_event(said.organization_id, said.id, said.root_task_id, 'agent',
      left(coalesce(data ->> 'message', data ->> 'error', data ->> 'reason', ''), case said.outcome when 'applied' then 2000 else 200 end),
      jsonb_strip_nulls(jsonb_build_object('type', said.event ->> 'type', 'agent_id', agent.id, 'agent', agent.name, 'event_id', said.event ->> 'event_id',
        'outcome', said.outcome, 'percent', data -> 'percent', 'at', said.event ->> 'at', 'title', said.title)));
  end loop;
end $$;
comment on function private.record_reports is
  'What was reported and kept, as events of the tasks. Last in its transaction: events are recorded one transaction at a time. Definer, since nobody writes events by themselves.';

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
  if jsonb_array_length(events) > 1 then
    -- Always in the same order, and before anything is recorded: two batches do not wait for each other.
    perform 1 from public.tasks t where t.root_task_id = report_events.execution_id
      and t.id in (select l.task_id from public.agent_leases l where l.agent_id = agent.id and l.ended_at is null and l.root_task_id = report_events.execution_id)
      and t.id::text in (select e.value ->> 'task_id' from jsonb_array_elements(events) e where jsonb_typeof(e.value) = 'object')
    order by t.id for no key update;
    perform 1 from public.agent_leases l where l.agent_id = agent.id and l.ended_at is null and l.root_task_id = report_events.execution_id
      and l.task_id::text in (select e.value ->> 'task_id' from jsonb_array_elements(events) e where jsonb_typeof(e.value) = 'object')
    order by l.id for no key update;
  end if;
  for item in select value from jsonb_array_elements(events) loop
    if item.value ->> 'type' = 'heartbeat' then
      answers := answers || jsonb_build_array(private.apply_heartbeat(agent, report_events.execution_id, item.value, rules));
    else
      answers := answers || jsonb_build_array(private.apply_report(agent, report_events.execution_id, item.value, rules));
    end if;
  end loop;
  perform private.record_reports(agent, events, answers);
  if not exists (select 1 from jsonb_array_elements(events) e where coalesce(e.value ->> 'type', '') not in ('heartbeat', 'task_started', 'task_progress', 'subtask_progress')) then
    perform set_config('synchronous_commit', 'off', true); -- how it goes is said again soon; what moves a task is on the disk before it is answered
  end if;
  return answers;
end $$;
comment on function public.report_events is
  'Events of the agent that speaks, {event_id, type, task_id, lease_id, at, data}, in the order in which they are to be applied; an answer to each, in that order.';

create function public.list_agent_reports(execution_id uuid, after timestamptz default null, most integer default 100) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(r) || jsonb_build_object('agent', a.name) from public.agent_reports r join public.agents a on a.id = r.agent_id
  where r.execution_id = list_agent_reports.execution_id and private.in_scope(r.organization_id) and (list_agent_reports.after is null or r.received_at > list_agent_reports.after)
  order by r.received_at, r.event_id limit least(most, 1000)
$$;
comment on function public.list_agent_reports is 'What agents reported about an execution, oldest first, with what became of each.';

-- Section: what agents wrote --------------------------------------------------------------------------------------
-- What they report comes to others as outputs, which are looked up; what they planned is read here.

create or replace function private.texts_of_others(task_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  with above as (select a.* from private.above(texts_of_others.task_id) a),
  read (place, item) as (
    select 1, jsonb_build_object('kind', 'mail', 'title', concat_ws(', ', nullif(m.subject, ''), m.from_address), 'why', m.suspicious,
      'text', left(concat_ws(e'\n', m.from_name || ' ' || m.from_address, array_to_string(m.to_addresses || m.cc_addresses, ', '), m.subject, m.text_body), 20000))
    from (select m.* from public.mail_messages m where m.organization_id = (select a.organization_id from above a limit 1)
        and (m.thread_key = any (array(select a.source_ref ->> 'thread_key' from above a))
          or m.message_id = any (array(select x.id from above a cross join lateral (values (a.source_ref ->> 'message_id'), (a.tool_input ->> 'reply_to_message_id')) x (id))))
      order by m.sent_at desc nulls last limit 30) m
    union all
    select 2, jsonb_build_object('kind', a.source, 'title', a.title, 'text', left(concat_ws(e'\n', a.title, a.description, a.recipient, a.source_ref ->> 'quote',
      a.tool_input::text), 20000))
    from above a where a.source in ('mail', 'calendar', 'import', 'proactive', 'slack') and not private.is_own_word(a)
    union all
    -- A part that an outside agent made is in its words, from the title to the input.
    select 2, jsonb_build_object('kind', 'agent', 'title', a.title, 'text', left(concat_ws(e'\n', a.title, a.description, a.recipient, a.tool_input::text), 20000))
    from above a where a.source = 'agent' and a.source_ref ? 'agent_id'
    union all
    select 3, jsonb_build_object('kind', 'file', 'title', f.name, 'base64', f.start) from (
      select x.name, replace(encode(substring(x.content for 20000), 'base64'), e'\n', '') as start from public.artifacts x
      where x.task_id in (select a.id from above a) and x.is_tainted and x.content is not null
        and (x.media_type like 'text/%' or x.media_type like 'application/json%') order by x.created_at desc limit 5) f)
  select coalesce(jsonb_agg(r.item order by r.place), '[]') from read r
$$;

do $$ declare f text; begin
  foreach f in array array['taken_from', 'evidence_of', 'complete_by_agent', 'release_by_agent', 'fail_by_agent', 'waited', 'as_kept', 'why_not_kept', 'block_by_agent',
    'break_down_by_agent', 'apply_end', 'block_paused', 'as_time', 'data_problem', 'event_problem', 'lease_of_report', 'claim_by_report',
    'refused_event', 'known_answer', 'hear_word', 'apply_report', 'apply_heartbeat', 'record_reports'] loop
    perform private.expose_function('private.' || f, array['service_role']);
  end loop;
  perform private.expose_function('public.report_events', array['service_role']);
  perform private.expose_function('public.list_agent_reports', array['authenticated', 'service_role']);
end $$;
