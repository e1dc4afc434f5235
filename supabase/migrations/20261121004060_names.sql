-- Names: what those who are written to are called, as far as mail and calendar tell.

create index mail_messages_writer_idx on public.mail_messages (organization_id, lower(from_address), sent_at desc);

create function public.get_known_names(task_id uuid, addresses jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_known_names.task_id);
  wanted text[] := array(select lower(a) from jsonb_array_elements_text(get_known_names.addresses) a limit 20);
begin
  return (
    select coalesce(jsonb_object_agg(found.address, found.names), '{}') from (
      select w.address, jsonb_agg(x.name order by x.place, x.at desc) as names
      from unnest(wanted) w (address)
      cross join lateral (
        select 0 as place, m.sent_at as at, left(m.from_name, 100) as name
        from (select m.sent_at, m.from_name from public.mail_messages m
              where m.organization_id = task.organization_id and lower(m.from_address) = w.address and m.from_name <> ''
                and m.suspicious is null and not m.labels && array['spam', 'trash', 'drafts']
              order by m.sent_at desc nulls last limit 5) m
        union all
        select 1, e.starts_at, left(a ->> 'name', 100)
        from (select e.starts_at, e.attendees from public.calendar_events e
              where e.organization_id = task.organization_id order by e.starts_at desc limit 1000) e
        cross join lateral jsonb_array_elements(e.attendees) a
        where lower(a ->> 'address') = w.address and a ->> 'name' <> '') x
      group by w.address) found);
end $$;
comment on function public.get_known_names is
  'By address what its mails and invitations call whoever writes from it, the newest first, mail before calendar; others wrote that (worker only).';

do $$ begin
  perform private.expose_function('public.get_known_names', array['service_role']);
end $$;
