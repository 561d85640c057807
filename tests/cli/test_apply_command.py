"""`adserver apply` shows the plan, asks, publishes and waits."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

import adserver as package
from adserver.core.errors import StoreUnavailable
from adserver.core.nodes import NodeState
from adserver.core.publication import Content, Entry
from tests.cli.command import CAMPAIGN, adserver, write_folder
from tests.factories import NOW, campaign
from tests.memory import MemoryStore, store

HEAVY = CAMPAIGN + "weight: 2\n"
BROKEN = CAMPAIGN.replace("tier: remnant", "tier: gold")


def live_campaigns(memory: MemoryStore) -> dict[str, float]:
    live = memory.live()
    return {c.name: c.weight for c in live[0].catalog.campaigns} if live else {}


def applied(tmp_path: Path, **campaigns: str) -> MemoryStore:
    """A store in which these campaign files are live."""
    memory = store()
    result = adserver(
        "apply", "--yes", "--config", write_folder(tmp_path, **campaigns), store=memory
    )
    assert result.exit_code == 0, result.output
    return memory


def test_what_is_written_becomes_generation_1(tmp_path):
    memory = store()
    folder = write_folder(tmp_path)
    result = adserver("apply", "--yes", "-m", "autumn", "--config", folder, store=memory)
    assert result.exit_code == 0
    assert "+ brulerie" in result.stdout
    assert result.stdout.endswith(
        "Generation 1 is live.\nNo node is running: `adserver serve` serves it.\n"
    )
    _, published = memory.live()
    assert published.message == "autumn"
    assert "@" in published.author


def test_a_node_that_is_there_needs_no_word(tmp_path):
    memory = store()
    memory.workers = [NodeState("node-1/0", 0, since=NOW, seen_at=NOW)]
    result = adserver("apply", "--yes", "--config", write_folder(tmp_path), store=memory)
    assert result.stdout.endswith("Generation 1 is live.\n")


def test_the_same_files_again_are_nothing_to_do(tmp_path):
    memory = applied(tmp_path)
    result = adserver("apply", "--config", write_folder(tmp_path), store=memory)
    assert result.exit_code == 0
    assert "Nothing to do" in result.stdout
    assert len(memory.made) == 1


def test_where_nobody_can_answer_yes_must_be_said(tmp_path):
    memory = store()
    result = adserver("apply", "--config", write_folder(tmp_path), store=memory)
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert memory.live() is None


def test_errors_are_shown_and_what_is_live_stays_live(tmp_path):
    memory = applied(tmp_path)
    folder = write_folder(tmp_path, brulerie=HEAVY, other=BROKEN)
    result = adserver("apply", "--yes", "--config", folder, store=memory)
    assert result.exit_code == 1
    assert "campaigns/other.yaml:2:" in result.stderr
    assert "stays live" in result.stderr
    assert live_campaigns(memory) == {"brulerie": 1.0}


def test_errors_need_no_store(tmp_path):
    folder = write_folder(tmp_path, brulerie=BROKEN)
    assert adserver("apply", "--yes", "--config", folder, store=None).exit_code == 1


def test_with_a_name_the_errors_of_others_are_none_of_its_business(tmp_path):
    memory = applied(tmp_path)
    folder = write_folder(tmp_path, brulerie=HEAVY, other=BROKEN)
    result = adserver("apply", "brulerie", "--yes", "--config", folder, store=memory)
    assert result.exit_code == 0
    assert "other" not in result.output
    assert live_campaigns(memory) == {"brulerie": 2.0}


def test_with_its_own_errors_a_named_campaign_is_refused(tmp_path):
    memory = applied(tmp_path)
    folder = write_folder(tmp_path, brulerie=HEAVY, other=BROKEN)
    result = adserver("apply", "other", "--yes", "--config", folder, store=memory)
    assert result.exit_code == 1
    assert "other.yaml" in result.stderr


def test_an_unknown_name_is_told_with_the_nearest(tmp_path):
    folder = write_folder(tmp_path)
    result = adserver("apply", "brulerei", "--yes", "--config", folder, store=store())
    assert result.exit_code == 1
    assert "Did you mean 'brulerie'?" in result.stderr


def without_old(tmp_path: Path) -> tuple[Path, MemoryStore]:
    memory = applied(tmp_path, old=CAMPAIGN, brulerie=CAMPAIGN)
    folder = write_folder(tmp_path, brulerie=HEAVY)
    (folder / "campaigns" / "old.yaml").unlink()
    return folder, memory


def test_a_live_campaign_without_a_file_stays_and_is_named(tmp_path):
    folder, memory = without_old(tmp_path)
    result = adserver("apply", "--yes", "--config", folder, store=memory)
    assert "= old stays live" in result.stdout
    assert "~ brulerie\n    weight: 1 → 2\n" in result.stdout
    assert live_campaigns(memory) == {"brulerie": 2.0, "old": 1.0}


def test_prune_ends_it(tmp_path):
    folder, memory = without_old(tmp_path)
    result = adserver("apply", "--yes", "--prune", "--config", folder, store=memory)
    assert "- old" in result.stdout
    assert live_campaigns(memory) == {"brulerie": 2.0}


def test_a_kept_campaign_that_would_lose_its_slot_stands_in_the_way(tmp_path):
    folder, memory = without_old(tmp_path)
    (folder / "slots.yaml").write_text(
        "side: {title: Beside, sizes: {desktop: 300x250}}\n", encoding="utf-8"
    )
    moved = CAMPAIGN.replace("post-top", "side")
    (folder / "campaigns" / "brulerie.yaml").write_text(moved, encoding="utf-8")
    result = adserver("apply", "--yes", "--config", folder, store=memory)
    assert result.exit_code == 1
    assert "campaigns/old.yaml" in result.stderr
    assert "--prune" in result.stderr
    assert len(memory.made) == 1


@dataclass
class SomebodyElse(MemoryStore):
    """A store in which somebody else applies while we look at the plan."""

    def claim(self, number, digests):
        catalog = self.made[-1][0].catalog
        super().publish(len(self.made), catalog, Content(), Entry("bob@blog"))
        return super().claim(number, digests)


def test_when_live_has_moved_since_the_plan_the_exit_code_is_4(tmp_path):
    memory = applied(tmp_path)
    moving = SomebodyElse(made=memory.made)
    folder = write_folder(tmp_path, brulerie=HEAVY)
    result = adserver("apply", "--yes", "--config", folder, store=moving)
    assert result.exit_code == 4
    assert "somebody else has applied" in result.stderr
    assert live_campaigns(moving) == {"brulerie": 1.0}


def test_json_tells_the_plan_and_the_generation(tmp_path):
    memory = applied(tmp_path)
    folder = write_folder(tmp_path, brulerie=HEAVY, new=CAMPAIGN)
    result = adserver("apply", "--yes", "--format", "json", "--config", folder, store=memory)
    answer = orjson.loads(result.stdout)
    assert (answer["applied"], answer["generation"]) == (True, 2)
    assert (answer["created"], answer["changed"]) == (["new"], ["brulerie"])
    assert answer["fields"] == {"brulerie": ["weight"]}
    assert answer["nodes"] == []


def test_json_without_confirmation_tells_the_plan_and_applies_nothing(tmp_path):
    memory = store()
    folder = write_folder(tmp_path)
    result = adserver("apply", "--format", "json", "--config", folder, store=memory)
    assert result.exit_code == 2
    answer = orjson.loads(result.stdout)
    assert (answer["applied"], answer["generation"]) == (False, 0)
    assert answer["created"] == ["brulerie"]


def test_json_of_errors_is_that_of_validate(tmp_path):
    folder = write_folder(tmp_path, brulerie=BROKEN)
    result = adserver("apply", "--format", "json", "--config", folder, store=None)
    assert result.exit_code == 1
    assert orjson.loads(result.stdout)["problems"][0]["line"] == 2


@dataclass
class CatchingUp(MemoryStore):
    """A store whose worker `quick` serves what is live, and `slow` one look later."""

    looks: int = 0

    def nodes(self):
        self.looks += 1
        live = len(self.made)
        return [
            NodeState("quick", live, since=NOW, seen_at=NOW),
            NodeState("slow", live if self.looks > 1 else live - 1, since=NOW, seen_at=NOW),
            NodeState("gone", 0, since=NOW, seen_at=NOW - 60),
        ]


def test_wait_tells_when_each_node_serves_the_generation(tmp_path):
    folder = write_folder(tmp_path)
    result = adserver("apply", "--yes", "--wait", "--config", folder, store=CatchingUp())
    assert result.exit_code == 0
    told = result.stdout.splitlines()[-2:]
    assert told[0].startswith("  quick serves generation 1 after 0.0 s")
    assert told[1].startswith("  slow serves generation 1 after ")


def test_wait_has_its_nodes_in_json(tmp_path):
    words = ("apply", "--yes", "--wait", "--format", "json", "--config", write_folder(tmp_path))
    nodes = orjson.loads(adserver(*words, store=CatchingUp()).stdout)["nodes"]
    assert [(node["node"], node["generation"]) for node in nodes] == [("quick", 1), ("slow", 1)]


def test_a_node_that_stays_behind_is_named_with_exit_code_1(tmp_path):
    memory = MemoryStore(workers=[NodeState("web-1", 0, since=NOW, seen_at=NOW)])
    result = adserver(
        "apply",
        "--yes",
        "--wait",
        "--config",
        write_folder(tmp_path),
        store=memory,
        wait_limit_seconds=0.0,
    )
    assert result.exit_code == 1
    assert "web-1 still serves generation 0" in result.stderr
    assert memory.live()


def test_wait_without_any_node_is_fine(tmp_path):
    folder = write_folder(tmp_path)
    result = adserver("apply", "--yes", "--wait", "--config", folder, store=store())
    assert result.exit_code == 0
    assert "no node is running" in result.stdout


ON_A_TERMINAL = """
import sys
from tests.cli.command import Plane
from tests.memory import store
from contextlib import nullcontext
from adserver.cli import cli
from adserver.cli.options import Invocation

