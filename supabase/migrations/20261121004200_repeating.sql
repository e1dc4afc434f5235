-- Tasks that come again, and the columns of tasks that are out of sight until a time or an answer.

-- What date comes next is computed in Python (tasks/repeating.py); here stands that it comes once, whatever happens twice or at
-- once. Moments are parameters everywhere, so that all of it can be tried on any day.

-- Section: columns ------------------------------------------------------------------------------------------------

alter table public.tasks
  add column repeats_from text not null default 'due' check (repeats_from in ('due', 'completion')),
  add column repeats_task_id uuid references public.tasks (id) on delete set null,
  add column series_id uuid,
  add column series_number integer check (series_number > 0),
  add column series_starts_at timestamptz,
  add column occurs_at timestamptz,
  add column continued_at timestamptz,
  add column series_ended_at timestamptz,
  add column run_when_due boolean not null default false,
  add column snoozed_until timestamptz,
  add column snoozed_for jsonb check (jsonb_typeof(snoozed_for) = 'object' and snoozed_for ? 'reply_from' and snoozed_for ? 'since');
comment on column public.tasks.repeats_from is 'due: the rule counts from the date of the series; completion: from when it was done.';
comment on column public.tasks.repeats_task_id is 'The occurrence before this one. Unique: each is followed once.';
comment on column public.tasks.series_id is 'The same for all occurrences of a series: the id of the first.';
comment on column public.tasks.series_number is 'Which occurrence of the rule this is; COUNT counts them. Those that were over already are counted and not made.';
comment on column public.tasks.series_starts_at is 'DTSTART of the rule (RFC 5545): what "every third week" and COUNT count from. Moving one occurrence leaves it.';
comment on column public.tasks.occurs_at is 'When the rule has this occurrence; due_at is where the person moved it.';
comment on column public.tasks.continued_at is 'When the next occurrence was made.';
comment on column public.tasks.series_ended_at is 'The series ends with this task: by its rule, or because the person said so.';
comment on column public.tasks.run_when_due is 'Occurrences start by themselves when they are due. Only the person says so.';
comment on column public.tasks.snoozed_until is 'Out of sight until then.';
comment on column public.tasks.snoozed_for is 'Out of sight until somebody answers: {reply_from: address, who: name, thread_key?, since}.';

create unique index tasks_repeats_idx on public.tasks (repeats_task_id) where repeats_task_id is not null;
create index tasks_series_idx on public.tasks (organization_id, series_id, created_at) where series_id is not null;
create index tasks_to_continue_idx on public.tasks (id) where recurrence is not null and parent_task_id is null and source <> 'plan'
  and execution_status in ('completed', 'cancelled') and continued_at is null and series_ended_at is null and superseded_at is null;
create index tasks_due_repeats_idx on public.tasks (due_at) where execution_status = 'pending' and execution_type = 'fully_automated'
  and (run_when_due or repeats_task_id is not null);
create index tasks_snoozed_until_idx on public.tasks (snoozed_until) where snoozed_until is not null;
create index tasks_snoozed_for_idx on public.tasks (organization_id, (snoozed_for ->> 'reply_from')) where snoozed_for is not null;

-- Section: what holds for every row -------------------------------------------------------------------------------

create function private.before_repeating() returns trigger
language plpgsql set search_path = '' as $$
begin
  if new.repeats_task_id is not null and (tg_op = 'INSERT' or new.repeats_task_id is distinct from old.repeats_task_id) then
    if not private.is_service() then
      perform private.refuse(403, 'Steward itself continues a series');
    elsif not exists (select 1 from public.tasks t where t.id = new.repeats_task_id and t.organization_id = new.organization_id) then
      perform private.refuse(422, 'There is no such task', format('repeats_task_id %s', new.repeats_task_id));
    end if;
  end if;
  if new.run_when_due and (tg_op = 'INSERT' or not old.run_when_due) and new.repeats_task_id is null
     and ((select auth.uid()) is null or private.token_scopes() is not null) then
    perform private.refuse(403, 'Only a person says that something starts by itself when it is due');
  end if;
  if new.recurrence is null or tg_op = 'INSERT' and new.repeats_task_id is not null then
    return new;
  end if;
  if tg_op = 'INSERT' or new.recurrence is distinct from old.recurrence or new.series_starts_at is null and new.execution_status not in ('completed', 'cancelled') then
    -- Another rule is another series of dates: it begins with this task, and goes on under the same name.
    new.series_id := case when tg_op = 'UPDATE' then coalesce(old.series_id, new.id) else new.id end;
    new.series_starts_at := new.due_at;
    new.occurs_at := new.due_at;
    new.series_number := 1;
    new.series_ended_at := null;
    new.continued_at := null;
  end if;
  return new;
