-- Large files may lie in an object store; the row stays the truth. An object is named by its organization and its sha256,
-- written before the row that names it, never overwritten, and removed by a sweep once no row names it.
-- A sweeper that froze after its claim may remove what it claimed at any later time: whoever saves the same bytes after the
-- claim ended puts them under another name.

-- Section: where the content of a file lies -----------------------------------------------------------------------

alter table public.artifacts
  add column stored_in text not null default 'database',
  add column object_path text,
  add column head bytea;
-- A row that somebody put there by hand without content could never be read; now reading says so.
update public.artifacts set content = '' where content is null;
alter table public.artifacts
  drop constraint stored_somewhere,
  drop column storage_path,
  add constraint stored_in_known check (stored_in in ('database', 'supabase', 's3')),
  add constraint stored_in_one_place check ((stored_in = 'database') = (content is not null)),
  -- Nobody names an object of another organization, nor one by another name than its content's.
  add constraint object_path_own check (
    (object_path is null) = (stored_in = 'database')
    and (object_path is null or object_path = organization_id::text || '/' || sha256
      or object_path ~ ('^' || organization_id::text || '/[1-9][0-9]{0,8}/' || sha256 || '$'))),
  add constraint object_named_by_sha256 check (stored_in = 'database' or sha256 ~ '^[0-9a-f]{64}$'),
  add constraint head_is_short check (head is null or stored_in <> 'database' and length(head) <= 65536);
comment on table public.artifacts is 'Files and reports: the row says what a file is; its content lies in it, or, where it is large and a store is set, in that store.';
comment on column public.artifacts.stored_in is 'Where the content lies: database (in the row), supabase or s3 (an object under object_path).';
comment on column public.artifacts.object_path is 'The name of the object: <organization>/<sha256>, or <organization>/<generation>/<sha256>, set by a trigger.';
comment on column public.artifacts.head is 'The first 64 KB of a text whose content lies in a store: what is looked through without fetching it.';
create index artifacts_object_idx on public.artifacts (organization_id, sha256) where stored_in <> 'database';

create table public.artifact_objects (
  stored_in text not null check (stored_in in ('supabase', 's3')),
  organization_id uuid not null,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  size_bytes bigint not null check (size_bytes between 0 and 100000000),
  announced_at timestamptz not null default clock_timestamp(),
  removing_since timestamptz,
  generation integer not null default 0 check (generation >= 0),
  primary key (stored_in, organization_id, sha256)
);
comment on table public.artifact_objects is
  'Objects that were written, or may have been: announced before they are, forgotten after the sweep removed them. They outlive their organization, so that nothing of it is left behind.';
comment on column public.artifact_objects.generation is
  'How many claims of this content ended without a word: nobody knows when their removal happens, so the names of earlier generations are not used again.';
create index artifact_objects_swept_idx on public.artifact_objects (stored_in, announced_at);
create index artifact_objects_organization_idx on public.artifact_objects (organization_id);
select private.guard_table('public.artifact_objects', '');
create policy artifact_objects_read on public.artifact_objects for select to authenticated
  using (organization_id = (select private.acting_organization()));

-- Section: objects ------------------------------------------------------------------------------------------------

create function private.object_path(organization_id uuid, sha256 text, generation integer) returns text
language sql immutable set search_path = '' as $$
  select object_path.organization_id::text || '/' || case when object_path.generation > 0 then object_path.generation::text || '/' else '' end || object_path.sha256
$$;
comment on function private.object_path is 'The name of an object: a first one has no generation in it.';

create function private.announce_object(organization_id uuid, sha256 text, size_bytes bigint, stored_in text) returns text
language plpgsql security definer set search_path = '' as $$
declare
  now_generation integer;
