-- Acts of tools: a person says yes to exactly what a tool will do; the yes is used up by the step that does it.

alter table public.approvals
  add column tool text check (length(tool) between 1 and 200),
  add column generation integer,
  add column step_id uuid references public.steps (id) on delete set null;
comment on column public.approvals.tool is 'The tool that will act with exactly this payload {input, facts: [[name, value]], text, given}; null for drafts, results and gates.';
comment on column public.approvals.generation is 'The generation of the task that asked; work that is asked for anew asks again.';
comment on column public.approvals.step_id is 'The step that used this approval: its retries go on with it, no other step can use it.';
create index approvals_step_idx on public.approvals (step_id) where step_id is not null;

alter table public.tasks
  drop constraint tasks_blocked_on_check,
  add constraint tasks_blocked_on_check check (blocked_on in
    ('review', 'person', 'subtasks', 'model', 'delay', 'agent', 'reply', 'approval', 'bounds', 'account'));
comment on constraint tasks_blocked_on_check on public.tasks is
  'account: a service is not connected, or its sign-in has expired; connecting it lets the task go on.';

create function public.request_act(task_id uuid, title text, payload jsonb, why text default '', expires_in_seconds double precision default null)
returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(request_act.task_id);
  sealed jsonb := payload || jsonb_build_object('given', task.tool_input);
  asked public.approvals;
begin
  if task.tool is null or jsonb_typeof(payload -> 'input') is distinct from 'object' then
    perform private.refuse(422, 'An act belongs to a task with a tool, and its payload carries the tool''s input', 'payload.input');
  end if;
  update public.approvals a set state = 'voided' where a.task_id = task.id and a.draft_id is null and a.state in ('open', 'approved');
  insert into public.approvals (organization_id, task_id, title, digest, why, payload, tool, generation, expires_at)
  values (task.organization_id, task.id, left(request_act.title, 500), encode(sha256(convert_to(sealed::text, 'UTF8')), 'hex'),
    coalesce(request_act.why, ''), sealed, task.tool, task.generation, now() + make_interval(secs => expires_in_seconds)) returning * into asked;
  perform public.block_task_execution(task.id, 'Waiting for your yes to what it will do', 'approval', 'Say yes or no', until => asked.expires_at);
  return to_jsonb(asked);
end $$;
comment on function public.request_act is
  'A tool asks before it acts: the task waits, blocked, until a person says yes or no to exactly this payload {input, facts, text}, or until it expires.';

create function public.get_act(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_act.task_id);
begin
  return (select to_jsonb(a) from public.approvals a
    where a.task_id = task.id and a.tool = task.tool
      and (exists (select 1 from public.steps s where s.id = a.step_id and s.state = 'finished')
           or a.generation = task.generation and a.payload -> 'given' = task.tool_input
              and (a.state = 'used' and a.step_id is not null or a.state = 'approved' and (a.expires_at is null or a.expires_at > now())))
    order by a.created_at desc limit 1);
end $$;
comment on function public.get_act is
  'The person''s yes on which the tool of this task may act: unused, used by a step of this very work, or by one that is finished. Null when it has to ask (again).';

