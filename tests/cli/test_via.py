"""`--via`: what is run elsewhere, how it is said to a shell there, and what comes back.

A small program stands in for ssh here: it keeps its words, and gives the last of them to a shell,
as sshd does. `tests/journeys/test_via_ssh.py` has the real one.
"""

from __future__ import annotations

import io
import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adserver.cli.portable import called, keep_mark
from adserver.cli.ssh import Host, command_of, read_host, run
from adserver.core.errors import SettingsError, StoreUnavailable
from adserver.publishing.bundle import About, gather, pack, spooled
from adserver.publishing.mark import Mark, read_mark, write_mark
from tests.cli.command import CAMPAIGN, adserver, write_folder
from tests.memory import MemoryStore
from tests.publishing.campaign_folder import draw

SSH = """\
#!{python}
import json, os, subprocess, sys
json.dump(sys.argv[1:], open({said!r}, "w"))
sys.exit(subprocess.run(["sh", "-c", sys.argv[-1]]).returncode)
"""


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """An `ssh` in the PATH; the answer is what it was told last."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "ssh"
    file = str(tmp_path / "said.json")
    program.write_text(SSH.format(python=sys.executable, said=file))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ana")
    return lambda: list(json.loads(Path(file).read_text()))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("ssh://ads.example", Host("ads.example")),
        ("ssh://ana@ads.example:2222/", Host("ads.example", "ana", 2222)),
        ("ssh://ads-server/", Host("ads-server")),
        ("ssh://[2001:db8::1]:22", Host("2001:db8::1", "", 22)),
    ],
)
def test_an_address_says_who_where_and_which_port(url: str, host: Host) -> None:
    assert read_host(url) == host


@pytest.mark.parametrize(
    "url",
    [
        "ads.example",
        "http://ads.example",
        "ssh://",
        "ssh://-oProxyCommand=touch",
        "ssh://-oProxyCommand=x@ads.example",
        "ssh://ads.example:port",
        "ssh://ads.example:99999",
        "ssh://a b.example",
        "ssh://ads\nx",
        "ssh://ads\t.example",
        " ssh://ads.example",
        "ssh://ads.example\n",
        "ssh://ads\x1b.example",
        "ssh://ads.example/srv/ads",
        "ssh://ads.example;touch",
        "ssh://$(touch x)",
        "ssh://ads.example?x=y",
        "ssh://ads.example#x",
        "ssh://[::1",
    ],
)
def test_what_is_no_address_or_an_option_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"expected ssh://\[USER@\]HOST\[:PORT\]"):
        read_host(url)


def test_a_path_in_an_address_is_refused_with_where_it_belongs() -> None:
    with pytest.raises(SettingsError, match=r"without a path: .* --config"):
        read_host("ssh://ads.example/srv/ads")


def test_a_password_in_an_address_is_refused_without_showing_it() -> None:
    with pytest.raises(SettingsError) as refused:
        read_host("ssh://ana:s3cret@ads.example")
    assert "s3cret" not in str(refused.value)


def test_words_for_a_shell_are_quoted_and_the_host_is_no_option(
    said: Callable[[], list[str]],
) -> None:
    line = command_of(Host("ads.example", "ana", 2222), ["echo", "it's $(x) `y`", "--", "a\nb"])
    assert line[1:-1] == ["-T", "-C", "-p", "2222", "--", "ana@ads.example"]
    assert shlex.split(line[-1]) == ["echo", "it's $(x) `y`", "--", "a\nb"]


def test_without_ssh_that_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingsError, match="needs the program ssh"):
        command_of(Host("ads"), ["x"])


def run_there(script: str, data: bytes = b"") -> tuple[int, list[bytes]]:
    aside: list[bytes] = []
    code = run(Host("ads"), ["sh", "-c", script], io.BytesIO(data), aside.append)
    return code, aside


def test_all_of_the_bundle_arrives_and_then_the_end(
    said: Callable[[], list[str]], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_there("wc -c; echo done >&2; exit 4", b"x" * 3_000_000) == (4, [])
    out, err = capfd.readouterr()
    assert (out.strip(), err) == ("3000000", "done\n")


def test_who_ends_early_is_not_waited_for(said: Callable[[], list[str]]) -> None:
    assert run_there("exit 1", b"x" * 30_000_000)[0] == 1


def test_a_line_that_is_for_us_is_not_shown(
    said: Callable[[], list[str]], capfd: pytest.CaptureFixture[str]
) -> None:
    script = """printf 'before\\n\\036{"a"' >&2; printf ': 1}\\nafter' >&2"""
    assert run_there(script) == (0, [b'{"a": 1}'])
    assert capfd.readouterr().err == "before\nafter"
    script = """printf '\\0361\\n\\0362\\nand\\n\\0363\\n' >&2"""
    assert run_there(script) == (0, [b"1", b"2", b"3"])
    assert capfd.readouterr().err == "and\n"


def test_what_ssh_and_shells_say_of_themselves_has_an_exit_code(
    said: Callable[[], list[str]],
) -> None:
    with pytest.raises(StoreUnavailable, match="ssh did not get through to ads"):
        run_there("exit 255")
    for code in (126, 127):
        with pytest.raises(SettingsError, match="--remote-command"):
            run_there(f"exit {code}")


def words(said: Callable[[], list[str]]) -> list[str]:
    return shlex.split(said()[-1])


def test_a_command_is_said_there_as_it_was_said_here(
    said: Callable[[], list[str]], tmp_path: Path
) -> None:
    folder = write_folder(tmp_path)
    there = ("--via", "ssh://ads", "--remote-command", "true --here")
    shown = ("--config", folder, "--redis", "unix:///run/x.sock", "--namespace", "blog")
    adserver("apply", "a", "b", "--prune", "-m", "it's", "--wait", *shown, *there)
    assert words(said) == [
        *("true", "--here", "apply", "--stdin"),
        *("--prune", "--message=it's", "--wait"),
        *("--redis=unix:///run/x.sock", "--namespace=blog"),
        *("--", "a", "b"),
    ]


def test_yes_and_the_form_go_along_from_the_environment_and_the_store_does_not(
    said: Callable[[], list[str]], tmp_path: Path
) -> None:
    env = {
        "ADSERVER_YES": "true",
        "ADSERVER_FORMAT": "json",
        "ADSERVER_REDIS": "redis://127.0.0.1:1",
        "ADSERVER_CONFIG": str(write_folder(tmp_path)),
    }
    adserver("apply", "--via", "ssh://ads", "--remote-command", "true", env=env)
    assert sorted(words(said)) == sorted(["true", "apply", "--stdin", "--format=json", "--yes"])


# What another machine says, whatever it is asked for; then it ends well.
SAYS = """sh -c 'cat > /dev/null; printf "%b" "$0" >&2'"""


@pytest.mark.parametrize(
    ("asked", "said_there", "code", "told"),
    [
        ("apply", r'\0036{"command":"apply"}\n', 0, ""),
        ("plan", r'\0036{"command":"plan"}\n', 0, ""),
        ("plan", "", 0, ""),
        ("validate", "", 0, ""),
        ("apply", "", 1, "ads did not say that it has run `adserver apply`"),
        ("apply", r'\0036{"command":7}\n', 1, "did not say"),
        ("apply", r'\0036{"command":"plan"}\n', 1, "runs `adserver plan`"),
        ("plan", r'\0036{"command":"apply"}\n', 1, "runs `adserver apply`"),
    ],
)
def test_what_the_other_side_runs_must_be_what_was_asked(
    said: Callable[[], list[str]], tmp_path: Path, asked: str, said_there: str, code: int, told: str
) -> None:
    there = f"{SAYS} {shlex.quote(said_there)}"
    line = ("--config", write_folder(tmp_path), "--via", "ssh://ads", "--remote-command", there)
    result = adserver(asked, *line)
    assert result.exit_code == code, result.output
    assert told in result.stderr


def test_what_reading_uses_and_cannot_be_sent_keeps_everything_here(
    said: Callable[[], list[str]], tmp_path: Path
) -> None:
    folder = write_folder(tmp_path, brulerie=CAMPAIGN)
    (tmp_path / "shared.yaml").write_text(CAMPAIGN)
    (folder / "campaigns/shared.yaml").symlink_to(tmp_path / "shared.yaml")
    for asked in ("validate", "plan", "apply"):
        line = ("--config", folder, "--via", "ssh://ads", "--remote-command", "true")
        result = adserver(asked, *line)
        assert result.exit_code == 1
        assert "is a link to a file outside the config folder" in result.stderr
        assert "hint: copy the file into the folder" in result.stderr
        assert result.stderr.endswith("Nothing was sent.\n")
    assert not (tmp_path / "said.json").exists()


def test_campaigns_that_all_lie_elsewhere_are_not_taken_for_none(
    said: Callable[[], list[str]], tmp_path: Path
) -> None:
    folder = write_folder(tmp_path, brulerie=CAMPAIGN)
    (folder / "campaigns").rename(tmp_path / "elsewhere")
    (folder / "campaigns").symlink_to(tmp_path / "elsewhere")
    line = ("--config", folder, "--via", "ssh://ads", "--remote-command", "true")
    result = adserver("plan", "--prune", *line)
    assert result.exit_code == 1
    assert "config/campaigns: error: " in result.stderr
    assert not (tmp_path / "said.json").exists()


def test_what_lies_too_deep_to_be_sent_keeps_everything_here(
    said: Callable[[], list[str]], tmp_path: Path
) -> None:
    deep = "a/" * 33 + "b-728x90.png"
    pictures = f"creatives:\n  - {{id: deep, alt: Café, images: [{deep}]}}\n"
    folder = write_folder(tmp_path, brulerie=CAMPAIGN[: CAMPAIGN.index("creatives:")] + pictures)
    (folder / deep).parent.mkdir(parents=True)
    (folder / deep).write_bytes(draw(728, 90))
    assert adserver("validate", "--config", folder).exit_code == 0
    result = adserver("plan", "--config", folder, "--via", "ssh://ads")
    assert result.exit_code == 1
    assert "` is more than 32 folders deep" in result.stderr
    assert not (tmp_path / "said.json").exists()


def test_mistakes_of_what_is_not_sent_are_told_as_they_are_without_sending(
    said: Callable[[], list[str]], tmp_path: Path
) -> None:
    folder = write_folder(tmp_path, brulerie=CAMPAIGN)
    (folder / "campaigns/a\\b.yaml").write_text(CAMPAIGN)
    here = adserver("validate", "--config", folder)
    result = adserver("validate", "--config", folder, "--via", "ssh://ads")
    problems = here.stdout[: here.stdout.rindex("1 problem")]
    assert result.exit_code == here.exit_code == 1
    assert problems in result.stderr
    as_json = ("validate", "--config", folder, "--format", "json")
    assert adserver(*as_json, "--via", "ssh://ads").stdout == adserver(*as_json).stdout
    assert not (tmp_path / "said.json").exists()


def test_names_of_files_that_are_not_sent_are_shown_in_one_line(
    said: Callable[[], list[str]], tmp_path: Path
) -> None:
    folder = write_folder(tmp_path, brulerie=CAMPAIGN)
    (folder / "images").mkdir()
    (folder / "images/a\x1b[2Jb\n````.png").symlink_to("nowhere")
    line = ("--config", folder, "--via", "ssh://ads", "--remote-command", "true")
    result = adserver("plan", *line)
    assert result.exit_code == 0, result.output
    assert r"images/a\x1b[2Jb\n````.png is a link that leads nowhere" in result.stderr
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("command", ["", "-x", "--help"])
def test_a_remote_command_that_is_none_is_refused(
    said: Callable[[], list[str]], tmp_path: Path, command: str
) -> None:
    folder = write_folder(tmp_path)
    line = ("validate", "--config", folder, "--via", "ssh://ads", "--remote-command", command)
    result = adserver(*line)
    assert (result.exit_code, "is no command" in result.stderr) == (2, True)


def test_a_folder_is_called_as_it_is_called_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert called(Path("config")) == "config"
    assert called(tmp_path / "blog" / "config") == "blog/config"
    assert called(Path("../elsewhere")) == "config"
    assert called(Path()) == "config"


def sent(folder: Path, about: About) -> bytes:
    with spooled() as into:
        pack(gather(folder), about, into)
        return into.read()


def test_the_other_side_runs_the_command_on_what_arrives(tmp_path: Path) -> None:
    memory, here = MemoryStore(), Path.cwd()
    folder = write_folder(tmp_path, brulerie=CAMPAIGN)
    bundle = sent(folder, About("blog/config", "ana@desk", "4fd3+"))
    result = adserver("apply", "--stdin", "--yes", store=memory, stdin=bundle)
    assert result.exit_code == 0, result.output
    published = memory.made[-1][1]
    assert (published.author, published.commit) == ("ana@desk", "4fd3+")
    assert Path.cwd() == here
    assert memory.made[-1][0].files["site.yaml"].keys() == {"site.yaml"}


def test_the_other_side_names_files_as_their_owner_does(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, brulerie="tier: gold\n")
    bundle = sent(folder, About("blog/config"))
    result = adserver("validate", "--stdin", stdin=bundle)
    assert result.exit_code == 1
    assert "blog/config/campaigns/brulerie.yaml:1:" in result.stdout


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("YES", 0), ("", 2), ("no", 2)])
def test_an_answer_comes_behind_the_folder(tmp_path: Path, answer: str, code: int) -> None:
    memory = MemoryStore()
    bundle = sent(write_folder(tmp_path), About())
    line = ("apply", "--stdin", "--answers-follow")
    result = adserver(*line, store=memory, stdin=bundle + f"{answer}\n".encode())
    assert result.exit_code == code
    assert "Make this generation 1? [y/N]: " in result.stderr
    assert len(memory.made) == (code == 0)


def asides(stderr: str) -> list[str]:
    return [line[1:] for line in stderr.split("\n") if line.startswith("\x1e")]


SEEN = Mark("redis://store", "adserver", 1)


def test_a_mark_goes_along_and_comes_back_where_it_has_changed(tmp_path: Path) -> None:
    memory, folder = MemoryStore(), write_folder(tmp_path)
    bundle = sent(folder, About())
    applied = adserver("apply", "--stdin", "--yes", store=memory, stdin=bundle)
    command, mark = asides(applied.stderr)
    assert command == '{"command":"apply"}'
    keep_mark(folder, mark.encode())
    told = read_mark(folder)
    assert told is not None
    assert told.generation == 1
    again = adserver("plan", "--stdin", store=memory, stdin=sent(folder, About()))
    assert (again.exit_code, asides(again.stderr)) == (0, ['{"command":"plan"}'])


def test_a_folder_that_has_seen_another_generation_is_refused_there(tmp_path: Path) -> None:
    memory, folder = MemoryStore(), write_folder(tmp_path)
    bundle = sent(folder, About())
    first = adserver("apply", "--stdin", "--yes", store=memory, stdin=bundle)
    keep_mark(folder, asides(first.stderr)[-1].encode())
    heavy = write_folder(tmp_path / "other", brulerie=CAMPAIGN + "weight: 2\n")
    adserver("apply", "--yes", "--config", heavy, store=memory)
    write_folder(tmp_path, brulerie=CAMPAIGN + "weight: 3\n")
    late = adserver("apply", "--stdin", "--yes", store=memory, stdin=sent(folder, About()))
    assert late.exit_code == 4
    assert len(memory.made) == 2


def test_what_is_no_mark_is_not_kept(tmp_path: Path) -> None:
    write_mark(tmp_path, SEEN)
    for bad in (b"", b"[]", b"not json", b'{"store": 1}', b'{"a": "' + b"x" * 5_000 + b'"}'):
        keep_mark(tmp_path, bad)
    assert read_mark(tmp_path) == SEEN


def test_what_is_no_folder_on_stdin_is_told() -> None:
    result = adserver("apply", "--stdin", "--yes", store=MemoryStore(), stdin=b"hello\n")
    assert result.exit_code == 1
    assert "expected a config folder on stdin" in result.stderr
