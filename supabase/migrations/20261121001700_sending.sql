-- Sending, with the journal: a run that was taken over begins nothing, and a draft at the provider is kept before it is sent.

create or replace function public.begin_sending(draft_id uuid, message_id text) returns jsonb
language plpgsql set search_path = '' as $$
declare
  draft public.drafts := private.own_draft(begin_sending.draft_id, true);
  was text := draft.state;
  attempt_unknown boolean := draft.attempt_started_at is not null;
begin
  if exists (select 1 from public.tasks t where t.id = (auth.jwt() ->> 'run_task_id')::uuid
             and (private.is_stale_run(t) or t.execution_status <> 'in_progress')) then
    perform private.refuse(409, 'This run may not send: its task was paused, cancelled or taken over', 'stale run');
  end if;
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

create function public.store_provider_draft(draft_id uuid, provider_ref text) returns void
language plpgsql set search_path = '' as $$
begin
  perform private.own_draft(store_provider_draft.draft_id, true);
  update public.drafts d set provider_ref = store_provider_draft.provider_ref
  where d.id = store_provider_draft.draft_id and d.state = 'sending';
end $$;
comment on function public.store_provider_draft is 'The id of the draft at the provider, kept before that draft is sent: exactly this one is sent, once.';
select private.expose_function('public.store_provider_draft', array['service_role']);

create or replace function public.finish_sending(draft_id uuid, outcome text, receipt jsonb default null, reason text default null) returns jsonb
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
    provider_ref = coalesce(d.provider_ref, finish_sending.receipt ->> 'location') where d.id = draft.id returning d.* into draft;
  task := private.own_task(draft.task_id, true);
  if outcome = 'sent' and task.execution_status = 'blocked' and task.blocked_on in ('review', 'person') then
    update public.tasks t set execution_status = 'in_progress' where t.id = task.id;
    update public.tasks t set execution_status = 'completed', verification = 'verified',
      evidence = jsonb_build_array(jsonb_build_object('kind', 'draft', 'what', 'The approved draft was sent', 'where', draft.id, 'at', now())),
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

create or replace function public.deliver_draft(task_id uuid, content jsonb, result_data jsonb, supersedes_id uuid default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(deliver_draft.task_id);
  draft jsonb;
  target_id uuid := coalesce((select d.task_id from public.drafts d where d.id = deliver_draft.supersedes_id), task.id);
begin
  draft := public.create_draft(target_id, content, deliver_draft.supersedes_id);
  -- A part of a tree is done when its message has left: what depends on it waits for that.
  if task.id <> target_id or (task.execution_type = 'fully_automated' and task.parent_task_id is null) then
    perform public.complete_task_execution(task.id, result_data || jsonb_build_object('draft_id', draft ->> 'id'), 'verified',
      jsonb_build_array(jsonb_build_object('kind', 'draft', 'what', 'The draft is there', 'where', draft ->> 'id', 'at', now())));
  else
    perform public.block_task_execution(task.id, 'Waiting for your review', 'review', 'Approve the draft, edit it, or say what to change',
      result_data || jsonb_build_object('draft_id', draft ->> 'id'), 'immediate');
  end if;
  return draft;
end $$;

create or replace function public.request_review(task_id uuid, title text, result_data jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(request_review.task_id);
begin
  update public.approvals a set state = 'voided' where a.task_id = task.id and a.draft_id is null and a.state = 'open';
  insert into public.approvals (organization_id, task_id, title, digest)
  values (task.organization_id, task.id, request_review.title, encode(sha256(convert_to(coalesce(result_data, '{}')::text, 'UTF8')), 'hex'));
  return public.block_task_execution(task.id, 'Waiting for your review', 'review', 'Approve it, or say what to change', result_data, 'immediate');
end $$;

create or replace function public.resolve_draft(draft_id uuid, was_sent boolean) returns jsonb
language plpgsql set search_path = '' as $$
declare
  draft public.drafts := private.own_draft(resolve_draft.draft_id, true);
  found_out text := case when was_sent then 'A person found that it was sent' else 'A person found that it was not sent' end;
begin
  if draft.state <> 'uncertain' then
    perform private.refuse(409, format('This draft is %s, not uncertain', draft.state), draft.state);
  end if;
  -- The send task waits for the same word.
  update public.tasks t set execution_status = 'in_progress'
  where t.parent_task_id = draft.task_id and t.tool_input ->> 'draft_id' = draft.id::text and t.tool in ('email_send', 'slack_notification') and t.execution_status = 'blocked';
  update public.tasks t set execution_status = case when was_sent then 'completed' else 'failed' end, verification = case when was_sent then 'claimed' end,
    failure_reason = case when not was_sent then found_out end,
    evidence = case when was_sent then jsonb_build_array(jsonb_build_object('kind', 'word', 'what', found_out, 'at', now())) else t.evidence end
  where t.parent_task_id = draft.task_id and t.tool_input ->> 'draft_id' = draft.id::text and t.tool in ('email_send', 'slack_notification') and t.execution_status = 'in_progress';
  return public.finish_sending(draft.id, case when was_sent then 'sent' else 'failed' end,
    coalesce(draft.receipt, '{}') || '{"resolved_by": "person"}', case when not was_sent then found_out end);
end $$;
