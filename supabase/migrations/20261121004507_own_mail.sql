-- Mail and calendars that a member connected are theirs: what was read there is not the others' to read.

create function private.others_accounts() returns setof text
language plpgsql stable security definer set search_path = '' as $$
declare
  claims jsonb := auth.jwt();
begin
  if auth.uid() is not null then
    return query select private.accounts_of_others(private.acting_organization(), auth.uid());
  elsif claims ->> 'run_task_id' is not null then
    return query select private.accounts_of_others(private.acting_organization(), private.person_of_task((claims ->> 'run_task_id')::uuid));
  end if;
end $$;
comment on function private.others_accounts is
  'How mail and calendars name the accounts of the other members, and of those who left: by address, or provider and id. Of a run, the others than whoever its task belongs to. Definer, because an account is seen by its person alone.';
select private.expose_function('private.others_accounts', array['authenticated', 'service_role']);

drop policy mail_messages_read on public.mail_messages;
create policy mail_messages_read on public.mail_messages for select to authenticated
  using (organization_id in (select private.my_organizations()) and account not in (select private.others_accounts()));
drop policy mail_messages_change on public.mail_messages;
create policy mail_messages_change on public.mail_messages for update to authenticated
  using (organization_id in (select private.my_organizations()) and account not in (select private.others_accounts()))
  with check (organization_id in (select private.my_organizations()) and account not in (select private.others_accounts()));
drop policy mail_messages_remove on public.mail_messages;
create policy mail_messages_remove on public.mail_messages for delete to authenticated
  using (organization_id in (select private.my_organizations()) and account not in (select private.others_accounts()));

drop policy calendar_events_read on public.calendar_events;
create policy calendar_events_read on public.calendar_events for select to authenticated
  using (organization_id in (select private.my_organizations()) and calendar not in (select private.others_accounts()));
drop policy calendar_events_change on public.calendar_events;
create policy calendar_events_change on public.calendar_events for update to authenticated
  using (organization_id in (select private.my_organizations()) and calendar not in (select private.others_accounts()))
  with check (organization_id in (select private.my_organizations()) and calendar not in (select private.others_accounts()));
drop policy calendar_events_remove on public.calendar_events;
create policy calendar_events_remove on public.calendar_events for delete to authenticated
  using (organization_id in (select private.my_organizations()) and calendar not in (select private.others_accounts()));
drop policy mail_cursors_read on public.mail_cursors;
create policy mail_cursors_read on public.mail_cursors for select to authenticated
  using (organization_id in (select private.my_organizations()) and account not in (select private.others_accounts()));
