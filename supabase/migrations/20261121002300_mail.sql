-- Mail from live mailboxes: found again, labelled, read on from where it was left; and mail that came back.

-- Section: mail as it lies here -----------------------------------------------------------------------------------

alter table public.mail_messages
  add column labels text[] not null default '{}',
  add column ref text,
  add column headers jsonb not null default '{}' check (jsonb_typeof(headers) = 'object');
comment on column public.mail_messages.labels is 'inbox, sent, drafts, archive, trash, spam, unread, flagged, and words of the provider.';
comment on column public.mail_messages.ref is 'The provider''s name of the mail, where it lies in an account: the newest one known.';
comment on column public.mail_messages.headers is 'Of the rest, what triage goes by: references, reply_to, list_unsubscribe, is_list, auto_submitted, precedence, is_calendar_reply.';
create index mail_messages_created_idx on public.mail_messages (organization_id, created_at, id);

create or replace function public.import_mail(messages jsonb, tasks jsonb default '[]') returns jsonb
language plpgsql set search_path = '' as $$
declare
  item jsonb;
  added integer;
  made jsonb := '[]';
  task public.tasks;
begin
  insert into public.mail_messages as m (organization_id, account, message_id, thread_key, in_reply_to, from_name, from_address, to_addresses,
    cc_addresses, subject, sent_at, text_body, html_body, attachments, is_from_me, category, suspicious, labels, ref, headers)
  select distinct on (coalesce(r.account, 'local'), r.message_id) private.acting_organization(), coalesce(r.account, 'local'), r.message_id,
    r.thread_key, r.in_reply_to, coalesce(r.from_name, ''),
    coalesce(r.from_address, ''), coalesce(r.to_addresses, '{}'), coalesce(r.cc_addresses, '{}'), coalesce(r.subject, ''), r.sent_at,
    coalesce(r.text_body, ''), r.html_body, coalesce(r.attachments, '[]'), coalesce(r.is_from_me, false), r.category, r.suspicious,
    coalesce(r.labels, case when r.is_from_me then '{sent}' else '{inbox}' end::text[]), r.ref, coalesce(r.headers, '{}')
  from jsonb_populate_recordset(null::public.mail_messages, messages) r
  on conflict on constraint mail_messages_organization_id_account_message_id_key do nothing;
  get diagnostics added = row_count;
  -- What lies in an account may have been moved or read since; what was imported from a file stays as it is.
  update public.mail_messages m set ref = r.ref, labels = coalesce(r.labels, m.labels)
  from jsonb_populate_recordset(null::public.mail_messages, messages) r
  where m.organization_id = private.acting_organization() and m.account = coalesce(r.account, 'local') and m.message_id = r.message_id
    and r.ref is not null and (m.ref is distinct from r.ref or m.labels is distinct from coalesce(r.labels, m.labels));
  for item in select value from jsonb_array_elements(tasks) loop
    task := private.insert_task(item || '{"source": "mail"}');
    if task.id is not null then
      made := made || private.task_json(task);
    end if;
  end loop;
  return jsonb_build_object('messages_added', added, 'tasks', made);
end $$;

