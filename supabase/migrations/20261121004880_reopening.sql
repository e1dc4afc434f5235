-- What a person ticked off by mistake: what is done stays done, and a new row is open in its place.

create function public.reopen_task(task_id uuid) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(reopen_task.task_id, true);
  parent public.tasks;
  made public.tasks;
  goes_on boolean;
begin
  if task.superseded_at is not null then
    perform private.refuse(409, 'Another task took this one''s place',
      (select format('The newer one is %s', t.id) from public.tasks t where t.supersedes_task_id = task.id order by t.created_at desc limit 1));
  elsif task.execution_status <> 'completed' or task.result is not null
      or not task.evidence @> '[{"kind": "word", "what": "A person said that it is done"}]' then
    perform private.refuse(409, 'Only what a person ticked off is opened again');
  elsif exists (select 1 from public.tasks t where t.parent_task_id = task.id) or exists (select 1 from public.drafts d where d.task_id = task.id) then
    perform private.refuse(409, 'A task with parts or a draft is not opened again', null, 'Make a new task of what is left to do.');
  end if;
  select * into parent from public.tasks t where t.id = task.parent_task_id;
  if parent.execution_status in ('completed', 'cancelled') then
    perform private.refuse(409, 'What it is a part of is over', parent.title, 'Make a new task of what is left to do.');
  end if;
  -- A series that went on goes on from its next one: this is open once more, and starts no second series.
  goes_on := task.continued_at is not null or exists (select 1 from public.tasks n where n.repeats_task_id = task.id);
  made := private.insert_task((to_jsonb(task) - array['source_key', 'repeats_task_id']
      - case when goes_on then array['recurrence', 'series_id', 'series_number', 'series_starts_at', 'occurs_at', 'run_when_due'] else '{}' end)
    || jsonb_build_object('supersedes_task_id', task.id), task.parent_task_id);
  perform private.keep_whose(made.id, task.id);
  update public.tasks t set superseded_at = now() where t.id = task.id;
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id)
  select d.organization_id, made.id, d.depends_on_task_id from public.task_dependencies d where d.task_id = task.id;
  -- What has not begun waits for it again; what began on the word that it was done, has begun.
  with waiting as (
    delete from public.task_dependencies d using public.tasks w
    where d.depends_on_task_id = task.id and w.id = d.task_id and w.execution_status = 'pending' returning d.organization_id, d.task_id)
  insert into public.task_dependencies (organization_id, task_id, depends_on_task_id) select w.organization_id, w.task_id, made.id from waiting w;
  insert into public.reminders (organization_id, task_id, created_by, at, note)
  select r.organization_id, made.id, r.created_by, r.at, r.note from public.reminders r where r.task_id = task.id and r.told_at is null;
  update public.commitments c set task_id = made.id, state = 'open', closed_at = null, closed_because = null, reopened_at = now()
  where c.task_id = task.id and c.state = 'kept';
  update public.tasks t set execution_status = 'pending' where t.id = made.id and t.execution_status = 'queued'; -- a rule started it
  return public.get_task(made.id);
end $$;
comment on function public.reopen_task is
  'Not done after all: a new open row in the place of one that a person ticked off, with its dates, edges, reminders, promise and what it is tainted by.';
select private.expose_function('public.reopen_task', array['authenticated', 'service_role']);
