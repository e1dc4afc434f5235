-- What happens is recorded: fine events for the live pages, decisions for the audit.

create table public.task_events (
  id bigint generated always as identity primary key,
  organization_id uuid not null references public.organizations (id) on delete cascade,
  task_id uuid references public.tasks (id) on delete cascade,
  root_task_id uuid,
  kind text not null check (length(kind) between 1 and 100),
  message text not null default '',
  data jsonb not null default '{}',
  created_at timestamptz not null default now()
);
comment on table public.task_events is 'Fine events: states, steps, tool calls, model output. Streamed, and kept as long as a setting says.';
create index task_events_organization_idx on public.task_events (organization_id, id);
create index task_events_task_idx on public.task_events (task_id, id);
create index task_events_root_idx on public.task_events (root_task_id, id);

create table public.audit_events (
  id bigint generated always as identity primary key,
  organization_id uuid not null,
  actor_type text not null check (actor_type in ('user', 'agent', 'database')),
  actor_id uuid,
  action text not null,
  subject_type text not null,
  subject_id uuid not null,
  reason text,
  data jsonb not null default '{}',
  created_at timestamptz not null default now()
);
comment on table public.audit_events is 'Every decision with its actor. Append-only, without foreign keys: it outlives what it speaks of.';
create index audit_events_organization_idx on public.audit_events (organization_id, id);
create index audit_events_subject_idx on public.audit_events (subject_id, id);

create function private.refuse_change() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform private.refuse(403, format('%I is append-only', tg_table_name), tg_op || ' refused');
  return null;
end $$;
comment on function private.refuse_change is 'Holds append-only tables, against their owner as well.';
create trigger audit_is_append_only before update or delete on public.audit_events
for each row execute function private.refuse_change();
create trigger audit_is_never_emptied before truncate on public.audit_events
for each statement execute function private.refuse_change();

create function private.record_event(organization_id uuid, task_id uuid, root_task_id uuid, kind text, message text, data jsonb)
returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  new_id bigint;
begin
  insert into public.task_events (organization_id, task_id, root_task_id, kind, message, data)
  values (record_event.organization_id, record_event.task_id, record_event.root_task_id, record_event.kind,
          coalesce(record_event.message, ''), coalesce(record_event.data, '{}'))
  returning id into new_id;
  perform pg_notify('steward_events', json_build_object('id', new_id, 'organization_id', record_event.organization_id)::text);
  return new_id;
end $$;
comment on function private.record_event is
  'Appends a fine event and wakes the streams. Called by triggers and by add_task_event, which check who may.';

create function private.audit(organization_id uuid, action text, subject_type text, subject_id uuid, reason text, data jsonb)
returns void
language sql security definer set search_path = '' as $$
  insert into public.audit_events (organization_id, actor_type, actor_id, action, subject_type, subject_id, reason, data)
  values (audit.organization_id, private.actor_type(), (select auth.uid()), audit.action, audit.subject_type,
          audit.subject_id, audit.reason, coalesce(audit.data, '{}'))
$$;
comment on function private.audit is 'Appends a decision; only trigger functions, which run as their owner, may call it.';

select private.guard_table('public.task_events', 'select');
create policy task_events_read on public.task_events for select to authenticated
  using (organization_id in (select private.my_organizations()));
select private.guard_table('public.audit_events', 'select');
revoke insert, update, delete, truncate on public.audit_events from service_role;
revoke insert, update, delete, truncate on public.task_events from service_role;
create policy audit_events_read on public.audit_events for select to authenticated
  using (organization_id in (select private.my_organizations()));

select private.expose_function('private.refuse_change', array['authenticated', 'service_role']);
select private.expose_function('private.record_event', array[]::text[]);
select private.expose_function('private.audit', array[]::text[]);
