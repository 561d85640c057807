"""`apply` undoes nothing that somebody else has applied since this folder looked."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from click.testing import Result

from adserver.cli import author
from adserver.core.publication import Content, Entry
from tests.cli.command import CAMPAIGN, adserver, write_folder
from tests.memory import MemoryStore, store

HEAVY = CAMPAIGN + "weight: 2\n"


def run(command: str, folder: Path, memory: MemoryStore, *options: str) -> Result:
    words = (command, *options, *(("--yes",) if command == "apply" else ()))
    return adserver(*words, "--config", folder, store=memory)


def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two people's checkouts of the same files."""
    return write_folder(tmp_path / "ana"), write_folder(tmp_path / "bob")


def write(folder: Path, text: str) -> None:
    (folder / "campaigns" / "brulerie.yaml").write_text(text, encoding="utf-8")


def test_who_was_slower_is_told_who_was_quicker_and_why(tmp_path):
    memory = store()
    ana, bob = folders(tmp_path)
    assert run("apply", ana, memory).exit_code == 0
    assert run("plan", bob, memory).exit_code == 0
    write(ana, HEAVY)
    options = {"env": {"GIT_AUTHOR_NAME": "Ana"}}
    adserver("apply", "--yes", "-m", "twice", "--config", ana, store=memory, **options)
    write(bob, CAMPAIGN + "order: BC-1\n")
    result = run("apply", bob, memory)
    assert result.exit_code == 4
    assert result.stdout == ""
    assert "live is generation 2, the plan was made against 1" in result.stderr
    assert "Generation 2 is by Ana@" in result.stderr
    assert "2026-11-02 09:00 UTC: twice" in result.stderr
    assert "adserver plan" in result.stderr
    assert len(memory.made) == 2


def test_who_has_looked_at_it_may_apply(tmp_path):
    memory = store()
    ana, bob = folders(tmp_path)
    run("apply", ana, memory)
    run("apply", bob, memory)
    write(ana, HEAVY)
    run("apply", ana, memory)
    assert run("apply", bob, memory).exit_code == 4
    assert "weight: 2 → 1" in run("plan", bob, memory).stdout
    assert run("apply", bob, memory).exit_code == 0
    assert len(memory.made) == 3


def test_who_has_nothing_to_do_has_seen_what_is_live(tmp_path):
    memory = store()
    ana, bob = folders(tmp_path)
    run("apply", ana, memory)
    assert "Nothing to do" in run("apply", bob, memory).stdout
    assert run("apply", ana, memory).exit_code == 0
    mark = orjson.loads((bob / ".adserver" / "live.json").read_bytes())
    assert mark["generation"] == 1


@pytest.mark.parametrize(("expect", "code"), [("1", 0), ("0", 4), ("2", 4)])
def test_a_pipeline_says_by_hand_what_it_has_planned_against(tmp_path, expect, code):
    memory = store()
    ana, bob = folders(tmp_path)
    run("apply", ana, memory)
    write(bob, HEAVY)
    assert run("apply", bob, memory, "--expect", expect).exit_code == code


def test_what_is_said_by_hand_is_believed_whatever_the_folder_has_seen(tmp_path):
    memory = store()
    ana, bob = folders(tmp_path)
    for folder, text in ((ana, CAMPAIGN), (bob, CAMPAIGN), (ana, HEAVY)):
        write(folder, text)
        run("apply", folder, memory)
    assert run("apply", bob, memory, "--expect", "2").exit_code == 0


def test_another_store_is_none_of_the_folders_memories(tmp_path):
    ana, _ = folders(tmp_path)
    first = store()
    run("apply", ana, first)
    write(ana, HEAVY)
    run("apply", ana, first)
    assert run("apply", ana, store()).exit_code == 0


def test_a_store_without_an_identity_is_known_by_where_it_is(tmp_path):
    ana, bob = folders(tmp_path)
    memory = MemoryStore(name="")
    run("apply", ana, memory)
    mark = orjson.loads((ana / ".adserver" / "live.json").read_bytes())
    assert mark["store"] == f"embedded:{Path('var').resolve()}"
    words = ("apply", "--yes", "--redis", "redis://:secret@db/0", "--config", bob)
    adserver(*words, store=memory)
    mark = (bob / ".adserver" / "live.json").read_text("utf-8")
    assert "db" in mark
    assert "secret" not in mark


@dataclass
class Quicker(MemoryStore):
    """A store in which somebody else applies while we are asked whether to."""

    def claim(self, number, digests):
        if len(self.made) == 1:
            catalog = self.made[-1][0].catalog
            super().publish(1, catalog, Content(), Entry("bob@blog", "quick"))
        return super().claim(number, digests)


def test_who_is_quicker_while_we_read_the_plan_is_told_too(tmp_path):
    memory = Quicker()
    ana, _ = folders(tmp_path)
    run("apply", ana, memory)
    assert memory.made[0][1].author != "bob@blog"
    write(ana, HEAVY)
    result = run("apply", ana, memory)
    assert result.exit_code == 4
    assert "Generation 2 is by bob@blog" in result.stderr
    assert result.stderr.count("quick") == 1


# From which commit


def git(folder: Path, *words: str) -> None:
    names = ("-c", "user.name=Ana", "-c", "user.email=ana@blog.example")
    subprocess.run(["git", *names, *words], cwd=folder, check=True, capture_output=True)


def test_the_commit_of_the_folder_is_recorded(tmp_path):
    ana, _ = folders(tmp_path)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "ana")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    memory = store()
    run("apply", ana, memory)
    commit = memory.live()[1].commit
    assert len(commit) == 40
    write(ana, HEAVY)
    run("apply", ana, memory)
    assert memory.live()[1].commit == f"{commit}+"


def test_what_lies_beside_the_folder_is_not_in_its_commit(tmp_path):
    ana, _ = folders(tmp_path)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "ana")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    assert not author.commit(ana).endswith("+")
    assert author.commit(tmp_path).endswith("+")


def test_a_folder_of_no_repository_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    ana, _ = folders(tmp_path)
    assert author.commit(ana) == ""


@pytest.mark.parametrize("script", ["exit 1", "exec sleep 60"])
def test_a_git_that_fails_or_hangs_is_no_git(tmp_path, monkeypatch, script):
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(author, "GIT_TIMEOUT_SECONDS", 0.2)
    assert author.commit(tmp_path) == ""
