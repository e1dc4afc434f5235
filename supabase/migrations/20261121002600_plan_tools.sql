-- The tools of a plan: files of tasks, outputs that feed later tasks, pipelines that report back.

-- Section: files --------------------------------------------------------------------------------------------------

create function private.artifact_json(artifact public.artifacts) returns jsonb
language sql stable set search_path = '' as $$
  select to_jsonb(artifact) - array['content', 'storage_path']
$$;
comment on function private.artifact_json is 'A file without its content.';

create function public.save_artifact(task_id uuid, name text, media_type text, content text) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(save_artifact.task_id, true);
  bytes bytea := decode(save_artifact.content, 'base64');
  kept public.artifacts;
begin
  if length(bytes) > 20000000 then
    perform private.refuse(422, 'A file has at most 20,000,000 bytes', format('%s has %s', save_artifact.name, length(bytes)));
  end if;
  select * into kept from public.artifacts a
  where a.task_id = task.id and a.name = save_artifact.name and a.sha256 = encode(sha256(bytes), 'hex') order by a.created_at desc limit 1;
  if kept.id is null then
    insert into public.artifacts (organization_id, task_id, name, media_type, size_bytes, sha256, content, created_at)
    values (task.organization_id, task.id, save_artifact.name, coalesce(nullif(save_artifact.media_type, ''), 'application/octet-stream'),
      length(bytes), encode(sha256(bytes), 'hex'), bytes, clock_timestamp()) returning * into kept;
  end if;
  return private.artifact_json(kept);
end $$;
comment on function public.save_artifact is 'Keeps a file of a task; content is base64. The same name and bytes twice is one row, other bytes are a newer one.';

create function public.get_artifact(artifact_id uuid) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
  found_artifact public.artifacts;
begin
  select * into found_artifact from public.artifacts a where a.id = get_artifact.artifact_id and private.in_scope(a.organization_id);
  if found_artifact.id is null then
    perform private.refuse(404, 'There is no such file', format('artifact %s', get_artifact.artifact_id));
  end if;
  return private.artifact_json(found_artifact) || jsonb_build_object('content', replace(encode(found_artifact.content, 'base64'), e'\n', ''));
end $$;
comment on function public.get_artifact is 'A file with its content in base64.';

create function public.list_artifacts(task_id uuid) returns setof jsonb
language plpgsql stable set search_path = '' as $$
declare
  task public.tasks := private.own_task(list_artifacts.task_id);
begin
  return query select private.artifact_json(a) from public.artifacts a join public.tasks t on t.id = a.task_id
  where t.root_task_id = task.root_task_id order by a.created_at desc, a.id desc limit 1000;
end $$;
comment on function public.list_artifacts is 'The files of a task''s whole tree, newest first, without content.';

-- Section: outputs that feed later tasks --------------------------------------------------------------------------

