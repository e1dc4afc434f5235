-- Interrupts of outside agents in the form of the Agent Inbox: an action with its arguments, and what a person may answer to it.
-- An interrupt is a task with the tool `agent_interrupt`, a part of the agent's own task or by itself. Its approval is sealed over exactly
-- what the agent sent; the answer {type, args} is the task's output. What the agent then does is its own: nothing is done here.

-- Section: whose question an approval is --------------------------------------------------------------------------

alter table public.approvals add column asked_by jsonb check (jsonb_typeof(asked_by) = 'object');
comment on column public.approvals.asked_by is
  'Which outside agent asks, {agent_id, name}: then the payload is its interrupt {action_request, config, description}, written by somebody else.';

create function private.before_asker_changes() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform private.refuse(409, 'What an approval is for never changes');
  return null;
end $$;
comment on function private.before_asker_changes is 'Who asks stays who asked.';
create trigger approvals_07_asked before update on public.approvals for each row
when (new.asked_by is distinct from old.asked_by) execute function private.before_asker_changes();

create function private.before_interrupt_ends() returns trigger
language plpgsql set search_path = '' as $$
begin
  if new.execution_status = 'completed' and old.execution_status <> 'completed' and not exists (
       select 1 from public.approvals a where a.task_id = old.id and a.asked_by is not null and a.state in ('used', 'rejected') and a.decided_by is not null) then
    perform private.refuse(409, 'A question of an agent is answered, not ticked off', format('task %s', old.id), 'Answer it under Review, or on its page.');
  elsif (new.tool, new.tool_input, new.waived_at) is distinct from (old.tool, old.tool_input, old.waived_at) then
    perform private.refuse_undecided();
  end if;
  return new;
end $$;
comment on function private.before_interrupt_ends is
  'An interrupt completes by a person''s answer alone; no program without the scope to decide words it anew or leaves it out.';
create trigger tasks_13_interrupt before update of execution_status, tool, tool_input, waived_at on public.tasks for each row
when (old.tool = 'agent_interrupt') execute function private.before_interrupt_ends();

create function private.interrupt_answers(config jsonb) returns text[]
language sql immutable set search_path = '' as $$
  select coalesce(array_agg(k.answer order by k.place), '{}')
  from (values (1, 'accept', 'allow_accept'), (2, 'edit', 'allow_edit'), (3, 'response', 'allow_respond'), (4, 'ignore', 'allow_ignore')) k (place, answer, flag)
  where config -> k.flag = 'true'
$$;
comment on function private.interrupt_answers is 'What may be answered, by the config of an interrupt: of accept, edit, response, ignore.';

-- Section: asking -------------------------------------------------------------------------------------------------

create function private.is_interrupt(interrupt jsonb) returns boolean
language sql immutable set search_path = '' as $$
  select coalesce(jsonb_typeof(interrupt -> 'action_request' -> 'args') = 'object' and jsonb_typeof(interrupt -> 'action_request' -> 'action') = 'string'
    and interrupt - array['action_request', 'config', 'description'] = '{}' and jsonb_typeof(coalesce(interrupt -> 'description', '""')) in ('string', 'null')
    and cardinality(private.interrupt_answers(interrupt -> 'config')) > 0 and length(interrupt::text) <= 300000, false)
$$;
comment on function private.is_interrupt is 'Has it the form {action_request: {action, args}, config, description}, with at least one answer allowed?';