create function public.get_mail(mail_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  found_mail jsonb;
begin
  select to_jsonb(m) into found_mail from public.mail_messages m
  where m.id = get_mail.mail_id and m.organization_id = private.acting_organization();
  if found_mail is null then
    perform private.refuse(404, 'There is no such mail', format('mail %s', get_mail.mail_id));
  end if;
  return found_mail;
end $$;
comment on function public.get_mail is 'One mail as it was read, else PT404.';

create function public.find_mail(message_id text) returns jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(m) from public.mail_messages m
  where m.organization_id = private.acting_organization() and m.message_id = find_mail.message_id
  order by m.account = 'local', m.created_at desc limit 1
$$;
comment on function public.find_mail is 'The mail with this Message-ID, rather of a live account than of an import; null where there is none.';
create index mail_messages_message_idx on public.mail_messages (organization_id, message_id);

create function private.contains_text(body text, words text) returns boolean
language sql immutable set search_path = '' as $$
  select strpos(lower(body), lower(words)) > 0
$$;
comment on function private.contains_text is 'Are these very characters in the text, in either case? Wildcards mean nothing here.';

create function public.search_mail(query jsonb default '{}', page_size integer default 50) returns setof jsonb
language plpgsql stable set search_path = '' as $$
begin
  return query
  select to_jsonb(m) from public.mail_messages m
  where m.organization_id = private.acting_organization()
    and (not query ? 'account' or m.account = query ->> 'account')
    and (not query ? 'from_address' or private.contains_text(m.from_name || ' ' || m.from_address, query ->> 'from_address'))
    and (not query ? 'to_address' or private.contains_text(array_to_string(m.to_addresses || m.cc_addresses, ' '), query ->> 'to_address'))
    and (not query ? 'subject' or private.contains_text(m.subject, query ->> 'subject'))
    and (not query ? 'words' or (select bool_and(private.contains_text(m.subject || ' ' || m.text_body, w))
           from regexp_split_to_table(trim(query ->> 'words'), '\s+') w))
    and (not query ? 'after' or m.sent_at >= (query ->> 'after')::timestamptz)
    and (not query ? 'before' or m.sent_at < (query ->> 'before')::timestamptz)
    and (not query ? 'is_unread' or ('unread' = any (m.labels)) = (query ->> 'is_unread')::boolean)
  order by m.sent_at desc nulls last, m.id desc limit least(greatest(page_size, 1), 200);
exception when invalid_text_representation or invalid_datetime_format or datetime_field_overflow then
  perform private.refuse(422, 'What is looked for has a wrong value', sqlerrm);
end $$;
comment on function public.search_mail is
  'Mail that fits every given key, newest first: account, from_address, to_address, subject, words, after, before, is_unread.';

create function public.list_new_mail(account text, after jsonb default null, page_size integer default 50) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('items', coalesce(jsonb_agg(to_jsonb(p) order by p.created_at, p.id), '[]'),
    'after', jsonb_build_array((array_agg(p.created_at order by p.created_at desc, p.id desc))[1], (array_agg(p.id order by p.created_at desc, p.id desc))[1]))
  from (select m.* from public.mail_messages m
        where m.organization_id = private.acting_organization() and m.account = list_new_mail.account
          and (list_new_mail.after is null or (m.created_at, m.id) > ((list_new_mail.after ->> 0)::timestamptz, (list_new_mail.after ->> 1)::uuid))
        order by m.created_at, m.id limit least(greatest(page_size, 1), 200)) p
$$;
comment on function public.list_new_mail is 'Mail of an account in the order it was kept, behind a mark: {items, after}.';

create function public.label_mail(mail_id uuid, add_labels jsonb default '[]', remove_labels jsonb default '[]') returns jsonb
language plpgsql set search_path = '' as $$
declare
  known jsonb := public.get_mail(label_mail.mail_id);
begin
  update public.mail_messages m set labels = (
    select coalesce(array_agg(distinct l order by l), '{}')
    from (select unnest(m.labels) l union select jsonb_array_elements_text(label_mail.add_labels)) known_labels
    where not jsonb_build_array(l) <@ label_mail.remove_labels)
  where m.id = (known ->> 'id')::uuid;
  return public.get_mail(label_mail.mail_id);
end $$;
comment on function public.label_mail is 'Puts labels on a mail and takes labels off.';

-- Section: how far a mailbox was read -----------------------------------------------------------------------------

create table public.mail_cursors (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  account text not null check (length(account) between 1 and 200),
  cursor text,
  problem text check (length(problem) <= 1000),
  synced_at timestamptz not null default now(),
  primary key (organization_id, account)
);
comment on table public.mail_cursors is 'How far the mailboxes of the settings were read; those of accounts remember it themselves. problem: why the last reading failed.';
select private.guard_table('public.mail_cursors', 'select');
create policy mail_cursors_read on public.mail_cursors for select to authenticated using (organization_id in (select private.my_organizations()));

create function public.get_mail_cursor(account text) returns jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(c) from public.mail_cursors c
  where c.organization_id = private.acting_organization() and c.account = get_mail_cursor.account
$$;
comment on function public.get_mail_cursor is 'How far a mailbox was read; null when never.';

create function public.save_mail_cursor(account text, expected text default null, cursor text default null, problem text default null) returns boolean
language plpgsql set search_path = '' as $$
declare
  kept public.mail_cursors;
begin
  insert into public.mail_cursors as c (organization_id, account, cursor, problem)
  values (private.acting_organization(), save_mail_cursor.account, save_mail_cursor.cursor, left(save_mail_cursor.problem, 1000))
  on conflict on constraint mail_cursors_pkey do update set cursor = excluded.cursor, problem = excluded.problem, synced_at = clock_timestamp()
    where c.cursor is not distinct from save_mail_cursor.expected
  returning c.* into kept;
  return kept.account is not null;
end $$;
comment on function public.save_mail_cursor is 'Moves the mark on, if it still stands where the caller began; false when somebody else has read on meanwhile.';

create function public.serves_owner(owner_email text) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.members m join auth.users u on u.id = m.user_id
    where m.organization_id = private.acting_organization()
      and (u.raw_app_meta_data ->> 'steward_owner' = 'true' or u.email = serves_owner.owner_email))