end $$;
comment on function private.before_repeating is 'A rule counts from the date that it was set with; only Steward continues a series, and only a person lets it run by itself.';
create trigger tasks_08_repeating before insert or update of recurrence, repeats_task_id, run_when_due, series_starts_at on public.tasks
for each row execute function private.before_repeating();

create or replace function private.run_by_itself() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  rules jsonb := new.automation_rules;
begin
  if new.repeats_task_id is not null then
    return null; -- an occurrence starts when it is due
  end if;
  if rules = '{}' then
    select o.automation_rules into rules from public.organizations o where o.id = new.organization_id;
  end if;
  if coalesce((rules ->> 'run_by_itself')::boolean, false) and new.flags = '{}'
     and not private.is_paused(new.id) and not private.waits_for_others(new.id)
     and private.rule_holds(rules -> 'when', to_jsonb(new)) then
    perform private.audit(new.organization_id, 'task.runs_by_itself', 'task', new.id, 'Its automation rules hold', rules);
    update public.tasks t set execution_status = 'queued' where t.id = new.id and t.execution_status = 'pending';
  end if;
  return null;
end $$;

create or replace function private.insert_task(item jsonb, parent_id uuid default null) returns public.tasks
language plpgsql set search_path = '' as $$
declare
  made public.tasks;
begin
  insert into public.tasks (organization_id, created_by, parent_task_id, title, description, kind, priority, due_at, due_is_all_day,
    recurrence, labels, position, recipient, acceptance_criteria, notes_file, source, source_ref, source_key, ai_confidence, ai_context,
    flags, execution_type, assigned_to_type, assigned_to_id, assignee_role, agent_executable, workflow_id, agent_id, tool, tool_input,
    automation_rules, decomposition_confidence, max_retries, estimated_duration_minutes, timeout_seconds, on_failure, bounds, supersedes_task_id,
    repeats_from, repeats_task_id, series_id, series_number, series_starts_at, occurs_at, run_when_due)
  select private.acting_organization(), (select auth.uid()), coalesce(parent_id, r.parent_task_id), r.title, coalesce(r.description, ''),
    coalesce(r.kind, 'errand'), coalesce(r.priority, 'medium'), r.due_at, coalesce(r.due_is_all_day, true), r.recurrence,
    coalesce(r.labels, '{}'), coalesce(r.position, 0), r.recipient, coalesce(r.acceptance_criteria, '[]'), r.notes_file,
    coalesce(r.source, 'manual'), coalesce(r.source_ref, '{}'), r.source_key, r.ai_confidence, r.ai_context, coalesce(r.flags, '{}'),
    coalesce(r.execution_type, 'manual'), r.assigned_to_type, r.assigned_to_id, r.assignee_role, r.agent_executable,
    coalesce(r.workflow_id, (select w.id from public.workflows w where w.kind = r.kind and w.is_active
      and (w.organization_id is null or w.organization_id = private.acting_organization()) order by w.organization_id nulls last limit 1)),
    r.agent_id, r.tool, coalesce(r.tool_input, '{}'), coalesce(r.automation_rules, '{}'), r.decomposition_confidence,
    coalesce(r.max_retries, 3), r.estimated_duration_minutes, r.timeout_seconds, coalesce(r.on_failure, 'replan'), coalesce(r.bounds, '{}'),
    r.supersedes_task_id,
    coalesce(r.repeats_from, 'due'), r.repeats_task_id, r.series_id, r.series_number, r.series_starts_at, r.occurs_at, coalesce(r.run_when_due, false)
  from jsonb_populate_record(null::public.tasks, item) r
  on conflict (organization_id, source_key) where source_key is not null do nothing
  returning * into made;
  if made.id is not null and item ->> 'reminder_at' is not null then
    insert into public.reminders (organization_id, task_id, created_by, at)
    values (made.organization_id, made.id, made.created_by, (item ->> 'reminder_at')::timestamptz);
  end if;
  return made;
