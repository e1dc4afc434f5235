-- Runs: who works on a task, fencing of runs that were taken over, failure, waiting, evidence.

-- Section: what a task gains --------------------------------------------------------------------------------------

alter table public.tasks
  add column generation integer not null default 1 check (generation > 0),
  add column run_id uuid,
  add column run_started_at timestamptz,
  add column worker_id uuid,
  add column lost_count integer not null default 0 check (lost_count >= 0),
  add column timeout_seconds integer check (timeout_seconds between 1 and 86400),
  add column on_failure text not null default 'replan' check (on_failure in ('replan', 'skip', 'escalate', 'stop')),
  add column replan_count integer not null default 0 check (replan_count >= 0),
  add column escalated_at timestamptz,
  add column waived_at timestamptz,
  add column waived_reason text check (length(waived_reason) <= 2000),
  add column supersedes_task_id uuid references public.tasks (id) on delete set null,
  add column superseded_at timestamptz,
  add column remind_at timestamptz,
  add column reminded_at timestamptz,
  add column verification text check (verification in ('verified', 'claimed', 'unverifiable')),
  add column evidence jsonb not null default '[]' check (jsonb_typeof(evidence) = 'array'),
  add column bounds jsonb not null default '{}' check (jsonb_typeof(bounds) = 'object'),
  drop constraint tasks_blocked_on_check,
  add constraint tasks_blocked_on_check check (blocked_on in
    ('review', 'person', 'subtasks', 'model', 'delay', 'agent', 'reply', 'approval', 'bounds'));
comment on column public.tasks.generation is 'Counts how often the work was asked for anew; a retried run of one generation replays its finished steps.';
comment on column public.tasks.run_id is 'The one run that may speak for this task; a run that was taken over is refused.';
comment on column public.tasks.lost_count is 'How often a worker went away in the middle: what kills its workers is not taken up for ever.';
comment on column public.tasks.on_failure is 'What a final failure of this task means for its tree: re-plan, go on without it, ask a person, or stop the parent.';
comment on column public.tasks.verification is 'verified: evidence was looked up after the effect; claimed: somebody''s word; unverifiable: there is nothing to look up.';
comment on column public.tasks.superseded_at is 'Another row took this one''s place (its supersedes_task_id points here); it counts no more for its tree.';
create unique index tasks_supersedes_idx on public.tasks (supersedes_task_id) where supersedes_task_id is not null;
create index tasks_waiting_idx on public.tasks (blocked_until) where execution_status = 'blocked' and blocked_until is not null;
create index tasks_reminder_idx on public.tasks (remind_at) where execution_status = 'blocked' and remind_at is not null and reminded_at is null;
drop index public.tasks_working_idx;
create index tasks_working_idx on public.tasks (execution_status) where execution_status in ('queued', 'in_progress');

alter table public.approvals
  add column why text not null default '',
  add column payload jsonb not null default '{}' check (jsonb_typeof(payload) = 'object');
comment on column public.approvals.payload is 'Exactly what a gate asks about; its digest is over this.';
create index approvals_expiry_idx on public.approvals (expires_at) where state = 'open' and expires_at is not null;

-- Section: workers ------------------------------------------------------------------------------------------------

create table private.workers (
  id uuid primary key,
  host text not null,
  pid integer not null,
  queues text[],
  concurrency integer not null,
  running uuid[] not null default '{}',
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now()
);
comment on table private.workers is 'Workers that show themselves: what each runs, and when it was heard last.';

create function public.heartbeat_worker(worker_id uuid, host text, pid integer, concurrency integer, queues jsonb default null,
  running jsonb default '[]') returns jsonb
language plpgsql security definer set search_path = '' as $$
begin
  insert into private.workers as w (id, host, pid, queues, concurrency, running)
  select heartbeat_worker.worker_id, heartbeat_worker.host, heartbeat_worker.pid,
    case when queues is not null then array(select jsonb_array_elements_text(heartbeat_worker.queues)) end, heartbeat_worker.concurrency,
    array(select (r ->> 'task_id')::uuid from jsonb_array_elements(heartbeat_worker.running) r)
  on conflict (id) do update set running = excluded.running, heartbeat_at = now();
  return (select coalesce(jsonb_agg(r ->> 'task_id'), '[]') from jsonb_array_elements(heartbeat_worker.running) r
          where r ->> 'run_id' is not null and not exists (
            select 1 from public.tasks t where t.id = (r ->> 'task_id')::uuid and t.run_id = (r ->> 'run_id')::uuid
              and t.execution_status <> 'cancelled'));
