-- Tasks that are out of sight until a time, or until somebody answers; and the lists that leave them out.

create function private.before_snooze_ends() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.snoozed_until := null;
  new.snoozed_for := null;
  return new;
end $$;
comment on function private.before_snooze_ends is 'What runs, or is over, is not snoozed.';
create trigger tasks_16_snooze before update of execution_status on public.tasks for each row
when (new.execution_status in ('queued', 'in_progress', 'completed', 'cancelled') and (new.snoozed_until is not null or new.snoozed_for is not null))
execute function private.before_snooze_ends();

create function private.words_of_name(name text) returns text[]
language sql immutable set search_path = '' as $$
  select coalesce(array_agg(w.word order by w.place) filter (where w.word <> ''), '{}') from regexp_split_to_table(
    replace(replace(replace(replace(lower(normalize(left(words_of_name.name, 320), NFC)), 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'ß', 'ss'),
    '[\s,;"()<>]+') with ordinality w (word, place)
$$;
comment on function private.words_of_name is 'The words of a name in small letters, umlauts written out. What a hyphen joins is one word.';

create function public.find_correspondents(words text, task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(find_correspondents.task_id);
  wanted text[] := private.words_of_name(find_correspondents.words);
  threads text[];
begin
  with recursive above (parent_id, source_ref) as (
    select t.parent_task_id, t.source_ref from public.tasks t where t.id = task.id
    union all select t.parent_task_id, t.source_ref from above a join public.tasks t on t.id = a.parent_id)
  select array_agg(distinct s.key) into threads from (
    select a.source_ref ->> 'thread_key' as key from above a
    union all select m.thread_key from above a join public.mail_messages m
      on m.organization_id = task.organization_id and m.message_id = a.source_ref ->> 'message_id') s where s.key is not null;
  return (
    with called as materialized (
      select lower(m.from_address) as address, m.from_name as name, max(m.sent_at) as last_at,
        bool_or(m.thread_key = any (coalesce(threads, '{}'))) as in_thread,
        (array_agg(m.thread_key order by m.sent_at desc nulls last) filter (where m.thread_key = any (threads)))[1] as thread_key
      from public.mail_messages m
      where m.organization_id = task.organization_id and not m.is_from_me and m.from_address <> ''
      group by 1, 2),
    people as (
      select c.address, (array_agg(c.name order by c.last_at desc nulls last))[1] as name, max(c.last_at) as last_at,
        bool_or(c.in_thread) as in_thread,
        (array_agg(c.thread_key order by c.last_at desc nulls last) filter (where c.thread_key is not null))[1] as thread_key
      from called c
      where lower(find_correspondents.words) in (c.address, split_part(c.address, '@', 1))
        or cardinality(wanted) > 0 and private.words_of_name(c.name) @> wanted
      group by 1 order by 4 desc, 3 desc nulls last, 1 limit 100)
    select coalesce(jsonb_agg(to_jsonb(p) order by p.in_thread desc, p.last_at desc nulls last, p.address), '[]') from people p);
end $$;
comment on function public.find_correspondents is
  'People who wrote mail and have all these words, as whole words, in their name, or this address or its part before the @; those of the task''s own thread first: [{address, name, last_at, in_thread, thread_key}].';

create function public.snooze_task(task_id uuid, until timestamptz default null, reply_from text default null, who text default null,
  thread_key text default null, since timestamptz default null, words text default '') returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(snooze_task.task_id, true);
begin
  if until is null and coalesce(reply_from, '') = '' then
    perform private.refuse(422, 'until or reply_from is missing: a task is snoozed until a time, an answer, or both');
  elsif until not between '1900-01-02' and '9997-12-31' then
    perform private.refuse(422, 'until lies in the years 1900 to 9997', left(until::text, 100));
  elsif reply_from is not null and (since is null or length(reply_from) > 320 or strpos(reply_from, '@') = 0) then
    perform private.refuse(422, 'reply_from is an address, with the time since which its answer counts', left(reply_from, 100));
  elsif task.execution_status in ('queued', 'in_progress', 'completed', 'cancelled') then
    perform private.refuse(409, format('A task that is %s cannot be snoozed', task.execution_status), 'allowed: pending, blocked, paused, failed');
  end if;
  update public.tasks t set snoozed_until = snooze_task.until, snoozed_for = case when reply_from is not null then jsonb_strip_nulls(
    jsonb_build_object('reply_from', lower(reply_from), 'who', left(who, 320), 'thread_key', left(snooze_task.thread_key, 1000), 'since', since)) end
  where t.id = task.id;
  perform public.add_task_event(task.id, 'snoozed', left(words, 500),
    jsonb_strip_nulls(jsonb_build_object('until', until, 'reply_from', lower(reply_from), 'who', left(who, 320))));
  return public.get_task(task.id);
end $$;
comment on function public.snooze_task is 'Puts a task out of sight until a time, until somebody answers by mail (in a thread, where one is given), or whichever comes first.';

create function public.list_task_promises(task_id uuid) returns setof jsonb
language sql stable set search_path = '' as $$
  select private.commitment_json(c) from public.commitments c
  where c.organization_id = (select private.acting_organization()) and c.task_id = list_task_promises.task_id and c.state = 'open'
  order by c.due_at nulls last, c.id limit 20
$$;
comment on function public.list_task_promises is 'Open promises that hang on a task, soonest due first.';

create function private.wake_task(task_id uuid, message text, data jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  task public.tasks;
begin
  update public.tasks t set snoozed_until = null, snoozed_for = null
  where t.id = wake_task.task_id and (t.snoozed_until is not null or t.snoozed_for is not null)
    and (private.in_scope(t.organization_id) or private.is_service() and (select auth.jwt()) ->> 'organization_id' is null)
  returning t.* into task;
  if task.id is not null then
    perform private.record_event(task.organization_id, task.id, task.root_task_id, 'woken', message, data);
  end if;
end $$;
comment on function private.wake_task is 'A task is in sight again, and its log says why.';

create function public.unsnooze_task(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(unsnooze_task.task_id, true);
begin
  perform private.wake_task(task.id, 'You took it back', '{}');
  return public.get_task(task.id);
end $$;
comment on function public.unsnooze_task is 'Ends a snooze. Where there is none, nothing happens.';

create function public.wake_snoozed_tasks(at timestamptz) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  task public.tasks;
  n integer := 0;
begin
  for task in
    select t.* from public.tasks t where t.snoozed_until <= wake_snoozed_tasks.at order by t.snoozed_until limit 500 for no key update of t skip locked
  loop
    perform private.wake_task(task.id, 'Its time has come', '{}');
    n := n + 1;
  end loop;
  return n;
end $$;
comment on function public.wake_snoozed_tasks is 'Brings back the tasks of every tenant whose snooze is over; how many (service only).';

create function private.after_mail_answers() returns trigger
language plpgsql set search_path = '' as $$
declare
  found record;
begin
  for found in
    select t.id, k.subject, k.message_id, coalesce(nullif(t.snoozed_for ->> 'who', ''), nullif(k.from_name, ''), k.from_address) as who
    from kept k join public.tasks t on t.organization_id = k.organization_id and t.snoozed_for is not null
      and t.snoozed_for ->> 'reply_from' = lower(k.from_address)
    where not k.is_from_me and coalesce(nullif(lower(k.headers ->> 'auto_submitted'), ''), 'no') = 'no'
      and (k.sent_at is null or k.sent_at > (t.snoozed_for ->> 'since')::timestamptz)
      and (not t.snoozed_for ? 'thread_key' or t.snoozed_for ->> 'thread_key' = k.thread_key)
    order by t.id, k.sent_at
  loop
    perform private.wake_task(found.id, format('%s replied: %s', left(found.who, 200), left(found.subject, 300)),
      jsonb_build_object('message_id', found.message_id));
  end loop;
  return null;
end $$;
comment on function private.after_mail_answers is 'The answer that a task was snoozed for is here. What a machine answered by itself is none.';
create trigger mail_messages_40_answers after insert on public.mail_messages referencing new table as kept
for each statement execute function private.after_mail_answers();

create function public.count_snoozed_tasks(at timestamptz) returns integer
language sql stable set search_path = '' as $$
  select count(*)::integer from public.tasks t where t.organization_id = (select private.acting_organization()) and t.archived_at is null
    and t.parent_task_id is null and (t.snoozed_until > count_snoozed_tasks.at or t.snoozed_until is null and t.snoozed_for is not null)
$$;
comment on function public.count_snoozed_tasks is 'How many top-level tasks are snoozed at a moment.';

create or replace function public.get_executable_tasks(org_id uuid default null, execution_type text default null, page_size integer default 50)
returns setof jsonb
language sql stable set search_path = '' as $$
  select private.task_json(t) - 'execution_log' from public.tasks t
  where t.organization_id = coalesce(get_executable_tasks.org_id, (select private.acting_organization()))
    and private.in_scope(t.organization_id)
    and t.execution_status in ('pending', 'queued') and t.archived_at is null
    and t.snoozed_until is null and t.snoozed_for is null
    and (get_executable_tasks.execution_type is null or t.execution_type = get_executable_tasks.execution_type)
    and not private.is_paused(t.id) and not private.waits_for_others(t.id)
  order by t.priority_rank, t.due_key, t.created_at, t.id limit least(greatest(page_size, 1), 200)
$$;

create or replace function public.list_tasks(filter jsonb default '{}', sort text default 'urgency', after jsonb default null, page_size integer default 50)
returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  keys text[];
  types text[];
  direction text := '>';
  conditions text := 't.organization_id = $1';
  rows jsonb;
  last jsonb;
begin
  case sort
    when 'urgency' then keys := array['priority_rank', 'due_key', 'created_at', 'id']; types := array['smallint', 'timestamptz', 'timestamptz', 'uuid'];
    when 'due' then keys := array['due_key', 'priority_rank', 'id']; types := array['timestamptz', 'smallint', 'uuid'];
    when 'created' then keys := array['created_at', 'id']; types := array['timestamptz', 'uuid']; direction := '<';
    when 'updated' then keys := array['updated_at', 'id']; types := array['timestamptz', 'uuid']; direction := '<';
    when 'title' then keys := array['title', 'id']; types := array['text', 'uuid'];
    when 'position' then keys := array['position', 'id']; types := array['double precision', 'uuid'];
    else perform private.refuse(422, format('Tasks cannot be sorted by %L', sort), 'allowed: urgency, due, created, updated, title, position');
  end case;
  if page_size is null or page_size not between 1 and 200 then
    perform private.refuse(422, 'limit is between 1 and 200', format('limit is %s', page_size));
  end if;
  if filter ? 'status' then conditions := conditions || ' and t.execution_status in (select jsonb_array_elements_text($2 -> ''status''))'; end if;
  if filter ? 'execution_type' then conditions := conditions || ' and t.execution_type = $2 ->> ''execution_type'''; end if;
  if filter ? 'source' then conditions := conditions || ' and t.source = $2 ->> ''source'''; end if;
  if filter ? 'priority' then conditions := conditions || ' and t.priority = $2 ->> ''priority'''; end if;
  if filter ? 'label' then conditions := conditions || ' and t.labels @> array[$2 ->> ''label'']'; end if;
  if filter ? 'due_before' then conditions := conditions || ' and t.due_at < ($2 ->> ''due_before'')::timestamptz'; end if;
  if filter ? 'due_after' then conditions := conditions || ' and t.due_at >= ($2 ->> ''due_after'')::timestamptz'; end if;
  if filter ? 'parent' then
    conditions := conditions || case when filter ->> 'parent' = 'none' then ' and t.parent_task_id is null'
                                else ' and t.parent_task_id = ($2 ->> ''parent'')::uuid' end;
  end if;
  if filter ? 'text' then
    conditions := conditions || ' and t.id in (select private.tasks_with_words($2 ->> ''text''))';
  end if;
  if filter ? 'snoozed' then
    conditions := conditions || case when filter ->> 'snoozed' = 'true' then ' and (' else ' and not (' end
      || 'coalesce(t.snoozed_until > coalesce(($2 ->> ''at'')::timestamptz, ''-infinity''), t.snoozed_for is not null))';
  end if;
  conditions := conditions || case when filter ->> 'archived' = 'true' then ' and t.archived_at is not null' else ' and t.archived_at is null' end;
  if after is not null then
    if jsonb_typeof(after) <> 'array' or jsonb_array_length(after) <> cardinality(keys) then
      perform private.refuse(422, 'This cursor belongs to another list', 'cursor');
    end if;
    conditions := conditions || format(' and (%s) %s (%s)',
      (select string_agg(format('t.%I', k), ', ' order by o) from unnest(keys) with ordinality u (k, o)), direction,
      (select string_agg(format('($3 ->> %s)::%s', o - 1, k), ', ' order by o) from unnest(types) with ordinality u (k, o)));
  end if;
  execute format(
    'select coalesce(jsonb_agg(private.task_json(p) - ''execution_log'' - ''result'' - ''description'' order by %1$s), ''[]''),'
    || ' (jsonb_agg(jsonb_build_array(%2$s) order by %1$s)) -> -1'
    || ' from (select t.* from public.tasks t where %3$s order by %4$s limit %5$s) p',
    (select string_agg(format('p.%I %s', k, case direction when '<' then 'desc' else 'asc' end), ', ' order by o) from unnest(keys) with ordinality u (k, o)),
    (select string_agg(format('p.%I', k), ', ' order by o) from unnest(keys) with ordinality u (k, o)),
    conditions,
    (select string_agg(format('t.%I %s', k, case direction when '<' then 'desc' else 'asc' end), ', ' order by o) from unnest(keys) with ordinality u (k, o)),
    page_size)
  into rows, last using private.acting_organization(), filter, after;
  return jsonb_build_object('items', rows, 'after', case when jsonb_array_length(rows) = page_size then last end);
exception when invalid_text_representation or invalid_datetime_format or datetime_field_overflow then
  perform private.refuse(422, 'A filter or cursor has a wrong value', sqlerrm);
  return null;
end $$;

comment on function public.list_tasks is
  'A page of tasks without their logs: {items, after}. filter keys: status (array), execution_type, source, priority, label, due_before, due_after, parent (id or none), text, archived, snoozed (at the moment `at`).';

do $$ declare f text; begin
  foreach f in array array['find_correspondents', 'list_task_promises', 'snooze_task', 'unsnooze_task', 'count_snoozed_tasks'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('public.wake_snoozed_tasks', array['service_role']);
  perform private.expose_function('private.words_of_name', array['authenticated', 'service_role']);
  perform private.expose_function('private.wake_task', array['authenticated', 'service_role']);
  foreach f in array array['before_snooze_ends', 'after_mail_answers'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;
