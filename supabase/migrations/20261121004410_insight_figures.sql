-- What was done for a person, in figures: work, time, money, how right it was, how fast, by whom, and what was brought up.

-- Between two moments (since, until], days and weeks by the person's zone. Nothing is counted twice: a task that was broken
-- down is its parts, and what only moves a message along (sending, waiting, asking) is nobody's time saved.

create index drafts_sent_idx on public.drafts (organization_id, sent_at) where sent_at is not null;
create index feedback_rated_idx on public.feedback (organization_id, created_at) where rating is not null;
create index mail_messages_kept_idx on public.mail_messages (organization_id, created_at);
create index agent_leases_ended_idx on public.agent_leases (organization_id, ended_at) where ended_at is not null;

-- Section: work and time ------------------------------------------------------------------------------------------

create function private.work_done(organization_id uuid, since timestamptz, until timestamptz)
returns table (task_id uuid, kind text, minutes double precision, basis text, review_minutes double precision, completed_at timestamptz)
language sql stable set search_path = '' as $$
  with learned as (
    select t.kind, percentile_cont(0.5) within group (order by t.actual_duration_minutes) as minutes from public.tasks t
    where t.organization_id = work_done.organization_id and t.execution_status = 'completed' and t.execution_type = 'manual' and t.tool is null
      and t.actual_duration_minutes > 0 and t.completed_at > work_done.until - interval '1 year' and t.completed_at <= work_done.until
    group by t.kind having count(*) >= 3)
  select t.id, t.kind, least(coalesce(l.minutes, t.estimated_duration_minutes, 5), 60),
    case when l.minutes is not null then 'learned' when t.estimated_duration_minutes is not null then 'estimated' else 'assumed' end,
    case when d.versions is not null then 2 + 3 * d.versions when t.execution_type = 'semi_automated' then 2 else 1 end, t.completed_at
  from public.tasks t left join learned l on l.kind = t.kind
  left join lateral (select count(*) filter (where x.author_type = 'user') as versions, bool_or(x.state in ('approved', 'sending', 'sent', 'uncertain')) as is_used
    from public.drafts x where x.task_id = t.id having count(*) > 0) d on true
  where t.organization_id = work_done.organization_id and t.execution_status = 'completed' and t.completed_at > work_done.since and t.completed_at <= work_done.until
    and t.run_started_at is not null and t.execution_type <> 'manual' and t.tool is null and t.strategy = 'immediate'
    and t.superseded_at is null and t.waived_at is null and t.assigned_to_type is distinct from 'user'
    and (d.versions is null or d.is_used)
$$;
comment on function private.work_done is
  'Work that a person would else have done, each once: what such a task took them before (the median of three and more, else the estimate, else 5 minutes; at most 60), and what looking at it took: 1 minute, 2 where it was to be reviewed, 3 more for each edit. A draft that was not used counts nothing.';

create function private.insights_done(organization_id uuid, since timestamptz, until timestamptz, timezone text) returns jsonb
language sql stable set search_path = '' as $$
  with work as materialized (select * from private.work_done(insights_done.organization_id, insights_done.since, insights_done.until))
  select jsonb_build_object(
    'tasks', (select count(*) from work),
    'minutes_saved', (select coalesce(round(sum(greatest(w.minutes - w.review_minutes, 0))), 0) from work w),
    'by_kind', (select coalesce(jsonb_agg(to_jsonb(k) order by k.tasks desc, k.kind), '[]') from (
      select w.kind, count(*) as tasks, round(avg(w.minutes)::numeric, 1) as minutes_each, min(w.basis) as basis, round(sum(w.review_minutes)) as review_minutes,
        round(sum(greatest(w.minutes - w.review_minutes, 0))) as minutes_saved from work w group by w.kind) k),
    'by_week', (select coalesce(jsonb_agg(to_jsonb(k) order by k.week), '[]') from (
      select date_trunc('week', w.completed_at at time zone insights_done.timezone)::date as week, count(*) as tasks,
        round(sum(greatest(w.minutes - w.review_minutes, 0))) as minutes_saved from work w group by 1) k),
    'drafts_sent', (select count(*) from public.drafts d where d.organization_id = insights_done.organization_id and d.sent_at > insights_done.since and d.sent_at <= insights_done.until),
    'events_booked', (select count(*) from public.steps s where s.organization_id = insights_done.organization_id and s.started_at > insights_done.since
      and s.started_at <= insights_done.until and s.kind = 'act' and s.name in ('calendar_event', 'private_event') and s.state = 'finished'),
    'mails_read', m.read, 'mails_sorted', m.sorted, 'mails_corrected', m.corrected)
  from (select count(*) as read, count(*) filter (where x.category is not null) as sorted,
      count(*) filter (where x.corrected_at is not null) as corrected from public.mail_messages x
        where x.organization_id = insights_done.organization_id and x.created_at > insights_done.since and x.created_at <= insights_done.until and not x.is_from_me) m