create function private.slug(words text) returns text
language sql immutable set search_path = '' as $$
  select trim(both '_' from regexp_replace(translate(words, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'),
    '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+', '_', 'g'))
$$;
comment on function private.slug is
  'A title as one word for templates: ASCII in lower case, signs and spaces as one underscore, all else as it is (the same in every collation).';

create function private.template_names(task public.tasks) returns text[]
language plpgsql stable set search_path = '' as $$
declare
  names text[] := array[private.slug(task.title)];
  earlier public.tasks := task;
begin
  loop
    names := names || (earlier.source_ref ->> 'key') || private.slug(earlier.source_ref ->> 'key') || private.slug(earlier.title);
    exit when earlier.supersedes_task_id is null;
    select * into earlier from public.tasks t where t.id = earlier.supersedes_task_id;
  end loop;
  return array(select distinct n from unnest(names) n where coalesce(n, '') <> '');
end $$;
comment on function private.template_names is 'How templates may name a task: its key, its title as one word, and those of the tasks whose place it took.';

create function private.done_before(task_id uuid) returns setof uuid
language sql stable set search_path = '' as $$
  with recursive before (id, is_done) as (
    select done_before.task_id, false
    union
    select n.id, n.is_done from before b cross join lateral (
      select t.parent_task_id, false from public.tasks t where t.id = b.id and t.parent_task_id is not null
      union all select d.depends_on_task_id, true from public.task_dependencies d where d.task_id = b.id
      union all select c.id, true from public.tasks c where b.is_done and c.parent_task_id = b.id and c.superseded_at is null
    ) n (id, is_done))
  select b.id from before b where b.is_done
$$;
comment on function private.done_before is
  'Every task that is over before this one starts: what it or a task above it depends on, what those depend on, and their parts.';

create function public.list_outputs_before(task_id uuid) returns setof jsonb
language plpgsql stable set search_path = '' as $$
begin
  perform private.own_task(list_outputs_before.task_id);
  return query select jsonb_build_object('id', t.id, 'title', t.title, 'names', private.template_names(t), 'tool', t.tool, 'tool_input', t.tool_input,
    'source', t.source, 'execution_status', t.execution_status, 'is_waived', t.waived_at is not null, 'result', t.result,
    'after', array(select private.done_before(t.id)))
  from public.tasks t where t.id in (select private.done_before(list_outputs_before.task_id)) order by t.position, t.id;
end $$;
comment on function public.list_outputs_before is
  'What templates of a task may name, with what each gave: [{id, title, names, tool, tool_input, source, execution_status, is_waived, result, after}].';

create function private.check_templates(task public.tasks) returns void
language plpgsql stable set search_path = '' as $$
declare
  wanted text;
  fitting integer;
begin
  for wanted in
    select distinct m[2] from jsonb_path_query(task.tool_input, 'strict $.**') v (value)
    cross join lateral regexp_matches(v.value #>> '{}', '(\\?)\{\{\s*([^\s.{}\[\]]*)', 'g') m
    where jsonb_typeof(v.value) = 'string' and m[1] = ''
  loop
    select count(*) into fitting from public.tasks t
    where t.id in (select private.done_before(task.id)) and wanted = any (private.template_names(t));
    if fitting = 1 then
      continue;
    elsif fitting > 1 then
      perform private.refuse(422, format('%s uses {{ %s }}, and several tasks are called that', task.title, wanted), 'tool_input', 'Give each a key of its own.');
    elsif exists (select 1 from public.tasks t where t.root_task_id = task.root_task_id and wanted = any (private.template_names(t))) then
      perform private.refuse(422, format('%s uses {{ %s }}, and does not depend on that task', task.title, wanted), 'tool_input', 'Add it to depends_on.');
    else
      perform private.refuse(422, format('%s uses {{ %s }}, and no task of the tree has that key or title', task.title, wanted), 'tool_input');
    end if;
  end loop;
end $$;
comment on function private.check_templates is 'Refuses an input that names the output of a task which is not there, or not certainly over before this one starts.';

-- Section: pipelines that report back -----------------------------------------------------------------------------

create table public.pipeline_reports (
  approval_id uuid primary key references public.approvals (id) on delete cascade,
  task_id uuid not null references public.tasks (id) on delete cascade,
  organization_id uuid not null references public.organizations (id) on delete cascade,
  report_id text not null check (length(report_id) between 1 and 200),
  outcome jsonb not null check (jsonb_typeof(outcome) = 'object'),
  received_at timestamptz not null default now(),
  used_at timestamptz
);
comment on table public.pipeline_reports is
  'The first signed report on what a pipeline made of a request, one for each yes of a person; it may come before the task has begun to wait.';
comment on column public.pipeline_reports.used_at is 'When the task ended with it; tried again after that, it is another request.';
create index pipeline_reports_task_idx on public.pipeline_reports (task_id);
create index pipeline_reports_organization_idx on public.pipeline_reports (organization_id);

create function private.end_with_report(task public.tasks, report public.pipeline_reports) returns void
language plpgsql set search_path = '' as $$
declare
  outcome jsonb := report.outcome;
  status text := outcome ->> 'status';
begin
  update public.pipeline_reports r set used_at = now() where r.approval_id = report.approval_id;
  update public.tasks t set execution_status = 'in_progress' where t.id = task.id and t.execution_status = 'blocked';
  update public.tasks t set result = coalesce(t.result, '{}') || jsonb_build_object('output', outcome), verification = 'claimed',
    execution_status = case when status = 'success' then 'completed' else 'failed' end,
    failure_reason = case when status = 'success' then t.failure_reason
      else left('The pipeline ended with ' || coalesce(status, 'no status') || coalesce(': ' || (outcome ->> 'message'), ''), 2000) end,
    evidence = jsonb_build_array(jsonb_build_object('kind', 'report', 'what', 'The pipeline reported ' || coalesce(status, 'no status'),
      'where', outcome ->> 'url', 'at', now()))
  where t.id = task.id;
end $$;
comment on function private.end_with_report is 'A task ends with what its pipeline reported: success completes it, anything else fails it.';

create function public.wait_for_pipeline(task_id uuid, approval_id uuid, reason text, wait_seconds double precision) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.running_task(wait_for_pipeline.task_id);
  report public.pipeline_reports;
begin
  select * into report from public.pipeline_reports r where r.approval_id = wait_for_pipeline.approval_id and r.task_id = task.id;
  if report.approval_id is not null then
    perform private.end_with_report(task, report);
  else
    perform public.block_task_execution(task.id, wait_for_pipeline.reason, 'agent', 'The report of the pipeline',
      wait_seconds => wait_for_pipeline.wait_seconds);
  end if;
  return public.get_task(task.id);
end $$;
comment on function public.wait_for_pipeline is
  'A running task waits for the report on the request that a yes stands for, until a deadline; one that has come already ends it at once.';

create function public.is_pipeline_report_used(approval_id uuid) returns boolean
language sql stable set search_path = '' as $$
  select exists (select 1 from public.pipeline_reports r
    where r.approval_id = is_pipeline_report_used.approval_id and r.used_at is not null and private.in_scope(r.organization_id))
$$;
comment on function public.is_pipeline_report_used is 'Has a task ended with the report on this request? Then what comes next is another request.';

create function public.record_pipeline_report(task_id uuid, report_id text, outcome jsonb) returns jsonb
language plpgsql set search_path = '' as $$
declare
  task public.tasks := private.own_task(record_pipeline_report.task_id, true);
  asked uuid;
  report public.pipeline_reports;
begin
  if task.tool is distinct from 'cicd_webhook' then
    perform private.refuse(404, 'No pipeline works for this task', format('task %s', task.id));
  end if;
  if exists (select 1 from public.pipeline_reports r where r.task_id = task.id and r.report_id = record_pipeline_report.report_id) then
    return jsonb_build_object('known', true, 'execution_status', task.execution_status);
  end if;
  select a.id into asked from public.approvals a where a.task_id = task.id and a.tool = task.tool and a.state = 'used' order by a.created_at desc limit 1;
  if asked is null or task.execution_status in ('completed', 'failed', 'cancelled')
     or exists (select 1 from public.pipeline_reports r where r.approval_id = asked) then
    perform private.refuse(409, 'This task waits for no report', coalesce(task.blocked_on, task.execution_status));
  end if;
  if outcome ->> 'message_id' <> 'steward-' || asked then
    perform private.refuse(409, 'This report is on an earlier request', outcome ->> 'message_id');
  end if;
  insert into public.pipeline_reports (approval_id, task_id, organization_id, report_id, outcome)
  values (asked, task.id, task.organization_id, record_pipeline_report.report_id, record_pipeline_report.outcome) returning * into report;
  if task.execution_status = 'blocked' and task.blocked_on = 'agent' then
    perform private.end_with_report(task, report);
  end if;
  return jsonb_build_object('known', false, 'execution_status', (select t.execution_status from public.tasks t where t.id = task.id));
end $$;
comment on function public.record_pipeline_report is
  'A pipeline reported {status, url, message, message_id, ...} on a task, its signature checked before; twice is once. One that comes before the task waits is kept for it.';

create function public.get_organization_of_task(task_id uuid) returns uuid
language sql stable security definer set search_path = '' as $$
  select t.organization_id from public.tasks t where t.id = get_organization_of_task.task_id
$$;
comment on function public.get_organization_of_task is 'Which tenant a task belongs to, for doors that are signed by an outside service (service only). Null when there is none.';

-- Section: row-level security and grants --------------------------------------------------------------------------

select private.guard_table('public.pipeline_reports', 'select');
create policy pipeline_reports_read on public.pipeline_reports for select to authenticated using (organization_id in (select private.my_organizations()));

do $$ declare f text; begin
  foreach f in array array['save_artifact', 'get_artifact', 'list_artifacts', 'list_outputs_before'] loop
    perform private.expose_function('public.' || f, array['authenticated', 'service_role']);
  end loop;
  foreach f in array array['wait_for_pipeline', 'is_pipeline_report_used', 'record_pipeline_report', 'get_organization_of_task'] loop
    perform private.expose_function('public.' || f, array['service_role']);
  end loop;
  foreach f in array array['artifact_json', 'slug', 'template_names', 'done_before', 'check_templates'] loop
    perform private.expose_function('private.' || f, array['authenticated', 'service_role']);
  end loop;
  perform private.expose_function('private.end_with_report', array['service_role']);
end $$;
