"""A month of mail and meetings out of a seed: 600 mails, 120 events, and what of it the person wants to hear of.

What is wanted is decided by the person's taste and by what happens later (`gatherings` and `letters` say what and why), never
by the rules that are measured. A quarter is in German.
"""

from random import Random

from tests.simulate.gatherings import make_gatherings
from tests.simulate.letters import make_letters
from tests.simulate.making import Maker, Month


def make_month(seed: int) -> Month:
    """The month of a seed; the same seed gives the same month, to the letter."""
    maker = Maker(Random(seed))
    make_gatherings(maker)
    make_letters(maker)
    month = maker.month
    month.arrivals.sort(key=lambda one: one.at)
    return month
