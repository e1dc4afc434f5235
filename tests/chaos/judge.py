"""What a chaos run left behind: counted at the other end, and held against what the database says.

lost            a tree's task that is gone; an approval that was confirmed and is undone; a mail that is said to be sent
                (or that nobody speaks of any more) and was never taken; a model's task that is done without its answer
sent_twice      a mail that was taken more often than once, by Message-ID and by what it is about
stuck           what neither ended nor waits for a person over an uncertain mail
steps_rebilled  requests to the model beyond the attempts in the journal, and steps that were finished twice
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from tests.chaos import load
from tests.chaos.model_faults import ModelFaults
from tests.chaos.person import Person
from tests.chaos.smtp_sink import SmtpSink


@dataclass(frozen=True)
class TaskRow:
    """A task as the table has it."""

    id: UUID
    parent_task_id: UUID | None
    title: str
    tool: str | None
    execution_status: str
    blocked_on: str | None
    reason: str | None
    draft_id: str | None
    lost_count: int
    output: str | None
    waits_for: list[UUID]


@dataclass(frozen=True)
class DraftRow:
    """A draft as the table has it."""

    id: UUID
    task_id: UUID
    state: str
    message_id: str | None
    subject: str
    is_newest: bool


@dataclass(frozen=True)
class StepRow:
    """A model's step as the table has it."""

    task_id: UUID
    name: str
    state: str
    attempts: int


TASKS = """
  select t.id, t.parent_task_id, t.title, t.tool, t.execution_status, t.blocked_on, coalesce(t.blocked_reason, t.failure_reason) as reason,
    t.tool_input ->> 'draft_id' as draft_id, t.lost_count, t.result ->> 'output' as output,
    array(select d.depends_on_task_id from public.task_dependencies d where d.task_id = t.id) as waits_for
  from public.tasks t"""
DRAFTS = """
  select d.id, d.task_id, d.state, d.message_id, d.subject,
    not exists (select 1 from public.drafts n where n.supersedes_id = d.id) as is_newest from public.drafts d"""
STEPS = "select s.task_id, s.name, s.state, s.attempts from public.steps s where s.kind = 'model'"


@dataclass
class Findings:
    """The report's figures, and a line on each case behind them; for the uncertain mails, what the mail server knows."""

    lost: list[str] = field(default_factory=list[str])
    sent_twice: list[str] = field(default_factory=list[str])
    stuck: list[str] = field(default_factory=list[str])
    steps_rebilled: list[str] = field(default_factory=list[str])
    uncertain: list[str] = field(default_factory=list[str])
    unexplained: list[str] = field(default_factory=list[str])

    def lines(self) -> list[str]:
        """Each case that should not be, after its kind."""
        kinds = ("lost", "sent_twice", "stuck", "steps_rebilled", "unexplained")
        return [f"{kind}: {case}" for kind in kinds for case in getattr(self, kind)]


@dataclass(frozen=True)
class Aftermath:
    """The tables of a moment."""

    tasks: Sequence[TaskRow]
    drafts: Sequence[DraftRow]
    steps: Sequence[StepRow]

    @classmethod
    async def read(cls, connection: AsyncConnection[Any], *, with_steps: bool = True) -> "Aftermath":
        """All rows, in one snapshot where the connection is in a transaction."""
        tasks = await connection.cursor(row_factory=class_row(TaskRow)).execute(TASKS)
        drafts = await connection.cursor(row_factory=class_row(DraftRow)).execute(DRAFTS)
        steps = await connection.cursor(row_factory=class_row(StepRow)).execute(STEPS) if with_steps else None
        return cls(await tasks.fetchall(), await drafts.fetchall(), await steps.fetchall() if steps else [])

    @cached_property
    def by_id(self) -> dict[UUID, TaskRow]:
        return {task.id: task for task in self.tasks}

    @cached_property
    def parts(self) -> dict[UUID | None, list[TaskRow]]:
        found: dict[UUID | None, list[TaskRow]] = defaultdict(list)
        for task in self.tasks:
            found[task.parent_task_id].append(task)
        return found

    @cached_property
    def waiting(self) -> set[UUID]:
        """The tasks that rightly wait: for a person's word on an uncertain mail, or for a task that does."""
        uncertain = {draft.id: draft.task_id for draft in self.drafts if draft.state == "uncertain"}
        of_person = {str(draft_id) for draft_id in uncertain}
        found = {
            task.id
            for task in self.tasks
            if task.execution_status == "blocked"
            and task.blocked_on == "person"
            and (task.id in uncertain.values() or task.draft_id in of_person)
        }
        size = -1
        while size != len(found):
            size = len(found)
            found |= {task.id for task in self.tasks if self._waits_for(task, found)}
        return found

    def _waits_for(self, task: TaskRow, waiting: set[UUID]) -> bool:
        if task.execution_status == "pending":
            return any(other in waiting for other in task.waits_for)
        if task.execution_status == "blocked" and task.blocked_on == "subtasks":
            return any(part.id in waiting for part in self.parts[task.id])
        return False

    @property
    def ended(self) -> int:
        """How many tasks are where they stay."""
        return sum(self._is_over(task) for task in self.tasks)

    def _is_over(self, task: TaskRow) -> bool:
        if task.execution_status in {"completed", "cancelled"} or task.id in self.waiting:
            return True
        return task.execution_status == "failed" and task.tool == "email_send"  # its draft goes out anew

    def unsettled(self) -> list[str]:
        """What is neither over nor rightly waiting, in words."""
        open_tasks = [
            f"task “{task.title}” is {task.execution_status} ({task.blocked_on or '-'}: {task.reason or 'no reason'})"
            for task in self.tasks
            if not self._is_over(task)
        ]
        ends = {"sent", "uncertain", "superseded", "rejected"}
        open_drafts = [
            f"draft “{draft.subject}” is {draft.state}"
            for draft in self.drafts
            if draft.state not in ends and not (draft.state == "failed" and not draft.is_newest)
        ]
        return open_tasks + open_drafts


