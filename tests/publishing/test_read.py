"""A folder is read as a whole: every problem at once, and the good part of it all the same."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from adserver.core.assets import digest_of
from adserver.publishing.read import read_folder
from tests.factories import NOW
from tests.publishing.campaign_folder import SMALLEST, codes, make_folder, read_with, told

SHIPPED = Path(__file__).parents[2] / "config"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path)


def test_the_good_folder_has_no_problem(folder: Path) -> None:
    reading = read_folder(folder)
    assert reading.problems == ()
    assert reading.catalog is not None
    assert reading.catalog == reading.partial
    assert [slot.name for slot in reading.catalog.slots] == ["home-top", "post-top", "post-bottom"]
    assert [c.name for c in reading.catalog.campaigns] == ["brulerie-automne", "house"]
    assert reading.broken == frozenset()


def test_the_shipped_folder_has_no_problem() -> None:
    assert read_folder(SHIPPED).problems == ()
    assert read_folder(SHIPPED, now=NOW).problems == ()


def test_assets_are_the_files_that_are_shown_by_their_content(folder: Path) -> None:
    reading = read_folder(folder)
    assert len(reading.assets) == 4
    for digest, asset in reading.assets.items():
        assert digest == digest_of(asset.data)
    kinds = sorted(asset.media_type for asset in reading.assets.values())
    assert kinds == ["image/png", "image/png", "image/png", "text/html"]


def test_a_broken_campaign_leaves_the_others_readable(folder: Path) -> None:
    reading = read_with(folder, bad=SMALLEST.replace("house", "houze"), new=SMALLEST)
    assert reading.catalog is None
    assert reading.broken == {"bad"}
    assert reading.partial is not None
    assert [c.name for c in reading.partial.campaigns] == ["brulerie-automne", "house", "new"]


def test_problems_of_all_files_are_told_at_once_and_in_order(folder: Path) -> None:
    (folder / "site.yaml").write_text("nome: x\n", encoding="utf-8")
    (folder / "slots.yaml").write_text("a: 1\n", encoding="utf-8")
    reading = read_with(folder, b="tier: x\n", a="tier: y\n")
    files = [Path(problem.file).name for problem in reading.problems]
    assert {"a.yaml", "b.yaml", "site.yaml", "slots.yaml"} <= set(files)
    assert list(reading.problems) == sorted(reading.problems)
    assert (reading.catalog, reading.partial) == (None, None)


def test_a_file_is_named_as_the_user_gave_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    (folder / "campaigns" / "bad.yaml").write_text("tier: x\n", encoding="utf-8")
    reading = read_folder(Path("config"))
    assert {problem.file for problem in reading.problems} == {"config/campaigns/bad.yaml"}
    assert reading.sources["config/campaigns/bad.yaml"] == "tier: x\n"


def test_a_missing_folder_is_a_problem(tmp_path: Path) -> None:
    reading = read_folder(tmp_path / "config")
    assert codes(reading) == ["missing_folder"]
    assert reading.catalog is None


def test_an_empty_folder_misses_its_files(tmp_path: Path) -> None:
    reading = read_folder(tmp_path)
    assert sorted(codes(reading)) == ["missing_file", "missing_file", "no_campaigns"]


def test_a_site_without_campaigns_is_a_catalog(folder: Path) -> None:
    shutil.rmtree(folder / "campaigns")
    (folder / "campaigns").mkdir()
    reading = read_folder(folder)
    assert codes(reading) == ["no_house_campaign"]
    assert reading.catalog is not None
    assert reading.catalog.campaigns == ()


def test_a_slot_that_waits_for_a_house_campaign_is_pointed_out(folder: Path) -> None:
    (folder / "campaigns" / "house.yaml").unlink()
    reading = read_folder(folder)
    assert told(reading, folder) == [
        "slots.yaml:1:1: warning: slot `home-top` has `on_empty: house`, "
        "and no house campaign books it"
    ]
    assert reading.catalog is not None


def test_a_draft_fills_no_house_slot(folder: Path) -> None:
    reading = read_with(folder, house=SMALLEST + "state: draft\n")
    assert codes(reading) == ["no_house_campaign"]


def test_what_lies_among_the_campaigns_is_pointed_out(folder: Path) -> None:
    (folder / "campaigns" / "notes.txt").write_text("x", encoding="utf-8")
    (folder / "campaigns" / "old").mkdir()
    (folder / "campaigns" / ".DS_Store").write_text("x", encoding="utf-8")
    reading = read_folder(folder)
    assert [Path(problem.file).name for problem in reading.problems] == ["notes.txt", "old"]
    assert set(codes(reading)) == {"stray_file"}
    assert reading.catalog is not None


def test_a_file_may_end_in_yml(folder: Path) -> None:
    (folder / "campaigns" / "more.yml").write_text(SMALLEST, encoding="utf-8")
    reading = read_folder(folder)
    assert reading.catalog is not None
    assert "more" in [campaign.name for campaign in reading.catalog.campaigns]


@pytest.mark.parametrize("name", ["House.yaml", "house.yml"])
def test_names_of_campaigns_differ_in_more_than_case(folder: Path, name: str) -> None:
    (folder / "campaigns" / name).write_text(SMALLEST, encoding="utf-8")
    assert codes(read_folder(folder)) == ["duplicate_name"]


@pytest.mark.parametrize("name", ["été.yaml", "a b.yaml", "-x.yaml", "x" * 81 + ".yaml"])
def test_a_campaign_has_a_plain_name(folder: Path, name: str) -> None:
    (folder / "campaigns" / name).write_text(SMALLEST, encoding="utf-8")
    reading = read_folder(folder)
    assert codes(reading) == ["bad_name"]
    assert reading.broken == {Path(name).stem}


def test_a_file_name_that_is_not_utf8_can_still_be_printed(folder: Path) -> None:
    name = os.fsencode(folder / "campaigns") + b"/caf\xe9.yaml"
    with open(name, "wb") as file:
        file.write(SMALLEST.encode())
    reading = read_folder(folder)
    assert codes(reading) == ["bad_name"]
    assert reading.problems[0].file.encode().endswith(b"caf\\udce9.yaml")


def test_a_campaign_that_is_a_dead_link_is_a_problem(folder: Path) -> None:
    (folder / "campaigns" / "gone.yaml").symlink_to(folder / "nowhere.yaml")
    reading = read_folder(folder)
    assert codes(reading) == ["missing_file"]
    assert reading.broken == {"gone"}


@pytest.mark.parametrize("name", ["site.yaml", "slots.yaml", "campaigns/leak.yaml"])
def test_a_file_that_is_a_link_out_of_the_folder_is_refused_and_never_shown(
    folder: Path, tmp_path: Path, name: str
) -> None:
    """What is told of a file shows some of it: a pushed link would give away a secret."""
    secret = tmp_path / "secret.key"
    secret.write_text("a-secret-that-nobody-may-see", encoding="utf-8")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(secret)
    reading = read_folder(folder)
    assert "outside_folder" in codes(reading)
    assert reading.catalog is None
    assert "nobody-may-see" not in f"{reading.problems} {reading.sources}"


def test_a_good_campaign_that_lies_outside_the_folder_is_refused_too(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(SMALLEST, encoding="utf-8")
    (folder / "campaigns" / "mine.yaml").symlink_to(tmp_path / "mine.yaml")
    assert codes(read_folder(folder)) == ["outside_folder"]


def test_a_link_within_the_folder_is_followed(folder: Path) -> None:
    (folder / "drafts").mkdir()
    (folder / "drafts" / "mine.yaml").write_text(SMALLEST, encoding="utf-8")
    (folder / "campaigns" / "mine.yaml").symlink_to("../drafts/mine.yaml")
    assert codes(read_folder(folder)) == []


def test_campaigns_that_are_a_link_out_of_the_folder_are_refused_at_once(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "campaigns").rename(tmp_path / "elsewhere")
    (folder / "campaigns").symlink_to(tmp_path / "elsewhere")
    reading = read_folder(folder)
    assert codes(reading)[0] == "outside_folder"
    assert reading.catalog is None
    assert reading.partial is not None
    assert reading.partial.campaigns == ()


@pytest.mark.parametrize("name", ["z\n::error::x.yaml", "e\x1b[31mred.yaml", "t\u202eyxt.yaml"])
def test_a_file_name_that_moves_a_terminal_is_told_in_one_plain_line(
    folder: Path, name: str
) -> None:
    (folder / "campaigns" / name).write_text(SMALLEST, encoding="utf-8")
    reading = read_folder(folder)
    assert codes(reading) == ["bad_name"]
    assert all(f"{p.file}{p.message}{p.hint}".isprintable() for p in reading.problems)


def test_campaigns_that_are_no_folder_are_a_problem(folder: Path) -> None:
    shutil.rmtree(folder / "campaigns")
    (folder / "campaigns").write_text("x", encoding="utf-8")
    assert "unreadable_folder" in codes(read_folder(folder))


def test_without_slots_their_names_are_not_doubted(folder: Path) -> None:
    (folder / "slots.yaml").unlink()
    assert codes(read_folder(folder)) == ["missing_file"]


def test_a_publisher_without_latin_letters_is_its_first_site_in_utm(folder: Path) -> None:
    site = folder / "site.yaml"
    site.write_text(site.read_text("utf-8").replace("Le Comptoir", "新聞"), encoding="utf-8")
    reading = read_with(folder, mine=SMALLEST + "utm: true\n")
    assert reading.catalog is not None, reading.problems
    mine = next(c for c in reading.catalog.campaigns if c.name == "mine")
    assert "utm_source=blog&" in mine.creatives[0].link


def test_a_draft_is_read_as_if_it_stood_in_the_folder(tmp_path):
    folder = make_folder(tmp_path)
    before = {campaign.name for campaign in read_folder(folder).catalog.campaigns}
    drafts = {"campaigns/lettre.yaml": SMALLEST}
    read = read_folder(folder, drafts)
    assert {campaign.name for campaign in read.catalog.campaigns} == before | {"lettre"}
    assert read.files["campaigns/lettre.yaml"].keys() == {"campaigns/lettre.yaml"}
    (folder / "campaigns" / "lettre.yaml").write_text("tier: gold\n")
    assert read_folder(folder, drafts).catalog == read.catalog
    alone = read_folder(folder, drafts, alone=True)
    assert [campaign.name for campaign in alone.catalog.campaigns] == ["lettre"]


def test_what_is_wrong_with_a_draft_has_its_place(tmp_path):
    folder = make_folder(tmp_path)
    text = SMALLEST.replace("house", "hous")
    read = read_folder(folder, {"campaigns/lettre.yaml": text}, alone=True)
    assert told(read, folder, "campaigns/lettre.yaml") == [
        "1:7: error: `tier`: expected sponsorship, standard, remnant or house, found `hous`"
    ]
    assert read.sources[str(folder / "campaigns" / "lettre.yaml")] == text


@pytest.mark.parametrize(
    ("text", "code"), [("a: \udce9\n", "not_utf8"), ("a: " + "x" * 1_100_000, "file_too_large")]
)
def test_a_draft_that_could_be_no_file_is_refused(tmp_path, text, code):
    folder = make_folder(tmp_path)
    assert codes(read_folder(folder, {"campaigns/x.yaml": text}, alone=True)) == [code]


def test_drafts_need_no_folder_of_campaigns_yet(tmp_path):
    folder = make_folder(tmp_path)
    shutil.rmtree(folder / "campaigns")
    read = read_folder(folder, {"campaigns/lettre.yaml": SMALLEST})
    assert "no_campaigns" not in codes(read)
