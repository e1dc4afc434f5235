-- Plan documents: a stage written anew, what a document says, and what a plan took.

-- Section: writing a stage anew -----------------------------------------------------------------------------------------

create function private.stage_to_rerun(root public.tasks, stage text) returns public.tasks
language plpgsql set search_path = '' as $$
declare
  part public.tasks;
begin
  select * into part from public.tasks t where t.parent_task_id = root.id and t.superseded_at is null and t.source_ref ->> 'key' = stage_to_rerun.stage
  for no key update;
  if part.id is null then
    perform private.refuse(404, format('This plan has no stage %L', left(stage_to_rerun.stage, 100)), 'there are: ' || coalesce((
      select string_agg(t.source_ref ->> 'key', ', ' order by t.position) from public.tasks t where t.parent_task_id = root.id and t.superseded_at is null), 'none'));
  end if;
  if root.execution_status = 'failed' then
    perform private.refuse(409, 'This plan has failed', root.failure_reason, 'Try it again as a whole first.');
  elsif root.execution_status = 'cancelled' then
    perform private.refuse(409, 'This plan is cancelled', null, 'Make it anew.');
  elsif part.execution_status not in ('completed', 'failed', 'cancelled', 'blocked') then
    perform private.refuse(409, format('The stage %s is %s', part.source_ref ->> 'key', part.execution_status), part.execution_status,
      'It is written anew when it has ended.');
  end if;
  return part;
end $$;
comment on function private.stage_to_rerun is 'The stage of a document that is to be written anew, where that can be.';

create function private.stages_after(stage public.tasks) returns uuid[]
language sql stable set search_path = '' as $$
  with recursive later as (
    select stage.id
    union
    select d.task_id from later l join public.task_dependencies d on d.depends_on_task_id = l.id
    join public.tasks t on t.id = d.task_id and t.superseded_at is null and t.parent_task_id = stage.parent_task_id)
  select array_agg(t.id order by t.position, t.id) from later l join public.tasks t on t.id = l.id
  where t.id = stage.id or t.execution_status not in ('pending', 'queued')
$$;
comment on function private.stages_after is 'A stage and all that depend on it and have begun, in the order of the plan.';

