-- Where values came from: what others wrote taints a task, all that works on it, and what it wrote; and what a run knew.

-- Section: taint ------------------------------------------------------------------------------------------------------

alter table public.tasks add column tainted_by jsonb not null default '[]' check (jsonb_typeof(tainted_by) = 'array');
comment on column public.tasks.tainted_by is
  'What others wrote that it read or works on: [{kind, ref, title, why}], why says what is suspicious about it. Empty: nothing. It only grows.';
alter table public.artifacts add column is_tainted boolean not null default false;
comment on column public.artifacts.is_tainted is 'A run that had read what others wrote kept it: whoever reads it has read what others wrote.';

create function private.merged_taint(known jsonb, more jsonb) returns jsonb
language sql immutable set search_path = '' as $$
  select known || coalesce((
    select jsonb_agg(e.entry order by e.place) from (
      select distinct on (m.value ->> 'kind', m.value ->> 'ref') m.ordinality as place, jsonb_strip_nulls(jsonb_build_object(
        'kind', left(coalesce(m.value ->> 'kind', 'text'), 100), 'ref', left(m.value ->> 'ref', 500),
        'title', left(m.value ->> 'title', 300), 'why', left(m.value ->> 'why', 1000))) as entry
      from jsonb_array_elements(more) with ordinality m
      where not exists (select 1 from jsonb_array_elements(known) k
        where k ->> 'kind' = m.value ->> 'kind' and coalesce(k ->> 'ref', '') = coalesce(left(m.value ->> 'ref', 500), '')
          and (k ? 'why' or not m.value ? 'why'))
      order by m.value ->> 'kind', m.value ->> 'ref', m.value ->> 'why', m.ordinality) e
    where e.place <= greatest(60 - jsonb_array_length(known), 1)), '[]')
$$;
comment on function private.merged_taint is 'Taint with more of it: each source once, by kind and ref.';

create function private.is_own_word(task public.tasks) returns boolean
language sql immutable set search_path = '' as $$
  select task.source in ('chat', 'manual', 'plan') and task.created_by is not null
    or task.source = 'slack' and task.source_ref -> 'in_own_words' = 'true'
$$;
comment on function private.is_own_word is 'Did the person themself say what this task is? Not mail, calendar or files that came in, and not what an agent planned.';

create function private.first_taint(task public.tasks) returns jsonb
language sql stable set search_path = '' as $$
  select case
    when task.source = 'mail' then jsonb_build_array(jsonb_build_object('kind', 'mail',
      'ref', coalesce(task.source_ref ->> 'message_id', task.source_ref ->> 'thread_key', task.id::text), 'title', task.title, 'why', case
        when task.source_ref ? 'message_id' then (
          select m.suspicious from public.mail_messages m where m.organization_id = task.organization_id
            and m.message_id = task.source_ref ->> 'message_id' and m.suspicious is not null limit 1)
        else (select m.suspicious from public.mail_messages m where m.organization_id = task.organization_id
            and m.thread_key = task.source_ref ->> 'thread_key' and m.suspicious is not null limit 1) end))
    when task.source in ('calendar', 'import', 'proactive') or task.source = 'slack' and not private.is_own_word(task) then
      jsonb_build_array(jsonb_build_object('kind', task.source, 'ref', task.id, 'title', task.title))
    else '[]' end
$$;
comment on function private.first_taint is 'What a task is tainted by from its birth: where it came from, and why that is suspicious.';

