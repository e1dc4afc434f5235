-- Agents of other people: who they are, what they can, and the token that each signs in with.

-- Section: the table ----------------------------------------------------------------------------------------------

alter table public.agents
  add column description text not null default '' check (length(description) <= 2000),
  add column created_by uuid references auth.users (id) on delete set null,
  add column max_concurrent integer not null default 1 check (max_concurrent between 1 and 100),
  add column lease_seconds integer check (lease_seconds between 10 and 86400),
  add column timeout_seconds integer check (timeout_seconds between 1 and 604800),
  add column token_prefix text check (length(token_prefix) between 4 and 20),
  add column token_made_at timestamptz,
  add column paused_at timestamptz,
  add column removed_at timestamptz,
  add constraint agents_capabilities_few check (cardinality(capabilities) <= 50),
  add constraint agents_instructions_short check (length(system_instructions) <= 20000),
  add constraint agents_tools_small check (pg_column_size(tools) <= 100000);
comment on column public.agents.max_concurrent is 'How many leases it may hold at a time.';
comment on column public.agents.lease_seconds is 'How long it may be silent about its work before that is offered to another; null: as the house says.';
comment on column public.agents.timeout_seconds is 'How long one attempt at a task may take; null: as the house says.';
comment on column public.agents.paused_at is 'It takes no new work; what it has goes on.';
comment on column public.agents.removed_at is 'It works here no more; its row stays for the record.';
create unique index agents_name_idx on public.agents (organization_id, lower(name)) where removed_at is null and not is_internal;
create unique index agents_token_idx on public.agents (token_hash) where token_hash is not null;
create index agents_created_by_idx on public.agents (created_by);
grant select (description, created_by, max_concurrent, lease_seconds, timeout_seconds, token_prefix, token_made_at, paused_at, removed_at)
  on public.agents to authenticated;

-- Section: an agent that speaks -----------------------------------------------------------------------------------
-- At the door the token becomes claims: the role of the worker, one organization, the agent's id, and the scope `agents`.

create function private.acting_agent() returns uuid
language sql stable set search_path = '' as $$
  select ((select auth.jwt()) ->> 'agent_id')::uuid
$$;
comment on function private.acting_agent is 'The outside agent that speaks; null for everybody else.';

-- Its claims have the worker's role, and yet it is none: what only the house may do (secrets, sweeps, whose token this is) it may not.
create or replace function private.is_service() returns boolean
language sql stable set search_path = '' as $$
  select coalesce((select auth.jwt()) ->> 'role', '') = 'service_role' and (select auth.jwt()) ->> 'agent_id' is null
$$;
comment on function private.is_service is 'Is it the worker that acts? An outside agent is not.';

create or replace function private.actor_type() returns text
language sql stable set search_path = '' as $$
  select case when (select auth.uid()) is not null then 'user' when (select auth.jwt()) ->> 'role' = 'service_role' then 'agent' else 'database' end
$$;

create function private.speaking_agent(agent_id uuid) returns public.agents
language plpgsql set search_path = '' as $$
declare
  agent public.agents;
begin
  if private.acting_agent() is distinct from speaking_agent.agent_id then
    perform private.refuse(404, 'There is no such agent', format('agent %s', speaking_agent.agent_id), 'An agent speaks for itself alone.');
  end if;
  select a.* into agent from public.agents a
  where a.id = speaking_agent.agent_id and private.in_scope(a.organization_id) and a.removed_at is null and not a.is_internal;
  if agent.id is null then
    perform private.refuse(404, 'There is no such agent', format('agent %s', speaking_agent.agent_id));
  elsif agent.token_hash is null then
    perform private.refuse(403, 'The token of this agent was revoked', agent.name, 'A person can give it a new one.');
  end if;
  return agent;
end $$;
comment on function private.speaking_agent is 'The agent that speaks, which must be this one. PT404 for any other, and for one that was removed; PT403 for one whose token was revoked meanwhile.';

