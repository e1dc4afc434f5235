-- What is one member's is not another's to use: their accounts, their name, their words and their permissions.

-- Section: whose a task is --------------------------------------------------------------------------------------------
-- A task is done with the accounts of whoever it belongs to, so nobody writes down somebody else, or nobody.

create function private.keep_maker() returns trigger
language plpgsql set search_path = '' as $$
begin
  if current_user not in ('authenticated', 'anon') then
    return new; -- the worker, and what the database does by itself
  elsif tg_op = 'INSERT' then
    new.created_by := auth.uid();
  elsif new.created_by is distinct from old.created_by then
    perform private.refuse(403, 'Whose it is does not change', format('%s %s', tg_table_name, new.id));
  end if;
  return new;
end $$;
comment on function private.keep_maker is 'What a person writes down is theirs, whoever they say made it, and stays whose it is.';
create trigger tasks_03_maker before insert or update of created_by on public.tasks for each row execute function private.keep_maker();
create trigger reminders_03_maker before insert or update of created_by on public.reminders for each row execute function private.keep_maker();
select private.expose_function('private.keep_maker', array[]::text[]);

create function private.person_of_task(task_id uuid) returns uuid
language sql stable security definer set search_path = '' as $$
  select coalesce(t.created_by, (select m.user_id from public.organizations o join public.members m on m.organization_id = o.id
    where o.id = t.organization_id and o.is_personal limit 1))
  from public.tasks t where t.id = person_of_task.task_id and private.in_scope(t.organization_id)
$$;
comment on function private.person_of_task is
  'With whose accounts a task is done: whoever it belongs to; in a personal organization its person; else nobody. Definer, because an organization is looked at.';
select private.expose_function('private.person_of_task', array['authenticated', 'service_role']);

