"""POST /api/integrations/slack/links: a code that tells Steward in Slack who one is."""

import secrets

from pydantic import BaseModel, Field

from app.dependencies import CurrentCaller
from app.router import responds
from app._slack.door import code_hash
from tasks.slack import create_slack_code

LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that look alike


class LinkCode(BaseModel):
    """Say `/steward link CODE` in Slack, within 15 minutes; it works once."""

    code: str = Field(examples=["7KQ2-9FTM-X3WB"])
    say: str = Field(examples=["/steward link 7KQ2-9FTM-X3WB"])


@responds(summary="A code that links your Slack user to you", response_model=LinkCode, status_code=201)
async def post(caller: CurrentCaller) -> LinkCode:
    drawn = "".join(secrets.choice(LETTERS) for _ in range(12))
    code = "-".join(drawn[at : at + 4] for at in (0, 4, 8))
    await create_slack_code(caller, code_hash(code))
    return LinkCode(code=code, say=f"/steward link {code}")
