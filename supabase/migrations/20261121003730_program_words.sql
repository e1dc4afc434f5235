-- What a program says beside a decision is not the person's word; and times are refused in words.

alter table public.approvals add column by_program boolean not null default false;
alter table public.drafts add column by_program boolean not null default false;
alter table public.feedback add column by_program boolean not null default false;
comment on column public.approvals.by_program is 'Did a program''s token write its notes? They are no words of the person''s own.';
comment on column public.drafts.by_program is 'Did a program''s token write it, or the feedback to it? Neither is a word of the person''s own.';
comment on column public.feedback.by_program is 'Did a program''s token write it? Then it is no word of the person''s own.';

create function private.mark_words() returns trigger
language plpgsql set search_path = '' as $$
declare
  name text := case tg_table_name when 'approvals' then 'notes' when 'drafts' then 'feedback' else 'comment' end;
  is_written boolean := tg_op = 'INSERT' or to_jsonb(new) ->> name is distinct from to_jsonb(old) ->> name;
begin
  new.by_program := private.token_scopes() is not null and is_written or case tg_op when 'INSERT' then coalesce(new.by_program, false) else old.by_program end;
  return new;
end $$;
comment on function private.mark_words is 'What a program wrote says so, and goes on saying so.';
create trigger approvals_06_program before insert or update on public.approvals for each row execute function private.mark_words();
create trigger drafts_06_program before insert or update on public.drafts for each row execute function private.mark_words();
create trigger feedback_06_program before insert or update on public.feedback for each row execute function private.mark_words();
select private.expose_function('private.mark_words', array['authenticated', 'service_role']);

create function private.before_due_at() returns trigger
language plpgsql set search_path = '' as $$
begin
  perform private.refuse(422, 'due_at lies in the years 1900 to 9997', left(new.due_at::text, 100));
  return null;
end $$;
comment on function private.before_due_at is 'Refuses a time that other programs could not read, in words; the constraint due_at_can_be_read holds it in any case.';
create trigger tasks_04_due before insert or update of due_at on public.tasks for each row
when (new.due_at < '1900-01-01' or new.due_at >= '9998-01-01') execute function private.before_due_at();
select private.expose_function('private.before_due_at', array['authenticated', 'service_role']);

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
    where p.task_id in (select a.id from above a) and p.decided_by is not null and p.notes is not null and not p.by_program
    union all
    select 4, left(d.feedback, 10000) from public.drafts d
    where d.task_id in (select a.id from above a) and d.state = 'rejected' and d.feedback is not null and not d.by_program
    union all
    select 5, left(f.comment, 10000) from public.feedback f where f.task_id in (select a.id from above a) and f.comment <> '' and not f.by_program
    union all
    -- Of a draft that a person edited, what they changed; the rest is the run's.
    select 6, left(concat_ws(e'\n', case when d.subject <> b.subject then d.subject end,
      (select string_agg(r, e'\n') from unnest(d.to_recipients || d.cc_recipients || d.bcc_recipients) r
       where not r = any (b.to_recipients || b.cc_recipients || b.bcc_recipients)),
      (select string_agg(l, e'\n') from regexp_split_to_table(d.body, e'\n') l where l not in (select regexp_split_to_table(b.body, e'\n')))), 50000)
    from public.drafts d join public.drafts b on b.id = d.supersedes_id
    where d.task_id in (select a.id from above a) and d.author_type = 'user' and not d.by_program)
  select coalesce(jsonb_agg(distinct s.words) filter (where s.words <> ''), '[]') from (select * from said order by place limit 200) s
$$;
comment on function private.own_words is
  'What the person themself said for a task: the request (of a plan with its context) and those it is part of, the chat, yes and no with a note, feedback, and what they changed in drafts.';

