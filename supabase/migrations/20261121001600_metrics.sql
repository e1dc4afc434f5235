-- Metrics and retention: snapshots of every tenant, totals of the installation, and what is cleaned up at night.

-- Section: snapshots ----------------------------------------------------------------------------------------------

create table public.metrics_snapshots (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  taken_at timestamptz not null,
  tasks jsonb not null default '{}' check (jsonb_typeof(tasks) = 'object'),
  plans jsonb not null default '{}' check (jsonb_typeof(plans) = 'object'),
  created_last_hour integer not null default 0,
  created_last_day integer not null default 0,
  completed_last_hour integer not null default 0,
  completed_last_day integer not null default 0,
  failed_last_day integer not null default 0,
  average_seconds double precision,
  success_rate double precision check (success_rate between 0 and 1),
  model_calls_last_day integer not null default 0,
  tokens_last_day bigint not null default 0,
  cost_usd_last_day numeric(14, 8) not null default 0,
  primary key (organization_id, taken_at)
);
comment on table public.metrics_snapshots is
  'How a tenant''s tasks stood at a moment. Only tenants that have tasks; older than two days one an hour is kept.';
comment on column public.metrics_snapshots.tasks is 'State to number of tasks, archived ones included.';
comment on column public.metrics_snapshots.plans is 'State to number of plans: roots that have subtasks.';
comment on column public.metrics_snapshots.average_seconds is
  'From start to completion, of the last day''s completed tasks that took any time at all (ticking off takes none).';
comment on column public.metrics_snapshots.success_rate is 'Completed, of all that completed or failed in the last day; null where nothing did.';
create index metrics_snapshots_taken_idx on public.metrics_snapshots (taken_at);

select private.guard_table('public.metrics_snapshots', 'select');
create policy metrics_snapshots_read on public.metrics_snapshots for select to authenticated
  using (organization_id in (select private.my_organizations()));

-- What the nightly clean-up looks for. Roots alone, and only those that it has not dealt with, so both stay small.
create index tasks_to_archive_idx on public.tasks (completed_at)
where parent_task_id is null and archived_at is null and execution_status = 'completed';
create index tasks_to_remove_idx on public.tasks (greatest(failed_at, cancelled_at))
where parent_task_id is null and execution_status in ('failed', 'cancelled');
create index llm_interactions_created_idx on public.llm_interactions (created_at);

create function private.count_by_state(organization_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_object_agg(s.execution_status, s.n), '{}') from (
    select t.execution_status, count(*) as n from public.tasks t
    where t.organization_id = count_by_state.organization_id group by 1) s
$$;
comment on function private.count_by_state is 'State to number of tasks of one tenant, read off tasks_status_idx alone.';

create function public.take_metrics_snapshot(taken_at timestamptz default now()) returns integer
language plpgsql set search_path = '' as $$
declare
  made integer;
begin
  insert into public.metrics_snapshots as s (organization_id, taken_at, tasks, plans, created_last_hour, created_last_day, completed_last_hour,
    completed_last_day, failed_last_day, average_seconds, success_rate, model_calls_last_day, tokens_last_day, cost_usd_last_day)
  with parents as materialized ( -- one pass over tasks_parent_idx, for all tenants
    select distinct c.parent_task_id as id from public.tasks c where c.parent_task_id is not null),
  plans as materialized (
    select p.organization_id, jsonb_object_agg(p.execution_status, p.n) as by_state from (
      select r.organization_id, r.execution_status, count(*) as n
      from parents join public.tasks r on r.id = parents.id where r.parent_task_id is null group by 1, 2) p
    group by 1)
  select o.id, take_metrics_snapshot.taken_at, private.count_by_state(o.id), coalesce(plans.by_state, '{}'), recent.created_hour,
    recent.created_day, recent.completed_hour, recent.completed_day, recent.failed_day, recent.seconds,
    recent.completed_day::double precision / nullif(recent.completed_day + recent.failed_day, 0), spent.calls, spent.tokens, spent.cost
  from public.organizations o
  left join plans on plans.organization_id = o.id
  cross join lateral (
    -- Whatever was created or ended within a day was changed within it: tasks_updated_idx finds it.
    select count(*) filter (where t.created_at > now() - interval '1 hour') as created_hour,
      count(*) filter (where t.created_at > now() - interval '1 day') as created_day,
      count(*) filter (where t.execution_status = 'completed' and t.completed_at > now() - interval '1 hour') as completed_hour,
      count(*) filter (where t.execution_status = 'completed' and t.completed_at > now() - interval '1 day') as completed_day,
      count(*) filter (where t.execution_status = 'failed' and t.failed_at > now() - interval '1 day') as failed_day,
      (avg(extract(epoch from t.completed_at - t.started_at)) filter (where t.execution_status = 'completed'
        and t.completed_at > now() - interval '1 day' and t.completed_at > t.started_at))::double precision as seconds
    from public.tasks t where t.organization_id = o.id and t.updated_at > now() - interval '1 day') recent
  cross join lateral (
    select count(*) as calls, coalesce(sum(i.input_tokens + i.output_tokens), 0) as tokens, coalesce(sum(i.cost_usd), 0) as cost
    from public.llm_interactions i where i.organization_id = o.id and i.created_at > now() - interval '1 day') spent
  where exists (select 1 from public.tasks t where t.organization_id = o.id)
  on conflict on constraint metrics_snapshots_pkey do nothing;
  get diagnostics made = row_count;
  perform private.fold_totals(); -- last: whoever reads the totals waits for it
  return made;
