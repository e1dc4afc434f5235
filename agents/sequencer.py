"""The sequencer: from parts with edges to an order, parallel groups, the critical path, and integration tasks.

Pure: nothing is read or written. An integration task names a group (`integrates`) and comes after all of it.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Generic, TypeVar

from core.errors import Invalid

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Part(Generic[K]):
    """One part of a plan: what it waits for, how long it takes, its group, and the group it brings together."""

    key: K
    depends_on: frozenset[K] = frozenset()
    minutes: float = 1
    group: str = ""
    integrates: str = ""


@dataclass(frozen=True)
class Plan(Generic[K]):
    """A plan in order. Times are minutes from the start, with everything running that may."""

    order: list[K]
    parallel_groups: list[list[K]]
    critical_path: list[K]
    starts: dict[K, float]
    minutes: float
    edges: dict[K, frozenset[K]]


def sequence(parts: Sequence[Part[K]]) -> Plan[K]:
    """Order the parts; equal ones keep the order they came in.

    Raises Invalid, with the cycle named, when they cannot be ordered; also for a doubled key, or an edge to nowhere.
    """
    edges = _edges(parts)
    minutes = {part.key: max(part.minutes, 0) for part in parts}
    groups = _waves(edges, [part.key for part in parts])
    order = [key for group in groups for key in group]
    starts: dict[K, float] = {}
    for key in order:
        starts[key] = max((starts[need] + minutes[need] for need in edges[key]), default=0)
    ends = {key: starts[key] + minutes[key] for key in order}
    return Plan(order, groups, _critical_path(edges, starts, ends, order), starts, max(ends.values(), default=0), edges)


def integration_steps(plan: Plan[K]) -> dict[K, list[K]]:
    """The parts that bring others together, in order, each with those: two or more, none of which waits for another of them."""
    before: dict[K, frozenset[K]] = {}  # all that a part waits for, however far back
    found: dict[K, list[K]] = {}
    for key in plan.order:
        needs = plan.edges[key]
        further = frozenset[K]().union(*(before[need] for need in needs))
        before[key] = needs | further
        last = [one for one in plan.order if one in needs and one not in further]
        if len(last) > 1:
            found[key] = last
    return found


def _edges(parts: Sequence[Part[K]]) -> dict[K, frozenset[K]]:
    known: dict[K, Part[K]] = {}
    members: dict[str, set[K]] = {}
    for part in parts:
        if part.key in known:
            raise Invalid(f"Two parts have the key {part.key}")
        known[part.key] = part
        if part.group:
            members.setdefault(part.group, set()).add(part.key)
    edges: dict[K, frozenset[K]] = {}
    for part in parts:
        if strangers := [need for need in part.depends_on if need not in known]:
            raise Invalid(f"{part.key} depends on {strangers[0]}, which is no part of this plan")
        if part.integrates and part.integrates not in members:
            raise Invalid(f"{part.key} integrates the group {part.integrates}, which has no part")
        brought_together = members.get(part.integrates, set()) - {part.key} if part.integrates else set[K]()
        edges[part.key] = part.depends_on | brought_together
    return edges


def _waves(edges: Mapping[K, Iterable[K]], given: Sequence[K]) -> list[list[K]]:
    """Groups that may run side by side, each after all it needs of the ones before."""
    place = {key: number for number, key in enumerate(given)}
    sorter = TopologicalSorter({key: sorted(needs, key=place.__getitem__) for key, needs in edges.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        cycle: list[K] = error.args[1]
        raise Invalid(
            "Dependencies must not form a cycle", detail=" -> ".join(str(key) for key in reversed(cycle))
        ) from None
    waves: list[list[K]] = []
    while sorter.is_active():
        wave = sorted(sorter.get_ready(), key=place.__getitem__)
        waves.append(wave)
        sorter.done(*wave)
    return waves


def _critical_path(
    edges: Mapping[K, frozenset[K]], starts: Mapping[K, float], ends: Mapping[K, float], order: Sequence[K]
) -> list[K]:
    """The chain that sets the end: each part of it starts when the one before ends."""
    if not order:
        return []
    key = max(order, key=lambda k: ends[k])
    path = [key]
    while edges[key]:
        key = max((need for need in order if need in edges[path[0]]), key=lambda k: ends[k])
        path.insert(0, key)
        if not starts[key] and not edges[key]:
            break
    return path
