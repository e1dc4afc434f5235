"""Sealing every stored secret anew, so that old keys are needed no more."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.database import Caller
from core.vault import CannotOpen, Vault


@dataclass
class Resealed:
    """`count` secrets are sealed with the newest key now; those of `unreadable` (where they lie) no key opens."""

    count: int = 0
    unreadable: list[str] = field(default_factory=list[str])


async def reseal_all(service: Caller, vault: Vault) -> Resealed:
    """Seal with the newest key whatever is sealed with another. Each stays readable all the time, and on a second call.

    What is written meanwhile is sealed by whoever writes it, and is left alone.
    """
    done, after = Resealed(), ""
    while page := await service.call("list_sealed", after=after):
        for found in page:
            after = str(found["place"])
            await _reseal(service, vault, found, done)
    return done


async def _reseal(service: Caller, vault: Vault, found: dict[str, Any], done: Resealed) -> None:
    sealed = str(found["sealed"])
    if vault.is_newest(sealed):
        return
    organization_id, bound_id = UUID(str(found["organization_id"])), UUID(str(found["bound_id"]))
    try:
        anew = vault.seal(vault.open(sealed, organization_id, bound_id), organization_id, bound_id)
    except CannotOpen:
        done.unreadable.append(str(found["place"]))
        return
    if await service.call("reseal", place=found["place"], old_sealed=sealed, new_sealed=anew):
        done.count += 1
