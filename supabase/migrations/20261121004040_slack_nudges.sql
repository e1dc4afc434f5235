-- What is brought up is told in Slack as well, to the owner where they are linked: a message for each nudge, one for each digest.

alter table private.slack_notices
  alter column approval_id drop not null,
  add column nudge_id uuid references public.nudges (id) on delete cascade,
  add column digest_id uuid references public.digests (id) on delete cascade,
  add constraint about_one_thing check (num_nonnulls(approval_id, nudge_id, digest_id) = 1),
  add constraint slack_notices_nudge_key unique (nudge_id, link_id),
  add constraint slack_notices_digest_key unique (digest_id, link_id);
comment on table private.slack_notices is
  'A draft, a question, a nudge or a digest as a message to a person. begun_at: posting began, and until message_ts is there nobody may assume that it did not arrive. shown: the state that the message tells.';

create function private.slack_notice_state(notice private.slack_notices) returns text
language sql stable set search_path = '' as $$
  select case
    when notice.nudge_id is not null then (select case n.state when 'told' then 'open' else n.state end from public.nudges n where n.id = notice.nudge_id)
    when notice.digest_id is not null then 'made'
    else (select private.slack_state(a) from public.approvals a where a.id = notice.approval_id) end
$$;
comment on function private.slack_notice_state is 'What a message has to tell: open, or what became of what it shows; made: a digest, which stays as it is.';

create function private.notify_slack_owner(organization_id uuid, nudge_id uuid, digest_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
  insert into private.slack_notices (organization_id, nudge_id, digest_id, link_id)
  select l.organization_id, notify_slack_owner.nudge_id, notify_slack_owner.digest_id, l.id from public.slack_links l
  where l.organization_id = notify_slack_owner.organization_id and l.is_notified and l.user_id = (
    select m.user_id from public.members m where m.organization_id = notify_slack_owner.organization_id
    order by m.role = 'owner' desc, m.created_at, m.user_id limit 1)
  on conflict do nothing;
  if found then
    perform private.defer_slack_work();
  end if;
end $$;
comment on function private.notify_slack_owner is 'A message to the owner, once, where they are linked and want it. Definer: nobody else writes notices.';

create function private.notify_slack_of_nudge() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.state <> 'told' then
    update private.slack_notices n set not_before = now() where n.nudge_id = new.id and not n.is_over;
    if found then
      perform private.defer_slack_work();
    end if;
  elsif new.digest_id is null and (new.kind = 'brief' or not new.executes) then
    perform private.notify_slack_owner(new.organization_id, new.id, null); -- else the card of its draft tells
  end if;
  return null;
end $$;
comment on function private.notify_slack_of_nudge is 'What is told is told in Slack, too, but for what comes there as a draft or in the digest; and what became of it.';
create trigger nudges_30_slack after update of state on public.nudges for each row
when (new.state <> old.state) execute function private.notify_slack_of_nudge();

create function private.notify_slack_of_digest() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform private.notify_slack_owner(new.organization_id, null, new.id);
  return null;
end $$;
comment on function private.notify_slack_of_digest is 'A digest that has something to tell comes as one message.';
create trigger digests_30_slack after update of content on public.digests for each row
when (old.content = '{}' and (new.content -> 'nudges' <> '0' or new.content -> 'by_itself' <> '[]' or new.content #> '{silent,runs}' <> '0'))
execute function private.notify_slack_of_digest();

create or replace function public.take_slack_notice(lease_seconds double precision) returns jsonb
language plpgsql set search_path = '' as $$
declare
  taken private.slack_notices;
  state text;
  was_begun boolean;
begin
  loop
    select * into taken from private.slack_notices n where not n.is_over and n.not_before <= now() and (n.leased_until is null or n.leased_until < now())
      and (n.message_ts is null or n.shown is distinct from private.slack_notice_state(n))
    order by n.created_at limit 1 for update skip locked;
    if taken.id is null then
      return null;
    end if;
    state := private.slack_notice_state(taken);
    exit when state in ('open', 'made') or taken.begun_at is not null;
    update private.slack_notices n set is_over = true where n.id = taken.id; -- decided before it was ever shown
  end loop;
  was_begun := taken.begun_at is not null;
  update private.slack_notices n set attempts = n.attempts + 1, begun_at = coalesce(n.begun_at, clock_timestamp()),
    leased_until = clock_timestamp() + make_interval(secs => lease_seconds)
  where n.id = taken.id returning n.* into taken;
  return to_jsonb(taken) || jsonb_build_object('attempt_unknown', was_begun and taken.message_ts is null, 'state', state,
    'link', (select private.slack_link_json(l) from public.slack_links l where l.id = taken.link_id));
end $$;

do $$ declare f text; begin
  foreach f in array array['notify_slack_owner', 'notify_slack_of_nudge', 'notify_slack_of_digest'] loop
    perform private.expose_function('private.' || f, array[]::text[]);
  end loop;
  perform private.expose_function('private.slack_notice_state', array['service_role']);
end $$;
