-- Nudges: what rules found is kept once, told or held as the person's rules say, and decided.

-- Section: of what use a kind was ----------------------------------------------------------------------------------

create function private.counted_nudges(organization_id uuid, since timestamptz) returns setof public.nudges
language sql stable set search_path = '' as $$
  select (c.nudge).* from (
    select n as nudge, row_number() over (partition by n.kind, n.person, n.state = 'acted' order by n.told_at, n.id) as place
    from public.nudges n
    where n.organization_id = counted_nudges.organization_id and n.told_at > counted_nudges.since
      and (n.state = 'acted' or n.state in ('dismissed', 'lapsed') and n.confidence >= 0.5)) c
  where (c.nudge).state = 'acted' or (c.nudge).person is null or c.place <= 2
$$;
comment on function private.counted_nudges is
  'Nudges told since then that say of what use their kind is: acted on, dismissed or lapsed. Of those that were of none, only what was told as certain, and no more than two about one person: nobody mutes a kind by writing much.';

create function private.nudge_precision(organization_id uuid, kind text, at timestamptz, rules jsonb) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('acted', c.acted, 'dismissed', c.dismissed, 'lapsed', c.lapsed, 'open', o.open, 'told', o.told,
    'precision', case when c.acted + c.dismissed + c.lapsed > 0 then round(c.acted::numeric / (c.acted + c.dismissed + c.lapsed), 3) end)
  from (select greatest(nudge_precision.at - make_interval(days => (rules ->> 'count_days')::integer),
      (select m.until from public.nudge_mutes m where m.organization_id = nudge_precision.organization_id
        and m.kind = nudge_precision.kind and m.person is null and m.thread_key is null and m.until <= nudge_precision.at)) as since) s
  cross join lateral (select count(*) filter (where n.state = 'acted') as acted, count(*) filter (where n.state = 'dismissed') as dismissed,
      count(*) filter (where n.state = 'lapsed') as lapsed
    from private.counted_nudges(nudge_precision.organization_id, s.since) n where n.kind = nudge_precision.kind) c
  cross join lateral (select count(*) filter (where n.state = 'told') as open, count(*) as told
    from public.nudges n where n.organization_id = nudge_precision.organization_id and n.kind = nudge_precision.kind and n.told_at > s.since) o
$$;
comment on function private.nudge_precision is
  'Of what use a kind was: acted on among those told and decided or lapsed that count, counted anew after a mute of the kind. {acted, dismissed, lapsed, open, told, precision}.';

create function private.mute_useless(organization_id uuid, kind text, at timestamptz, rules jsonb) returns void
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  use jsonb := private.nudge_precision(mute_useless.organization_id, mute_useless.kind, mute_useless.at, rules);
  cases integer := (use ->> 'acted')::integer + (use ->> 'dismissed')::integer + (use ->> 'lapsed')::integer;
begin
  if kind = 'reminder' or cases < (rules ->> 'mute_cases')::integer or (use ->> 'precision')::numeric >= (rules ->> 'mute_below')::numeric then
    return;
  end if;
  insert into public.nudge_mutes as m (organization_id, kind, muted_by, because, muted_at, until)
  values (mute_useless.organization_id, mute_useless.kind, 'precision', format('%s of the last %s were of use', use ->> 'acted', cases), mute_useless.at,
    mute_useless.at + make_interval(days => (rules ->> 'mute_days')::integer))
  on conflict (organization_id, coalesce(kind, ''), coalesce(person, ''), coalesce(thread_key, '')) do update
    set muted_by = excluded.muted_by, because = excluded.because, muted_at = excluded.muted_at, until = excluded.until
    where m.until is not null and m.until <= mute_useless.at;
  if found then
    update public.nudges n set state = 'muted', held_because = null, decided_at = mute_useless.at, decided_because = 'Its kind muted itself'
    where n.organization_id = mute_useless.organization_id and n.kind = mute_useless.kind and n.state = 'held';
  end if;
end $$;
comment on function private.mute_useless is 'A kind of which too few were of use mutes itself, visibly, for a time.';

create function private.mute_of(organization_id uuid, kind text, person text, thread_key text, at timestamptz) returns uuid
language sql stable set search_path = '' as $$
  select m.id from public.nudge_mutes m
  where m.organization_id = mute_of.organization_id and (m.until is null or m.until > mute_of.at)
    and (m.kind is null or m.kind = mute_of.kind) and (m.person is null or m.person = mute_of.person)
    and (m.thread_key is null or m.thread_key = mute_of.thread_key) limit 1
