"""No bad file gets anywhere near a real store: what is live, and what was counted, stay as they
are to the byte."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adserver.cli import cli
from adserver.cli.options import Invocation
from adserver.settings import Settings
from adserver.store.embedded import Embedded
from adserver.store.entries import Entry
from adserver.store.keys import Keys
from adserver.wiring.control import ControlPlane, control_plane
from tests.factories import NOW
from tests.publishing.bad_recipes import NAMES, put, refused
from tests.publishing.campaign_folder import make_folder
from tests.store.filled import count, held

REFUSED = [name for name in NAMES if refused(name)]


@dataclass(frozen=True, slots=True)
class Store:
    """A real one, with a generation live and events counted."""

    url: str
    keys: Keys
    plane: ControlPlane

    def run(self, *words: str | Path) -> Result:
        @contextmanager
        def opened(settings: Settings, *, existing: bool = False) -> Iterator[ControlPlane]:
            yield self.plane

        invocation = Invocation(control_plane=opened, now=lambda: NOW)
        return CliRunner().invoke(cli, [str(word) for word in words], obj=invocation)

    def everything(self) -> Mapping[str, Entry]:
        return held(self.url, self.keys)


@contextmanager
def new_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    keys = Keys("adserver")
    with (
        Embedded(tmp_path_factory.mktemp("store")).used(stop_if_last=True) as url,
        control_plane(Settings(redis=url, namespace=keys.namespace)) as plane,
    ):
        made = Store(url, keys, plane)
        good = make_folder(tmp_path_factory.mktemp("good"))
        applied = made.run("apply", "--yes", "--config", good)
        assert applied.exit_code == 0, applied.output
        asyncio.run(count(url, keys, tickets=20))
        yield made


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with new_store(tmp_path_factory) as made:
        yield made


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_changes_nothing(name: str, store: Store, tmp_path: Path) -> None:
    before = store.everything()
    folder = make_folder(tmp_path)
    put(name, folder)
    for words in (["apply", "--yes"], ["apply", "--yes", "--prune", name], ["plan"]):
        result = store.run(*words, "--config", folder)
        assert result.exit_code == 1, result.output
        assert ": error: " in result.stderr
    assert store.everything() == before
    live = store.plane.catalogs.live()
    assert live is not None
    assert live[0].number == 1


def test_a_good_file_changes_something(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The control: the same command, on a store of its own."""
    with new_store(tmp_path_factory) as store:
        before = store.everything()
        folder = make_folder(tmp_path_factory.mktemp("changed"))
        house = folder / "campaigns" / "house.yaml"
        house.write_text(house.read_text("utf-8") + "weight: 2\n", "utf-8")
        assert store.run("apply", "--yes", "--config", folder).exit_code == 0
        assert store.everything() != before
