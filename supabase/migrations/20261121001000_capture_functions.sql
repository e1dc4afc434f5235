-- Capture: conversations, mail, calendar; and the housekeeping of requests and model calls.

create function public.save_chat_turn(message text, reply text, tasks jsonb default '[]', conversation_id uuid default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  conversation public.conversations;
  said public.conversation_messages;
  answered public.conversation_messages;
  item jsonb;
  made jsonb := '[]';
begin
  if save_chat_turn.conversation_id is null then
    insert into public.conversations (organization_id, user_id, title)
    values (private.acting_organization(), (select auth.uid()), left(regexp_replace(message, '\s+', ' ', 'g'), 80)) returning * into conversation;
  else
    update public.conversations c set updated_at = now() where c.id = save_chat_turn.conversation_id
      and c.user_id = (select auth.uid()) returning * into conversation;
    if conversation.id is null then
      perform private.refuse(404, 'There is no such conversation', format('conversation %s', save_chat_turn.conversation_id));
    end if;
  end if;
  insert into public.conversation_messages (organization_id, conversation_id, role, content)
  values (conversation.organization_id, conversation.id, 'user', message) returning * into said;
  for item in select value from jsonb_array_elements(tasks) loop
    made := made || private.task_json(private.insert_task(item || jsonb_build_object('source', 'chat', 'source_ref',
      jsonb_build_object('conversation_id', conversation.id, 'message_id', said.id, 'quote', item ->> 'quote'))));
  end loop;
  insert into public.conversation_messages (organization_id, conversation_id, role, content, task_ids)
  values (conversation.organization_id, conversation.id, 'assistant', reply,
    array(select (t ->> 'id')::uuid from jsonb_array_elements(made) t)) returning * into answered;
  return jsonb_build_object('conversation_id', conversation.id, 'message_id', answered.id, 'reply', reply, 'tasks', made);
end $$;
comment on function public.save_chat_turn is 'One turn of a chat, what was said, the answer, and the tasks found, in one transaction.';

create function public.list_conversations(after jsonb default null, page_size integer default 50) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  rows jsonb;
begin
  if page_size is null or page_size not between 1 and 200 then
    perform private.refuse(422, 'limit is between 1 and 200', format('limit is %s', page_size));
  end if;
  select coalesce(jsonb_agg(to_jsonb(p) order by p.updated_at desc, p.id desc), '[]') into rows from (
    select c.* from public.conversations c where c.user_id = (select auth.uid())
      and (after is null or (c.updated_at, c.id) < ((after ->> 0)::timestamptz, (after ->> 1)::uuid))
    order by c.updated_at desc, c.id desc limit page_size) p;
  return jsonb_build_object('items', rows, 'after', case when jsonb_array_length(rows) = page_size
    then jsonb_build_array(rows -> -1 -> 'updated_at', rows -> -1 -> 'id') end);
exception when invalid_text_representation or invalid_datetime_format then
  perform private.refuse(422, 'A cursor has a wrong value', sqlerrm);
  return null;
end $$;
comment on function public.list_conversations is 'A page of one''s own conversations, the last one used first: {items, after}.';

create function public.get_conversation(conversation_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  found_conversation jsonb;
begin
  select to_jsonb(c) || jsonb_build_object('messages', (
    select coalesce(jsonb_agg(to_jsonb(m) || jsonb_build_object('tasks', (
      select coalesce(jsonb_agg(private.task_json(t) - 'execution_log' order by array_position(m.task_ids, t.id)), '[]')
      from public.tasks t where t.id = any (m.task_ids))) order by m.created_at, m.id), '[]')
    from public.conversation_messages m where m.conversation_id = c.id))
  into found_conversation from public.conversations c
  where c.id = get_conversation.conversation_id and c.user_id = (select auth.uid());
  if found_conversation is null then
    perform private.refuse(404, 'There is no such conversation', format('conversation %s', get_conversation.conversation_id));
  end if;
  return found_conversation;
end $$;
comment on function public.get_conversation is 'A conversation with its messages and the tasks that came from them.';

create function public.import_mail(messages jsonb, tasks jsonb default '[]') returns jsonb
language plpgsql set search_path = '' as $$
declare
  item jsonb;
  added integer;
  made jsonb := '[]';
  task public.tasks;
begin
  insert into public.mail_messages (organization_id, account, message_id, thread_key, in_reply_to, from_name, from_address, to_addresses,
    cc_addresses, subject, sent_at, text_body, html_body, attachments, is_from_me, category, suspicious)
  select private.acting_organization(), coalesce(r.account, 'local'), r.message_id, r.thread_key, r.in_reply_to, coalesce(r.from_name, ''),
    coalesce(r.from_address, ''), coalesce(r.to_addresses, '{}'), coalesce(r.cc_addresses, '{}'), coalesce(r.subject, ''), r.sent_at,
    coalesce(r.text_body, ''), r.html_body, coalesce(r.attachments, '[]'), coalesce(r.is_from_me, false), r.category, r.suspicious
  from jsonb_populate_recordset(null::public.mail_messages, messages) r
  on conflict (organization_id, account, message_id) do nothing;
  get diagnostics added = row_count;
  for item in select value from jsonb_array_elements(tasks) loop
    task := private.insert_task(item || '{"source": "mail"}');
    if task.id is not null then
      made := made || private.task_json(task);
    end if;
  end loop;
  return jsonb_build_object('messages_added', added, 'tasks', made);
end $$;
comment on function public.import_mail is 'Messages and the tasks found in them, all or none; what is known already is passed over.';

create function public.import_calendar(events jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  added integer;
begin
  insert into public.calendar_events (organization_id, calendar, uid, recurrence_id, title, description, location, starts_at, ends_at,
    is_all_day, timezone, recurrence, excluded_starts, added_starts, organizer, attendees, status)
  select private.acting_organization(), coalesce(r.calendar, 'local'), r.uid, coalesce(r.recurrence_id, ''), coalesce(r.title, ''),
    coalesce(r.description, ''), coalesce(r.location, ''), r.starts_at, r.ends_at, coalesce(r.is_all_day, false), coalesce(r.timezone, 'UTC'),
    r.recurrence, coalesce(r.excluded_starts, '{}'), coalesce(r.added_starts, '{}'), coalesce(r.organizer, ''), coalesce(r.attendees, '[]'), coalesce(r.status, 'confirmed')
  from jsonb_populate_recordset(null::public.calendar_events, events) r
  on conflict (organization_id, calendar, uid, recurrence_id) do update set title = excluded.title, description = excluded.description,
    location = excluded.location, starts_at = excluded.starts_at, ends_at = excluded.ends_at, is_all_day = excluded.is_all_day,
    timezone = excluded.timezone, recurrence = excluded.recurrence, excluded_starts = excluded.excluded_starts, added_starts = excluded.added_starts,
    organizer = excluded.organizer, attendees = excluded.attendees, status = excluded.status;
  get diagnostics added = row_count;
  return jsonb_build_object('events', added);
end $$;
comment on function public.import_calendar is 'Events by their uid: new ones are added, known ones brought up to date.';

create function public.list_mail(thread_key text default null, page_size integer default 50) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(m) from public.mail_messages m
  where m.organization_id = private.acting_organization() and (list_mail.thread_key is null or m.thread_key = list_mail.thread_key)
  order by m.sent_at desc nulls last, m.id desc limit least(greatest(page_size, 1), 200)
$$;
comment on function public.list_mail is 'Mail, newest first; of one thread or of all.';

create function public.list_calendar_events(starts_before timestamptz, ends_after timestamptz) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(e) from public.calendar_events e
  where e.organization_id = private.acting_organization() and e.starts_at < list_calendar_events.starts_before
    and (e.ends_at > list_calendar_events.ends_after or e.recurrence is not null)
  order by e.starts_at, e.id limit 5000
$$;
comment on function public.list_calendar_events is 'Events that touch a span, and every series that began before its end.';

create function private.person_json(organization_id uuid, preferred_user_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('user_id', u.id, 'email', u.email, 'name', u.raw_user_meta_data ->> 'name')
  from public.members m join auth.users u on u.id = m.user_id
  where m.organization_id = person_json.organization_id and private.in_scope(m.organization_id)
  order by coalesce(m.user_id = person_json.preferred_user_id, false) desc, m.created_at limit 1
$$;
comment on function private.person_json is 'Name and address of the person a task is for. Definer: auth.users is closed to everybody else.';

create function public.get_task_context(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_task_context.task_id);
begin
  return jsonb_build_object(
    'task', private.task_json(task),
    'owner', private.person_json(task.organization_id, task.created_by),
    'workflow', (select to_jsonb(w) from public.workflows w where w.id = task.workflow_id),
    'thread', (select coalesce(jsonb_agg(jsonb_build_object('message_id', m.message_id, 'from_name', m.from_name, 'from_address', m.from_address,
                 'to_addresses', m.to_addresses, 'cc_addresses', m.cc_addresses, 'subject', m.subject, 'sent_at', m.sent_at,
                 'text', m.text_body, 'is_from_me', m.is_from_me) order by m.sent_at), '[]')
               from public.mail_messages m where m.organization_id = task.organization_id
                 and m.thread_key = task.source_ref ->> 'thread_key'),
    'conversation', (select coalesce(jsonb_agg(jsonb_build_object('role', c.role, 'content', c.content) order by c.created_at), '[]')
               from (select * from public.conversation_messages c where c.conversation_id = (task.source_ref ->> 'conversation_id')::uuid
                     order by c.created_at desc limit 10) c),
    'parent', (select jsonb_build_object('title', p.title, 'description', p.description) from public.tasks p where p.id = task.parent_task_id),
    'outputs', (select coalesce(jsonb_agg(jsonb_build_object('title', t.title, 'result', t.result)), '[]')
                from public.task_dependencies d join public.tasks t on t.id = d.depends_on_task_id where d.task_id = task.id),
    'recent_tasks', (select coalesce(jsonb_agg(jsonb_build_object('title', t.title, 'execution_status', t.execution_status,
                 'completed_at', t.completed_at, 'due_at', t.due_at)), '[]')
               from (select * from public.tasks t where t.organization_id = task.organization_id and t.id <> task.id
                       and t.parent_task_id is null and t.archived_at is null and t.tool is null
                     order by t.updated_at desc limit 50) t));
end $$;
comment on function public.get_task_context is
  'All that a run needs to know, in one call: task, owner, workflow, mail thread, conversation, outputs it depends on, recent tasks.';

create function public.record_llm_interaction(task_id uuid, call jsonb) returns uuid
language plpgsql set search_path = '' as $$
declare
  new_id uuid;
begin
  insert into public.llm_interactions (organization_id, task_id, purpose, provider, model, prompt_version, input_tokens, output_tokens,
    cost_usd, latency_ms, response_id, error)
  select private.acting_organization(), record_llm_interaction.task_id, r.purpose, coalesce(r.provider, ''), r.model,
    coalesce(r.prompt_version, ''), coalesce(r.input_tokens, 0), coalesce(r.output_tokens, 0), r.cost_usd, coalesce(r.latency_ms, 0),
    r.response_id, left(r.error, 500)
  from jsonb_populate_record(null::public.llm_interactions, call) r returning id into new_id;
  return new_id;
end $$;
comment on function public.record_llm_interaction is 'Tokens, cost and time of one model call. Never the words.';

-- Section: idempotency --------------------------------------------------------------------------------------------

create function public.begin_idempotent_request(key text, fingerprint text) returns jsonb
language plpgsql set search_path = '' as $$
declare
  known public.idempotency_keys;
begin
  -- A request that never answered was cut off: its key is free again after ten minutes.
  delete from public.idempotency_keys k where k.user_id = (select auth.uid())
    and k.created_at < now() - case when k.status is null then interval '10 minutes' else interval '1 day' end;
  insert into public.idempotency_keys (organization_id, user_id, key, fingerprint)
  values (private.acting_organization(), (select auth.uid()), begin_idempotent_request.key, begin_idempotent_request.fingerprint)
  on conflict do nothing;
  if found then
    return jsonb_build_object('state', 'new', 'mismatch', false);
  end if;
  select * into known from public.idempotency_keys k where k.user_id = (select auth.uid())
    and k.organization_id = private.acting_organization() and k.key = begin_idempotent_request.key;
  return jsonb_build_object('state', case when known.status is null then 'running' else 'done' end, 'status', known.status,
    'body', known.body, 'content_type', known.content_type, 'mismatch', known.fingerprint <> begin_idempotent_request.fingerprint);
end $$;
comment on function public.begin_idempotent_request is 'Claims a key: new, or what is known of the first request with it.';

create function public.finish_idempotent_request(key text, status integer, body text, content_type text) returns void
language sql set search_path = '' as $$
  update public.idempotency_keys k set status = finish_idempotent_request.status, body = finish_idempotent_request.body,
    content_type = finish_idempotent_request.content_type
  where k.user_id = (select auth.uid()) and k.organization_id = private.acting_organization() and k.key = finish_idempotent_request.key
$$;
comment on function public.finish_idempotent_request is 'Keeps the first answer.';

create function public.abandon_idempotent_request(key text) returns void
language sql set search_path = '' as $$
  delete from public.idempotency_keys k where k.user_id = (select auth.uid()) and k.organization_id = private.acting_organization()
    and k.key = abandon_idempotent_request.key and k.status is null
$$;
comment on function public.abandon_idempotent_request is 'Frees the key of a request that failed before it answered.';

create function public.get_profile() returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(private.person_json(private.acting_organization(), (select auth.uid())), '{}') || jsonb_build_object(
    'organization', (select to_jsonb(o) from public.organizations o where o.id = private.acting_organization()))
$$;
comment on function public.get_profile is 'Who is signed in, and the organization they act for.';

do $$ declare f text; begin
  foreach f in array array['save_chat_turn', 'list_conversations', 'get_conversation', 'import_mail', 'import_calendar', 'list_mail',
    'list_calendar_events', 'record_llm_interaction', 'get_profile'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('public.get_task_context', array['service_role']);
  perform private.expose_function('private.person_json', array['authenticated', 'service_role']);
  foreach f in array array['begin_idempotent_request', 'finish_idempotent_request', 'abandon_idempotent_request'] loop
    perform private.expose_function('public.' || f, array['authenticated']);
  end loop;
end $$;
