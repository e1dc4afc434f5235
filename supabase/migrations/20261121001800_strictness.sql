-- What earlier migrations allowed and should not have; and search over a full table.

-- What a gate asks about is sealed with its digest: payload, reason and title never change.
create or replace function private.before_approval_update() returns trigger
language plpgsql set search_path = '' as $$
declare
  allowed text[] := case old.state
    when 'open' then array['approved', 'rejected', 'expired', 'voided']
    when 'approved' then array['used', 'voided']
    else array[]::text[] end;
begin
  if new.id <> old.id or new.organization_id <> old.organization_id or new.task_id <> old.task_id
     or new.draft_id is distinct from old.draft_id or new.digest <> old.digest
     or new.expires_at is distinct from old.expires_at or new.payload <> old.payload or new.why <> old.why or new.title <> old.title
     or new.requested_by <> old.requested_by or new.created_at <> old.created_at or new.tool is distinct from old.tool
     or new.generation is distinct from old.generation
     or (old.step_id is not null and new.step_id is not null and new.step_id <> old.step_id) then
    perform private.refuse(409, 'What an approval is for never changes');
  end if;
  if new.state = old.state then
    if new.decided_by is distinct from old.decided_by or new.decided_at is distinct from old.decided_at
       or (old.step_id is null and new.step_id is not null) then
      perform private.refuse(409, 'A decision is not rewritten');
    end if;
    return new;
  end if;
  if not new.state = any (allowed) then
    perform private.refuse(409, format('An approval that is %s cannot become %s', old.state, new.state),
      format('allowed: %s', coalesce(nullif(array_to_string(allowed, ', '), ''), 'none, this state is final')));
  end if;
  if new.state in ('approved', 'rejected') then
    if (select auth.uid()) is null then
      perform private.refuse(403, 'Only a person approves or rejects');
    end if;
    if old.expires_at is not null and old.expires_at <= now() then
      perform private.refuse(409, 'This approval has expired');
    end if;
    new.decided_by := (select auth.uid());
    new.decided_at := now();
  end if;
  if new.state = 'used' then new.used_at := now(); end if;
  return new;
end $$;

