-- What the settings of an installation lend its owner stays in the owner's personal organization: their mailbox, sign-ins,
-- Slack app and folder of notes are not the colleagues' of an organization that the owner also belongs to.

-- Whoever is marked is the owner. An address alone makes nobody the owner where somebody could sign up with it unconfirmed.
create or replace function public.serves_owner(owner_email text) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.members m join auth.users u on u.id = m.user_id join public.organizations o on o.id = m.organization_id
    where m.organization_id = private.acting_organization() and o.is_personal and m.role = 'owner'
      and (u.raw_app_meta_data ->> 'steward_owner' = 'true'
        or (u.email_confirmed_at is not null and lower(u.email) = lower(serves_owner.owner_email)
          and not exists (select 1 from auth.users other where other.raw_app_meta_data ->> 'steward_owner' = 'true'))))
$$;
comment on function public.serves_owner is
  'Does the organization that the caller acts in belong to the owner of the installation, whom the credentials of the settings serve? Definer, because people stand in auth.users.';
select private.expose_function('public.serves_owner', array['authenticated', 'service_role']);

create or replace function private.is_local_organization(organization_id uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (
    select 1 from public.members m join auth.users u on u.id = m.user_id join public.organizations o on o.id = m.organization_id
    where m.organization_id = is_local_organization.organization_id and o.is_personal and m.role = 'owner'
      and u.raw_app_meta_data ->> 'steward_owner' = 'true')
$$;
comment on function private.is_local_organization is
  'Is it the personal organization of the owner of this installation, whom its settings and folders serve? Definer, since it reads users.';

-- A sign-in at another site comes back to the organization in which it began, or nowhere.

create or replace function public.finish_sign_in(provider text, state_hash text, session_hash text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  begun private.sign_ins;
begin
  select * into begun from private.sign_ins s
  where s.state_hash = finish_sign_in.state_hash and s.provider = finish_sign_in.provider for update;
  if begun.state_hash is null then
    return jsonb_build_object('state', 'unknown');
  elsif begun.user_id is distinct from (select auth.uid()) or begun.session_hash <> finish_sign_in.session_hash then
    return jsonb_build_object('state', 'foreign');
  elsif begun.used_at is not null then
    return jsonb_build_object('state', 'used');
  elsif begun.expires_at <= now() then
    return jsonb_build_object('state', 'expired');
  elsif begun.organization_id is distinct from private.acting_organization() then
    perform private.refuse(409, 'This was begun in another organization', null, 'Choose that one, and connect the account there.');
  end if;
  update private.sign_ins s set used_at = now(), sealed = '' where s.state_hash = begun.state_hash;
  return jsonb_build_object('state', 'yours', 'organization_id', begun.organization_id, 'sealed', begun.sealed);
end $$;
comment on function public.finish_sign_in is
  'Uses a state up: yours with what was kept, or unknown, foreign (another person or session), used, expired; PT409 where it began in another organization. Definer: the table is closed to people.';
