-- Organizations of several people: who is in one, and what each role may.

-- Section: roles --------------------------------------------------------------------------------------------------

create function private.my_role() returns text
language sql stable security definer set search_path = '' as $$
  select m.role from public.members m where m.organization_id = private.acting_organization() and m.user_id = (select auth.uid())
$$;
comment on function private.my_role is 'What the caller is in the organization they act in; null for strangers and the worker.';

create function private.manage_organization(organization_id uuid, roles text[]) returns text
language plpgsql security definer set search_path = '' as $$
declare
  own_role text;
begin
  if (select auth.uid()) is null then
    perform private.refuse(403, 'Only a person manages an organization');
  end if;
  perform private.refuse_token();
  -- Whoever changes who belongs here takes turns, so that each sees what the one before did.
  perform 1 from public.organizations o where o.id = manage_organization.organization_id for no key update;
  select m.role into own_role from public.members m
  where m.organization_id = manage_organization.organization_id and m.user_id = (select auth.uid());
  if own_role is null then
    perform private.refuse(404, 'There is no such organization', format('organization %s', manage_organization.organization_id));
  elsif manage_organization.organization_id is distinct from private.acting_organization() then
    perform private.refuse(409, 'You act in another organization now', format('organization %s', manage_organization.organization_id), 'Choose it first.');
  elsif not own_role = any (manage_organization.roles) then
    perform private.refuse(403, format('Only an %s does this', array_to_string(manage_organization.roles, ' or ')), format('you are a %s here', own_role));
  end if;
  return own_role;
end $$;
comment on function private.manage_organization is
  'The caller''s role in the organization they act in, where it is one of these. PT404 for somebody else''s, PT409 for one they do not act in, PT403 for tokens and other roles. Takes turns.';

create function private.keep_an_owner() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  -- One after the other: two owners who step down at the same moment would each see the other.
  perform 1 from public.organizations o where o.id = old.organization_id and not o.is_personal for no key update;
  if not found then
    return null; -- a personal one is its person's; and with an organization its members go
  end if;
  if not exists (select 1 from public.members m where m.organization_id = old.organization_id and m.role = 'owner') then
    perform private.refuse(409, 'An organization keeps at least one owner', null, 'Make somebody else an owner first.');
  end if;
  return null;
end $$;
comment on function private.keep_an_owner is 'However it happens: an organization that is there has an owner. Definer, because the last one may be leaving.';
create trigger members_90_owner_stays after delete or update of role on public.members for each row
when (old.role = 'owner') execute function private.keep_an_owner();

create function private.after_member_change() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  of_whom public.members := case when tg_op = 'DELETE' then old else new end;
begin
  -- A personal organization comes with its person: that is no news.
  if exists (select 1 from public.organizations o where o.id = of_whom.organization_id and not o.is_personal) then
    perform private.audit(of_whom.organization_id, case tg_op when 'INSERT' then 'member.joined' when 'UPDATE' then 'member.role_changed' else 'member.left' end,
      'member', of_whom.user_id, null, jsonb_strip_nulls(jsonb_build_object('role', of_whom.role, 'earlier', case when tg_op = 'UPDATE' then old.role end)));
  end if;
  return null;
end $$;
comment on function private.after_member_change is 'Who joined, left, or is something else now, as audit lines.';
create trigger members_10_audit after insert or delete on public.members for each row execute function private.after_member_change();
create trigger members_11_audit after update of role on public.members for each row
when (new.role is distinct from old.role) execute function private.after_member_change();

-- Agents see an organization's work, so who lets them in is one who may invite.

create or replace function private.refuse_managing() returns void
language plpgsql stable set search_path = '' as $$
begin
  if (select auth.uid()) is null or private.is_service() or private.acting_organization() is null then
    perform private.refuse(403, 'Only a person manages agents');
  end if;
  perform private.refuse_token();
  if private.my_role() = 'member' then
    perform private.refuse(403, 'Only an owner or admin manages agents');
  end if;
end $$;
comment on function private.refuse_managing is 'PT403 for whoever may not say which agents work here: programs, the worker, strangers, and plain members.';

-- Section: organizations ------------------------------------------------------------------------------------------

create function private.clean_name(name text) returns text
language plpgsql stable set search_path = '' as $$
declare
  cleaned text := btrim(regexp_replace(coalesce(clean_name.name, ''), '\s+', ' ', 'g'));
begin
  if length(cleaned) not between 1 and 200 then
    perform private.refuse(422, 'A name has 1 to 200 characters', format('name has %s', length(cleaned)));
  end if;
  return cleaned;
end $$;
comment on function private.clean_name is 'A name of an organization in one line. PT422 for none, and for one that is too long.';

create function private.membership_json(membership public.members) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('id', o.id, 'name', o.name, 'is_personal', o.is_personal, 'role', membership.role,
    'is_chosen', coalesce(o.id = private.acting_organization(), false), 'joined_at', membership.created_at)
  from public.organizations o where o.id = membership.organization_id
$$;
comment on function private.membership_json is 'An organization as one of its members sees it in the list of theirs.';

create function public.list_my_organizations() returns setof jsonb
language sql stable security definer set search_path = '' as $$
  select private.membership_json(m) from public.members m join public.organizations o on o.id = m.organization_id
  where m.user_id = (select auth.uid())
    and ((select private.token_scopes()) is null or m.organization_id = (select private.acting_organization()))
  order by o.is_personal desc, lower(o.name), o.id
$$;
comment on function public.list_my_organizations is
  'Every organization of the signed-in person, the personal one first; of a program''s token its own. Definer, because policies show the chosen one alone.';

