-- Ahead of being asked: what is brought up unasked (nudges), how much of it and when, what is muted, and the daily digest.

-- Every moment that a rule goes by is a parameter (`at`), so that all of it can be tried on any day. `rules` are the
-- defaults of the settings; what a person chose (public.attention) goes before them.

-- Section: how much and when --------------------------------------------------------------------------------------

create table public.attention (
  organization_id uuid primary key references public.organizations (id) on delete cascade,
  daily_nudges integer check (daily_nudges between 0 and 100),
  quiet_from time,
  quiet_until time,
  quiet_days integer[] check (quiet_days <@ array[0, 1, 2, 3, 4, 5, 6]),
  digest_at time,
  proactive text check (proactive in ('prepare', 'suggest', 'off')),
  mute_below real check (mute_below between 0 and 1),
  updated_at timestamptz not null default now(),
  constraint quiet_hours_have_both_ends check ((quiet_from is null) = (quiet_until is null))
);
comment on table public.attention is 'How much a person wants to be told unasked, and when: null is the setting''s default. quiet_days: weekdays (0 is Monday) that are quiet as a whole.';
select private.guard_table('public.attention', 'select, insert, update, delete');
create policy attention_own on public.attention for all to authenticated
  using (organization_id in (select private.my_organizations())) with check (organization_id in (select private.my_organizations()));
create trigger attention_touch before update on public.attention for each row execute function private.touch_updated_at();

create function private.attention_rules(organization_id uuid, rules jsonb) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('daily_nudges', 5, 'quiet_from', '20:00', 'quiet_until', '07:30', 'quiet_days', '[]'::jsonb, 'digest_at', '08:00',
      'proactive', 'prepare', 'mute_below', 0.3, 'mute_cases', 8, 'mute_days', 30, 'count_days', 60, 'timezone', 'UTC', 'told_from', '{}'::jsonb)
    || jsonb_strip_nulls(rules)
    || coalesce((select jsonb_strip_nulls(to_jsonb(a) - array['organization_id', 'updated_at']) from public.attention a
                 where a.organization_id = attention_rules.organization_id), '{}')
$$;
comment on function private.attention_rules is
  'The rules that hold for a tenant: {daily_nudges, quiet_from, quiet_until, quiet_days, digest_at, proactive, mute_below, mute_cases, mute_days, count_days, timezone, told_from: {kind: least confidence}}.';

create function private.is_quiet(at timestamptz, rules jsonb) returns boolean
language sql stable set search_path = '' as $$
  select case when rules -> 'quiet_days' @> to_jsonb((extract(isodow from here.wall)::integer + 6) % 7) then true
    when (rules ->> 'quiet_from')::time = (rules ->> 'quiet_until')::time then false
    when (rules ->> 'quiet_from')::time < (rules ->> 'quiet_until')::time
      then here.wall::time >= (rules ->> 'quiet_from')::time and here.wall::time < (rules ->> 'quiet_until')::time
    else here.wall::time >= (rules ->> 'quiet_from')::time or here.wall::time < (rules ->> 'quiet_until')::time end
  from (select is_quiet.at at time zone (rules ->> 'timezone') as wall) here
$$;
comment on function private.is_quiet is 'Does this moment lie in the quiet hours, or on a quiet day? Equal ends are no quiet hours.';

create function public.save_attention(changes jsonb) returns jsonb
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
  insert into public.attention (organization_id) values (private.acting_organization()) on conflict (organization_id) do nothing;
  select * into known from public.attention a where a.organization_id = private.acting_organization() for update;
  known := jsonb_populate_record(known, changes);
  update public.attention a set daily_nudges = known.daily_nudges, quiet_from = known.quiet_from, quiet_until = known.quiet_until,
    quiet_days = known.quiet_days, digest_at = known.digest_at, proactive = known.proactive, mute_below = known.mute_below
  where a.organization_id = known.organization_id returning a.* into known;
  return to_jsonb(known) - 'organization_id';
exception when invalid_text_representation or invalid_datetime_format or datetime_field_overflow or check_violation or numeric_value_out_of_range then
  perform private.refuse(422, 'A choice has a wrong value', sqlerrm);
end $$;
comment on function public.save_attention is 'What a person chose: {daily_nudges, quiet_from, quiet_until, quiet_days, digest_at, proactive, mute_below}; null goes back to the setting.';

-- Section: what is kept --------------------------------------------------------------------------------------------

create table public.nudge_mutes (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  kind text check (length(kind) between 1 and 50),
  person text check (length(person) between 1 and 320),
  thread_key text check (length(thread_key) between 1 and 1000),
  muted_by text not null default 'person' check (muted_by in ('person', 'precision')),
  because text not null default '' check (length(because) <= 500),
  muted_at timestamptz not null,
  until timestamptz,
  created_at timestamptz not null default now(),
  constraint something_is_muted check (num_nonnulls(kind, person, thread_key) >= 1)
);
comment on table public.nudge_mutes is 'What is not brought up: a kind, a person, a thread, or what is all of those named. muted_by precision: by itself, because too few were of use.';
create unique index nudge_mutes_what_idx on public.nudge_mutes (organization_id, coalesce(kind, ''), coalesce(person, ''), coalesce(thread_key, ''));
select private.guard_table('public.nudge_mutes', 'select, insert, update, delete');
create policy nudge_mutes_own on public.nudge_mutes for all to authenticated
  using (organization_id in (select private.my_organizations())) with check (organization_id in (select private.my_organizations()));