end $$;

create or replace function private.task_json(task public.tasks) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return to_jsonb(task) - array['priority_rank', 'due_key', 'source_key', 'depth', 'lost_count', 'worker_id',
      'series_number', 'series_starts_at', 'occurs_at', 'continued_at']
    || jsonb_build_object(
      'subtask_count', (select count(*) from public.tasks c where c.parent_task_id = task.id),
      'subtask_done_count', (select count(*) from public.tasks c where c.parent_task_id = task.id and c.execution_status = 'completed'),
      'superseded_by_id', case when task.superseded_at is not null then (select c.id from public.tasks c where c.supersedes_task_id = task.id) end,
      'open_draft_id', (select d.id from public.drafts d where d.task_id = task.id and d.state = 'draft' limit 1),
      'open_approval_id', (select a.id from public.approvals a where a.task_id = task.id and a.state = 'open' limit 1));
end $$;

-- Section: series -------------------------------------------------------------------------------------------------

create function private.series_json(task public.tasks) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('task_id', task.id, 'organization_id', task.organization_id, 'execution_status', task.execution_status,
    'recurrence', task.recurrence, 'repeats_from', task.repeats_from, 'run_when_due', task.run_when_due, 'due_at', task.due_at,
    'due_is_all_day', task.due_is_all_day, 'series_id', task.series_id, 'series_number', coalesce(task.series_number, 1),
    'series_starts_at', coalesce(task.series_starts_at, task.due_at), 'occurs_at', coalesce(task.occurs_at, task.due_at),
    'series_ended_at', task.series_ended_at, 'repeats_task_id', task.repeats_task_id,
    'next_task_id', (select n.id from public.tasks n where n.repeats_task_id = task.id),
    'ended_seconds_ago', greatest(extract(epoch from now() - coalesce(task.completed_at, task.cancelled_at))::double precision, 0))
$$;
comment on function private.series_json is 'What the next date of a task follows from, and the occurrences beside it.';

