-- Executions: a plan's root task, or any other root task that is carried out, under the same id. What state each is in is said in
-- tasks/executions.py, from the facts of its root; here they are listed, counted and shown.

-- Section: which root tasks are executions ------------------------------------------------------------------------
-- Plans, what was broken down, and what was begun by others than a person: a line on a list that nobody has executed is none.

create index tasks_executions_idx on public.tasks (organization_id, created_at, id)
where parent_task_id is null and (source = 'plan' or strategy = 'decompose' or execution_type <> 'manual' and (started_at is not null or execution_status = 'queued'));

create or replace function private.plan_leaves(root_id uuid)
returns table (id uuid, title text, place double precision, status text, blocked_on text, reason text, is_counted boolean, weight integer,
  done double precision, waits_for_person boolean, failed_at timestamptz)
language sql stable set search_path = '' as $$
  with recursive tree as materialized (
    select t.* from public.tasks t
    where t.root_task_id = plan_leaves.root_id and t.superseded_at is null
      and case when t.tool in ('email_send', 'slack_notification', 'revise_draft') then not t.tool_input ? 'draft_id' else true end),
  live as (
    select t.id, t.parent_task_id from tree t where t.parent_task_id = plan_leaves.root_id
    union all
    select c.id, c.parent_task_id from live l join tree c on c.parent_task_id = l.id)
  select t.id, t.title, t.position, t.execution_status, t.blocked_on, coalesce(t.blocked_reason, t.failure_reason),
    t.waived_at is null, coalesce(t.estimated_duration_minutes, 1),
    case when t.execution_status = 'completed' then 1
      when t.execution_status in ('in_progress', 'paused') then coalesce(
        (select l.percent / 100 from public.agent_leases l where l.task_id = t.id and l.ended_at is null), (
        select least(1, greatest(0, case when jsonb_typeof(e.data -> 'done') = 'number' and jsonb_typeof(e.data -> 'total') = 'number'
          and (e.data ->> 'total')::double precision > 0 then (e.data ->> 'done')::double precision / (e.data ->> 'total')::double precision else 0 end))
        from public.task_events e where e.task_id = t.id and e.kind = 'progress' and e.created_at >= t.run_started_at order by e.id desc limit 1), 0)
      else 0 end,
    coalesce(t.execution_status = 'blocked' and t.blocked_on in ('review', 'approval', 'person', 'account', 'model', 'bounds')
      or t.execution_status = 'failed' and t.waived_at is null
      or t.execution_status in ('pending', 'in_progress') and t.execution_type = 'manual' and not private.waits_for_others(t.id), false),
    t.failed_at
  from tree t
  where t.id in (select l.id from live l) and not exists (select 1 from live c where c.parent_task_id = t.id)
$$;
comment on function private.plan_leaves is
  'The tasks of a plan without parts of their own, and how far each is (0 to 1): what its agent reported, else its newest progress event.';

-- Section: how an execution stands --------------------------------------------------------------------------------

create function private.execution_json(root public.tasks) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  plan public.plans;
  leaves record;
  is_redone boolean := private.is_redone(root);
  seconds bigint := least((private.tree_bounds(root.id) ->> 'max_wall_seconds')::numeric, 3153600000); -- a hundred years
