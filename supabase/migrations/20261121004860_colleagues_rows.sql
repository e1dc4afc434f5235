-- What is one member's stays theirs in an organization of several: what another may write there is said, all else is refused.

-- Section: what flows from one member's work into another's ---------------------------------------------------------

create function private.before_part_of_another() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.execution_status = 'in_progress' then
    -- What it is part of is said by somebody else.
    new.tainted_by := private.merged_taint(new.tainted_by, coalesce((
      select private.taint_of_colleague(a) from private.above(new.parent_task_id) a where a.created_by <> new.created_by limit 1), '[]'));
  elsif exists (
      select 1 from public.tasks t where t.created_by <> new.created_by
        and (t.id = new.parent_task_id or t.id in (select d.task_id from public.task_dependencies d where d.depends_on_task_id = new.id))) then
    -- What came of it goes into work of somebody else.
    new.tainted_by := private.merged_taint(new.tainted_by, private.taint_of_colleague(new));
  end if;
  return new;
end $$;
comment on function private.before_part_of_another is
  'Where the work of one member goes into another''s, the words are not those of whoever works on: it taints them, as mail does. Definer, because edges and tasks above are looked at.';
create trigger tasks_17_colleagues before update of execution_status on public.tasks
for each row when (new.parent_task_id is not null and new.execution_status <> old.execution_status
  and new.execution_status in ('in_progress', 'completed', 'failed'))
execute function private.before_part_of_another();

create or replace function private.after_edge_taint() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.tasks t set tainted_by = private.merged_taint(t.tainted_by, s.sources)
  from (
    select w.tainted_by || case when w.created_by <> h.created_by then private.taint_of_colleague(w) else '[]' end as sources
    from public.tasks w join public.tasks h on h.id = new.task_id
    where w.id = new.depends_on_task_id and w.execution_status in ('completed', 'failed')) s
  where t.id = new.task_id and s.sources <> '[]' and private.merged_taint(t.tainted_by, s.sources) <> t.tainted_by;
  return null;
end $$;

-- Section: what a task waits for ------------------------------------------------------------------------------------

create function private.before_anothers_edge() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  edge public.task_dependencies := case when tg_op = 'DELETE' then old else new end;
begin
  if exists (
      select 1 from public.tasks w where w.created_at = now() -- in this transaction, as only a function makes it together with its edges
        and (tg_op = 'INSERT' and w.id = edge.depends_on_task_id and w.supersedes_task_id is not null
          or tg_op = 'DELETE' and w.supersedes_task_id = edge.depends_on_task_id))
     or tg_op = 'INSERT' and exists (
      select 1 from public.task_dependencies d join public.task_dependencies x on x.task_id = d.depends_on_task_id
      where d.task_id = edge.task_id and x.depends_on_task_id = edge.depends_on_task_id) then
    return edge; -- one of those that it waits for was made anew or goes: it waits for the same as before
  end if;
  -- Not written by the caller: the trigger of its words looks at what people write.
  update public.tasks t set created_by = (select auth.uid()), source_ref = t.source_ref || private.mark_of_taking(t)
  where t.id = edge.task_id and t.created_by <> (select auth.uid()) and private.in_scope(t.organization_id)
    and t.created_at <> now(); -- one that was just made anew gets the edges that it had
  return edge;
end $$;
comment on function private.before_anothers_edge is
  'Whoever says what a colleague''s task waits for has it from then on, as by wording it anew: it works with what those bring. Definer, because nobody says whose a task is.';
create trigger task_dependencies_05_anothers before insert or delete on public.task_dependencies
for each row when (current_user in ('authenticated', 'anon')) execute function private.before_anothers_edge();

-- Section: copies ---------------------------------------------------------------------------------------------------
-- A copy is of whoever makes it, with their accounts; what a colleague had written in it is no word of theirs.

create function private.mark_of_copy(task public.tasks) returns jsonb
language sql stable set search_path = '' as $$
  select case when task.created_by <> (select auth.uid()) or not private.is_own_word(task) then '{"others_words": true}' else '{}' end::jsonb
$$;
comment on function private.mark_of_copy is 'How a copy is marked that does not say what its maker said: with {"others_words": true}.';
select private.expose_function('private.mark_of_copy', array['authenticated', 'service_role']);

