-- Lines of the audit about what is one person's own: an account, a token, what was learned of them. The others are told that it
-- happened, and to whom; ids, addresses and words name rows that are not theirs to see.

create function private.is_own_line(line public.audit_events) returns boolean
language sql stable security definer set search_path = '' as $$
  select case line.subject_type
      when 'account' then exists (select 1 from public.accounts a where a.id = line.subject_id and a.user_id = (select auth.uid()))
      when 'token' then exists (select 1 from public.api_tokens t where t.id = line.subject_id and t.user_id = (select auth.uid()))
      else exists (select 1 from public.preferences p where p.id = line.subject_id and p.user_id = (select auth.uid())) end
    or exists (select 1 from public.organizations o where o.id = line.organization_id and o.is_personal)
$$;
comment on function private.is_own_line is
  'Is a line about an account, a token or a preference the caller''s own? In a personal organization each is. Definer, because the rows are seen by their person alone.';
select private.expose_function('private.is_own_line', array['authenticated']);

drop policy audit_events_read on public.audit_events;
create policy audit_events_read on public.audit_events for select to authenticated
  using (organization_id = (select private.acting_organization())
    and (subject_type not in ('account', 'token', 'preference') or private.is_own_line(audit_events)));

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
