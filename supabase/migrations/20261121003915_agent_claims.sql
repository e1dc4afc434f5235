-- Offering and claiming: who gets which work, what they are shown of it, and what there is to be seen of agents at work.

-- Section: offering and claiming ----------------------------------------------------------------------------------

create function private.record_agent_event(task public.tasks, kind text, message text, data jsonb) returns void
language sql security definer set search_path = '' as $$
  select private.record_event(task.organization_id, task.id, task.root_task_id, record_agent_event.kind, record_agent_event.message, record_agent_event.data)
$$;
comment on function private.record_agent_event is 'An event about the work of outside agents. Definer, since nobody writes events by themselves.';

create function private.announce_offer(task public.tasks, capabilities text[], whom text) returns void
language sql set search_path = '' as $$
  select private.record_agent_event(task, 'offered', task.title, jsonb_build_object('capabilities', capabilities, 'whom', whom))
$$;
comment on function private.announce_offer is 'An event that wakes the agents that wait for work.';

create function public.offer_task(task_id uuid, capabilities jsonb default '[]', whom text default '', instructions text default '', input jsonb default '{}',
  deadline_seconds double precision default null, timeout_seconds integer default null, remind_after_seconds double precision default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(offer_task.task_id);
  known public.agent_offers;
  parts bigint;
  wanted text[] := array(select distinct c.value from jsonb_array_elements_text(coalesce(offer_task.capabilities, '[]')) c (value) order by 1);
  reason text := case when whom <> '' then 'Waits for the agent ' || left(coalesce((select a.name from public.agents a
      where a.id::text = lower(whom) and a.organization_id = task.organization_id), whom), 200)
    when cardinality(wanted) > 0 then 'Waits for an agent that can: ' || left(array_to_string(wanted, ', '), 500) else 'Waits for an agent' end;
begin
  select o.* into known from public.agent_offers o where o.task_id = task.id;
  if known.generation is distinct from task.generation or (known.whom, known.capabilities) is distinct from (coalesce(offer_task.whom, ''), wanted) then
    update public.agent_offers o set deadline_at = null, timeouts = 0, silences = 0, obstacle = null, obstacle_since = null, rechecks = 0, reached = null,
      waited_seconds = 0, rounds = 0, reserved_for = null, reserved_until = null, avoided_agent_id = null, avoided_until = null, generation = task.generation where o.task_id = task.id;
  end if;
  insert into public.agent_offers as o (task_id, organization_id, capabilities, whom, instructions, input, timeout_seconds, deadline_at, generation)
  values (task.id, task.organization_id, wanted, coalesce(offer_task.whom, ''), coalesce(offer_task.instructions, ''), coalesce(offer_task.input, '{}'),
    offer_task.timeout_seconds, now() + make_interval(secs => deadline_seconds), task.generation)
  on conflict on constraint agent_offers_pkey do update set state = 'open', capabilities = excluded.capabilities, whom = excluded.whom,
    instructions = excluded.instructions, input = excluded.input, timeout_seconds = excluded.timeout_seconds,
    deadline_at = coalesce(o.deadline_at, excluded.deadline_at), offered_at = now(), opens_at = null, continues = false, told_at = null;
  select count(*) into parts from public.tasks t where t.parent_task_id = task.id and t.superseded_at is null and t.execution_status not in ('completed', 'failed', 'cancelled');
  if parts > 0 then
    -- Parts come first: those of a breaking down that is tried again, or a person's, after which an agent goes on.
    update public.agent_offers o set state = 'taken', continues = task.strategy is distinct from 'decompose' or coalesce(known.continues, false) where o.task_id = task.id;
    perform public.block_task_execution(task.id, format('0 of %s subtasks done', parts), 'subtasks', strategy => 'decompose');
    perform private.queue_ready_children(task.id);
    return (select to_jsonb(o) from public.agent_offers o where o.task_id = task.id);
  end if;
  perform public.block_task_execution(task.id, reason, 'agent', 'The agent''s report; you can also enter the result yourself',
    until => (select o.deadline_at from public.agent_offers o where o.task_id = task.id), remind_after_seconds => offer_task.remind_after_seconds);
  perform private.announce_offer(task, wanted, coalesce(offer_task.whom, ''));
  perform private.commit_without_waiting(true); -- an offer that a crash takes away is made again, and a claim of it takes it to the disk
  return (select to_jsonb(o) from public.agent_offers o where o.task_id = task.id);
end $$;
comment on function public.offer_task is
  'A running task waits, blocked, for an outside agent: the one named, or any with all these capabilities. Nobody is held up. Deadline, attempts and obstacle are kept when it is offered again, and begin anew when a person executes it again or hands it to another. Parts that are open come first.';

create function private.keeps_reserved(agent_id uuid) returns boolean
language sql stable set search_path = '' as $$
  select exists (select 1 from public.agents a where a.id = keeps_reserved.agent_id and a.token_hash is not null and a.paused_at is null and a.removed_at is null
    and (a.last_seen_at is null or a.last_seen_at > now() - make_interval(secs => coalesce(a.lease_seconds, 1800))))
$$;
comment on function private.keeps_reserved is 'Is work still kept for this agent? Not for one that is paused, revoked, removed, or was not heard for as long as a lease.';

create function private.another_lives(offer public.agent_offers, agent_id uuid, at timestamptz default now()) returns boolean
language sql stable set search_path = '' as $$
  select exists (select 1 from public.agents a where a.organization_id = offer.organization_id and a.id <> another_lives.agent_id and not a.is_internal
    and a.token_hash is not null and a.paused_at is null and a.removed_at is null
    and a.last_seen_at > another_lives.at - make_interval(secs => coalesce(a.lease_seconds, 1800))
    and case when offer.whom = '' then offer.capabilities <@ a.capabilities else lower(offer.whom) in (lower(a.name), a.id::text) end)
$$;
comment on function private.another_lives is 'Is there another agent that may have this work, and was heard within its own silence? Work is kept from one for others alone.';

create function private.fits(offer public.agent_offers, agent public.agents) returns boolean
language sql stable set search_path = '' as $$
  select case when offer.whom = '' then offer.capabilities <@ agent.capabilities
           else lower(offer.whom) in (lower(agent.name), agent.id::text) end
    and (offer.reserved_for is null or offer.reserved_for = agent.id or coalesce(offer.reserved_until, '-infinity') <= now()
      or not private.keeps_reserved(offer.reserved_for))
    and (offer.avoided_agent_id is distinct from agent.id or coalesce(offer.avoided_until, '-infinity') <= now() or not private.another_lives(offer, agent.id))
$$;
comment on function private.fits is 'May this agent have this work now?';

create function private.has_its_limit(agent public.agents) returns boolean
language sql stable set search_path = '' as $$
  select (select count(*) from public.agent_leases l where l.agent_id = agent.id and l.ended_at is null) >= agent.max_concurrent
$$;
comment on function private.has_its_limit is 'Does this agent hold as much as it may?';

create function private.may_lease(task public.tasks, agent public.agents) returns boolean
language sql stable set search_path = '' as $$
  select task.execution_status = 'blocked' and task.blocked_on = 'agent'
    and exists (select 1 from public.agent_offers o where o.task_id = task.id and o.state = 'open' and private.fits(o, agent))
    and not private.is_paused(task.id) and private.wall_bound(task.root_task_id) is null
$$;
comment on function private.may_lease is 'May this agent begin this task, which is locked, now?';

create function private.lease_task(task public.tasks, agent public.agents, rules jsonb) returns public.agent_leases
language plpgsql set search_path = '' as $$
declare
  running public.tasks;
  lease public.agent_leases;
begin
  update public.tasks t set execution_status = 'in_progress', assigned_to_type = 'agent', assigned_to_id = agent.id, agent_id = agent.id, worker_id = null
  where t.id = task.id returning t.* into running;
  insert into public.agent_leases (id, organization_id, agent_id, task_id, root_task_id, expires_at, times_out_at)
  select running.run_id, running.organization_id, agent.id, running.id, running.root_task_id,
    now() + make_interval(secs => coalesce(agent.lease_seconds, (rules ->> 'silent_seconds')::integer, 1800)),
    now() + make_interval(secs => coalesce(o.timeout_seconds, running.timeout_seconds, agent.timeout_seconds, (rules ->> 'timeout_seconds')::integer, 86400))
  from public.agent_offers o where o.task_id = running.id
  returning * into lease;
  update public.agent_offers o set state = 'taken', reserved_for = null, reserved_until = null, avoided_agent_id = null, avoided_until = null,
    told_at = null where o.task_id = running.id;
  return lease;
end $$;
comment on function private.lease_task is 'A task that waits for an agent runs under a lease of this one.';

create function private.is_done_by_hand(part public.tasks) returns boolean
language sql stable set search_path = '' as $$
  select part.tool is null and part.execution_type = 'manual' and part.source = 'manual' and not part.source_ref ?| array['agent_id', 'by_program']
    and not exists (select 1 from public.steps s where s.task_id = part.id)
    and (select e.value ->> 'actor_type' from jsonb_array_elements(part.execution_log) with ordinality e
      where e.value ->> 'to' = 'completed' order by e.ordinality desc limit 1) = 'user'
$$;
comment on function private.is_done_by_hand is 'Did a person say this part, and do it: is what it gave their own, and nothing that was read here?';

create function private.may_hear(lease public.agent_leases, outcome text) returns boolean
language sql stable set search_path = '' as $$
  select not exists (select 1 from public.tasks c where c.parent_task_id = lease.task_id and c.source_ref ? 'agent_id' and c.source_ref ->> 'agent_id' <> lease.agent_id::text)
    or coalesce((select l.agent_id = lease.agent_id from public.agent_leases l where l.task_id = lease.task_id and l.outcome = may_hear.outcome
      order by l.ended_at desc, l.id limit 1), true)
$$;
comment on function private.may_hear is
  'May the holder of this lease read how the attempt that ended so was put in words? Another''s only where no other had parts: one without parts knew no more than the holder is told.';

create function private.why_for_agent(part public.tasks) returns text
language plpgsql stable set search_path = '' as $$
begin
  if part.tool is null then
    return coalesce(part.failure_reason, case when part.execution_type = 'manual' then part.blocked_reason end);
  elsif part.tool in ('outside_agent', 'agent_interrupt', 'approval_gate', 'delay') or private.may_not_read(part.id, part.tool) is null
        or exists (select 1 from public.approvals a where a.task_id = part.id and (a.state = 'open' or a.decided_by is not null)) then
    return coalesce(part.failure_reason, part.blocked_reason);
  end if;
  return case when part.execution_status = 'failed' or part.execution_status = 'blocked' and part.blocked_on = 'person' or part.failure_reason is not null
    then 'Steward could not do it; its person sees why' else part.blocked_reason end;
end $$;
comment on function private.why_for_agent is
  'How a part of its own stands, as its agent reads it. What a tool found that nobody had said yes to, and that the agent was not given, is not told: it would say what there is here.';

create function private.work_json(lease public.agent_leases) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'lease', jsonb_build_object('id', lease.id, 'claimed_at', lease.claimed_at, 'heard_at', lease.heard_at, 'expires_at', lease.expires_at,
      'times_out_at', lease.times_out_at),
    'execution', jsonb_build_object('id', r.id, 'title', r.title, 'description', left(r.description, 20000)),
    'task', jsonb_build_object('id', t.id, 'parent_task_id', t.parent_task_id, 'title', t.title, 'description', t.description, 'kind', t.kind,
      'key', t.source_ref ->> 'key', 'priority', t.priority, 'due_at', t.due_at, 'labels', t.labels, 'acceptance_criteria', t.acceptance_criteria,
      'estimated_duration_minutes', t.estimated_duration_minutes),
    'instructions', o.instructions, 'input', o.input, 'capabilities', o.capabilities, 'deadline_at', o.deadline_at,
    'notes', coalesce(t.ai_context, ''),
    'outputs', (select coalesce(jsonb_agg(jsonb_build_object('task_id', b.id, 'title', b.title, 'key', b.source_ref ->> 'key',
        'output', b.result -> 'output') order by b.position, b.id), '[]')
      from public.task_dependencies d join public.tasks b on b.id = d.depends_on_task_id where d.task_id = t.id and b.execution_status = 'completed'),
    'parts', (select coalesce(jsonb_agg(jsonb_build_object('task_id', c.id, 'title', c.title, 'key', c.source_ref ->> 'key', 'status', c.execution_status,
        'is_own', m.is_own,
        -- What Steward thought of a part that it did not complete, nobody has reviewed.
        'reason', case when m.is_own then private.why_for_agent(c) end,
        'output', case when c.execution_status = 'completed' and (m.is_own or private.is_done_by_hand(c)) then c.result -> 'output' end)
        order by c.position, c.created_at, c.id), '[]')
      from public.tasks c cross join lateral (select coalesce(c.source_ref ->> 'agent_id' = lease.agent_id::text, false) as is_own) m
      where c.parent_task_id = t.id and c.superseded_at is null),
    'earlier', jsonb_strip_nulls(jsonb_build_object('feedback', coalesce(o.feedback, t.tool_input ->> 'feedback'),
      'attempts', (select count(*) from public.agent_leases l where l.task_id = t.id and l.outcome in ('failed', 'silent', 'timeout')),
      'failure_reason', case when (select l.outcome in ('failed', 'silent', 'timeout', 'taken_back') from public.agent_leases l
        where l.task_id = t.id and l.ended_at is not null order by l.claimed_at desc, l.id limit 1)
        then case when private.may_hear(lease, 'failed') then o.failure else 'The attempt of another agent failed' end end,
      'obstacle', case when o.obstacle is null or private.may_hear(lease, 'blocked') then o.obstacle else 'Another agent waited for something outside' end, 'obstacle_since', o.obstacle_since, 'rechecks', nullif(o.rechecks, 0))),
    'is_from_others', t.tainted_by <> '[]')
  from public.tasks t join public.tasks r on r.id = t.root_task_id join public.agent_offers o on o.task_id = t.id where t.id = lease.task_id
