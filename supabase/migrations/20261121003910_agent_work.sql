-- Work for outside agents: what is offered, who holds it under lease, and how a task comes back.
-- A task with the tool `outside_agent` waits, blocked on 'agent', with an open offer. A claim makes it run under a lease, whose id
-- is the run's; the agent's reports end it, and so does its silence.

-- Section: offers -------------------------------------------------------------------------------------------------

create table public.agent_offers (
  task_id uuid primary key references public.tasks (id) on delete cascade,
  organization_id uuid not null references public.organizations (id) on delete cascade,
  state text not null default 'open' check (state in ('open', 'resting', 'taken', 'closed')),
  capabilities text[] not null default '{}' check (cardinality(capabilities) <= 50),
  whom text not null default '' check (length(whom) <= 200),
  instructions text not null default '' check (length(instructions) <= 20000),
  input jsonb not null default '{}' check (jsonb_typeof(input) = 'object'),
  timeout_seconds integer check (timeout_seconds between 1 and 604800),
  continues boolean not null default false,
  offered_at timestamptz not null default now(),
  deadline_at timestamptz,
  opens_at timestamptz,
  reserved_for uuid references public.agents (id) on delete set null,
  reserved_until timestamptz,
  avoided_agent_id uuid references public.agents (id) on delete set null,
  avoided_until timestamptz,
  timeouts integer not null default 0 check (timeouts >= 0),
  silences integer not null default 0 check (silences >= 0),
  obstacle text check (length(obstacle) <= 2000),
  obstacle_since timestamptz,
  rechecks integer not null default 0 check (rechecks >= 0),
  reached real,
  waited_seconds double precision not null default 0 check (waited_seconds >= 0),
  rounds integer not null default 0 check (rounds >= 0),
  feedback text check (length(feedback) <= 20000),
  failure text check (length(failure) <= 2000),
  generation integer not null default 0,
  told_at timestamptz
);
comment on table public.agent_offers is 'What tasks for outside agents ask for, and how far that went: one row a task, kept while it is tried again.';
comment on column public.agent_offers.state is 'open: whoever fits may claim it; resting: not before opens_at; taken: under lease, or its parts are being done; closed: the task waits for no agent.';
comment on column public.agent_offers.whom is 'Name or id of the one agent that may have it; empty: any with all the capabilities.';
comment on column public.agent_offers.input is 'The input with its templates filled in.';
comment on column public.agent_offers.continues is 'The task is offered again when the parts that its agent made have ended.';
comment on column public.agent_offers.reserved_for is 'Who had it, and knows it: others may have it after reserved_until.';
comment on column public.agent_offers.avoided_agent_id is 'Who went silent with it: it may have it again after avoided_until, or at once where no other lives that may have it.';
comment on column public.agent_offers.obstacle is 'What outside it waits for, as its agent said; obstacle_since when that was said first.';
comment on column public.agent_offers.reached is 'How far (percent) the work had ever come when an obstacle was reported: what goes beyond it shows that the obstacle is gone.';
comment on column public.agent_offers.waited_seconds is 'How long obstacles lasted that are gone: they count towards how long it may wait in all.';
comment on column public.agent_offers.rounds is 'How often its agents put it off, whatever they said of progress: after a few times it is kept for none of them.';
comment on column public.agent_offers.feedback is 'Why a person did not agree to how it was broken down: its next agent reads it.';
comment on column public.agent_offers.failure is 'What went wrong with the attempt before: its next agent reads it.';
comment on column public.agent_offers.generation is 'Of the task, when it was offered. A person who executes it again begins anew: deadline, attempts and obstacle count from there.';
comment on column public.agent_offers.told_at is 'When a person was told that nobody does it.';
create index agent_offers_open_idx on public.agent_offers (organization_id, offered_at) where state = 'open';
create index agent_offers_resting_idx on public.agent_offers (opens_at) where state = 'resting';
create index agent_offers_organization_idx on public.agent_offers (organization_id);
create index agent_offers_reserved_idx on public.agent_offers (reserved_for) where reserved_for is not null;
create index agent_offers_avoided_idx on public.agent_offers (avoided_agent_id) where avoided_agent_id is not null;
select private.guard_table('public.agent_offers', 'select');
create policy agent_offers_read on public.agent_offers for select to authenticated using (organization_id in (select private.my_organizations()));

