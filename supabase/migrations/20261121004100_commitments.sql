-- Promises: what the person promised to others and others to the person; and what a person says a mail needs.

create table public.commitments (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references public.organizations (id) on delete cascade,
  is_mine boolean not null,
  person_address text not null default '' check (length(person_address) <= 320 and person_address = lower(person_address)),
  person_name text not null default '' check (length(person_name) <= 300),
  quote text not null check (length(quote) between 1 and 1000),
  title text not null default '' check (length(title) <= 300),
  source_kind text not null default 'mail' check (source_kind in ('mail', 'slack', 'notes', 'manual')),
  source_key text not null check (length(source_key) between 1 and 1200),
  message_id text check (length(message_id) <= 1000),
  thread_key text check (length(thread_key) <= 1000),
  said_at timestamptz not null,
  due_at timestamptz,
  due_is_all_day boolean not null default true,
  state text not null default 'open' check (state in ('open', 'kept', 'dropped')),
  closed_at timestamptz,
  closed_because text check (length(closed_because) <= 1000),
  reopened_at timestamptz,
  task_id uuid references public.tasks (id) on delete set null,
  away_until timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint closed_says_when check ((state = 'open') = (closed_at is null)),
  unique (organization_id, source_key)
);
comment on table public.commitments is 'A promise found in mail, chat or notes, with the words it was made in: the person''s own (is_mine), or that of somebody else to them.';
comment on column public.commitments.source_key is 'Identity at the source: reading the same words twice makes one.';
comment on column public.commitments.reopened_at is 'A person opened it again: what came before closes it no more.';
comment on column public.commitments.away_until is 'Until when the other is away, by their automatic answer.';
create index commitments_state_idx on public.commitments (organization_id, state, due_at);
create index commitments_thread_idx on public.commitments (organization_id, thread_key) where thread_key is not null;
create index commitments_message_idx on public.commitments (organization_id, message_id) where message_id is not null;
create index commitments_task_idx on public.commitments (task_id) where task_id is not null;
create trigger commitments_touch before update on public.commitments for each row execute function private.touch_updated_at();

select private.guard_table('public.commitments', 'select, insert, update, delete');
create policy commitments_read on public.commitments for select to authenticated using (organization_id in (select private.my_organizations()));
create policy commitments_add on public.commitments for insert to authenticated with check (organization_id in (select private.my_organizations()));
create policy commitments_change on public.commitments for update to authenticated
  using (organization_id in (select private.my_organizations())) with check (organization_id in (select private.my_organizations()));
create policy commitments_remove on public.commitments for delete to authenticated using (organization_id in (select private.my_organizations()));

create trigger commitments_05_tenant before insert or update of task_id, organization_id on public.commitments for each row
when (new.task_id is not null) execute function private.keep_of_task_in_tenant();

create function private.after_promised_task() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  promise uuid;
begin
  for promise in
    select c.id from public.commitments c where c.task_id = new.id and c.state = 'open'
    union select c.id from public.commitments c where new.source = 'proactive' and new.execution_status = 'completed' and c.is_mine and c.state = 'open'
      and c.organization_id = new.organization_id and c.id = private.as_uuid(new.source_ref ->> 'commitment_id')
  loop
    update public.commitments c set state = case new.execution_status when 'completed' then 'kept' else 'dropped' end,
      closed_at = coalesce(new.completed_at, new.cancelled_at, now()),
      closed_because = left(format(case new.execution_status when 'completed' then 'Its task is done: %s' else 'Its task was cancelled: %s' end, new.title), 1000)
    where c.id = promise;
  end loop;
  return null;
end $$;
comment on function private.after_promised_task is 'Done with the task is done with the promise; to turn down what was proposed for it is not. Definer: whoever ends a task need not see promises.';
create trigger tasks_34_promise after update of execution_status on public.tasks for each row
when (new.execution_status in ('completed', 'cancelled') and old.execution_status is distinct from new.execution_status)
execute function private.after_promised_task();

-- Section: keeping and reading ------------------------------------------------------------------------------------