$$;
comment on function private.work_json is
  'Work as its agent gets it: task, input, outputs of what it depends on, its own parts, what went wrong before, lease and deadline. What was found for another agent, or answered to it, is not among it.';

create function public.claim_work(agent_id uuid, rules jsonb default '{}') returns jsonb
language plpgsql set search_path = '' as $$
declare
  agent public.agents := private.speaking_agent(claim_work.agent_id);
  wanted public.tasks;
  lease public.agent_leases;
  -- One at a time, so that no more is locked than is taken; what another claim has locked is left to it.
  fitting cursor for
    select t.* from public.agent_offers o join public.tasks t on t.id = o.task_id
    where o.organization_id = agent.organization_id and o.state = 'open' and t.execution_status = 'blocked' and t.blocked_on = 'agent'
      -- As private.fits, and cheaply; whether the tree is paused is asked of one after the other, in may_lease.
      and case when o.whom = '' then o.capabilities <@ agent.capabilities else lower(o.whom) in (lower(agent.name), agent.id::text) end
      and (o.avoided_until is null or o.avoided_until <= now() or o.avoided_agent_id is distinct from agent.id or not private.another_lives(o, agent.id))
      and (o.reserved_for is null or o.reserved_for = agent.id or o.reserved_until is null or o.reserved_until <= now()
        or not private.keeps_reserved(o.reserved_for))
    order by t.priority_rank, t.due_key, o.offered_at, t.id for no key update of t skip locked;
