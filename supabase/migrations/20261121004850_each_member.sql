-- What is brought up, when, what is muted, and the digest are each member's own; the clock looks about for every member.

-- Section: whose it is --------------------------------------------------------------------------------------------

create function private.keep_brought_up_theirs() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  new.user_id := coalesce((select auth.uid()), new.user_id, private.first_owner(new.organization_id));
  return new;
end $$;
comment on function private.keep_brought_up_theirs is 'What is brought up belongs to whoever it is looked for; what nobody is named for, to the first owner. Definer: that one is looked up.';

do $$ declare t text; begin
  foreach t in array array['attention', 'nudge_mutes', 'digests', 'nudges'] loop
    execute format('alter table public.%I disable trigger user', t); -- nobody changed anything
    execute format('alter table public.%I add column user_id uuid references auth.users (id) on delete cascade', t);
    execute format('update public.%I t set user_id = private.first_owner(t.organization_id) where t.user_id is null', t);
    execute format('delete from public.%I t where t.user_id is null', t);
    execute format('alter table public.%I alter column user_id set not null', t);
    execute format('alter table public.%I enable trigger user', t);
    execute format('create index on public.%I (user_id)', t);
    execute format('create trigger %I before insert on public.%I for each row execute function private.keep_brought_up_theirs()', t || '_01_whose', t);
    execute format('drop policy %I on public.%I', t || '_own', t);
    execute format('create policy %I on public.%I for all to authenticated '
      'using (user_id = (select auth.uid()) and organization_id = (select private.acting_organization())) '
      'with check (user_id = (select auth.uid()) and organization_id = (select private.acting_organization()))', t || '_own', t);
    execute format('comment on column public.%I.user_id is %L', t, 'The member whose it is; nobody else sees it.');
  end loop;
end $$;

alter table public.attention drop constraint attention_pkey, add primary key (organization_id, user_id);
alter table public.digests drop constraint digests_organization_id_day_key, add unique (organization_id, user_id, day);
alter table public.nudges drop constraint nudges_organization_id_key_key, add unique (organization_id, user_id, key);
drop index public.nudge_mutes_what_idx;
create unique index nudge_mutes_what_idx on public.nudge_mutes (organization_id, user_id, coalesce(kind, ''), coalesce(person, ''), coalesce(thread_key, ''));

create function private.forget_what_was_brought_up() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from public.nudges n where n.organization_id = old.organization_id and n.user_id = old.user_id;
  delete from public.digests d where d.organization_id = old.organization_id and d.user_id = old.user_id;
  delete from public.nudge_mutes m where m.organization_id = old.organization_id and m.user_id = old.user_id;
  delete from public.attention a where a.organization_id = old.organization_id and a.user_id = old.user_id;
  return null;
end $$;
comment on function private.forget_what_was_brought_up is 'Who is no member any more is brought up nothing here. Definer: it is done by whoever removes them.';
create trigger members_80_attention_goes after delete on public.members for each row execute function private.forget_what_was_brought_up();

-- Section: how much and when --------------------------------------------------------------------------------------

create or replace function private.attention_rules(organization_id uuid, rules jsonb) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('daily_nudges', 5, 'quiet_from', '20:00', 'quiet_until', '07:30', 'quiet_days', '[]'::jsonb, 'digest_at', '08:00',
      'proactive', 'prepare', 'mute_below', 0.3, 'mute_cases', 8, 'mute_days', 30, 'count_days', 60, 'timezone', 'UTC')
    || jsonb_strip_nulls(rules)
    || coalesce((select jsonb_strip_nulls(to_jsonb(a) - array['organization_id', 'user_id', 'updated_at']) from public.attention a
                 where a.organization_id = attention_rules.organization_id and a.user_id = (select auth.uid())), '{}')
    || jsonb_build_object('told_from', coalesce((select jsonb_object_agg(substr(c.stream, 7), c.threshold)
        from private.newest_calibrations(attention_rules.organization_id) c where starts_with(c.stream, 'nudge:')), '{}')
      || coalesce(nullif(rules -> 'told_from', 'null'), '{}'))
