-- What the assistant reads and keeps: mail, calendar, conversations, files, model calls, connected accounts.

create table public.connected_accounts (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  provider text not null check (length(provider) between 1 and 100),
  address text not null default '',
  scopes text[] not null default '{}',
  secret bytea,
  state text not null default 'connected' check (state in ('connected', 'expired', 'revoked')),
  sync_cursor jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, provider, address)
);
comment on table public.connected_accounts is 'Accounts at outside services; secret is ciphertext, never readable by people''s roles.';
create index connected_accounts_user_idx on public.connected_accounts (user_id);

create table public.artifacts (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  task_id uuid references public.tasks (id) on delete cascade,
  name text not null check (length(name) between 1 and 300),
  media_type text not null default 'application/octet-stream',
  size_bytes bigint not null check (size_bytes >= 0),
  sha256 text not null,
  content bytea,
  storage_path text,
  created_at timestamptz not null default now(),
  constraint stored_somewhere check (content is not null or storage_path is not null)
);
comment on table public.artifacts is 'Files and reports, in the database first: nothing lives only on a disk.';
create index artifacts_task_idx on public.artifacts (task_id, created_at);
create index artifacts_organization_idx on public.artifacts (organization_id, created_at);

create table public.mail_messages (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  account text not null default 'local',
  message_id text not null,
  thread_key text not null,
  in_reply_to text,
  from_name text not null default '',
  from_address text not null default '',
  to_addresses text[] not null default '{}',
  cc_addresses text[] not null default '{}',
  subject text not null default '',
  sent_at timestamptz,
  text_body text not null default '',
  html_body text,
  attachments jsonb not null default '[]' check (jsonb_typeof(attachments) = 'array'),
  is_from_me boolean not null default false,
  category text check (category in ('needs_reply', 'needs_action', 'information', 'noise')),
  suspicious text,
  created_at timestamptz not null default now(),
  unique (organization_id, account, message_id)
);
comment on table public.mail_messages is 'Mail as read, sanitised. suspicious quotes a line that tries to command the assistant.';
create index mail_messages_sent_idx on public.mail_messages (organization_id, sent_at desc, id desc);
create index mail_messages_thread_idx on public.mail_messages (organization_id, thread_key, sent_at);

create table public.calendar_events (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  calendar text not null default 'local',
  uid text not null,
  recurrence_id text not null default '',
  title text not null default '',
  description text not null default '',
  location text not null default '',
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  is_all_day boolean not null default false,
  timezone text not null default 'UTC',
  recurrence text,
  excluded_starts timestamptz[] not null default '{}',
  added_starts timestamptz[] not null default '{}',
  organizer text not null default '',
  attendees jsonb not null default '[]' check (jsonb_typeof(attendees) = 'array'),
  status text not null default 'confirmed',
  created_at timestamptz not null default now(),
  unique (organization_id, calendar, uid, recurrence_id),
  constraint ends_after_start check (ends_at >= starts_at)
);
comment on table public.calendar_events is 'Events; a series is one row with its rule, occurrences are expanded when shown.';
create index calendar_events_starts_idx on public.calendar_events (organization_id, starts_at, id);

