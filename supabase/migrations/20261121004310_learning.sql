-- What is learned from: what people made of drafts, what they said of results, what they wrote themselves; and like cases of the past.

create function public.list_draft_edits(since timestamptz default null, "until" timestamptz default null, most integer default 300) returns jsonb
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
    -- The versions that the person made of it, one after another; what a program wrote ends the row.
    edits as (
      select w.id as first_id, d.id, d.author_type, d.by_program, 1 as place from written w join public.drafts d on d.supersedes_id = w.id
      where d.author_type = 'user' and not d.by_program
      union all
      select e.first_id, d.id, d.author_type, d.by_program, e.place + 1 from edits e join public.drafts d on d.supersedes_id = e.id
      where d.author_type = 'user' and not d.by_program and e.place < 50),
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
comment on function public.list_draft_edits is
  'What people made of the newest `most` drafts that were written for them, oldest first: edited, approved unchanged, or rejected, with both texts and what others had said in the thread.';

create function public.list_own_mail(most integer default 200) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
  if most is null or most not between 1 and 1000 then
    perform private.refuse(422, 'most is between 1 and 1000', coalesce(most::text, 'null'));
  end if;
  return (
    select coalesce(jsonb_agg(to_jsonb(o) order by o.at, o.key), '[]') from (
      select * from (
        select 'mail:' || m.id as key, m.id as mail_id, null::uuid as draft_id, m.to_addresses as "to", m.subject, left(m.text_body, 20000) as body,
          coalesce(m.sent_at, m.created_at) as at, m.from_name as sender,
          coalesce((select a.user_id from public.accounts a where a.organization_id = m.organization_id and lower(a.address) = lower(m.from_address) limit 1),
            (private.person_json(m.organization_id, null) ->> 'user_id')::uuid) as user_id
        from public.mail_messages m
        where m.organization_id = (select private.acting_organization()) and m.is_from_me and m.suspicious is null
          and m.headers ->> 'auto_submitted' is distinct from 'true' and cardinality(m.to_addresses) > 0
          and (m.account = 'local' or 'sent' = any (m.labels)) -- of an account, what it sent: who wrote what came in anybody can say
          -- What was written for the person and came back from their mailbox is not theirs.
          and not exists (select 1 from public.drafts d where d.organization_id = m.organization_id and d.state = 'sent'
            and (d.message_id = m.message_id or btrim(d.body, e' \n\r') = btrim(m.text_body, e' \n\r')))
        union all
        select 'draft:' || d.id, null, d.id, d.to_recipients, d.subject, left(d.body, 20000), coalesce(d.sent_at, d.created_at),
          coalesce(d.target ->> 'from_name', ''), d.author_id
        from public.drafts d
        where d.organization_id = (select private.acting_organization()) and d.state = 'sent' and d.channel = 'mail'
          and d.author_type = 'user' and not d.by_program) w
      where w.user_id = (select auth.uid()) or (select private.is_service())
      order by w.at desc, w.key limit most) o);
end $$;
comment on function public.list_own_mail is
  'The newest mails that the person wrote themselves, oldest first: from their mailboxes, and drafts that they edited before they were sent.';

create function public.list_ratings(most integer default 200) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(to_jsonb(f) order by f.at, f.feedback_id), '[]') from (
    select f.id as feedback_id, f.user_id, f.task_id, f.rating, f.comment, f.created_at as at, t.kind as task_kind,
      (select d.to_recipients from public.drafts d where d.task_id = t.id order by d.version desc limit 1) as "to"
    from public.feedback f join public.tasks t on t.id = f.task_id
    where f.organization_id = (select private.acting_organization()) and not f.by_program and f.comment <> ''
      and (f.user_id = (select auth.uid()) or (select private.is_service()))
    order by f.created_at desc, f.id limit least(greatest(list_ratings.most, 1), 1000)) f
$$;
comment on function public.list_ratings is 'The newest words that people said of results, oldest first; what programs wrote is not among them.';

-- Section: similar cases of the past -----------------------------------------------------------------------------------

create index drafts_words_idx on public.drafts using gin (to_tsvector('simple'::regconfig, left(subject || ' ' || body, 100000)))
  where state = 'sent' and channel = 'mail';

create function public.find_similar_drafts(task_id uuid, people jsonb, most integer default 2) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(find_similar_drafts.task_id);
  person uuid := (private.person_json(task.organization_id, task.created_by) ->> 'user_id')::uuid;
  wanted tsquery := (select to_tsquery('simple', string_agg(quote_literal(w.lexeme), ' | '))
    from unnest(to_tsvector('simple'::regconfig, left(task.title || ' ' || task.description, 4000))) w);
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('draft_id', f.id, 'to', f.to_recipients, 'subject', f.subject, 'body', f.body, 'sent_at', f.sent_at)
      order by f.place desc, f.sent_at desc), '[]') from (
      select d.*, ts_rank(to_tsvector('simple'::regconfig, left(d.subject || ' ' || d.body, 100000)), wanted) as place from public.drafts d
      where d.organization_id = task.organization_id and d.state = 'sent' and d.channel = 'mail' and not d.by_program and d.task_id <> task.id
        and (person = (select auth.uid()) or (select private.is_service())) -- an outside agent is shown none
        and to_tsvector('simple'::regconfig, left(d.subject || ' ' || d.body, 100000)) @@ wanted
        -- To nobody but one of these: what was written to others is not told to them.
        and cardinality(d.to_recipients) = 1 and cardinality(d.cc_recipients || d.bcc_recipients) = 0
        and find_similar_drafts.people ? lower(d.to_recipients[1])
        -- Nothing of others went into it, and the person let it go as it stands.
        and d.provenance ->> 'is_tainted' is distinct from 'true'
        and (d.author_id = person or exists (select 1 from public.approvals a where a.draft_id = d.id and a.decided_by = person))
      order by place desc, d.sent_at desc limit least(greatest(coalesce(find_similar_drafts.most, 2), 1), 10)) f);
end $$;
comment on function public.find_similar_drafts is
  'Mails of the past that say most of what a task says, each sent to nobody but one of these people with the person''s yes; nothing of others went into them. The closest first.';

select private.expose_function('public.list_draft_edits', array['authenticated', 'service_role']);
select private.expose_function('public.list_own_mail', array['authenticated', 'service_role']);
select private.expose_function('public.list_ratings', array['authenticated', 'service_role']);
select private.expose_function('public.find_similar_drafts', array['authenticated', 'service_role']);
