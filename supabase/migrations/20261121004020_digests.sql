-- Muting, what a person sees of all that, and the daily digest.

-- Section: muting -------------------------------------------------------------------------------------------------

create function public.mute_nudges(at timestamptz, kind text default null, person text default null, thread_key text default null,
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
  on conflict (organization_id, coalesce(kind, ''), coalesce(person, ''), coalesce(thread_key, '')) do update
    set muted_by = 'person', because = excluded.because, muted_at = excluded.muted_at, until = excluded.until
  returning m.* into made;
  update public.nudges n set state = 'muted', held_because = null, decided_at = mute_nudges.at, decided_because = 'Muted'
  where n.organization_id = made.organization_id and n.state in ('held', 'told') and n.kind <> 'reminder'
    and (made.kind is null or n.kind = made.kind) and (made.person is null or n.person = made.person)
    and (made.thread_key is null or n.thread_key = made.thread_key);
  return to_jsonb(made);
end $$;
comment on function public.mute_nudges is 'Nothing more of this kind, about this person, in this thread (of all that are named), until a time or for good. What is held or undecided is muted, too.';

create function public.mute_nudge(nudge_id uuid, what text, at timestamptz, until timestamptz default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  nudge public.nudges := private.own_nudge(mute_nudge.nudge_id);
begin
  if what is null or what not in ('kind', 'person', 'thread') then
    perform private.refuse(422, 'What is muted is the kind, the person or the thread', format('what is %s', coalesce(what, 'null')));
  end if;
  if (case what when 'person' then nudge.person when 'thread' then nudge.thread_key else nudge.kind end) is null then
    perform private.refuse(422, format('This nudge is about no %s', what), null, 'Mute its kind.');
  end if;
  if nudge.state in ('held', 'told') and nudge.kind <> 'reminder' then
    perform public.decide_nudge(nudge.id, 'dismissed', mute_nudge.at, format('Its %s was muted', what));
  end if;
  return public.mute_nudges(mute_nudge.at, kind => case what when 'kind' then nudge.kind end, person => case what when 'person' then nudge.person end,
    thread_key => case what when 'thread' then nudge.thread_key end, until => mute_nudge.until, because => left(nudge.title, 500));
end $$;
comment on function public.mute_nudge is 'Nothing more of the kind, the person or the thread of this nudge, which is dismissed. The mute.';

create function public.unmute_nudges(mute_id uuid, at timestamptz) returns void
language plpgsql set search_path = '' as $$
declare
  gone public.nudge_mutes;
begin
  perform private.refuse_token();
  select * into gone from public.nudge_mutes m where m.id = unmute_nudges.mute_id and m.organization_id = private.acting_organization() for update;
  if gone.id is null then
    perform private.refuse(404, 'There is no such mute', format('mute %s', unmute_nudges.mute_id));
  end if;
  if gone.person is null and gone.thread_key is null then
    update public.nudge_mutes m set until = least(m.until, unmute_nudges.at) where m.id = gone.id; -- its use is counted anew from here
  else
    delete from public.nudge_mutes m where m.id = gone.id;
  end if;
end $$;
comment on function public.unmute_nudges is 'It may be brought up again; of what use a whole kind is, is counted anew from now on.';

create function public.get_attention(at timestamptz, rules jsonb default '{}') returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('rules', here.own, 'chosen', (select to_jsonb(a) - 'organization_id' from public.attention a where a.organization_id = here.id),
    'is_quiet', private.is_quiet(get_attention.at, here.own), 'told_today', private.told_today(here.id, get_attention.at, here.own),
    'held', (select count(*) from public.nudges n where n.organization_id = here.id and n.state = 'held'),
    'mutes', (select coalesce(jsonb_agg(to_jsonb(m) - 'organization_id' order by m.muted_at desc, m.id), '[]') from public.nudge_mutes m
              where m.organization_id = here.id and (m.until is null or m.until > get_attention.at)),
    'kinds', (select coalesce(jsonb_agg(jsonb_build_object('kind', k.kind) || private.nudge_precision(here.id, k.kind, get_attention.at, here.own) order by k.kind), '[]')
              from (select distinct n.kind from public.nudges n where n.organization_id = here.id and n.told_at is not null) k))
  from (select private.acting_organization() as id, private.attention_rules(private.acting_organization(), get_attention.rules) as own) here
$$;
comment on function public.get_attention is 'How much is told and when, what is muted, and of what use each kind was: {rules, chosen, is_quiet, told_today, held, mutes, kinds}.';

-- Section: the digest ---------------------------------------------------------------------------------------------

create function private.after_digest() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.record_event(new.organization_id, null, null, 'digest', 'made', jsonb_build_object('digest_id', new.id, 'day', new.day));
  return null;
end $$;
comment on function private.after_digest is 'Pages that show the digest look again. Definer: events are written by nobody else.';
create trigger digest_was_made after insert on public.digests for each row execute function private.after_digest();

create function public.make_digest(at timestamptz, rules jsonb default '{}') returns jsonb
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
        and not coalesce(before.content -> 'by_itself' @> jsonb_build_array(jsonb_build_object('approval_id', a.id)), false)
      order by a.used_at limit 100) l),
    'silent', (select jsonb_build_object('runs', count(distinct s.root_task_id), 'cost_usd', coalesce(sum(s.cost_usd), 0), 'model_calls', count(s.id))
      from (select t.root_task_id, i.id, i.cost_usd
        from public.tasks r join public.tasks t on t.root_task_id = r.id left join public.llm_interactions i on i.task_id = t.id and i.created_at > since
        where r.organization_id = organization and r.source = 'proactive' and (t.started_at > since or i.id is not null)) s),
    'done', (select count(*) from public.tasks t where t.organization_id = organization and t.completed_at > since and t.parent_task_id is null
      and t.execution_type <> 'manual'))
  where d.id = made.id returning d.* into made;
  return to_jsonb(made) - 'organization_id';
