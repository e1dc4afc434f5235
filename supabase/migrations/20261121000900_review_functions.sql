-- Review: make, edit, approve, reject and send drafts; decide gates. What may happen is held by the triggers of 000500.

create function private.draft_json(draft public.drafts) returns jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(draft) || jsonb_build_object(
    'superseded_by_id', (select d.id from public.drafts d where d.supersedes_id = draft.id),
    'approval_id', (select a.id from public.approvals a where a.draft_id = draft.id order by a.created_at desc limit 1),
    'task_title', (select t.title from public.tasks t where t.id = draft.task_id))
$$;
comment on function private.draft_json is 'A draft as people and programs see it.';

create function private.own_draft(draft_id uuid, for_update boolean default false) returns public.drafts
language plpgsql set search_path = '' as $$
declare
  found_draft public.drafts;
begin
  if for_update then
    select * into found_draft from public.drafts d where d.id = own_draft.draft_id and private.in_scope(d.organization_id) for no key update;
  else
    select * into found_draft from public.drafts d where d.id = own_draft.draft_id and private.in_scope(d.organization_id);
  end if;
  if found_draft.id is null then
    perform private.refuse(404, 'There is no such draft', format('draft %s', own_draft.draft_id));
  end if;
  return found_draft;
end $$;
comment on function private.own_draft is 'The draft if the caller may see it, else PT404.';

create function private.insert_draft(task public.tasks, content jsonb, supersedes public.drafts) returns public.drafts
language plpgsql set search_path = '' as $$
declare
  made public.drafts;
begin
  insert into public.drafts (organization_id, task_id, channel, to_recipients, cc_recipients, bcc_recipients, subject, body, attachments,
    target, thread_tail, why, version, supersedes_id, digest, author_type)
  select task.organization_id, task.id, coalesce(r.channel, 'mail'), coalesce(r.to_recipients, '{}'), coalesce(r.cc_recipients, '{}'),
    coalesce(r.bcc_recipients, '{}'), coalesce(r.subject, ''), coalesce(r.body, ''), coalesce(r.attachments, '[]'),
    coalesce(r.target, '{}'), r.thread_tail, coalesce(r.why, ''), coalesce(supersedes.version, 0) + 1, supersedes.id, '', 'agent'
  from jsonb_populate_record(null::public.drafts, content) r
  returning * into made;
  insert into public.approvals (organization_id, task_id, draft_id, title, digest, requested_by)
  values (made.organization_id, made.task_id, made.id, coalesce(nullif(made.subject, ''), task.title), made.digest, made.author_type);
  return made;
end $$;
comment on function private.insert_draft is 'A draft and the open approval that waits for a person.';

create function private.supersede_draft(draft public.drafts) returns void
language plpgsql set search_path = '' as $$
begin
  update public.approvals a set state = 'voided' where a.draft_id = draft.id and a.state in ('open', 'approved');
  if draft.state in ('draft', 'approved') then
    update public.drafts d set state = 'superseded' where d.id = draft.id;
  end if;
end $$;
comment on function private.supersede_draft is 'Takes a draft out of the way of its successor; its approvals are void.';

