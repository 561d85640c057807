"""From a laptop that does not reach the store: the folder goes over ssh, answers come back."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import CAMPAIGN, write_folder
from tests.publishing.campaign_folder import draw
from tests.servers import PATIENCE_SECONDS, own_environment, run_command, until
from tests.ssh_server import HOST, SshServer, sshd_running

VIA = f"ssh://{HOST}"
# The names of a shell's, which nobody must take for more than text.
NASTY = 'it\'s $(touch hacked) `touch hacked`; touch hacked "x" \\ *& é'
BANNER = """\
advertiser: Brûlerie du Port
tier: remnant
slots: [post-top]
link: https://shop.example/
creatives:
  - {id: bandeau, alt: Café, images: [images/b-728x90.png]}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """The machine with the store: what its administrator may ask there."""

    folder: Path
    env: dict[str, str]
    ssh: SshServer
    program: Path

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return run_command(self.folder, self.env, *words, program=[self.program])

    def cli(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--format", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def last(self) -> Any:
        return self.cli("history")["generations"][0]


@dataclass(frozen=True, slots=True)
class Laptop:
    folder: Path
    program: Path
    env: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
        return run_command(self.folder, self.env | env, *words, program=[self.program])

    def via(self, *words: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
        return self.run(*words, *self.way, **env)

    @property
    def way(self) -> tuple[str, ...]:
        return ("--via", VIA, "--remote-command", str(self.program))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, warm: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    env = own_environment(folder, folder, {})
    said = {name: value for name, value in env.items() if name.startswith("ADSERVER_")}
    said |= {"TMPDIR": str(folder / "tmp")}
    (folder / "tmp").mkdir()
    (folder / "ssh").mkdir()
    with sshd_running(folder / "ssh", said) as ssh:
        yield (made := Server(folder, env, ssh, warm))
    made.run("store", "stop")


@pytest.fixture
def laptop(server: Server, tmp_path: Path) -> Laptop:
    """It has a folder `config`, and a store that it cannot reach."""
    folder = write_folder(tmp_path, brulerie=BANNER, carte=CAMPAIGN)
    (folder / "images").mkdir()
    (folder / "images/b-728x90.png").write_bytes(draw(728, 90))
    base = {k: v for k, v in os.environ.items() if not k.startswith("ADSERVER_")}
    unreachable = {"ADSERVER_REDIS": "redis://127.0.0.1:1", "GIT_AUTHOR_NAME": "Ana Lopez"}
    return Laptop(tmp_path, server.program, server.ssh.environment(base) | unreachable)


def test_a_folder_goes_live_with_whose_it_is_and_nothing_is_left_behind(
    laptop: Laptop, server: Server
) -> None:
    done = laptop.via("apply", "--yes", "--prune", "-m", NASTY)
    assert done.returncode == 0, done.stderr
    (laptop.folder / "config/campaigns/carte.yaml").write_text(CAMPAIGN + "weight: 3\n")
    done = laptop.via("apply", "--yes", "-m", NASTY)
    assert done.returncode == 0, done.stderr
    assert "is live." in done.stdout
    last = server.last()
    assert last["message"] == NASTY
    assert last["author"].startswith("Ana Lopez@")
    assert list((server.folder / "tmp").iterdir()) == []
    assert not (laptop.folder / "hacked").exists()
    assert not [*server.folder.rglob("hacked")]


def test_the_commit_of_the_laptops_folder_is_recorded(laptop: Laptop, server: Server) -> None:
    def git(*words: str) -> str:
        line = ["git", "-C", str(laptop.folder), "-c", "user.email=a@b.example", *words]
        return subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    git("add", "config")
    git("commit", "--quiet", "-m", "one", "--author", "Ana <a@b.example>")
    laptop.via("apply", "--yes", "--prune")
    write_folder(laptop.folder, carte=CAMPAIGN + "weight: 4\n")
    assert laptop.via("apply", "--yes").returncode == 0
    assert server.last()["commit"] == git("rev-parse", "HEAD") + "+"
    write_folder(laptop.folder, carte=CAMPAIGN + "weight: 5\n")
    git("commit", "--quiet", "-am", "two", "--author", "Ana <a@b.example>")
    assert laptop.via("apply", "--yes").returncode == 0
    assert server.last()["commit"] == git("rev-parse", "HEAD")


def test_problems_are_told_by_the_names_that_the_laptop_has(laptop: Laptop) -> None:
    broken = "# mine\ntier: gold\n"
    write_folder(laptop.folder, carte=broken)
    here = laptop.run("validate")
    there = laptop.via("validate")
    assert (there.returncode, there.stdout) == (here.returncode, here.stdout) != (0, "")
    assert "config/campaigns/carte.yaml:2:" in there.stdout
    as_json = laptop.via("validate", "--format", "json")
    assert as_json.stdout == laptop.run("validate", "--format", "json").stdout
    refused = laptop.via("apply", "--yes")
    assert refused.returncode == 1
    assert "config/campaigns/carte.yaml:2:" in refused.stderr


def test_only_the_named_campaigns_are_touched(laptop: Laptop, server: Server) -> None:
    laptop.via("apply", "--yes", "--prune")
    write_folder(laptop.folder, carte=CAMPAIGN + "weight: 6\n", brulerie=CAMPAIGN)
    done = laptop.via("apply", "carte", "--yes", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["changed"] == ["carte"]


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2)])
def test_the_question_is_asked_here(laptop: Laptop, server: Server, answer: str, code: int) -> None:
    laptop.via("apply", "--yes", "--prune")
    before = server.last()["generation"]
    write_folder(laptop.folder, carte=CAMPAIGN + f"weight: {ord(answer)}\n")
    ours, theirs = pty.openpty()
    line = [str(laptop.program), "apply", *laptop.way]
    with subprocess.Popen(
        line,
        cwd=laptop.folder,
        env=laptop.env,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        assert process.stderr is not None
        said = b""
        while b"[y/N]" not in said:
            part = os.read(process.stderr.fileno(), 4096)
            assert part, said
            said += part
        assert f"Make this generation {before + 1}?".encode() in said
        os.write(ours, f"{answer}\n".encode())
        out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    os.close(ours)
    assert process.returncode == code
    assert b"~ carte" in out
    assert server.last()["generation"] == before + (code == 0)


def test_who_has_applied_in_between_is_told_by_the_folders_mark(
    laptop: Laptop, server: Server, tmp_path: Path
) -> None:
    assert laptop.via("plan", "--prune").returncode == 0
    assert laptop.via("apply", "--yes", "--prune").returncode == 0
    theirs = write_folder(tmp_path / "theirs", carte=CAMPAIGN + "weight: 12\n")
    there = server.run("apply", "--yes", "--config", theirs)
    assert there.returncode == 0, there.stderr
    write_folder(laptop.folder, carte=CAMPAIGN + "weight: 13\n")
    late = laptop.via("apply", "--yes")
    assert late.returncode == 4, late.stderr
    assert "\x1e" not in late.stderr
    assert laptop.via("plan").returncode == 0
    assert laptop.via("apply", "--yes").returncode == 0


def test_where_nobody_can_be_asked_yes_must_be_said(laptop: Laptop, server: Server) -> None:
    laptop.via("apply", "--yes", "--prune")
    before = server.last()["generation"]
    write_folder(laptop.folder, carte=CAMPAIGN + "weight: 9\n")
    done = laptop.via("apply")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert server.last()["generation"] == before


def test_a_store_that_the_server_does_not_reach_is_3(laptop: Laptop) -> None:
    done = laptop.via("apply", "--yes", "--redis", "redis://127.0.0.1:1")
    assert done.returncode == 3, done.stderr
    assert "the store did not answer" in done.stderr


def test_a_server_that_is_not_reached_is_3_and_a_command_that_is_not_there_2(
    laptop: Laptop,
) -> None:
    away = laptop.run("apply", "--yes", "--via", "ssh://nobody@localhost:1")
    assert away.returncode == 3
    assert "ssh did not get through to nobody@localhost" in away.stderr
    absent = laptop.run("apply", "--yes", "--via", VIA, "--remote-command", "/nowhere/adserver")
    assert absent.returncode == 2
    assert "say where it is with --remote-command" in absent.stderr


def test_an_ssh_that_is_killed_half_way_changes_nothing(laptop: Laptop, server: Server) -> None:
    laptop.via("apply", "--yes", "--prune")
    before = server.last()["generation"]
    write_folder(laptop.folder, carte=CAMPAIGN + "weight: 11\n")
    for number in range(40):
        noise = os.urandom(1_000_000)
        (laptop.folder / f"config/images/{number}.png").write_bytes(noise)
    # An ssh that sends a part of the folder, as far as the line held.
    short = laptop.folder / "bin"
    short.mkdir()
    real = server.ssh.path / "ssh"
    (short / "ssh").write_text(f'#!/bin/sh\nhead -c 3000000 | {real} "$@"\n')
    (short / "ssh").chmod(0o755)
    done = laptop.via("apply", "--yes", PATH=f"{short}:{laptop.env['PATH']}")
    assert done.returncode == 1, done.stderr
    assert "did not arrive whole" in done.stderr
    assert server.last()["generation"] == before
    until(lambda: not list((server.folder / "tmp").iterdir()))


def test_what_is_not_sent_is_said(laptop: Laptop) -> None:
    outside = laptop.folder / "outside.png"
    outside.write_bytes(draw(728, 90))
    (laptop.folder / "config/images/link.png").symlink_to(outside)
    done = laptop.via("validate")
    assert "config/images/link.png is a link to a file outside, and is not sent." in done.stderr


def test_a_large_folder_is_refused_before_it_is_sent(laptop: Laptop) -> None:
    image = laptop.folder / "config/images/large.png"
    image.write_bytes(b"x" * 1_100_000)
    for number in range(200):
        os.link(image, laptop.folder / f"config/images/{number}.png")
    done = laptop.via("validate")
    assert done.returncode == 1
    assert "more than 200 MB, which is too much to send" in done.stderr