$$;
comment on function private.mute_of is 'The mute under which this is not brought up; null where none is.';

-- Section: told or held --------------------------------------------------------------------------------------------

create function private.nudge_json(nudge public.nudges) returns jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(nudge) - 'task_item' || jsonb_build_object('task', (select private.task_json(t) - 'execution_log' from public.tasks t where t.id = nudge.task_id))
$$;
comment on function private.nudge_json is 'A nudge as it is shown, with its task.';

create function private.after_nudge() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.record_event(new.organization_id, new.task_id, new.task_id, 'nudge', new.state,
    jsonb_build_object('nudge_id', new.id, 'kind', new.kind));
  return null;
end $$;
comment on function private.after_nudge is 'Pages that show nudges look again. Definer: events are written by nobody else.';
create trigger nudge_was_found after insert on public.nudges for each row when (new.state <> 'held') execute function private.after_nudge();
create trigger nudge_has_changed after update of state on public.nudges for each row when (old.state <> new.state) execute function private.after_nudge();

create function private.own_nudge(nudge_id uuid) returns public.nudges
language plpgsql set search_path = '' as $$
declare
  found_nudge public.nudges;
begin
  select * into found_nudge from public.nudges n where n.id = own_nudge.nudge_id and n.organization_id = private.acting_organization() for update;
  if found_nudge.id is null then
    perform private.refuse(404, 'There is no such nudge', format('nudge %s', own_nudge.nudge_id));
  end if;
  return found_nudge;
end $$;
comment on function private.own_nudge is 'A nudge of the caller''s, held for a change; else PT404.';

create function private.told_that_day(organization_id uuid, at timestamptz, rules jsonb) returns setof public.nudges
language sql stable set search_path = '' as $$
  select n.* from public.nudges n
  where n.organization_id = told_that_day.organization_id and n.told_at >= date_trunc('day', told_that_day.at, rules ->> 'timezone')
    and n.told_at <= told_that_day.at and n.digest_id is null and (n.held_because is null or n.reopened_at is not null) and n.kind <> 'reminder'
$$;
comment on function private.told_that_day is 'What was told by itself that day, neither in the digest nor asked for; what was told stays told, whatever became of it.';

create function private.told_today(organization_id uuid, at timestamptz, rules jsonb) returns bigint
language sql stable set search_path = '' as $$
  select count(*) from private.told_that_day(told_today.organization_id, told_today.at, rules)
$$;
comment on function private.told_today is 'How much of the day''s budget is used.';

create function private.is_much_of_one(nudge public.nudges, at timestamptz, rules jsonb) returns boolean
language sql stable set search_path = '' as $$
  select not nudge.is_urgent and nudge.person is not null and (
    (select count(*) from private.told_that_day(nudge.organization_id, is_much_of_one.at, rules) t where t.person = nudge.person and t.id <> nudge.id) >= 2
    or exists (select 1 from public.nudges n where n.organization_id = nudge.organization_id and n.person = nudge.person and n.kind = nudge.kind
      and n.state = 'settled' and n.told_at >= date_trunc('day', is_much_of_one.at, rules ->> 'timezone')))
$$;
comment on function private.is_much_of_one is
  'Was enough told about this person for one day: two things, or one of this kind whose reason went away again? What is urgent is told all the same.';

create function private.waits_for_digest(nudge public.nudges, at timestamptz, rules jsonb) returns boolean
language sql stable set search_path = '' as $$
  select not nudge.is_urgent and (rules ->> 'quiet_from')::time <> (rules ->> 'quiet_until')::time
    and here.wall::time >= (rules ->> 'quiet_until')::time and here.wall::time < (rules ->> 'digest_at')::time
    and (nudge.expires_at is null or nudge.expires_at at time zone (rules ->> 'timezone') > here.wall::date + (rules ->> 'digest_at')::time)
    and not exists (select 1 from public.digests d where d.organization_id = nudge.organization_id and d.day = here.wall::date)
  from (select waits_for_digest.at at time zone (rules ->> 'timezone') as wall) here
$$;
comment on function private.waits_for_digest is 'Are the quiet hours over, and is the digest still to come, soon enough for this? Then the morning has one page, not many words.';

