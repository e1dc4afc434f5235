-- What came of what was said with a confidence: calibration, thresholds that follow it, and the money of silent work.

-- Section: calibrations -------------------------------------------------------------------------------------------

create table public.calibrations (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  stream text not null check (stream ~ '^(draft|rules|extraction|decomposition|plan|nudge:[a-z_]{1,40})$'),
  computed_at timestamptz not null,
  threshold double precision not null check (threshold between 0.6 and 0.95),
  previous_threshold double precision check (previous_threshold between 0.6 and 0.95),
  learned double precision check (learned between 0.6 and 0.95),
  is_pinned boolean not null default false,
  reason text not null default '' check (length(reason) <= 500),
  cases double precision not null default 0 check (cases >= 0),
  share_right double precision check (share_right between 0 and 1),
  brier double precision check (brier between 0 and 1),
  reference double precision check (reference between 0 and 1),
  error double precision check (error between 0 and 1),
  bins jsonb not null default '[]' check (jsonb_typeof(bins) = 'array'),
  fitted jsonb not null default '[]' check (jsonb_typeof(fitted) = 'array'),
  primary key (organization_id, stream, computed_at)
);
comment on table public.calibrations is
  'How well each stream of confidences knew itself, as computed each night, and the threshold that holds from then on. The newest of a stream counts.';
comment on column public.calibrations.learned is 'The threshold that the outcomes ask for; it holds unless a person pinned another.';
comment on column public.calibrations.reference is 'The Brier score of always saying the share that was right.';
comment on column public.calibrations.bins is 'The reliability diagram: [{low, high, count, confidence, right, least, most}].';
select private.guard_table('public.calibrations', 'select');
create policy calibrations_read on public.calibrations for select to authenticated using (organization_id in (select private.my_organizations()));

create function private.threshold_of(organization_id uuid, stream text, fallback double precision) returns double precision
language sql stable set search_path = '' as $$
  select coalesce((select c.threshold from public.calibrations c
    where c.organization_id = threshold_of.organization_id and c.stream = threshold_of.stream order by c.computed_at desc limit 1), fallback)
$$;
comment on function private.threshold_of is 'The confidence from which on a tenant''s stream counts as sure: pinned, learned, or else the fallback.';

create function private.newest_calibrations(organization_id uuid) returns setof public.calibrations
language sql stable set search_path = '' as $$
  select distinct on (c.stream) c.* from public.calibrations c
  where c.organization_id = newest_calibrations.organization_id order by c.stream, c.computed_at desc
$$;
comment on function private.newest_calibrations is 'The calibration that counts, of each stream of a tenant.';

create function public.get_thresholds() returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_object_agg(c.stream, c.threshold), '{}') from private.newest_calibrations(private.acting_organization()) c
$$;
comment on function public.get_thresholds is 'The thresholds that hold for the caller''s tenant where they were learned or pinned: {stream: confidence}.';

create function public.list_calibrations(points integer default 60) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(n) - 'organization_id' || jsonb_build_object('history', (
    select coalesce(jsonb_agg(jsonb_build_object('computed_at', h.computed_at, 'threshold', h.threshold, 'brier', h.brier, 'cases', h.cases,
      'is_pinned', h.is_pinned, 'reason', h.reason) order by h.computed_at), '[]')
    from (select * from public.calibrations c where c.organization_id = n.organization_id and c.stream = n.stream
          order by c.computed_at desc limit least(greatest(points, 1), 400)) h))
  from private.newest_calibrations(private.acting_organization()) n order by n.stream
$$;
comment on function public.list_calibrations is 'The calibration that counts, of each stream, with its latest points as `history`, oldest first.';

create function public.save_calibration(stream text, figures jsonb, fallback double precision, at timestamptz) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := private.acting_organization();
  before public.calibrations;
  made public.calibrations;
