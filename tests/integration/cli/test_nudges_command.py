"""What is brought up, in the terminal: listed with its reason, decided, muted; the digest; how much is told."""

from tests.integration.cli.conftest import Steward
from tests.integration.cli.test_commitments_command import SAMPLES


def test_nudges_are_listed_decided_and_muted(steward: Steward) -> None:
    assert "Nothing is brought up now." in steward("nudges").stdout
    assert "There is no digest yet." in steward("digest").stdout
    for file in (SAMPLES, SAMPLES.with_name("calendar.ics")):
        steward.json("import", "--me", "robin@vega.example", str(file))
    found = {one["kind"]: one["id"][:8] for one in steward.json("nudges")["items"]}
    assert found.keys() == {"agenda", "brief", "follow_up"}
    listed = steward("nudges").stdout
    assert f"{found['agenda']}  Draft meeting agenda: Quarterly review" in listed
    assert "no agenda in the invitation" in listed
    assert steward.json("nudges", "act", found["brief"])["state"] == "acted"
    assert "Not useful" in steward("nudges", "dismiss", found["follow_up"], "--why", "by phone").stdout
    refused = steward("nudges", "mute", found["agenda"], "--what", "person")
    assert "about no person" in refused.stderr
    mute = steward.json("nudges", "mute", found["agenda"], "--why", "we never need one")
    assert mute["put_away"] == []
    kept = {one["id"][:8]: one["decided_because"] for one in steward.json("nudges", "--all")["items"]}
    assert kept[found["agenda"]] == "we never need one"
    assert (mute["kind"], mute["muted_by"]) == ("agenda", "person")
    assert "not useful" in steward("nudges", "--all").stdout
    steward.json("nudges", "dismiss", found["brief"], code=1)
    for wrong in (
        ["list", found["brief"]],
        ["act"],
        ["act", "zzzz"],
        ["mute", found["agenda"], "--what", "x"],
    ):
        assert steward("nudges", *wrong).returncode == 2
    page = steward(
        "attention", "--budget", "3", "--quiet", "off", "--quiet-days", "sat sun", "--proactive", "suggest"
    ).stdout
    assert "At most 3 a day; quiet hours off; unasked: suggest." in page
    assert "Quiet days: sat, sun." in page
    assert f"{mute['id'][:8]}  muted for good: Meetings without an agenda (by you)" in page
    known = steward.json("attention", "--unmute", mute["id"][:8], "--defaults")
    assert (known["mutes"], known["daily_nudges"], known["quiet_hours"]) == ([], 5, "20:00-07:30")
    for wrong in (
        ["--quiet", "late"],
        ["--budget", "101"],
        ["--quiet-days", "someday"],
        ["--proactive", "loud"],
        ["--unmute", "zzzz"],
    ):
        assert steward("attention", *wrong).returncode == 2
    assert "--quiet-days foo bar: there is no weekday 'foo'" in steward("attention", "--quiet-days", "foo,bar").stderr
    assert steward("digest", "soon").returncode == 2
