"""HubSpot's CRM objects (https://developers.hubspot.com/docs/api-reference/crm-objects-v3/guide).

HubSpot takes no condition with a change: the record is read once more right before it, and what is left open is the
moment between the two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from core.outside.errors import Malformed
from core.outside.records import StoredRecord
from integrations.web.guard import Guard
from integrations.web.service import Changed, NotThere, ServiceApi, inside, segment

HINT = "Set STEWARD_HUBSPOT_TOKEN to the token of a private app that may read and write these objects."


@dataclass(frozen=True)
class HubSpot:
    """Fulfils `agents.services.records.CustomerRecords`."""

    api: ServiceApi

    @classmethod
    def signed_in(cls, url: str, token: str, guard: Guard) -> "HubSpot":
        """HubSpot at this address, by a private app's token."""
        return cls(ServiceApi("HubSpot", url.rstrip("/"), {"Authorization": f"Bearer {token}"}, guard, HINT))

    async def get(self, kind: str, record_id: str, names: Sequence[str]) -> StoredRecord:
        path = f"/crm/v3/objects/{segment(kind)}/{segment(record_id)}"
        record = _record(kind, await self.api.read(path, {"properties": ",".join(names)}))
        unknown = [name for name in names if name not in record.values]
        if unknown:  # HubSpot leaves out properties that do not exist
            raise NotThere(f"{kind} in HubSpot have no {', '.join(unknown)}")
        return record

    async def update(
        self, kind: str, record_id: str, changes: Mapping[str, Any], before: Mapping[str, Any], version: str | None
    ) -> StoredRecord:
        stands = await self.get(kind, record_id, list(before))
        if {name: as_text(value) for name, value in stands.values.items() if name in before} != {
            name: as_text(value) for name, value in before.items()
        }:
            raise Changed(f"{kind}/{record_id} in HubSpot was changed since you saw it")
        properties = {name: "" if value is None else as_text(value) for name, value in changes.items()}
        path = f"/crm/v3/objects/{segment(kind)}/{segment(record_id)}"
        await self.api.change("PATCH", path, {"properties": properties})
        return await self.get(kind, record_id, list(changes))


def as_text(value: Any) -> str | None:
    """A value as HubSpot keeps it: everything is text there, nothing is null or empty."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _record(kind: str, row: Any) -> StoredRecord:
    values = inside(row, "properties")
    if not isinstance(values, Mapping) or not inside(row, "id"):
        raise Malformed("HubSpot's answer is no record")
    return StoredRecord(
        kind, str(row["id"]), cast("Mapping[str, Any]", values), inside(row, "updatedAt"), str(inside(row, "url") or "")
    )
