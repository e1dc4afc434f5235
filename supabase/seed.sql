-- Demo data for a local project: `supabase db reset`, or `supabase db push --include-seed`, or psql. Never for one in use.
--
-- Robin Vega signs in with robin@vega.example and the password `steward-demo-only`, and has a few tasks of their own. A second
-- run changes nothing. The tasks are made by the same functions that Steward calls, as Robin, so every rule holds for them.

do $$
declare
  robin constant uuid := '5eed0000-0000-4000-8000-000000000001';
begin
  if exists (select 1 from auth.users u where u.id = robin or u.email = 'robin@vega.example') then
    raise notice 'Robin Vega is here already: nothing was added';
    return;
  end if;

  -- The columns that Supabase Auth wants filled. The hash is bcrypt, of the password above.
  insert into auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data,
    created_at, updated_at, confirmation_token, recovery_token, email_change_token_new, email_change)
  values ('00000000-0000-0000-0000-000000000000', robin, 'authenticated', 'authenticated', 'robin@vega.example',
    '$2a$10$uIsdyU00c3WB7pMlh3lW0.iXMhMB.CX20zrhfEU65M4SUNxYODL0C', now(), '{"provider": "email", "providers": ["email"]}',
    '{"name": "Robin Vega"}', now(), now(), '', '', '', '');
  insert into auth.identities (id, provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
  values (gen_random_uuid(), robin::text, robin,
    jsonb_build_object('sub', robin, 'email', 'robin@vega.example', 'email_verified', true), 'email', now(), now(), now());

  -- From here on as Robin: what may not be done is refused, as it would be on the page.
  perform set_config('request.jwt.claims', jsonb_build_object('sub', robin, 'role', 'authenticated')::text, true),
    set_config('role', 'authenticated', true);
  perform public.create_tasks(jsonb_build_array(
    jsonb_build_object('title', 'Read the onboarding notes', 'priority', 'high', 'labels', jsonb_build_array('onboarding'),
      'due_at', date_trunc('day', now()) + interval '1 day', 'estimated_duration_minutes', 30),
    jsonb_build_object('title', 'Renew the passport', 'description', 'Two photographs and the old passport.',
      'due_at', date_trunc('day', now()) + interval '21 days'),
    jsonb_build_object('title', 'Prepare the quarterly review', 'priority', 'high', 'kind', 'report',
      'description', 'Figures of the quarter, what went well, what to change.',
      'due_at', date_trunc('day', now()) + interval '7 days', 'estimated_duration_minutes', 120),
    jsonb_build_object('title', 'Thank the new colleagues for their help with the move', 'priority', 'low'),
    jsonb_build_object('title', 'Buy coffee filters', 'priority', 'low', 'labels', jsonb_build_array('home'))));
  perform set_config('role', 'none', true), set_config('request.jwt.claims', '', true);
end $$;
