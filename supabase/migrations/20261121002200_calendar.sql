-- Calendars: what an event is beyond a file's, the local calendar's changes, the synchronised copy of others, feed links.

alter table public.calendar_events
  add column url text not null default '',
  add column etag text not null default '',
  add column is_busy boolean not null default true,
  add column is_private boolean not null default false,
  add constraint calendar_events_status_check check (status in ('confirmed', 'tentative', 'cancelled'));
comment on column public.calendar_events.calendar is
  'local, or <provider>:<account id> for the copy of a connected calendar; a copy is never written to by hand.';
comment on column public.calendar_events.etag is 'The version; for the local calendar it is new with every change.';

create function private.before_calendar_event() returns trigger
language plpgsql set search_path = '' as $$
begin
  if new.calendar = 'local' and (tg_op = 'INSERT' or to_jsonb(new) - 'etag' is distinct from to_jsonb(old) - 'etag') then
    new.etag := gen_random_uuid()::text;
  end if;
  return new;
end $$;
comment on function private.before_calendar_event is 'A new version for every change of a local event, whoever makes it.';
create trigger versions_local_events before insert or update on public.calendar_events
for each row execute function private.before_calendar_event();

-- Section: reading ------------------------------------------------------------------------------------------------

create function public.list_calendar(starts_before timestamptz, ends_after timestamptz, calendars text[] default null) returns setof jsonb
language sql stable set search_path = '' as $$
  with touching as (
    select e.* from public.calendar_events e
    where e.organization_id = private.acting_organization() and (list_calendar.calendars is null or e.calendar = any (list_calendar.calendars))
      and e.starts_at < list_calendar.starts_before
      and (e.ends_at > list_calendar.ends_after or e.starts_at >= list_calendar.ends_after
           or e.recurrence is not null or cardinality(e.added_starts) > 0)
  )
  select to_jsonb(found) from (
    select * from touching
    union
    select c.* from public.calendar_events c join touching t
      on c.organization_id = t.organization_id and c.calendar = t.calendar and c.uid = t.uid
    where c.recurrence_id <> '' and t.recurrence_id = '' and (t.recurrence is not null or cardinality(t.added_starts) > 0)
  ) found
  order by found.starts_at, found.id limit 50000
$$;
comment on function public.list_calendar is
  'Events that touch a span, every series that began before its end, and all changed occurrences of these series, wherever they were moved to.';

create function public.get_calendar_event(calendar text, uid text) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(e) from public.calendar_events e
  where e.organization_id = private.acting_organization() and e.calendar = get_calendar_event.calendar and e.uid = get_calendar_event.uid
  order by e.recurrence_id
$$;
comment on function public.get_calendar_event is 'An event or a series (first), and its changed occurrences.';

-- Section: the local calendar -------------------------------------------------------------------------------------

