-- Invitations: who was asked to join an organization, by a link that is shown once.

create table public.invitations (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  email text not null check (email = lower(email) and length(email) <= 320 and email ~ '^[^\s@<>,;:"()]+@[^\s@<>,;:"()]+$'),
  role text not null default 'member' check (role in ('admin', 'member')),
  token_hash text not null unique check (token_hash ~ '^[0-9a-f]{64}$'),
  invited_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '7 days',
  accepted_at timestamptz,
  accepted_by uuid references auth.users (id) on delete set null,
  revoked_at timestamptz,
  constraint invitations_last check (expires_at > created_at and expires_at <= created_at + interval '8 days'),
  constraint invitations_end_once check (accepted_at is null or revoked_at is null)
);
comment on table public.invitations is
  'Who was asked to join, as what. token_hash is SHA-256 of 256 random bits: the link is shown once, to whoever invites, and is nowhere.';
create unique index invitations_open_idx on public.invitations (organization_id, email) where accepted_at is null and revoked_at is null;
create index invitations_organization_idx on public.invitations (organization_id, created_at desc);
create index invitations_invited_by_idx on public.invitations (invited_by);
create index invitations_accepted_by_idx on public.invitations (accepted_by);

select private.guard_table('public.invitations',
  'select (id, organization_id, email, role, invited_by, created_at, expires_at, accepted_at, accepted_by, revoked_at)');
create policy invitations_read on public.invitations for select to authenticated
  using (organization_id = (select private.acting_organization()) and (select private.my_role()) in ('owner', 'admin'));

create function private.after_invitation_change() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  -- The address stays in the table, which owners and admins read.
  perform private.audit(new.organization_id, case when tg_op = 'INSERT' then 'invitation.created' when new.accepted_at is not null then 'invitation.accepted'
    else 'invitation.revoked' end, 'invitation', new.id, null, jsonb_build_object('role', new.role, 'expires_at', new.expires_at));
  return null;
end $$;
comment on function private.after_invitation_change is 'Inviting, accepting and taking back as audit lines.';
create trigger invitations_10_made after insert on public.invitations for each row execute function private.after_invitation_change();
create trigger invitations_11_ended after update on public.invitations for each row
when ((old.accepted_at, old.revoked_at) is distinct from (new.accepted_at, new.revoked_at)) execute function private.after_invitation_change();

create function private.keep_invitation() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' then
    if exists (select 1 from public.organizations o where o.id = new.organization_id and o.is_personal) then
      perform private.refuse(409, 'Nobody is invited into a personal organization', null, 'Create an organization, and invite them there.');
    end if;
  elsif (old.accepted_at is not null or old.revoked_at is not null) and (old.accepted_at, old.revoked_at) is distinct from (new.accepted_at, new.revoked_at) then
    perform private.refuse(409, 'This invitation has ended');
  elsif (old.organization_id, old.email, old.role, old.token_hash, old.expires_at) is distinct from (new.organization_id, new.email, new.role, new.token_hash, new.expires_at) then
    perform private.refuse(409, 'An invitation stays what it is', null, 'Revoke it and make another.');
  end if;
  return new;
end $$;
comment on function private.keep_invitation is 'An invitation leads to one organization, for one address, as one role, and ends once.';
create trigger invitations_05_keep before insert or update on public.invitations for each row execute function private.keep_invitation();

create function private.invitation_json(invitation public.invitations) returns jsonb
language sql stable security definer set search_path = '' as $$
  select to_jsonb(invitation) - array['token_hash', 'accepted_by'] || jsonb_build_object(
    'state', case when invitation.accepted_at is not null then 'accepted' when invitation.revoked_at is not null then 'revoked'
      when invitation.expires_at <= now() then 'expired' else 'open' end,
    'organization', o.name, 'invited_by', coalesce(nullif(left(u.raw_user_meta_data ->> 'name', 200), ''), u.email))
  from public.organizations o left join auth.users u on u.id = invitation.invited_by where o.id = invitation.organization_id
