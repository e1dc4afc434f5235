-- Numbers of cards are not kept: in what a task of the browser is given, all but the last four digits are covered.

create function private.is_card(digits text) returns boolean
language sql immutable set search_path = '' as $$
  select length(digits) between 13 and 19 and digits ~ '^(3[0-9]|4|5[0-9]|6[0-9]|2[2-7])' and 0 = (
    select sum(case when n.at % 2 = 1 then n.digit when n.digit > 4 then n.digit * 2 - 9 else n.digit * 2 end) % 10
    from (select length(digits) - i + 1 as at, substr(digits, i, 1)::integer as digit from generate_series(1, length(digits)) i) n)
$$;
comment on function private.is_card is 'Digits as cards have them: 13 to 19, an issuer''s first ones, and the last checks the others (Luhn, ISO/IEC 7812-1).';

create function private.cover_cards(words text) returns text
language plpgsql immutable set search_path = '' as $$
declare
  found_number text;
  digits text;
begin
  for found_number in select m[1] from regexp_matches(words, '(\d(?:[\s–-]{0,2}\d){12,18})(?!\d)', 'g') m loop
    digits := regexp_replace(found_number, '\D', '', 'g');
    if private.is_card(digits) then
      words := replace(words, found_number, '•••• ' || right(digits, 4));
    end if;
  end loop;
  return words;
end $$;
comment on function private.cover_cards is 'The words with numbers of cards as •••• 1111; spaces and dashes may part a number.';

create function private.cover_cards_in(value jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  case jsonb_typeof(value)
    when 'string' then return to_jsonb(private.cover_cards(value #>> '{}'));
    when 'array' then return (select coalesce(jsonb_agg(private.cover_cards_in(e.value) order by e.ordinality), '[]') from jsonb_array_elements(value) with ordinality e);
    when 'object' then return (select coalesce(jsonb_object_agg(e.key, private.cover_cards_in(e.value)), '{}') from jsonb_each(value) e);
    else return value;
  end case;
end $$;
comment on function private.cover_cards_in is 'The JSON with the numbers of cards in its strings covered.';

create function private.before_browser_input() returns trigger
language plpgsql set search_path = '' as $$
begin
  if new.tool_input::text ~ '\d(?:[\s–-]{0,2}\d){12}' then
    new.tool_input := private.cover_cards_in(new.tool_input);
  end if;
  return new;
end $$;
comment on function private.before_browser_input is 'What a person pays with is typed by that person, on the page: no task keeps it.';
create trigger tasks_05_cards before insert or update of tool_input on public.tasks
  for each row when (new.tool = 'browser') execute function private.before_browser_input();

select private.expose_function('private.is_card', array['authenticated', 'service_role']);
select private.expose_function('private.cover_cards', array['authenticated', 'service_role']);
select private.expose_function('private.cover_cards_in', array['authenticated', 'service_role']);
select private.expose_function('private.before_browser_input', array[]::text[]);
