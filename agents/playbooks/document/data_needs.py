"""The data that a plan must get before it can trust its own assumptions."""

from pydantic import Field

from agents.playbooks.document.filled import Entry, MayBeEmpty, unfilled
from agents.playbooks.document.stage import (
    Section,
    bullets,
    first_problem,
    one_line,
    repeated,
    texts_too_short,
    too_few,
)


class DataItem(Entry):
    """A question that only data can answer, and how the answer is got and checked."""

    title: str
    data_to_collect: list[str]
    simulation_steps: MayBeEmpty = Field(description="How it can be reckoned or tried out beforehand; may be empty")
    expert_validation_steps: list[str] = Field(description="Who with which knowledge is asked to check it")
    responsible_parties: list[str] = Field(description="Roles, not names of people")
    assumptions: MayBeEmpty = Field(description="What is taken for granted until the data is there")
    smart_validation_objective: str = Field(
        description="One sentence: what is known by when, how exactly, and what decision it allows"
    )


class DataCollection(Section):
    """What data the plan's assumptions still want."""

    data_collection_list: list[DataItem]
    summary: str

    def shallow(self) -> str | None:
        items = self.data_collection_list
        return first_problem(
            too_few(2, data_collection_list=items),
            unfilled(self),
            repeated(title=[item.title for item in items]),
            *(_item_problem(item) for item in items),
            texts_too_short(30, summary=self.summary),
        )

    def markdown(self) -> str:
        return "\n\n".join([*(_item_markdown(item) for item in self.data_collection_list), self.summary])


def _item_problem(item: DataItem) -> str | None:
    name = f"of {item.title!r}"
    return first_problem(
        too_few(
            1,
            **{
                f"data_to_collect {name}": item.data_to_collect,
                f"expert_validation_steps {name}": item.expert_validation_steps,
                f"responsible_parties {name}": item.responsible_parties,
            },
        ),
        repeated(**{f"data_to_collect {name}": item.data_to_collect}),
        texts_too_short(30, **{f"smart_validation_objective {name}": item.smart_validation_objective}),
    )


def _item_markdown(item: DataItem) -> str:
    lists = {
        "Data to collect": item.data_to_collect,
        "Try out beforehand": item.simulation_steps,
        "Have checked": item.expert_validation_steps,
        "Taken for granted until then": item.assumptions,
    }
    blocks = [f"**{name}:**\n\n{bullets(entries)}" for name, entries in lists.items() if entries]
    who = f"**Responsible:** {', '.join(item.responsible_parties)}"
    goal = f"**Objective:** {item.smart_validation_objective}"
    return "\n\n".join([f"### {one_line(item.title)}", *blocks, who, goal])
