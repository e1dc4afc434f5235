"""Promises in the terminal: listed, closed, opened again, moved."""

from pathlib import Path

from tests.integration.cli.conftest import Steward

SAMPLES = Path(__file__).parents[2] / "data" / "samples" / "inbox.mbox"

ANSWER = """From robin@vega.example Wed Mar  4 08:30:00 2026
From: Robin Vega <robin@vega.example>
To: j.gross@werk.example
Subject: Re: =?utf-8?q?R=C3=BCckfrage?= zum Angebot 88/26
Date: Wed, 04 Mar 2026 08:30:00 +0100
Message-ID: <own@mail.example>
In-Reply-To: <m03@mail.example>
References: <m03@mail.example>
Content-Type: text/plain; charset="utf-8"

Hallo Herr Gross,

die Montage kostet 900 Euro.

Robin
"""


def test_promises_are_listed_closed_opened_and_moved(steward: Steward) -> None:
    assert "No promises are open" in steward("commitments").stdout
    steward.json("import", "--me", "robin@vega.example", str(SAMPLES))
    steward.json("import", "--me", "robin@vega.example", str(SAMPLES))
    listed = steward.json("commitments", "--whose", "mine")["items"]
    (promise,) = [one for one in listed if one["source_kind"] == "mail"]
    short = promise["id"][:8]
    assert (
        f"{short}  you to Dana Ortiz  Check with production and get back to Dana  2026-03-05 12:00  open"
        in steward("commitments").stdout
    )
    assert steward.json("commitments", "move", short, "--due", "friday")["due_at"] == "2026-03-06T22:59:59Z"
    closed = steward.json("commitments", "close", short, "--why", "by phone")
    assert (closed["state"], closed["closed_because"]) == ("kept", "by phone")
    assert short not in steward("commitments").stdout
    assert short in steward("commitments", "--all").stdout
    steward.json("commitments", "move", short, "--due", "friday", code=1)
    assert steward.json("commitments", "open", short)["state"] == "open"
    assert steward.json("commitments", "move", short)["due_at"] is None
    for wrong in (["list", short], ["close"], ["close", "zzzz"], ["close", "a"], ["move", short, "--due", "soonish"]):
        assert steward("commitments", *wrong).returncode == 2


def test_a_mailbox_with_ones_own_answer_closes_the_task(steward: Steward, tmp_path: Path) -> None:
    steward.json("import", "--me", "robin@vega.example", str(SAMPLES))
    own = tmp_path / "sent.mbox"
    own.write_text(ANSWER, encoding="utf-8")
    for _ in range(2):
        steward.json("import", "--me", "robin@vega.example", str(own))
    listed = steward.json("list", "--all")["items"]
    (task,) = [one for one in listed if one["source_ref"].get("message_id") == "<m03@mail.example>"]
    assert task["execution_status"] == "completed"
    assert [one["what"] for one in task["evidence"]] == [
        "You answered it yourself: Re: Rückfrage zum Angebot 88/26, 4 March 2026 08:30"
    ]
