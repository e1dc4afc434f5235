-- Moved threads: an answer that was written before the newest message of its thread is not sent; it is asked about anew.

-- Section: what was known of the thread ---------------------------------------------------------------------------

alter table public.drafts
  add column thread_moved jsonb check (jsonb_typeof(thread_moved -> 'messages') = 'array');
comment on column public.drafts.thread_tail is
  'What was known of the thread when the draft was made: "thread v1", then a line for each message, oldest first: its id, and a hash of its text (- where it is not kept here).';
comment on column public.drafts.thread_moved is
  'What came into the thread after this was written: {messages: [{message_id, sender, sent_at, text}], previous_draft_id}. An edit keeps it until somebody has decided.';
create index mail_messages_answers_idx on public.mail_messages (organization_id, in_reply_to) where in_reply_to is not null;

create function private.tail_ids(thread_tail text) returns text[]
language sql immutable set search_path = '' as $$
  select coalesce(array_agg(substring(line from '^(.*) [^ ]*$') order by n), '{}')
  from regexp_split_to_table(thread_tail, E'\n') with ordinality lines (line, n)
  where thread_tail like E'thread v1\n%' and n > 1 and line ~ '^.+ [^ ]+$'
$$;
comment on function private.tail_ids is 'The ids of the messages that a tail names; none for the tail of an older draft, which is the text of a mail.';

create function private.answered_ids(draft public.drafts) returns text[]
language sql immutable set search_path = '' as $$
  select coalesce(array_agg(distinct id), '{}') from (
    select draft.target ->> 'in_reply_to' union all
    select jsonb_array_elements_text(case jsonb_typeof(draft.target -> 'references') when 'array' then draft.target -> 'references' else '[]' end)) known (id)
  where id <> ''
$$;
comment on function private.answered_ids is 'The Message-IDs that an answer itself refers to.';

create function private.thread_ids(draft public.drafts) returns text[]
language sql immutable set search_path = '' as $$
  select private.answered_ids(draft) || private.tail_ids(draft.thread_tail)
$$;
comment on function private.thread_ids is 'The Message-IDs by which the thread of a draft is known.';

create function private.thread_mails(organization_id uuid, ids text[]) returns setof public.mail_messages
language sql stable set search_path = '' as $$
  select distinct on (m.message_id) m.* from public.mail_messages m
  where m.organization_id = thread_mails.organization_id and not m.labels && '{drafts,spam,trash}'::text[]
    and (m.thread_key = any (ids) or m.message_id = any (ids) or m.in_reply_to = any (ids))
  order by m.message_id, m.created_at
$$;
comment on function private.thread_mails is 'The mails of a thread that has one of these Message-IDs, each once; not those that nobody sent or nobody sees.';

create function private.thread_tail(draft public.drafts) returns text
language plpgsql stable set search_path = '' as $$
declare
  ids text[] := private.thread_ids(draft) || array(select m ->> 'message_id' from jsonb_array_elements(coalesce(draft.thread_moved -> 'messages', '[]')) m);
begin
  if draft.channel = 'mail' then
    -- What was sent from here before is known, whether or not it was read back from the mailbox yet.
    ids := ids || array(select d.message_id from public.drafts d where d.organization_id = draft.organization_id
                        and d.state in ('sending', 'sent', 'uncertain') and d.message_id is not null
                        and (d.task_id = draft.task_id or d.target ->> 'in_reply_to' = any (ids)));
    ids := ids || array(select m.thread_key from private.thread_mails(draft.organization_id, array[draft.target ->> 'in_reply_to']) m
                        where m.message_id = draft.target ->> 'in_reply_to');
    ids := ids || array(select m.message_id from private.thread_mails(draft.organization_id, ids) m);
  end if;
  return E'thread v1\n' || (
    select string_agg(known.id || ' ' || coalesce(left(encode(sha256(convert_to(coalesce(m.text_body, f.text), 'UTF8')), 'hex'), 16), t.hash, '-'), E'\n'
                      order by coalesce(m.sent_at, f.sent_at) nulls first, known.id)
    from (select distinct translate(i, E'\r\n', '') as id from unnest(ids) i where i <> '') known
    left join private.thread_mails(case draft.channel when 'mail' then draft.organization_id end, ids) m on m.message_id = known.id
    left join jsonb_to_recordset(coalesce(draft.thread_moved -> 'messages', '[]')) f (message_id text, sent_at timestamptz, text text) on f.message_id = known.id
    left join (select substring(line from '^(.*) [^ ]*$') as id, substring(line from '[^ ]*$') as hash
               from regexp_split_to_table(draft.thread_tail, E'\n') line where draft.thread_tail like E'thread v1\n%') t on t.id = known.id);
