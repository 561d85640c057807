"""Renames: which counts are carried over, and when that cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Catalog
from adserver.core.pauses import Pause, Target
from adserver.core.plan import difference, merge
from adserver.core.renames import (
    LINGER_SECONDS,
    Fault,
    Refused,
    Rename,
    carried_pauses,
    lookalikes,
    renames,
    same_numbers,
    under_name,
)
from tests.factories import NOW, campaign, catalog, text_creative

LIVE = catalog(campaign("old"), campaign("other"))
TO_NEW = Rename("old", "new")


def asked(
    name: str = "new",
    old: str = "old",
    live: Catalog | None = LIVE,
    there: tuple[str, ...] = (),
    ever: tuple[str, ...] = (),
) -> list[Rename] | Fault:
    """What becomes of one campaign that says `renamed_from`."""
    touched = [campaign(name, renamed_from=old)]
    found, refused = renames(live, touched, {name, *there}, ever)
    return refused[0].fault if refused else found


def test_a_live_name_without_a_file_gives_its_counts_to_a_new_one() -> None:
    assert asked() == [TO_NEW]


def test_a_campaign_that_says_nothing_is_no_rename() -> None:
    assert asked(old="") == []


def test_where_nothing_is_live_nothing_is_carried_over() -> None:
    assert asked(live=None) == []


def test_once_carried_out_it_is_inert_whoever_comes_back_under_the_old_name() -> None:
    carried = campaign("new", renamed_from="old")
    assert asked(live=catalog(carried)) == []
    assert asked(live=catalog(carried, campaign("old"))) == []


def test_a_live_campaign_or_one_that_comes_back_needs_nothing_that_is_gone() -> None:
    assert asked(live=catalog(campaign("new"))) == []
    assert asked(live=catalog(campaign("other")), ever=("new",)) == []


@pytest.mark.parametrize(
    ("live", "there", "ever", "fault"),
    [
        (("other",), (), (), Fault.NOT_LIVE),
        (("other",), (), ("old",), Fault.NOT_LIVE),
        (("old", "new"), (), (), Fault.TAKEN),
        (("old",), (), ("new",), Fault.TAKEN),
        (("old",), ("old",), (), Fault.STILL_THERE),
    ],
)
def test_what_cannot_be_is_told_by_its_fault(live, there, ever, fault) -> None:
    assert asked(live=catalog(*map(campaign, live)), there=there, ever=ever) is fault


def test_only_one_campaign_can_carry_counts_over() -> None:
    two = [campaign(name, renamed_from="old") for name in ("a", "b")]
    found, refused = renames(LIVE, two, {"a", "b"}, ())
    assert found == [Rename("old", "a")]
    assert refused == [Refused(Rename("old", "b"), Fault.TWICE)]


def test_a_campaign_that_differs_in_its_name_alone_looks_like_a_rename() -> None:
    gone = [campaign("a"), campaign("b", weight=2), campaign("c", weight=3)]
    come = [campaign("x", weight=3), campaign("y"), campaign("z")]
    assert [*lookalikes(gone, come)] == [Rename("a", "y"), Rename("c", "x")]


def test_each_campaign_looks_like_one_that_is_gone_only() -> None:
    assert [*lookalikes([campaign("a"), campaign("b")], [campaign("x")])] == [Rename("a", "x")]


@pytest.mark.parametrize(
    "link",
    [
        "https://shop.example/?utm_campaign={}",
        "https://shop.example/?a=1&utm_campaign={}&b=2",
        "https://shop.example/?utm_campaign={}#top",
    ],
)
def test_the_name_in_a_link_is_no_difference(link: str) -> None:
    one, other = (
        campaign(name, creatives=(text_creative(link=link.format(name)),)) for name in ("a", "b.c")
    )
    assert under_name(one, "b.c") == other
    assert [*lookalikes([one], [other])] == [Rename("a", "b.c")]


def test_a_longer_name_in_a_link_is_another_one() -> None:
    link = "https://shop.example/?utm_campaign=ab"
    one = campaign("a", creatives=(text_creative(link=link),))
    assert under_name(one, "x").creatives[0].link == link


def test_going_back_takes_the_numbers_back() -> None:
    before = {"campaign/old": 1, "campaign/kept": 2, "campaign/ended": 3}
    after = {"campaign/new": 1, "campaign/kept": 2, "slot/old": 9}
    assert same_numbers(before, after, ["old", "kept", "ended", "never"]) == [Rename("new", "old")]


def test_a_name_that_has_come_back_since_keeps_its_own_number() -> None:
    after = {"campaign/new": 1, "campaign/old": 2}
    assert same_numbers({"campaign/old": 1}, after, ["old"]) == []


def test_what_stays_under_its_new_name_is_not_taken_back() -> None:
    assert same_numbers({"campaign/old": 1}, {"campaign/new": 1}, ["old", "new"]) == []


def pause(target: str, until: float | None = None) -> Pause:
    return Pause(Target.read(target), NOW - 9, until, "ana", "why")


def test_who_is_paused_stays_so_under_the_new_name() -> None:
    known = [pause("old"), pause("old/card", NOW + 9), pause("other"), pause("slot:old")]
    assert [*carried_pauses(known, [TO_NEW], NOW)] == [
        replace(pause("old", NOW + LINGER_SECONDS), lingers=True),
        pause("new"),
        replace(pause("old/card", NOW + 9), lingers=True),
        pause("new/card", NOW + 9),
    ]


NAMES = st.sets(st.sampled_from("abcd"), min_size=1)


@given(NAMES, NAMES, st.sampled_from("abcd"), st.sampled_from("abcd"), st.booleans())
def test_a_rename_is_carried_out_once(live, written, name, old, prune) -> None:
    before = catalog(*(campaign(one) for one in sorted(live)))
    files = tuple(campaign(one, renamed_from=old if one == name else "") for one in sorted(written))
    folder = catalog(campaigns=files)
    found, _ = renames(before, files, written, live)
    after = merge(before, folder, prune=prune, renamed=found)
    names = {one.name for one in after.campaigns}
    assert all(rename.old not in names and rename.new in names for rename in found)
    plan = difference(before, folder, after, found)
    assert set(plan.renamed) == set(found)
    again, _ = renames(after, files, written, live | names)
    assert again == []
    assert difference(after, folder, merge(after, folder, prune=prune), again).empty
