"""docs/redis-keys.md has a line for every key of store/keys.py, with its type and its life."""

from __future__ import annotations

import inspect

from adserver.store.keys import Keys
from tests.docs.pages import page, rows

LINES = {line[0]: line[1:] for line in rows(page("redis-keys.md")) if line[0].startswith("ads")}


def declared() -> dict[str, tuple[str, str]]:
    """Each key as the page writes it, such as `adserver:generation:NUMBER` → (type, life)."""
    found = {}
    keys = Keys("adserver")
    for name, member in vars(Keys).items():
        if name.startswith("_") or name in {"namespace", "shards"}:
            continue
        if isinstance(member, property):
            key, doc = getattr(keys, name), member.__doc__
        elif inspect.isfunction(member):
            parameters = [p.upper() for p in inspect.signature(member).parameters if p != "self"]
            key, doc = member(keys, *parameters), member.__doc__
        else:
            continue
        kind, life, _ = (doc or "").split(", ", 2)
        found[key] = (kind, life)
    return found


def test_every_key_has_its_line_and_no_other_has() -> None:
    assert sorted(LINES) == sorted(declared())


def test_type_and_life_on_the_page_are_the_keys_own() -> None:
    assert {key: (line[0], line[1]) for key, line in LINES.items()} == declared()


def test_who_writes_a_key_and_what_it_holds_is_said() -> None:
    assert all(len(line) == 4 and all(line) for line in LINES.values())
