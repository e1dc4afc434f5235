-- A person may belong to several organizations. They see and act in one at a time.

alter table public.members add column chosen_at timestamptz;
comment on column public.members.chosen_at is
  'When the person last chose to act here. The latest is the one they see and act in; without any, the one they joined first.';
-- When somebody looks where is their own.
revoke select on public.members from authenticated;
grant select (organization_id, user_id, role, created_at) on public.members to authenticated;

create or replace function private.acting_organization() returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare
  claims jsonb := auth.jwt();
  of_page text := nullif(current_setting('request.headers', true), '')::jsonb ->> 'x-steward-organization';
begin
  if claims ->> 'role' = 'service_role' then
    return (claims ->> 'organization_id')::uuid;
  elsif claims ->> 'organization_id' is null and claims -> 'token_scopes' is not null then
    return null; -- a program acts where its token was made, and nowhere else
  end if;
  return (
    select m.organization_id from public.members m
    where m.user_id = (select auth.uid())
      and (claims ->> 'organization_id' is null or m.organization_id = private.as_uuid(claims ->> 'organization_id'))
      and (of_page is null or m.organization_id = private.as_uuid(of_page)) -- it narrows, and gives nothing
    order by m.chosen_at desc nulls last, m.created_at, m.organization_id limit 1);
end $$;
comment on function private.acting_organization is
  'The organization that the caller acts in: of their claims; else the one that they chose last, where the header x-steward-organization of a request over HTTP does not say that the page was made for another.';

create or replace function private.my_organizations() returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
declare
  acting uuid;
begin
  if (select auth.uid()) is not null then
    acting := private.acting_organization();
    if acting is not null then
      return next acting;
    end if;
  end if;
end $$;
comment on function private.my_organizations is
  'The organization that the signed-in person acts in, or none: what policies let through, so that nothing of two is ever mixed. Definer, because a policy on members that reads members would recurse.';

-- Section: what policies let through ------------------------------------------------------------------------------

-- One organization is compared as a value, so that an index on organization_id finds its rows: `in (select a function)` reads
-- those of every tenant and throws them away.
do $$
declare
  earlier constant text := 'IN ( SELECT private.my_organizations() AS my_organizations)';
  one constant text := '= (select private.acting_organization())';
  policy pg_catalog.pg_policies;
begin
  for policy in
    select * from pg_catalog.pg_policies p where p.schemaname = 'public' and strpos(concat(p.qual, p.with_check), 'private.my_organizations()') > 0
  loop
    execute format('alter policy %I on public.%I', policy.policyname, policy.tablename)
      || coalesce(' using (' || replace(policy.qual, earlier, one) || ')', '')
      || coalesce(' with check (' || replace(policy.with_check, earlier, one) || ')', '');
  end loop;
end $$;

-- Section: what was a person's own, in whichever organization it was said -----------------------------------------

drop policy conversations_own on public.conversations;
create policy conversations_own on public.conversations for all to authenticated
  using (user_id = (select auth.uid()) and organization_id = (select private.acting_organization()))
  with check (user_id = (select auth.uid()) and organization_id = (select private.acting_organization()));
drop policy conversation_messages_read on public.conversation_messages;
create policy conversation_messages_read on public.conversation_messages for select to authenticated
  using (organization_id = (select private.acting_organization())
    and exists (select 1 from public.conversations c where c.id = conversation_id and c.user_id = (select auth.uid())));

alter table public.calendar_feeds drop constraint calendar_feeds_pkey, add primary key (user_id, organization_id);
drop policy calendar_feeds_own on public.calendar_feeds;
create policy calendar_feeds_own on public.calendar_feeds for all to authenticated
  using (user_id = (select auth.uid()) and organization_id = (select private.acting_organization()))
  with check (user_id = (select auth.uid()) and organization_id = (select private.acting_organization()));
comment on table public.calendar_feeds is
  'The secret link under which a person''s due tasks of one organization can be subscribed to. Only the hash of the token is kept.';

create or replace function public.renew_calendar_feed(token_hash text) returns jsonb
language sql set search_path = '' as $$
  insert into public.calendar_feeds as f (user_id, organization_id, token_hash)
  values ((select auth.uid()), private.acting_organization(), renew_calendar_feed.token_hash)
  on conflict (user_id, organization_id) do update set token_hash = excluded.token_hash, created_at = now()
  returning jsonb_build_object('created_at', f.created_at)
$$;
comment on function public.renew_calendar_feed is
  'Makes a person''s feed link to the organization that they act in, or replaces it: the one before stops working.';

create or replace function public.open_calendar_feed(token_hash text) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('user_id', f.user_id, 'organization_id', f.organization_id)
  from public.calendar_feeds f where f.token_hash = open_calendar_feed.token_hash
    and exists (select 1 from public.members m where m.organization_id = f.organization_id and m.user_id = f.user_id)
$$;
comment on function public.open_calendar_feed is
  'Whose feed link this is, and to which organization; null for one that is not, or not any more (worker only).';
