-- Connected accounts: what people sign in to elsewhere, with secrets that only the worker reads.

-- Section: accounts and their secrets -----------------------------------------------------------------------------
-- `connected_accounts` of the library was never written to; its ciphertext stood beside what people may read.

drop table public.connected_accounts;

create table public.accounts (
  id uuid primary key,
  organization_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  provider text not null check (provider ~ '^[a-z][a-z0-9_]{0,49}$'),
  address text not null check (length(address) between 1 and 320),
  scopes text[] not null default '{}',
  state text not null default 'connected' check (state in ('connected', 'expired', 'revoked')),
  reason text check (length(reason) <= 1000),
  settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
  sync jsonb not null default '{}' check (jsonb_typeof(sync) = 'object'),
  synced_at timestamptz,
  connected_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, user_id, provider, address)
);
comment on table public.accounts is 'Accounts of people at outside services. What signs in there is in private.account_secrets.';
comment on column public.accounts.address is 'What the service calls the account: a mail address, or the name of a workspace.';
comment on column public.accounts.reason is 'Why it is expired or revoked, in plain words.';
comment on column public.accounts.settings is 'What is no secret: server, signature, what is kept in sync.';
comment on column public.accounts.sync is 'How far each part (mail, calendar, ...) was read: {part: cursor}.';
create index accounts_user_idx on public.accounts (user_id);
create index accounts_provider_idx on public.accounts (provider, state);
create trigger accounts_touch before update on public.accounts for each row execute function private.touch_updated_at();

select private.guard_table('public.accounts', 'select');
create policy accounts_read on public.accounts for select to authenticated
  using (user_id = (select auth.uid()) and organization_id in (select private.my_organizations()));

create table private.account_secrets (
  account_id uuid primary key references public.accounts (id) on delete cascade,
  organization_id uuid not null references public.organizations (id) on delete cascade,
  sealed text not null check (length(sealed) between 1 and 100000),
  version integer not null default 1,
  lease uuid,
  leased_until timestamptz
);
comment on table private.account_secrets is
  'Ciphertext (AES-GCM; the ids of organization and account are its associated data). lease: one process renews it at a time.';
create index account_secrets_organization_idx on private.account_secrets (organization_id);
select private.guard_table('private.account_secrets', '');

create function private.after_account_change() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.audit(new.organization_id,
    'account.' || case when tg_op = 'INSERT' then 'connected' when new.state = old.state or new.state = 'connected' then 'reconnected' else new.state end,
    'account', new.id, new.reason, jsonb_build_object('provider', new.provider, 'address', new.address, 'scopes', new.scopes));
  return null;
end $$;
comment on function private.after_account_change is 'Connecting, expiry and disconnection as audit lines, each with its reason.';
create trigger accounts_10_made after insert on public.accounts for each row execute function private.after_account_change();
create trigger accounts_11_changed after update on public.accounts for each row
when (new.state is distinct from old.state or new.connected_at is distinct from old.connected_at) execute function private.after_account_change();

create function private.queue_waiting_for_account(organization_id uuid) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  n integer;
begin
  update public.tasks t set execution_status = 'queued', run_after = null
  where t.organization_id = queue_waiting_for_account.organization_id and t.execution_status = 'blocked' and t.blocked_on = 'account';
  get diagnostics n = row_count;
  return n;
end $$;
comment on function private.queue_waiting_for_account is
  'Tasks that wait for an account try again, paused ones when they are resumed. Definer: they may be another member''s.';

create function private.own_account(account_id uuid) returns public.accounts
language plpgsql set search_path = '' as $$
declare
  account public.accounts;
begin
  select * into account from public.accounts a where a.id = own_account.account_id and private.in_scope(a.organization_id)
    and (private.is_service() or a.user_id = (select auth.uid()));
  if account.id is null then
    perform private.refuse(404, 'There is no such account', format('account %s', own_account.account_id));
  end if;
  return account;
end $$;
comment on function private.own_account is 'The account if it is the caller''s, or of the worker''s tenant; else PT404.';

-- Section: connecting, by people ----------------------------------------------------------------------------------

