"""POST /api/integrations/slack/links: a code that tells Steward in Slack who one is."""

from pydantic import BaseModel, Field

from app._slack.door import new_code
from app.dependencies import CurrentCaller
from app.router import responds


class LinkCode(BaseModel):
    """Say `/steward link CODE` in Slack, within 15 minutes; it works once."""

    code: str = Field(examples=["7KQ2-9FTM-X3WB"])
    say: str = Field(examples=["/steward link 7KQ2-9FTM-X3WB"])


@responds(summary="A code that links your Slack user to you", response_model=LinkCode, status_code=201)
async def post(caller: CurrentCaller) -> LinkCode:
    code = await new_code(caller)
    return LinkCode(code=code, say=f"/steward link {code}")
