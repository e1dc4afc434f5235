-- Whoever is removed while they make a way in for themselves has made none: of the two, one waits for the other.

create function private.hold_membership() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  own_role text;
begin
  if (select auth.uid()) is null or new.organization_id is null then
    return new; -- the worker, and what Steward brings along
  end if;
  select m.role into own_role from public.members m
  where m.organization_id = new.organization_id and m.user_id = (select auth.uid()) for share;
  if own_role is null or tg_nargs > 0 and not own_role = any (tg_argv) then
    perform private.refuse(403, 'You may not do this here any more', format('%s, organization %s', tg_table_name, new.organization_id));
  end if;
  return new;
end $$;
comment on function private.hold_membership is
  'Holds what the caller is in the organization until the end of the transaction, so that removing them, or giving them another role, comes before or after as a whole. Definer, because nobody locks members by hand. The roles that may stand as arguments; else any.';
select private.expose_function('private.hold_membership', array[]::text[]);

create trigger api_tokens_02_member before insert on public.api_tokens for each row execute function private.hold_membership();
create trigger accounts_02_member before insert or update of state on public.accounts for each row
when (new.state = 'connected') execute function private.hold_membership();
create trigger calendar_feeds_02_member before insert or update of token_hash on public.calendar_feeds for each row execute function private.hold_membership();
create trigger sign_ins_02_member before insert on private.sign_ins for each row execute function private.hold_membership();
create trigger slack_codes_02_member before insert on private.slack_codes for each row execute function private.hold_membership();
create trigger policies_02_member before insert or update on public.policies for each row
when (new.is_enabled) execute function private.hold_membership('owner', 'admin');
create trigger agents_02_member before insert or update of token_hash on public.agents for each row
when (new.token_hash is not null) execute function private.hold_membership('owner', 'admin');