create function private.renew_stages(root public.tasks, ids uuid[], tool_inputs jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  earlier public.tasks;
  made public.tasks;
  renewed jsonb := '{}';
begin
  for earlier in select t.* from public.tasks t where t.id = any (ids) order by t.position, t.id for no key update loop
    made := private.insert_task((to_jsonb(earlier) - array['source_key']) || jsonb_build_object('supersedes_task_id', earlier.id,
      'tool_input', coalesce(tool_inputs -> earlier.id::text, jsonb_build_object('stage', earlier.source_ref -> 'key'))), root.id);
    update public.tasks t set superseded_at = now() where t.id = earlier.id;
    if earlier.execution_status not in ('completed', 'failed', 'cancelled') then
      perform public.cancel_task(earlier.id); -- its successor is there: the plan is not over with it
    end if;
    renewed := renewed || jsonb_build_object(earlier.id, made.id);
  end loop;
  -- Edges in the order of the plan, those of the new ones first: each is checked the faster the fewer tasks come after it yet.
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, (renewed ->> d.task_id::text)::uuid, coalesce((renewed ->> w.id::text)::uuid, w.id)
  from public.task_dependencies d join public.tasks t on t.id = d.task_id join public.tasks w on w.id = d.depends_on_task_id
  where d.task_id = any (ids) and (w.superseded_at is null or w.id = any (ids)) order by t.position, t.id;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, d.task_id, (renewed ->> d.depends_on_task_id::text)::uuid
  from public.task_dependencies d join public.tasks t on t.id = d.task_id
  where d.depends_on_task_id = any (ids) and t.superseded_at is null order by t.position, t.id;
  delete from public.task_dependencies d using public.tasks t
  where d.depends_on_task_id = any (ids) and t.id = d.task_id and t.superseded_at is null;
  return renewed;
end $$;
comment on function private.renew_stages is
  'New rows in the place of these stages, with edges among themselves and to those that stay; which id took the place of which.';

create function public.rerun_stage(plan_id uuid, stage text, given jsonb default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  root public.tasks := private.own_task(rerun_stage.plan_id, true);
  plan public.plans := private.own_plan(root.id);
  part public.tasks;
  ids uuid[];
  renewed jsonb;
  most integer := (private.tree_bounds(root.id) ->> 'max_tasks')::integer;
  has integer := (select count(*) from public.tasks t where t.root_task_id = root.id);
  by_program boolean := private.token_scopes() is not null;
begin
  if plan.kind <> 'document' then
    perform private.refuse(409, 'This plan has no stages to write anew', plan.kind);
  end if;
  if jsonb_typeof(given) not in ('object', 'null') then
    perform private.refuse(422, 'given is a section: an object', left(given::text, 200));
  end if;
  part := private.stage_to_rerun(root, rerun_stage.stage);
  ids := private.stages_after(part);
  if has + cardinality(ids) > most then
    perform private.refuse(409, 'The plan has reached its bound', format('it may have %s tasks, and would have %s', most, has + cardinality(ids)),
      'Raise the bound max_tasks of the plan.');
  end if;
  renewed := private.renew_stages(root, ids, jsonb_build_object(part.id, jsonb_build_object('stage', rerun_stage.stage)
    || case when jsonb_typeof(given) is distinct from 'object' then '{"again": true}'
       else jsonb_build_object('given', given) || case when by_program then '{"by_program": true}' else '{}' end::jsonb end));
  -- One that waited for a worker waits for the new rows again.
  update public.tasks t set execution_status = 'pending'
  where t.parent_task_id = root.id and t.superseded_at is null and t.execution_status = 'queued' and private.waits_for_others(t.id);
  perform private.queue_ready_children(root.id);
  perform private.note_plan(root.id, 'stage_rerun', format('%s is written anew, and %s after it', rerun_stage.stage, cardinality(ids) - 1),
    jsonb_build_object('stage', rerun_stage.stage, 'by_person', jsonb_typeof(given) is not distinct from 'object' and not by_program, 'task_ids',
      (select jsonb_agg(r.value) from jsonb_each(renewed) r)));
  return public.get_plan(root.id);
end $$;
comment on function public.rerun_stage is
  'Has a stage of a document written anew, or as given, and after it all that depend on it and had begun: new rows take the place of theirs, in one transaction. Finished plans go on with those parts.';

create or replace function private.check_new_part() returns trigger
language plpgsql set search_path = '' as $$
declare
  parent public.tasks;
begin
  select * into parent from public.tasks t where t.id = new.parent_task_id;
  if parent.id is null or new.tool in ('revise_draft') or (new.tool in ('email_send', 'slack_notification') and new.tool_input ? 'draft_id') then
    return new; -- sending and revising belong to a task whatever its state
  end if;
  if parent.tool is not null then
    perform private.refuse(422, 'A task with a tool has no parts', format('parent %s', parent.title));
  elsif parent.execution_status = 'completed' and exists (
      select 1 from public.tasks t where t.id = new.supersedes_task_id and t.parent_task_id = parent.id) then
    return new; -- a part of it is done again
  elsif parent.execution_status in ('completed', 'cancelled') then
    perform private.refuse(409, format('A task that is %s takes no new parts', parent.execution_status), parent.execution_status);
  end if;
  return new;
end $$;
comment on function private.check_new_part is 'Refuses parts of what is over (but one that takes the place of another), or of what a tool does.';

create function private.copy_parts(root_id uuid, new_root_id uuid) returns integer
language plpgsql set search_path = '' as $$
declare
  part public.tasks;
  made public.tasks;
  ids jsonb := jsonb_build_object(copy_parts.root_id, copy_parts.new_root_id);
begin
  for part in
    select t.* from public.tasks t where t.id in (select private.live_parts(copy_parts.root_id)) and not private.belongs_to_draft(t)
      and (private.is_planned(t) or t.supersedes_task_id is not null or t.parent_task_id = copy_parts.root_id)
    order by t.depth, t.position, t.id
  loop
    if ids ? part.parent_task_id::text then
      made := private.insert_task((to_jsonb(part) - array['source_key', 'supersedes_task_id']) || jsonb_build_object(
        'source_ref', part.source_ref || jsonb_build_object('plan_id', copy_parts.new_root_id),
        'tool_input', case when part.tool = 'plan_stage' then jsonb_build_object('stage', part.tool_input -> 'stage') else part.tool_input end),
        (ids ->> part.parent_task_id::text)::uuid);
      if part.tainted_by <> '[]' then
        update public.tasks t set tainted_by = private.merged_taint(t.tainted_by, part.tainted_by) where t.id = made.id;
      end if;
      ids := ids || jsonb_build_object(part.id, made.id);
    end if;
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, (ids ->> d.task_id::text)::uuid, (ids ->> d.depends_on_task_id::text)::uuid
  from public.task_dependencies d join public.tasks t on t.id = d.task_id
  where t.root_task_id = copy_parts.root_id and ids ? d.task_id::text and ids ? d.depends_on_task_id::text order by t.depth, t.position, t.id;
  return (select count(*) - 1 from jsonb_object_keys(ids));
end $$;
comment on function private.copy_parts is 'The planned parts of a plan that were not replaced, with their edges, below another root; how many.';

create function public.clone_plan(plan_id uuid, starts boolean default false) returns jsonb
language plpgsql set search_path = '' as $$
declare
  root public.tasks := private.own_task(clone_plan.plan_id);
  plan public.plans := private.own_plan(root.id);
  made public.tasks;
  copied integer;
begin
  made := private.insert_task((to_jsonb(root) - array['source_key', 'supersedes_task_id', 'parent_task_id', 'recurrence']) || jsonb_build_object(
    'source', 'plan', 'source_ref', jsonb_build_object('cloned_from', root.id), 'automation_rules', '{"run_by_itself": false}'::jsonb));
  if root.tainted_by <> '[]' then
    update public.tasks t set tainted_by = private.merged_taint(t.tainted_by, root.tainted_by) where t.id = made.id;
  end if;
  perform private.insert_plan(made.id, to_jsonb(plan) - 'callback_url' || jsonb_build_object('starts_by_itself', coalesce(starts, false)));
  copied := private.copy_parts(root.id, made.id);
  perform private.check_size(made.id);
  if copied = 0 then
    update public.tasks t set execution_status = 'queued' where t.id = made.id;
  else
    perform private.check_plan_templates(made.id);
    update public.tasks t set execution_status = 'in_progress' where t.id = made.id;
    perform private.open_plan(made.id, case when not coalesce(starts, false) then 'It is a copy, and waits for your start' end);
  end if;
  perform private.note_plan(made.id, 'cloned', format('A copy of %s', root.title), jsonb_build_object('plan_id', root.id));
  return private.plan_json(private.own_plan(made.id));
end $$;
comment on function public.clone_plan is
  'The same plan again, with the tasks it has now and nothing done: it waits for its start, or starts. One without tasks is planned again. Nobody is called back.';

-- What is done again after the end of a plan does not count the time since: a document may be written on a year later.
create or replace function private.wall_bound(root_task_id uuid) returns text
language sql stable set search_path = '' as $$
  select format('it was begun more than %s seconds ago', b.seconds)
  from public.tasks t join public.organizations o on o.id = t.organization_id
  cross join lateral (select coalesce(t.bounds ->> 'max_wall_seconds', o.bounds ->> 'max_wall_seconds', '2592000')::numeric as seconds) b
  where t.id = wall_bound.root_task_id and t.started_at < coalesce(t.completed_at, now()) - make_interval(secs => b.seconds::double precision)
$$;

create or replace function private.work_bound(root_task_id uuid) returns text
language plpgsql stable set search_path = '' as $$
declare
  allowed jsonb := private.tree_bounds(work_bound.root_task_id);
  calls bigint;
  cost numeric;
  seconds numeric;
begin
  select coalesce(sum(s.attempts), 0), coalesce(sum(s.cost_usd), 0) into calls, cost
  from public.steps s where s.root_task_id = work_bound.root_task_id and s.kind = 'model';
  select extract(epoch from coalesce(t.completed_at, now()) - t.started_at) into seconds from public.tasks t where t.id = work_bound.root_task_id;
  return case
    when calls >= (allowed ->> 'max_model_calls')::numeric then format('%s of %s model calls are used', calls, allowed ->> 'max_model_calls')
    when cost >= (allowed ->> 'max_cost_usd')::numeric then format('$%s of $%s are spent', round(cost, 2), allowed ->> 'max_cost_usd')
    when seconds > (allowed ->> 'max_wall_seconds')::numeric then format('it was begun more than %s seconds ago', allowed ->> 'max_wall_seconds')
  end;
end $$;

create function private.is_redone(task public.tasks) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return task.execution_status = 'completed' and exists (select 1 from public.tasks c where c.parent_task_id = task.id and c.supersedes_task_id is not null
    and c.superseded_at is null and c.execution_status not in ('completed', 'failed', 'cancelled'));
end $$;
comment on function private.is_redone is 'Is a finished task having parts done again?';

create or replace function public.pause_task(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(pause_task.task_id, true);
begin
  if task.execution_status in ('completed', 'failed', 'cancelled') and not private.is_redone(task) then
    perform private.refuse(409, format('A task that is %s cannot be paused', task.execution_status));
  end if;
  update public.tasks t set paused_at = coalesce(t.paused_at, now()) where t.id = task.id;
  update public.tasks t set execution_status = 'paused'
  where t.id in (select private.subtree(task.id)) and t.execution_status = 'in_progress';
  update public.tasks t set execution_status = 'pending'
  where t.id in (select private.subtree(task.id)) and t.execution_status = 'queued' and t.id <> task.id;
  return public.get_task(task.id);
end $$;

create or replace function public.cancel_task(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(cancel_task.task_id, true);
begin
  if task.execution_status in ('completed', 'failed', 'cancelled') and not private.is_redone(task) then
    perform private.refuse(409, format('A task that is %s cannot be cancelled', task.execution_status));
  end if;
  if exists (select 1 from public.drafts d where d.task_id in (select private.subtree(task.id)) and d.state = 'sending') then
    perform private.refuse(409, 'A message of this task is being sent', null, 'Wait a moment and try again.');
  end if;
  update public.approvals a set state = 'voided'
  where a.task_id in (select private.subtree(task.id)) and a.state in ('open', 'approved');
  update public.drafts d set state = 'superseded'
  where d.task_id in (select private.subtree(task.id)) and d.state in ('draft', 'approved');
  update public.tasks t set execution_status = 'cancelled', paused_at = null
  where t.id in (select private.subtree(task.id)) and t.execution_status not in ('completed', 'failed', 'cancelled');
  update public.tasks t set paused_at = null where t.id = task.id and t.execution_status = 'completed' and t.paused_at is not null;
  return public.get_task(task.id);
end $$;

create or replace function private.settle_parent(parent_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  parent public.tasks;
  failed public.tasks;
begin
  select * into parent from public.tasks t where t.id = settle_parent.parent_id for no key update;
  if parent.execution_status = 'completed' then
    -- A part that was done again after the end: nobody re-plans it.
    update public.tasks t set escalated_at = now() where t.parent_task_id = parent.id and t.execution_status = 'failed' and t.supersedes_task_id is not null
      and t.waived_at is null and t.superseded_at is null and t.escalated_at is null and t.failed_at >= parent.completed_at;
    return;
  end if;
  if parent.execution_status <> 'blocked' or parent.blocked_on <> 'subtasks' then
    return;
  end if;
  for failed in select t.* from public.tasks t where t.parent_task_id = parent.id and t.execution_status = 'failed'
    and t.waived_at is null and t.superseded_at is null and t.escalated_at is null
  loop
    if failed.on_failure = 'stop' then
      update public.tasks t set execution_status = 'failed', failure_reason = format('%s failed: %s', failed.title, failed.failure_reason)
      where t.id = parent.id;
      return;
    elsif failed.on_failure = 'replan' and parent.replan_count < (private.tree_bounds(parent.root_task_id) ->> 'max_replans')::integer then
      update public.tasks t set execution_status = 'queued', run_after = null where t.id = parent.id;
      return;
    else
      update public.tasks t set escalated_at = now() where t.id = failed.id;
    end if;
  end loop;
  if not exists (select 1 from public.tasks t where t.parent_task_id = parent.id
                 and t.execution_status not in ('completed', 'cancelled')
                 and (t.execution_status <> 'failed' or (t.waived_at is null and t.superseded_at is null))) then
    update public.tasks set execution_status = 'in_progress' where id = parent.id;
    update public.tasks p set execution_status = 'completed',
      (result, verification, evidence) = (
        select coalesce(p.result, '{}') || jsonb_build_object('strategy', 'decompose',
            'subtasks_completed', count(*) filter (where t.execution_status = 'completed')),
          case when bool_and(t.verification = 'verified') then 'verified' else 'claimed' end,
          jsonb_build_array(jsonb_build_object('kind', 'subtasks', 'at', now(), 'what',
            format('%s of %s parts verified', count(*) filter (where t.verification = 'verified'), count(*))))
        from public.tasks t where t.parent_task_id = p.id and t.execution_status = 'completed')
    where id = parent.id;
  else
    update public.tasks p set blocked_reason = (
      select format('%s of %s subtasks done', count(*) filter (where t.execution_status = 'completed'), count(*))
             || case count(*) filter (where t.execution_status = 'failed' and t.waived_at is null)
                  when 0 then '' when 1 then '; one failed and needs you' else '; several failed and need you' end
      from public.tasks t where t.parent_task_id = p.id and t.execution_status <> 'cancelled' and t.superseded_at is null and t.waived_at is null)
    where id = parent.id;
  end if;
end $$;

create function private.is_planned(task public.tasks) returns boolean
language sql immutable set search_path = '' as $$
  select task.source <> 'agent' or task.source_ref ? 'plan_id'
$$;
comment on function private.is_planned is 'Was this part of a task planned beforehand, by a person or for a plan? Not what a run made on its way.';

create or replace function private.renew_task(old_task public.tasks) returns uuid
language plpgsql set search_path = '' as $$
declare
  made public.tasks;
  child public.tasks;
  ids jsonb := '{}';
begin
  made := private.insert_task((to_jsonb(old_task) - array['source_key', 'supersedes_task_id']) || jsonb_build_object('supersedes_task_id', old_task.id),
    old_task.parent_task_id);
  update public.tasks t set superseded_at = now() where t.id = old_task.id;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, made.id, d.depends_on_task_id from public.task_dependencies d where d.task_id = old_task.id;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, d.task_id, made.id from public.task_dependencies d where d.depends_on_task_id = old_task.id;
  delete from public.task_dependencies d where d.depends_on_task_id = old_task.id;
  -- Parts that somebody planned go with it; those that a run made, a run will make anew.
  for child in select t.* from public.tasks t where t.parent_task_id = old_task.id and private.is_planned(t) and t.superseded_at is null loop
    ids := ids || jsonb_build_object(child.id, private.renew_part(child, made.id));
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, (ids ->> d.task_id::text)::uuid, (ids ->> d.depends_on_task_id::text)::uuid
  from public.task_dependencies d where ids ? d.task_id::text and ids ? d.depends_on_task_id::text;
  return made.id;
end $$;

create or replace function private.renew_part(part public.tasks, new_parent_id uuid) returns uuid
language plpgsql set search_path = '' as $$
declare
  made public.tasks;
  child public.tasks;
  ids jsonb := '{}';
begin
  made := private.insert_task(to_jsonb(part) - array['source_key', 'supersedes_task_id'], new_parent_id);
  for child in select t.* from public.tasks t where t.parent_task_id = part.id and private.is_planned(t) and t.superseded_at is null loop
    ids := ids || jsonb_build_object(child.id, private.renew_part(child, made.id));
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, (ids ->> d.task_id::text)::uuid, (ids ->> d.depends_on_task_id::text)::uuid
  from public.task_dependencies d where ids ? d.task_id::text and ids ? d.depends_on_task_id::text;
  return made.id;
end $$;

-- Section: what a document says, and what a plan took --------------------------------------------------------------------

create function public.list_plan_sections(plan_id uuid) returns setof jsonb
language plpgsql stable set search_path = '' as $$
declare
  plan public.plans := private.own_plan(list_plan_sections.plan_id);
begin
  return query select jsonb_build_object('stage', t.source_ref ->> 'key', 'task_id', t.id, 'title', t.title, 'state', t.execution_status,
    'output', s.result -> 'output', 'reason', coalesce(t.blocked_reason, t.waived_reason, case when t.execution_status in ('failed', 'cancelled') then t.failure_reason end),
    'is_stale', coalesce((s.result ->> 'age')::integer > 0, false), 'is_reused', coalesce((s.result ->> 'is_reused')::boolean, false),
    'by_person', coalesce((s.result ->> 'by_person')::boolean, false), 'started_at', t.started_at, 'completed_at', t.completed_at)
  from public.tasks t
  left join lateral (select case when jsonb_typeof(t.result -> 'output') = 'object' then t.result || '{"age": 0}'
    when t.supersedes_task_id is not null then private.section_of(t.id) end as result) s on true
  where t.parent_task_id = plan.id and t.superseded_at is null and t.source_ref ? 'key' and plan.kind = 'document'
  order by t.position, t.created_at, t.id;
end $$;
comment on function public.list_plan_sections is
  'Every stage of a document with its section, in the order of the plan: [{stage, task_id, title, state, output, reason, is_stale, is_reused, by_person, started_at, completed_at}].';

create view public.plan_metrics with (security_invoker = true) as
select p.id as plan_id, p.organization_id, t.id as task_id, t.title, t.position, t.source_ref ->> 'key' as stage, t.execution_status,
  t.superseded_at is not null as is_replaced, t.retry_count,
  coalesce(m.model_calls, 0) as model_calls, coalesce(m.failed_calls, 0) as failed_calls, coalesce(r.replays, 0) as replayed_calls,
  coalesce(m.input_tokens, 0) as input_tokens, coalesce(m.output_tokens, 0) as output_tokens, coalesce(m.cost_usd, 0) as cost_usd,
  coalesce(m.models, '{}') as models, w.seconds_waiting, w.seconds_working
from public.plans p join public.tasks t on t.root_task_id = p.id
left join lateral (
  select count(*) as model_calls, count(*) filter (where i.error is not null) as failed_calls, sum(i.input_tokens) as input_tokens,
    sum(i.output_tokens) as output_tokens, sum(i.cost_usd) as cost_usd, array_agg(distinct coalesce(i.served_model, i.model)) as models
  from public.llm_interactions i where i.task_id = t.id and i.provider <> 'steward') m on true
left join lateral (select sum(s.replays) as replays from public.steps s where s.task_id = t.id and s.kind = 'model') r on true
left join lateral (
  select round(sum(extract(epoch from e.until - e.since)) filter (where e.state = 'queued'), 3) as seconds_waiting,
    round(sum(extract(epoch from e.until - e.since)) filter (where e.state = 'in_progress'), 3) as seconds_working
  from (select l.value ->> 'to' as state, (l.value ->> 'timestamp')::timestamptz as since,
      coalesce(lead((l.value ->> 'timestamp')::timestamptz) over (order by l.ordinality), now()) as until
    from jsonb_array_elements(t.execution_log) with ordinality l where l.value ? 'to') e) w on true;
comment on view public.plan_metrics is 'What each task of a plan took: requests to models, tokens, US dollars, and seconds it waited for a worker and worked. Rows as the reader may see them.';
revoke all on public.plan_metrics from public, anon, authenticated;
grant select on public.plan_metrics to authenticated, service_role;

create function public.get_plan_metrics(plan_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  plan public.plans := private.own_plan(get_plan_metrics.plan_id);
begin
  return (select jsonb_build_object('plan_id', plan.id, 'model_calls', coalesce(sum(m.model_calls), 0), 'failed_calls', coalesce(sum(m.failed_calls), 0),
      'input_tokens', coalesce(sum(m.input_tokens), 0), 'output_tokens', coalesce(sum(m.output_tokens), 0), 'cost_usd', coalesce(sum(m.cost_usd), 0),
      'retries', coalesce(sum(m.retry_count), 0), 'tasks', coalesce(jsonb_agg(to_jsonb(m) - array['plan_id', 'organization_id', 'position', 'execution_status',
        'is_replaced', 'retry_count'] order by m.task_id <> plan.id, m.position, m.task_id), '[]'))
    from public.plan_metrics m where m.plan_id = plan.id)
    || jsonb_build_object('replans', (select count(*) from public.plan_changes c where c.root_task_id = plan.id),
      'approvals', (select count(*) from public.tasks t join public.approvals a on a.task_id = t.id
        where t.root_task_id = plan.id and a.decided_how is distinct from 'own'),
      'seconds', (select round(extract(epoch from coalesce(t.completed_at, t.cancelled_at, case when t.execution_status = 'failed' then t.failed_at end, now())
        - t.started_at), 3) from public.tasks t where t.id = plan.id));
end $$;
comment on function public.get_plan_metrics is 'What a plan took, and each of its tasks, its root first.';
