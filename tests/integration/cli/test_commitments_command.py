"""Promises in the terminal: listed, closed, opened again, moved."""

from pathlib import Path

from tests.integration.cli.conftest import Steward

SAMPLES = Path(__file__).parents[2] / "data" / "samples" / "inbox.mbox"


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