create or replace function private.audit(organization_id uuid, action text, subject_type text, subject_id uuid, reason text, data jsonb)
returns void language sql security definer set search_path = '' as $$
  insert into public.audit_events (organization_id, actor_type, actor_id, action, subject_type, subject_id, reason, data)
  values (audit.organization_id, private.actor_type(), coalesce((select auth.uid()), private.acting_agent()), audit.action, audit.subject_type,
          audit.subject_id, audit.reason, coalesce(audit.data, '{}'))
$$;

-- Section: registering --------------------------------------------------------------------------------------------

create function private.agent_json(agent public.agents) returns jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(agent) - array['token_hash'] || jsonb_build_object('has_token', agent.token_hash is not null)
$$;
comment on function private.agent_json is 'An agent as people see it: never its hash.';

create function private.own_agent(agent_id uuid) returns public.agents
language plpgsql set search_path = '' as $$
declare
  agent public.agents;
begin
  select a.* into agent from public.agents a
  where a.id = own_agent.agent_id and private.in_scope(a.organization_id) and not a.is_internal for no key update;
  if agent.id is null then
    perform private.refuse(404, 'There is no such agent', format('agent %s', own_agent.agent_id));
  end if;
  return agent;
end $$;
comment on function private.own_agent is 'An outside agent of the caller''s organization, locked. PT404 for any other. For definers alone: people may neither lock its row nor read its hash.';

create function private.refuse_managing() returns void
language plpgsql stable set search_path = '' as $$
begin
  if (select auth.uid()) is null or private.is_service() or private.acting_organization() is null then
    perform private.refuse(403, 'Only a person manages agents');
  end if;
  perform private.refuse_token();
end $$;
comment on function private.refuse_managing is 'PT403 for programs and agents: who works here is a person''s own to say.';

create function private.check_agent_name(name text, organization_id uuid, agent_id uuid default null) returns void
language plpgsql stable set search_path = '' as $$
begin
  if check_agent_name.name is null or check_agent_name.name <> btrim(check_agent_name.name) or length(check_agent_name.name) not between 1 and 200
     or check_agent_name.name ~ '[[:cntrl:]]' then
    perform private.refuse(422, 'name: 1 to 200 characters, no line breaks, no space at either end', left(check_agent_name.name, 200));
  elsif private.as_uuid(check_agent_name.name) is not null then
    perform private.refuse(422, 'name: not an id, which could be another agent''s', check_agent_name.name);
  end if;
  if exists (select 1 from public.agents a where a.organization_id = check_agent_name.organization_id and a.removed_at is null
             and a.id is distinct from check_agent_name.agent_id and lower(a.name) = lower(check_agent_name.name)) then
    perform private.refuse(409, 'There is an agent of this name', check_agent_name.name, 'Choose another name, or give that one a new token.');
  end if;
end $$;
comment on function private.check_agent_name is 'PT422 for a name that cannot be told from an id or from another; PT409 for one that is taken.';

