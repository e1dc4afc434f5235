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

create function public.list_watched_mail(since timestamptz, until timestamptz, most integer default 2000) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(m) from (
    select l.message_id, l.thread_key, l.account, l.from_name, l.from_address, l.to_addresses, l.cc_addresses, l.subject, l.sent_at,
      left(l.text_body, 20000) as text_body, l.is_from_me, l.category, l.suspicious, l.headers ->> 'auto_submitted' as auto_submitted
    from public.mail_messages l
    where l.organization_id = private.acting_organization() and l.sent_at >= list_watched_mail.since and l.sent_at <= list_watched_mail.until
      and not l.labels && array['spam', 'trash', 'drafts']
    order by l.sent_at desc, l.id desc limit least(greatest(most, 1), 5000)) m
  order by m.sent_at, m.message_id
$$;
comment on function public.list_watched_mail is 'Mail of a span as rules read it, oldest first; of more than `most`, the newest.';

create function public.list_own_addresses() returns setof text
language sql stable set search_path = '' as $$
  select distinct lower(found.address) from (
    select a.address from public.accounts a where a.organization_id = private.acting_organization() and a.address like '%@%'
    union all
    select m.from_address from (select l.from_address from public.mail_messages l
      where l.organization_id = private.acting_organization() and l.is_from_me order by l.sent_at desc nulls last limit 500) m) found
  where found.address <> '' order by 1
$$;
comment on function public.list_own_addresses is 'The addresses a person writes from: those of accounts, and of their own mail that lies here.';

create function public.list_watched_tasks(since timestamptz, most integer default 2000) returns setof jsonb
language sql stable set search_path = '' as $$
  select private.task_json(t) - 'execution_log' from public.tasks t
  where t.organization_id = private.acting_organization() and t.archived_at is null and t.superseded_at is null
    and (t.execution_status not in ('completed', 'failed', 'cancelled') or t.updated_at >= list_watched_tasks.since)
  order by t.created_at desc, t.id limit least(greatest(most, 1), 5000)
$$;
comment on function public.list_watched_tasks is 'Open tasks, and those that ended since then; the newest first.';

do $$ declare f text; begin
  foreach f in array array['list_watched_mail', 'list_own_addresses', 'list_watched_tasks'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['take_watch', 'end_watch'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  foreach f in array array['note_change'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;
