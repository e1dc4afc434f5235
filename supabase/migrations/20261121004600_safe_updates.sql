-- Supabase loads safeupdate where its Data API signs in: an update or delete without a condition fails (21000), in a function
-- as well. The one row of metrics_progress is named.

create or replace function private.fold_totals() returns void
language plpgsql security definer set search_path = '' as $$
declare
  seen private.metrics_progress;
  newest bigint;
  until timestamptz := now() - interval '1 minute'; -- no call takes so long: what is older than this is complete
begin
  select * into seen from private.metrics_progress p for update; -- one at a time
  -- Ids are given in commit order, so nothing smaller comes later. Bounded, since the first time may be years of events.
  select least(coalesce(max(e.id), 0), seen.last_event_id + 500000) into newest from public.task_events e;
  if newest > seen.last_event_id then
    insert into private.metrics_totals as m (name, label, value)
    with fresh as (
      select e.id, e.task_id, e.kind, e.message, e.data, e.created_at from public.task_events e
      where e.id > seen.last_event_id and e.id <= newest and e.kind in ('state', 'step')),
    ended as (
      select e.data ->> 'to' as outcome, extract(epoch from e.created_at - s.created_at) as seconds from fresh e
      cross join lateral (
        select p.message, p.data, p.created_at from public.task_events p
        where p.task_id = e.task_id and p.id < e.id and p.kind = 'state' order by p.id desc limit 1) s
      where e.kind = 'state' and e.data ->> 'from' = 'in_progress'
        and s.message = 'started' and s.data ->> 'from' = 'queued' and s.data ->> 'actor_type' <> 'user'),
    steps as (
      select (e.data ->> 'step_kind') || ':' || e.message as label, e.message, e.data from fresh e
      where e.kind = 'step' and e.data ->> 'step_kind' in ('model', 'read', 'act')
        and e.message in ('started', 'finished', 'failed', 'uncertain', 'replayed'))
    select 'runs_started', '', count(*) from fresh e
    where e.kind = 'state' and e.message = 'started' and e.data ->> 'from' = 'queued' and e.data ->> 'actor_type' <> 'user'
    union all select 'runs_ended', e.outcome, count(*) from ended e group by 2
    union all select 'run_seconds_sum', '', coalesce(sum(e.seconds), 0) from ended e
    union all select 'run_seconds', width_bucket(e.seconds, array[0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600])::text, count(*) from ended e group by 2
    union all select 'steps', s.label, count(*) from steps s group by 2
    on conflict (name, label) do update set value = m.value + excluded.value;
  end if;
  insert into private.metrics_totals as m (name, label, value)
  with fresh as (
    select i.error, i.input_tokens, i.output_tokens, i.cost_usd from public.llm_interactions i
    where i.created_at > seen.last_call_at and i.created_at <= until)
  select 'model_calls', case when f.error is null then 'answered' else 'failed' end, count(*) from fresh f group by 2
  union all select 'tokens', 'input', sum(f.input_tokens) from fresh f having count(*) > 0
  union all select 'tokens', 'output', sum(f.output_tokens) from fresh f having count(*) > 0
  union all select 'cost_usd', '', coalesce(sum(f.cost_usd), 0) from fresh f having count(*) > 0
  on conflict (name, label) do update set value = m.value + excluded.value;
  update private.metrics_progress p
  set last_event_id = greatest(newest, p.last_event_id), last_call_at = greatest(until, p.last_call_at)
  where p.only_one;
end $$;