begin
  if agent.paused_at is not null then
    return null;
  end if;
  -- Its limit counts what its other polls have claimed, so they come one after the other; those of other agents do not wait.
  perform pg_advisory_xact_lock(hashtextextended('agent ' || agent.id, 0));
  agent := private.speaking_agent(claim_work.agent_id); -- removed, revoked or paused meanwhile?
  if agent.paused_at is not null or private.has_its_limit(agent) then
    return null;
  end if;
  open fitting;
  loop
    fetch fitting into wanted;
    if not found then
      return null;
    end if;
    if private.may_lease(wanted, agent) then
      lease := private.lease_task(wanted, agent, rules);
      return private.work_json(lease);
    end if;
  end loop;
end $$;
comment on function public.claim_work is
  'The most urgent work that fits this agent, under a lease; null where there is none, or it has its limit. rules: {silent_seconds, timeout_seconds}. Two claims never get the same.';

create function public.get_work(agent_id uuid, lease_id uuid, rules jsonb default '{}') returns jsonb
language plpgsql set search_path = '' as $$
declare
  agent public.agents := private.speaking_agent(get_work.agent_id);
  lease public.agent_leases;
begin
  update public.agents a set last_seen_at = now() where a.id = agent.id;
  update public.agent_leases l set heard_at = now(),
    expires_at = now() + make_interval(secs => coalesce(agent.lease_seconds, (rules ->> 'silent_seconds')::integer, 1800))
  where l.id = get_work.lease_id and l.agent_id = agent.id and l.ended_at is null returning l.* into lease;
  if lease.id is null then
    perform private.refuse(404, 'There is no such work of yours', format('lease %s', get_work.lease_id), 'Its lease has ended, or never was yours; poll for work.');
  end if;
  return private.work_json(lease);