create function private.held_because(nudge public.nudges, at timestamptz, rules jsonb) returns text
language sql stable set search_path = '' as $$
  select case
    when nudge.tell_at > held_because.at then 'early'
    when nudge.kind = 'reminder' then null
    when nudge.confidence < greatest((rules -> 'told_from' ->> nudge.kind)::real, 0.5) then 'confidence' -- what is as likely wrong interrupts nobody
    when rules ->> 'proactive' = 'off' or private.is_quiet(held_because.at, rules) then 'quiet'
    when private.waits_for_digest(nudge, held_because.at, rules) then 'digest'
    when private.is_much_of_one(nudge, held_because.at, rules) then 'person'
    when not nudge.is_urgent and nudge.told_at >= date_trunc('day', held_because.at, rules ->> 'timezone') then 'budget' -- settled, and back: not twice a day
    when private.told_today(nudge.organization_id, held_because.at, rules) >= (rules ->> 'daily_nudges')::integer then 'budget' end
$$;
comment on function private.held_because is 'Why this is not told at this moment; null when it may be. What a person asked to be reminded of is told at any time.';

create or replace function private.actor_type() returns text
language sql stable set search_path = '' as $$
  select case when nullif(current_setting('steward.unasked', true), '') is not null then 'agent' when (select auth.uid()) is not null then 'user'
    when (select auth.jwt()) ->> 'role' = 'service_role' then 'agent' else 'database' end
$$;
comment on function private.actor_type is
  'Who acts: a person (user), the worker (agent, also in a person''s name where nobody asked), or somebody at an SQL console (database).';

create function private.make_nudge_task(nudge public.nudges, item jsonb, rules jsonb) returns uuid
language plpgsql set search_path = '' as $$
declare
  task public.tasks;
  own_key text := 'proactive:' || nudge.key || coalesce('#' || extract(epoch from nudge.reopened_at)::bigint, '');
begin
  if nudge.organization_id is distinct from private.acting_organization() then
    perform private.refuse(404, 'There is no such nudge', format('nudge %s', nudge.id));
  end if;
  if exists (select 1 from public.tasks t where t.id = nudge.task_id and t.execution_status <> 'cancelled') then
    return nudge.task_id; -- it came back, and what was prepared is still there
  end if;
  task := private.insert_task(item || jsonb_build_object('source', 'proactive', 'source_key', own_key,
    'source_ref', coalesce(item -> 'source_ref', '{}') || nudge.source_ref || jsonb_build_object('nudge_id', nudge.id)));
  if task.id is null then
    return (select t.id from public.tasks t where t.organization_id = nudge.organization_id and t.source_key = own_key);
  end if;
  if nudge.executes and rules ->> 'proactive' = 'prepare' then
    perform public.queue_task_execution(task.id);
  end if;
  return task.id;
end $$;
comment on function private.make_nudge_task is 'The task of a nudge, once (and once more where it came back and its task was cancelled); prepared by itself where the person lets it.';

create function private.tell_nudge(nudge_id uuid, at timestamptz, rules jsonb, digest_id uuid default null) returns public.nudges
language plpgsql set search_path = '' as $$
declare
  item jsonb;
  told public.nudges;
begin
  select n.task_item into item from public.nudges n where n.id = tell_nudge.nudge_id;
  update public.nudges n set state = 'told', held_because = null, told_at = tell_nudge.at, digest_id = tell_nudge.digest_id, task_item = null
  where n.id = tell_nudge.nudge_id returning n.* into told;
  if item is not null then
    update public.nudges n set task_id = private.make_nudge_task(told, item, rules) where n.id = told.id returning n.* into told;
  end if;
  return told;
end $$;
comment on function private.tell_nudge is 'A nudge is told, by itself or in a digest, and its task is made with that.';

create function private.settle_gone(organization_id uuid, findings jsonb, at timestamptz, looked_at text[]) returns integer
language plpgsql set search_path = '' as $$
declare
  gone public.nudges;
  count_settled integer := 0;
begin
  for gone in
    select n.* from public.nudges n
    where n.organization_id = settle_gone.organization_id and n.state in ('held', 'told') and n.kind = any (looked_at)
      and (n.expires_at is null or n.expires_at > settle_gone.at) and not exists (select 1 from jsonb_array_elements(findings) f where f ->> 'key' = n.key)
    for update
  loop
    update public.nudges n set state = 'settled', decided_at = settle_gone.at, decided_because = 'Its reason is gone' where n.id = gone.id returning n.* into gone;
    perform private.cancel_nudge_task(gone);
    count_settled := count_settled + 1;
  end loop;
  return count_settled;