begin
  if not private.in_scope(announce_object.organization_id) then
    perform private.refuse(404, 'There is no such organization', format('organization %s', announce_object.organization_id));
  end if;
  if announce_object.stored_in not in ('supabase', 's3') or announce_object.stored_in is null then
    perform private.refuse(422, 'stored_in is no store', format('%s; allowed are supabase and s3', announce_object.stored_in));
  end if;
  if announce_object.sha256 !~ '^[0-9a-f]{64}$' or announce_object.sha256 is null then
    perform private.refuse(422, 'sha256 is no hash', format('%s; allowed are 64 digits of lower-case hex', left(announce_object.sha256, 100)));
  end if;
  if announce_object.size_bytes not between 0 and 100000000 or announce_object.size_bytes is null then
    perform private.refuse(422, 'A file has at most 100,000,000 bytes', format('this one has %s', announce_object.size_bytes));
  end if;
  -- What the sweep is removing now is left alone, until it must have ended; if it has not, it removes another name.
  insert into public.artifact_objects as o (stored_in, organization_id, sha256, size_bytes)
  values (announce_object.stored_in, announce_object.organization_id, announce_object.sha256, announce_object.size_bytes)
  on conflict on constraint artifact_objects_pkey do update
    set announced_at = clock_timestamp(), removing_since = null, size_bytes = excluded.size_bytes,
      generation = o.generation + (o.removing_since is not null)::integer
    where o.removing_since is null or o.removing_since < clock_timestamp() - interval '15 minutes'
  returning o.generation into now_generation;
  if not found then
    perform private.refuse(409, 'An unused copy of this file is being removed right now', null, 'Try again in a moment.');
  end if;
  return private.object_path(announce_object.organization_id, announce_object.sha256, now_generation);
end $$;
comment on function private.announce_object is 'An object is about to be written: its path. From now on a day has to pass before the sweep may remove it.';

create function private.before_artifact_stored() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  role text := coalesce((select auth.jwt()) ->> 'role', '');
  known integer;
begin
  if new.stored_in = 'database' then
    new.object_path := null;
    new.head := null;
    -- The house's own functions say what they counted; what a person writes directly is compared.
    if role not in ('', 'service_role') and new.content is not null then
      if length(new.content) > 20000000 then
        perform private.refuse(422, 'A file in the database has at most 20,000,000 bytes', format('%s has %s', left(new.name, 100), length(new.content)));
      end if;
      if new.size_bytes is distinct from length(new.content) then
        perform private.refuse(422, 'size_bytes is not that of the content', format('%s; the content has %s', new.size_bytes, length(new.content)));
      end if;
      if new.sha256 is distinct from encode(sha256(new.content), 'hex') then
        perform private.refuse(422, 'sha256 is not that of the content', format('%s; allowed is lower-case hex over the raw bytes', left(new.sha256, 100)));
      end if;
    end if;
    return new;
  end if;
  if role = '' then
    -- The owner of the database puts rows back, from a back-up, each with the name that its object has.
    new.object_path := coalesce(new.object_path, private.object_path(new.organization_id, new.sha256, 0));
    insert into public.artifact_objects (stored_in, organization_id, sha256, size_bytes, generation)
    values (new.stored_in, new.organization_id, new.sha256, new.size_bytes,
      coalesce(substring(new.object_path from '/([1-9][0-9]{0,8})/')::integer, 0)) on conflict do nothing;
    return new;
  end if;
  -- The row of the object is changed, not only looked at: whoever sweeps at this moment sees that it is wanted.
  update public.artifact_objects o set announced_at = clock_timestamp()
  where o.stored_in = new.stored_in and o.organization_id = new.organization_id and o.sha256 = new.sha256
    and o.size_bytes = new.size_bytes and o.removing_since is null and private.in_scope(new.organization_id)
  returning o.generation into known;
  if not found then
    perform private.refuse(409, 'There is no such object', format('%s was not announced, or is being removed', private.object_path(new.organization_id, new.sha256, 0)),
      'Announce and upload it again.');
  end if;
  if tg_op = 'UPDATE' and (old.stored_in, old.organization_id, old.sha256) = (new.stored_in, new.organization_id, new.sha256) then
    new.object_path := old.object_path; -- an object keeps its name for as long as a row names it
  else
    new.object_path := private.object_path(new.organization_id, new.sha256, known);
  end if;
  return new;
