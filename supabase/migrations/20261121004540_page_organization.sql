-- A page's organization over Supabase's API, and small holes: addresses that only look alike, names without end, a
-- program's token at an organization's name.

-- Capital letters of ASCII alone are like small ones: a sign like U+212A, which lower() makes a k, is another address.

-- A name is what somebody says of themselves, of any length.

create or replace function private.person_json(organization_id uuid, preferred_user_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('user_id', u.id, 'email', u.email, 'name', left(u.raw_user_meta_data ->> 'name', 200))
  from public.members m join auth.users u on u.id = m.user_id
  where m.organization_id = person_json.organization_id and private.in_scope(m.organization_id)
  order by coalesce(m.user_id = person_json.preferred_user_id, false) desc, m.created_at limit 1
$$;

drop policy organizations_rename on public.organizations;
create policy organizations_rename on public.organizations for update to authenticated
  using ((select private.token_scopes()) is null
    and exists (select 1 from public.members m where m.organization_id = id
                and m.user_id = (select auth.uid()) and m.role in ('owner', 'admin')));
