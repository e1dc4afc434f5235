-- What was learned from a person: preferences that they can read, change and delete, each with what it was learned from.

-- Section: tables -----------------------------------------------------------------------------------------------------

create table public.preferences (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  statement text not null check (length(btrim(statement)) between 1 and 500),
  rule jsonb check (rule is null or (jsonb_typeof(rule) = 'object' and rule ? 'type' and length(rule::text) <= 4000)),
  scope_type text not null check (scope_type in ('everyone', 'person', 'kind')),
  scope_value text not null default '' check (length(scope_value) <= 320),
  state text not null default 'proposed' check (state in ('proposed', 'active', 'off', 'rejected')),
  origin text not null check (origin in ('edit', 'rejection', 'rating', 'sent_mail', 'person')),
  fingerprint text not null,
  trial jsonb check (trial is null or jsonb_typeof(trial) = 'object'),
  hits integer not null default 0 check (hits >= 0),
  used_at timestamptz,
  created_at timestamptz not null,
  decided_at timestamptz,
  constraint scope_names_whom_it_is_for check ((scope_type = 'everyone') = (scope_value = '')),
  constraint active_ones_were_tried check (state <> 'active' or trial is not null)
);
comment on table public.preferences is
  'What somebody likes in drafts, in plain words and as a typed rule; learned from their own words or written by them. Nothing of it counts before they say so.';
comment on column public.preferences.rule is 'What is applied without a model (agents.learning.rules); null: words that only a model follows.';
comment on column public.preferences.trial is 'What it would have changed in past drafts; there before it is active.';
create unique index preferences_one_each_idx on public.preferences (user_id, organization_id, fingerprint, scope_type, scope_value);
create index preferences_organization_idx on public.preferences (organization_id, state);

create table public.preference_sources (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  preference_id uuid not null references public.preferences (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  key text not null check (length(key) between 1 and 100),
  draft_id uuid references public.drafts (id) on delete set null,
  after_draft_id uuid references public.drafts (id) on delete set null,
  mail_id uuid references public.mail_messages (id) on delete set null,
  feedback_id uuid references public.feedback (id) on delete set null,
  excerpt_before text not null default '' check (length(excerpt_before) <= 4000),
  excerpt_after text not null default '' check (length(excerpt_after) <= 4000),
  at timestamptz not null,
  unique (preference_id, key)
);
comment on table public.preference_sources is 'The edits, words and mails of the person that a preference was learned from. A key counts once.';
create index preference_sources_organization_idx on public.preference_sources (organization_id);
create index preference_sources_user_idx on public.preference_sources (user_id);
create index preference_sources_draft_idx on public.preference_sources (draft_id) where draft_id is not null;
create index preference_sources_after_idx on public.preference_sources (after_draft_id) where after_draft_id is not null;
create index preference_sources_mail_idx on public.preference_sources (mail_id) where mail_id is not null;
create index preference_sources_feedback_idx on public.preference_sources (feedback_id) where feedback_id is not null;

create table public.forgotten_preferences (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  fingerprint text not null,
  keys text[] not null,
  forgotten_at timestamptz not null
);
comment on table public.forgotten_preferences is
  'What a deleted preference was learned from, by keys alone: the same evidence does not bring it back. Its words are gone.';
create index forgotten_preferences_user_idx on public.forgotten_preferences (user_id, organization_id, fingerprint);
create index forgotten_preferences_organization_idx on public.forgotten_preferences (organization_id);

select private.guard_table('public.preferences', 'select');
create policy preferences_read on public.preferences for select to authenticated
  using (user_id = (select auth.uid()) and organization_id in (select private.my_organizations()));
select private.guard_table('public.preference_sources', 'select');
create policy preference_sources_read on public.preference_sources for select to authenticated
  using (user_id = (select auth.uid()) and organization_id in (select private.my_organizations()));
select private.guard_table('public.forgotten_preferences', 'select');
create policy forgotten_preferences_read on public.forgotten_preferences for select to authenticated
  using (user_id = (select auth.uid()) and organization_id in (select private.my_organizations()));

-- Section: reading ----------------------------------------------------------------------------------------------------

create function private.preference_fingerprint(rule jsonb, statement text) returns text
language sql immutable set search_path = '' as $$
  select encode(sha256(convert_to(coalesce(nullif(rule, 'null')::text, lower(btrim(statement))), 'UTF8')), 'hex')
$$;
comment on function private.preference_fingerprint is 'What makes two preferences the same, whatever their scope.';

create function private.preference_json(preference public.preferences) returns jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(preference) - 'fingerprint' || jsonb_build_object('sources_count',
    (select count(*) from public.preference_sources s where s.preference_id = preference.id))
$$;
comment on function private.preference_json is 'A preference as it is answered.';

create function private.own_preference(preference_id uuid) returns public.preferences
language plpgsql stable security definer set search_path = '' as $$
declare
  found_one public.preferences;
begin
  select * into found_one from public.preferences p where p.id = own_preference.preference_id and private.in_scope(p.organization_id)
    and (p.user_id = (select auth.uid()) or private.is_service());
  if found_one.id is null then
    perform private.refuse(404, 'There is no such preference', format('preference %s', own_preference.preference_id));
  end if;
  return found_one;
end $$;
comment on function private.own_preference is 'A preference of the caller''s own, or of the tenant that the worker acts in. 404 for any other.';

create function private.learning_person() returns uuid
language plpgsql stable set search_path = '' as $$
begin
  if (select auth.uid()) is null then
    perform private.refuse(403, 'Only a person says what they like');
  end if;
  perform private.refuse_token();
  return (select auth.uid());
end $$;
comment on function private.learning_person is 'The signed-in person. 403 for a worker, an agent and a program''s token.';

create function public.list_preferences(states jsonb default null) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(private.preference_json(p) order by p.created_at desc, p.id), '[]') from (
    select p.* from public.preferences p where p.organization_id = (select private.acting_organization())
      and (p.user_id = (select auth.uid()) or (select private.is_service()))
      and (list_preferences.states is null or list_preferences.states ? p.state)
    order by p.created_at desc, p.id limit 500) p
