-- The gate: what leaves the house leaves by a person's yes, by a standing permission that covers it, or as an own act.

-- Section: what approvals and drafts gain ---------------------------------------------------------------------------

drop trigger policies_touch on public.policies;
alter table public.policies
  drop column target, drop column task_kind, drop column limits,
  add column targets text[] not null check (cardinality(targets) between 1 and 100),
  add column task_kinds text[] not null default '{}',
  add column carries text not null default 'own_words' check (carries in ('own_words', 'plain_text')),
  add column max_per_hour integer not null check (max_per_hour between 1 and 1000),
  add column max_per_day integer not null check (max_per_day between 1 and 1000),
  add column hold_seconds integer not null default 120 check (hold_seconds between 0 and 86400),
  add column demoted_at timestamptz,
  add column demoted_because text check (length(demoted_because) <= 2000),
  alter column expires_at set not null,
  add constraint policies_action_check check (action ~ '^[a-z][a-z0-9_]{0,99}$');
create trigger policies_touch before update on public.policies for each row execute function private.touch_updated_at();
comment on table public.policies is
  'Standing permissions: action x targets x kinds of task, with limits, an end and a time to undo. Off by default; only people of the tenant give them.';
comment on column public.policies.action is 'The tool that acts: email_send and slack_notification for drafts, else the name of the tool.';
comment on column public.policies.targets is 'Addresses, channels, handles and host names one by one, @domain for a domain, named for whoever the user''s own words name.';
comment on column public.policies.task_kinds is 'Kinds of task it is for; none: any.';
comment on column public.policies.carries is 'What a run that read untrusted text may send by it: only the user''s own words, or other plain text too.';
comment on column public.policies.demoted_at is 'When it switched itself off, after a no or an undo; switching it on again takes this away.';

alter table public.organizations add column permissions_stopped_at timestamptz;
comment on column public.organizations.permissions_stopped_at is 'The kill switch: while it is set no standing permission counts for anything.';

alter table public.drafts add column provenance jsonb not null default '{}' check (jsonb_typeof(provenance) = 'object');
comment on column public.drafts.provenance is
  'Where its values came from, as the run knew it: {destinations: {address or channel: {origin, source, quote}}, ...}. Frozen with the content.';

alter table public.approvals
  add column policy_id uuid references public.policies (id) on delete set null,
  add column decision jsonb not null default '{}' check (jsonb_typeof(decision) = 'object'),
  add column decided_how text check (decided_how in ('person', 'permission', 'own')),
  add column hold_until timestamptz,
  add column good_until timestamptz,
  add column origin jsonb not null default '{}' check (jsonb_typeof(origin) = 'object');
comment on column public.approvals.policy_id is 'The standing permission that it was approved by; null for a person''s yes, an own act, or where that permission is deleted.';
comment on column public.approvals.decision is 'What the policy said of it {verdict, permission_id, considered_permission_id, reasons: [{code, message, value, origin, source, quote}]}; empty where it was not asked.';
comment on column public.approvals.decided_how is 'person: somebody signed in said so; permission: a standing permission covers it; own: an own, unshared act that can be undone.';
comment on column public.approvals.hold_until is 'Nothing is done with it before this time: it can be undone until then.';
comment on column public.approvals.good_until is 'A yes that is not used by this time is void, and is asked for again.';
comment on column public.approvals.origin is 'What it came from {source, source_ref, title, task_id}: the task at the top of its tree, in the database''s word.';
create index approvals_policy_idx on public.approvals (policy_id, decided_at) where policy_id is not null;
create index approvals_unused_idx on public.approvals (good_until) where state = 'approved';

update public.approvals a set decided_how = 'person' where a.decided_by is not null;
update public.approvals a set decided_how = 'own' where a.decided_by is null and a.state in ('approved', 'used');
alter table public.approvals add constraint approved_by_somebody
  check (state not in ('approved', 'used') or (decided_how is not null and (decided_how = 'person') = (decided_by is not null)));

create function private.approval_lasts(what text) returns interval
language sql immutable set search_path = '' as $$
  select case what when 'question' then interval '14 days' when 'yes' then interval '24 hours' end
$$;
comment on function private.approval_lasts is 'How long a question stays open where nothing else is said, and how long a yes that is not used is good.';

create function private.as_uuid(value text) returns uuid
language sql immutable set search_path = '' as $$
  select case when value ~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' then value::uuid end
$$;
comment on function private.as_uuid is 'An id that came as text; null where it is none.';

create function private.is_own_act(tool text) returns boolean
language sql immutable set search_path = '' as $$
  select coalesce(tool in ('file', 'private_event'), false)
$$;
comment on function private.is_own_act is
  'The built-in policy: tools whose acts are one''s own, can be undone and are seen by nobody else; they need no yes. A test compares it with the tools.';

create function private.is_public_mail_domain(domain text) returns boolean
language sql immutable set search_path = '' as $$
  select lower(domain) = any (array['gmail.com', 'googlemail.com', 'outlook.com', 'hotmail.com', 'live.com', 'msn.com', 'yahoo.com', 'ymail.com',
    'icloud.com', 'me.com', 'mac.com', 'aol.com', 'proton.me', 'protonmail.com', 'pm.me', 'gmx.de', 'gmx.net', 'gmx.at', 'gmx.ch', 'gmx.com', 'web.de',
    't-online.de', 'freenet.de', 'mail.com', 'mail.ru', 'yandex.ru', 'yandex.com', 'zoho.com', 'fastmail.com', 'hey.com', 'tutanota.com', 'tuta.com',
    'tuta.io', 'posteo.de', 'mailbox.org', 'qq.com', '163.com', '126.com', 'orange.fr', 'free.fr', 'laposte.net', 'libero.it', 'wp.pl', 'o2.pl',
    'bluewin.ch', 'comcast.net', 'verizon.net', 'att.net', 'btinternet.com', 'hotmail.co.uk', 'yahoo.co.uk', 'yahoo.de', 'yahoo.fr', 'live.de',
    'outlook.de', 'hotmail.de', 'hotmail.fr', 'mailinator.com'])
$$;
comment on function private.is_public_mail_domain is 'Domains at which anybody gets an address: a permission for all of them is a permission for strangers.';

-- Section: does a permission cover it? --------------------------------------------------------------------------------