create or replace function public.clone_plan(plan_id uuid, starts boolean default false) returns jsonb
language plpgsql set search_path = '' as $$
declare
  root public.tasks := private.own_task(clone_plan.plan_id);
  plan public.plans := private.own_plan(root.id);
  made public.tasks;
  copied integer;
begin
  made := private.insert_task((to_jsonb(root) - array['source_key', 'supersedes_task_id', 'parent_task_id', 'recurrence']) || jsonb_build_object(
    'source', 'plan', 'source_ref', jsonb_build_object('cloned_from', root.id) || private.mark_of_copy(root), 'automation_rules', '{"run_by_itself": false}'::jsonb));
  if root.tainted_by <> '[]' then
    update public.tasks t set tainted_by = private.merged_taint(t.tainted_by, root.tainted_by) where t.id = made.id;
  end if;
  perform private.insert_plan(made.id, to_jsonb(plan) || jsonb_build_object('starts_by_itself', coalesce(starts, false)));
  copied := private.copy_parts(root.id, made.id);
  perform private.check_size(made.id);
  if copied = 0 then
    update public.tasks t set execution_status = 'queued' where t.id = made.id;
  else
    perform private.check_plan_templates(made.id);
    update public.tasks t set execution_status = 'in_progress' where t.id = made.id;
    perform private.open_plan(made.id, case when not coalesce(starts, false) then 'It is a copy, and waits for your start' end);
  end if;
  perform private.note_plan(made.id, 'cloned', format('A copy of %s', root.title), jsonb_build_object('plan_id', root.id));
  return private.plan_json(private.own_plan(made.id));
end $$;

create or replace function private.copy_parts(root_id uuid, new_root_id uuid) returns integer
language plpgsql set search_path = '' as $$
declare
  part public.tasks;
  made public.tasks;
  ids jsonb := jsonb_build_object(copy_parts.root_id, copy_parts.new_root_id);
begin
  for part in
    select t.* from public.tasks t where t.id in (select private.live_parts(copy_parts.root_id)) and not private.belongs_to_draft(t)
      and (private.is_planned(t) or t.supersedes_task_id is not null or t.parent_task_id = copy_parts.root_id)
    order by t.depth, t.position, t.id
  loop
    if ids ? part.parent_task_id::text then
      made := private.insert_task((to_jsonb(part) - array['source_key', 'supersedes_task_id']) || jsonb_build_object(
        'source_ref', part.source_ref - 'made_by' || jsonb_build_object('plan_id', copy_parts.new_root_id) || private.mark_of_copy(part),
        'tool_input', case when part.tool = 'plan_stage' then jsonb_build_object('stage', part.tool_input -> 'stage') else part.tool_input end),
        (ids ->> part.parent_task_id::text)::uuid);
      if part.tainted_by <> '[]' then
        update public.tasks t set tainted_by = private.merged_taint(t.tainted_by, part.tainted_by) where t.id = made.id;
      end if;
      ids := ids || jsonb_build_object(part.id, made.id);
    end if;
  end loop;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, (ids ->> d.task_id::text)::uuid, (ids ->> d.depends_on_task_id::text)::uuid
  from public.task_dependencies d join public.tasks t on t.id = d.task_id
  where t.root_task_id = copy_parts.root_id and ids ? d.task_id::text and ids ? d.depends_on_task_id::text order by t.depth, t.position, t.id;
  return (select count(*) - 1 from jsonb_object_keys(ids));
end $$;

