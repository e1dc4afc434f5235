"""The short version of `make chaos`, and what its judge would say if something were wrong."""

import json
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.chaos import load
from tests.chaos.judge import Aftermath, DraftRow, Findings, StepRow, TaskRow, judge
from tests.chaos.model_faults import Asked, ModelFaults
from tests.chaos.person import Person
from tests.chaos.smtp_sink import SmtpSink
from tests.chaos.storm import Report, Sizes, run_storm

SHORT = Sizes(trees=12, workers=3, every_seconds=1.5, plant_every_seconds=0.8, crashes=1, seed=3, limit_seconds=240)


async def test_nothing_is_lost_or_sent_twice_when_workers_die_and_the_database_crashes(tmp_path: Path) -> None:
    report = await run_storm(SHORT, tmp_path, show_progress=False)
    assert report.findings.lines() == []
    assert report.crashes == 1
    assert report.kills + report.freezes >= 1
    assert report.tasks >= SHORT.trees * 6
    assert report.mails >= SHORT.trees - len(report.findings.uncertain)


ROOT, SUMMARY, MILESTONE, MAIL, REPORT, SEND = (uuid4() for _ in range(6))
DRAFT = uuid4()
MESSAGE_ID = "<1@example.com>"


def task(task_id: UUID, title: str, status: str = "completed", parent: UUID | None = ROOT, **more: object) -> TaskRow:
    fields: dict[str, object] = {
        "tool": None,
        "blocked_on": None,
        "reason": None,
        "draft_id": None,
        "lost_count": 0,
        "output": None,
        "waits_for": [],
    }
    return TaskRow(task_id, parent, title, execution_status=status, **(fields | more))  # pyright: ignore[reportArgumentType]


class World:
    """One tree that went well, by every count; a test breaks one thing."""

    def __init__(self) -> None:
        self.tasks = {
            ROOT: task(ROOT, "Meeting 0", parent=None),
            SUMMARY: task(SUMMARY, "Summarise marker-summary-0", output=load.answer_to("summary", 0)),
            MILESTONE: task(MILESTONE, "Milestone 0", tool="noop", waits_for=[SUMMARY]),
            MAIL: task(MAIL, "Draft email with the news marker-mail-0", waits_for=[SUMMARY]),
            REPORT: task(
                REPORT,
                "Write the report marker-report-0",
                output=load.answer_to("report", 0),
                waits_for=[MILESTONE, MAIL],
            ),
            SEND: task(SEND, "Send: News", parent=MAIL, tool="email_send", draft_id=str(DRAFT)),
        }
        self.draft = DraftRow(DRAFT, MAIL, "sent", MESSAGE_ID, load.subject(0), is_newest=True)
        self.steps = [StepRow(SUMMARY, "strategy", "finished", 1)]
        self.person = Person(caller=None)  # pyright: ignore[reportArgumentType]
        ids = {"root": ROOT, "summary": SUMMARY, "milestone": MILESTONE, "mail": MAIL, "report": REPORT}
        self.person.planted[0] = ids
        self.sink = SmtpSink()
        self.sink.taken[MESSAGE_ID] = 1
        self.sink.taken_about[load.subject(0)] = {MESSAGE_ID}
        self.faults = ModelFaults("")
        self.faults.asked.append(Asked("marker-summary-0", "strategy", "none", whole=True))

    def change(self, task_id: UUID, **changes: object) -> None:
        self.tasks[task_id] = replace(self.tasks[task_id], **changes)  # pyright: ignore[reportArgumentType]

    def judged(self) -> Findings:
        after = Aftermath(list(self.tasks.values()), [self.draft], self.steps)
        return judge(after, self.person, self.sink, self.faults)


@pytest.fixture
def world() -> World:
    """One tree that went well."""
    return World()


def counts(found: Findings) -> dict[str, int]:
    """How many cases of each kind, without the kinds that have none."""
    return {kind: len(cases) for kind, cases in vars(found).items() if cases}


def test_a_run_that_went_well_has_nothing_to_say(world: World) -> None:
    assert counts(world.judged()) == {}


def test_a_task_that_is_gone_is_lost(world: World) -> None:
    del world.tasks[MILESTONE]
    assert counts(world.judged()) == {"lost": 1}


