"""What a config folder remembers of the store: which generation was live when somebody looked.

It stands in `.adserver/live.json` of the folder, written by `plan` and by whatever makes the
folder and the store the same. Whoever applies a folder that has seen another generation than the
live one would undo what somebody else has done in between. A folder that cannot be written to
remembers nothing, and one that says nothing is asked nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from adserver.core.errors import SettingsError
from adserver.publishing.writing import write

FOLDER, FILE = ".adserver", "live.json"
# Nobody reviews or merges what a machine has seen.
IGNORED = "*\n"
MAX_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class Mark:
    """store: the store's identity, or its address where it has none yet. generation: 0 where
    nothing was live. began: UTC seconds at which that was published."""

    store: str
    namespace: str
    generation: int
    began: float = 0.0


def read_mark(folder: Path) -> Mark | None:
    """None where there is none, or none that can be read."""
    try:
        with (folder / FOLDER / FILE).open("rb") as file:
            return mark_in(file.read(MAX_BYTES + 1))
    except OSError:
        return None


def mark_in(text: bytes) -> Mark | None:
    """None where it says none."""
    try:
        mark = Mark(**orjson.loads(text)) if len(text) <= MAX_BYTES else None
    except (ValueError, TypeError):
        return None
    return mark if mark and type(mark.generation) is int else None


def write_mark(folder: Path, mark: Mark) -> bool:
    """Where that can be done; whether it could."""
    place = folder / FOLDER
    if not os.path.isdir(folder):
        return False
    with suppress(SettingsError):
        write(place / ".gitignore", IGNORED, replace=True)
        text = orjson.dumps(asdict(mark), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        write(place / FILE, text.decode(), replace=True)
        return True
    return False


def has_moved(folder: Path, now: Mark) -> int | None:
    """The generation that the folder has seen live, if somebody has published another one since;
    None if it is the same, or of another store.

    A store that was emptied, or has lost its last seconds, is behind what the folder has seen:
    then nobody's work is undone by bringing it back, unless somebody has published since.
    """
    seen = read_mark(folder)
    if seen is None or (seen.store, seen.namespace) != (now.store, now.namespace):
        return None
    lost = now.generation < seen.generation and now.began <= seen.began
    return None if lost or seen == now else seen.generation
