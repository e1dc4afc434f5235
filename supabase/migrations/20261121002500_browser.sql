-- The browser's place between the runs of a task, and the moves of a person who has taken the page over.

create table public.browser_places (
  task_id uuid primary key references public.tasks (id) on delete cascade,
  organization_id uuid not null references public.organizations (id) on delete cascade,
  sealed text,
  moves integer not null default 0 check (moves >= 0),
  held_by text not null default 'agent' check (held_by in ('agent', 'person')),
  note text,
  url text not null default '' check (length(url) <= 4000),
  title text not null default '' check (length(title) <= 1000),
  updated_at timestamptz not null default now()
);
comment on table public.browser_places is
  'Where the browser of a task stands. sealed is ciphertext (cookies, address, what was done), for the worker alone; url is without its query.';
create index browser_places_organization_idx on public.browser_places (organization_id);

create table public.browser_commands (
  id bigint generated always as identity primary key,
  organization_id uuid not null references public.organizations (id) on delete cascade,
  task_id uuid not null references public.tasks (id) on delete cascade,
  sealed text not null check (length(sealed) <= 100000),
  created_at timestamptz not null default now(),
  done_at timestamptz
);
comment on table public.browser_commands is 'What a person does on a page that they have taken over, in order. sealed is ciphertext: it may be a password.';
create index browser_commands_task_idx on public.browser_commands (task_id, id);
create index browser_commands_organization_idx on public.browser_commands (organization_id);

create function private.browser_json(place public.browser_places, with_sealed boolean default false) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('task_id', place.task_id, 'moves', place.moves, 'held_by', place.held_by, 'note', place.note, 'url', place.url,
    'title', place.title, 'updated_at', place.updated_at) || case when with_sealed then jsonb_build_object('sealed', place.sealed) else '{}' end
$$;
comment on function private.browser_json is 'A place as its reader may see it.';

create function public.get_browser(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_browser.task_id);
begin
  return (select jsonb_build_object('task_id', p.task_id, 'moves', p.moves, 'held_by', p.held_by, 'note', p.note, 'url', p.url,
    'title', p.title, 'updated_at', p.updated_at) from public.browser_places p where p.task_id = task.id);
end $$;
comment on function public.get_browser is 'Where the browser of a task stands; null where it never had one.';

create function public.open_browser(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(open_browser.task_id);
  place public.browser_places;
begin
  insert into public.browser_places (task_id, organization_id) values (task.id, task.organization_id) on conflict do nothing;
  select * into place from public.browser_places p where p.task_id = task.id;
  return private.browser_json(place, true) || jsonb_build_object('commands', (
    select coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'sealed', c.sealed) order by c.id), '[]')
    from public.browser_commands c where c.task_id = task.id and c.done_at is null));
end $$;
comment on function public.open_browser is 'For the run of a task: its sealed place, and the moves of the person that are still to be made.';

create function public.save_browser(task_id uuid, sealed text, moves integer, url text, title text, command_id bigint default null) returns void
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(save_browser.task_id);
begin
  update public.browser_places p set sealed = save_browser.sealed, moves = save_browser.moves, url = left(save_browser.url, 4000),
    title = left(save_browser.title, 1000), updated_at = now() where p.task_id = task.id;
  update public.browser_commands c set done_at = now(), sealed = '' where c.id = save_browser.command_id and c.task_id = task.id;
end $$;
comment on function public.save_browser is 'After a move: where the browser stands now; with command_id that move of the person is done, and forgotten.';

create function public.rest_browser(task_id uuid, reason text, unblocked_by text) returns boolean
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(rest_browser.task_id);
begin
  if exists (select 1 from public.browser_commands c where c.task_id = task.id and c.done_at is null)
     or exists (select 1 from public.browser_places p where p.task_id = task.id and p.held_by = 'agent') then
    return false;
  end if;
  perform public.block_task_execution(task.id, rest_browser.reason, 'person', rest_browser.unblocked_by);
  return true;
end $$;
comment on function public.rest_browser is
  'The task waits for the person who has its page; false when they have moved or handed it back meanwhile, and it goes on.';

