-- Models: what a day and a task may spend, held before a request is made; and what a run may show a model.

-- Section: what a request was answered by -------------------------------------------------------------------------

alter table public.llm_interactions add column served_model text check (length(served_model) <= 300);
comment on column public.llm_interactions.served_model is 'The name under which the server answered, where it is not the one that was asked for.';

-- Section: budgets ------------------------------------------------------------------------------------------------

create table public.model_reservations (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  task_id uuid references public.tasks (id) on delete cascade,
  step_id uuid references public.steps (id) on delete cascade,
  root_task_id uuid,
  cost_usd numeric(14, 8) not null check (cost_usd >= 0),
  created_at timestamptz not null default clock_timestamp()
);
comment on table public.model_reservations is
  'What requests under way may cost at most: held before each, let go with its record. One that was never recorded counts for ten minutes.';
create index model_reservations_organization_idx on public.model_reservations (organization_id, created_at);
create index model_reservations_task_idx on public.model_reservations (task_id);
create index model_reservations_step_idx on public.model_reservations (step_id);
create index model_reservations_root_idx on public.model_reservations (root_task_id);

select private.guard_table('public.model_reservations', 'select, insert, delete');
create policy model_reservations_read on public.model_reservations for select to authenticated
using (organization_id in (select private.my_organizations()));
create policy model_reservations_add on public.model_reservations for insert to authenticated
with check (organization_id in (select private.my_organizations()));
create policy model_reservations_remove on public.model_reservations for delete to authenticated
using (organization_id in (select private.my_organizations()));

