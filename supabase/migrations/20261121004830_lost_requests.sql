-- A request whose process died may have written before: its key is never free again within the day that keys are kept.

create or replace function public.begin_idempotent_request(key text, fingerprint text) returns jsonb
language plpgsql set search_path = '' as $$
declare
  known public.idempotency_keys;
begin
  delete from public.idempotency_keys k where k.user_id = (select auth.uid()) and k.created_at < now() - interval '1 day';
  insert into public.idempotency_keys (organization_id, user_id, key, fingerprint)
  values (private.acting_organization(), (select auth.uid()), begin_idempotent_request.key, begin_idempotent_request.fingerprint)
  on conflict do nothing;
  if found then
    return jsonb_build_object('state', 'new', 'mismatch', false);
  end if;
  select * into known from public.idempotency_keys k where k.user_id = (select auth.uid())
    and k.organization_id = private.acting_organization() and k.key = begin_idempotent_request.key;
  -- No request takes ten minutes: one without an answer was cut off by then, and nobody knows after what.
  return jsonb_build_object('state', case when known.status is not null then 'done'
      when known.created_at < now() - interval '10 minutes' then 'lost' else 'running' end,
    'status', known.status, 'body', known.body, 'content_type', known.content_type,
    'mismatch', known.fingerprint <> begin_idempotent_request.fingerprint);
end $$;
comment on function public.begin_idempotent_request is
  'Claims a key: new, or what is known of the first request with it (running, done, or lost: cut off, and it may have written).';