begin
  select p.* into plan from public.plans p where p.id = root.id;
  select count(*) as n,
    coalesce((select jsonb_object_agg(c.status, c.n) from (
      select l.status, count(*) as n from unnest(array_agg(p.status)) l (status) group by 1) c), '{}') as counts,
    coalesce(sum(p.weight) filter (where p.is_counted and (p.status <> 'cancelled' or root.execution_status in ('cancelled', 'failed'))), 0) as total,
    coalesce(sum(p.weight * p.done) filter (where p.is_counted), 0) as done,
    count(*) filter (where p.waits_for_person) as waiting
  into leaves from private.plan_leaves(root.id) p;
  return jsonb_build_object(
    'id', root.id, 'organization_id', root.organization_id, 'title', root.title, 'kind', coalesce(plan.kind, 'task'), 'plan_id', plan.id,
    'document_id', plan.document_id, 'execution_status', root.execution_status,
    'blocked_on', case when root.execution_status = 'blocked' then root.blocked_on end, 'is_paused', root.paused_at is not null, 'is_redone', is_redone,
    'reason', case root.execution_status when 'blocked' then root.blocked_reason when 'failed' then root.failure_reason end,
    'priority', root.priority,
    'percent', case when root.execution_status = 'completed' and not is_redone then 100
      when leaves.n = 0 then coalesce((select l.percent from public.agent_leases l where l.task_id = root.id and l.ended_at is null), 0)
      when leaves.total = 0 then 0 else round((100 * leaves.done / leaves.total)::numeric, 1) end,
    'counts', case when leaves.n = 0 then jsonb_build_object(root.execution_status, 1) else leaves.counts end,
    'waiting_for_you', case
      when root.execution_status = 'cancelled' or root.execution_status = 'completed' and not is_redone then 0
      when root.execution_status = 'blocked' and root.blocked_on in ('start', 'person', 'model', 'bounds', 'account', 'review', 'approval') then 1
      else leaves.waiting end,
    'agents_at_work', (select count(*) from public.agent_leases l where l.root_task_id = root.id and l.ended_at is null),
    'created_by', root.created_by, 'created_at', root.created_at, 'started_at', root.started_at,
    'ended_at', case root.execution_status when 'completed' then root.completed_at when 'failed' then root.failed_at when 'cancelled' then root.cancelled_at end,
    'deadline_at', root.due_at, 'timeout_seconds', seconds,
    'times_out_at', root.started_at + make_interval(secs => seconds));
end $$;
comment on function private.execution_json is 'How an execution stands, without its tasks: what its root is at, how far it is, and how long it may take.';

create function public.list_executions(wanted jsonb default null, agent_id uuid default null, max_count integer default 50, before timestamptz default null,
  before_id uuid default null) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  found_totals jsonb;
  found_items jsonb;
begin
  if max_count is null or max_count not between 1 and 200 then
    perform private.refuse(422, 'limit is between 1 and 200', format('limit is %s', max_count));
  end if;
  with redone as materialized (
    select distinct c.root_task_id as id from public.tasks c
    where c.supersedes_task_id is not null and c.superseded_at is null and c.organization_id = private.acting_organization() and c.parent_task_id = c.root_task_id
      and c.execution_status not in ('completed', 'failed', 'cancelled')),
  roots as materialized (
    select t.id, t.created_at, t.execution_status as status, case when t.execution_status = 'blocked' then t.blocked_on end as blocked_on,
      t.paused_at is not null as is_paused, t.execution_status = 'completed' and t.id in (select r.id from redone r) as is_redone
    from public.tasks t
    where t.organization_id = private.acting_organization() and t.parent_task_id is null and t.tool is distinct from 'agent_interrupt'
      and (t.source = 'plan' or t.strategy = 'decompose' or t.execution_type <> 'manual' and (t.started_at is not null or t.execution_status = 'queued'))
      and (list_executions.agent_id is null or exists (
        select 1 from public.agent_leases l where l.root_task_id = t.id and l.agent_id = list_executions.agent_id))),
  page as (
    select r.id, r.created_at from roots r
    where (list_executions.wanted is null or exists (
        select 1 from jsonb_array_elements(list_executions.wanted) w where w ->> 'status' = r.status and w ->> 'blocked_on' is not distinct from r.blocked_on
          and (w ->> 'is_paused')::boolean = r.is_paused and (w ->> 'is_redone')::boolean = r.is_redone))
      and (list_executions.before is null or r.created_at < list_executions.before
        or r.created_at = list_executions.before and list_executions.before_id is not null and r.id < list_executions.before_id)
    order by r.created_at desc, r.id desc limit max_count)
  select (select coalesce(jsonb_agg(g), '[]') from (
      select r.status, r.blocked_on, r.is_paused, r.is_redone, count(*) as n from roots r group by 1, 2, 3, 4) g),
    (select coalesce(jsonb_agg(private.execution_json(t) order by p.created_at desc, p.id desc), '[]') from page p join public.tasks t on t.id = p.id)
  into found_totals, found_items;
  return jsonb_build_object('items', found_items, 'totals', found_totals);
