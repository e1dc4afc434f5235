-- Where several web processes share STEWARD_SECRET_KEY, what one of them used up is used up for all: sign-in links that
-- worked once, and sessions of links that ended. A single process keeps both as files.

create table private.used_tokens (
  hash text primary key check (hash ~ '^[0-9a-f]{64}$'),
  expires_at timestamptz not null
);
comment on table private.used_tokens is
  'Sign-in links that were used and sessions of links that ended: a hash of each, until it would have expired by itself.';
create index used_tokens_expiry_idx on private.used_tokens (expires_at);
select private.guard_table('private.used_tokens', '');

create function public.use_token(token_hash text, seconds integer) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.is_service() or (select auth.jwt()) ? 'organization_id' then -- no worker of one organization
    perform private.refuse(403, 'Only the house uses up links');
  end if;
  if use_token.token_hash !~ '^[0-9a-f]{64}$' or use_token.token_hash is null then
    perform private.refuse(422, 'token_hash is no hash', 'allowed are 64 digits of lower-case hex');
  end if;
  if use_token.seconds not between 1 and 31622400 or use_token.seconds is null then
    perform private.refuse(422, 'seconds is between 1 and 31622400', format('seconds is %s', use_token.seconds));
  end if;
  delete from private.used_tokens u where u.hash = any (array(
    select o.hash from private.used_tokens o where o.expires_at < now() order by o.expires_at limit 100 for update skip locked));
  insert into private.used_tokens (hash, expires_at) values (use_token.token_hash, now() + make_interval(secs => use_token.seconds))
  on conflict do nothing;
  return found;
end $$;
comment on function public.use_token is
  'A one-time link, or a session that ends, is used up for every process, for so many seconds: true the first time. Forgets what expired (the house only).';

create function public.is_token_used(token_hash text) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.is_service() or (select auth.jwt()) ? 'organization_id' then -- no worker of one organization
    perform private.refuse(403, 'Only the house asks for used links');
  end if;
  return exists (select 1 from private.used_tokens u where u.hash = is_token_used.token_hash);
end $$;
comment on function public.is_token_used is 'Was it used up by any process? (the house only)';

select private.expose_function('public.use_token', array['service_role']);
select private.expose_function('public.is_token_used', array['service_role']);
