"""Columns for a graph: each node after all it waits for, edges past several columns on a lane of their own."""

from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

Needs: TypeAlias = dict[UUID, list[UUID]]
SWEEPS = 6


@dataclass(frozen=True)
class Place:
    """A node in its column, with what it waits for; or a lane: there the edges of a node further left pass by."""

    of: UUID
    needs: tuple[UUID, ...] = ()
    is_lane: bool = False


def reduced(needs: Needs) -> Needs:
    """Without the edges that follow from others."""
    above: dict[UUID, set[UUID]] = {}
    for node in _in_order(needs):
        above[node] = set[UUID]().union(*({need} | above.get(need, set()) for need in needs[node]))
    return {
        node: [need for need in own if not any(need in above.get(other, ()) for other in own if other != need)]
        for node, own in needs.items()
    }


def lay_out(needs: Needs) -> list[list[Place]]:
    """The columns from left to right, each from top to bottom, so that few edges cross."""
    depth: dict[UUID, int] = {}
    for node in _in_order(needs):
        depth[node] = 1 + max((depth.get(need, 0) for need in needs[node]), default=-1)
    columns: list[list[Place]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    last = {node: max((depth[other] for other in needs if node in needs[other]), default=depth[node]) for node in needs}
    for node, own in needs.items():
        columns[depth[node]].append(Place(node, tuple(own)))
        for number in range(depth[node] + 1, last[node]):
            columns[number].append(Place(node, is_lane=True))
    for _ in range(SWEEPS):
        _sort(columns, forward=True)
        _sort(columns, forward=False)
    _sort(columns, forward=True)
    return columns


def _sort(columns: list[list[Place]], *, forward: bool) -> None:
    """Each beside what it hangs on, in the columns before it, or in those after it."""
    numbers = range(len(columns)) if forward else range(len(columns) - 1, -1, -1)
    for number in numbers:
        beside = number - 1 if forward else number + 1
        if not 0 <= beside < len(columns):
            continue
        height = {place.of: float(row) for row, place in enumerate(columns[beside])}
        column = columns[number]
        rank = {place: _rank(place, columns[beside], height, row, forward=forward) for row, place in enumerate(column)}
        column.sort(key=rank.__getitem__)


def _rank(place: Place, beside: list[Place], height: dict[UUID, float], row: int, *, forward: bool) -> float:
    if forward:
        found = [height[one] for one in ((place.of,) if place.is_lane else place.needs) if one in height]
    else:
        found = [
            height[other.of]
            for other in beside
            if (other.is_lane and other.of == place.of) or (not other.is_lane and place.of in other.needs)
        ]
    return sum(found) / len(found) if found else float(row)


def _in_order(needs: Needs) -> list[UUID]:
    """Each after all it waits for; the database holds that there is no cycle, and one would come last."""
    done: dict[UUID, None] = {}
    waiting = list(needs)
    while waiting:
        ready = [node for node in waiting if all(need in done for need in needs[node])] or waiting
        done |= dict.fromkeys(ready)
        waiting = [node for node in waiting if node not in done]
    return list(done)
