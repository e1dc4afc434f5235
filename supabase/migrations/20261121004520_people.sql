-- Several people in one house: whom the settings serve, who a draft is from, and how it can leave.

-- Section: whom the settings serve -----------------------------------------------------------------------------------
-- The owner is whoever is marked so. An address alone makes nobody the owner where somebody could sign up with it unconfirmed.

select private.expose_function('public.serves_owner', array['authenticated', 'service_role']);

-- Section: who a draft is from ---------------------------------------------------------------------------------------

create function public.get_person_of_task(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_person_of_task.task_id);
begin
  return coalesce(private.person_json(task.organization_id, task.created_by), '{}')
    || jsonb_build_object('is_owner', private.is_local_organization(task.organization_id),
      'accounts_of', private.person_of_task(task.id));
end $$;
comment on function public.get_person_of_task is
  'Whose task it is, as {user_id, email, name, is_owner, accounts_of}: whoever made it; of one that nobody made, the first member. is_owner: the settings serve them here. accounts_of: with whose accounts it is done.';
select private.expose_function('public.get_person_of_task', array['service_role']);

-- Section: how a draft can leave -------------------------------------------------------------------------------------
-- target.lacks says why there was no way to send it when it was written. It is written anew when a way is there.

create function private.before_sending_is_promised() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select 1 from public.drafts d where d.id = new.draft_id and d.target ? 'lacks') then
    perform private.refuse(409, 'There is no mailbox to send this from', null,
      'Connect the mailbox of whoever it is from, at /settings: the draft is then from there, and you approve that one.');
  end if;
  return new;
end $$;
comment on function private.before_sending_is_promised is
  'A yes to what cannot be sent would wait for ever. Definer, as the draft is looked at whoever says yes.';
create trigger approvals_07_can_leave before update on public.approvals for each row
when (new.state = 'approved' and old.state <> 'approved' and new.draft_id is not null)
execute function private.before_sending_is_promised();
select private.expose_function('private.before_sending_is_promised', array[]::text[]);

create or replace function private.before_draft_insert() returns trigger
language plpgsql set search_path = '' as $$
declare
  earlier public.drafts;
  again public.drafts;
begin
  if new.state <> 'draft' then
    perform private.refuse(409, 'A new draft starts as draft');
  end if;
  if not exists (select 1 from public.tasks t where t.id = new.task_id and t.organization_id = new.organization_id) then
    perform private.refuse(422, 'The draft''s task does not exist', format('task_id %s', new.task_id));
  end if;
  new.digest := private.draft_digest(new);
  select * into earlier from public.drafts d where d.id = new.supersedes_id and d.task_id = new.task_id;
  again := new;
  if earlier.target ? 'lacks' then
    again.target := earlier.target; -- from which mailbox it goes is not what it says
  end if;
  if earlier.digest = private.draft_digest(again) then -- the same words again: who wrote them stays
    new.author_type := earlier.author_type;
    new.author_id := earlier.author_id;
  else
    new.author_type := case when (select auth.uid()) is null then 'agent' else 'user' end;
    new.author_id := (select auth.uid());
  end if;
  return new;
end $$;

create function private.after_mailbox_connected() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  draft public.drafts;
  task public.tasks;
begin
  for draft in
    select d.* from public.drafts d join public.tasks t on t.id = d.task_id
    where d.organization_id = new.organization_id and d.state = 'draft' and d.target ? 'lacks' and coalesce(t.created_by, new.user_id) = new.user_id
    order by d.created_at for no key update of d
  loop
    select * into task from public.tasks t where t.id = draft.task_id;
    perform private.supersede_draft(draft);
    perform private.insert_draft(task, to_jsonb(draft) || jsonb_build_object('target',
      draft.target - 'lacks' || jsonb_build_object('from_address', new.address, 'account_id', new.id)
      || case when new.settings ->> 'name' <> '' then jsonb_build_object('from_name', new.settings ->> 'name') else '{}' end), draft,
      (select nullif(a.decision, '{}') - 'considered_permission_id' from public.approvals a where a.draft_id = draft.id
        order by a.created_at desc limit 1) || '{"verdict": "ask", "permission_id": null}');
  end loop;
  return null;
end $$;
comment on function private.after_mailbox_connected is
  'Drafts of a person who had no mailbox become drafts from the one that they connected, to be approved anew. Definer: it writes what the person reads.';
