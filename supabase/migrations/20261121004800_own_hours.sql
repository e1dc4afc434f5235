-- A person's own time zone and working hours. What is null is the installation's setting.

-- Section: what is kept -------------------------------------------------------------------------------------------

create table public.own_hours (
  user_id uuid primary key references auth.users (id) on delete cascade,
  timezone text check (length(timezone) between 1 and 100),
  working_hours text check (length(working_hours) between 1 and 300),
  updated_at timestamptz not null default now()
);
comment on table public.own_hours is
  'By which clock a person lives, whichever organization they act in: an IANA time zone, and working hours like "mon-fri 09:00-17:00; sat 10:00-12:00". null is the setting''s.';
select private.guard_table('public.own_hours', 'select, insert, update, delete');
create policy own_hours_own on public.own_hours for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create trigger own_hours_touch before update on public.own_hours for each row execute function private.touch_updated_at();

create function private.before_own_hours() returns trigger
language plpgsql set search_path = '' as $$
declare
  days constant text[] := array['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
  part text;
  named text[];
begin
  -- The names that `at time zone` takes are more: CEST, +2 and others that no calendar knows.
  if new.timezone is not null and (new.timezone ~ '^(posix|right)/' or new.timezone not in (select z.name from pg_catalog.pg_timezone_names z)) then
    perform private.refuse(422, 'timezone is no time zone', format('timezone is %s', left(new.timezone, 100)), 'It is one like Europe/Berlin.');
  end if;
  for part in select p from regexp_split_to_table(new.working_hours, '\s*;\s*') p loop
    named := regexp_match(part, '^([a-z]{3})(?:-([a-z]{3}))?((?: (?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-3]):[0-5]\d)+)$');
    if named is null or array_position(days, named[1]) is null
       or coalesce(array_position(days, coalesce(named[2], named[1])), 0) < array_position(days, named[1])
       or exists (select 1 from regexp_matches(named[3], '(\d\d:\d\d)-(\d\d:\d\d)', 'g') found(span)
                  where found.span[2] <> '00:00' and found.span[2] <= found.span[1]) then
      perform private.refuse(422, 'working_hours cannot be read', format('in working_hours: %s', left(part, 100)),
        'Allowed is "mon-fri 09:00-12:30 13:30-17:00; sat 10:00-12:00".');
    end if;
  end loop;
  return new;
end $$;
comment on function private.before_own_hours is 'PT422, with the field, for a time zone that there is not and for hours that nobody can read: every look at a calendar would fail.';
create trigger own_hours_05_readable before insert or update on public.own_hours for each row execute function private.before_own_hours();

create function public.get_own_hours() returns jsonb
language sql stable set search_path = '' as $$
  select coalesce((select jsonb_build_object('timezone', h.timezone, 'working_hours', h.working_hours)
    from public.own_hours h where h.user_id = (select auth.uid())), '{}')
$$;
comment on function public.get_own_hours is 'What the caller chose: {timezone, working_hours}; null, or nothing at all, is the setting''s.';

create function public.save_own_hours(changes jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  unknown text := (select string_agg(k, ', ') from jsonb_object_keys(changes) k where k not in ('timezone', 'working_hours'));
begin
  perform private.refuse_token();
  if (select auth.uid()) is null then
    perform private.refuse(403, 'Only a person has hours of their own');
  elsif unknown is not null then
    perform private.refuse(422, format('There is no such choice: %s', left(unknown, 100)));
  end if;
  insert into public.own_hours as h (user_id, timezone, working_hours)
  values ((select auth.uid()), changes ->> 'timezone', changes ->> 'working_hours')
  on conflict (user_id) do update set
    timezone = case when changes ? 'timezone' then excluded.timezone else h.timezone end,
    working_hours = case when changes ? 'working_hours' then excluded.working_hours else h.working_hours end;
  return public.get_own_hours();
end $$;
comment on function public.save_own_hours is
  'What the caller chose: {timezone, working_hours}; null goes back to the setting, what is left out stays. PT422 names the field; PT403 for programs.';

create function private.after_sign_up_somewhere() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.own_hours (user_id, timezone) values (new.id, new.raw_user_meta_data ->> 'timezone') on conflict do nothing;
  return null;
exception when sqlstate 'PT422' or check_violation then
  return null; -- nobody is turned away for what their browser says
end $$;
comment on function private.after_sign_up_somewhere is 'Whoever signs up lives by the clock of their browser, where that is known. Definer: Auth makes people.';
create trigger on_auth_user_created_somewhere after insert on auth.users for each row
when (new.raw_user_meta_data ->> 'timezone' is not null) execute function private.after_sign_up_somewhere();
select private.expose_function('private.after_sign_up_somewhere', array[]::text[]);

-- Section: series go by the clock of whoever they belong to ----------------------------------------------------------

create or replace function private.series_json(task public.tasks) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('task_id', task.id, 'organization_id', task.organization_id, 'execution_status', task.execution_status,
    'recurrence', task.recurrence, 'repeats_from', task.repeats_from, 'run_when_due', task.run_when_due, 'due_at', task.due_at,
    'due_is_all_day', task.due_is_all_day, 'series_id', task.series_id, 'series_number', coalesce(task.series_number, 1),
    'series_starts_at', coalesce(task.series_starts_at, task.due_at), 'occurs_at', coalesce(task.occurs_at, task.due_at),
    'series_ended_at', task.series_ended_at, 'repeats_task_id', task.repeats_task_id,
    'next_task_id', (select n.id from public.tasks n where n.repeats_task_id = task.id),
    'timezone', (select h.timezone from public.own_hours h where h.user_id = task.created_by),
    'ended_seconds_ago', greatest(extract(epoch from now() - coalesce(task.completed_at, task.cancelled_at))::double precision, 0))
$$;

create function private.begun_days(at timestamptz, zone text) returns timestamptz
language sql stable set search_path = '' as $$
  select (date_trunc('day', here.wall) + case when here.wall::time >= '08:00' then interval '1 day' else interval '0' end) at time zone zone
  from (select begun_days.at at time zone zone as wall) here
$$;
comment on function private.begun_days is 'Up to when what is due some time on a day may start by itself: a day begins at eight, by the clock of the zone.';

create or replace function public.start_due_occurrences(at timestamptz, all_day_until timestamptz) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  task public.tasks;
  rules jsonb;
  n integer := 0;
begin
  for task in
    select t.* from public.tasks t left join public.own_hours h on h.user_id = t.created_by and h.timezone is not null
    where t.execution_status = 'pending' and t.execution_type = 'fully_automated' and t.parent_task_id is null
      and (t.run_when_due or t.repeats_task_id is not null) and t.recurrence is not null and t.flags = '{}' and t.archived_at is null
      and t.due_at <= case when not t.due_is_all_day then start_due_occurrences.at when h.user_id is null then start_due_occurrences.all_day_until
        else private.begun_days(start_due_occurrences.at, h.timezone) end
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

do $$ declare f text; begin
  foreach f in array array['get_own_hours', 'save_own_hours'] loop
    perform private.expose_function('public.' || f, array['authenticated']);
  end loop;
  perform private.expose_function('private.before_own_hours', array[]::text[]);
  perform private.expose_function('private.begun_days', array[]::text[]);
end $$;
