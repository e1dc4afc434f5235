-- Mail that the person answered themselves, in their own program: its tasks are done, and their drafts go nowhere.

create function private.open_answers(organization_id uuid) returns table (task_id uuid, mail_id uuid)
language sql stable set search_path = '' as $$
  select distinct t.id, m.id from public.tasks t
  join public.mail_messages q on q.organization_id = t.organization_id and q.message_id = t.source_ref ->> 'message_id'
  join public.mail_messages m on m.organization_id = q.organization_id and m.thread_key = q.thread_key
  where t.organization_id = open_answers.organization_id and t.source_ref ? 'message_id' and t.source = 'mail' and t.kind = 'reply'
    and t.parent_task_id is null and t.execution_status in ('pending', 'queued', 'in_progress', 'paused', 'blocked')
    and m.is_from_me and m.message_id <> q.message_id and not m.labels && array['drafts', 'trash', 'spam']
    -- A clock that is wrong makes no mail later than when it was read.
    and coalesce(m.sent_at, m.created_at) > least(coalesce(q.sent_at, q.created_at), q.created_at)
    and array_remove(array[lower(t.recipient), case when not q.is_from_me then lower(q.from_address) end], null)
      && array(select lower(r) from unnest(m.to_addresses || m.cc_addresses) r)
    -- What was sent from here is a draft's, and its task knows.
    and not exists (select 1 from public.drafts d where d.organization_id = m.organization_id and d.message_id = m.message_id)
    and not exists (select 1 from public.drafts d where d.task_id in (select private.subtree(t.id)) and d.state in ('sending', 'uncertain', 'sent'))
$$;
comment on function private.open_answers is
  'Open tasks to answer a mail, with each later mail of the person''s own in that thread to whoever is to be answered. Not those of which a draft is on its way.';

create function public.list_own_answers() returns setof jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('task_id', a.task_id, 'mail_id', m.id, 'subject', m.subject, 'text', left(m.text_body, 20000),
    'sent_at', coalesce(m.sent_at, m.created_at), 'files', m.attachments <> '[]', 'auto_submitted', coalesce(m.headers ->> 'auto_submitted', ''),
    'precedence', coalesce(m.headers ->> 'precedence', ''))
  from private.open_answers(private.acting_organization()) a join public.mail_messages m on m.id = a.mail_id
  order by coalesce(m.sent_at, m.created_at), m.id, a.task_id limit 2000
$$;
comment on function public.list_own_answers is
  'Mails of the person''s own that may have answered what a task is still to answer, oldest first: {task_id, mail_id, subject, text, sent_at, files, auto_submitted, precedence}.';

create function public.close_answered_tasks(answers jsonb) returns integer
language plpgsql set search_path = '' as $$
declare
  answer jsonb;
  task public.tasks;
  closed integer := 0;
begin
  for answer in select value from jsonb_array_elements(close_answered_tasks.answers) loop
    select t.* into task from public.tasks t where t.id = private.as_uuid(answer ->> 'task_id')
      and t.organization_id = private.acting_organization() for no key update;
    if task.id is null or not exists (select 1 from private.open_answers(task.organization_id) a
        where a.task_id = task.id and a.mail_id = private.as_uuid(answer ->> 'mail_id')) then
      continue; -- done, or on its way, since it was looked at
    end if;
    update public.approvals a set state = 'voided', notes = coalesce(a.notes, 'You answered it yourself')
    where a.task_id in (select private.subtree(task.id)) and a.state in ('open', 'approved');
    update public.drafts d set state = 'superseded' where d.task_id in (select private.subtree(task.id)) and d.state in ('draft', 'approved');
    update public.tasks t set execution_status = 'cancelled', failure_reason = left(answer ->> 'what', 1000)
    where t.id in (select private.subtree(task.id)) and t.id <> task.id and t.execution_status not in ('completed', 'failed', 'cancelled');
    update public.tasks t set execution_status = 'in_progress' where t.id = task.id and t.execution_status in ('pending', 'queued', 'blocked');
    update public.tasks t set execution_status = 'completed', failure_reason = null, evidence = jsonb_build_array(jsonb_build_object(
      'kind', 'word', 'what', left(answer ->> 'what', 1000), 'at', now()))
    where t.id = task.id and t.execution_status in ('in_progress', 'paused');
    closed := closed + 1;
  end loop;
  return closed;
end $$;
comment on function public.close_answered_tasks is
  'Completes tasks whose mail the person answered themselves: [{task_id, mail_id, what}]. Open drafts are superseded, open parts cancelled. Twice is once. How many.';

do $$ declare f text; begin
  foreach f in array array['private.open_answers', 'public.list_own_answers', 'public.close_answered_tasks'] loop
    perform private.expose_function(f, array['authenticated', 'service_role']);
  end loop;
end $$;
