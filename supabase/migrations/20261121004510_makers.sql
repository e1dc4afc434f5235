-- Whose a task is: whoever made it. It is done with their accounts, so nobody writes down somebody else, or nobody.

create function private.keep_maker() returns trigger
language plpgsql set search_path = '' as $$
begin
  if current_user not in ('authenticated', 'anon') then
    return new; -- the worker, and what the database does by itself
  elsif tg_op = 'INSERT' then
    new.created_by := auth.uid();
  elsif new.created_by is distinct from old.created_by then
    perform private.refuse(403, 'Whose it is does not change', format('%s %s', tg_table_name, new.id));
  end if;
  return new;
end $$;
comment on function private.keep_maker is 'What a person writes down is theirs, whoever they say made it, and stays whose it is.';
create trigger tasks_03_maker before insert or update of created_by on public.tasks for each row execute function private.keep_maker();
create trigger reminders_03_maker before insert or update of created_by on public.reminders for each row execute function private.keep_maker();
select private.expose_function('private.keep_maker', array[]::text[]);

create function private.first_owner(organization_id uuid) returns uuid
language sql stable security definer set search_path = '' as $$
  select m.user_id from public.members m where m.organization_id = first_owner.organization_id
  order by m.role = 'owner' desc, m.created_at, m.user_id limit 1
$$;
comment on function private.first_owner is
  'Who has what nobody has: the owner who joined first; null where nobody is left. Definer, as it is asked in whoever''s name.';

create function private.keep_task_somebodys() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  person uuid;
begin
  if exists (select 1 from public.organizations o where o.id = new.organization_id and not o.is_personal) then
    select coalesce(
      (select p.created_by from public.tasks p where p.id = new.parent_task_id),
      (select r.created_by from public.tasks p join public.tasks r on r.id = p.root_task_id where p.id = new.parent_task_id),
      private.first_owner(new.organization_id)) into person;
    if person is not null then
      new.created_by := person;
      new.source_ref := new.source_ref || '{"by_program": true}'; -- it is theirs, and not their own word
    end if;
  end if;
  return new;
end $$;
comment on function private.keep_task_somebodys is
  'In an organization of several, a part belongs to whoever its task belongs to, and what nobody made to the first owner: it is done with their accounts and no others.';
create trigger tasks_04_somebodys before insert on public.tasks for each row
when (new.created_by is null) execute function private.keep_task_somebodys();

do $$ declare f text; begin
  foreach f in array array['first_owner', 'keep_task_somebodys'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;

create function private.person_of_task(task_id uuid) returns uuid
language sql stable security definer set search_path = '' as $$
  select coalesce(t.created_by, (select m.user_id from public.organizations o join public.members m on m.organization_id = o.id
    where o.id = t.organization_id and o.is_personal limit 1))
  from public.tasks t where t.id = person_of_task.task_id and private.in_scope(t.organization_id)
$$;
comment on function private.person_of_task is
  'With whose accounts a task is done: whoever it belongs to; in a personal organization its person; else nobody. Definer, because an organization is looked at.';
select private.expose_function('private.person_of_task', array['authenticated', 'service_role']);

create function public.get_person_of_task(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_person_of_task.task_id);
begin
  return coalesce(private.person_json(task.organization_id, task.created_by), '{}')
    || jsonb_build_object('is_owner', private.is_local_organization(task.organization_id),
      'accounts_of', private.person_of_task(task.id));
end $$;
comment on function public.get_person_of_task is
  'Whose task it is, as {user_id, email, name, is_owner, accounts_of}: whoever made it; of one that nobody made, the first member. is_owner: the settings serve them here. accounts_of: with whose accounts it is done.';
select private.expose_function('public.get_person_of_task', array['service_role']);

-- Section: who changed a plan -------------------------------------------------------------------------------------

alter table public.plan_changes add column actor_id uuid;
comment on column public.plan_changes.actor_id is 'The person who decided it; null where the house did. No foreign key: it stays when they have gone.';

create function private.keep_who_changed() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.actor_id := (select auth.uid());
  return new;
end $$;
comment on function private.keep_who_changed is 'Whoever writes a change of a plan is who it was.';
create trigger plan_changes_03_actor before insert or update of actor_id on public.plan_changes for each row execute function private.keep_who_changed();
select private.expose_function('private.keep_who_changed', array[]::text[]);
