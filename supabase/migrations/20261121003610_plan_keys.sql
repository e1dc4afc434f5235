-- The callback secrets of plans take part in the rotation of keys; and how a plan stands, without its tasks.

grant select, update (sealed_secret) on private.plan_secrets to service_role;

create or replace function public.list_sealed(after text default '', page_size integer default 200) returns setof jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object('place', s.place, 'organization_id', s.organization_id, 'bound_id', s.bound_id, 'sealed', s.sealed)
  from (
    select 'account/' || a.account_id as place, a.organization_id, a.account_id as bound_id, a.sealed from private.account_secrets a
    union all
    select 'browser/' || b.task_id, b.organization_id, b.task_id, b.sealed from public.browser_places b where b.sealed <> ''
    union all
    select 'command/' || c.id, c.organization_id, c.task_id, c.sealed from public.browser_commands c where c.sealed <> ''
    union all
    select 'plan/' || k.plan_id, p.organization_id, p.organization_id, k.sealed_secret from private.plan_secrets k join public.plans p on p.id = k.plan_id
  ) s
  where private.is_service() and s.place > list_sealed.after collate "C"
  order by s.place collate "C" limit list_sealed.page_size
$$;

create or replace function public.reseal(place text, old_sealed text, new_sealed text) returns boolean
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
  elsif kind = 'plan' then
    update private.plan_secrets k set sealed_secret = new_sealed where k.plan_id = name::uuid and k.sealed_secret = old_sealed returning true into is_done;
  end if;
  return coalesce(is_done, false);
end $$;

create function public.get_plan_progress(plan_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  plan public.plans := private.own_plan(get_plan_progress.plan_id);
begin
  return private.plan_json(plan) || jsonb_build_object('stages', (
    select coalesce(jsonb_object_agg(t.id, t.source_ref ->> 'key'), '{}') from public.tasks t
    where t.parent_task_id = plan.id and t.tool = 'plan_stage' and t.source_ref ? 'key'));
end $$;
comment on function public.get_plan_progress is
  'How a plan stands, without its tree: as in get_plan, and of a document which task writes which stage ({task: stage}, replaced ones too).';

select private.expose_function('public.get_plan_progress', array['authenticated', 'service_role']);
