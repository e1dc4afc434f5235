-- Slack: who is who, what came in (each once), and what is shown to whom (each once).

-- Section: people -------------------------------------------------------------------------------------------------

create table public.slack_links (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  account_id uuid references public.accounts (id) on delete cascade,
  team_id text not null check (team_id ~ '^[TE][A-Z0-9]{1,40}$'),
  slack_user_id text not null check (slack_user_id ~ '^[UW][A-Z0-9]{1,40}$'),
  direct_channel text check (length(direct_channel) <= 50),
  is_notified boolean not null default true,
  created_at timestamptz not null default now(),
  unique (team_id, slack_user_id)
);
comment on table public.slack_links is 'Which person a Slack user is. account_id: the connected workspace; null where the installation''s own token serves it.';
comment on column public.slack_links.is_notified is 'Drafts and questions of this person are shown there, too.';
create index slack_links_organization_idx on public.slack_links (organization_id, user_id);
create index slack_links_user_idx on public.slack_links (user_id);
create index slack_links_account_idx on public.slack_links (account_id) where account_id is not null;
select private.guard_table('public.slack_links', 'select');
create policy slack_links_read on public.slack_links for select to authenticated
  using (user_id = (select auth.uid()) and organization_id in (select private.my_organizations()));

create table private.slack_codes (
  code_hash text primary key check (length(code_hash) = 64),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  expires_at timestamptz not null,
  used_at timestamptz
);
comment on table private.slack_codes is 'Codes that a signed-in person says to Steward in Slack (/steward link CODE), as SHA-256; each works once, for 15 minutes.';
create index slack_codes_organization_idx on private.slack_codes (organization_id);
create index slack_codes_user_idx on private.slack_codes (user_id);
select private.guard_table('private.slack_codes', '');

-- Section: what came in -------------------------------------------------------------------------------------------

create table private.slack_signatures (
  signature_hash text primary key check (length(signature_hash) = 64),
  received_at timestamptz not null default now()
);
comment on table private.slack_signatures is 'Requests of the last minutes, by the SHA-256 of their signature: one that comes again word for word is a replay.';
create index slack_signatures_received_idx on private.slack_signatures (received_at);
select private.guard_table('private.slack_signatures', '');

create table private.slack_inbox (
  id uuid primary key default gen_random_uuid(),
  key text not null unique check (length(key) between 1 and 300),
  organization_id uuid references public.organizations (id) on delete cascade,
  link_id uuid references public.slack_links (id) on delete cascade,
  kind text not null check (kind in ('mention', 'direct', 'shortcut', 'command', 'home')),
  payload jsonb not null default '{}' check (jsonb_typeof(payload) = 'object'),
  state text not null default 'waiting' check (state in ('waiting', 'done', 'failed')),
  attempts integer not null default 0,
  not_before timestamptz not null default now(),
  leased_until timestamptz,
  error text check (length(error) <= 2000),
  created_at timestamptz not null default now(),
  done_at timestamptz
);
comment on table private.slack_inbox is 'What Slack delivered, a row for each event however often it comes. The words are kept until the work is done. No link: said by somebody who is not linked.';
create index slack_inbox_waiting_idx on private.slack_inbox (not_before) where state = 'waiting';
create index slack_inbox_organization_idx on private.slack_inbox (organization_id);
create index slack_inbox_link_idx on private.slack_inbox (link_id);
create index slack_inbox_created_idx on private.slack_inbox (created_at);
select private.guard_table('private.slack_inbox', '');

-- Section: what is shown ------------------------------------------------------------------------------------------

create table private.slack_notices (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  approval_id uuid not null references public.approvals (id) on delete cascade,
  link_id uuid not null references public.slack_links (id) on delete cascade,
  channel text,
  message_ts text,
  shown text,
  begun_at timestamptz,
  attempts integer not null default 0,
  not_before timestamptz not null default now(),
  leased_until timestamptz,
  is_over boolean not null default false,
  error text check (length(error) <= 2000),
  created_at timestamptz not null default now(),
  unique (approval_id, link_id)
);
comment on table private.slack_notices is
  'A draft or question as a message to a person. begun_at: posting began, and until message_ts is there nobody may assume that it did not arrive. shown: the state that the message tells.';
create index slack_notices_waiting_idx on private.slack_notices (not_before) where not is_over;
create index slack_notices_organization_idx on private.slack_notices (organization_id);
create index slack_notices_link_idx on private.slack_notices (link_id);
select private.guard_table('private.slack_notices', '');