memory = store()
try:
    cli(obj=Invocation(control_plane=lambda _: nullcontext(Plane.of(memory))))
finally:
    print("live:", bool(memory.live()))
"""


@pytest.mark.parametrize(("answer", "code", "live"), [("y", 0, True), ("n", 2, False)])
def test_on_a_terminal_it_asks(tmp_path, answer, code, live):
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(
        [sys.executable, "-c", ON_A_TERMINAL, "apply", "--config", str(write_folder(tmp_path))],
        stdin=theirs,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(package.__file__).parents[1],
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == code, done.stderr
    assert "Make this generation 1? [y/N]" in done.stderr
    assert f"live: {live}" in done.stdout


def test_the_author_is_the_one_that_git_knows(tmp_path):
    memory = store()
    folder = write_folder(tmp_path)
    adserver("apply", "--yes", "--config", folder, store=memory, env={"GIT_AUTHOR_NAME": "Ana"})
    assert memory.live()[1].author.startswith("Ana@")


def test_without_git_the_author_is_the_user(tmp_path):
    memory = store()
    env = {"PATH": str(tmp_path), "USER": "bob", "GIT_AUTHOR_NAME": ""}
    adserver("apply", "--yes", "--config", write_folder(tmp_path), store=memory, env=env)
    assert memory.live()[1].author.startswith("bob@")


def test_the_factories_campaign_is_what_the_file_says(tmp_path):
    (written,) = applied(tmp_path).live()[0].catalog.campaigns
    assert written.advertiser == campaign().advertiser


@dataclass
class Silent(MemoryStore):
    """A store that answers nothing about nodes, but for the last answers of so many."""

    silent: int = 1

    def nodes(self):
        self.silent -= 1
        if self.silent >= 0:
            raise StoreUnavailable("the store did not answer: gone")
        return []


def test_wait_asks_again_where_the_store_did_not_answer(tmp_path):
    words = ("apply", "--yes", "--wait", "--config", write_folder(tmp_path))
    result = adserver(*words, store=Silent())
    assert result.exit_code == 0, result.stderr
    assert "no node is running" in result.stdout


def test_what_is_live_is_live_though_the_store_does_not_say_who_serves_it(tmp_path):
    folder = write_folder(tmp_path)
    words = ("apply", "--yes", "--wait", "--config", folder)
    result = adserver(*words, store=Silent(silent=9**9), wait_limit_seconds=0.0)
    assert result.exit_code == 1
    assert "Generation 1 is live." in result.stdout
    assert result.stderr.endswith(
        "It is not known which nodes serve it: the store did not answer: gone.\n"
    )
    assert (folder / ".adserver" / "live.json").exists()
