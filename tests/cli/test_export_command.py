"""`adserver export`: what is live as a folder, without surprises for what is there."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.cli.command import CAMPAIGN, SITE, adserver, write_folder
from tests.factories import catalog
from tests.memory import MemoryStore, store
from tests.publishing.test_export import write_pictures

HEAVY = CAMPAIGN + "weight: 2\n"


@pytest.fixture
def memory(tmp_path: Path) -> MemoryStore:
    """Two generations: a and b; a heavier."""
    made = MemoryStore()
    for number, weight in enumerate((CAMPAIGN, HEAVY)):
        folder = write_folder(tmp_path / f"applied-{number}", a=weight, b=CAMPAIGN)
        adserver("apply", "--yes", "--config", folder, store=made)
    return made


def text_of(folder: Path, name: str) -> str:
    return (folder / "campaigns" / f"{name}.yaml").read_text("utf-8")


def test_what_is_live_is_written_and_is_an_empty_plan(memory: MemoryStore, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "config"
    result = adserver("export", folder, store=memory)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"Generation 2 is in {folder}: 4 files written.\n"
    assert result.stderr == ""
    assert (text_of(folder, "a"), text_of(folder, "b")) == (HEAVY, CAMPAIGN)
    again = adserver("apply", "--config", folder, store=memory)
    assert "Nothing to do" in again.stdout


def test_it_goes_into_the_config_folder_unless_told_otherwise(
    memory: MemoryStore, tmp_path: Path
) -> None:
    assert adserver("export", "--config", tmp_path / "config", store=memory).exit_code == 0
    assert text_of(tmp_path / "config", "a") == HEAVY


def test_an_earlier_generation_is_written_if_asked_for(memory: MemoryStore, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert adserver("export", folder, "--generation", "1", store=memory).exit_code == 0
    assert text_of(folder, "a") == CAMPAIGN


def test_what_differs_is_listed_and_nothing_is_written(memory: MemoryStore, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, a=CAMPAIGN)
    result = adserver("export", folder, store=memory)
    assert result.exit_code == 1
    assert f"{folder}/campaigns/a.yaml differs from generation 2." in result.stderr
    assert "Nothing was written. Say --overwrite" in result.stderr
    assert not (folder / "campaigns/b.yaml").exists()
    result = adserver("export", folder, "--overwrite", store=memory)
    assert result.exit_code == 0
    assert result.stdout.endswith("2 files written, 2 were there already.\n")
    assert text_of(folder, "a") == HEAVY


def test_of_many_that_differ_some_are_named(memory: MemoryStore, tmp_path: Path) -> None:
    made = MemoryStore()
    many = {f"c{number}": CAMPAIGN for number in range(25)}
    adserver("apply", "--yes", "--config", write_folder(tmp_path / "1", **many), store=made)
    others = write_folder(tmp_path / "2", **dict.fromkeys(many, HEAVY))
    result = adserver("export", others, store=made)
    assert result.stderr.count("differs from generation") == 20
    assert "… and 5 more." in result.stderr


def test_what_is_there_besides_is_pointed_out(memory: MemoryStore, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, a=HEAVY, mine=CAMPAIGN)
    result = adserver("export", folder, store=memory)
    assert result.exit_code == 0
    assert "1 file written, 3 were there already." in result.stdout
    assert f"{folder}/campaigns/mine.yaml stays" in result.stderr


def test_what_stands_in_the_way_is_told(memory: MemoryStore, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, b=CAMPAIGN)
    (folder / "campaigns/a.yml").write_text(HEAVY, encoding="utf-8")
    result = adserver("export", folder, "--overwrite", store=memory)
    assert result.exit_code == 1
    assert "campaigns/a.yaml cannot be written: campaigns/a.yml is a file of" in result.stderr
    assert result.stderr.endswith("Nothing was written.\n")


def test_as_json_it_says_all_of_it(memory: MemoryStore, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, a=CAMPAIGN)
    result = adserver("export", folder, "--format", "json", store=memory)
    assert orjson.loads(result.stdout) == {
        "generation": 2,
        "folder": str(folder),
        "written": [],
        "other": ["campaigns/a.yaml"],
        "in_the_way": {},
    }
    result = adserver("export", folder, "--overwrite", "--format", "json", store=memory)
    assert orjson.loads(result.stdout) == {
        "generation": 2,
        "folder": str(folder),
        "same": ["site.yaml", "slots.yaml"],
        "moved": {},
        "differs": [],
        "not_live": [],
        "written": ["campaigns/b.yaml", "campaigns/a.yaml"],
    }


def test_a_campaign_that_was_read_with_another_site_is_written_and_told(
    memory: MemoryStore, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path, b=HEAVY)
    (folder / "site.yaml").write_text(SITE.replace("Europe/Paris", "UTC"), encoding="utf-8")
    assert adserver("apply", "b", "--yes", "--config", folder, store=memory).exit_code == 0
    result = adserver("export", tmp_path / "out", store=memory)
    assert result.exit_code == 1
    assert "b reads otherwise than it is live" in result.stderr
    assert text_of(tmp_path / "out", "b") == HEAVY


def test_before_any_apply_there_is_nothing_to_export(tmp_path: Path) -> None:
    result = adserver("export", tmp_path / "out", store=store())
    assert result.exit_code == 1
    assert "nothing to export" in result.stderr
    assert not (tmp_path / "out").exists()


def test_what_an_earlier_release_has_applied_is_refused(tmp_path: Path) -> None:
    result = adserver("export", tmp_path / "out", store=store(catalog()))
    assert result.exit_code == 1
    assert "apply once more with this one" in result.stderr


def test_what_is_no_longer_kept_is_refused(memory: MemoryStore, tmp_path: Path) -> None:
    memory.forget(1)
    result = adserver("export", tmp_path / "out", "--generation", "1", store=memory)
    assert (result.exit_code, "no longer kept" in result.stderr) == (1, True)


def test_two_pictures_of_one_path_are_pointed_out(tmp_path: Path) -> None:
    memory = MemoryStore()
    for number, name in enumerate("az"):
        folder = write_pictures(tmp_path / str(number), {name: (0, number)}, number)
        adserver("apply", "--yes", "--config", folder, store=memory)
    result = adserver("export", tmp_path / "out", store=memory)
    assert result.exit_code == 0
    assert "campaigns/z.yaml names images/z/b-728x90.png, as images/b-728x90.png" in result.stderr
