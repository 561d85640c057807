"""A small blog's campaign files, written for one test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

SITE = {
    "name": "Le Comptoir",
    "sites": {"blog": "https://blog.example"},
    "timezone": "Europe/Paris",
    "currency": "EUR",
    "language": "fr",
    "label": {"fr": "Publicité", "en": "Advertisement"},
    "breakpoint": "1000px",
}


def campaign(*slots: str, **changes: Any) -> dict[str, Any]:
    """Ready, without end, one text."""
    return {
        "advertiser": "Brûlerie du Port",
        "tier": "remnant",
        "slots": list(slots),
        "link": "https://shop.example/landing",
        "creatives": [{"id": "card", "text": {"headline": "Café de saison"}}],
        **changes,
    }


def write_blog(
    folder: Path, slots: Iterable[str], campaigns: Mapping[str, Mapping[str, Any]]
) -> Path:
    """The folder, with files for these slots and campaigns."""
    (folder / "campaigns").mkdir(parents=True, exist_ok=True)
    sizes = {"desktop": "728x90", "mobile": "320x100"}
    write(folder / "site.yaml", SITE)
    write(
        folder / "slots.yaml",
        {name: {"title": name, "sizes": {**sizes}, "on_empty": "reserve"} for name in slots},
    )
    for name, values in campaigns.items():
        write_campaign(folder, name, values)
    return folder


def write_campaign(folder: Path, name: str, values: Mapping[str, Any]) -> None:
    write(folder / "campaigns" / f"{name}.yaml", values)


def write(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(values), allow_unicode=True, sort_keys=False), "utf-8")
