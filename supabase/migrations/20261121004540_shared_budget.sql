-- Each organization has a day's budget; whoever signs up can make as many as they like, so all but the owner's share another one.

create function private.others_model_cost(organization_id uuid, since timestamptz, each_usd numeric default null) returns numeric
language sql stable security definer set search_path = '' as $$
  select case when not private.is_local_organization(others_model_cost.organization_id) then
    coalesce((select sum(least(of_one.cost_usd, others_model_cost.each_usd)) from (
      select sum(x.cost_usd) as cost_usd from (
        select i.organization_id, i.cost_usd from public.llm_interactions i where i.created_at >= others_model_cost.since
        union all
        select r.organization_id, r.cost_usd from public.model_reservations r where r.created_at >= now() - interval '10 minutes') x
      where not private.is_local_organization(x.organization_id) group by x.organization_id) of_one), 0) end
$$;
comment on function private.others_model_cost is
  'What every organization but the owner''s personal one has spent on models since then, with what is held; null for that one. Of each at most each_usd: what was spent is said by whoever spent it. Definer, because it adds up what each sees of itself alone.';
select private.expose_function('private.others_model_cost', array['authenticated', 'service_role']);

-- Section: what a request may still cost, budget by budget ----------------------------------------------------------------

alter table public.model_reservations add column made_by uuid default auth.uid();
comment on column public.model_reservations.made_by is 'Who holds it for a request that they make themselves; null: the worker.';
alter table public.llm_interactions add column made_by uuid;
comment on column public.llm_interactions.made_by is 'Who says what their own request cost; null: the worker. No foreign key: it stays when they have gone.';

create function private.budget_day(limits jsonb) returns tstzrange
language sql stable set search_path = '' as $$
  select tstzrange(d.began, date_trunc('day', d.began + interval '36 hours', d.zone))
  from (select z.zone, date_trunc('day', coalesce((limits ->> 'at')::timestamptz, now()), z.zone) as began
    from (select coalesce(limits ->> 'timezone', 'UTC') as zone) z) d
$$;
comment on function private.budget_day is 'The day that a day''s budget is for, from midnight to midnight: limits {timezone, at: the day that is meant, now}.';

create function private.over_budget(spent numeric, held numeric, cost_usd numeric, most numeric, ends timestamptz, words text, of_nothing boolean default false) returns jsonb
language sql stable set search_path = '' as $$
  select case when over_budget.spent + over_budget.held + over_budget.cost_usd > over_budget.most or over_budget.of_nothing and over_budget.spent >= over_budget.most then
    jsonb_build_object('refused', over_budget.words, 'is_held', h.is_held, 'until', case when h.is_held then now() + interval '1 minute' else over_budget.ends end) end
  from (select over_budget.held > 0 and over_budget.spent < over_budget.most and over_budget.spent + over_budget.cost_usd <= over_budget.most as is_held) h
$$;
comment on function private.over_budget is
  'What is said where a budget has not as much left as a request may cost; null where it has. What is held counts as spent (is_held: only that is in the way, which passes soon); ends: when there is more; of_nothing: once all is spent, what costs nothing is refused, too.';

create function private.held_usd(organization_id uuid, day_usd numeric) returns numeric
language sql stable security definer set search_path = '' as $$
  select coalesce(sum(case when h.made_by is null or h.made_by = (select auth.uid()) or o.is_personal then h.cost_usd
    else least(h.cost_usd, held_usd.day_usd / 4) end), 0)
  from (select r.made_by, sum(r.cost_usd) as cost_usd from public.model_reservations r where r.organization_id = held_usd.organization_id group by r.made_by) h
  join public.organizations o on o.id = held_usd.organization_id
$$;
comment on function private.held_usd is
  'What requests under way may cost. Where there are several members, what another one holds by themself is at most a quarter of the day: they say what it may cost. Definer, because it counts what each holds.';

