"""`adserver store …` on a real store: what is said, and the exit codes."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from adserver.store.connect import client
from adserver.store.embedded import Embedded
from adserver.store.keys import Keys
from tests.cli.command import adserver
from tests.factories import NOW
from tests.servers import command_line
from tests.store.filled import fill, seen

KEYS = Keys("blog")


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Embedded, Embedded]]:
    first, second = (Embedded(tmp_path_factory.mktemp("embedded")) for _ in range(2))
    with first.used(stop_if_last=True), second.used(stop_if_last=True):
        yield first, second


@pytest.fixture
def old(stores: tuple[Embedded, Embedded]) -> Embedded:
    for store in stores:
        with client(store.url) as connection:
            connection.flushall()
    fill(stores[0].url, KEYS)
    return stores[0]


@pytest.fixture
def new(stores: tuple[Embedded, Embedded]) -> Embedded:
    return stores[1]


def on(store: Embedded) -> list[str]:
    return ["--redis", f"embedded:{store.folder}", "--namespace", "blog"]


def test_check_says_that_all_agrees(old: Embedded) -> None:
    said = adserver("store", "check", *on(old))
    assert said.exit_code == 0, said.output
    assert "Totals and rows agree: 10 totals, 1 hour and 1 day were added up." in said.stdout
    answer = orjson.loads(adserver("store", "check", "--format", "json", *on(old)).stdout)
    assert answer == {"agree": True, "hours": 1, "days": 1, "totals": 10, "disagreements": []}


def test_check_names_what_does_not_agree_with_a_hint(old: Embedded) -> None:
    with client(old.url) as connection:
        rows = int(connection.hget(KEYS.totals(0), "i:1"))
        connection.hincrby(KEYS.totals(0), "i:1", 5)
    said = adserver("store", "check", *on(old))
    assert said.exit_code == 1
    line = ["brulerie", "bandeau", "1", "impressions", str(rows + 5), str(rows), "0"]
    assert line in [shown.split() for shown in said.stdout.splitlines()]
    assert "1 of 10 totals" in said.stderr
    assert "noeviction" in said.stderr
    answer = adserver("store", "check", "--format", "json", *on(old))
    assert answer.exit_code == 1
    assert orjson.loads(answer.stdout)["disagreements"] == [
        {
            "shard": 0,
            "campaign": "brulerie",
            "creative": "bandeau",
            "number": 1,
            "metric": "i",
            "totals": rows + 5,
            "rows": rows,
        }
    ]


def test_a_backup_into_a_folder_is_named_by_its_time(old: Embedded, tmp_path: Path) -> None:
    said = adserver("store", "backup", tmp_path, *on(old))
    assert said.exit_code == 0, said.output
    [file] = tmp_path.iterdir()
    assert file.name.startswith("adserver-blog-2026")
    assert file.name.endswith("Z.backup")
    assert said.stdout.startswith(f"{file}: ")
    other = tmp_path / "one.backup"
    answer = orjson.loads(adserver("store", "backup", other, "--format", "json", *on(old)).stdout)
    assert answer["file"] == str(other)
    assert answer["bytes"] == other.stat().st_size
    assert answer["keys"] > 20


def test_a_file_that_is_there_is_not_replaced_unasked(old: Embedded, tmp_path: Path) -> None:
    file = tmp_path / "one.backup"
    file.write_text("something else")
    said = adserver("store", "backup", file, *on(old))
    assert said.exit_code == 2
    assert "say --yes" in said.stderr
    assert file.read_text() == "something else"
    assert adserver("store", "backup", file, "--yes", *on(old)).exit_code == 0
    assert file.read_bytes().startswith(b"adsbkup1")


def test_a_backup_is_restored_into_an_empty_store_and_elsewhere_with_consent(
    old: Embedded, new: Embedded, tmp_path: Path
) -> None:
    file = tmp_path / "one.backup"
    adserver("store", "backup", file, *on(old))
    said = adserver("store", "restore", file, *on(new))
    assert said.exit_code == 0, said.output
    assert "The store is as it was at 2026-" in said.stdout
    refused = adserver("store", "restore", file, *on(new))
    assert refused.exit_code == 2
    assert "--replace" in refused.stderr
    unasked = adserver("store", "restore", file, "--replace", *on(new))
    assert unasked.exit_code == 2
    assert "say --yes" in unasked.stderr
    answer = adserver("store", "restore", file, "--replace", "--yes", "--format", "json", *on(new))
    assert answer.exit_code == 0
    assert orjson.loads(answer.stdout)["made_at"] == NOW


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2)])
def test_on_a_terminal_it_asks(
    old: Embedded, new: Embedded, tmp_path: Path, answer: str, code: int
) -> None:
    file = tmp_path / "one.backup"
    adserver("store", "backup", file, *on(old))
    with client(new.url) as connection:
        connection.set(KEYS.writer(1), 1)
        ours, theirs = pty.openpty()
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            command_line("store", "restore", file, "--replace", *on(new)),
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        os.close(ours)
        os.close(theirs)
        assert done.returncode == code, done.stderr
        assert "Remove all that the store holds of 'blog'" in done.stderr
        assert connection.exists(KEYS.writer(1)) == (answer == "n")


def test_what_is_no_backup_is_refused(old: Embedded, tmp_path: Path) -> None:
    file = tmp_path / "one.backup"
    file.write_text("something else")
    said = adserver("store", "restore", file, "--replace", "--yes", *on(old))
    assert said.exit_code == 1
    assert "is not a backup" in said.stderr


def test_a_move_says_what_to_do_next_and_the_old_store_where_it_went(
    old: Embedded, new: Embedded
) -> None:
    there = f"embedded:{new.folder}"
    words = ["store", "move", "--from", f"embedded:{old.folder}", "--to", there]
    said = adserver(*words, "--namespace", "blog")
    assert said.exit_code == 0, said.output
    assert "Moved and verified: " in said.stdout
    assert f"Set ADSERVER_REDIS to {there} on every node" in said.stdout
    again = adserver(*words, "--namespace", "blog")
    assert again.exit_code == 0
    assert "has already moved" in again.stdout
    answer = orjson.loads(adserver(*words, "--namespace", "blog", "--format", "json").stdout)
    assert answer == {"moved": False, "keys": 0, "seconds": 0.0}
    for command in (["store", "check"], ["store", "backup", "x"]):
        refused = adserver(*command, *on(old))
        assert refused.exit_code == 2
        assert f"this store has moved to {there}" in refused.stderr


def test_a_store_that_is_not_empty_is_replaced_with_consent(old: Embedded, new: Embedded) -> None:
    fill(new.url, KEYS)
    words = ["store", "move", "--from", f"embedded:{old.folder}", "--to"]
    words += [f"embedded:{new.folder}", "--namespace", "blog"]
    assert adserver(*words).exit_code == 2
    assert "say --yes" in adserver(*words, "--replace").stderr
    answer = adserver(*words, "--replace", "--yes", "--format", "json")
    assert orjson.loads(answer.stdout)["moved"] is True


def test_a_store_that_is_served_from_is_refused(
    old: Embedded, new: Embedded, tmp_path: Path
) -> None:
    adserver("store", "backup", tmp_path / "one", *on(old))
    seen(old.url, KEYS)
    said = adserver("store", "restore", tmp_path / "one", "--replace", "--yes", *on(old))
    assert said.exit_code == 2
    assert "Stop their nodes with SIGTERM" in said.stderr


def test_help_names_every_command() -> None:
    shown = adserver("store", "--help").stdout
    for command in ("check", "backup", "restore", "move", "stop"):
        assert f"  {command} " in shown
