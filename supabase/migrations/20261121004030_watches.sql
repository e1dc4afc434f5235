-- When the rules look: after every change of mail or calendar, and every few minutes.

create table public.watches (
  organization_id uuid primary key references public.organizations (id) on delete cascade,
  changed_at timestamptz not null default clock_timestamp(),
  watched_at timestamptz,
  leased_until timestamptz,
  problem text check (length(problem) <= 1000)
);
comment on table public.watches is 'When something changed that the rules look at, and when they last looked. problem: why that failed.';
create index watches_due_idx on public.watches (watched_at nulls first);
select private.guard_table('public.watches', 'select');
create policy watches_read on public.watches for select to authenticated using (organization_id in (select private.my_organizations()));

create function private.note_change() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.watches as w (organization_id)
  select distinct c.organization_id from changed c
  on conflict (organization_id) do update set changed_at = clock_timestamp()
    where w.watched_at >= w.changed_at; -- one that waits already needs no second word
  return null;
end $$;
comment on function private.note_change is 'Something came that the rules look at. Definer: nobody else writes watches.';
create trigger mail_is_watched after insert on public.mail_messages referencing new table as changed for each statement execute function private.note_change();
create trigger calendar_is_watched after insert on public.calendar_events referencing new table as changed for each statement execute function private.note_change();
create trigger calendar_changes_are_watched after update on public.calendar_events referencing new table as changed for each statement execute function private.note_change();
create trigger calendar_removals_are_watched after delete on public.calendar_events referencing old table as changed for each statement execute function private.note_change();

create function public.take_watch(every_seconds double precision, lease_seconds double precision) returns jsonb
language plpgsql set search_path = '' as $$
declare
  taken public.watches;
begin
  select * into taken from public.watches w
  where (w.leased_until is null or w.leased_until < clock_timestamp())
    and (w.watched_at is null or w.changed_at > w.watched_at or w.watched_at < clock_timestamp() - make_interval(secs => every_seconds))
  order by w.watched_at nulls first limit 1 for update skip locked;
  if taken.organization_id is null then
    return null;
  end if;
  update public.watches w set leased_until = clock_timestamp() + make_interval(secs => lease_seconds), watched_at = clock_timestamp()
  where w.organization_id = taken.organization_id;
  return jsonb_build_object('organization_id', taken.organization_id, 'user_id', (
    select m.user_id from public.members m where m.organization_id = taken.organization_id
    order by m.role = 'owner' desc, m.created_at, m.user_id limit 1));
end $$;
comment on function public.take_watch is 'A tenant whose calendar or mail changed since the rules looked, or that was not looked at for long; for one worker at a time. {organization_id, user_id: its owner}, null when none is due.';

create function public.end_watch(problem text default null) returns void
language sql set search_path = '' as $$
  update public.watches w set leased_until = null, problem = left(end_watch.problem, 1000) where w.organization_id = private.acting_organization()
$$;
comment on function public.end_watch is 'The rules have looked; or why they could not.';

do $$ declare f text; begin
  foreach f in array array['take_watch', 'end_watch'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  foreach f in array array['note_change'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;
