-- Parts that come and go while a tree is under way.

create function private.settle_parts(parent_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  parent public.tasks;
begin
  select * into parent from public.tasks t where t.id = settle_parts.parent_id for no key update;
  if parent.execution_status is distinct from 'blocked' or parent.blocked_on is distinct from 'subtasks' then
    return;
  end if;
  if not exists (select 1 from public.tasks t where t.parent_task_id = parent.id) then
    update public.tasks t set blocked_on = 'person', blocked_reason = 'All its parts were deleted',
      unblocked_by = 'Execute it again, add a part, or tick it off' where t.id = parent.id;
    return;
  end if;
  perform private.queue_ready_children(parent.id);
  perform private.settle_parent(parent.id);
end $$;
comment on function private.settle_parts is 'After parts were added or deleted: what may start starts, and the parent goes on where nothing is open any more.';
select private.expose_function('private.settle_parts', array['authenticated', 'service_role']);

create function private.after_part_deletion() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.settle_parts(old.parent_task_id);
  return null;
end $$;
comment on function private.after_part_deletion is 'A deleted part holds nobody up.';
select private.expose_function('private.after_part_deletion', array[]::text[]);
create trigger tasks_60_deleted after delete on public.tasks for each row
when (old.parent_task_id is not null) execute function private.after_part_deletion();

create function private.check_new_part() returns trigger
language plpgsql set search_path = '' as $$
declare
  parent public.tasks;
begin
  select * into parent from public.tasks t where t.id = new.parent_task_id;
  if parent.id is null or new.tool in ('revise_draft') or (new.tool in ('email_send', 'slack_notification') and new.tool_input ? 'draft_id') then
    return new; -- sending and revising belong to a task whatever its state
  end if;
  if parent.tool is not null then
    perform private.refuse(422, 'A task with a tool has no parts', format('parent %s', parent.title));
  elsif parent.execution_status in ('completed', 'cancelled') then
    perform private.refuse(409, format('A task that is %s takes no new parts', parent.execution_status), parent.execution_status);
  end if;
  return new;
end $$;
comment on function private.check_new_part is 'Refuses parts of what is over, or of what a tool does.';
select private.expose_function('private.check_new_part', array['authenticated', 'service_role']);
create trigger tasks_11_part before insert on public.tasks for each row
when (new.parent_task_id is not null) execute function private.check_new_part();

create or replace function public.create_tasks(items jsonb) returns setof jsonb
language plpgsql set search_path = '' as $$
declare
  item jsonb;
  made public.tasks;
  parents uuid[] := '{}';
  parent_id uuid;
begin
  if jsonb_typeof(items) <> 'array' or jsonb_array_length(items) not between 1 and 50000 then
    perform private.refuse(422, 'items is a list of 1 to 50000 tasks');
  end if;
  for item in select value from jsonb_array_elements(items) loop
    made := private.insert_task(item);
    if made.id is not null then
      if made.parent_task_id is not null and not made.parent_task_id = any (parents) then
        parents := parents || made.parent_task_id;
      end if;
      return next private.task_json(made);
    end if;
  end loop;
  foreach parent_id in array parents loop
    perform private.check_size((select t.root_task_id from public.tasks t where t.id = parent_id));
    perform private.settle_parts(parent_id);
  end loop;
end $$;

create or replace function public.create_subtask(parent_id uuid, title text, description text default '', execution_type text default 'manual',
  details jsonb default '{}') returns jsonb
language plpgsql set search_path = '' as $$
declare
  parent public.tasks := private.own_task(create_subtask.parent_id, true);
  made public.tasks;
begin
  made := private.insert_task(create_subtask.details || jsonb_build_object('title', create_subtask.title,
    'description', create_subtask.description, 'execution_type', create_subtask.execution_type,
    'source', coalesce(create_subtask.details ->> 'source', 'agent')), parent.id);
  perform private.check_size(parent.root_task_id);
  perform private.settle_parts(parent.id);
  return public.get_task(made.id);
end $$;

-- A part that is tried again changes what its parent says of itself.
drop trigger tasks_30_settle on public.tasks;
create trigger tasks_30_settle after update of execution_status on public.tasks for each row
when (new.parent_task_id is not null and new.execution_status <> old.execution_status
      and (new.execution_status in ('completed', 'cancelled', 'failed') or old.execution_status = 'failed'))
execute function private.settle_tree();
