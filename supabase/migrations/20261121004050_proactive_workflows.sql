-- Meetings: what a task about one is made from, whose words those are, and what its sending is called.

insert into public.workflows (kind, name, description) values
  ('agenda', 'Draft an agenda', 'The points of a meeting from mail, tasks and the notes of last time, each with its source; sent to those who come after a yes.'),
  ('brief', 'Prepare a brief', 'Who comes to a meeting from outside, what they wrote about, and what is open with them.'),
  ('follow_up', 'Follow up a meeting', 'A summary of its notes, what each person took on, and a mail to those who were there.');

-- Section: whose words ---------------------------------------------------------------------------------------------

create function private.is_of_own_event(task public.tasks) returns boolean
language sql stable security definer set search_path = '' as $$
  select task.source = 'proactive' and task.kind = 'agenda' and task.parent_task_id is null and task.tool is null and task.recipient is null
    and task.description = '' and task.tool_input = '{}' and task.acceptance_criteria = '[]'
    and not task.source_ref ?| array['message_id', 'thread_key', 'agenda_task_id', 'quote', 'by_program', 'agent_id']
    and exists (select 1 from public.calendar_events e
      where e.organization_id = task.organization_id and e.calendar = task.source_ref #>> '{event,calendar}' and e.uid = task.source_ref #>> '{event,uid}'
        and e.recurrence_id in ('', coalesce(task.source_ref #>> '{event,recurrence_id}', ''))
        and e.organizer <> '' and private.own_addresses(task) ? lower(e.organizer)
        and task.title = left('Draft meeting agenda: ' || e.title, 300))
$$;
comment on function private.is_of_own_event is
  'Was this task found in an event that the person organizes themself, and does it say nothing but that event''s title? Then it is nobody else''s word. Definer: the accounts are not everybody''s.';

create or replace function private.first_taint(task public.tasks) returns jsonb
language sql stable set search_path = '' as $$
  select case
    when task.source = 'mail' then jsonb_build_array(jsonb_build_object('kind', 'mail',
      'ref', coalesce(task.source_ref ->> 'message_id', task.source_ref ->> 'thread_key', task.id::text), 'title', task.title, 'why', case
        when task.source_ref ? 'message_id' then (
          select m.suspicious from public.mail_messages m where m.organization_id = task.organization_id
            and m.message_id = task.source_ref ->> 'message_id' and m.suspicious is not null limit 1)
        else (select m.suspicious from public.mail_messages m where m.organization_id = task.organization_id
            and m.thread_key = task.source_ref ->> 'thread_key' and m.suspicious is not null limit 1) end))
    when task.source in ('calendar', 'import') or task.source = 'proactive' and not private.is_of_own_event(task)
      or task.source = 'slack' and not private.is_own_word(task) then
      jsonb_build_array(jsonb_build_object('kind', task.source, 'ref', task.id, 'title', task.title))
    else '[]' end
$$;

create or replace function private.texts_of_others(task_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  with above as (select a.* from private.above(texts_of_others.task_id) a),
  read (place, item) as (
    select 1, jsonb_build_object('kind', 'mail', 'title', concat_ws(', ', nullif(m.subject, ''), m.from_address), 'why', m.suspicious,
      'text', left(concat_ws(e'\n', m.from_name || ' ' || m.from_address, array_to_string(m.to_addresses || m.cc_addresses, ', '), m.subject, m.text_body), 20000))
    from (select m.* from public.mail_messages m where m.organization_id = (select a.organization_id from above a limit 1)
        and (m.thread_key = any (array(select a.source_ref ->> 'thread_key' from above a))
          or m.message_id = any (array(select x.id from above a cross join lateral (values (a.source_ref ->> 'message_id'), (a.tool_input ->> 'reply_to_message_id')) x (id)))
          -- What a run about a meeting read of the mail with its people.
          or m.message_id = any (array(select t ->> 'ref' from above a cross join jsonb_array_elements(a.tainted_by) t
            where a.kind in ('agenda', 'brief', 'follow_up') and t ->> 'kind' = 'mail')))
      order by m.sent_at desc nulls last limit 30) m
    union all
    select 2, jsonb_build_object('kind', a.source, 'title', a.title, 'text', left(concat_ws(e'\n', a.title, a.description, a.recipient, a.source_ref ->> 'quote',
      a.tool_input::text), 20000))
    from above a where a.source in ('mail', 'calendar', 'import', 'proactive', 'slack') and not private.is_own_word(a) and not private.is_of_own_event(a)
    union all
    -- A part that an outside agent made is in its words, from the title to the input.
    select 2, jsonb_build_object('kind', 'agent', 'title', a.title, 'text', left(concat_ws(e'\n', a.title, a.description, a.recipient, a.tool_input::text), 20000))
    from above a where a.source = 'agent' and a.source_ref ? 'agent_id'
    union all
    select 3, jsonb_build_object('kind', 'file', 'title', f.name, 'base64', f.start) from (
      select x.name, replace(encode(substring(x.content for 20000), 'base64'), e'\n', '') as start from public.artifacts x
      where x.task_id in (select a.id from above a) and x.is_tainted and x.content is not null
        and (x.media_type like 'text/%' or x.media_type like 'application/json%') order by x.created_at desc limit 5) f)
  select coalesce(jsonb_agg(r.item order by r.place), '[]') from read r
$$;

-- Section: what is known of a meeting -----------------------------------------------------------------------------

create function public.get_meeting_facts(task_id uuid, since timestamptz, until timestamptz) returns jsonb
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
    where e.organization_id = task.organization_id and e.calendar = event ->> 'calendar' and e.uid = event ->> 'uid' and x.address <> '');
  return jsonb_build_object(
    'event', event,
    'notes_id', notes_of,
    'is_own_event', private.is_of_own_event(task),
    'entries', (select coalesce(jsonb_agg(to_jsonb(e) order by e.recurrence_id), '[]') from public.calendar_events e
      where e.organization_id = task.organization_id and e.calendar = event ->> 'calendar' and e.uid = event ->> 'uid'
        and e.recurrence_id in ('', coalesce(event ->> 'recurrence_id', ''))),
    'around', (select coalesce(jsonb_agg(jsonb_build_object('title', e.title, 'starts_at', e.starts_at, 'is_all_day', e.is_all_day) order by e.starts_at), '[]')
      from (select e.* from public.calendar_events e where e.organization_id = task.organization_id and e.status <> 'cancelled'
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
      where m.organization_id = task.organization_id and m.sent_at between get_meeting_facts.since and get_meeting_facts.until
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
comment on function public.get_meeting_facts is
  'What there is about the meeting of a task, in one call: its entries, mail with its people in a span, open tasks, events around it, an earlier agenda (worker only).';

-- Section: what sending is called ---------------------------------------------------------------------------------

create or replace function private.queue_sending(draft public.drafts) returns uuid
language sql set search_path = '' as $$
  select private.queue_child(t,
    case when t.kind = 'agenda' then 'Send agenda to attendees: ' || coalesce(nullif(t.source_ref #>> '{event,title}', ''), draft.subject)
      when t.kind = 'follow_up' and t.source_ref ? 'event' then 'Send follow-up to participants: ' || coalesce(nullif(t.source_ref #>> '{event,title}', ''), draft.subject)
      else 'Send: ' || coalesce(nullif(draft.subject, ''), left(nullif(draft.body, ''), 80), '(no subject)') end,
    case draft.channel when 'mail' then 'email_send' else 'slack_notification' end, jsonb_build_object('draft_id', draft.id))
  from private.own_task(draft.task_id) t
$$;

do $$ begin
  perform private.expose_function('public.get_meeting_facts', array['service_role']);
  perform private.expose_function('private.is_of_own_event', array['authenticated', 'service_role']);
end $$;
