-- How long work takes, learned from what it took; and a day planned around the calendar.

-- Section: time that was work -----------------------------------------------------------------------------------

create function private.minutes_worked(log jsonb) returns integer
language sql immutable set search_path = '' as $$
  -- A person's stretch under a minute says that a button was pressed, one over four hours that nobody pressed it.
  select case when bool_and(s.hands is distinct from 'user' or s.seconds <= 14400) then round(sum(s.seconds) / 60)::integer end
  from (
    select e.value ->> 'to' as state, e.value ->> 'executor_type' as hands,
      extract(epoch from lead((e.value ->> 'timestamp')::timestamptz) over (order by e.ordinality) - (e.value ->> 'timestamp')::timestamptz) as seconds
    from jsonb_array_elements(minutes_worked.log) with ordinality e where e.value ? 'to') s
  where s.state = 'in_progress' and s.seconds is not null and (s.hands is distinct from 'user' or s.seconds >= 60)
$$;
comment on function private.minutes_worked is
  'Minutes in progress, as the log of a task has them, without waiting and pauses; null where a person''s stretch of it cannot be work.';

create function private.before_task_is_timed() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.actual_duration_minutes := private.minutes_worked(new.execution_log);
  return new;
end $$;
comment on function private.before_task_is_timed is
  'The duration of a finished task is the time in which it was worked on; what a person said it took stands.';
create trigger tasks_16_time before update of execution_status on public.tasks for each row
  when (new.execution_status = 'completed' and old.execution_status <> 'completed' and old.actual_duration_minutes is null)
  execute function private.before_task_is_timed();

create function public.save_time_spent(task_id uuid, minutes integer, changes jsonb default '{}') returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(save_time_spent.task_id, true);
begin
  if save_time_spent.minutes not between 1 and 100000 then
    perform private.refuse(422, 'A task takes between 1 and 100,000 minutes', format('minutes is %s', save_time_spent.minutes));
  end if;
  update public.tasks t set actual_duration_minutes = save_time_spent.minutes where t.id = task.id;
  return public.update_task(task.id, save_time_spent.changes);
end $$;
comment on function public.save_time_spent is
  'A person says how long a task took (null: it is not known), with other changes as update_task takes them, such as ticking it off. 422 for minutes that are none.';

-- Section: what is learned from ----------------------------------------------------------------------------------

create index tasks_worked_idx on public.tasks (organization_id, completed_at desc) where execution_status = 'completed' and actual_duration_minutes is not null;

create function public.list_worked_tasks(at timestamptz, page_size integer default 500) returns setof jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('id', t.id, 'kind', t.kind, 'title', left(t.title, 200), 'labels', t.labels, 'recipient', t.recipient,
    'by_hand', t.execution_type = 'manual' and t.tool is null, 'is_own_estimate', t.source in ('manual', 'chat') and t.parent_task_id is null,
    'estimated_minutes', t.estimated_duration_minutes, 'minutes', t.actual_duration_minutes, 'completed_at', t.completed_at)
  from public.tasks t
  where t.organization_id = private.acting_organization() and t.execution_status = 'completed' and t.actual_duration_minutes is not null
    and t.completed_at > list_worked_tasks.at - interval '1 year' and t.superseded_at is null
    and not exists (select 1 from public.tasks c where c.parent_task_id = t.id)
  order by t.completed_at desc, t.id limit least(greatest(list_worked_tasks.page_size, 1), 2000)
$$;
comment on function public.list_worked_tasks is
  'Finished tasks without parts whose working time is known, of the year before a moment and later, newest first: what estimates are learned from.';

-- Section: a planned day -----------------------------------------------------------------------------------------

create function public.list_own_work(page_size integer default 500) returns setof jsonb
language sql stable set search_path = '' as $$
  select private.task_json(t) - 'execution_log' - 'result' - 'description' || jsonb_build_object('waits_for', coalesce((
      select jsonb_agg(jsonb_build_object('id', n.id, 'title', n.title) order by n.position, n.id)
      from public.task_dependencies d join public.tasks n on n.id = d.depends_on_task_id
      where d.task_id = t.id and n.execution_status <> 'completed' and n.waived_at is null), '[]'))
  from public.tasks t
  where t.organization_id = private.acting_organization() and t.archived_at is null and t.superseded_at is null
    and (t.execution_type = 'manual' and t.tool is null and t.execution_status in ('pending', 'in_progress') and t.assigned_to_type is distinct from 'agent'
        and not exists (select 1 from public.tasks c where c.parent_task_id = t.id)
        and not exists (select 1 from public.tasks p where p.id = t.parent_task_id and p.blocked_on = 'start')
      or t.execution_status = 'blocked' and t.blocked_on in ('review', 'approval', 'person')
      or t.execution_status <> 'cancelled' and exists (select 1 from public.drafts d where d.task_id = t.id and d.state = 'draft'))
    and not private.is_paused(t.id)
  order by t.priority_rank, t.due_key, t.created_at, t.id limit least(greatest(list_own_work.page_size, 1), 1000)
$$;
comment on function public.list_own_work is
  'Open tasks that a person does: by hand, to be answered, or to be looked at (a draft, a question), most urgent first; waits_for: what has to be done before.';

create function public.save_day_plan(day date, events jsonb) returns setof jsonb
language plpgsql set search_path = '' as $$
declare
  mark text := format('steward-day-%s-', save_day_plan.day);
begin
  if jsonb_typeof(save_day_plan.events) <> 'array' or jsonb_array_length(save_day_plan.events) > 200 then
    perform private.refuse(422, 'A day has at most 200 blocks');
  end if;
  -- Of two that keep the same day at once, the later one waits and replaces the earlier.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(private.acting_organization()::text || mark, 0));
  delete from public.calendar_events e
  where e.organization_id = private.acting_organization() and e.calendar = 'local' and e.is_private and starts_with(e.uid, mark);
  return query
    select public.add_calendar_event(e.value || jsonb_build_object('uid', mark || e.ordinality, 'is_private', true, 'attendees', '[]'::jsonb, 'organizer', ''))
    from jsonb_array_elements(save_day_plan.events) with ordinality e order by e.ordinality;
end $$;
comment on function public.save_day_plan is
  'Keeps a planned day as private events of the local calendar, in place of what was planned for that day before; without events it is cleared. 422 for more than 200.';

do $$ declare f text; begin
  foreach f in array array['save_time_spent', 'list_worked_tasks', 'list_own_work', 'save_day_plan'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('private.minutes_worked', array['authenticated', 'service_role']);
  perform private.expose_function('private.before_task_is_timed', array[]::text[]);
end $$;
