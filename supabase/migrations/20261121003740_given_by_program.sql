-- A section that a program gave is not said to be a person's.

create or replace function public.rerun_stage(plan_id uuid, stage text, given jsonb default null) returns jsonb
language plpgsql set search_path = '' as $$
declare
  root public.tasks := private.own_task(rerun_stage.plan_id, true);
  plan public.plans := private.own_plan(root.id);
  part public.tasks;
  ids uuid[];
  renewed jsonb;
  most integer := (private.tree_bounds(root.id) ->> 'max_tasks')::integer;
  has integer := (select count(*) from public.tasks t where t.root_task_id = root.id);
  by_program boolean := private.token_scopes() is not null;
begin
  if plan.kind <> 'document' then
    perform private.refuse(409, 'This plan has no stages to write anew', plan.kind);
  end if;
  if jsonb_typeof(given) not in ('object', 'null') then
    perform private.refuse(422, 'given is a section: an object', left(given::text, 200));
  end if;
  part := private.stage_to_rerun(root, rerun_stage.stage);
  ids := private.stages_after(part);
  if has + cardinality(ids) > most then
    perform private.refuse(409, 'The plan has reached its bound', format('it may have %s tasks, and would have %s', most, has + cardinality(ids)),
      'Raise the bound max_tasks of the plan.');
  end if;
  renewed := private.renew_stages(root, ids, jsonb_build_object(part.id, jsonb_build_object('stage', rerun_stage.stage)
    || case when jsonb_typeof(given) is distinct from 'object' then '{"again": true}'
       else jsonb_build_object('given', given) || case when by_program then '{"by_program": true}' else '{}' end::jsonb end));
  -- One that waited for a worker waits for the new rows again.
  update public.tasks t set execution_status = 'pending'
  where t.parent_task_id = root.id and t.superseded_at is null and t.execution_status = 'queued' and private.waits_for_others(t.id);
  perform private.queue_ready_children(root.id);
  perform private.note_plan(root.id, 'stage_rerun', format('%s is written anew, and %s after it', rerun_stage.stage, cardinality(ids) - 1),
    jsonb_build_object('stage', rerun_stage.stage, 'by_person', jsonb_typeof(given) is not distinct from 'object' and not by_program, 'task_ids',
      (select jsonb_agg(r.value) from jsonb_each(renewed) r)));
  return public.get_plan(root.id);
end $$;
