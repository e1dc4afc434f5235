-- When things go wrong with outside agents: silence, attempts that take too long, obstacles that stay, work that nobody does.

create function private.offer_again(task public.tasks, reason text, at timestamptz) returns void
language plpgsql set search_path = '' as $$
declare
  offer public.agent_offers;
begin
  perform private.block_paused(task.id);
  update public.agent_offers o set state = 'open', offered_at = offer_again.at, opens_at = null where o.task_id = task.id returning o.* into offer;
  update public.tasks t set execution_status = 'blocked', blocked_on = 'agent', blocked_reason = left(offer_again.reason, 2000),
    unblocked_by = 'Another agent; you can also enter the result yourself', blocked_until = offer.deadline_at
  where t.id = task.id;
  perform private.announce_offer(task, offer.capabilities, offer.whom);
end $$;
comment on function private.offer_again is 'Work whose agent was lost: the task is blocked, with the reason, and others may have it.';

create function private.end_silent_leases(at timestamptz, rules jsonb) returns integer
language plpgsql set search_path = '' as $$
declare
  lease public.agent_leases;
  task public.tasks;
  agent public.agents;
  offer public.agent_offers;
  n integer := 0;
begin
  for lease in select l.* from public.agent_leases l where l.ended_at is null and (l.expires_at <= end_silent_leases.at or l.times_out_at <= end_silent_leases.at)
    order by l.expires_at limit 500
  loop
    select t.* into task from public.tasks t where t.id = lease.task_id for no key update skip locked;
    select l.* into lease from public.agent_leases l where l.id = lease.id;
    if task.id is null or lease.ended_at is not null or task.run_id is distinct from lease.id
       or task.execution_status = 'paused' and lease.times_out_at > end_silent_leases.at then
      continue; -- busy, or over, or told to rest
    end if;
    select a.* into agent from public.agents a where a.id = lease.agent_id;
    if lease.times_out_at <= end_silent_leases.at then
      perform private.end_lease(lease.id, 'timeout', end_silent_leases.at);
      update public.agent_offers o set timeouts = o.timeouts + 1 where o.task_id = task.id returning o.* into offer;
      if offer.timeouts >= coalesce((rules ->> 'attempts')::integer, 3) then
        update public.tasks t set execution_status = 'failed', failure_reason = format('It took longer than it may, %s times; the last agent was %s', offer.timeouts, agent.name)
        where t.id = task.id;
      else
        perform private.offer_again(task, format('%s took longer than it may (attempt %s of %s); it is offered again', agent.name, offer.timeouts,
          coalesce((rules ->> 'attempts')::integer, 3)), end_silent_leases.at);
      end if;
    else
      perform private.end_lease(lease.id, 'silent', end_silent_leases.at);
      update public.agent_offers o set silences = o.silences + 1, avoided_agent_id = agent.id,
        avoided_until = end_silent_leases.at + interval '5 minutes' where o.task_id = task.id returning o.* into offer;
      if offer.silences >= coalesce((rules ->> 'silences')::integer, 10) then
        update public.tasks t set execution_status = 'failed', failure_reason = format('Its agents went silent %s times; the last was %s', offer.silences, agent.name)
        where t.id = task.id;
      else
        perform private.offer_again(task, format('%s was last heard %s ago; the work is offered to another', agent.name,
          private.span_words(extract(epoch from end_silent_leases.at - lease.heard_at))), end_silent_leases.at);
      end if;
    end if;
    n := n + 1;
  end loop;
  return n;
end $$;
comment on function private.end_silent_leases is
  'Leases whose agent went silent, or took too long: the task is blocked with the reason and offered again; after so many times it fails.';

create function private.span_words(seconds double precision) returns text
language sql immutable set search_path = '' as $$
  select case when seconds < 120 then format('%s seconds', round(seconds)) when seconds < 7200 then format('%s minutes', round(seconds / 60))
    else format('%s hours', round(seconds / 3600)) end
$$;
comment on function private.span_words is 'A time span in one unit: 45 seconds, 30 minutes, 24 hours.';

create function private.tell_person(task public.tasks, at timestamptz) returns void
language plpgsql set search_path = '' as $$
begin
  update public.tasks t set reminded_at = tell_person.at where t.id = task.id;
  update public.agent_offers o set told_at = tell_person.at where o.task_id = task.id;
  perform private.audit(task.organization_id, 'agent.work_waits', 'task', task.id, task.blocked_reason, '{}');
end $$;
comment on function private.tell_person is 'A person hears that work for agents does not go on: an event, a line of the audit, and the task says so.';

create function private.open_resting_offers(at timestamptz, rules jsonb) returns integer
language plpgsql set search_path = '' as $$
declare
  offer public.agent_offers;
  task public.tasks;
  n integer := 0;