end $$;
comment on function public.take_metrics_snapshot is
  'One snapshot of every tenant that has tasks; how many. Twice for one time is once.';

create function public.get_metrics(hours integer default 24) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  organization uuid := private.acting_organization();
begin
  if hours is null or hours not between 1 and 2160 then
    perform private.refuse(422, 'hours is between 1 and 2160', format('hours is %s', hours));
  end if;
  return jsonb_build_object(
    'counted_at', now(),
    'tasks', private.count_by_state(organization),
    'drafts_to_review', (select count(*) from public.drafts d where d.organization_id = organization and d.state = 'draft'),
    'latest', (select to_jsonb(s) - 'organization_id' from public.metrics_snapshots s
               where s.organization_id = organization order by s.taken_at desc limit 1),
    'history', (select coalesce(jsonb_agg(to_jsonb(h) - 'organization_id' order by h.taken_at), '[]') from (
      -- At most about 300 points, the last of each stretch of time.
      select distinct on (date_bin(make_interval(secs => greatest(60, hours * 12)), s.taken_at, 'epoch')) s.*
      from public.metrics_snapshots s
      where s.organization_id = organization and s.taken_at > now() - make_interval(hours => get_metrics.hours)
      order by date_bin(make_interval(secs => greatest(60, hours * 12)), s.taken_at, 'epoch'), s.taken_at desc) h));
end $$;
comment on function public.get_metrics is
  'How the tenant''s tasks stand now {counted_at, tasks, drafts_to_review}, its latest snapshot (or null), and its history, oldest first.';

-- Section: totals of the installation -----------------------------------------------------------------------------
-- Counters that only grow, folded out of what is recorded anyway, so that working costs nothing for being counted.

create table private.metrics_totals (
  name text not null,
  label text not null default '',
  value numeric not null default 0,
  primary key (name, label)
);
comment on table private.metrics_totals is 'Runs, steps, tokens and cost of all tenants since the beginning.';

create table private.metrics_progress (
  only_one boolean primary key default true check (only_one),
  last_event_id bigint not null default 0,
  last_call_at timestamptz not null default '-infinity'
);
comment on table private.metrics_progress is 'How far events and model calls have been counted into the totals.';
insert into private.metrics_progress default values;

create function private.fold_totals() returns void
language plpgsql security definer set search_path = '' as $$
declare
  seen private.metrics_progress;
  newest bigint;
  until timestamptz := now() - interval '1 minute'; -- no call takes so long: what is older than this is complete
begin
  select * into seen from private.metrics_progress p for update; -- one at a time
  -- Ids are given in commit order, so nothing smaller comes later. Bounded, since the first time may be years of events.
  select least(coalesce(max(e.id), 0), seen.last_event_id + 500000) into newest from public.task_events e;
  if newest > seen.last_event_id then
    insert into private.metrics_totals as m (name, label, value)
    with fresh as (
      select e.id, e.task_id, e.kind, e.message, e.data, e.created_at from public.task_events e
      where e.id > seen.last_event_id and e.id <= newest and e.kind in ('state', 'step')),
    ended as (
      select e.data ->> 'to' as outcome, extract(epoch from e.created_at - s.created_at) as seconds from fresh e
      cross join lateral (
        select p.message, p.data, p.created_at from public.task_events p
        where p.task_id = e.task_id and p.id < e.id and p.kind = 'state' order by p.id desc limit 1) s
      where e.kind = 'state' and e.data ->> 'from' = 'in_progress'
        and s.message = 'started' and s.data ->> 'from' = 'queued' and s.data ->> 'actor_type' <> 'user'),
    steps as (
      select (e.data ->> 'step_kind') || ':' || e.message as label, e.message, e.data from fresh e
      where e.kind = 'step' and e.data ->> 'step_kind' in ('model', 'read', 'act')
        and e.message in ('started', 'finished', 'failed', 'uncertain', 'replayed'))
    select 'runs_started', '', count(*) from fresh e
    where e.kind = 'state' and e.message = 'started' and e.data ->> 'from' = 'queued' and e.data ->> 'actor_type' <> 'user'
    union all select 'runs_ended', e.outcome, count(*) from ended e group by 2
    union all select 'run_seconds_sum', '', coalesce(sum(e.seconds), 0) from ended e
    union all select 'run_seconds', width_bucket(e.seconds, array[0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600])::text, count(*) from ended e group by 2
    union all select 'steps', s.label, count(*) from steps s group by 2
    on conflict (name, label) do update set value = m.value + excluded.value;
  end if;
  insert into private.metrics_totals as m (name, label, value)
  with fresh as (
    select i.error, i.input_tokens, i.output_tokens, i.cost_usd from public.llm_interactions i
    where i.created_at > seen.last_call_at and i.created_at <= until)
  select 'model_calls', case when f.error is null then 'answered' else 'failed' end, count(*) from fresh f group by 2
  union all select 'tokens', 'input', sum(f.input_tokens) from fresh f having count(*) > 0
  union all select 'tokens', 'output', sum(f.output_tokens) from fresh f having count(*) > 0
  union all select 'cost_usd', '', coalesce(sum(f.cost_usd), 0) from fresh f having count(*) > 0
  on conflict (name, label) do update set value = m.value + excluded.value;
  update private.metrics_progress p
  set last_event_id = greatest(newest, p.last_event_id), last_call_at = greatest(until, p.last_call_at);
