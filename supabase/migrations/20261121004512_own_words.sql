-- What a person said themself, in an organization where others write as well.

create or replace function private.is_own_word(task public.tasks) returns boolean
language sql immutable set search_path = '' as $$
  select private.is_said_by_person(task) and not task.source_ref ?| array['by_program', 'handed_over', 'others_words']
$$;
comment on function private.is_own_word is
  'Did the person themself say what this task is? Not what came in, not what an agent planned, not what a program with a token said, and not what another left to them or changed.';

create function private.mark_of_taking(task public.tasks) returns jsonb
language sql immutable set search_path = '' as $$
  select jsonb_build_object('others_words', true, 'made_by', coalesce(task.source_ref -> 'made_by', to_jsonb(task.created_by)))
$$;
comment on function private.mark_of_taking is
  'How a task is marked that becomes another member''s by what they say of it: {others_words, made_by: whose it was first, who alone deletes it among members}.';
select private.expose_function('private.mark_of_taking', array['authenticated', 'service_role']);

create function private.before_anothers_words() returns trigger
language plpgsql set search_path = '' as $$
declare
  -- What every member may change of a colleague's task without having it: how it is to be kept, where it stands, whose turn it is.
  shared constant text[] := array['priority', 'priority_rank', 'due_at', 'due_key', 'due_is_all_day', 'labels', 'position', 'archived_at', 'updated_at',
    'assigned_to_type', 'assigned_to_id', 'assignee_role', 'estimated_duration_minutes', 'actual_duration_minutes', 'execution_status', 'execution_log',
    'blocked_on', 'blocked_reason', 'blocked_until', 'unblocked_by', 'failure_reason', 'run_after', 'retry_count', 'replan_count', 'strategy',
    'decomposition_confidence', 'started_at', 'paused_at', 'snoozed_until', 'snoozed_for', 'remind_at', 'reminded_at', 'superseded_at'];
  -- What it is, when it comes and how far it goes by itself: whoever says that has the task.
  said constant text[] := array['title', 'description', 'kind', 'recipient', 'acceptance_criteria', 'tool', 'tool_input', 'source', 'source_ref',
    'execution_type', 'automation_rules', 'recurrence', 'repeats_from', 'run_when_due', 'series_id', 'series_starts_at', 'series_number', 'series_ended_at',
    'occurs_at', 'continued_at', 'bounds', 'timeout_seconds', 'on_failure', 'max_retries', 'workflow_id', 'agent_id', 'agent_executable', 'notes_file'];
  marks constant text[] := array['by_program', 'handed_over', 'others_words', 'made_by'];
  own constant text[] := array['document_id', 'document_paths']; -- where it stands in a document is no word of it
  changed text[];
  refused text;
begin
  if current_user not in ('authenticated', 'anon') then
    return new; -- the worker, and what the database does by itself
  end if;
  new.source_ref := new.source_ref || (select coalesce(jsonb_object_agg(m.key, m.value), '{}') from jsonb_each(old.source_ref) m
    where m.key = any (marks)); -- a mark is not taken off
  if old.created_by is not distinct from (select auth.uid()) or old.created_by is null then
    return new;
  end if;
  changed := array(select n.key from jsonb_each(to_jsonb(new) - shared) n
    where n.value is distinct from to_jsonb(old) -> n.key
      and (n.key <> 'source_ref' or new.source_ref - marks - own <> old.source_ref - marks - own));
  if new.execution_status = 'completed' and old.execution_status <> 'completed' then
    -- Whoever ticks it off or answers says what came of it; that is theirs to say, and not its person's word.
    changed := array(select c from unnest(changed) c where c <> all (array['result', 'evidence', 'verification']));
    if jsonb_typeof(new.result) <> 'object' and new.result is distinct from old.result
       or jsonb_typeof(new.result) = 'object' and exists (
         select 1 from jsonb_each(jsonb_strip_nulls(new.result) - 'approved') r where r.value is distinct from old.result -> r.key) then
      new.tainted_by := private.merged_taint(new.tainted_by, private.taint_of_colleague(new));
    end if;
  end if;
  select string_agg(c, ', ') into refused from unnest(changed) c where c <> all (said);
  if refused is not null then
    perform private.refuse(403, 'Only its worker and whoever a task belongs to write this', refused,
      'Comment it, word it anew, tick it off or reject what came of it.');
  end if;
  if cardinality(changed) > 0 then
    new.source_ref := new.source_ref || private.mark_of_taking(old);
    new.created_by := (select auth.uid());
  end if;
  return new;
end $$;
comment on function private.before_anothers_words is
  'What a member changes of a colleague''s task: little that is shared; what it says makes it theirs, done with their accounts, and no own word of whoever it belonged to; the rest is refused (PT403). Marks stay.';
create trigger tasks_05_words before update on public.tasks
for each row when (auth.uid() is not null and (old.created_by <> auth.uid() or new.source_ref is distinct from old.source_ref))
execute function private.before_anothers_words();

create function private.taint_of_colleague(task public.tasks) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_array(jsonb_build_object('kind', 'colleague', 'ref', task.id, 'title', task.title))
$$;
comment on function private.taint_of_colleague is 'A task that works with what another member wrote: theirs is no own word of whoever it belongs to.';
select private.expose_function('private.taint_of_colleague', array['authenticated', 'service_role']);
select private.expose_function('private.before_anothers_words', array[]::text[]);

