"""GET, POST /api/tokens: what one's programs sign in with. No token is taken here: tokens make no tokens."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.api._answers import Listing
from app.dependencies import CurrentCaller
from app.router import responds
from tasks.tokens import DEFAULT_DAYS, DEFAULT_SCOPES, MOST_DAYS, NewToken, Scope, Token, create_token, list_tokens


class TokenWish(BaseModel):
    """What a new token is for, what it may do, and how long."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["backup script"])]
    scopes: list[Scope] = Field(
        default=list(DEFAULT_SCOPES),
        min_length=1,
        max_length=10,
        description="Approving needs review:write, which is never given by default",
    )
    days: float = Field(default=DEFAULT_DAYS, gt=0, le=MOST_DAYS, description="How long it works")


@responds(summary="Your tokens, live ones first", response_model=Listing[Token])
async def get(caller: CurrentCaller) -> Listing[Token]:
    return Listing(items=await list_tokens(caller))


@responds(summary="A new token; it is shown this once", status_code=201, response_model=NewToken)
async def post(caller: CurrentCaller, body: TokenWish) -> NewToken:
    return await create_token(caller, body.name, body.scopes, body.days)