create table public.conversations (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  title text not null default '',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.conversations is 'A chat with the assistant; private to its person.';
create index conversations_user_idx on public.conversations (user_id, updated_at desc, id desc);
create index conversations_organization_idx on public.conversations (organization_id);

create table public.conversation_messages (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  conversation_id uuid not null references public.conversations (id) on delete cascade,
  role text not null check (role in ('user', 'assistant')),
  content text not null check (length(content) <= 200000),
  task_ids uuid[] not null default '{}',
  created_at timestamptz not null default clock_timestamp()
);
comment on table public.conversation_messages is 'One line of a chat, with the tasks that came from it.';
create index conversation_messages_conversation_idx on public.conversation_messages (conversation_id, created_at, id);
create index conversation_messages_organization_idx on public.conversation_messages (organization_id);

create table public.llm_interactions (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  task_id uuid references public.tasks (id) on delete set null,
  purpose text not null,
  provider text not null default '',
  model text not null,
  prompt_version text not null default '',
  input_tokens integer not null default 0 check (input_tokens >= 0),
  output_tokens integer not null default 0 check (output_tokens >= 0),
  cost_usd numeric(14, 8),
  latency_ms integer not null default 0 check (latency_ms >= 0),
  response_id text,
  error text,
  created_at timestamptz not null default now()
);
comment on table public.llm_interactions is 'Tokens, cost and time of every call to a model or to the built-in rules. Never the words.';
create index llm_interactions_task_idx on public.llm_interactions (task_id, created_at);
create index llm_interactions_organization_idx on public.llm_interactions (organization_id, created_at);

create table public.idempotency_keys (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  key text not null check (length(key) between 1 and 255),
  fingerprint text not null,
  status integer,
  body text,
  content_type text,
  created_at timestamptz not null default now(),
  primary key (organization_id, user_id, key)
);
comment on table public.idempotency_keys is 'First answers to requests that carried an Idempotency-Key, kept for a day.';
create index idempotency_keys_user_idx on public.idempotency_keys (user_id);
create index idempotency_keys_created_idx on public.idempotency_keys (created_at);

create trigger connected_accounts_touch before update on public.connected_accounts for each row execute function private.touch_updated_at();
create trigger conversations_touch before update on public.conversations for each row execute function private.touch_updated_at();

-- Section: row-level security and grants --------------------------------------------------------------------------

select private.guard_table('public.connected_accounts', 'select (id, organization_id, user_id, provider, address, scopes, state, created_at, updated_at)');
create policy connected_accounts_read on public.connected_accounts for select to authenticated using (organization_id in (select private.my_organizations()));
select private.guard_table('public.artifacts', 'select, insert, delete');
create policy artifacts_read on public.artifacts for select to authenticated using (organization_id in (select private.my_organizations()));
create policy artifacts_add on public.artifacts for insert to authenticated with check (organization_id in (select private.my_organizations()));
create policy artifacts_remove on public.artifacts for delete to authenticated using (organization_id in (select private.my_organizations()));
select private.guard_table('public.mail_messages', 'select, insert, update, delete');
create policy mail_messages_read on public.mail_messages for select to authenticated using (organization_id in (select private.my_organizations()));
create policy mail_messages_add on public.mail_messages for insert to authenticated with check (organization_id in (select private.my_organizations()));
create policy mail_messages_change on public.mail_messages for update to authenticated
  using (organization_id in (select private.my_organizations())) with check (organization_id in (select private.my_organizations()));
create policy mail_messages_remove on public.mail_messages for delete to authenticated using (organization_id in (select private.my_organizations()));
select private.guard_table('public.calendar_events', 'select, insert, update, delete');
create policy calendar_events_read on public.calendar_events for select to authenticated using (organization_id in (select private.my_organizations()));
create policy calendar_events_add on public.calendar_events for insert to authenticated with check (organization_id in (select private.my_organizations()));
create policy calendar_events_change on public.calendar_events for update to authenticated
  using (organization_id in (select private.my_organizations())) with check (organization_id in (select private.my_organizations()));
create policy calendar_events_remove on public.calendar_events for delete to authenticated using (organization_id in (select private.my_organizations()));
select private.guard_table('public.conversations', 'select, insert, update, delete');
create policy conversations_own on public.conversations for all to authenticated
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()) and organization_id in (select private.my_organizations()));
select private.guard_table('public.conversation_messages', 'select, insert');
create policy conversation_messages_read on public.conversation_messages for select to authenticated
  using (exists (select 1 from public.conversations c where c.id = conversation_id and c.user_id = (select auth.uid())));
create policy conversation_messages_add on public.conversation_messages for insert to authenticated
  with check (organization_id in (select private.my_organizations())
    and exists (select 1 from public.conversations c where c.id = conversation_id and c.user_id = (select auth.uid())
                and c.organization_id = conversation_messages.organization_id));
select private.guard_table('public.llm_interactions', 'select, insert');
create policy llm_interactions_read on public.llm_interactions for select to authenticated using (organization_id in (select private.my_organizations()));
create policy llm_interactions_add on public.llm_interactions for insert to authenticated with check (organization_id in (select private.my_organizations()));
select private.guard_table('public.idempotency_keys', 'select, insert, update, delete');
create policy idempotency_keys_own on public.idempotency_keys for all to authenticated
  using (user_id = (select auth.uid()) and organization_id in (select private.my_organizations()))
  with check (user_id = (select auth.uid()) and organization_id in (select private.my_organizations()));