end $$;
comment on function private.before_artifact_stored is 'A row names the one object that its organization and sha256 make, and only one that was announced and is not being removed.';
create trigger artifacts_20_object before insert or update on public.artifacts for each row execute function private.before_artifact_stored();

-- Section: files --------------------------------------------------------------------------------------------------

create or replace function private.artifact_json(artifact public.artifacts) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('id', artifact.id, 'organization_id', artifact.organization_id, 'task_id', artifact.task_id, 'name', artifact.name,
    'media_type', artifact.media_type, 'size_bytes', artifact.size_bytes, 'sha256', artifact.sha256, 'created_at', artifact.created_at,
    'is_tainted', artifact.is_tainted, 'stored_in', artifact.stored_in)
$$;

create function public.announce_artifact(task_id uuid, sha256 text, size_bytes bigint, stored_in text) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(announce_artifact.task_id, true);
begin
  return jsonb_build_object('object_path', private.announce_object(task.organization_id, announce_artifact.sha256, announce_artifact.size_bytes, announce_artifact.stored_in));
end $$;
comment on function public.announce_artifact is 'Before the content of a file of a task is put into a store: {object_path} to put it under. Then save_stored_artifact.';

create function public.save_stored_artifact(
  task_id uuid, name text, media_type text, sha256 text, size_bytes bigint, stored_in text, head text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(save_stored_artifact.task_id, true);
  kept public.artifacts;
begin
  select * into kept from public.artifacts a
  where a.task_id = task.id and a.name = save_stored_artifact.name and a.sha256 = save_stored_artifact.sha256 order by a.created_at desc limit 1;
  if kept.id is null then
    insert into public.artifacts (organization_id, task_id, name, media_type, size_bytes, sha256, stored_in, head, created_at)
    values (task.organization_id, task.id, save_stored_artifact.name, coalesce(nullif(save_stored_artifact.media_type, ''), 'application/octet-stream'),
      save_stored_artifact.size_bytes, save_stored_artifact.sha256, save_stored_artifact.stored_in, decode(save_stored_artifact.head, 'base64'), clock_timestamp())
    returning * into kept;
  end if;
  return private.artifact_json(kept);
end $$;
comment on function public.save_stored_artifact is
  'Keeps a file of a task whose content was put into a store after announce_artifact; head is base64 of the beginning of a text. The same name and bytes twice is one row.';

drop function public.get_artifact(uuid);
create function public.get_artifact(artifact_id uuid, with_content boolean default true) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  found_artifact public.artifacts;
begin
  select * into found_artifact from public.artifacts a where a.id = get_artifact.artifact_id and private.in_scope(a.organization_id);
  if found_artifact.id is null then
    perform private.refuse(404, 'There is no such file', format('artifact %s', get_artifact.artifact_id));
  end if;
  return private.artifact_json(found_artifact) || jsonb_build_object('object_path', found_artifact.object_path)
    || case when get_artifact.with_content and found_artifact.stored_in = 'database'
         then jsonb_build_object('content', replace(encode(found_artifact.content, 'base64'), e'\n', '')) else '{}' end;
end $$;
comment on function public.get_artifact is 'A file with its content in base64, or with the object_path where its content lies in a store.';

-- Section: texts --------------------------------------------------------------------------------------------------
-- What looks through texts looks at the beginning of those in a store as well.

create or replace function public.get_model_context(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_model_context.task_id);
begin
  return jsonb_build_object(
    'is_local', private.is_local_organization(task.organization_id),
    'agent', (select jsonb_build_object('capabilities', a.capabilities, 'tools', a.tools) from public.agents a where a.id = task.agent_id),
    'artifacts', (select coalesce(jsonb_agg(jsonb_build_object('name', f.name, 'size_bytes', f.size_bytes, 'content', f.start, 'is_tainted', f.is_tainted) order by f.created_at), '[]')
      from (select x.name, x.size_bytes, x.created_at, x.is_tainted, encode(coalesce(substring(x.content for 65536), x.head), 'base64') as start from public.artifacts x
            where x.organization_id = task.organization_id and x.task_id in (task.id, task.root_task_id) and (x.content is not null or x.head is not null)
              and (x.media_type like 'text/%' or x.media_type like 'application/json%') order by x.created_at limit 10) f),
    'last_answer', (select s.result -> 'value' from public.steps s
      where s.task_id = task.id and s.kind = 'model' and s.state = 'finished' and s.name in ('strategy', 'revision')
      order by s.finished_at desc, s.key desc limit 1));
end $$;

create or replace function private.texts_of_others(task_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  with above as (select a.* from private.above(texts_of_others.task_id) a),
  read (place, item) as (
    select 1, jsonb_build_object('kind', 'mail', 'why', m.suspicious, 'is_anothers', m.is_anothers,
      'title', case when not m.is_anothers then concat_ws(', ', nullif(m.subject, ''), m.from_address) else '' end,
      'text', left(concat_ws(e'\n', m.from_name || ' ' || m.from_address, array_to_string(m.to_addresses || m.cc_addresses, ', '), m.subject, m.text_body), 20000))
    from (select m.*, m.account in (select private.accounts_of_others(m.organization_id, private.person_of_task(texts_of_others.task_id))) as is_anothers
      from public.mail_messages m where m.organization_id = (select a.organization_id from above a limit 1)
        and (m.thread_key = any (array(select a.source_ref ->> 'thread_key' from above a))
          or m.message_id = any (array(select x.id from above a cross join lateral (values (a.source_ref ->> 'message_id'), (a.tool_input ->> 'reply_to_message_id')) x (id)))
          -- What a run about a meeting read of the mail with its people.
          or m.message_id = any (array(select t ->> 'ref' from above a cross join jsonb_array_elements(a.tainted_by) t
            where a.kind in ('agenda', 'brief', 'follow_up') and t ->> 'kind' = 'mail')))
      order by m.sent_at desc nulls last limit 30) m
    union all
    select 2, jsonb_build_object('kind', a.source, 'title', a.title, 'text', left(concat_ws(e'\n', a.title, a.description, a.recipient, a.source_ref ->> 'quote',
      a.tool_input::text), 20000))
    from above a where a.source in ('mail', 'calendar', 'import', 'proactive', 'slack') and not private.is_own_word(a) and not private.is_of_own_event(a)
    union all
    -- A part that an outside agent made is in its words, from the title to the input.
    select 2, jsonb_build_object('kind', 'agent', 'title', a.title, 'text', left(concat_ws(e'\n', a.title, a.description, a.recipient, a.tool_input::text), 20000))
    from above a where a.source = 'agent' and a.source_ref ? 'agent_id'
    union all
    select 3, jsonb_build_object('kind', 'file', 'title', f.name, 'base64', f.start) from (
      select x.name, replace(encode(coalesce(substring(x.content for 20000), substring(x.head for 20000)), 'base64'), e'\n', '') as start from public.artifacts x
      where x.task_id in (select a.id from above a) and x.is_tainted and (x.content is not null or x.head is not null)
        and (x.media_type like 'text/%' or x.media_type like 'application/json%') order by x.created_at desc limit 5) f)
  select coalesce(jsonb_agg(r.item order by r.place), '[]') from read r
$$;

do $$ declare f text; begin
  foreach f in array array['private.object_path', 'private.announce_object', 'public.announce_artifact', 'public.save_stored_artifact', 'public.get_artifact'] loop
    perform private.expose_function(f, array['authenticated', 'service_role']);
  end loop;
end $$;
select private.expose_function('private.before_artifact_stored', array[]::text[]);