begin
  perform pg_advisory_xact_lock(hashtextextended('calibrations ' || organization, 0));
  select * into before from public.calibrations c where c.organization_id = organization and c.stream = save_calibration.stream order by c.computed_at desc limit 1;
  if before.computed_at >= save_calibration.at then
    return to_jsonb(before) - 'organization_id'; -- it was computed later than that already
  end if;
  made := jsonb_populate_record(null::public.calibrations, figures);
  made.organization_id := organization;
  made.stream := save_calibration.stream;
  made.computed_at := save_calibration.at;
  made.previous_threshold := coalesce(before.threshold, save_calibration.fallback);
  made.is_pinned := coalesce(before.is_pinned, false);
  made.threshold := case when made.is_pinned then before.threshold when abs(made.learned - made.previous_threshold) < 0.01 then made.previous_threshold
    else made.learned end;
  made.reason := case when made.is_pinned then before.reason when made.threshold = made.previous_threshold then '' else made.reason end;
  made.bins := coalesce(made.bins, '[]');
  made.fitted := coalesce(made.fitted, '[]');
  insert into public.calibrations select made.*;
  delete from public.calibrations c where c.organization_id = organization and c.stream = save_calibration.stream and c.computed_at < save_calibration.at - interval '2 years';
  if made.threshold <> made.previous_threshold then
    perform private.audit(organization, 'threshold.moved', 'organization', organization, made.reason,
      jsonb_build_object('stream', made.stream, 'from', made.previous_threshold, 'to', made.threshold, 'cases', made.cases));
    perform private.record_event(organization, null, null, 'threshold', 'moved',
      jsonb_build_object('stream', made.stream, 'from', made.previous_threshold, 'to', made.threshold, 'reason', made.reason));
  end if;
  return to_jsonb(made) - 'organization_id';
end $$;
comment on function public.save_calibration is
  'Keeps the figures of a stream {learned, reason, cases, share_right, brier, reference, error, bins, fitted}; its threshold moves to what was learned unless it is pinned. A move is an event and an audit line (definer: nobody else writes those).';

create function public.pin_threshold(stream text, threshold double precision, fallback double precision, at timestamptz) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := private.acting_organization();
  before public.calibrations;
  made public.calibrations;
begin
  if organization is null or (select auth.uid()) is null or private.token_scopes() is not null then
    perform private.refuse(403, 'What counts as sure is a person''s own to say');
  end if;
  if pin_threshold.threshold not between 0.6 and 0.95 then
    perform private.refuse(422, 'A threshold is between 0.6 and 0.95', format('threshold is %s', pin_threshold.threshold));
  end if;
  perform pg_advisory_xact_lock(hashtextextended('calibrations ' || organization, 0));
  select * into before from public.calibrations c where c.organization_id = organization and c.stream = pin_threshold.stream order by c.computed_at desc limit 1;
  made := before;
  made.organization_id := organization;
  made.stream := pin_threshold.stream;
  made.computed_at := greatest(pin_threshold.at, before.computed_at + interval '1 microsecond');
  made.previous_threshold := coalesce(before.threshold, pin_threshold.fallback);
  made.is_pinned := pin_threshold.threshold is not null;
  made.threshold := coalesce(pin_threshold.threshold, before.learned, pin_threshold.fallback);
  made.reason := case when made.is_pinned then 'You pinned it' else 'You let it follow what came of it again' end;
  made.cases := coalesce(before.cases, 0);
  made.bins := coalesce(before.bins, '[]');
  made.fitted := coalesce(before.fitted, '[]');
  insert into public.calibrations select made.*;
  perform private.audit(organization, case when made.is_pinned then 'threshold.pinned' else 'threshold.released' end, 'organization', organization, made.reason,
    jsonb_build_object('stream', made.stream, 'from', made.previous_threshold, 'to', made.threshold));
  return to_jsonb(made) - 'organization_id';
exception when check_violation then
  perform private.refuse(422, 'There is no such stream of confidences', pin_threshold.stream);
end $$;
comment on function public.pin_threshold is
  'A person holds a threshold where they want it (null: it follows its outcomes again). No token does. Definer: people may not write calibrations, which are figures.';

create function public.list_organizations_at_work(since timestamptz) returns setof uuid
language sql stable set search_path = '' as $$
  select o.id from public.organizations o
  where exists (select 1 from public.tasks t where t.organization_id = o.id and t.updated_at >= list_organizations_at_work.since) order by o.id
$$;
comment on function public.list_organizations_at_work is 'Tenants in which a task changed since then (service only).';

-- Section: outcomes -----------------------------------------------------------------------------------------------