create function private.taint_of_task(task_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce((select t.tainted_by from public.tasks t where t.id = taint_of_task.task_id), '[]')
$$;
comment on function private.taint_of_task is 'The taint of another task; none where there is no such task.';

create function private.before_task_taint() returns trigger
language plpgsql set search_path = '' as $$
declare
  running uuid := (auth.jwt() ->> 'run_task_id')::uuid;
  other record;
begin
  if tg_op = 'UPDATE' then
    if not new.tainted_by @> old.tainted_by then
      perform private.refuse(409, 'What a task is tainted by is never lost');
    end if;
    return new;
  end if;
  if new.source not in ('chat', 'manual', 'plan', 'agent') or new.tainted_by <> '[]' then
    new.tainted_by := private.merged_taint(private.merged_taint('[]', new.tainted_by), private.first_taint(new));
  end if;
  for other in
    select t.tainted_by from public.tasks t
    where t.id in (new.parent_task_id, new.supersedes_task_id, running) and t.organization_id = new.organization_id and t.tainted_by <> '[]'
  loop
    new.tainted_by := private.merged_taint(new.tainted_by, other.tainted_by);
  end loop;
  return new;
end $$;
comment on function private.before_task_taint is
  'A task is born with the taint of where it came from, of its parent, of the one whose place it takes, and of the run that makes it; it is never lost.';

create function private.after_task_taint() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  is_over boolean := new.execution_status in ('completed', 'failed');
begin
  -- What comes before it begins comes to its parts too; once it is over, to what works on its result.
  update public.tasks t set tainted_by = private.merged_taint(t.tainted_by, new.tainted_by)
  where not t.tainted_by @> new.tainted_by and (t.parent_task_id = new.id and new.execution_status in ('pending', 'queued')
    or is_over and (t.id = new.parent_task_id
      or t.id in (select d.task_id from public.task_dependencies d where d.depends_on_task_id = new.id)))
    and private.merged_taint(t.tainted_by, new.tainted_by) <> t.tainted_by;
  return null;
end $$;
comment on function private.after_task_taint is
  'Passes taint on: to the parts of a task that has not begun (later ones are born with it); when it is over to those that depend on it, and to the task it is part of.';

create function private.after_edge_taint() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.tasks t set tainted_by = private.merged_taint(t.tainted_by, w.tainted_by)
  from public.tasks w where t.id = new.task_id and w.id = new.depends_on_task_id and w.execution_status in ('completed', 'failed')
    and w.tainted_by <> '[]' and private.merged_taint(t.tainted_by, w.tainted_by) <> t.tainted_by;
  return null;
end $$;
comment on function private.after_edge_taint is 'An edge to a task that is over already brings its taint along.';

-- What is here already: a tree with anything of others in it is tainted as a whole.
with first as (
  select t.id, t.root_task_id, private.first_taint(t) as taint from public.tasks t
  where t.source in ('mail', 'calendar', 'import', 'proactive', 'slack')),
trees as (
  select f.root_task_id, private.merged_taint('[]', jsonb_agg(e.value)) as taint
  from first f cross join lateral jsonb_array_elements(f.taint) e group by 1)
update public.tasks t set tainted_by = trees.taint from trees where trees.root_task_id = t.root_task_id;
update public.artifacts a set is_tainted = true from public.tasks t where t.id = a.task_id and t.tainted_by <> '[]';

create trigger tasks_11_taint_new before insert on public.tasks for each row execute function private.before_task_taint();
create trigger tasks_11_taint_change before update of tainted_by on public.tasks for each row
when (new.tainted_by is distinct from old.tainted_by) execute function private.before_task_taint();
create trigger tasks_26_taint_change after update of tainted_by on public.tasks for each row
when (new.tainted_by is distinct from old.tainted_by) execute function private.after_task_taint();
create trigger tasks_26_taint_over after update of execution_status on public.tasks for each row
when (new.tainted_by <> '[]' and new.execution_status is distinct from old.execution_status and new.execution_status in ('completed', 'failed'))
execute function private.after_task_taint();
create trigger task_dependencies_20_taint after insert on public.task_dependencies for each row execute function private.after_edge_taint();

create function private.before_artifact_insert() returns trigger
language plpgsql set search_path = '' as $$
begin
  -- What somebody put there by hand may have been written by anybody.
  new.is_tainted := new.is_tainted or (select auth.uid()) is not null or private.taint_of_task(new.task_id) <> '[]';
  return new;
end $$;
comment on function private.before_artifact_insert is 'What a tainted task keeps is tainted, and so is a file that a person put there: others may have written it.';
create trigger artifacts_10_taint before insert on public.artifacts for each row execute function private.before_artifact_insert();

create function public.taint_task(task_id uuid, sources jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(taint_task.task_id);
begin
  if jsonb_typeof(sources) is distinct from 'array' or jsonb_array_length(sources) not between 1 and 50 then
    perform private.refuse(422, 'sources is a list of 1 to 50 objects {kind, ref, title, why}', left(sources::text, 200));
  end if;
  update public.tasks t set tainted_by = private.merged_taint(t.tainted_by, sources)
  where t.id = task.id and private.merged_taint(t.tainted_by, sources) <> t.tainted_by;
  return private.taint_of_task(task.id);
end $$;
comment on function public.taint_task is
  'A running task is about to read what others wrote: [{kind, ref, title, why}]. It stays tainted, and so does all that comes of it (worker only).';

create or replace function public.get_model_context(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_model_context.task_id);
begin
  return jsonb_build_object(
    'is_local', private.is_local_organization(task.organization_id),
    'agent', (select jsonb_build_object('capabilities', a.capabilities, 'tools', a.tools) from public.agents a where a.id = task.agent_id),
    'artifacts', (select coalesce(jsonb_agg(jsonb_build_object('name', f.name, 'size_bytes', f.size_bytes, 'content', f.start, 'is_tainted', f.is_tainted) order by f.created_at), '[]')
      from (select x.name, x.size_bytes, x.created_at, x.is_tainted, encode(substring(x.content for 65536), 'base64') as start from public.artifacts x
            where x.organization_id = task.organization_id and x.task_id in (task.id, task.root_task_id) and x.content is not null
              and (x.media_type like 'text/%' or x.media_type like 'application/json%') order by x.created_at limit 10) f),
    'last_answer', (select s.result -> 'value' from public.steps s
      where s.task_id = task.id and s.kind = 'model' and s.state = 'finished' and s.name in ('strategy', 'revision')
      order by s.finished_at desc, s.key desc limit 1));
end $$;
comment on function public.get_model_context is
  'What a run may show a model, and go on from: {is_local, agent {capabilities, tools}, artifacts [{name, size_bytes, content: base64 of the first 64 KB, is_tainted}], last_answer}.';

-- Section: what a run knew --------------------------------------------------------------------------------------------

create function private.above(task_id uuid) returns setof public.tasks
language sql stable set search_path = '' as $$
  with recursive above (id, level) as (
    select above.task_id, 0
    union all
    select t.parent_task_id, a.level + 1 from above a join public.tasks t on t.id = a.id where t.parent_task_id is not null)
  select t.* from above a join public.tasks t on t.id = a.id order by a.level
$$;
comment on function private.above is 'A task and those that it is part of, up to the root.';

create function private.own_words(task_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  with above as (select a.* from private.above(own_words.task_id) a),
  said (place, words) as (
    select 1, left(concat_ws(e'\n', a.title, a.description, a.recipient,
      (select string_agg(v.value #>> '{}', e'\n') from jsonb_path_query(a.tool_input, 'strict $.**') v (value)
       where jsonb_typeof(v.value) = 'string' and strpos(v.value #>> '{}', '{{') = 0),
      (select string_agg(c.value #>> '{}', e'\n') from jsonb_array_elements(a.acceptance_criteria) c)), 50000)
    from above a where private.is_own_word(a)
    union all
    select 2, left(m.content, 50000) from public.conversation_messages m
    where m.role = 'user' and exists (select 1 from above a where a.source = 'chat'
      and m.conversation_id = (a.source_ref ->> 'conversation_id')::uuid and m.id::text = a.source_ref ->> 'message_id')
    union all
    select 3, left(p.notes, 10000) from public.approvals p
    where p.task_id in (select a.id from above a) and p.decided_by is not null and p.notes is not null
    union all
    select 4, left(d.feedback, 10000) from public.drafts d
    where d.task_id in (select a.id from above a) and d.state = 'rejected' and d.feedback is not null
    union all
    select 5, left(f.comment, 10000) from public.feedback f where f.task_id in (select a.id from above a) and f.comment <> ''
    union all
    -- Of a draft that a person edited, what they changed; the rest is the run's.
    select 6, left(concat_ws(e'\n', case when d.subject <> b.subject then d.subject end,
      (select string_agg(r, e'\n') from unnest(d.to_recipients || d.cc_recipients || d.bcc_recipients) r
       where not r = any (b.to_recipients || b.cc_recipients || b.bcc_recipients)),
      (select string_agg(l, e'\n') from regexp_split_to_table(d.body, e'\n') l where l not in (select regexp_split_to_table(b.body, e'\n')))), 50000)
    from public.drafts d join public.drafts b on b.id = d.supersedes_id
    where d.task_id in (select a.id from above a) and d.author_type = 'user')
  select coalesce(jsonb_agg(distinct s.words) filter (where s.words <> ''), '[]') from (select * from said order by place limit 200) s
$$;
comment on function private.own_words is
  'What the person themself said for a task: the request and those it is part of, the chat, yes and no with a note, feedback, and what they changed in drafts.';

create function private.known_people(organization_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_object_agg(c.address, c.name), '{}') from (
    select distinct on (k.address) k.address, k.name from (
      select lower(u.email) as address, coalesce(u.raw_user_meta_data ->> 'name', '') as name, 0 as place
      from public.members m join auth.users u on u.id = m.user_id where m.organization_id = known_people.organization_id
      union all
      select s.address, translate(split_part(s.address, '@', 1), '._-+', '    '), 1 from (
        select distinct lower(r) as address from (
          select d.to_recipients || d.cc_recipients || d.bcc_recipients as recipients from public.drafts d
          where d.organization_id = known_people.organization_id and d.state = 'sent' and d.channel = 'mail'
            and exists (select 1 from public.approvals p where p.draft_id = d.id and p.decided_by is not null)
          order by d.sent_at desc limit 1000) sent cross join unnest(sent.recipients) r) s) k
    where k.address is not null order by k.address, k.place) c
$$;
comment on function private.known_people is
  'Address -> name of whom a tenant knows: its people, and whoever they wrote to by a draft that one of them approved. Definer: auth.users is closed.';

create function private.own_addresses(task public.tasks) returns jsonb
language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_agg(distinct lower(o.address)), '[]') from (
    select private.person_json(task.organization_id, task.created_by) ->> 'email' as address
    union all
    select a.address from public.accounts a where a.organization_id = task.organization_id and a.address like '%@%'
      and a.user_id::text = private.person_json(task.organization_id, task.created_by) ->> 'user_id') o where o.address is not null
$$;
comment on function private.own_addresses is 'The addresses of the person whom a task is for. Definer: accounts are seen by their person alone.';

create function private.texts_of_others(task_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  with above as (select a.* from private.above(texts_of_others.task_id) a),
  read (place, item) as (
    select 1, jsonb_build_object('kind', 'mail', 'title', concat_ws(', ', nullif(m.subject, ''), m.from_address), 'why', m.suspicious,
      'text', left(concat_ws(e'\n', m.from_name || ' ' || m.from_address, array_to_string(m.to_addresses || m.cc_addresses, ', '), m.subject, m.text_body), 20000))
    from (select m.* from public.mail_messages m where m.organization_id = (select a.organization_id from above a limit 1)
        and (m.thread_key = any (array(select a.source_ref ->> 'thread_key' from above a))
          or m.message_id = any (array(select x.id from above a cross join lateral (values (a.source_ref ->> 'message_id'), (a.tool_input ->> 'reply_to_message_id')) x (id))))
      order by m.sent_at desc nulls last limit 30) m
    union all
    select 2, jsonb_build_object('kind', a.source, 'title', a.title, 'text', left(concat_ws(e'\n', a.title, a.description, a.recipient, a.source_ref ->> 'quote',
      a.tool_input::text), 20000))
    from above a where a.source in ('mail', 'calendar', 'import', 'proactive', 'slack') and not private.is_own_word(a)
    union all
    select 3, jsonb_build_object('kind', 'file', 'title', f.name, 'base64', f.start) from (
      select x.name, replace(encode(substring(x.content for 20000), 'base64'), e'\n', '') as start from public.artifacts x
      where x.task_id in (select a.id from above a) and x.is_tainted and x.content is not null
        and (x.media_type like 'text/%' or x.media_type like 'application/json%') order by x.created_at desc limit 5) f)
  select coalesce(jsonb_agg(r.item order by r.place), '[]') from read r
$$;
comment on function private.texts_of_others is
  'What others wrote that a task came from: [{kind, title, text or base64, why}], mails of its thread, what it or a task above it was made from, tainted files.';

create function private.looked_up(task_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(r.item order by r.at desc), '[]') from (
    (select o.updated_at as at, jsonb_build_object('tool', o.tool, 'title', o.title, 'is_tainted', o.tainted_by <> '[]',
       'text', left(coalesce(o.result #>> '{output}', o.result::text), 30000)) as item
     from public.tasks o where o.id in (select private.done_before(looked_up.task_id)) and o.result is not null order by o.updated_at desc limit 40)
    union all
    (select s.finished_at, jsonb_build_object('tool', s.name, 'title', s.name, 'is_tainted', false, 'text', left(s.result ->> 'value', 30000))
     from public.steps s join private.above(looked_up.task_id) a on a.id = s.task_id
     where s.kind = 'read' and s.state = 'finished' and s.result ->> 'value' is not null order by s.finished_at desc limit 60)
    union all
    (select a.updated_at, jsonb_build_object('tool', a.tool, 'title', a.title, 'is_tainted', a.tainted_by <> '[]', 'text', left(a.result::text, 30000))
     from private.above(looked_up.task_id) a where a.result is not null and a.tool is not null limit 12)) r
$$;
comment on function private.looked_up is
  'What tools answered, to a task, those above it and those before it: [{tool, title, is_tainted, text}], newest first. Which of it others wrote, the tools know.';

create function private.permissions_now(organization_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'action', p.action, 'targets', p.targets, 'task_kinds', p.task_kinds, 'carries', p.carries,
    'max_per_hour', p.max_per_hour, 'max_per_day', p.max_per_day, 'expires_at', p.expires_at, 'is_enabled', p.is_enabled,
    'used_this_hour', u.this_hour, 'used_today', u.this_day) order by p.created_at, p.id), '[]')
  from public.policies p cross join lateral (
    select count(*) filter (where a.decided_at > now() - interval '1 hour') as this_hour, count(*) as this_day
    from public.approvals a where a.policy_id = p.id and a.decided_how = 'permission' and a.state in ('approved', 'used')
      and a.decided_at > now() - interval '1 day') u
  where p.organization_id = permissions_now.organization_id
$$;
comment on function private.permissions_now is 'The standing permissions of a tenant with how often each was used.';

create function public.get_provenance(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_provenance.task_id);
begin
  return jsonb_build_object(
    'task_kind', (select a.kind from private.above(task.id) a where a.source <> 'agent' limit 1),
    'tainted_by', task.tainted_by,
    'user', private.own_words(task.id),
    'contacts', private.known_people(task.organization_id),
    'own_addresses', private.own_addresses(task),
    'read', private.texts_of_others(task.id),
    'looked_up', private.looked_up(task.id),
    'permissions', private.permissions_now(task.organization_id),
    'is_stopped', exists (select 1 from public.organizations o where o.id = task.organization_id and o.permissions_stopped_at is not null),
    'now', now());
end $$;
comment on function public.get_provenance is
  'All that the policy asks about a run, in one call: the user''s own words, whom they know, what others wrote, what tools answered, and the standing permissions (worker only).';

do $$ declare f text; begin
  foreach f in array array['get_provenance', 'taint_task'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  foreach f in array array['merged_taint', 'is_own_word', 'first_taint', 'taint_of_task', 'before_task_taint', 'before_artifact_insert'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['above', 'own_words', 'known_people', 'own_addresses', 'texts_of_others', 'looked_up', 'permissions_now'] loop
    perform private.expose_function('private.' || f, array['service_role']);
  end loop;
  foreach f in array array['after_task_taint', 'after_edge_taint'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;