create function private.defer_slack_work() returns void
language plpgsql security definer set search_path = jobs, pg_temp as $$
begin
  perform procrastinate_defer_jobs_v1(array[row('housekeeping', 'slack_work', 0, null, 'slack_work', '{}'::jsonb, null)::procrastinate_job_to_defer_v1]);
exception when unique_violation then
  null; -- one waits already
end $$;
comment on function private.defer_slack_work is 'Wakes a worker for what Slack delivered and what is to be shown there; the state of the rows is the truth. Definer: nobody else touches the queue.';

create function private.slack_state(approval public.approvals) returns text
language sql stable set search_path = '' as $$
  select coalesce((select d.state from public.drafts d where d.id = approval.draft_id and approval.state in ('approved', 'used')
    and d.state in ('sent', 'failed', 'uncertain')), approval.state)
$$;
comment on function private.slack_state is 'What a message tells: the state of the approval, and of an approved draft what became of it.';

create function private.notify_slack_of_sending() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update private.slack_notices n set not_before = now()
  where not n.is_over and n.approval_id in (select a.id from public.approvals a where a.draft_id = new.id);
  if found then
    perform private.defer_slack_work();
  end if;
  return null;
end $$;
comment on function private.notify_slack_of_sending is 'What became of an approved draft is told where it was shown.';
create trigger drafts_30_slack after update of state on public.drafts for each row
when (new.state in ('sent', 'failed', 'uncertain') and new.state <> old.state) execute function private.notify_slack_of_sending();

create function private.notify_slack() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  person uuid;
  n integer;
begin
  if not exists (select 1 from public.slack_links l where l.organization_id = new.organization_id and l.is_notified) then
    return null;
  end if;
  if tg_op = 'INSERT' then
    select coalesce(t.created_by, r.created_by, (select m.user_id from public.members m where m.organization_id = new.organization_id
        order by m.role = 'owner' desc, m.created_at limit 1))
    into person from public.tasks t left join public.tasks r on r.id = t.root_task_id where t.id = new.task_id;
    insert into private.slack_notices (organization_id, approval_id, link_id)
    select new.organization_id, new.id, l.id from public.slack_links l
    where l.organization_id = new.organization_id and l.is_notified and l.user_id = person
    on conflict do nothing;
  else
    update private.slack_notices n set not_before = now() where n.approval_id = new.id and not n.is_over;
  end if;
  get diagnostics n = row_count;
  if n > 0 then
    perform private.defer_slack_work();
  end if;
  return null;
end $$;
comment on function private.notify_slack is 'A draft or question that appears or is decided is told in Slack to the person whose task it is, else to the owner.';
create trigger approvals_30_slack_new after insert on public.approvals for each row execute function private.notify_slack();
create trigger approvals_30_slack_change after update of state on public.approvals for each row
when (new.state <> old.state) execute function private.notify_slack();

-- Section: linking ------------------------------------------------------------------------------------------------

create function private.slack_link_json(link public.slack_links) returns jsonb
language sql stable set search_path = '' as $$ select to_jsonb(link) $$;
comment on function private.slack_link_json is 'A link as programs see it.';

