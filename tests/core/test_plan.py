"""The plan: what applying would change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Catalog, State
from adserver.core.plan import Plan, changed_fields, difference, merge
from tests.factories import campaign, catalog, site, slot

OLD, NEW = "before", "after"


def folder(*names: str, order: str = OLD, **changes: object) -> Catalog:
    """A catalog of these campaigns, or of none."""
    written = tuple(campaign(name, order=order) for name in names)
    return catalog(**{"campaigns": written, **changes})


def applied(
    live: Catalog | None, written: Catalog, *only: str, prune: bool = False
) -> tuple[dict[str, str], Plan]:
    after = merge(live, written, only, prune=prune)
    return {c.name: c.order for c in after.campaigns}, difference(live, written, after)


def test_a_first_apply_creates_everything() -> None:
    campaigns, plan = applied(None, folder("b", "a"))
    assert list(campaigns) == ["a", "b"]
    assert plan == Plan(created=("a", "b"), settings=("site", "slots"))


def test_the_same_folder_again_changes_nothing() -> None:
    _, plan = applied(folder("a", "b"), folder("b", "a"))
    assert plan.empty


def test_a_campaign_that_is_no_longer_written_is_kept() -> None:
    campaigns, plan = applied(folder("a", "gone"), folder("a", order=NEW))
    assert campaigns == {"a": NEW, "gone": OLD}
    assert plan == Plan(changed=("a",), kept=("gone",))
    assert not plan.empty


def test_what_is_kept_alone_is_no_change() -> None:
    _, plan = applied(folder("a", "gone"), folder("a"))
    assert plan.kept == ("gone",)
    assert plan.empty


def test_pruning_ends_what_is_no_longer_written() -> None:
    campaigns, plan = applied(folder("a", "gone"), folder("a"), prune=True)
    assert list(campaigns) == ["a"]
    assert plan == Plan(ended=("gone",))


def test_named_campaigns_alone_are_touched() -> None:
    live = folder("a", "b", "gone")
    campaigns, plan = applied(live, folder("a", "b", "new", order=NEW), "a", "new", prune=True)
    assert campaigns == {"a": NEW, "b": OLD, "gone": OLD, "new": NEW}
    assert plan == Plan(created=("new",), changed=("a",), kept=("gone",))


def test_a_named_campaign_that_is_no_longer_written_ends() -> None:
    campaigns, plan = applied(folder("a", "b"), folder("b", order=NEW), "a")
    assert campaigns == {"b": OLD}
    assert plan == Plan(ended=("a",))


def test_with_names_the_settings_stay_as_they_are_live() -> None:
    live = folder("a")
    written = folder("a", order=NEW, site=site(name="Renamed"), slots=(slot("other"),))
    assert applied(live, written, "a")[1].settings == ()
    assert applied(live, written)[1].settings == ("site", "slots")
    assert merge(live, written, ["a"]).site == live.site


def test_a_first_apply_with_names_takes_the_settings_that_are_written() -> None:
    campaigns, plan = applied(None, folder("a", "b"), "b")
    assert list(campaigns) == ["b"]
    assert plan == Plan(created=("b",), settings=("site", "slots"))


def test_changed_fields_are_named() -> None:
    before = campaign("a")
    after = campaign("a", state=State.PAUSED, weight=2.0)
    assert changed_fields(before, after) == ("state", "weight")
    assert changed_fields(before, before) == ()


NAMES = st.sets(st.sampled_from("abcd"))


@given(NAMES, NAMES, NAMES, st.booleans())
def test_a_plan_tells_every_campaign_that_is_new_or_gone(
    live: set[str], written: set[str], only: set[str], prune: bool
) -> None:
    before, wish = folder(*live), folder(*written, order=NEW)
    after = merge(before, wish, only, prune=prune)
    plan = difference(before, wish, after)
    names = {c.name for c in after.campaigns}
    assert set(plan.created) == names - live
    assert set(plan.ended) == live - names
    assert set(plan.changed) == names & live & written & (only or written)
    assert set(plan.kept) == (names & live) - written


@pytest.mark.parametrize("part", ["created", "changed", "ended", "settings"])
def test_a_plan_with_anything_to_do_is_not_empty(part: str) -> None:
    assert Plan().empty
    assert not Plan(**{part: ("x",)}).empty
