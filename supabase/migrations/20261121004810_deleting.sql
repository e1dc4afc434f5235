-- Deleting: an organization with everything in it, and everything of a person. What was decided stays in audit_events.

-- Section: what goes with its organization ------------------------------------------------------------------------

create or replace function private.before_task_deletion() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if not exists (select 1 from public.organizations o where o.id = old.organization_id) then
    return old; -- it goes with its tenant, which has a line of its own
  end if;
  perform private.audit(old.organization_id, 'task.deleted', 'task', old.id, null, jsonb_strip_nulls(jsonb_build_object('title', old.title,
    'ai_confidence', old.ai_confidence, 'source', case when old.ai_confidence is not null then old.source end,
    'created_at', case when old.ai_confidence is not null then old.created_at end,
    'status', case when old.ai_confidence is not null then old.execution_status end)));
  return old;
end $$;

create or replace function private.note_change() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.watches as w (organization_id)
  select distinct c.organization_id from changed c join public.organizations o on o.id = c.organization_id -- not of one that goes
  on conflict (organization_id) do update set changed_at = clock_timestamp()
    where w.watched_at >= w.changed_at; -- one that waits already needs no second word
  return null;
end $$;

create function private.after_mailbox_gone() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  -- With the account goes who it belonged to; its mail would be everybody's. One person may have read it in two ways.
  if not exists (select 1 from public.accounts a where a.organization_id = old.organization_id and a.mail_name = old.mail_name) then
    delete from public.mail_messages m where m.organization_id = old.organization_id and m.account = old.mail_name;
    delete from public.mail_cursors c where c.organization_id = old.organization_id and c.account = old.mail_name;
  end if;
  return null;
end $$;
comment on function private.after_mailbox_gone is 'Mail goes with the account that it was read in, as calendars do. Definer, because nobody else may touch it.';
create trigger accounts_21_mail_deleted after delete on public.accounts for each row execute function private.after_mailbox_gone();

create function private.after_person_gone() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from public.organizations o where o.id = old.organization_id and o.is_personal;
  return null;
end $$;
comment on function private.after_person_gone is
  'Whoever is deleted, by whomever (in the dashboard of Supabase, too), takes their personal organization along. Definer: nobody deletes organizations by hand.';
create trigger members_95_person_gone after delete on public.members for each row
when (old.role = 'owner') execute function private.after_person_gone();

-- Section: who is told --------------------------------------------------------------------------------------------

create table public.ended_organizations (
  user_id uuid not null references auth.users (id) on delete cascade,
  organization_id uuid not null,
  name text not null check (length(name) between 1 and 200),
  ended_by text check (length(ended_by) <= 320),
  ended_at timestamptz not null default now(),
  primary key (user_id, organization_id)
);
comment on table public.ended_organizations is
  'Organizations that were deleted while the person belonged to them: told on each page until they have read it. Each row is one person''s own.';
comment on column public.ended_organizations.ended_by is 'The address of whoever deleted it.';
select private.guard_table('public.ended_organizations', 'select, delete');
create policy ended_organizations_own on public.ended_organizations for all to authenticated
  using (user_id = (select auth.uid()) and (select private.token_scopes()) is null)
  with check (user_id = (select auth.uid()));

create function public.list_ended_organizations() returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(e) - 'user_id' from public.ended_organizations e where e.user_id = (select auth.uid()) order by e.ended_at, e.organization_id
$$;
comment on function public.list_ended_organizations is
  'Organizations of the caller that somebody else deleted, and that they were not told of or have not put away: {organization_id, name, ended_by, ended_at}.';

create function public.put_away_ended_organizations() returns integer
language plpgsql set search_path = '' as $$
declare
  n integer;
begin
  delete from public.ended_organizations e where e.user_id = (select auth.uid());
  get diagnostics n = row_count;
  return n;
end $$;
comment on function public.put_away_ended_organizations is 'The caller has read which organizations are gone; how many they were.';

-- Section: deleting -----------------------------------------------------------------------------------------------