create trigger accounts_20_mailbox after insert or update of state on public.accounts for each row
when (new.state = 'connected' and (new.provider = 'imap' or new.provider = 'google' and (new.scopes::text like '%mail.google.com%' or new.scopes::text like '%gmail.modify%')))
execute function private.after_mailbox_connected();
select private.expose_function('private.after_mailbox_connected', array[]::text[]);

-- Section: whose budget -----------------------------------------------------------------------------------------------
-- Each organization has a day's budget; whoever signs up can make as many as they like, so all but the owner's share another one.

create function private.others_model_cost(organization_id uuid, since timestamptz) returns numeric
language sql stable security definer set search_path = '' as $$
  select case when not private.is_local_organization(others_model_cost.organization_id) then
    coalesce((select sum(i.cost_usd) from public.llm_interactions i
      where i.created_at >= others_model_cost.since and not private.is_local_organization(i.organization_id)), 0)
    + coalesce((select sum(r.cost_usd) from public.model_reservations r
      where r.created_at >= now() - interval '10 minutes' and not private.is_local_organization(r.organization_id)), 0) end
$$;
comment on function private.others_model_cost is
  'What every organization but the owner''s personal one has spent on models since then, with what is held; null for that one. Definer, because it adds up what each sees of itself alone.';
select private.expose_function('private.others_model_cost', array['authenticated', 'service_role']);

