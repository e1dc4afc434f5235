-- What becomes of a nudge: a person's word, what they did with its task or its draft; and nudges as they are listed.

create function public.decide_nudge(nudge_id uuid, decision text, at timestamptz, because text default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  nudge public.nudges;
begin
  perform private.refuse_token();
  nudge := private.own_nudge(decide_nudge.nudge_id);
  if decision not in ('acted', 'dismissed') then
    perform private.refuse(422, 'A nudge is acted on or dismissed', format('decision is %s', decision));
  end if;
  if nudge.state = decision then
    return private.nudge_json(nudge);
  end if;
  if nudge.state in ('acted', 'dismissed', 'muted') then
    perform private.refuse(409, format('This nudge is %s already', nudge.state));
  end if;
  update public.nudges n set state = decision, told_at = coalesce(n.told_at, decide_nudge.at), decided_at = decide_nudge.at,
    decided_because = left(decide_nudge.because, 500)
  where n.id = nudge.id returning n.* into nudge;
  if decision = 'dismissed' then
    perform private.cancel_nudge_task(nudge);
  elsif nudge.task_item is not null then -- of use although it was held back: then its task is wanted
    update public.nudges n set task_id = private.make_nudge_task(nudge, nudge.task_item, private.attention_rules(n.organization_id, '{}')), task_item = null
    where n.id = nudge.id returning n.* into nudge;
  end if;
  return private.nudge_json(nudge);
end $$;
comment on function public.decide_nudge is 'A person''s word: acted (of use) or dismissed, which also withdraws what was prepared for it. The same word twice is one. No token''s.';

create function private.note_nudge(task_id uuid, decision text, because text) returns void
language plpgsql set search_path = '' as $$
declare
  by_program boolean := private.token_scopes() is not null;
begin
  update public.nudges n set state = case when by_program then 'settled' else decision end, decided_at = coalesce(n.decided_at, now()),
    decided_because = note_nudge.because || case when by_program then ', by a program' else '' end,
    told_at = case when by_program then n.told_at else coalesce(n.told_at, n.found_at) end
  where n.task_id = (select t.root_task_id from public.tasks t where t.id = note_nudge.task_id)
    and (n.state in ('held', 'told') or n.state = 'lapsed' and not by_program);
end $$;
comment on function private.note_nudge is
  'What a person did with the task or the draft of a nudge says of what use it was; a late use counts, too. What a program did settles it, and says nothing.';

create function private.after_nudge_task() returns trigger
language plpgsql set search_path = '' as $$
begin
  if private.acting_agent() is not null then
    return null; -- prepared, as by the worker: of what use it is its person says
  end if;
  if new.execution_status = 'completed' and (new.execution_type = 'manual' or private.actor_type() = 'user') then
    perform private.note_nudge(new.id, 'acted', 'Its task was done');
  elsif new.execution_status = 'cancelled' and private.actor_type() = 'user' and new.id = new.root_task_id then
    perform private.note_nudge(new.id, 'dismissed', 'Its task was cancelled');
  end if;
  return null;
end $$;
comment on function private.after_nudge_task is 'A person who does a proactive task acts on its nudge; one who cancels it dismisses it.';
create trigger nudge_task_ended after update of execution_status on public.tasks for each row
when (new.source = 'proactive' and new.execution_status in ('completed', 'cancelled') and old.execution_status is distinct from new.execution_status)
execute function private.after_nudge_task();

create function private.after_reminded_task() returns trigger
language plpgsql set search_path = '' as $$
begin
  update public.nudges n set state = case new.execution_status when 'completed' then 'acted' else 'settled' end, decided_at = now(),
    decided_because = case new.execution_status when 'completed' then 'Its task was done' else 'Its task was cancelled' end
  where n.organization_id = new.organization_id and n.kind = 'reminder' and n.state in ('held', 'told') and n.source_ref ->> 'task_id' = new.id::text;
  return null;
end $$;
comment on function private.after_reminded_task is 'Of what is done or cancelled nobody is reminded any more.';
create trigger nudge_reminded_task_ended after update of execution_status on public.tasks for each row
when (new.execution_status in ('completed', 'cancelled') and old.execution_status is distinct from new.execution_status)
execute function private.after_reminded_task();

create function private.before_nudge_task_goes() returns trigger
language plpgsql set search_path = '' as $$
begin
  if (select auth.uid()) is not null and old.execution_status not in ('completed', 'cancelled') then
    perform private.note_nudge(old.id, 'dismissed', 'Its task was deleted');
  end if;
  return old;
end $$;
comment on function private.before_nudge_task_goes is 'A person who deletes a proactive task that is open dismisses its nudge.';
create trigger nudge_task_goes before delete on public.tasks for each row
when (old.source = 'proactive' and old.parent_task_id is null)
execute function private.before_nudge_task_goes();

create function private.after_nudge_draft() returns trigger
language plpgsql set search_path = '' as $$
begin
  if new.state in ('approved', 'sent') then
    perform private.note_nudge(new.task_id, 'acted', 'Its draft was approved');
  elsif new.state = 'rejected' then
    perform private.note_nudge(new.task_id, 'dismissed', 'Its draft was rejected');
  end if;
  return null;
end $$;
comment on function private.after_nudge_draft is 'What became of the draft of a proactive task says of what use its nudge was.';
create trigger nudge_draft_decided after update of state on public.drafts for each row
when (new.state in ('approved', 'sent', 'rejected') and old.state is distinct from new.state)
execute function private.after_nudge_draft();

create function public.list_nudges(filter jsonb default '{}', after jsonb default null, page_size integer default 50) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  rows jsonb;
begin
  if page_size is null or page_size not between 1 and 200 then
    perform private.refuse(422, 'limit is between 1 and 200', format('limit is %s', page_size));
  end if;
  select coalesce(jsonb_agg(private.nudge_json(p) order by p.found_at desc, p.id desc), '[]') into rows from (
    select n.* from public.nudges n where n.organization_id = private.acting_organization()
      and (not filter ? 'state' or n.state in (select jsonb_array_elements_text(filter -> 'state')))
      and (not filter ? 'kind' or n.kind in (select jsonb_array_elements_text(filter -> 'kind')))
      and (not filter ? 'digest_id' or n.digest_id = (filter ->> 'digest_id')::uuid)
      and (not filter ? 'task_id' or n.task_id = (filter ->> 'task_id')::uuid)
      and (after is null or (n.found_at, n.id) < ((after ->> 0)::timestamptz, (after ->> 1)::uuid))
    order by n.found_at desc, n.id desc limit page_size) p;
  return jsonb_build_object('items', rows, 'after', case when jsonb_array_length(rows) = page_size
    then jsonb_build_array(rows -> -1 -> 'found_at', rows -> -1 -> 'id') end);
exception when invalid_text_representation or invalid_datetime_format or datetime_field_overflow then
  perform private.refuse(422, 'A filter or cursor has a wrong value', sqlerrm);
end $$;
comment on function public.list_nudges is 'Nudges by state, kind, digest or task, newest first: {items, after}.';

create function public.get_nudge(nudge_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  found_nudge public.nudges;
begin
  select * into found_nudge from public.nudges n where n.id = get_nudge.nudge_id and n.organization_id = private.acting_organization();
  if found_nudge.id is null then
    perform private.refuse(404, 'There is no such nudge', format('nudge %s', get_nudge.nudge_id));
  end if;
  return private.nudge_json(found_nudge);
end $$;
comment on function public.get_nudge is 'One nudge with its task; else PT404.';

do $$ declare f text; begin
  foreach f in array array['decide_nudge', 'list_nudges', 'get_nudge'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['note_nudge', 'after_nudge_task', 'after_reminded_task', 'before_nudge_task_goes', 'after_nudge_draft'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
end $$;
