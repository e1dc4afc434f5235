"""A client for agents that take work from Steward. One file: copy it beside your agent. It needs Python 3.11 and httpx.

    from steward_agent import Agent, Work

    def handle(work: Work) -> object:
        work.progress(50, "Half way")
        return {"answer": 42}

    Agent.from_env().run(handle)

STEWARD_URL says where the house is, STEWARD_AGENT_TOKEN is the token that was shown when the agent was registered.
Events are made once and sent until the house has answered: a report that went out twice is the same event, so it
counts once. While you work, a thread sends heartbeats, and learns whether a person has paused or stopped the work:
`work.check()` raises Paused or Stopped then. An agent that begins again within its lease is given what it held before
any other work, with `work.is_resumed`: look what is done already. Where several processes share a token, each would be
given what the others are at: say `resume=False` there.

What is raised:

    AgentError              anything below
    ├── HouseAway           the house did not answer for as long as was waited
    ├── Refused             the house said no: status, title, detail, hint
    │   └── TokenRefused    the token is wrong, or was revoked
    └── LeaveWork           leave this work; `with work:` and `run` understand it
        ├── Paused          a person has paused it; it comes again when it goes on
        └── Stopped         it is yours no more, or this agent ends
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import FrameType, TracebackType
from typing import Any, Literal
from uuid import uuid4

import httpx

Allowed = Literal["accept", "edit", "respond", "ignore"]
Json = dict[str, Any]
Handler = Callable[["Work"], object]

log = logging.getLogger("steward_agent")
WAIT_SECONDS = 30  # how long a poll is held open by the house
IDLE_SECONDS = 2  # none for so long: there is none
ANSWER_SECONDS = 30.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
LONGEST_HEARTBEAT_SECONDS = 30.0
MOST_KNOWN = 1000
GRACE_SECONDS = 8.0  # how long an agent that ends still tries to tell what it has to tell
TRY_AGAIN = {408, 425, 429}  # and 500 and above
LONGEST_TEXT = 2000
USAGE = """\
The client of agents that take work from Steward.

  python steward_agent.py me      who this agent is, and what it holds
  python steward_agent.py echo    an agent that gives back what it was given, until it is stopped

STEWARD_URL says where the house is, STEWARD_AGENT_TOKEN is the agent's own token."""


class AgentError(Exception):
    """Anything that this client raises."""


