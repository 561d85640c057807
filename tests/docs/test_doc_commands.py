"""Every `adserver …` that a page shows is a command that exists, with options that it has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from adserver.cli import cli
from tests.docs.pages import PAGES, ROOT, blocks, without_blocks

SHELLS = ("bash", "console", "")
INLINE = re.compile(r"`([^`\n]+)`")
# `adserver` as a word of a command line, behind variables, sudo, a path or docker compose.
CALL = re.compile(r"(?:^|(?<!-u)[\s(]|bin/)adserver((?: [^\s|;&>#)]+| '[^']*'| \"[^\"]*\")+)")


def lines() -> Iterator[tuple[str, str]]:
    for path in PAGES:
        text, name = path.read_text("utf-8"), str(path.relative_to(ROOT))
        for block in blocks(text):
            if block.language in SHELLS:
                yield from ((name, line) for line in block.text.splitlines())
        yield from ((name, code) for code in INLINE.findall(without_blocks(text)))


def calls() -> list[tuple[str, str]]:
    found = [
        (name, call.strip())
        for name, line in lines()
        if "docker build" not in line
        for call in CALL.findall(line)
    ]
    return sorted({(name, call) for name, call in found if call.split()[0] not in ("serves", "…")})


def parse(arguments: list[str]) -> None:
    """UsageError where click would refuse the call; nothing is run. A name alone is no call."""
    try:
        group = cli.make_context("adserver", arguments)
        command: click.Command = cli
        rest = [*group._protected_args, *group.args]
        while isinstance(command, click.Group) and (rest or not command.invoke_without_command):
            name, found, rest = command.resolve_command(group, rest)
            assert found is not None, name
            command = found
            group = command.make_context(name, rest, parent=group)
            rest = [*group._protected_args, *group.args]
    except (click.exceptions.Exit, click.MissingParameter):  # --help; `adserver why` in a sentence
        return


def test_there_are_commands_in_the_pages() -> None:
    assert len(calls()) > 30


@pytest.mark.parametrize(("page", "call"), calls())
def test_a_command_that_a_page_shows_exists_with_its_options(page: str, call: str) -> None:
    parse(shlex.split(call))


@pytest.mark.parametrize("call", ["teleport", "apply --force", "snippet post-top --for perl"])
def test_a_command_that_does_not_exist_would_be_noticed(call: str) -> None:
    with pytest.raises(click.UsageError):
        parse(shlex.split(call))