end $$;
comment on function public.list_executions is
  'Executions, newest first, without the questions that agents ask by themselves: {items, totals}. wanted: what a root may be, as [{status, blocked_on, is_paused, is_redone}]; agent_id: one that had work of it; totals count all of that agent, on all pages, by the same facts.';

-- Section: one execution ------------------------------------------------------------------------------------------

create function private.live_tasks(root_id uuid) returns setof public.tasks
language sql stable set search_path = '' as $$
  with recursive tree as materialized (
    select t.id, t.parent_task_id from public.tasks t where t.root_task_id = live_tasks.root_id and t.superseded_at is null),
  live as (
    select t.id from public.tasks t where t.id = live_tasks.root_id and private.in_scope(t.organization_id)
    union all
    select c.id from live l join tree c on c.parent_task_id = l.id)
  select t.* from public.tasks t where t.root_task_id = live_tasks.root_id and t.id in (select l.id from live l)
$$;
comment on function private.live_tasks is 'A root and everything below it that was not replaced.';

create function private.work_under_way(root_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('task_id', t.id, 'title', t.title, 'agent_id', l.agent_id, 'name', a.name, 'lease_id', l.id,
      'by', case when l.id is not null then 'agent' when t.assigned_to_type = 'user' or t.execution_type = 'manual' then 'person' else 'steward' end,
      'since', coalesce(l.claimed_at, t.run_started_at, t.started_at), 'heard_at', l.heard_at, 'expires_at', l.expires_at, 'times_out_at', l.times_out_at,
      'percent', l.percent, 'message', coalesce(l.message, '')) order by coalesce(l.claimed_at, t.run_started_at, t.started_at), t.id), '[]')
  from private.live_tasks(work_under_way.root_id) t
  left join public.agent_leases l on l.task_id = t.id and l.ended_at is null
  left join public.agents a on a.id = l.agent_id
  where t.execution_status = 'in_progress' or l.id is not null
$$;
comment on function private.work_under_way is 'Who is at which task now: an outside agent under a lease, Steward, or a person.';

