-- Row changes for clients of Supabase Realtime: the publication it reads, with the tables that people watch.

-- Section: which tables, and why no others ------------------------------------------------------------------------
-- Realtime shows an insert or update to whom row-level security would show the row, with the columns that they may read.
-- A delete is told to every subscriber, with the primary key alone, whoever's row it was: so only tables are published
-- whose key is one random id, and replica identity stays at its default. Not published, beside what holds secrets:
-- members (its key says who left which organization) and task_events (many, cleaned up by night; stream them from
-- `/api/tasks/{task_id}/events`).

do $$
declare
  published constant text[] := array['tasks', 'drafts', 'approvals', 'plans', 'nudges', 'digests', 'commitments', 'reminders'];
  publication pg_catalog.pg_publication;
  added text;
begin
  select * into publication from pg_catalog.pg_publication p where p.pubname = 'supabase_realtime';
  if publication.oid is null then
    create publication supabase_realtime;
    select * into publication from pg_catalog.pg_publication p where p.pubname = 'supabase_realtime';
  end if;
  if publication.puballtables then
    raise warning 'the publication supabase_realtime has all tables, also those that hold secrets'
      using hint = 'Drop it and make it anew without tables, then add those that people watch.';
    return;
  end if;
  if not pg_catalog.pg_has_role(publication.pubowner, 'usage') then
    raise warning 'the publication supabase_realtime belongs to %: no table was added', pg_catalog.pg_get_userbyid(publication.pubowner)
      using hint = format('As that role: alter publication supabase_realtime add table public.%s;', array_to_string(published, ', public.'));
    return;
  end if;
  foreach added in array published loop
    if not exists (
      select 1 from pg_catalog.pg_publication_tables t
      where t.pubname = 'supabase_realtime' and t.schemaname = 'public' and t.tablename = added) then
      execute format('alter publication supabase_realtime add table public.%I', added);
    end if;
  end loop;
end $$;