$$;
comment on function private.invitation_json is 'An invitation as those see it whom it concerns: never its hash. Definer, for who invited.';

-- Section: inviting -----------------------------------------------------------------------------------------------

create function public.create_invitation(organization_id uuid, email text, role text, token_hash text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  own_role text := private.manage_organization(create_invitation.organization_id, array['owner', 'admin']);
  address text := lower(btrim(coalesce(create_invitation.email, '')));
  made public.invitations;
begin
  if length(address) > 320 or address !~ '^[^\s@<>,;:"()]+@[^\s@<>,;:"()]+$' then
    perform private.refuse(422, 'email is not exactly one address', format('email is %s', left(address, 80)), 'Like ana@example.org.');
  elsif create_invitation.role is null or create_invitation.role not in ('admin', 'member') then
    perform private.refuse(422, 'role is admin or member', format('role is %s', left(create_invitation.role, 40)),
      'Whoever joined can be made an owner afterwards.');
  elsif create_invitation.role = 'admin' and own_role <> 'owner' then
    perform private.refuse(403, 'Only an owner invites an admin');
  elsif exists (select 1 from public.members m join auth.users u on u.id = m.user_id
      where m.organization_id = create_invitation.organization_id and lower(u.email) = address) then
    perform private.refuse(409, 'This person belongs to the organization already', address);
  end if;
  update public.invitations i set revoked_at = now()
  where i.organization_id = create_invitation.organization_id and i.email = address
    and i.accepted_at is null and i.revoked_at is null and i.expires_at <= now();
  if exists (select 1 from public.invitations i where i.organization_id = create_invitation.organization_id and i.email = address
      and i.accepted_at is null and i.revoked_at is null) then
    perform private.refuse(409, 'There is an open invitation for this address', address, 'Revoke it to make a new link.');
  elsif (select count(*) from public.invitations i where i.organization_id = create_invitation.organization_id
      and i.accepted_at is null and i.revoked_at is null and i.expires_at > now()) >= 100 then
    perform private.refuse(409, 'There are 100 open invitations already', null, 'Revoke those that nobody will accept.');
  end if;
  insert into public.invitations as i (organization_id, email, role, token_hash, invited_by)
  values (create_invitation.organization_id, address, create_invitation.role, create_invitation.token_hash, (select auth.uid()))
  returning i.* into made;
  return private.invitation_json(made);
end $$;
comment on function public.create_invitation is
  'Keeps the hash of a new invitation (owners and admins; an admin''s, owners). Definer: nobody writes invitations by hand. PT409 for personal organizations, members, and a second open one.';

create function public.list_invitations(organization_id uuid) returns setof jsonb
language plpgsql security definer set search_path = '' as $$
begin
  perform private.manage_organization(list_invitations.organization_id, array['owner', 'admin']);
  return query select private.invitation_json(i) from public.invitations i where i.organization_id = list_invitations.organization_id
    order by (i.accepted_at is null and i.revoked_at is null and i.expires_at > now()) desc, i.created_at desc, i.id limit 200;
end $$;
comment on function public.list_invitations is 'Invitations of the organization, open ones first, newest first (owners and admins). Definer, because the row type holds the hash.';

create function public.revoke_invitation(invitation_id uuid) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  invitation public.invitations;
begin
  select i.* into invitation from public.invitations i
  where i.id = revoke_invitation.invitation_id and i.organization_id in (select private.my_organizations());
  if invitation.id is null then
    perform private.refuse(404, 'There is no such invitation', format('invitation %s', revoke_invitation.invitation_id));
  end if;
  perform private.manage_organization(invitation.organization_id, array['owner', 'admin']);
  select i.* into invitation from public.invitations i where i.id = invitation.id for no key update;
  if invitation.accepted_at is not null then
    perform private.refuse(409, 'This invitation was accepted', null, 'Remove the member instead.');
  end if;
  update public.invitations i set revoked_at = coalesce(i.revoked_at, now()) where i.id = invitation.id returning i.* into invitation;
  return private.invitation_json(invitation);
end $$;
comment on function public.revoke_invitation is 'The link leads nowhere any more; twice is once (owners and admins). Definer: nobody writes invitations by hand.';

-- Section: at the door --------------------------------------------------------------------------------------------
-- Whoever has the link and the address. To anybody else it says nothing of what it is for.

create function private.own_invitation(token text) returns public.invitations
language plpgsql security definer set search_path = '' as $$
declare
  invitation public.invitations;
  person auth.users;
begin
  if (select auth.uid()) is null then
    perform private.refuse(403, 'Only a person accepts an invitation');
  end if;
  perform private.refuse_token();
  select i.* into invitation from public.invitations i
  where i.token_hash = encode(sha256(convert_to(own_invitation.token, 'UTF8')), 'hex'); -- what is kept opens nothing
  if invitation.id is null then
    perform private.refuse(404, 'There is no such invitation', null, 'Ask whoever invited you for a new link.');
  end if;
  select u.* into person from auth.users u where u.id = (select auth.uid());
  if lower(coalesce(person.email, '') collate "C") <> invitation.email then
    perform private.refuse(403, 'This invitation is for another address', format('you are signed in as %s', person.email),
      'Sign in with the address that was invited, or ask for an invitation to this one.');
  elsif person.email_confirmed_at is null and coalesce(person.raw_app_meta_data ->> 'steward_owner', '') <> 'true' then
    perform private.refuse(403, 'Your address is not confirmed yet', person.email, 'Open the link in the mail that confirms it, then come back.');
  end if;
  return invitation;
end $$;
comment on function private.own_invitation is
  'The invitation that this link is, where it is for the confirmed address of whoever is signed in. Definer, because they are no member yet.';

create function public.get_invitation(token text) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  return private.invitation_json(private.own_invitation(get_invitation.token));
end $$;
comment on function public.get_invitation is
  'What the signed-in person is invited to. PT404 for no such link, PT403 for somebody else''s. Definer, because they are no member yet.';

create function public.accept_invitation(token text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  invitation public.invitations := private.own_invitation(accept_invitation.token);
  membership public.members;
begin
  perform 1 from public.organizations o where o.id = invitation.organization_id for no key update; -- before whoever changes members
  select i.* into invitation from public.invitations i where i.id = invitation.id for no key update;
  select m.* into membership from public.members m where m.organization_id = invitation.organization_id and m.user_id = (select auth.uid());
  if invitation.accepted_at is not null and (membership.user_id is null or invitation.accepted_by is distinct from (select auth.uid())) then
    perform private.refuse(409, 'This invitation was accepted already', null, 'Ask for a new one.');
  elsif invitation.revoked_at is not null then
    perform private.refuse(409, 'This invitation was taken back', null, 'Ask whoever invited you.');
  elsif invitation.accepted_at is null and invitation.expires_at <= now() then
    perform private.refuse(409, 'This invitation has expired', null, 'Ask whoever invited you for a new one.');
  end if;
  insert into public.members as m (organization_id, user_id, role, chosen_at)
  values (invitation.organization_id, (select auth.uid()), invitation.role, clock_timestamp())
  on conflict on constraint members_pkey do update set chosen_at = excluded.chosen_at
  returning m.* into membership;
  update public.invitations i set accepted_at = now(), accepted_by = (select auth.uid()) where i.id = invitation.id and i.accepted_at is null;
  return private.membership_json(membership);
end $$;
comment on function public.accept_invitation is
  'The signed-in person joins, and acts there from now on; twice is once. Definer, because they are no member yet. PT409 for one that ended.';

do $$ declare f text; begin
  foreach f in array array['create_invitation', 'list_invitations', 'revoke_invitation', 'get_invitation', 'accept_invitation'] loop
    perform private.expose_function('public.' || f, array['authenticated']);
  end loop;
  foreach f in array array['after_invitation_change', 'keep_invitation', 'invitation_json', 'own_invitation'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;