create index tasks_done_idx on public.tasks (organization_id, completed_at) where execution_status = 'completed';
create index drafts_made_idx on public.drafts (organization_id, decided_at) where decided_at is not null;
create index tasks_broken_down_idx on public.tasks (organization_id, updated_at) where decomposition_confidence is not null;
create index audit_events_deletions_idx on public.audit_events (organization_id, created_at) where action = 'task.deleted';

create or replace function private.before_task_deletion() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.audit(old.organization_id, 'task.deleted', 'task', old.id, null, jsonb_strip_nulls(jsonb_build_object('title', old.title,
    'ai_confidence', old.ai_confidence, 'source', case when old.ai_confidence is not null then old.source end,
    'created_at', case when old.ai_confidence is not null then old.created_at end,
    'status', case when old.ai_confidence is not null then old.execution_status end)));
  return old;
end $$;

create function private.draft_outcomes(organization_id uuid, since timestamptz, at timestamptz)
returns table (draft_id uuid, task_id uuid, how text, edits integer, confidence double precision, decided_at timestamptz)
language sql stable set search_path = '' as $$
  select distinct on (d.id) d.id, d.task_id,
    case when last.state = 'rejected' then 'rejected' when last.author_type = 'user' then 'edited' else 'unchanged' end,
    (select count(*)::integer from public.drafts u where u.task_id = d.task_id and u.author_type = 'user' and u.version > d.version and u.version <= last.version),
    coalesce(r.result ->> 'confidence', t.result ->> 'confidence')::double precision, last.decided_at
  from public.drafts last
  -- What was written here, and not by the person, that this came from.
  cross join lateral (select c.id, c.task_id, c.version from public.drafts c
    where c.task_id = last.task_id and c.version <= last.version and c.author_type = 'agent' order by c.version desc limit 1) d
  join public.tasks t on t.id = d.task_id
  left join lateral (select c.result from public.tasks c
    where c.parent_task_id = d.task_id and c.tool = 'revise_draft' and c.result ->> 'draft_id' = d.id::text limit 1) r on true
  where last.organization_id = draft_outcomes.organization_id and last.decided_at >= draft_outcomes.since and last.decided_at <= draft_outcomes.at
    and last.state not in ('draft', 'superseded')
    and not exists (select 1 from public.approvals a where a.draft_id = last.id and a.decided_how = 'permission')
  order by d.id, last.version desc
$$;
comment on function private.draft_outcomes is
  'What a person did with what was written for them: unchanged, edited (how often) or rejected, with the confidence it was written with. What a permission let go tells nothing.';

create function private.result_outcomes(organization_id uuid, since timestamptz, at timestamptz)
returns table (task_id uuid, share double precision, confidence double precision, happened_at timestamptz)
language sql stable set search_path = '' as $$
  with judged as (
    select o.task_id, case o.how when 'unchanged' then 1.0 when 'edited' then 0.5 else 0.0 end as share, o.confidence, o.decided_at
    from private.draft_outcomes(result_outcomes.organization_id, result_outcomes.since, result_outcomes.at) o
    union all
    select a.task_id, (a.state <> 'rejected')::integer::numeric, (t.result ->> 'confidence')::double precision, a.decided_at
    from public.approvals a join public.tasks t on t.id = a.task_id
    where a.organization_id = result_outcomes.organization_id and a.draft_id is null and a.tool is null and t.tool is null
      and (a.state = 'rejected' or a.state in ('approved', 'used') and a.decided_how = 'person')
      and a.decided_at >= result_outcomes.since and a.decided_at <= result_outcomes.at),
  rated as (
    select distinct on (f.task_id) f.task_id, case when f.rating >= 4 then 1.0 when f.rating <= 2 then 0.0 end as share, f.created_at
    from public.feedback f
    where f.organization_id = result_outcomes.organization_id and f.rating is not null and not f.by_program
      and f.created_at >= result_outcomes.since and f.created_at <= result_outcomes.at
    order by f.task_id, f.created_at desc)
  select j.task_id, coalesce(r.share, j.share)::double precision, j.confidence, coalesce(r.created_at, j.decided_at)
  from judged j left join rated r on r.task_id = j.task_id and r.share is not null and r.created_at >= j.decided_at
  where j.confidence is not null
  union all
  select r.task_id, r.share, (t.result ->> 'confidence')::double precision, r.created_at
  from rated r join public.tasks t on t.id = r.task_id
  where r.share is not null and t.result ->> 'confidence' is not null and t.strategy = 'immediate' and not exists (select 1 from judged j where j.task_id = r.task_id)
