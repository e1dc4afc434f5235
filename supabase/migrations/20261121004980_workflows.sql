-- What an organization words itself for a kind of task. The built-in rows stay as they are; a row of the organization
-- adds its own instructions, which every run of that kind is told where a language model writes (get_task_context).

-- Words that were written past these functions may be longer: they stay until somebody changes them, and a run reads their beginning.
alter table public.workflows add constraint workflows_instructions_check check (length(instructions) <= 4000) not valid;

create function private.workflow_json(workflow public.workflows) returns jsonb
language sql immutable set search_path = '' as $$
  select jsonb_build_object('kind', workflow.kind, 'instructions', workflow.instructions, 'is_active', workflow.is_active,
    'version', left(encode(sha256(convert_to(workflow.is_active::text || ' ' || workflow.instructions, 'UTF8')), 'hex'), 12),
    'updated_at', workflow.updated_at)
$$;
comment on function private.workflow_json is
  'A workflow as everybody gets it. Its version follows from its words and whether they count: the same words have the same version.';

create function private.guiding_organization() returns uuid
language plpgsql stable set search_path = '' as $$
begin
  if not private.may_guide() then
    perform private.refuse(403, 'Only an owner or admin words what a kind of task is told', null, 'Ask one of them; they sign in themselves, with no token.');
  end if;
  return private.acting_organization();
end $$;
comment on function private.guiding_organization is 'The organization whose instructions the caller may word; else PT403.';

create function private.seen_workflow(organization uuid, kind text, version text) returns public.workflows
language plpgsql set search_path = '' as $$
declare
  known public.workflows;
begin
  -- Two people who begin the same kind at the same time have no row to wait for.
  perform pg_catalog.pg_advisory_xact_lock(hashtextextended('workflow ' || organization || ' ' || seen_workflow.kind, 0));
  select * into known from public.workflows w where w.organization_id = organization and w.kind = seen_workflow.kind for update;
  if version is not null and version is distinct from coalesce(private.workflow_json(known) ->> 'version', '') then
    perform private.refuse(409, 'Somebody has changed these instructions meanwhile', seen_workflow.kind, 'Look at what stands there now, then change that.');
  end if;
  return known;
end $$;
comment on function private.seen_workflow is
  'The organization''s own row of a kind, locked; PT409 where it is not the version that the caller saw ('''' for none; null does not look).';

create function public.list_workflows() returns setof jsonb
language sql stable set search_path = '' as $$
  select private.workflow_json(w) from public.workflows w where w.organization_id = private.acting_organization() order by w.kind
$$;
comment on function public.list_workflows is 'The kinds of task that the organization has words of its own for: {kind, instructions, is_active, version, updated_at}.';

create function public.save_workflow(kind text, changes jsonb, version text default null) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := private.guiding_organization();
  known public.workflows;
  given public.workflows;
  unknown text;
begin
  if jsonb_typeof(changes) is distinct from 'object' then
    perform private.refuse(422, 'changes is an object', left(coalesce(changes::text, 'null'), 200));
  end if;
  select string_agg(k, ', ') into unknown from jsonb_object_keys(changes) k where k <> all (array['instructions', 'is_active']);
  if unknown is not null then
    perform private.refuse(422, 'These fields of a workflow cannot be set', unknown, 'Known: instructions, is_active.');
  end if;
  known := private.seen_workflow(organization, save_workflow.kind, save_workflow.version);
  given := jsonb_populate_record(known, jsonb_strip_nulls(changes));
  given.instructions := btrim(coalesce(given.instructions, ''), E' \t\r\n');
  if given.instructions = '' then
    perform private.refuse(422, 'instructions has no words', save_workflow.kind, 'Write some, or go back to what is built in.');
  end if;
  insert into public.workflows (organization_id, kind, name, description, instructions, is_active)
  select organization, save_workflow.kind, coalesce(max(b.name), save_workflow.kind), coalesce(max(b.description), ''), given.instructions,
    coalesce(given.is_active, true)
  from public.workflows b where b.organization_id is null and b.kind = save_workflow.kind
  on conflict on constraint workflows_organization_id_kind_key do update set instructions = excluded.instructions, is_active = excluded.is_active
  returning * into given;
  perform private.audit(organization, 'workflow.worded', 'workflow', given.id, null, private.workflow_json(given) - 'updated_at');
  return private.workflow_json(given);
exception when check_violation or invalid_text_representation then
  perform private.refuse(422, 'A field of the workflow has a wrong value', sqlerrm, 'kind has 1 to 100 characters, instructions at most 4000.');
  return null;
end $$;
comment on function public.save_workflow is
  'An owner or admin words what every run of a kind is told, or switches that off and on; {instructions, is_active}, what is left out stays.';

create function public.reset_workflow(kind text, version text default null) returns void
language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := private.guiding_organization();
  known public.workflows := private.seen_workflow(organization, reset_workflow.kind, reset_workflow.version);
begin
  delete from public.workflows w where w.id = known.id;
  if found then
    perform private.audit(organization, 'workflow.reset', 'workflow', known.id, null, private.workflow_json(known) - 'updated_at');
  end if;
end $$;
comment on function public.reset_workflow is 'Takes away the organization''s own words of a kind: what is built in is left. Without any, nothing changes.';

do $$ begin
  perform private.expose_function('private.workflow_json', array['authenticated', 'service_role']);
  perform private.expose_function('private.guiding_organization', array[]::text[]);
  perform private.expose_function('private.seen_workflow', array[]::text[]);
  perform private.expose_function('public.list_workflows', array['authenticated', 'service_role']);
  perform private.expose_function('public.save_workflow', array['authenticated', 'service_role']);
  perform private.expose_function('public.reset_workflow', array['authenticated', 'service_role']);
end $$;
