-- Mail and meetings as a run reads them: the worker that does a member's task reads what that member may read, and nothing of
-- the others' own accounts.

-- The newest first, and what has no date last: as lists ask for it.
drop index public.mail_messages_sent_idx;
create index mail_messages_sent_idx on public.mail_messages (organization_id, sent_at desc nulls last, id desc);

create or replace function public.find_mail(message_id text) returns jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(m) from public.mail_messages m
  where m.organization_id = private.acting_organization() and m.message_id = find_mail.message_id
    and m.account not in (select private.others_accounts())
  order by m.account = 'local', m.created_at desc limit 1
$$;

create or replace function public.get_mail(mail_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  found_mail jsonb;
begin
  select to_jsonb(m) into found_mail from public.mail_messages m
  where m.id = get_mail.mail_id and m.organization_id = private.acting_organization()
    and m.account not in (select private.others_accounts());
  if found_mail is null then
    perform private.refuse(404, 'There is no such mail', format('mail %s', get_mail.mail_id));
  end if;
  return found_mail;
end $$;

create or replace function public.list_watched_mail(since timestamptz, until timestamptz, most integer default 2000) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(m) from (
    select l.message_id, l.thread_key, l.account, l.from_name, l.from_address, l.to_addresses, l.cc_addresses, l.subject, l.sent_at,
      left(l.text_body, 20000) as text_body, l.is_from_me, l.category, l.suspicious, l.headers ->> 'auto_submitted' as auto_submitted
    from public.mail_messages l
    where l.organization_id = private.acting_organization() and l.sent_at >= list_watched_mail.since and l.sent_at <= list_watched_mail.until
      and not l.labels && array['spam', 'trash', 'drafts']
    order by l.sent_at desc nulls last, l.id desc limit least(greatest(most, 1), 5000)) m
  order by m.sent_at, m.message_id
$$;

create or replace function public.search_mail(query jsonb default '{}', page_size integer default 50) returns setof jsonb
language plpgsql stable set search_path = '' as $$
begin
  return query
  select to_jsonb(m) from (
    select m.* from public.mail_messages m
    where m.organization_id = private.acting_organization() and m.account not in (select private.others_accounts())
      and (not query ? 'account' or m.account = query ->> 'account')
      and (not query ? 'from_address' or private.contains_text(m.from_name || ' ' || m.from_address, query ->> 'from_address'))
      and (not query ? 'to_address' or private.contains_text(array_to_string(m.to_addresses || m.cc_addresses, ' '), query ->> 'to_address'))
      and (not query ? 'subject' or private.contains_text(m.subject, query ->> 'subject'))
      and (not query ? 'words' or (select bool_and(private.contains_text(m.subject || ' ' || m.text_body, w))
             from regexp_split_to_table(trim(query ->> 'words'), '\s+') w))
      and (not query ? 'after' or m.sent_at >= (query ->> 'after')::timestamptz)
      and (not query ? 'before' or m.sent_at < (query ->> 'before')::timestamptz)
      and (not query ? 'is_unread' or ('unread' = any (m.labels)) = (query ->> 'is_unread')::boolean)
    order by m.sent_at desc nulls last, m.id desc limit least(greatest(page_size, 1), 200)) m;
exception when invalid_text_representation or invalid_datetime_format or datetime_field_overflow then
  perform private.refuse(422, 'What is looked for has a wrong value', sqlerrm);
end $$;

create or replace function public.list_mail(thread_key text default null, page_size integer default 50) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(m) from (
    select m.* from public.mail_messages m
    where m.organization_id = private.acting_organization() and (list_mail.thread_key is null or m.thread_key = list_mail.thread_key)
      and m.account not in (select private.others_accounts())
    order by m.sent_at desc nulls last, m.id desc limit least(greatest(page_size, 1), 200)) m
$$;

create or replace function public.get_task_context(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_task_context.task_id);
begin
  return jsonb_build_object(
    'task', private.task_json(task),
    'owner', private.person_json(task.organization_id, task.created_by),
    -- The words that stand there now, for the kind that the task has now: the organization's own before what is built in.
    'workflow', (select private.workflow_json(w) from public.workflows w where w.kind = task.kind and w.is_active
                   and (w.organization_id is null or w.organization_id = task.organization_id) order by w.organization_id nulls last limit 1),
    'thread', (select coalesce(jsonb_agg(jsonb_build_object('message_id', m.message_id, 'from_name', m.from_name, 'from_address', m.from_address,
                 'to_addresses', m.to_addresses, 'cc_addresses', m.cc_addresses, 'subject', m.subject, 'sent_at', m.sent_at,
                 'text', m.text_body, 'is_from_me', m.is_from_me) order by m.sent_at), '[]')
               from public.mail_messages m where m.organization_id = task.organization_id
                 and m.thread_key = task.source_ref ->> 'thread_key'
                 and m.account not in (select private.others_accounts())),
    'conversation', (select coalesce(jsonb_agg(jsonb_build_object('role', c.role, 'content', c.content) order by c.created_at), '[]')
               from (select c.* from public.conversation_messages c join public.conversations t on t.id = c.conversation_id and t.user_id = private.person_of_task(task.id)
                     where c.conversation_id = (task.source_ref ->> 'conversation_id')::uuid
                     order by c.created_at desc limit 10) c),
    'parent', (select jsonb_build_object('title', p.title, 'description', p.description) from public.tasks p where p.id = task.parent_task_id),
    'outputs', (select coalesce(jsonb_agg(jsonb_build_object('title', t.title, 'result', t.result)), '[]')
                from public.task_dependencies d join public.tasks t on t.id = d.depends_on_task_id where d.task_id = task.id),
    'recent_tasks', (select coalesce(jsonb_agg(jsonb_build_object('title', t.title, 'execution_status', t.execution_status,
                 'completed_at', t.completed_at, 'due_at', t.due_at)), '[]')
               from (select * from public.tasks t where t.organization_id = task.organization_id and t.id <> task.id
                       and t.parent_task_id is null and t.archived_at is null and t.tool is null
                       and (t.created_by is null or t.created_by = (select private.person_of_task(task.id))) -- a report lists them
                     order by t.updated_at desc limit 50) t));
end $$;

create or replace function public.get_meeting_facts(task_id uuid, since timestamptz, until timestamptz) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_meeting_facts.task_id);
  event jsonb := coalesce(task.source_ref -> 'event', (select p.source_ref -> 'event' from public.tasks p where p.id = task.parent_task_id), '{}');
  notes_of text := coalesce(task.source_ref ->> 'message_id', (select p.source_ref ->> 'message_id' from public.tasks p where p.id = task.parent_task_id));
  people text[];
