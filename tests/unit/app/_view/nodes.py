"""Trees in few words, without a database."""

from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from tasks.functions import TaskNode

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


def id_of(name: str) -> UUID:
    return uuid5(NAMESPACE_OID, name)


def node(name: str, *children: TaskNode, after: str = "", state: str = "pending", **more: Any) -> TaskNode:
    """A task of a tree; `after` names what it waits for, with spaces between."""
    fields = {
        "id": id_of(name),
        "organization_id": id_of("organization"),
        "title": name,
        "execution_type": "fully_automated",
        "execution_status": state,
        "created_at": NOW,
        "updated_at": NOW,
        "depends_on": [id_of(need) for need in after.split()],
        **more,
    }
    return TaskNode.model_validate(fields).model_copy(update={"children": list(children)})
