"""By which rules things are brought up here: the settings of the house, by its clock's zone."""

from app.house import House
from tasks.nudges import AttentionRules


def rules_of(house: House) -> AttentionRules:
    """The defaults of this house; what a person chose goes before them, in the database."""
    return AttentionRules.from_settings(house.settings, house.clock.timezone.key)
