-- What a project's API lets people write into rows themselves: nothing that a run, or somebody else, has to say.

-- Section: what a run asks ------------------------------------------------------------------------------------------

create function private.before_asking_by_hand() returns trigger
language plpgsql set search_path = '' as $$
begin
  if current_user in ('authenticated', 'anon') then
    perform private.refuse(403, 'Only a run asks for leave to act', coalesce(new.tool, new.asked_by ->> 'name'));
  end if;
  return new;
end $$;
comment on function private.before_asking_by_hand is
  'What a tool would do is said by its run: a yes to a row that somebody made up would have it do that. What is written by the database itself passes.';
create trigger approvals_12_by_hand before insert on public.approvals for each row
when (new.tool is not null or new.asked_by is not null) execute function private.before_asking_by_hand();

create function private.before_words_of_a_decision() returns trigger
language plpgsql set search_path = '' as $$
begin
  if current_user not in ('authenticated', 'anon') or new.state in ('approved', 'rejected') and new.state <> old.state then
    return new;
  elsif new.state = old.state then
    perform private.refuse(403, 'What somebody said beside their decision stays as it was said', format('approval %s', new.id));
  elsif old.decided_by <> (select auth.uid()) then
    new.notes := old.notes; -- why it is void stands with the task
  end if;
  return new;
end $$;
comment on function private.before_words_of_a_decision is 'Notes are their decider''s own words, which a permission may carry: they are written with the decision, and not afterwards.';
create trigger approvals_12_words before update of notes on public.approvals for each row
when (new.notes is distinct from old.notes) execute function private.before_words_of_a_decision();

create function private.before_using_by_hand() returns trigger
language plpgsql set search_path = '' as $$
begin
  if current_user in ('authenticated', 'anon') then
    perform private.refuse(403, 'A yes is used up by what it lets go', format('approval %s', new.id));
  end if;
  return new;
end $$;
comment on function private.before_using_by_hand is 'A yes that somebody calls used lets nothing go any more, and nobody is told.';
create trigger approvals_12_used before update of state on public.approvals for each row
when (new.state = 'used' and old.state <> 'used' and new.asked_by is null and (new.tool is not null or new.draft_id is not null))
execute function private.before_using_by_hand();

-- Section: what a worker says -----------------------------------------------------------------------------------------

create function private.keep_to_the_worker() returns trigger
language plpgsql set search_path = '' as $$
begin
  if current_user in ('authenticated', 'anon') and old.state <> 'uncertain' then
    perform private.refuse(403, 'What became of it its worker says', format('%s %s', tg_table_name, new.id),
      'What is uncertain a person decides.');
  end if;
  return new;
end $$;
comment on function private.keep_to_the_worker is
  'A step or a message that somebody calls failed would be done again: only of what is uncertain a person says what became of it.';
create trigger steps_12_worker before update on public.steps for each row execute function private.keep_to_the_worker();
create trigger drafts_12_worker before update on public.drafts for each row
when (new.provider_ref is distinct from old.provider_ref or new.message_id is distinct from old.message_id or new.receipt is distinct from old.receipt
  or new.attempt_started_at is distinct from old.attempt_started_at or new.bounces is distinct from old.bounces
  or new.state <> old.state and 'sending' in (new.state, old.state))
execute function private.keep_to_the_worker();

create function private.before_feedback() returns trigger
language plpgsql set search_path = '' as $$
begin
  if current_user in ('authenticated', 'anon') and not (new.state = 'rejected' and old.state <> 'rejected') then
    perform private.refuse(403, 'What somebody said to a draft stays as it was said', format('draft %s', new.id));
  end if;
  return new;
end $$;
comment on function private.before_feedback is 'Feedback is the own word of whoever rejects, and is written as they reject.';
create trigger drafts_12_feedback before update of feedback on public.drafts for each row
when (new.feedback is distinct from old.feedback) execute function private.before_feedback();

-- Section: whose page it is -------------------------------------------------------------------------------------------

