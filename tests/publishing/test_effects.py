"""What a proposal does to delivery."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adserver.core.catalog import (
    Campaign,
    Catalog,
    Clause,
    Device,
    Flight,
    Goal,
    OnEmpty,
    Size,
    State,
    Tier,
)
from adserver.core.context import Context
from adserver.core.events import Metric
from adserver.core.pauses import Act, Pause, Target, Verb
from adserver.core.plan import difference
from adserver.core.publication import Content, Entry
from adserver.core.renames import Rename
from adserver.core.samples import Sample
from adserver.publishing.effect import MAX_NAMES_SHOWN, Effect, Kind, Weight, listed
from adserver.publishing.effects import effects
from adserver.publishing.known import Known
from adserver.publishing.publish import Proposal
from tests.factories import NOW, ZONE, campaign, catalog, image_creative, row, slot
from tests.memory import MemoryStore, store

DAY = 86_400.0
# A hundred requests an hour.
A_DAY = 2_400


def known(memory: MemoryStore) -> Known:
    live = memory.live()
    return Known(
        live[0] if live else None, memory, memory.traffic, memory.samples, memory.pauses, NOW
    )


def found(
    before: Catalog | None,
    after: Catalog,
    *renamed: Rename,
    memory: MemoryStore | None = None,
    remove_slots: bool = False,
) -> list[Effect]:
    kept = memory or store()
    if before is not None:
        kept.publish(len(kept.made), before, Content(), Entry("ana"))
    plan = difference(before, after, after, renamed)
    proposal = Proposal(1, after, plan, {}, before, (), NOW)
    return [*effects(proposal, known(kept), remove_slots=remove_slots)]


def messages(*arguments: Any, **asked: Any) -> list[str]:
    return [one.message for one in found(*arguments, **asked)]


def flight(since: float | None, until: float | None) -> Flight:
    return Flight(
        None if since is None else NOW + since * DAY,
        None if until is None else NOW + until * DAY,
        ZONE,
    )


def test_nothing_comes_of_nothing() -> None:
    assert found(catalog(), catalog()) == []


# Candidates


def test_a_slot_tells_who_comes_and_who_goes() -> None:
    after = catalog(campaign("tea"), campaign("later", flight=flight(7, None)))
    before = catalog(campaign("coffee"), campaign("cider"))
    assert messages(before, after) == [
        "post-top: 1 candidate instead of 2; gains tea; gains later later (9 Nov); "
        "loses cider, coffee"
    ]


def test_one_that_is_put_off_is_not_lost() -> None:
    before, after = (catalog(campaign(flight=flight(since, None))) for since in (None, 7))
    assert messages(before, after) == [
        "post-top: 0 candidates instead of 1; gains later brulerie (9 Nov); has no longer brulerie"
    ]


def test_a_rename_moves_nobody() -> None:
    assert found(catalog(campaign("a")), catalog(campaign("b")), Rename("a", "b")) == []


def test_a_first_apply_tells_of_slots_that_nobody_can_be_shown_in() -> None:
    written = catalog(campaign(slots=("post-top",)), slots=(slot(), slot("side")))
    assert messages(None, written) == ["side: nobody can be shown in it"]
    more = replace(written, slots=(*written.slots, slot("below")))
    assert messages(written, more) == ["below: nobody can be shown in it"]


def test_a_new_size_may_cost_a_slot_its_candidates() -> None:
    banner = campaign(creatives=(image_creative(),))
    small = slot(sizes={Device.DESKTOP: Size(300, 250)})
    assert messages(catalog(banner), catalog(banner, slots=(small,))) == [
        "post-top: 0 candidates instead of 1; loses brulerie"
    ]


def test_many_names_are_counted() -> None:
    names = [f"c{n}" for n in range(MAX_NAMES_SHOWN + 2)]
    assert listed(names).endswith("c5 and 2 more")


# House campaigns


def house(name: str = "house", **changes: Any) -> Campaign:
    return campaign(name, tier=Tier.HOUSE, **changes)


HOME = slot("home", on_empty=OnEmpty.HOUSE)


def test_a_slot_that_is_left_without_a_house_campaign_is_a_warning() -> None:
    before = catalog(campaign(), house(), slots=(HOME,))
    after = catalog(campaign(), house(state=State.PAUSED), slots=(HOME,))
    warned, told = found(before, after)
    assert (warned.kind, warned.weight) == (Kind.NO_HOUSE, Weight.WARNING)
    assert warned.message == "home: `on_empty: house`, and no house campaign is left for it"
    assert told.kind is Kind.CANDIDATES


def test_one_that_never_had_any_is_no_news() -> None:
    before = catalog(campaign(), slots=(HOME,))
    assert found(before, catalog(campaign(weight=2), slots=(HOME,))) == []


# Sponsorships


def sponsor(name: str, share: float) -> Campaign:
    return campaign(name, tier=Tier.SPONSORSHIP, goal=Goal(share=share))


def test_sponsorships_of_more_than_all_are_a_warning_when_they_become_so() -> None:
    before = catalog(sponsor("a", 0.6), sponsor("b", 0.3))
    after = catalog(sponsor("a", 0.6), sponsor("b", 0.7))
    assert messages(before, after) == [
        "post-top: sponsorships have 130% of it at the same time (a, b): "
        "each gets less than its share"
    ]
    assert messages(after, before) == []
    assert messages(after, catalog(sponsor("a", 0.6), sponsor("b", 0.6))) == []


# Goals


def learnt(days: float = 28) -> MemoryStore:
    memory = store()
    memory.traffic.learn(lambda hour: 100, days)
    return memory


def sold(impressions: int, name: str = "brulerie", **changes: Any) -> Campaign:
    terms = {"goal": Goal(impressions=impressions), "flight": flight(None, 10)}
    return campaign(name, **{**terms, **changes})


def test_a_goal_that_is_out_of_reach_is_a_warning() -> None:
    (effect,) = found(catalog(sold(10_000)), catalog(sold(90_000)), memory=learnt())
    assert (effect.kind, effect.subject) == (Kind.OUT_OF_REACH, "brulerie")
    assert effect.weight is Weight.WARNING
    assert effect.message.startswith("brulerie: out of reach: 24,000 of 90,000 imp")
    assert effect.message.endswith("impressions expected")


def test_one_that_nobody_touches_may_become_so() -> None:
    rest = catalog(sold(20_000), campaign("sponsor", tier=Tier.SPONSORSHIP, state=State.DRAFT))
    taken = catalog(sold(20_000), sponsor("sponsor", 0.5))
    told = found(rest, taken, memory=learnt())
    assert [(one.kind, one.subject) for one in told] == [
        (Kind.OUT_OF_REACH, "brulerie"),
        (Kind.CANDIDATES, "post-top"),
    ]
    back = found(taken, rest, memory=learnt())
    assert [(one.kind, one.message) for one in back][-1] == (
        Kind.WITHIN_REACH,
        "brulerie: its goal is within reach again",
    )


def test_one_that_stays_out_of_reach_is_told_when_it_is_touched() -> None:
    far = catalog(sold(90_000))
    assert messages(far, catalog(sold(80_000)), memory=learnt()) == [
        "brulerie: still out of reach: 24,000 of 80,000 impressions expected"
    ]
    shorter = catalog(sold(90_000, flight=flight(None, 5)))
    assert messages(far, shorter, memory=learnt()) == [
        "brulerie: still out of reach: 12,000 of 90,000 impressions expected, 24,000 before"
    ]
    other = catalog(sold(90_000), campaign("weightless"))
    assert [one.kind for one in found(far, other, memory=learnt())] == [Kind.CANDIDATES]


def test_what_was_delivered_counts_under_a_new_name_too() -> None:
    memory = learnt()
    memory.counted.append(row(Metric.IMPRESSION, 70_000))
    before, after = catalog(sold(90_000, "old")), catalog(sold(90_000, "new"))
    assert found(before, after, Rename("old", "new"), memory=memory) == []
    memory = learnt()
    (told,) = messages(before, after, Rename("old", "new"), memory=memory)
    assert told.startswith("new: still out of reach")


def test_goals_that_cannot_all_be_met_are_told_when_they_become_so() -> None:
    one, two = sold(20_000, "a"), sold(20_000, "b", flight=flight(None, 9))
    (told,) = [
        effect
        for effect in found(catalog(one), catalog(one, two), memory=learnt())
        if effect.kind is Kind.OVERBOOKED
    ]
    assert (told.subject, told.weight) == ("post-top", Weight.WARNING)
    assert told.message == (
        "post-top: 2 campaigns want 40,000 impressions until Thu 12 Nov 09:59 (Paris), and 24,000 "
        "requests are expected that any of them may have: some will fall short (a, b)"
    )
    both = catalog(one, two)
    heavier = catalog(one, replace(two, weight=2.0))
    assert found(both, heavier, memory=learnt()) == []
    more = catalog(one, replace(two, goal=Goal(impressions=21_000)))
    assert [effect.kind for effect in found(both, more, memory=learnt())] == [Kind.OVERBOOKED]


def test_clicks_are_in_nobodys_way() -> None:
    clicks = [sold(0, name, goal=Goal(clicks=20_000)) for name in "ab"]
    told = found(catalog(clicks[0]), catalog(*clicks), memory=learnt())
    assert [effect.kind for effect in told] == [Kind.CANDIDATES]


def test_slots_that_are_hardly_known_say_nothing_of_goals() -> None:
    assert found(catalog(sold(10_000)), catalog(sold(90_000)), memory=learnt(3)) == []


@pytest.mark.parametrize(
    ("days", "goal", "words"),
    [
        (3, 300_000, "3 days"),
        (1, 300_000, "1 day"),
        (0.5, 3_000_000, "less than a day"),
        (0.5, 300_000, None),
        (0, 3_000_000, None),
    ],
)
def test_goals_that_are_far_off_are_told_by_a_short_history(days, goal, words) -> None:
    told = messages(catalog(sold(10_000)), catalog(sold(goal)), memory=learnt(days))
    assert bool(told) is bool(words)
    for message in told:
        assert message.startswith("brulerie: out of reach: ")
        assert message.endswith(
            f" of {goal:,} impressions expected (a rough guess: {words} of traffic counted so far)"
        )


def test_a_short_history_says_nothing_of_goals_that_are_in_each_others_way() -> None:
    both = catalog(sold(300_000, "a"), sold(300_000, "b"))
    kinds = {effect.kind for effect in found(catalog(), both, memory=learnt(3))}
    assert kinds == {Kind.OUT_OF_REACH, Kind.CANDIDATES}


def test_goals_elsewhere_are_not_reckoned() -> None:
    far = sold(90_000, slots=("post-top",))
    slots = (slot(), slot("side"))
    other = campaign("other", slots=("side",))
    told = found(catalog(far, slots=slots), catalog(far, other, slots=slots), memory=learnt())
    assert [one.subject for one in told] == ["side"]


# What is delivered already, and who stays paused


def counted(impressions: int) -> MemoryStore:
    memory = store()
    memory.counted.append(row(Metric.IMPRESSION, impressions))
    return memory


def kinds(before: Catalog, after: Catalog, memory: MemoryStore) -> list[str]:
    told = found(before, after, memory=memory)
    return [one.message for one in told if one.kind is not Kind.CANDIDATES]


def test_one_that_ends_short_of_its_goal_is_a_warning() -> None:
    rest = campaign("rest")
    before = catalog(sold(1_000), rest)
    assert kinds(before, catalog(rest), counted(90)) == [
        "brulerie: ends with 90 of 1,000 impressions delivered, before its flight does"
    ]
    assert kinds(before, catalog(rest), counted(1_000)) == []
    over = catalog(sold(1_000, flight=flight(None, 0)), rest)
    assert kinds(over, catalog(rest), counted(90)) == []


def test_a_limit_that_is_reached_already_is_a_warning() -> None:
    before = catalog(sold(1_000))
    said = (
        "brulerie: 900 impressions are delivered already, of 900 that it may: it is shown no more"
    )
    assert kinds(before, catalog(sold(900)), counted(900)) == [said]
    assert kinds(before, catalog(sold(901)), counted(900)) == []
    assert kinds(catalog(sold(800)), catalog(sold(900)), counted(900)) == []
    remnant = campaign(tier=Tier.REMNANT, max_total=900)
    assert kinds(catalog(), catalog(remnant), counted(900)) == [said]
    daily = campaign(tier=Tier.REMNANT, max_per_day=9)
    assert kinds(catalog(), catalog(daily), counted(900)) == []


@pytest.mark.parametrize(
    ("target", "resume"),
    [
        ("brulerie", "brulerie"),
        ("*", "--all"),
        ("advertiser:Brûlerie du Port", '"advertiser:Brûlerie du Port"'),
    ],
)
def test_who_is_paused_by_hand_stays_so(target: str, resume: str) -> None:
    memory = store()
    pause = Pause(Target.read(target), NOW - 60, None, "bob@desk", "the client called")
    memory.pauses.act(Act(NOW - 60, Verb.PAUSE, pause.target, "bob@desk"), (), [pause])
    assert kinds(catalog(), catalog(campaign(weight=2)), memory) == [
        f"brulerie: stays paused until `adserver resume {resume}`, as bob@desk has wished since "
        "Mon 2 Nov 09:59 (Paris): the client called"
    ]
    assert kinds(catalog(), catalog(campaign(state=State.PAUSED)), memory) == []


def test_a_pause_of_others_or_one_that_is_over_is_not_told() -> None:
    memory = store()
    for target, until in (("tea", None), ("brulerie", NOW)):
        pause = Pause(Target.read(target), NOW - 60, until, "bob@desk")
        memory.pauses.act(Act(NOW - 60, Verb.PAUSE, pause.target, "bob@desk"), (), [pause])
    assert kinds(catalog(), catalog(campaign(weight=2)), memory) == []


# Values that no page sends


def seen(*sections: str, samples: int = 40) -> MemoryStore:
    memory = store()
    contexts = [
        Context(url=f"https://blog.example/{one}", site="blog", facts=(("section", (one,)),))
        for one in sections
    ]
    memory.samples.by_slot[1] = [Sample(one, 1.0) for one in contexts] * samples
    return memory


def wanting(*clauses: Clause) -> Catalog:
    return catalog(campaign(targeting=clauses))


def test_a_value_that_no_page_has_sent_is_a_warning() -> None:
    after = wanting(Clause("section", any=("Tech", "tehc"), all=("news",), none=("crime",)))
    (effect,) = found(catalog(), after, memory=seen("tech"))
    assert effect.kind is Kind.UNSEEN_VALUE
    assert effect.message == (
        "brulerie: none of 40 requests sampled in 7 days had section `tehc`, `news`"
    )


@pytest.mark.parametrize(
    ("pattern", "told"),
    [("/tech", False), ("/tehc*", True), ("https://blog.example/*", False), ("/*", False)],
)
def test_a_pattern_of_addresses_is_tried_as_pages_are(pattern: str, told: bool) -> None:
    after = wanting(Clause("url", any=(pattern,)))
    assert bool(found(catalog(), after, memory=seen("tech"))) is told


def test_few_samples_say_nothing_and_old_targeting_is_no_news() -> None:
    after = wanting(Clause("section", any=("tehc",)))
    assert found(catalog(), after, memory=seen("tech", samples=9)) == []
    heavier = replace(after, campaigns=(replace(after.campaigns[0], weight=2.0),))
    assert found(after, heavier, memory=seen("tech")) == []
    assert [one.kind for one in found(None, after, memory=seen("tech"))] == []


# Slots that go


def asked(count: int) -> MemoryStore:
    memory = store()
    memory.traffic.hours = {int(NOW) - 3_600: {2: count}, int(NOW) - 90_000: {2: 7}}
    return memory


@pytest.mark.parametrize(
    ("count", "remove", "weight", "words"),
    [
        (12_040, False, Weight.ERROR, "12,040 requests since yesterday"),
        (1, True, Weight.WARNING, "1 request since yesterday"),
    ],
)
def test_a_slot_goes_while_pages_ask_only_if_that_is_said(count, remove, weight, words) -> None:
    before = catalog(campaign(slots=("post-top",)), slots=(slot(), slot("side")))
    after = catalog(campaign(slots=("post-top",)))
    (effect,) = found(before, after, memory=asked(count), remove_slots=remove)
    assert (effect.kind, effect.subject, effect.weight) == (Kind.SLOT_IN_USE, "side", weight)
    assert effect.message.endswith(words)


def test_a_slot_that_nobody_asks_for_goes_unsaid() -> None:
    before = catalog(campaign(slots=("post-top",)), slots=(slot(), slot("side")))
    assert found(before, catalog(campaign(slots=("post-top",))), memory=asked(0)) == []


def test_errors_come_first() -> None:
    before = catalog(campaign(), house(), slots=(slot("top"), slot("side"), HOME))
    after = catalog(campaign("other", slots=("*",)), slots=(slot("top"), HOME))
    weights = [one.weight for one in found(before, after, memory=asked(3))]
    assert weights == [Weight.ERROR, Weight.WARNING, Weight.NOTE, Weight.NOTE]


def test_what_nobody_knows_was_not_asked_for() -> None:
    assert known(store()).requests("post-top", DAY) == 0
    assert known(store(catalog())).requests("never", DAY) == 0