create function public.add_calendar_event(event jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  r public.calendar_events := jsonb_populate_record(null::public.calendar_events, event);
  made public.calendar_events;
begin
  insert into public.calendar_events (organization_id, calendar, uid, recurrence_id, title, description, location, starts_at, ends_at, is_all_day,
    timezone, recurrence, excluded_starts, added_starts, organizer, attendees, status, url, is_busy, is_private)
  values (private.acting_organization(), 'local', r.uid, coalesce(r.recurrence_id, ''), coalesce(r.title, ''), coalesce(r.description, ''),
    coalesce(r.location, ''), r.starts_at, r.ends_at, coalesce(r.is_all_day, false), coalesce(r.timezone, 'UTC'), r.recurrence,
    coalesce(r.excluded_starts, '{}'), coalesce(r.added_starts, '{}'), coalesce(r.organizer, ''), coalesce(r.attendees, '[]'),
    coalesce(r.status, 'confirmed'), coalesce(r.url, ''), coalesce(r.is_busy, true), coalesce(r.is_private, false))
  on conflict (organization_id, calendar, uid, recurrence_id) do nothing
  returning * into made;
  if made.id is null then
    perform private.refuse(409, 'There is an event with this id already', format('uid %s', r.uid));
  end if;
  return to_jsonb(made);
end $$;
comment on function public.add_calendar_event is 'A new event on the local calendar; 409 where its uid (and occurrence) is taken.';

create function public.change_calendar_event(event jsonb, expected_etag text default null, drops_changes boolean default false) returns jsonb
language plpgsql set search_path = '' as $$
declare
  r public.calendar_events;
  known public.calendar_events;
begin
  select * into known from public.calendar_events e
  where e.organization_id = private.acting_organization() and e.calendar = 'local' and e.uid = event ->> 'uid'
    and e.recurrence_id = coalesce(event ->> 'recurrence_id', '') for update;
  if known.id is null then
    perform private.refuse(404, 'There is no such event on the local calendar', format('uid %s', event ->> 'uid'));
  end if;
  if change_calendar_event.expected_etag is distinct from known.etag and change_calendar_event.expected_etag is not null then
    perform private.refuse(409, 'The event has changed since it was read', format('uid %s', known.uid));
  end if;
  r := jsonb_populate_record(known, event);
  if drops_changes then
    delete from public.calendar_events e where e.organization_id = known.organization_id and e.calendar = 'local' and e.uid = known.uid
      and e.recurrence_id <> '';
  end if;
  update public.calendar_events e set title = r.title, description = r.description, location = r.location, starts_at = r.starts_at,
    ends_at = r.ends_at, is_all_day = r.is_all_day, timezone = r.timezone, recurrence = r.recurrence, excluded_starts = r.excluded_starts,
    added_starts = r.added_starts, organizer = r.organizer, attendees = r.attendees, status = r.status, url = r.url, is_busy = r.is_busy,
    is_private = r.is_private
  where e.id = known.id returning e.* into known;
  return to_jsonb(known);
end $$;
comment on function public.change_calendar_event is
  'Changes the named columns of a local event; 409 when it is not the expected version. drops_changes: a series that moves loses its changed occurrences.';

create or replace function public.import_calendar(events jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  added integer;
begin
  insert into public.calendar_events (organization_id, calendar, uid, recurrence_id, title, description, location, starts_at, ends_at,
    is_all_day, timezone, recurrence, excluded_starts, added_starts, organizer, attendees, status, url, is_busy, is_private)
  select private.acting_organization(), coalesce(r.calendar, 'local'), r.uid, coalesce(r.recurrence_id, ''), coalesce(r.title, ''),
    coalesce(r.description, ''), coalesce(r.location, ''), r.starts_at, r.ends_at, coalesce(r.is_all_day, false), coalesce(r.timezone, 'UTC'),
    r.recurrence, coalesce(r.excluded_starts, '{}'), coalesce(r.added_starts, '{}'), coalesce(r.organizer, ''), coalesce(r.attendees, '[]'),
    coalesce(r.status, 'confirmed'), coalesce(r.url, ''), coalesce(r.is_busy, true), coalesce(r.is_private, false)
  from jsonb_populate_recordset(null::public.calendar_events, events) r
  on conflict (organization_id, calendar, uid, recurrence_id) do update set title = excluded.title, description = excluded.description,
    location = excluded.location, starts_at = excluded.starts_at, ends_at = excluded.ends_at, is_all_day = excluded.is_all_day,
    timezone = excluded.timezone, recurrence = excluded.recurrence, excluded_starts = excluded.excluded_starts, added_starts = excluded.added_starts,
    organizer = excluded.organizer, attendees = excluded.attendees, status = excluded.status, url = excluded.url, is_busy = excluded.is_busy,
    is_private = excluded.is_private;
  get diagnostics added = row_count;
  return jsonb_build_object('events', added);
end $$;

-- Section: the copy of a connected calendar -----------------------------------------------------------------------

create function public.sync_calendar(calendar text, events jsonb, gone text[], is_full boolean) returns jsonb
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
    is_all_day, timezone, recurrence, excluded_starts, added_starts, organizer, attendees, status, url, etag, is_busy, is_private)
  select distinct on (r.uid, coalesce(r.recurrence_id, '')) private.acting_organization(), sync_calendar.calendar, r.uid,
    coalesce(r.recurrence_id, ''), coalesce(r.title, ''),
    coalesce(r.description, ''), coalesce(r.location, ''), r.starts_at, r.ends_at, coalesce(r.is_all_day, false), coalesce(r.timezone, 'UTC'),
    r.recurrence, coalesce(r.excluded_starts, '{}'), coalesce(r.added_starts, '{}'), coalesce(r.organizer, ''), coalesce(r.attendees, '[]'),
    coalesce(r.status, 'confirmed'), coalesce(r.url, ''), coalesce(r.etag, ''), coalesce(r.is_busy, true), coalesce(r.is_private, false)
  from jsonb_populate_recordset(null::public.calendar_events, events) r
  on conflict (organization_id, calendar, uid, recurrence_id) do update set title = excluded.title, description = excluded.description,
    location = excluded.location, starts_at = excluded.starts_at, ends_at = excluded.ends_at, is_all_day = excluded.is_all_day,
    timezone = excluded.timezone, recurrence = excluded.recurrence, excluded_starts = excluded.excluded_starts, added_starts = excluded.added_starts,
    organizer = excluded.organizer, attendees = excluded.attendees, status = excluded.status, url = excluded.url, etag = excluded.etag,
    is_busy = excluded.is_busy, is_private = excluded.is_private;
  get diagnostics kept = row_count;
  return jsonb_build_object('kept', kept, 'removed', removed);
end $$;
comment on function public.sync_calendar is
  'Brings the copy of a connected calendar up to date, all or nothing. gone: uids that are no more. is_full: what is not in events is no more.';

create function private.after_calendar_account_gone() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from public.calendar_events e where e.organization_id = old.organization_id and e.calendar = old.provider || ':' || old.id;
  return null;
end $$;
comment on function private.after_calendar_account_gone is
  'The copy of a calendar goes with its account. Definer: whoever disconnects an account may not touch the copies of other tenants.';
create trigger accounts_20_calendar_revoked after update on public.accounts for each row
when (new.state = 'revoked' and old.state <> 'revoked') execute function private.after_calendar_account_gone();
create trigger accounts_20_calendar_deleted after delete on public.accounts for each row execute function private.after_calendar_account_gone();

-- Section: feed links ---------------------------------------------------------------------------------------------

create table public.calendar_feeds (
  user_id uuid primary key references auth.users (id) on delete cascade,
  organization_id uuid not null references public.organizations (id) on delete cascade,
  token_hash text not null unique check (length(token_hash) = 64),
  created_at timestamptz not null default now()
);
comment on table public.calendar_feeds is 'The secret link under which a person''s due tasks can be subscribed to. Only the hash of the token is kept.';
create index calendar_feeds_organization_idx on public.calendar_feeds (organization_id);
select private.guard_table('public.calendar_feeds', 'select, insert, update, delete');
create policy calendar_feeds_own on public.calendar_feeds for all to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()) and organization_id in (select private.my_organizations()));

