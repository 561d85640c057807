"""`adserver init`: a config folder to begin with. Needs no store, and never overwrites."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import click

from adserver.cli import guesses, output
from adserver.cli.failures import USAGE
from adserver.cli.options import Invocation, common
from adserver.cli.questions import Asked, ask_until_good
from adserver.publishing.starting import Publication, problems_of, starting_files
from adserver.publishing.writing import in_the_way, write_new

QUESTIONS = {
    "name": "What is your publication called?",
    "site": "The address of its pages?",
    "language": "The language of its pages?",
    "timezone": "The time zone of its days and hours?",
    "currency": "The currency of its prices?",
}


@dataclass(slots=True)
class Answers:
    """The publication so far, and which of its facts nobody has said."""

    publication: Publication
    guessed: list[str] = field(default_factory=list)

    def take(self, key: str, value: str) -> None:
        """UsageError with what `validate` would say of it."""
        made = replace(self.publication, **{key: value.strip()})
        if problems := problems_of(made):
            about = [one for one in problems if f"`{key}" in one.message] or problems
            hint = f" ({about[0].hint})" if about[0].hint else ""
            raise click.UsageError(f"--{key}: {about[0].message}{hint}")
        self.publication = made


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@click.option("--name", help="what the publication is called")
@click.option("--site", help="the address of its pages, such as https://www.gazette.example")
@click.option("--language", help="the language of its pages, such as fr or fr-CA")
@click.option("--timezone", help="the zone of its days and hours, such as Europe/Paris")
@click.option("--currency", help="the unit of its prices, such as EUR")
@common
@click.pass_context
def init(context: click.Context, /, folder: Path | None, **given: str | None) -> None:
    """Write a small, complete config folder into DIR (config), explained by comments.

    Asks on a terminal for what no option says; elsewhere it takes what it can guess.
    """
    invocation = context.ensure_object(Invocation)
    folder = folder or invocation.settings().config
    guess = guesses.publication(folder, os.environ)
    # What a machine says of itself need not be what our files allow.
    answers = Answers(guess if not problems_of(guess) else fallback(guess))
    refuse_what_is_there(context, folder, answers.publication)
    for key, value in given.items():
        if value is not None:
            answers.take(key, value)
    left = [key for key in QUESTIONS if given[key] is None]
    if output.can_ask() and not invocation.confirmed:
        for key in left:
            default = getattr(answers.publication, key)
            ask_until_good(Asked(QUESTIONS[key], default, partial(answers.take, key)))
    else:
        answers.guessed = left
    written = write_new(folder, starting_files(answers.publication))
    tell(invocation, folder, answers, written)


def fallback(guess: Publication) -> Publication:
    return Publication("My publication", guess.site, "en", "UTC", "EUR")


def refuse_what_is_there(context: click.Context, folder: Path, publication: Publication) -> None:
    if there := in_the_way(folder, starting_files(publication)):
        for path in there:
            output.complain(f"Error: {path} is there already.")
        output.complain("Nothing was written: `init` never overwrites. Choose another folder.")
        context.exit(USAGE)


def tell(invocation: Invocation, folder: Path, answers: Answers, written: list[str]) -> None:
    if invocation.as_json:
        output.answer({"folder": str(folder), "files": written, "guessed": answers.guessed})
        return
    for path in written:
        output.say(f"wrote {path}")
    for key in answers.guessed:
        output.say(f"guessed {key}: {getattr(answers.publication, key)}")
    if answers.guessed:
        output.say(f"What is guessed can be changed in {folder / 'site.yaml'}.")
    option = "" if folder == Path("config") else f"--config {folder} "
    output.say("\nNext:")
    output.say(f"  adserver {option}validate       # checks every file")
    output.say(
        f"  adserver {option}serve --dev    # try it: pages change as you save, nothing counts"
    )
    output.say(f"  adserver {option}apply          # make it live")