create function private.blockers_of(root_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  with waiting as (
    select t.id, t.title, t.execution_status, t.blocked_on, t.unblocked_by,
      coalesce(case t.execution_status when 'blocked' then t.blocked_reason when 'failed' then t.failure_reason else 'It is yours to do' end, '') as reason,
      case t.execution_status when 'blocked' then t.blocked_at when 'failed' then t.failed_at
        else greatest(t.created_at, r.started_at, (select max(b.completed_at) from public.task_dependencies d join public.tasks b on b.id = d.depends_on_task_id
          where d.task_id = t.id)) end as since,
      t.blocked_until, t.reminded_at
    from private.live_tasks(blockers_of.root_id) t join public.tasks r on r.id = t.root_task_id
    where t.execution_status = 'blocked' and t.blocked_on is distinct from 'subtasks'
      or t.execution_status = 'failed' and t.waived_at is null and t.parent_task_id is not null
        and exists (select 1 from public.tasks p where p.id = t.parent_task_id and p.execution_status = 'blocked')
      or t.execution_status in ('pending', 'in_progress') and t.execution_type = 'manual' and t.parent_task_id is not null and not private.waits_for_others(t.id)
        and exists (select 1 from public.tasks p where p.id = t.parent_task_id and p.execution_status = 'blocked' and p.blocked_on = 'subtasks')
        and not exists (select 1 from public.tasks c where c.parent_task_id = t.id)
    order by since, t.position, t.id limit 200)
  select coalesce(jsonb_agg(jsonb_build_object('task_id', w.id, 'title', w.title, 'blocked_on', case when w.execution_status = 'blocked' then w.blocked_on end,
      'whom', nullif(o.whom, ''), 'capabilities', coalesce(to_jsonb(o.capabilities), '[]'), 'is_resting', coalesce(o.state = 'resting', false),
      'reason', w.reason, 'unblocked_by', w.unblocked_by, 'since', coalesce(o.obstacle_since, w.since),
      'until', case when o.state = 'resting' then o.opens_at else w.blocked_until end, 'told_at', coalesce(o.told_at, w.reminded_at))
    order by coalesce(o.obstacle_since, w.since), w.id), '[]')
  from waiting w left join public.agent_offers o on o.task_id = w.id and w.blocked_on = 'agent' and o.state in ('open', 'resting')
$$;
comment on function private.blockers_of is
  'What each waiting task of an execution waits for, longest first, 200 at most: what is blocked, what failed and is not gone past, and what a person has to do.';

create function private.risks_of(root_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  with live as materialized (
    select t.id, t.title, t.parent_task_id, t.execution_status, t.source_ref ->> 'risk' as risk, t.retry_count, t.max_retries, t.due_at, t.created_at, t.started_at
    from private.live_tasks(risks_of.root_id) t where t.execution_status not in ('completed', 'cancelled')),
  found as (
    select 'known' as kind, t.risk as level, t.id, t.title, 'The plan says so' as what, null::timestamptz as at from live t where t.risk in ('high', 'medium', 'low')
    union all
    select 'deadline', case when r.ends_at <= now() then 'high' else 'medium' end, r.id, r.title,
      case when r.ends_at > now() then 'Little of its time is left' else 'Its time is over' end, r.ends_at
    from (select t.*, least(t.due_at, t.started_at + make_interval(secs => least((private.tree_bounds(t.id) ->> 'max_wall_seconds')::double precision, 3153600000))) as ends_at
          from live t where t.id = risks_of.root_id) r
    where r.ends_at <= now() + (r.ends_at - coalesce(r.started_at, r.created_at)) * 0.1
    union all
    select 'idle', 'high', t.id, t.title, 'No agent takes it', o.offered_at from live t join public.agent_offers o on o.task_id = t.id
    where o.state = 'open' and o.told_at is not null
    union all
    select 'silent', 'medium', t.id, t.title, format('%s has not been heard for long', a.name), l.expires_at
    from live t join public.agent_leases l on l.task_id = t.id and l.ended_at is null join public.agents a on a.id = l.agent_id
    where l.expires_at <= now() + (l.expires_at - l.heard_at) * 0.25
    union all
    select 'late', 'medium', t.id, t.title, format('%s has little time left for it', a.name), l.times_out_at
    from live t join public.agent_leases l on l.task_id = t.id and l.ended_at is null join public.agents a on a.id = l.agent_id
    where l.times_out_at <= now() + (l.times_out_at - l.claimed_at) * 0.1
    union all
    select 'retries', case when t.retry_count >= t.max_retries then 'high' else 'medium' end, t.id, t.title,
      concat_ws('; ', case when t.retry_count > 0 then format('tried again %s of %s times', t.retry_count, t.max_retries) end,
        case when o.timeouts > 0 then format('attempts that took too long: %s', o.timeouts) end,
        case when o.silences > 0 then format('agents that went silent: %s', o.silences) end), null
    from live t left join public.agent_offers o on o.task_id = t.id where t.retry_count > 0 or o.timeouts > 0 or o.silences > 0)
  select coalesce(jsonb_agg(jsonb_build_object('kind', f.kind, 'level', f.level, 'task_id', f.id, 'title', f.title, 'what', f.what, 'at', f.at)
    order by f.place, f.kind, f.title, f.id), '[]')
  from (select x.*, array_position(array['high', 'medium', 'low'], x.level) as place from found x order by place, x.kind, x.title, x.id limit 200) f
$$;
comment on function private.risks_of is
  'What may go wrong with what is not done, worst first, 200 at most: what the plan says, time that runs out, work that no agent takes, agents near silence or near their time, and what was tried before.';

create function private.agents_of(root_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(to_jsonb(g) order by g.heard_at desc, g.agent_id), '[]') from (
    select l.agent_id, a.name, count(*) filter (where l.ended_at is null) as held, count(*) filter (where l.outcome = 'completed') as completed,
      count(*) filter (where l.outcome = 'decomposed') as decomposed, count(*) filter (where l.outcome = 'failed') as failed,
      count(*) filter (where l.outcome = 'blocked') as blocked, count(*) filter (where l.outcome in ('silent', 'timeout')) as lost, max(l.heard_at) as heard_at
    from public.agent_leases l join public.agents a on a.id = l.agent_id
    where l.root_task_id = agents_of.root_id and private.in_scope(l.organization_id)
    group by l.agent_id, a.name) g
$$;
comment on function private.agents_of is 'The agents that took part in an execution, with how their leases ended; who was heard last is first.';

create function private.own_execution(execution_id uuid) returns public.tasks
language plpgsql stable set search_path = '' as $$
declare
  root public.tasks;
begin
  select t.* into root from public.tasks t where t.id = own_execution.execution_id and private.in_scope(t.organization_id);
  if root.id is null then
    perform private.refuse(404, 'There is no such execution', format('execution %s', own_execution.execution_id));
  elsif root.parent_task_id is not null then
    perform private.refuse(404, 'There is no such execution', 'it is a part of one', format('Ask for the execution %s.', root.root_task_id));
  end if;
  return root;
end $$;
comment on function private.own_execution is 'A root task of the caller''s organization. PT404 for any other task.';

create function public.get_execution(execution_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  root public.tasks := private.own_execution(get_execution.execution_id);
begin
  return private.execution_json(root) || jsonb_build_object('description', left(root.description, 20000), 'at_work', private.work_under_way(root.id),
    'blockers', private.blockers_of(root.id), 'risks', private.risks_of(root.id), 'agents', private.agents_of(root.id));
end $$;
comment on function public.get_execution is
  'An execution as its dashboard shows it: how it stands, who is at work, what it waits for, what may go wrong, which agents took part. PT404 for a part of one.';

create function public.prepare_execution(execution_id uuid, priority text default null, bounds jsonb default '{}', timeout_seconds integer default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  root public.tasks := private.own_execution(prepare_execution.execution_id);
begin
  update public.tasks t set bounds = jsonb_strip_nulls(jsonb_build_object('max_wall_seconds', prepare_execution.timeout_seconds)) || t.bounds
    || coalesce(prepare_execution.bounds, '{}') where t.id = root.id;
  if prepare_execution.priority is not null then
    update public.tasks t set priority = prepare_execution.priority
    where t.root_task_id = root.id and t.execution_status not in ('completed', 'failed', 'cancelled') and t.priority <> prepare_execution.priority;
  end if;
  return public.get_task(root.id);
end $$;
comment on function public.prepare_execution is
  'Bounds of the tree, and the priority of what is not done in it. timeout_seconds is max_wall_seconds where neither the tree nor bounds has one.';

do $$ declare f text; begin
  foreach f in array array['public.list_executions', 'public.get_execution', 'public.prepare_execution', 'private.execution_json', 'private.live_tasks',
      'private.work_under_way', 'private.blockers_of', 'private.risks_of', 'private.agents_of', 'private.own_execution'] loop
    perform private.expose_function(f, array['authenticated', 'service_role']);
  end loop;
end $$;