end $$;
comment on function private.settle_gone is 'Nudges whose reason went away by itself, of the kinds that were looked at: settled, and what was prepared for them is withdrawn. How many.';

create function private.cancel_nudge_task(nudge public.nudges) returns void
language plpgsql set search_path = '' as $$
declare
  part public.tasks;
begin
  for part in
    select t.* from public.tasks t where t.root_task_id = nudge.task_id and t.execution_status not in ('completed', 'failed', 'cancelled')
    order by t.depth limit 100
  loop
    if exists (select 1 from public.drafts d where d.task_id in (select private.subtree(part.id)) and d.state in ('sending', 'uncertain')) then
      continue; -- what is on its way, or may be, is not undone by this
    end if;
    if (select t.execution_status from public.tasks t where t.id = part.id) not in ('completed', 'failed', 'cancelled') then
      perform public.cancel_task(part.id);
    end if;
  end loop;
  update public.drafts d set state = 'superseded'
  where d.task_id in (select t.id from public.tasks t where t.root_task_id = nudge.task_id) and d.state = 'draft';
end $$;
comment on function private.cancel_nudge_task is 'What was prepared for a nudge that is not wanted: its open tasks are cancelled, its drafts withdrawn.';

create function private.may_come_back(nudge public.nudges, at timestamptz, rules jsonb) returns boolean
language sql stable set search_path = '' as $$
  select nudge.state = 'settled' and nudge.kind <> 'reminder' and nudge.decided_because = 'Its reason is gone' -- nobody decided it
    and (nudge.reopened_at is null or nudge.reopened_at < date_trunc('day', may_come_back.at, rules ->> 'timezone'))
$$;
comment on function private.may_come_back is 'May this be brought up again when its reason is there again? What a person decided is decided; the rest once a day.';

create function private.reopen_nudge(found public.nudges, organization_id uuid, at timestamptz, rules jsonb) returns public.nudges
language sql set search_path = '' as $$
  update public.nudges n set state = 'held', held_because = 'early', title = found.title, why = found.why, person = lower(found.person),
    thread_key = found.thread_key, source_ref = coalesce(found.source_ref, '{}'), confidence = coalesce(found.confidence, 0.8),
    is_urgent = coalesce(found.is_urgent, false), executes = coalesce(found.executes, false), tell_at = found.tell_at, expires_at = found.expires_at,
    digest_id = null, decided_at = null, decided_because = null, found_at = reopen_nudge.at, reopened_at = reopen_nudge.at
  where n.organization_id = reopen_nudge.organization_id and n.key = found.key and private.may_come_back(n, reopen_nudge.at, rules)
  returning n.*
$$;
comment on function private.reopen_nudge is 'A nudge that had settled and whose reason is there again, as it was found now; null where it may not come back.';

create function public.offer_nudges(findings jsonb, at timestamptz, rules jsonb default '{}', looked_at jsonb default '[]') returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  organization uuid := private.acting_organization();
  own_rules jsonb := private.attention_rules(organization, rules);
  item jsonb;
  r public.nudges;
  made public.nudges;
  reason text;
  all_made jsonb := '[]';
  settled integer := 0;
