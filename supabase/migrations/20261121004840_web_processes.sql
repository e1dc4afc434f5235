-- Web processes that reach the database over HTTP: no connection of theirs tells that they serve.

create table private.web_processes (
  id uuid primary key,
  host text not null check (length(host) between 1 and 255),
  pid integer not null,
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now()
);
comment on table private.web_processes is 'Web processes that reach the database over HTTP and show themselves: when each was heard last.';
select private.guard_table('private.web_processes', '');

create function private.insist_on_house() returns void
language plpgsql stable set search_path = '' as $$
begin
  if not private.is_service() or (select auth.jwt()) ? 'organization_id' then -- no worker of one organization
    perform private.refuse(403, 'Only the house tells of its web processes');
  end if;
end $$;
comment on function private.insist_on_house is 'Refuses everybody but the house itself.';

create function public.heartbeat_web_process(process_id uuid, host text, pid integer) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform private.insist_on_house();
  delete from private.web_processes w where w.heartbeat_at < now() - interval '1 day';
  insert into private.web_processes as w (id, host, pid)
  values (heartbeat_web_process.process_id, left(heartbeat_web_process.host, 255), heartbeat_web_process.pid)
  on conflict (id) do update set heartbeat_at = now();
end $$;
comment on function public.heartbeat_web_process is 'A web process that reaches the database over HTTP is alive (the house only).';

create function public.retire_web_process(process_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform private.insist_on_house();
  delete from private.web_processes w where w.id = retire_web_process.process_id;
end $$;
comment on function public.retire_web_process is 'A web process ended in order (the house only).';

create function public.list_web_processes(silent_seconds integer default 60) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.insist_on_house();
  return (select coalesce(jsonb_agg(to_jsonb(w) order by w.started_at), '[]') from private.web_processes w
          where w.heartbeat_at > now() - make_interval(secs => list_web_processes.silent_seconds));
end $$;
comment on function public.list_web_processes is 'The web processes over HTTP that were heard in the last seconds: [{id, host, pid, started_at, heartbeat_at}] (the house only).';

do $$ declare f text; begin
  foreach f in array array['heartbeat_web_process', 'retire_web_process', 'list_web_processes'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  perform private.expose_function('private.insist_on_house', array['service_role']);
end $$;