create function public.prepare_account(provider text, address text) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  if (select auth.uid()) is null or private.acting_organization() is null then
    perform private.refuse(403, 'Only a person connects an account');
  end if;
  return jsonb_build_object('organization_id', private.acting_organization(), 'account_id', coalesce(
    (select a.id from public.accounts a where a.organization_id = private.acting_organization() and a.user_id = (select auth.uid())
      and a.provider = prepare_account.provider and a.address = prepare_account.address), gen_random_uuid()));
end $$;
comment on function public.prepare_account is 'The ids that a secret is sealed to before connect_account: those of the known account, or new ones.';

create function public.connect_account(account_id uuid, provider text, address text, sealed text, scopes jsonb default '[]', settings jsonb default '{}')
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  account public.accounts;
begin
  if (select auth.uid()) is null or private.is_service() or private.acting_organization() is null then
    perform private.refuse(403, 'Only a person connects an account');
  end if;
  insert into public.accounts as a (id, organization_id, user_id, provider, address, scopes, settings)
  values (connect_account.account_id, private.acting_organization(), (select auth.uid()), connect_account.provider, connect_account.address,
    array(select s.value from jsonb_array_elements_text(connect_account.scopes) s), coalesce(connect_account.settings, '{}'))
  on conflict on constraint accounts_organization_id_user_id_provider_address_key do update set state = 'connected', reason = null,
    scopes = excluded.scopes, settings = a.settings || excluded.settings, connected_at = clock_timestamp()
    where a.id = excluded.id
  returning a.* into account;
  if account.id is null then
    perform private.refuse(409, 'This account was connected at the same moment', 'account_id', 'Try again.');
  end if;
  insert into private.account_secrets as s (account_id, organization_id, sealed)
  values (account.id, account.organization_id, connect_account.sealed)
  on conflict on constraint account_secrets_pkey do update set sealed = excluded.sealed, version = s.version + 1, lease = null, leased_until = null;
  return to_jsonb(account) || jsonb_build_object('tasks_queued', private.queue_waiting_for_account(account.organization_id));
end $$;
comment on function public.connect_account is
  'Keeps an account with its sealed secret, or renews it, and lets tasks that waited for one go on. Definer: people write accounts here alone, and never read the secret.';