create function private.refuse_unfinished(gone public.organizations) returns void
language plpgsql security definer set search_path = '' as $$
declare
  titles text;
begin
  select string_agg(distinct left(u.title, 100), '; ') into titles from (
    select t.title from public.drafts d join public.tasks t on t.id = d.task_id
    where d.organization_id = gone.id and d.state in ('sending', 'uncertain')
    union all
    -- What was cut off a moment ago may still be on its way.
    select t.title from public.steps s join public.tasks t on t.id = s.task_id
    where s.organization_id = gone.id and s.kind = 'act' and s.state in ('started', 'uncertain')
      and (t.execution_status not in ('completed', 'failed', 'cancelled') or s.started_at > clock_timestamp() - interval '1 minute')
    limit 5) u;
  if titles is not null then
    perform private.refuse(409, format('Something of %s is being sent, or nobody knows whether it was', gone.name), titles,
      'Wait until it has left; of what is uncertain, say under Review what became of it. Then delete.');
  end if;
end $$;
comment on function private.refuse_unfinished is 'PT409 while something of the organization is on its way outside, or may have been. Definer: it may be another member''s.';

create function private.erase_organization(organization_id uuid) returns text
language plpgsql security definer set search_path = '' as $$
declare
  gone public.organizations;
begin
  -- In the order in which work locks: whoever begins something now waits, and then finds that there is no such task.
  perform 1 from public.tasks t where t.organization_id = erase_organization.organization_id order by t.id for update;
  perform 1 from public.drafts d where d.organization_id = erase_organization.organization_id and d.state in ('approved', 'sending', 'uncertain')
    order by d.id for update;
  perform 1 from public.steps s where s.organization_id = erase_organization.organization_id and s.kind = 'act' order by s.id for update;
  select * into gone from public.organizations o where o.id = erase_organization.organization_id for update;
  if gone.id is null then
    return null;
  end if;
  perform private.refuse_unfinished(gone);
  perform private.audit(gone.id, 'organization.deleted', 'organization', gone.id, null, jsonb_build_object('name', gone.name, 'is_personal', gone.is_personal,
    'members', (select jsonb_agg(jsonb_build_object('user_id', m.user_id, 'role', m.role) order by m.created_at, m.user_id)
                from public.members m where m.organization_id = gone.id),
    'tasks', (select count(*) from public.tasks t where t.organization_id = gone.id),
    'stopped', (select count(*) from public.tasks t where t.organization_id = gone.id and t.execution_status in ('queued', 'in_progress')),
    'files', (select count(*) from public.artifacts a where a.organization_id = gone.id)));
  insert into public.ended_organizations (user_id, organization_id, name, ended_by)
  select m.user_id, gone.id, gone.name, (select left(u.email, 320) from auth.users u where u.id = (select auth.uid()))
  from public.members m where m.organization_id = gone.id and not gone.is_personal and m.user_id is distinct from (select auth.uid());
  delete from public.organizations o where o.id = gone.id;
  return gone.name;
end $$;
comment on function private.erase_organization is
  'Everything of an organization goes, running work with it (a run whose task is gone writes nothing any more and is cut off); its name. PT409 while something is being sent or uncertain. What lies in a store is removed by its sweep; audit_events stay. Definer: nobody deletes organizations by hand.';

create function public.delete_organization(organization_id uuid, name text) returns setof jsonb
language plpgsql security definer set search_path = '' as $$
declare
  here public.organizations;
begin
  perform private.manage_organization(delete_organization.organization_id, array['owner']);
  select * into here from public.organizations o where o.id = delete_organization.organization_id;
  if here.is_personal then
    perform private.refuse(409, 'A personal organization goes with its person alone', null, 'Delete everything of yours instead.');
  elsif btrim(coalesce(delete_organization.name, '')) <> here.name then
    perform private.refuse(409, 'The name is not that of the organization', format('It is called %s', here.name), 'Type its name exactly: deleting cannot be undone.');
  end if;
  perform private.erase_organization(here.id);
  return query select * from public.list_my_organizations();
