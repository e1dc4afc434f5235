"""Learning by night, and on demand: what people changed, said and wrote becomes proposals, each tried before it is shown."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog

from agents.learning.proposing import LEAST, propose
from agents.learning.style import propose_style
from agents.learning.trying import Redraft, try_out
from core.database import Caller
from integrations.mail.quotes import split_quoted
from tasks.preferences import (
    DraftEdit,
    OwnMail,
    Preference,
    get_preference,
    keep_trial,
    list_draft_edits,
    list_own_mail,
    list_preferences,
    list_ratings,
    propose_preferences,
)

log = structlog.get_logger()
MOST_EDITS = 300
MOST_MAILS = 200
MOST_PROPOSED = 50


async def learn(caller: Caller, *, at: datetime, least: int = LEAST, until: datetime | None = None) -> list[Preference]:
    """Look at what people made of drafts, said of results and wrote themselves; keep what is new as proposals, tried.

    Of the signed-in person, or as the worker of everybody in the tenant. `until`: only drafts written before.
    """
    edits = await list_draft_edits(caller, until=until, most=MOST_EDITS)
    ratings = await list_ratings(caller)
    mails = [_new_part(one) for one in await list_own_mail(caller, most=MOST_MAILS)]
    found = [*propose(edits, ratings, least=least), *propose_style(mails)][:MOST_PROPOSED]
    made = await propose_preferences(caller, [one.as_item() for one in found], at=at)
    active = await list_preferences(caller, states=["active"]) if made else []
    tried = [await keep_trial(caller, one.id, await try_out(one, active, edits, at=at)) for one in made]
    if made:
        await log.ainfo("preferences_proposed", count=len(made))
    return tried


async def try_preference(
    caller: Caller,
    preference_id: UUID,
    *,
    at: datetime,
    redraft: Redraft | None = None,
    edits: Sequence[DraftEdit] | None = None,
) -> Preference:
    """Try one on the past and keep what came of it; `redraft` asks a model where only one can follow it."""
    preference = await get_preference(caller, preference_id)
    past = edits if edits is not None else await list_draft_edits(caller, most=MOST_EDITS)
    active = await list_preferences(caller, states=["active"])
    trial = await try_out(preference, active, past, at=at, redraft=redraft)
    return await keep_trial(caller, preference.id, trial)


def _new_part(mail: OwnMail) -> OwnMail:
    """The mail without what it quotes: others wrote that."""
    return mail.model_copy(update={"body": split_quoted(mail.body)[0]})
