"""`adserver rollback`: shows, asks, and makes a new generation of an old one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from adserver.core.nodes import NodeState
from adserver.core.publication import Content, Entry
from tests.cli.command import CAMPAIGN, adserver, write_folder
from tests.factories import NOW
from tests.memory import MemoryStore, store

HEAVY = CAMPAIGN + "weight: 2\n"


@pytest.fixture
def memory(tmp_path: Path) -> MemoryStore:
    """Three generations: a and b; a heavier; and without b."""
    made = MemoryStore()
    folders = (
        {"a": CAMPAIGN, "b": CAMPAIGN},
        {"a": HEAVY, "b": CAMPAIGN},
        {"a": HEAVY},
    )
    for number, campaigns in enumerate(folders):
        folder = write_folder(tmp_path / str(number), **campaigns)
        applied = adserver("apply", "--yes", "--prune", "--config", folder, store=made)
        assert applied.exit_code == 0, applied.stderr
    return made


def live(memory: MemoryStore) -> dict[str, float]:
    return {one.name: one.weight for one in memory.made[-1][0].catalog.campaigns}


def test_without_a_number_it_goes_back_by_one(memory: MemoryStore) -> None:
    result = adserver("rollback", "--yes", "-m", "b again", store=memory)
    assert result.exit_code == 0, result.stderr
    assert live(memory) == {"a": 2.0, "b": 1.0}
    assert "Back to generation 2, of 2026-11-02 09:00 UTC" in result.stdout
    assert "+ b" in result.stdout
    assert "Generation 4 is live." in result.stdout
    assert "Your folder still differs: `adserver export`" in result.stdout
    published = memory.made[-1][1]
    assert (published.number, published.kind, published.of) == (4, "rollback", 2)
    assert published.message == "b again"
    assert "+ b" in memory.diffs[-1]


def test_going_back_twice_is_where_one_was(memory: MemoryStore) -> None:
    adserver("rollback", "--yes", store=memory)
    assert adserver("rollback", "--yes", store=memory).exit_code == 0
    assert live(memory) == {"a": 2.0}
    assert memory.made[-1][1].of == 3


def test_with_a_number_it_goes_back_to_it(memory: MemoryStore) -> None:
    assert adserver("rollback", "1", "--yes", store=memory).exit_code == 0
    assert live(memory) == {"a": 1.0, "b": 1.0}
    assert memory.made[-1][0].files == memory.made[0][0].files


def test_for_one_campaign_the_others_stay(memory: MemoryStore) -> None:
    assert adserver("rollback", "1", "--campaign", "b", "--yes", store=memory).exit_code == 0
    assert live(memory) == {"a": 2.0, "b": 1.0}
    result = adserver("rollback", "3", "--campaign", "b", "--yes", store=memory)
    assert "- b" in result.stdout
    assert live(memory) == {"a": 2.0}


def test_to_what_is_live_there_is_nothing_to_do(memory: MemoryStore) -> None:
    for number in ("3",):
        result = adserver("rollback", number, store=memory)
        assert result.exit_code == 0
        assert "Nothing to do: what is live says the same as generation 3." in result.stdout
    assert len(memory.made) == 3


def test_where_nobody_can_answer_yes_must_be_said(memory: MemoryStore) -> None:
    result = adserver("rollback", store=memory)
    assert result.exit_code == 2
    assert "+ b" in result.stdout
    assert "--yes" in result.stderr
    assert len(memory.made) == 3


def test_as_json_it_says_what_apply_says(memory: MemoryStore) -> None:
    result = adserver("rollback", "--yes", "--format", "json", store=memory)
    said = orjson.loads(result.stdout)
    assert (said["applied"], said["generation"], said["created"]) == (True, 4, ["b"])


def test_before_there_is_a_way_back_that_is_said(tmp_path: Path) -> None:
    memory = store()
    adserver("apply", "--yes", "--config", write_folder(tmp_path), store=memory)
    result = adserver("rollback", "--yes", store=memory)
    assert result.exit_code == 2
    assert "there is no generation before 1" in result.stderr
    assert len(memory.made) == 1


def test_where_nothing_is_live_there_is_nothing_to_go_back_to() -> None:
    for words in ((), ("3",)):
        result = adserver("rollback", *words, "--yes", store=MemoryStore())
        assert result.exit_code == 1
        assert result.stderr == "Nothing is live yet, so there is nothing to go back to.\n"


def test_a_generation_that_is_not_there_any_more_is_told(memory: MemoryStore) -> None:
    memory.forget(1)
    result = adserver("rollback", "1", "--yes", store=memory)
    assert result.exit_code == 1
    assert "generation 1: its content is no longer kept" in result.stderr
    result = adserver("rollback", "8", "--yes", store=memory)
    assert (result.exit_code, "The last is 3." in result.stderr) == (1, True)


def test_a_campaign_that_nobody_knows_is_told_with_the_nearest(memory: MemoryStore) -> None:
    result = adserver("rollback", "1", "--campaign", "c", "--yes", store=memory)
    assert result.exit_code == 1
    assert "there is no campaign 'c'" in result.stderr


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_campaign_that_has_no_slot_any_more_is_refused(
    memory: MemoryStore, tmp_path: Path, form: str
) -> None:
    folder = write_folder(tmp_path, a=CAMPAIGN.replace("post-top", "side"))
    slots = "side: {title: Beside, sizes: {desktop: 300x250}}\n"
    (folder / "slots.yaml").write_text(slots, encoding="utf-8")
    adserver("apply", "--yes", "--prune", "--config", folder, store=memory)
    result = adserver("rollback", "1", "--campaign", "b", "--yes", "--format", form, store=memory)
    assert result.exit_code == 1
    assert "Nothing was changed" in result.stderr
    said = orjson.loads(result.stdout)["problems"][0]["hint"] if form == "json" else result.stderr
    assert "go back whole, without --campaign" in said
    assert live(memory) == {"a": 1.0}


@dataclass
class SomebodyElse(MemoryStore):
    """A store in which somebody else applies while we look at the plan."""

    def claim(self, number, digests):
        super().publish(len(self.made), self.made[-1][0].catalog, Content(), Entry("bob@blog"))
        return super().claim(number, digests)


def test_when_live_has_moved_since_the_plan_the_exit_code_is_4(memory: MemoryStore) -> None:
    moving = SomebodyElse(
        made=memory.made, diffs=memory.diffs, assets=memory.assets, sources=memory.sources
    )
    result = adserver("rollback", "--yes", store=moving)
    assert result.exit_code == 4
    assert "somebody else has applied" in result.stderr
    assert live(moving) == {"a": 2.0}


def test_it_waits_for_the_nodes_if_told_to(memory: MemoryStore) -> None:
    memory.workers = [NodeState("quick", 4, since=NOW, seen_at=NOW)]
    result = adserver("rollback", "--yes", "--wait", store=memory)
    assert "quick serves generation 4" in result.stdout
