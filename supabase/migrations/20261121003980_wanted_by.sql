-- Whose wish it is that a person says yes to: an outside agent's, where the task, or one above it, was made by one.

create or replace function private.before_approval_insert() returns trigger
language plpgsql set search_path = '' as $$
declare
  task public.tasks;
begin
  if new.state <> 'open' and not (new.state = 'used' and new.decided_how is not distinct from 'own') then
    perform private.refuse(409, 'A new approval starts as open');
  end if;
  select * into task from public.tasks t where t.id = new.task_id and t.organization_id = new.organization_id;
  if task.id is null
     or (new.draft_id is not null and not exists (
       select 1 from public.drafts d where d.id = new.draft_id and d.organization_id = new.organization_id
         and d.task_id = new.task_id and d.digest = new.digest)) then
    perform private.refuse(422, 'An approval belongs to a task and a draft of the same tenant, and carries the draft''s digest');
  end if;
  new.decided_by := null; new.decided_at := null; new.used_at := null; new.policy_id := null; new.hold_until := null; new.good_until := null;
  if new.state = 'used' then
    if new.draft_id is not null or not private.is_own_act(new.tool) or task.tool is distinct from new.tool or not exists (
         select 1 from public.steps s where s.id = new.step_id and s.task_id = task.id and s.kind = 'act' and private.is_step_of(new.tool, s.name, s.key)) then
      perform private.refuse(403, 'Only own acts need no yes', coalesce(new.tool, ''));
    end if;
    new.decided_at := now(); new.used_at := now(); new.expires_at := null;
  else
    new.decided_how := null; new.step_id := null;
    new.expires_at := coalesce(new.expires_at, now() + private.approval_lasts('question'));
  end if;
  select jsonb_build_object('source', r.source, 'source_ref', r.source_ref, 'title', r.title, 'task_id', r.id) into new.origin
  from public.tasks r where r.id = task.root_task_id;
  new.origin := coalesce(new.origin, '{}') || jsonb_strip_nulls(jsonb_build_object('agent', private.wanted_by(task.id)));
  return new;
end $$;

-- Section: why an attempt ended --------------------------------------------------------------------------------------

create function public.list_leases(agent_id uuid default null, root_task_id uuid default null, most integer default 50) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(l) || jsonb_build_object('title', t.title, 'agent', a.name, 'execution', r.title,
    'why', case when l.outcome in ('failed', 'blocked', 'timeout', 'taken_back') then (
      select left(coalesce(p.data ->> 'error', p.data ->> 'reason'), 2000) from public.agent_reports p
      where p.task_id = l.task_id and p.lease_id = l.id and p.outcome = 'applied' and p.kind like any (array['%\_error', '%\_blocked']) order by p.received_at desc limit 1) end)
  from public.agent_leases l join public.tasks t on t.id = l.task_id join public.agents a on a.id = l.agent_id join public.tasks r on r.id = l.root_task_id
  where private.in_scope(l.organization_id) and (list_leases.agent_id is null or l.agent_id = list_leases.agent_id)
    and (list_leases.root_task_id is null or l.root_task_id = list_leases.root_task_id)
  order by l.claimed_at desc, l.id limit least(most, 500)
$$;
comment on function public.list_leases is 'What agents held and hold, newest first: of one agent, of one execution, or of all. `why` it ended, as the agent said.';
select private.expose_function('public.list_leases', array['authenticated', 'service_role']);
