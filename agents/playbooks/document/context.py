"""Where the plan takes place, what money it is counted in, and what may go wrong."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agents.playbooks.document.checks import enough, entries_problem, list_problem, told
from agents.playbooks.document.classification import PlanType
from agents.playbooks.document.stage import (
    Earlier,
    Section,
    Stage,
    Writing,
    bullets,
    first_problem,
    one_line,
    repeated,
    table,
    too_few,
)

CURRENCY = re.compile(r"[A-Z]{3}")
NO_CURRENCY = {"XXX", "XTS"}  # ISO 4217: no currency at all, and one for tests
BY_WIRE = "The plan can be carried out wholly at a computer: it needs no place of its own."


class Location(BaseModel):
    """A place the plan could use or is bound to."""

    model_config = ConfigDict(extra="forbid")

    location: str = Field(description="City and country, with the quarter where it matters")
    details: str = Field(description="The kind of place there: size, equipment, access, cost where it is known")
    rationale: str = Field(description="Why there: which requirements it meets, and which it does not")

    def problem(self) -> str | None:
        """What is too thin about it."""
        return first_problem(told(self, 3, "location"), told(self, 15, "details"), told(self, 20, "rationale"))


class Locations(Section):
    """The places of a plan that needs some."""

    has_location_in_plan: bool = Field(description="Does the description itself name where it takes place?")
    requirements_for_the_physical_locations: list[str] = Field(description="What a place must offer")
    physical_locations: list[Location] = Field(
        description="The places named in the description; where it names none, two or three suitable ones"
    )
    location_summary: str = Field(description="How the places serve the plan, and what is still to be settled")

    def shallow(self) -> str | None:
        return first_problem(
            list_problem(2, 8, requirements_for_the_physical_locations=self.requirements_for_the_physical_locations),
            too_few(1 if self.has_location_in_plan else 2, physical_locations=self.physical_locations),
            entries_problem("physical_locations", self.physical_locations, Location.problem),
            repeated(
                physical_locations=[f"{place.location} {place.details}" for place in self.physical_locations],
            ),
            told(self, 30, "location_summary"),
        )

    def markdown(self) -> str:
        named = "The description names where." if self.has_location_in_plan else "The description names no place."
        rows = [(place.location, place.details, place.rationale) for place in self.physical_locations]
        chapters = [f"{one_line(self.location_summary)} {named}"]
        if self.requirements_for_the_physical_locations:
            chapters.append(f"What a place must offer:\n\n{bullets(self.requirements_for_the_physical_locations)}")
        if rows:
            chapters.append(table(("Place", "Details", "Why"), rows))
        return "\n\n".join(chapters)


class PhysicalLocations(Locations):
    """The places of a plan, or that it needs none."""

    needs_places: bool

    def shallow(self) -> str | None:
        if self.needs_places:
            return super().shallow()
        named = self.has_location_in_plan or self.physical_locations or self.requirements_for_the_physical_locations
        return "places are named for a plan that is said to need none" if named else told(self, 30, "location_summary")

    def markdown(self) -> str:
        return super().markdown() if self.needs_places else one_line(self.location_summary)


class Currency(BaseModel):
    """A currency the plan has to do with."""

    model_config = ConfigDict(extra="forbid")

    currency: str = Field(description="ISO 4217 code, such as EUR")
    consideration: str = Field(description="What is paid or received in it")

    def problem(self) -> str | None:
        """What is wrong with it."""
        return first_problem(_code_problem(self.currency), told(self, 10, "consideration"))


class CurrencyStrategy(Section):
    """What the plan is budgeted in, and what is done about other currencies."""

    money_involved: bool = Field(description="Does carrying it out cost or earn money?")
    currency_list: list[Currency] = Field(description="The currencies in use; empty where no money is involved")
    primary_currency: str | None = Field(description="The ISO 4217 code the budget is in; null without money")
    currency_strategy: str = Field(description="Why this one, and how payments in others and exchange risk are handled")

    def shallow(self) -> str | None:
        codes = [entry.currency for entry in self.currency_list]
        if not self.money_involved:
            is_named = codes or self.primary_currency is not None
            problem = "money_involved is false: leave currency_list empty and primary_currency null"
            return problem if is_named else told(self, 15, "currency_strategy")
        return first_problem(
            too_few(1, currency_list=codes),
            entries_problem("currency_list", self.currency_list, Currency.problem),
            repeated(currency_list=codes),
            None
            if self.primary_currency in codes
            else f"primary_currency is {self.primary_currency!r}, which is not in currency_list: {', '.join(codes)}",
            told(self, 30, "currency_strategy"),
        )

    def markdown(self) -> str:
        if not self.money_involved:
            return f"No money is involved. {one_line(self.currency_strategy)}"
        rows = [(entry.currency, entry.consideration) for entry in self.currency_list]
        head = f"**Budget in {self.primary_currency}.** {one_line(self.currency_strategy)}"
        return f"{head}\n\n{table(('Currency', 'What for'), rows)}"


def _code_problem(code: str) -> str | None:
    if CURRENCY.fullmatch(code) is None or code in NO_CURRENCY:
        return f"{code!r} is no ISO 4217 code, it should look like EUR"
    return None


class Risk(BaseModel):
    """Something that may go wrong."""

    model_config = ConfigDict(extra="forbid")

    risk_area: str = Field(description="The field it belongs to: permits, money, people, technology, supply, ...")
    risk_description: str = Field(description="What may happen, and what would bring it about")
    potential_impact: str = Field(description="What it would cost in money, time or trust, with a figure")
    likelihood: Literal["low", "medium", "high"]
    severity: Literal["low", "medium", "high"]
    action: str = Field(description="What is done about it, by which role, and when or at what sign")

    def problem(self) -> str | None:
        """What is too thin about it."""
        return first_problem(
            told(self, 3, "risk_area"), told(self, 25, "risk_description", "action"), told(self, 15, "potential_impact")
        )


class IdentifyRisks(Section):
    """What may go wrong, and what is done about it."""

    risks: list[Risk]
    risk_assessment_summary: str = Field(description="The two or three risks that decide most, and what to do first")

    def shallow(self) -> str | None:
        return first_problem(
            too_few(3, risks=self.risks),
            entries_problem("risks", self.risks, Risk.problem),
            repeated(
                risk_description=[risk.risk_description for risk in self.risks],
                action=[risk.action for risk in self.risks],
            ),
            "likelihood and severity are the same for all risks: say which are likelier and graver"
            if len({(risk.likelihood, risk.severity) for risk in self.risks}) == 1
            else None,
            told(self, 40, "risk_assessment_summary"),
        )

    def markdown(self) -> str:
        chapters = [one_line(self.risk_assessment_summary)]
        for number, risk in enumerate(self.risks, 1):
            chapters.append(f"### Risk {number}: {one_line(risk.risk_area)}")
            chapters.append(one_line(risk.risk_description))
            chapters.append(
                bullets(
                    [
                        f"Likelihood: {risk.likelihood}, severity: {risk.severity}",
                        f"Impact: {risk.potential_impact}",
                        f"Action: {risk.action}",
                    ]
                )
            )
        return "\n\n".join(chapters)


def fill_locations(earlier: Earlier) -> PhysicalLocations | None:
    """That a digital plan needs no place; None for one that needs the physical world."""
    if earlier.of("plan_type", PlanType).plan_type == "physical":
        return None
    return PhysicalLocations(
        needs_places=False,
        has_location_in_plan=False,
        requirements_for_the_physical_locations=[],
        physical_locations=[],
        location_summary=BY_WIRE,
    )


async def write_locations(writing: Writing) -> PhysicalLocations:
    """One question, and none for a digital plan."""
    if stub := fill_locations(writing.earlier):
        return stub
    words = writing.earlier.markdown("plan_type", "scenarios_markdown")
    found = await writing.ask(Locations, words)
    return PhysicalLocations.model_validate({**found.model_dump(), "needs_places": True})


async def write_currency(writing: Writing) -> CurrencyStrategy:
    """One question, from the places and what the plan is for."""
    return await writing.ask(CurrencyStrategy, writing.earlier.markdown("identify_purpose", "physical_locations"))


async def write_risks(writing: Writing) -> IdentifyRisks:
    """One question, from the chosen way to go, the places and the money."""
    return await writing.ask(
        IdentifyRisks,
        writing.earlier.markdown("identify_purpose", "scenarios_markdown", "physical_locations", "currency_strategy"),
        check=lambda found: enough(writing.depth, 4, risks=found.risks),
    )


STAGES = (
    Stage(
        "physical_locations",
        "Physical locations",
        "context",
        "Names where the plan takes place, or suggests suitable places; a digital plan needs none.",
        PhysicalLocations,
        depends_on=("strategic_decisions_markdown", "scenarios_markdown"),
        reads=("plan_type",),
        write=write_locations,
        fill=fill_locations,
    ),
    Stage(
        "currency_strategy",
        "Currency strategy",
        "context",
        "Chooses the currency of the budget, and what is done about others.",
        CurrencyStrategy,
        depends_on=("physical_locations",),
        reads=("identify_purpose",),
        write=write_currency,
    ),
    Stage(
        "identify_risks",
        "Identify risks",
        "context",
        "Names what may go wrong in each field, how likely and how grave it is, and what is done about it.",
        IdentifyRisks,
        depends_on=("currency_strategy",),
        reads=("identify_purpose", "scenarios_markdown", "physical_locations"),
        write=write_risks,
        minutes=0.5,
    ),
)