def judge(after: Aftermath, person: Person, sink: SmtpSink, faults: ModelFaults) -> Findings:
    """Hold the tables against the person's memory, the mail server's count and the model's log."""
    found = Findings(stuck=after.unsettled())
    _judge_tasks(after, person, found)
    _judge_mails(after, person, sink, found)
    _judge_steps(after, person, faults, found)
    return found


def _judge_tasks(after: Aftermath, person: Person, found: Findings) -> None:
    for number, keys in person.planted.items():
        found.lost += [f"{key} of tree {number} is gone" for key, task in keys.items() if task not in after.by_id]
        for kind in ("summary", "report"):
            task = after.by_id.get(keys[kind])
            if task and task.execution_status == "completed" and task.output != load.answer_to(kind, number):
                found.lost.append(f"“{task.title}” is completed without its answer: {task.output}")
    found.lost += [f"the approval of draft {draft} was confirmed and is undone" for draft in person.undone]


def _judge_mails(after: Aftermath, person: Person, sink: SmtpSink, found: Findings) -> None:
    found.sent_twice += [f"{message_id} was taken {n} times" for message_id, n in sink.taken.items() if n > 1]
    found.sent_twice += [f"“{about}” was taken as {ids}" for about, ids in sink.taken_about.items() if len(ids) > 1]
    spoken_of: set[str] = set()
    for draft in after.drafts:
        message_id = draft.message_id or ""
        taken = sink.taken[message_id] > 0
        if draft.state in {"sent", "uncertain"}:
            spoken_of.add(draft.subject)
        if draft.state == "sent" and not taken:
            found.lost.append(f"“{draft.subject}” is sent, and nobody took it")
        if draft.state == "failed" and taken:
            found.unexplained.append(f"“{draft.subject}” is failed, and was taken")
        if draft.state == "uncertain":
            found.uncertain.append("taken" if taken else "dropped" if message_id in sink.dropped else "never taken")
            if message_id not in sink.dropped and not _was_taken_over(after, draft):
                found.unexplained.append(f"“{draft.subject}” is uncertain, and neither its line nor its worker broke")
    if not found.stuck:
        everything = {load.subject(number) for number in person.planted}
        found.lost += [f"“{about}” was never sent, and nobody speaks of it" for about in sorted(everything - spoken_of)]


def _was_taken_over(after: Aftermath, draft: DraftRow) -> bool:
    return any(task.draft_id == str(draft.id) and task.lost_count > 0 for task in after.tasks)


def _judge_steps(after: Aftermath, person: Person, faults: ModelFaults, found: Findings) -> None:
    asked = Counter((one.marker, one.purpose) for one in faults.asked)
    attempts: Counter[tuple[str, str]] = Counter()
    finished: Counter[tuple[str, str]] = Counter()
    retried: Counter[str] = Counter()
    for step in after.steps:
        marker = after.by_id[step.task_id].title.rpartition(" ")[2]
        attempts[marker, step.name] += step.attempts
        finished[marker, step.name] += step.state == "finished"
        retried[marker] = person.retried[step.task_id]
    for call, count in asked.items():
        if count > attempts[call]:
            found.steps_rebilled.append(f"{call} was asked {count} times in {attempts[call]} attempts")
    for call, count in finished.items():
        if count > 1 + retried[call[0]]:
            found.steps_rebilled.append(f"{call} has {count} answers")
