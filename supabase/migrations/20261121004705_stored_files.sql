-- A sweeper that froze after its claim may remove what it claimed at any later time: whoever saves the same bytes after
-- the claim ended puts them under another name. And a person who writes a row directly says the truth about its content.

alter table public.artifact_objects
  add column generation integer not null default 0 check (generation >= 0);
comment on column public.artifact_objects.generation is
  'How many claims of this content ended without a word: nobody knows when their removal happens, so the names of earlier generations are not used again.';
comment on column public.artifacts.object_path is 'The name of the object: <organization>/<sha256>, or <organization>/<generation>/<sha256>, set by a trigger.';
alter table public.artifacts
  drop constraint object_path_own,
  add constraint object_path_own check (
    (object_path is null) = (stored_in = 'database')
    and (object_path is null or object_path = organization_id::text || '/' || sha256
      or object_path ~ ('^' || organization_id::text || '/[1-9][0-9]{0,8}/' || sha256 || '$')));

create function private.object_path(organization_id uuid, sha256 text, generation integer) returns text
language sql immutable set search_path = '' as $$
  select object_path.organization_id::text || '/' || case when object_path.generation > 0 then object_path.generation::text || '/' else '' end || object_path.sha256
$$;
comment on function private.object_path is 'The name of an object: a first one has no generation in it.';

do $$ begin
  perform private.expose_function('private.object_path', array['authenticated', 'service_role']);
end $$;
