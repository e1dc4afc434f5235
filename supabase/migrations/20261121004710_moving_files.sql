-- Contents of files move between stores, and objects that no row names are removed. The house does both, over every organization
-- or, where its token names one, in that one.

create function private.house_scope(does text) returns uuid
language plpgsql stable set search_path = '' as $$
begin
  if not private.is_service() then
    perform private.refuse(403, format('Only the house %s', house_scope.does));
  end if;
  return ((select auth.jwt()) ->> 'organization_id')::uuid;
end $$;
comment on function private.house_scope is 'The organization that the house works for, null for all of them; PT403 for everybody else.';

-- Section: moving -------------------------------------------------------------------------------------------------

create function public.list_artifacts_to_move(stored_in text, least_bytes bigint default 0, after_id uuid default null, most integer default 100) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  tenant uuid := private.house_scope('moves files');
begin
  if list_artifacts_to_move.stored_in not in ('database', 'supabase', 's3') or list_artifacts_to_move.stored_in is null then
    perform private.refuse(422, 'stored_in is no store', format('%s; allowed are database, supabase and s3', list_artifacts_to_move.stored_in));
  end if;
  return (
    with wanted as (
      select a.id, a.organization_id, a.name, a.size_bytes, a.stored_in from public.artifacts a
      where a.stored_in <> list_artifacts_to_move.stored_in and a.size_bytes >= list_artifacts_to_move.least_bytes
        and (tenant is null or a.organization_id = tenant))
    select jsonb_build_object('total', (select count(*) from wanted), 'bytes', (select coalesce(sum(w.size_bytes), 0) from wanted w),
      'items', (select coalesce(jsonb_agg(jsonb_build_object('id', p.id, 'organization_id', p.organization_id, 'name', p.name, 'size_bytes', p.size_bytes, 'stored_in', p.stored_in)
          order by p.id), '[]')
        from (select w.id, w.organization_id, w.name, w.size_bytes, w.stored_in from wanted w
              where list_artifacts_to_move.after_id is null or w.id > list_artifacts_to_move.after_id order by w.id limit least(greatest(most, 1), 1000)) p)));
end $$;
comment on function public.list_artifacts_to_move is
  'Files, of at least so many bytes, whose content lies elsewhere: {total, bytes, items [{id, organization_id, name, size_bytes, stored_in}]} by id (worker only).';

create function public.begin_artifact_move(artifact_id uuid, stored_in text) returns jsonb
language plpgsql set search_path = '' as $$
declare
  moved public.artifacts;
begin
  perform private.house_scope('moves files');
  select * into moved from public.artifacts a where a.id = begin_artifact_move.artifact_id and private.in_scope(a.organization_id);
  if moved.id is null then
    perform private.refuse(404, 'There is no such file', format('artifact %s', begin_artifact_move.artifact_id));
  end if;
  return jsonb_build_object('object_path', private.announce_object(moved.organization_id, moved.sha256, moved.size_bytes, begin_artifact_move.stored_in));
end $$;
comment on function public.begin_artifact_move is 'Before the content of a file is put into another store: {object_path} to put it under. Then move_artifact (worker only).';