begin
  people := array(
    select distinct lower(x.address) from public.calendar_events e
    cross join lateral (select a ->> 'address' from jsonb_array_elements(e.attendees) a union all select e.organizer) x (address)
    where e.organization_id = task.organization_id and e.calendar not in (select private.others_accounts()) and e.calendar = event ->> 'calendar' and e.uid = event ->> 'uid' and x.address <> '');
  return jsonb_build_object(
    'event', event,
    'notes_id', notes_of,
    'is_own_event', private.is_of_own_event(task),
    'entries', (select coalesce(jsonb_agg(to_jsonb(e) order by e.recurrence_id), '[]') from public.calendar_events e
      where e.organization_id = task.organization_id and e.calendar not in (select private.others_accounts()) and e.calendar = event ->> 'calendar' and e.uid = event ->> 'uid'
        and e.recurrence_id in ('', coalesce(event ->> 'recurrence_id', ''))),
    'around', (select coalesce(jsonb_agg(jsonb_build_object('title', e.title, 'starts_at', e.starts_at, 'is_all_day', e.is_all_day) order by e.starts_at), '[]')
      from (select e.* from public.calendar_events e where e.organization_id = task.organization_id and e.calendar not in (select private.others_accounts()) and e.status <> 'cancelled'
              and e.starts_at between get_meeting_facts.until - interval '7 days' and get_meeting_facts.until + interval '14 days'
            order by e.starts_at limit 300) e),
    'own_addresses', (select coalesce(jsonb_agg(o.address), '[]') from (
      select jsonb_array_elements_text(private.own_addresses(task)) as address union select o from public.list_own_addresses() o) o),
    'mails', (select coalesce(jsonb_agg(to_jsonb(m) order by m.sent_at, m.message_id), '[]') from (
      select m.message_id, m.thread_key, m.account, m.from_name, m.from_address, m.to_addresses, m.cc_addresses, m.subject, m.sent_at,
        left(m.text_body, 20000) as text_body, m.is_from_me, m.category, m.suspicious, m.headers ->> 'auto_submitted' as auto_submitted,
        -- Written by the person for certain: it lies among what an account sent (in a file anybody can say who wrote), and answers nobody.
        m.is_from_me and m.in_reply_to is null and m.account <> 'local' and 'sent' = any (m.labels) as is_own
      from public.mail_messages m
      where m.organization_id = task.organization_id and m.account not in (select private.others_accounts()) and m.sent_at between get_meeting_facts.since and get_meeting_facts.until
        and not m.labels && array['spam', 'trash', 'drafts']
        and (m.message_id = notes_of or lower(m.from_address) = any (people)
          or m.is_from_me and exists (select 1 from unnest(m.to_addresses || m.cc_addresses) r where lower(r) = any (people)))
      order by m.sent_at desc, m.message_id limit 300) m),
    'tasks', (select coalesce(jsonb_agg(private.task_json(t) - 'execution_log' - 'result' order by t.created_at), '[]') from (
      select t.* from public.tasks t
      where t.organization_id = task.organization_id and t.root_task_id <> task.root_task_id and t.archived_at is null and t.superseded_at is null
        and t.source <> 'proactive' and not private.belongs_to_draft(t) -- what was noticed is no topic
        and (t.execution_status not in ('completed', 'failed', 'cancelled') or notes_of is not null and t.source_ref ->> 'message_id' = notes_of)
      order by t.created_at desc limit 1000) t),
    'earlier', (select x.result ->> 'output' from public.tasks x
      where x.organization_id = task.organization_id and x.id = private.as_uuid(task.source_ref ->> 'agenda_task_id')));