$$;
comment on function private.insights_done is
  'What was done, and the time that saved: {tasks, minutes_saved, by_kind, by_week, drafts_sent, events_booked, mails_read, mails_sorted, mails_corrected: by the person}. Sending, reading and booking save no minutes of their own.';

-- Section: money ----------------------------------------------------------------------------------------------------

create function private.insights_cost(organization_id uuid, since timestamptz, until timestamptz, timezone text) returns jsonb
language sql stable set search_path = '' as $$
  with calls as materialized (
    select i.task_id, i.purpose, i.provider <> 'steward' as is_model, i.is_silent, coalesce(i.cost_usd, 0) as usd, i.created_at
    from public.llm_interactions i
    where i.organization_id = insights_cost.organization_id and i.created_at > insights_cost.since and i.created_at <= insights_cost.until)
  select jsonb_build_object('usd', coalesce(sum(c.usd), 0), 'calls', count(*) filter (where c.is_model), 'by_rules', count(*) filter (where not c.is_model),
    'silent', jsonb_build_object('usd', coalesce(sum(c.usd) filter (where c.is_silent), 0), 'calls', count(*) filter (where c.is_silent and c.is_model),
      'tasks', (select count(distinct coalesce(t.root_task_id, x.task_id)) from calls x left join public.tasks t on t.id = x.task_id where x.is_silent)),
    'by_day', (select coalesce(jsonb_agg(to_jsonb(d) order by d.day), '[]') from (
      select (x.created_at at time zone insights_cost.timezone)::date as day, sum(x.usd) as usd, count(*) filter (where x.is_model) as calls,
        coalesce(sum(x.usd) filter (where x.is_silent), 0) as silent_usd from calls x group by 1) d),
    'by_kind', (select coalesce(jsonb_agg(to_jsonb(k) order by k.usd desc, k.calls desc, k.kind), '[]') from (
      select coalesce(t.kind, x.purpose) as kind, sum(x.usd) as usd, count(*) filter (where x.is_model) as calls
      from calls x left join public.tasks t on t.id = x.task_id group by 1 order by 2 desc limit 20) k))
  from calls c
$$;
comment on function private.insights_cost is
  'What models cost: {usd, calls, by_rules, silent: {usd, calls, tasks}, by_day, by_kind}. silent: for work that nobody asked for.';

-- Section: right and fast -------------------------------------------------------------------------------------------

create function private.insights_accuracy(organization_id uuid, since timestamptz, until timestamptz, timezone text) returns jsonb
language sql stable set search_path = '' as $$
  with decided as materialized (select * from private.draft_outcomes(insights_accuracy.organization_id, insights_accuracy.since, insights_accuracy.until))
  select jsonb_build_object('unchanged', count(*) filter (where d.how = 'unchanged'), 'edited', count(*) filter (where d.how = 'edited'),
    'rejected', count(*) filter (where d.how = 'rejected'), 'edits', coalesce(sum(d.edits), 0),
    'by_week', (select coalesce(jsonb_agg(to_jsonb(w) order by w.week), '[]') from (
      select date_trunc('week', x.decided_at at time zone insights_accuracy.timezone)::date as week, count(*) as drafts,
        count(*) filter (where x.how = 'unchanged') as unchanged, count(*) filter (where x.how = 'edited') as edited,
        count(*) filter (where x.how = 'rejected') as rejected, sum(x.edits) as edits from decided x group by 1) w),
    'verification', (select coalesce(jsonb_object_agg(v.verification, v.tasks), '{}') from (
      select t.verification, count(*) as tasks from public.tasks t
      where t.organization_id = insights_accuracy.organization_id and t.execution_status = 'completed' and t.completed_at > insights_accuracy.since
        and t.completed_at <= insights_accuracy.until and t.run_started_at is not null and t.verification is not null group by 1) v))
  from decided d