begin
  for offer in select o.* from public.agent_offers o where o.state = 'resting' and o.opens_at <= open_resting_offers.at order by o.opens_at limit 500 loop
    select t.* into task from public.tasks t where t.id = offer.task_id for no key update skip locked;
    select o.* into offer from public.agent_offers o where o.task_id = offer.task_id;
    if task.id is null or offer.state <> 'resting' or task.blocked_on is distinct from 'agent' or private.is_paused(task.id) then
      continue;
    end if;
    if offer.obstacle_since + make_interval(hours => coalesce((rules ->> 'obstacle_hours')::integer, 48)) <= open_resting_offers.at then
      update public.agent_offers o set state = 'closed' where o.task_id = task.id;
      update public.tasks t set blocked_on = 'person', blocked_until = null, blocked_reason = left(format('It has waited %s for: %s',
          private.span_words(extract(epoch from open_resting_offers.at - offer.obstacle_since)), offer.obstacle), 2000),
        unblocked_by = 'Clear it, then execute it again; or do it yourself' where t.id = task.id returning t.* into task;
      perform private.tell_person(task, open_resting_offers.at);
    else
      update public.agent_offers o set state = 'open', opens_at = null, offered_at = open_resting_offers.at where o.task_id = task.id;
      perform private.announce_offer(task, offer.capabilities, offer.whom);
    end if;
    n := n + 1;
  end loop;
  return n;
end $$;
comment on function private.open_resting_offers is
  'Obstacles outside are looked at again when their time has come, by whoever reported them first; after so long a person is told.';

create function private.tell_of_idle_offers(at timestamptz, rules jsonb) returns integer
language plpgsql set search_path = '' as $$
declare
  task public.tasks;
  n integer := 0;
begin
  for task in
    select t.* from public.agent_offers o join public.tasks t on t.id = o.task_id
    where o.state = 'open' and o.told_at is null and o.offered_at <= tell_of_idle_offers.at - make_interval(hours => coalesce((rules ->> 'tell_hours')::integer, 24))
      and t.execution_status = 'blocked' and t.blocked_on = 'agent'
    limit 500 for no key update of t skip locked
  loop
    if private.is_paused(task.id) then
      continue;
    end if;
    perform private.tell_person(task, tell_of_idle_offers.at);
    n := n + 1;
  end loop;
  return n;
end $$;
comment on function private.tell_of_idle_offers is 'Work that no agent has taken for so long: a person is told, once; agents may still take it.';

create function private.end_late_work(at timestamptz) returns integer
language plpgsql set search_path = '' as $$
declare
  task public.tasks;
  reached text;
  n integer := 0;
begin
  for task in
    select t.* from public.agent_offers o join public.tasks t on t.id = o.task_id join public.tasks r on r.id = t.root_task_id
    where o.state in ('open', 'resting', 'taken') and (t.execution_status = 'in_progress' or t.execution_status = 'blocked' and t.blocked_on = 'agent')
      and (o.deadline_at <= end_late_work.at or private.wall_bound(r.id) is not null)
    limit 500 for no key update of t skip locked
  loop
    reached := private.wall_bound(task.root_task_id);
    update public.agent_leases l set ended_at = end_late_work.at, outcome = 'timeout' where l.task_id = task.id and l.ended_at is null;
    update public.agent_offers o set state = 'closed' where o.task_id = task.id;
    if (select o.deadline_at from public.agent_offers o where o.task_id = task.id) <= end_late_work.at then
      update public.tasks t set execution_status = 'failed', failure_reason = 'The agent did not report in time' where t.id = task.id;
    elsif task.execution_status = 'in_progress' then
      update public.tasks t set execution_status = 'blocked', blocked_on = 'bounds', blocked_reason = 'The tree has reached its bound: ' || reached,
        unblocked_by = 'Raise the bound of the tree, then execute it again' where t.id = task.id;
    else
      update public.tasks t set blocked_on = 'bounds', blocked_until = null, blocked_reason = 'The tree has reached its bound: ' || reached,
        unblocked_by = 'Raise the bound of the tree, then execute it again' where t.id = task.id;
    end if;
    n := n + 1;
  end loop;
  return n;
end $$;
comment on function private.end_late_work is 'Work whose deadline has passed fails; in an execution that has used up its time it waits for a person.';

create function public.sweep_agents(at timestamptz default now(), rules jsonb default '{}') returns integer
language plpgsql security definer set search_path = '' as $$
begin
  if not private.is_service() then
    perform private.refuse(403, 'Only the worker sweeps');
  end if;
  if not pg_try_advisory_xact_lock(7238199) then
    return 0; -- another worker sweeps
  end if;
  return private.end_late_work(sweep_agents.at) + private.end_silent_leases(sweep_agents.at, rules) + private.open_resting_offers(sweep_agents.at, rules)
    + private.tell_of_idle_offers(sweep_agents.at, rules);
end $$;
comment on function public.sweep_agents is
  'In every tenant, what the clock brings about with outside agents, as of a moment (now): {silences, attempts, obstacle_hours, tell_hours} are the rules. How many tasks it concerned.';

do $$ declare f text; begin
  perform private.expose_function('public.sweep_agents', array['service_role']);
  foreach f in array array['offer_again', 'end_silent_leases', 'span_words', 'tell_person', 'open_resting_offers', 'tell_of_idle_offers', 'end_late_work'] loop
    perform private.expose_function('private.' || f, array['service_role']);
  end loop;
end $$;
