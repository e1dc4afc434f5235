-- A part that is made anew stays whose it was: somebody else's try at it lends it none of their accounts.

create function private.keep_whose(made_id uuid, earlier_id uuid) returns void
language sql security definer set search_path = '' as $$
  update public.tasks t set created_by = e.created_by
  from public.tasks e
  where t.id = keep_whose.made_id and e.id = keep_whose.earlier_id and private.in_scope(t.organization_id) and e.organization_id = t.organization_id
    and t.created_at = now() and e.created_by <> t.created_by -- in the transaction that made it, and of the very same words
    and (t.title, t.description, t.kind, t.recipient, t.acceptance_criteria, t.tool, t.tool_input, t.source)
      is not distinct from (e.title, e.description, e.kind, e.recipient, e.acceptance_criteria, e.tool, e.tool_input, e.source)
    and t.source_ref @> e.source_ref
    and exists (select 1 from public.members m where m.organization_id = t.organization_id and m.user_id = e.created_by)
$$;
comment on function private.keep_whose is
  'A task that was just made after another one, word for word, belongs to whoever that one belongs to. Definer, because nobody says whose a task is.';
select private.expose_function('private.keep_whose', array['authenticated', 'service_role']);

create or replace function private.renew_part(part public.tasks, new_parent_id uuid) returns uuid
language plpgsql set search_path = '' as $$
declare
  made public.tasks;
  child public.tasks;
  ids jsonb := '{}';
begin
  made := private.insert_task(to_jsonb(part) - array['source_key', 'supersedes_task_id'], new_parent_id);
  perform private.keep_whose(made.id, part.id);
  for child in select t.* from public.tasks t where t.parent_task_id = part.id and private.is_planned(t) and t.superseded_at is null loop
    ids := ids || jsonb_build_object(child.id, private.renew_part(child, made.id));
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, (ids ->> d.task_id::text)::uuid, (ids ->> d.depends_on_task_id::text)::uuid
  from public.task_dependencies d where ids ? d.task_id::text and ids ? d.depends_on_task_id::text;
  return made.id;
end $$;

create or replace function private.renew_task(old_task public.tasks) returns uuid
language plpgsql set search_path = '' as $$
declare
  made public.tasks;
  child public.tasks;
  ids jsonb := '{}';
begin
  made := private.insert_task((to_jsonb(old_task) - array['source_key', 'supersedes_task_id']) || jsonb_build_object('supersedes_task_id', old_task.id),
    old_task.parent_task_id);
  perform private.keep_whose(made.id, old_task.id);
  update public.tasks t set superseded_at = now() where t.id = old_task.id;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, made.id, d.depends_on_task_id from public.task_dependencies d where d.task_id = old_task.id;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, d.task_id, made.id from public.task_dependencies d where d.depends_on_task_id = old_task.id;
  delete from public.task_dependencies d where d.depends_on_task_id = old_task.id;
  -- Parts that somebody planned go with it; those that a run made, a run will make anew.
  for child in select t.* from public.tasks t where t.parent_task_id = old_task.id and private.is_planned(t) and t.superseded_at is null loop
    ids := ids || jsonb_build_object(child.id, private.renew_part(child, made.id));
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, (ids ->> d.task_id::text)::uuid, (ids ->> d.depends_on_task_id::text)::uuid
  from public.task_dependencies d where ids ? d.task_id::text and ids ? d.depends_on_task_id::text;
  return made.id;
end $$;

create or replace function private.replace_task(failed public.tasks, parts jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  parent public.tasks;
  ids uuid[];
  rewired jsonb;
begin
  select * into parent from public.tasks t where t.id = failed.parent_task_id;
  select coalesce(jsonb_agg(jsonb_build_object('task_id', t.id, 'title', t.title, 'from', failed.id) order by t.position), '[]') into rewired
  from public.task_dependencies d join public.tasks t on t.id = d.task_id where d.depends_on_task_id = failed.id;
  update public.tasks t set superseded_at = now() where t.id = failed.id;
  ids := private.insert_parts(parent, parts);
  update public.tasks t set supersedes_task_id = failed.id where t.id = ids[1];
  if (select auth.uid()) is null then -- what stands in the place of a member's part was made out of their words
    update public.tasks t set created_by = failed.created_by where t.id = any (ids) and failed.created_by <> t.created_by
      and exists (select 1 from public.members m where m.organization_id = t.organization_id and m.user_id = failed.created_by);
  end if;
  -- What the failed task waited for, the new ones wait for that begin; what waited for it, waits for those that end.
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select parent.organization_id, n.id, d.depends_on_task_id
  from unnest(ids) n (id) join public.task_dependencies d on d.task_id = failed.id
  where not exists (select 1 from public.task_dependencies x where x.task_id = n.id and x.depends_on_task_id = any (ids));
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select parent.organization_id, d.task_id, n.id
  from unnest(ids) n (id) join public.task_dependencies d on d.depends_on_task_id = failed.id
  where not exists (select 1 from public.task_dependencies x where x.depends_on_task_id = n.id and x.task_id = any (ids));
  delete from public.task_dependencies d where d.depends_on_task_id = failed.id;
  return jsonb_build_object('removed', jsonb_build_array(jsonb_build_object('task_id', failed.id, 'title', failed.title)), 'rewired', rewired,
    'added', (select jsonb_agg(jsonb_build_object('task_id', t.id, 'title', t.title, 'depends_on',
        (select coalesce(jsonb_agg(w.title order by w.position), '[]') from public.task_dependencies d join public.tasks w on w.id = d.depends_on_task_id where d.task_id = t.id))
      order by t.position) from public.tasks t where t.id = any (ids)));
end $$;
