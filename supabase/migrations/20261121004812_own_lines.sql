-- Lines of the audit about what is one person's own: an account, a token, what was learned of them, what they are told and what they
-- muted. Of accounts and tokens the others are told that it happened, and to whom; ids, addresses and words name rows that are not
-- theirs to see.

create function private.own_subjects() returns setof uuid
language sql stable security definer set search_path = '' as $$
  select a.id from public.accounts a where a.user_id = (select auth.uid())
  union all select t.id from public.api_tokens t where t.user_id = (select auth.uid())
  union all select p.id from public.preferences p where p.user_id = (select auth.uid())
$$;
comment on function private.own_subjects is 'The caller''s accounts, tokens and preferences. Definer, because each is seen in the organization that its person acts in.';

create function private.acts_at_home() returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.organizations o where o.id = private.acting_organization() and o.is_personal)
$$;
comment on function private.acts_at_home is 'Does the caller act in their personal organization, where everything is their own? Definer: policies ask it.';

do $$ declare f text; begin
  foreach f in array array['own_subjects', 'acts_at_home'] loop
    perform private.expose_function('private.' || f, array['authenticated']);
  end loop;
end $$;

drop policy audit_events_read on public.audit_events;
create policy audit_events_read on public.audit_events for select to authenticated
  using (organization_id = (select private.acting_organization())
    and (subject_type not in ('account', 'token', 'preference', 'attention', 'nudge_mute') or subject_id in (select private.own_subjects())
      or subject_type in ('attention', 'nudge_mute') and data ->> 'user_id' = (select auth.uid())::text or (select private.acts_at_home())));

create function private.tell_the_others() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  whose uuid := case new.subject_type when 'account' then (select a.user_id from public.accounts a where a.id = new.subject_id)
    else (select t.user_id from public.api_tokens t where t.id = new.subject_id) end;
begin
  if whose is not null and exists (select 1 from public.organizations o where o.id = new.organization_id and not o.is_personal) then
    perform private.audit(new.organization_id, 'member.' || replace(new.action, '.', '_'), 'member', whose, null,
      jsonb_strip_nulls(jsonb_build_object('provider', new.data ->> 'provider')));
  end if;
  return null;
end $$;
comment on function private.tell_the_others is
  'In an organization of several, that a member connected or lost an account, or has a token or none any more: who, and of which service. Definer, because only triggers write the audit.';
create trigger audit_events_10_others after insert on public.audit_events for each row
when (new.subject_type in ('account', 'token')) execute function private.tell_the_others();
select private.expose_function('private.tell_the_others', array[]::text[]);
