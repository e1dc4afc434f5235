"""Records of any REST API: GET and PATCH on `<collection>/<id>`, with If-Match where the server gives an ETag."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from core.outside.errors import Malformed
from core.outside.records import StoredRecord
from integrations.web.guard import Guard
from integrations.web.service import Changed, NotThere, ServiceApi, segment

HINT = "Set STEWARD_RECORDS_API_URL and STEWARD_RECORDS_API_TOKEN."


@dataclass(frozen=True)
class RestRecords:
    """Fulfils `agents.services.records.ApiRecords`."""

    api: ServiceApi

    @classmethod
    def signed_in(cls, url: str, token: str | None, guard: Guard) -> "RestRecords":
        """The API at this address."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return cls(ServiceApi("The API of records", url.rstrip("/"), headers, guard, HINT))

    async def get(self, kind: str, record_id: str, names: Sequence[str]) -> StoredRecord:
        row, tag = await self.api.tagged(_path(kind, record_id))
        if not isinstance(row, Mapping):
            raise Malformed("The API's answer is no record")
        values = cast("Mapping[str, Any]", row)
        unknown = [name for name in names if name not in values]
        if unknown:
            raise NotThere(f"{kind}/{record_id} has no {', '.join(unknown)}")
        return StoredRecord(kind, record_id, values, tag, self.api.url + _path(kind, record_id))

    async def update(
        self, kind: str, record_id: str, changes: Mapping[str, Any], before: Mapping[str, Any], version: str | None
    ) -> StoredRecord:
        stands = await self.get(kind, record_id, list(before))
        if any(stands.values[name] != value for name, value in before.items()):
            raise Changed(f"{kind}/{record_id} was changed since you saw it")
        # What was just read still holds what the person saw; the server refuses if it changes before the change arrives.
        headers = {"If-Match": stands.version} if stands.version else {}
        await self.api.change("PATCH", _path(kind, record_id), dict(changes), headers)
        return await self.get(kind, record_id, list(changes))


def _path(kind: str, record_id: str) -> str:
    return "/" + "/".join(segment(part) for part in [*kind.strip("/").split("/"), record_id])
