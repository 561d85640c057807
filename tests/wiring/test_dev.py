"""`serve --dev` from save to store: what is applied, what is said, and what it lives through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from starlette.testclient import TestClient

from adserver.core.errors import SettingsError
from adserver.core.publication import Content, Entry
from adserver.publishing.read import Reading
from adserver.publishing.starting import HOUSE_FILE, Publication, starting_files
from adserver.publishing.writing import write_new
from adserver.settings import Settings
from adserver.store.embedded import Embedded
from adserver.wiring.control import control_plane
from adserver.wiring.dev import (
    MAX_SHOWN_CHANGES,
    Workbench,
    refuse_what_is_live,
    refuse_what_is_not_ours,
    run_dev,
)
from adserver.wiring.dev_pages import dev_pages
from tests.hostile_names import EVERYTHING, Read

ADDRESS = "http://127.0.0.1:8080"
ACTIVE = {"script", "base", "img", "style", "iframe", "onmouseover", "onfocus", "onerror"}
GAZETTE = Publication("Gazette", "https://gazette.example", "en", "Europe/London", "GBP")


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    write_new(tmp_path / "config", starting_files(GAZETTE))
    store = Embedded(tmp_path / "var")
    with store.used(stop_if_last=True):
        yield Settings(
            redis=f"embedded:{store.folder}", config=tmp_path / "config", state=tmp_path / "var"
        )


class Bench(Workbench):
    """One that keeps what it says."""

    @classmethod
    def of(cls, settings: Settings) -> tuple[Bench, list[str]]:
        said: list[str] = []
        return cls(settings, said.append, codes), said


def codes(reading: Reading) -> list[str]:
    return [f"{Path(p.file).name}: {p.code}" for p in reading.problems]


def save(settings: Settings, name: str, text: str) -> None:
    (settings.config / name).write_text(text, "utf-8")


def test_what_is_saved_is_applied_and_told(settings: Settings) -> None:
    bench, said = Bench.of(settings)
    bench.look(ADDRESS)
    assert "applied in" in said[0]
    assert "    + house" in said
    with control_plane(settings) as plane:
        live = plane.catalogs.live()
    assert live is not None
    generation, published = live
    assert (published.number, published.author, published.kind) == (1, "serve --dev", "dev")
    assert generation.catalog.site.server == ADDRESS
    assert set(generation.files) == {"site.yaml", "slots.yaml", HOUSE_FILE}


def test_nothing_is_said_while_nothing_is_saved(settings: Settings) -> None:
    bench, said = Bench.of(settings)
    bench.look(ADDRESS)
    before = len(said)
    bench.look(ADDRESS)
    assert len(said) == before
    save(settings, "site.yaml", (settings.config / "site.yaml").read_text("utf-8") + "# more\n")
    bench.look(ADDRESS)
    assert said[-1].endswith("s, nothing is different")


def test_a_mistake_is_told_and_changes_nothing(settings: Settings) -> None:
    bench, said = Bench.of(settings)
    bench.look(ADDRESS)
    save(settings, HOUSE_FILE, "tier: gold\n")
    bench.look(ADDRESS)
    assert "house.yaml: missing_key" in said
    assert said[-1].endswith("not applied: the last good version is served")
    with control_plane(settings) as plane:
        live = plane.catalogs.live()
    assert live is not None
    assert live[1].number == 1


def test_a_long_plan_is_cut(settings: Settings) -> None:
    text = (settings.config / HOUSE_FILE).read_text("utf-8")
    for number in range(MAX_SHOWN_CHANGES):
        save(settings, f"campaigns/house-{number}.yaml", text)
    bench, said = Bench.of(settings)
    bench.look(ADDRESS)
    lines = [line for line in said if line.startswith("    ")]
    assert len(lines) == MAX_SHOWN_CHANGES + 1
    assert "    + house-0" in lines
    assert not any(line.startswith("     ") for line in lines)  # names first, details later
    assert said[-1].endswith("more lines")


def test_a_store_that_is_away_is_told_once_and_tried_until_it_is_back(
    settings: Settings, tmp_path: Path
) -> None:
    bench, said = Bench.of(settings)
    blocked = tmp_path / "elsewhere"
    blocked.write_text("no folder")
    bench.settings = settings.model_copy(update={"redis": f"embedded:{blocked}"})
    bench.look(ADDRESS)
    bench.look(ADDRESS)
    assert len(said) == 1
    assert "not applied, and tried again: " in said[0]
    bench.settings = settings
    bench.look(ADDRESS)
    assert "applied in" in said[1]


def test_a_server_another_machine_and_a_store_in_use_are_refused(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="a store of its own"):
        refuse_what_is_not_ours(Settings(redis="redis://127.0.0.1:1"))
    with pytest.raises(SettingsError, match=r"0\.0\.0\.0 can be reached"):
        refuse_what_is_not_ours(settings.model_copy(update={"host": "0.0.0.0"}))
    refuse_what_is_not_ours(settings)
    with control_plane(settings) as plane:
        refuse_what_is_live(settings, plane)
        Bench.of(settings)[0].look(ADDRESS)
        refuse_what_is_live(settings, plane)
        live = plane.catalogs.live()
        assert live is not None
        plane.catalogs.publish(1, live[0].catalog, Content(live[0].files), Entry("ana"))
        with pytest.raises(SettingsError, match="was applied by ana"):
            refuse_what_is_live(settings, plane)


def test_it_refuses_before_it_does_anything(tmp_path: Path) -> None:
    asked = Settings(redis="redis://127.0.0.1:1", config=tmp_path, state=tmp_path)
    with pytest.raises(SettingsError):
        run_dev(asked, print, codes, confirmed=False)


def test_why_is_a_page(settings: Settings) -> None:
    client = TestClient(dev_pages(settings, lambda: 7))
    assert "Nothing is served yet" in client.get("/dev/why/home-top").text
    Bench.of(settings)[0].look(ADDRESS)
    page = client.get("/dev/why/home-top?device=mobile&url=https://gazette.example/%3Cb%3E")
    assert page.status_code == 200
    assert "On mobile at " in page.text
    assert "<td>won</td>" in page.text
    assert "<b>" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "no campaign is booked" not in page.text.lower()
    assert "No campaign is booked here" in client.get("/dev/why/post-bottom").text
    missing = client.get("/dev/why/home-tap")
    assert missing.status_code == 404
    assert "home-tap" in missing.text
    assert client.get("/dev/generation").text == "7"
    assert client.get("/dev/generation").headers["access-control-allow-origin"] == "*"
    assert client.get("/dev/why.css").headers["content-type"].startswith("text/css")
    nothing = client.get("/dev/none")
    assert (nothing.status_code, nothing.headers["cache-control"]) == (404, "no-store")
    assert nothing.headers["access-control-allow-origin"] == "*"


def test_why_without_a_store_says_so(settings: Settings, tmp_path: Path) -> None:
    away = settings.model_copy(update={"redis": f"unix://{tmp_path}/nothing.sock"})
    page = TestClient(dev_pages(away, lambda: 0)).get("/dev/why/home-top")
    assert page.status_code == 503


def test_whatever_is_asked_for_stays_text_on_the_page_that_says_why(settings: Settings) -> None:
    Bench.of(settings)[0].look(ADDRESS)
    pages = TestClient(dev_pages(settings, lambda: 1))
    query = urlencode({"url": f"https://blog.example/{EVERYTHING}", "x": EVERYTHING})
    in_a_path = EVERYTHING.replace("/", "|")
    for path in (f"/dev/why/{quote(in_a_path, safe='')}", f"/dev/why/home-top?{query}"):
        answer = pages.get(path)
        nodes = Read(answer.text).nodes
        assert not {node[1] for node in nodes if node[0] == "element"} & ACTIVE
        assert "owned" in answer.text
        assert not {name for node in nodes if node[0] == "element" for name, _ in node[2:]} & ACTIVE