end $$;

create or replace function private.thread_news(draft public.drafts, since timestamptz default null) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('message_id', m.message_id, 'sent_at', m.sent_at, 'text', left(m.text_body, 2000),
      'sender', case when m.from_name = '' then m.from_address else format('%s <%s>', m.from_name, m.from_address) end)
    order by m.sent_at nulls last, m.message_id), '[]')
  from (select private.thread_ids(draft) as ids, private.answered_ids(draft) as answered, (select min(a.sent_at) from public.mail_messages a
          where a.organization_id = draft.organization_id and a.message_id = draft.target ->> 'in_reply_to') as answered_at) known
  cross join lateral private.thread_mails(draft.organization_id, known.ids) m
  where draft.channel = 'mail' and draft.target ->> 'in_reply_to' is not null
    and m.account not in (select private.accounts_of_others(draft.organization_id, private.person_of_task(draft.task_id)))
    and m.message_id <> all (known.answered) and m.message_id is distinct from draft.message_id
    -- What is read late and was written before the mail that is answered is the past; a day is for clocks that are wrong.
    and coalesce(m.sent_at > known.answered_at - interval '1 day', true)
    and case when since is not null then m.created_at > since
             when draft.thread_tail like E'thread v1\n%' then m.message_id <> all (known.ids)
             else m.created_at > draft.created_at end
$$;
comment on function private.thread_news is
  'The stored messages of its thread that a draft does not know of, or that were stored since a moment, without those of others'' accounts; oldest first.';
