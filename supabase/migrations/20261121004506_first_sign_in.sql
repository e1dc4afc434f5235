-- A personal organization for whoever signs up, and for whoever had an account before Steward came: no trigger made them one.

create function private.make_home(user_id uuid, email text, about jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  made uuid := gen_random_uuid();
begin
  insert into public.organizations (id, name, is_personal) values (made, left(coalesce(nullif(make_home.about ->> 'name', ''),
    nullif(make_home.about ->> 'full_name', ''), nullif(split_part(make_home.email, '@', 1), ''), 'Personal'), 200), true);
  insert into public.members (organization_id, user_id, role) values (made, make_home.user_id, 'owner');
end $$;
comment on function private.make_home is
  'A person''s own organization, named by what they call themselves (full_name is Google''s), of any length. Definer: members are written by no one else.';
select private.expose_function('private.make_home', array[]::text[]);

create or replace function private.handle_new_user() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.make_home(new.id, new.email, new.raw_user_meta_data);
  return new;
end $$;

create function public.ensure_my_organization() returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
  person auth.users;
begin
  if (select auth.uid()) is null or (select auth.jwt()) ?| array['token_scopes', 'agent_id', 'run_id'] then
    perform private.refuse(403, 'Only a person who is signed in has an organization of their own');
  end if;
  if exists (select 1 from public.members m where m.user_id = (select auth.uid())) then
    return false;
  end if;
  -- Two sign-ins at once wait for each other here, and the second one finds what the first one made.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('first sign-in ' || (select auth.uid()), 0));
  if exists (select 1 from public.members m where m.user_id = (select auth.uid())) then
    return false;
  end if;
  select u.* into person from auth.users u where u.id = (select auth.uid());
  if person.id is null then
    perform private.refuse(403, 'There is no such person any more');
  end if;
  perform private.make_home(person.id, person.email, person.raw_user_meta_data);
  return true;
end $$;
comment on function public.ensure_my_organization is
  'Gives the signed-in person a personal organization where they belong to none: they had an account before Steward came. '
  'Answers whether one was made. Definer: members are written by no one else.';
select private.expose_function('public.ensure_my_organization', array['authenticated']);
