-- What stands in somebody's mail is theirs. A draft and what it asks are everybody's in an organization of several: a line that is
-- quoted beside them, and what came into their thread, are kept apart, and shown to whoever's work it was when it was written.

create table private.quotes (
  task_id uuid not null references public.tasks (id) on delete cascade,
  of_what text not null,
  user_id uuid not null references auth.users (id) on delete cascade,
  words jsonb not null check (jsonb_typeof(words) = 'object'),
  primary key (task_id, of_what)
);
comment on table private.quotes is 'Lines out of a person''s mail that are shown beside a draft or an approval of theirs, to them alone.';
comment on column private.quotes.of_what is 'The rest of the reason or message that the line was taken out of, as a digest.';
comment on column private.quotes.words is 'What was taken out: {quote} of a reason, {text} of a message.';
create index quotes_user_idx on private.quotes (user_id);
alter table private.quotes enable row level security;
revoke all on private.quotes from public, anon, authenticated, service_role;

create function private.without_quote(item jsonb) returns jsonb
language sql immutable set search_path = '' as $$
  select case jsonb_typeof(item) when 'object' then item - array['quote', 'text'] else item end
$$;
comment on function private.without_quote is 'A reason, a message or an origin without the line that it quotes.';

create function private.keep_quotes(task_id uuid, items jsonb) returns jsonb
language plpgsql security definer set search_path = '' as $$
begin
  insert into private.quotes (task_id, of_what, user_id, words)
  select distinct on (q.of_what) keep_quotes.task_id, q.of_what, private.person_of_task(keep_quotes.task_id), q.words
  from (select md5(private.without_quote(i)::text) as of_what, jsonb_strip_nulls(jsonb_build_object('quote', nullif(i ->> 'quote', ''), 'text', i -> 'text')) as words
        from jsonb_array_elements(items) i where jsonb_typeof(i) = 'object') q
  where q.words <> '{}' and private.person_of_task(keep_quotes.task_id) is not null
  on conflict on constraint quotes_pkey do nothing;
  return (select jsonb_agg(private.without_quote(e.item) order by e.place) from jsonb_array_elements(items) with ordinality e (item, place));
end $$;
comment on function private.keep_quotes is
  'Reasons or messages without what they quote, which is kept for whoever''s work it is now. Definer: nobody reads what is kept by hand.';

create function private.with_quotes(task_id uuid, items jsonb) returns jsonb
language sql stable security definer set search_path = '' as $$
  select coalesce((select jsonb_agg(case when q.words is null then e.item else e.item || q.words end order by e.place)
    from jsonb_array_elements(items) with ordinality e (item, place)
    left join private.quotes q on q.task_id = with_quotes.task_id and q.of_what = md5(private.without_quote(e.item)::text)
      and q.user_id = coalesce((select auth.uid()), private.person_of_task(coalesce((select (auth.jwt() ->> 'run_task_id')::uuid), with_quotes.task_id)))
      and exists (select 1 from public.tasks t where t.id = q.task_id and private.in_scope(t.organization_id))), items)
$$;
comment on function private.with_quotes is
  'Reasons or messages with what they quoted, for the person whose mail it is from, and for a run of theirs. Definer: nobody reads what is kept by hand.';

create function private.decision_with_quotes(task_id uuid, decision jsonb) returns jsonb
language sql stable set search_path = '' as $$
  select case when jsonb_typeof(decision -> 'reasons') = 'array'
    then decision || jsonb_build_object('reasons', private.with_quotes(decision_with_quotes.task_id, decision -> 'reasons')) else decision end
$$;
comment on function private.decision_with_quotes is 'What the policy said, with the lines that its reasons quote for whoever may read them.';

create function private.provenance_without_quotes(provenance jsonb) returns jsonb
language sql immutable set search_path = '' as $$
  select provenance
    || case when jsonb_typeof(provenance -> 'values') = 'array' then jsonb_build_object('values',
         (select coalesce(jsonb_agg(private.without_quote(v.item) order by v.place), '[]') from jsonb_array_elements(provenance -> 'values') with ordinality v (item, place)))
       else '{}' end
    || case when jsonb_typeof(provenance -> 'destinations') = 'object' then jsonb_build_object('destinations',
         (select coalesce(jsonb_object_agg(d.key, private.without_quote(d.value)), '{}') from jsonb_each(provenance -> 'destinations') d))
       else '{}' end
$$;
comment on function private.provenance_without_quotes is 'Where values came from, without the lines that they stood in: nothing asks for those again.';

create function private.before_draft_quotes() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select 1 from public.organizations o where o.id = new.organization_id and not o.is_personal) then
    new.provenance := private.provenance_without_quotes(new.provenance);
    if jsonb_array_length(new.thread_moved -> 'messages') > 0 then
      new.thread_moved := jsonb_set(new.thread_moved, '{messages}', private.keep_quotes(new.task_id, new.thread_moved -> 'messages'));
    end if;
  end if;
  return new;
end $$;
comment on function private.before_draft_quotes is
  'Where others read a draft, no line of anybody''s mail stands beside it in the row. Definer: what is kept is written by nobody else.';
-- After the thread was looked at, whose messages are hashed into the tail, and before anything is sealed.
create trigger drafts_09_quotes before insert on public.drafts for each row execute function private.before_draft_quotes();

create function private.before_approval_quotes() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select 1 from public.organizations o where o.id = new.organization_id and not o.is_personal) then
    if jsonb_typeof(new.payload -> 'provenance') = 'object' then
      new.payload := jsonb_set(new.payload, '{provenance}', private.provenance_without_quotes(new.payload -> 'provenance'));
    end if;
    if jsonb_typeof(new.decision -> 'reasons') = 'array' and new.decision -> 'reasons' <> '[]' then
      new.decision := jsonb_set(new.decision, '{reasons}', private.keep_quotes(new.task_id, new.decision -> 'reasons'));
    end if;
  end if;
  return new;
end $$;
comment on function private.before_approval_quotes is
  'Where others read what is asked, no line of anybody''s mail stands in the row. Definer: what is kept is written by nobody else.';
create trigger approvals_09_quotes before insert on public.approvals for each row execute function private.before_approval_quotes();

do $$ declare f text; begin
  foreach f in array array['without_quote', 'with_quotes', 'decision_with_quotes'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['keep_quotes', 'provenance_without_quotes', 'before_draft_quotes', 'before_approval_quotes'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
end $$;
