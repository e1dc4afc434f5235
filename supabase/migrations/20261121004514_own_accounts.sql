-- Accounts that a member connected are theirs: what was read there is not the others' to read, and nothing of theirs leaves
-- through it without their yes.

-- Section: whose account it is ------------------------------------------------------------------------------------

alter table public.accounts add column mail_name text;
comment on column public.accounts.mail_name is 'How mail names the account that it was read in, as mail_messages.account: the address, or provider:id. It is nobody else''s in the organization.';
update public.accounts a set mail_name = case when a.provider in ('imap', 'google') and strpos(a.address, '@') > 0 and not exists (
  select 1 from public.accounts e where e.organization_id = a.organization_id and e.user_id <> a.user_id and lower(e.address) = lower(a.address)
    and e.provider in ('imap', 'google') and (e.created_at, e.id) < (a.created_at, a.id)) then a.address else a.provider || ':' || a.id end
where a.mail_name is null;
alter table public.accounts alter column mail_name set not null;
create index accounts_mail_name_idx on public.accounts (organization_id, lower(mail_name));

create function private.accounts_of_others(organization_id uuid, user_id uuid) returns setof text
language sql stable security definer set search_path = '' as $$
  select n.name from public.accounts a cross join lateral (values (a.mail_name), (a.provider || ':' || a.id)) n (name)
  where a.organization_id = accounts_of_others.organization_id and private.in_scope(a.organization_id) and a.user_id is distinct from accounts_of_others.user_id
$$;
comment on function private.accounts_of_others is
  'How mail and calendars name the accounts of all but this person, and of those who left: by the name of their mail, and provider and id. Definer, because an account is seen by its person alone.';
select private.expose_function('private.accounts_of_others', array['authenticated', 'service_role']);

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
  'How mail and calendars name the accounts of the other members, and of those who left: by the name of their mail, and provider and id. Of a run, the others than whoever its task belongs to. Definer, because an account is seen by its person alone.';
select private.expose_function('private.others_accounts', array['authenticated', 'service_role']);

-- Whoever types an address has not shown that it is theirs: a mailbox of one's own answers to any. So two may connect one
-- address, and what each account reads has a name that is nobody else's.

create function private.name_mail() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  -- One after the other: two at once would each find the address free.
  perform pg_catalog.pg_advisory_xact_lock(hashtextextended('address ' || new.organization_id || ' ' || lower(new.address), 0));
  new.mail_name := case when new.provider in ('imap', 'google') and strpos(new.address, '@') > 0
      and not exists (select 1 from public.accounts a
        where a.organization_id = new.organization_id and a.user_id <> new.user_id and lower(a.mail_name) = lower(new.address))
      -- What lies there already and is of no account of theirs did not come out of this mailbox.
      and (exists (select 1 from public.accounts a
             where a.organization_id = new.organization_id and a.user_id = new.user_id and a.mail_name = new.address)
           or not exists (select 1 from public.mail_messages m where m.organization_id = new.organization_id and m.account = new.address))
    then new.address else new.provider || ':' || new.id end;
  return new;
end $$;
comment on function private.name_mail is
  'Whose account read a mail decides who sees it: the address names the mail of whoever connected it first, provider and id that of others. Definer, because an account is seen by its person alone.';
create trigger accounts_05_mail_name before insert on public.accounts for each row execute function private.name_mail();
select private.expose_function('private.name_mail', array[]::text[]);

-- Section: mail and calendars -------------------------------------------------------------------------------------

drop policy mail_messages_read on public.mail_messages;
create policy mail_messages_read on public.mail_messages for select to authenticated
  using (organization_id = (select private.acting_organization()) and account not in (select private.others_accounts()));
drop policy mail_messages_change on public.mail_messages;
create policy mail_messages_change on public.mail_messages for update to authenticated
  using (organization_id = (select private.acting_organization()) and account not in (select private.others_accounts()))
  with check (organization_id = (select private.acting_organization()) and account not in (select private.others_accounts()));
drop policy mail_messages_remove on public.mail_messages;
create policy mail_messages_remove on public.mail_messages for delete to authenticated
  using (organization_id = (select private.acting_organization()) and account not in (select private.others_accounts()));
drop policy mail_messages_add on public.mail_messages;
create policy mail_messages_add on public.mail_messages for insert to authenticated
  with check (organization_id = (select private.acting_organization()) and account not in (select private.others_accounts()));
drop policy calendar_events_add on public.calendar_events;
create policy calendar_events_add on public.calendar_events for insert to authenticated
  with check (organization_id = (select private.acting_organization()) and calendar not in (select private.others_accounts()));

drop policy calendar_events_read on public.calendar_events;
create policy calendar_events_read on public.calendar_events for select to authenticated
  using (organization_id = (select private.acting_organization()) and calendar not in (select private.others_accounts()));
drop policy calendar_events_change on public.calendar_events;
create policy calendar_events_change on public.calendar_events for update to authenticated
  using (organization_id = (select private.acting_organization()) and calendar not in (select private.others_accounts()))
  with check (organization_id = (select private.acting_organization()) and calendar not in (select private.others_accounts()));
drop policy calendar_events_remove on public.calendar_events;
create policy calendar_events_remove on public.calendar_events for delete to authenticated
  using (organization_id = (select private.acting_organization()) and calendar not in (select private.others_accounts()));
drop policy mail_cursors_read on public.mail_cursors;
create policy mail_cursors_read on public.mail_cursors for select to authenticated
  using (organization_id = (select private.acting_organization()) and account not in (select private.others_accounts()));

-- Section: who says yes -------------------------------------------------------------------------------------------