$$;
comment on function public.serves_owner is
  'Is the acting organization the local owner''s, whom the credentials of the settings serve? Definer: auth.users is closed.';

-- Section: mail that came back ------------------------------------------------------------------------------------

alter table public.drafts add column bounces jsonb not null default '[]' check (jsonb_typeof(bounces) = 'array');
comment on column public.drafts.bounces is 'What mail servers reported after it was sent: [{address, status, said, at}], those who did not get it.';

create function private.after_draft_bounce() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  names text := (select string_agg(b ->> 'address', ', ') from jsonb_array_elements(new.bounces) b);
begin
  perform private.audit(new.organization_id, 'draft.bounced', 'draft', new.id, left(names, 500),
    jsonb_build_object('task_id', new.task_id, 'message_id', new.message_id));
  perform private.record_event(new.organization_id, new.task_id, (select t.root_task_id from public.tasks t where t.id = new.task_id),
    'draft', 'bounced', jsonb_build_object('draft_id', new.id, 'addresses', names));
  return null;
end $$;
comment on function private.after_draft_bounce is 'Mail that came back, as an event and an audit line.';
create trigger drafts_21_bounced after update on public.drafts for each row
when (new.bounces is distinct from old.bounces) execute function private.after_draft_bounce();

create function public.record_bounce(message_id text, failures jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  draft public.drafts;
  task public.tasks;
  made public.tasks;
  fresh jsonb;
  names text;
begin
  select * into draft from public.drafts d where d.organization_id = private.acting_organization() and d.message_id = record_bounce.message_id
    and d.state in ('sending', 'uncertain', 'sent') for no key update;
  if draft.id is null then
    return null;
  end if;
  select coalesce(jsonb_agg(f || jsonb_build_object('at', now())), '[]'), string_agg(f ->> 'address', ', ') into fresh, names
  from jsonb_array_elements(failures) f
  where not exists (select 1 from jsonb_array_elements(draft.bounces) b where b ->> 'address' = f ->> 'address');
  if fresh = '[]' then
    return jsonb_build_object('draft_id', draft.id, 'task_id', draft.task_id, 'recorded', 0, 'made', null);
  end if;
  update public.drafts d set bounces = d.bounces || fresh where d.id = draft.id;
  task := private.own_task(draft.task_id);
  made := private.insert_task(jsonb_build_object('title', left('Your mail did not reach ' || names, 300),
    'description', format(E'"%s" came back.\n%s', draft.subject,
      (select string_agg(format('%s: %s', f ->> 'address', coalesce(nullif(f ->> 'said', ''), nullif(f ->> 'status', ''), 'no reason given')), E'\n')
       from jsonb_array_elements(fresh) f)),
    'kind', 'errand', 'execution_type', 'manual', 'source', 'mail', 'priority', task.priority, 'labels', jsonb_build_array('bounced'),
    'recipient', left(names, 500), 'source_key', format('bounce:%s:%s', draft.id, md5(names)),
    'source_ref', jsonb_build_object('draft_id', draft.id, 'task_id', draft.task_id, 'message_id', draft.message_id)));
  return jsonb_build_object('draft_id', draft.id, 'task_id', draft.task_id, 'recorded', jsonb_array_length(fresh),
    'made', case when made.id is not null then private.task_json(made) end);
end $$;
comment on function public.record_bounce is
  'A delivery report about a mail that was sent from here: kept with its draft, and a task tells the person. Null when no draft has this Message-ID; reported twice, it is once.';
create index drafts_message_idx on public.drafts (organization_id, message_id) where message_id is not null;

do $$ declare f text; begin
  foreach f in array array['get_mail', 'find_mail', 'search_mail', 'list_new_mail', 'label_mail', 'get_mail_cursor'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['save_mail_cursor', 'serves_owner', 'record_bounce'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  perform private.expose_function('private.after_draft_bounce', array[]::text[]);
  perform private.expose_function('private.contains_text', array['authenticated', 'service_role']);
end $$;