end $$;
comment on function private.fold_totals is
  'Counts what happened since the last time into the totals: events up to the newest, model calls up to a minute ago. Definer: the totals belong to no tenant.';

create function public.get_installation_metrics() returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  counted timestamptz := (select max(s.taken_at) from public.metrics_snapshots s where s.taken_at > now() - interval '15 minutes');
  tasks jsonb;
begin
  perform private.fold_totals();
  if counted is null then
    counted := now();
    select coalesce(jsonb_object_agg(s.execution_status, s.n), '{}') into tasks
    from (select t.execution_status, count(*) as n from public.tasks t group by 1) s;
  else
    select coalesce(jsonb_object_agg(s.key, s.n), '{}') into tasks
    from (select c.key, sum(c.value::bigint) as n from public.metrics_snapshots s cross join jsonb_each_text(s.tasks) c
          where s.taken_at = counted group by 1) s
    where s.key not in ('queued', 'in_progress');
    -- These two change from second to second, and tasks_working_idx holds nothing else.
    select tasks || coalesce(jsonb_object_agg(s.execution_status, s.n), '{}') into tasks
    from (select t.execution_status, count(*) as n from public.tasks t
          where t.execution_status in ('queued', 'in_progress') group by 1) s;
  end if;
  return jsonb_build_object('tasks', tasks, 'tasks_counted_at', counted,
    'queues', private.queue_metrics(),
    'workers', (select jsonb_build_object('alive', count(*), 'slots', coalesce(sum(w.concurrency), 0),
        'running', coalesce(sum(cardinality(w.running)), 0))
      from private.workers w where w.heartbeat_at > now() - interval '12 seconds'),
    'totals', (select coalesce(jsonb_agg(to_jsonb(m) order by m.name, m.label), '[]') from private.metrics_totals m));
end $$;
comment on function public.get_installation_metrics is
  'Numbers of all tenants together, without a name in them: {tasks, tasks_counted_at, queues, workers, totals}. Tasks that rest come from the latest snapshot of 15 minutes.';

create function private.queue_metrics() returns jsonb
language plpgsql stable security definer set search_path = jobs, pg_temp as $$
begin
  return (select coalesce(jsonb_object_agg(q.queue_name, to_jsonb(q) - 'queue_name' - 'first_id' || jsonb_build_object('oldest_seconds',
      (select extract(epoch from now() - greatest(j.scheduled_at, max(e.at)))
       from procrastinate_jobs j left join procrastinate_events e on e.job_id = j.id and e.type = 'deferred'
       where j.id = q.first_id group by j.id))), '{}')
    from (
      select w.queue_name, count(*) filter (where w.status = 'todo' and coalesce(w.scheduled_at <= now(), true)) as ready,
        count(*) filter (where w.status = 'todo' and w.scheduled_at > now()) as scheduled,
        count(*) filter (where w.status = 'doing') as doing,
        min(w.id) filter (where w.status = 'todo' and coalesce(w.scheduled_at <= now(), true)) as first_id
      from procrastinate_jobs w where w.status in ('todo', 'doing') group by w.queue_name) q);
end $$;
comment on function private.queue_metrics is
  'Queue to {ready, scheduled, doing, oldest_seconds (null where nothing is ready)}. Definer: nobody else reads the queue.';

-- Section: the nightly clean-up -----------------------------------------------------------------------------------

