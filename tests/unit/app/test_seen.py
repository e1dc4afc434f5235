"""Pages and routes see the house as whoever asks does: by their clock, not by the installation's."""

from pathlib import Path

APP = Path(__file__).parents[3] / "app"
# Who comes before anybody is known, or answers to no person.
OF_THE_INSTALLATION = {
    "main.py", "seen.py", "dependencies.py", "chosen.py", "cookies.py", "readyz/route.py", "sign_in/_flow.py",
    "api/events/_streams.py", "api/calendar/feed/route.py", "api/hooks/cicd/by_task_id/route.py",
    "api/integrations/google/push/route.py", "api/integrations/slack/_door.py",
}  # fmt: skip


def test_whoever_asks_is_answered_by_their_own_clock() -> None:
    direct = {str(one.relative_to(APP)) for one in APP.rglob("*.py") if "app.state.house" in one.read_text()}
    assert direct <= OF_THE_INSTALLATION, "use app.seen.house_of(request)"
