"""Hosts with other letters than ASCII are shown both ways, and mixed alphabets are warned of."""

from __future__ import annotations

from pathlib import Path

import pytest

from adserver.core.problems import Severity
from adserver.publishing.read import Reading
from tests.publishing.campaign_folder import SMALLEST, make_folder, read_with


def reading(folder: Path, host: str) -> Reading:
    return read_with(folder, mine=SMALLEST.replace("blog.example", host))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path)


def told(read: Reading) -> list[tuple[Severity, str, str]]:
    return [(one.severity, one.code, one.message) for one in read.problems]


@pytest.mark.parametrize("written", ["bücher.example", "xn--bcher-kva.example", "BÜCHER.example"])
def test_an_international_host_is_shown_both_ways(folder: Path, written: str) -> None:
    read = reading(folder, written)
    message = "leads to bücher.example (xn--bcher-kva.example)"
    assert told(read) == [(Severity.NOTICE, "foreign_host", message)]
    assert read.catalog is not None
    mine = next(c for c in read.catalog.campaigns if c.name == "mine")
    assert mine.creatives[0].link == "https://xn--bcher-kva.example/lettre"


def test_alphabets_that_nobody_mixes_are_warned_of(folder: Path) -> None:
    message = (
        "leads to pаypal.example (xn--pypal-4ve.example); `pаypal` mixes Cyrillic and Latin letters"
    )
    assert told(reading(folder, "pаypal.example")) == [(Severity.WARNING, "mixed_host", message)]


def test_an_address_of_the_site_is_shown_too(folder: Path) -> None:
    site = folder / "site.yaml"
    site.write_text(site.read_text("utf-8").replace("revue.example", "révue.example"), "utf-8")
    (found,) = read_with(folder).problems
    assert (found.code, Path(found.file).name) == ("foreign_host", "site.yaml")