-- The answer names the approval that was made with the draft.
create or replace function public.create_draft(task_id uuid, content jsonb, supersedes_id uuid default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(create_draft.task_id, true);
  earlier public.drafts;
  made public.drafts;
begin
  if create_draft.supersedes_id is not null then
    earlier := private.own_draft(create_draft.supersedes_id, true);
  else
    select * into earlier from public.drafts d where d.task_id = task.id order by d.version desc limit 1 for no key update;
  end if;
  if earlier.id is not null then
    if earlier.state in ('sending', 'uncertain') then
      perform private.refuse(409, format('The earlier draft is %s', earlier.state));
    end if;
    perform private.supersede_draft(earlier);
  end if;
  made := private.insert_draft(task, content, earlier);
  return private.draft_json(made);
end $$;

create or replace function public.revise_draft(draft_id uuid, changes jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  earlier public.drafts := private.own_draft(revise_draft.draft_id, true);
  made public.drafts;
  unknown text;
begin
  select string_agg(k, ', ') into unknown from jsonb_object_keys(changes) k
  where k <> all (case earlier.channel when 'slack' then array['target', 'body'] else array['to_recipients', 'cc_recipients', 'bcc_recipients', 'subject', 'body'] end);
  if unknown is not null then
    perform private.refuse(422, 'These fields of a draft cannot be edited', unknown);
  end if;
  if earlier.state not in ('draft', 'approved', 'failed', 'rejected')
     or exists (select 1 from public.drafts d where d.supersedes_id = earlier.id) then
    perform private.refuse(409, format('A draft that is %s cannot be edited', earlier.state), earlier.state,
      (select 'The newest version is ' || d.id from public.drafts d where d.task_id = earlier.task_id order by d.version desc limit 1));
  end if;
  perform private.supersede_draft(earlier);
  -- An approved draft has a send task that waits in the queue; it goes with the draft.
  update public.tasks t set execution_status = 'cancelled'
  where t.parent_task_id = earlier.task_id and t.tool in ('email_send', 'slack_notification') and t.tool_input ->> 'draft_id' = earlier.id::text
    and t.execution_status in ('pending', 'queued');
  made := private.insert_draft(private.own_task(earlier.task_id), (to_jsonb(earlier)) || changes, earlier);
  return private.draft_json(made);
end $$;

create or replace function public.add_execution_log_entry(task_id uuid, log_entry jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(add_execution_log_entry.task_id, true);
begin
  if jsonb_typeof(log_entry) <> 'object' or coalesce(log_entry ->> 'event', '') = '' then
    perform private.refuse(422, 'log_entry is an object with an event');
  end if;
  if log_entry ?| array['from', 'to'] or log_entry ->> 'event' = any (array['created', 'queued', 'started', 'resumed', 'retry_queued', 'unqueued', 'paused',
      'blocked', 'completed', 'failed', 'cancelled']) then
    perform private.refuse(422, 'Only the database writes changes of state into execution_log', log_entry ->> 'event');
  end if;
  update public.tasks t set execution_log = t.execution_log || jsonb_build_array(log_entry
    || jsonb_build_object('timestamp', now(), 'actor_type', private.actor_type(), 'actor_id', (select auth.uid())))
  where t.id = task.id returning t.* into task;
  return task.execution_log;
end $$;

create function private.search_query(wanted text) returns tsquery
language sql immutable set search_path = '' as $$
  select websearch_to_tsquery('simple', wanted) || coalesce((
    select to_tsquery('simple', string_agg(quote_literal(l.lexeme) || ':*', ' & ')) from unnest(to_tsvector('simple', wanted)) l), ''::tsquery)
$$;
comment on function private.search_query is 'What was typed, as words; each also as the beginning of a word.';
select private.expose_function('private.search_query', array['authenticated', 'service_role']);

create function private.tasks_with_words(wanted text) returns setof uuid
language sql stable security definer set search_path = '' rows 200 as $$
  select w.task_id from public.task_words w
  where w.organization_id = (select private.acting_organization()) and w.words @@ private.search_query(wanted)
$$;
comment on function private.tasks_with_words is
  'Tasks of the caller''s organization in which words stand. Definer, because no index of words may be used before a row-level policy has been asked.';
select private.expose_function('private.tasks_with_words', array['authenticated', 'service_role']);

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

-- A function in a condition is asked once a row, in a subselect once.
create index tasks_counted_idx on public.tasks (organization_id, execution_status) where archived_at is null and parent_task_id is null;
create or replace function public.count_tasks() returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_object_agg(s.execution_status, s.n), '{}') from (
    select t.execution_status, count(*) as n from public.tasks t
    where t.organization_id = (select private.acting_organization()) and t.archived_at is null and t.parent_task_id is null
    group by 1) s
$$;

create or replace function public.get_executable_tasks(org_id uuid default null, execution_type text default null, page_size integer default 50)
returns setof jsonb
language sql stable set search_path = '' as $$
  select private.task_json(t) - 'execution_log' from public.tasks t
  where t.organization_id = coalesce(get_executable_tasks.org_id, (select private.acting_organization()))
    and private.in_scope(t.organization_id)
    and t.execution_status in ('pending', 'queued') and t.archived_at is null
    and (get_executable_tasks.execution_type is null or t.execution_type = get_executable_tasks.execution_type)
    and not private.is_paused(t.id) and not private.waits_for_others(t.id)
  order by t.priority_rank, t.due_key, t.created_at, t.id limit least(greatest(page_size, 1), 200)
$$;

create or replace function public.find_tasks(prefix text) returns setof jsonb
language sql stable set search_path = '' as $$
  select private.task_json(t) - 'execution_log' from public.tasks t
  where t.organization_id = (select private.acting_organization()) and t.id::text like (regexp_replace(lower(prefix), '[^0-9a-f-]', '', 'g') || '%')
    and prefix ~* '^[0-9a-f-]{4,36}$'
  order by t.created_at desc limit 20
$$;


-- The row first, then what hangs on it: read the other way round, a task could be seen waiting for a draft that is not there yet.
create or replace function public.get_task(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_task.task_id);
begin
  return private.task_json(task);
end $$;