create function public.get_series(task_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  select private.series_json(private.own_task(get_series.task_id))
$$;
comment on function public.get_series is 'The series of a task: its rule, where it counts from, and the occurrences before and after.';

create function public.list_ended_occurrences(task_ids uuid[] default null, page_size integer default 100) returns setof jsonb
language sql stable security definer set search_path = '' as $$
  select private.series_json(t) from public.tasks t
  where t.recurrence is not null and t.parent_task_id is null and t.source <> 'plan' and t.execution_status in ('completed', 'cancelled')
    and t.continued_at is null and t.series_ended_at is null and t.superseded_at is null
    and (list_ended_occurrences.task_ids is null or t.id = any (list_ended_occurrences.task_ids))
  order by t.id limit least(greatest(page_size, 1), 1000)
$$;
comment on function public.list_ended_occurrences is 'Of every tenant, the recurring tasks that are done or cancelled and are not continued yet (service only).';

create function private.copy_series_parts(root_id uuid, new_root_id uuid, zone text) returns integer
language plpgsql set search_path = '' as $$
declare
  old_root public.tasks;
  new_root public.tasks;
  part public.tasks;
  made public.tasks;
  ids jsonb := jsonb_build_object(copy_series_parts.root_id, copy_series_parts.new_root_id);
begin
  select * into old_root from public.tasks t where t.id = copy_series_parts.root_id;
  select * into new_root from public.tasks t where t.id = copy_series_parts.new_root_id;
  for part in
    select t.* from public.tasks t where t.root_task_id = copy_series_parts.root_id and t.id <> copy_series_parts.root_id
      and t.superseded_at is null and t.source <> 'agent' and not private.belongs_to_draft(t)
    order by t.depth, t.position, t.id
  loop
    if ids ? part.parent_task_id::text then
      made := private.insert_task((to_jsonb(part) - array['source_key', 'supersedes_task_id', 'repeats_task_id', 'series_id', 'run_when_due'])
        || jsonb_build_object('due_at', private.moved_by(part.due_at, coalesce(old_root.occurs_at, old_root.due_at), new_root.due_at, zone)),
        (ids ->> part.parent_task_id::text)::uuid);
      update public.tasks t set created_by = part.created_by, tainted_by = private.merged_taint(t.tainted_by, part.tainted_by) where t.id = made.id;
      ids := ids || jsonb_build_object(part.id, made.id);
    end if;
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, (ids ->> d.task_id::text)::uuid, (ids ->> d.depends_on_task_id::text)::uuid
  from public.task_dependencies d join public.tasks t on t.id = d.task_id
  where t.root_task_id = copy_series_parts.root_id and ids ? d.task_id::text and ids ? d.depends_on_task_id::text order by t.depth, t.position, t.id;
  return (select count(*) - 1 from jsonb_object_keys(ids));
end $$;
comment on function private.copy_series_parts is 'The parts that a person made, anew below the next occurrence, with their edges. What a run added is found anew by the next run.';

create function private.moved_by(moment timestamptz, old_day timestamptz, new_day timestamptz, zone text) returns timestamptz
language sql stable set search_path = '' as $$
  select (moment at time zone zone + (new_day at time zone zone - old_day at time zone zone)) at time zone zone
$$;
comment on function private.moved_by is 'A moment as far from the new day as it was from the old one, by the clock on the wall of a zone.';

create function public.continue_series(task_id uuid, due_at timestamptz, series_number integer, zone text, at timestamptz,
  reason text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(continue_series.task_id, true);
  made public.tasks;
begin
  select n.* into made from public.tasks n where n.repeats_task_id = task.id;
  if made.id is not null then
    return private.task_json(made);
  end if;
  if task.recurrence is null or task.parent_task_id is not null or task.source = 'plan' or task.continued_at is not null
     or task.execution_status not in ('completed', 'cancelled') or task.series_ended_at is not null or task.superseded_at is not null then
    return null; -- stopped, changed or continued since it was looked at
  end if;
  if continue_series.due_at is null then
    update public.tasks t set series_ended_at = continue_series.at where t.id = task.id;
    perform public.add_task_event(task.id, 'series', left(coalesce(reason, 'This was the last of its series'), 1000), '{}');
    return null;
  end if;
  made := private.insert_task((to_jsonb(task) - array['source_key', 'supersedes_task_id']) || jsonb_build_object(
    'repeats_task_id', task.id, 'series_id', coalesce(task.series_id, task.id), 'due_at', continue_series.due_at,
    'occurs_at', continue_series.due_at, 'series_number', continue_series.series_number,
    'series_starts_at', coalesce(task.series_starts_at, task.due_at)));
  update public.tasks t set created_by = task.created_by, tainted_by = private.merged_taint(t.tainted_by, task.tainted_by) where t.id = made.id;
  perform private.copy_series_parts(task.id, made.id, zone);
  insert into public.reminders (organization_id, task_id, created_by, at, note)
  select r.organization_id, made.id, r.created_by, private.moved_by(r.at, coalesce(task.occurs_at, task.due_at), continue_series.due_at, zone), r.note
  from public.reminders r where r.task_id = task.id on conflict do nothing;
  update public.tasks t set continued_at = continue_series.at where t.id = task.id;
  perform public.add_task_event(task.id, 'series', 'The next one is there',
    jsonb_build_object('next_task_id', made.id, 'due_at', continue_series.due_at));
  return private.task_json((select t from public.tasks t where t.id = made.id));
end $$;
comment on function public.continue_series is
  'Makes the next occurrence of a task that is done or cancelled (service only), once: twice is the same one. Without due_at the series is over (reason: why). Null where there is none to make.';

create function public.stop_series(task_id uuid, at timestamptz) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(stop_series.task_id, true);
begin
  if task.recurrence is null then
    perform private.refuse(409, 'This task does not repeat');
  end if;
  if task.series_ended_at is null then
    if exists (select 1 from public.tasks n where n.repeats_task_id = task.id) then
      perform private.refuse(409, 'The series went on already', null, 'Stop it at its last task.');
    end if;
    update public.tasks t set series_ended_at = stop_series.at where t.id = task.id;
    perform public.add_task_event(task.id, 'series', 'It does not repeat any more', '{}');
  end if;
  return public.get_task(task.id);
end $$;
comment on function public.stop_series is 'The series ends with this task. Twice is once.';

create function public.set_repeat(task_id uuid, recurrence text, due_at timestamptz default null, repeats_from text default null,
  run_when_due boolean default null, due_is_all_day boolean default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(set_repeat.task_id, true);
begin
  if task.execution_status in ('completed', 'cancelled') then
    perform private.refuse(409, format('A task that is %s cannot repeat', task.execution_status), null, 'Change the next one.');
  elsif task.parent_task_id is not null or task.source = 'plan' then
    perform private.refuse(409, 'Only a task of its own repeats: a part comes again with the whole', null, 'Let the task at the top repeat.');
  elsif coalesce(set_repeat.due_at, task.due_at) is null then
    perform private.refuse(422, 'due_at is missing: a task that repeats needs the date of its first occurrence');
  end if;
  update public.tasks t set recurrence = set_repeat.recurrence, due_at = coalesce(set_repeat.due_at, t.due_at),
    due_is_all_day = coalesce(set_repeat.due_is_all_day, t.due_is_all_day),
    repeats_from = coalesce(set_repeat.repeats_from, t.repeats_from), run_when_due = coalesce(set_repeat.run_when_due, t.run_when_due),
    series_starts_at = case when t.recurrence = set_repeat.recurrence and set_repeat.due_at is null and t.series_ended_at is null
      then t.series_starts_at end,
    series_ended_at = null, continued_at = null
  where t.id = task.id;
  return public.get_task(task.id);
end $$;
comment on function public.set_repeat is 'This task and those that follow repeat by this rule, counted from its date.';

create function public.start_due_occurrences(at timestamptz, all_day_until timestamptz) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  task public.tasks;
  rules jsonb;
  n integer := 0;
begin
  for task in
    select t.* from public.tasks t where t.execution_status = 'pending' and t.execution_type = 'fully_automated' and t.parent_task_id is null
      and (t.run_when_due or t.repeats_task_id is not null) and t.recurrence is not null and t.flags = '{}' and t.archived_at is null
      and t.due_at <= case when t.due_is_all_day then start_due_occurrences.all_day_until else start_due_occurrences.at end
      and t.snoozed_until is null and t.snoozed_for is null
    order by t.due_at limit 200 for no key update of t skip locked
  loop
    select case when task.automation_rules = '{}' then o.automation_rules else task.automation_rules end into rules
    from public.organizations o where o.id = task.organization_id;
    if (task.run_when_due or coalesce((rules ->> 'run_by_itself')::boolean, false) and private.rule_holds(rules -> 'when', to_jsonb(task)))
       and not private.is_paused(task.id) and not private.waits_for_others(task.id) then
      perform private.audit(task.organization_id, 'task.runs_by_itself', 'task', task.id, 'It repeats, and is due', '{}');
      update public.tasks t set execution_status = 'queued' where t.id = task.id;
      n := n + 1;
    end if;
  end loop;
  return n;
end $$;
comment on function public.start_due_occurrences is
  'Queues recurring tasks of every tenant that are due and that a person lets run by themselves; how many (service only). What leaves the house still takes leave.';

do $$ declare f text; begin
  foreach f in array array['get_series', 'stop_series', 'set_repeat'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['list_ended_occurrences', 'continue_series', 'start_due_occurrences'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  perform private.expose_function('private.series_json', array['authenticated', 'service_role']);
  foreach f in array array['copy_series_parts', 'moved_by'] loop
    perform private.expose_function('private.' || f, array['service_role']);
  end loop;
  perform private.expose_function('private.before_repeating', array[]::text[]);
end $$;

-- Section: what is there already ----------------------------------------------------------------------------------

-- What was over before tasks came again stays over.
update public.tasks set series_id = id, series_number = 1, series_starts_at = due_at, occurs_at = due_at,
  series_ended_at = case when execution_status in ('completed', 'cancelled') then coalesce(completed_at, cancelled_at, updated_at) end
where recurrence is not null;
