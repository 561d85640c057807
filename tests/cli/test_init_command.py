"""`adserver init`: a folder that is good from the first minute, and never in place of another."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adserver.cli import guesses
from adserver.publishing.read import read_folder
from adserver.publishing.starting import Publication, problems_of, site_key, starting_files
from tests.cli.command import adserver
from tests.terminal import on_terminal

ENGLISH = {"LC_ALL": "en_GB.UTF-8", "TZ": "Europe/London"}


def test_what_it_writes_has_no_problem(tmp_path: Path) -> None:
    folder = tmp_path / "le-comptoir" / "config"
    result = adserver("init", folder, env=ENGLISH)
    assert result.exit_code == 0, result.stderr
    reading = read_folder(folder)
    assert reading.problems == ()
    assert reading.catalog is not None
    site = reading.catalog.site
    assert (site.name, site.language, site.timezone, site.currency) == (
        "Le Comptoir",
        "en",
        "Europe/London",
        "GBP",
    )
    assert [slot.name for slot in reading.catalog.slots] == ["home-top", "post-top", "post-bottom"]
    assert (folder / ".gitignore").read_text("utf-8") == ".adserver/\n"
    for path in (folder / "site.yaml", folder / "slots.yaml", folder / "campaigns" / "house.yaml"):
        header = path.read_text("utf-8").partition("\n")[0]
        assert header.startswith("# yaml-language-server: $schema=")
        assert (path.parent / header.partition("=")[2]).is_file()
    assert adserver("validate", "--config", folder).stdout == "no problems; 1 campaign read\n"


def test_it_says_what_it_has_written_and_guessed_and_what_comes_next(tmp_path: Path) -> None:
    said = adserver("init", tmp_path / "config", "--name", "Le Comptoir", env=ENGLISH).stdout
    assert f"wrote {tmp_path / 'config' / 'site.yaml'}" in said
    assert "guessed timezone: Europe/London" in said
    assert "guessed name" not in said
    assert f"adserver --config {tmp_path / 'config'} validate" in said


def test_every_answer_may_be_an_option(tmp_path: Path) -> None:
    result = adserver(
        *("--format", "json", "init", tmp_path / "config"),
        *("--name", "L’Écho: revue #1", "--site", "https://www.echo.example/revue"),
        *("--language", "fr-CA", "--timezone", "America/Toronto", "--currency", "CAD"),
    )
    answer = orjson.loads(result.stdout)
    assert answer["guessed"] == []
    assert answer["files"][0] == str(tmp_path / "config" / "site.yaml")
    catalog = read_folder(tmp_path / "config").catalog
    assert catalog is not None
    assert catalog.site.name == "L’Écho: revue #1"
    assert dict(catalog.site.sites) == {"echo": "https://www.echo.example/revue"}
    assert catalog.site.label["fr-CA"] == "Publicité"
    assert catalog.slots[0].title == "En haut de la page d’accueil"


def test_without_an_argument_the_config_folder_is_meant(tmp_path: Path) -> None:
    assert adserver("init", "--config", tmp_path / "ads").exit_code == 0
    assert (tmp_path / "ads" / "site.yaml").is_file()


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--timezone", "Europe/Pariss", "did you mean `Europe/Paris`"),
        ("--currency", "euro", "three capitals such as EUR"),
        ("--language", "français", "a language tag such as fr"),
        ("--site", "gazette.example", "--site: `sites.site`"),
        ("--site", "http://[", "--site: `sites.site`"),
        ("--name", "", "--name: `name`: expected a text"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused_and_nothing_is_written(
    tmp_path: Path, option: str, value: str, said: str
) -> None:
    result = adserver("init", tmp_path / "config", option, value)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize("name", ["site.yaml", "campaigns/house.yaml", ".gitignore"])
def test_nothing_is_written_where_one_of_the_files_is_there(tmp_path: Path, name: str) -> None:
    there = tmp_path / name
    there.parent.mkdir(exist_ok=True)
    there.write_text("mine", "utf-8")
    before = sorted(tmp_path.rglob("*"))
    result = adserver("init", tmp_path)
    assert result.exit_code == 2
    assert f"{there} is there already" in result.stderr
    assert sorted(tmp_path.rglob("*")) == before
    assert there.read_text("utf-8") == "mine"


def test_a_link_to_nowhere_is_in_the_way_as_well(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").symlink_to("/nowhere/at/all")
    assert adserver("init", tmp_path).exit_code == 2


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = adserver("init", tmp_path / "file" / "config")
    assert result.exit_code == 2
    assert "cannot be written: Not a directory" in result.stderr


def test_on_a_terminal_it_asks_and_asks_again(tmp_path: Path) -> None:
    with on_terminal(tmp_path, "init", env={"LANG": "fr_FR.UTF-8", "TZ": "Europe/Paris"}) as person:
        person.answer("called?", "La Gazette du Port")
        person.answer("pages?", "gazette.example")
        person.answer("pages?", "https://gazette.example")
        person.answer("[fr]", "")
        person.answer("[Europe/Paris]", "")
        person.answer("[EUR]", "CHF")
        assert person.ended() == 0, person.said
    assert "Error: --site: " in person.said
    catalog = read_folder(tmp_path / "config").catalog
    assert catalog is not None
    assert (catalog.site.name, catalog.site.currency) == ("La Gazette du Port", "CHF")


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({"LANG": "fr_CH.UTF-8"}, ("fr", "CH")),
        ({"LC_ALL": "de_DE@euro", "LANG": "fr_FR"}, ("de", "DE")),
        ({"LANG": "C.UTF-8"}, ("en", "")),
        ({"LANG": "POSIX"}, ("en", "")),
        ({}, ("en", "")),
    ],
)
def test_the_language_is_guessed_from_the_locale(
    environment: dict[str, str], found: tuple[str, str]
) -> None:
    assert guesses.locale(environment) == found


def test_the_zone_is_guessed_from_the_machine(tmp_path: Path) -> None:
    (tmp_path / "zoneinfo" / "Europe").mkdir(parents=True)
    (tmp_path / "zoneinfo" / "Europe" / "Paris").touch()
    local = tmp_path / "localtime"
    local.symlink_to(tmp_path / "zoneinfo" / "Europe" / "Paris")
    assert guesses.timezone({}, local) == "Europe/Paris"
    assert guesses.timezone({"TZ": ":Asia/Tokyo"}, local) == "Asia/Tokyo"
    assert guesses.timezone({"TZ": "CET-1CEST"}, local) == "UTC"
    assert guesses.timezone({}, tmp_path / "nothing") == "UTC"


def test_a_guess_that_our_files_do_not_allow_gives_way(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    assert adserver("init", folder, env={"TZ": "Mars/Olympus_Mons"}).exit_code == 0
    assert read_folder(folder).problems == ()


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("https://www.gazette.example", "gazette"),
        ("https://127.0.0.1:8080", "site"),
        ("http://localhost:8080", "site"),
        ("http://[", "site"),
    ],
)
def test_a_site_has_a_short_name(address: str, key: str) -> None:
    assert site_key(address) == key


NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=60)


@given(NAMES, st.sampled_from(["fr", "en", "de", "pt-BR", "ja"]))
@settings(max_examples=50)
def test_whatever_it_is_called_the_folder_is_good(name: str, language: str) -> None:
    publication = Publication(name, "https://a.example", language, "Europe/Paris", "EUR")
    assert problems_of(publication) == []
    assert f"language: {language} " in starting_files(publication)["site.yaml"]


def test_files_have_the_rights_that_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        adserver("init", tmp_path / "config")
    finally:
        os.umask(before)
    assert (tmp_path / "config" / "site.yaml").stat().st_mode & 0o777 == 0o640
    assert list((tmp_path / "config").glob(".*.new")) == []
