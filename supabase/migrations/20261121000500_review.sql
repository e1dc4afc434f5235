-- Nothing leaves without leave: drafts never change, approvals are sealed to a digest and used once.

create table public.drafts (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  task_id uuid not null references public.tasks (id) on delete cascade,
  channel text not null check (channel in ('mail')),
  to_recipients text[] not null default '{}',
  cc_recipients text[] not null default '{}',
  bcc_recipients text[] not null default '{}',
  subject text not null default '' check (length(subject) <= 998),
  body text not null default '' check (length(body) <= 500000),
  attachments jsonb not null default '[]' check (jsonb_typeof(attachments) = 'array'),
  target jsonb not null default '{}' check (jsonb_typeof(target) = 'object'),
  thread_tail text,
  why text not null default '',
  state text not null default 'draft'
    check (state in ('draft', 'approved', 'rejected', 'superseded', 'sending', 'sent', 'failed', 'uncertain')),
  version integer not null default 1 check (version > 0),
  supersedes_id uuid references public.drafts (id) on delete set null,
  digest text not null,
  author_type text not null check (author_type in ('user', 'agent')),
  author_id uuid,
  feedback text,
  message_id text,
  attempt_started_at timestamptz,
  provider_ref text,
  receipt jsonb,
  failure_reason text,
  created_at timestamptz not null default now(),
  decided_at timestamptz,
  sent_at timestamptz,
  constraint uncertain_and_failed_say_why check (state not in ('failed', 'uncertain') or failure_reason is not null)
);
comment on table public.drafts is 'What would leave the house. Content never changes: an edit is a new row that supersedes this one.';
comment on column public.drafts.attempt_started_at is
  'An attempt to send began and has not ended: while it stands, nobody may assume that nothing left.';
create index drafts_state_idx on public.drafts (organization_id, state, created_at desc, id desc);
create index drafts_created_idx on public.drafts (organization_id, created_at desc, id desc);
create index drafts_task_idx on public.drafts (task_id, version);
create unique index drafts_supersedes_idx on public.drafts (supersedes_id) where supersedes_id is not null;
create unique index drafts_message_id_idx on public.drafts (organization_id, message_id) where message_id is not null;
-- One open draft a task: the page never asks twice about the same thing.
create unique index drafts_one_open_idx on public.drafts (task_id) where state in ('draft', 'approved', 'sending');

