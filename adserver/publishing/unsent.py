"""What of a config folder is not sent although reading uses it: then nothing is sent at all.

A campaign file that stays behind is, for whoever gets the rest, a campaign that has ended.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from unicodedata import normalize

from adserver.core.errors import CatalogError
from adserver.core.problems import Problem, Severity
from adserver.publishing.bundle import Gathered
from adserver.publishing.nodes import quoted
from adserver.publishing.publish import Wish, choose
from adserver.publishing.read import Reading


def refuse_unsent(gathered: Gathered, reading: Reading, wish: Wish) -> None:
    """CatalogError with what reading here has to say of the folder, or where it has accepted what
    does not travel. Only where something is left out: the other side reads everything else."""
    choose(reading, wish)
    sent = {as_written(path) for path in gathered.files}
    used = {path for paths in reading.files.values() for path in paths}
    if left := sorted(path for path in used if as_written(path) not in sent):
        raise CatalogError([stays(wish.folder, path, gathered) for path in left])


def as_written(path: str) -> str:
    """A path in the one way in which all that lead to the same file are written."""
    return normalize("NFC", str(PurePosixPath(path)))


def stays(folder: Path, path: str, gathered: Gathered) -> Problem:
    """A file that reading takes and that stays here, with the reason, which may be its folder's."""
    at = [one for one in (path, *map(str, PurePosixPath(path).parents)) if one in gathered.left_out]
    message = f"{quoted(at[0])} {gathered.left_out[at[0]]}" if at else f"{quoted(path)} stays here"
    hint = "put the file where it can be sent from"
    return Problem(str(folder / path), 0, 0, Severity.ERROR, "bad_path", message, hint)