create function public.create_organization(name text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  made public.organizations;
  membership public.members;
begin
  if (select auth.uid()) is null then
    perform private.refuse(403, 'Only a person makes an organization');
  end if;
  perform private.refuse_token();
  perform pg_catalog.pg_advisory_xact_lock(hashtextextended('organizations ' || (select auth.uid()), 0));
  if (select count(*) from public.members m where m.user_id = (select auth.uid()) and m.role = 'owner') >= 50 then
    perform private.refuse(409, 'You own 50 organizations already', null, 'Leave one that is not used any more.');
  end if;
  insert into public.organizations as o (name) values (private.clean_name(create_organization.name)) returning o.* into made;
  insert into public.members as m (organization_id, user_id, role, chosen_at) values (made.id, (select auth.uid()), 'owner', clock_timestamp())
  returning m.* into membership;
  perform private.audit(made.id, 'organization.created', 'organization', made.id, null, jsonb_build_object('name', made.name));
  return private.membership_json(membership);
end $$;
comment on function public.create_organization is
  'A new organization that the caller owns, and acts in from now on. Definer: nobody writes members by hand. PT409 for the 51st.';

create function public.choose_organization(organization_id uuid) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  membership public.members;
begin
  perform private.refuse_token();
  update public.members m set chosen_at = clock_timestamp()
  where m.organization_id = choose_organization.organization_id and m.user_id = (select auth.uid()) returning m.* into membership;
  if membership.user_id is null then
    perform private.refuse(404, 'There is no such organization', format('organization %s', choose_organization.organization_id));
  end if;
  return private.membership_json(membership);
end $$;
comment on function public.choose_organization is 'From now on the caller sees and acts in this one of theirs. Definer: nobody writes members by hand. PT404 for others''.';

create function public.rename_organization(organization_id uuid, name text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  membership public.members;
begin
  perform private.manage_organization(rename_organization.organization_id, array['owner', 'admin']);
  update public.organizations o set name = private.clean_name(rename_organization.name) where o.id = rename_organization.organization_id;
  select m.* into membership from public.members m
  where m.organization_id = rename_organization.organization_id and m.user_id = (select auth.uid());
  return private.membership_json(membership);
end $$;
comment on function public.rename_organization is 'Gives the organization another name (owners and admins). Definer, as `manage_organization` asks.';

create function private.after_rename() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.audit(new.id, 'organization.renamed', 'organization', new.id, null, jsonb_build_object('name', new.name, 'earlier', old.name));
  return null;
end $$;
comment on function private.after_rename is 'A new name as an audit line.';
create trigger organizations_10_renamed after update of name on public.organizations for each row
when (new.name is distinct from old.name) execute function private.after_rename();

drop policy organizations_rename on public.organizations;
create policy organizations_rename on public.organizations for update to authenticated
  using ((select private.token_scopes()) is null
    and exists (select 1 from public.members m where m.organization_id = id
                and m.user_id = (select auth.uid()) and m.role in ('owner', 'admin')));

-- Section: members ------------------------------------------------------------------------------------------------

create or replace function private.person_json(organization_id uuid, preferred_user_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('user_id', u.id, 'email', u.email, 'name', left(u.raw_user_meta_data ->> 'name', 200))
  from public.members m join auth.users u on u.id = m.user_id
  where m.organization_id = person_json.organization_id and private.in_scope(m.organization_id)
  order by coalesce(m.user_id = person_json.preferred_user_id, false) desc, m.created_at limit 1
$$;

create function private.member_json(member public.members) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('user_id', u.id, 'email', u.email, 'name', left(u.raw_user_meta_data ->> 'name', 200), 'role', member.role,
    'joined_at', member.created_at, 'is_you', u.id = (select auth.uid()))
  from auth.users u where u.id = member.user_id
$$;
comment on function private.member_json is 'A member as the others see them. Definer, because people do not read auth.users.';

create function public.list_members(organization_id uuid) returns setof jsonb
language plpgsql security definer set search_path = '' as $$
begin
  perform private.manage_organization(list_members.organization_id, array['owner', 'admin', 'member']);
  return query select private.member_json(m) from public.members m where m.organization_id = list_members.organization_id
    order by array_position(array['owner', 'admin', 'member'], m.role), m.created_at, m.user_id;
end $$;
comment on function public.list_members is 'Who belongs to the organization that the caller acts in: owners, admins, members. Definer, for their names.';

create function public.change_role(organization_id uuid, user_id uuid, role text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  member public.members;
begin
  perform private.manage_organization(change_role.organization_id, array['owner']);
  if change_role.role is null or change_role.role not in ('owner', 'admin', 'member') then
    perform private.refuse(422, 'role is owner, admin or member', format('role is %s', left(change_role.role, 40)));
  end if;
  if exists (select 1 from public.organizations o where o.id = change_role.organization_id and o.is_personal) then
    perform private.refuse(409, 'A personal organization is its person''s', null, 'Create an organization to work with others.');
  end if;
  update public.members m set role = change_role.role
  where m.organization_id = change_role.organization_id and m.user_id = change_role.user_id returning m.* into member;
  if member.user_id is null then
    perform private.refuse(404, 'There is no such member', format('user %s', change_role.user_id));
  end if;
  return private.member_json(member);
end $$;
comment on function public.change_role is
  'Makes a member an owner, admin or member (owners). Definer: nobody writes members by hand. PT409 where no owner would be left.';

do $$ declare f text; begin
  foreach f in array array['list_my_organizations', 'create_organization', 'choose_organization', 'rename_organization', 'list_members', 'change_role'] loop
    perform private.expose_function('public.' || f, array['authenticated']);
  end loop;
  perform private.expose_function('private.my_role', array['authenticated', 'service_role']);
  foreach f in array array['manage_organization', 'keep_an_owner', 'after_member_change', 'after_rename', 'clean_name', 'membership_json', 'member_json'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;
