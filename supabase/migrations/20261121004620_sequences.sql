-- What Supabase opens by default and `private.guard_table` does not close: the sequences behind ids that count up.

-- Nobody draws a number by hand: identity columns need no leave for it, and functions that draw one are definers.
do $$
declare
  sequence regclass;
begin
  for sequence in
    select c.oid from pg_catalog.pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'S'
      and exists (select 1 from pg_catalog.pg_depend d join pg_catalog.pg_class t on t.oid = d.refobjid
                  where d.objid = c.oid and d.deptype in ('a', 'i') and pg_catalog.pg_has_role(t.relowner, 'usage'))
  loop
    execute format('revoke all on sequence %s from public, anon, authenticated, service_role', sequence);
  end loop;
end $$;

-- Nor is a view written to.
revoke all on public.plan_metrics from service_role;
grant select on public.plan_metrics to service_role;