create function private.approval_destinations(approval public.approvals) returns text[]
language sql stable security definer set search_path = '' as $$
  select case when approval.draft_id is null then
    array(select btrim(v #>> '{}') from jsonb_array_elements(case jsonb_typeof(approval.payload -> 'destinations')
      when 'array' then approval.payload -> 'destinations' else '[]' end) v)
  else (
    select case d.channel when 'slack' then array_remove(array[btrim(case when d.target ->> 'name' ~ '^[#@]' then d.target ->> 'name' else d.target ->> 'channel' end)], null)
      else array(select btrim(coalesce(substring(r from '^[^<>]*<([^<>]*)>\s*$'), r)) from unnest(d.to_recipients || d.cc_recipients || d.bcc_recipients) r) end
    from public.drafts d where d.id = approval.draft_id) end
$$;
comment on function private.approval_destinations is
  'Whom it reaches: every recipient of a draft without the name before it, its channel as people call it, or of an act the destinations in its payload.';

create function private.destination_origin(provenance jsonb, destination text) returns text
language sql immutable set search_path = '' as $$
  select coalesce(e.value ->> 'origin', e.value #>> '{}')
  from jsonb_each(case jsonb_typeof(provenance -> 'destinations') when 'object' then provenance -> 'destinations' else '{}' end) e
  where lower(btrim(e.key)) = lower(destination)
  order by coalesce(e.value ->> 'origin', e.value #>> '{}') in ('user', 'contact') limit 1
$$;
comment on function private.destination_origin is 'Where a destination first appeared, as provenance says it; the least trusted word where there are two, null where there is none.';

create function private.matches_target(target text, destination text, origin text) returns boolean
language sql immutable set search_path = '' as $$
  select coalesce(case
    when lower(target) = 'named' then origin in ('user', 'contact')
    when target like '@%.%' then destination ~ '^[^\s@<>,;:"()]+@[^\s@<>,;:"()]+$' and lower(split_part(destination, '@', 2)) = lower(substr(target, 2))
    else lower(target) = lower(destination) end, false)
$$;
comment on function private.matches_target is 'Is a destination what a target of a permission names? @example.com is that domain alone, not what lies below it.';

create function private.permission_reaches(permission public.policies, approval public.approvals) returns text
language plpgsql stable security definer set search_path = '' as $$
declare
  draft public.drafts;
  provenance jsonb := coalesce(approval.payload -> 'provenance', '{}');
  action text := approval.tool;
  task public.tasks;
  destination text;
  destinations text[];
  origin text;
begin
  if approval.draft_id is not null then
    select * into draft from public.drafts d where d.id = approval.draft_id;
    action := case draft.channel when 'mail' then 'email_send' else 'slack_notification' end;
    provenance := draft.provenance;
  end if;
  if action is distinct from permission.action then
    return format('The standing permission is for %s, not for %s', permission.action, coalesce(action, 'this'));
  end if;
  select * into task from public.tasks t where t.id = approval.task_id;
  if cardinality(permission.task_kinds) > 0 and task.kind <> all (permission.task_kinds) then
    return format('The standing permission is not for tasks of the kind %s', task.kind);
  end if;
  -- A copy to oneself is free; whose addresses those are is said where provenance is (a later migration).
  destinations := array(select d from unnest(private.approval_destinations(approval)) d where not private.own_addresses(task) ? lower(d));
  if coalesce(cardinality(destinations), 0) = 0 then
    return 'It does not say whom it reaches';
  end if;
  foreach destination in array destinations loop
    origin := private.destination_origin(provenance, destination);
    if origin = 'untrusted' or (origin = 'model' and not exists (select 1 from unnest(permission.targets) t where lower(t) = lower(destination))) then
      return format('%s did not come from you', left(destination, 200));
    elsif draft.channel = 'mail' and destination !~ '^[^\s@<>,;:"()]+@[^\s@<>,;:"()]+$' then
      return format('%s is not exactly one address', left(destination, 200));
    elsif not exists (select 1 from unnest(permission.targets) t where private.matches_target(t, destination, origin)) then
      return format('The standing permission is not for %s', left(destination, 200));
    end if;
  end loop;
  return null;
end $$;
comment on function private.permission_reaches is
  'Why a standing permission is not for what an approval asks for: action, kind of task and every destination, in words; null when it is.';

create function private.permission_covers(policy_id uuid, approval public.approvals) returns text
language plpgsql security definer set search_path = '' as $$
declare
  permission public.policies;
  refusal text;
  this_hour bigint;
  this_day bigint;
begin
  -- Locked: two at once would both count the same past.
  select * into permission from public.policies p
  where p.id = permission_covers.policy_id and p.organization_id = approval.organization_id for no key update;
  if permission.id is null then
    return 'There is no such standing permission';
  elsif exists (select 1 from public.organizations o where o.id = approval.organization_id and o.permissions_stopped_at is not null) then
    return 'All standing permissions are stopped';
  elsif not permission.is_enabled then
    return 'The standing permission is switched off';
  elsif permission.expires_at <= now() then
    return 'The standing permission has expired';
  elsif approval.decision ->> 'verdict' is distinct from 'allow' or approval.decision ->> 'permission_id' is distinct from permission.id::text then
    return 'The policy did not allow it by this permission';
  end if;
  refusal := private.permission_reaches(permission, approval);
  if refusal is not null then
    return refusal;
  end if;
  select count(*) filter (where a.decided_at > now() - interval '1 hour'), count(*) into this_hour, this_day
  from public.approvals a where a.policy_id = permission.id and a.decided_how = 'permission' and a.state in ('approved', 'used')
    and a.decided_at > now() - interval '1 day'; -- what was taken back had not begun: it never left
  return case
    when this_hour >= permission.max_per_hour then format('The standing permission was used %s times in the last hour, as often as it may', this_hour)
    when this_day >= permission.max_per_day then format('The standing permission was used %s times in the last day, as often as it may', this_day) end;
end $$;
comment on function private.permission_covers is
  'Why a standing permission does not cover what an approval asks for, in words; null when it does. Locks the permission, so that two at once cannot exceed its limits.';

create function private.permission_stands(approval public.approvals) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.policies p join public.organizations o on o.id = p.organization_id
    where p.id = approval.policy_id and p.is_enabled and p.expires_at > now() and o.permissions_stopped_at is null)
$$;
comment on function private.permission_stands is 'Is the standing permission that something was approved by still in force?';

create function private.checked_decision(decision jsonb, approval public.approvals) returns jsonb
language plpgsql set search_path = '' as $$
declare
  given jsonb := coalesce(decision, '{}');
  refusal text;
begin
  if jsonb_typeof(given) <> 'object' then
    perform private.refuse(422, 'decision is an object {verdict, permission_id, reasons}', left(given::text, 200));
  elsif given ->> 'verdict' is distinct from 'allow' or given ->> 'permission_id' is null then
    return given;
  elsif private.as_uuid(given ->> 'permission_id') is null then
    perform private.refuse(422, 'decision.permission_id is the id of a standing permission', left(given ->> 'permission_id', 200));
  end if;
  approval.decision := given;
  refusal := private.permission_covers(private.as_uuid(given ->> 'permission_id'), approval);
  if refusal is null then
    return given;
  end if;
  return given || jsonb_build_object('verdict', 'ask', 'permission_id', null, 'considered_permission_id', given -> 'permission_id', 'reasons',
    coalesce(given -> 'reasons', '[]') || jsonb_build_array(jsonb_build_object('code', 'not_covered', 'message', refusal, 'value', '', 'origin', null,
      'source', '', 'quote', '')));
end $$;
comment on function private.checked_decision is 'A decision as it is kept with an approval: where the database finds that the permission does not cover it, it asks, and says why.';

-- Section: the state machines ---------------------------------------------------------------------------------------

create or replace function private.before_approval_insert() returns trigger
language plpgsql set search_path = '' as $$
declare
  task public.tasks;
begin
  if new.state <> 'open' and not (new.state = 'used' and new.decided_how is not distinct from 'own') then
    perform private.refuse(409, 'A new approval starts as open');
  end if;
  select * into task from public.tasks t where t.id = new.task_id and t.organization_id = new.organization_id;
  if task.id is null
     or (new.draft_id is not null and not exists (
       select 1 from public.drafts d where d.id = new.draft_id and d.organization_id = new.organization_id
         and d.task_id = new.task_id and d.digest = new.digest)) then
    perform private.refuse(422, 'An approval belongs to a task and a draft of the same tenant, and carries the draft''s digest');
  end if;
  new.decided_by := null; new.decided_at := null; new.used_at := null; new.policy_id := null; new.hold_until := null; new.good_until := null;
  if new.state = 'used' then
    if new.draft_id is not null or not private.is_own_act(new.tool) or task.tool is distinct from new.tool or not exists (
         select 1 from public.steps s where s.id = new.step_id and s.task_id = task.id and s.kind = 'act' and private.is_step_of(new.tool, s.name, s.key)) then
      perform private.refuse(403, 'Only own acts need no yes', coalesce(new.tool, ''));
    end if;
    new.decided_at := now(); new.used_at := now(); new.expires_at := null;
  else
    new.decided_how := null; new.step_id := null;
    new.expires_at := coalesce(new.expires_at, now() + private.approval_lasts('question'));
  end if;
  select jsonb_build_object('source', r.source, 'source_ref', r.source_ref, 'title', r.title, 'task_id', r.id) into new.origin
  from public.tasks r where r.id = task.root_task_id;
  new.origin := coalesce(new.origin, '{}');
  return new;
end $$;
comment on function private.before_approval_insert is
  'Approvals are born open, undecided and with an end; that of an own act is born used, by the step that it is for. The database says what they came from.';

create or replace function private.before_approval_update() returns trigger
language plpgsql set search_path = '' as $$
declare
  refusal text;
  allowed text[] := case old.state
    when 'open' then array['approved', 'rejected', 'expired', 'voided']
    when 'approved' then array['used', 'voided', 'expired']
    else array[]::text[] end;
begin
  if new.id <> old.id or new.organization_id <> old.organization_id or new.task_id <> old.task_id
     or new.draft_id is distinct from old.draft_id or new.digest <> old.digest
     or new.expires_at is distinct from old.expires_at or new.payload <> old.payload or new.why <> old.why or new.title <> old.title
     or new.requested_by <> old.requested_by or new.created_at <> old.created_at or new.tool is distinct from old.tool
     or new.generation is distinct from old.generation or new.decision <> old.decision or new.origin <> old.origin
     or (old.step_id is not null and new.step_id is not null and new.step_id <> old.step_id) then
    perform private.refuse(409, 'What an approval is for never changes');
  end if;
  if new.state <> old.state and not new.state = any (allowed) then
    perform private.refuse(409, format('An approval that is %s cannot become %s', old.state, new.state),
      format('allowed: %s', coalesce(nullif(array_to_string(allowed, ', '), ''), 'none, this state is final')));
  end if;
  if new.decided_how is distinct from old.decided_how or new.hold_until is distinct from old.hold_until or new.good_until is distinct from old.good_until
     or (new.policy_id is distinct from old.policy_id and new.policy_id is not null and new.state <> 'approved')
     or (new.state in (old.state, 'used', 'voided', 'expired') and (new.decided_by is distinct from old.decided_by or new.decided_at is distinct from old.decided_at
       or (new.policy_id is distinct from old.policy_id and new.policy_id is not null)))
     or (new.state = old.state and old.step_id is null and new.step_id is not null) then
    perform private.refuse(409, 'A decision is not rewritten');
  end if;
  if new.state = old.state then
    if (select auth.uid()) is null then
      new.notes := old.notes; -- what a person said beside their word stays theirs
    end if;
    return new;
  end if;
  if new.state in ('approved', 'rejected') then
    if (select auth.uid()) is null and (new.state = 'rejected' or new.policy_id is null) then
      perform private.refuse(403, 'Only a person approves or rejects', null, 'A standing permission approves what it covers.');
    end if;
    if old.expires_at is not null and old.expires_at <= now() then
      perform private.refuse(409, 'This approval has expired');
    end if;
    new.decided_at := now();
    if (select auth.uid()) is not null then
      new.decided_how := 'person';
      new.decided_by := (select auth.uid());
      new.policy_id := null;
      new.good_until := least(now() + private.approval_lasts('yes'), old.expires_at);
    else
      refusal := private.permission_covers(new.policy_id, old);
      if refusal is not null then
        perform private.refuse(403, 'Nothing but a person approves this', refusal);
      end if;
      new.decided_how := 'permission';
      new.decided_by := null;
      new.hold_until := now() + make_interval(secs => (select p.hold_seconds from public.policies p where p.id = new.policy_id));
      new.good_until := new.hold_until + private.approval_lasts('yes');
    end if;
  end if;
  if new.state = 'used' then
    if old.hold_until > now() then
      perform private.refuse(409, 'It is held until it can no longer be undone', 'held');
    elsif coalesce(old.good_until, old.expires_at) <= now() then
      perform private.refuse(409, 'The yes to this was not used in time, and is void', 'expired');
    elsif old.decided_how = 'permission' and not private.permission_stands(old) then
      perform private.refuse(409, 'The standing permission for this is no longer in force', 'stopped');
    end if;
    new.used_at := now();
  end if;
  return new;
end $$;
comment on function private.before_approval_update is
  'A signed-in person decides, or a standing permission that the database finds to cover it; once. It is used after its hold, before its end, and while the permission stands.';

create or replace function private.after_approval_change() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' or new.state <> old.state then
    perform private.record_event(new.organization_id, new.task_id,
      (select t.root_task_id from public.tasks t where t.id = new.task_id), 'approval', new.state,
      jsonb_build_object('approval_id', new.id, 'draft_id', new.draft_id, 'title', new.title) ||
      jsonb_strip_nulls(jsonb_build_object('decided_how', new.decided_how, 'policy_id', new.policy_id, 'hold_until', new.hold_until)));
    perform private.audit(new.organization_id, 'approval.' || new.state, 'approval', new.id, new.notes,
      jsonb_strip_nulls(jsonb_build_object('digest', new.digest, 'draft_id', new.draft_id, 'task_id', new.task_id, 'decided_how', new.decided_how,
        'policy_id', new.policy_id, 'hold_until', new.hold_until, 'tool', new.tool)));
  end if;
  return null;
end $$;

drop trigger approvals_30_slack_new on public.approvals;
create trigger approvals_30_slack_new after insert on public.approvals for each row
when (new.state = 'open') execute function private.notify_slack();

create or replace function private.before_draft_insert() returns trigger
language plpgsql set search_path = '' as $$
declare
  earlier public.drafts;
begin
  if new.state <> 'draft' then
    perform private.refuse(409, 'A new draft starts as draft');
  end if;
  if not exists (select 1 from public.tasks t where t.id = new.task_id and t.organization_id = new.organization_id) then
    perform private.refuse(422, 'The draft''s task does not exist', format('task_id %s', new.task_id));
  end if;
  new.digest := private.draft_digest(new);
  select * into earlier from public.drafts d where d.id = new.supersedes_id and d.task_id = new.task_id and d.digest = new.digest;
  if earlier.id is not null then -- the same words again: who wrote them stays
    new.author_type := earlier.author_type;
    new.author_id := earlier.author_id;
  else
    new.author_type := case when (select auth.uid()) is null then 'agent' else 'user' end;
    new.author_id := (select auth.uid());
  end if;
  return new;
end $$;

create or replace function private.before_draft_update() returns trigger
language plpgsql set search_path = '' as $$
begin
  if new.id <> old.id or new.organization_id <> old.organization_id or new.task_id <> old.task_id
     or private.draft_digest(new) <> old.digest or new.digest <> old.digest or new.version <> old.version
     or new.supersedes_id is distinct from old.supersedes_id or new.author_id is distinct from old.author_id
     or new.author_type <> old.author_type or new.provenance <> old.provenance
     or (new.feedback is distinct from old.feedback and (select auth.uid()) is null) then
    perform private.refuse(409, 'A draft''s content never changes', null, 'Edit it: the edit becomes a new draft that supersedes this one.');
  end if;
  if old.message_id is not null and new.message_id is distinct from old.message_id then
    perform private.refuse(409, 'A draft keeps its Message-ID');
  end if;
  if new.state = old.state then
    return new;
  end if;
  if not new.state = any (private.next_draft_states(old.state)) then
    perform private.refuse(409, format('A draft that is %s cannot become %s', old.state, new.state),
      format('allowed: %s', coalesce(nullif(array_to_string(private.next_draft_states(old.state), ', '), ''), 'none, this state is final')));
  end if;
  if old.state = 'uncertain' and (select auth.uid()) is null then
    perform private.refuse(403, 'Only a person says what became of an uncertain message');
  end if;
  if new.state = 'approved' and not exists (
       select 1 from public.approvals a where a.draft_id = new.id and a.state = 'approved' and a.digest = new.digest) then
    perform private.refuse(403, 'A draft is approved by a person''s approval of exactly this content, or by a standing permission that covers it');
  end if;
  if new.state = 'sending' then
    -- The approval says itself when it is held, void, or stopped.
    update public.approvals a set state = 'used' where a.draft_id = new.id and a.state = 'approved' and a.digest = new.digest;
    if not found then
      perform private.refuse(403, 'Nothing is sent without a matching approval', format('draft %s', new.id));
    end if;
  end if;
  if new.state in ('approved', 'rejected') then new.decided_at := now(); end if;
  if new.state = 'sent' then new.sent_at := coalesce(new.sent_at, now()); end if;
  return new;
end $$;

-- Section: drafts -----------------------------------------------------------------------------------------------------

create or replace function private.draft_json(draft public.drafts) returns jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(draft) || jsonb_build_object(
    'superseded_by_id', (select d.id from public.drafts d where d.supersedes_id = draft.id),
    'task_title', (select t.title from public.tasks t where t.id = draft.task_id))
    || coalesce((select jsonb_build_object('approval_id', a.id, 'approval', jsonb_build_object('id', a.id, 'state', a.state, 'decision', a.decision,
        'decided_how', a.decided_how, 'policy_id', a.policy_id, 'hold_until', a.hold_until, 'expires_at', a.expires_at, 'good_until', a.good_until,
        'origin', a.origin, 'requested_by', a.requested_by, 'why', a.why, 'notes', a.notes))
      from public.approvals a where a.draft_id = draft.id order by a.created_at desc limit 1), '{"approval_id": null}')
$$;

drop function private.insert_draft;
create function private.insert_draft(task public.tasks, content jsonb, supersedes public.drafts, decision jsonb default null) returns public.drafts
language plpgsql set search_path = '' as $$
declare
  made public.drafts;
  asked public.approvals;
begin
  insert into public.drafts (organization_id, task_id, channel, to_recipients, cc_recipients, bcc_recipients, subject, body, attachments,
    target, thread_tail, why, provenance, version, supersedes_id, digest, author_type)
  select task.organization_id, task.id, coalesce(r.channel, 'mail'), coalesce(r.to_recipients, '{}'), coalesce(r.cc_recipients, '{}'),
    coalesce(r.bcc_recipients, '{}'), coalesce(r.subject, ''), coalesce(r.body, ''), coalesce(r.attachments, '[]'),
    coalesce(r.target, '{}'), r.thread_tail, coalesce(r.why, ''), coalesce(r.provenance, '{}'), coalesce(supersedes.version, 0) + 1, supersedes.id, '', 'agent'
  from jsonb_populate_record(null::public.drafts, content) r
  returning * into made;
  asked.organization_id := made.organization_id; asked.task_id := made.task_id; asked.draft_id := made.id;
  insert into public.approvals (organization_id, task_id, draft_id, title, digest, requested_by, why, decision)
  values (made.organization_id, made.task_id, made.id, coalesce(nullif(made.subject, ''), task.title), made.digest, made.author_type, made.why,
    private.checked_decision(insert_draft.decision, asked));
  return made;
end $$;
comment on function private.insert_draft is
  'A draft and the open approval that waits for a person, with what the policy said of it.';

create function private.make_draft(task public.tasks, content jsonb, supersedes_id uuid, decision jsonb) returns public.drafts
language plpgsql set search_path = '' as $$
declare
  earlier public.drafts;
begin
  if make_draft.supersedes_id is not null then
    earlier := private.own_draft(make_draft.supersedes_id, true);
  else
    select * into earlier from public.drafts d where d.task_id = task.id order by d.version desc limit 1 for no key update;
  end if;
  if earlier.id is not null then
    if earlier.state in ('sending', 'uncertain') then
      perform private.refuse(409, format('The earlier draft is %s', earlier.state));
    end if;
    perform private.supersede_draft(earlier);
    if earlier.state = 'approved' then
      perform private.cancel_sending(earlier);
    end if;
  end if;
  return private.insert_draft(task, content, earlier, decision);
end $$;
comment on function private.make_draft is 'A new draft of a task; the earlier one is superseded, and the task that would have sent it is cancelled.';

create function private.cancel_sending(draft public.drafts) returns void
language sql set search_path = '' as $$
  update public.tasks t set execution_status = 'cancelled', failure_reason = 'What it was to send is no longer approved'
  where t.parent_task_id = draft.task_id and t.tool in ('email_send', 'slack_notification') and t.tool_input ->> 'draft_id' = draft.id::text
    and t.execution_status in ('pending', 'queued', 'in_progress', 'paused', 'blocked')
$$;
comment on function private.cancel_sending is 'Cancels the task that was to send a draft which nothing was begun of.';

create or replace function public.create_draft(task_id uuid, content jsonb, supersedes_id uuid default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  made public.drafts;
begin
  made := private.make_draft(private.own_task(create_draft.task_id, true), content, create_draft.supersedes_id, null);
  return private.draft_json(made);
end $$;

create function private.queue_sending(draft public.drafts) returns uuid
language sql set search_path = '' as $$
  select private.queue_child(private.own_task(draft.task_id), 'Send: ' || coalesce(nullif(draft.subject, ''), left(nullif(draft.body, ''), 80), '(no subject)'),
    case draft.channel when 'mail' then 'email_send' else 'slack_notification' end, jsonb_build_object('draft_id', draft.id))
$$;
comment on function private.queue_sending is 'The task that sends an approved draft.';

create function private.before_sending_queued() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  held timestamptz;
begin
  select max(a.hold_until) into held from public.approvals a
  where a.draft_id = private.as_uuid(new.tool_input ->> 'draft_id') and a.organization_id = new.organization_id and a.state = 'approved' and a.hold_until > now();
  -- A worker may take a task up a second early; it must find the hold over.
  new.run_after := greatest(new.run_after, held + interval '1 second');
  return new;
end $$;
comment on function private.before_sending_queued is 'What sends a held draft waits for the end of the hold, however it comes to be queued.';
create trigger tasks_12_held before update of execution_status on public.tasks for each row
when (new.execution_status = 'queued' and new.tool in ('email_send', 'slack_notification') and new.tool_input ? 'draft_id')
execute function private.before_sending_queued();

create or replace function public.approve_draft(draft_id uuid, digest text, notes text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  draft public.drafts := private.own_draft(approve_draft.draft_id, true);
begin
  if draft.state <> 'draft' then
    perform private.refuse(409, format('This draft is %s already', draft.state), draft.state,
      (select 'The newest version is ' || d.id from public.drafts d where d.task_id = draft.task_id and d.id <> draft.id
       and d.version > draft.version order by d.version desc limit 1));
  end if;
  if draft.digest is distinct from approve_draft.digest then
    perform private.refuse(409, 'This is not the draft that was shown', 'the digest differs', 'Read it again, then approve what you see.');
  end if;
  if draft.channel = 'mail' and cardinality(draft.to_recipients || draft.cc_recipients || draft.bcc_recipients) = 0 then
    perform private.refuse(422, 'This draft has no recipient', 'to_recipients', 'Add an address first.');
  elsif draft.channel = 'slack' and coalesce(draft.target ->> 'channel', '') = '' then
    perform private.refuse(422, 'This draft has no channel', 'target.channel', 'Name a channel or a person first.');
  end if;
  update public.approvals a set state = 'approved', notes = approve_draft.notes where a.draft_id = draft.id and a.state = 'open';
  update public.drafts d set state = 'approved' where d.id = draft.id returning d.* into draft;
  perform private.queue_sending(draft);
  return private.draft_json(draft);
end $$;

create or replace function public.reject_draft(draft_id uuid, feedback text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  draft public.drafts := private.own_draft(reject_draft.draft_id, true);
  approval public.approvals;
  task public.tasks;
begin
  if draft.state <> 'draft' then
    perform private.refuse(409, format('This draft is %s already', draft.state), draft.state);
  end if;
  update public.approvals a set state = 'rejected', notes = reject_draft.feedback where a.draft_id = draft.id and a.state = 'open' returning a.* into approval;
  update public.drafts d set state = 'rejected', feedback = nullif(trim(reject_draft.feedback), '') where d.id = draft.id returning d.* into draft;
  perform private.demote_for(approval, 'You said no to what it would have let through');
  task := private.own_task(draft.task_id, true);
  if draft.feedback is not null then
    perform private.queue_child(task, 'Revise: ' || coalesce(nullif(draft.subject, ''), task.title), 'revise_draft',
      jsonb_build_object('draft_id', draft.id, 'feedback', draft.feedback));
  elsif task.execution_status = 'blocked' and task.blocked_on = 'review' then
    update public.tasks t set blocked_on = 'person', blocked_reason = 'You rejected the draft',
      unblocked_by = 'Execute again for a new draft, or do it yourself and tick it off' where t.id = task.id;
  end if;
  return private.draft_json(draft);
end $$;

drop function public.deliver_draft;
create function public.deliver_draft(task_id uuid, content jsonb, result_data jsonb, supersedes_id uuid default null, decision jsonb default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(deliver_draft.task_id);
  draft public.drafts;
  approval public.approvals;
  target public.tasks;
  reason text := 'Waiting for your review';
  remedy text := 'Approve the draft, edit it, or say what to change';
begin
  target := private.own_task(coalesce((select d.task_id from public.drafts d where d.id = deliver_draft.supersedes_id), task.id), true);
  draft := private.make_draft(target, content, deliver_draft.supersedes_id, deliver_draft.decision);
  select * into approval from public.approvals a where a.draft_id = draft.id and a.state = 'open';
  if approval.decision ->> 'verdict' = 'allow' and approval.decision ->> 'permission_id' is not null then
    update public.approvals a set state = 'approved', policy_id = (approval.decision ->> 'permission_id')::uuid where a.id = approval.id
    returning a.* into approval;
    update public.drafts d set state = 'approved' where d.id = draft.id returning d.* into draft;
    perform private.queue_sending(draft); -- it waits for the end of the hold
    reason := 'A standing permission lets it go';
    remedy := 'It goes by itself; until then you can undo it';
  end if;
  -- A part of a tree is done when its message has left: what depends on it waits for that.
  if task.id <> target.id or (task.execution_type = 'fully_automated' and task.parent_task_id is null) then
    perform public.complete_task_execution(task.id, result_data || jsonb_build_object('draft_id', draft.id), 'verified',
      jsonb_build_array(jsonb_build_object('kind', 'draft', 'what', 'The draft is there', 'where', draft.id, 'at', now())));
  else
    perform public.block_task_execution(task.id, reason, 'review', remedy, result_data || jsonb_build_object('draft_id', draft.id), 'immediate');
  end if;
  return private.draft_json(draft);
end $$;
comment on function public.deliver_draft is
  'The end of a run that made a draft: draft, approval and the task''s next state in one transaction. With a decision that allows it by a standing permission which the database finds to cover it, it goes after the hold. A revision completes; its draft belongs to the first task.';

-- Section: acts -------------------------------------------------------------------------------------------------------

drop function public.request_act;
create function public.request_act(task_id uuid, title text, payload jsonb, why text default '', expires_in_seconds double precision default null,
  decision jsonb default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(request_act.task_id);
  asked public.approvals;
begin
  if task.tool is null or jsonb_typeof(payload -> 'input') is distinct from 'object' then
    perform private.refuse(422, 'An act belongs to a task with a tool, and its payload carries the tool''s input', 'payload.input');
  end if;
  update public.approvals a set state = 'voided' where a.task_id = task.id and a.draft_id is null and a.state in ('open', 'approved');
  asked.organization_id := task.organization_id; asked.task_id := task.id; asked.tool := task.tool;
  asked.payload := payload || jsonb_build_object('given', task.tool_input);
  insert into public.approvals (organization_id, task_id, title, digest, why, payload, tool, generation, expires_at, decision)
  values (task.organization_id, task.id, left(request_act.title, 500), encode(sha256(convert_to(asked.payload::text, 'UTF8')), 'hex'),
    coalesce(request_act.why, ''), asked.payload, task.tool, task.generation, now() + make_interval(secs => expires_in_seconds),
    private.checked_decision(request_act.decision, asked)) returning * into asked;
  if asked.decision ->> 'verdict' = 'allow' and asked.decision ->> 'permission_id' is not null then
    update public.approvals a set state = 'approved', policy_id = (asked.decision ->> 'permission_id')::uuid where a.id = asked.id returning a.* into asked;
    perform public.block_task_execution(task.id, 'A standing permission lets it go', 'delay', 'It goes by itself; until then you can undo it',
      until => asked.hold_until);
  else
    perform public.block_task_execution(task.id, 'Waiting for your yes to what it will do', 'approval', 'Say yes or no', until => asked.expires_at);
  end if;
  return to_jsonb(asked);
end $$;
comment on function public.request_act is
  'A tool asks before it acts: the task waits, blocked, until a person says yes or no to exactly this payload {input, facts, text, destinations, provenance}, or until it expires. With a decision that allows it by a permission which covers it, the task waits for the end of the hold and goes on.';

create or replace function public.get_act(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_act.task_id);
begin
  return (select to_jsonb(a) from public.approvals a
    where a.task_id = task.id and a.tool = task.tool and a.decided_how is distinct from 'own'
      and (exists (select 1 from public.steps s where s.id = a.step_id and s.state = 'finished')
           or a.generation = task.generation and a.payload -> 'given' = task.tool_input
              and (a.state = 'used' and a.step_id is not null
                   or a.state = 'approved' and coalesce(coalesce(a.good_until, a.expires_at) > now(), true) and coalesce(a.hold_until <= now(), true)
                      and (a.decided_how <> 'permission' or private.permission_stands(a))))
    order by a.created_at desc limit 1);
end $$;
comment on function public.get_act is
  'The yes on which the tool of this task may act: unused, out of its hold and not void; or used by a step of this very work, or by one that is finished. Null when it has to ask (again).';

create or replace function public.decide_approval(approval_id uuid, approved boolean, notes text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  approval public.approvals;
  task public.tasks;
begin
  select * into approval from public.approvals a where a.id = decide_approval.approval_id and private.in_scope(a.organization_id);
  if approval.id is null then
    perform private.refuse(404, 'There is no such approval', format('approval %s', decide_approval.approval_id));
  end if;
  if approval.draft_id is not null then
    if approved then
      perform public.approve_draft(approval.draft_id, approval.digest, notes);
    else
      perform public.reject_draft(approval.draft_id, notes);
    end if;
    return (select to_jsonb(a) from public.approvals a where a.id = decide_approval.approval_id);
  end if;
  task := private.own_task(approval.task_id, true);
  update public.approvals a set state = case when approved then 'approved' else 'rejected' end, notes = decide_approval.notes
  where a.id = approval.id;
  if not approved then
    perform private.demote_for(approval, 'You said no to what it would have let through');
  end if;
  if approved and approval.tool is not null then
    update public.tasks t set execution_status = 'queued', run_after = null where t.id = task.id;
  elsif approved then
    update public.approvals a set state = 'used' where a.id = approval.id;
    update public.tasks t set execution_status = 'in_progress' where t.id = task.id;
    update public.tasks t set execution_status = 'completed', verification = 'verified',
      result = coalesce(t.result, '{}') || case when task.blocked_on = 'approval' then jsonb_build_object('approved', true, 'notes', notes) else '{}' end,
      evidence = jsonb_build_array(jsonb_build_object('kind', 'approval', 'what', 'A person approved it', 'where', approval.id, 'at', now()))
    where t.id = task.id;
  elsif task.blocked_on = 'approval' then
    update public.tasks t set execution_status = 'failed', failure_reason = 'Rejected' || coalesce(': ' || nullif(trim(notes), ''), '') where t.id = task.id;
  elsif nullif(trim(notes), '') is not null then
    update public.tasks t set tool_input = t.tool_input || jsonb_build_object('feedback', trim(notes)) where t.id = approval.task_id;
    update public.tasks t set execution_status = 'queued' where t.id = approval.task_id;
  else
    update public.tasks t set blocked_on = 'person', blocked_reason = 'You rejected the result',
      unblocked_by = 'Execute again, or do it yourself and tick it off' where t.id = approval.task_id;
  end if;
  return (select to_jsonb(a) from public.approvals a where a.id = decide_approval.approval_id);
end $$;

create or replace function public.list_approvals(filter jsonb default '{}', after jsonb default null, page_size integer default 50) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  rows jsonb;
begin
  if page_size is null or page_size not between 1 and 200 then
    perform private.refuse(422, 'limit is between 1 and 200', format('limit is %s', page_size));
  end if;
  select coalesce(jsonb_agg(to_jsonb(p) || jsonb_build_object('task_title', (select t.title from public.tasks t where t.id = p.task_id))
    order by p.created_at desc, p.id desc), '[]') into rows from (
    select a.* from public.approvals a where a.organization_id = private.acting_organization()
      and (not filter ? 'state' or a.state in (select jsonb_array_elements_text(filter -> 'state')))
      and case when filter ? 'decided_how' then a.decided_how in (select jsonb_array_elements_text(filter -> 'decided_how'))
          else a.decided_how is distinct from 'own' end
      and (not filter ? 'policy_id' or a.policy_id = (filter ->> 'policy_id')::uuid)
      and (not coalesce((filter ->> 'held')::boolean, false) or (a.state = 'approved' and a.decided_how = 'permission'))
      and (after is null or (a.created_at, a.id) < ((after ->> 0)::timestamptz, (after ->> 1)::uuid))
    order by a.created_at desc, a.id desc limit page_size) p;
  return jsonb_build_object('items', rows, 'after', case when jsonb_array_length(rows) = page_size
    then jsonb_build_array(rows -> -1 -> 'created_at', rows -> -1 -> 'id') end);
exception when invalid_text_representation or invalid_datetime_format then
  perform private.refuse(422, 'A filter or cursor has a wrong value', sqlerrm);
  return null;
end $$;
comment on function public.list_approvals is
  'A page of approvals, newest first: {items, after}. filter keys: state (array), decided_how (array; without it own acts are left out), policy_id, held (what a permission let through and nothing was begun of).';

-- Section: steps --------------------------------------------------------------------------------------------------------

create function private.is_step_of(tool text, name text, key text) returns boolean
language sql immutable set search_path = '' as $$
  select coalesce(is_step_of.tool in ('browser', 'cicd_webhook')
    or is_step_of.name = is_step_of.tool and regexp_replace(is_step_of.key, '/[0-9]+$', '') = is_step_of.tool, false)
$$;
comment on function private.is_step_of is 'Does a step do what a yes to this tool is for? A browser task and a pipeline ask for each of their moves, under names of their own.';

create function private.step_refusal(step public.steps) returns text
language plpgsql stable security definer set search_path = '' as $$
declare
  purpose text := regexp_replace(step.key, '/[0-9]+$', '');
begin
  if step.kind <> 'act' or exists (
       select 1 from public.approvals a where a.step_id = step.id and a.task_id = step.task_id and a.state = 'used'
         and private.is_step_of(a.tool, step.name, step.key)) then
    return null;
  elsif purpose like 'send draft %' then
    return case when not exists (
      select 1 from public.drafts d join public.approvals a on a.draft_id = d.id and a.state = 'used' and a.digest = d.digest
      join public.tasks t on t.id = step.task_id and t.tool_input ->> 'draft_id' = d.id::text
      where d.id = private.as_uuid(substr(purpose, 12)) and d.organization_id = step.organization_id and d.state in ('sending', 'sent', 'failed', 'uncertain')
        and step.name = purpose and step.key = purpose || '/0')
      then 'this draft is not being sent' end;
  elsif purpose ~ '^browser_by_hand [0-9]{1,18}$' then
    return case when not exists (
      select 1 from public.browser_commands c where c.id = substr(purpose, 17)::bigint and c.task_id = step.task_id)
      then 'no person made this move' end;
  end if;
  return 'no approval was used for it';
end $$;
comment on function private.step_refusal is
  'Why an act step has no leave, in words; null when it has: an approval used by this step, a draft that is being sent, or a person''s own move in the browser.';

create function private.check_step_leave() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  step public.steps;
  refusal text;
begin
  select * into step from public.steps s where s.id = new.id; -- as it is at the end of the transaction
  if step.id is not null then
    refusal := private.step_refusal(step);
    if refusal is not null then
      perform private.refuse(403, 'Nothing is done without leave', format('step %s: %s', step.key, refusal));
    end if;
  end if;
  return null;
end $$;
comment on function private.check_step_leave is 'An act may only be begun with leave, whoever writes the row.';
create constraint trigger steps_15_leave_new after insert on public.steps deferrable initially deferred for each row
when (new.kind = 'act') execute function private.check_step_leave();
create constraint trigger steps_15_leave_again after update on public.steps deferrable initially deferred for each row
when (new.kind = 'act' and new.state = 'started') execute function private.check_step_leave();

create or replace function private.before_step_update() returns trigger
language plpgsql set search_path = '' as $$
begin
  if new.id <> old.id or new.task_id <> old.task_id or new.key <> old.key or new.kind <> old.kind or new.name <> old.name
     or new.organization_id <> old.organization_id then
    perform private.refuse(409, 'What a step is never changes');
  end if;
  if new.state <> old.state and not new.state = any (private.next_step_states(old.state)) then
    perform private.refuse(409, format('A step that is %s cannot become %s', old.state, new.state));
  end if;
  if old.state = 'finished' and new.result is distinct from old.result then
    perform private.refuse(409, 'The result of a finished step never changes');
  end if;
  return new;
end $$;

create function private.before_browser_command() returns trigger
language plpgsql set search_path = '' as $$
begin
  if (select auth.uid()) is null then
    perform private.refuse(403, 'Only a person moves on a page that was taken over');
  end if;
  return new;
end $$;
comment on function private.before_browser_command is 'A move by hand is leave for an act: only a person makes it.';
create trigger browser_commands_10_born before insert on public.browser_commands for each row execute function private.before_browser_command();

drop function public.begin_step;
create function public.begin_step(task_id uuid, key text, kind text, name text, approval_id uuid default null, own jsonb default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(begin_step.task_id);
  known public.steps;
  was text;
  reached text;
  sealed jsonb;
begin
  select * into known from public.steps s where s.task_id = task.id and s.key = begin_step.key for no key update;
  if known.state = 'finished' then
    update public.steps s set replays = s.replays + 1 where s.id = known.id;
    return jsonb_build_object('state', 'finished', 'step_id', known.id, 'result', known.result);
  end if;
  if known.state = 'uncertain' then
    return jsonb_build_object('state', 'uncertain', 'step_id', known.id);
  end if;
  if kind = 'model' then
    reached := private.work_bound(task.root_task_id);
    if reached is not null then
      return jsonb_build_object('state', 'refused', 'reason', reached);
    end if;
  end if;
  was := known.state;
  if known.id is null then
    insert into public.steps as s (organization_id, task_id, root_task_id, key, kind, name, run_id)
    values (task.organization_id, task.id, task.root_task_id, begin_step.key, begin_step.kind, begin_step.name, task.run_id) returning s.* into known;
  else
    update public.steps s set state = 'started', error = null, started_at = clock_timestamp(), finished_at = null, run_id = task.run_id,
      attempts = s.attempts + case when was = 'started' and s.run_id is not distinct from task.run_id then 0 else 1 end
    where s.id = known.id;
  end if;
  if begin_step.approval_id is not null then
    update public.approvals a set state = 'used', step_id = known.id
    where a.id = begin_step.approval_id and a.task_id = task.id and a.tool = task.tool
      and (begin_step.kind <> 'act' or private.is_step_of(a.tool, begin_step.name, begin_step.key))
      and (a.state = 'approved' and a.generation = task.generation and a.payload -> 'given' = task.tool_input or a.state = 'used' and a.step_id = known.id);
    if not found then
      perform private.refuse(409, 'Nothing is done without an unused approval of exactly this', format('approval %s', begin_step.approval_id));
    end if;
  elsif kind = 'act' then
    reached := private.step_refusal(known);
    if reached is not null and private.is_own_act(task.tool) and begin_step.name = task.tool then
      sealed := coalesce(begin_step.own, jsonb_build_object('input', task.tool_input));
      insert into public.approvals (organization_id, task_id, title, state, digest, payload, tool, generation, step_id, decided_how, decision)
      values (task.organization_id, task.id, task.title, 'used', encode(sha256(convert_to(sealed::text, 'UTF8')), 'hex'), sealed, task.tool, task.generation,
        known.id, 'own', '{"verdict": "allow", "permission_id": null, "reasons": []}');
    elsif reached is not null then
      perform private.refuse(403, 'Nothing is done without leave', format('%s: %s', begin_step.name, reached));
    end if;
  end if;
  return jsonb_build_object('step_id', known.id,
    'state', case when was = 'started' and kind = 'act' and known.run_id is distinct from task.run_id then 'unknown' else 'new' end);
end $$;
comment on function public.begin_step is
  'Before the effect. new: do it; finished: here is its result, do not do it again; unknown: an earlier run began it and did not end; uncertain: a person decides; refused: a bound of the tree is reached. approval_id: the yes that this step uses up; own: what an own act does {input}, kept as its approval by the built-in policy.';

create or replace function private.start_queued_task(task_id uuid, executor_id uuid, worker_id uuid, journaled jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  answer jsonb;
  kind text;
  reached text;
begin
  if private.waits_for_others(start_queued_task.task_id) then
    -- An edge was drawn since, or a waiver taken back: its release queues it again.
    update public.tasks t set execution_status = 'pending'
    where t.id = start_queued_task.task_id and t.execution_status = 'queued' and private.in_scope(t.organization_id);
    return case when found then '{}'::jsonb end;
  end if;
  update public.tasks t set execution_status = 'in_progress', assigned_to_type = 'agent', worker_id = start_queued_task.worker_id,
    assigned_to_id = coalesce(start_queued_task.executor_id, t.assigned_to_id),
    agent_id = coalesce((select a.id from public.agents a where a.id = start_queued_task.executor_id), t.agent_id)
  where t.id = start_queued_task.task_id and t.execution_status = 'queued' and (t.run_after is null or t.run_after <= now() + interval '1 second')
    and private.in_scope(t.organization_id) and not private.is_paused(t.id)
  returning to_jsonb(t) - array['search', 'priority_rank', 'due_key', 'source_key', 'depth', 'lost_count', 'worker_id', 'execution_log']
    || jsonb_build_object('subtask_count', (select count(*) from public.tasks c where c.parent_task_id = t.id)) into answer;
  if answer is null then
    return null;
  end if;
  reached := private.wall_bound((answer ->> 'root_task_id')::uuid);
  if reached is not null then
    return answer || jsonb_build_object('bound', reached);
  end if;
  kind := journaled ->> (answer ->> 'tool');
  if kind = 'read' or (kind = 'act' and private.is_own_act(answer ->> 'tool')) then -- another act needs a yes, which its run looks for
    answer := answer || jsonb_build_object('step', public.begin_step(start_queued_task.task_id,
      case when kind = 'read' then format('%s/%s/0', answer ->> 'generation', answer ->> 'tool') else (answer ->> 'tool') || '/0' end,
      kind, answer ->> 'tool'));
  end if;
  return answer;
end $$;

do $$ declare f text; begin
  foreach f in array array['deliver_draft', 'request_act', 'begin_step'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  foreach f in array array['approval_lasts', 'as_uuid', 'is_own_act', 'is_public_mail_domain', 'approval_destinations', 'destination_origin', 'matches_target',
    'permission_covers', 'permission_stands', 'checked_decision', 'insert_draft', 'make_draft', 'cancel_sending', 'queue_sending',
    'is_step_of', 'step_refusal', 'before_browser_command'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('private.check_step_leave', array[]::text[]);
  perform private.expose_function('private.permission_reaches', array[]::text[]);
  perform private.expose_function('private.before_sending_queued', array[]::text[]);
end $$;

-- What was asked, said and sent is not deleted but with its task: the limits of permissions count it.
revoke delete, truncate on public.approvals, public.drafts from service_role;