-- Section: leases -------------------------------------------------------------------------------------------------

create table public.agent_leases (
  id uuid primary key,
  organization_id uuid not null references public.organizations (id) on delete cascade,
  agent_id uuid not null references public.agents (id) on delete cascade,
  task_id uuid not null references public.tasks (id) on delete cascade,
  root_task_id uuid not null,
  claimed_at timestamptz not null default now(),
  heard_at timestamptz not null default now(),
  expires_at timestamptz not null,
  times_out_at timestamptz,
  started_at timestamptz,
  told_at timestamptz,
  percent real check (percent between 0 and 100),
  furthest real check (furthest between 0 and 100),
  message text not null default '' check (length(message) <= 2000),
  words integer not null default 0 check (words >= 0),
  without_effect integer not null default 0 check (without_effect >= 0),
  ended_at timestamptz,
  outcome text check (outcome in ('completed', 'failed', 'blocked', 'decomposed', 'silent', 'timeout', 'cancelled', 'taken_back')),
  constraint agent_leases_end check ((ended_at is null) = (outcome is null))
);
comment on table public.agent_leases is 'Who holds, or held, which task: one attempt of an agent. The id is that of the run.';
comment on column public.agent_leases.expires_at is 'Every word of the agent about it moves this on; after it the agent counts as silent.';
comment on column public.agent_leases.times_out_at is 'How long this attempt may take, whatever the agent says.';
comment on column public.agent_leases.furthest is 'The highest percent that was ever said under it.';
comment on column public.agent_leases.words is 'How many words about how it goes were applied, kept or not.';
comment on column public.agent_leases.without_effect is 'How many events came late, or old, or were refused: only so many are kept.';
comment on column public.agent_leases.told_at is 'By the agent''s clock, of the newest word that was applied: an older one that comes late changes nothing.';
create unique index agent_leases_one_idx on public.agent_leases (task_id) where ended_at is null;
create index agent_leases_agent_idx on public.agent_leases (agent_id, claimed_at desc);
create index agent_leases_task_idx on public.agent_leases (task_id, claimed_at desc);
create index agent_leases_root_idx on public.agent_leases (root_task_id, claimed_at desc);
create index agent_leases_organization_idx on public.agent_leases (organization_id);
create index agent_leases_expiry_idx on public.agent_leases (expires_at) where ended_at is null;
select private.guard_table('public.agent_leases', 'select');
create policy agent_leases_read on public.agent_leases for select to authenticated using (organization_id in (select private.my_organizations()));

-- Section: an agent is somebody -----------------------------------------------------------------------------------
-- In the log of a task and among decisions its id stands, where a person's would.

create or replace function private.state_entry(task public.tasks, old_state text) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'event', case
      when old_state is null then 'created'
      when task.execution_status = 'in_progress' and old_state in ('paused', 'blocked') then 'resumed'
      when task.execution_status = 'in_progress' then 'started'
      when task.execution_status = 'queued' and old_state = 'in_progress' then 'retry_queued'
      when task.execution_status = 'pending' then 'unqueued'
      else task.execution_status end,
    'from', old_state,
    'to', task.execution_status,
    'timestamp', now(),
    'actor_type', private.actor_type(),
    'actor_id', coalesce((select auth.uid()), private.acting_agent()),
    'executor_type', case when task.execution_status = 'in_progress' then
      case when private.actor_type() = 'user' then 'user' else coalesce(task.assigned_to_type, 'agent') end end,
    'executor_id', case when task.execution_status = 'in_progress' then coalesce((select auth.uid()), task.assigned_to_id) end,
    'reason', case task.execution_status
      when 'blocked' then task.blocked_reason
      when 'failed' then task.failure_reason
      when 'queued' then case when old_state = 'in_progress' then task.failure_reason end end,
    'result', case when task.execution_status = 'completed' and pg_column_size(task.result) < 32768 then task.result end))
$$;

create or replace function private.before_task_update() returns trigger
language plpgsql set search_path = '' as $$
declare
  claims jsonb;
  actor uuid;
  actor_type text;
