-- What nobody asked for is paid for in the open: a cap of its own, and what it cost.

alter table public.llm_interactions add column is_silent boolean not null default false;
comment on column public.llm_interactions.is_silent is 'Asked for work that nobody asked for: its tree came from a nudge.';
create index llm_interactions_silent_idx on public.llm_interactions (organization_id, created_at) where is_silent;

create function private.before_llm_interaction() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.is_silent := exists (select 1 from public.tasks t join public.tasks r on r.id = t.root_task_id where t.id = new.task_id and r.source = 'proactive');
  return new;
end $$;
comment on function private.before_llm_interaction is 'Whether a request was for silent work, for good: its task may be deleted later.';
create trigger llm_interactions_10_silent before insert on public.llm_interactions for each row when (new.task_id is not null)
  execute function private.before_llm_interaction();

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
  'Which budget (a day''s, silent work''s of a day, a task''s, a tree''s) has not as much left as a request may cost, in words, and until when; null when each has. What others hold counts as spent (is_held: only that is in the way, which passes soon). limits {day_usd, day_calls, proactive_day_usd, task_usd, timezone, at: the day that is meant, now}: {refused, until, is_held}.';

create index tasks_at_bounds_idx on public.tasks (organization_id, blocked_at) where execution_status = 'blocked' and blocked_on = 'bounds';

create function private.silent_at_bounds(organization_id uuid) returns setof public.tasks
language sql stable set search_path = '' as $$
  select t.* from public.tasks t
  where t.organization_id = silent_at_bounds.organization_id and t.execution_status = 'blocked' and t.blocked_on = 'bounds'
    and exists (select 1 from public.tasks r where r.id = t.root_task_id and r.source = 'proactive')
  order by t.blocked_at, t.id limit 100
$$;
comment on function private.silent_at_bounds is 'Work that nobody asked for, and that waits at a bound: most often for the money of another day.';

create function private.before_digest_tells() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.content := jsonb_set(new.content, '{silent,waiting}', to_jsonb((select count(*) from private.silent_at_bounds(new.organization_id))));
  return new;
end $$;
comment on function private.before_digest_tells is 'A digest also says how much silent work waits at a bound (content.silent.waiting).';
create trigger digests_10_silent before update of content on public.digests for each row
  when (new.content ? 'silent' and not old.content ? 'silent') execute function private.before_digest_tells();

create function public.get_silent_spending(since timestamptz, at timestamptz) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('cost_usd', coalesce(sum(i.cost_usd), 0), 'model_calls', count(*) filter (where i.provider <> 'steward'),
    'waiting', (select coalesce(jsonb_agg(jsonb_build_object('task_id', w.id, 'title', w.title, 'reason', w.blocked_reason, 'until', w.blocked_until) order by w.blocked_at), '[]')
      from private.silent_at_bounds(private.acting_organization()) w))
  from public.llm_interactions i
  where i.organization_id = private.acting_organization() and i.is_silent and i.created_at >= get_silent_spending.since and i.created_at <= get_silent_spending.at
$$;
comment on function public.get_silent_spending is
  'What work that nobody asked for cost between two moments, and which of it waits at a bound now: {cost_usd, model_calls, waiting: [{task_id, title, reason, until}]}.';

do $$ declare f text; begin
  perform private.expose_function('public.get_silent_spending', array['authenticated', 'service_role']);
  foreach f in array array['silent_at_bounds', 'before_digest_tells', 'before_llm_interaction'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
end $$;