$$;
comment on function private.result_outcomes is
  'How right each result was, in a person''s word: approved unchanged 1, edited 0.5, rejected 0; a rating given after that goes before it (4 and 5 are right, 1 and 2 wrong).';

create function private.outcomes(organization_id uuid, since timestamptz, at timestamptz)
returns table (stream text, subject_id uuid, confidence double precision, share double precision, happened_at timestamptz)
language sql stable set search_path = '' as $$
  select s.stream, r.task_id, r.confidence, r.share, r.happened_at
  from private.result_outcomes(outcomes.organization_id, outcomes.since, outcomes.at) r
  cross join lateral (values ('draft'), ('rules')) s (stream)
  where s.stream = 'draft' or exists (select 1 from public.llm_interactions i where i.task_id = r.task_id and i.provider = 'steward')
    and not exists (select 1 from public.llm_interactions i where i.task_id = r.task_id and i.provider <> 'steward')
  union all
  -- Tasks found in words: those that were done were right; those that were thrown away within a week were not.
  select 'extraction', t.id, t.ai_confidence, 1, t.completed_at from public.tasks t
  where t.organization_id = outcomes.organization_id and t.execution_status = 'completed' and t.completed_at >= outcomes.since and t.completed_at <= outcomes.at
    and t.ai_confidence is not null and t.source in ('chat', 'mail', 'slack') and t.parent_task_id is null
  union all
  select 'extraction', t.id, t.ai_confidence, 0, t.cancelled_at from public.tasks t
  where t.organization_id = outcomes.organization_id and t.execution_status = 'cancelled' and t.updated_at >= outcomes.since
    and t.cancelled_at >= outcomes.since and t.cancelled_at <= outcomes.at
    and t.cancelled_at < t.created_at + interval '7 days' and t.ai_confidence is not null and t.source in ('chat', 'mail', 'slack') and t.parent_task_id is null
  union all
  select 'extraction', e.subject_id, (e.data ->> 'ai_confidence')::double precision, 0, e.created_at from public.audit_events e
  where e.organization_id = outcomes.organization_id and e.action = 'task.deleted' and e.actor_type = 'user' and e.created_at >= outcomes.since
    and e.created_at <= outcomes.at and e.data ->> 'source' in ('chat', 'mail', 'slack') and e.data ->> 'status' not in ('completed', 'cancelled')
    and e.created_at < (e.data ->> 'created_at')::timestamptz + interval '7 days'
  union all
  -- A mail of which the person says that nothing was to be done: nor was the open task that was found in it.
  select 'extraction', t.id, t.ai_confidence, 0, m.corrected_at from public.mail_messages m
  join public.tasks t on t.organization_id = m.organization_id and t.source = 'mail' and t.source_ref ? 'message_id'
    and t.source_ref ->> 'message_id' = m.message_id
  where m.organization_id = outcomes.organization_id and m.corrected_at >= outcomes.since and m.corrected_at <= outcomes.at
    and m.category in ('information', 'noise') and m.corrected_from in ('needs_reply', 'needs_action')
    and t.ai_confidence is not null and t.parent_task_id is null and t.execution_status not in ('completed', 'cancelled')
  union all
  -- Plans and breakdowns: done as planned, done after changes, given up.
  select case when p.kind = 'objective' and p.document_id is null then 'plan' else 'decomposition' end, t.id, t.decomposition_confidence,
    coalesce(case when f.rating >= 4 then 1 when f.rating <= 2 then 0 end,
      case when t.execution_status <> 'completed' then 0 when t.replan_count > 0 or exists (select 1 from public.plan_changes c where c.task_id = t.id) then 0.5 else 1 end),
    coalesce(t.completed_at, t.cancelled_at, t.failed_at)
  from public.tasks t left join public.plans p on p.id = t.id
  left join lateral (select r.rating from public.feedback r where r.task_id = t.id and r.rating is not null and not r.by_program order by r.created_at desc limit 1) f on true
  where t.organization_id = outcomes.organization_id and t.decomposition_confidence is not null and t.updated_at >= outcomes.since
    and t.execution_status in ('completed', 'cancelled', 'failed')
    and coalesce(t.completed_at, t.cancelled_at, t.failed_at) between outcomes.since and outcomes.at
  union all
  select 'nudge:' || n.kind, n.id, n.confidence, (n.state = 'acted')::integer, n.decided_at
  from private.counted_nudges(outcomes.organization_id, outcomes.since) n where n.decided_at <= outcomes.at
