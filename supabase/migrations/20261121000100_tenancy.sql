-- Who is here: organizations, their members, and the helpers every later migration stands on.

-- Section: the private schema -------------------------------------------------------------------------------------
-- PostgREST exposes `public` alone, so helpers that only policies, triggers and functions call live in `private`.

create schema if not exists private;
revoke all on schema private from public;
grant usage on schema private to authenticated, service_role;

create function private.expose_function(function_name text, roles text[]) returns void
language plpgsql set search_path = '' as $$
begin
  execute format('revoke execute on function %s from public, anon, authenticated, service_role', function_name::regproc::regprocedure);
  if cardinality(roles) > 0 then
    execute format('grant execute on function %s to %s', function_name::regproc::regprocedure, array_to_string(roles, ', '));
  end if;
end $$;
comment on function private.expose_function is
  'Takes execute from everybody and gives it to the named roles. Works by name alone, since there are no overloads.';

create function private.guard_table(table_name text, privileges text) returns void
language plpgsql set search_path = '' as $$
begin
  execute format('alter table %s enable row level security', table_name);
  execute format('revoke all on table %s from public, anon, authenticated', table_name);
  execute format('grant all on table %s to service_role', table_name);
  if privileges <> '' then
    execute format('grant %s on table %s to authenticated', privileges, table_name);
  end if;
end $$;
comment on function private.guard_table is
  'Row-level security on, every default privilege off, then the named privileges for signed-in people.';

select private.expose_function('private.expose_function', array[]::text[]);
select private.expose_function('private.guard_table', array[]::text[]);

-- Section: organizations and members ------------------------------------------------------------------------------

create table public.organizations (
  id uuid primary key default gen_random_uuid(),
  name text not null check (length(name) between 1 and 200),
  is_personal boolean not null default false,
  created_at timestamptz not null default now()
);
comment on table public.organizations is 'A tenant. Everything else belongs to exactly one.';

create table public.members (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  role text not null default 'member' check (role in ('owner', 'admin', 'member')),
  created_at timestamptz not null default now(),
  primary key (organization_id, user_id)
);
comment on table public.members is 'Which person belongs to which organization, and as what.';
create index members_user_id_idx on public.members (user_id, created_at);

-- Section: who is asking ------------------------------------------------------------------------------------------

create function private.my_organizations() returns setof uuid
language sql stable security definer set search_path = '' as $$
  select m.organization_id from public.members m where m.user_id = (select auth.uid())
$$;
comment on function private.my_organizations is
  'Organizations of the signed-in person. Definer, because a policy on members that reads members would recurse.';

create function private.is_service() returns boolean
language sql stable set search_path = '' as $$
  select coalesce((select auth.jwt()) ->> 'role', '') = 'service_role'
$$;
comment on function private.is_service is 'True for the worker, which names the organization it acts for in its claims.';

create function private.acting_organization() returns uuid
language sql stable security definer set search_path = '' as $$
  select case
    when private.is_service() then ((select auth.jwt()) ->> 'organization_id')::uuid
    else (
      select m.organization_id from public.members m
      where m.user_id = (select auth.uid())
        and (((select auth.jwt()) ->> 'organization_id') is null
             or m.organization_id = ((select auth.jwt()) ->> 'organization_id')::uuid)
      order by m.created_at, m.organization_id limit 1)
  end
$$;
comment on function private.acting_organization is
  'The one organization this call is about: the worker''s named one, or the caller''s chosen or first one. Null for strangers.';

create function private.in_scope(organization_id uuid) returns boolean
language sql stable set search_path = '' as $$
  select case
    when private.is_service() then in_scope.organization_id = private.acting_organization()
    else in_scope.organization_id in (select private.my_organizations())
  end
$$;
comment on function private.in_scope is
  'May this call touch a row of that organization? Row-level security does not hold the worker; this does.';

create function private.actor_type() returns text
language sql stable set search_path = '' as $$
  select case when (select auth.uid()) is not null then 'user' when private.is_service() then 'agent' else 'database' end
$$;
comment on function private.actor_type is 'Who acts: a person (user), the worker (agent), or somebody at an SQL console (database).';

create function private.refuse(status integer, message text, detail text default null, hint text default null) returns void
language plpgsql set search_path = '' as $$
begin
  raise exception using errcode = 'PT' || status, message = refuse.message,
    detail = coalesce(refuse.detail, ''), hint = coalesce(refuse.hint, '');
end $$;
comment on function private.refuse is
  'A business refusal with its HTTP status: PostgREST turns PT409 into 409, the Postgres adapter does the same.';

create function private.handle_new_user() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  organization_id uuid := gen_random_uuid();
begin
  insert into public.organizations (id, name, is_personal)
  values (organization_id, coalesce(nullif(new.raw_user_meta_data ->> 'name', ''), nullif(split_part(new.email, '@', 1), ''), 'Personal'), true);
  insert into public.members (organization_id, user_id, role) values (organization_id, new.id, 'owner');
  return new;
end $$;
comment on function private.handle_new_user is 'Gives everybody who signs up a personal organization.';

create trigger on_auth_user_created after insert on auth.users
for each row execute function private.handle_new_user();

create function private.touch_updated_at() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.updated_at := now();
  return new;
end $$;
comment on function private.touch_updated_at is 'Keeps updated_at true.';

-- Section: row-level security and grants --------------------------------------------------------------------------

select private.guard_table('public.organizations', 'select, update (name)');
create policy organizations_read on public.organizations for select to authenticated
  using (id in (select private.my_organizations()));
create policy organizations_rename on public.organizations for update to authenticated
  using (exists (select 1 from public.members m where m.organization_id = id
                 and m.user_id = (select auth.uid()) and m.role in ('owner', 'admin')));

select private.guard_table('public.members', 'select');
create policy members_read on public.members for select to authenticated
  using (organization_id in (select private.my_organizations()));

select private.expose_function('private.my_organizations', array['authenticated', 'service_role']);
select private.expose_function('private.is_service', array['authenticated', 'service_role']);
select private.expose_function('private.acting_organization', array['authenticated', 'service_role']);
select private.expose_function('private.in_scope', array['authenticated', 'service_role']);
select private.expose_function('private.actor_type', array['authenticated', 'service_role']);
select private.expose_function('private.refuse', array['authenticated', 'service_role']);
select private.expose_function('private.handle_new_user', array[]::text[]);
select private.expose_function('private.touch_updated_at', array['authenticated', 'service_role']);
