"""A small fake of HubSpot's CRM objects, written from the API's reference: one contact, read and changed.

As the real one it keeps everything as text, leaves out properties that do not exist, and refuses to set them.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.served import Answer, Got, Served, serving


@dataclass
class FakeHubSpot:
    """The contact's properties, and the server."""

    served: Served
    properties: dict[str, str | None] = field(
        default_factory=lambda: {
            "email": "ana@example.com",
            "lifecyclestage": "lead",
            "num_employees": "3",
            "phone": None,
        }
    )
    version: int = 1

    @property
    def url(self) -> str:
        return self.served.url

    def changes(self) -> list[Got]:
        return [got for got in self.served.got if got.method != "GET"]

    def answer(self, got: Got) -> Answer:
        if got.headers.get("authorization") != "Bearer hubspot-token":
            said = "Authentication credentials not found."
            return Answer(401, {"status": "error", "message": said, "category": "INVALID_AUTHENTICATION"})
        if not re.fullmatch(r"/crm/v3/objects/contacts/512", got.path):
            return Answer(404, {"status": "error", "message": "resource not found", "category": "OBJECT_NOT_FOUND"})
        if got.method == "PATCH":
            wanted: dict[str, object] = got.json["properties"]
            unknown = [name for name in wanted if name not in self.properties]
            if unknown or any(not isinstance(value, str) for value in wanted.values()):
                said = (
                    f'Property values were not valid: [{{"name":"{"".join(unknown)}","error":"PROPERTY_DOESNT_EXIST"}}]'
                )
                return Answer(400, {"status": "error", "message": said, "category": "VALIDATION_ERROR"})
            self.properties |= {name: str(value) or None for name, value in wanted.items()}
            self.version += 1
        names = got.query.get("properties", ["email"])[0].split(",")
        known = {name: self.properties[name] for name in names if name in self.properties}
        return Answer(200, self._record(known))

    def _record(self, properties: dict[str, str | None]) -> dict[str, Any]:
        moment = f"2026-03-04T09:00:0{self.version % 10}.000Z"
        return {
            "id": "512",
            "properties": {"hs_object_id": "512", **properties},
            "updatedAt": moment,
            "archived": False,
        }


@asynccontextmanager
async def running_hubspot() -> AsyncGenerator[FakeHubSpot]:
    """The fake, for as long as the block runs."""
    async with serving() as served:
        made = FakeHubSpot(served)
        served.handler = made.answer
        yield made
