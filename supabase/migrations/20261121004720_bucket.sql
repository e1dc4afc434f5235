-- The bucket of Supabase Storage in which stored files may lie.

create function private.guard_bucket() returns boolean
language plpgsql set search_path = '' as $$
begin
  if to_regclass('storage.objects') is null or to_regclass('storage.buckets') is null then
    return false;
  end if;
  begin
    execute $sql$insert into storage.buckets (id, name, public) values ('artifacts', 'artifacts', false) on conflict (id) do update set public = false$sql$;
  exception when insufficient_privilege then
    raise notice 'The bucket artifacts is not made (%): make it, private', sqlerrm;
  end;
  -- Nobody writes but the house, with the secret key, which no policy holds back. Storage has row-level security on by
  -- itself where it is another owner's; without a policy of ours nobody but the secret key reads either.
  begin
    if not (select c.relrowsecurity from pg_catalog.pg_class c where c.oid = to_regclass('storage.objects')) then
      execute 'alter table storage.objects enable row level security';
    end if;
    execute 'drop policy if exists steward_artifacts_read on storage.objects';
    execute $sql$create policy steward_artifacts_read on storage.objects for select to authenticated using (
      bucket_id = 'artifacts' and split_part(name, '/', 1) = (select private.acting_organization()::text)
      and exists (select 1 from public.artifacts a where a.organization_id = (select private.acting_organization())
        and a.sha256 = substring(objects.name from '[^/]*$') and a.stored_in = 'supabase' and a.object_path = objects.name))$sql$;
  exception when insufficient_privilege then
    raise notice 'Objects have no policy of ours (%): the secret key alone reads the bucket artifacts', sqlerrm;
  end;
  return true;
end $$;
comment on function private.guard_bucket is
  'Where Supabase Storage is: the private bucket artifacts, in which a person reads the files of the organization that they act in, and nobody writes but the house. False where it is not.';
select private.expose_function('private.guard_bucket', array[]::text[]);

select private.guard_bucket();