$$;
comment on function private.insights_accuracy is
  'What a person did with drafts: {unchanged, edited, rejected, edits, by_week, verification: {verified, claimed, unverifiable: tasks}}.';

create function private.insights_speed(organization_id uuid, since timestamptz, until timestamptz) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('cases', count(*), 'p50_seconds', round((percentile_cont(0.5) within group (order by s.seconds))::numeric, 1),
    'p90_seconds', round((percentile_cont(0.9) within group (order by s.seconds))::numeric, 1))
  from (
    select extract(epoch from min((e.value ->> 'timestamp')::timestamptz) filter (where e.value ->> 'to' in ('completed', 'blocked'))
      - min((e.value ->> 'timestamp')::timestamptz) filter (where e.value ->> 'to' = 'queued')) as seconds
    from (select t.id, t.execution_log from public.tasks t
          where t.organization_id = insights_speed.organization_id and t.execution_status = 'completed' and t.completed_at > insights_speed.since
            and t.completed_at <= insights_speed.until and t.run_started_at is not null and t.execution_type <> 'manual'
            and (t.tool is null or t.tool not in ('delay', 'wait_for_reply', 'approval_gate', 'email_send')) and t.strategy is distinct from 'decompose'
          order by t.completed_at desc limit 1000) r
    cross join lateral jsonb_array_elements(r.execution_log) e group by r.id) s
  where s.seconds >= 0
$$;
comment on function private.insights_speed is
  'From being asked to the first result, of the latest thousand tasks: {cases, p50_seconds, p90_seconds}; what waits for others by its nature is left out.';

-- Section: who did it ----------------------------------------------------------------------------------------------

create function private.insights_workers(organization_id uuid, since timestamptz, until timestamptz) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'agents', (select coalesce(jsonb_agg(to_jsonb(a) order by a.runs desc, a.name), '[]') from (
      select g.name, count(*) as runs, count(*) filter (where l.outcome in ('completed', 'decomposed')) as finished,
        count(*) filter (where l.outcome in ('failed', 'silent', 'timeout')) as failed,
        round(avg(extract(epoch from l.ended_at - l.claimed_at))::numeric, 1) as seconds
      from public.agent_leases l join public.agents g on g.id = l.agent_id
      where l.organization_id = insights_workers.organization_id and l.ended_at > insights_workers.since and l.ended_at <= insights_workers.until group by g.id, g.name) a),
    'tools', (select coalesce(jsonb_agg(to_jsonb(s) order by s.runs desc, s.name), '[]') from (
      -- What was called, without the id of what it was called with.
      select regexp_replace(x.name, '\s+[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}.*$', '') as name, count(*) as runs, count(*) filter (where x.state = 'finished') as finished, count(*) filter (where x.state in ('failed', 'uncertain')) as failed,
        coalesce(sum(x.cost_usd), 0) as usd, round(avg(extract(epoch from x.finished_at - x.started_at))::numeric, 2) as seconds
      from public.steps x
      where x.organization_id = insights_workers.organization_id and x.started_at > insights_workers.since and x.started_at <= insights_workers.until and x.kind <> 'model'
      group by 1 order by 2 desc limit 40) s),
    'models', (select coalesce(jsonb_agg(to_jsonb(m) order by m.runs desc, m.name), '[]') from (
      select case when i.provider = 'steward' then 'built-in rules' else i.model end as name, count(*) as runs, count(*) filter (where i.error is null) as finished,
        count(*) filter (where i.error is not null) as failed, coalesce(sum(i.cost_usd), 0) as usd, round(avg(i.latency_ms) / 1000, 2) as seconds
      from public.llm_interactions i
      where i.organization_id = insights_workers.organization_id and i.created_at > insights_workers.since and i.created_at <= insights_workers.until group by 1 order by 2 desc limit 20) m))
