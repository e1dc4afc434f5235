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
  foreach f in array array['request_act', 'get_act'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
end $$;
