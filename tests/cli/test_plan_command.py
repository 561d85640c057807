"""`adserver plan` shows what would change, and changes nothing."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from click.testing import Result

import adserver as package
from adserver.core.catalog import Clause
from adserver.core.context import Context
from adserver.core.events import Metric
from adserver.core.samples import Sample
from tests.cli.command import CAMPAIGN, SLOTS, adserver, write_folder
from tests.factories import NOW, row
from tests.memory import MemoryStore, store
from tests.publishing.campaign_folder import draw

PRICED = CAMPAIGN + "price: {cpm: 8.50}\n"
DEARER = CAMPAIGN + "price: {cpm: 9}\n"
BROKEN = CAMPAIGN.replace("tier: remnant", "tier: gold")
PICTURE = CAMPAIGN.replace(
    "  - {id: carte, text: {headline: Café de saison}}\n",
    "  - {id: carte, text: {headline: Café de saison}}\n"
    "  - {id: banner, alt: Café, images: [images/b-728x90.png]}\n",
)


def live(tmp_path: Path, **campaigns: str) -> tuple[Path, MemoryStore]:
    """A folder of these campaigns, which are live."""
    memory = store()
    folder = write_folder(tmp_path, **campaigns)
    run("apply", folder, memory, "--yes")
    return folder, memory


def run(command: str, folder: Path, memory: MemoryStore, *options: str) -> Result:
    result = adserver(command, *options, "--config", folder, store=memory)
    assert result.exit_code in {0, 1}, result.output
    return result


def rewrite(folder: Path, **campaigns: str) -> None:
    for name, text in campaigns.items():
        (folder / "campaigns" / f"{name}.yaml").write_text(text, encoding="utf-8")


def answer(folder: Path, memory: MemoryStore, *options: str) -> dict[str, object]:
    result = run("plan", folder, memory, "--format", "json", *options)
    return orjson.loads(result.stdout)


def test_the_plan_of_what_is_live_is_empty(tmp_path):
    folder, memory = live(tmp_path)
    result = run("plan", folder, memory)
    assert result.exit_code == 0
    assert result.stdout == "Nothing to do: generation 1 is what the files say.\n"


def test_a_change_is_shown_and_nothing_is_changed(tmp_path):
    folder, memory = live(tmp_path, brulerie=PRICED)
    rewrite(folder, brulerie=DEARER)
    first = run("plan", folder, memory)
    assert first.exit_code == 0
    assert first.stdout == (
        "Plan for generation 2 (live is 1):\n~ brulerie\n    price: cpm 8.50 → 9.00\n\n1 changed\n"
    )
    assert run("plan", folder, memory).stdout == first.stdout
    assert len(memory.made) == 1


def test_json_is_as_stable_as_the_text(tmp_path):
    folder, memory = live(tmp_path, brulerie=PRICED, tea=CAMPAIGN)
    rewrite(folder, brulerie=DEARER, cider=CAMPAIGN + "weight: 3\n")
    (folder / "campaigns" / "tea.yaml").unlink()
    told = answer(folder, memory, "--prune")
    assert list(told) == [
        "generation", "created", "changed", "ended", "renamed", "kept", "settings", "fields",
        "changes", "setting_changes", "files", "effects", "alike", "warnings", "summary", "empty",
    ]  # fmt: skip
    assert told["generation"] == 1
    assert (told["created"], told["changed"], told["ended"]) == (["cider"], ["brulerie"], ["tea"])
    assert told["changes"] == {
        "brulerie": [
            {
                "key": "price",
                "before": "8.50",
                "after": "9.00",
                "what": "cpm",
                "unit": "",
                "added": [],
                "removed": [],
                "note": "",
                "text": "price: cpm 8.50 → 9.00",
            }
        ]
    }
    assert told["effects"] == [
        {
            "kind": "candidates",
            "subject": "post-top",
            "weight": "note",
            "message": "post-top: 2 candidates; gains cider; loses tea",
        }
    ]
    assert told["summary"] == "1 created, 1 changed, 1 ended"


def test_new_pictures_are_told_with_their_sizes(tmp_path):
    folder, memory = live(tmp_path)
    (folder / "images").mkdir()
    picture = draw(728, 90)
    (folder / "images" / "b-728x90.png").write_bytes(picture)
    rewrite(folder, brulerie=PICTURE)
    assert "New files: 1, 1 kB\n    b-728x90.png  728x90  1 kB  (brulerie)\n" in (
        run("plan", folder, memory).stdout
    )
    assert answer(folder, memory)["files"] == [
        {
            "campaign": "brulerie",
            "name": "b-728x90.png",
            "size": "728x90",
            "bytes": len(picture),
        }
    ]
    run("apply", folder, memory, "--yes")
    rewrite(folder, other=PICTURE)
    assert "New files" not in run("plan", folder, memory).stdout


def test_many_new_files_are_counted(tmp_path):
    folder, memory = live(tmp_path)
    (folder / "images").mkdir()
    names = [f"images/b{n}.png" for n in range(22)]
    for n, name in enumerate(names):
        (folder / name).write_bytes(draw(100 + n, 90))
    listed = PICTURE.replace("images/b-728x90.png", ", ".join(names))
    rewrite(folder, brulerie=listed)
    stdout = run("plan", folder, memory).stdout
    assert "New files: 22, " in stdout
    assert "    and 2 more\n" in stdout


def test_many_effects_are_counted(tmp_path):
    folder, memory = live(tmp_path)
    slots = (f"s{n}: {{title: S, sizes: {{desktop: 728x90}}}}\n" for n in range(70))
    (folder / "slots.yaml").write_text(SLOTS + "".join(slots), encoding="utf-8")
    assert "  and 10 more (all of them with --format json)\n" in run("plan", folder, memory).stdout
    assert len(answer(folder, memory)["effects"]) == 70


def test_warnings_of_the_files_are_told_beside_the_plan(tmp_path):
    folder, memory = live(tmp_path)
    (folder / "campaigns" / "notes.txt").write_text("…", encoding="utf-8")
    result = run("plan", folder, memory)
    assert "notes.txt: warning:" in result.stderr
    assert result.exit_code == 0
    assert [one["code"] for one in answer(folder, memory)["warnings"]] == ["stray_file"]


def test_json_of_errors_is_that_of_validate(tmp_path):
    folder = write_folder(tmp_path, brulerie=BROKEN)
    result = adserver("plan", "--format", "json", "--config", folder, store=None)
    assert result.exit_code == 1
    assert orjson.loads(result.stdout)["problems"][0]["line"] == 2


def test_errors_are_shown_and_need_no_store(tmp_path):
    folder = write_folder(tmp_path, brulerie=BROKEN)
    result = adserver("plan", "--config", folder, store=None)
    assert result.exit_code == 1
    assert "campaigns/brulerie.yaml:2:" in result.stderr
    assert result.stdout == ""


def test_with_names_the_errors_of_others_do_not_matter(tmp_path):
    folder, memory = live(tmp_path, brulerie=PRICED, tea=PRICED)
    rewrite(folder, brulerie=DEARER, tea=BROKEN)
    result = run("plan", folder, memory, "brulerie")
    assert result.exit_code == 0
    assert "tea" not in result.output
    assert "~ brulerie" in result.stdout


def test_the_folder_remembers_what_it_was_planned_against(tmp_path):
    folder, memory = live(tmp_path)
    mark = orjson.loads((folder / ".adserver" / "live.json").read_bytes())
    assert mark == {
        "store": memory.name,
        "namespace": "adserver",
        "generation": 1,
        "began": memory.clock,
    }


def test_a_folder_that_cannot_remember_says_so(tmp_path):
    folder, memory = live(tmp_path)
    shutil.rmtree(folder / ".adserver")
    (folder / ".adserver").write_text("a file stands in the way", encoding="utf-8")
    result = run("plan", folder, memory)
    assert result.exit_code == 0
    assert "does not remember that generation 1 was live; say `--expect 1`" in result.stderr


# Renames


def renamed(folder: Path, old: str, new: str, says: str = "") -> None:
    text = (folder / "campaigns" / f"{old}.yaml").read_text("utf-8")
    (folder / "campaigns" / f"{old}.yaml").unlink()
    rewrite(folder, **{new: text + (f"renamed_from: {says}\n" if says else "")})


def test_a_rename_that_is_not_said_is_noticed(tmp_path):
    folder, memory = live(tmp_path)
    renamed(folder, "brulerie", "coffee")
    stdout = run("plan", folder, memory).stdout
    assert "+ coffee" in stdout
    assert "write `renamed_from: brulerie` in campaigns/coffee.yaml" in stdout
    assert answer(folder, memory, "--prune")["alike"] == [{"from": "brulerie", "to": "coffee"}]


def test_a_rename_carries_the_counts_over_once(tmp_path):
    folder, memory = live(tmp_path)
    memory.counted.append(row(Metric.IMPRESSION, 90_120))
    renamed(folder, "brulerie", "coffee", says="brulerie")
    assert "> coffee (was brulerie; its counts are carried over)" in (
        run("plan", folder, memory).stdout
    )
    told = answer(folder, memory)
    assert told["renamed"] == [{"from": "brulerie", "to": "coffee"}]
    assert (told["created"], told["ended"], told["effects"]) == ([], [], [])
    assert run("apply", folder, memory, "--yes").exit_code == 0
    assert "Nothing to do" in run("plan", folder, memory).stdout
    report = adserver("report", "--format", "json", "--config", folder, store=memory)
    rows = orjson.loads(report.stdout)["rows"]
    assert [(one["campaign"], one["impressions"]) for one in rows] == [("coffee", 90_120)]
    rewrite(folder, brulerie=CAMPAIGN)
    assert "+ brulerie" in run("apply", folder, memory, "--yes").stdout
    report = adserver("report", "--format", "json", "--config", folder, store=memory)
    rows = orjson.loads(report.stdout)["rows"]
    assert [(one["campaign"], one["impressions"]) for one in rows] == [("coffee", 90_120)]
    assert "Nothing to do" in run("plan", folder, memory).stdout


def test_a_renamed_campaign_alone_may_be_named(tmp_path):
    folder, memory = live(tmp_path, brulerie=CAMPAIGN, tea=PRICED)
    renamed(folder, "brulerie", "coffee", says="brulerie")
    rewrite(folder, tea=BROKEN)
    assert run("apply", folder, memory, "coffee", "--yes").exit_code == 0
    assert sorted(one.name for one in memory.live()[0].catalog.campaigns) == ["coffee", "tea"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"new": CAMPAIGN + "renamed_from: old\n"}, "did you mean `olds`?"),
        (
            {"new": CAMPAIGN + "renamed_from: olds\n", "olds": CAMPAIGN},
            "olds has a file of its own",
        ),
        ({"new": CAMPAIGN + "renamed_from: olds\n", "olds": BROKEN}, "olds has a file of its own"),
        (
            {"new": CAMPAIGN + "renamed_from: olds\n", "newer": CAMPAIGN + "renamed_from: olds\n"},
            "only one of them",
        ),
        ({"taken": CAMPAIGN + "renamed_from: olds\n"}, "taken has counts of its own"),
        ({"gone": CAMPAIGN + "renamed_from: olds\n"}, "gone has counts of its own"),
    ],
)
def test_a_rename_that_cannot_be_is_refused(tmp_path, files, said):
    folder, memory = live(tmp_path, olds=CAMPAIGN, taken=CAMPAIGN, gone=CAMPAIGN)
    (folder / "campaigns" / "gone.yaml").unlink()
    run("apply", folder, memory, "--yes", "--prune")
    (folder / "campaigns" / "olds.yaml").unlink()
    rewrite(folder, **files)
    names = [name for name in files if name != "olds"]
    result = run("plan", folder, memory, *names)
    assert result.exit_code == 1
    assert said in result.stderr
    line = CAMPAIGN.count("\n") + 1
    assert f"{names[-1]}.yaml:{line}:1: error: `renamed_from: " in result.stderr


def test_a_rename_that_is_rolled_back_takes_its_counts_along(tmp_path):
    folder, memory = live(tmp_path)
    memory.counted.append(row(Metric.IMPRESSION, 90_120))
    renamed(folder, "brulerie", "coffee", says="brulerie")
    run("apply", folder, memory, "--yes")
    result = run("rollback", folder, memory, "--yes")
    assert "> brulerie (was coffee; its counts are carried over)" in result.stdout
    report = adserver("report", "--format", "json", "--config", folder, store=memory)
    rows = orjson.loads(report.stdout)["rows"]
    assert [(one["campaign"], one["impressions"]) for one in rows] == [("brulerie", 90_120)]
    assert "> coffee (was brulerie" in run("apply", folder, memory, "--yes").stdout


# Effects


def test_a_slot_that_pages_still_ask_for_goes_only_if_that_is_said(tmp_path):
    folder, memory = live(tmp_path)
    slots = SLOTS + "side: {title: Beside, sizes: {desktop: 300x250}}\n"
    (folder / "slots.yaml").write_text(slots, encoding="utf-8")
    run("apply", folder, memory, "--yes")
    memory.traffic.hours = {int(NOW) - 3_600: {2: 12_000}, int(NOW) - 7_200: {2: 40}}
    (folder / "slots.yaml").write_text(SLOTS, encoding="utf-8")
    for command in (("plan",), ("apply", "--yes")):
        result = run(command[0], folder, memory, *command[1:])
        assert result.exit_code == 1
        assert "x side: the slot is removed" in result.stdout
        assert "12,040 requests since yesterday" in result.stderr
        assert "--remove-slot" in result.stderr
    assert len(memory.made) == 2
    told = answer(folder, memory)
    assert told["effects"][0]["weight"] == "error"
    result = run("apply", folder, memory, "--yes", "--remove-slot")
    assert result.exit_code == 0
    assert "! side: the slot is removed" in result.stdout


def test_what_the_files_are_warned_of_is_told_once(tmp_path):
    half = CAMPAIGN.replace("tier: remnant", "tier: sponsorship\ngoal: {share: 50%}")
    most = half.replace("50%", "60%")
    folder, memory = live(tmp_path, brulerie=half, tea=half)
    rewrite(folder, brulerie=most)
    result = run("plan", folder, memory)
    assert "110% of slot `post-top` is sold" in result.stderr
    assert "sponsorships have" not in result.stdout
    # What stays without a file is not in what the files are warned of.
    (folder / "campaigns" / "brulerie.yaml").unlink()
    rewrite(folder, cider=most)
    result = run("plan", folder, memory)
    assert "! post-top: sponsorships have 160% of it at the same time" in result.stdout


def test_a_value_that_no_page_sends_is_pointed_out(tmp_path):
    folder, memory = live(tmp_path)
    site = (folder / "site.yaml").read_text("utf-8") + "context: {tags: {many: true}}\n"
    (folder / "site.yaml").write_text(site, encoding="utf-8")
    memory.samples.by_slot[1] = [Sample(Context(facts=(("tags", ("thé",)),)), 1.0)] * 40
    rewrite(folder, brulerie=CAMPAIGN + "targeting: {tags: {any: [Thé, caffé], none: [crime]}}\n")
    assert memory.live()[0].catalog.campaigns[0].targeting == ()
    stdout = run("plan", folder, memory).stdout
    assert "! brulerie: none of 40 requests sampled in 7 days had tags `caffé`" in stdout
    run("apply", folder, memory, "--yes")
    assert memory.live()[0].catalog.campaigns[0].targeting[0] == Clause(
        "tags", any=("Thé", "caffé"), none=("crime",)
    )
    rewrite(folder, brulerie=(folder / "campaigns/brulerie.yaml").read_text() + "weight: 2\n")
    assert "sampled" not in run("plan", folder, memory).stdout


ON_A_TERMINAL = """
import sys
from contextlib import nullcontext
from tests.cli.command import Plane
from tests.memory import store
from adserver.cli import cli
from adserver.cli.options import Invocation

cli(obj=Invocation(control_plane=lambda _: nullcontext(Plane.of(store()))))
"""


@pytest.mark.parametrize("plain", [False, True])
def test_a_terminal_shows_colours_unless_it_is_asked_not_to(tmp_path, plain):
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm", **({"NO_COLOR": "1"} if plain else {})}
    if not plain:
        env.pop("NO_COLOR", None)
    done = subprocess.run(
        [sys.executable, "-c", ON_A_TERMINAL, "plan", "--config", str(write_folder(tmp_path))],
        stdout=theirs,
        stderr=subprocess.PIPE,
        env=env,
        timeout=60,
        cwd=Path(package.__file__).parents[1],
        check=False,
    )
    os.close(theirs)
    shown = os.read(ours, 65_536).decode()
    os.close(ours)
    assert done.returncode == 0, done.stderr
    assert ("\x1b[32m+ brulerie" in shown) is not plain
    assert "+ brulerie" in shown
