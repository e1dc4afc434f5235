-- When things go wrong with outside agents: silence, attempts that take too long, obstacles that stay, work that nobody does.

-- The moment is a parameter everywhere, so that all of it can be tried on any day.

drop function private.wall_bound(uuid);
create function private.wall_bound(root_task_id uuid, at timestamptz default now()) returns text
language sql stable set search_path = '' as $$
  select format('it was begun more than %s seconds ago', b.seconds)
  from public.tasks t join public.organizations o on o.id = t.organization_id
  cross join lateral (select coalesce(t.bounds ->> 'max_wall_seconds', o.bounds ->> 'max_wall_seconds', '2592000')::numeric as seconds) b
  where t.id = wall_bound.root_task_id and t.started_at < coalesce(t.completed_at, wall_bound.at) - make_interval(secs => b.seconds::double precision)
$$;
comment on function private.wall_bound is 'The bound of wall time that a tree has reached at a moment (now), in words, or null. A tree that is done was as old as it was then.';

create function private.span_words(seconds double precision) returns text
language sql immutable set search_path = '' as $$
  select case when seconds < 120 then format('%s seconds', round(seconds)) when seconds < 7200 then format('%s minutes', round(seconds / 60))
    else format('%s hours', round(seconds / 3600)) end
$$;
comment on function private.span_words is 'A time span in one unit: 45 seconds, 30 minutes, 24 hours.';

create function private.warn_of_sweep(task_id uuid, state text, message text) returns void
language plpgsql set search_path = '' as $$
begin
  if state !~ '^(PT|22|23)' then
    raise exception using errcode = state, message = warn_of_sweep.message;
  end if;
  raise warning 'the sweep of agents leaves task % as it is: %', warn_of_sweep.task_id, warn_of_sweep.message;
end $$;
comment on function private.warn_of_sweep is 'One task that cannot be moved must not hold up every tenant: it is left, with a warning. What is no word of a rule is raised again.';

-- Section: an agent that is lost ----------------------------------------------------------------------------------

create function private.offer_again(task public.tasks, reason text, at timestamptz) returns void
language plpgsql set search_path = '' as $$
declare
  offer public.agent_offers;
begin
  update public.agent_offers o set state = 'open', offered_at = offer_again.at, opens_at = null, told_at = null, failure = left(offer_again.reason, 2000)
  where o.task_id = task.id returning o.* into offer;
  update public.tasks t set execution_status = 'blocked', blocked_on = 'agent', blocked_reason = left(offer_again.reason, 2000),
    unblocked_by = 'An agent that takes it; you can also enter the result yourself', blocked_until = offer.deadline_at
  where t.id = task.id;
  perform private.announce_offer(task, offer.capabilities, offer.whom);
end $$;
comment on function private.offer_again is 'Work whose agent was lost: the task is blocked, with the reason, and others may have it.';

create function private.fail_lost(task public.tasks, reason text) returns void
language sql set search_path = '' as $$
  update public.tasks t set execution_status = 'failed', failure_reason = left(fail_lost.reason, 2000) where t.id = task.id
$$;
comment on function private.fail_lost is 'Too many agents were lost over it.';