end $$;
comment on function public.delete_organization is
  'The organization that the caller acts in is gone with everything in it (owners; its exact name confirms it); the organizations that are left to them. Definer, as `manage_organization` asks. PT409 for a personal one, for another name, and while something is being sent or uncertain.';

create function public.delete_person(address text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  person auth.users;
  home public.organizations;
  of_others text;
  of_person uuid;
  deleted jsonb := '[]';
  quit jsonb := '[]';
  theirs record;
begin
  if (select auth.uid()) is null or private.is_service() then
    perform private.refuse(403, 'Only a person deletes what is theirs');
  end if;
  perform private.refuse_token();
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('first sign-in ' || (select auth.uid()), 0));
  select * into person from auth.users u where u.id = (select auth.uid()) for update;
  if person.id is null then
    perform private.refuse(404, 'There is no such person any more');
  end if;
  select o.* into home from public.organizations o join public.members m on m.organization_id = o.id where m.user_id = person.id and o.is_personal limit 1;
  if lower(btrim(coalesce(delete_person.address, ''))) <> lower(coalesce(nullif(person.email, ''), home.name)) then
    perform private.refuse(409, 'The address is not yours', format('Yours is %s', coalesce(nullif(person.email, ''), home.name)),
      'Type it exactly: deleting cannot be undone.');
  end if;
  perform 1 from public.organizations o join public.members m on m.organization_id = o.id where m.user_id = person.id order by o.id for no key update of o;
  select string_agg(o.name, ', ' order by o.name) into of_others from public.organizations o join public.members m on m.organization_id = o.id
  where m.user_id = person.id and m.role = 'owner' and not o.is_personal
    and exists (select 1 from public.members other where other.organization_id = o.id and other.user_id <> person.id)
    and not exists (select 1 from public.members other where other.organization_id = o.id and other.user_id <> person.id and other.role = 'owner');
  if of_others is not null then
    perform private.refuse(409, 'Others would be left without an owner', of_others, 'Make somebody else an owner there, or delete it first.');
  end if;
  for of_person in select m.organization_id from public.members m where m.user_id = person.id order by m.organization_id loop
    if exists (select 1 from public.members other where other.organization_id = of_person and other.user_id <> person.id) then
      quit := quit || (select to_jsonb(o.name) from public.organizations o where o.id = of_person);
      delete from public.members m where m.organization_id = of_person and m.user_id = person.id;
    else
      deleted := deleted || to_jsonb(private.erase_organization(of_person));
    end if;
  end loop;
  if person.raw_app_meta_data ->> 'steward_owner' = 'true' then
    -- Of the one whom the settings name the data goes; at the next start they would be made again.
    for theirs in
      select c.conrelid::regclass as in_table, a.attname as in_column from pg_catalog.pg_constraint c
      join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
      where c.contype = 'f' and c.confrelid = 'auth.users'::regclass and c.confdeltype = 'c'
        and c.connamespace in ('public'::regnamespace, 'private'::regnamespace) order by c.conrelid
    loop
      execute format('delete from %s where %I = $1', theirs.in_table, theirs.in_column) using person.id;
    end loop;
    perform public.ensure_my_organization();
  else
    delete from auth.users u where u.id = person.id;
  end if;
  return jsonb_build_object('deleted', deleted, 'quit', quit, 'is_person_gone', person.raw_app_meta_data ->> 'steward_owner' is distinct from 'true');
end $$;
comment on function public.delete_person is
  'Everything of the caller goes: their personal organization, those where they are alone, and they themselves; the others they leave. Their own address (without one the name of their personal organization) confirms it. {deleted, quit: names, is_person_gone: false for the owner of the installation, who begins anew}. Definer: people stand in auth.users. PT409 for another address, for the last owner of an organization of several, and while something is being sent or uncertain.';

do $$ declare f text; begin
  foreach f in array array['list_ended_organizations', 'put_away_ended_organizations', 'delete_organization', 'delete_person'] loop
    perform private.expose_function('public.' || f, array['authenticated']);
  end loop;
  foreach f in array array['after_mailbox_gone', 'after_person_gone', 'refuse_unfinished', 'erase_organization'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;