end $$;
comment on function private.thread_tail is 'The tail of a draft that answers: every message of its thread that is known here now.';

create function private.thread_news(draft public.drafts, since timestamptz default null) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('message_id', m.message_id, 'sent_at', m.sent_at, 'text', left(m.text_body, 2000),
      'sender', case when m.from_name = '' then m.from_address else format('%s <%s>', m.from_name, m.from_address) end)
    order by m.sent_at nulls last, m.message_id), '[]')
  from (select private.thread_ids(draft) as ids, private.answered_ids(draft) as answered, (select min(a.sent_at) from public.mail_messages a
          where a.organization_id = draft.organization_id and a.message_id = draft.target ->> 'in_reply_to') as answered_at) known
  cross join lateral private.thread_mails(draft.organization_id, known.ids) m
  where draft.channel = 'mail' and draft.target ->> 'in_reply_to' is not null
    and m.message_id <> all (known.answered) and m.message_id is distinct from draft.message_id
    -- What is read late and was written before the mail that is answered is the past; a day is for clocks that are wrong.
    and coalesce(m.sent_at > known.answered_at - interval '1 day', true)
    and case when since is not null then m.created_at > since
             when draft.thread_tail like E'thread v1\n%' then m.message_id <> all (known.ids)
             else m.created_at > draft.created_at end
$$;
comment on function private.thread_news is
  'The stored messages of its thread that a draft does not know of, or that were stored since a moment; oldest first.';

create function private.before_draft_thread() returns trigger
language plpgsql set search_path = '' as $$
declare
  earlier public.drafts;
  began timestamptz;
  news jsonb := '[]';
begin
  if (new.target ->> (case new.channel when 'mail' then 'in_reply_to' else 'thread_ts' end)) is null then
    return new;
  end if;
  select * into earlier from public.drafts d where d.id = new.supersedes_id and d.organization_id = new.organization_id and d.channel = new.channel
    and d.target ->> 'in_reply_to' is not distinct from new.target ->> 'in_reply_to' and d.target ->> 'thread_ts' is not distinct from new.target ->> 'thread_ts';
  if earlier.id is not null and private.tail_ids(new.thread_tail) = '{}' then
    new.thread_tail := earlier.thread_tail;
  end if;
  if new.thread_moved is null and earlier.id is not null
     and ((select auth.uid()) is not null or (new.subject, new.body) = (earlier.subject, earlier.body)) then
    -- Made from the earlier version, not from the thread: what that one did not know, or had to tell, this one tells.
    news := private.thread_news(earlier);
    if earlier.thread_moved is not null and earlier.decided_at is null then
      new.thread_moved := jsonb_set(earlier.thread_moved, '{messages}', (earlier.thread_moved -> 'messages') || news);
    elsif news <> '[]' then
      new.thread_moved := jsonb_build_object('messages', news, 'previous_draft_id', earlier.id);
    end if;
  end if;
  if new.channel = 'mail' or new.thread_tail is not null or new.thread_moved is not null then
    new.thread_tail := private.thread_tail(new);
  end if;
  -- A run reads the thread when it begins; what came in while it wrote is told with what it wrote.
  select t.run_started_at into began from public.tasks t where t.id = (auth.jwt() ->> 'run_task_id')::uuid;
  if new.thread_moved is null and began is not null then
    news := private.thread_news(new, began);
    if news <> '[]' then
      new.thread_moved := jsonb_build_object('messages', news, 'previous_draft_id', null);
    end if;
  end if;
  return new;
end $$;
comment on function private.before_draft_thread is
  'What is known of the thread is sealed with a draft that answers, and what came in after it was written is told; an edit goes on telling it until somebody has decided.';
create trigger drafts_05_thread before insert on public.drafts for each row execute function private.before_draft_thread();

create function private.before_draft_moves_on() returns trigger
language plpgsql set search_path = '' as $$
declare
  earlier public.drafts;
