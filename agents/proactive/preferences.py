"""What was learned and waits for a look: one notice a day, however much it is. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from tasks.nudges import Finding
from tasks.preferences import Preference

OF_USE = timedelta(days=14)
MOST_NAMED = 3


def find_preferences(proposed: Sequence[Preference], now: datetime) -> Iterator[Finding]:
    """The notice of the newest day on which something was proposed, while any of it waits; `now` is in the person's zone.

    Its key names that day: what is proposed later on the same day makes no second notice.
    """
    waiting = [
        one for one in proposed if one.state == "proposed" and one.origin != "person" and one.created_at > now - OF_USE
    ]
    if not waiting:
        return
    day = max(one.created_at for one in waiting).astimezone(now.tzinfo).date()
    newest = [one for one in waiting if one.created_at.astimezone(now.tzinfo).date() == day]
    newest.sort(key=lambda one: (-one.sources_count, one.statement))
    first, more = newest[0], len(newest) - 1
    title = f"Learned: {first.statement}" + (f", and {more} more" if more else "")
    seen = f"{first.sources_count} of your own {'mails' if first.origin == 'sent_mail' else 'edits and words'}"
    tried = f" {first.trial.in_words}" if first.trial and first.trial.count else ""
    yield Finding(
        key=f"preference:{day.isoformat()}",
        kind="preference",
        title=title[:300],
        why=f"It comes from {seen}.{tried} Nothing of it counts before you switch it on.",
        source_ref={"preference_ids": [str(one.id) for one in newest[:MOST_NAMED]]},
        expires_at=max(one.created_at for one in newest) + OF_USE,
        confidence=0.8,
    )
