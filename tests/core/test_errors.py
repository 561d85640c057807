"""The tree of errors: drawn as it is, and carrying what the edges need to tell."""

from __future__ import annotations

import re

from adserver.core import errors
from adserver.core.errors import (
    AdserverError,
    BackupError,
    CatalogError,
    LiveHasMoved,
    NoSuchName,
    UnknownKey,
)
from adserver.core.nodes import KnownKey
from adserver.core.problems import Problem, Severity


def leaves(kind: type[AdserverError]) -> set[str]:
    own = {kind.__name__} if kind.__module__ == errors.__name__ else set()
    return own.union(*(leaves(below) for below in kind.__subclasses__()))


def test_the_drawing_shows_every_error_and_no_other() -> None:
    drawn = re.findall(r"^[│├└─ ]*([A-Z]\w+)(?= {2,}|$)", errors.__doc__ or "", re.MULTILINE)
    assert set(drawn) == leaves(AdserverError)


def test_an_error_of_the_catalog_carries_its_problems() -> None:
    problem = Problem("site.yaml", 1, 1, Severity.ERROR, "unknown_key", "no such key")
    assert CatalogError([problem]).problems == (problem,)


def test_live_has_moved_tells_both_numbers() -> None:
    error = LiveHasMoved(3, 4)
    assert (error.expected, error.live) == (3, 4)
    assert str(error) == "live is generation 4, the plan was made against 3"


def test_a_name_that_nothing_has_is_told_with_the_nearest() -> None:
    error = NoSuchName("slot", "post-tpo", "post-top")
    assert (error.kind, error.name, error.hint) == ("slot", "post-tpo", "post-top")
    assert str(error) == "there is no slot 'post-tpo'"


def test_an_unknown_key_is_told_with_those_that_are_known() -> None:
    known = KnownKey("0" * 16, 1.0, "ana@desk")
    error = UnknownKey("f" * 16, [known])
    assert (error.fingerprint, error.known) == ("f" * 16, (known,))
    assert str(error) == "the store does not know the signing key ffffffffffffffff"


def test_a_file_that_is_no_backup_is_told_with_what_is_wrong_with_it() -> None:
    error = BackupError("blog.backup", "ends early")
    assert (error.path, str(error)) == ("blog.backup", "blog.backup ends early")
