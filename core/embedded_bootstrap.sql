-- What Supabase provides and a plain Postgres lacks: roles, the auth schema, identity functions.
-- Applied to the embedded database at every start, so each statement may run again and only changes what differs.

-- ---------------------------------------------------------------- roles
-- Roles belong to the whole server: another database of it may be making them at this moment.

do $$
declare
  wanted text;
begin
  foreach wanted in array array['anon', 'authenticated', 'service_role', 'authenticator'] loop
    if to_regrole(wanted) is null then
      begin
        execute format('create role %I nologin noinherit', wanted);
      exception when duplicate_object or unique_violation then
        null;  -- it is there now
      end;
    end if;
  end loop;
  if not (select r.rolbypassrls from pg_catalog.pg_roles r where r.rolname = 'service_role') then
    alter role service_role bypassrls;
  end if;
  foreach wanted in array array['anon', 'authenticated', 'service_role'] loop
    if not pg_has_role('authenticator', wanted, 'member') then
      execute format('grant %I to authenticator', wanted);
    end if;
  end loop;
end $$;

-- ---------------------------------------------------------------- schemas and people

create schema if not exists extensions;
create schema if not exists auth;
create table if not exists auth.users (
  id uuid primary key default gen_random_uuid(),
  email text unique,
  raw_user_meta_data jsonb not null default '{}',
  raw_app_meta_data jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
alter table auth.users
  add column if not exists aud text default 'authenticated',
  add column if not exists role text default 'authenticated',
  add column if not exists email_confirmed_at timestamptz,
  add column if not exists last_sign_in_at timestamptz,
  add column if not exists deleted_at timestamptz,
  add column if not exists is_anonymous boolean not null default false;
alter table auth.users enable row level security;
comment on table auth.users is 'People, as Supabase Auth keeps them; here the local owner.';

-- ---------------------------------------------------------------- who asks
-- PostgREST before version 9 set one setting per claim (request.jwt.claim.sub), later ones set all claims as JSON.
-- Supabase reads both, the single one first; an unset or empty setting is nobody.

create or replace function auth.uid() returns uuid language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.sub', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
  )::uuid
$$;
comment on function auth.uid() is 'Id of the person who asks; null for nobody.';

create or replace function auth.role() returns text language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.role', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
  )
$$;
comment on function auth.role() is 'Role in the token of who asks; null without a token.';

create or replace function auth.email() returns text language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.email', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
  )
$$;
comment on function auth.email() is 'E-mail address in the token of who asks; null without one.';

create or replace function auth.jwt() returns jsonb language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')
  )::jsonb
$$;
comment on function auth.jwt() is 'All claims in the token of who asks; null without one.';

-- ---------------------------------------------------------------- grants
-- Supabase also opens all of public to these roles by default privileges; the migrations do not rely on that.

grant usage on schema public, auth, extensions to anon, authenticated, service_role;
grant execute on all functions in schema auth to anon, authenticated, service_role;