create function public.renew_calendar_feed(token_hash text) returns jsonb
language sql set search_path = '' as $$
  insert into public.calendar_feeds as f (user_id, organization_id, token_hash)
  values ((select auth.uid()), private.acting_organization(), renew_calendar_feed.token_hash)
  on conflict (user_id) do update set token_hash = excluded.token_hash, organization_id = excluded.organization_id, created_at = now()
  returning jsonb_build_object('created_at', f.created_at)
$$;
comment on function public.renew_calendar_feed is 'Makes a person''s feed link, or replaces it: the one before stops working.';

create function public.get_calendar_feed() returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('created_at', f.created_at) from public.calendar_feeds f where f.user_id = (select auth.uid())
$$;
comment on function public.get_calendar_feed is 'Since when there is a feed link; null without one.';

create function public.drop_calendar_feed() returns boolean
language plpgsql set search_path = '' as $$
begin
  delete from public.calendar_feeds f where f.user_id = (select auth.uid());
  return found;
end $$;
comment on function public.drop_calendar_feed is 'Takes a person''s feed link away; whether there was one.';

create function public.open_calendar_feed(token_hash text) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('user_id', f.user_id, 'organization_id', f.organization_id)
  from public.calendar_feeds f where f.token_hash = open_calendar_feed.token_hash
$$;
comment on function public.open_calendar_feed is 'Whose feed link this is; null for one that is not, or not any more (worker only).';

do $$ declare f text; begin
  foreach f in array array['list_calendar', 'get_calendar_event', 'add_calendar_event', 'change_calendar_event'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['renew_calendar_feed', 'get_calendar_feed', 'drop_calendar_feed'] loop
    perform private.expose_function('public.' || f, array['authenticated']);
  end loop;
  foreach f in array array['sync_calendar', 'open_calendar_feed'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  foreach f in array array['before_calendar_event', 'after_calendar_account_gone'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;