begin
  if tg_op = 'UPDATE' then
    if new.thread_moved is distinct from old.thread_moved then
      perform private.refuse(409, 'What came into the thread of a draft is not rewritten');
    end if;
    return new;
  end if;
  select * into earlier from public.drafts d where d.id = new.supersedes_id and d.organization_id = new.organization_id;
  if new.thread_moved is not null and (new.subject, new.body, new.to_recipients, new.cc_recipients, new.bcc_recipients)
     = (earlier.subject, earlier.body, earlier.to_recipients, earlier.cc_recipients, earlier.bcc_recipients) then
    new.author_type := earlier.author_type;
    new.author_id := earlier.author_id;
  end if;
  return new;
end $$;
comment on function private.before_draft_moves_on is 'The same words have the same author, whoever read the mail that made them ask again. What moved is not rewritten.';
create trigger drafts_11_moves_on before insert or update on public.drafts for each row execute function private.before_draft_moves_on();

-- Section: what came in since -------------------------------------------------------------------------------------

create function private.before_approval_moved() returns trigger
language plpgsql set search_path = '' as $$
begin
  if new.decision ->> 'verdict' = 'allow' and exists (select 1 from public.drafts d where d.id = new.draft_id and d.thread_moved is not null) then
    new.decision := new.decision || jsonb_build_object('verdict', 'ask', 'permission_id', null, 'reasons',
      coalesce(new.decision -> 'reasons', '[]') || jsonb_build_array(jsonb_build_object('code', 'thread_moved',
        'message', 'The thread has moved since this was written', 'value', '', 'origin', null, 'source', '', 'quote', '')));
  end if;
  return new;
end $$;
comment on function private.before_approval_moved is 'An answer that did not know the newest message of its thread rides on no standing permission.';
create trigger approvals_05_moved before insert on public.approvals for each row
when (new.draft_id is not null) execute function private.before_approval_moved();

create function private.move_draft(draft_id uuid, seen jsonb default '[]') returns public.drafts
language plpgsql set search_path = '' as $$
declare
  earlier public.drafts;
  asked public.approvals;
  made public.drafts;
  news jsonb;
  since uuid;
begin
  select * into earlier from public.drafts d where d.id = move_draft.draft_id for no key update;
  if earlier.state is null or earlier.state not in ('draft', 'approved') then
    return null;
  end if;
  select coalesce(jsonb_agg(n order by (n ->> 'sent_at')::timestamptz nulls last), '[]') into news from (
    select n from jsonb_array_elements(private.thread_news(earlier)) n
    union all
    select distinct on (f ->> 'message_id') jsonb_build_object('message_id', f ->> 'message_id', 'sender', coalesce(f ->> 'sender', ''), 'sent_at', f ->> 'sent_at',
      'text', left(coalesce(f ->> 'text', ''), 2000)) from jsonb_array_elements(seen) f
    where f ->> 'message_id' <> all (private.thread_ids(earlier)) and f ->> 'message_id' is distinct from earlier.message_id
      and not private.thread_news(earlier) @> jsonb_build_array(jsonb_build_object('message_id', f ->> 'message_id'))) fresh (n);
  if news = '[]' then
    return null;
  end if;
  since := earlier.id;
  if earlier.thread_moved is not null and earlier.decided_at is null then -- nobody has seen to the last ones yet
    news := (earlier.thread_moved -> 'messages') || news;
    since := coalesce((earlier.thread_moved ->> 'previous_draft_id')::uuid, earlier.id);
  end if;
  select * into asked from public.approvals a where a.draft_id = earlier.id order by a.created_at desc limit 1;
  update public.approvals a set state = 'voided', notes = coalesce(a.notes, 'The thread has moved since this was written')
  where a.draft_id = earlier.id and a.state in ('open', 'approved');
  perform private.supersede_draft(earlier);
  -- A run that is about to send is told by begin_sending.
  update public.tasks t set execution_status = 'cancelled', failure_reason = 'The thread has moved; a new draft asks'
  where t.parent_task_id = earlier.task_id and t.tool in ('email_send', 'slack_notification') and t.tool_input ->> 'draft_id' = earlier.id::text
    and t.execution_status in ('pending', 'queued', 'blocked', 'paused');
  update public.tasks t set blocked_reason = 'The thread has moved: look at the draft again', unblocked_by = 'Approve the draft, edit it, or say what to change'
  where t.id = earlier.task_id and t.execution_status = 'blocked' and t.blocked_on = 'review';
  insert into public.drafts select r.* from jsonb_populate_record(earlier, jsonb_build_object('id', gen_random_uuid(), 'state', 'draft',
    'version', earlier.version + 1, 'supersedes_id', earlier.id, 'digest', '', 'feedback', null, 'message_id', null, 'attempt_started_at', null,
    'provider_ref', null, 'receipt', null, 'failure_reason', null, 'bounces', '[]'::jsonb, 'created_at', now(), 'decided_at', null, 'sent_at', null,
    'thread_moved', jsonb_build_object('messages', news, 'previous_draft_id', since))) r
  returning * into made;
  if asked.id is null then
    insert into public.approvals (organization_id, task_id, draft_id, title, digest, requested_by)
    values (made.organization_id, made.task_id, made.id, coalesce(nullif(made.subject, ''), 'A message'), made.digest, made.author_type);
  else
    -- Whatever let the earlier one go by itself does not carry this one.
    insert into public.approvals select r.* from jsonb_populate_record(asked, jsonb_build_object('id', gen_random_uuid(), 'state', 'open',
      'draft_id', made.id, 'digest', made.digest, 'requested_by', made.author_type, 'decided_by', null, 'decided_at', null, 'decided_how', null,
      'used_at', null, 'notes', null, 'created_at', now(), 'expires_at', null, 'policy_id', null, 'hold_until', null, 'good_until', null,
      'decision', (asked.decision - 'considered_permission_id') || jsonb_build_object('verdict', 'ask', 'permission_id', null, 'reasons',
        coalesce(asked.decision -> 'reasons', '[]') || jsonb_build_array(jsonb_build_object('code', 'thread_moved',
          'message', 'The thread has moved since this was written', 'value', '', 'origin', null, 'source', '', 'quote', ''))))) r;
  end if;
  return made;