create function public.link_slack_user(user_id uuid, team_id text, slack_user_id text, account_id uuid default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  link public.slack_links;
begin
  if not exists (select 1 from public.members m where m.organization_id = private.acting_organization() and m.user_id = link_slack_user.user_id) then
    perform private.refuse(404, 'There is no such member', format('user %s', link_slack_user.user_id));
  end if;
  insert into public.slack_links as l (organization_id, user_id, account_id, team_id, slack_user_id)
  values (private.acting_organization(), link_slack_user.user_id, link_slack_user.account_id, link_slack_user.team_id, link_slack_user.slack_user_id)
  on conflict on constraint slack_links_team_id_slack_user_id_key do update set account_id = excluded.account_id
    where l.user_id = excluded.user_id and l.organization_id = excluded.organization_id
  returning l.* into link;
  if link.id is null then
    perform private.refuse(409, 'This Slack user is linked to somebody else', link_slack_user.slack_user_id, 'They unlink with: /steward unlink');
  end if;
  return private.slack_link_json(link);
end $$;
comment on function public.link_slack_user is 'This Slack user is this member (worker only: the caller has Slack''s word for it). A link to somebody else stands.';

create function public.create_slack_code(code_hash text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if (select auth.uid()) is null or private.acting_organization() is null then
    perform private.refuse(403, 'Only a person links a Slack user');
  end if;
  delete from private.slack_codes c where c.expires_at < now() - interval '1 day' or c.user_id = (select auth.uid()) and c.used_at is null;
  insert into private.slack_codes (code_hash, organization_id, user_id, expires_at)
  values (create_slack_code.code_hash, private.acting_organization(), (select auth.uid()), now() + interval '15 minutes');
end $$;
comment on function public.create_slack_code is 'A code that links whoever says it in Slack to the caller; the earlier one is void. Definer: the table is closed.';

create function public.use_slack_code(code_hash text, team_id text, slack_user_id text) returns jsonb
language plpgsql set search_path = '' as $$
declare
  code private.slack_codes;
  link public.slack_links;
begin
  select * into code from private.slack_codes c where c.code_hash = use_slack_code.code_hash for update;
  if code.code_hash is null or code.used_at is not null or code.expires_at <= now() then
    return jsonb_build_object('state', 'unknown');
  end if;
  insert into public.slack_links as l (organization_id, user_id, account_id, team_id, slack_user_id)
  values (code.organization_id, code.user_id, (select a.id from public.accounts a where a.organization_id = code.organization_id and a.provider = 'slack'
    and a.state = 'connected' and a.settings ->> 'team_id' = use_slack_code.team_id order by a.user_id = code.user_id desc limit 1),
    use_slack_code.team_id, use_slack_code.slack_user_id)
  on conflict on constraint slack_links_team_id_slack_user_id_key do nothing returning l.* into link;
  if link.id is null then
    select * into link from public.slack_links l where l.team_id = use_slack_code.team_id and l.slack_user_id = use_slack_code.slack_user_id;
    return jsonb_build_object('state', case when link.user_id = code.user_id and link.organization_id = code.organization_id then 'linked' else 'taken' end);
  end if;
  update private.slack_codes c set used_at = now() where c.code_hash = code.code_hash;
  return jsonb_build_object('state', 'linked', 'link', private.slack_link_json(link));
end $$;
comment on function public.use_slack_code is 'Links a Slack user to the person whose code it is: linked, unknown (wrong, used or old) or taken (linked to somebody else).';

create function public.unlink_slack_user(link_id uuid) returns void
language sql set search_path = '' as $$ delete from public.slack_links l where l.id = unlink_slack_user.link_id $$;
comment on function public.unlink_slack_user is 'Forgets who a Slack user is; what waits to be shown there goes with it.';

create function public.resolve_slack_user(team_id text, slack_user_id text) returns jsonb
language sql stable set search_path = '' as $$
  select private.slack_link_json(l) from public.slack_links l
  where l.team_id = resolve_slack_user.team_id and l.slack_user_id = resolve_slack_user.slack_user_id
$$;
comment on function public.resolve_slack_user is 'Whose Slack user this is; null for a stranger.';

create function public.list_slack_accounts(team_id text) returns setof jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('account_id', a.id, 'organization_id', a.organization_id) from public.accounts a
  where a.provider = 'slack' and a.state = 'connected' and a.settings ->> 'team_id' = list_slack_accounts.team_id order by a.connected_at desc limit 20
$$;
comment on function public.list_slack_accounts is 'Connected workspaces of that id, of every tenant, the newest first.';

create function public.keep_slack_channel(link_id uuid, channel text) returns void
language sql set search_path = '' as $$ update public.slack_links l set direct_channel = keep_slack_channel.channel where l.id = keep_slack_channel.link_id $$;
comment on function public.keep_slack_channel is 'Where a person is written to directly.';

-- Section: receiving ----------------------------------------------------------------------------------------------

create function public.see_slack_request(signature_hash text) returns boolean
language plpgsql set search_path = '' as $$
begin
  delete from private.slack_signatures s where s.signature_hash in (
    select o.signature_hash from private.slack_signatures o where o.received_at < now() - interval '15 minutes' limit 100 for update skip locked);
  insert into private.slack_signatures (signature_hash) values (see_slack_request.signature_hash) on conflict do nothing;
  return found;
end $$;
comment on function public.see_slack_request is 'Is this request new? A signature of the last minutes that comes again is a replay.';

create function public.receive_slack_event(key text, team_id text, slack_user_id text, kind text, payload jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  link public.slack_links;
  made uuid;
begin
  select * into link from public.slack_links l where l.team_id = receive_slack_event.team_id and l.slack_user_id = receive_slack_event.slack_user_id;
  insert into private.slack_inbox (key, organization_id, link_id, kind, payload, state)
  values (receive_slack_event.key, link.organization_id, link.id, receive_slack_event.kind,
    case when link.id is null then '{}' else receive_slack_event.payload end, case when link.id is null then 'done' else 'waiting' end)
  on conflict on constraint slack_inbox_key_key do nothing returning id into made;
  if made is not null and link.id is not null then
    perform private.defer_slack_work();
  end if;
  return jsonb_build_object('is_new', made is not null, 'is_known', link.id is not null);
end $$;
comment on function public.receive_slack_event is 'Keeps an event, once, and wakes a worker for it. Of strangers only that they spoke is kept.';

create function public.take_slack_event(lease_seconds double precision) returns jsonb
language plpgsql set search_path = '' as $$
declare
  taken private.slack_inbox;
begin
  select * into taken from private.slack_inbox i where i.state = 'waiting' and i.not_before <= now() and (i.leased_until is null or i.leased_until < now())
  order by i.not_before, i.created_at limit 1 for update skip locked;
  if taken.id is null then
    return null;
  end if;
  update private.slack_inbox i set attempts = i.attempts + 1, leased_until = clock_timestamp() + make_interval(secs => lease_seconds)
  where i.id = taken.id returning i.* into taken;
  return to_jsonb(taken) || jsonb_build_object('link', (select private.slack_link_json(l) from public.slack_links l where l.id = taken.link_id));
end $$;
comment on function public.take_slack_event is 'The next event to work on, for one worker at a time; null when nothing waits.';

create function public.keep_slack_tasks(event_id uuid, tasks jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  event private.slack_inbox;
  item jsonb;
  task public.tasks;
  made jsonb := '[]';
begin
  select i.* into event from private.slack_inbox i join public.slack_links l on l.id = i.link_id
  where i.id = keep_slack_tasks.event_id and l.user_id = (select auth.uid()) and i.organization_id = private.acting_organization() for update of i;
  if event.id is null then
    perform private.refuse(404, 'There is no such event', format('event %s', keep_slack_tasks.event_id));
  end if;
  if event.state <> 'waiting' then
    perform private.refuse(409, format('This event is %s already', event.state), event.state);
  end if;
  for item in select value from jsonb_array_elements(tasks) loop
    task := private.insert_task(item || '{"source": "slack"}');
    if task.id is not null then
      made := made || (private.task_json(task) - 'execution_log');
    end if;
  end loop;
  update private.slack_inbox i set state = 'done', done_at = now(), payload = '{}', error = null where i.id = event.id;
  return made;
end $$;
comment on function public.keep_slack_tasks is
  'The tasks found in what a person said in Slack, and the event is done, in one transaction; as that person. Definer: the inbox is closed to people.';

create function public.end_slack_event(event_id uuid, error text default null, retry_after_seconds double precision default null) returns text
language plpgsql set search_path = '' as $$
declare
  ended private.slack_inbox;
begin
  update private.slack_inbox i set leased_until = null, error = left(end_slack_event.error, 2000), done_at = now(),
    state = case when end_slack_event.error is null then 'done' when retry_after_seconds is null or i.attempts >= 8 then 'failed' else 'waiting' end,
    payload = case when end_slack_event.error is not null and retry_after_seconds is not null and i.attempts < 8 then i.payload else '{}' end,
    not_before = now() + make_interval(secs => coalesce(retry_after_seconds, 0))
  where i.id = end_slack_event.event_id and i.state = 'waiting' returning i.* into ended;
  return ended.state;
end $$;
comment on function public.end_slack_event is 'An event ended: done, failed with its reason, or (with retry_after_seconds, up to eight times) to be tried again.';

-- Section: showing ------------------------------------------------------------------------------------------------

create function public.take_slack_notice(lease_seconds double precision) returns jsonb
language plpgsql set search_path = '' as $$
declare
  taken private.slack_notices;
  approval public.approvals;
  was_begun boolean;
begin
  loop
    select * into taken from private.slack_notices n where not n.is_over and n.not_before <= now() and (n.leased_until is null or n.leased_until < now())
      and exists (select 1 from public.approvals a where a.id = n.approval_id and (n.message_ts is null or n.shown is distinct from private.slack_state(a)))
    order by n.created_at limit 1 for update skip locked;
    if taken.id is null then
      return null;
    end if;
    select * into approval from public.approvals a where a.id = taken.approval_id;
    exit when approval.state = 'open' or taken.begun_at is not null;
    update private.slack_notices n set is_over = true where n.id = taken.id; -- decided before it was ever shown
  end loop;
  was_begun := taken.begun_at is not null;
  update private.slack_notices n set attempts = n.attempts + 1, begun_at = coalesce(n.begun_at, clock_timestamp()),
    leased_until = clock_timestamp() + make_interval(secs => lease_seconds)
  where n.id = taken.id returning n.* into taken;
  return to_jsonb(taken) || jsonb_build_object('attempt_unknown', was_begun and taken.message_ts is null, 'state', private.slack_state(approval),
    'link', (select private.slack_link_json(l) from public.slack_links l where l.id = taken.link_id));
end $$;
comment on function public.take_slack_notice is
  'The next message to post or bring up to date, for one worker at a time; null when none is. attempt_unknown: an earlier attempt to post it ended nobody knows how.';

create function public.keep_slack_notice(notice_id uuid, channel text, message_ts text, shown text) returns void
language sql set search_path = '' as $$
  update private.slack_notices n set channel = keep_slack_notice.channel, message_ts = keep_slack_notice.message_ts, shown = keep_slack_notice.shown,
    leased_until = null, attempts = 0, error = null, is_over = keep_slack_notice.shown not in ('open', 'approved', 'uncertain')
      and (keep_slack_notice.shown <> 'used' or exists (select 1 from public.approvals a where a.id = n.approval_id and a.draft_id is null))
  where n.id = keep_slack_notice.notice_id
$$;
comment on function public.keep_slack_notice is 'The message is there and tells this state; over once that state is final.';

create function public.put_off_slack_notice(notice_id uuid, error text, retry_after_seconds double precision default null, nothing_left boolean default false)
returns void
language sql set search_path = '' as $$
  update private.slack_notices n set leased_until = null, error = left(put_off_slack_notice.error, 2000),
    begun_at = case when nothing_left and n.message_ts is null then null else n.begun_at end,
    is_over = retry_after_seconds is null or n.attempts >= 20, not_before = now() + make_interval(secs => coalesce(retry_after_seconds, 0))
  where n.id = put_off_slack_notice.notice_id
$$;
comment on function public.put_off_slack_notice is 'Not now: tried again later, or given up for good (no retry_after_seconds). nothing_left: certainly nothing was posted.';

create function public.clean_up_slack(older_than_days integer) returns integer
language plpgsql set search_path = '' as $$
declare
  n integer;
begin
  delete from private.slack_inbox i where i.id in (select o.id from private.slack_inbox o
    where o.state <> 'waiting' and o.created_at < now() - make_interval(days => older_than_days) limit 5000);
  get diagnostics n = row_count;
  return n;
end $$;
comment on function public.clean_up_slack is 'Forgets events that are long done; Slack delivers none again after so long.';

-- Section: drafts of messages -------------------------------------------------------------------------------------

create function public.get_approval(approval_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  approval public.approvals;
begin
  select * into approval from public.approvals a where a.id = get_approval.approval_id and private.in_scope(a.organization_id);
  if approval.id is null then
    perform private.refuse(404, 'There is no such approval', format('approval %s', get_approval.approval_id));
  end if;
  return to_jsonb(approval) || jsonb_build_object('task_title', (select t.title from public.tasks t where t.id = approval.task_id));
end $$;
comment on function public.get_approval is 'One approval, open or decided.';

-- Section: who may what -------------------------------------------------------------------------------------------

do $$ declare f text; begin
  foreach f in array array['create_slack_code', 'keep_slack_tasks'] loop
    perform private.expose_function('public.' || f, array['authenticated']);
  end loop;
  foreach f in array array['link_slack_user', 'use_slack_code', 'unlink_slack_user', 'resolve_slack_user', 'list_slack_accounts', 'keep_slack_channel',
    'see_slack_request', 'receive_slack_event', 'take_slack_event', 'end_slack_event', 'take_slack_notice', 'keep_slack_notice', 'put_off_slack_notice',
    'clean_up_slack'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  perform private.expose_function('public.get_approval', array['authenticated', 'service_role']);
  perform private.expose_function('private.slack_link_json', array['service_role']);
  perform private.expose_function('private.defer_slack_work', array['service_role']);
  perform private.expose_function('private.slack_state', array['service_role']);
  perform private.expose_function('private.notify_slack', array[]::text[]);
  perform private.expose_function('private.notify_slack_of_sending', array[]::text[]);
end $$;
