"""Commands that can be run here for a folder that is elsewhere: `--via ssh://HOST`.

The folder is sent to the same command there, which runs as if it had always been there; what it
says is said here, and its exit code is ours. Nobody's laptop needs to reach the store.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import click
import orjson

from adserver.cli import author, output
from adserver.cli.failures import PROBLEMS
from adserver.cli.options import Invocation
from adserver.cli.planning import refuse
from adserver.cli.reading import read_files
from adserver.cli.ssh import ASIDE, Host, read_host, run
from adserver.core.errors import CatalogError, SettingsError, WrongCommand
from adserver.publishing.bundle import (
    DEFAULT_NAME,
    About,
    Gathered,
    gather,
    pack,
    spooled,
    unpack,
)
from adserver.publishing.mark import mark_in, read_mark, write_mark
from adserver.publishing.nodes import visible
from adserver.publishing.publish import Wish
from adserver.publishing.unsent import refuse_unsent

# Options of ours; everything else is said to the other side as it was said here.
OWN = ("via", "remote_command", "stdin", "answers_follow")
# The folder is in the bundle. A store goes along where the command names it: what the environment
# says of one is meant for here.
NOT_SENT = (*OWN, "config")


class Portable(click.Command):
    """A command with `--via`, and its hidden other side."""

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.params += [
            click.Option(
                ["--via"],
                metavar="ssh://HOST",
                help="send the folder to this machine, and run the command there",
            ),
            click.Option(
                ["--remote-command"],
                default="adserver",
                metavar="COMMAND",
                help="with --via: what the command is called there [adserver]",
            ),
            click.Option(["--stdin"], is_flag=True, hidden=True),
            click.Option(["--answers-follow"], is_flag=True, hidden=True),
        ]

    def invoke(self, ctx: click.Context) -> Any:
        own = {name: ctx.params.pop(name) for name in OWN}
        invocation = ctx.ensure_object(Invocation)
        if own["via"]:
            host = read_host(own["via"])
            ctx.exit(send(ctx, invocation, host, own["remote_command"]))
        if not own["stdin"]:
            return super().invoke(ctx)
        say_aside({"command": ctx.info_name})
        with arrived(invocation, answers_follow=own["answers_follow"]):
            return super().invoke(ctx)


def send(context: click.Context, invocation: Invocation, host: Host, command: str) -> int:
    """Run the same command on the host; its exit code."""
    folder = invocation.settings().config
    gathered = gather(folder)
    for path, why in gathered.left_out.items():
        output.complain(f"{visible(str(folder / path))} {why}, and is not sent.")
    if gathered.left_out and not fit_to_send(context, invocation, gathered):
        return PROBLEMS
    about = About(called(folder), author.name(), author.commit(folder))
    words = [*shlex.split(command), *words_of(context, invocation)]
    if not words or words[0].startswith("-"):
        raise SettingsError(f"--remote-command {command!r} is no command")
    heard = Heard(str(context.info_name), folder, host)
    with spooled() as bundle:
        pack(gathered, about, bundle)
        code = run(host, words, bundle, heard)
    if not code:
        heard.refuse_silence()
    return code


def fit_to_send(context: click.Context, invocation: Invocation, gathered: Gathered) -> bool:
    """Whether nothing that reading uses stays behind; what does is told as it is without --via."""
    reading = read_files(invocation)
    wish = Wish(invocation.settings().config, context.params.get("names", ()))
    try:
        refuse_unsent(gathered, reading, wish)
    except CatalogError as error:
        refuse(invocation, error, reading.sources)
        output.complain("Nothing was sent.")
        return False
    return True


@dataclass(slots=True)
class Heard:
    """What the other side says to us alone: which command it runs, and what it has seen live.

    A key may be held to one command, whatever it is asked for, and nobody must take a plan for an
    apply.
    """

    asked: str
    folder: Path
    host: Host
    run: str = ""

    def __call__(self, line: bytes) -> None:
        command = command_in(line)
        if command is None:
            keep_mark(self.folder, line)
            return
        self.run = command
        if command != self.asked:
            raise WrongCommand(
                f"{self.host} was asked for `adserver {self.asked}` and runs `adserver "
                f"{visible(command)}`: that key, or --remote-command, is for nothing else"
            )

    def refuse_silence(self) -> None:
        """What does not change anything may be believed to be what it looks like."""
        if not self.run and self.asked == "apply":
            raise WrongCommand(
                f"{self.host} did not say that it has run `adserver apply`; look at `adserver "
                "history` there for what is live, and use the same release on both sides"
            )


def command_in(line: bytes) -> str | None:
    """None where it says no command."""
    try:
        said = orjson.loads(line)["command"]
    except (ValueError, KeyError, TypeError):
        return None
    return said if isinstance(said, str) else None


def say_aside(what: object) -> None:
    sys.stderr.flush()
    sys.stderr.buffer.write(ASIDE + orjson.dumps(what) + b"\n")
    sys.stderr.buffer.flush()


def called(folder: Path) -> str:
    """The folder as messages name it: as it is called here, where that is below this one."""
    relative = PurePosixPath(os.path.relpath(folder))
    return DEFAULT_NAME if ".." in relative.parts or str(relative) == "." else str(relative)


def words_of(context: click.Context, invocation: Invocation) -> list[str]:
    """The command as it is said to the other side."""
    words = [str(context.info_name), "--stdin"]
    if sys.stdin.isatty() and not invocation.confirmed:
        words.append("--answers-follow")
    manner = {"yes": invocation.confirmed, "format": invocation.form}
    given = {**context.params, **invocation.given, **manner}
    arguments: list[str] = []
    for parameter in context.command.params:
        name = str(parameter.name)
        value = given.get(name)
        if name in NOT_SENT or value in (None, False, (), "", "text"):
            continue
        several = value if isinstance(value, tuple) else (value,)
        if isinstance(parameter, click.Argument):
            arguments += [str(one) for one in several]
        else:
            option = max(parameter.opts, key=len)
            words += [option if one is True else f"{option}={one}" for one in several]
    return [*words, *(["--", *arguments] if arguments else [])]


@contextmanager
def arrived(invocation: Invocation, *, answers_follow: bool) -> Iterator[None]:
    """The other side: the folder that comes on stdin is the config folder of this command.

    It is called what its owner calls it, so that messages say what he knows: the command runs in
    the folder that it lies in. What was meant from where we are is made absolute before.
    """
    from adserver.store.address import anchored

    settings, here = invocation.settings(), Path.cwd()
    with tempfile.TemporaryDirectory(prefix="adserver-from-") as temporary:
        about, folder = unpack(sys.stdin.buffer, Path(temporary))
        before = read_mark(folder)
        invocation.given["redis"] = anchored(settings.redis, here)
        invocation.given["config"] = Path(about.called)
        invocation.author, invocation.commit = about.author, about.commit
        invocation.answers_follow = answers_follow
        os.chdir(temporary)
        try:
            yield
        finally:
            os.chdir(here)
            if (mark := read_mark(folder)) not in (None, before):
                say_aside(mark)


def keep_mark(folder: Path, mark: bytes) -> None:
    """The folder here is what the other side has seen it to be. One that cannot be written is
    without a mark, as everywhere."""
    if (told := mark_in(mark)) is not None:
        write_mark(folder, told)