create function private.keep_page_its_persons() returns trigger
language plpgsql set search_path = '' as $$
begin
  if (select auth.uid()) is not null and private.person_of_task(new.task_id) is distinct from (select auth.uid()) then
    perform private.refuse(403, 'This page is somebody else''s', format('task %s', new.task_id),
      'It is signed in as whoever the task belongs to; only they take it over.');
  end if;
  return new;
end $$;
comment on function private.keep_page_its_persons is
  'The page of a task is open with the sign-ins of whoever it belongs to: nobody else moves there, or tells the run what to do next.';
create trigger browser_commands_05_own before insert on public.browser_commands for each row execute function private.keep_page_its_persons();
create trigger browser_places_05_own before update of held_by, note on public.browser_places for each row execute function private.keep_page_its_persons();

-- Section: who brings up what ---------------------------------------------------------------------------------------
-- The clock looks about in the name of the first owner. What a colleague wrote into a row of theirs is not made the owner's by it.

alter table public.nudges add column worded_by uuid;
comment on column public.nudges.worded_by is 'In whose name its words and its task were written last; null: the worker''s own.';

create function private.keep_worded_by() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op = 'INSERT' then
    new.worded_by := auth.uid();
  elsif new.task_item is not null and (new.key, new.kind, new.title, new.why, new.person, new.thread_key, new.source_ref, new.executes, new.task_item)
        is distinct from (old.key, old.kind, old.title, old.why, old.person, old.thread_key, old.source_ref, old.executes, old.task_item) then
    new.worded_by := auth.uid();
  else
    new.worded_by := old.worded_by;
  end if;
  return new;
end $$;
comment on function private.keep_worded_by is 'Whoever changes what a nudge says, or what its task would be, has said it; nobody writes down who.';
create trigger nudges_04_worded before insert or update on public.nudges for each row execute function private.keep_worded_by();

create function private.is_worded_by_another(nudge public.nudges) returns boolean
language sql stable set search_path = '' as $$
  select nudge.worded_by is not null and nudge.worded_by is distinct from (select auth.uid())
$$;
comment on function private.is_worded_by_another is 'Did a person who is not the caller write what this nudge says?';

create or replace function private.make_nudge_task(nudge public.nudges, item jsonb, rules jsonb) returns uuid
language plpgsql set search_path = '' as $$
declare
  task public.tasks;
  own_key text := 'proactive:' || nudge.key || coalesce('#' || extract(epoch from nudge.reopened_at)::bigint, '');
begin
  if nudge.organization_id is distinct from private.acting_organization() then
    perform private.refuse(404, 'There is no such nudge', format('nudge %s', nudge.id));
  end if;
  if exists (select 1 from public.tasks t where t.id = nudge.task_id and t.execution_status <> 'cancelled') then
    return nudge.task_id; -- it came back, and what was prepared is still there
  end if;
  if private.is_worded_by_another(nudge) then -- what it is about, and nothing that would be done with the caller's accounts
    item := (select jsonb_object_agg(e.key, e.value) from jsonb_each(item) e
      where e.key in ('title', 'description', 'kind', 'priority', 'due_at', 'due_is_all_day', 'labels'));
  end if;
  task := private.insert_task(item || jsonb_build_object('source', 'proactive', 'source_key', own_key,
    'source_ref', coalesce(item -> 'source_ref', '{}') || nudge.source_ref || jsonb_build_object('nudge_id', nudge.id)));
  if task.id is null then
    return (select t.id from public.tasks t where t.organization_id = nudge.organization_id and t.source_key = own_key);
  end if;
  if nudge.executes and rules ->> 'proactive' = 'prepare' and not private.is_worded_by_another(nudge) then
    perform public.queue_task_execution(task.id);
  end if;
  return task.id;
end $$;

create or replace function private.tell_nudge(nudge_id uuid, at timestamptz, rules jsonb, digest_id uuid default null) returns public.nudges
language plpgsql set search_path = '' as $$
declare
  item jsonb;
  told public.nudges;
