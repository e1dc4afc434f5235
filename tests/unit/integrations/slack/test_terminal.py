"""A Slack draft in the terminal says where it goes and whom it calls, before anybody says yes."""

from datetime import UTC, datetime
from uuid import uuid4

from rich.console import Console

from cli.rendering import draft_as_mail
from tasks.drafts import Draft


def test_a_message_says_where_it_goes() -> None:
    target = {"channel": "C1", "name": "#general", "thread_ts": "1.2", "mentions": {"@alex": "U1"}}
    draft = Draft.model_validate(
        {
            "id": uuid4(),
            "organization_id": uuid4(),
            "task_id": uuid4(),
            "channel": "slack",
            "body": "Lunch, @alex?\x1b[31m",
            "target": target,
            "state": "draft",
            "digest": "0" * 64,
            "author_type": "agent",
            "created_at": datetime.now(UTC),
        }
    )
    console = Console(record=True, width=100, file=None)
    with console.capture() as captured:
        for part in draft_as_mail(draft):
            console.print(part)
    shown = captured.get()
    for words in ("#general in Slack", "1.2", "@alex", "Lunch, @alex?"):
        assert words in shown
    assert "nobody yet" not in shown
    assert "\x1b[31m" not in shown