create table public.policies (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  action text not null,
  target text,
  task_kind text,
  is_enabled boolean not null default false,
  limits jsonb not null default '{}' check (jsonb_typeof(limits) = 'object'),
  expires_at timestamptz,
  created_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.policies is 'Standing permissions: action x target x kind of task. Off by default.';
create index policies_organization_idx on public.policies (organization_id);
create index policies_created_by_idx on public.policies (created_by);

create table public.approvals (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  task_id uuid not null references public.tasks (id) on delete cascade,
  draft_id uuid references public.drafts (id) on delete cascade,
  title text not null,
  state text not null default 'open' check (state in ('open', 'approved', 'rejected', 'expired', 'voided', 'used')),
  digest text not null,
  requested_by text not null default 'agent' check (requested_by in ('user', 'agent')),
  decided_by uuid,
  notes text,
  created_at timestamptz not null default now(),
  decided_at timestamptz,
  used_at timestamptz,
  expires_at timestamptz
);
comment on table public.approvals is 'A person''s yes or no, sealed to the digest of exactly what was shown. Used once.';
create index approvals_state_idx on public.approvals (organization_id, state, created_at desc, id desc);
create index approvals_task_idx on public.approvals (task_id);
create unique index approvals_open_draft_idx on public.approvals (draft_id) where state in ('open', 'approved') and draft_id is not null;
create unique index approvals_open_task_idx on public.approvals (task_id) where state = 'open' and draft_id is null;
create index approvals_draft_idx on public.approvals (draft_id) where draft_id is not null;

create table public.feedback (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  task_id uuid not null references public.tasks (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  rating smallint check (rating between 1 and 5),
  comment text not null default '' check (length(comment) <= 10000),
  created_at timestamptz not null default now()
);
comment on table public.feedback is 'What people said of a result.';
create index feedback_task_idx on public.feedback (task_id, created_at);
create index feedback_organization_idx on public.feedback (organization_id, created_at);
create index feedback_user_idx on public.feedback (user_id);

-- Section: state machines -----------------------------------------------------------------------------------------

create function private.draft_digest(draft public.drafts) returns text
language sql stable set search_path = '' as $$
  select encode(sha256(convert_to(jsonb_build_object(
    'channel', draft.channel, 'to', draft.to_recipients, 'cc', draft.cc_recipients, 'bcc', draft.bcc_recipients,
    'subject', draft.subject, 'body', draft.body, 'attachments', draft.attachments, 'target', draft.target,
    'thread_tail', draft.thread_tail)::text, 'UTF8')), 'hex')
$$;
comment on function private.draft_digest is 'SHA-256 over everything a person sees before saying yes.';

create function private.before_draft_insert() returns trigger
language plpgsql set search_path = '' as $$
begin
  if new.state <> 'draft' then
    perform private.refuse(409, 'A new draft starts as draft');
  end if;
  if not exists (select 1 from public.tasks t where t.id = new.task_id and t.organization_id = new.organization_id) then
    perform private.refuse(422, 'The draft''s task does not exist', format('task_id %s', new.task_id));
  end if;
  new.digest := private.draft_digest(new);
  new.author_type := case when (select auth.uid()) is null then 'agent' else 'user' end;
  new.author_id := (select auth.uid());
  return new;
end $$;
comment on function private.before_draft_insert is 'Seals a new draft: digest and author are the database''s word, not the writer''s.';

create function private.next_draft_states(state text) returns text[]
language sql immutable set search_path = '' as $$
  select case state
    when 'draft' then array['approved', 'rejected', 'superseded']
    when 'approved' then array['sending', 'superseded']
    when 'sending' then array['sent', 'failed', 'uncertain']
    when 'uncertain' then array['sent', 'failed']
    else array[]::text[]
  end
$$;
comment on function private.next_draft_states is 'Where a draft may go from a state.';

create function private.before_draft_update() returns trigger
language plpgsql set search_path = '' as $$
begin
  if new.id <> old.id or new.organization_id <> old.organization_id or new.task_id <> old.task_id
     or private.draft_digest(new) <> old.digest or new.digest <> old.digest or new.version <> old.version
     or new.supersedes_id is distinct from old.supersedes_id or new.author_id is distinct from old.author_id then
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
    perform private.refuse(403, 'A draft is approved by a person''s approval of exactly this content');
  end if;
  if new.state = 'sending' then
    update public.approvals a set state = 'used'
    where a.draft_id = new.id and a.state = 'approved' and a.digest = new.digest
      and (a.expires_at is null or a.expires_at > now());
    if not found then
      perform private.refuse(403, 'Nothing is sent without a matching approval', format('draft %s', new.id));
    end if;
  end if;
  if new.state in ('approved', 'rejected') then new.decided_at := now(); end if;
  if new.state = 'sent' then new.sent_at := coalesce(new.sent_at, now()); end if;
  return new;
end $$;
comment on function private.before_draft_update is
  'Content is frozen; sending needs an unused approval with the same digest, which this uses up.';

create function private.before_approval_insert() returns trigger
language plpgsql set search_path = '' as $$
begin
  if new.state <> 'open' then
    perform private.refuse(409, 'A new approval starts as open');
  end if;
  if not exists (select 1 from public.tasks t where t.id = new.task_id and t.organization_id = new.organization_id)
     or (new.draft_id is not null and not exists (
       select 1 from public.drafts d where d.id = new.draft_id and d.organization_id = new.organization_id
         and d.task_id = new.task_id and d.digest = new.digest)) then
    perform private.refuse(422, 'An approval belongs to a task and a draft of the same tenant, and carries the draft''s digest');
  end if;
  new.decided_by := null; new.decided_at := null; new.used_at := null;
  return new;
end $$;
comment on function private.before_approval_insert is 'Approvals are born open and undecided.';

create function private.before_approval_update() returns trigger
language plpgsql set search_path = '' as $$
declare
  allowed text[] := case old.state
    when 'open' then array['approved', 'rejected', 'expired', 'voided']
    when 'approved' then array['used', 'voided']
    else array[]::text[] end;
begin
  if new.id <> old.id or new.organization_id <> old.organization_id or new.task_id <> old.task_id
     or new.draft_id is distinct from old.draft_id or new.digest <> old.digest
     or new.expires_at is distinct from old.expires_at then
    perform private.refuse(409, 'What an approval is for never changes');
  end if;
  if new.state = old.state then
    if new.decided_by is distinct from old.decided_by or new.decided_at is distinct from old.decided_at then
      perform private.refuse(409, 'A decision is not rewritten');
    end if;
    return new;
  end if;
  if not new.state = any (allowed) then
    perform private.refuse(409, format('An approval that is %s cannot become %s', old.state, new.state),
      format('allowed: %s', coalesce(nullif(array_to_string(allowed, ', '), ''), 'none, this state is final')));
  end if;
  if new.state in ('approved', 'rejected') then
    if (select auth.uid()) is null then
      perform private.refuse(403, 'Only a person approves or rejects');
    end if;
    if old.expires_at is not null and old.expires_at <= now() then
      perform private.refuse(409, 'This approval has expired');
    end if;
    new.decided_by := (select auth.uid());
    new.decided_at := now();
  end if;
  if new.state = 'used' then new.used_at := now(); end if;
  return new;
end $$;
comment on function private.before_approval_update is 'Only a signed-in person decides, once; the database writes who and when.';

create function private.after_draft_change() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  root uuid := (select t.root_task_id from public.tasks t where t.id = new.task_id);
begin
  if tg_op = 'INSERT' or new.state <> old.state then
    perform private.record_event(new.organization_id, new.task_id, root, 'draft', new.state,
      jsonb_build_object('draft_id', new.id, 'version', new.version, 'subject', new.subject));
    perform private.audit(new.organization_id, 'draft.' || case when tg_op = 'INSERT' then 'created' else new.state end,
      'draft', new.id, coalesce(new.failure_reason, new.feedback),
      jsonb_build_object('digest', new.digest, 'version', new.version, 'task_id', new.task_id));
  end if;
  return null;
end $$;
comment on function private.after_draft_change is 'Draft states as events and audit lines.';

create function private.after_approval_change() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' or new.state <> old.state then
    perform private.record_event(new.organization_id, new.task_id,
      (select t.root_task_id from public.tasks t where t.id = new.task_id), 'approval', new.state,
      jsonb_build_object('approval_id', new.id, 'draft_id', new.draft_id, 'title', new.title));
    perform private.audit(new.organization_id, 'approval.' || new.state, 'approval', new.id, new.notes,
      jsonb_build_object('digest', new.digest, 'draft_id', new.draft_id, 'task_id', new.task_id));
  end if;
  return null;
end $$;
comment on function private.after_approval_change is 'Approval states as events and audit lines.';

create trigger drafts_10_born before insert on public.drafts for each row execute function private.before_draft_insert();
create trigger drafts_10_change before update on public.drafts for each row execute function private.before_draft_update();
create trigger drafts_20_record after insert or update on public.drafts for each row execute function private.after_draft_change();
create trigger approvals_10_born before insert on public.approvals for each row execute function private.before_approval_insert();
create trigger approvals_10_change before update on public.approvals for each row execute function private.before_approval_update();
create trigger approvals_20_record after insert or update on public.approvals for each row execute function private.after_approval_change();
create trigger policies_touch before update on public.policies for each row execute function private.touch_updated_at();

-- Section: row-level security and grants --------------------------------------------------------------------------

select private.guard_table('public.drafts', 'select, insert, update');
create policy drafts_read on public.drafts for select to authenticated using (organization_id in (select private.my_organizations()));
create policy drafts_add on public.drafts for insert to authenticated with check (organization_id in (select private.my_organizations()));
create policy drafts_change on public.drafts for update to authenticated using (organization_id in (select private.my_organizations()));
select private.guard_table('public.approvals', 'select, insert, update');
create policy approvals_read on public.approvals for select to authenticated using (organization_id in (select private.my_organizations()));
create policy approvals_add on public.approvals for insert to authenticated with check (organization_id in (select private.my_organizations()));
create policy approvals_change on public.approvals for update to authenticated using (organization_id in (select private.my_organizations()));
select private.guard_table('public.policies', 'select');
create policy policies_read on public.policies for select to authenticated using (organization_id in (select private.my_organizations()));
select private.guard_table('public.feedback', 'select, insert');
create policy feedback_read on public.feedback for select to authenticated using (organization_id in (select private.my_organizations()));
create policy feedback_add on public.feedback for insert to authenticated
  with check (organization_id in (select private.my_organizations()) and user_id = (select auth.uid()));

select private.expose_function('private.draft_digest', array['authenticated', 'service_role']);
select private.expose_function('private.next_draft_states', array['authenticated', 'service_role']);
select private.expose_function('private.before_draft_insert', array['authenticated', 'service_role']);
select private.expose_function('private.before_draft_update', array['authenticated', 'service_role']);
select private.expose_function('private.before_approval_insert', array['authenticated', 'service_role']);
select private.expose_function('private.before_approval_update', array['authenticated', 'service_role']);
select private.expose_function('private.after_draft_change', array[]::text[]);
select private.expose_function('private.after_approval_change', array[]::text[]);