create function private.people_of_accounts(approval public.approvals) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select a.user_id from public.accounts a
  where a.organization_id = approval.organization_id and a.id::text in (
    select d.target ->> 'account_id' from public.drafts d where d.id = approval.draft_id
    union all select t.tool_input ->> 'account' from public.tasks t where t.id = approval.task_id
    union all select approval.payload #>> '{input,account}')
$$;
comment on function private.people_of_accounts is
  'Through whose accounts something would leave: of the draft, of the task''s input, or of what was asked for. Definer, because an account is seen by its person alone.';

create function private.who_alone_decides(approval public.approvals) returns uuid
language sql stable security definer set search_path = '' as $$
  -- The account that is named, those of whoever the task belongs to, and the one that they have yet to connect.
  select p.user_id from (
    select n as user_id from private.people_of_accounts(approval) n
    union all
    select t.created_by from public.drafts d join public.tasks t on t.id = d.task_id
    where d.id = approval.draft_id and d.target ? 'lacks' and t.created_by is not null
    union all
    select a.user_id from public.tasks t join public.accounts a on a.organization_id = t.organization_id and a.user_id = t.created_by
    where t.id = approval.task_id and a.state <> 'revoked') p
  where p.user_id <> (select auth.uid()) and (approval.draft_id is not null or approval.tool is not null)
  limit 1
$$;
comment on function private.who_alone_decides is
  'Which other member alone says yes to this, as it would leave through their account; null where the caller may. Definer, because an account is seen by its person alone.';

create function private.before_anothers_yes() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  person uuid := private.who_alone_decides(new);
begin
  if person is not null then
    perform private.refuse(403, 'This would leave through somebody else''s account', private.person_json(new.organization_id, person) ->> 'email',
      'Only they say yes to it; anybody here may reject it or change it.');
  end if;
  return new;
end $$;
comment on function private.before_anothers_yes is
  'What leaves through a member''s own account is approved by them alone. Definer, because an account is seen by its person alone.';
create trigger approvals_06_own_account before update on public.approvals for each row
when (new.state = 'approved' and old.state <> 'approved' and (new.draft_id is not null or new.tool is not null) and auth.uid() is not null)
execute function private.before_anothers_yes();

create function private.after_own_account() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.withdraw_others_yes(new.organization_id, null, new.user_id);
  return null;
end $$;
comment on function private.after_own_account is
  'What others said yes to while a member had no account does not leave through the one that they connect. Definer: it is about another''s rows.';
create trigger accounts_22_own_yes after insert or update of state on public.accounts for each row
when (new.state = 'connected') execute function private.after_own_account();

do $$ declare f text; begin
  foreach f in array array['people_of_accounts', 'who_alone_decides', 'before_anothers_yes', 'after_own_account'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;

-- Section: who may say yes, told with what is asked -----------------------------------------------------------------

create function private.approver_json(approval public.approvals) returns jsonb
language sql stable security definer set search_path = '' as $$
  select case when approval.state = 'open' and private.in_scope(approval.organization_id) then (
    select private.person_json(approval.organization_id, w.person) from (select private.who_alone_decides(approval) as person) w
    where w.person is not null) end
$$;
comment on function private.approver_json is 'The other member who alone says yes to what is asked: {user_id, email, name}; null where the caller may, and of what is decided. Definer, because an account is seen by its person alone.';

create function private.approval_json(approval public.approvals) returns jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(approval) || jsonb_build_object('approver', private.approver_json(approval),
      'decision', private.decision_with_quotes(approval.task_id, approval.decision)) || coalesce((
    select jsonb_build_object('task_title', t.title, 'person_id', t.created_by) from public.tasks t where t.id = approval.task_id), '{}')
$$;
comment on function private.approval_json is 'An approval with whose task it is for, and who else alone says yes to it.';

create or replace function public.list_approvals(filter jsonb default '{}', after jsonb default null, page_size integer default 50) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  rows jsonb;
begin
  if page_size is null or page_size not between 1 and 200 then
    perform private.refuse(422, 'limit is between 1 and 200', format('limit is %s', page_size));
  end if;
  select coalesce(jsonb_agg(private.approval_json(p.a) order by (p.a).created_at desc, (p.a).id desc), '[]') into rows from (
    select a from public.approvals a where a.organization_id = private.acting_organization()
      and (not filter ? 'state' or a.state in (select jsonb_array_elements_text(filter -> 'state')))
      and case when filter ? 'decided_how' then a.decided_how in (select jsonb_array_elements_text(filter -> 'decided_how'))
          else a.decided_how is distinct from 'own' end
      and (not filter ? 'policy_id' or a.policy_id = (filter ->> 'policy_id')::uuid)
      and (not coalesce((filter ->> 'held')::boolean, false) or (a.state = 'approved' and a.decided_how = 'permission'))
      and (after is null or (a.created_at, a.id) < ((after ->> 0)::timestamptz, (after ->> 1)::uuid))
    order by a.created_at desc, a.id desc limit page_size) p;
  return jsonb_build_object('items', rows, 'after', case when jsonb_array_length(rows) = page_size
    then jsonb_build_array(rows -> -1 -> 'created_at', rows -> -1 -> 'id') end);
exception when invalid_text_representation or invalid_datetime_format then
  perform private.refuse(422, 'A filter or cursor has a wrong value', sqlerrm);
  return null;
end $$;

create or replace function public.get_approval(approval_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  approval public.approvals;
begin
  select * into approval from public.approvals a where a.id = get_approval.approval_id and private.in_scope(a.organization_id);
  if approval.id is null then
    perform private.refuse(404, 'There is no such approval', format('approval %s', get_approval.approval_id));
  end if;
  return private.approval_json(approval);
end $$;

do $$ declare f text; begin
  foreach f in array array['approver_json', 'approval_json'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
end $$;
