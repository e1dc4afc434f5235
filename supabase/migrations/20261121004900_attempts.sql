-- Tries of signing in, counted for all web processes together: with several, each alone would let as many through as all may.

create table private.attempts (
  hash text primary key check (hash ~ '^[0-9a-f]{64}$'),
  full_at timestamptz not null
);
comment on table private.attempts is
  'Who tried to sign in lately, as a hash of the network or mail address: when they may try as often as anybody again.';
create index attempts_full_at_idx on private.attempts (full_at);
select private.guard_table('private.attempts', '');

create function public.take_attempt(attempt_hash text, most integer, seconds integer) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  span interval;
  share interval;
begin
  if not private.is_service() or (select auth.jwt()) ? 'organization_id' then -- no worker of one organization
    perform private.refuse(403, 'Only the house counts tries');
  end if;
  if take_attempt.attempt_hash !~ '^[0-9a-f]{64}$' or take_attempt.attempt_hash is null then
    perform private.refuse(422, 'attempt_hash is no hash', 'allowed are 64 digits of lower-case hex');
  end if;
  if take_attempt.most not between 1 and 100000 or take_attempt.most is null then
    perform private.refuse(422, 'most is between 1 and 100000', format('most is %s', take_attempt.most));
  end if;
  if take_attempt.seconds not between 1 and 86400 or take_attempt.seconds is null then
    perform private.refuse(422, 'seconds is between 1 and 86400', format('seconds is %s', take_attempt.seconds));
  end if;
  span := make_interval(secs => take_attempt.seconds);
  share := make_interval(secs => trunc(take_attempt.seconds::numeric / take_attempt.most, 6)::double precision);
  delete from private.attempts a where a.hash = any (array(
    select o.hash from private.attempts o where o.full_at < now() order by o.full_at limit 100 for update skip locked));
  insert into private.attempts as a (hash, full_at) values (take_attempt.attempt_hash, now() + share)
  on conflict (hash) do update set full_at = greatest(a.full_at, now()) + share
  where greatest(a.full_at, now()) + share <= now() + span;
  if found then
    return 0;
  end if;
  return (select greatest(ceil(extract(epoch from a.full_at + share - span - now())), 1)
    from private.attempts a where a.hash = take_attempt.attempt_hash);
end $$;
comment on function public.take_attempt is
  'One more try of whoever the hash stands for: 0 where they may, else the seconds to wait. So many at once, then one more whenever its share of the seconds has passed. '
  'Forgets those who may try as often as anybody (the house only).';
select private.expose_function('public.take_attempt', array['service_role']);