end $$;
comment on function public.heartbeat_worker is
  'A worker is alive and runs these tasks [{task_id, run_id or null before the start}]; answers with the ids of those it should stop: cancelled, deleted, taken over.';

create function public.retire_worker(worker_id uuid) returns void
language sql security definer set search_path = '' as $$
  delete from private.workers w where w.id = retire_worker.worker_id or w.heartbeat_at < now() - interval '1 day'
$$;
comment on function public.retire_worker is 'A worker ended in order.';

create function public.list_workers(silent_seconds integer default 12) returns jsonb
language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_agg(to_jsonb(w) || jsonb_build_object('is_alive', w.heartbeat_at > now() - make_interval(secs => silent_seconds))
    order by w.started_at), '[]') from private.workers w
$$;
comment on function public.list_workers is 'Every worker that was heard lately, and whether it is alive.';

-- Section: small questions that every run asks ----------------------------------------------------------------------
-- In PL/pgSQL, which keeps its plans; an SQL function is planned anew in every statement that calls it.

create or replace function private.is_paused(task_id uuid) returns boolean
language plpgsql stable set search_path = '' as $$
declare
  above uuid := is_paused.task_id;
  paused timestamptz;
begin
  while above is not null loop
    select t.paused_at, t.parent_task_id into paused, above from public.tasks t where t.id = above;
    if paused is not null then
      return true;
    end if;
  end loop;
  return false;
end $$;

create or replace function private.in_scope(organization_id uuid) returns boolean
language plpgsql stable set search_path = '' as $$
declare
  claims jsonb := auth.jwt();
begin
  if claims ->> 'role' = 'service_role' then
    return in_scope.organization_id = (claims ->> 'organization_id')::uuid;
  end if;
  return in_scope.organization_id in (select private.my_organizations());
end $$;

create or replace function private.acting_organization() returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare
  claims jsonb := auth.jwt();
begin
  if claims ->> 'role' = 'service_role' then
    return (claims ->> 'organization_id')::uuid;
  end if;
  return (
    select m.organization_id from public.members m
    where m.user_id = (select auth.uid())
      and (claims ->> 'organization_id' is null or m.organization_id = (claims ->> 'organization_id')::uuid)
    order by m.created_at, m.organization_id limit 1);
end $$;

-- Section: fencing ------------------------------------------------------------------------------------------------

create function private.is_stale_run(task public.tasks) returns boolean
language sql stable set search_path = '' as $$
  select coalesce((auth.jwt() ->> 'run_task_id')::uuid = task.id and (auth.jwt() ->> 'run_id')::uuid is distinct from task.run_id, false)
$$;
comment on function private.is_stale_run is 'Is the caller a run of this task that was taken over? A run names itself in its claims.';

-- The words that search finds a task by lie in a table of their own: a change of state must not touch their index.
alter table public.tasks drop column search;
create table public.task_words (
  task_id uuid primary key references public.tasks (id) on delete cascade,
  organization_id uuid not null references public.organizations (id) on delete cascade,
  words tsvector not null
);
comment on table public.task_words is 'What text search finds a task by: the words of its title and description; kept by a trigger.';
create index task_words_words_idx on public.task_words using gin (words);
create index task_words_organization_idx on public.task_words (organization_id);
select private.guard_table('public.task_words', 'select');
create policy task_words_read on public.task_words for select to authenticated using (organization_id in (select private.my_organizations()));

create function private.keep_words() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.task_words as w (task_id, organization_id, words)
  values (new.id, new.organization_id, to_tsvector('simple'::regconfig, left(new.title || ' ' || new.description, 100000)))
  on conflict (task_id) do update set words = excluded.words;
  return null;