$$;
comment on function private.outcomes is
  'What came of everything that was said with a confidence: {stream, subject_id, confidence, share that was right (0, 0.5, 1), happened_at}, of a tenant between two moments.';

create function public.list_outcomes(since timestamptz, at timestamptz) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(o) || jsonb_build_object('confidence', round(o.confidence::numeric, 3)) from private.outcomes(private.acting_organization(), list_outcomes.since, list_outcomes.at) o
  where o.confidence between 0 and 1 order by o.stream, o.happened_at, o.subject_id
$$;
comment on function public.list_outcomes is 'The outcomes of the caller''s tenant {stream, subject_id, confidence, share, happened_at}, by stream and time.';

-- Section: thresholds that decide ---------------------------------------------------------------------------------

create or replace function private.break_down_by_agent(task public.tasks, agent public.agents, data jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  is_unsure boolean := coalesce((data ->> 'confidence')::double precision, 0)
    < private.threshold_of(task.organization_id, 'decomposition', 0.8);
  reached text := private.growth_bound(task, jsonb_array_length(data -> 'parts') + is_unsure::integer); -- with the question whether to
  parts jsonb;
begin
  if reached is not null then
    perform private.refuse(422, 'The tree has reached its bound', reached);
  end if;
  perform private.block_paused(task.id);
  select t.* into task from public.tasks t where t.id = task.id;
  parts := private.insert_agent_parts(task, agent, data, is_unsure);
  update public.agent_offers o set continues = coalesce((data ->> 'continues')::boolean, false), reserved_for = agent.id, reserved_until = null,
    waited_seconds = o.waited_seconds + private.waited(o), obstacle = null, obstacle_since = null, rechecks = 0 where o.task_id = task.id;
  update public.tasks t set execution_status = 'blocked', strategy = 'decompose', blocked_on = 'subtasks', decomposition_confidence = round((data ->> 'confidence')::numeric, 4)::real,
    blocked_reason = case when is_unsure then 'Waits for your agreement to its parts' else format('0 of %s subtasks done', jsonb_array_length(parts)) end,
    result = jsonb_build_object('strategy', 'decompose', 'output', coalesce(data ->> 'message', ''), 'confidence', data -> 'confidence')
  where t.id = task.id;
  perform private.queue_ready_children(task.id);
  return jsonb_build_object('parts', parts, 'human_review_required', is_unsure);
end $$;

create or replace function private.attention_rules(organization_id uuid, rules jsonb) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('daily_nudges', 5, 'quiet_from', '20:00', 'quiet_until', '07:30', 'quiet_days', '[]'::jsonb, 'digest_at', '08:00',
      'proactive', 'prepare', 'mute_below', 0.3, 'mute_cases', 8, 'mute_days', 30, 'count_days', 60, 'timezone', 'UTC')
    || jsonb_strip_nulls(rules)
    || coalesce((select jsonb_strip_nulls(to_jsonb(a) - array['organization_id', 'updated_at']) from public.attention a
                 where a.organization_id = attention_rules.organization_id), '{}')
    || jsonb_build_object('told_from', coalesce((select jsonb_object_agg(substr(c.stream, 7), c.threshold)
        from private.newest_calibrations(attention_rules.organization_id) c where starts_with(c.stream, 'nudge:')), '{}')
      || coalesce(nullif(rules -> 'told_from', 'null'), '{}'))
$$;


do $$ declare f text; begin
  foreach f in array array['get_thresholds', 'list_calibrations', 'pin_threshold', 'list_outcomes'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['save_calibration', 'list_organizations_at_work'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  foreach f in array array['threshold_of', 'newest_calibrations', 'draft_outcomes', 'result_outcomes', 'outcomes'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
end $$;