create function private.is_tree_closed(root_task_id uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return not exists (select 1 from public.tasks t where t.root_task_id = is_tree_closed.root_task_id
                     and t.execution_status not in ('completed', 'failed', 'cancelled'))
    and not exists (select 1 from public.tasks t join public.drafts d on d.task_id = t.id
                    where t.root_task_id = is_tree_closed.root_task_id and d.state in ('draft', 'approved', 'sending', 'uncertain'))
    and not exists (select 1 from public.tasks t join public.approvals a on a.task_id = t.id
                    where t.root_task_id = is_tree_closed.root_task_id and a.state = 'open')
    and not exists (select 1 from public.steps s where s.root_task_id = is_tree_closed.root_task_id and s.state = 'uncertain');
end $$;
comment on function private.is_tree_closed is
  'Nothing in this tree is open: no task, no draft that waits, is being sent or is uncertain, no question to a person.';

create function private.archive_completed(before timestamptz, batch_size integer) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  root record;
  n integer := 0;
begin
  for root in
    select t.id, t.organization_id, t.title from public.tasks t
    where t.parent_task_id is null and t.archived_at is null and t.execution_status = 'completed'
      and t.completed_at < before and private.is_tree_closed(t.id)
    order by t.completed_at limit batch_size for no key update of t skip locked
  loop
    perform private.audit(root.organization_id, 'tree.archived', 'task', root.id, format('completed before %s', before),
      jsonb_build_object('title', root.title));
    update public.tasks t set archived_at = now() where t.root_task_id = root.id and t.archived_at is null;
    n := n + 1;
  end loop;
  return n;
end $$;
comment on function private.archive_completed is 'Archives some completed trees, whole; those that somebody works on are left for later.';

create function private.remove_failed(before timestamptz, batch_size integer) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  root record;
  n integer := 0;
begin
  for root in
    select t.id, t.organization_id, t.title, t.execution_status from public.tasks t
    where t.parent_task_id is null and t.execution_status in ('failed', 'cancelled')
      and greatest(t.failed_at, t.cancelled_at) < before and private.is_tree_closed(t.id)
    order by greatest(t.failed_at, t.cancelled_at) limit batch_size for update of t skip locked
  loop
    perform 1 from public.tasks t where t.root_task_id = root.id order by t.id for update;
    if private.is_tree_closed(root.id) then -- looked at again, now that nobody can change it
      perform private.audit(root.organization_id, 'tree.removed', 'task', root.id, format('%s before %s', root.execution_status, before),
        jsonb_build_object('title', root.title, 'tasks', (select count(*) from public.tasks t where t.root_task_id = root.id)));
      delete from public.tasks t where t.id = root.id;
      n := n + 1;
    end if;
  end loop;
  return n;
end $$;
comment on function private.remove_failed is 'Removes some failed and cancelled trees, whole, with what hangs on them. Each task''s deletion is audited as well.';

create function private.remove_jobs(before timestamptz, batch_size integer, dry_run boolean) returns integer
language plpgsql security definer set search_path = jobs, pg_temp as $$
declare
  ids bigint[];
begin
  select array_agg(o.id) into ids from (
    select j.id from procrastinate_jobs j
    where (j.status in ('succeeded', 'failed', 'cancelled', 'aborted')
           and not exists (select 1 from procrastinate_events e where e.job_id = j.id and e.at >= before))
       or (j.status = 'todo' and j.task_name = 'advance_task'
           and not exists (select 1 from public.tasks t where t.id = (j.args ->> 'task_id')::uuid))
    limit batch_size for update of j skip locked) o;
  if not dry_run then
    delete from procrastinate_jobs j where j.id = any (ids);
  end if;
  return coalesce(cardinality(ids), 0);
end $$;
comment on function private.remove_jobs is 'Removes some finished jobs, and waiting ones whose task is gone. Definer: nobody else touches the queue.';

create function public.clean_up(what text, older_than_days integer, batch_size integer default 200, dry_run boolean default false) returns integer
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
    else
      perform private.refuse(422, format('There is nothing called %L to clean up', what),
        'allowed: completed_tasks, failed_tasks, task_events, idempotency_keys, queue_jobs, metrics_snapshots');
  end case;
  return n;
end $$;
comment on function public.clean_up is
  'One batch of the clean-up, in every tenant; how many it was (trees, for tasks), 0 when none is left. With dry_run: how many there would be. Definer: people may not delete events.';

do $$ declare f text; begin
  foreach f in array array['count_by_state', 'is_tree_closed'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['queue_metrics', 'archive_completed', 'remove_failed', 'remove_jobs'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
  perform private.expose_function('private.fold_totals', array['service_role']);
  perform private.expose_function('public.get_metrics', array['authenticated', 'service_role']);
  foreach f in array array['take_metrics_snapshot', 'get_installation_metrics', 'clean_up'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
end $$;
