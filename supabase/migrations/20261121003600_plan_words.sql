-- A plan's context is said by who asked for the plan, like its objective: whom and what it names is named by the person.

create or replace function private.own_words(task_id uuid) returns jsonb
language sql stable set search_path = '' as $$
  with above as (select a.* from private.above(own_words.task_id) a),
  said (place, words) as (
    select 1, left(concat_ws(e'\n', a.title, a.description, a.recipient,
      (select string_agg(v.value #>> '{}', e'\n') from jsonb_path_query(a.tool_input, 'strict $.**') v (value)
       where jsonb_typeof(v.value) = 'string' and strpos(v.value #>> '{}', '{{') = 0),
      (select string_agg(c.value #>> '{}', e'\n') from jsonb_array_elements(a.acceptance_criteria) c)), 50000)
    from above a where private.is_own_word(a)
    union all
    -- What a plan was asked with: stakeholders, constraints and resources are said like the objective.
    select 1, left((select string_agg(v.value #>> '{}', e'\n') from jsonb_path_query(p.request #- '{context,notes}', 'strict $.**') v (value)
      where jsonb_typeof(v.value) = 'string'), 50000)
    from above a join public.plans p on p.id = a.id where private.is_own_word(a) and p.document_id is null
    union all
    select 2, left(m.content, 50000) from public.conversation_messages m
    where m.role = 'user' and exists (select 1 from above a where a.source = 'chat'
      and m.conversation_id = (a.source_ref ->> 'conversation_id')::uuid and m.id::text = a.source_ref ->> 'message_id')
    union all
    select 3, left(p.notes, 10000) from public.approvals p
    where p.task_id in (select a.id from above a) and p.decided_by is not null and p.notes is not null
    union all
    select 4, left(d.feedback, 10000) from public.drafts d
    where d.task_id in (select a.id from above a) and d.state = 'rejected' and d.feedback is not null
    union all
    select 5, left(f.comment, 10000) from public.feedback f where f.task_id in (select a.id from above a) and f.comment <> ''
    union all
    -- Of a draft that a person edited, what they changed; the rest is the run's.
    select 6, left(concat_ws(e'\n', case when d.subject <> b.subject then d.subject end,
      (select string_agg(r, e'\n') from unnest(d.to_recipients || d.cc_recipients || d.bcc_recipients) r
       where not r = any (b.to_recipients || b.cc_recipients || b.bcc_recipients)),
      (select string_agg(l, e'\n') from regexp_split_to_table(d.body, e'\n') l where l not in (select regexp_split_to_table(b.body, e'\n')))), 50000)
    from public.drafts d join public.drafts b on b.id = d.supersedes_id
    where d.task_id in (select a.id from above a) and d.author_type = 'user')
  select coalesce(jsonb_agg(distinct s.words) filter (where s.words <> ''), '[]') from (select * from said order by place limit 200) s
$$;
comment on function private.own_words is
  'What the person themself said for a task: the request (of a plan with its context) and those it is part of, the chat, yes and no with a note, feedback, and what they changed in drafts.';