$$;
comment on function private.insights_workers is 'Runs, how many of them ended well, cost and time on average: {agents, tools, models}.';

create function private.insights_nudges(organization_id uuid, since timestamptz, until timestamptz) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('told', coalesce(sum(k.told), 0), 'acted', coalesce(sum(k.acted), 0), 'dismissed', coalesce(sum(k.dismissed), 0),
    'lapsed', coalesce(sum(k.lapsed), 0), 'by_kind', coalesce(jsonb_agg(to_jsonb(k) order by k.told desc, k.kind), '[]'))
  from (
    select n.kind, count(*) as told, count(*) filter (where n.state = 'acted') as acted, count(*) filter (where n.state = 'dismissed') as dismissed,
      count(*) filter (where n.state = 'lapsed') as lapsed,
      round(count(*) filter (where n.state = 'acted') / nullif(count(*) filter (where n.state in ('acted', 'dismissed', 'lapsed')), 0)::numeric, 3) as precision
    from public.nudges n
    where n.organization_id = insights_nudges.organization_id and n.told_at > insights_nudges.since and n.told_at <= insights_nudges.until group by n.kind) k
$$;
comment on function private.insights_nudges is 'What was brought up, and of what use: {told, acted, dismissed, lapsed, by_kind: [{kind, told, acted, dismissed, lapsed, precision}]}.';

-- Section: all of it ------------------------------------------------------------------------------------------------

create function public.get_insights(since timestamptz, until timestamptz, timezone text default 'UTC', ahead_seconds double precision default 0) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  organization uuid := private.acting_organization();
  ahead interval := make_interval(secs => coalesce(get_insights.ahead_seconds, 0));
begin
  if get_insights.until <= get_insights.since then
    perform private.refuse(422, 'Insights are of a time that begins before it ends', format('%s to %s', get_insights.since, get_insights.until));
  end if;
  if not exists (select 1 from pg_catalog.pg_timezone_names z where z.name = get_insights.timezone) then
    perform private.refuse(422, 'There is no such time zone', get_insights.timezone);
  end if;
  return jsonb_build_object('since', get_insights.since, 'until', get_insights.until, 'timezone', get_insights.timezone,
    'done', private.insights_done(organization, get_insights.since, get_insights.until, get_insights.timezone),
    'cost', private.insights_cost(organization, get_insights.since, get_insights.until, get_insights.timezone),
    'accuracy', private.insights_accuracy(organization, get_insights.since, get_insights.until, get_insights.timezone),
    'speed', private.insights_speed(organization, get_insights.since, get_insights.until),
    'workers', private.insights_workers(organization, get_insights.since, get_insights.until),
    'nudges', private.insights_nudges(organization, get_insights.since + ahead, get_insights.until + ahead),
    'preferences', (select jsonb_build_object('active', count(*) filter (where p.state = 'active'), 'proposed', count(*) filter (where p.state = 'proposed'),
      'hits', coalesce(sum(p.hits) filter (where p.state = 'active'), 0)) from public.preferences p where p.organization_id = organization),
    'calibration', (select coalesce(jsonb_agg(c), '[]') from public.list_calibrations(60) c));
end $$;
comment on function public.get_insights is
  'What was done for the caller''s tenant between two moments: {done, cost, accuracy, speed, workers, nudges, preferences, calibration}; what each counts stands at private.insights_*. ahead_seconds: how far the clock by which things are brought up goes before that of the records.';

do $$ declare f text; begin
  foreach f in array array['work_done', 'insights_done', 'insights_cost', 'insights_accuracy', 'insights_speed', 'insights_workers', 'insights_nudges'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('public.get_insights', array['authenticated', 'service_role']);
end $$;
