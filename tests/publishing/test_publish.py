"""From a reading and what is live to a proposal, and from a proposal to a generation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from adserver.core.assets import Asset
from adserver.core.catalog import Catalog, Device, Size
from adserver.core.errors import CatalogError, LiveHasMoved, NoSuchName
from adserver.core.problems import Problem, Severity
from adserver.core.publication import Content, Entry
from adserver.publishing.publish import (
    Proposal,
    Wish,
    choose,
    digests,
    problems_of,
    propose,
    publish,
    summary,
)
from adserver.publishing.read import Reading
from tests.factories import (
    campaign,
    catalog,
    generation,
    image,
    image_creative,
    site,
    slot,
    text_creative,
)
from tests.memory import store

FOLDER = Path("config")
ALL = Wish(FOLDER)


def problem(file: str, severity: Severity = Severity.ERROR) -> Problem:
    return Problem(f"config/{file}", 1, 1, severity, "unknown_key", "unknown key `wieght`")


def reading(written: Catalog, *problems: Problem, broken: frozenset[str] = frozenset()) -> Reading:
    failed = any(p.severity is Severity.ERROR for p in problems)
    return Reading(None if failed else written, written, {}, problems, {}, broken)


def codes(refusal: pytest.ExceptionInfo[CatalogError]) -> list[str]:
    return [one.code for one in refusal.value.problems]


def test_a_folder_without_errors_is_chosen_whole():
    written = catalog()
    warned = reading(written, problem("campaigns/a.yaml", Severity.WARNING))
    assert choose(warned, ALL) is written


def test_any_error_stands_in_the_way_of_the_whole_folder():
    broken = reading(catalog(), problem("campaigns/b.yaml"), broken=frozenset({"b"}))
    with pytest.raises(CatalogError) as refusal:
        choose(broken, ALL)
    assert refusal.value.problems == broken.problems


def test_an_error_of_another_campaign_does_not_stand_in_the_way_of_a_named_one():
    broken = reading(catalog(), problem("campaigns/b.yaml"), broken=frozenset({"b"}))
    assert choose(broken, Wish(FOLDER, ("brulerie",))) is broken.partial


def test_an_error_of_the_named_campaign_is_told_without_those_of_the_others():
    its_own, other = problem("campaigns/a.yaml"), problem("campaigns/b.yaml")
    broken = reading(catalog(), its_own, other, broken=frozenset({"a", "b"}))
    with pytest.raises(CatalogError) as refusal:
        choose(broken, Wish(FOLDER, ("a",)))
    assert refusal.value.problems == (its_own,)


def test_an_error_of_the_site_stands_in_the_way_of_everything():
    of_site, of_other = problem("site.yaml"), problem("campaigns/b.yaml")
    broken = Reading(None, None, {}, (of_site, of_other), {}, frozenset({"b"}))
    with pytest.raises(CatalogError) as refusal:
        choose(broken, Wish(FOLDER, ("a",)))
    assert refusal.value.problems == (of_site,)


def test_the_problems_of_no_name_are_all_of_them():
    broken = reading(catalog(), problem("site.yaml"), problem("campaigns/b.yaml"))
    assert problems_of(broken, ()) == broken.problems


def test_the_first_proposal_creates_everything():
    made = propose(catalog(), None, ALL)
    assert made.expected == 0
    assert made.plan.created == ("brulerie",)
    assert made.plan.settings == ("site", "slots")


def test_a_changed_campaign_is_told_with_the_names_of_its_fields():
    heavier = campaign(weight=2, order="BC-1")
    made = propose(catalog(heavier), generation(), ALL)
    assert made.plan.changed == ("brulerie",)
    assert made.fields["brulerie"] == ("order", "weight")


def test_changed_settings_are_told_with_what_changed_in_them():
    taller = slot("post-top", sizes={Device.DESKTOP: Size(970, 250)})
    written = catalog(slots=(taller, slot("post-bottom")), site=site(name="Le Bistrot"))
    fields = propose(written, generation(), ALL).fields
    assert fields == {"site": ("name",), "slots": ("post-bottom", "post-top")}


def test_the_same_files_again_are_an_empty_plan():
    assert propose(catalog(), generation(), ALL).plan.empty


def test_a_live_campaign_without_a_file_stays():
    live = generation(catalog(campaign("old"), campaign("brulerie")))
    made = propose(catalog(), live, ALL)
    assert made.plan.kept == ("old",)
    assert made.plan.empty


def test_prune_ends_a_live_campaign_without_a_file():
    live = generation(catalog(campaign("old"), campaign("brulerie")))
    made = propose(catalog(), live, Wish(FOLDER, prune=True))
    assert made.plan.ended == ("old",)
    assert [c.name for c in made.catalog.campaigns] == ["brulerie"]


def test_with_names_only_those_campaigns_change():
    live = generation(catalog(campaign("a"), campaign("b")))
    written = catalog(campaign("a", weight=2), campaign("b", weight=2), campaign("c"))
    assert propose(written, live, Wish(FOLDER, ("a",))).plan.changed == ("a",)


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(NoSuchName) as refusal:
        propose(catalog(), None, Wish(FOLDER, ("brulerei",)))
    assert refusal.value.hint == "brulerie"


def test_naming_a_live_campaign_without_a_file_does_not_end_it_unasked():
    live = generation(catalog(campaign("old"), campaign("brulerie")))
    with pytest.raises(CatalogError) as refusal:
        propose(catalog(), live, Wish(FOLDER, ("old",)))
    assert codes(refusal) == ["no_file"]
    ended = propose(catalog(), live, Wish(FOLDER, ("old",), prune=True))
    assert ended.plan.ended == ("old",)


def test_a_kept_campaign_that_loses_its_last_slot_is_refused_by_name():
    live = generation(catalog(campaign("old", slots=("gone",)), slots=(slot("gone"),)))
    with pytest.raises(CatalogError) as refusal:
        propose(catalog(), live, ALL)
    assert codes(refusal) == ["misfit"]
    assert "old" in refusal.value.problems[0].message
    assert "--prune" in refusal.value.problems[0].hint


def test_a_kept_campaign_that_fits_no_slot_any_more_is_refused():
    banner = campaign("old", creatives=(image_creative(),))
    small = slot(sizes={Device.MOBILE: Size(300, 50)})
    with pytest.raises(CatalogError) as refusal:
        propose(catalog(slots=(small,)), generation(catalog(banner)), ALL)
    assert codes(refusal) == ["misfit"]


def test_a_named_campaign_that_needs_a_slot_that_is_not_live_is_refused():
    written = catalog(campaign("new", slots=("side",)), slots=(slot(), slot("side")))
    with pytest.raises(CatalogError) as refusal:
        propose(written, generation(), Wish(FOLDER, ("new",)))
    assert "without names" in refusal.value.problems[0].hint


def proposal(written: Catalog, live: Catalog | None = None) -> Proposal:
    return propose(written, generation(live) if live else None, ALL)


def test_publishing_writes_the_next_generation_with_author_message_and_diff():
    memory = store()
    published = publish(proposal(catalog()), Content(), memory, Entry("ana@blog", "autumn"))
    assert (published.number, published.author, published.message) == (1, "ana@blog", "autumn")
    assert memory.live()[0].catalog == catalog()
    assert "+ brulerie" in memory.diffs[0]


def test_publishing_sends_only_the_files_that_the_store_lacks():
    here, there = image(728, 90), image(320, 100)
    memory = store()
    memory.assets[there.digest] = Asset(b"there already", "image/png")
    assets: Mapping[str, Asset] = {here.digest: Asset(b"new", "image/png")}
    written = catalog(campaign(creatives=(image_creative("b", here, there),)))
    publish(proposal(written), Content(assets=assets), memory, Entry("ana@blog"))
    assert memory.assets[here.digest].data == b"new"
    assert memory.assets[there.digest].data == b"there already"


def test_a_kept_campaign_whose_picture_is_lost_is_not_published():
    written = catalog(campaign(creatives=(image_creative(),)))
    memory = store()
    with pytest.raises(NoSuchName, match="brulerie/b-728x90"):
        publish(proposal(written), Content(), memory, Entry("ana@blog"))
    assert memory.live() is None


def test_somebody_elses_generation_is_never_overwritten():
    memory = store(catalog())
    with pytest.raises(LiveHasMoved):
        publish(proposal(catalog()), Content(), memory, Entry("ana@blog"))


def test_the_summary_says_what_a_slot_pattern_stands_for():
    slots = (slot("post-top"), slot("post-bottom"), slot("home"))
    booked = campaign(slots=("post-*",))
    assert "    slots: post-* = post-top, post-bottom" in summary(
        proposal(catalog(booked, slots=slots))
    )


def test_the_summary_says_what_a_pattern_stands_for_again_when_slots_change():
    before = catalog(campaign(slots=("post-*",)))
    after = catalog(campaign(slots=("post-*",), weight=2), slots=(slot(), slot("post-new")))
    assert summary(proposal(after, before)) == [
        "* slots",
        "    slots: + post-new (desktop 728x90, mobile 320x100, on_empty reserve)",
        "~ brulerie",
        "    weight: 1 → 2",
        "    slots are post-* = post-top, post-new",
    ]


def test_the_files_that_a_catalog_needs_are_named_by_campaign():
    written = catalog(campaign(creatives=(image_creative(), text_creative())))
    assert digests(written) == {image().digest: "brulerie/b-728x90.png"}
