-- A member's no to a colleague's draft: the next version stays whose the draft was, and is not its person's word.

create function private.queue_revision(draft_id uuid) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  draft public.drafts;
  task public.tasks;
  child_id uuid;
begin
  select * into draft from public.drafts d
  where d.id = queue_revision.draft_id and private.in_scope(d.organization_id) and d.state = 'rejected' and d.feedback is not null
    and d.decided_at = now(); -- in the transaction that rejected it
  if draft.id is null then
    perform private.refuse(409, 'Only a draft that was just rejected is written anew');
  end if;
  select * into task from public.tasks t where t.id = draft.task_id;
  child_id := private.queue_child(task, 'Revise: ' || coalesce(nullif(draft.subject, ''), task.title), 'revise_draft',
    jsonb_build_object('draft_id', draft.id, 'feedback', draft.feedback));
  update public.tasks t set created_by = private.person_of_task(task.id), source_ref = t.source_ref || '{"others_words": true}',
    tainted_by = private.merged_taint(t.tainted_by, private.taint_of_colleague(t))
  where t.id = child_id and t.created_by <> private.person_of_task(task.id);
  return child_id;
end $$;
comment on function private.queue_revision is
  'Queues the next version of a draft that was just rejected with feedback. It belongs to whoever the draft''s task belongs to; what another member said of it taints it. Definer, because nobody says whose a task is.';
select private.expose_function('private.queue_revision', array['authenticated', 'service_role']);

create or replace function public.reject_draft(draft_id uuid, feedback text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  draft public.drafts := private.own_draft(reject_draft.draft_id, true);
  approval public.approvals;
  task public.tasks;
begin
  if draft.state <> 'draft' then
    perform private.refuse(409, format('This draft is %s already', draft.state), draft.state);
  end if;
  update public.approvals a set state = 'rejected', notes = reject_draft.feedback where a.draft_id = draft.id and a.state = 'open' returning a.* into approval;
  update public.drafts d set state = 'rejected', feedback = nullif(trim(reject_draft.feedback), '') where d.id = draft.id returning d.* into draft;
  perform private.demote_for(approval, 'You said no to what it would have let through');
  task := private.own_task(draft.task_id, true);
  if draft.feedback is not null then
    perform private.queue_revision(draft.id);
  elsif task.execution_status = 'blocked' and task.blocked_on = 'review' then
    update public.tasks t set blocked_on = 'person',
      blocked_reason = case when t.created_by <> (select auth.uid()) then 'Another member rejected the draft' else 'You rejected the draft' end,
      unblocked_by = 'Execute again for a new draft, or do it yourself and tick it off' where t.id = task.id;
  end if;
  return private.draft_json(draft);
end $$;

-- Section: who wrote a draft, and whose it is ------------------------------------------------------------------------

create or replace function private.draft_json(draft public.drafts) returns jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(draft) || case when draft.thread_moved is null then '{}' else jsonb_build_object('thread_moved',
      draft.thread_moved || jsonb_build_object('messages', private.with_quotes(draft.task_id, draft.thread_moved -> 'messages'))) end
    || jsonb_build_object(
    'superseded_by_id', (select d.id from public.drafts d where d.supersedes_id = draft.id),
    'task_title', t.title, 'person_id', t.created_by)
    || coalesce((select jsonb_build_object('approval_id', a.id, 'approval', jsonb_build_object('id', a.id, 'state', a.state,
        'decision', private.decision_with_quotes(a.task_id, a.decision),
        'decided_how', a.decided_how, 'policy_id', a.policy_id, 'hold_until', a.hold_until, 'expires_at', a.expires_at, 'good_until', a.good_until,
        'origin', a.origin, 'requested_by', a.requested_by, 'why', a.why, 'notes', a.notes, 'approver', private.approver_json(a)))
      from public.approvals a where a.draft_id = draft.id order by a.created_at desc limit 1), '{"approval_id": null}')
  from (select) one left join public.tasks t on t.id = draft.task_id
$$;

create or replace function public.get_draft(draft_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  select private.draft_json(d) || jsonb_build_object('history',
    (select jsonb_agg(jsonb_build_object('id', h.id, 'version', h.version, 'state', h.state, 'author_type', h.author_type, 'author_id', h.author_id,
       'subject', h.subject, 'body', h.body, 'to_recipients', h.to_recipients, 'cc_recipients', h.cc_recipients, 'bcc_recipients', h.bcc_recipients,
       'feedback', h.feedback, 'created_at', h.created_at, 'decided_at', h.decided_at) order by h.version)
     from public.drafts h where h.task_id = d.task_id))
  from private.own_draft(get_draft.draft_id) d
$$;
