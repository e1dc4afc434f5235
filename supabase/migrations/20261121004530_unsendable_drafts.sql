-- A draft for which there was no way to send it when it was written: target.lacks says why. It is written anew when a way is there.

create function private.before_sending_is_promised() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select 1 from public.drafts d where d.id = new.draft_id and d.target ? 'lacks') then
    perform private.refuse(409, 'There is no mailbox to send this from', null,
      'Connect the mailbox of whoever it is from, at /settings: the draft is then from there, and you approve that one.');
  end if;
  return new;
end $$;
comment on function private.before_sending_is_promised is
  'A yes to what cannot be sent would wait for ever. Definer, as the draft is looked at whoever says yes.';
create trigger approvals_07_can_leave before update on public.approvals for each row
when (new.state = 'approved' and old.state <> 'approved' and new.draft_id is not null)
execute function private.before_sending_is_promised();
select private.expose_function('private.before_sending_is_promised', array[]::text[]);

create or replace function private.before_draft_insert() returns trigger
language plpgsql set search_path = '' as $$
declare
  earlier public.drafts;
  again public.drafts;
begin
  if new.state <> 'draft' then
    perform private.refuse(409, 'A new draft starts as draft');
  end if;
  if not exists (select 1 from public.tasks t where t.id = new.task_id and t.organization_id = new.organization_id) then
    perform private.refuse(422, 'The draft''s task does not exist', format('task_id %s', new.task_id));
  end if;
  new.digest := private.draft_digest(new);
  select * into earlier from public.drafts d where d.id = new.supersedes_id and d.task_id = new.task_id;
  again := new;
  if earlier.target ? 'lacks' then
    again.target := earlier.target; -- from which mailbox it goes is not what it says
  end if;
  if earlier.digest = private.draft_digest(again) then -- the same words again: who wrote them stays
    new.author_type := earlier.author_type;
    new.author_id := earlier.author_id;
  else
    new.author_type := case when (select auth.uid()) is null then 'agent' else 'user' end;
    new.author_id := (select auth.uid());
  end if;
  return new;
end $$;

create function private.after_mailbox_connected() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  draft public.drafts;
  task public.tasks;
begin
  for draft in
    select d.* from public.drafts d join public.tasks t on t.id = d.task_id
    where d.organization_id = new.organization_id and d.state = 'draft' and d.target ? 'lacks' and coalesce(t.created_by, new.user_id) = new.user_id
    order by d.created_at for no key update of d
  loop
    select * into task from public.tasks t where t.id = draft.task_id;
    perform private.supersede_draft(draft);
    perform private.insert_draft(task, to_jsonb(draft) || jsonb_build_object('target',
      draft.target - 'lacks' || jsonb_build_object('from_address', new.address, 'account_id', new.id)
      || case when new.settings ->> 'name' <> '' then jsonb_build_object('from_name', new.settings ->> 'name') else '{}' end), draft,
      (select nullif(a.decision, '{}') - 'considered_permission_id' from public.approvals a where a.draft_id = draft.id
        order by a.created_at desc limit 1) || '{"verdict": "ask", "permission_id": null}');
  end loop;
  return null;
end $$;
comment on function private.after_mailbox_connected is
  'Drafts of a person who had no mailbox become drafts from the one that they connected, to be approved anew. Definer: it writes what the person reads.';
create trigger accounts_20_mailbox after insert or update of state on public.accounts for each row
when (new.state = 'connected' and (new.provider = 'imap' or new.provider = 'google' and (new.scopes::text like '%mail.google.com%' or new.scopes::text like '%gmail.modify%')))
execute function private.after_mailbox_connected();
select private.expose_function('private.after_mailbox_connected', array[]::text[]);
