"""The strategist: one structured call that decides and does. Exactly one of Immediate, Decompose, Blocked.

Source: seeds document 002, "Execution API" (three execution strategies).
"""

import csv
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, field_validator, model_validator

from agents.notes import Note
from agents.rules.day_reply import without_plan
from agents.thinking import Prompt, Question, Thinking, Trail, load_prompt
from agents.workflows.own_words import prompt_of
from core.spreadsheets import inert_csv
from tasks.models import ExecutionType, Priority, Record, Task, TaskKind

if TYPE_CHECKING:
    from agents.proactive.meeting_context import MeetingContext
    from agents.rules.free_times import OfferedTimes
    from agents.toolbox import Toolbox

PROMPT = load_prompt(Path(__file__).parent / "strategist.md")
THREAD_CHARACTERS = 20_000
# Bounded, and begun only where a word begins: a long run of letters must not take quadratic time.
ADDRESS = re.compile(r"(?<![\w.+%'-])[\w.+%'-]{1,64}@(?:localhost\b|[\w-]{1,63}(?:\.[\w-]{1,63})+)")
OWN_WORDS = {"chat", "manual", "import", "plan"}


class DraftContent(BaseModel):
    """A mail as it would leave the house. Addresses are bare, one an entry."""

    to: list[str] = Field(default_factory=list[str])
    cc: list[str] = Field(default_factory=list[str])
    subject: str = ""
    body: str = ""


class Immediate(BaseModel):
    """The result, made now."""

    output: str
    format: Literal["text", "markdown", "csv", "json"] = "markdown"
    confidence: float = Field(ge=0, le=1)
    draft: DraftContent | None = None
    message: str = Field(default="", description="One sentence on what was made and from what")

    @model_validator(mode="after")
    def _inert(self) -> "Immediate":
        if self.format == "csv":
            with suppress(csv.Error):  # what is no CSV is found by the checker
                self.output = inert_csv(self.output, "\n")
        return self