create table public.digests (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  day date not null,
  made_at timestamptz not null,
  content jsonb not null default '{}' check (jsonb_typeof(content) = 'object'),
  read_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  unique (organization_id, day)
);
comment on table public.digests is 'One page a day: what was held back, what was done without a person, what it cost. created_at: up to there it tells.';
select private.guard_table('public.digests', 'select, insert, update');
create policy digests_own on public.digests for all to authenticated
  using (organization_id in (select private.my_organizations())) with check (organization_id in (select private.my_organizations()));

create table public.nudges (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  key text not null check (length(key) between 1 and 300),
  kind text not null check (length(kind) between 1 and 50),
  title text not null check (length(title) between 1 and 300),
  why text not null check (length(why) between 1 and 2000),
  person text check (length(person) <= 320),
  thread_key text check (length(thread_key) <= 1000),
  source_ref jsonb not null default '{}' check (jsonb_typeof(source_ref) = 'object'),
  confidence real not null default 0.8 check (confidence between 0 and 1),
  is_urgent boolean not null default false,
  executes boolean not null default false,
  task_item jsonb check (jsonb_typeof(task_item) = 'object'),
  tell_at timestamptz,
  expires_at timestamptz,
  task_id uuid references public.tasks (id) on delete set null,
  digest_id uuid references public.digests (id) on delete set null,
  state text not null check (state in ('held', 'told', 'acted', 'dismissed', 'lapsed', 'settled', 'muted')),
  held_because text check (held_because in ('early', 'quiet', 'budget', 'confidence', 'person', 'digest')),
  told_at timestamptz,
  found_at timestamptz not null,
  reopened_at timestamptz,
  decided_at timestamptz,
  decided_because text check (length(decided_because) <= 500),
  created_at timestamptz not null default now(),
  unique (organization_id, key),
  constraint held_says_why check (state <> 'held' or held_because is not null)
);
comment on table public.nudges is 'What was found worth a notice: told, held back, or muted; and what became of it. A key is brought up once, unless it settled and its reason is there again.';
comment on column public.nudges.reopened_at is 'When it was found again after it had settled; no more often than once a day.';
comment on column public.nudges.task_item is 'The task that it makes once it is told: what is held back is in no list.';
comment on column public.nudges.told_at is 'By the clock of the rules; null: nobody was told or decided. Those that have one count in precision.';
comment on column public.nudges.held_because is 'Why it is not told; it stays with one that was decided before it was told, which so takes nothing of the budget.';
create index nudges_open_idx on public.nudges (organization_id, state, found_at) where state in ('held', 'told');
create index nudges_told_idx on public.nudges (organization_id, told_at, kind) where told_at is not null;
create index nudges_found_idx on public.nudges (organization_id, found_at desc, id desc);
create index nudges_task_idx on public.nudges (task_id);
create index nudges_digest_idx on public.nudges (digest_id);
create index nudges_reminder_idx on public.nudges ((source_ref ->> 'task_id')) where kind = 'reminder' and state in ('held', 'told');
create trigger nudges_05_tenant before insert or update of task_id, organization_id on public.nudges for each row
when (new.task_id is not null) execute function private.keep_of_task_in_tenant();
select private.guard_table('public.nudges', 'select, insert, update');
create policy nudges_own on public.nudges for all to authenticated
  using (organization_id in (select private.my_organizations())) with check (organization_id in (select private.my_organizations()));

create function private.after_attention() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  now_is jsonb := case when tg_op = 'DELETE' then '{}' else to_jsonb(new) end;
  was jsonb := case when tg_op = 'INSERT' then '{}' else to_jsonb(old) end;
  organization uuid := coalesce(now_is ->> 'organization_id', was ->> 'organization_id')::uuid;
begin
  if not exists (select 1 from public.organizations o where o.id = organization) then
    return null; -- it goes with its tenant
  end if;
  perform private.audit(organization, tg_argv[0] || '.' || case tg_op when 'INSERT' then 'added' when 'DELETE' then 'removed' else 'changed' end,
    tg_argv[0], coalesce(now_is ->> 'id', was ->> 'id', organization::text)::uuid, nullif(now_is ->> 'because', ''),
    jsonb_strip_nulls(case when tg_op = 'DELETE' then was else now_is end - array['id', 'organization_id', 'created_at', 'updated_at']));
  return null;
end $$;
comment on function private.after_attention is 'What is told and what is muted is decided in the open: an audit line for each change. Definer: the audit is written by nobody else.';
create trigger attention_is_audited after insert or update or delete on public.attention for each row execute function private.after_attention('attention');
create trigger nudge_mutes_are_audited after insert or update or delete on public.nudge_mutes for each row execute function private.after_attention('nudge_mute');

do $$ declare f text; begin
  foreach f in array array['save_attention'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['attention_rules', 'is_quiet'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('private.after_attention', array[]::text[]);
end $$;