$$;

create or replace function public.save_attention(changes jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  unknown text := (select string_agg(k, ', ') from jsonb_object_keys(changes) k
    where k not in ('daily_nudges', 'quiet_from', 'quiet_until', 'quiet_days', 'digest_at', 'proactive', 'mute_below'));
  known public.attention;
begin
  perform private.refuse_token();
  if unknown is not null then
    perform private.refuse(422, 'There is no such choice', unknown);
  end if;
  insert into public.attention (organization_id, user_id) values (private.acting_organization(), (select auth.uid()))
  on conflict (organization_id, user_id) do nothing;
  select * into known from public.attention a where a.organization_id = private.acting_organization() and a.user_id = (select auth.uid()) for update;
  known := jsonb_populate_record(known, changes);
  update public.attention a set daily_nudges = known.daily_nudges, quiet_from = known.quiet_from, quiet_until = known.quiet_until,
    quiet_days = known.quiet_days, digest_at = known.digest_at, proactive = known.proactive, mute_below = known.mute_below
  where a.organization_id = known.organization_id and a.user_id = known.user_id returning a.* into known;
  return to_jsonb(known) - array['organization_id', 'user_id'];
exception when invalid_text_representation or invalid_datetime_format or datetime_field_overflow or check_violation or numeric_value_out_of_range then
  perform private.refuse(422, 'A choice has a wrong value', sqlerrm);
end $$;

create or replace function public.get_attention(at timestamptz, rules jsonb default '{}') returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('rules', here.own, 'chosen', (select to_jsonb(a) - array['organization_id', 'user_id'] from public.attention a
      where a.organization_id = here.id and a.user_id = (select auth.uid())),
    'is_quiet', private.is_quiet(get_attention.at, here.own), 'told_today', private.told_today(here.id, get_attention.at, here.own),
    'held', (select count(*) from public.nudges n where n.organization_id = here.id and n.state = 'held'),
    'mutes', (select coalesce(jsonb_agg(to_jsonb(m) - array['organization_id', 'user_id'] order by m.muted_at desc, m.id), '[]') from public.nudge_mutes m
              where m.organization_id = here.id and (m.until is null or m.until > get_attention.at)),
    'kinds', (select coalesce(jsonb_agg(jsonb_build_object('kind', k.kind) || private.nudge_precision(here.id, k.kind, get_attention.at, here.own) order by k.kind), '[]')
              from (select distinct n.kind from public.nudges n where n.organization_id = here.id and n.told_at is not null) k))
  from (select private.acting_organization() as id, private.attention_rules(private.acting_organization(), get_attention.rules) as own) here
$$;

create or replace function private.mute_useless(organization_id uuid, kind text, at timestamptz, rules jsonb) returns void
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
  on conflict (organization_id, user_id, coalesce(kind, ''), coalesce(person, ''), coalesce(thread_key, '')) do update
    set muted_by = excluded.muted_by, because = excluded.because, muted_at = excluded.muted_at, until = excluded.until
    where m.until is not null and m.until <= mute_useless.at;
  if found then
    update public.nudges n set state = 'muted', held_because = null, decided_at = mute_useless.at, decided_because = 'Its kind muted itself'
    where n.organization_id = mute_useless.organization_id and n.kind = mute_useless.kind and n.state = 'held';
  end if;
end $$;

create or replace function public.mute_nudges(at timestamptz, kind text default null, person text default null, thread_key text default null,
  until timestamptz default null, because text default '') returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  made public.nudge_mutes;
begin
  perform private.refuse_token();
  if num_nonnulls(mute_nudges.kind, mute_nudges.person, mute_nudges.thread_key) = 0 then
    perform private.refuse(422, 'A mute names a kind, a person or a thread');
  end if;
  if mute_nudges.kind = 'reminder' then
    perform private.refuse(422, 'Reminders are what you asked for', null, 'Take the reminder off its task.');
  end if;
  if mute_nudges.until <= mute_nudges.at then
    perform private.refuse(422, 'A mute ends in the future', format('until is %s', mute_nudges.until));
  end if;
  insert into public.nudge_mutes as m (organization_id, kind, person, thread_key, muted_by, because, muted_at, until)
  values (private.acting_organization(), mute_nudges.kind, lower(mute_nudges.person), mute_nudges.thread_key, 'person', coalesce(mute_nudges.because, ''),
    mute_nudges.at, mute_nudges.until)
  on conflict (organization_id, user_id, coalesce(kind, ''), coalesce(person, ''), coalesce(thread_key, '')) do update
    set muted_by = 'person', because = excluded.because, muted_at = excluded.muted_at, until = excluded.until
  returning m.* into made;
  update public.nudges n set state = 'muted', held_because = null, decided_at = mute_nudges.at, decided_because = 'Muted'
  where n.organization_id = made.organization_id and n.state in ('held', 'told') and n.kind <> 'reminder'
    and (made.kind is null or n.kind = made.kind) and (made.person is null or n.person = made.person)
    and (made.thread_key is null or n.thread_key = made.thread_key);
  return to_jsonb(made);
end $$;

-- Section: nudges and digests ------------------------------------------------------------------------------------

create or replace function public.offer_nudges(findings jsonb, at timestamptz, rules jsonb default '{}', looked_at jsonb default '[]') returns jsonb
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
    on conflict (organization_id, user_id, key) do nothing
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

alter function private.note_nudge security definer;
comment on function private.note_nudge is
  'What a person did with the task or the draft of a nudge says of what use it was; a late use counts, too. What a program did settles it, and says nothing. Definer: whose nudge it is, is another''s.';
alter function private.after_reminded_task security definer;
comment on function private.after_reminded_task is 'Of what is done or cancelled nobody is reminded any more. Definer: whoever does it.';

create or replace function private.notify_slack_owner(organization_id uuid, nudge_id uuid, digest_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
  insert into private.slack_notices (organization_id, nudge_id, digest_id, link_id)
  select l.organization_id, notify_slack_owner.nudge_id, notify_slack_owner.digest_id, l.id from public.slack_links l
  where l.organization_id = notify_slack_owner.organization_id and l.is_notified and l.user_id = coalesce(
    (select n.user_id from public.nudges n where n.id = notify_slack_owner.nudge_id),
    (select d.user_id from public.digests d where d.id = notify_slack_owner.digest_id))
  on conflict do nothing;
  if found then
    perform private.defer_slack_work();
  end if;
end $$;
comment on function private.notify_slack_owner is 'A message to whoever it is brought up for, once, where they are linked and want it. Definer: nobody else writes notices.';

-- Section: what is looked at for whom --------------------------------------------------------------------------------

create function private.is_for_caller(user_id uuid, organization_id uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select (select auth.uid()) is null or coalesce((select auth.uid()) = case
    when exists (select 1 from public.members m where m.organization_id = is_for_caller.organization_id and m.user_id = is_for_caller.user_id)
    then is_for_caller.user_id else private.first_owner(is_for_caller.organization_id) end, false)
$$;
comment on function private.is_for_caller is
  'Is a thing of this person the caller''s: their own, or, for the first owner, nobody''s any more? The worker''s are all. Definer, for members.';

alter table public.commitments add column user_id uuid default auth.uid() references auth.users (id) on delete set null;
comment on column public.commitments.user_id is 'In whose mail or words it was found; null: nobody''s own, so it is brought up for the first owner.';
create index commitments_user_idx on public.commitments (user_id) where user_id is not null;

create or replace function public.list_due_reminders(at timestamptz) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(r) || jsonb_build_object('task_title', t.title, 'due_at', t.due_at, 'due_is_all_day', t.due_is_all_day, 'created_at', r.created_at)
  from public.reminders r join public.tasks t on t.id = r.task_id
  where r.organization_id = (select private.acting_organization()) and r.told_at is null and r.at <= list_due_reminders.at
    and t.execution_status not in ('completed', 'cancelled') and private.is_for_caller(r.created_by, r.organization_id)
  order by r.at, r.id limit 200
$$;

create or replace function public.take_watch(every_seconds double precision, lease_seconds double precision) returns jsonb
language plpgsql set search_path = '' as $$
declare
  taken public.watches;
begin
  select * into taken from public.watches w
  where (w.leased_until is null or w.leased_until < clock_timestamp())
    and (w.watched_at is null or w.changed_at > w.watched_at or w.watched_at < clock_timestamp() - make_interval(secs => every_seconds))
  order by w.watched_at nulls first limit 1 for update skip locked;
  if taken.organization_id is null then
    return null;
  end if;
  update public.watches w set leased_until = clock_timestamp() + make_interval(secs => lease_seconds), watched_at = clock_timestamp()
  where w.organization_id = taken.organization_id;
  return jsonb_build_object('organization_id', taken.organization_id, 'user_ids', (
    select coalesce(jsonb_agg(m.user_id order by m.role = 'owner' desc, m.created_at, m.user_id), '[]')
    from public.members m where m.organization_id = taken.organization_id));
end $$;
comment on function public.take_watch is 'A tenant whose calendar or mail changed since the rules looked, or that was not looked at for long; for one worker at a time. {organization_id, user_ids: its members, the first owner first}, null when none is due.';

-- Section: what a digest counts -----------------------------------------------------------------------------------

create or replace function public.make_digest(at timestamptz, rules jsonb default '{}') returns jsonb
language plpgsql set search_path = '' as $$
#variable_conflict use_column
declare
  organization uuid := private.acting_organization();
  own_rules jsonb := private.attention_rules(organization, rules);
  wall timestamp := make_digest.at at time zone (own_rules ->> 'timezone');
  before public.digests;
  made public.digests;
  since timestamptz; -- of the database's clock, as what is told was written by it
begin
  perform private.refuse_token();
  perform pg_advisory_xact_lock(hashtextextended('nudges ' || organization, 0));
  if wall::time < (own_rules ->> 'digest_at')::time or own_rules -> 'quiet_days' @> to_jsonb((extract(isodow from wall)::integer + 6) % 7) or exists (select 1 from public.digests d where d.organization_id = organization and d.day = wall::date) then
    return null;
  end if;
  select * into before from public.digests d where d.organization_id = organization and d.day < wall::date order by d.day desc limit 1;
  since := coalesce(before.created_at, clock_timestamp() - interval '1 day');
  insert into public.digests (organization_id, day, made_at) values (organization, wall::date, make_digest.at) returning * into made;
  perform set_config('steward.unasked', 'on', true); -- what follows is nobody's own act
  perform private.tell_nudge(n.id, make_digest.at, own_rules, made.id) from (
    select h.id from public.nudges h where h.organization_id = organization and h.state = 'held' and (h.tell_at is null or h.tell_at <= make_digest.at)
      and (h.expires_at is null or h.expires_at > make_digest.at) and (own_rules ->> 'proactive' <> 'off' or h.kind = 'reminder')
    order by h.found_at, h.id) n;
  perform set_config('steward.unasked', '', true);
  update public.digests d set content = jsonb_build_object(
    'nudges', (select count(*) from public.nudges n where n.digest_id = made.id),
    'waiting', (select count(*) from public.nudges n where n.organization_id = organization and n.state = 'told' and n.digest_id is distinct from made.id),
    'by_itself', (select coalesce(jsonb_agg(l.line order by l.used_at), '[]') from (
      select a.used_at, jsonb_build_object('approval_id', a.id, 'task_id', a.task_id, 'title', t.title, 'root_task_id', t.root_task_id,
        'root_title', r.title, 'at', a.used_at, 'action', coalesce(a.tool, f.channel), 'subject', f.subject, 'to', to_jsonb(f.to_recipients),
        'draft_id', f.id, 'policy_id', a.policy_id) as line
      from public.approvals a join public.tasks t on t.id = a.task_id join public.tasks r on r.id = t.root_task_id
      left join public.drafts f on f.id = a.draft_id
      where a.organization_id = organization and a.decided_how = 'permission' and a.state = 'used' and a.used_at > since - interval '1 minute' -- what was not committed then; once
        and private.is_for_caller(t.created_by, organization)
        and not coalesce(before.content -> 'by_itself' @> jsonb_build_array(jsonb_build_object('approval_id', a.id)), false)
      order by a.used_at limit 100) l),
    'silent', (select jsonb_build_object('runs', count(distinct s.root_task_id), 'cost_usd', coalesce(sum(s.cost_usd), 0), 'model_calls', count(s.id))
      from (select t.root_task_id, i.id, i.cost_usd
        from public.tasks r join public.tasks t on t.root_task_id = r.id left join public.llm_interactions i on i.task_id = t.id and i.created_at > since
        where r.organization_id = organization and r.source = 'proactive' and (t.started_at > since or i.id is not null)
          and private.is_for_caller(r.created_by, organization)) s),
    'done', (select count(*) from public.tasks t where t.organization_id = organization and t.completed_at > since and t.parent_task_id is null
      and t.execution_type <> 'manual' and private.is_for_caller(t.created_by, organization)))
  where d.id = made.id returning d.* into made;
  return to_jsonb(made) - 'organization_id';
end $$;
comment on function public.make_digest is
  'The digest of a day, once its hour has come; null before, and when it is there. What was held is told in it. content: {nudges, waiting, by_itself: [...], silent: {runs, cost_usd, model_calls}, done}, all since the one before, and of tasks that are the member''s own.';

create or replace function public.keep_in_digest(digest_id uuid, kept jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  organization uuid := private.acting_organization();
  digest public.digests;
  before public.digests;
begin
  select * into digest from public.digests d where d.id = keep_in_digest.digest_id and d.organization_id = organization for update;
  if digest.id is null then
    perform private.refuse(404, 'There is no such digest', format('digest %s', keep_in_digest.digest_id));
  end if;
  if jsonb_typeof(keep_in_digest.kept) is distinct from 'object' or length(keep_in_digest.kept::text) > 400000 then
    perform private.refuse(422, 'kept is an object of at most 400,000 characters');
  end if;
  if digest.content ? 'kept' then
    return to_jsonb(digest) - 'organization_id';
  end if;
  select * into before from public.digests d where d.organization_id = organization and d.day < digest.day order by d.day desc limit 1;
  update public.digests d set content = d.content || jsonb_build_object('kept', keep_in_digest.kept, 'since', before.made_at,
    'is_from_start', before.id is null and exists (select 1 from public.organizations o where o.id = organization and o.created_at > d.created_at - interval '1 day'),
    'preparing', (select count(*) from public.tasks t where t.organization_id = organization and t.source = 'proactive' and t.parent_task_id is null
      and private.is_for_caller(t.created_by, organization)
      and (t.started_at > d.created_at or t.started_at is null and t.execution_status in ('queued', 'in_progress'))))
  where d.id = digest.id returning d.* into digest;
  return to_jsonb(digest) - 'organization_id';
end $$;

create or replace function private.before_digest_tells() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.content := jsonb_set(new.content, '{silent,waiting}', to_jsonb((select count(*) from private.silent_at_bounds(new.organization_id) w
    where private.is_for_caller(w.created_by, new.organization_id))));
  return new;
end $$;

do $$ declare f text; begin
  perform private.expose_function('public.take_watch', array['service_role']);
  foreach f in array array['is_for_caller'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['keep_brought_up_theirs', 'forget_what_was_brought_up', 'notify_slack_owner', 'after_reminded_task'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;
