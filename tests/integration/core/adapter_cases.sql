-- Functions of a test: what a function can take, give and refuse.
create function public.probe_echo_json(value jsonb) returns jsonb language sql as $$ select value $$;
create function public.probe_kind_of_json(value jsonb) returns text language sql as $$ select jsonb_typeof(value) $$;
create function public.probe_text(value text) returns text language sql as $$ select value $$;
create function public.probe_number(value bigint) returns text language sql as $$ select value::text $$;
create function public.probe_numeric(value numeric) returns text language sql as $$ select value::text $$;
create function public.probe_float(value double precision) returns text language sql as $$ select value::text $$;
create function public.probe_flag(value boolean) returns boolean language sql as $$ select not value $$;
create function public.probe_time(value timestamptz) returns text language sql
  as $$ select to_char(value at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') $$;
create function public.probe_moment() returns timestamptz language sql
  as $$ select '2026-03-04 09:30:00.123456+01'::timestamptz $$;
create function public.probe_day(value date) returns date language sql as $$ select value + 1 $$;
create function public.probe_ids(value uuid[]) returns text language sql
  as $$ select array_length(value, 1)::text || ' ' || value[1]::text $$;
create function public.probe_id(value uuid) returns uuid language sql as $$ select value $$;
create function public.probe_nothing() returns void language sql as $$ select 1 $$;
create function public.probe_null() returns jsonb language sql as $$ select null::jsonb $$;
create function public.probe_set(most integer) returns setof jsonb language sql
  as $$ select jsonb_build_object('n', n) from generate_series(1, most) n $$;
create function public.probe_words() returns setof text language sql as $$ values ('a'), (null), ('"ü"') $$;
create function public.probe_default(value text default 'left out') returns text language sql as $$ select value $$;
create function public.probe_who() returns jsonb language sql as $$
  select jsonb_build_object('role', current_user, 'id', auth.uid(),
    'organization', auth.jwt() ->> 'organization_id', 'scopes', auth.jwt() -> 'token_scopes',
    'agent', auth.jwt() ->> 'agent_id', 'run', auth.jwt() ->> 'run_id') $$;
create function public.probe_slow(seconds double precision) returns text language plpgsql as $$
  begin perform pg_sleep(seconds); return auth.uid()::text; end $$;
create function public.probe_refuse(state text) returns text language plpgsql as $$
  begin raise exception using errcode = state, message = 'no “' || state || '”', detail = 'why', hint = 'do else'; end $$;
create table public.probes (id integer primary key, name text not null check (name <> 'bad'),
  other integer references public.probes (id));
insert into public.probes values (1, 'one');
grant all on public.probes to anon, authenticated, service_role;
create function public.probe_put(id integer, name text, other integer) returns text language sql
  as $$ insert into public.probes values (probe_put.id, probe_put.name, probe_put.other) returning name $$;
create sequence public.probe_tries;
grant all on sequence public.probe_tries to anon, authenticated, service_role;
create function public.probe_collide(until integer) returns text language plpgsql as $$
  declare tried bigint := nextval('public.probe_tries'); begin
  if tried < until then raise exception using errcode = '40001', message = 'collided'; end if;
  return tried::text; end $$;
create function public.probe_timed_out() returns text language plpgsql set statement_timeout = '50ms' as $$
  begin raise query_canceled using message = 'canceling statement due to statement timeout'; end $$;
create function public.probe_closed() returns text language sql as $$ select 'in' $$;
revoke execute on function public.probe_closed() from public;