create function private.day_refusal(tenant uuid, cost_usd numeric, limits jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  own jsonb := (select o.bounds from public.organizations o where o.id = tenant);
  day_usd numeric := least((own ->> 'max_cost_usd_per_day')::numeric, (limits ->> 'day_usd')::numeric);
  day_calls numeric := least((own ->> 'max_model_calls_per_day')::numeric, (limits ->> 'day_calls')::numeric);
  day tstzrange := private.budget_day(limits);
  spent numeric;
  held numeric;
  calls bigint;
begin
  if day_usd is null and day_calls is null then
    return null;
  end if;
  select coalesce(sum(case when i.is_said then least(i.cost_usd, day_usd / 4) else i.cost_usd end), 0),
    coalesce(sum(case when i.is_said then least(i.calls, day_calls / 4) else i.calls end), 0) into spent, calls
  from (
    select sum(l.cost_usd) as cost_usd, count(*) filter (where l.provider <> 'steward') as calls,
      l.made_by <> coalesce((select auth.uid()), tenant) and exists (select 1 from public.organizations o where o.id = tenant and not o.is_personal) as is_said
    from public.llm_interactions l where l.organization_id = tenant and l.created_at >= lower(day) group by l.made_by) i;
  calls := calls + (select count(*) from public.model_reservations r where r.organization_id = tenant);
  if calls >= day_calls then
    return jsonb_build_object('until', upper(day), 'refused', format('%s of %s requests to models are used today', calls, day_calls));
  end if;
  held := private.held_usd(tenant, day_usd);
  return private.over_budget(spent, held, day_refusal.cost_usd, day_usd, upper(day), format('$%s of $%s for models are spent today%s', round(spent, 4), day_usd,
    case when spent < day_usd then format(', and with $%s under way this request may cost up to $%s', round(held, 4), round(day_refusal.cost_usd, 4)) else '' end), true);
end $$;
comment on function private.day_refusal is
  'Is the day''s budget of an organization, in money or requests, used up? As in over_budget. What another member says that their own requests cost is at most a quarter of it.';

create function private.others_refusal(tenant uuid, cost_usd numeric, limits jsonb) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('until', upper(d.day), 'is_of_others', true, 'refused',
    format('what everybody but the owner of this installation may spend on models in a day, $%s, is used up', limits ->> 'others_day_usd'))
  from (select private.budget_day(limits) as day) d
  where case when limits ->> 'others_day_usd' is not null then
    private.others_model_cost(tenant, lower(d.day), (limits ->> 'day_usd')::numeric) + others_refusal.cost_usd > (limits ->> 'others_day_usd')::numeric end
$$;
comment on function private.others_refusal is 'Is the day''s budget of all but the owner used up?';

create function private.silent_refusal(task public.tasks, cost_usd numeric, limits jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  most numeric := (limits ->> 'proactive_day_usd')::numeric;
  day tstzrange := private.budget_day(limits);
  spent numeric;
  held numeric;
begin
  if most is null or not exists (select 1 from public.tasks r where r.id = task.root_task_id and r.source = 'proactive') then
    return null;
  end if;
  select coalesce(sum(i.cost_usd), 0) into spent from public.llm_interactions i
  where i.organization_id = task.organization_id and i.is_silent and i.created_at >= lower(day);
  select coalesce(sum(v.cost_usd), 0) into held from public.model_reservations v join public.tasks r on r.id = v.root_task_id
  where v.organization_id = task.organization_id and r.source = 'proactive';
  return private.over_budget(spent, held, silent_refusal.cost_usd, most, upper(day),
    format('$%s of $%s for work that nobody asked for are spent today, and this request may cost up to $%s',
      round(spent + held, 4), most, round(silent_refusal.cost_usd, 4))) || '{"is_silent": true}';
end $$;
comment on function private.silent_refusal is 'Is the day''s budget of work that nobody asked for used up, and is the task such work?';

create function private.tree_refusal(task public.tasks, cost_usd numeric, limits jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  tree jsonb := private.tree_bounds(task.root_task_id);
  task_usd numeric := least((tree ->> 'max_cost_usd_per_task')::numeric, (limits ->> 'task_usd')::numeric,
    case when task.id <> task.root_task_id then (task.bounds ->> 'max_cost_usd')::numeric end);
  spent numeric;
  held numeric;
  refusal jsonb;
begin
  select coalesce(sum(s.cost_usd), 0) into spent from public.steps s where s.task_id = task.id;
  select coalesce(sum(r.cost_usd), 0) into held from public.model_reservations r where r.task_id = task.id;
  refusal := private.over_budget(spent, held, tree_refusal.cost_usd, task_usd, null, format('this task may spend $%s on models, has spent $%s, and this request may cost up to $%s',
    task_usd, round(spent + held, 4), round(tree_refusal.cost_usd, 4)), true);
  if refusal is not null then
    return refusal;
  end if;
  select coalesce(sum(s.cost_usd), 0) into spent from public.steps s where s.root_task_id = task.root_task_id and s.kind = 'model';
  select coalesce(sum(r.cost_usd), 0) into held from public.model_reservations r where r.root_task_id = task.root_task_id;
  return private.over_budget(spent, held, tree_refusal.cost_usd, (tree ->> 'max_cost_usd')::numeric, null,
    format('$%s of $%s are spent in this tree, and with $%s under way this request may cost up to $%s',
      round(spent, 4), tree ->> 'max_cost_usd', round(held, 4), round(tree_refusal.cost_usd, 4)));
end $$;
comment on function private.tree_refusal is 'Is what a task, or the tree that it stands in, may spend on models used up?';

create or replace function private.budget_refusal(task public.tasks, cost_usd numeric, limits jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  tenant uuid := coalesce(task.organization_id, private.acting_organization());
  refusal jsonb := coalesce(private.day_refusal(tenant, budget_refusal.cost_usd, limits), private.others_refusal(tenant, budget_refusal.cost_usd, limits));
begin
  if refusal is null and task.id is not null then
    refusal := coalesce(private.silent_refusal(task, budget_refusal.cost_usd, limits), private.tree_refusal(task, budget_refusal.cost_usd, limits));
  end if;
  return refusal;
end $$;
comment on function private.budget_refusal is
  'Which budget (a day''s, of all but the owner, silent work''s of a day, a task''s, a tree''s) has not as much left as a request may cost, in words, and until when; null when each has. What others hold counts as spent (is_held: only that is in the way, which passes soon). limits {day_usd, day_calls, others_day_usd, proactive_day_usd, task_usd, timezone, at: the day that is meant, now}: {refused, until, is_held, is_of_others, is_silent}.';

create function private.too_many_held(organization_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select jsonb_build_object('refused', 'you have 8 requests to models under way', 'until', now() + interval '1 minute', 'is_held', true)
  where (select count(*) from public.model_reservations r
    where r.organization_id = too_many_held.organization_id and r.made_by = (select auth.uid())) >= 8
$$;
comment on function private.too_many_held is
  'Nobody holds more than 8 requests of their own at a time: what they never settle is given back after ten minutes. Definer, as reserve_model_call is.';

do $$ declare f text; begin
  foreach f in array array['budget_day', 'over_budget', 'held_usd', 'day_refusal', 'others_refusal', 'silent_refusal', 'tree_refusal', 'budget_refusal',
      'too_many_held'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;

create or replace function public.reserve_model_call(task_id uuid, step_id uuid, cost_usd double precision, limits jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  tenant uuid := private.acting_organization();
  task public.tasks;
  refusal jsonb;
  reserved uuid;
begin
  if tenant is null then
    perform private.refuse(403, 'Nobody is signed in');
  elsif (select auth.uid()) is not null and num_nonnulls(reserve_model_call.task_id, reserve_model_call.step_id) > 0 then
    perform private.refuse(403, 'What a task may cost its worker asks');
  elsif reserve_model_call.cost_usd < 0 then
    perform private.refuse(422, 'cost_usd is 0 or more', format('cost_usd is %s', reserve_model_call.cost_usd));
  end if;
  if reserve_model_call.task_id is not null then
    task := private.own_task(reserve_model_call.task_id);
    tenant := task.organization_id;
  end if;
  -- One at a time in a tenant: two requests must not both find the last cent.
  perform pg_advisory_xact_lock(hashtextextended('steward.model_budget.' || tenant, 0));
  if limits ->> 'others_day_usd' is not null and private.others_model_cost(tenant, now()) is not null then
    perform pg_advisory_xact_lock(hashtextextended('steward.model_budget.others', 0)); -- and in all of those that share a budget
  end if;
  delete from public.model_reservations r where r.organization_id = tenant and r.created_at < now() - interval '10 minutes';
  refusal := coalesce(private.too_many_held(tenant), private.budget_refusal(task, reserve_model_call.cost_usd::numeric, limits));
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
  'Before a request to a model: holds what it may cost at most, {reservation_id}; or says which budget forbids it, {refused, until}. limits {day_usd, day_calls, others_day_usd, task_usd, timezone} are the installation''s; a tenant''s and a tree''s own bounds hold as well. A person asks for a question of no task. Definer: nobody writes what is held by hand.';
