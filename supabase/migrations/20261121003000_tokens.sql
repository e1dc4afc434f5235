-- Tokens of programs: named, scoped, ending, and gone at once when they are revoked. Only their hash is kept.

-- Section: the table ----------------------------------------------------------------------------------------------

create table public.api_tokens (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  name text not null check (length(name) between 1 and 100),
  prefix text not null check (length(prefix) between 4 and 20),
  token_hash text not null unique check (token_hash ~ '^[0-9a-f]{64}$'),
  scopes text[] not null check (
    cardinality(scopes) between 1 and 10
    and scopes <@ array['tasks:read', 'tasks:write', 'review:read', 'review:write', 'mail:read', 'agents']),
  created_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  last_used_at timestamptz,
  revoked_at timestamptz,
  constraint api_tokens_end check (expires_at > created_at and expires_at <= created_at + interval '367 days')
);
comment on table public.api_tokens is
  'What programs sign in with, for one person in one organization. token_hash is SHA-256 of 256 random bits; the token itself is nowhere.';
comment on column public.api_tokens.prefix is 'How the token begins: enough to recognise it, too little to guess it.';
comment on column public.api_tokens.scopes is 'What the program may do: an area, and read or write. Approving needs review:write.';
create index api_tokens_user_idx on public.api_tokens (user_id, created_at desc);
create index api_tokens_organization_idx on public.api_tokens (organization_id);
create index api_tokens_created_by_idx on public.api_tokens (created_by);

select private.guard_table('public.api_tokens',
  'select (id, organization_id, user_id, name, prefix, scopes, created_by, created_at, expires_at, last_used_at, revoked_at)');
create policy api_tokens_read on public.api_tokens for select to authenticated
  using (user_id = (select auth.uid()) and organization_id in (select private.my_organizations()));

create function private.after_token_change() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.audit(new.organization_id,
    case when tg_op = 'INSERT' then 'token.created' else 'token.revoked' end, 'token', new.id, null,
    jsonb_build_object('name', new.name, 'prefix', new.prefix, 'scopes', new.scopes, 'expires_at', new.expires_at));
  return null;
end $$;
comment on function private.after_token_change is 'Making and revoking a token as audit lines.';
create trigger api_tokens_10_made after insert on public.api_tokens for each row execute function private.after_token_change();
create trigger api_tokens_11_revoked after update on public.api_tokens for each row
when (old.revoked_at is null and new.revoked_at is not null) execute function private.after_token_change();

create function private.token_as_json(token public.api_tokens) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('id', token.id, 'name', token.name, 'prefix', token.prefix, 'scopes', token.scopes,
    'created_at', token.created_at, 'expires_at', token.expires_at, 'last_used_at', token.last_used_at, 'revoked_at', token.revoked_at,
    'state', case when token.revoked_at is not null then 'revoked' when token.expires_at <= now() then 'expired' else 'live' end)
$$;
comment on function private.token_as_json is 'A token as its person sees it: never its hash.';

-- Section: what a program may not do, whatever asks ---------------------------------------------------------------

create function private.token_scopes() returns jsonb
language sql stable set search_path = '' as $$
  select (select auth.jwt()) -> 'token_scopes'
$$;
comment on function private.token_scopes is 'The scopes of the program''s token that this call came with; null for a person''s own session.';

create function private.refuse_token() returns void
language plpgsql stable set search_path = '' as $$
begin
  if private.token_scopes() is not null then
    perform private.refuse(403, 'A token cannot do this', null, 'Sign in yourself; tokens make no tokens.');
  end if;
end $$;
comment on function private.refuse_token is 'PT403 for a program: what only a person''s own session may do.';

create function private.before_deciding() returns trigger
language plpgsql set search_path = '' as $$
begin
  if private.token_scopes() is not null and not private.token_scopes() ? 'review:write' then
    perform private.refuse(403, 'This token may not decide', null, 'It lacks the scope review:write.');
  end if;
  return coalesce(new, old);
end $$;
comment on function private.before_deciding is 'Whatever way a program came: what lets something leave the house needs the scope review:write.';
create trigger approvals_05_token before update on public.approvals for each row
when (new.state is distinct from old.state and new.state in ('approved', 'rejected')) execute function private.before_deciding();
create trigger feedback_04_token before insert on public.feedback for each row execute function private.before_deciding();

create function private.before_permitting() returns trigger
language plpgsql set search_path = '' as $$
declare
  is_switched_off boolean := tg_op = 'UPDATE' and not coalesce((to_jsonb(new) ->> 'is_enabled')::boolean, true)
    and to_jsonb(new) - array['is_enabled', 'demoted_at', 'demoted_because', 'updated_at'] = to_jsonb(old) - array['is_enabled', 'demoted_at', 'demoted_because', 'updated_at'];
begin
  if not is_switched_off then
    perform private.refuse_token();
  end if;
  return coalesce(new, old);
end $$;
comment on function private.before_permitting is
  'What may leave by itself, and letting go of the kill switch, are a person''s own: no token does that. Switching a permission off, which a no does too, is anybody''s who may decide.';