end $$;
comment on function private.keep_words is 'Keeps the words of a task for text search.';
insert into public.task_words (task_id, organization_id, words)
select t.id, t.organization_id, to_tsvector('simple'::regconfig, left(t.title || ' ' || t.description, 100000)) from public.tasks t;
create trigger tasks_50_words_new after insert on public.tasks for each row execute function private.keep_words();
create trigger tasks_50_words_change after update of title, description on public.tasks for each row
when (new.title <> old.title or new.description <> old.description) execute function private.keep_words();

create or replace function private.before_task_insert() returns trigger
language plpgsql set search_path = '' as $$
declare
  parent public.tasks;
begin
  if new.execution_status <> 'pending' then
    perform private.refuse(409, 'A new task starts as pending', format('execution_status is %s', new.execution_status));
  end if;
  new.root_task_id := new.id;
  new.depth := 0;
  if new.parent_task_id is not null then
    select * into parent from public.tasks t where t.id = new.parent_task_id;
    if parent.id is null or parent.organization_id <> new.organization_id then
      perform private.refuse(422, 'The parent task does not exist', format('parent_task_id %s', new.parent_task_id));
    end if;
    if parent.execution_status = 'cancelled' then
      perform private.refuse(409, 'A cancelled task takes no subtasks', format('parent_task_id %s', new.parent_task_id));
    end if;
    if parent.depth >= 12 then
      perform private.refuse(422, 'The tree is too deep', 'subtasks may be nested 12 levels');
    end if;
    new.root_task_id := parent.root_task_id;
    new.depth := parent.depth + 1;
  end if;
  new.execution_log := jsonb_build_array(private.state_entry(new, null));
  return new;
end $$;

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
  actor := (claims ->> 'sub')::uuid;
  actor_type := case when actor is not null then 'user' when claims ->> 'role' = 'service_role' then 'agent' else 'database' end;
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
      case when actor is not null then 'user' else coalesce(new.assigned_to_type, 'agent') end end,
    'executor_id', case when new.execution_status = 'in_progress' then coalesce(actor, new.assigned_to_id) end,
    'reason', case new.execution_status
      when 'blocked' then new.blocked_reason
      when 'failed' then new.failure_reason
      when 'queued' then case when old.execution_status = 'in_progress' then new.failure_reason end end,
    'result', case when new.execution_status = 'completed' and pg_column_size(new.result) < 32768 then new.result end)));
  return new;
end $$;

create function private.running_task(task_id uuid, or_paused boolean default false) returns public.tasks
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(running_task.task_id, true);
begin
  if private.is_stale_run(task) then
    perform private.refuse(409, 'This run was taken over by another', format('task %s', task.id));
  end if;
  if task.execution_status <> 'in_progress' and not (or_paused and task.execution_status = 'paused') then
    perform private.refuse(409, format('This task is %s, not running', task.execution_status), task.execution_status);
  end if;
  return task;
end $$;
comment on function private.running_task is 'The task, locked, if it runs and the caller is its run; else PT409.';

create function private.commit_without_waiting(may boolean) returns void
language plpgsql set search_path = '' as $$
begin
  if may and private.is_service() then
    perform set_config('synchronous_commit', 'off', true);
  end if;
end $$;
comment on function private.commit_without_waiting is
  'This transaction of a worker only moves a task: it need not wait for the disk. A crash of the server may undo it, and the sweep does it again; steps before and after an effect always wait, and with them everything earlier.';

-- Section: a run from its start to its end ------------------------------------------------------------------------