end $$;
comment on function public.get_work is
  'What the agent that speaks holds under this lease, as claim_work gave it, for one that lost the answer or began again; it extends the lease. PT404 where the lease has ended or is another''s.';

create function private.next_of(lease public.agent_leases) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks;
begin
  select t.* into task from public.tasks t where t.id = lease.task_id;
  return case
    when lease.ended_at is not null then jsonb_build_object(
      'next', case when task.execution_status in ('completed', 'failed', 'cancelled') then 'stop' else 'poll' end,
      'reason', case
        when task.execution_status in ('completed', 'failed', 'cancelled') then format('the task is %s', task.execution_status)
        when lease.outcome in ('silent', 'timeout') then format('the lease ended at %s: %s', to_char(lease.ended_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), lease.outcome)
        else 'the task is yours no more; poll for work' end)
    when task.execution_status = 'paused' or private.is_paused(task.id) then '{"next": "pause", "reason": "a person has paused it"}'
    else '{"next": "continue"}' end
    || jsonb_build_object('lease_id', lease.id, 'task_id', lease.task_id, 'task_status', task.execution_status, 'expires_at', lease.expires_at);
end $$;
comment on function private.next_of is 'What an agent does next with what it holds, or held: continue, pause, stop (leave it), poll (ask for work again).';