begin
  if new.id <> old.id or new.organization_id <> old.organization_id or new.created_at <> old.created_at
     or new.parent_task_id is distinct from old.parent_task_id or new.root_task_id <> old.root_task_id
     or new.depth <> old.depth then
    perform private.refuse(409, 'A task keeps its id, tenant and place in the tree');
  end if;
  if new.execution_log is distinct from old.execution_log and not (
       jsonb_array_length(new.execution_log) > jsonb_array_length(old.execution_log)
       and (select coalesce(jsonb_agg(e.value order by e.ordinality), '[]')
            from jsonb_array_elements(new.execution_log) with ordinality e
            where e.ordinality <= jsonb_array_length(old.execution_log)) = old.execution_log) then
    perform private.refuse(403, 'execution_log is append-only');
  end if;
  if jsonb_array_length(new.execution_log) > jsonb_array_length(old.execution_log) and exists (
       select 1 from jsonb_array_elements(new.execution_log) with ordinality e
       where e.ordinality > jsonb_array_length(old.execution_log) and e.value ? 'to') then
    perform private.refuse(403, 'Only the database writes changes of state into execution_log');
  end if;
  new.updated_at := now();
  if (new.title, new.description, new.kind, new.recipient, new.acceptance_criteria)
     is distinct from (old.title, old.description, old.kind, old.recipient, old.acceptance_criteria) then
      new.generation := old.generation + 1; -- other work is wanted: what was answered for the earlier words is not replayed
  end if;
  if new.execution_status = old.execution_status then
    return new;
  end if;
  claims := auth.jwt();
  if (claims ->> 'run_task_id')::uuid = old.id and (claims ->> 'run_id')::uuid is distinct from old.run_id then
    perform private.refuse(409, 'This run was taken over by another', format('task %s', old.id));
  end if;
  if not new.execution_status = any (private.next_states(old.execution_status)) then
    perform private.refuse(409,
      format('A task that is %s cannot become %s', old.execution_status, new.execution_status),
      format('allowed: %s', coalesce(nullif(array_to_string(private.next_states(old.execution_status), ', '), ''), 'none, this state is final')));
  end if;
  if old.execution_status = 'blocked' then
    if new.execution_status = 'queued' and old.blocked_on in ('review', 'person', 'model') then
      new.generation := old.generation + 1;
    end if;
    if old.blocked_on in ('review', 'approval') and new.execution_status <> 'queued' then
      -- Decided by doing: what was asked is not open any more.
      update public.approvals a set state = 'voided' where a.task_id = old.id and a.state = 'open' and a.draft_id is null;
    end if;
    new.blocked_on := null; new.blocked_reason := null; new.blocked_until := null; new.unblocked_by := null;
    new.remind_at := null; new.reminded_at := null;
  elsif old.execution_status = 'failed' then
    new.generation := old.generation + 1;
    new.escalated_at := null; new.waived_at := null; new.waived_reason := null; new.lost_count := 0;
  end if;
  case new.execution_status
    when 'in_progress' then
      new.started_at := coalesce(old.started_at, now());
      new.run_id := gen_random_uuid();
      new.run_started_at := clock_timestamp();
    when 'queued' then new.run_id := null; new.worker_id := null;
    when 'blocked' then
      new.blocked_at := now();
      new.worker_id := null;
      if new.failure_reason is not distinct from old.failure_reason then new.failure_reason := null; end if;
    when 'failed' then new.failed_at := now(); new.worker_id := null;
    when 'cancelled' then new.cancelled_at := now(); new.worker_id := null;
    when 'completed' then
      new.completed_at := now();
      new.worker_id := null;
      new.verification := coalesce(new.verification, 'claimed');
      if new.evidence = '[]' and (select auth.uid()) is not null then
        new.evidence := jsonb_build_array(jsonb_build_object('kind', 'word', 'what', 'A person said that it is done', 'at', now()));
      end if;
      new.actual_duration_minutes := coalesce(new.actual_duration_minutes,
        round(extract(epoch from now() - coalesce(old.started_at, now())) / 60)::integer);
    else null;
  end case;
  -- The line of execution_log, as private.state_entry makes it for a new task, without handing the whole row about.
  actor := coalesce(claims ->> 'sub', claims ->> 'agent_id')::uuid;
  actor_type := case when claims ->> 'sub' is not null then 'user' when claims ->> 'role' = 'service_role' then 'agent' else 'database' end;
  new.execution_log := new.execution_log || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
    'event', case
      when new.execution_status = 'in_progress' and old.execution_status in ('paused', 'blocked') then 'resumed'
      when new.execution_status = 'in_progress' then 'started'
      when new.execution_status = 'queued' and old.execution_status = 'in_progress' then 'retry_queued'
      when new.execution_status = 'pending' then 'unqueued'
      else new.execution_status end,
    'from', old.execution_status,
    'to', new.execution_status,
    'timestamp', now(),
    'actor_type', actor_type,
    'actor_id', actor,
    'executor_type', case when new.execution_status = 'in_progress' then
      case when actor_type = 'user' then 'user' else coalesce(new.assigned_to_type, 'agent') end end,
    'executor_id', case when new.execution_status = 'in_progress' then coalesce(actor, new.assigned_to_id) end,
    'reason', case new.execution_status
      when 'blocked' then new.blocked_reason
      when 'failed' then new.failure_reason
      when 'queued' then case when old.execution_status = 'in_progress' then new.failure_reason end end,
    'result', case when new.execution_status = 'completed' and pg_column_size(new.result) < 32768 then new.result end)));
  return new;