create function private.end_overdue(task public.tasks, lease public.agent_leases, agent_name text, at timestamptz, rules jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  offer public.agent_offers;
  attempts integer := coalesce((rules ->> 'attempts')::integer, 3);
begin
  perform private.end_lease(lease.id, 'timeout', end_overdue.at);
  update public.agent_offers o set timeouts = o.timeouts + 1 where o.task_id = task.id returning o.* into offer;
  if offer.timeouts >= attempts then
    perform private.fail_lost(task, format('It took longer than it may, %s times; the last agent was %s', offer.timeouts, agent_name));
  else
    perform private.offer_again(task, format('%s took longer than it may (attempt %s of %s); it is offered again', agent_name, offer.timeouts, attempts), end_overdue.at);
  end if;
end $$;
comment on function private.end_overdue is 'An attempt that takes longer than it may: offered again, and failed after so many.';

create function private.end_silent(task public.tasks, lease public.agent_leases, agent_name text, at timestamptz, rules jsonb) returns void
language plpgsql set search_path = '' as $$
declare
  offer public.agent_offers;
begin
  perform private.end_lease(lease.id, 'silent', end_silent.at);
  update public.agent_offers o set silences = o.silences + 1, avoided_agent_id = lease.agent_id, avoided_until = end_silent.at + interval '5 minutes'
  where o.task_id = task.id returning o.* into offer;
  if offer.silences >= coalesce((rules ->> 'silences')::integer, 10) then
    perform private.fail_lost(task, format('Its agents went silent %s times; the last was %s', offer.silences, agent_name));
  else
    perform private.offer_again(task, format('%s was last heard %s ago; the work is offered %s', agent_name,
      private.span_words(extract(epoch from end_silent.at - lease.heard_at)),
      case when private.another_lives(offer, lease.agent_id, end_silent.at) then 'to another' else 'again' end), end_silent.at);
  end if;
end $$;
comment on function private.end_silent is 'An agent without a word for too long: its work is offered to others first, where there are any.';

create function private.end_lost_leases(at timestamptz, rules jsonb) returns integer
language plpgsql set search_path = '' as $$
declare
  lease public.agent_leases;
  task public.tasks;
  agent_name text;
  n integer := 0;
begin
  for lease in select l.* from public.agent_leases l join public.tasks t on t.id = l.task_id and t.execution_status = 'in_progress'
    where l.ended_at is null and (l.expires_at <= end_lost_leases.at or l.times_out_at <= end_lost_leases.at) order by l.expires_at limit 200
  loop
    begin
      -- The task first, as everybody does; then the lease: where its agent speaks at this moment, it is not silent.
      select t.* into task from public.tasks t where t.id = lease.task_id and t.execution_status = 'in_progress' and t.run_id = lease.id for no key update skip locked;
      select l.* into lease from public.agent_leases l where l.id = lease.id and l.ended_at is null
        and (l.expires_at <= end_lost_leases.at or l.times_out_at <= end_lost_leases.at) for update skip locked;
      if task.id is not null and lease.id is not null then
        agent_name := (select a.name from public.agents a where a.id = lease.agent_id);
        if lease.times_out_at <= end_lost_leases.at then
          perform private.end_overdue(task, lease, agent_name, end_lost_leases.at, rules);
        else
          perform private.end_silent(task, lease, agent_name, end_lost_leases.at, rules);
        end if;
        n := n + 1;
      end if;
    exception when others then
      perform private.warn_of_sweep(task.id, sqlstate, sqlerrm);
    end;
  end loop;
  return n;
end $$;
comment on function private.end_lost_leases is
  'Leases whose agent went silent, or took too long: the task is blocked with the reason and offered again; after so many times it fails. A paused task rests.';

-- Section: work that does not go on -------------------------------------------------------------------------------

create function private.tell_person(task public.tasks, at timestamptz) returns void
language plpgsql set search_path = '' as $$
begin
  if task.reminded_at is not null then -- else its own trigger says it
    perform private.record_agent_event(task, 'reminder', task.blocked_reason, jsonb_build_object('title', task.title, 'blocked_until', task.blocked_until));
  end if;
  update public.tasks t set reminded_at = tell_person.at where t.id = task.id;
  update public.agent_offers o set told_at = tell_person.at where o.task_id = task.id;
  perform private.audit(task.organization_id, 'agent.work_waits', 'task', task.id, task.blocked_reason, '{}');
end $$;
comment on function private.tell_person is 'A person hears that work for agents does not go on: an event, a line of the audit, and the task says so.';

create function private.end_obstacles(at timestamptz, rules jsonb) returns integer
language plpgsql set search_path = '' as $$
declare
  too_old timestamptz := end_obstacles.at - make_interval(hours => coalesce((rules ->> 'obstacle_hours')::integer, 48));
  task public.tasks;
  offer public.agent_offers;
  n integer := 0;
begin
  for task in
    select t.* from public.agent_offers o join public.tasks t on t.id = o.task_id
    where o.state in ('open', 'resting') and o.obstacle_since - make_interval(secs => o.waited_seconds) <= too_old and t.execution_status = 'blocked' and t.blocked_on = 'agent' and not private.is_paused(t.id)
    order by o.obstacle_since limit 200 for no key update of t skip locked
  loop
    begin
      update public.agent_offers o set state = 'closed' where o.task_id = task.id and o.state in ('open', 'resting') and o.obstacle_since - make_interval(secs => o.waited_seconds) <= too_old returning o.* into offer;
      if found then
        update public.tasks t set blocked_on = 'person', blocked_until = null, blocked_reason = left(format('It has waited %s for: %s',
            private.span_words(extract(epoch from end_obstacles.at - offer.obstacle_since) + offer.waited_seconds), offer.obstacle), 2000),
          unblocked_by = 'Clear it, then execute it again; or do it yourself' where t.id = task.id returning t.* into task;
        perform private.tell_person(task, end_obstacles.at);
        n := n + 1;
      end if;
    exception when others then
      perform private.warn_of_sweep(task.id, sqlstate, sqlerrm);
    end;
  end loop;
  return n;
end $$;
comment on function private.end_obstacles is 'What something outside has blocked for so long waits for a person, who is told.';

create function private.open_resting_offers(at timestamptz) returns integer
language plpgsql set search_path = '' as $$
declare
  task public.tasks;
  offer public.agent_offers;
  n integer := 0;
begin
  for task in
    select t.* from public.agent_offers o join public.tasks t on t.id = o.task_id
    where o.state = 'resting' and o.opens_at <= open_resting_offers.at and t.execution_status = 'blocked' and t.blocked_on = 'agent' and not private.is_paused(t.id)
    order by o.opens_at limit 200 for no key update of t skip locked
  loop
    begin
      update public.agent_offers o set state = 'open', opens_at = null, offered_at = open_resting_offers.at, told_at = null
      where o.task_id = task.id and o.state = 'resting' and o.opens_at <= open_resting_offers.at returning o.* into offer;
      if found then
        perform private.announce_offer(task, offer.capabilities, offer.whom);
        n := n + 1;
      end if;
    exception when others then
      perform private.warn_of_sweep(task.id, sqlstate, sqlerrm);
    end;
  end loop;
  return n;
end $$;
comment on function private.open_resting_offers is 'Obstacles outside are looked at again when their time has come, by whoever reported them first.';

create function private.tell_of_idle_offers(at timestamptz, rules jsonb) returns integer
language plpgsql set search_path = '' as $$
declare
  task public.tasks;
  n integer := 0;
begin
  for task in
    select t.* from public.agent_offers o join public.tasks t on t.id = o.task_id
    where o.state = 'open' and o.told_at is null and o.offered_at <= tell_of_idle_offers.at - make_interval(hours => coalesce((rules ->> 'tell_hours')::integer, 24))
      and t.execution_status = 'blocked' and t.blocked_on = 'agent' and not private.is_paused(t.id)
    order by o.offered_at limit 200 for no key update of t skip locked
  loop
    begin
      perform private.tell_person(task, tell_of_idle_offers.at);
      n := n + 1;
    exception when others then
      perform private.warn_of_sweep(task.id, sqlstate, sqlerrm);
    end;
  end loop;
  return n;
end $$;
comment on function private.tell_of_idle_offers is 'Work that no agent has taken for so long: a person is told, once; agents may still take it.';

-- Section: time that is used up -----------------------------------------------------------------------------------

create function private.end_past_deadline(at timestamptz) returns integer
language plpgsql set search_path = '' as $$
declare
  task public.tasks;
  n integer := 0;
begin
  for task in
    select t.* from public.agent_offers o join public.tasks t on t.id = o.task_id
    where o.state in ('open', 'resting', 'taken') and o.deadline_at <= end_past_deadline.at
      and (t.execution_status = 'in_progress' or t.execution_status = 'blocked' and t.blocked_on in ('agent', 'subtasks')) and not private.is_paused(t.id)
    order by o.deadline_at limit 200 for no key update of t skip locked
  loop
    begin
      update public.agent_leases l set ended_at = end_past_deadline.at, outcome = 'timeout' where l.task_id = task.id and l.ended_at is null;
      perform private.fail_lost(task, 'The agent did not report in time');
      n := n + 1;
    exception when others then
      perform private.warn_of_sweep(task.id, sqlstate, sqlerrm);
    end;
  end loop;
  return n;
end $$;
comment on function private.end_past_deadline is 'Work whose deadline has passed fails, and its parts with it.';

create function private.end_past_wall(at timestamptz) returns integer
language plpgsql set search_path = '' as $$
declare
  roots uuid[] := array(
    select w.id from (select distinct t.root_task_id as id from public.agent_offers o join public.tasks t on t.id = o.task_id where o.state in ('open', 'resting', 'taken')
      and (t.execution_status = 'in_progress' or t.execution_status = 'blocked' and t.blocked_on = 'agent')) w where private.wall_bound(w.id, end_past_wall.at) is not null);
  task public.tasks;
  reason text;
  n integer := 0;
begin
  for task in
    select t.* from public.agent_offers o join public.tasks t on t.id = o.task_id
    where t.root_task_id = any (roots) and o.state in ('open', 'resting', 'taken')
      and (t.execution_status = 'in_progress' or t.execution_status = 'blocked' and t.blocked_on = 'agent') and not private.is_paused(t.id)
    limit 200 for no key update of t skip locked
  loop
    begin
      reason := 'The tree has reached its bound: ' || private.wall_bound(task.root_task_id, end_past_wall.at);
      update public.agent_offers o set state = 'closed' where o.task_id = task.id;
      update public.tasks t set execution_status = 'blocked', blocked_on = 'bounds', blocked_until = null, blocked_reason = reason,
        unblocked_by = 'Raise the bound of the tree, then execute it again' where t.id = task.id;
      n := n + 1;
    exception when others then
      perform private.warn_of_sweep(task.id, sqlstate, sqlerrm);
    end;
  end loop;
  return n;
end $$;
comment on function private.end_past_wall is 'In an execution that has used up its time, work of agents waits for a person who raises the bound.';

-- Section: the sweep ----------------------------------------------------------------------------------------------

create function public.sweep_agents(at timestamptz default now(), rules jsonb default '{}') returns integer
language plpgsql security definer set search_path = '' as $$
declare
  n integer;
begin
  if not private.is_service() then
    perform private.refuse(403, 'Only the worker sweeps');
  end if;
  if not pg_try_advisory_xact_lock(7238199) then
    return 0; -- another worker sweeps
  end if;
  n := private.end_past_deadline(sweep_agents.at);
  n := n + private.end_past_wall(sweep_agents.at);
  n := n + private.end_lost_leases(sweep_agents.at, rules);
  n := n + private.end_obstacles(sweep_agents.at, rules);
  n := n + private.open_resting_offers(sweep_agents.at);
  n := n + private.tell_of_idle_offers(sweep_agents.at, rules);
  return n;
end $$;
comment on function public.sweep_agents is
  'In every tenant, what the clock brings about with outside agents, as of a moment (now): {silences, attempts, obstacle_hours, tell_hours} are the rules. How many tasks it concerned.';

-- Section: what is kept -------------------------------------------------------------------------------------------

create or replace function public.clean_up(what text, older_than_days integer, batch_size integer default 200, dry_run boolean default false) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  before timestamptz := now() - make_interval(days => older_than_days);
  n integer;
begin
  if older_than_days is null or older_than_days < 1 then
    perform private.refuse(422, 'older_than_days is 1 or more', format('older_than_days is %s', older_than_days));
  end if;
  if batch_size is null or batch_size not between 1 and 10000 then
    perform private.refuse(422, 'batch_size is between 1 and 10000', format('batch_size is %s', batch_size));
  end if;
  case what
    when 'completed_tasks' then
      if dry_run then
        select count(*) into n from public.tasks t where t.parent_task_id is null and t.archived_at is null
          and t.execution_status = 'completed' and t.completed_at < before and private.is_tree_closed(t.id);
      else
        n := private.archive_completed(before, batch_size);
      end if;
    when 'failed_tasks' then
      if dry_run then
        select count(*) into n from public.tasks t where t.parent_task_id is null and t.execution_status in ('failed', 'cancelled')
          and greatest(t.failed_at, t.cancelled_at) < before and private.is_tree_closed(t.id);
      else
        n := private.remove_failed(before, batch_size);
      end if;
    when 'task_events' then
      if dry_run then
        select count(*) into n from public.task_events e where e.created_at < before;
      else
        perform private.fold_totals(); -- counted before they go
        -- The oldest alone are looked at: ids follow time closely enough, and there is no index on it.
        delete from public.task_events e where e.id in (
          select o.id from (select x.id, x.created_at from public.task_events x order by x.id limit batch_size) o
          where o.created_at < before and o.id <= (select p.last_event_id from private.metrics_progress p));
        get diagnostics n = row_count;
      end if;
    when 'idempotency_keys' then
      if dry_run then
        select count(*) into n from public.idempotency_keys k where k.created_at < before;
      else
        delete from public.idempotency_keys k where k.ctid = any (array(
          select o.ctid from public.idempotency_keys o where o.created_at < before limit batch_size for update skip locked));
        get diagnostics n = row_count;
      end if;
    when 'queue_jobs' then
      n := private.remove_jobs(before, batch_size, dry_run);
    when 'metrics_snapshots' then
      if dry_run then
        select count(*) into n from public.metrics_snapshots s where s.taken_at < before;
      else
        delete from public.metrics_snapshots s where s.ctid = any (array(
          select o.ctid from public.metrics_snapshots o
          where o.taken_at < before or (o.taken_at < now() - interval '2 days' and exists (
            select 1 from public.metrics_snapshots l where l.organization_id = o.organization_id and l.taken_at > o.taken_at
              and date_trunc('hour', l.taken_at) = date_trunc('hour', o.taken_at)))
          limit batch_size for update skip locked));
        get diagnostics n = row_count;
      end if;
    when 'agent_reports' then
      if dry_run then
        select count(*) into n from public.agent_reports r where r.received_at < before;
      else
        delete from public.agent_reports r where r.ctid = any (array(
          select o.ctid from public.agent_reports o where o.received_at < before order by o.received_at limit batch_size for update skip locked));
        get diagnostics n = row_count;
      end if;
    when 'agent_leases' then
      -- A lease outlives what was reported under it: what comes again then is late, not new.
      if dry_run then
        select count(*) into n from public.agent_leases l where l.ended_at < before;
      else
        delete from public.agent_leases l where l.ctid = any (array(
          select o.ctid from public.agent_leases o where o.ended_at < before
            and not exists (select 1 from public.agent_reports r where r.task_id = o.task_id and r.lease_id = o.id)
          limit batch_size for update skip locked));
        get diagnostics n = row_count;
      end if;
    else
      perform private.refuse(422, format('There is nothing called %L to clean up', what),
        'allowed: completed_tasks, failed_tasks, task_events, idempotency_keys, queue_jobs, metrics_snapshots, agent_reports, agent_leases');
  end case;
  return n;
end $$;

do $$ declare f text; begin
  perform private.expose_function('public.sweep_agents', array['service_role']);
  perform private.expose_function('private.wall_bound', array['authenticated', 'service_role']);
  foreach f in array array['warn_of_sweep', 'offer_again', 'fail_lost', 'end_overdue', 'end_silent', 'end_lost_leases', 'span_words', 'tell_person', 'end_obstacles', 'open_resting_offers',
    'tell_of_idle_offers', 'end_past_deadline', 'end_past_wall'] loop
    perform private.expose_function('private.' || f, array['service_role']);
  end loop;
end $$;