def test_a_task_that_is_done_without_its_answer_is_lost(world: World) -> None:
    world.change(REPORT, output=None)
    assert counts(world.judged()) == {"lost": 1}


def test_a_mail_that_is_said_to_be_sent_and_was_not_taken_is_lost(world: World) -> None:
    world.sink.taken.clear()
    world.sink.taken_about.clear()
    assert counts(world.judged()) == {"lost": 1}


def test_a_mail_that_nobody_speaks_of_is_lost(world: World) -> None:
    world.draft = replace(world.draft, state="superseded")
    assert counts(world.judged()) == {"lost": 1}


def test_an_approval_that_was_undone_is_lost(world: World) -> None:
    world.person.undone.add(DRAFT)
    assert counts(world.judged()) == {"lost": 1}


def test_a_message_that_was_taken_twice_is_sent_twice(world: World) -> None:
    world.sink.taken[MESSAGE_ID] = 2
    assert counts(world.judged()) == {"sent_twice": 1}


def test_the_same_news_under_two_message_ids_are_sent_twice(world: World) -> None:
    world.sink.taken["<2@example.com>"] = 1
    world.sink.taken_about[load.subject(0)].add("<2@example.com>")
    assert counts(world.judged()) == {"sent_twice": 1}


@pytest.mark.parametrize("status", ["queued", "in_progress", "pending", "paused", "failed"])
def test_a_task_that_neither_ended_nor_waits_is_stuck(world: World, status: str) -> None:
    world.change(REPORT, execution_status=status)
    assert counts(world.judged()) == {"stuck": 1}


def test_a_root_that_waits_for_parts_that_are_done_is_stuck(world: World) -> None:
    world.change(ROOT, execution_status="blocked", blocked_on="subtasks")
    assert counts(world.judged()) == {"stuck": 1}


@pytest.mark.parametrize("state", ["draft", "approved", "sending", "failed"])
def test_a_draft_that_does_not_end_is_stuck(world: World, state: str) -> None:
    world.draft = replace(world.draft, state=state)
    assert world.judged().stuck == [f"draft “{load.subject(0)}” is {state}"]


def uncertain(world: World, *, lost_count: int = 0) -> None:
    """Nobody knows whether the mail left; what comes after it waits."""
    world.draft = replace(world.draft, state="uncertain")
    world.change(SEND, execution_status="blocked", blocked_on="person", lost_count=lost_count)
    world.change(MAIL, execution_status="blocked", blocked_on="person")
    world.change(REPORT, execution_status="pending")
    world.change(ROOT, execution_status="blocked", blocked_on="subtasks")


def test_what_waits_for_a_word_on_an_uncertain_mail_is_not_stuck(world: World) -> None:
    uncertain(world, lost_count=1)
    assert counts(world.judged()) == {"uncertain": 1}


def test_an_uncertain_mail_whose_line_and_worker_held_is_not_explained(world: World) -> None:
    uncertain(world)
    assert counts(world.judged()) == {"uncertain": 1, "unexplained": 1}
    world.sink.dropped.add(MESSAGE_ID)
    assert counts(world.judged()) == {"uncertain": 1}


def test_a_request_beyond_the_attempts_is_billed_again(world: World) -> None:
    world.faults.asked.append(world.faults.asked[0])
    assert counts(world.judged()) == {"steps_rebilled": 1}
    world.steps[0] = replace(world.steps[0], attempts=2)
    assert counts(world.judged()) == {}


def test_a_second_answer_that_nobody_asked_for_is_billed_again(world: World) -> None:
    world.steps.append(world.steps[0])
    world.faults.asked.append(world.faults.asked[0])
    assert counts(world.judged()) == {"steps_rebilled": 1}
    world.person.retried[SUMMARY] = 1
    assert counts(world.judged()) == {}


def test_the_report_is_one_line_and_clean_only_without_a_case(world: World) -> None:
    uncertain(world, lost_count=1)
    report = Report(world.judged(), kills=3, freezes=1, seconds=2.04)
    assert json.loads(report.as_json()) == {
        "lost": 0,
        "sent_twice": 0,
        "stuck": 0,
        "steps_rebilled": 0,
        "uncertain": 1,
        "kills": 3,
        "freezes": 1,
        "seconds": 2.0,
    }
    assert report.is_clean
    world.sink.taken[MESSAGE_ID] = 2
    assert not Report(world.judged()).is_clean
