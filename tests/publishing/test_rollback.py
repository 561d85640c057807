"""Going back: whole, or for one campaign; and what stands in the way."""

from __future__ import annotations

import pytest

from adserver.core.catalog import Catalog, Clause, ContextKey, Generation
from adserver.core.errors import CatalogError, NoSuchName
from adserver.core.plan import Plan
from adserver.core.renames import Rename
from adserver.publishing.rollback import go_back, left_behind
from tests.factories import campaign, catalog, generation, numbers, site, slot

A, B = campaign("a"), campaign("b")
EVERYBODY = catalog(A, B, campaign("c"), campaign("brulerie"))


def at(number: int, of: Catalog, files: dict[str, dict[str, str]] | None = None) -> Generation:
    return Generation(number, of, numbers(EVERYBODY, of), files or {})


def files_of(mark: str, *campaigns: str) -> dict[str, dict[str, str]]:
    names = ["site.yaml", "slots.yaml", *(f"campaigns/{one}.yaml" for one in campaigns)]
    return {name: {name: f"{mark}-{name}"} for name in names}


def test_everything_is_as_it_was() -> None:
    before = catalog(A, B, site=site(name="Le Bistrot"), slots=(slot(), slot("side")))
    now = catalog(campaign("a", weight=2), campaign("c"))
    proposal, _ = go_back(at(2, now), at(1, before))
    assert proposal.catalog == before
    assert proposal.expected == 2
    plan = proposal.plan
    assert (plan.created, plan.changed, plan.ended) == (("b",), ("a",), ("c",))
    assert plan.settings == ("site", "slots")
    assert plan.kept == ()


def test_to_what_is_live_there_is_nothing_to_do() -> None:
    proposal, _ = go_back(at(2, catalog(A)), at(1, catalog(A)))
    assert proposal.plan.empty


def test_one_campaign_goes_back_and_the_others_stay() -> None:
    before = catalog(A, B, site=site(name="Le Bistrot"))
    now = catalog(campaign("a", weight=2), campaign("b", weight=2), campaign("c"))
    proposal, _ = go_back(at(2, now), at(1, before), "a")
    assert proposal.catalog == catalog(A, campaign("b", weight=2), campaign("c"))
    assert proposal.plan.changed == ("a",)
    assert proposal.plan.kept == ()


def test_one_campaign_comes_back_after_it_had_ended() -> None:
    proposal, _ = go_back(at(2, catalog(A)), at(1, catalog(A, B)), "b")
    assert proposal.plan.created == ("b",)
    assert proposal.catalog == catalog(A, B)


def test_one_campaign_ends_where_it_did_not_exist_then() -> None:
    proposal, _ = go_back(at(2, catalog(A, B)), at(1, catalog(A)), "b")
    assert proposal.plan.ended == ("b",)


def test_a_campaign_that_neither_has_is_told_with_the_nearest() -> None:
    with pytest.raises(NoSuchName) as refused:
        go_back(at(2, catalog(campaign("brulerie"))), at(1, catalog(A)), "brulerei")
    assert refused.value.hint == "brulerie"


def test_a_campaign_whose_slots_are_gone_does_not_come_back_alone() -> None:
    before = catalog(campaign("a", slots=("gone",)), slots=(slot("gone"),))
    with pytest.raises(CatalogError) as refused:
        go_back(at(2, catalog(B)), at(1, before), "a")
    [problem] = refused.value.problems
    assert problem.file == "generation 1"
    assert "has none of the slots any more" in problem.message
    assert problem.hint == "go back whole, without --campaign"
    assert go_back(at(2, catalog(B)), at(1, before))[0].catalog == before


def test_a_campaign_that_targets_what_is_not_declared_any_more_does_not_come_back_alone() -> None:
    fussy = campaign("a", targeting=(Clause("lang", ("fr",)), Clause("section", ("tech",))))
    before = catalog(fussy, site=site(context=(ContextKey("section", ("tech",)),)))
    with pytest.raises(CatalogError) as refused:
        go_back(at(2, catalog(B)), at(1, before), "a")
    [problem] = refused.value.problems
    assert problem.message == "a targets `section`, which the live site does not declare"
    assert go_back(at(2, catalog(B)), at(1, before))[0].catalog == before


def test_the_files_go_back_too() -> None:
    then, now = files_of("then", "a", "b"), files_of("now", "a", "c")
    live, to = at(2, catalog(A, campaign("c")), now), at(1, catalog(A, B), then)
    assert go_back(live, to)[1].files == then
    of_one = go_back(live, to, "b")[1].files
    assert of_one == now | {"campaigns/b.yaml": then["campaigns/b.yaml"]}


def renamed_since() -> tuple[Generation, Generation]:
    """What is live, and a generation in which `new` was called `old`."""
    before = generation(catalog(campaign("old"), A))
    carried = {"campaign/new": before.numbers["campaign/old"], **before.numbers}
    del carried["campaign/old"]
    live = catalog(campaign("new", renamed_from="old"), campaign("a", weight=2))
    return Generation(2, live, carried), before


def test_a_renamed_campaign_has_its_old_name_again_and_its_counts_with_it() -> None:
    proposal, _ = go_back(*renamed_since())
    assert proposal.plan == Plan(renamed=(Rename("new", "old"),), changed=("a",))
    assert [one.name for one in proposal.catalog.campaigns] == ["a", "old"]


@pytest.mark.parametrize("name", ["old", "new"])
def test_a_renamed_campaign_alone_may_be_called_by_either_name(name: str) -> None:
    live, before = renamed_since()
    proposal, content = go_back(
        Generation(2, live.catalog, live.numbers, files_of("now", "a", "new")),
        Generation(1, before.catalog, before.numbers, files_of("then", "a", "old")),
        name,
    )
    assert proposal.plan == Plan(renamed=(Rename("new", "old"),))
    assert content.files == files_of("now", "a") | {
        "campaigns/old.yaml": {"campaigns/old.yaml": "then-campaigns/old.yaml"}
    }


def test_a_name_that_has_come_back_is_another_campaign() -> None:
    live, before = renamed_since()
    numbered = {**live.numbers, "campaign/old": 9, "creative/old/carte": 9}
    back = catalog(*live.catalog.campaigns, campaign("old", weight=3))
    proposal, _ = go_back(Generation(3, back, numbered), before, "old")
    assert proposal.plan == Plan(changed=("old",))


def test_counts_that_stay_with_a_renamed_campaign_are_told() -> None:
    live, before = renamed_since()
    assert [*left_behind(live, before)] == []
    numbered = {**live.numbers, "campaign/old": 9, "creative/old/carte": 9}
    back = catalog(*live.catalog.campaigns, campaign("old", weight=3))
    taken = Generation(3, back, numbered)
    (effect,) = left_behind(taken, before)
    assert (effect.kind, effect.subject, effect.weight) == ("counts_stay", "old", "warning")
    assert effect.message == (
        "old: what it had counted by generation 1 stays with new, as it was renamed; another "
        "campaign took the name, and old goes on with the counts of that one"
    )
    assert [*left_behind(taken, before, "old")] == [effect]
    assert [*left_behind(taken, before, "a")] == []
