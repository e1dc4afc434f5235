-- What a mail needs: its sort, corrected by a person, and mail as it is listed by it.

alter table public.mail_messages
  add column corrected_at timestamptz,
  add column corrected_from text check (corrected_from in ('needs_reply', 'needs_action', 'information', 'noise', '')),
  add constraint corrected_says_from check ((corrected_at is null) = (corrected_from is null));
comment on column public.mail_messages.corrected_from is 'The category that triage gave, where a person said another; empty where it gave none.';
create index mail_messages_corrected_idx on public.mail_messages (organization_id, corrected_at) where corrected_at is not null;
create index mail_messages_moment_idx on public.mail_messages (organization_id, (coalesce(sent_at, created_at)) desc, id desc) where not is_from_me;
create index tasks_mail_idx on public.tasks (organization_id, (source_ref ->> 'message_id')) where source_ref ? 'message_id';

create function public.correct_mail(mail_id uuid, category text, at timestamptz) returns jsonb
language plpgsql set search_path = '' as $$
declare
  known jsonb := public.get_mail(correct_mail.mail_id);
begin
  if correct_mail.category is null or correct_mail.category not in ('needs_reply', 'needs_action', 'information', 'noise') then
    perform private.refuse(422, 'There is no such category', format('category is %s; allowed: needs_reply, needs_action, information, noise', correct_mail.category));
  end if;
  -- Back to what triage said is no correction any more.
  update public.mail_messages m set category = correct_mail.category,
    corrected_from = case when coalesce(m.corrected_from, m.category, '') = correct_mail.category then null else coalesce(m.corrected_from, m.category, '') end,
    corrected_at = case when coalesce(m.corrected_from, m.category, '') = correct_mail.category then null else correct_mail.at end
  where m.id = (known ->> 'id')::uuid and m.category is distinct from correct_mail.category;
  return public.get_mail(correct_mail.mail_id);
end $$;
comment on function public.correct_mail is 'A person says what a mail needs; what triage had said is kept in corrected_from.';

create function private.triaged_mail_json(mail public.mail_messages) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('id', mail.id, 'message_id', mail.message_id, 'thread_key', mail.thread_key, 'from_name', mail.from_name,
    'from_address', mail.from_address, 'subject', mail.subject, 'sent_at', mail.sent_at, 'created_at', mail.created_at, 'text', left(mail.text_body, 2000),
    'category', mail.category, 'suspicious', mail.suspicious, 'corrected_at', mail.corrected_at, 'corrected_from', mail.corrected_from, 'is_from_me', mail.is_from_me,
    'tasks', (select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'title', t.title, 'execution_status', t.execution_status, 'due_at', t.due_at,
                'due_is_all_day', t.due_is_all_day) order by t.created_at, t.id), '[]')
              from public.tasks t where t.organization_id = mail.organization_id and t.source_ref ? 'message_id'
                and t.source_ref ->> 'message_id' = mail.message_id and t.parent_task_id is null),
    'commitments', (select coalesce(jsonb_agg(private.commitment_json(c) order by c.said_at, c.id), '[]')
              from public.commitments c where c.organization_id = mail.organization_id and c.message_id = mail.message_id))
$$;
comment on function private.triaged_mail_json is 'A mail with what triage made of it: category, tasks and promises.';

create function public.get_triaged_mail(mail_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  found_mail jsonb;
begin
  select private.triaged_mail_json(m) into found_mail from public.mail_messages m
  where m.id = get_triaged_mail.mail_id and m.organization_id = private.acting_organization();
  if found_mail is null then
    perform private.refuse(404, 'There is no such mail', format('mail %s', get_triaged_mail.mail_id));
  end if;
  return found_mail;
end $$;
comment on function public.get_triaged_mail is 'One mail with what triage made of it, else PT404.';

create function public.list_triaged_mail(category text default null, after jsonb default null, page_size integer default 50) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  rows jsonb;
begin
  if page_size is null or page_size not between 1 and 200 then
    perform private.refuse(422, 'limit is between 1 and 200', format('limit is %s', page_size));
  end if;
  if list_triaged_mail.category not in ('needs_reply', 'needs_action', 'information', 'noise', 'suspicious') then
    perform private.refuse(422, 'There is no such category', format('category is %s; allowed: needs_reply, needs_action, information, noise, suspicious', list_triaged_mail.category));
  end if;
  select coalesce(jsonb_agg(private.triaged_mail_json(p.mail) order by p.moment desc, p.id desc), '[]') into rows from (
    select m as mail, m.id, coalesce(m.sent_at, m.created_at) as moment from public.mail_messages m
    where m.organization_id = private.acting_organization() and not m.is_from_me and not m.labels && array['drafts', 'trash', 'spam']
      and (list_triaged_mail.category is null
        or case when list_triaged_mail.category = 'suspicious' then m.suspicious is not null else m.category = list_triaged_mail.category and m.suspicious is null end)
      and (after is null or (coalesce(m.sent_at, m.created_at), m.id) < ((after ->> 0)::timestamptz, (after ->> 1)::uuid))
    order by moment desc, m.id desc limit page_size) p;
  return jsonb_build_object('items', rows, 'after', case when jsonb_array_length(rows) = page_size
    then jsonb_build_array(coalesce(rows -> -1 ->> 'sent_at', rows -> -1 ->> 'created_at'), rows -> -1 -> 'id') end);
exception when invalid_text_representation or invalid_datetime_format or datetime_field_overflow then
  perform private.refuse(422, 'A cursor has a wrong value', sqlerrm);
  return null;
end $$;
comment on function public.list_triaged_mail is 'Mail of others by what it needs, newest first, with its tasks and promises: {items, after}.';

create function public.count_triaged_mail(since timestamptz) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('needs_reply', count(*) filter (where m.category = 'needs_reply' and m.suspicious is null),
    'needs_action', count(*) filter (where m.category = 'needs_action' and m.suspicious is null),
    'information', count(*) filter (where m.category = 'information' and m.suspicious is null),
    'noise', count(*) filter (where m.category = 'noise' and m.suspicious is null),
    'suspicious', count(*) filter (where m.suspicious is not null),
    'corrected', count(*) filter (where m.corrected_at is not null), 'all', count(*))
  from public.mail_messages m
  where m.organization_id = private.acting_organization() and not m.is_from_me and not m.labels && array['drafts', 'trash', 'spam']
    and coalesce(m.sent_at, m.created_at) >= count_triaged_mail.since
$$;
comment on function public.count_triaged_mail is 'How many mails of others came since a moment, by category; corrected: how many a person put right.';

do $$ declare f text; begin
  foreach f in array array['correct_mail', 'get_triaged_mail', 'list_triaged_mail', 'count_triaged_mail'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('private.triaged_mail_json', array['authenticated', 'service_role']);
end $$;
