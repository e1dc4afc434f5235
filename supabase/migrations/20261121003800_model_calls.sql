-- A request to a model is written down and paid for in one way to the database.

create function public.begin_model_call(task_id uuid, key text, name text, cost_usd double precision, limits jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  step jsonb := public.begin_step(begin_model_call.task_id, begin_model_call.key, 'model', begin_model_call.name);
begin
  if step ->> 'state' <> 'new' then
    return step;
  end if;
  return step || jsonb_build_object('budget', public.reserve_model_call(begin_model_call.task_id, (step ->> 'step_id')::uuid,
    begin_model_call.cost_usd, begin_model_call.limits));
end $$;
comment on function public.begin_model_call is
  'begin_step for a request to a model, and where it is to be made, what reserve_model_call says to it (budget).';
do $$ begin
  perform private.expose_function('public.begin_model_call', array['service_role']);
end $$;
