"""`adserver new campaign`: a file that can be applied, made of a few answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import click

from adserver.cli import output, problems
from adserver.cli.failures import PROBLEMS, USAGE
from adserver.cli.options import Invocation, common
from adserver.cli.questions import Asked, ask_until_good
from adserver.core.catalog import Tier
from adserver.core.errors import CatalogError
from adserver.core.flights import zone
from adserver.core.problems import Problem
from adserver.publishing import names
from adserver.publishing.folder import ENDINGS
from adserver.publishing.interview import Interview, begin, path_of
from adserver.publishing.read import Reading
from adserver.publishing.writing import in_the_way, write

# The option of each key, and what it is.
OPTIONS = {
    "tier": "sponsorship, standard, remnant or house",
    "advertiser": "who is advertised",
    "order": "your own reference",
    "slots": "where it may stand: names or patterns, with commas between",
    "flight.first_day": "first day, such as 2026-11-02",
    "flight.last_day": "last day, included",
    "goal.impressions": "how many impressions are bought (standard)",
    "goal.clicks": "how many clicks are bought (standard)",
    "goal.share": "which share is bought, such as 50% (sponsorship)",
    "price.cpm": "price of a thousand impressions",
    "price.cpc": "price of a click",
    "price.flat": "price of the whole flight",
    "link": "where a click leads",
    "creative.headline": "words: the first line",
    "creative.body": "words: a sentence more",
    "creative.cta": "words: the call to act",
    "creative.images": "pictures, such as images/b-728x90.png, with commas between",
    "creative.alt": "in words what the pictures say",
}
USUAL_DAYS = 30


def option_of(key: str) -> str:
    """`--first-day` of `flight.first_day`."""
    return f"--{key.rpartition('.')[2].replace('_', '-')}"


def parameter_of(key: str) -> str:
    return key.replace(".", "__")


@dataclass(frozen=True, slots=True)
class Question:
    key: str
    text: str
    default: str = ""


@click.group()
def new() -> None:
    """Write files to begin with."""


def answer_options(command: click.Command) -> click.Command:
    for key in reversed(OPTIONS):
        declared = [option_of(key), parameter_of(key)]
        command.params.insert(0, click.Option(declared, help=OPTIONS[key]))
    return command


@new.command("campaign")
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--force", is_flag=True, help="write the file although it has problems")
@common
@click.pass_context
def campaign(context: click.Context, /, name: str | None, force: bool, **given: str | None) -> None:
    """Write the file of a new campaign, NAME.yaml; the name is made of advertiser and month.

    Asks on a terminal for what no option says. What is written can be applied as it is.
    """
    invocation = context.ensure_object(Invocation)
    started = begin(invocation.settings().config)
    if isinstance(started, Reading):
        raise CatalogError(started.problems)
    interview = started
    if name is not None:
        refuse_name(context, interview.folder, name)
    for key in OPTIONS:
        if (text := given[parameter_of(key)]) is not None:
            take(interview, key, text)
    if output.can_ask() and not invocation.confirmed:
        ask_for_the_rest(interview, invocation.now())
        name = name or ask_for_name(interview)
    name = name or interview.proposed_name()
    refuse_name(context, interview.folder, name)
    if interview.missing:
        refuse_gaps(interview)
    context.exit(write_down(invocation, interview, name, force=force))


campaign = answer_options(campaign)


def take(interview: Interview, key: str, text: str) -> None:
    problem = interview.take(key, text)
    if problem is not None:
        hint = f" ({problem.hint})" if problem.hint else ""
        raise click.UsageError(f"{option_of(key)}: {problem.message}{hint}")


def refuse_name(context: click.Context, folder: Path, name: str) -> None:
    if not names.is_name(name):
        rule = "letters a-z, digits, `.`, `_` and `-`, at most 80"
        raise click.UsageError(f"{name!r} cannot be the name of a campaign: {rule}")
    path = path_of(name)
    there = in_the_way(folder, [path, path.removesuffix(ENDINGS[0]) + ENDINGS[1]])
    if there:
        output.complain(f"Error: {there[0]} is there already, and nothing is overwritten.")
        output.complain("Give the campaign another NAME.")
        context.exit(USAGE)


def refuse_gaps(interview: Interview) -> None:
    options = ", ".join(option_of(key) for key in interview.missing)
    raise click.UsageError(
        f"a {interview.tier or 'new'} campaign still needs {options}; "
        "on a terminal, you are asked for them"
    )


def ask_for_the_rest(interview: Interview, now: float) -> None:
    """The questions that are left; which there are depends on the answers before."""
    ask(interview, Question("tier", "Tier: sponsorship, standard, remnant or house?", "standard"))
    if interview.tier != Tier.HOUSE:
        ask(interview, Question("advertiser", "Who is advertised?"))
    for slot in interview.slots:
        sizes = ", ".join(f"{size} on {device}" for device, size in slot.sizes.items())
        output.complain(f"  {slot.name}  {slot.title} ({sizes})")
    first = interview.slots[0].name if interview.slots else ""
    ask(interview, Question("slots", "Slots, with commas between?", first))
    if interview.tier != Tier.HOUSE:
        ask_for_terms(interview, now)
    ask(interview, Question("link", "Where does a click lead?"))
    ask_for_creative(interview)


def ask_for_terms(interview: Interview, now: float) -> None:
    today = datetime.fromtimestamp(now, zone(interview.site.timezone)).date()
    last = today + timedelta(days=USUAL_DAYS - 1)
    ask(interview, Question("flight.first_day", "First day?", f"{today}"))
    ask(interview, Question("flight.last_day", "Last day, included?", f"{last}"))
    currency = interview.site.currency
    if interview.tier == Tier.SPONSORSHIP:
        ask(interview, Question("goal.share", "Which share of the requests is bought?", "100%"))
        ask_if_any(interview, Question("price.flat", f"Price of it all, in {currency}?"))
        return
    if interview.tier == Tier.STANDARD and not bought(interview):
        ask_if_any(interview, Question("goal.impressions", "How many impressions are bought?"))
    if "goal.clicks" in interview.values:
        ask_if_any(interview, Question("price.cpc", f"Price of a click, in {currency}?"))
    else:
        words = f"Price of a thousand impressions, in {currency}?"
        ask_if_any(interview, Question("price.cpm", words))


def bought(interview: Interview) -> bool:
    return bool({"goal.impressions", "goal.clicks"} & interview.values.keys())


def ask_for_creative(interview: Interview) -> None:
    if not {"creative.headline", "creative.images"} & interview.values.keys():
        pictures = interview.pictures()
        for path, image in pictures:
            output.complain(f"  {path}  {image.size}{' @2x' if image.density == 2 else ''}")
        if pictures:
            words = "Pictures, with commas between?"
            ask_if_any(interview, Question("creative.images", words))
    if "creative.images" in interview.values:
        ask(interview, Question("creative.alt", "What do the pictures say, in words?"))
        return
    ask(interview, Question("creative.headline", "The first line?"))
    ask_if_any(interview, Question("creative.body", "A sentence more?"))
    ask_if_any(interview, Question("creative.cta", "The call to act?"))


def ask(interview: Interview, question: Question) -> None:
    """Unless it is answered already."""
    if question.key in interview.values:
        return
    default = question.default or None
    keep = partial(take, interview, question.key)
    ask_until_good(Asked(question.text, default, keep))


def ask_if_any(interview: Interview, question: Question) -> None:
    """One that may be left out, by Enter."""
    if question.key.startswith("price.") and has_price(interview):
        return
    if question.key not in interview.values:
        keep = partial(take, interview, question.key)
        ask_until_good(Asked(f"{question.text} (Enter: none)", "", keep))


def has_price(interview: Interview) -> bool:
    return any(key.startswith("price.") for key in interview.values)


def ask_for_name(interview: Interview) -> str:
    chosen: list[str] = []

    def keep(text: str) -> None:
        if not names.is_name(text):
            raise click.UsageError("letters a-z, digits, `.`, `_` and `-`, at most 80")
        chosen.append(text)

    ask_until_good(Asked("The campaign's name?", interview.proposed_name(), keep))
    return chosen[-1]


def write_down(invocation: Invocation, interview: Interview, name: str, *, force: bool) -> int:
    reading, found = interview.whole(name, invocation.now())
    failed = problems.any_error(found)
    path = interview.folder / path_of(name)
    if not failed or force:
        write(path, interview.draft().text, replace=False)
    if invocation.as_json:
        wrote = str(path) if not failed or force else None
        output.answer({"campaign": name, "file": wrote, **problems.as_json(found)})
    else:
        tell(invocation, path, found, reading, kept=not failed or force)
    return PROBLEMS if failed else 0


def tell(
    invocation: Invocation, path: Path, found: Sequence[Problem], reading: Reading, *, kept: bool
) -> None:
    for line in problems.told(found, reading.sources, invocation.form):
        output.complain(line)
    if not kept:
        output.complain("Nothing was written. --force writes it all the same, to be corrected.")
        return
    output.say(f"wrote {path}")
    output.say("Try it with `adserver serve --dev`, make it live with `adserver apply`.")