create trigger policies_05_token before insert or update or delete on public.policies for each row execute function private.before_permitting();
create trigger organizations_06_token before update of permissions_stopped_at on public.organizations for each row
when (new.permissions_stopped_at is null and old.permissions_stopped_at is not null) execute function private.before_permitting();

-- What a program says is not the person's own word: under a standing permission that goes to whomever the person named, a
-- program must not do the naming.

create function private.mark_program() returns trigger
language plpgsql set search_path = '' as $$
begin
  if private.token_scopes() is not null then
    new.source_ref := new.source_ref || '{"by_program": true}';
    if new.source = 'chat' then
      new.source := 'manual';
    end if;
  end if;
  return new;
end $$;
comment on function private.mark_program is 'A task that a program made or reworded says so: source_ref.by_program. Its chat is no conversation of the person.';
create trigger tasks_05_program before insert on public.tasks for each row execute function private.mark_program();
create trigger tasks_12_program before update of title, description, recipient, tool_input, acceptance_criteria on public.tasks
for each row execute function private.mark_program();

alter function private.is_own_word(public.tasks) rename to is_said_by_person;
create function private.is_own_word(task public.tasks) returns boolean
language sql immutable set search_path = '' as $$
  select private.is_said_by_person(task) and not task.source_ref ? 'by_program'
$$;
comment on function private.is_own_word is
  'Did the person themself say what this task is? Not what came in, not what an agent planned, and not what a program with a token said.';

-- The organization of a token is the only one that it sees, however many its person belongs to.

create or replace function private.my_organizations() returns setof uuid
language sql stable security definer set search_path = '' as $$
  select m.organization_id from public.members m
  where m.user_id = (select auth.uid())
    and ((select private.token_scopes()) is null or m.organization_id = ((select auth.jwt()) ->> 'organization_id')::uuid)
$$;
comment on function private.my_organizations is
  'Organizations of the signed-in person; of a program''s token the one it was made in. Definer, because a policy on members that reads members would recurse.';

-- Section: making, listing, revoking (people) ---------------------------------------------------------------------

create function public.create_api_token(name text, token_hash text, prefix text, scopes jsonb, expires_in_seconds double precision)
returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  token public.api_tokens;
begin
  if (select auth.uid()) is null or private.is_service() or private.acting_organization() is null then
    perform private.refuse(403, 'Only a person makes a token');
  end if;
  perform private.refuse_token();
  perform pg_catalog.pg_advisory_xact_lock(hashtextextended('api_tokens ' || (select auth.uid()), 0));
  if (select count(*) from public.api_tokens t where t.user_id = (select auth.uid()) and t.revoked_at is null and t.expires_at > now()) >= 50 then
    perform private.refuse(409, 'There are 50 tokens already', null, 'Revoke one that is not used any more.');
  end if;
  insert into public.api_tokens as t (organization_id, user_id, created_by, name, prefix, token_hash, scopes, expires_at)
  values (private.acting_organization(), (select auth.uid()), (select auth.uid()), create_api_token.name, create_api_token.prefix,
    create_api_token.token_hash, array(select distinct s.value from jsonb_array_elements_text(create_api_token.scopes) s (value) order by 1),
    now() + make_interval(secs => create_api_token.expires_in_seconds))
  returning * into token;
  return private.token_as_json(token);
end $$;
comment on function public.create_api_token is
  'Keeps the hash of a new token for the signed-in person. Definer: people write no row themselves, so none is made for somebody else.';

create function public.list_api_tokens() returns setof jsonb
language sql stable security definer set search_path = '' as $$
  select private.token_as_json(t) from public.api_tokens t
  where t.user_id = (select auth.uid()) and t.organization_id in (select private.my_organizations())
  order by (t.revoked_at is null and t.expires_at > now()) desc, t.created_at desc, t.id limit 200
$$;
comment on function public.list_api_tokens is 'The caller''s tokens, live ones first, newest first. Definer, because the row type holds the hash.';

create function public.revoke_api_token(token_id uuid) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  token public.api_tokens;
begin
  perform private.refuse_token();
  update public.api_tokens t set revoked_at = coalesce(t.revoked_at, now())
  where t.id = revoke_api_token.token_id and t.user_id = (select auth.uid()) and t.organization_id in (select private.my_organizations())
  returning * into token;
  if token.id is null then
    perform private.refuse(404, 'There is no such token', format('token %s', revoke_api_token.token_id));
  end if;
  return private.token_as_json(token);
end $$;
comment on function public.revoke_api_token is 'Ends one of the caller''s tokens at once; twice is once. PT404 for others''.';

-- Section: at the door (worker) -----------------------------------------------------------------------------------

create function public.resolve_api_token(token_hash text) returns jsonb
language plpgsql set search_path = '' as $$
declare
  token public.api_tokens;