end $$;
comment on function private.move_draft is
  'The thread of a draft that has not begun to leave has moved: a new version with the same words, which knows of the new messages and needs its own yes. Null where nothing is new.';

create function private.after_mail_kept() returns trigger
language plpgsql set search_path = '' as $$
declare
  waiting uuid;
begin
  for waiting in
    select d.id from public.drafts d cross join lateral (select private.thread_ids(d) as ids) known
    where d.organization_id in (select k.organization_id from kept k) and d.state in ('draft', 'approved')
      and d.channel = 'mail' and d.target ->> 'in_reply_to' is not null
      and exists (select 1 from kept k where k.organization_id = d.organization_id
                  and (k.thread_key = any (known.ids) or k.in_reply_to = any (known.ids)))
    order by d.id
  loop
    begin
      perform private.move_draft(waiting);
    exception when lock_not_available then
      -- Somebody is deciding about it this very moment. Before it is sent the thread is looked at again.
      raise warning 'draft % is locked; its thread is looked at before it is sent', waiting;
    end;
  end loop;
  return null;
end $$;
comment on function private.after_mail_kept is 'A new message in a thread voids the approval of an answer that did not know of it.';
create trigger mail_messages_30_moves after insert on public.mail_messages
  referencing new table as kept for each statement execute function private.after_mail_kept();
-- A draft that was sent from elsewhere, or a mail that comes back out of the spam, is news as well.
create trigger mail_messages_31_moves after update on public.mail_messages
  referencing new table as kept for each statement execute function private.after_mail_kept();

-- Section: sending ------------------------------------------------------------------------------------------------

create function private.moved_words(draft public.drafts) returns text
language sql stable set search_path = '' as $$
  select format('The thread has moved: %s wrote since this was written. A new draft waits for you',
    coalesce(nullif(left(draft.thread_moved -> 'messages' -> -1 ->> 'sender', 120), ''), 'somebody'))
$$;
comment on function private.moved_words is 'In a sentence, why a draft was not sent: its successor''s news.';

create function private.refuse_stale_sending() returns void
language plpgsql stable set search_path = '' as $$
begin
  if exists (select 1 from public.tasks t where t.id = (auth.jwt() ->> 'run_task_id')::uuid
             and (private.is_stale_run(t) or t.execution_status <> 'in_progress')) then
    perform private.refuse(409, 'This run may not send: its task was paused, cancelled or taken over', 'stale run');
  end if;
