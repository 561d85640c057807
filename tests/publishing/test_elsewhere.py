"""Half of the work is done by another process, and what comes of it is the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from adserver.publishing.campaign_files import MANY_FILES
from adserver.publishing.elsewhere import begin, cores
from adserver.publishing.read import Reading, read_folder
from tests.factories import NOW
from tests.publishing.bad_recipes import CAMPAIGN, put
from tests.publishing.campaign_folder import make_folder

BAD = ("key-unknown", "image-missing", "html-undeclared-hosts", "yaml-empty", "slot-unknown")


def test_another_process_does_the_work() -> None:
    awaited = begin(os.getpid)
    assert awaited() != os.getpid()


def test_where_it_comes_to_grief_the_work_is_done_here() -> None:
    here = os.getpid()

    def work() -> int:
        if os.getpid() != here:
            os._exit(1)
        return here

    assert begin(work)() == here


def test_an_error_is_raised_here() -> None:
    def work() -> None:
        raise ValueError("wrong")

    awaited = begin(work)
    with pytest.raises(ValueError, match="wrong"):
        awaited()


def test_what_cannot_be_handed_back_is_made_here_and_is_told(
    capfd: pytest.CaptureFixture[str],
) -> None:
    made = begin(lambda: lambda: "answer")()
    assert made() == "answer"
    assert "pickle" in capfd.readouterr().err.lower()


def test_there_is_at_least_one_core() -> None:
    assert cores() >= 1


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """More campaigns than one process reads, good and bad, with names and advertisers twice."""
    folder = make_folder(tmp_path)
    for number in range(MANY_FILES):
        advertiser = "Brûlerie du Роrt" if number % 50 == 7 else "Brûlerie du Port"
        text = CAMPAIGN.replace("Brûlerie du Port", advertiser)
        if number % 3 == 0:
            text = text.replace(
                "text: {headline: La lettre}", "alt: a, images: [images/b-970x250.png]"
            )
        (folder / "campaigns" / f"c{number:03}.yaml").write_text(text, encoding="utf-8")
    (folder / "campaigns" / "C001.yml").write_text(CAMPAIGN, encoding="utf-8")
    (folder / "campaigns" / "notes.txt").write_text("x", encoding="utf-8")
    return folder


def seen(reading: Reading) -> tuple[object, ...]:
    """All of a reading; its assets by what they hold."""
    return (
        reading.catalog, reading.partial, dict(reading.assets), reading.problems, reading.sources,
        reading.broken, reading.files, reading.texts, reading.sizes,
    )  # fmt: skip


@pytest.mark.parametrize("bad", [(), BAD], ids=["good", "bad"])
def test_two_processes_read_what_one_reads(
    many: Path, bad: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    if not bad:
        (many / "campaigns" / "C001.yml").unlink()
    for name in bad:
        put(name, many)
    alone, together = (read_folder(many, now=NOW, cores=n) for n in (1, 2))
    assert seen(together) == seen(alone)
    assert (together.catalog is None) == bool(bad)
    assert len([p for p in together.problems if p.code == "advertiser_twin"]) == 4
    assert capfd.readouterr().err == ""  # the other one could hand back what it had read