create function public.disconnect_account(account_id uuid, reason text default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  account public.accounts := private.own_account(disconnect_account.account_id);
begin
  delete from private.account_secrets s where s.account_id = account.id;
  update public.accounts a set state = 'revoked', reason = left(coalesce(disconnect_account.reason, 'Disconnected'), 1000), sync = '{}', synced_at = null
  where a.id = account.id returning a.* into account;
  return to_jsonb(account);
end $$;
comment on function public.disconnect_account is 'Forgets the secret; the account stays listed as revoked. Definer: people may not touch the secret otherwise.';

create function public.list_accounts(provider text default null) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(a) from public.accounts a
  where private.in_scope(a.organization_id) and (private.is_service() or a.user_id = (select auth.uid()))
    and (list_accounts.provider is null or a.provider = list_accounts.provider)
  order by a.provider, a.address, a.id
$$;
comment on function public.list_accounts is 'A person''s own accounts, or for the worker those of its tenant.';

-- Section: the worker ---------------------------------------------------------------------------------------------

create function public.list_connected_accounts(provider text default null) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(a) from public.accounts a
  where a.state = 'connected' and (list_connected_accounts.provider is null or a.provider = list_connected_accounts.provider)
  order by a.synced_at nulls first, a.id
$$;
comment on function public.list_connected_accounts is 'Connected accounts of every tenant, the longest unread first: for the periodic reading.';

create function public.open_account(provider text, account_id uuid default null, user_id uuid default null) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('account', to_jsonb(a), 'sealed', s.sealed, 'version', s.version)
  from public.accounts a left join private.account_secrets s on s.account_id = a.id
  where private.in_scope(a.organization_id) and a.provider = open_account.provider
    and case when open_account.account_id is null then a.state <> 'revoked' else a.id = open_account.account_id end
    and (open_account.user_id is null or a.user_id = open_account.user_id)
  order by a.state = 'connected' desc, a.created_at, a.id limit 1
$$;
comment on function public.open_account is
  'One account of the worker''s tenant with its sealed secret: the named one, else the first connected one of that person. Null where there is none.';

create function public.begin_renewal(account_id uuid, version integer) returns jsonb
language plpgsql set search_path = '' as $$
declare
  account public.accounts := private.own_account(begin_renewal.account_id);
  known private.account_secrets;
begin
  select * into known from private.account_secrets s where s.account_id = account.id for no key update;
  if known.account_id is null then
    return jsonb_build_object('state', 'gone');
  elsif known.version <> begin_renewal.version then
    return jsonb_build_object('state', 'renewed', 'sealed', known.sealed, 'version', known.version);
  elsif account.state <> 'connected' then
    return jsonb_build_object('state', 'gone');
  elsif known.leased_until > clock_timestamp() then
    return jsonb_build_object('state', 'busy');
  end if;
  update private.account_secrets s set lease = gen_random_uuid(), leased_until = clock_timestamp() + interval '30 seconds'
  where s.account_id = account.id returning s.* into known;
  return jsonb_build_object('state', 'yours', 'lease', known.lease, 'sealed', known.sealed, 'version', known.version);
end $$;
comment on function public.begin_renewal is
  'Before a secret is renewed outside. yours: do it, within 30 seconds; busy: another process does, ask again soon; renewed: here is the newer one; gone: sign in again.';

create function public.finish_renewal(account_id uuid, lease uuid, sealed text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  account public.accounts := private.own_account(finish_renewal.account_id);
  known private.account_secrets;
begin
  update private.account_secrets s set lease = null, leased_until = null, sealed = coalesce(finish_renewal.sealed, s.sealed),
    version = s.version + case when finish_renewal.sealed is null then 0 else 1 end
  where s.account_id = account.id and s.lease = finish_renewal.lease returning s.* into known;
  return case when known.account_id is not null then jsonb_build_object('version', known.version) end;
end $$;
comment on function public.finish_renewal is 'Keeps the renewed secret, or gives the lease back without one. Null when the lease was lost meanwhile: then nothing is kept.';

create function public.expire_account(account_id uuid, reason text, version integer default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  account public.accounts := private.own_account(expire_account.account_id);
begin
  if expire_account.version is null
     or exists (select 1 from private.account_secrets s where s.account_id = account.id and s.version = expire_account.version) then
    update public.accounts a set state = 'expired', reason = left(expire_account.reason, 1000)
    where a.id = account.id and a.state = 'connected' returning a.* into account;
  end if;
  return (select to_jsonb(a) from public.accounts a where a.id = expire_account.account_id);
end $$;
comment on function public.expire_account is
  'The service does not take the sign-in any more: why goes to the account and the audit. With a version, only if that secret is still the newest.';

create function public.save_sync_state(account_id uuid, part text, expected jsonb, sync jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  account public.accounts := private.own_account(save_sync_state.account_id);
begin
  update public.accounts a set sync = a.sync || jsonb_build_object(save_sync_state.part, save_sync_state.sync), synced_at = clock_timestamp()
  where a.id = account.id and a.state <> 'revoked'
    and coalesce(a.sync -> save_sync_state.part, 'null') = coalesce(save_sync_state.expected, 'null') returning a.* into account;
  if not found then
    perform private.refuse(409, 'Somebody else has read this account meanwhile', save_sync_state.part, 'Read it again from where it stands now.');
  end if;
  return to_jsonb(account);
end $$;
comment on function public.save_sync_state is
  'How far a part of an account was read, if it still stands where the caller began (null: never read); else PT409.';

create function public.request_reading(provider text, address text default null) returns integer
language plpgsql security definer set search_path = jobs, pg_temp as $$
declare
  account public.accounts;
  n integer := 0;
begin
  for account in
    select a.* from public.accounts a where a.state = 'connected' and a.provider = request_reading.provider
      and (request_reading.address is null or a.address = lower(request_reading.address))
      and (private.is_service() or a.user_id = (select auth.uid()))
  loop
    begin
      perform procrastinate_defer_jobs_v1(array[row('housekeeping', 'read_account', 0, null, 'read_account:' || account.id,
        jsonb_build_object('account_id', account.id, 'organization_id', account.organization_id), null)::procrastinate_job_to_defer_v1]);
      n := n + 1;
    exception when unique_violation then
      null; -- it waits to be read already: once is enough
    end;
  end loop;
  return n;
end $$;
comment on function public.request_reading is
  'What is new in these accounts is read soon: a person''s own, or for the worker those with this address in every tenant. How many. Definer: nobody else touches the queue.';

create function public.list_known_mail(account text, message_ids jsonb) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(m.message_id), '[]') from public.mail_messages m
  where m.organization_id = private.acting_organization() and m.account = list_known_mail.account
    and m.message_id in (select jsonb_array_elements_text(list_known_mail.message_ids))
$$;
comment on function public.list_known_mail is 'Which of these Message-IDs are kept already, for an account: their tasks were found then.';

-- Section: signing in elsewhere -----------------------------------------------------------------------------------

create table private.sign_ins (
  state_hash text primary key check (length(state_hash) = 64),
  user_id uuid not null references auth.users (id) on delete cascade,
  organization_id uuid not null references public.organizations (id) on delete cascade,
  session_hash text not null check (length(session_hash) = 64),
  provider text not null,
  sealed text not null check (length(sealed) <= 100000),
  used_at timestamptz,
  expires_at timestamptz not null default now() + interval '10 minutes'
);
comment on table private.sign_ins is 'Sign-ins on their way through another site: a state (hashed) works once, in the session that began it, for ten minutes.';
create index sign_ins_user_idx on private.sign_ins (user_id);
create index sign_ins_organization_idx on private.sign_ins (organization_id);
create index sign_ins_expiry_idx on private.sign_ins (expires_at);
select private.guard_table('private.sign_ins', '');

create function public.begin_sign_in(provider text, state_hash text, session_hash text, sealed text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if (select auth.uid()) is null or private.acting_organization() is null then
    perform private.refuse(403, 'Only a person signs in');
  end if;
  delete from private.sign_ins s where s.expires_at < now() - interval '1 hour';
  insert into private.sign_ins (state_hash, user_id, organization_id, session_hash, provider, sealed)
  values (begin_sign_in.state_hash, (select auth.uid()), private.acting_organization(), begin_sign_in.session_hash, begin_sign_in.provider, begin_sign_in.sealed);
end $$;
comment on function public.begin_sign_in is 'Remembers a sign-in that goes through another site. Definer: the table is closed to people.';

create function public.finish_sign_in(provider text, state_hash text, session_hash text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  begun private.sign_ins;
begin
  select * into begun from private.sign_ins s
  where s.state_hash = finish_sign_in.state_hash and s.provider = finish_sign_in.provider for update;
  if begun.state_hash is null then
    return jsonb_build_object('state', 'unknown');
  elsif begun.user_id is distinct from (select auth.uid()) or begun.session_hash <> finish_sign_in.session_hash then
    return jsonb_build_object('state', 'foreign');
  elsif begun.used_at is not null then
    return jsonb_build_object('state', 'used');
  elsif begun.expires_at <= now() then
    return jsonb_build_object('state', 'expired');
  end if;
  update private.sign_ins s set used_at = now(), sealed = '' where s.state_hash = begun.state_hash;
  return jsonb_build_object('state', 'yours', 'organization_id', begun.organization_id, 'sealed', begun.sealed);
end $$;
comment on function public.finish_sign_in is
  'Uses a state up: yours with what was kept, or unknown, foreign (another person or session), used, expired. Definer: the table is closed to people.';

-- Section: who may what -------------------------------------------------------------------------------------------

do $$ declare f text; begin
  foreach f in array array['prepare_account', 'connect_account', 'begin_sign_in', 'finish_sign_in'] loop
    perform private.expose_function('public.' || f, array['authenticated']);
  end loop;
  foreach f in array array['list_accounts', 'disconnect_account', 'request_reading', 'list_known_mail'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['list_connected_accounts', 'open_account', 'begin_renewal', 'finish_renewal', 'expire_account', 'save_sync_state'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  perform private.expose_function('private.own_account', array['authenticated', 'service_role']);
  perform private.expose_function('private.after_account_change', array[]::text[]);
  perform private.expose_function('private.queue_waiting_for_account', array[]::text[]);
end $$;