end $$;

-- Section: how offers and leases follow the task ------------------------------------------------------------------

create function private.end_lease(lease_id uuid, outcome text, at timestamptz default now()) returns void
language sql set search_path = '' as $$
  update public.agent_leases l set ended_at = end_lease.at, outcome = end_lease.outcome where l.id = end_lease.lease_id and l.ended_at is null
$$;
comment on function private.end_lease is 'Ends a lease, once.';

create function private.follow_task() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  held public.agent_leases;
begin
  if new.execution_status not in ('in_progress', 'paused') then
    update public.agent_leases l set ended_at = now(),
      outcome = case when new.execution_status in ('cancelled', 'failed') then new.execution_status else 'taken_back' end
    where l.task_id = new.id and l.ended_at is null returning l.* into held;
  end if;
  if new.execution_status in ('completed', 'failed', 'cancelled', 'queued')
     or new.execution_status = 'blocked' and new.blocked_on not in ('agent', 'subtasks') then
    update public.agent_offers o set state = 'closed', failure = coalesce(left(new.failure_reason, 2000), o.failure),
      -- Paused and resumed: whoever was at it goes on.
      reserved_for = case when new.execution_status = 'queued' and old.execution_status = 'paused' then coalesce(held.agent_id, o.reserved_for) else o.reserved_for end,
      reserved_until = case when new.execution_status = 'queued' and old.execution_status = 'paused' then now() + interval '10 minutes' else o.reserved_until end
    where o.task_id = new.id;
  elsif new.execution_status = 'in_progress' then
    update public.agent_offers o set state = 'taken' where o.task_id = new.id;
  elsif new.blocked_on = 'subtasks' and (select auth.uid()) is not null then
    update public.agent_offers o set state = 'closed', continues = false where o.task_id = new.id; -- a person has said its parts: it waits for no agent
  end if;
  return null;
end $$;
comment on function private.follow_task is
  'A task that ends, or is taken back, ends the lease on it and closes its offer: the agent hears of it with its next word. Definer, since people may not write either.';
create trigger tasks_33_agent after update of execution_status on public.tasks for each row
when (old.tool = 'outside_agent' and new.execution_status <> old.execution_status) execute function private.follow_task();

create or replace function private.check_new_part() returns trigger
language plpgsql set search_path = '' as $$
declare
  parent public.tasks;
begin
  select * into parent from public.tasks t where t.id = new.parent_task_id;
  if parent.id is null or new.tool in ('revise_draft') or (new.tool in ('email_send', 'slack_notification') and new.tool_input ? 'draft_id') then
    return new; -- sending and revising belong to a task whatever its state
  end if;
  if parent.tool is not null and parent.tool <> 'outside_agent' then
    perform private.refuse(422, 'A task with a tool has no parts', format('parent %s', parent.title));
  elsif parent.execution_status = 'completed' and exists (
      select 1 from public.tasks t where t.id = new.supersedes_task_id and t.parent_task_id = parent.id) then
    return new; -- a part of it is done again
  elsif parent.execution_status in ('completed', 'cancelled') then
    perform private.refuse(409, format('A task that is %s takes no new parts', parent.execution_status), parent.execution_status);
  end if;
  return new;
