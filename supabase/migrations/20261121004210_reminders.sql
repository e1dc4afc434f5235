-- Reminders: when a person wants to be reminded of a task.

create table public.reminders (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  task_id uuid not null references public.tasks (id) on delete cascade,
  created_by uuid references auth.users (id) on delete set null,
  at timestamptz not null check (at >= '1900-01-02' and at < '9997-12-31'),
  note text not null default '' check (length(note) <= 1000),
  told_at timestamptz,
  created_at timestamptz not null default now(),
  unique (task_id, at)
);
comment on table public.reminders is 'When the person wants to be reminded of a task, at a time of their own choice.';
create index reminders_organization_idx on public.reminders (organization_id, at);
create index reminders_created_by_idx on public.reminders (created_by);
create index reminders_due_idx on public.reminders (at) where told_at is null;
select private.guard_table('public.reminders', 'select, insert, update, delete');
create policy reminders_read on public.reminders for select to authenticated using (organization_id in (select private.my_organizations()));
create policy reminders_add on public.reminders for insert to authenticated with check (organization_id in (select private.my_organizations()));
create policy reminders_change on public.reminders for update to authenticated
  using (organization_id in (select private.my_organizations())) with check (organization_id in (select private.my_organizations()));
create policy reminders_remove on public.reminders for delete to authenticated using (organization_id in (select private.my_organizations()));

create function private.keep_reminder_in_tenant() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if not exists (select 1 from public.tasks t where t.id = new.task_id and t.organization_id = new.organization_id) then
    perform private.refuse(422, 'There is no such task', format('task_id %s', new.task_id));
  end if;
  return new;
end $$;
comment on function private.keep_reminder_in_tenant is 'A reminder is of a task of the same organization.';
create trigger reminders_tenant before insert or update of task_id, organization_id on public.reminders
for each row execute function private.keep_reminder_in_tenant();

create function public.set_reminder(task_id uuid, at timestamptz, note text default '') returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(set_reminder.task_id, true);
  made public.reminders;
begin
  if task.execution_status in ('completed', 'cancelled') then
    perform private.refuse(409, format('This task is %s', task.execution_status), null, 'A reminder is of something that is still to do.');
  end if;
  if (select count(*) from public.reminders r where r.task_id = task.id and r.told_at is null) >= 50 then
    perform private.refuse(409, 'A task has at most 50 reminders');
  end if;
  insert into public.reminders as r (organization_id, task_id, created_by, at, note)
  values (task.organization_id, task.id, (select auth.uid()), set_reminder.at, coalesce(set_reminder.note, ''))
  on conflict on constraint reminders_task_id_at_key do update set note = excluded.note returning r.* into made;
  return to_jsonb(made);
end $$;
comment on function public.set_reminder is 'Remind the person of a task at a time. The same time twice is one reminder.';

create function public.list_reminders(task_id uuid default null) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(r) || jsonb_build_object('task_title', t.title) from public.reminders r join public.tasks t on t.id = r.task_id
  where r.organization_id = (select private.acting_organization())
    and (list_reminders.task_id is null and r.told_at is null or r.task_id = list_reminders.task_id)
  order by r.at, r.id limit 200
$$;
comment on function public.list_reminders is 'Reminders in order of time: all of a task, or those of every task that are still to come.';

create function public.remove_reminder(task_id uuid, reminder_id uuid) returns void
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(remove_reminder.task_id);
begin
  delete from public.reminders r where r.id = remove_reminder.reminder_id and r.task_id = task.id;
  if not found then
    perform private.refuse(404, 'There is no such reminder', format('reminder %s', remove_reminder.reminder_id));
  end if;
end $$;
comment on function public.remove_reminder is 'Takes a reminder of a task away.';

create function public.list_due_reminders(at timestamptz) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(r) || jsonb_build_object('task_title', t.title, 'due_at', t.due_at, 'due_is_all_day', t.due_is_all_day, 'created_at', r.created_at)
  from public.reminders r join public.tasks t on t.id = r.task_id
  where r.organization_id = (select private.acting_organization()) and r.told_at is null and r.at <= list_due_reminders.at
    and t.execution_status not in ('completed', 'cancelled')
  order by r.at, r.id limit 200
$$;
comment on function public.list_due_reminders is 'Reminders of one tenant whose time has come and of which nobody was told, oldest first. What is done needs none.';

create function public.mark_reminders_told(reminder_ids uuid[], at timestamptz) returns integer
language sql set search_path = '' as $$
  with told as (
    update public.reminders r set told_at = mark_reminders_told.at
    where r.id = any (mark_reminders_told.reminder_ids) and r.organization_id = (select private.acting_organization()) and r.told_at is null
    returning 1)
  select count(*)::integer from told
$$;
comment on function public.mark_reminders_told is 'The person was told of these; how many were new.';

do $$ declare f text; begin
  foreach f in array array['set_reminder', 'list_reminders', 'remove_reminder', 'list_due_reminders', 'mark_reminders_told'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('private.keep_reminder_in_tenant', array[]::text[]);
end $$;