-- Section: whose words they are -------------------------------------------------------------------------------------

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
    where m.role = 'user' and exists (select 1 from own a where a.source = 'chat' and not a.source_ref ?| array['handed_over', 'others_words']
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

-- Section: whose account it leaves through --------------------------------------------------------------------------

-- Section: whose permission it is -----------------------------------------------------------------------------------

create or replace function public.save_policy(policy jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
  organization uuid := private.may_permit();
  earlier public.policies;
  given public.policies;
  unknown text;
begin
  if jsonb_typeof(policy) is distinct from 'object' then
    perform private.refuse(422, 'policy is an object', coalesce(left(policy::text, 200), 'null'));
  end if;
  select string_agg(k, ', ') into unknown from jsonb_object_keys(policy) k
  where k <> all (array['id', 'action', 'targets', 'task_kinds', 'carries', 'max_per_hour', 'max_per_day', 'hold_seconds', 'expires_at', 'is_enabled']);
  if unknown is not null then
    perform private.refuse(422, 'These fields of a permission cannot be set', unknown,
      'Known: id, action, targets, task_kinds, carries, max_per_hour, max_per_day, hold_seconds, expires_at, is_enabled.');
  end if;
  if policy ->> 'id' is not null then
    select * into earlier from public.policies p where p.id = (policy ->> 'id')::uuid and p.organization_id = organization for no key update;
    if earlier.id is null then
      perform private.refuse(404, 'There is no such permission', format('policy %s', policy ->> 'id'));
    end if;
  end if;
  given := jsonb_populate_record(case when earlier.id is not null then earlier end, policy);
  given.id := coalesce(earlier.id, gen_random_uuid());
  given.targets := array(select btrim(t) from unnest(given.targets) t order by 1);
  given.task_kinds := coalesce(given.task_kinds, '{}');
  given.carries := coalesce(given.carries, 'own_words');
  given.hold_seconds := coalesce(given.hold_seconds, 120);
  given.is_enabled := coalesce(given.is_enabled, false);
  if earlier.created_by <> (select auth.uid()) and (given.is_enabled or to_jsonb(given) - 'is_enabled' is distinct from to_jsonb(earlier) - 'is_enabled') then
    perform private.refuse(403, 'Only whoever gave a permission changes it', private.person_json(organization, earlier.created_by) ->> 'email',
      'You may switch it off, and give one of your own: it covers your own work.');
  end if;
  -- One that has ended, or is for what is no longer allowed, can still be switched off.
  if given.is_enabled or earlier.id is null or to_jsonb(given) - 'is_enabled' is distinct from to_jsonb(earlier) - 'is_enabled' then
    perform private.check_policy(given);
  end if;
  if earlier.id is null then
    insert into public.policies (id, organization_id, action, targets, task_kinds, carries, max_per_hour, max_per_day, hold_seconds, expires_at, is_enabled, created_by)
    values (given.id, organization, given.action, given.targets, given.task_kinds, given.carries, given.max_per_hour, given.max_per_day, given.hold_seconds,
      given.expires_at, given.is_enabled, (select auth.uid())) returning * into given;
  else
    update public.policies p set action = given.action, targets = given.targets, task_kinds = given.task_kinds, carries = given.carries,
      max_per_hour = given.max_per_hour, max_per_day = given.max_per_day, hold_seconds = given.hold_seconds, expires_at = given.expires_at,
      is_enabled = given.is_enabled, demoted_at = case when not given.is_enabled then p.demoted_at end,
      demoted_because = case when not given.is_enabled then p.demoted_because end
    where p.id = earlier.id returning * into given;
    if not given.is_enabled or (given.action, given.targets, given.task_kinds, given.carries)
       is distinct from (earlier.action, earlier.targets, earlier.task_kinds, earlier.carries) then
      perform private.take_back_held(organization, given.id, 'changed', 'The permission was changed meanwhile');
    end if;
  end if;
  perform private.audit(organization, case when earlier.id is null then 'policy.created' else 'policy.changed' end, 'policy', given.id, null,
    jsonb_build_object('policy', to_jsonb(given)) || case when earlier.id is not null then jsonb_build_object('earlier', to_jsonb(earlier)) else '{}' end);
  return private.policy_json(given);
exception when invalid_text_representation or invalid_datetime_format or datetime_field_overflow or numeric_value_out_of_range then
  perform private.refuse(422, 'A field of the permission has a wrong value', sqlerrm);
  return null;
end $$;

do $$ declare changed record; begin
  for changed in
    select p.organization_id, p.id from public.policies p where p.is_enabled and exists (
      select 1 from public.audit_events e where e.subject_id = p.id and e.action = 'policy.changed' and e.actor_id <> p.created_by)
  loop
    update public.policies p set is_enabled = false, demoted_at = now(), demoted_because = 'Somebody else than whoever gave it had changed it' where p.id = changed.id;
    perform private.take_back_held(changed.organization_id, changed.id, 'stopped', 'Somebody else than whoever gave the permission had changed it');
  end loop;
end $$;

-- Section: whose mail and calendar it is ------------------------------------------------------------------------------
-- Whoever types an address has not shown that it is theirs.

create function private.accounts_of_others(organization_id uuid, user_id uuid) returns setof text
language sql stable security definer set search_path = '' as $$
  select n.name from public.accounts a cross join lateral (values (a.address), (a.provider || ':' || a.id)) n (name)
  where a.organization_id = accounts_of_others.organization_id and private.in_scope(a.organization_id) and a.user_id is distinct from accounts_of_others.user_id
$$;
comment on function private.accounts_of_others is
  'How mail and calendars name the accounts of all but this person, and of those who left: by address, or provider and id. Definer, because an account is seen by its person alone.';
select private.expose_function('private.accounts_of_others', array['authenticated', 'service_role']);

create function private.before_address_is_anothers() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.provider not in ('imap', 'google') then
    return new;
  end if;
  perform pg_catalog.pg_advisory_xact_lock(hashtextextended('address ' || new.organization_id || ' ' || lower(new.address), 0));
  -- One that has ended, and from which nothing was read, gives way.
  delete from public.accounts a
  where a.organization_id = new.organization_id and a.user_id <> new.user_id and lower(a.address) = lower(new.address) and a.state = 'revoked'
    and a.provider in ('imap', 'google')
    and not exists (select 1 from public.mail_messages m where m.organization_id = a.organization_id and m.account = a.address)
    and not exists (select 1 from public.calendar_events e where e.organization_id = a.organization_id and e.calendar = a.provider || ':' || a.id);
  if exists (select 1 from public.accounts a where a.organization_id = new.organization_id and a.user_id <> new.user_id
       and lower(a.address) = lower(new.address) and a.provider in ('imap', 'google')) then
    perform private.refuse(409, 'Somebody else here has connected this address', new.address,
      'Mail is read by whoever connected it. To pass it on, have them disconnect it, and connect it in an organization of its own.');
  end if;
  return new;
end $$;
comment on function private.before_address_is_anothers is
  'Mail of one address is one person''s in an organization. Definer, because an account is seen by its person alone. PT409 for another''s.';
create trigger accounts_05_address before insert on public.accounts for each row execute function private.before_address_is_anothers();
create trigger accounts_06_again before update of state on public.accounts for each row
when (new.state = 'connected' and old.state <> 'connected') execute function private.before_address_is_anothers();
select private.expose_function('private.before_address_is_anothers', array[]::text[]);

drop policy mail_messages_add on public.mail_messages;
create policy mail_messages_add on public.mail_messages for insert to authenticated
  with check (organization_id in (select private.my_organizations()) and account not in (select private.others_accounts()));
drop policy calendar_events_add on public.calendar_events;
create policy calendar_events_add on public.calendar_events for insert to authenticated
  with check (organization_id in (select private.my_organizations()) and calendar not in (select private.others_accounts()));

create or replace function private.thread_news(draft public.drafts, since timestamptz default null) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(jsonb_build_object('message_id', m.message_id, 'sent_at', m.sent_at, 'text', left(m.text_body, 2000),
      'sender', case when m.from_name = '' then m.from_address else format('%s <%s>', m.from_name, m.from_address) end)
    order by m.sent_at nulls last, m.message_id), '[]')
  from (select private.thread_ids(draft) as ids, private.answered_ids(draft) as answered, (select min(a.sent_at) from public.mail_messages a
          where a.organization_id = draft.organization_id and a.message_id = draft.target ->> 'in_reply_to') as answered_at) known
  cross join lateral private.thread_mails(draft.organization_id, known.ids) m
  where draft.channel = 'mail' and draft.target ->> 'in_reply_to' is not null
    and m.account not in (select private.accounts_of_others(draft.organization_id, private.person_of_task(draft.task_id)))
    and m.message_id <> all (known.answered) and m.message_id is distinct from draft.message_id
    -- What is read late and was written before the mail that is answered is the past; a day is for clocks that are wrong.
    and coalesce(m.sent_at > known.answered_at - interval '1 day', true)
    and case when since is not null then m.created_at > since
             when draft.thread_tail like E'thread v1\n%' then m.message_id <> all (known.ids)
             else m.created_at > draft.created_at end
$$;

-- Section: who is told --------------------------------------------------------------------------------------------