end $$;

create or replace function public.requeue_lost_tasks(silent_seconds integer default 12) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  lost public.tasks;
  n integer := 0;
begin
  if not pg_try_advisory_xact_lock(7238196) then
    return 0; -- another worker sweeps
  end if;
  for lost in
    select t.* from public.tasks t left join private.workers w on w.id = t.worker_id
    where t.execution_status = 'in_progress' and t.assigned_to_type is distinct from 'user'
      and not exists (select 1 from public.agent_leases l where l.id = t.run_id and l.ended_at is null)
      and t.run_started_at < now() - interval '2 seconds'
      and (w.id is null or w.heartbeat_at < now() - make_interval(secs => silent_seconds)
           or (t.run_started_at < w.heartbeat_at - interval '2 seconds' and t.id <> all (w.running)))
    limit 200 for no key update of t skip locked
  loop
    if lost.lost_count >= 20 then
      update public.tasks t set execution_status = 'failed', failure_reason = 'Its worker went away 20 times while it ran' where t.id = lost.id;
    else
      update public.tasks t set execution_status = 'queued', lost_count = t.lost_count + 1,
        failure_reason = 'The worker went away; the task is taken up again' where t.id = lost.id;
    end if;
    n := n + 1;
  end loop;
  for lost in
    select t.* from public.tasks t
    where t.id in (
      select q.id from public.tasks q left join jobs.procrastinate_jobs j on j.queueing_lock = q.id::text and j.status = 'todo'
      where q.execution_status = 'queued' and q.updated_at < now() - interval '2 seconds' and j.id is null limit 200)
    for no key update of t skip locked
  loop
    if lost.execution_status = 'queued' and not private.is_paused(lost.id) then
      perform private.defer_task(lost);
      n := n + 1;
    end if;
  end loop;
  return n;
end $$;

create function private.settle_agent_work(parent public.tasks) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  refused public.tasks;
begin
  if parent.tool is distinct from 'outside_agent' then
    return false;
  end if;
  select t.* into refused from public.tasks t where t.parent_task_id = parent.id and t.source_ref ? 'agrees_to_parts' and t.superseded_at is null
    and (t.execution_status = 'failed' or t.execution_status = 'cancelled' and t.cancelled_at >= parent.blocked_at) -- taken away, nobody can agree any more
    order by coalesce(t.failed_at, t.cancelled_at) desc limit 1;
  if refused.id is not null then
    update public.tasks t set superseded_at = now() where t.id = refused.id;
    update public.tasks t set blocked_on = 'person', blocked_reason = 'You did not agree to how it was broken down',
      unblocked_by = 'Break it down yourself, do it, or execute it again: an agent gets it with your reason' where t.id = parent.id;
    update public.agent_offers o set state = 'closed', continues = false, feedback = coalesce(left((select nullif(trim(a.notes), '') from public.approvals a
      where a.task_id = refused.id and a.state = 'rejected' order by a.decided_at desc limit 1), 20000), o.feedback) where o.task_id = parent.id;
    update public.tasks t set execution_status = 'cancelled', failure_reason = 'You did not agree to these parts'
    where t.parent_task_id = parent.id and t.execution_status not in ('completed', 'failed', 'cancelled');
    return true;
  end if;
  if not exists (select 1 from public.agent_offers o where o.task_id = parent.id and o.continues) then
    return false;
  end if;
  if exists (select 1 from public.tasks t where t.parent_task_id = parent.id and t.superseded_at is null
             and t.execution_status not in ('completed', 'failed', 'cancelled')) then
    return false;
  end if;
  -- What failed is for the agent to see: it made the parts, and goes on from them.
  update public.tasks t set escalated_at = coalesce(t.escalated_at, now()) where t.parent_task_id = parent.id and t.execution_status = 'failed';
  update public.tasks t set execution_status = 'queued', run_after = null where t.id = parent.id;
  update public.agent_offers o set reserved_until = now() + interval '10 minutes' where o.task_id = parent.id; -- for whoever broke it down
  return true;
