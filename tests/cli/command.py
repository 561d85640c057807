"""The `adserver` command as a test calls it, on a store in memory and at a fixed time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from adserver.cli import cli
from adserver.cli.options import Invocation
from adserver.settings import Settings
from tests.factories import NOW
from tests.memory import (
    MemoryKeys,
    MemoryLeases,
    MemoryPauses,
    MemorySamples,
    MemoryStore,
    MemoryTraffic,
)

SITE = """\
name: Le Comptoir
sites: {blog: https://blog.example}
timezone: Europe/Paris
currency: EUR
language: fr
label: {fr: Publicité}
breakpoint: 1000px
"""
SLOTS = """\
post-top: {title: Above the article, sizes: {desktop: 728x90, mobile: 320x100}}
"""
CAMPAIGN = """\
advertiser: Brûlerie du Port
tier: remnant
slots: [post-top]
link: https://shop.example/
creatives:
  - {id: carte, text: {headline: Café de saison}}
"""


@dataclass(frozen=True, slots=True)
class Plane:
    catalogs: MemoryStore
    totals: MemoryStore
    signing: MemoryKeys
    traffic: MemoryTraffic
    samples: MemorySamples
    leases: MemoryLeases
    pauses: MemoryPauses

    @classmethod
    def of(cls, store: MemoryStore) -> Plane:
        return cls(
            store, store, store.signing, store.traffic, store.samples, store.leases, store.pauses
        )


def write_folder(at: Path, **campaigns: str) -> Path:
    """A config folder with these campaign files, one good one by default."""
    folder = at / "config"
    (folder / "campaigns").mkdir(parents=True, exist_ok=True)
    (folder / "site.yaml").write_text(SITE, encoding="utf-8")
    (folder / "slots.yaml").write_text(SLOTS, encoding="utf-8")
    for name, text in (campaigns or {"brulerie": CAMPAIGN}).items():
        (folder / "campaigns" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def adserver(
    *arguments: str | Path,
    store: MemoryStore | None = None,
    wait_limit_seconds: float = 5.0,
    env: dict[str, str] | None = None,
    now: float = NOW,
    stdin: bytes | None = None,
) -> Result:
    """Run one command. Without a store, it must not need any."""

    @contextmanager
    def plane(settings: Settings, *, existing: bool = False) -> Iterator[Plane]:
        assert store is not None, "this command was not expected to open the store"
        yield Plane.of(store)

    invocation = Invocation(
        control_plane=plane, now=lambda: now, wait_limit_seconds=wait_limit_seconds
    )
    words = [str(argument) for argument in arguments]
    return CliRunner(env=env).invoke(cli, words, obj=invocation, prog_name="adserver", input=stdin)
