-- The first sign-in of somebody who was there before Steward: no trigger made them an organization.

create function public.ensure_my_organization() returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
  person uuid := (select auth.uid());
  found_name text;
  made uuid := gen_random_uuid();
begin
  if person is null or (select auth.jwt()) ?| array['token_scopes', 'agent_id', 'run_id'] then
    perform private.refuse(403, 'Only a person who is signed in has an organization of their own');
  end if;
  if exists (select 1 from public.members m where m.user_id = person) then
    return false;
  end if;
  -- Two sign-ins at once wait for each other here, and the second one finds what the first one made.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('first sign-in ' || person, 0));
  if exists (select 1 from public.members m where m.user_id = person) then
    return false;
  end if;
  select coalesce(nullif(u.raw_user_meta_data ->> 'name', ''), nullif(u.raw_user_meta_data ->> 'full_name', ''),
                  nullif(split_part(u.email, '@', 1), ''), 'Personal')
  into found_name from auth.users u where u.id = person;
  if found_name is null then
    perform private.refuse(403, 'There is no such person any more');
  end if;
  insert into public.organizations (id, name, is_personal) values (made, left(found_name, 200), true);
  insert into public.members (organization_id, user_id, role) values (made, person, 'owner');
  return true;
end $$;
comment on function public.ensure_my_organization is
  'Gives the signed-in person a personal organization where they belong to none: they had an account before Steward came. '
  'Answers whether one was made. Definer: members are written by no one else.';
select private.expose_function('public.ensure_my_organization', array['authenticated']);

-- A name of any length, and the one that Google tells, signs up: what failed here failed the whole sign-up.
create or replace function private.handle_new_user() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  organization_id uuid := gen_random_uuid();
begin
  insert into public.organizations (id, name, is_personal)
  values (organization_id, left(coalesce(nullif(new.raw_user_meta_data ->> 'name', ''),
    nullif(new.raw_user_meta_data ->> 'full_name', ''), nullif(split_part(new.email, '@', 1), ''), 'Personal'), 200), true);
  insert into public.members (organization_id, user_id, role) values (organization_id, new.id, 'owner');
  return new;
end $$;
