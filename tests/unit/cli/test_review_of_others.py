"""What only a colleague may approve is shown in the terminal with who that is, and without the letter for a yes."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from cli.output import Output
from cli.review import QUESTION, RESULT_QUESTION, Waiting, question_of, say_waiting
from tasks.drafts import Approval, Approver
from tasks.models import Task


def waiting(approver: Approver | None) -> Waiting:
    """A tool's question that waits for a yes."""
    shared = {"id": uuid4(), "organization_id": uuid4(), "created_at": datetime.now(UTC)}
    given = {"title": "Invite John", "execution_status": "blocked", "execution_type": "manual"}
    task = Task.model_validate(shared | given | {"updated_at": datetime.now(UTC)})
    asked = {"task_id": task.id, "title": "Invite John?", "digest": "0" * 64, "state": "open", "tool": "calendar_event"}
    approval = Approval.model_validate(shared | asked | {"approver": approver})
    return Waiting(approval, task, None)


def test_who_may_not_say_yes_is_not_asked_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    of_robin = waiting(Approver(user_id=uuid4(), name="Robin"))
    assert question_of(of_robin) == "r reject   s skip   q quit > "
    say_waiting(Output(as_json=False), of_robin)
    assert "It leaves through the account of Robin: only Robin may approve it." in capsys.readouterr().out
    own = waiting(None)
    assert question_of(own) == RESULT_QUESTION
    assert QUESTION.startswith("a approve")
    say_waiting(Output(as_json=False), own)
    assert "only" not in capsys.readouterr().out
