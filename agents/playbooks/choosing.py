"""Which playbook fits an objective: by its domain first, then by its words, in English and German."""

from dataclasses import dataclass

from agents.playbooks import event, feature_launch, financial_close, incident_response, marketing_campaign
from agents.playbooks.playbook import Playbook, domain_words

# An outage of a campaign page is an incident first: in this order.
PLAYBOOKS: tuple[Playbook, ...] = (
    incident_response.PLAYBOOK,
    financial_close.PLAYBOOK,
    marketing_campaign.PLAYBOOK,
    feature_launch.PLAYBOOK,
    event.PLAYBOOK,
)


@dataclass(frozen=True)
class Fit:
    """A playbook and how sure it is the right one (0-1), with why in words."""

    playbook: Playbook
    confidence: float
    why: str


def fitting(objective: str, domain: str = "") -> Fit | None:
    """The playbook that fits best; None where none does."""
    given = domain_words(domain)
    by_words = [one for one in PLAYBOOKS if one.words.search(objective)]
    for one in PLAYBOOKS:
        if given & one.names:
            if one in by_words:
                return Fit(one, 0.9, f"the domain {domain} and the words of the objective")
            return Fit(one, 0.75, f"the domain {domain}")
    for one in by_words:
        if given & one.fields:
            return Fit(one, 0.85, f"the domain {domain} and the words of the objective")
    if by_words:
        return Fit(by_words[0], 0.75 if len(by_words) == 1 else 0.65, "the words of the objective")
    for one in PLAYBOOKS:
        if given & one.fields:
            return Fit(one, 0.5, f"the domain {domain} alone; the objective names none of its work")
    return None