end $$;
comment on function private.settle_agent_work is
  'Parts that an outside agent made: refused ones leave the whole to a person; where the agent goes on afterwards, it is offered the task again once all have ended. False: as any other task.';

create or replace function private.settle_parent(parent_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  parent public.tasks;
  failed public.tasks;
begin
  select * into parent from public.tasks t where t.id = settle_parent.parent_id for no key update;
  if parent.execution_status = 'completed' then
    -- A part that was done again after the end: nobody re-plans it.
    update public.tasks t set escalated_at = now() where t.parent_task_id = parent.id and t.execution_status = 'failed' and t.supersedes_task_id is not null
      and t.waived_at is null and t.superseded_at is null and t.escalated_at is null and t.failed_at >= parent.completed_at;
    return;
  end if;
  if parent.execution_status <> 'blocked' or parent.blocked_on <> 'subtasks' or private.settle_agent_work(parent) then
    return;
  end if;
  for failed in select t.* from public.tasks t where t.parent_task_id = parent.id and t.execution_status = 'failed'
    and t.waived_at is null and t.superseded_at is null and t.escalated_at is null
  loop
    if failed.on_failure = 'stop' then
      update public.tasks t set execution_status = 'failed', failure_reason = format('%s failed: %s', failed.title, failed.failure_reason)
      where t.id = parent.id;
      return;
    elsif failed.on_failure = 'replan' and parent.tool is null and parent.replan_count < (private.tree_bounds(parent.root_task_id) ->> 'max_replans')::integer then
      update public.tasks t set execution_status = 'queued', run_after = null where t.id = parent.id;
      return;
    else
      update public.tasks t set escalated_at = now() where t.id = failed.id;
    end if;
  end loop;
  if not exists (select 1 from public.tasks t where t.parent_task_id = parent.id
                 and t.execution_status not in ('completed', 'cancelled')
                 and (t.execution_status <> 'failed' or (t.waived_at is null and t.superseded_at is null))) then
    update public.tasks set execution_status = 'in_progress' where id = parent.id;
    update public.tasks p set execution_status = 'completed',
      (result, verification, evidence) = (
        select coalesce(p.result, '{}') || jsonb_build_object('strategy', 'decompose',
            'subtasks_completed', count(*) filter (where t.execution_status = 'completed')),
          -- That an agent's parts are done does not show that its task is: which parts it needs is the agent's word.
          case when bool_and(t.verification = 'verified' and not t.source_ref ? 'agent_id') then 'verified' else 'claimed' end,
          jsonb_build_array(jsonb_build_object('kind', 'subtasks', 'at', now(), 'what',
            format('%s of %s parts verified', count(*) filter (where t.verification = 'verified'), count(*))))
            || coalesce((select jsonb_agg(jsonb_build_object('kind', 'agent', 'at', now(), 'where', a.id, 'what', format('By the word of the agent %s: it made the parts', a.name)) order by a.name)
              from public.agents a where a.id in (select private.as_uuid(m.source_ref ->> 'agent_id') from public.tasks m where m.parent_task_id = p.id and m.execution_status = 'completed')), '[]')
        from public.tasks t where t.parent_task_id = p.id and t.execution_status = 'completed')
    where id = parent.id;
  else
    update public.tasks p set blocked_reason = (
      select format('%s of %s subtasks done', count(*) filter (where t.execution_status = 'completed'), count(*))
             || case count(*) filter (where t.execution_status = 'failed' and t.waived_at is null)
                  when 0 then '' when 1 then '; one failed and needs you' else '; several failed and need you' end
      from public.tasks t where t.parent_task_id = p.id and t.execution_status <> 'cancelled' and t.superseded_at is null and t.waived_at is null)
    where id = parent.id;
  end if;
end $$;

do $$ declare f text; begin
  foreach f in array array['follow_task', 'settle_agent_work'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
  foreach f in array array['end_lease'] loop
    perform private.expose_function('private.' || f, array['service_role']);
  end loop;
end $$;