create function private.withdraw_others_yes(organization_id uuid, task_id uuid, user_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  given uuid;
begin
  for given in
    select a.id from public.approvals a join public.tasks t on t.id = a.task_id
    where a.organization_id = withdraw_others_yes.organization_id and a.state = 'approved' and (a.draft_id is not null or a.tool is not null)
      and t.created_by = withdraw_others_yes.user_id and a.decided_by <> withdraw_others_yes.user_id
      and (withdraw_others_yes.task_id is null or t.id = withdraw_others_yes.task_id) order by a.id
  loop
    perform private.take_back(given, 'changed', 'It would leave through the account of somebody who did not say yes');
  end loop;
end $$;
comment on function private.withdraw_others_yes is
  'A yes that another said to what is this person''s (a task of theirs, or all) and that has not left yet asks again: it was said for other accounts than those it would leave through. Definer: it is about another''s rows.';
select private.expose_function('private.withdraw_others_yes', array[]::text[]);

create function private.after_anothers_words() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  with recursive below as (
    select t.id from public.tasks t where t.parent_task_id = new.id
    union all select t.id from public.tasks t join below b on t.parent_task_id = b.id)
  update public.tasks t set created_by = new.created_by,
    source_ref = t.source_ref || jsonb_build_object('made_by', private.mark_of_taking(t) -> 'made_by')
  from below b where t.id = b.id and t.execution_status not in ('completed', 'failed', 'cancelled') and t.created_by = old.created_by;
  perform private.withdraw_others_yes(new.organization_id, new.id, new.created_by);
  return null;
end $$;
comment on function private.after_anothers_words is
  'What is still to be done below a task that is another''s now is theirs, too: its parts are done by its words. Definer, because nobody says whose a task is.';
create trigger tasks_75_words after update on public.tasks
for each row when (auth.uid() is not null and new.created_by is distinct from old.created_by) execute function private.after_anothers_words();
select private.expose_function('private.after_anothers_words', array[]::text[]);

create or replace function private.own_words(task_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  with me as (select t.organization_id, coalesce(t.created_by, private.person_of_task(t.id)) as id
    from public.tasks t where t.id = own_words.task_id),
  above as (select a.* from private.above(own_words.task_id) a),
  -- What somebody else said of it is not theirs. In an organization of one, what nobody made is that one's.
  own as (select a.* from above a cross join me where coalesce(a.created_by, me.id) is not distinct from me.id),
  said (place, words) as (
    select 1, left(concat_ws(e'\n', a.title, a.description, a.recipient,
      (select string_agg(v.value #>> '{}', e'\n') from jsonb_path_query(a.tool_input, 'strict $.**') v (value)
       where jsonb_typeof(v.value) = 'string' and strpos(v.value #>> '{}', '{{') = 0),
      (select string_agg(c.value #>> '{}', e'\n') from jsonb_array_elements(a.acceptance_criteria) c)), 50000)
    from own a where private.is_own_word(a)
    union all
    -- What a plan was asked with: stakeholders, constraints and resources are said like the objective.
    select 1, left((select string_agg(v.value #>> '{}', e'\n') from jsonb_path_query(p.request #- '{context,notes}', 'strict $.**') v (value)
      where jsonb_typeof(v.value) = 'string'), 50000)
    from own a join public.plans p on p.id = a.id where private.is_own_word(a) and p.document_id is null
    union all
    select 2, left(m.content, 50000) from public.conversation_messages m
    where m.role = 'user' and exists (select 1 from public.conversations c where c.id = m.conversation_id and c.user_id = (select me.id from me)) and exists (select 1 from own a where a.source = 'chat' and not a.source_ref ?| array['handed_over', 'others_words']
      and m.conversation_id = (a.source_ref ->> 'conversation_id')::uuid and m.id::text = a.source_ref ->> 'message_id')
    union all
    select 3, left(p.notes, 10000) from public.approvals p
    where p.task_id in (select a.id from above a) and p.decided_by = (select me.id from me) and p.notes is not null and not p.by_program
    union all
    select 4, left(d.feedback, 10000) from public.drafts d
    where d.task_id in (select a.id from above a) and d.state = 'rejected' and d.feedback is not null and not d.by_program
      and not exists (select 1 from public.approvals p where p.draft_id = d.id and p.decided_by <> (select me.id from me))
    union all
    select 5, left(f.comment, 10000) from public.feedback f where f.task_id in (select a.id from above a) and f.comment <> '' and not f.by_program and f.user_id = (select me.id from me)
    union all
    -- Of a draft that a person edited, what they changed; the rest is the run's.
    select 6, left(concat_ws(e'\n', case when d.subject <> b.subject then d.subject end,
      (select string_agg(r, e'\n') from unnest(d.to_recipients || d.cc_recipients || d.bcc_recipients) r
       where not r = any (b.to_recipients || b.cc_recipients || b.bcc_recipients)),
      (select string_agg(l, e'\n') from regexp_split_to_table(d.body, e'\n') l where l not in (select regexp_split_to_table(b.body, e'\n')))), 50000)
    from public.drafts d join public.drafts b on b.id = d.supersedes_id
    where d.task_id in (select a.id from above a) and d.author_type = 'user' and not d.by_program and d.author_id = (select me.id from me))
  select coalesce(jsonb_agg(distinct s.words) filter (where s.words <> ''), '[]') from (select * from said order by place limit 200) s
$$;
