-- Mails to whom the settings name: something waits for a yes, or failed for good. A row says that it was told; what is to be told is read from the things themselves.

create table private.mail_alerts (
  subject_id uuid primary key,
  organization_id uuid not null references public.organizations (id) on delete cascade,
  told_at timestamptz not null default now()
);
comment on table private.mail_alerts is 'Approvals and tasks that were told of by mail, each once. subject_id has no foreign key, since it is the one or the other; a row goes after a week.';
create index mail_alerts_organization_idx on private.mail_alerts (organization_id);
select private.guard_table('private.mail_alerts', '');

create function private.open_mail_alerts(organization_id uuid) returns table (subject_id uuid, data jsonb, since timestamptz)
language sql stable set search_path = '' as $$
  select a.id, jsonb_build_object('what', 'approval', 'task_id', a.task_id, 'draft_id', a.draft_id, 'title', a.title,
    'is_tainted', coalesce(t.tainted_by <> '[]' or t.source not in ('chat', 'manual', 'plan'), true)), a.created_at
  from public.approvals a left join public.tasks t on t.id = a.task_id
  where a.organization_id = open_mail_alerts.organization_id and a.state = 'open' and a.created_at > now() - interval '1 day'
  union all
  select t.id, jsonb_build_object('what', case when t.execution_status = 'failed' then 'failure' else 'account' end, 'task_id', t.id, 'draft_id', null,
    'title', t.title, 'is_tainted', t.tainted_by <> '[]' or t.source not in ('chat', 'manual', 'plan')), coalesce(t.failed_at, t.blocked_at)
  from public.tasks t
  where t.organization_id = open_mail_alerts.organization_id
    and (t.execution_status = 'failed' and t.failed_at > now() - interval '1 day' and (t.escalated_at is not null or t.parent_task_id is null)
         and t.waived_at is null and t.superseded_at is null
         or t.execution_status = 'blocked' and t.blocked_on = 'account' and t.blocked_at > now() - interval '1 day')
$$;
comment on function private.open_mail_alerts is
  'What waits for a yes, failed for good, or waits for an account, since a day: earlier things are no news. is_tainted: its words may be others''.';

create function public.list_mail_alerts(waited_seconds integer default 60) returns setof jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.is_service() then
    perform private.refuse(403, 'Only a worker tells by mail');
  end if;
  return query
  select found.data || jsonb_build_object('subject_id', found.subject_id, 'since', found.since)
  from private.open_mail_alerts(private.acting_organization()) found
  where not exists (select 1 from private.mail_alerts m where m.subject_id = found.subject_id)
    and (found.data ->> 'what' <> 'approval' or found.since <= now() - make_interval(secs => least(greatest(waited_seconds, 0), 86400)))
  order by found.since, found.subject_id limit 200;
end $$;
comment on function public.list_mail_alerts is
  'What is still to be told by mail in the organization that the worker acts for: {what: approval, failure or account, subject_id, task_id, draft_id, title, is_tainted, since}, oldest first. What waits for a yes only once it has waited so long: who sits at the page needs no mail.';

create function public.keep_mail_alerts(subject_ids uuid[]) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  kept integer;
begin
  if not private.is_service() then
    perform private.refuse(403, 'Only a worker tells by mail');
  end if;
  delete from private.mail_alerts m where m.organization_id = private.acting_organization() and m.told_at < now() - interval '7 days';
  insert into private.mail_alerts (subject_id, organization_id)
  select found.subject_id, private.acting_organization() from private.open_mail_alerts(private.acting_organization()) found
  where found.subject_id = any (keep_mail_alerts.subject_ids)
  on conflict do nothing;
  get diagnostics kept = row_count;
  return kept;
end $$;
comment on function public.keep_mail_alerts is 'These were told by mail, and are not told again. How many were new; what is not open any more needs no row.';

do $$ declare f text; begin
  foreach f in array array['public.list_mail_alerts', 'public.keep_mail_alerts'] loop
    perform private.expose_function(f, array['service_role']);
  end loop;
  perform private.expose_function('private.open_mail_alerts', array[]::text[]);
end $$;
