"""POST /api/calendar/push: Google tells that a connected calendar has changed."""

from typing import Annotated

import structlog
from fastapi import Header, Request
from starlette.background import BackgroundTask
from starlette.responses import Response

from app.router import responds
from app.seen import house_of
from core.errors import NotFound, StewardError
from jobs.calendar_push import account_told_of
from jobs.outside.world import Given
from tasks.accounts import Account

log = structlog.get_logger()
_running: dict[object, bool] = {}  # account id -> was it told of again meanwhile?


@responds(summary="A connected calendar has changed (sent by Google)", status_code=204, problems=(404,))
async def post(
    request: Request,
    x_goog_channel_id: Annotated[str, Header(max_length=100)],
    x_goog_channel_token: Annotated[str, Header(max_length=256)],
    x_goog_resource_state: Annotated[str, Header(max_length=100)] = "exists",
) -> Response:
    house = house_of(request)
    given = Given(house.settings, house.database, house.clock)
    account = await account_told_of(given, x_goog_channel_id, x_goog_channel_token)
    if account is None:
        raise NotFound("There is no such channel")
    if x_goog_resource_state == "sync":  # only says that the channel is open
        return Response(status_code=204)
    return Response(status_code=204, background=BackgroundTask(_sync, given, account))


async def _sync(given: Given, account: Account) -> None:
    """Read the calendar; once more where it changed again meanwhile, however often."""
    if account.id in _running:
        _running[account.id] = True
        return
    from jobs.calendar_sync import sync_account  # late: with it come the rules of all watchers

    _running[account.id] = True
    try:
        while _running[account.id]:
            _running[account.id] = False
            await sync_account(given, account)
    except StewardError as error:
        await log.awarning("calendar_not_synced", account_id=str(account.id), error=error.message)
    finally:
        del _running[account.id]