create or replace function private.renew_stages(root public.tasks, ids uuid[], tool_inputs jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  earlier public.tasks;
  made public.tasks;
  renewed jsonb := '{}';
begin
  for earlier in select t.* from public.tasks t where t.id = any (ids) order by t.position, t.id for no key update loop
    made := private.insert_task((to_jsonb(earlier) - array['source_key']) || jsonb_build_object('supersedes_task_id', earlier.id,
      'source_ref', earlier.source_ref || private.mark_of_copy(earlier),
      'tool_input', coalesce(tool_inputs -> earlier.id::text, jsonb_build_object('stage', earlier.source_ref -> 'key'))), root.id);
    update public.tasks t set superseded_at = now() where t.id = earlier.id;
    if earlier.execution_status not in ('completed', 'failed', 'cancelled') then
      perform public.cancel_task(earlier.id); -- its successor is there: the plan is not over with it
    end if;
    renewed := renewed || jsonb_build_object(earlier.id, made.id);
  end loop;
  -- Edges in the order of the plan, those of the new ones first: each is checked the faster the fewer tasks come after it yet.
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, (renewed ->> d.task_id::text)::uuid, coalesce((renewed ->> w.id::text)::uuid, w.id)
  from public.task_dependencies d join public.tasks t on t.id = d.task_id join public.tasks w on w.id = d.depends_on_task_id
  where d.task_id = any (ids) and (w.superseded_at is null or w.id = any (ids)) order by t.position, t.id;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, d.task_id, (renewed ->> d.depends_on_task_id::text)::uuid
  from public.task_dependencies d join public.tasks t on t.id = d.task_id
  where d.depends_on_task_id = any (ids) and t.superseded_at is null order by t.position, t.id;
  delete from public.task_dependencies d using public.tasks t
  where d.depends_on_task_id = any (ids) and t.id = d.task_id and t.superseded_at is null;
  return renewed;
end $$;

-- Section: who joins by Slack -----------------------------------------------------------------------------------------

create function private.hold_their_membership() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform 1 from public.members m where m.organization_id = new.organization_id and m.user_id = new.user_id for share;
  if not found then
    perform private.refuse(404, 'There is no such member', format('user %s', new.user_id));
  end if;
  return new;
end $$;
comment on function private.hold_their_membership is
  'What the worker makes for a member is made while they are one: removing them comes before, or takes it along. Definer, because nobody locks members by hand.';
create trigger slack_links_02_member before insert on public.slack_links for each row execute function private.hold_their_membership();

-- Section: what is one member's own beside tasks ----------------------------------------------------------------------

create function private.keep_to_its_person() returns trigger
language plpgsql set search_path = '' as $$
declare
  person uuid;
  refused text;
begin
  if current_user not in ('authenticated', 'anon') then
    return new;
  end if;
  person := case tg_table_name when 'drafts' then private.person_of_task((to_jsonb(new) ->> 'task_id')::uuid)
    when 'commitments' then (to_jsonb(old) ->> 'user_id')::uuid else (to_jsonb(old) ->> 'created_by')::uuid end;
  if person = (select auth.uid()) then
    return new;
  end if;
  select string_agg(n.key, ', ') into refused from jsonb_each(to_jsonb(new) - tg_argv) n where n.value is distinct from to_jsonb(old) -> n.key;
  if refused is not null then
    perform private.refuse(403, 'This is somebody else''s to change', format('%s: %s', tg_table_name, refused));
  end if;
  return new;
end $$;
comment on function private.keep_to_its_person is
  'Of a row that is another member''s, only the columns that stand as arguments are changed by hand (PT403): what is not named is theirs.';
create trigger drafts_13_anothers before update on public.drafts
for each row when (auth.uid() is not null) execute function private.keep_to_its_person('state', 'feedback', 'by_program', 'decided_at', 'sent_at',
  'failure_reason', 'receipt', 'provider_ref', 'message_id', 'bounces', 'attempt_started_at', 'thread_moved'); -- of these, the worker's are its own to say
create trigger commitments_13_anothers before update on public.commitments
for each row when (auth.uid() is not null and old.user_id is distinct from auth.uid()) execute function private.keep_to_its_person('state', 'closed_at',
  'closed_because', 'reopened_at', 'due_at', 'due_is_all_day', 'task_id', 'away_until', 'updated_at');
create trigger reminders_13_anothers before update on public.reminders
for each row when (auth.uid() is not null and old.created_by is distinct from auth.uid()) execute function private.keep_to_its_person('told_at');

create function private.keep_finder() returns trigger
language plpgsql set search_path = '' as $$
begin
  if current_user in ('authenticated', 'anon') then
    if tg_op = 'UPDATE' and new.user_id is distinct from old.user_id then
      perform private.refuse(403, 'Whose it is does not change', format('%s %s', tg_table_name, new.id));
    end if;
    new.user_id := case tg_op when 'INSERT' then auth.uid() else old.user_id end;
  end if;
  return new;
end $$;
comment on function private.keep_finder is 'What a person writes down as promised is brought up for them, and for nobody else.';
create trigger commitments_03_finder before insert or update of user_id on public.commitments for each row execute function private.keep_finder();

create function private.keep_what_was_found_out() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.result #> '{value,output}' <> 'null' or new.cost_usd is distinct from old.cost_usd then
    perform private.refuse(403, 'What a step gave its worker says', format('step %s', new.id));
  end if;
  return new;
end $$;
comment on function private.keep_what_was_found_out is 'Of an uncertain step a person says whether it happened; what it gave, and what it cost, they do not make up.';
create trigger steps_13_found_out before update on public.steps
for each row when (current_user in ('authenticated', 'anon') and (new.result is distinct from old.result or new.cost_usd is distinct from old.cost_usd))
execute function private.keep_what_was_found_out();

do $$ declare f text; begin
  foreach f in array array['before_part_of_another', 'before_anothers_edge', 'hold_their_membership', 'keep_to_its_person', 'keep_finder',
      'keep_what_was_found_out'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;

-- Section: who deletes ------------------------------------------------------------------------------------------------

create function private.before_deleted() returns trigger
language plpgsql set search_path = '' as $$
declare
  gone jsonb;
  person uuid;
begin
  -- What goes with the task above it goes as the database's own act.
  if current_user not in ('authenticated', 'anon') or private.my_role() is distinct from 'member' then
    return old;
  end if;
  gone := to_jsonb(old); -- one function for four tables
  if tg_table_name = 'tasks' then
    -- Wording it anew, or making another in its place, makes it nobody's to delete.
    with recursive earlier as (
      select t.* from public.tasks t where t.id = (gone ->> 'id')::uuid
      union select t.* from public.tasks t join earlier e on t.id = e.supersedes_task_id)
    select p.id into person from (select coalesce(private.as_uuid(e.source_ref ->> 'made_by'), e.created_by) as id from earlier e) p
    order by p.id is not distinct from (select auth.uid()) limit 1;
  elsif tg_table_name = 'reminders' then
    person := (gone ->> 'created_by')::uuid;
  elsif tg_table_name = 'commitments' then
    person := (gone ->> 'user_id')::uuid;
  elsif gone ->> 'task_id' is null then
    return old; -- a file of no task is nobody's
  else
    person := (select coalesce(private.as_uuid(t.source_ref ->> 'made_by'), t.created_by) from public.tasks t where t.id = (gone ->> 'task_id')::uuid);
  end if;
  if person is distinct from (select auth.uid()) then
    perform private.refuse(403, format('Members delete their own %s alone', case tg_table_name when 'artifacts' then 'files' else tg_table_name end),
      format('%s %s', tg_table_name, gone ->> 'id'), 'Ask whoever it belongs to, an owner or an admin. A task may be cancelled.');
  end if;
  return old;
end $$;
comment on function private.before_deleted is
  'A plain member deletes what is theirs: tasks that were never a colleague''s, the files of theirs, their reminders and promises; owners and admins everything (PT403).';
create trigger tasks_05_deleted before delete on public.tasks for each row when (auth.uid() is not null) execute function private.before_deleted();
create trigger artifacts_05_deleted before delete on public.artifacts for each row when (auth.uid() is not null) execute function private.before_deleted();
create trigger reminders_05_deleted before delete on public.reminders for each row when (auth.uid() is not null) execute function private.before_deleted();
create trigger commitments_05_deleted before delete on public.commitments for each row when (auth.uid() is not null) execute function private.before_deleted();
select private.expose_function('private.before_deleted', array[]::text[]);

create function private.check_replaced() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if not exists (select 1 from public.tasks t where t.supersedes_task_id = new.id) then
    perform private.refuse(403, 'Nothing took the place of this task', format('task %s', new.id));
  end if;
  return null;
end $$;
comment on function private.check_replaced is
  'What is called replaced is out of sight and changed no more: a colleague''s only together with what takes its place. Definer, as the other is looked at at the end.';
create constraint trigger tasks_36_replaced after update of superseded_at on public.tasks deferrable initially deferred for each row
when (current_user in ('authenticated', 'anon') and new.superseded_at is distinct from old.superseded_at and old.created_by <> auth.uid())
execute function private.check_replaced();

create function private.keep_earlier() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform private.refuse(403, 'What a task took the place of does not change', format('task %s', new.id));
  return null;
end $$;
comment on function private.keep_earlier is 'A task that replaced another says so as long as it is there.';
create trigger tasks_03_earlier before update of supersedes_task_id on public.tasks for each row
when (current_user in ('authenticated', 'anon') and old.supersedes_task_id is not null and new.supersedes_task_id is distinct from old.supersedes_task_id)
execute function private.keep_earlier();
do $$ declare f text; begin
  foreach f in array array['check_replaced', 'keep_earlier'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;

-- Section: whose event it is --------------------------------------------------------------------------------------------

create or replace function private.is_of_own_event(task public.tasks) returns boolean
language sql stable security definer set search_path = '' as $$
  select task.source = 'proactive' and task.kind = 'agenda' and task.parent_task_id is null and task.tool is null and task.recipient is null
    and task.description = '' and task.tool_input = '{}' and task.acceptance_criteria = '[]'
    and not task.source_ref ?| array['message_id', 'thread_key', 'agenda_task_id', 'quote', 'by_program', 'agent_id']
    and exists (select 1 from public.calendar_events e
      where e.organization_id = task.organization_id and e.calendar = task.source_ref #>> '{event,calendar}' and e.uid = task.source_ref #>> '{event,uid}'
        and e.recurrence_id in ('', coalesce(task.source_ref #>> '{event,recurrence_id}', ''))
        and e.organizer <> '' and private.own_addresses(task) ? lower(e.organizer)
        -- What lies in the local calendar every member may have written, with whichever organizer.
        and (exists (select 1 from public.organizations o where o.id = e.organization_id and o.is_personal)
          or exists (select 1 from public.accounts a where a.organization_id = e.organization_id and a.user_id = task.created_by
            and e.calendar in (a.mail_name, a.provider || ':' || a.id)))
        and task.title = left('Draft meeting agenda: ' || e.title, 300))
    and not exists (select 1 from public.calendar_events e
      where e.organization_id = task.organization_id and e.calendar = task.source_ref #>> '{event,calendar}' and e.uid = task.source_ref #>> '{event,uid}'
        and e.recurrence_id in ('', coalesce(task.source_ref #>> '{event,recurrence_id}', '')) and e.guests_can_modify)
$$;

-- Section: what was spent -----------------------------------------------------------------------------------------------
-- Costs are said by the house. A person who asks a model where nobody can speak for the house keeps to what they held themselves.

drop policy model_reservations_add on public.model_reservations;
drop policy model_reservations_remove on public.model_reservations;
revoke insert, delete on public.model_reservations from authenticated;
drop policy llm_interactions_add on public.llm_interactions;
revoke insert on public.llm_interactions from authenticated;

create or replace function public.record_llm_interaction(task_id uuid, call jsonb) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  new_id uuid;
  tenant uuid := private.acting_organization();
  is_person boolean := (select auth.uid()) is not null;
  held numeric;
begin
  if tenant is null or is_person and record_llm_interaction.task_id is not null then
    perform private.refuse(403, 'What a model cost the house says');
  elsif record_llm_interaction.task_id is not null then
    perform private.own_task(record_llm_interaction.task_id);
  end if;
  delete from public.model_reservations r
  where r.id = (call ->> 'reservation_id')::uuid and r.organization_id = tenant and (not is_person or r.made_by = (select auth.uid()))
  returning r.cost_usd into held;
  if is_person and held is null and (call ->> 'reservation_id' is not null or (call ->> 'cost_usd')::numeric <> 0 or call ->> 'provider' <> 'steward') then
    perform private.refuse(403, 'What a model cost the house says', null, 'A person records what they held before.');
  end if;
  insert into public.llm_interactions (organization_id, task_id, purpose, provider, model, prompt_version, input_tokens, output_tokens,
    cost_usd, latency_ms, response_id, error, served_model, made_by)
  select tenant, record_llm_interaction.task_id, r.purpose, coalesce(r.provider, ''), r.model,
    coalesce(r.prompt_version, ''), coalesce(r.input_tokens, 0), coalesce(r.output_tokens, 0), case when is_person then least(r.cost_usd, coalesce(held, 0)) else r.cost_usd end,
    coalesce(r.latency_ms, 0), r.response_id, left(r.error, 500), left(r.served_model, 300), (select auth.uid())
  from jsonb_populate_record(null::public.llm_interactions, call) r returning id into new_id;
  return new_id;
end $$;
comment on function public.record_llm_interaction is
  'Keeps tokens, cost and time of one call to a model, and gives back what was held for it: for the worker. A person records what they held themselves, and no more than that, or what cost nothing (the built-in rules). Definer: nobody writes costs by hand.';

-- Section: what is learned of whom ----------------------------------------------------------------------------------------

create or replace function public.list_draft_edits(since timestamptz default null, "until" timestamptz default null, most integer default 300) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  if most is null or most not between 1 and 1000 then
    perform private.refuse(422, 'most is between 1 and 1000', coalesce(most::text, 'null'));
  end if;
  return (
    with recursive written as (
      select d.*, t.kind as task_kind, t.title as task_title, t.source_ref ->> 'thread_key' as thread_key
      from public.drafts d join public.tasks t on t.id = d.task_id
      where d.organization_id = (select private.acting_organization()) and d.channel = 'mail' and d.author_type = 'agent'
        and (since is null or d.created_at >= since) and (list_draft_edits."until" is null or d.created_at < list_draft_edits."until")
        and not exists (select 1 from public.drafts e where e.supersedes_id = d.id and e.digest = d.digest)
      order by d.created_at desc, d.id limit most),
    -- The versions that one person made of it, one after another; what a program or another member wrote ends the row.
    edits as (
      select w.id as first_id, d.id, d.author_type, d.author_id, d.by_program, 1 as place from written w join public.drafts d on d.supersedes_id = w.id
      where d.author_type = 'user' and not d.by_program
      union all
      select e.first_id, d.id, d.author_type, d.author_id, d.by_program, e.place + 1 from edits e join public.drafts d on d.supersedes_id = e.id
      where d.author_type = 'user' and not d.by_program and d.author_id = e.author_id and e.place < 50),
    last_edits as (select distinct on (e.first_id) e.first_id, e.id from edits e order by e.first_id, e.place desc),
    pairs as (
      select w.*, a as made, p.decided_by, p.by_program as is_programs, p.decided_how,
        case when a.id is not null then 'edited'
          when w.state in ('approved', 'sending', 'sent', 'failed', 'uncertain') and p.decided_by is not null then 'unchanged'
          when w.state = 'rejected' then 'rejected' end as outcome
      from written w
      left join last_edits l on l.first_id = w.id left join public.drafts a on a.id = l.id
      left join lateral (select q.* from public.approvals q where q.draft_id = w.id order by q.created_at desc limit 1) p on true)
    select coalesce(jsonb_agg(jsonb_build_object(
      'draft_id', p.id, 'after_id', (p.made).id, 'task_id', p.task_id, 'task_kind', p.task_kind, 'task_title', p.task_title, 'outcome', p.outcome,
      'user_id', coalesce((p.made).author_id, p.decided_by),
      'before', jsonb_build_object('to', p.to_recipients, 'cc', p.cc_recipients, 'subject', p.subject, 'body', p.body),
      'after', case when p.outcome = 'edited' then jsonb_build_object('to', (p.made).to_recipients, 'cc', (p.made).cc_recipients,
          'subject', (p.made).subject, 'body', (p.made).body)
        when p.outcome = 'unchanged' then jsonb_build_object('to', p.to_recipients, 'cc', p.cc_recipients, 'subject', p.subject, 'body', p.body) end,
      'feedback', case when p.outcome = 'rejected' and not p.by_program then coalesce(p.feedback, '') else '' end,
      'sender', coalesce(p.target ->> 'from_name', ''),
      'preferences', coalesce(p.provenance -> 'preferences', '[]'),
      'said_by_others', (select coalesce(jsonb_agg(m.said), '[]') from (
          select left(concat_ws(e'\n', m.from_address, array_to_string(m.to_addresses || m.cc_addresses, ' '), m.text_body), 8000) as said
          from public.mail_messages m where p.outcome = 'edited' and m.organization_id = p.organization_id and m.thread_key = p.thread_key
            and not m.is_from_me
          order by m.sent_at desc nulls last limit 12) m),
      'at', coalesce((p.made).created_at, p.decided_at, p.created_at)) order by p.created_at, p.id), '[]')
    from pairs p
    where p.outcome is not null and coalesce((p.made).author_id, p.decided_by) is not null
      and (coalesce((p.made).author_id, p.decided_by) = (select auth.uid()) or (select private.is_service())));
end $$;