create function public.register_agent(agent jsonb, token_hash text, token_prefix text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := private.acting_organization();
  made public.agents;
begin
  perform private.refuse_managing();
  perform pg_catalog.pg_advisory_xact_lock(hashtextextended('agents ' || organization, 0));
  if (select count(*) from public.agents a where a.organization_id = organization and a.removed_at is null) >= 500 then
    perform private.refuse(409, 'There are 500 agents already', null, 'Remove one that does not work any more.');
  end if;
  perform private.check_agent_name(agent ->> 'name', organization);
  insert into public.agents as a (organization_id, created_by, name, description, capabilities, tools, system_instructions, max_concurrent,
    lease_seconds, timeout_seconds, token_hash, token_prefix, token_made_at)
  select organization, (select auth.uid()), r.name, coalesce(r.description, ''), coalesce(r.capabilities, '{}'), coalesce(r.tools, '[]'),
    coalesce(r.system_instructions, ''), coalesce(r.max_concurrent, 1), r.lease_seconds, r.timeout_seconds,
    register_agent.token_hash, register_agent.token_prefix, now()
  from jsonb_populate_record(null::public.agents, agent) r
  returning a.* into made;
  perform private.audit(organization, 'agent.registered', 'agent', made.id, null, jsonb_build_object('name', made.name, 'capabilities', made.capabilities));
  return private.agent_json(made);
end $$;
comment on function public.register_agent is
  'A new outside agent: {name, description, capabilities, tools, system_instructions, max_concurrent, lease_seconds, timeout_seconds}, and the hash of its token. PT409 for a name that is taken.';

create function public.update_agent(agent_id uuid, changes jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  agent public.agents;
begin
  perform private.refuse_managing();
  agent := private.own_agent(update_agent.agent_id);
  if agent.removed_at is not null then
    perform private.refuse(409, 'This agent was removed', agent.name);
  end if;
  if changes ? 'name' then
    perform private.check_agent_name(changes ->> 'name', agent.organization_id, agent.id);
  end if;
  update public.agents a set (name, description, capabilities, tools, system_instructions, max_concurrent, lease_seconds, timeout_seconds) = (
      select r.name, r.description, r.capabilities, r.tools, r.system_instructions, r.max_concurrent, r.lease_seconds, r.timeout_seconds
      from jsonb_populate_record(agent, changes - array['id', 'organization_id', 'is_internal', 'token_hash']) r),
    paused_at = case when changes ->> 'is_paused' is null then a.paused_at when (changes ->> 'is_paused')::boolean then coalesce(a.paused_at, now()) end
  where a.id = agent.id returning a.* into agent;
  perform private.audit(agent.organization_id, 'agent.changed', 'agent', agent.id, null, changes - array['tools', 'system_instructions']);
  return private.agent_json(agent);
end $$;
comment on function public.update_agent is 'Changes what an agent can, its limits, and (is_paused) whether it takes new work.';

create function public.rotate_agent_token(agent_id uuid, token_hash text, token_prefix text) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  agent public.agents;
begin
  perform private.refuse_managing();
  agent := private.own_agent(rotate_agent_token.agent_id);
  if agent.removed_at is not null then
    perform private.refuse(409, 'This agent was removed', agent.name);
  end if;
  update public.agents a set token_hash = rotate_agent_token.token_hash, token_prefix = rotate_agent_token.token_prefix, token_made_at = now()
  where a.id = agent.id returning a.* into agent;
  perform private.audit(agent.organization_id, 'agent.token_rotated', 'agent', agent.id, null, jsonb_build_object('prefix', agent.token_prefix));
  return private.agent_json(agent);
end $$;
comment on function public.rotate_agent_token is 'A new token; the old one works no more from this moment. What the agent has under lease stays its own.';

create function public.resolve_agent_token(token_hash text) returns jsonb
language plpgsql set search_path = '' as $$
declare
  agent public.agents;
begin
  if not private.is_service() then
    perform private.refuse(403, 'Only the house resolves tokens');
  end if;
  select a.* into agent from public.agents a where a.token_hash = resolve_agent_token.token_hash and a.removed_at is null and not a.is_internal;
  if agent.id is null then
    return null;
  end if;
  if agent.last_seen_at is null or agent.last_seen_at < now() - interval '5 seconds' then
    update public.agents a set last_seen_at = now() where a.id = agent.id and (a.last_seen_at is null or a.last_seen_at < now() - interval '5 seconds');
  end if;
  return jsonb_build_object('id', agent.id, 'organization_id', agent.organization_id, 'name', agent.name);
end $$;
comment on function public.resolve_agent_token is 'Whose live token this is: {id, organization_id, name}, or null. It notes that the agent was heard. Service only.';

do $$ declare f text; begin
  foreach f in array array['register_agent', 'update_agent', 'rotate_agent_token'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['resolve_agent_token'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  foreach f in array array['acting_agent', 'agent_json', 'refuse_managing', 'check_agent_name'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('private.speaking_agent', array['service_role']);
  perform private.expose_function('private.own_agent', array[]::text[]); -- it answers with the hash
end $$;