drop function public.start_task_execution;
create function private.start_queued_task(task_id uuid, executor_id uuid, worker_id uuid, journaled jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  answer jsonb;
  kind text;
  reached text;
begin
  if private.waits_for_others(start_queued_task.task_id) then
    -- An edge was drawn since, or a waiver taken back: its release queues it again.
    update public.tasks t set execution_status = 'pending'
    where t.id = start_queued_task.task_id and t.execution_status = 'queued' and private.in_scope(t.organization_id);
    return case when found then '{}'::jsonb end;
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
  reached := private.wall_bound((answer ->> 'root_task_id')::uuid);
  if reached is not null then
    return answer || jsonb_build_object('bound', reached);
  end if;
  kind := journaled ->> (answer ->> 'tool');
  if kind is not null then
    answer := answer || jsonb_build_object('step', public.begin_step(start_queued_task.task_id,
      case when kind = 'read' then format('%s/%s/0', answer ->> 'generation', answer ->> 'tool') else (answer ->> 'tool') || '/0' end,
      kind, answer ->> 'tool'));
  end if;
  return answer;
end $$;
comment on function private.start_queued_task is
  'Starts a run of a task that waits for a worker, and the step of its tool where that is journaled; null when it waits no more, is paused, or is not due; {} when it waits for others and was put back.';

create function public.start_task_execution(task_id uuid, executor_id uuid default null, executor_type text default 'agent', worker_id uuid default null,
  journaled jsonb default '{}') returns jsonb
language plpgsql set search_path = '' as $$
declare
  answer jsonb;
  task public.tasks;
begin
  if start_task_execution.worker_id is not null then
    answer := private.start_queued_task(start_task_execution.task_id, executor_id, start_task_execution.worker_id, journaled);
    if answer = '{}' then
      return null;
    elsif answer is not null then
      perform private.commit_without_waiting(answer -> 'step' is null or answer ->> 'tool' is null or journaled ->> (answer ->> 'tool') <> 'act');
      return answer;
    end if;
  end if;
  task := private.own_task(start_task_execution.task_id, true);
  if private.waits_for_others(task.id) then
    perform private.refuse(409, 'This task waits for others');
  end if;
  if start_task_execution.worker_id is not null and (task.execution_status <> 'queued' or task.run_after > now() + interval '1 second') then
    perform private.refuse(409, format('This task is %s, not waiting for a worker', task.execution_status), task.execution_status);
  end if;
  if task.execution_status = 'in_progress' then
    perform private.refuse(409, 'This task is running already');
  end if;
  if private.is_paused(task.id) then
    perform private.refuse(409, 'This task is paused');
  end if;
  update public.tasks t set execution_status = 'in_progress', assigned_to_type = executor_type, worker_id = start_task_execution.worker_id,
    assigned_to_id = coalesce(executor_id, t.assigned_to_id), agent_id = coalesce((select a.id from public.agents a where a.id = executor_id), t.agent_id)
  where t.id = task.id returning t.* into task;
  return private.task_json(task);
end $$;
comment on function public.start_task_execution is
  'Marks a run as started by its executor (user, agent or workflow). A worker starts only what is queued; its run_id fences the run; null when the task waits for others and was put back. journaled {tool: read or act}: the step of such a tool begins with the run.';

drop function public.complete_task_execution;
create function public.complete_task_execution(task_id uuid, result_data jsonb default null, verification text default null,
  evidence jsonb default '[]', step_id uuid default null, go_on jsonb default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  released uuid[];
  started jsonb;
begin
  if step_id is not null then
    perform public.finish_step(step_id, null); -- its result is the task's
  end if;
  update public.tasks t set execution_status = 'completed', result = coalesce(result_data, t.result),
    strategy = coalesce(result_data ->> 'strategy', t.strategy), failure_reason = null,
    verification = complete_task_execution.verification, evidence = coalesce(complete_task_execution.evidence, '[]')
  where t.id = complete_task_execution.task_id and t.execution_status in ('in_progress', 'paused') and private.in_scope(t.organization_id);
  if not found then
    perform private.running_task(complete_task_execution.task_id, true); -- says why not
  end if;
  released := array(
    select n.id from public.task_dependencies d join public.tasks n on n.id = d.task_id
    where d.depends_on_task_id = complete_task_execution.task_id and n.execution_status = 'queued' order by n.priority_rank, n.position);
  if go_on is not null and cardinality(released) > 0 then
    started := nullif(private.start_queued_task(released[1], (go_on ->> 'executor_id')::uuid, (go_on ->> 'worker_id')::uuid, go_on -> 'journaled'), '{}');
    released := released[2:];
  end if;
  perform private.commit_without_waiting(
    not exists (select 1 from public.steps s where s.id = complete_task_execution.step_id and s.kind = 'act')
    and go_on -> 'journaled' ->> (started ->> 'tool') is distinct from 'act');
  return jsonb_build_object('released', released, 'started', started);
end $$;
comment on function public.complete_task_execution is
  'Completes a running task with its result {strategy, output, confidence, ...} and the evidence for it, and its last step (step_id) with it; dependents and parent follow by trigger. `released`: dependents that wait for a worker now; with go_on {worker_id, executor_id, journaled} the first of them is `started` at once.';

drop function public.fail_task_execution;
create function public.fail_task_execution(task_id uuid, error text, should_retry boolean default true, retry_after_seconds double precision default null)
returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(fail_task_execution.task_id, true);
begin
  if should_retry and task.retry_count < task.max_retries and task.execution_status = 'in_progress' then
    update public.tasks t set execution_status = 'queued', retry_count = t.retry_count + 1, failure_reason = error,
      run_after = now() + make_interval(secs => greatest(coalesce(retry_after_seconds, 0),
        least(3600, 2 * power(2, t.retry_count)) * (0.5 + random() / 2)))
    where t.id = task.id returning t.* into task;
  else
    update public.tasks t set execution_status = 'failed', failure_reason = error where t.id = task.id returning t.* into task;
  end if;
  return private.task_json(task);
end $$;
comment on function public.fail_task_execution is
  'Retries with exponential back-off and jitter (2 s doubling, at most an hour, never sooner than asked) until max_retries, then fails.';

drop function public.block_task_execution;
create function public.block_task_execution(task_id uuid, reason text, blocked_on text default 'person', unblocked_by text default null,
  result_data jsonb default null, strategy text default 'blocked', wait_seconds double precision default null, until timestamptz default null,
  remind_after_seconds double precision default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(block_task_execution.task_id);
begin
  update public.tasks t set execution_status = 'blocked', blocked_reason = reason, blocked_on = block_task_execution.blocked_on,
    unblocked_by = block_task_execution.unblocked_by, result = coalesce(result_data, t.result), strategy = block_task_execution.strategy,
    blocked_until = coalesce(block_task_execution.until, now() + make_interval(secs => wait_seconds)),
    remind_at = now() + make_interval(secs => remind_after_seconds)
  where t.id = task.id returning t.* into task;
  if task.tool = 'revise_draft' then -- the first task waited for a new draft that is not coming by itself
    update public.tasks t set blocked_on = 'person', blocked_reason = reason, unblocked_by = 'Edit the draft yourself, or say it in other words'
    where t.id = task.parent_task_id and t.execution_status = 'blocked' and t.blocked_on = 'review';
  end if;
  return private.task_json(task);
end $$;
comment on function public.block_task_execution is
  'Stops a running task until something happens: why, what kind of thing, what would unblock it, and by when. No worker is held; the times are the database''s.';

create function public.hand_back_task(task_id uuid, reason text default 'The worker stopped; the task is taken up again') returns void
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(hand_back_task.task_id);
begin
  update public.tasks t set execution_status = 'queued', failure_reason = hand_back_task.reason where t.id = task.id;
end $$;
comment on function public.hand_back_task is 'A worker that ends puts its unfinished work back at once; no retry is counted.';

-- Section: recovery and waiting -----------------------------------------------------------------------------------

drop function public.requeue_lost_tasks;
create function public.requeue_lost_tasks(silent_seconds integer default 12) returns integer
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
comment on function public.requeue_lost_tasks is
  'The sweep, in every tenant: tasks whose worker is silent or no longer runs them are queued again, queued ones without a job get one. Definer, since it reads the queue.';

create function public.wake_waiting_tasks() returns integer
language plpgsql security definer set search_path = '' as $$
declare
  waiting public.tasks;
  n integer := 0;
begin
  for waiting in
    select t.* from public.tasks t where t.execution_status = 'blocked' and t.blocked_until <= now()
      and t.blocked_on in ('delay', 'bounds', 'agent', 'reply', 'approval')
    order by t.blocked_until limit 200 for no key update of t skip locked
  loop
    if private.is_paused(waiting.id) then
      continue;
    end if;
    if waiting.blocked_on in ('delay', 'bounds') then
      update public.tasks t set execution_status = 'queued', run_after = null where t.id = waiting.id;
    else
      update public.approvals a set state = 'expired' where a.task_id = waiting.id and a.state = 'open';
      update public.tasks t set execution_status = 'failed',
        failure_reason = case waiting.blocked_on when 'approval' then 'Nobody decided in time' when 'agent' then 'The agent did not report in time'
          else 'No answer came in time' end where t.id = waiting.id;
    end if;
    n := n + 1;
  end loop;
  for waiting in
    select t.* from public.tasks t where t.execution_status = 'blocked' and t.remind_at <= now() and t.reminded_at is null
    limit 200 for no key update of t skip locked
  loop
    update public.tasks t set reminded_at = now() where t.id = waiting.id;
    perform private.audit(waiting.organization_id, 'task.reminded', 'task', waiting.id, waiting.blocked_reason, '{}');
    n := n + 1;
  end loop;
  return n;
end $$;
comment on function public.wake_waiting_tasks is
  'In every tenant: delays that are over go on, and so do tasks whose budget is that of a new day; gates and waits past their deadline fail (and are re-planned), reminders come due. Database time rules.';

create function private.after_reminder() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.record_event(new.organization_id, new.id, new.root_task_id, 'reminder', coalesce(new.blocked_reason, ''),
    jsonb_build_object('title', new.title, 'blocked_until', new.blocked_until));
  return null;
end $$;
comment on function private.after_reminder is 'A reminder that came due, as an event.';
create constraint trigger tasks_21_reminder after update of reminded_at on public.tasks deferrable initially deferred for each row
when (new.reminded_at is not null and old.reminded_at is null) execute function private.after_reminder();

create function public.answer_task(task_id uuid, answer jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(answer_task.task_id, true);
  by_person boolean := (select auth.uid()) is not null;
begin
  if task.execution_status <> 'blocked' or coalesce(task.blocked_on, '') not in ('agent', 'reply') then
    perform private.refuse(409, 'This task waits for no answer', coalesce(task.blocked_on, task.execution_status));
  end if;
  update public.tasks t set execution_status = 'in_progress' where t.id = task.id;
  update public.tasks t set execution_status = 'completed', result = jsonb_build_object('output', answer), verification = 'claimed',
    evidence = jsonb_build_array(jsonb_build_object('kind', 'answer', 'at', now(),
      'what', case when by_person then 'A person gave the answer' else 'The answer came in' end))
  where t.id = task.id returning t.* into task;
  return private.task_json(task);
end $$;
comment on function public.answer_task is 'What a task waited for has come: the reply, or an outside agent''s report. It completes with it.';

-- Section: gates --------------------------------------------------------------------------------------------------

create function public.request_approval(task_id uuid, title text, payload jsonb, why text default '', expires_in_seconds double precision default null,
  remind_after_seconds double precision default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(request_approval.task_id);
  gate public.approvals;
begin
  update public.approvals a set state = 'voided' where a.task_id = task.id and a.draft_id is null and a.state = 'open';
  insert into public.approvals (organization_id, task_id, title, digest, why, payload, expires_at)
  values (task.organization_id, task.id, left(request_approval.title, 500), encode(sha256(convert_to(coalesce(payload, '{}')::text, 'UTF8')), 'hex'),
    coalesce(request_approval.why, ''), coalesce(payload, '{}'), now() + make_interval(secs => expires_in_seconds)) returning * into gate;
  perform public.block_task_execution(task.id, 'Waiting for your decision', 'approval', 'Say yes or no', until => gate.expires_at,
    remind_after_seconds => request_approval.remind_after_seconds);
  return to_jsonb(gate);
end $$;
comment on function public.request_approval is 'A gate: the task waits, blocked, until a person says yes or no to exactly this payload, or until it expires.';

create or replace function public.decide_approval(approval_id uuid, approved boolean, notes text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  approval public.approvals;
  task public.tasks;
begin
  select * into approval from public.approvals a where a.id = decide_approval.approval_id and private.in_scope(a.organization_id);
  if approval.id is null then
    perform private.refuse(404, 'There is no such approval', format('approval %s', decide_approval.approval_id));
  end if;
  if approval.draft_id is not null then
    if approved then
      perform public.approve_draft(approval.draft_id, approval.digest, notes);
    else
      perform public.reject_draft(approval.draft_id, notes);
    end if;
    return (select to_jsonb(a) from public.approvals a where a.id = decide_approval.approval_id);
  end if;
  task := private.own_task(approval.task_id, true);
  update public.approvals a set state = case when approved then 'approved' else 'rejected' end, notes = decide_approval.notes
  where a.id = approval.id;
  if approved and approval.tool is not null then
    update public.tasks t set execution_status = 'queued', run_after = null where t.id = task.id;
  elsif approved then
    update public.approvals a set state = 'used' where a.id = approval.id;
    update public.tasks t set execution_status = 'in_progress' where t.id = task.id;
    update public.tasks t set execution_status = 'completed', verification = 'verified',
      result = coalesce(t.result, '{}') || case when task.blocked_on = 'approval' then jsonb_build_object('approved', true, 'notes', notes) else '{}' end,
      evidence = jsonb_build_array(jsonb_build_object('kind', 'approval', 'what', 'A person approved it', 'where', approval.id, 'at', now()))
    where t.id = task.id;
  elsif task.blocked_on = 'approval' then
    update public.tasks t set execution_status = 'failed', failure_reason = 'Rejected' || coalesce(': ' || nullif(trim(notes), ''), '') where t.id = task.id;
  elsif nullif(trim(notes), '') is not null then
    update public.tasks t set tool_input = t.tool_input || jsonb_build_object('feedback', trim(notes)) where t.id = approval.task_id;
    update public.tasks t set execution_status = 'queued' where t.id = approval.task_id;
  else
    update public.tasks t set blocked_on = 'person', blocked_reason = 'You rejected the result',
      unblocked_by = 'Execute again, or do it yourself and tick it off' where t.id = approval.task_id;
  end if;
  return (select to_jsonb(a) from public.approvals a where a.id = decide_approval.approval_id);
end $$;
comment on function public.decide_approval is
  'Yes or no to anything that waits. A yes to an act lets its tool act; a no to a gate or an act fails it, and its tree is re-planned or ends; a no with notes to a result has it done again.';

create or replace function public.queue_task_execution(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(queue_task_execution.task_id, true);
begin
  if task.execution_status in ('queued', 'in_progress') then
    return private.task_json(task); -- pressed twice: it is on its way
  end if;
  if private.is_paused(task.id) then
    perform private.refuse(409, 'This task is paused', null, 'Resume it first.');
  end if;
  if private.waits_for_others(task.id) then
    perform private.refuse(409, 'This task waits for others',
      (select string_agg(t.title, ', ') from public.task_dependencies d join public.tasks t on t.id = d.depends_on_task_id
       where d.task_id = task.id and t.execution_status <> 'completed' and t.waived_at is null));
  end if;
  if task.execution_status = 'blocked' and task.blocked_on in ('review', 'subtasks', 'approval', 'delay', 'agent', 'reply') then
    perform private.refuse(409, 'This task is blocked: ' || task.blocked_reason, task.blocked_on);
  end if;
  update public.tasks t set execution_status = 'queued', run_after = null, failure_reason = null where t.id = task.id returning t.* into task;
  return private.task_json(task);
end $$;

do $$ declare f text; begin
  foreach f in array array['start_task_execution', 'complete_task_execution', 'fail_task_execution', 'block_task_execution', 'answer_task',
    'request_approval'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['hand_back_task', 'requeue_lost_tasks', 'wake_waiting_tasks', 'heartbeat_worker', 'retire_worker'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  perform private.expose_function('public.list_workers', array['service_role']);
  perform private.expose_function('private.keep_words', array[]::text[]);
  perform private.expose_function('private.start_queued_task', array['authenticated', 'service_role']);
  perform private.expose_function('private.commit_without_waiting', array['authenticated', 'service_role']);
  perform private.expose_function('private.is_stale_run', array['authenticated', 'service_role']);
  perform private.expose_function('private.running_task', array['authenticated', 'service_role']);
  perform private.expose_function('private.after_reminder', array[]::text[]);
end $$;