class PlannedSubtask(BaseModel):
    """A part of a task that is too big. `depends_on`: positions in the list, from 0."""

    title: str = Field(min_length=1, max_length=300)
    description: str = ""
    kind: TaskKind = "errand"
    execution_type: ExecutionType
    priority: Priority = "medium"
    depends_on: list[int] = Field(default_factory=list[int])
    estimated_duration_minutes: int | None = Field(default=None, ge=1)
    group: str = Field(default="", description="Parts of one group may run side by side")
    integrates: str = Field(default="", description="The group that this part brings together, after all of it")
    tool: str | None = Field(default=None, description="A tool of the list that does this part, where one does")
    tool_input: dict[str, Any] = Field(default_factory=dict[str, Any], description="What the tool is given")

    @field_validator("tool", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value


class Decompose(BaseModel):
    """The parts; a single one only where a tool does it."""

    subtasks: list[PlannedSubtask] = Field(min_length=1, max_length=12)
    confidence: float = Field(ge=0, le=1)
    message: str = ""


class Blocked(BaseModel):
    """Why it can't be done here, and what would help."""

    reason: str = Field(min_length=1)
    unblocked_by: str = ""
    message: str = ""
    needs_model: bool = Field(default=False, description="Leave this false")


class ThreadMessage(Record):
    """An earlier mail of the thread a task came from. Written by others: untrusted."""

    message_id: str = ""
    from_name: str = ""
    from_address: str = ""
    to_addresses: list[str] = Field(default_factory=list[str])
    cc_addresses: list[str] = Field(default_factory=list[str])
    reply_to_addresses: list[str] = Field(default_factory=list[str])
    list_addresses: list[str] = Field(default_factory=list[str])
    subject: str = ""
    sent_at: datetime | None = None
    text: str = ""
    is_from_me: bool = False


@dataclass(frozen=True)
class EarlierDraft:
    """The draft that a person wants changed."""

    to: list[str]
    cc: list[str]
    subject: str
    body: str


@dataclass(frozen=True)
class TaskContext:
    """All that a run knows of its task."""

    task: Task
    sender_name: str = ""
    owner_address: str = ""
    own_addresses: frozenset[str] = frozenset()
    guidance: str = ""
    own_words: Prompt | None = None  # what the organization wrote for this kind of task
    thread: list[ThreadMessage] = field(default_factory=list[ThreadMessage])
    conversation: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    parent_title: str = ""
    parent_description: str = ""
    outputs: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    recent_tasks: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    feedback: str = ""
    notes: Sequence[Note] = ()
    meeting: "MeetingContext | None" = None  # of an agenda, a brief or a follow-up
    times: "OfferedTimes | None" = None  # where the mail to be answered proposes some
    examples: Sequence[str] = ()  # mails that the person let go in like cases
    copied_by_wish: frozenset[str] = frozenset()  # by a preference that the person switched on
    known_names: Mapping[str, str] = field(
        default_factory=dict[str, str]
    )  # by address in lower case, for greetings alone

    @classmethod
    def from_row(cls, row: Mapping[str, Any], zone: ZoneInfo) -> "TaskContext":
        """The context that `get_task_context` returns."""
        task = Task.model_validate(row["task"])
        if task.due_at:
            task = task.model_copy(update={"due_at": task.due_at.astimezone(zone)})
        owner: Mapping[str, Any] = row.get("owner") or {}
        parent: Mapping[str, Any] = row.get("parent") or {}
        workflow: Mapping[str, Any] = row.get("workflow") or {}
        thread: list[Any] = row.get("thread") or []
        lines: list[Any] = row.get("conversation") or []
        outputs: list[Any] = row.get("outputs") or []
        return cls(
            task=task,
            sender_name=owner.get("name") or "",
            owner_address=owner.get("email") or "",
            own_words=prompt_of(task.kind, workflow),
            thread=[ThreadMessage.model_validate(message) for message in thread],
            conversation=[(line["role"], without_plan(line["role"], line["content"])) for line in lines],
            parent_title=parent.get("title") or "",
            parent_description=parent.get("description") or "",
            outputs=[(o["title"], _output_of(o.get("result"))) for o in outputs],
            recent_tasks=row.get("recent_tasks") or [],
            feedback=str(task.tool_input.get("feedback") or ""),
        )

    @property
    def own_prompts(self) -> list[Prompt]:
        """What a model is told besides what is built in; empty where the organization wrote nothing."""
        return [self.own_words] if self.own_words else []

    @property
    def in_own_words(self) -> bool:
        """Did the person write the task, rather than mail, a calendar or an agent?"""
        if self.task.source == "slack":
            return self.task.source_ref.get("in_own_words") is True
        return self.task.source in OWN_WORDS

    @property
    def is_in_others_words(self) -> bool:
        """May the task speak in words of others: those of a mail, of an event's title, or of what a run has read?"""
        return not self.in_own_words and (self.task.source != "agent" or bool(self.task.tainted_by))

    @property
    def named_addresses(self) -> set[str]:
        """Every address that the person or the thread's headers name, in lower case.

        Not what stands in the text of a mail, nor what the assistant said: those are nobody's wish.
        """
        task = self.task
        said = [task.recipient or "", self.feedback]
        if self.meeting is None:  # above a part of a meeting's task stands that meeting's title
            said += [self.parent_title, self.parent_description]
        said += [words for role, words in self.conversation if role == "user"]
        if self.in_own_words:
            said += [task.title, task.description]
        found = {match.casefold() for match in ADDRESS.findall(" ".join(said))} | self.copied_by_wish
        if self.meeting is not None:  # nobody else, whoever stands in the mails about it
            return found | {address.casefold() for address in self.meeting.addresses}
        for message in self.thread:
            named = [message.from_address, *message.to_addresses, *message.cc_addresses, *message.reply_to_addresses]
            found |= {address.casefold() for address in named if address}
        return found


def _output_of(result: object) -> str:
    if isinstance(result, Mapping):
        return str(cast("Mapping[str, object]", result).get("output") or "")
    return str(result or "")


async def decide(
    context: TaskContext,
    *,
    now: datetime,
    thinking: Thinking,
    toolbox: "Toolbox | None" = None,
    trail: Trail | None = None,
) -> Immediate | Decompose | Blocked:
    """Decide and do. Raises ModelUnavailable, ModelRefused or ModelMalformed where a model is asked.

    What the rules are sure of is not sent to a model where `thinking.rules_from` says so. With a `toolbox` a model may
    read on the way and plan what acts. With a `trail` that has begun, feedback goes on from the answer it is about.
    """
    from agents.cheapest_path import is_sure, may_want_tools, with_material
    from agents.workflows.catalog import workflow_for

    workflow = workflow_for(context.task)
    by_rules = partial(workflow.decide_by_rules, with_material(context), now)
    if thinking.is_model and is_sure(by_rules, context, now, thinking.rules_from):
        thinking = replace(thinking, model=None)
    box = toolbox if thinking.is_model and may_want_tools(context) else None
    listed = box.listed() if box else ""
    tools = box.offered() if box else []
    question = Question(
        "strategy",
        [PROMPT, *workflow.prompts, *_tool_prompts(bool(listed or tools)), *context.own_prompts],
        "\n\n".join(text for text in (describe(context, now), listed) if text),
        [Immediate, Decompose, Blocked],
        guidance=context.guidance,
        check=lambda answer: _problem(answer, context, box),
        tools=tools,
        trail=trail,
        more=f"Answer again, whole. {context.feedback}" if context.feedback else "",
        size="large" if context.task.kind == "project" else None,
    )
    answer = await thinking.answer(question, by_rules)
    if isinstance(answer, Immediate):
        # Of a meeting the page has more than the mail to its people: the sources, and what is for the person alone.
        return answer if context.meeting else presented(answer)
    if isinstance(answer, Blocked) and thinking.is_model:
        return answer.model_copy(update={"needs_model": False})
    return cast("Decompose | Blocked", answer)


def _tool_prompts(has_tools: bool) -> list[Prompt]:
    if not has_tools:
        return []
    from agents.toolbox import PROMPT as TOOLS_PROMPT

    return [TOOLS_PROMPT]


def presented(result: Immediate) -> Immediate:
    """A result with a draft shows exactly that draft as its output."""
    if result.draft is None:
        return result
    output = f"Subject: {result.draft.subject}\n\n{result.draft.body}"
    return result.model_copy(update={"output": output, "format": "text"})


def _problem(answer: BaseModel, context: TaskContext, box: "Toolbox | None") -> str | None:
    """What is wrong with an answer that its types don't show; goes back to the model."""
    if context.task.execution_type == "manual" and not isinstance(answer, Blocked):
        return "this task is manual, only a person can do it: answer blocked, and say in unblocked_by what would help"
    if isinstance(answer, Immediate) and context.task.kind in {"email", "reply"} and answer.draft is None:
        return "this is a mail: fill draft with to, subject and body"
    if isinstance(answer, Immediate) and context.meeting is not None:
        return _problem_of_meeting(answer, context)
    if isinstance(answer, Decompose):
        from agents.planner import problem_of

        if len(answer.subtasks) == 1 and answer.subtasks[0].tool is None:
            return "a plan has at least two parts, or one that names a tool"
        outputs = [title for title, _ in context.outputs]
        return problem_of(answer.subtasks, box.plannable if box else None, outputs)
    return None


def _problem_of_meeting(answer: Immediate, context: TaskContext) -> str | None:
    """A brief and a new version of an agenda are for the person alone; a first agenda goes to those who come."""
    meeting, task = context.meeting, context.task
    is_for_person = task.kind == "brief" or bool(task.source_ref.get("agenda_task_id"))
    if is_for_person and answer.draft is not None:
        return "this is for the person alone: leave draft empty"
    if task.kind == "agenda" and not is_for_person and answer.draft is None and meeting is not None and meeting.people:
        return "fill draft with the agenda as a mail to those who come"
    return None


def describe(context: TaskContext, now: datetime) -> str:
    """The task in words for a model; what others wrote is fenced as untrusted."""
    task = context.task
    by_others = fenced if context.is_in_others_words else str
    lines = [
        f"Now: {now.isoformat()} ({now:%A})",
        f"Task: {by_others(task.title)}",
        f"Kind: {task.kind}; execution type: {task.execution_type}; priority: {task.priority}",
    ]
    if task.due_at:
        lines.append(f"Due: {task.due_at.isoformat()}")
    if task.recipient:
        lines.append(f"Recipient: {by_others(task.recipient)}")
    lines.append(f"Sender: {context.sender_name or '(no name given)'} <{context.owner_address}>")
    if context.parent_title:
        lines.append(f"Part of: {by_others(context.parent_title)}")
    lines += [f"Acceptance criterion: {by_others(criterion)}" for criterion in task.acceptance_criteria]
    if task.description:
        own = f"<material>\n{task.description}\n</material>"
        lines.append(own if context.in_own_words else fenced(task.description))
    lines += [f"{role} said: {words}" for role, words in context.conversation[-6:]]
    lines += [f"Result of {by_others(f'“{title}”')}:\n{fenced(output)}" for title, output in context.outputs if output]
    for note in context.notes:
        text = f"<material>\n{note.text}\n</material>" if note.is_own else fenced(note.text)
        lines.append(f"Notes ({note.name}):\n{text}")
    lines += context.meeting.lines(fenced) if context.meeting else []
    lines += [
        f"An earlier mail of the sender's to the same person, for its tone alone:\n{fenced(one)}"
        for one in context.examples
    ]
    lines += _thread(context.thread)
    lines += context.times.in_words() if context.times else []
    if task.kind == "report" and context.recent_tasks:
        known = (f"{one.get('title')} ({one.get('execution_status')})" for one in context.recent_tasks)
        lines.append("Known tasks, one a line:\n" + fenced("\n".join(known)))
    if context.feedback:
        lines.append(f"Feedback of the reviewer on the earlier result: {context.feedback}")
    return "\n".join(lines)


def _thread(messages: list[ThreadMessage]) -> list[str]:
    """The newest mails of a thread, oldest first, as many as fit."""
    shown: list[str] = []
    budget = THREAD_CHARACTERS
    for message in reversed(messages):
        if budget <= 0:
            break
        text = message.text[:budget]
        budget -= len(text)
        sent = message.sent_at.isoformat() if message.sent_at else "at an unknown time"
        heading = fenced(
            f"Mail from {message.from_name} <{message.from_address}>, sent {sent}: {message.subject}\n\n{text}"
        )
        shown.append(heading)
    return shown[::-1]


def fenced(text: str) -> str:
    """Text by others, marked; a mark inside it is made harmless, so it can't end the fence."""
    return f"<untrusted>\n{re.sub(r'<(?=/?untrusted)', '‹', text, flags=re.IGNORECASE)}\n</untrusted>"