create function public.take_over_browser(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(take_over_browser.task_id, true);
  place public.browser_places;
begin
  if (select auth.uid()) is null then
    perform private.refuse(403, 'Only a person takes a page over');
  end if;
  if task.tool is distinct from 'browser' or task.execution_status <> 'blocked' or task.blocked_on not in ('person', 'bounds') then
    perform private.refuse(409, 'A page is taken over while its task waits for a person', task.execution_status, 'Pause or answer the task first.');
  end if;
  update public.browser_places p set held_by = 'person', note = null, updated_at = now() where p.task_id = task.id
  returning p.task_id, p.moves, p.held_by, p.url, p.title into place.task_id, place.moves, place.held_by, place.url, place.title;
  if place.task_id is null then
    perform private.refuse(404, 'This task has no page', format('task %s', task.id));
  end if;
  perform public.add_task_event(task.id, 'browser', 'You took the page over', jsonb_build_object('by', 'person'));
  return public.get_browser(task.id);
end $$;
comment on function public.take_over_browser is 'A person takes the page of a waiting task: from now on only they move on it.';

create function public.add_browser_command(task_id uuid, sealed text) returns bigint
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(add_browser_command.task_id, true);
  new_id bigint;
begin
  if (select auth.uid()) is null then
    perform private.refuse(403, 'Only a person moves on a page that was taken over');
  end if;
  if not exists (select 1 from public.browser_places p where p.task_id = task.id and p.held_by = 'person') then
    perform private.refuse(409, 'Take the page over first');
  end if;
  if (select count(*) from public.browser_commands c where c.task_id = task.id and c.done_at is null) >= 20 then
    perform private.refuse(409, 'Twenty moves wait already', null, 'Wait until they are made.');
  end if;
  insert into public.browser_commands (organization_id, task_id, sealed) values (task.organization_id, task.id, add_browser_command.sealed)
  returning id into new_id;
  if task.execution_status = 'blocked' then
    update public.tasks t set execution_status = 'queued', run_after = null where t.id = task.id;
  end if;
  return new_id;
end $$;
comment on function public.add_browser_command is 'A move of the person who has the page, sealed; the worker makes it.';

create function public.hand_back_browser(task_id uuid, note text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(hand_back_browser.task_id, true);
begin
  if (select auth.uid()) is null then
    perform private.refuse(403, 'Only the person who has the page hands it back');
  end if;
  update public.browser_places p set held_by = 'agent', note = left(nullif(trim(hand_back_browser.note), ''), 2000), updated_at = now()
  where p.task_id = task.id and p.held_by = 'person';
  if not found then
    perform private.refuse(409, 'Nobody has taken this page over');
  end if;
  perform public.add_task_event(task.id, 'browser', 'You handed the page back', jsonb_build_object('by', 'person'));
  if task.execution_status = 'blocked' then
    update public.tasks t set execution_status = 'queued', run_after = null where t.id = task.id;
  end if;
  return public.get_browser(task.id);
end $$;
comment on function public.hand_back_browser is 'The person gives the page back; the task goes on from where it stands now. note: what they say about it.';

create function public.read_browser_note(task_id uuid) returns text
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(read_browser_note.task_id);
  said text;
begin
  select p.note into said from public.browser_places p where p.task_id = task.id;
  update public.browser_places p set note = null where p.task_id = task.id and p.note is not null;
  return said;
end $$;
comment on function public.read_browser_note is 'What the person said as they handed the page back, once.';

create function private.forget_browser() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.browser_places p set sealed = null, held_by = 'agent', note = null where p.task_id = new.id;
  delete from public.browser_commands c where c.task_id = new.id;
  return null;
end $$;
comment on function private.forget_browser is 'Cookies and what was typed end with the task, whoever ends it.';
create trigger tasks_30_forget_browser after update of execution_status on public.tasks for each row
when (new.tool = 'browser' and new.execution_status in ('completed', 'cancelled')) execute function private.forget_browser();

select private.guard_table('public.browser_places',
  'select (task_id, organization_id, moves, held_by, note, url, title, updated_at), update (held_by, note, updated_at)');
create policy browser_places_read on public.browser_places for select to authenticated using (organization_id in (select private.my_organizations()));
create policy browser_places_hold on public.browser_places for update to authenticated using (organization_id in (select private.my_organizations()));
select private.guard_table('public.browser_commands', 'select (id, task_id, organization_id, created_at, done_at), insert (organization_id, task_id, sealed)');
create policy browser_commands_read on public.browser_commands for select to authenticated using (organization_id in (select private.my_organizations()));
create policy browser_commands_add on public.browser_commands for insert to authenticated with check (organization_id in (select private.my_organizations()));

do $$ declare f text; begin
  foreach f in array array['get_browser', 'take_over_browser', 'add_browser_command', 'hand_back_browser'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['open_browser', 'save_browser', 'rest_browser', 'read_browser_note'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  perform private.expose_function('private.browser_json', array['service_role']);
  perform private.expose_function('private.forget_browser', array[]::text[]);
end $$;