$$;
comment on function public.list_preferences is 'The preferences of the person, newest first; of everybody in the tenant for the worker.';

create function public.get_preference(preference_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  preference public.preferences := private.own_preference(get_preference.preference_id);
begin
  return private.preference_json(preference) || jsonb_build_object('sources', (
    select coalesce(jsonb_agg(to_jsonb(s) order by s.at desc, s.id), '[]') from (
      select s.* from public.preference_sources s where s.preference_id = preference.id order by s.at desc, s.id limit 50) s));
end $$;
comment on function public.get_preference is 'One preference with what it was learned from, newest first.';

create function public.preferences_for(task_id uuid, people jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(preferences_for.task_id);
  person uuid := (private.person_json(task.organization_id, task.created_by) ->> 'user_id')::uuid;
begin
  return (select coalesce(jsonb_agg(private.preference_json(p) - 'trial' order by p.decided_at, p.id), '[]') from public.preferences p
    where p.organization_id = task.organization_id and p.user_id = person and p.state = 'active'
      and (p.user_id = (select auth.uid()) or (select private.is_service())) -- an outside agent is told of none
      and (p.scope_type = 'everyone' or (p.scope_type = 'kind' and p.scope_value = task.kind)
        or (p.scope_type = 'person' and preferences_for.people ? p.scope_value)));
end $$;
comment on function public.preferences_for is
  'The active preferences of a task''s person for drafts of its kind and to any of these addresses (lower case), longest active first.';

-- Section: writing ----------------------------------------------------------------------------------------------------

create function private.propose_preference(item jsonb, person uuid, organization uuid, at timestamptz) returns public.preferences
language plpgsql security definer set search_path = '' as $$
declare
  given public.preferences := jsonb_populate_record(null::public.preferences, item);
  known public.preferences;
  old_keys text[];
  new_keys text[];
begin
  given.rule := nullif(given.rule, 'null');
  given.scope_value := coalesce(given.scope_value, '');
  given.fingerprint := private.preference_fingerprint(given.rule, given.statement);
  perform pg_advisory_xact_lock(hashtextextended(person::text, 4300));
  select * into known from public.preferences p where p.user_id = person and p.organization_id = organization and p.fingerprint = given.fingerprint
    and ((p.scope_type = given.scope_type and p.scope_value = given.scope_value) or p.scope_type = 'everyone')
  order by p.state = 'rejected', p.scope_type = 'everyone' limit 1;
  -- What was said no to, or deleted, needs as much new evidence as it did at first.
  select coalesce(array_agg(distinct k), '{}') into old_keys from (
    select unnest(f.keys) as k from public.forgotten_preferences f
    where f.user_id = person and f.organization_id = organization and f.fingerprint = given.fingerprint
    union all
    select s.key from public.preference_sources s join public.preferences p on p.id = s.preference_id
    where p.user_id = person and p.organization_id = organization and p.fingerprint = given.fingerprint and p.state = 'rejected') o;
  select coalesce(array_agg(distinct s ->> 'key'), '{}') into new_keys from jsonb_array_elements(coalesce(item -> 'sources', '[]')) s
  where not s ->> 'key' = any (old_keys);
  if cardinality(new_keys) < greatest(coalesce((item ->> 'least')::integer, 1), 1) then
    return null;
  end if;
  if known.id is not null and known.state <> 'rejected' then
    if known.state <> 'off' then
      perform private.add_sources(known, item -> 'sources', at);
    end if;
    return null;
  end if;
  if known.id is not null and known.scope_type = given.scope_type and known.scope_value = given.scope_value then
    update public.preferences p set state = 'proposed', statement = given.statement, trial = null, decided_at = null, created_at = at
    where p.id = known.id returning * into given;
  else
    insert into public.preferences (organization_id, user_id, statement, rule, scope_type, scope_value, origin, fingerprint, created_at)
    values (organization, person, given.statement, given.rule, given.scope_type, given.scope_value, given.origin, given.fingerprint, at)
    returning * into given;
  end if;
  perform private.add_sources(given, item -> 'sources', at);
  if given.scope_type = 'everyone' then -- what is proposed for some is in it
    delete from public.preferences p where p.user_id = person and p.organization_id = organization and p.fingerprint = given.fingerprint
      and p.state = 'proposed' and p.scope_type <> 'everyone';
  end if;
  perform private.audit(organization, 'preference.proposed', 'preference', given.id, null, jsonb_build_object('rule', given.rule, 'scope_type', given.scope_type));
  return given;
end $$;
comment on function private.propose_preference is
  'Keeps what was found as a proposal, or adds its evidence to what is known. Null where nothing new is proposed.';

create function private.add_sources(preference public.preferences, sources jsonb, at timestamptz) returns void
language sql security definer set search_path = '' as $$
  insert into public.preference_sources (organization_id, preference_id, user_id, key, draft_id, after_draft_id, mail_id, feedback_id, excerpt_before,
    excerpt_after, at)
  select preference.organization_id, preference.id, preference.user_id, s ->> 'key',
    (select d.id from public.drafts d where d.id = (s ->> 'draft_id')::uuid and d.organization_id = preference.organization_id),
    (select d.id from public.drafts d where d.id = (s ->> 'after_draft_id')::uuid and d.organization_id = preference.organization_id),
    (select m.id from public.mail_messages m where m.id = (s ->> 'mail_id')::uuid and m.organization_id = preference.organization_id),
    (select f.id from public.feedback f where f.id = (s ->> 'feedback_id')::uuid and f.organization_id = preference.organization_id),
    left(coalesce(s ->> 'excerpt_before', ''), 4000), left(coalesce(s ->> 'excerpt_after', ''), 4000), coalesce((s ->> 'at')::timestamptz, add_sources.at)
  from jsonb_array_elements(coalesce(add_sources.sources, '[]')) s
  on conflict (preference_id, key) do nothing
$$;
comment on function private.add_sources is 'What a preference was learned from; rows of another tenant are not named.';

create function public.propose_preferences(items jsonb, at timestamptz) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := private.acting_organization();
  item jsonb;
  person uuid;
  made public.preferences;
  found jsonb := '[]';
begin
  if jsonb_typeof(items) is distinct from 'array' or jsonb_array_length(items) > 200 then
    perform private.refuse(422, 'items is a list of at most 200', left(coalesce(items::text, 'null'), 200));
  elsif organization is null or not (private.is_service() or (select auth.uid()) is not null) then
    perform private.refuse(403, 'Only a person or the worker proposes');
  end if;
  perform private.refuse_token();
  for item in select value from jsonb_array_elements(items) loop
    person := coalesce((select auth.uid()), (item ->> 'user_id')::uuid, (private.person_json(organization, null) ->> 'user_id')::uuid);
    if not exists (select 1 from public.members m where m.organization_id = organization and m.user_id = person) then
      perform private.refuse(422, 'user_id is no member of this organization', coalesce(person::text, 'null'));
    end if;
    made := private.propose_preference(item, person, organization, propose_preferences.at);
    if made.id is not null then
      found := found || jsonb_build_array(private.preference_json(made));
    end if;
  end loop;
  -- A proposal for everyone takes the place of one for some, also of one that was made a moment ago.
  return (select coalesce(jsonb_agg(f order by place), '[]') from jsonb_array_elements(found) with ordinality x (f, place)
    where exists (select 1 from public.preferences p where p.id = (f ->> 'id')::uuid));
exception when invalid_text_representation or check_violation or not_null_violation or invalid_datetime_format then
  perform private.refuse(422, 'A proposal has a wrong value', sqlerrm);
  return null;
end $$;
comment on function public.propose_preferences is
  'Keeps what was learned as proposals: those that are new, with their evidence. What was rejected or deleted does not come back from the same evidence.';

create function public.save_preference(preference jsonb, at timestamptz) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  person uuid := private.learning_person();
  organization uuid := private.acting_organization();
  earlier public.preferences;
  given public.preferences;
  unknown text;
begin
  if jsonb_typeof(preference) is distinct from 'object' then
    perform private.refuse(422, 'preference is an object', left(coalesce(preference::text, 'null'), 200));
  end if;
  select string_agg(k, ', ') into unknown from jsonb_object_keys(preference) k where k <> all (array['id', 'statement', 'rule', 'scope_type', 'scope_value']);
  if unknown is not null then
    perform private.refuse(422, 'These fields of a preference cannot be set', unknown, 'Known: id, statement, rule, scope_type, scope_value.');
  end if;
  if preference ->> 'id' is not null then
    earlier := private.own_preference((preference ->> 'id')::uuid);
    perform 1 from public.preferences p where p.id = earlier.id for no key update;
  end if;
  given := jsonb_populate_record(case when earlier.id is not null then earlier end, preference);
  given.rule := nullif(given.rule, 'null');
  given.scope_type := coalesce(given.scope_type, 'everyone');
  given.scope_value := case given.scope_type when 'everyone' then '' when 'person' then lower(btrim(coalesce(given.scope_value, '')))
    else btrim(coalesce(given.scope_value, '')) end;
  if given.scope_type <> 'everyone' and given.scope_value = '' then
    perform private.refuse(422, 'scope_value says whom it is for: an address, or a kind of task', given.scope_type);
  end if;
  given.fingerprint := private.preference_fingerprint(given.rule, given.statement);
  if earlier.id is null then
    insert into public.preferences (organization_id, user_id, statement, rule, scope_type, scope_value, origin, fingerprint, created_at)
    values (organization, person, btrim(given.statement), given.rule, given.scope_type, given.scope_value, 'person', given.fingerprint, save_preference.at)
    returning * into given;
  else
    -- What it was learned as is not proposed again beside what the person made of it.
    insert into public.forgotten_preferences (organization_id, user_id, fingerprint, keys, forgotten_at)
    select earlier.organization_id, person, earlier.fingerprint, array_agg(s.key), save_preference.at from public.preference_sources s
    where s.preference_id = earlier.id
      and (earlier.fingerprint, earlier.scope_type, earlier.scope_value) is distinct from (given.fingerprint, given.scope_type, given.scope_value)
    having count(*) > 0;
    -- Another rule, or another scope, is tried anew before it counts.
    update public.preferences p set statement = btrim(given.statement), rule = given.rule, scope_type = given.scope_type, scope_value = given.scope_value,
      fingerprint = given.fingerprint, state = 'proposed', trial = null, decided_at = null
    where p.id = earlier.id and (p.rule, p.scope_type, p.scope_value) is distinct from (given.rule, given.scope_type, given.scope_value)
      or p.id = earlier.id and p.rule is null and p.statement <> btrim(given.statement);
    update public.preferences p set statement = btrim(given.statement) where p.id = earlier.id returning * into given;
  end if;
  perform private.audit(organization, case when earlier.id is null then 'preference.written' else 'preference.changed' end, 'preference', given.id, null,
    jsonb_build_object('statement', given.statement, 'rule', given.rule, 'scope_type', given.scope_type, 'scope_value', given.scope_value));
  return private.preference_json(given);
exception
  when unique_violation then
    perform private.refuse(409, 'This preference is there already, with the same scope');
    return null;
  when invalid_text_representation or check_violation or not_null_violation then
    perform private.refuse(422, 'A field of the preference has a wrong value', sqlerrm,
      'statement has 1 to 500 characters; scope_type is everyone, person or kind.');
    return null;
end $$;
comment on function public.save_preference is
  'A person writes a preference, or with an id changes one; it is proposed until it was tried and they switch it on.';

create function public.decide_preference(preference_id uuid, state text, at timestamptz) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  person uuid := private.learning_person();
  known public.preferences := private.own_preference(decide_preference.preference_id);
begin
  if decide_preference.state is null or decide_preference.state not in ('active', 'off', 'rejected') then
    perform private.refuse(422, 'state is active, off or rejected', coalesce(decide_preference.state, 'null'));
  end if;
  select * into known from public.preferences p where p.id = known.id for no key update;
  if known.state = 'rejected' and decide_preference.state = 'off' then
    perform private.refuse(409, 'A preference that was rejected is off already', known.state);
  elsif decide_preference.state = 'active' and known.trial is null then
    perform private.refuse(409, 'It was not tried yet', known.state, 'Try it on past drafts first: it shows what would change.');
  end if;
  update public.preferences p set state = decide_preference.state, decided_at = decide_preference.at where p.id = known.id returning * into known;
  perform private.audit(known.organization_id, 'preference.' || known.state, 'preference', known.id, null,
    jsonb_build_object('statement', known.statement, 'by', person));
  return private.preference_json(known);
end $$;
comment on function public.decide_preference is 'A person switches a preference on or off, or rejects it. 409 for one that was not tried.';

create function public.delete_preference(preference_id uuid, at timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
declare
  person uuid := private.learning_person();
  known public.preferences := private.own_preference(delete_preference.preference_id);
begin
  insert into public.forgotten_preferences (organization_id, user_id, fingerprint, keys, forgotten_at)
  select known.organization_id, person, known.fingerprint, array_agg(s.key), delete_preference.at
  from public.preference_sources s where s.preference_id = known.id having count(*) > 0;
  delete from public.preferences p where p.id = known.id;
  perform private.audit(known.organization_id, 'preference.deleted', 'preference', known.id, null, '{}');
end $$;
comment on function public.delete_preference is 'Deletes a preference with its evidence; only keys stay, so that the same evidence does not bring it back.';

create function public.keep_trial(preference_id uuid, trial jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  known public.preferences := private.own_preference(keep_trial.preference_id);
begin
  perform private.refuse_token();
  if jsonb_typeof(keep_trial.trial) is distinct from 'object' or length(keep_trial.trial::text) > 400000 then
    perform private.refuse(422, 'trial is an object of at most 400,000 characters');
  end if;
  update public.preferences p set trial = keep_trial.trial where p.id = known.id returning * into known;
  return private.preference_json(known);
end $$;
comment on function public.keep_trial is 'Keeps what a preference would have changed in past drafts.';

create function public.count_preferences(ids uuid[], at timestamptz) returns void
language sql set search_path = '' as $$
  update public.preferences p set hits = p.hits + 1, used_at = count_preferences.at
  where p.id = any (count_preferences.ids) and p.organization_id = (select private.acting_organization())
$$;
comment on function public.count_preferences is 'Preferences that were applied to one more draft (worker only).';

select private.expose_function('private.preference_fingerprint', array['authenticated', 'service_role']);
select private.expose_function('private.preference_json', array['authenticated', 'service_role']);
select private.expose_function('private.own_preference', array['authenticated', 'service_role']);
select private.expose_function('private.learning_person', array['authenticated', 'service_role']);
select private.expose_function('private.propose_preference', array[]::text[]);
select private.expose_function('private.add_sources', array[]::text[]);
select private.expose_function('public.list_preferences', array['authenticated', 'service_role']);
select private.expose_function('public.get_preference', array['authenticated', 'service_role']);
select private.expose_function('public.preferences_for', array['authenticated', 'service_role']);
select private.expose_function('public.propose_preferences', array['authenticated', 'service_role']);
select private.expose_function('public.save_preference', array['authenticated', 'service_role']);
select private.expose_function('public.decide_preference', array['authenticated', 'service_role']);
select private.expose_function('public.delete_preference', array['authenticated', 'service_role']);
select private.expose_function('public.keep_trial', array['authenticated', 'service_role']);
select private.expose_function('public.count_preferences', array['service_role']);