class HouseAway(AgentError):
    """The house did not answer for as long as was waited. It asks to be left alone for `retry_after_seconds`."""

    def __init__(self, words: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(words)
        self.retry_after_seconds = retry_after_seconds


class Refused(AgentError):
    """The house said no. `status` is that of HTTP; `errors` names the fields that are wrong, where it does."""

    def __init__(self, status: int, title: str, detail: str = "", hint: str = "", errors: Sequence[Json] = ()) -> None:
        super().__init__(" ".join(f"{part.rstrip('.')}." for part in (f"{status} {title}", detail, hint) if part))
        self.status, self.title, self.detail, self.hint = status, title, detail, hint
        self.errors = list(errors)


class TokenRefused(Refused):
    """The token is wrong, or was revoked."""


class LeaveWork(AgentError):
    """Leave this work."""


class Paused(LeaveWork):
    """A person has paused it; it comes again when it goes on."""


class Stopped(LeaveWork):
    """It is this agent's no more, or the agent ends."""


@dataclass(frozen=True)
class Answer:
    """What became of an event. `next`: continue, pause, stop (leave it), poll (ask for work again)."""

    event_id: str
    outcome: str
    next: str = "continue"
    reason: str = ""
    parts: dict[str, str] = field(default_factory=dict[str, str])
    needs_agreement: bool = False

    @classmethod
    def read(cls, body: Json) -> Answer:
        """From the house's JSON; parts by their keys, else by their positions from 0."""
        made: list[Json] = body.get("parts") or []
        parts = {str(one.get("key") or place): str(one["task_id"]) for place, one in enumerate(made)}
        said = (str(body.get("outcome", "")), str(body.get("next", "continue")), str(body.get("reason") or ""))
        return cls(str(body.get("event_id", "")), *said, parts, bool(body.get("human_review_required")))


@dataclass(frozen=True)
class Part:
    """A part of the work that was made before, or work that this one depends on, and what it gave.

    `is_own`: this agent made it. Of a part that another made one sees whether it is done, not what it gave.
    """

    task_id: str
    title: str
    key: str
    status: str
    reason: str
    output: Any
    is_own: bool = False

    @classmethod
    def read(cls, body: Json) -> Part:
        """From the house's JSON."""
        texts = [str(body.get(name) or "") for name in ("task_id", "title", "key", "status", "reason")]
        return cls(
            texts[0],
            texts[1],
            texts[2],
            texts[3] or "completed",
            texts[4],
            body.get("output"),
            bool(body.get("is_own")),
        )

    @property
    def is_done(self) -> bool:
        return self.status == "completed"


@dataclass(eq=False)
class Work:
    """A task under lease. Say how it goes; exactly one of complete, fail, blocked, split (ask, interrupt, act) ends it.

    `is_resumed`: this agent held it already, and lost it from sight: a part of it may be done.
    """

    agent: Agent
    raw: Json
    next: str = "continue"
    reason: str = ""
    is_open: bool = True
    is_resumed: bool = False

    def __post_init__(self) -> None:
        task, lease = self.raw["task"], self.raw["lease"]
        self.id, self.lease_id = str(task["id"]), str(lease["id"])
        self.execution_id = str(self.raw["execution"]["id"])
        self.title, self.description = str(task["title"]), str(task.get("description") or "")
        self.instructions = str(self.raw.get("instructions") or "")
        self.input: Json = self.raw.get("input") or {}
        self.criteria: list[Any] = task.get("acceptance_criteria") or []
        self.outputs = _parts(self.raw.get("outputs"))
        self.parts = _parts(self.raw.get("parts"))
        self.earlier: Json = self.raw.get("earlier") or {}
        self.is_from_others = bool(self.raw.get("is_from_others"))
        heard_at = _moment(lease.get("heard_at") or lease["claimed_at"])
        self.lease_seconds = (_moment(lease["expires_at"]) - heard_at).total_seconds()

    def __str__(self) -> str:
        return f"“{self.title}” ({self.id})"

    @property
    def text(self) -> str:
        """What it is about, in words: `input["text"]`, else its instructions, else the task's description, else its title."""
        given = self.input.get("text")
        words = (given if isinstance(given, str) else "", self.instructions, self.description)
        return next((one for one in words if one.strip()), self.title)

    def part(self, key: str) -> Part | None:
        """The part of this key, this agent's own before another's; None before it was made."""
        found = [one for one in self.parts if one.key == key]
        return next((one for one in found if one.is_own), found[0] if found else None)

    def output_of(self, key: str) -> Any:
        """What the part, or the work that this one depends on, of this key has given; None where there is none."""
        part = self.part(key) or next((one for one in self.outputs if one.key == key), None)
        return part and part.output

    def check(self) -> None:
        """Raises Paused or Stopped when a person, the clock or the end of this agent says so. Call it between steps."""
        if self.next == "pause":
            raise Paused(self.reason or "A person has paused it")
        if self.next in {"stop", "poll"} and self.is_open:
            raise Stopped(self.reason or "The work is this agent's no more")
        if self.agent.is_ending:
            raise Stopped("This agent ends")

    def progress(self, percent: float | None = None, message: str = "") -> str:
        """How far it is, 0 to 100. What to do next; where the house is away, the word is kept and goes out later."""
        return self._report("task_progress", _given(percent=percent, message=message[:LONGEST_TEXT] or None)).next

    def complete(
        self, output: Any = None, message: str = "", *, confidence: float | None = None, evidence: Sequence[Json] = ()
    ) -> Answer:
        """It is done, and this is what it gave. `evidence` is a list of {kind, what, where}."""
        said = _given(message=message or None, confidence=confidence, evidence=list(evidence) or None)
        return self._end("task_complete", {"output": output, **said})

    def fail(
        self,
        error: str,
        *,
        is_retryable: bool = True,
        retry_after_seconds: float | None = None,
        error_type: Literal["timeout", "decomposition_failed", "other"] = "other",
    ) -> Answer:
        """It went wrong. Where trying again can help it is offered again, to any agent that fits."""
        more = _given(error_type=error_type, is_retryable=is_retryable, retry_after_seconds=retry_after_seconds)
        return self._end("task_error", {"error": error[:LONGEST_TEXT] or "No reason was given", **more})

    def release(self, reason: str = "The agent ends") -> Answer:
        """Give it back: that is no failure, and it is offered again at once, to any agent that fits."""
        return self._end("task_error", {"error": reason[:LONGEST_TEXT] or "The agent ends", "error_type": "released"})

    def blocked(
        self,
        reason: str,
        on: Literal["outside", "person"] = "outside",
        *,
        recheck_after_seconds: float | None = None,
        unblocked_by: str = "",
    ) -> Answer:
        """It cannot go on. What waits for something outside comes again later; what waits for a person, when they say so."""
        more = _given(recheck_after_seconds=recheck_after_seconds, unblocked_by=unblocked_by or None)
        return self._end("task_blocked", {"reason": reason[:LONGEST_TEXT], "on": on, **more})

    def split(
        self, subtasks: Sequence[Json], confidence: float, *, then_continue: bool = True, message: str = ""
    ) -> Answer:
        """Break it down. With `then_continue` it comes again when the parts have ended, with what they gave in `parts`.

        A part is {title, key, who: me | agent | person | steward, depends_on: [keys], ...}; see docs/agents/reporting.md.
        Below a confidence of 0.8 a person agrees to the parts first: the answer's `needs_agreement`.
        """
        data = {"subtasks": list(subtasks), "confidence": confidence, "continue": then_continue}
        return self._end("subtask_created", {**data, **_given(message=message or None)})

    def ask(self, question: str, *, key: str = "answer") -> Answer:
        """Ask a person. The work comes again with their answer: `work.output_of(key)` is {type, args}."""
        return self.interrupt(question, {}, allow=("respond", "ignore"), description=question, key=key)

    def interrupt(
        self,
        action: str,
        args: Json,
        *,
        allow: Sequence[Allowed] = ("accept", "edit", "respond", "ignore"),
        description: str = "",
        key: str = "answer",
    ) -> Answer:
        """Show a person what you would do. The work comes again with their answer: `work.output_of(key)` is {type, args}."""
        asked = interrupt_form(action, args, allow=allow, description=description)
        return self.split([{"key": key, "title": action[:300], "who": "person", "interrupt": asked}], 1.0)

    def act(self, tool: str, tool_input: Json, *, title: str = "", key: str = "act") -> Answer:
        """Have Steward do it with a tool of its own, through its gate. The work comes again when that has ended."""
        part = {"key": key, "title": title or tool, "who": "steward", "tool": tool, "tool_input": tool_input}
        return self.split([part], 1.0)

    def __enter__(self) -> Work:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None:
            return False
        if isinstance(error, LeaveWork):
            log.info("Left %s: %s", self, error)
            if self.is_open and self.next == "continue":
                if self.agent.is_ending:
                    self.release(str(error))
                else:
                    self.fail(f"The agent had to leave it: {error}", retry_after_seconds=0)
            return True
        if isinstance(error, TokenRefused | HouseAway):
            return False
        if not isinstance(error, Exception):  # Ctrl-C, sys.exit
            if self.is_open:
                self.release("The agent was stopped")
            return False
        log.error("%s went wrong", self, exc_info=error)
        if self.is_open:
            self.fail(f"{type(error).__name__}: {error}", is_retryable=not isinstance(error, Refused))
        return True

    def _report(self, kind: str, data: Json) -> Answer:
        return self.agent.report(self, kind, data, is_end=False)

    def _end(self, kind: str, data: Json) -> Answer:
        answer = self.agent.report(self, kind, data, is_end=True)
        self.is_open = False
        if answer.outcome == "late":
            log.warning("%s was reported too late, and not taken: %s", self, answer.reason)
        return answer


@dataclass(eq=False)
class _Event:
    """What is to be sent, and what came of it, whichever thread has sent it."""

    work: Work
    body: Json
    answer: Answer | None = None
    refused: Refused | None = None
    is_kept: bool = False


class Agent:
    """Takes work and reports about it. Safe to use from several threads."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        first_pause_seconds: float = FIRST_PAUSE_SECONDS,
        longest_pause_seconds: float = LONGEST_PAUSE_SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise AgentError(f"The address of the house has to begin with https:// or http://, and it is {url!r}")
        if not token.isascii() or not token.isprintable():
            raise AgentError("The token has a character in it that no token has")
        self._client = httpx.Client(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {token}", "User-Agent": "steward-agent/1"},
            timeout=ANSWER_SECONDS,
            transport=transport,
        )
        self._pauses = (first_pause_seconds, longest_pause_seconds)
        self._ending, self._woken = threading.Event(), threading.Event()
        self._ends_at = float("inf")
        self._held: dict[str, Work] = {}
        self._known: deque[str] = deque(maxlen=MOST_KNOWN)  # leases that were given to a handler
        self._left: deque[str] = deque()  # leases of this agent that no handler has had
        self._is_unsure = True  # may the house know of more?
        self._taking = threading.Lock()
        self._outbox: deque[_Event] = deque()
        self._sending = threading.RLock()
        self._heart: threading.Thread | None = None
        self._is_polling = self._is_closed = False
        self._id = ""

    @classmethod
    def from_env(cls) -> Agent:
        """As STEWARD_URL and STEWARD_AGENT_TOKEN say. Where one is missing or wrong the program ends with a line that says so.

        (Exit status 2; in a thread, AgentError.)
        """
        url, token = os.environ.get("STEWARD_URL", ""), os.environ.get("STEWARD_AGENT_TOKEN", "")
        with _told():
            for name, value in (("STEWARD_URL", url), ("STEWARD_AGENT_TOKEN", token)):
                if not value.strip():
                    raise AgentError(f"{name} is not set. The token was shown with it, when the agent was registered")
            return cls(url.strip(), token.strip())

    # ---------------------------------------------------------------- who it is

    def me(self) -> Json:
        """What the house knows of this agent: id, name, capabilities, limits, what it holds. Raises Refused, HouseAway."""
        return self._ask("GET", "/api/agents/me", patience=ANSWER_SECONDS).json()

    @property
    def id(self) -> str:
        """The agent's id; asked for once, until the house is there."""
        if not self._id:
            self._id = str(self._ask("GET", "/api/agents/me", patience=None).json()["id"])
        return self._id

    @property
    def is_ending(self) -> bool:
        return self._ending.is_set()

    def end(self) -> None:
        """Take no more work; `check` of the work at hand raises Stopped. From any thread, or a signal."""
        if not self._ending.is_set():
            self._ends_at = time.monotonic() + GRACE_SECONDS
        self._ending.set()
        self._woken.set()

    # ---------------------------------------------------------------- work

    def run(
        self,
        handler: Handler,
        *,
        at_once: int = 1,
        until_idle: bool = False,
        wait_seconds: int | None = None,
        resume: bool = True,
    ) -> None:
        """Give each work to the handler, until SIGTERM or Ctrl-C (`until_idle`: until there is none).

        What the handler returns completes the work, unless it has ended it itself; what it raises is reported. `at_once`
        works go to threads side by side; the agent's own limit in the house (max_concurrent) has to allow as many. What this
        agent held before it began comes first, unless `resume` is False. Where the token is refused, the program ends with a
        line that says so (exit status 2; in a thread, TokenRefused).
        """
        with _told(), self, self._signals():
            if at_once == 1:
                for work in self.work(until_idle=until_idle, wait_seconds=wait_seconds, resume=resume):
                    _handle(handler, work)
                return
            free = threading.Semaphore(at_once)
            with ThreadPoolExecutor(at_once, "work") as pool:
                while free.acquire() and not self.is_ending:
                    work = self._next_work(wait_seconds, until_idle, resume)
                    if work is None:
                        free.release()
                        if until_idle and not self._held:
                            return
                        continue
                    pool.submit(self._beside, handler, work, free)

    def work(
        self, *, until_idle: bool = False, wait_seconds: int | None = None, resume: bool = True
    ) -> Generator[Work]:
        """Work, one after the other, each until the next is asked for. What was not ended by then is reported as failed.

        What this agent held before it began comes first, unless `resume` is False.
        """
        with self._signals():
            while not self.is_ending:
                work = self._next_work(wait_seconds, until_idle, resume)
                if work is None:
                    if until_idle:
                        return
                    continue
                try:
                    yield work
                finally:
                    self._let_go(work)

    def _next_work(self, wait_seconds: int | None, until_idle: bool, resume: bool) -> Work | None:
        """The next work, what is held before any other; None where there was none for so long, or the agent ends."""
        wait = (IDLE_SECONDS if until_idle else WAIT_SECONDS) if wait_seconds is None else wait_seconds
        self._is_polling = True
        try:
            work = self._resumed() if resume else None
            work = work or self._polled(wait, resume)
        except _Ended:
            return None
        finally:
            self._is_polling = False
        self._send_kept()
        if work is None:
            return None
        if self.is_ending:  # it came while this was said
            self._held.pop(work.lease_id, None)
            work.release()
            return None
        self._start_heart()
        log.info("Took %s%s", work, " up again" if work.is_resumed else "")
        self.report(work, "task_started", {"message": "Taken up again"} if work.is_resumed else {}, is_end=False)
        return work

    def _polled(self, wait: int, resume: bool) -> Work | None:
        """Work that was claimed now, or (`resume`) by a poll that broke off; None where there was none for so long."""
        path, params = f"/api/agents/{self.id}/work", {"wait": wait}
        pause, longest = self._pauses
        while not self.is_ending:
            began = time.monotonic()
            try:
                answer = self._ask(
                    "GET", path, params=params, timeout=wait + ANSWER_SECONDS, patience=0.0 if resume else None
                )
            except HouseAway as error:
                if not resume:
                    raise
                log.warning("%s; asked again soon", error)
                self._is_unsure = True  # it may have claimed work, and only its answer was lost
                self._pause(max(error.retry_after_seconds, pause / 2))
                pause = min(pause * 2, longest)
                if work := self._resumed():
                    return work
                continue
            if answer.status_code == 204:
                if time.monotonic() - began < 0.9 * wait:
                    self._pause(min(_retry_after(answer), longest))  # the house did not wait with it
                return None
            if work := self._taken(answer.json(), is_resumed=False):
                return work
        return None

    def _resumed(self) -> Work | None:
        """What the house says that this agent holds, and no handler was given: of before a restart, or of a poll that broke off."""
        if self._is_unsure:
            self._is_unsure = False
            try:
                body: Json = self._ask("POST", f"/api/agents/{self.id}/heartbeat", patience=None).json()
            except BaseException:
                self._is_unsure = True
                raise
            with self._taking:
                held = [str(one["lease_id"]) for one in body.get("leases", []) if one.get("next") == "continue"]
                self._left.extend(one for one in held if one not in self._known and one not in self._left)
        while True:
            with self._taking:
                if not self._left:
                    return None
                lease_id = self._left.popleft()
            try:
                answer = self._ask("GET", f"/api/agents/{self.id}/work/{lease_id}", patience=None)
            except TokenRefused:
                raise
            except Refused as error:
                log.info("What was held under the lease %s is this agent's no more: %s", lease_id, error)
                continue
            if work := self._taken(answer.json(), is_resumed=True):
                return work

    def _taken(self, body: Json, *, is_resumed: bool) -> Work | None:
        """The work; None where another thread has it already."""
        work = Work(self, body, is_resumed=is_resumed)
        with self._taking:
            if work.lease_id in self._known:
                return None
            self._known.append(work.lease_id)
            self._held[work.lease_id] = work
        return work

    def _beside(self, handler: Handler, work: Work, free: threading.Semaphore) -> None:
        try:
            _handle(handler, work)
        except AgentError as error:
            log.error("%s: %s", work, error)
            self.end()
        finally:
            self._let_go(work)
            free.release()

    def _let_go(self, work: Work) -> None:
        """The loop goes on: what is still open would be kept from everybody."""
        self._held.pop(work.lease_id, None)
        if work.is_open and work.next == "continue":
            with suppress(AgentError):
                if self.is_ending:
                    work.release()
                else:
                    work.fail("The agent left it without a result")

    # ---------------------------------------------------------------- asking people outside of any work

    def interrupt(self, *forms: Json) -> list[str]:
        """Show people what another program would do (Agent Inbox's HumanInterrupt, see `interrupt_form`); the ids.

        Sent until the house has answered; each has a key, so that it is asked once. Raises Refused, HouseAway.
        """
        asked = [{"key": str(uuid4()), **one} for one in forms]
        body: Json = self._ask("POST", f"/api/agents/{self.id}/interrupts", json=asked, patience=None).json()
        return [str(one["id"]) for one in body["items"]]

    def answer_to(self, interrupt_id: str, *, within_seconds: float | None = None) -> Json | None:
        """A person's {type, args}; None where it was withdrawn, has expired, or there is none within that time."""
        end = time.monotonic() + (float("inf") if within_seconds is None else within_seconds)
        while True:
            wait = int(max(0, min(WAIT_SECONDS, end - time.monotonic())))
            path = f"/api/agents/{self.id}/interrupts/{interrupt_id}"
            body: Json = self._ask(
                "GET", path, params={"wait": wait}, timeout=wait + ANSWER_SECONDS, patience=None
            ).json()
            if body["status"] != "waiting" or time.monotonic() >= end:
                return body.get("response")
            if self.is_ending:
                raise Stopped("This agent ends")
            self._pause(0 if wait else 0.2)

    # ---------------------------------------------------------------- events

    def report(self, work: Work, kind: str, data: Json, *, is_end: bool) -> Answer:
        """Make an event and send it. An end is sent until the house answers; the others are tried once, and kept else."""
        body: Json = {
            "event_id": str(uuid4()),
            "type": kind,
            "task_id": work.id,
            "lease_id": work.lease_id,
            "at": datetime.now(UTC).isoformat(),
            "data": json.loads(
                json.dumps(data, allow_nan=False)
            ),  # as it is now; TypeError, ValueError tell the author
        }
        event = _Event(work, body)
        self._outbox.append(event)
        self._send_kept(patience=None if is_end else 0.0)
        if event.refused:
            raise event.refused
        event.is_kept = event.answer is None
        return event.answer or Answer(str(body["event_id"]), "kept", work.next, work.reason)

    def _send_kept(self, patience: float | None = 0.0) -> None:
        """Send what is kept, oldest first. Each leaves the outbox only when it was answered. Raises TokenRefused, HouseAway."""
        if not self._sending.acquire(blocking=patience is None):
            return  # another thread is at it
        try:
            while self._outbox:
                event = self._outbox[0]
                try:
                    event.answer = self._send(event, patience)
                except TokenRefused:
                    raise
                except Refused as error:
                    event.refused = error
                    if event.is_kept:  # whoever made it has gone on
                        log.error("%s about %s was refused: %s", event.body["type"], event.work, error)
                except HouseAway:
                    if patience is None:
                        raise
                    return
                self._outbox.popleft()
        finally:
            self._sending.release()

    def _send(self, event: _Event, patience: float | None) -> Answer:
        path = f"/api/executions/{event.work.execution_id}/events"
        answer = Answer.read(self._ask("POST", path, json=event.body, patience=patience).json())
        _hear(event.work, answer.next, answer.reason)
        return answer

    # ---------------------------------------------------------------- heartbeats

    def _start_heart(self) -> None:
        self._woken.set()
        if self._heart is None:
            self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
            self._heart.start()

    def _beat(self) -> None:
        """A third of the lease between two heartbeats, at most half a minute."""
        while not self._is_closed:
            held = [one for one in [*self._held.values()] if one.is_open]
            seconds = min([LONGEST_HEARTBEAT_SECONDS, *(one.lease_seconds / 3 for one in held)])
            self._woken.wait(max(seconds, 0.2))
            self._woken.clear()
            held = [one for one in [*self._held.values()] if one.is_open]
            if not held or self._is_closed:
                continue
            try:
                self._heartbeat(held)
                self._send_kept()
            except AgentError as error:
                log.warning("No heartbeat: %s", error)
                if isinstance(error, TokenRefused):
                    for one in held:
                        _hear(one, "stop", str(error))

    def _heartbeat(self, held: Sequence[Work]) -> None:
        ids = [one.lease_id for one in held] + [*self._left]  # those are next
        body: Json = self._ask(
            "POST", f"/api/agents/{self.id}/heartbeat", json={"lease_ids": ids}, timeout=10.0, patience=0.0
        ).json()
        by_id = {one.lease_id: one for one in held}
        for said in body.get("leases", []):
            if work := by_id.get(str(said.get("lease_id"))):
                _hear(work, str(said.get("next", "continue")), str(said.get("reason") or ""))
        for lease_id in body.get("unknown_lease_ids", []):
            if work := by_id.get(str(lease_id)):
                _hear(work, "stop", "The house does not know this lease")

    # ---------------------------------------------------------------- the line to the house

    def _ask(self, method: str, path: str, *, patience: float | None, **request: Any) -> httpx.Response:
        """The answer. `patience` is how many seconds a house that is away is asked again; None: until this agent ends.

        Raises Refused for any other no, HouseAway.
        """
        end = float("inf") if patience is None else time.monotonic() + patience
        pause, longest = self._pauses
        while True:
            wait = 0.0
            try:
                answer = self._client.request(method, path, **request)
                is_readable = (
                    not answer.is_success
                    or answer.status_code == 204
                    or "json" in answer.headers.get("Content-Type", "")
                )
                if answer.status_code not in TRY_AGAIN and answer.status_code < 500 and is_readable:
                    return _accepted(answer)
                wait, why = _retry_after(answer), f"it answers {answer.status_code}, which is no word of Steward's"
            except httpx.RequestError as error:
                why = f"{type(error).__name__}: {error}"
            wait = max(wait, pause * random.uniform(0.5, 1.0))  # noqa: S311 # nosec B311 # spreads out, guards nothing
            if time.monotonic() + wait > min(end, self._ends_at):
                raise HouseAway(f"{self._client.base_url} is away: {why}", wait)
            log.warning("The house is away (%s); asked again in %.1f s", why, wait)
            self._pause(wait)
            pause = min(pause * 2, longest)

    def _pause(self, seconds: float) -> None:
        """Sleep; an agent that ends wakes up. Raises _Ended in a poll then."""
        if self._ending.is_set():
            time.sleep(min(seconds, 1.0))
        elif self._ending.wait(seconds) and self._is_polling and threading.current_thread() is threading.main_thread():
            raise _Ended

    @contextmanager
    def _signals(self) -> Generator[None]:
        """SIGTERM and SIGINT end the agent in order: at once where it only waits for work, else after the work at hand."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def on_signal(number: int, frame: FrameType | None) -> None:
            self.end()
            if self._is_polling:
                raise _Ended

        before = {one: signal.signal(one, on_signal) for one in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, action in before.items():
                signal.signal(number, action)

    # ---------------------------------------------------------------- its end

    def __enter__(self) -> Agent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        for work in [*self._held.values()]:
            if work.is_open and work.next == "continue" and not isinstance(error, TokenRefused):
                with suppress(AgentError):
                    if isinstance(error, Exception) and not isinstance(error, AgentError):
                        work.fail(f"The agent ended: {error}", retry_after_seconds=0)
                    else:
                        work.release()
        self.close()

    def close(self) -> None:
        """Send what is left, and close the line. Says in the log what could not be sent."""
        self.end()
        with suppress(AgentError):
            self._send_kept(patience=None)
        if self._outbox:
            log.error("%s reports could not be sent", len(self._outbox))
        self._is_closed = True
        self._woken.set()
        self._client.close()


class _Ended(BaseException):
    """The wait for work is over: the agent ends."""


def interrupt_form(
    action: str,
    args: Json,
    *,
    allow: Sequence[Allowed] = ("accept", "edit", "respond", "ignore"),
    description: str = "",
    key: str | None = None,
) -> Json:
    """A question to a person in the form of Agent Inbox (HumanInterrupt). Under the same key it is asked once (Agent.interrupt)."""
    config = {f"allow_{name}": name in allow for name in ("accept", "edit", "respond", "ignore")}
    asked: Json = {"action_request": {"action": action, "args": args}, "config": config, "description": description}
    return asked | _given(key=key)


@contextmanager
def _told() -> Generator[None]:
    """What its author has to mend about how a program is started ends it with a line, not with a traceback."""
    try:
        yield
    except AgentError as error:
        is_about_start = type(error) is AgentError or (isinstance(error, Refused) and error.status in {401, 403, 404})
        if not is_about_start or threading.current_thread() is not threading.main_thread():
            raise
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error


def _handle(handler: Handler, work: Work) -> None:
    with work:
        output = handler(work)
        if work.is_open:
            work.complete(None if isinstance(output, Answer) else output)


def _hear(work: Work, what: str, reason: str) -> None:
    work.next, work.reason = what, reason


def _parts(found: list[Json] | None) -> list[Part]:
    return [Part.read(one) for one in found or []]


def _given(**values: Any) -> Json:
    """What was given."""
    return {name: value for name, value in values.items() if value is not None}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _retry_after(answer: httpx.Response) -> float:
    """Seconds, as the header says; 0 without one."""
    try:
        return max(0.0, float(answer.headers.get("Retry-After", "0")))
    except ValueError:
        return 0.0


def _accepted(answer: httpx.Response) -> httpx.Response:
    """The answer, where it is no error. Raises Refused with the words of the problem (RFC 9457)."""
    if answer.is_success:
        return answer
    body: Json = {}
    with suppress(ValueError, TypeError):
        body = dict(answer.json())
    texts = [str(body.get(name) or "") for name in ("title", "detail", "hint")]
    kind = TokenRefused if answer.status_code == 401 else Refused
    raise kind(answer.status_code, texts[0] or answer.reason_phrase, texts[1], texts[2], body.get("errors") or ())


def _echo(work: Work) -> object:
    """Gives back what it was given."""
    return {"title": work.title, "input": work.input, "outputs": [one.output for one in work.outputs]}


def main(words: Sequence[str]) -> int:
    """The exit code of `python steward_agent.py WORD`."""
    if list(words) not in (["me"], ["echo"]):
        print(USAGE, file=sys.stderr if words else sys.stdout)
        return 2 if words else 0
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        agent = Agent.from_env()
        if words[0] == "me":
            with agent:
                print(json.dumps(agent.me(), indent=2))
        else:
            agent.run(_echo)
    except AgentError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, TokenRefused) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
