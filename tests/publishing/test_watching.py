"""A watched folder: every save is seen, once, and whole."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from adserver.publishing import watching
from adserver.publishing.watching import Watch, stamps


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "images").mkdir()
    (tmp_path / "site.yaml").write_text("name: x\n")
    (tmp_path / "campaigns" / "a.yaml").write_text("tier: house\n")
    return tmp_path


@pytest.fixture
def watch(folder: Path) -> Watch:
    watch = Watch(folder)
    assert watch.changed()
    assert not watch.changed()
    return watch


def test_a_file_of_the_same_length_and_time_is_seen_all_the_same(
    folder: Path, watch: Watch
) -> None:
    site = folder / "site.yaml"
    before = site.stat()
    site.write_text("name: y\n")
    os.utime(site, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert watch.changed()
    assert not watch.changed()


@pytest.mark.parametrize("name", ["campaigns/b.yaml", "images/x.png", "html/deep/x.html"])
def test_a_new_file_is_seen(folder: Path, watch: Watch, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("x")
    assert watch.changed()


def test_a_file_that_is_gone_or_renamed_is_seen(folder: Path, watch: Watch) -> None:
    (folder / "campaigns" / "a.yaml").rename(folder / "campaigns" / "b.yaml")
    assert watch.changed()
    (folder / "campaigns" / "b.yaml").unlink()
    assert watch.changed()


def test_a_file_that_is_replaced_as_editors_do_is_seen(folder: Path, watch: Watch) -> None:
    (folder / "site.yaml~").write_text("name: x\n")
    (folder / "site.yaml~").replace(folder / "site.yaml")
    assert watch.changed()


def test_hidden_files_are_none_of_ours(folder: Path, watch: Watch) -> None:
    (folder / ".site.yaml.swp").write_text("x")
    (folder / ".git").mkdir()
    (folder / ".git" / "index").write_text("x")
    assert not watch.changed()


def test_a_folder_that_is_not_there_is_empty_until_it_is(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "config")
    assert watch.changed()
    assert not watch.changed()
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "site.yaml").write_text("x")
    assert watch.changed()


def test_a_link_to_nowhere_and_one_in_a_circle_do_no_harm(folder: Path, watch: Watch) -> None:
    (folder / "gone.yaml").symlink_to(folder / "nothing")
    (folder / "campaigns" / "circle").symlink_to(folder)
    watch.changed()
    assert not watch.changed()


def test_what_was_forgotten_is_looked_at_again(watch: Watch) -> None:
    watch.forget()
    assert watch.changed()


def test_a_file_that_is_still_being_written_is_waited_for(folder: Path, watch: Watch) -> None:
    done = threading.Event()

    def save_slowly() -> None:
        with (folder / "site.yaml").open("w") as file:
            for _ in range(6):
                file.write("a: b\n")
                file.flush()
                time.sleep(watching.SETTLE_SECONDS / 3)
        done.set()

    writer = threading.Thread(target=save_slowly)
    writer.start()
    while not watch.changed():
        pass
    assert done.wait(5)
    writer.join()
    # Whatever was in between, the last look has seen the last of it.
    watch.changed()
    assert watch.seen == stamps(folder)


def test_more_files_than_are_watched_are_left_out(folder: Path) -> None:
    assert len(stamps(folder, most=1)) == 1
