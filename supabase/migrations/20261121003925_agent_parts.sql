-- Parts of work for agents: those that an agent makes, and those that a person says instead.

-- Section: parts that an agent makes ------------------------------------------------------------------------------

create function private.as_plain(value text) returns text
language sql immutable set search_path = '' as $$
  select replace(value, '{{', '{ {')
$$;
comment on function private.as_plain is 'A text of somebody else without templates, for where they would be filled in.';

create function private.check_agent_part(part jsonb, n bigint, parts integer) returns void
language plpgsql immutable set search_path = '' as $$
declare
  place text := format('parts[%s]', n - 1);
begin
  if jsonb_typeof(part) is distinct from 'object' or jsonb_typeof(part -> 'title') is distinct from 'string' then
    perform private.refuse(422, place || ': an object with a title', left(part::text, 100));
  elsif jsonb_typeof(coalesce(part -> 'key', 'null')) not in ('string', 'null') or length(part ->> 'key') > 200
      or part ->> 'key' ~ '[\u0001-\u001f\u007f-\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff{}]' or part ->> 'key' <> trim(part ->> 'key') then
    perform private.refuse(422, place || '.key: a plain printable text of at most 200 characters, without braces', left(part ->> 'key', 100));
  elsif jsonb_typeof(coalesce(part -> 'tool_input', '{}')) <> 'object' then
    perform private.refuse(422, place || '.tool_input: an object', left(part ->> 'tool_input', 100));
  elsif part ->> 'tool' in ('revise_draft', 'plan_stage', 'plan_report', 'notify_stakeholders') or part -> 'tool_input' ? 'draft_id'
      or part ->> 'tool' = 'approval_gate' and part -> 'tool_input' ? 'given' then
    perform private.refuse(422, place || '.tool: not for parts of an agent', part ->> 'tool');
  elsif jsonb_typeof(coalesce(part -> 'depends_on', '[]')) <> 'array' then
    perform private.refuse(422, place || '.depends_on: a list of positions', left(part ->> 'depends_on', 100));
  elsif exists (select 1 from jsonb_array_elements(coalesce(part -> 'depends_on', '[]')) d where case when jsonb_typeof(d.value) = 'number'
      then d.value::numeric <> trunc(d.value::numeric) or d.value::numeric not between 0 and parts - 1 or d.value::numeric = n - 1 else true end) then
    perform private.refuse(422, place || '.depends_on: positions of other parts, from 0', left(part ->> 'depends_on', 100));
  end if;
end $$;
comment on function private.check_agent_part is 'PT422 that names what is wrong with a part as an agent gave it.';

create function private.check_whom(organization_id uuid, part jsonb, n bigint) returns void
language plpgsql stable set search_path = '' as $$
declare
  whom text := lower(trim(part -> 'tool_input' ->> 'whom'));
begin
  if part ->> 'tool' is distinct from 'outside_agent' or coalesce(whom, '') = '' or exists (
       select 1 from public.agents a where a.organization_id = check_whom.organization_id and not a.is_internal and a.removed_at is null
         and whom in (lower(a.name), a.id::text)) then
    return;
  end if;
  perform private.refuse(422, format('parts[%s].agent: there is no agent called %s', n - 1, left(part -> 'tool_input' ->> 'whom', 200)),
    'there are: ' || coalesce((select string_agg(x.name, ', ') from (select a.name from public.agents a
      where a.organization_id = check_whom.organization_id and not a.is_internal and a.removed_at is null order by lower(a.name) limit 50) x), 'none'));
end $$;
comment on function private.check_whom is 'PT422 where a part is for an agent that nobody registered here: it would wait for nobody.';

create function private.check_agent_templates(parent public.tasks, made public.tasks) returns void
language plpgsql stable set search_path = '' as $$
declare
  wanted text;