drop function public.begin_step;
create function public.begin_step(task_id uuid, key text, kind text, name text, approval_id uuid default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(begin_step.task_id);
  known public.steps;
  was text;
  reached text;
begin
  select * into known from public.steps s where s.task_id = task.id and s.key = begin_step.key for no key update;
  if known.state = 'finished' then
    update public.steps s set replays = s.replays + 1 where s.id = known.id;
    return jsonb_build_object('state', 'finished', 'step_id', known.id, 'result', known.result);
  end if;
  if known.state = 'uncertain' then
    return jsonb_build_object('state', 'uncertain', 'step_id', known.id);
  end if;
  if kind = 'model' then
    reached := private.work_bound(task.root_task_id);
    if reached is not null then
      return jsonb_build_object('state', 'refused', 'reason', reached);
    end if;
  end if;
  was := known.state;
  if known.id is null then
    insert into public.steps as s (organization_id, task_id, root_task_id, key, kind, name, run_id)
    values (task.organization_id, task.id, task.root_task_id, begin_step.key, begin_step.kind, begin_step.name, task.run_id) returning s.* into known;
  else
    update public.steps s set state = 'started', error = null, started_at = clock_timestamp(), finished_at = null, run_id = task.run_id,
      attempts = s.attempts + case when was = 'started' and s.run_id is not distinct from task.run_id then 0 else 1 end
    where s.id = known.id;
  end if;
  if begin_step.approval_id is not null then
    update public.approvals a set state = 'used', step_id = known.id
    where a.id = begin_step.approval_id and a.task_id = task.id and a.tool = task.tool
      and (a.state = 'approved' and (a.expires_at is null or a.expires_at > now()) or a.state = 'used' and a.step_id = known.id);
    if not found then
      perform private.refuse(409, 'Nothing is done without an unused approval of exactly this', format('approval %s', begin_step.approval_id));
    end if;
  end if;
  return jsonb_build_object('step_id', known.id,
    'state', case when was = 'started' and kind = 'act' and known.run_id is distinct from task.run_id then 'unknown' else 'new' end);
end $$;
comment on function public.begin_step is
  'Before the effect. new: do it; finished: here is its result, do not do it again; unknown: an earlier run began it and did not end; uncertain: a person decides; refused: a bound of the tree is reached. approval_id: the person''s yes that this step uses up.';

create or replace function private.before_approval_update() returns trigger
language plpgsql set search_path = '' as $$
declare
  allowed text[] := case old.state
    when 'open' then array['approved', 'rejected', 'expired', 'voided']
    when 'approved' then array['used', 'voided']
    else array[]::text[] end;
begin
  if new.id <> old.id or new.organization_id <> old.organization_id or new.task_id <> old.task_id
     or new.draft_id is distinct from old.draft_id or new.digest <> old.digest
     or new.expires_at is distinct from old.expires_at or new.payload <> old.payload or new.why <> old.why or new.title <> old.title
     or new.requested_by <> old.requested_by or new.created_at <> old.created_at or new.tool is distinct from old.tool
     or new.generation is distinct from old.generation
     or (old.step_id is not null and new.step_id is not null and new.step_id <> old.step_id) then
    perform private.refuse(409, 'What an approval is for never changes');
  end if;
  if new.state = old.state then
    if new.decided_by is distinct from old.decided_by or new.decided_at is distinct from old.decided_at
       or (old.step_id is null and new.step_id is not null) then
      perform private.refuse(409, 'A decision is not rewritten');
    end if;
    return new;
  end if;
  if not new.state = any (allowed) then
    perform private.refuse(409, format('An approval that is %s cannot become %s', old.state, new.state),
      format('allowed: %s', coalesce(nullif(array_to_string(allowed, ', '), ''), 'none, this state is final')));
  end if;
  if new.state in ('approved', 'rejected') then
    if (select auth.uid()) is null then
      perform private.refuse(403, 'Only a person approves or rejects');
    end if;
    if old.expires_at is not null and old.expires_at <= now() then
      perform private.refuse(409, 'This approval has expired');
    end if;
    new.decided_by := (select auth.uid());
    new.decided_at := now();
  end if;
  if new.state = 'used' then new.used_at := now(); end if;
  return new;
end $$;

create or replace function public.decide_approval(approval_id uuid, approved boolean, notes text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  approval public.approvals;
  task public.tasks;
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
    return (select to_jsonb(a) from public.approvals a where a.id = decide_approval.approval_id);
  end if;
  task := private.own_task(approval.task_id, true);
  update public.approvals a set state = case when approved then 'approved' else 'rejected' end, notes = decide_approval.notes
  where a.id = approval.id;
  if approved and approval.tool is not null then
    update public.tasks t set execution_status = 'queued', run_after = null where t.id = task.id;
  elsif approved then
    update public.approvals a set state = 'used' where a.id = approval.id;
    update public.tasks t set execution_status = 'in_progress' where t.id = task.id;
    update public.tasks t set execution_status = 'completed', verification = 'verified',
      result = coalesce(t.result, '{}') || case when task.blocked_on = 'approval' then jsonb_build_object('approved', true, 'notes', notes) else '{}' end,
      evidence = jsonb_build_array(jsonb_build_object('kind', 'approval', 'what', 'A person approved it', 'where', approval.id, 'at', now()))
    where t.id = task.id;
  elsif task.blocked_on = 'approval' then
    update public.tasks t set execution_status = 'failed', failure_reason = 'Rejected' || coalesce(': ' || nullif(trim(notes), ''), '') where t.id = task.id;
  elsif nullif(trim(notes), '') is not null then
    update public.tasks t set tool_input = t.tool_input || jsonb_build_object('feedback', trim(notes)) where t.id = approval.task_id;
    update public.tasks t set execution_status = 'queued' where t.id = approval.task_id;
  else
    update public.tasks t set blocked_on = 'person', blocked_reason = 'You rejected the result',
      unblocked_by = 'Execute again, or do it yourself and tick it off' where t.id = approval.task_id;
  end if;
  return (select to_jsonb(a) from public.approvals a where a.id = decide_approval.approval_id);
end $$;
comment on function public.decide_approval is
  'Yes or no to anything that waits. A yes to an act lets its tool act; a no to a gate or an act fails it, and its tree is re-planned or ends; a no with notes to a result has it done again.';

-- Section: drafts of other channels than mail ---------------------------------------------------------------------

alter table public.drafts
  drop constraint drafts_channel_check,
  add constraint drafts_channel_check check (channel in ('mail', 'slack'));
comment on column public.drafts.target is
  'Where it goes. mail: from_address, from_name, in_reply_to, references, thread_id, account_id; slack: channel (id or #name), thread_ts, account_id.';

create or replace function public.approve_draft(draft_id uuid, digest text, notes text default null) returns jsonb
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
  if draft.channel = 'mail' and cardinality(draft.to_recipients || draft.cc_recipients || draft.bcc_recipients) = 0 then
    perform private.refuse(422, 'This draft has no recipient', 'to_recipients', 'Add an address first.');
  elsif draft.channel = 'slack' and coalesce(draft.target ->> 'channel', '') = '' then
    perform private.refuse(422, 'This draft has no channel', 'target.channel', 'Name a channel or a person first.');
  end if;
  update public.approvals a set state = 'approved', notes = approve_draft.notes where a.draft_id = draft.id and a.state = 'open';
  update public.drafts d set state = 'approved' where d.id = draft.id returning d.* into draft;
  perform private.queue_child(private.own_task(draft.task_id), 'Send: ' || coalesce(nullif(draft.subject, ''), left(nullif(draft.body, ''), 80), '(no subject)'),
    case draft.channel when 'mail' then 'email_send' else 'slack_notification' end, jsonb_build_object('draft_id', draft.id));
  return private.draft_json(draft);
end $$;

do $$ declare f text; begin
  foreach f in array array['request_act', 'get_act', 'begin_step'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
end $$;