create function public.heartbeat_agent(agent_id uuid, lease_ids uuid[] default null, rules jsonb default '{}') returns jsonb
language plpgsql set search_path = '' as $$
declare
  agent public.agents := private.speaking_agent(heartbeat_agent.agent_id);
begin
  update public.agents a set last_seen_at = now() where a.id = agent.id;
  update public.agent_leases l set heard_at = now(),
    expires_at = now() + make_interval(secs => coalesce(agent.lease_seconds, (rules ->> 'silent_seconds')::integer, 1800))
  where l.agent_id = agent.id and l.ended_at is null and (lease_ids is null or l.id = any (lease_ids));
  return jsonb_build_object(
    'leases', (select coalesce(jsonb_agg(private.next_of(l) order by l.claimed_at, l.id), '[]') from public.agent_leases l
      where l.agent_id = agent.id and case when lease_ids is null then l.ended_at is null else l.id = any (lease_ids) end),
    'unknown_lease_ids', (select coalesce(jsonb_agg(x.id), '[]') from unnest(lease_ids) x (id)
      where not exists (select 1 from public.agent_leases l where l.id = x.id and l.agent_id = agent.id)),
    'is_paused', agent.paused_at is not null);
end $$;
comment on function public.heartbeat_agent is
  'The agent lives: its leases (all, or those named) are extended, and it hears of each whether to go on, pause or stop.';

create function private.take_work_back(agent_id uuid, reason text) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  lease public.agent_leases;
  n integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('agent ' || take_work_back.agent_id, 0)); -- what it claims at this moment is among it
  for lease in select l.* from public.agent_leases l where l.agent_id = take_work_back.agent_id and l.ended_at is null order by l.task_id loop
    perform 1 from public.tasks t where t.id = lease.task_id for no key update;
    perform private.end_lease(lease.id, 'taken_back');
    update public.tasks t set execution_status = 'queued', failure_reason = take_work_back.reason
    where t.id = lease.task_id and t.execution_status in ('in_progress', 'paused') and t.run_id = lease.id;
    n := n + 1;
  end loop;
  return n;
end $$;
comment on function private.take_work_back is 'What an agent holds is offered to others. Definer, since people may not write leases.';

create function public.revoke_agent_token(agent_id uuid) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  agent public.agents;
begin
  perform private.refuse_managing();
  agent := private.own_agent(revoke_agent_token.agent_id);
  update public.agents a set token_hash = null, token_prefix = null where a.id = agent.id returning a.* into agent;
  perform private.take_work_back(agent.id, format('The agent %s may not work any more; its work is offered to others', agent.name));
  perform private.audit(agent.organization_id, 'agent.token_revoked', 'agent', agent.id, null, jsonb_build_object('name', agent.name));
  return private.agent_json(agent);