create function private.commitment_json(commitment public.commitments) returns jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(commitment) - 'source_key' || jsonb_build_object(
    'task_title', (select t.title from public.tasks t where t.id = commitment.task_id),
    'subject', mail.subject, 'mail_id', mail.id,
    'is_answered', exists (select 1 from public.mail_messages m where m.organization_id = commitment.organization_id
      and m.thread_key = commitment.thread_key and m.is_from_me and not m.labels && array['drafts', 'trash', 'spam']))
  from (select 1) one left join lateral (select m.id, m.subject from public.mail_messages m where m.organization_id = commitment.organization_id
    and m.message_id = commitment.message_id order by m.created_at limit 1) mail on true
$$;
comment on function private.commitment_json is 'A promise as it is told, with the title of its task, the subject of its mail, and whether the person wrote in its thread.';

create function public.record_commitments(items jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  made jsonb;
begin
  with added as (
    insert into public.commitments (organization_id, is_mine, person_address, person_name, quote, title, source_kind, source_key,
      message_id, thread_key, said_at, due_at, due_is_all_day, task_id)
    select distinct on (r.source_key) private.acting_organization(), r.is_mine, lower(coalesce(r.person_address, '')), coalesce(r.person_name, ''), r.quote,
      coalesce(r.title, ''), coalesce(r.source_kind, 'mail'), r.source_key, r.message_id, r.thread_key, r.said_at, r.due_at,
      coalesce(r.due_is_all_day, true), r.task_id
    from jsonb_populate_recordset(null::public.commitments, record_commitments.items) r
    on conflict (organization_id, source_key) do nothing returning *)
  select coalesce(jsonb_agg(private.commitment_json(a) order by a.said_at, a.id), '[]') into made from added a;
  return made;
exception when not_null_violation or check_violation or invalid_text_representation or invalid_datetime_format or datetime_field_overflow then
  perform private.refuse(422, 'A promise has a wrong value', sqlerrm);
  return null;
end $$;
comment on function public.record_commitments is 'Keeps promises, all or none; those whose source_key is known are left out of the answer.';

create function public.get_commitment(commitment_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  found_commitment jsonb;
begin
  select private.commitment_json(c) into found_commitment from public.commitments c
  where c.id = get_commitment.commitment_id and c.organization_id = private.acting_organization();
  if found_commitment is null then
    perform private.refuse(404, 'There is no such promise', format('commitment %s', get_commitment.commitment_id));
  end if;
  return found_commitment;
end $$;
comment on function public.get_commitment is 'One promise, else PT404.';

create function public.list_commitments(filter jsonb default '{}', after jsonb default null, page_size integer default 50) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  rows jsonb;
begin
  if page_size is null or page_size not between 1 and 200 then
    perform private.refuse(422, 'limit is between 1 and 200', format('limit is %s', page_size));
  end if;
  select coalesce(jsonb_agg(p.told || jsonb_build_object('sort_keys', p.place) order by p.is_closed, p.key, p.id), '[]') into rows from (
    select k.*, private.commitment_json(k.row) as told, jsonb_build_array(k.is_closed, k.key, k.id) as place from (
      select c as row, c.id, c.state <> 'open' as is_closed,
        case when c.state = 'open' then extract(epoch from coalesce(c.due_at, '9999-01-01Z'::timestamptz)) else -extract(epoch from c.closed_at) end as key
      from public.commitments c
      where c.organization_id = private.acting_organization()
        and (not filter ? 'state' or c.state = filter ->> 'state')
        and (not filter ? 'is_closed' or (c.state <> 'open') = (filter ->> 'is_closed')::boolean)
        and (not filter ? 'is_mine' or c.is_mine = (filter ->> 'is_mine')::boolean)
        and (not filter ? 'person' or c.person_address = lower(filter ->> 'person') or private.contains_text(c.person_name, filter ->> 'person'))
        and (not filter ? 'due_before' or c.due_at < (filter ->> 'due_before')::timestamptz)
        and (not filter ? 'message_id' or c.message_id = filter ->> 'message_id')) k
    where after is null or (k.is_closed, k.key, k.id) > ((after ->> 0)::boolean, (after ->> 1)::numeric, (after ->> 2)::uuid)
    order by k.is_closed, k.key, k.id limit page_size) p;
  return jsonb_build_object('items', rows, 'after', case when jsonb_array_length(rows) = page_size then rows -> -1 -> 'sort_keys' end);
exception when invalid_text_representation or invalid_datetime_format or datetime_field_overflow then
  perform private.refuse(422, 'A filter or cursor of promises has a wrong value', sqlerrm);
  return null;
end $$;
comment on function public.list_commitments is
  'A page of promises, open ones first by what is due, then closed ones, the last closed first: {items, after}. Filter: state, is_closed, is_mine, person, due_before, message_id.';

-- Section: closing, opening, moving -------------------------------------------------------------------------------

create function private.own_commitment(commitment_id uuid) returns public.commitments
language plpgsql set search_path = '' as $$
declare
  commitment public.commitments;
begin
  select c.* into commitment from public.commitments c
  where c.id = own_commitment.commitment_id and c.organization_id = private.acting_organization() for no key update;
  if commitment.id is null then
    perform private.refuse(404, 'There is no such promise', format('commitment %s', own_commitment.commitment_id));
  end if;
  return commitment;
end $$;
comment on function private.own_commitment is 'The caller''s promise, locked, else PT404.';

create function private.move_promised_tasks(changes jsonb) returns void
language sql set search_path = '' as $$
  update public.tasks t set due_at = r.due_at, due_is_all_day = coalesce(r.due_is_all_day, true)
  from jsonb_populate_recordset(null::public.commitments, move_promised_tasks.changes) r join public.commitments c on c.id = r.id
  where c.organization_id = private.acting_organization() and c.state = 'open' and r.due_at is not null
    and t.id = c.task_id and t.due_at is not distinct from c.due_at and t.execution_status in ('pending', 'blocked', 'paused')
$$;
comment on function private.move_promised_tasks is 'Tasks that were due with their promise are due with it still when it moves; one with another date of its own stays.';

create function public.close_commitment(commitment_id uuid, state text, because text, at timestamptz) returns jsonb
language plpgsql set search_path = '' as $$
declare
  commitment public.commitments := private.own_commitment(close_commitment.commitment_id);
begin
  if close_commitment.state is null or close_commitment.state not in ('kept', 'dropped') then
    perform private.refuse(422, 'A promise is closed as kept or dropped', format('state is %s', close_commitment.state));
  end if;
  if commitment.state not in ('open', close_commitment.state) then
    perform private.refuse(409, format('This promise is %s already', commitment.state), format('commitment %s', commitment.id), 'Open it again first.');
  end if;
  update public.commitments c set state = close_commitment.state, closed_at = close_commitment.at,
    closed_because = left(nullif(trim(close_commitment.because), ''), 1000)
  where c.id = commitment.id and c.state = 'open';
  return public.get_commitment(commitment.id);
end $$;
comment on function public.close_commitment is 'Closes a promise as kept or dropped, with the reason; closed so already, it stays as it is. PT409 when it was closed otherwise.';

create function public.reopen_commitment(commitment_id uuid, at timestamptz) returns jsonb
language plpgsql set search_path = '' as $$
declare
  commitment public.commitments := private.own_commitment(reopen_commitment.commitment_id);
begin
  update public.commitments c set state = 'open', closed_at = null, closed_because = null, reopened_at = reopen_commitment.at
  where c.id = commitment.id and c.state <> 'open';
  return public.get_commitment(commitment.id);
end $$;
comment on function public.reopen_commitment is 'Opens a promise again: mail from before that moment closes it no more.';

create function public.move_commitment(commitment_id uuid, due_at timestamptz default null, due_is_all_day boolean default true) returns jsonb
language plpgsql set search_path = '' as $$
declare
  commitment public.commitments := private.own_commitment(move_commitment.commitment_id);
begin
  if commitment.state <> 'open' then
    perform private.refuse(409, format('This promise is %s', commitment.state), 'only an open one is moved', 'Open it again first.');
  end if;
  perform private.move_promised_tasks(jsonb_build_array(jsonb_build_object('id', commitment.id, 'due_at', move_commitment.due_at, 'due_is_all_day', move_commitment.due_is_all_day)));
  update public.commitments c set due_at = move_commitment.due_at, due_is_all_day = coalesce(move_commitment.due_is_all_day, true)
  where c.id = commitment.id;
  return public.get_commitment(commitment.id);
end $$;
comment on function public.move_commitment is 'Gives an open promise another due date, or none.';

create function public.settle_commitments(changes jsonb) returns integer
language plpgsql set search_path = '' as $$
declare
  changed integer;
begin
  perform private.move_promised_tasks(settle_commitments.changes);
  update public.commitments c set state = coalesce(r.state, c.state), closed_at = r.closed_at, closed_because = left(r.closed_because, 1000),
    due_at = coalesce(r.due_at, c.due_at), due_is_all_day = case when r.due_at is null then c.due_is_all_day else coalesce(r.due_is_all_day, true) end,
    away_until = coalesce(r.away_until, c.away_until)
  from jsonb_populate_recordset(null::public.commitments, settle_commitments.changes) r
  where c.id = r.id and c.organization_id = private.acting_organization() and c.state = 'open'
    and (c.reopened_at is null or r.closed_at is null or r.closed_at > c.reopened_at);
  get diagnostics changed = row_count;
  return changed;
end $$;
comment on function public.settle_commitments is 'What later mail says of open promises: [{id, state, closed_at, closed_because, due_at, due_is_all_day, away_until}]. How many it changed.';

create function public.link_commitments() returns integer
language plpgsql set search_path = '' as $$
declare
  linked integer;
begin
  -- A mail's task keeps the promise it was made of, or the promise that its reason quotes.
  with found as (
    select distinct on (c.id) c.id, t.id as task_id, t.execution_status, t.title, coalesce(t.completed_at, t.cancelled_at) as ended_at
    from public.commitments c
    join public.mail_messages m on m.organization_id = c.organization_id and m.thread_key = coalesce(c.thread_key, c.message_id)
    join public.tasks t on t.organization_id = c.organization_id and t.source_ref ? 'message_id' and t.source_ref ->> 'message_id' = m.message_id
      and t.parent_task_id is null and t.source = 'mail'
      and (m.message_id = c.message_id or private.contains_text(coalesce(t.ai_context, ''), left(c.quote, 900)))
    where c.organization_id = private.acting_organization() and c.is_mine and c.state = 'open' and c.task_id is null and c.message_id is not null
      and c.source_kind = 'mail'
    order by c.id, t.created_at)
  update public.commitments c set task_id = f.task_id,
    state = case f.execution_status when 'completed' then 'kept' when 'cancelled' then 'dropped' else 'open' end,
    closed_at = case when f.execution_status in ('completed', 'cancelled') then coalesce(f.ended_at, now()) end,
    closed_because = case f.execution_status when 'completed' then left('Its task is done: ' || f.title, 1000)
      when 'cancelled' then left('Its task was cancelled: ' || f.title, 1000) end
  from found f where c.id = f.id;
  get diagnostics linked = row_count;
  return linked;
end $$;
comment on function public.link_commitments is 'Links one''s own open promises to the tasks that mail made of them. How many.';

create function private.named_since(organization_id uuid, address text, name text) returns timestamptz
language sql stable set search_path = '' as $$
  select min(seen.at) from (
    select m.sent_at as at from public.mail_messages m
    where m.organization_id = named_since.organization_id and lower(m.from_address) = lower(named_since.address)
      and lower(btrim(m.from_name)) = lower(btrim(named_since.name)) and m.suspicious is null and not m.labels && array['drafts', 'trash', 'spam']
      and exists (select 1 from public.mail_messages o where o.organization_id = m.organization_id and o.is_from_me
        and not o.labels && array['drafts', 'trash', 'spam'] and lower(named_since.address) in (select lower(r) from unnest(o.to_addresses || o.cc_addresses) r))
    union all
    select e.created_at from public.calendar_events e
    where e.organization_id = named_since.organization_id and lower(e.organizer) in (select public.list_own_addresses())
      and exists (select 1 from jsonb_array_elements(e.attendees) p
        where lower(p ->> 'address') = lower(named_since.address) and lower(btrim(p ->> 'name')) = lower(btrim(named_since.name)))) seen
  where named_since.address <> '' and named_since.name <> ''
$$;
comment on function private.named_since is
  'Since when somebody is known by this name at this address: they wrote so, and the person wrote to them; or the person invited them so. Null where that is only what they say.';

create function public.list_later_mail(commitment_ids jsonb) returns setof jsonb
language sql stable set search_path = '' as $$
  with wanted as materialized (
    select c.* from public.commitments c where c.organization_id = private.acting_organization() and c.state = 'open'
      and c.id in (select private.as_uuid(value) from jsonb_array_elements_text(list_later_mail.commitment_ids))),
  lies as not materialized (
    select l.* from public.mail_messages l
    where l.organization_id = private.acting_organization() and not l.labels && array['drafts', 'trash', 'spam'] and l.suspicious is null
      and l.sent_at > (select min(c.said_at) from wanted c)),
  -- Only those who promised keep it: however much others write, it takes no place here.
  pairs as (
    select c.id as promise, l.id, l.sent_at, c.thread_key = l.thread_key as is_there from wanted c join lies l on lower(l.from_address) = c.person_address
    where not c.is_mine and c.person_address <> '' and not l.is_from_me and l.sent_at > c.said_at
    union
    select c.id, l.id, l.sent_at, true from wanted c join lies l on l.thread_key = c.thread_key
    where l.sent_at > c.said_at and case when c.is_mine then l.is_from_me
      else c.person_address = '' and not l.is_from_me and lower(btrim(l.from_name)) = lower(btrim(c.person_name)) end
    union
    select c.id, l.id, l.sent_at, c.thread_key = l.thread_key from lies l cross join lateral unnest(l.to_addresses || l.cc_addresses) r (address)
    join wanted c on c.person_address = lower(r.address)
    where l.is_from_me and c.is_mine and c.person_address <> '' and l.sent_at > c.said_at),
  -- Somebody else may hand it over in the thread before it is due: whom the two of them wrote to there before.
  helpers as (
    select c.id as promise, l.id, l.sent_at from wanted c join lies l on l.thread_key = c.thread_key
    where c.person_address <> '' and l.sent_at > c.said_at and l.sent_at <= c.due_at and not l.is_from_me and lower(l.from_address) <> c.person_address
      and exists (select 1 from public.mail_messages p where p.organization_id = l.organization_id and p.thread_key = l.thread_key
        and p.sent_at < l.sent_at and (p.is_from_me or lower(p.from_address) = c.person_address)
        and p.suspicious is null and not p.labels && array['drafts', 'trash', 'spam']
        and lower(l.from_address) in (select lower(r) from unnest(p.to_addresses || p.cc_addresses) r))),
  newest as (
    select p.id from (select n.id, row_number() over (partition by n.promise order by n.is_there desc nulls last, n.sent_at desc, n.id) as place from pairs n) p
    where p.place <= 50
    union
    select p.id from (select h.id, row_number() over (partition by h.promise order by h.sent_at desc, h.id) as place from helpers h) p where p.place <= 20)
  select jsonb_build_object('message_id', m.message_id, 'thread_key', m.thread_key, 'from_name', m.from_name, 'from_address', m.from_address,
    'to_addresses', m.to_addresses, 'cc_addresses', m.cc_addresses, 'subject', m.subject, 'text', left(m.text_body, 20000), 'sent_at', m.sent_at,
    'is_from_me', m.is_from_me, 'headers', m.headers, 'category', m.category,
    'named_since', case when exists (select 1 from wanted c where not c.is_mine and c.person_address = '' and c.thread_key = m.thread_key)
      then private.named_since(m.organization_id, m.from_address, m.from_name) end,
    'helps', (select coalesce(jsonb_agg(h.promise), '[]') from helpers h where h.id = m.id),
    'files', coalesce((select jsonb_agg(f ->> 'name') from jsonb_array_elements(m.attachments) f), '[]'))
  from (select distinct on (l.message_id) l.* from public.mail_messages l where l.id in (select n.id from newest n)
        order by l.message_id, l.created_at) m
  order by m.sent_at, m.message_id
$$;
comment on function public.list_later_mail is
  'Mail after open promises which may settle them, oldest first; for each promise the newest 50 of whoever made it, those of its thread before others, and 20 of others in its thread before it was due, whom the two wrote to there. named_since: since when the writer is known by that name, where a promise has no address; helps: the promises that these others may keep.';

do $$ declare f text; begin
  foreach f in array array['public.record_commitments', 'public.get_commitment', 'public.list_commitments', 'public.close_commitment',
    'public.reopen_commitment', 'public.move_commitment', 'public.settle_commitments', 'public.link_commitments', 'public.list_later_mail', 'private.named_since',
    'private.commitment_json', 'private.own_commitment', 'private.move_promised_tasks'] loop
    perform private.expose_function(f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('private.after_promised_task', array[]::text[]);
end $$;