end $$;
comment on function private.refuse_stale_sending is 'PT409 for a run that was taken over, or whose task was paused or cancelled.';

create or replace function public.begin_sending(draft_id uuid, message_id text) returns jsonb
language plpgsql set search_path = '' as $$
declare
  draft public.drafts := private.own_draft(begin_sending.draft_id, true);
  was text := draft.state;
  attempt_unknown boolean := draft.attempt_started_at is not null;
  newer public.drafts;
begin
  perform private.refuse_stale_sending();
  if draft.state = 'approved' then
    newer := private.move_draft(draft.id);
    if newer.id is not null then
      return private.draft_json(private.own_draft(draft.id)) || jsonb_build_object('was', was, 'attempt_unknown', false,
        'moved', private.moved_words(newer));
    end if;
    update public.drafts d set state = 'sending', message_id = begin_sending.message_id, attempt_started_at = now()
    where d.id = draft.id returning d.* into draft;
  elsif draft.state = 'sending' then
    update public.drafts d set attempt_started_at = coalesce(d.attempt_started_at, now()) where d.id = draft.id returning d.* into draft;
  elsif draft.state not in ('sent', 'uncertain', 'failed') then
    select * into newer from public.drafts d where d.supersedes_id = draft.id and d.thread_moved ->> 'previous_draft_id' is not null;
    if newer.id is not null then
      perform private.refuse(409, private.moved_words(newer), 'thread moved');
    end if;
    perform private.refuse(409, format('A draft that is %s is not sent', draft.state), draft.state);
  end if;
  return private.draft_json(draft) || jsonb_build_object('was', was, 'attempt_unknown', attempt_unknown);
end $$;
comment on function public.begin_sending is
  'approved -> sending, with the Message-ID stored before anything leaves; uses the approval up. `was` and `attempt_unknown` tell a run that comes again how far the earlier one got. Where the thread has moved nothing begins: `moved` says so, and the draft has a successor.';

create function public.thread_moved(draft_id uuid, messages jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  draft public.drafts := private.own_draft(thread_moved.draft_id, true);
  newer public.drafts;
begin
  perform private.refuse_stale_sending();
  if jsonb_typeof(messages) <> 'array' or exists (select 1 from jsonb_array_elements(messages) m where coalesce(m ->> 'message_id', '') = '') then
    perform private.refuse(422, 'messages is an array of {message_id, sender, sent_at, text}', 'messages');
  end if;
  newer := private.move_draft(draft.id, messages);
  return case when newer.id is not null then private.draft_json(newer) || jsonb_build_object('moved', private.moved_words(newer)) end;
end $$;
comment on function public.thread_moved is
  'The mailbox or the chat has messages in the thread of a draft that are not kept here: the draft that asks anew; null where they are known, or it has begun to leave.';

create or replace function public.revise_draft(draft_id uuid, changes jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  earlier public.drafts := private.own_draft(revise_draft.draft_id, true);
  made public.drafts;
  unknown text;
  said jsonb;
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
  -- An approved draft has a send task that waits; it goes with the draft.
  if earlier.state = 'approved' then
    perform private.cancel_sending(earlier);
  end if;
  -- What was said of the earlier version stays in sight; that a permission would have let it go does not carry an edit.
  select a.decision into said from public.approvals a where a.draft_id = earlier.id order by a.created_at desc limit 1;
  made := private.insert_draft(private.own_task(earlier.task_id), (to_jsonb(earlier)) || changes, earlier,
    (nullif(said, '{}') - 'considered_permission_id') || '{"verdict": "ask", "permission_id": null}');
  return private.draft_json(made);
end $$;

do $$ declare f text; begin
  foreach f in array array['tail_ids', 'answered_ids', 'thread_ids', 'thread_mails', 'thread_tail', 'before_draft_thread', 'before_draft_moves_on', 'thread_news',
    'before_approval_moved', 'move_draft', 'after_mail_kept'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['private.moved_words', 'private.refuse_stale_sending', 'public.thread_moved'] loop
    perform private.expose_function(f, array['service_role']);
  end loop;
end $$;