begin
  select t.* into token from public.api_tokens t
  where t.token_hash = resolve_api_token.token_hash and t.revoked_at is null and t.expires_at > now()
    and exists (select 1 from public.members m where m.user_id = t.user_id and m.organization_id = t.organization_id);
  if token.id is null then
    return null;
  end if;
  if token.last_used_at is null or token.last_used_at < now() - interval '1 minute' then
    update public.api_tokens t set last_used_at = now() where t.id = token.id;
  end if;
  return jsonb_build_object('id', token.id, 'user_id', token.user_id, 'organization_id', token.organization_id, 'scopes', token.scopes);
end $$;
comment on function public.resolve_api_token is
  'Whose live token has this hash, and what it may do; null for none. For the door alone. Use is noted once a minute.';

create function public.list_live_tokens(token_ids uuid[]) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(t.id) from public.api_tokens t
  where t.id = any (list_live_tokens.token_ids) and t.revoked_at is null and t.expires_at > now()
$$;
comment on function public.list_live_tokens is 'Which of these tokens still work: streams of the others are closed (worker only).';

-- Section: audit lines that nobody makes up ------------------------------------------------------------------------
-- audit_task_deletion wrote as its owner whatever task it was handed, and signed-in people could call it.

create or replace function private.refuse_deletion_of_work() returns trigger
language plpgsql set search_path = '' as $$
begin
  if old.execution_status = 'in_progress' and pg_trigger_depth() = 1 then
    perform private.refuse(409, 'A running task cannot be deleted', null, 'Cancel it first.');
  end if;
  return old;
end $$;
comment on function private.refuse_deletion_of_work is 'Running work is cancelled before it is deleted.';

create function private.before_task_deletion() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.audit(old.organization_id, 'task.deleted', 'task', old.id, null, jsonb_build_object('title', old.title));
  return old;
end $$;
comment on function private.before_task_deletion is 'A deletion is audited. Definer, because nobody else writes audit lines.';
create trigger tasks_41_delete before delete on public.tasks for each row execute function private.before_task_deletion();
drop function private.audit_task_deletion;

-- Section: references stay in the tenant ---------------------------------------------------------------------------
-- Foreign keys are checked without row-level security: a row of one's own could name another tenant's, and the worker,
-- which sees both, would read it out to the wrong one. Definer, so that the check sees what it is about.

create function private.keep_task_in_tenant() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.workflow_id is not null and not exists (
      select 1 from public.workflows w where w.id = new.workflow_id and coalesce(w.organization_id, new.organization_id) = new.organization_id) then
    perform private.refuse(422, 'There is no such workflow', format('workflow_id %s', new.workflow_id));
  elsif new.agent_id is not null and not exists (
      select 1 from public.agents a where a.id = new.agent_id and coalesce(a.organization_id, new.organization_id) = new.organization_id) then
    perform private.refuse(422, 'There is no such agent', format('agent_id %s', new.agent_id));
  elsif new.supersedes_task_id is not null and not exists (
      select 1 from public.tasks t where t.id = new.supersedes_task_id and t.organization_id = new.organization_id) then
    perform private.refuse(422, 'There is no such task', format('supersedes_task_id %s', new.supersedes_task_id));
  end if;
  return new;
end $$;
comment on function private.keep_task_in_tenant is 'A task names workflows, agents and tasks of its own organization, or those that everybody shares.';
create trigger tasks_06_tenant before insert on public.tasks for each row
when (new.workflow_id is not null or new.agent_id is not null or new.supersedes_task_id is not null)
execute function private.keep_task_in_tenant();
create trigger tasks_11_tenant before update of workflow_id, agent_id, supersedes_task_id on public.tasks for each row
when (new.workflow_id is distinct from old.workflow_id or new.agent_id is distinct from old.agent_id
      or new.supersedes_task_id is distinct from old.supersedes_task_id)
execute function private.keep_task_in_tenant();

create function private.keep_of_task_in_tenant() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if not exists (select 1 from public.tasks t where t.id = new.task_id and t.organization_id = new.organization_id) then
    perform private.refuse(404, 'There is no such task', format('task %s', new.task_id));
  end if;
  return new;
end $$;
comment on function private.keep_of_task_in_tenant is 'What is kept about a task lies in the organization of that task.';
do $$ declare t text; begin
  foreach t in array array['llm_interactions', 'model_reservations', 'artifacts', 'feedback', 'plan_changes'] loop
    execute format('create trigger %I before insert on public.%I for each row when (new.task_id is not null)
      execute function private.keep_of_task_in_tenant()', t || '_05_tenant', t);
  end loop;
end $$;

do $$ declare f text; begin
  foreach f in array array['create_api_token', 'list_api_tokens', 'revoke_api_token'] loop
    perform private.expose_function('public.' || f, array['authenticated']);
  end loop;
  foreach f in array array['resolve_api_token', 'list_live_tokens'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  foreach f in array array['token_scopes', 'refuse_token', 'before_deciding', 'before_permitting', 'mark_program', 'is_own_word'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['after_token_change', 'token_as_json', 'before_task_deletion', 'keep_task_in_tenant', 'keep_of_task_in_tenant'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;