begin
  -- Another's makes no task by itself; whoever finds it of use has it made.
  select n.task_item into item from public.nudges n where n.id = tell_nudge.nudge_id and not private.is_worded_by_another(n);
  update public.nudges n set state = 'told', held_because = null, told_at = tell_nudge.at, digest_id = tell_nudge.digest_id,
    task_item = case when item is null then n.task_item end
  where n.id = tell_nudge.nudge_id returning n.* into told;
  if item is not null then
    update public.nudges n set task_id = private.make_nudge_task(told, item, rules) where n.id = told.id returning n.* into told;
  end if;
  return told;
end $$;

-- Section: what a thread is known by ----------------------------------------------------------------------------------

create or replace function private.thread_tail(draft public.drafts) returns text
language plpgsql stable set search_path = '' as $$
declare
  ids text[] := private.thread_ids(draft) || array(select m ->> 'message_id' from jsonb_array_elements(coalesce(draft.thread_moved -> 'messages', '[]')) m);
  closed text[] := array(select private.accounts_of_others(draft.organization_id, private.person_of_task(draft.task_id))); -- everybody sees a draft
begin
  if draft.channel = 'mail' then
    -- What was sent from here before is known, whether or not it was read back from the mailbox yet.
    ids := ids || array(select d.message_id from public.drafts d where d.organization_id = draft.organization_id
                        and d.state in ('sending', 'sent', 'uncertain') and d.message_id is not null
                        and (d.task_id = draft.task_id or d.target ->> 'in_reply_to' = any (ids)));
    ids := ids || array(select m.thread_key from private.thread_mails(draft.organization_id, array[draft.target ->> 'in_reply_to']) m
                        where m.message_id = draft.target ->> 'in_reply_to' and m.account <> all (closed));
    ids := ids || array(select m.message_id from private.thread_mails(draft.organization_id, ids) m where m.account <> all (closed));
  end if;
  return E'thread v1\n' || (
    select string_agg(known.id || ' ' || coalesce(left(encode(sha256(convert_to(coalesce(m.text_body, f.text), 'UTF8')), 'hex'), 16), t.hash, '-'), E'\n'
                      order by coalesce(m.sent_at, f.sent_at) nulls first, known.id)
    from (select distinct translate(i, E'\r\n', '') as id from unnest(ids) i where i <> '') known
    left join private.thread_mails(case draft.channel when 'mail' then draft.organization_id end, ids) m on m.message_id = known.id and m.account <> all (closed)
    left join jsonb_to_recordset(coalesce(draft.thread_moved -> 'messages', '[]')) f (message_id text, sent_at timestamptz, text text) on f.message_id = known.id
    left join (select substring(line from '^(.*) [^ ]*$') as id, substring(line from '[^ ]*$') as hash
               from regexp_split_to_table(draft.thread_tail, E'\n') line where draft.thread_tail like E'thread v1\n%') t on t.id = known.id);
end $$;

-- Section: what is said to the model as the house's own ---------------------------------------------------------------

create function private.may_guide() returns boolean
language sql stable set search_path = '' as $$
  select coalesce(private.my_role() in ('owner', 'admin'), false) and private.token_scopes() is null
$$;
comment on function private.may_guide is 'May the caller write what every run of a kind is told? Owners and admins, themselves.';
drop policy workflows_add on public.workflows;
create policy workflows_add on public.workflows for insert to authenticated
  with check (organization_id = (select private.acting_organization()) and (select private.may_guide()));
drop policy workflows_change on public.workflows;
create policy workflows_change on public.workflows for update to authenticated
  using (organization_id = (select private.acting_organization()) and (select private.may_guide()))
  with check (organization_id = (select private.acting_organization()) and (select private.may_guide()));
drop policy workflows_remove on public.workflows;
create policy workflows_remove on public.workflows for delete to authenticated
  using (organization_id = (select private.acting_organization()) and (select private.may_guide()));

-- Section: what was spent -----------------------------------------------------------------------------------------------

alter table public.llm_interactions add constraint llm_interactions_cost_usd_check check (cost_usd >= 0);

do $$ declare f text; begin
  foreach f in array array['before_asking_by_hand', 'before_words_of_a_decision', 'before_using_by_hand', 'keep_to_the_worker', 'before_feedback',
      'keep_page_its_persons', 'keep_worded_by'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
  foreach f in array array['is_worded_by_another', 'may_guide'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
end $$;
