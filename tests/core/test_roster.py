"""What campaigns are as bits, which is the same in every slot that they are booked in."""

from __future__ import annotations

from adserver.core.catalog import Clause, Goal, Tier
from adserver.core.context import Context
from adserver.core.decision import decide
from adserver.core.rates import Rates
from adserver.core.roster import Roster
from adserver.core.snapshot import Snapshot, compile_snapshot
from adserver.core.steps import finish
from tests.factories import NOW, campaign, catalog, generation, slot

SLOTS = "first", "second", "third"
GOAL = Goal(impressions=1_000)
SOLD = campaign("sold", tier=Tier.STANDARD, goal=GOAL, slots=("*",))
TECH = campaign("tech", slots=("*",), targeting=(Clause("section", any=("tech",)),))
OWN = campaign("own", slots=("third",))


def compiled() -> Snapshot:
    slots = tuple(slot(name) for name in SLOTS)
    return compile_snapshot(generation(catalog(SOLD, TECH, OWN, slots=slots)))


def rosters(snapshot: Snapshot) -> dict[str, list[Roster]]:
    return {name: list(places.rosters) for name, places in snapshot.places.items()}


def won(snapshot: Snapshot, name: str, section: str = "") -> str:
    facts = (("section", (section,)),) if section else ()
    placement = decide(snapshot, name, Context(facts=facts), NOW, 0.9).placement
    return placement.campaign.name if placement else ""


def test_slots_with_the_same_campaigns_have_one_roster_together() -> None:
    found = rosters(compiled())
    paced, others = found["first"]
    assert (paced.paced, others.paced) == (True, False)
    assert all(mine is theirs for mine, theirs in zip(*map(found.get, SLOTS[:2]), strict=True))
    assert found["third"][0] is paced, "the others of its slot make no difference"
    assert [one.name for one in found["third"][1].campaigns] == ["own", "tech"]


def test_each_slot_serves_its_own_campaigns_at_the_rates_of_all() -> None:
    snapshot = compiled()
    assert [won(snapshot, name) for name in SLOTS] == ["sold"] * 3
    finish(snapshot.pacing(Rates({"sold": 0.0}, {"sold": 0})))
    assert [won(snapshot, name) for name in SLOTS] == ["", "", "own"]
    assert [won(snapshot, name, "tech") for name in SLOTS] == ["tech"] * 3


def test_a_page_that_comes_after_rates_have_changed_has_the_new_ones() -> None:
    snapshot = compiled()
    assert won(snapshot, "first") == "sold"
    finish(snapshot.pacing(Rates({"sold": 0.0}, {"sold": 0})))
    assert won(snapshot, "first", "tech") == "tech", "a table of its own, with the same goals"