create function public.move_artifact(artifact_id uuid, stored_in text, content text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  moved public.artifacts;
  bytes bytea := decode(move_artifact.content, 'base64');
begin
  perform private.house_scope('moves files');
  select * into moved from public.artifacts a where a.id = move_artifact.artifact_id and private.in_scope(a.organization_id) for no key update;
  if moved.id is null then
    perform private.refuse(404, 'There is no such file', format('artifact %s', move_artifact.artifact_id));
  end if;
  if moved.stored_in = move_artifact.stored_in then
    return private.artifact_json(moved);
  end if;
  if move_artifact.stored_in = 'database' then
    if length(bytes) > 20000000 then
      perform private.refuse(422, 'A file in the database has at most 20,000,000 bytes', format('%s has %s', moved.name, length(bytes)));
    end if;
    if bytes is null or encode(sha256(bytes), 'hex') <> moved.sha256 then
      perform private.refuse(422, 'The content is not that of the file', format('%s has another sha256', moved.name));
    end if;
    update public.artifacts a set stored_in = 'database', content = bytes where a.id = moved.id returning * into moved;
  else
    update public.artifacts a set stored_in = move_artifact.stored_in, content = null,
      head = coalesce(a.head, case when a.media_type like 'text/%' or a.media_type like 'application/json%' then substring(a.content for 65536) end)
    where a.id = moved.id returning * into moved;
  end if;
  return private.artifact_json(moved);
end $$;
comment on function public.move_artifact is
  'The content of a file lies there from now on: put under the path that begin_artifact_move told, or, for database, given in base64 and compared with the sha256 (worker only).';

-- Section: the sweep ----------------------------------------------------------------------------------------------

create function public.claim_unused_objects(stored_in text, most integer default 20) returns jsonb
language plpgsql set search_path = '' as $$
declare
  now_at timestamptz := clock_timestamp();
  tenant uuid := private.house_scope('removes objects');
  paths jsonb;
begin
  -- A row that is being written at this moment has changed announced_at, which is looked at again once the lock is had.
  with claimed as (
    -- Whoever had an earlier claim may still remove: the next to save these bytes has to use another name.
    update public.artifact_objects o set removing_since = now_at, generation = o.generation + (o.removing_since is not null)::integer
    where (o.stored_in, o.organization_id, o.sha256) in (
      select u.stored_in, u.organization_id, u.sha256 from public.artifact_objects u
      where u.stored_in = claim_unused_objects.stored_in and u.announced_at < now_at - interval '1 day'
        and (tenant is null or u.organization_id = tenant)
        and (u.removing_since is null or u.removing_since < now_at - interval '15 minutes')
        and not exists (select 1 from public.artifacts a where a.organization_id = u.organization_id and a.sha256 = u.sha256 and a.stored_in = u.stored_in)
      order by u.announced_at limit least(greatest(most, 1), 1000) for update skip locked)
    returning o.organization_id, o.sha256, o.generation)
  -- Earlier generations may have been left behind by a claim that came to nothing.
  select coalesce(jsonb_agg(private.object_path(c.organization_id, c.sha256, g.n)), '[]') into paths
  from claimed c cross join lateral generate_series(greatest(c.generation - 9, 0), c.generation) g (n);
  return jsonb_build_object('claimed_at', now_at, 'object_paths', paths);
end $$;
comment on function public.claim_unused_objects is
  'Objects of a store that no row has named for a day, to be removed now: {claimed_at, object_paths}. For 15 minutes nobody else takes them up; then forget_objects (worker only).';

create function public.forget_objects(stored_in text, object_paths jsonb, claimed_at timestamptz) returns integer
language plpgsql set search_path = '' as $$
declare
  tenant uuid := private.house_scope('removes objects');
  n integer;
begin
  with removed as (
    select o.stored_in, o.organization_id, o.sha256, o.generation from public.artifact_objects o
    where o.stored_in = forget_objects.stored_in and o.removing_since = forget_objects.claimed_at
      and (tenant is null or o.organization_id = tenant)
      and private.object_path(o.organization_id, o.sha256, o.generation) in (select jsonb_array_elements_text(forget_objects.object_paths))
    for update),
  forgotten as (
    delete from public.artifact_objects o using removed r
    where r.generation = 0 and (o.stored_in, o.organization_id, o.sha256) = (r.stored_in, r.organization_id, r.sha256)),
  -- Which names are spent is kept, and never swept again until somebody announces the content anew.
  kept as (
    update public.artifact_objects o set removing_since = null, announced_at = 'infinity', generation = o.generation + 1 from removed r
    where r.generation > 0 and (o.stored_in, o.organization_id, o.sha256) = (r.stored_in, r.organization_id, r.sha256))
  select count(*) into n from removed;
  return n;
end $$;
comment on function public.forget_objects is 'The objects that were claimed are removed: how many are forgotten (worker only).';

do $$ declare f text; begin
  foreach f in array array['private.house_scope', 'public.list_artifacts_to_move', 'public.begin_artifact_move', 'public.move_artifact',
      'public.claim_unused_objects', 'public.forget_objects'] loop
    perform private.expose_function(f, array['service_role']);
  end loop;
end $$;