end $$;
comment on function public.revoke_agent_token is 'The agent may not speak any more, from this moment; what it held is offered to others. A new token lets it in again.';

create function public.remove_agent(agent_id uuid) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  agent public.agents;
begin
  perform private.refuse_managing();
  agent := private.own_agent(remove_agent.agent_id);
  update public.agents a set token_hash = null, token_prefix = null, removed_at = coalesce(a.removed_at, now()) where a.id = agent.id returning a.* into agent;
  perform private.take_work_back(agent.id, format('The agent %s was removed; its work is offered to others', agent.name));
  perform private.audit(agent.organization_id, 'agent.removed', 'agent', agent.id, null, jsonb_build_object('name', agent.name));
  return private.agent_json(agent);
end $$;
comment on function public.remove_agent is 'The agent works here no more. Its row and what it did stay for the record; its name is free again.';

-- Section: reading ------------------------------------------------------------------------------------------------

create function private.agent_with_work(agent public.agents) returns jsonb
language sql stable set search_path = '' as $$
  select private.agent_json(agent) || jsonb_build_object(
    'working_on', (select coalesce(jsonb_agg(jsonb_build_object('lease_id', l.id, 'task_id', l.task_id, 'root_task_id', l.root_task_id, 'title', t.title,
        'claimed_at', l.claimed_at, 'heard_at', l.heard_at, 'expires_at', l.expires_at, 'percent', l.percent, 'message', l.message) order by l.claimed_at), '[]')
      from public.agent_leases l join public.tasks t on t.id = l.task_id where l.agent_id = agent.id and l.ended_at is null),
    'lost_at', (select max(l.ended_at) from public.agent_leases l where l.agent_id = agent.id and l.outcome = 'silent'),
    'done', (select jsonb_build_object('completed', count(*) filter (where l.outcome = 'completed'), 'decomposed', count(*) filter (where l.outcome = 'decomposed'),
        'failed', count(*) filter (where l.outcome = 'failed'), 'lost', count(*) filter (where l.outcome in ('silent', 'timeout')),
        'seconds', coalesce(extract(epoch from avg(l.ended_at - l.claimed_at) filter (where l.outcome = 'completed')), 0))
      from public.agent_leases l where l.agent_id = agent.id and l.ended_at > now() - interval '30 days'))
$$;
comment on function private.agent_with_work is 'An agent with what it holds now, and how its last 30 days went: completed, decomposed, failed, lost, and seconds of a completed one on average; lost_at: when it last lost work by its silence.';

create function public.list_agents(with_removed boolean default false) returns setof jsonb
language sql stable security definer set search_path = '' as $$
  select private.agent_with_work(a) from public.agents a
  where (a.organization_id = private.acting_organization() or a.is_internal and a.organization_id is null) and (with_removed or a.removed_at is null)
  order by a.is_internal, lower(a.name), a.id
$$;
comment on function public.list_agents is 'Agents of the caller''s organization, and ours. Definer, since nobody reads the hashes.';

create function public.get_agent(agent_id uuid) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
  found_agent public.agents;
begin
  select a.* into found_agent from public.agents a where a.id = get_agent.agent_id
    and (a.is_internal and a.organization_id is null or private.in_scope(a.organization_id));
  if found_agent.id is null then
    perform private.refuse(404, 'There is no such agent', format('agent %s', get_agent.agent_id));
  end if;
  return private.agent_with_work(found_agent);
end $$;
comment on function public.get_agent is 'One agent; PT404 where it is not the caller''s. Definer, since nobody reads the hashes.';

do $$ declare f text; begin
  foreach f in array array['offer_task', 'claim_work', 'get_work', 'heartbeat_agent'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  foreach f in array array['revoke_agent_token', 'remove_agent', 'list_agents', 'get_agent'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['take_work_back'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
  foreach f in array array['record_agent_event', 'announce_offer', 'keeps_reserved', 'another_lives', 'fits', 'has_its_limit', 'may_lease', 'lease_task', 'is_done_by_hand',
    'may_hear', 'why_for_agent', 'work_json', 'next_of'] loop
    perform private.expose_function('private.' || f, array['service_role']);
  end loop;
  perform private.expose_function('private.agent_with_work', array['authenticated', 'service_role']);
end $$;