begin
  perform private.refuse_token();
  if jsonb_typeof(findings) <> 'array' or jsonb_array_length(findings) > 1000 then
    perform private.refuse(422, 'findings is a list of at most 1000');
  end if;
  perform pg_advisory_xact_lock(hashtextextended('nudges ' || organization, 0));
  if own_rules ->> 'proactive' = 'off' then
    findings := (select coalesce(jsonb_agg(f), '[]') from jsonb_array_elements(findings) f where f ->> 'kind' = 'reminder');
    looked_at := '[]';
  end if;
  perform set_config('steward.unasked', 'on', true); -- what follows is nobody's own act
  for item in
    select f.value from jsonb_array_elements(findings) with ordinality f (value, place)
    where not exists (select 1 from public.nudges n where n.organization_id = organization and n.key = f.value ->> 'key'
      and not private.may_come_back(n, offer_nudges.at, own_rules))
    order by (f.value ->> 'is_urgent')::boolean desc nulls last, f.place
  loop
    r := jsonb_populate_record(null::public.nudges, item);
    perform private.mute_useless(organization, r.kind, offer_nudges.at, own_rules);
    insert into public.nudges as n (organization_id, key, kind, title, why, person, thread_key, source_ref, confidence, is_urgent, executes, tell_at,
      expires_at, state, held_because, found_at)
    values (organization, r.key, r.kind, r.title, r.why, lower(r.person), r.thread_key, coalesce(r.source_ref, '{}'), coalesce(r.confidence, 0.8),
      coalesce(r.is_urgent, false), coalesce(r.executes, false), r.tell_at, r.expires_at, 'held', 'early', offer_nudges.at)
    on conflict (organization_id, key) do nothing
    returning n.* into made;
    if made.id is null then
      made := private.reopen_nudge(r, organization, offer_nudges.at, own_rules);
    end if;
    if made.id is null then
      continue; -- the same finding twice in one list
    end if;
    if r.kind <> 'reminder' and private.mute_of(organization, made.kind, made.person, made.thread_key, offer_nudges.at) is not null then
      update public.nudges n set state = 'muted', held_because = null where n.id = made.id returning n.* into made;
    else
      reason := private.held_because(made, offer_nudges.at, own_rules);
      update public.nudges n set held_because = coalesce(reason, n.held_because), task_item = case when jsonb_typeof(item -> 'task') = 'object' then item -> 'task' end
      where n.id = made.id returning n.* into made;
      if reason is null then
        made := private.tell_nudge(made.id, offer_nudges.at, own_rules);
      end if;
    end if;
    all_made := all_made || private.nudge_json(made);
  end loop;
  settled := private.settle_gone(organization, findings, offer_nudges.at, array(select jsonb_array_elements_text(looked_at)));
  perform set_config('steward.unasked', '', true);
  return jsonb_build_object('made', all_made, 'settled', settled, 'rules', own_rules);
end $$;
comment on function public.offer_nudges is
  'Keeps what rules found: each key once, unless it settled and its reason is back; muted, held or told as the person''s rules say, with its task. looked_at: kinds that were looked for completely, so that what is not found any more is settled. {made, settled, rules}.';

create function public.release_nudges(at timestamptz, rules jsonb default '{}') returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  organization uuid := private.acting_organization();
  own_rules jsonb := private.attention_rules(organization, rules);
  one public.nudges;
  reason text;
  told jsonb := '[]';
begin
  perform private.refuse_token();
  perform pg_advisory_xact_lock(hashtextextended('nudges ' || organization, 0));
  perform set_config('steward.unasked', 'on', true); -- what follows is nobody's own act
  for one in
    update public.nudges n set state = 'lapsed', held_because = null, decided_at = release_nudges.at, decided_because = 'Its time is over'
    where n.organization_id = organization and n.state in ('held', 'told') and n.expires_at <= release_nudges.at returning n.*
  loop
    if one.kind in ('agenda', 'agenda_reply', 'rsvp', 'conflict', 'travel', 'time_proposal') then
      perform private.cancel_nudge_task(one); -- of no use any more; a follow-up or a reminder may still be
    end if;
  end loop;
  for one in
    select n.* from public.nudges n where n.organization_id = organization and n.state = 'held' and n.held_because not in ('confidence', 'person') -- those wait for the digest
    order by n.is_urgent desc, n.expires_at nulls last, n.found_at, n.id for update
  loop
    reason := private.held_because(one, release_nudges.at, own_rules);
    if reason is null then
      told := told || private.nudge_json(private.tell_nudge(one.id, release_nudges.at, own_rules));
    elsif reason <> one.held_because then
      update public.nudges n set held_because = reason where n.id = one.id;
    end if;
  end loop;
  perform set_config('steward.unasked', '', true);
  return told;
end $$;
comment on function public.release_nudges is
  'What was held and may be told now, the most urgent first; what is over lapses, and what was prepared for an event that is over is withdrawn. The nudges that were told.';

do $$ declare f text; begin
  foreach f in array array['offer_nudges', 'release_nudges'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['nudge_json', 'own_nudge', 'counted_nudges', 'nudge_precision', 'mute_useless', 'mute_of', 'told_that_day', 'told_today', 'is_much_of_one', 'waits_for_digest', 'held_because', 'may_come_back', 'reopen_nudge', 'make_nudge_task', 'tell_nudge', 'settle_gone', 'cancel_nudge_task'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('private.after_nudge', array[]::text[]);
end $$;
