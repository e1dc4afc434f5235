-- Everything is a task: the tree, its edges, and who may do it. The state machine is in the next migration.

-- Section: workflows and agents -----------------------------------------------------------------------------------

create table public.workflows (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid references public.organizations (id) on delete cascade,
  kind text not null check (length(kind) between 1 and 100),
  name text not null check (length(name) between 1 and 200),
  description text not null default '',
  instructions text not null default '',
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique nulls not distinct (organization_id, kind)
);
comment on table public.workflows is 'Ways of doing a kind of task. Rows without an organization are built in; a tenant''s row of the same kind adds its own instructions.';

create table public.agents (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid references public.organizations (id) on delete cascade,
  name text not null check (length(name) between 1 and 200),
  capabilities text[] not null default '{}',
  tools jsonb not null default '[]' check (jsonb_typeof(tools) = 'array'),
  system_instructions text not null default '',
  is_internal boolean not null default false,
  token_hash text,
  last_seen_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.agents is 'Whoever does tasks besides people: ours (internal, shared by all tenants) and other people''s.';
create index agents_organization_id_idx on public.agents (organization_id);

-- Section: tasks --------------------------------------------------------------------------------------------------

create table public.tasks (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  created_by uuid references auth.users (id) on delete set null,
  parent_task_id uuid references public.tasks (id) on delete cascade,
  root_task_id uuid not null,
  depth integer not null default 0 check (depth between 0 and 12),

  -- what is wanted
  title text not null check (length(title) between 1 and 500),
  description text not null default '' check (length(description) <= 200000),
  kind text not null default 'errand' check (length(kind) between 1 and 100),
  priority text not null default 'medium' check (priority in ('critical', 'high', 'medium', 'low')),
  due_at timestamptz,
  due_is_all_day boolean not null default true,
  recurrence text check (length(recurrence) <= 500),
  labels text[] not null default '{}',
  position double precision not null default 0,
  recipient text check (length(recipient) <= 500),
  acceptance_criteria jsonb not null default '[]' check (jsonb_typeof(acceptance_criteria) = 'array'),
  notes_file text,

  -- where it came from
  source text not null default 'manual'
    check (source in ('chat', 'manual', 'mail', 'calendar', 'slack', 'import', 'plan', 'agent', 'proactive')),
  source_ref jsonb not null default '{}' check (jsonb_typeof(source_ref) = 'object'),
  source_key text,
  ai_confidence real check (ai_confidence between 0 and 1),
  ai_context text,
  flags text[] not null default '{}',

  -- who does it, and how
  execution_type text not null default 'manual' check (execution_type in ('manual', 'semi_automated', 'fully_automated')),
  assigned_to_type text check (assigned_to_type in ('user', 'agent', 'workflow')),
  assigned_to_id uuid,
  assignee_role text,
  agent_executable boolean,
  workflow_id uuid references public.workflows (id) on delete set null,
  agent_id uuid references public.agents (id) on delete set null,
  tool text check (length(tool) <= 100),
  tool_input jsonb not null default '{}' check (jsonb_typeof(tool_input) = 'object'),
  automation_rules jsonb not null default '{}' check (jsonb_typeof(automation_rules) = 'object'),
  decomposition_confidence real check (decomposition_confidence between 0 and 1),

  -- how it stands
  execution_status text not null default 'pending'
    check (execution_status in ('pending', 'queued', 'in_progress', 'paused', 'blocked', 'completed', 'failed', 'cancelled')),
  execution_log jsonb not null default '[]' check (jsonb_typeof(execution_log) = 'array'),
  strategy text check (strategy in ('immediate', 'decompose', 'blocked')),
  result jsonb,
  blocked_on text check (blocked_on in ('review', 'person', 'subtasks', 'model', 'delay', 'agent', 'reply')),
  blocked_reason text,
  blocked_until timestamptz,
  unblocked_by text,
  failure_reason text,
  run_after timestamptz,
  retry_count integer not null default 0 check (retry_count >= 0),
  max_retries integer not null default 3 check (max_retries between 0 and 20),
  estimated_duration_minutes integer check (estimated_duration_minutes > 0),
  actual_duration_minutes integer check (actual_duration_minutes >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  started_at timestamptz,
  blocked_at timestamptz,
  failed_at timestamptz,
  completed_at timestamptz,
  cancelled_at timestamptz,
  paused_at timestamptz,
  archived_at timestamptz,

  -- derived, for indexes
  priority_rank smallint not null generated always as
    (case priority when 'critical' then 1 when 'high' then 2 when 'medium' then 3 else 4 end) stored,
  due_key timestamptz not null generated always as (coalesce(due_at, 'infinity'::timestamptz)) stored,
  search tsvector not null generated always as
    (to_tsvector('simple'::regconfig, left(title || ' ' || description, 100000))) stored,

  constraint recurrence_needs_a_date check (recurrence is null or due_at is not null),
  constraint blocked_says_why check (execution_status <> 'blocked' or blocked_reason is not null),
  constraint failed_says_why check (execution_status <> 'failed' or failure_reason is not null)
);
comment on table public.tasks is 'What is wanted: a line from chat, a step of a plan, a job for somebody else''s agent. Rows form trees.';
comment on column public.tasks.source_key is 'Identity at the source: importing the same thing twice makes one task.';
comment on column public.tasks.root_task_id is 'Top of the tree (itself for a root); set by trigger.';
comment on column public.tasks.blocked_on is 'The kind of thing a blocked task waits for; blocked_reason says it in words.';
comment on column public.tasks.run_after is 'Not before this time: the back-off of a retry.';

create unique index tasks_source_key_idx on public.tasks (organization_id, source_key) where source_key is not null;
create index tasks_urgency_idx on public.tasks (organization_id, priority_rank, due_key, created_at, id);
create index tasks_due_idx on public.tasks (organization_id, due_key, priority_rank, id);
create index tasks_created_idx on public.tasks (organization_id, created_at, id);
create index tasks_updated_idx on public.tasks (organization_id, updated_at, id);
create index tasks_title_idx on public.tasks (organization_id, title, id);
create index tasks_position_idx on public.tasks (organization_id, position, id);
create index tasks_status_idx on public.tasks (organization_id, execution_status, priority_rank, due_key);
create index tasks_parent_idx on public.tasks (parent_task_id, position, created_at) where parent_task_id is not null;
create index tasks_root_idx on public.tasks (root_task_id);
create index tasks_labels_idx on public.tasks using gin (labels);
create index tasks_search_idx on public.tasks using gin (search);
create index tasks_working_idx on public.tasks (execution_status, updated_at) where execution_status in ('queued', 'in_progress');
create index tasks_workflow_id_idx on public.tasks (workflow_id) where workflow_id is not null;
create index tasks_agent_id_idx on public.tasks (agent_id) where agent_id is not null;
create index tasks_created_by_idx on public.tasks (created_by);

create table public.task_dependencies (
  task_id uuid not null references public.tasks (id) on delete cascade,
  depends_on_task_id uuid not null references public.tasks (id) on delete cascade,
  organization_id uuid not null references public.organizations (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (task_id, depends_on_task_id),
  constraint no_edge_to_itself check (task_id <> depends_on_task_id)
);
comment on table public.task_dependencies is 'task_id may start when depends_on_task_id is completed. Both ends lie in one tree.';
create index task_dependencies_depends_on_idx on public.task_dependencies (depends_on_task_id);
create index task_dependencies_organization_idx on public.task_dependencies (organization_id);

create function private.check_dependency() returns trigger
language plpgsql set search_path = '' as $$
declare
  here public.tasks;
  there public.tasks;
  cycle text;
begin
  select * into here from public.tasks t where t.id = new.task_id;
  select * into there from public.tasks t where t.id = new.depends_on_task_id;
  if here.id is null or there.id is null or here.organization_id <> there.organization_id
     or here.root_task_id <> there.root_task_id or new.organization_id <> here.organization_id then
    perform private.refuse(422, 'A dependency joins two tasks of one tree',
      format('%s does not lie in the tree of %s', new.depends_on_task_id, new.task_id));
  end if;
  -- One edge of a tree at a time, or two transactions could each add half of a cycle.
  perform pg_advisory_xact_lock(hashtextextended(here.root_task_id::text, 0));
  with recursive upstream as (
    select d.depends_on_task_id as id, array[new.task_id, new.depends_on_task_id, d.depends_on_task_id] as path
    from public.task_dependencies d where d.task_id = new.depends_on_task_id
    union all
    select d.depends_on_task_id, u.path || d.depends_on_task_id
    from upstream u join public.task_dependencies d on d.task_id = u.id
    where d.depends_on_task_id <> all (u.path[2:])
  )
  select string_agg(t.title, ' -> ' order by p.ordinality) into cycle
  from (select u.path from upstream u where u.id = new.task_id limit 1) found
  cross join unnest(found.path) with ordinality p (id, ordinality) join public.tasks t on t.id = p.id;
  if cycle is not null then
    perform private.refuse(422, 'Dependencies must not form a cycle', cycle);
  end if;
  return new;
end $$;
comment on function private.check_dependency is 'Refuses edges out of the tree and edges that close a cycle, and names the cycle.';

create trigger check_dependency before insert or update on public.task_dependencies
for each row execute function private.check_dependency();

create trigger workflows_touch before update on public.workflows for each row execute function private.touch_updated_at();
create trigger agents_touch before update on public.agents for each row execute function private.touch_updated_at();

-- Section: row-level security and grants --------------------------------------------------------------------------

select private.guard_table('public.workflows', 'select, insert, update, delete');
create policy workflows_read on public.workflows for select to authenticated
  using (organization_id is null or organization_id in (select private.my_organizations()));
create policy workflows_add on public.workflows for insert to authenticated
  with check (organization_id in (select private.my_organizations()));
create policy workflows_change on public.workflows for update to authenticated
  using (organization_id in (select private.my_organizations()))
  with check (organization_id in (select private.my_organizations()));
create policy workflows_remove on public.workflows for delete to authenticated
  using (organization_id in (select private.my_organizations()));

-- token_hash stays out of reach: it is in no column list.
select private.guard_table('public.agents',
  'select (id, organization_id, name, capabilities, tools, system_instructions, is_internal, last_seen_at, created_at, updated_at)');
create policy agents_read on public.agents for select to authenticated
  using (organization_id is null or organization_id in (select private.my_organizations()));

select private.guard_table('public.tasks', 'select, insert, update, delete');
create policy tasks_read on public.tasks for select to authenticated
  using (organization_id in (select private.my_organizations()));
create policy tasks_add on public.tasks for insert to authenticated
  with check (organization_id in (select private.my_organizations()));
create policy tasks_change on public.tasks for update to authenticated
  using (organization_id in (select private.my_organizations()))
  with check (organization_id in (select private.my_organizations()));
create policy tasks_remove on public.tasks for delete to authenticated
  using (organization_id in (select private.my_organizations()));

select private.guard_table('public.task_dependencies', 'select, insert, delete');
create policy task_dependencies_read on public.task_dependencies for select to authenticated
  using (organization_id in (select private.my_organizations()));
create policy task_dependencies_add on public.task_dependencies for insert to authenticated
  with check (organization_id in (select private.my_organizations()));
create policy task_dependencies_remove on public.task_dependencies for delete to authenticated
  using (organization_id in (select private.my_organizations()));

select private.expose_function('private.check_dependency', array['authenticated', 'service_role']);