create function public.request_interrupt(task_id uuid, interrupt jsonb, expires_in_seconds double precision default null,
  remind_after_seconds double precision default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(request_interrupt.task_id);
  agent public.agents;
  asked public.approvals;
begin
  if not private.is_interrupt(interrupt) then
    perform private.refuse(422, 'An interrupt is {action_request: {action, args}, config, description}, and its config allows at least one answer');
  end if;
  select a.* into agent from public.agents a
  where a.id = (task.source_ref ->> 'agent_id')::uuid and a.organization_id = task.organization_id;
  update public.approvals a set state = 'voided' where a.task_id = task.id and a.draft_id is null and a.state = 'open';
  -- By the clock, not the transaction's time: several asked at once stay in their order.
  insert into public.approvals (organization_id, task_id, title, digest, payload, expires_at, created_at, asked_by)
  values (task.organization_id, task.id, private.interrupt_title(agent.name, interrupt), encode(sha256(convert_to(interrupt::text, 'UTF8')), 'hex'),
    interrupt, now() + make_interval(secs => expires_in_seconds), clock_timestamp(), jsonb_build_object('agent_id', agent.id, 'name', coalesce(agent.name, 'An agent')))
  returning * into asked;
  if agent.id is not null then
    update public.tasks t set tainted_by = private.merged_taint(t.tainted_by, private.taken_from(agent)) where t.id = task.id;
  end if;
  perform public.block_task_execution(task.id, 'Waiting for your answer', 'approval', 'Answer it under Review', until => asked.expires_at,
    remind_after_seconds => request_interrupt.remind_after_seconds);
  return to_jsonb(asked);
end $$;
comment on function public.request_interrupt is
  'A running task waits for a person''s answer to exactly this interrupt of an agent; without expires_in_seconds as long as any question waits (worker only).';

create function private.interrupt_title(agent_name text, interrupt jsonb) returns text
language sql immutable set search_path = '' as $$
  select left(format('%s asks: %s', coalesce(agent_name, 'An agent'), btrim(regexp_replace(interrupt -> 'action_request' ->> 'action', '[[:cntrl:][:space:]]+', ' ', 'g'))), 300)
$$;
comment on function private.interrupt_title is 'Who asks for what, in one line.';

create function public.open_interrupts(agent_id uuid, interrupts jsonb) returns setof jsonb
language plpgsql set search_path = '' as $$
declare
  agent public.agents := private.speaking_agent(open_interrupts.agent_id);
  made public.tasks;
  item record;
  open_count bigint;
  known_as text;
  ref jsonb;
  given jsonb;
begin
  if jsonb_typeof(interrupts) is distinct from 'array' or jsonb_array_length(interrupts) not between 1 and 50 then
    perform private.refuse(422, 'interrupts is a list of 1 to 50 interrupts');
  end if;
  perform pg_advisory_xact_lock(hashtextextended('agent ' || agent.id, 0));
  select count(*) into open_count from public.approvals a
  where a.organization_id = agent.organization_id and a.state = 'open' and a.asked_by ->> 'agent_id' = agent.id::text;
  for item in select (i.value ->> 'task_id')::uuid as about, (i.value ->> 'expires_in_seconds')::double precision as expires, i.value ->> 'key' as key,
      i.value - array['task_id', 'expires_in_seconds', 'key'] as interrupt from jsonb_array_elements(interrupts) with ordinality i order by i.ordinality
  loop
    if item.key is not null and length(item.key) not between 1 and 200 then
      perform private.refuse(422, 'The key of an interrupt has 1 to 200 characters');
    end if;
    known_as := format('agent:%s:%s', agent.id, item.key);
    ref := jsonb_strip_nulls(jsonb_build_object('agent_id', agent.id, 'task_id', item.about));
    given := item.interrupt || jsonb_strip_nulls(jsonb_build_object('expires_in_seconds', item.expires));
    select t.* into made from public.tasks t where item.key is not null and t.organization_id = agent.organization_id and t.source_key = known_as;
    if made.id is not null then
      if (made.tool, made.source_ref - 'by_program', made.tool_input) is distinct from ('agent_interrupt', ref, given) then
        perform private.refuse(409, 'Under this key you have asked something else', format('key %s, interrupt %s', item.key, made.id), 'Use a new key for a new question.');
      end if;
      return next jsonb_build_object('id', made.id, 'status', private.interrupt_json(made) -> 'status');
      continue;
    end if;
    open_count := open_count + 1;
    if open_count > 200 then
      perform private.refuse(409, 'You may have 200 open questions at a time', null, 'Wait for answers, or withdraw some.');
    end if;
    if not private.is_interrupt(item.interrupt) then
      perform private.refuse(422, 'An interrupt is {action_request: {action, args}, config, description}, and its config allows at least one answer');
    end if;
    if item.about is not null and not exists (select 1 from public.agent_leases l where l.task_id = item.about and l.agent_id = agent.id) then
      perform private.refuse(404, 'There is no such work of yours', format('task_id %s', item.about), 'You never had this task under lease.');
    end if;
    made := private.insert_task(jsonb_build_object('title', private.interrupt_title(agent.name, item.interrupt), 'source', 'agent', 'tool', 'agent_interrupt',
      'execution_type', 'fully_automated', 'on_failure', 'escalate', 'agent_id', agent.id,
      'source_ref', ref, 'source_key', case when item.key is not null then known_as end, 'tool_input', given));
    update public.tasks t set execution_status = 'in_progress' where t.id = made.id;
    perform public.request_interrupt(made.id, item.interrupt, item.expires);
    return next jsonb_build_object('id', made.id, 'status', 'waiting');
  end loop;
end $$;
comment on function public.open_interrupts is
  'The agent that speaks asks a person: interrupts {action_request, config, description, task_id, expires_in_seconds, key}, each a task by itself; task_id says which of its work it is about. {id, status} of each. The same under a key that was used already is the same interrupt, PT409 another.';

-- Section: what became of it, for its agent -----------------------------------------------------------------------

create function private.own_interrupt(agent_id uuid, interrupt_id uuid, for_update boolean) returns public.tasks
language plpgsql set search_path = '' as $$
declare
  agent public.agents := private.speaking_agent(own_interrupt.agent_id);
  task public.tasks := private.own_task(own_interrupt.interrupt_id, own_interrupt.for_update);
begin
  if task.tool is distinct from 'agent_interrupt' or task.source_ref ->> 'agent_id' is distinct from agent.id::text then
    perform private.refuse(404, 'There is no such interrupt', format('interrupt %s', own_interrupt.interrupt_id));
  end if;
  return task;
end $$;
comment on function private.own_interrupt is 'An interrupt of the agent that speaks. PT404 for any other.';

create function private.interrupt_json(task public.tasks) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('id', task.id,
    'status', case
      when task.execution_status = 'completed' then 'answered'
      when task.execution_status = 'cancelled' then 'withdrawn'
      when a.state = 'expired' or a.state = 'open' and a.expires_at <= now() then 'expired'
      when task.execution_status = 'failed' then 'withdrawn'
      else 'waiting' end,
    'response', case when task.execution_status = 'completed' then task.result -> 'output' end)
  from (select 1) one left join lateral (
    select p.state, p.expires_at from public.approvals p where p.task_id = task.id and p.asked_by is not null order by p.created_at desc limit 1) a on true
$$;
comment on function private.interrupt_json is 'An interrupt as its agent sees it: {id, status: waiting | answered | withdrawn | expired, response}.';

create function public.get_interrupt(agent_id uuid, interrupt_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  return private.interrupt_json(private.own_interrupt(get_interrupt.agent_id, get_interrupt.interrupt_id, false));
end $$;
comment on function public.get_interrupt is 'What became of an interrupt of the agent that speaks.';

create function public.withdraw_interrupt(agent_id uuid, interrupt_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_interrupt(withdraw_interrupt.agent_id, withdraw_interrupt.interrupt_id, true);
begin
  if task.execution_status = 'completed' then
    perform private.refuse(409, 'This interrupt is answered already', 'answered');
  end if;
  if task.execution_status not in ('failed', 'cancelled') then
    update public.approvals a set state = 'voided' where a.task_id = task.id and a.state = 'open';
    update public.tasks t set execution_status = 'cancelled', failure_reason = 'The agent withdrew its question', paused_at = null
    where t.id = task.id returning t.* into task;
  end if;
  return private.interrupt_json(task);
end $$;
comment on function public.withdraw_interrupt is 'The agent that speaks asks no more: the approval is void, the task cancelled; twice is once. PT409 where it is answered.';

-- Section: answering ----------------------------------------------------------------------------------------------

create function private.answer_problem(interrupt jsonb, type text, args jsonb) returns text
language sql immutable set search_path = '' as $$
  select case type
    when 'accept' then case when coalesce(args, 'null') not in ('null', interrupt -> 'action_request') then 'an accept changes nothing: args is null; send other args as an edit' end
    when 'ignore' then case when coalesce(args, 'null') <> 'null' then 'to ignore takes no args' end
    when 'response' then case when jsonb_typeof(args) is distinct from 'string' or btrim(args #>> '{}', E' \t\r\n') = '' then 'args is a text that is not empty'
      when length(args #>> '{}') > 10000 then 'args has 10,000 characters at most' end
    when 'edit' then case
      when jsonb_typeof(args) is distinct from 'object' or args - array['action', 'args'] <> '{}' or jsonb_typeof(args -> 'args') is distinct from 'object'
        then 'args is {"action": ..., "args": {...}}'
      when args -> 'action' is distinct from interrupt -> 'action_request' -> 'action'
        then format('the action stays %s', left(interrupt -> 'action_request' ->> 'action', 200))
      when length(args::text) > 300000 then 'args has 300,000 characters at most' end
  end
$$;
comment on function private.answer_problem is 'What is wrong with the args of an answer; null where nothing is.';

create function private.answer_words(type text) returns text
language sql immutable set search_path = '' as $$
  select case type when 'accept' then 'A person accepted it' when 'edit' then 'A person changed it and accepted' when 'response' then 'A person answered in words'
    else 'A person ignored it' end
$$;
comment on function private.answer_words is 'An answer in words.';

create function public.answer_interrupt(approval_id uuid, digest text, type text, args jsonb default null, notes text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  approval public.approvals;
  task public.tasks;
  allowed text[];
  problem text;
begin
  select * into approval from public.approvals a where a.id = answer_interrupt.approval_id and private.in_scope(a.organization_id);
  if approval.id is null then
    perform private.refuse(404, 'There is no such approval', format('approval %s', answer_interrupt.approval_id));
  elsif approval.asked_by is null then
    perform private.refuse(409, 'This is not the question of an agent', null, 'Say yes or no to it.');
  elsif (select auth.uid()) is null then
    perform private.refuse(403, 'Only a person answers an agent');
  end if;
  perform private.refuse_undecided();
  task := private.own_task(approval.task_id, true);
  select * into approval from public.approvals a where a.id = approval.id;
  if approval.digest is distinct from answer_interrupt.digest then
    perform private.refuse(409, 'This is not what was shown', 'the digest differs', 'Read it again, then answer what you see.');
  elsif approval.state <> 'open' then
    perform private.refuse(409, case approval.state when 'voided' then 'This question was withdrawn' when 'expired' then 'The time to answer this is over'
      else 'This is answered already' end, approval.state);
  elsif approval.expires_at <= now() then
    perform private.refuse(409, 'The time to answer this is over', 'expired');
  elsif task.execution_status <> 'blocked' or task.blocked_on is distinct from 'approval' then
    perform private.refuse(409, 'This question does not wait for an answer', task.execution_status);
  end if;
  allowed := private.interrupt_answers(approval.payload -> 'config');
  if type is null or not type = any (allowed) then
    perform private.refuse(422, format('%s does not take this answer: %s', approval.asked_by ->> 'name', left(coalesce(type, 'none'), 40)), 'allowed: ' || array_to_string(allowed, ', '));
  end if;
  problem := private.answer_problem(approval.payload, type, args);
  if problem is not null then
    perform private.refuse(422, format('The args of this %s are wrong: %s', type, problem), 'args');
  end if;
  update public.approvals a set state = case when type in ('accept', 'edit') then 'approved' else 'rejected' end,
    notes = case when type = 'response' then args #>> '{}' else answer_interrupt.notes end where a.id = approval.id;
  if type in ('accept', 'edit') then
    update public.approvals a set state = 'used' where a.id = approval.id;
  end if;
  update public.tasks t set execution_status = 'in_progress' where t.id = task.id;
  update public.tasks t set execution_status = 'completed', verification = 'verified', strategy = 'immediate',
    result = jsonb_build_object('strategy', 'immediate', 'message', private.answer_words(type), 'output', jsonb_build_object('type', type, 'args', case type when 'accept' then approval.payload -> 'action_request' else args end)),
    evidence = jsonb_build_array(jsonb_build_object('kind', 'interrupt', 'where', approval.id, 'at', now(), 'what', private.answer_words(type)))
  where t.id = task.id;
  return public.get_approval(approval.id);
end $$;
comment on function public.answer_interrupt is
  'A person answers exactly what was shown, once: accept, edit (args {action, args}), response (a text) or ignore, of which its config allows. It is the task''s output {type, args}.';

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
  if approval.asked_by is not null then
    return public.answer_interrupt(approval.id, approval.digest, case when approved then 'accept' when nullif(trim(notes), '') is null then 'ignore' else 'response' end,
      case when not approved then to_jsonb(nullif(trim(notes), '')) end, case when approved then notes end);
  end if;
  task := private.own_task(approval.task_id, true);
  update public.approvals a set state = case when approved then 'approved' else 'rejected' end, notes = decide_approval.notes
  where a.id = approval.id;
  if not approved then
    perform private.demote_for(approval, 'You said no to what it would have let through');
  end if;
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

do $$ declare f text; begin
  foreach f in array array['request_interrupt', 'open_interrupts', 'get_interrupt', 'withdraw_interrupt'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  perform private.expose_function('public.answer_interrupt', array['authenticated', 'service_role']);
  perform private.expose_function('private.own_interrupt', array['service_role']);
  foreach f in array array['before_asker_changes', 'before_interrupt_ends', 'interrupt_answers', 'is_interrupt', 'interrupt_title', 'interrupt_json', 'answer_problem', 'answer_words'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
end $$;