create function public.create_draft(task_id uuid, content jsonb, supersedes_id uuid default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(create_draft.task_id, true);
  earlier public.drafts;
begin
  if create_draft.supersedes_id is not null then
    earlier := private.own_draft(create_draft.supersedes_id, true);
  else
    select * into earlier from public.drafts d where d.task_id = task.id order by d.version desc limit 1 for no key update;
  end if;
  if earlier.id is not null then
    if earlier.state in ('sending', 'uncertain') then
      perform private.refuse(409, format('The earlier draft is %s', earlier.state));
    end if;
    perform private.supersede_draft(earlier);
  end if;
  return private.draft_json(private.insert_draft(task, content, earlier));
end $$;
comment on function public.create_draft is 'A new draft of a task, with its open approval; the earlier one is superseded.';

create function public.revise_draft(draft_id uuid, changes jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  earlier public.drafts := private.own_draft(revise_draft.draft_id, true);
  unknown text;
begin
  select string_agg(k, ', ') into unknown from jsonb_object_keys(changes) k
  where k <> all (array['to_recipients', 'cc_recipients', 'bcc_recipients', 'subject', 'body']);
  if unknown is not null then
    perform private.refuse(422, 'These fields of a draft cannot be edited', unknown);
  end if;
  if earlier.state not in ('draft', 'approved', 'failed', 'rejected')
     or exists (select 1 from public.drafts d where d.supersedes_id = earlier.id) then
    perform private.refuse(409, format('A draft that is %s cannot be edited', earlier.state), earlier.state,
      (select 'The newest version is ' || d.id from public.drafts d where d.task_id = earlier.task_id order by d.version desc limit 1));
  end if;
  perform private.supersede_draft(earlier);
  -- An approved draft has a send task that waits in the queue; it goes with the draft.
  update public.tasks t set execution_status = 'cancelled'
  where t.parent_task_id = earlier.task_id and t.tool = 'email_send' and t.tool_input ->> 'draft_id' = earlier.id::text
    and t.execution_status in ('pending', 'queued');
  return private.draft_json(private.insert_draft(private.own_task(earlier.task_id), (to_jsonb(earlier)) || changes, earlier));
end $$;
comment on function public.revise_draft is 'An edit: a new version with the changes, which needs its own approval. The old approval is void.';

create function private.queue_child(task public.tasks, title text, tool text, tool_input jsonb) returns uuid
language plpgsql set search_path = '' as $$
declare
  child public.tasks;
begin
  child := private.insert_task(jsonb_build_object('title', left(title, 300), 'tool', tool, 'tool_input', tool_input, 'kind', tool,
    'execution_type', 'fully_automated', 'source', 'agent', 'priority', task.priority), task.id);
  update public.tasks t set execution_status = 'queued' where t.id = child.id;
  return child.id;
end $$;
comment on function private.queue_child is 'A child task that runs a tool: sending and revising have states of their own.';

create function public.approve_draft(draft_id uuid, digest text, notes text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  draft public.drafts := private.own_draft(approve_draft.draft_id, true);
begin
  if draft.state <> 'draft' then
    perform private.refuse(409, format('This draft is %s already', draft.state), draft.state,
      (select 'The newest version is ' || d.id from public.drafts d where d.task_id = draft.task_id and d.id <> draft.id
       and d.version > draft.version order by d.version desc limit 1));
  end if;
  if draft.digest is distinct from approve_draft.digest then
    perform private.refuse(409, 'This is not the draft that was shown', 'the digest differs', 'Read it again, then approve what you see.');
  end if;
  if cardinality(draft.to_recipients || draft.cc_recipients || draft.bcc_recipients) = 0 then
    perform private.refuse(422, 'This draft has no recipient', 'to_recipients', 'Add an address first.');
  end if;
  update public.approvals a set state = 'approved', notes = approve_draft.notes where a.draft_id = draft.id and a.state = 'open';
  update public.drafts d set state = 'approved' where d.id = draft.id returning d.* into draft;
  perform private.queue_child(private.own_task(draft.task_id), 'Send: ' || coalesce(nullif(draft.subject, ''), '(no subject)'),
    'email_send', jsonb_build_object('draft_id', draft.id));
  return private.draft_json(draft);
end $$;
comment on function public.approve_draft is 'A person''s yes to exactly the content with this digest; the send task is queued in the same transaction.';

create function public.reject_draft(draft_id uuid, feedback text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  draft public.drafts := private.own_draft(reject_draft.draft_id, true);
  task public.tasks;
begin
  if draft.state <> 'draft' then
    perform private.refuse(409, format('This draft is %s already', draft.state), draft.state);
  end if;
  update public.approvals a set state = 'rejected', notes = reject_draft.feedback where a.draft_id = draft.id and a.state = 'open';
  update public.drafts d set state = 'rejected', feedback = nullif(trim(reject_draft.feedback), '') where d.id = draft.id returning d.* into draft;
  task := private.own_task(draft.task_id, true);
  if draft.feedback is not null then
    perform private.queue_child(task, 'Revise: ' || coalesce(nullif(draft.subject, ''), task.title), 'revise_draft',
      jsonb_build_object('draft_id', draft.id, 'feedback', draft.feedback));
  elsif task.execution_status = 'blocked' and task.blocked_on = 'review' then
    update public.tasks t set blocked_on = 'person', blocked_reason = 'You rejected the draft',
      unblocked_by = 'Execute again for a new draft, or do it yourself and tick it off' where t.id = task.id;
  end if;
  return private.draft_json(draft);
end $$;
comment on function public.reject_draft is 'A person''s no. With feedback a revision is queued; without, the task waits for the person.';

create function public.get_draft(draft_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  select private.draft_json(d) || jsonb_build_object('history',
    (select jsonb_agg(jsonb_build_object('id', h.id, 'version', h.version, 'state', h.state, 'author_type', h.author_type,
       'subject', h.subject, 'body', h.body, 'to_recipients', h.to_recipients, 'cc_recipients', h.cc_recipients, 'bcc_recipients', h.bcc_recipients,
       'feedback', h.feedback, 'created_at', h.created_at, 'decided_at', h.decided_at) order by h.version)
     from public.drafts h where h.task_id = d.task_id))
  from private.own_draft(get_draft.draft_id) d
$$;
comment on function public.get_draft is 'One draft with the history of its versions.';

create function public.list_drafts(filter jsonb default '{}', after jsonb default null, page_size integer default 50) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  rows jsonb;
begin
  if page_size is null or page_size not between 1 and 200 then
    perform private.refuse(422, 'limit is between 1 and 200', format('limit is %s', page_size));
  end if;
  select coalesce(jsonb_agg(private.draft_json(p) order by p.created_at desc, p.id desc), '[]') into rows from (
    select d.* from public.drafts d where d.organization_id = private.acting_organization()
      and (not filter ? 'state' or d.state in (select jsonb_array_elements_text(filter -> 'state')))
      and (not filter ? 'task_id' or d.task_id = (filter ->> 'task_id')::uuid)
      and (after is null or (d.created_at, d.id) < ((after ->> 0)::timestamptz, (after ->> 1)::uuid))
    order by d.created_at desc, d.id desc limit page_size) p;
  return jsonb_build_object('items', rows, 'after', case when jsonb_array_length(rows) = page_size
    then jsonb_build_array(rows -> -1 -> 'created_at', rows -> -1 -> 'id') end);
exception when invalid_text_representation or invalid_datetime_format then
  perform private.refuse(422, 'A filter or cursor has a wrong value', sqlerrm);
  return null;
end $$;
comment on function public.list_drafts is 'A page of drafts, newest first: {items, after}. filter keys: state (array), task_id.';

create function public.deliver_draft(task_id uuid, content jsonb, result_data jsonb, supersedes_id uuid default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(deliver_draft.task_id, true);
  draft jsonb;
  target_id uuid := coalesce((select d.task_id from public.drafts d where d.id = deliver_draft.supersedes_id), task.id);
begin
  draft := public.create_draft(target_id, content, deliver_draft.supersedes_id);
  if task.id <> target_id or task.execution_type = 'fully_automated' then
    perform public.complete_task_execution(task.id, result_data || jsonb_build_object('draft_id', draft ->> 'id'));
  else
    perform public.block_task_execution(task.id, 'Waiting for your review', 'review', 'Approve the draft, edit it, or say what to change',
      result_data || jsonb_build_object('draft_id', draft ->> 'id'), 'immediate');
  end if;
  return draft;
end $$;
comment on function public.deliver_draft is
  'The end of a run that made a draft: draft, approval and the task''s next state in one transaction. A revision completes; its draft belongs to the first task.';

-- Section: sending (the worker) -----------------------------------------------------------------------------------

create function public.begin_sending(draft_id uuid, message_id text) returns jsonb
language plpgsql set search_path = '' as $$
declare
  draft public.drafts := private.own_draft(begin_sending.draft_id, true);
  was text := draft.state;
  attempt_unknown boolean := draft.attempt_started_at is not null;
begin
  if draft.state = 'approved' then
    update public.drafts d set state = 'sending', message_id = begin_sending.message_id, attempt_started_at = now()
    where d.id = draft.id returning d.* into draft;
  elsif draft.state = 'sending' then
    update public.drafts d set attempt_started_at = coalesce(d.attempt_started_at, now()) where d.id = draft.id returning d.* into draft;
  elsif draft.state not in ('sent', 'uncertain', 'failed') then
    perform private.refuse(409, format('A draft that is %s is not sent', draft.state), draft.state);
  end if;
  return private.draft_json(draft) || jsonb_build_object('was', was, 'attempt_unknown', attempt_unknown);
end $$;
comment on function public.begin_sending is
  'approved -> sending, with the Message-ID stored before anything leaves; uses the approval up. `was` and `attempt_unknown` tell a run that comes again how far the earlier one got.';

create function public.release_sending(draft_id uuid) returns void
language plpgsql set search_path = '' as $$
begin
  perform private.own_draft(release_sending.draft_id, true);
  update public.drafts d set attempt_started_at = null where d.id = release_sending.draft_id and d.state = 'sending';
end $$;
comment on function public.release_sending is 'The attempt ended and certainly nothing left: the next one may send without asking.';

create function public.finish_sending(draft_id uuid, outcome text, receipt jsonb default null, reason text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  draft public.drafts := private.own_draft(finish_sending.draft_id, true);
  task public.tasks;
begin
  if outcome not in ('sent', 'failed', 'uncertain') then
    perform private.refuse(422, 'outcome is sent, failed or uncertain', outcome);
  end if;
  if draft.state = outcome then
    return private.draft_json(draft);
  end if;
  update public.drafts d set state = outcome, receipt = finish_sending.receipt, failure_reason = reason,
    provider_ref = finish_sending.receipt ->> 'location' where d.id = draft.id returning d.* into draft;
  task := private.own_task(draft.task_id, true);
  if outcome = 'sent' and task.execution_status = 'blocked' and task.blocked_on in ('review', 'person') then
    update public.tasks t set execution_status = 'in_progress' where t.id = task.id;
    update public.tasks t set execution_status = 'completed',
      result = coalesce(t.result, '{}') || jsonb_build_object('sent', jsonb_build_object('draft_id', draft.id, 'receipt', draft.receipt))
    where t.id = task.id;
  elsif outcome <> 'sent' and task.execution_status = 'blocked' and task.blocked_on = 'review' then
    update public.tasks t set blocked_on = 'person', blocked_reason = case outcome
      when 'failed' then 'The message was not sent: ' || coalesce(reason, 'no reason given')
      else 'Nobody knows whether the message was sent: ' || coalesce(reason, 'no answer') end,
      unblocked_by = case outcome when 'failed' then 'Edit the draft and approve it again' else 'Look for it, then say whether it arrived' end
    where t.id = task.id;
  end if;
  return private.draft_json(draft);
end $$;
comment on function public.finish_sending is 'What became of a message; a semi-automated task that waited for it completes.';

create function public.resolve_draft(draft_id uuid, was_sent boolean) returns jsonb
language plpgsql set search_path = '' as $$
declare
  draft public.drafts := private.own_draft(resolve_draft.draft_id, true);
begin
  if draft.state <> 'uncertain' then
    perform private.refuse(409, format('This draft is %s, not uncertain', draft.state), draft.state);
  end if;
  -- The send task waits for the same word.
  update public.tasks t set execution_status = 'in_progress'
  where t.parent_task_id = draft.task_id and t.tool_input ->> 'draft_id' = draft.id::text and t.tool = 'email_send' and t.execution_status = 'blocked';
  update public.tasks t set execution_status = case when was_sent then 'completed' else 'failed' end,
    failure_reason = case when not was_sent then 'A person found that it was not sent' end
  where t.parent_task_id = draft.task_id and t.tool_input ->> 'draft_id' = draft.id::text and t.tool = 'email_send' and t.execution_status = 'in_progress';
  return public.finish_sending(draft.id, case when was_sent then 'sent' else 'failed' end,
    coalesce(draft.receipt, '{}') || '{"resolved_by": "person"}', case when not was_sent then 'A person found that it was not sent' end);
end $$;
comment on function public.resolve_draft is 'A person says what became of an uncertain message.';

-- Section: results and gates that wait for a person ---------------------------------------------------------------

create function public.request_review(task_id uuid, title text, result_data jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(request_review.task_id, true);
begin
  update public.approvals a set state = 'voided' where a.task_id = task.id and a.draft_id is null and a.state = 'open';
  insert into public.approvals (organization_id, task_id, title, digest)
  values (task.organization_id, task.id, request_review.title, encode(sha256(convert_to(coalesce(result_data, '{}')::text, 'UTF8')), 'hex'));
  return public.block_task_execution(task.id, 'Waiting for your review', 'review', 'Approve it, or say what to change', result_data, 'immediate');
end $$;
comment on function public.request_review is 'A semi-automated result is there: the task waits, blocked, for a person''s yes.';

create function public.decide_approval(approval_id uuid, approved boolean, notes text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  approval public.approvals;
begin
  select * into approval from public.approvals a where a.id = decide_approval.approval_id and private.in_scope(a.organization_id);
  if approval.id is null then
    perform private.refuse(404, 'There is no such approval', format('approval %s', decide_approval.approval_id));
  end if;
  if approval.draft_id is not null then
    if approved then
      perform public.approve_draft(approval.draft_id, approval.digest, notes);
    else
      perform public.reject_draft(approval.draft_id, notes);
    end if;
  else
    perform private.own_task(approval.task_id, true);
    update public.approvals a set state = case when approved then 'approved' else 'rejected' end, notes = decide_approval.notes
    where a.id = approval.id;
    if approved then
      update public.approvals a set state = 'used' where a.id = approval.id;
      perform public.update_task(approval.task_id, '{"execution_status": "completed"}');
    elsif nullif(trim(notes), '') is not null then
      update public.tasks t set tool_input = t.tool_input || jsonb_build_object('feedback', trim(notes)) where t.id = approval.task_id;
      update public.tasks t set execution_status = 'queued' where t.id = approval.task_id;
    else
      update public.tasks t set blocked_on = 'person', blocked_reason = 'You rejected the result',
        unblocked_by = 'Execute again, or do it yourself and tick it off' where t.id = approval.task_id;
    end if;
  end if;
  return (select to_jsonb(a) from public.approvals a where a.id = decide_approval.approval_id);
end $$;
comment on function public.decide_approval is 'Yes or no to anything that waits; a no with notes has it done again.';

create function public.list_approvals(filter jsonb default '{}', after jsonb default null, page_size integer default 50) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  rows jsonb;
begin
  if page_size is null or page_size not between 1 and 200 then
    perform private.refuse(422, 'limit is between 1 and 200', format('limit is %s', page_size));
  end if;
  select coalesce(jsonb_agg(to_jsonb(p) || jsonb_build_object('task_title', (select t.title from public.tasks t where t.id = p.task_id))
    order by p.created_at desc, p.id desc), '[]') into rows from (
    select a.* from public.approvals a where a.organization_id = private.acting_organization()
      and (not filter ? 'state' or a.state in (select jsonb_array_elements_text(filter -> 'state')))
      and (after is null or (a.created_at, a.id) < ((after ->> 0)::timestamptz, (after ->> 1)::uuid))
    order by a.created_at desc, a.id desc limit page_size) p;
  return jsonb_build_object('items', rows, 'after', case when jsonb_array_length(rows) = page_size
    then jsonb_build_array(rows -> -1 -> 'created_at', rows -> -1 -> 'id') end);
exception when invalid_text_representation or invalid_datetime_format then
  perform private.refuse(422, 'A filter or cursor has a wrong value', sqlerrm);
  return null;
end $$;
comment on function public.list_approvals is 'A page of approvals, newest first: {items, after}. filter keys: state (array).';

do $$ declare f text; begin
  foreach f in array array['create_draft', 'revise_draft', 'approve_draft', 'reject_draft', 'get_draft', 'list_drafts', 'resolve_draft',
    'request_review', 'decide_approval', 'list_approvals'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('public.begin_sending', array['service_role']);
  perform private.expose_function('public.release_sending', array['service_role']);
  perform private.expose_function('public.deliver_draft', array['service_role']);
  -- resolve_draft, which a person calls, goes through finish_sending.
  perform private.expose_function('public.finish_sending', array['authenticated', 'service_role']);
  foreach f in array array['draft_json', 'own_draft', 'insert_draft', 'supersede_draft', 'queue_child'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
end $$;
