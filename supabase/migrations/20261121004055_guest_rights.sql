-- Whose words an event is in: where guests may change it, its title is theirs too.

alter table public.calendar_events add column guests_can_modify boolean not null default false;
comment on column public.calendar_events.guests_can_modify is
  'May those invited change title, text and time? What cannot say, as a file, counts as a yes.';
-- What stands there already out of a file, or was copied before this was asked for, cannot say either; a copy says it with its next change.
update public.calendar_events set guests_can_modify = true where attendees <> '[]';

create or replace function public.import_calendar(events jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  added integer;
begin
  insert into public.calendar_events (organization_id, calendar, uid, recurrence_id, title, description, location, starts_at, ends_at,
    is_all_day, timezone, recurrence, excluded_starts, added_starts, organizer, attendees, status, url, is_busy, is_private, guests_can_modify)
  select private.acting_organization(), coalesce(r.calendar, 'local'), r.uid, coalesce(r.recurrence_id, ''), coalesce(r.title, ''),
    coalesce(r.description, ''), coalesce(r.location, ''), r.starts_at, r.ends_at, coalesce(r.is_all_day, false), coalesce(r.timezone, 'UTC'),
    r.recurrence, coalesce(r.excluded_starts, '{}'), coalesce(r.added_starts, '{}'), coalesce(r.organizer, ''), coalesce(r.attendees, '[]'),
    coalesce(r.status, 'confirmed'), coalesce(r.url, ''), coalesce(r.is_busy, true), coalesce(r.is_private, false),
    coalesce(r.guests_can_modify, true)
  from jsonb_populate_recordset(null::public.calendar_events, events) r
  on conflict (organization_id, calendar, uid, recurrence_id) do update set title = excluded.title, description = excluded.description,
    location = excluded.location, starts_at = excluded.starts_at, ends_at = excluded.ends_at, is_all_day = excluded.is_all_day,
    timezone = excluded.timezone, recurrence = excluded.recurrence, excluded_starts = excluded.excluded_starts, added_starts = excluded.added_starts,
    organizer = excluded.organizer, attendees = excluded.attendees, status = excluded.status, url = excluded.url, is_busy = excluded.is_busy,
    is_private = excluded.is_private, guests_can_modify = excluded.guests_can_modify;
  get diagnostics added = row_count;
  return jsonb_build_object('events', added);
end $$;

create or replace function public.sync_calendar(calendar text, events jsonb, gone text[], is_full boolean) returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  kept integer;
  removed integer;
begin
  if sync_calendar.calendar = 'local' then
    perform private.refuse(422, 'The local calendar is nobody''s copy', 'calendar');
  end if;
  if is_full then
    delete from public.calendar_events e where e.organization_id = private.acting_organization() and e.calendar = sync_calendar.calendar;
  else
    delete from public.calendar_events e where e.organization_id = private.acting_organization() and e.calendar = sync_calendar.calendar
      and e.uid = any (sync_calendar.gone);
  end if;
  get diagnostics removed = row_count;
  insert into public.calendar_events (organization_id, calendar, uid, recurrence_id, title, description, location, starts_at, ends_at,
    is_all_day, timezone, recurrence, excluded_starts, added_starts, organizer, attendees, status, url, etag, is_busy, is_private, guests_can_modify)
  select distinct on (r.uid, coalesce(r.recurrence_id, '')) private.acting_organization(), sync_calendar.calendar, r.uid,
    coalesce(r.recurrence_id, ''), coalesce(r.title, ''),
    coalesce(r.description, ''), coalesce(r.location, ''), r.starts_at, r.ends_at, coalesce(r.is_all_day, false), coalesce(r.timezone, 'UTC'),
    r.recurrence, coalesce(r.excluded_starts, '{}'), coalesce(r.added_starts, '{}'), coalesce(r.organizer, ''), coalesce(r.attendees, '[]'),
    coalesce(r.status, 'confirmed'), coalesce(r.url, ''), coalesce(r.etag, ''), coalesce(r.is_busy, true), coalesce(r.is_private, false),
    coalesce(r.guests_can_modify, true)
  from jsonb_populate_recordset(null::public.calendar_events, events) r
  on conflict (organization_id, calendar, uid, recurrence_id) do update set title = excluded.title, description = excluded.description,
    location = excluded.location, starts_at = excluded.starts_at, ends_at = excluded.ends_at, is_all_day = excluded.is_all_day,
    timezone = excluded.timezone, recurrence = excluded.recurrence, excluded_starts = excluded.excluded_starts, added_starts = excluded.added_starts,
    organizer = excluded.organizer, attendees = excluded.attendees, status = excluded.status, url = excluded.url, etag = excluded.etag,
    is_busy = excluded.is_busy, is_private = excluded.is_private, guests_can_modify = excluded.guests_can_modify;
  get diagnostics kept = row_count;
  return jsonb_build_object('kept', kept, 'removed', removed);
end $$;

create or replace function private.is_of_own_event(task public.tasks) returns boolean
language sql stable security definer set search_path = '' as $$
  select task.source = 'proactive' and task.kind = 'agenda' and task.parent_task_id is null and task.tool is null and task.recipient is null
    and task.description = '' and task.tool_input = '{}' and task.acceptance_criteria = '[]'
    and not task.source_ref ?| array['message_id', 'thread_key', 'agenda_task_id', 'quote', 'by_program', 'agent_id']
    and exists (select 1 from public.calendar_events e
      where e.organization_id = task.organization_id and e.calendar = task.source_ref #>> '{event,calendar}' and e.uid = task.source_ref #>> '{event,uid}'
        and e.recurrence_id in ('', coalesce(task.source_ref #>> '{event,recurrence_id}', ''))
        and e.organizer <> '' and private.own_addresses(task) ? lower(e.organizer)
        and task.title = left('Draft meeting agenda: ' || e.title, 300))
    and not exists (select 1 from public.calendar_events e
      where e.organization_id = task.organization_id and e.calendar = task.source_ref #>> '{event,calendar}' and e.uid = task.source_ref #>> '{event,uid}'
        and e.recurrence_id in ('', coalesce(task.source_ref #>> '{event,recurrence_id}', '')) and e.guests_can_modify)
$$;
comment on function private.is_of_own_event is
  'Was this task found in an event that the person organizes themself and guests may not change, and does it say nothing but that event''s title? Then it is nobody else''s word. Definer: the accounts are not everybody''s.';