create function private.budget_refusal(task public.tasks, cost_usd numeric, limits jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  tenant uuid := coalesce(task.organization_id, private.acting_organization());
  own jsonb := (select o.bounds from public.organizations o where o.id = tenant);
  tree jsonb := case when task.id is not null then private.tree_bounds(task.root_task_id) else '{}' end;
  day_usd numeric := least((own ->> 'max_cost_usd_per_day')::numeric, (limits ->> 'day_usd')::numeric);
  day_calls numeric := least((own ->> 'max_model_calls_per_day')::numeric, (limits ->> 'day_calls')::numeric);
  task_usd numeric := least((tree ->> 'max_cost_usd_per_task')::numeric, (limits ->> 'task_usd')::numeric,
    case when task.id <> task.root_task_id then (task.bounds ->> 'max_cost_usd')::numeric end);
  zone text := coalesce(limits ->> 'timezone', 'UTC');
  day_began timestamptz := date_trunc('day', now(), zone);
  day_ends timestamptz := date_trunc('day', day_began + interval '36 hours', zone);
  soon timestamptz := now() + interval '1 minute';
  spent numeric;
  held numeric;
  calls bigint;
begin
  if day_usd is not null or day_calls is not null then
    select coalesce(sum(i.cost_usd), 0), count(*) filter (where i.provider <> 'steward') into spent, calls
    from public.llm_interactions i where i.organization_id = tenant and i.created_at >= day_began;
    select coalesce(sum(r.cost_usd), 0), calls + count(*) into held, calls from public.model_reservations r where r.organization_id = tenant;
    if calls >= day_calls then
      return jsonb_build_object('until', day_ends, 'refused', format('%s of %s requests to models are used today', calls, day_calls));
    end if;
    if spent >= day_usd or spent + held + budget_refusal.cost_usd > day_usd then
      return jsonb_build_object('until', case when spent < day_usd and spent + budget_refusal.cost_usd <= day_usd then soon else day_ends end, 'is_held',
        spent < day_usd and spent + budget_refusal.cost_usd <= day_usd, 'refused', format('$%s of $%s for models are spent today%s', round(spent, 4), day_usd,
        case when spent < day_usd then format(', and with $%s under way this request may cost up to $%s',
          round(held, 4), round(budget_refusal.cost_usd, 4)) else '' end));
    end if;
  end if;
  if task.id is null then
    return null;
  end if;
  if task_usd is not null then
    select coalesce(sum(s.cost_usd), 0) into spent from public.steps s where s.task_id = task.id;
    select coalesce(sum(r.cost_usd), 0) into held from public.model_reservations r where r.task_id = task.id;
    if spent >= task_usd or spent + held + budget_refusal.cost_usd > task_usd then
      return jsonb_build_object('until', case when spent < task_usd and spent + budget_refusal.cost_usd <= task_usd then soon end, 'is_held',
        spent < task_usd and spent + budget_refusal.cost_usd <= task_usd, 'refused', format('this task may spend $%s on models, has spent $%s, and this request may cost up to $%s',
        task_usd, round(spent + held, 4), round(budget_refusal.cost_usd, 4)));
    end if;
  end if;
  select coalesce(sum(s.cost_usd), 0) into spent from public.steps s where s.root_task_id = task.root_task_id and s.kind = 'model';
  select coalesce(sum(r.cost_usd), 0) into held from public.model_reservations r where r.root_task_id = task.root_task_id;
  if spent + held + budget_refusal.cost_usd > (tree ->> 'max_cost_usd')::numeric then
    return jsonb_build_object('until', case when spent + budget_refusal.cost_usd <= (tree ->> 'max_cost_usd')::numeric then soon end, 'is_held',
      spent + budget_refusal.cost_usd <= (tree ->> 'max_cost_usd')::numeric, 'refused', format('$%s of $%s are spent in this tree, and with $%s under way this request may cost up to $%s',
      round(spent, 4), tree ->> 'max_cost_usd', round(held, 4), round(budget_refusal.cost_usd, 4)));
  end if;
  return null;
end $$;
comment on function private.budget_refusal is
  'Which budget (a day''s, a task''s, a tree''s) has not as much left as a request may cost, in words, and until when; null when each has. What others hold counts as spent (is_held: only that is in the way, which passes soon): {refused, until, is_held}.';

create function public.reserve_model_call(task_id uuid, step_id uuid, cost_usd double precision, limits jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  tenant uuid := private.acting_organization();
  task public.tasks;
  refusal jsonb;
  reserved uuid;
begin
  if tenant is null then
    perform private.refuse(403, 'Nobody is signed in');
  end if;
  if reserve_model_call.task_id is not null then
    task := private.own_task(reserve_model_call.task_id);
    tenant := task.organization_id;
  end if;
  -- One at a time in a tenant: two requests must not both find the last cent.
  perform pg_advisory_xact_lock(hashtextextended('steward.model_budget.' || tenant, 0));
  delete from public.model_reservations r where r.organization_id = tenant and r.created_at < now() - interval '10 minutes';
  refusal := private.budget_refusal(task, reserve_model_call.cost_usd::numeric, limits);
  if refusal is null then
    insert into public.model_reservations (organization_id, task_id, step_id, root_task_id, cost_usd)
    values (tenant, task.id, reserve_model_call.step_id, task.root_task_id, reserve_model_call.cost_usd) returning id into reserved;
    return jsonb_build_object('reservation_id', reserved);
  end if;
  -- It is as if the step had not begun: no request was made, so none is counted.
  if reserve_model_call.step_id is not null then
    delete from public.steps s where s.id = reserve_model_call.step_id and s.task_id = task.id and s.state = 'started' and s.attempts = 1;
    update public.steps s set state = 'failed', error = left(refusal ->> 'refused', 2000), attempts = s.attempts - 1, finished_at = clock_timestamp()
    where s.id = reserve_model_call.step_id and s.task_id = task.id and s.state = 'started' and s.attempts > 1;
  end if;
  return refusal;
end $$;
comment on function public.reserve_model_call is
  'Before a request to a model: holds what it may cost at most, {reservation_id}; or says which budget forbids it, {refused, until}. limits {day_usd, day_calls, task_usd, timezone} are the installation''s; a tenant''s and a tree''s own bounds hold as well.';

create or replace function public.record_llm_interaction(task_id uuid, call jsonb) returns uuid
language plpgsql set search_path = '' as $$
declare
  new_id uuid;
begin
  insert into public.llm_interactions (organization_id, task_id, purpose, provider, model, prompt_version, input_tokens, output_tokens,
    cost_usd, latency_ms, response_id, error, served_model)
  select private.acting_organization(), record_llm_interaction.task_id, r.purpose, coalesce(r.provider, ''), r.model,
    coalesce(r.prompt_version, ''), coalesce(r.input_tokens, 0), coalesce(r.output_tokens, 0), r.cost_usd, coalesce(r.latency_ms, 0),
    r.response_id, left(r.error, 500), left(r.served_model, 300)
  from jsonb_populate_record(null::public.llm_interactions, call) r returning id into new_id;
  delete from public.model_reservations r where r.id = (call ->> 'reservation_id')::uuid and private.in_scope(r.organization_id);
  return new_id;
end $$;
comment on function public.record_llm_interaction is
  'Tokens, cost and time of one model call, never the words; lets go of what was held for it (call.reservation_id).';

-- A task that waits for a day's budget goes on when the next day begins.

-- Section: what a run may show a model ----------------------------------------------------------------------------

create function private.is_local_organization(organization_id uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (
    select 1 from public.members m join auth.users u on u.id = m.user_id
    where m.organization_id = is_local_organization.organization_id and m.role = 'owner'
      and u.raw_app_meta_data ->> 'steward_owner' = 'true')
$$;
comment on function private.is_local_organization is
  'Does it belong to the owner of this installation, whom its settings and folders serve? Definer, since it reads users.';

create function public.get_model_context(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_model_context.task_id);
begin
  return jsonb_build_object(
    'is_local', private.is_local_organization(task.organization_id),
    'agent', (select jsonb_build_object('capabilities', a.capabilities, 'tools', a.tools) from public.agents a where a.id = task.agent_id),
    'artifacts', (select coalesce(jsonb_agg(jsonb_build_object('name', f.name, 'size_bytes', f.size_bytes, 'content', f.start) order by f.created_at), '[]')
      from (select x.name, x.size_bytes, x.created_at, encode(substring(x.content for 65536), 'base64') as start from public.artifacts x
            where x.organization_id = task.organization_id and x.task_id in (task.id, task.root_task_id) and x.content is not null
              and (x.media_type like 'text/%' or x.media_type like 'application/json%') order by x.created_at limit 10) f),
    'last_answer', (select s.result -> 'value' from public.steps s
      where s.task_id = task.id and s.kind = 'model' and s.state = 'finished' and s.name in ('strategy', 'revision')
      order by s.finished_at desc, s.key desc limit 1));
end $$;
comment on function public.get_model_context is
  'What a run may show a model, and go on from: {is_local, agent {capabilities, tools}, artifacts [{name, size_bytes, content: base64 of the first 64 KB}], last_answer}.';

do $$ begin
  perform private.expose_function('private.budget_refusal', array['authenticated', 'service_role']);
  perform private.expose_function('private.is_local_organization', array['service_role']);
  perform private.expose_function('public.reserve_model_call', array['authenticated', 'service_role']);
  perform private.expose_function('public.get_model_context', array['service_role']);
end $$;