create or replace function private.budget_refusal(task public.tasks, cost_usd numeric, limits jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  tenant uuid := coalesce(task.organization_id, private.acting_organization());
  own jsonb := (select o.bounds from public.organizations o where o.id = tenant);
  tree jsonb := case when task.id is not null then private.tree_bounds(task.root_task_id) else '{}' end;
  day_usd numeric := least((own ->> 'max_cost_usd_per_day')::numeric, (limits ->> 'day_usd')::numeric);
  day_calls numeric := least((own ->> 'max_model_calls_per_day')::numeric, (limits ->> 'day_calls')::numeric);
  task_usd numeric := least((tree ->> 'max_cost_usd_per_task')::numeric, (limits ->> 'task_usd')::numeric,
    case when task.id <> task.root_task_id then (task.bounds ->> 'max_cost_usd')::numeric end);
  zone text := coalesce(limits ->> 'timezone', 'UTC');
  day_began timestamptz := date_trunc('day', coalesce((limits ->> 'at')::timestamptz, now()), zone);
  day_ends timestamptz := date_trunc('day', day_began + interval '36 hours', zone);
  silent_usd numeric := (limits ->> 'proactive_day_usd')::numeric;
  soon timestamptz := now() + interval '1 minute';
  others_usd numeric := (limits ->> 'others_day_usd')::numeric;
  spent numeric;
  held numeric;
  calls bigint;
begin
  if day_usd is not null or day_calls is not null then
    select coalesce(sum(i.cost_usd), 0), count(*) filter (where i.provider <> 'steward') into spent, calls
    from public.llm_interactions i where i.organization_id = tenant and i.created_at >= day_began;
    select coalesce(sum(r.cost_usd), 0), calls + count(*) into held, calls from public.model_reservations r where r.organization_id = tenant;
    if calls >= day_calls then
      return jsonb_build_object('until', day_ends, 'refused', format('%s of %s requests to models are used today', calls, day_calls));
    end if;
    if spent >= day_usd or spent + held + budget_refusal.cost_usd > day_usd then
      return jsonb_build_object('until', case when spent < day_usd and spent + budget_refusal.cost_usd <= day_usd then soon else day_ends end, 'is_held',
        spent < day_usd and spent + budget_refusal.cost_usd <= day_usd, 'refused', format('$%s of $%s for models are spent today%s', round(spent, 4), day_usd,
        case when spent < day_usd then format(', and with $%s under way this request may cost up to $%s',
          round(held, 4), round(budget_refusal.cost_usd, 4)) else '' end));
    end if;
  end if;
  if others_usd is not null then
    spent := private.others_model_cost(tenant, day_began);
    if spent + budget_refusal.cost_usd > others_usd then
      return jsonb_build_object('until', day_ends, 'is_of_others', true, 'refused',
        format('what everybody but the owner of this installation may spend on models in a day, $%s, is used up', others_usd));
    end if;
  end if;
  if task.id is null then
    return null;
  end if;
  if silent_usd is not null and exists (select 1 from public.tasks r where r.id = task.root_task_id and r.source = 'proactive') then
    select coalesce(sum(i.cost_usd), 0) into spent from public.llm_interactions i
    where i.organization_id = tenant and i.is_silent and i.created_at >= day_began;
    select coalesce(sum(v.cost_usd), 0) into held from public.model_reservations v join public.tasks r on r.id = v.root_task_id
    where v.organization_id = tenant and r.source = 'proactive';
    if spent + held + budget_refusal.cost_usd > silent_usd then
      return jsonb_build_object('until', case when held > 0 and spent + budget_refusal.cost_usd <= silent_usd then soon else day_ends end,
        'is_held', held > 0 and spent + budget_refusal.cost_usd <= silent_usd, 'is_silent', true,
        'refused', format('$%s of $%s for work that nobody asked for are spent today, and this request may cost up to $%s',
          round(spent + held, 4), silent_usd, round(budget_refusal.cost_usd, 4)));
    end if;
  end if;
  if task_usd is not null then
    select coalesce(sum(s.cost_usd), 0) into spent from public.steps s where s.task_id = task.id;
    select coalesce(sum(r.cost_usd), 0) into held from public.model_reservations r where r.task_id = task.id;
    if spent >= task_usd or spent + held + budget_refusal.cost_usd > task_usd then
      return jsonb_build_object('until', case when spent < task_usd and spent + budget_refusal.cost_usd <= task_usd then soon end, 'is_held',
        spent < task_usd and spent + budget_refusal.cost_usd <= task_usd, 'refused', format('this task may spend $%s on models, has spent $%s, and this request may cost up to $%s',
        task_usd, round(spent + held, 4), round(budget_refusal.cost_usd, 4)));
    end if;
  end if;
  select coalesce(sum(s.cost_usd), 0) into spent from public.steps s where s.root_task_id = task.root_task_id and s.kind = 'model';
  select coalesce(sum(r.cost_usd), 0) into held from public.model_reservations r where r.root_task_id = task.root_task_id;
  if spent + held + budget_refusal.cost_usd > (tree ->> 'max_cost_usd')::numeric then
    return jsonb_build_object('until', case when spent + budget_refusal.cost_usd <= (tree ->> 'max_cost_usd')::numeric then soon end, 'is_held',
      spent + budget_refusal.cost_usd <= (tree ->> 'max_cost_usd')::numeric, 'refused', format('$%s of $%s are spent in this tree, and with $%s under way this request may cost up to $%s',
      round(spent, 4), tree ->> 'max_cost_usd', round(held, 4), round(budget_refusal.cost_usd, 4)));
  end if;
  return null;
end $$;

create or replace function public.reserve_model_call(task_id uuid, step_id uuid, cost_usd double precision, limits jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  tenant uuid := private.acting_organization();
  task public.tasks;
  refusal jsonb;
  reserved uuid;
begin
  if tenant is null then
    perform private.refuse(403, 'Nobody is signed in');
  end if;
  if reserve_model_call.task_id is not null then
    task := private.own_task(reserve_model_call.task_id);
    tenant := task.organization_id;
  end if;
  -- One at a time in a tenant: two requests must not both find the last cent.
  perform pg_advisory_xact_lock(hashtextextended('steward.model_budget.' || tenant, 0));
  if limits ->> 'others_day_usd' is not null and private.others_model_cost(tenant, now()) is not null then
    perform pg_advisory_xact_lock(hashtextextended('steward.model_budget.others', 0)); -- and in all of those that share a budget
  end if;
  delete from public.model_reservations r where r.organization_id = tenant and r.created_at < now() - interval '10 minutes';
  refusal := private.budget_refusal(task, reserve_model_call.cost_usd::numeric, limits);
  if refusal is null then
    insert into public.model_reservations (organization_id, task_id, step_id, root_task_id, cost_usd)
    values (tenant, task.id, reserve_model_call.step_id, task.root_task_id, reserve_model_call.cost_usd) returning id into reserved;
    return jsonb_build_object('reservation_id', reserved);
  end if;
  -- It is as if the step had not begun: no request was made, so none is counted.
  if reserve_model_call.step_id is not null then
    delete from public.steps s where s.id = reserve_model_call.step_id and s.task_id = task.id and s.state = 'started' and s.attempts = 1;
    update public.steps s set state = 'failed', error = left(refusal ->> 'refused', 2000), attempts = s.attempts - 1, finished_at = clock_timestamp()
    where s.id = reserve_model_call.step_id and s.task_id = task.id and s.state = 'started' and s.attempts > 1;
  end if;
  return refusal;
end $$;

-- Section: what a run reads -------------------------------------------------------------------------------------------
-- The worker that does a member's task reads what that member may read, and nothing of the others' own accounts.

create or replace function public.find_mail(message_id text) returns jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(m) from public.mail_messages m
  where m.organization_id = private.acting_organization() and m.message_id = find_mail.message_id
    and m.account not in (select private.others_accounts())
  order by m.account = 'local', m.created_at desc limit 1
$$;

create or replace function public.get_mail(mail_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  found_mail jsonb;
begin
  select to_jsonb(m) into found_mail from public.mail_messages m
  where m.id = get_mail.mail_id and m.organization_id = private.acting_organization()
    and m.account not in (select private.others_accounts());
  if found_mail is null then
    perform private.refuse(404, 'There is no such mail', format('mail %s', get_mail.mail_id));
  end if;
  return found_mail;
end $$;

create or replace function public.search_mail(query jsonb default '{}', page_size integer default 50) returns setof jsonb
language plpgsql stable set search_path = '' as $$
begin
  return query
  select to_jsonb(m) from public.mail_messages m
  where m.organization_id = private.acting_organization() and m.account not in (select private.others_accounts())
    and (not query ? 'account' or m.account = query ->> 'account')
    and (not query ? 'from_address' or private.contains_text(m.from_name || ' ' || m.from_address, query ->> 'from_address'))
    and (not query ? 'to_address' or private.contains_text(array_to_string(m.to_addresses || m.cc_addresses, ' '), query ->> 'to_address'))
    and (not query ? 'subject' or private.contains_text(m.subject, query ->> 'subject'))
    and (not query ? 'words' or (select bool_and(private.contains_text(m.subject || ' ' || m.text_body, w))
           from regexp_split_to_table(trim(query ->> 'words'), '\s+') w))
    and (not query ? 'after' or m.sent_at >= (query ->> 'after')::timestamptz)
    and (not query ? 'before' or m.sent_at < (query ->> 'before')::timestamptz)
    and (not query ? 'is_unread' or ('unread' = any (m.labels)) = (query ->> 'is_unread')::boolean)
  order by m.sent_at desc nulls last, m.id desc limit least(greatest(page_size, 1), 200);
exception when invalid_text_representation or invalid_datetime_format or datetime_field_overflow then
  perform private.refuse(422, 'What is looked for has a wrong value', sqlerrm);
end $$;

create or replace function public.get_task_context(task_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_task_context.task_id);
begin
  return jsonb_build_object(
    'task', private.task_json(task),
    'owner', private.person_json(task.organization_id, task.created_by),
    'workflow', (select to_jsonb(w) from public.workflows w where w.id = task.workflow_id),
    'thread', (select coalesce(jsonb_agg(jsonb_build_object('message_id', m.message_id, 'from_name', m.from_name, 'from_address', m.from_address,
                 'to_addresses', m.to_addresses, 'cc_addresses', m.cc_addresses, 'subject', m.subject, 'sent_at', m.sent_at,
                 'text', m.text_body, 'is_from_me', m.is_from_me) order by m.sent_at), '[]')
               from public.mail_messages m where m.organization_id = task.organization_id
                 and m.thread_key = task.source_ref ->> 'thread_key'
                 and m.account not in (select private.others_accounts())),
    'conversation', (select coalesce(jsonb_agg(jsonb_build_object('role', c.role, 'content', c.content) order by c.created_at), '[]')
               from (select * from public.conversation_messages c where c.conversation_id = (task.source_ref ->> 'conversation_id')::uuid
                     order by c.created_at desc limit 10) c),
    'parent', (select jsonb_build_object('title', p.title, 'description', p.description) from public.tasks p where p.id = task.parent_task_id),
    'outputs', (select coalesce(jsonb_agg(jsonb_build_object('title', t.title, 'result', t.result)), '[]')
                from public.task_dependencies d join public.tasks t on t.id = d.depends_on_task_id where d.task_id = task.id),
    'recent_tasks', (select coalesce(jsonb_agg(jsonb_build_object('title', t.title, 'execution_status', t.execution_status,
                 'completed_at', t.completed_at, 'due_at', t.due_at)), '[]')
               from (select * from public.tasks t where t.organization_id = task.organization_id and t.id <> task.id
                       and t.parent_task_id is null and t.archived_at is null and t.tool is null
                     order by t.updated_at desc limit 50) t));
end $$;

create or replace function public.get_meeting_facts(task_id uuid, since timestamptz, until timestamptz) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(get_meeting_facts.task_id);
  event jsonb := coalesce(task.source_ref -> 'event', (select p.source_ref -> 'event' from public.tasks p where p.id = task.parent_task_id), '{}');
  notes_of text := coalesce(task.source_ref ->> 'message_id', (select p.source_ref ->> 'message_id' from public.tasks p where p.id = task.parent_task_id));
  people text[];
begin
  people := array(
    select distinct lower(x.address) from public.calendar_events e
    cross join lateral (select a ->> 'address' from jsonb_array_elements(e.attendees) a union all select e.organizer) x (address)
    where e.organization_id = task.organization_id and e.calendar not in (select private.others_accounts()) and e.calendar = event ->> 'calendar' and e.uid = event ->> 'uid' and x.address <> '');
  return jsonb_build_object(
    'event', event,
    'notes_id', notes_of,
    'is_own_event', private.is_of_own_event(task),
    'entries', (select coalesce(jsonb_agg(to_jsonb(e) order by e.recurrence_id), '[]') from public.calendar_events e
      where e.organization_id = task.organization_id and e.calendar not in (select private.others_accounts()) and e.calendar = event ->> 'calendar' and e.uid = event ->> 'uid'
        and e.recurrence_id in ('', coalesce(event ->> 'recurrence_id', ''))),
    'around', (select coalesce(jsonb_agg(jsonb_build_object('title', e.title, 'starts_at', e.starts_at, 'is_all_day', e.is_all_day) order by e.starts_at), '[]')
      from (select e.* from public.calendar_events e where e.organization_id = task.organization_id and e.calendar not in (select private.others_accounts()) and e.status <> 'cancelled'
              and e.starts_at between get_meeting_facts.until - interval '7 days' and get_meeting_facts.until + interval '14 days'
            order by e.starts_at limit 300) e),
    'own_addresses', (select coalesce(jsonb_agg(o.address), '[]') from (
      select jsonb_array_elements_text(private.own_addresses(task)) as address union select o from public.list_own_addresses() o) o),
    'mails', (select coalesce(jsonb_agg(to_jsonb(m) order by m.sent_at, m.message_id), '[]') from (
      select m.message_id, m.thread_key, m.account, m.from_name, m.from_address, m.to_addresses, m.cc_addresses, m.subject, m.sent_at,
        left(m.text_body, 20000) as text_body, m.is_from_me, m.category, m.suspicious, m.headers ->> 'auto_submitted' as auto_submitted,
        -- Written by the person for certain: it lies among what an account sent (in a file anybody can say who wrote), and answers nobody.
        m.is_from_me and m.in_reply_to is null and m.account <> 'local' and 'sent' = any (m.labels) as is_own
      from public.mail_messages m
      where m.organization_id = task.organization_id and m.account not in (select private.others_accounts()) and m.sent_at between get_meeting_facts.since and get_meeting_facts.until
        and not m.labels && array['spam', 'trash', 'drafts']
        and (m.message_id = notes_of or lower(m.from_address) = any (people)
          or m.is_from_me and exists (select 1 from unnest(m.to_addresses || m.cc_addresses) r where lower(r) = any (people)))
      order by m.sent_at desc, m.message_id limit 300) m),
    'tasks', (select coalesce(jsonb_agg(private.task_json(t) - 'execution_log' - 'result' order by t.created_at), '[]') from (
      select t.* from public.tasks t
      where t.organization_id = task.organization_id and t.root_task_id <> task.root_task_id and t.archived_at is null and t.superseded_at is null
        and t.source <> 'proactive' and not private.belongs_to_draft(t) -- what was noticed is no topic
        and (t.execution_status not in ('completed', 'failed', 'cancelled') or notes_of is not null and t.source_ref ->> 'message_id' = notes_of)
      order by t.created_at desc limit 1000) t),
    'earlier', (select x.result ->> 'output' from public.tasks x
      where x.organization_id = task.organization_id and x.id = private.as_uuid(task.source_ref ->> 'agenda_task_id')));
end $$;

create or replace function public.list_mail(thread_key text default null, page_size integer default 50) returns setof jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(m) from public.mail_messages m
  where m.organization_id = private.acting_organization() and (list_mail.thread_key is null or m.thread_key = list_mail.thread_key)
    and m.account not in (select private.others_accounts())
  order by m.sent_at desc nulls last, m.id desc limit least(greatest(page_size, 1), 200)
$$;