end $$;
comment on function public.make_digest is
  'The digest of a day, once its hour has come; null before, and when it is there. What was held is told in it. content: {nudges, waiting, by_itself: [...], silent: {runs, cost_usd, model_calls}, done}, all since the one before.';

create function public.list_digests(page_size integer default 30) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(d) - 'organization_id' from public.digests d where d.organization_id = private.acting_organization()
  order by d.day desc limit least(greatest(page_size, 1), 400)
$$;
comment on function public.list_digests is 'Digests, the newest day first.';

create function public.get_digest(day date) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  organization uuid := private.acting_organization();
  found_digest public.digests;
begin
  select * into found_digest from public.digests d where d.organization_id = organization and d.day = get_digest.day;
  if found_digest.id is null then
    perform private.refuse(404, 'There is no digest of this day', format('day %s', get_digest.day));
  end if;
  return to_jsonb(found_digest) - 'organization_id' || jsonb_build_object(
    'previous', (select max(d.day) from public.digests d where d.organization_id = organization and d.day < get_digest.day),
    'next', (select min(d.day) from public.digests d where d.organization_id = organization and d.day > get_digest.day));
end $$;
comment on function public.get_digest is 'The digest of a day, and the days of those before and after it; else PT404.';

create function public.read_digest(digest_id uuid, at timestamptz) returns jsonb
language plpgsql set search_path = '' as $$
declare
  digest public.digests;
begin
  update public.digests d set read_at = coalesce(d.read_at, read_digest.at)
  where d.id = read_digest.digest_id and d.organization_id = private.acting_organization() returning d.* into digest;
  if digest.id is null then
    perform private.refuse(404, 'There is no such digest', format('digest %s', read_digest.digest_id));
  end if;
  return to_jsonb(digest) - 'organization_id';
end $$;
comment on function public.read_digest is 'A digest, which counts as read from now on.';

do $$ declare f text; begin
  foreach f in array array['mute_nudges', 'mute_nudge', 'unmute_nudges', 'get_attention', 'make_digest', 'list_digests', 'get_digest', 'read_digest'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('private.after_digest', array[]::text[]);
end $$;
