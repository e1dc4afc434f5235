-- What a person said themself, in an organization where others write as well.

create or replace function private.is_own_word(task public.tasks) returns boolean
language sql immutable set search_path = '' as $$
  select private.is_said_by_person(task) and not task.source_ref ?| array['by_program', 'handed_over', 'others_words']
$$;
comment on function private.is_own_word is
  'Did the person themself say what this task is? Not what came in, not what an agent planned, not what a program with a token said, and not what another left to them or changed.';

create function private.before_anothers_words() returns trigger
language plpgsql set search_path = '' as $$
begin
  if current_user in ('authenticated', 'anon') then -- a mark is not taken off
    new.source_ref := new.source_ref || (select coalesce(jsonb_object_agg(m.key, m.value), '{}') from jsonb_each(old.source_ref) m
      where m.key in ('by_program', 'handed_over', 'others_words'));
  end if;
  if old.created_by <> auth.uid() and (new.title, new.description, new.kind, new.recipient, new.acceptance_criteria, new.tool, new.tool_input, new.source,
         new.source_ref ->> 'conversation_id', new.source_ref ->> 'message_id')
       is distinct from (old.title, old.description, old.kind, old.recipient, old.acceptance_criteria, old.tool, old.tool_input, old.source,
         old.source_ref ->> 'conversation_id', old.source_ref ->> 'message_id') then
    new.source_ref := new.source_ref || '{"others_words": true}';
    new.created_by := auth.uid();
  end if;
  return new;
end $$;
comment on function private.before_anothers_words is
  'A task that another member words anew is theirs from then on, done with their accounts, and no own word of whoever it belonged to; marks like this stay.';
create trigger tasks_05_words before update of title, description, kind, recipient, acceptance_criteria, tool, tool_input, source, source_ref on public.tasks
for each row when (auth.uid() is not null) execute function private.before_anothers_words();
select private.expose_function('private.before_anothers_words', array[]::text[]);

create function private.after_anothers_words() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  with recursive below as (
    select t.id from public.tasks t where t.parent_task_id = new.id
    union all select t.id from public.tasks t join below b on t.parent_task_id = b.id)
  update public.tasks t set created_by = new.created_by
  from below b where t.id = b.id and t.execution_status not in ('completed', 'failed', 'cancelled') and t.created_by = old.created_by;
  return null;
end $$;
comment on function private.after_anothers_words is
  'What is still to be done below a task that is another''s now is theirs, too: its parts are done by its words. Definer, because nobody says whose a task is.';
create trigger tasks_75_words after update of title, description, kind, recipient, acceptance_criteria, tool, tool_input, source, source_ref on public.tasks
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
