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

create or replace function private.budget_refusal(task public.tasks, cost_usd numeric, limits jsonb) returns jsonb
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
  day_began timestamptz := date_trunc('day', coalesce((limits ->> 'at')::timestamptz, now()), zone);
  day_ends timestamptz := date_trunc('day', day_began + interval '36 hours', zone);
  silent_usd numeric := (limits ->> 'proactive_day_usd')::numeric;
  soon timestamptz := now() + interval '1 minute';
  others_usd numeric := (limits ->> 'others_day_usd')::numeric;
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
  if others_usd is not null then
    spent := private.others_model_cost(tenant, day_began, (limits ->> 'day_usd')::numeric);
    if spent + budget_refusal.cost_usd > others_usd then
      return jsonb_build_object('until', day_ends, 'is_of_others', true, 'refused',
        format('what everybody but the owner of this installation may spend on models in a day, $%s, is used up', others_usd));
    end if;
  end if;
  if task.id is null then
    return null;
  end if;
  if silent_usd is not null and exists (select 1 from public.tasks r where r.id = task.root_task_id and r.source = 'proactive') then
    select coalesce(sum(i.cost_usd), 0) into spent from public.llm_interactions i
    where i.organization_id = tenant and i.is_silent and i.created_at >= day_began;
    select coalesce(sum(v.cost_usd), 0) into held from public.model_reservations v join public.tasks r on r.id = v.root_task_id
    where v.organization_id = tenant and r.source = 'proactive';
    if spent + held + budget_refusal.cost_usd > silent_usd then
      return jsonb_build_object('until', case when held > 0 and spent + budget_refusal.cost_usd <= silent_usd then soon else day_ends end,
        'is_held', held > 0 and spent + budget_refusal.cost_usd <= silent_usd, 'is_silent', true,
        'refused', format('$%s of $%s for work that nobody asked for are spent today, and this request may cost up to $%s',
          round(spent + held, 4), silent_usd, round(budget_refusal.cost_usd, 4)));
    end if;
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
  'Which budget (a day''s, of all but the owner, silent work''s of a day, a task''s, a tree''s) has not as much left as a request may cost, in words, and until when; null when each has. What others hold counts as spent (is_held: only that is in the way, which passes soon). limits {day_usd, day_calls, others_day_usd, proactive_day_usd, task_usd, timezone, at: the day that is meant, now}: {refused, until, is_held, is_of_others, is_silent}.';

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
  'Before a request to a model: holds what it may cost at most, {reservation_id}; or says which budget forbids it, {refused, until}. limits {day_usd, day_calls, others_day_usd, task_usd, timezone} are the installation''s; a tenant''s and a tree''s own bounds hold as well. A person asks for a question of no task. Definer: nobody writes what is held by hand.';
