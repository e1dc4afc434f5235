-- Rotation of the keys that secrets are sealed with: what is sealed, a page at a time, and its replacement by the same secret sealed anew.

create function public.list_sealed(after text default '', page_size integer default 200) returns setof jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('place', s.place, 'organization_id', s.organization_id, 'bound_id', s.bound_id, 'sealed', s.sealed)
  from (
    select 'account/' || a.account_id as place, a.organization_id, a.account_id as bound_id, a.sealed from private.account_secrets a
    union all
    select 'browser/' || b.task_id, b.organization_id, b.task_id, b.sealed from public.browser_places b where b.sealed <> ''
    union all
    select 'command/' || c.id, c.organization_id, c.task_id, c.sealed from public.browser_commands c where c.sealed <> ''
  ) s
  where private.is_service() and s.place > list_sealed.after collate "C"
  order by s.place collate "C" limit list_sealed.page_size
$$;
comment on function public.list_sealed is
  'Ciphertext of every tenant, a page at a time: where it lies, and the ids that it is sealed to. For the rotation of keys alone.';

create function public.reseal(place text, old_sealed text, new_sealed text) returns boolean
language plpgsql set search_path = '' as $$
declare
  kind text := split_part(reseal.place, '/', 1);
  name text := split_part(reseal.place, '/', 2);
  is_done boolean;
begin
  if kind = 'account' then
    update private.account_secrets a set sealed = new_sealed where a.account_id = name::uuid and a.sealed = old_sealed returning true into is_done;
  elsif kind = 'browser' then
    update public.browser_places b set sealed = new_sealed where b.task_id = name::uuid and b.sealed = old_sealed returning true into is_done;
  elsif kind = 'command' then
    update public.browser_commands c set sealed = new_sealed where c.id = name::bigint and c.sealed = old_sealed returning true into is_done;
  end if;
  return coalesce(is_done, false);
end $$;
comment on function public.reseal is
  'Puts the same secret, sealed with another key, where the old ciphertext still lies. False where somebody wrote there meanwhile.';

select private.expose_function('public.list_sealed', array['service_role']);
select private.expose_function('public.reseal', array['service_role']);