begin
  -- An agent names what it made, and what its task got; nothing else of the tree.
  select w.name into wanted from (
    select distinct m[2] as name from jsonb_path_query(made.tool_input, 'strict $.**') v (value)
    cross join lateral regexp_matches(v.value #>> '{}', '(\\?)\{\{\s*([^\s.{}\[\]]*)', 'g') m
    where jsonb_typeof(v.value) = 'string' and m[1] = '') w
  where not exists (select 1 from public.tasks t where w.name = any (private.template_names(t)) and t.id in (select private.nameable(made.id))) limit 1;
  if wanted is not null then
    perform private.refuse(422, format('%s uses {{ %s }}', left(made.title, 100), left(wanted, 100)), 'tool_input', 'A part may name other parts, and what its task depends on.');
  end if;
  perform private.check_templates(made);
end $$;
comment on function private.check_agent_templates is 'PT422 where a part of an agent names an output that is not its own or its task''s.';

create function private.agent_part_words(agent public.agents, part jsonb, parts jsonb) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_strip_nulls(jsonb_build_object('part', private.as_plain(part ->> 'title'),
    'who', private.as_plain(case
      when part ->> 'tool' = 'outside_agent' and w.whom = agent.id::text then agent.name
      when part ->> 'tool' = 'outside_agent' and w.whom <> '' then 'the agent ' || coalesce((select a.name from public.agents a
        where a.organization_id = agent.organization_id and a.id = private.as_uuid(w.whom)), left(w.whom, 200))
      when part ->> 'tool' = 'outside_agent' then coalesce('an agent for ' || (select string_agg(c.value, ', ') from jsonb_array_elements_text(w.given -> 'capabilities') c), 'any agent')
      when part ->> 'tool' = 'agent_interrupt' then 'you answer'
      when part ->> 'tool' = 'approval_gate' then 'you decide'
      when part ->> 'tool' is not null then 'Steward, with ' || (part ->> 'tool')
      when part ->> 'execution_type' = 'manual' then 'you' else 'Steward' end),
    'after', (select string_agg(private.as_plain(parts -> d.value::integer ->> 'title'), ', ' order by d.value::integer) from jsonb_array_elements_text(coalesce(part -> 'depends_on', '[]')) d),
    'what', nullif(private.as_plain(left(coalesce(nullif(w.given ->> 'instructions', ''), part ->> 'description'), 600)), ''),
    'input', case when w.rest <> '{}' then private.as_plain(left(w.rest::text, 600)) end))
  from (select g.given, g.given ->> 'whom' as whom, case when part ->> 'tool' = 'outside_agent' then coalesce(g.given -> 'input', '{}') else g.given end as rest
    from (select coalesce(part -> 'tool_input', '{}') as given) g) w
$$;
comment on function private.agent_part_words is 'A part as a person reads it before they agree: {part, who, after, what, input}.';

create function private.insert_agent_parts(parent public.tasks, agent public.agents, data jsonb, needs_agreement boolean) returns jsonb
language plpgsql set search_path = '' as $$
declare
  gate public.tasks;
  made public.tasks;
  ids jsonb := '[]';
  item record;
  after double precision := coalesce((select max(t.position) from public.tasks t where t.parent_task_id = parent.id), 0);
begin
  for item in select value, ordinality from jsonb_array_elements(data -> 'parts') with ordinality loop
    perform private.check_agent_part(item.value, item.ordinality, jsonb_array_length(data -> 'parts'));
    perform private.check_whom(agent.organization_id, item.value, item.ordinality);
  end loop;
  if needs_agreement then
    gate := private.insert_task(jsonb_build_object('title', left(format('Agree to how %s breaks this down', agent.name), 500), 'position', after, 'source', 'agent',
      'description', coalesce(data ->> 'message', ''), 'tool', 'approval_gate', 'execution_type', 'fully_automated', 'on_failure', 'escalate',
      'source_ref', jsonb_build_object('task_id', parent.id, 'agent_id', agent.id, 'agrees_to_parts', true),
      'tool_input', jsonb_build_object('question', private.as_plain(left(format('%s would do "%s" in these parts. Shall it?', agent.name, parent.title), 500)),
        'why', format('It is %s sure of them.', round(100 * coalesce((data ->> 'confidence')::numeric, 0)) || ' %'),
        'message', nullif(private.as_plain(left(data ->> 'message', 5000)), ''),
        'parts', (select jsonb_agg(private.agent_part_words(agent, p.value, data -> 'parts') order by p.ordinality) from jsonb_array_elements(data -> 'parts') with ordinality p))), parent.id);
  end if;
  for item in select value, ordinality from jsonb_array_elements(data -> 'parts') with ordinality loop
    made := private.insert_task((select coalesce(jsonb_object_agg(f.key, f.value), '{}') from jsonb_each(item.value) f where f.key = any (array['title', 'description', 'kind',
        'priority', 'due_at', 'due_is_all_day', 'labels', 'recipient', 'acceptance_criteria', 'execution_type', 'tool', 'tool_input', 'max_retries',
        'estimated_duration_minutes', 'timeout_seconds'])) || jsonb_build_object('source', 'agent', 'position', after + item.ordinality, 'on_failure', 'escalate',
      'source_ref', jsonb_strip_nulls(jsonb_build_object('task_id', parent.id, 'agent_id', agent.id, 'key', item.value -> 'key'))), parent.id);
    ids := ids || jsonb_build_array(jsonb_build_object('key', item.value -> 'key', 'task_id', made.id));
    if gate.id is not null then
      insert into public.task_dependencies (organization_id, task_id, depends_on_task_id) values (parent.organization_id, made.id, gate.id);
    end if;
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select distinct parent.organization_id, (ids -> (s.ordinality::integer - 1) ->> 'task_id')::uuid, (ids -> d.value::integer ->> 'task_id')::uuid
  from jsonb_array_elements(data -> 'parts') with ordinality s
  cross join jsonb_array_elements_text(coalesce(s.value -> 'depends_on', '[]')) d;
  for made in select t.* from public.tasks t where t.id in (select (i ->> 'task_id')::uuid from jsonb_array_elements(ids) i) and strpos(t.tool_input::text, '{{') > 0 loop
    perform private.check_agent_templates(parent, made);
  end loop;
  return ids;
end $$;
comment on function private.insert_agent_parts is
  'Parts {key, title, ..., depends_on: [positions from 0]} below a task, with a person''s agreement before all of them where the agent is not sure; their ids by key.';

-- Section: a person breaks it down --------------------------------------------------------------------------------

create function public.break_down_task(task_id uuid, parts jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(break_down_task.task_id, true);
  reached text;
  ids uuid[];
begin
  if (select auth.uid()) is null then
    perform private.refuse(403, 'Only a person breaks a task down by hand');
  end if;
  perform private.refuse_token();
  if jsonb_typeof(parts) is distinct from 'array' or jsonb_array_length(parts) not between 1 and 200 then
    perform private.refuse(422, 'parts is a list of 1 to 200 tasks');
  elsif private.waits_for_others(task.id) then
    perform private.refuse(409, 'This task waits for others', null, 'Its parts would begin before them.');
  end if;
  if not (task.execution_status in ('pending', 'queued', 'failed') or task.execution_status = 'blocked' and task.blocked_on in ('person', 'agent', 'model', 'bounds'))
     or task.tool is not null and task.tool <> 'outside_agent' then
    perform private.refuse(409, 'This task cannot be broken down now', case when task.tool is not null and task.tool <> 'outside_agent'
      then format('its tool is %s', task.tool) else format('it is %s', task.execution_status) || coalesce(' on ' || task.blocked_on, '') end);
  end if;
  reached := private.growth_bound(task, jsonb_array_length(parts));
  if reached is not null then
    perform private.refuse(422, 'The tree has reached its bound', reached, 'Raise the bound of the tree.');
  end if;
  if task.execution_status = 'failed' then
    update public.tasks t set execution_status = 'queued', failure_reason = null where t.id = task.id;
  end if;
  update public.tasks t set execution_status = 'in_progress' where t.id = task.id returning t.* into task;
  ids := private.insert_parts(task, parts);
  -- Named by the person, they are the person's own word; and what fails among them is for the person, not for an agent.
  update public.tasks t set source = 'manual', on_failure = case t.on_failure when 'replan' then 'escalate' else t.on_failure end where t.id = any (ids);
  update public.tasks t set execution_status = 'blocked', strategy = 'decompose', blocked_on = 'subtasks',
    blocked_reason = format('0 of %s subtasks done', cardinality(ids)) where t.id = task.id;
  perform private.queue_ready_children(task.id);
  return private.task_tree_json(task.id);
end $$;
comment on function public.break_down_task is
  'A person says what the parts of a task are, {title, ..., depends_on: [positions from 0]}: where an agent could not, or its parts were refused. It completes with them. A person''s own act: PT403 for programs.';

do $$ declare f text; begin
  foreach f in array array['as_plain', 'check_agent_part', 'check_whom', 'check_agent_templates', 'agent_part_words', 'insert_agent_parts'] loop
    perform private.expose_function('private.' || f, array['service_role']);
  end loop;
  perform private.expose_function('public.break_down_task', array['authenticated', 'service_role']);
end $$;
