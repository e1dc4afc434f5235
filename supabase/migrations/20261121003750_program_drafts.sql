-- A copy of what a program wrote is a program's, too, whoever makes the copy.

create or replace function private.mark_words() returns trigger
language plpgsql set search_path = '' as $$
declare
  name text := case tg_table_name when 'approvals' then 'notes' when 'drafts' then 'feedback' else 'comment' end;
  is_written boolean := tg_op = 'INSERT' or to_jsonb(new) ->> name is distinct from to_jsonb(old) ->> name;
begin
  new.by_program := private.token_scopes() is not null and is_written or case tg_op when 'INSERT' then coalesce(new.by_program, false) else old.by_program end;
  return new;
end $$;
