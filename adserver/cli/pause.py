"""`adserver pause` and `adserver resume`: stop something at once, on every node; let it go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from adserver.cli import author, output
from adserver.cli.failures import PROBLEMS, USAGE, unchanged
from adserver.cli.live import live_of
from adserver.cli.message import message_option
from adserver.cli.options import Invocation, common
from adserver.core.flights import zone
from adserver.core.pauses import EVERYTHING, Act, Pause
from adserver.publishing import moments
from adserver.publishing.history import MAX_AUTHOR, shown
from adserver.publishing.pausing import MAX_MESSAGE_CHARACTERS, Answer, Said, spoken
from adserver.publishing.pausing import pause as put
from adserver.publishing.pausing import resume as lift
from adserver.publishing.rollout import alive
from adserver.publishing.until import read_until

if TYPE_CHECKING:
    pass

TARGET = "CAMPAIGN|CAMPAIGN/CREATIVE|advertiser:NAME|slot:NAME"
SHOWN_ACTS = 20


@click.command()
@click.argument("target", required=False, default="", metavar=f"[{TARGET}]")
@click.option("--all", "everything", is_flag=True, help="everything there is; asks first")
@message_option("why, for colleagues: kept, and shown by `why`")
@click.option("--until", default="", help="when it ends by itself: +2h, 18:00, mon 9:00, a date")
@click.option("--list", "listing", is_flag=True, help="what is paused, and who did what lately")
@common
@click.pass_context
def pause(  # noqa: PLR0913 - one parameter an option
    context: click.Context, target: str, everything: bool, message: str, until: str, listing: bool
) -> None:
    """Stop showing something on every node, within two seconds and until it is resumed.

    It outlives every apply. What is on pages already goes on to be counted and clicked.
    """
    invocation = context.ensure_object(Invocation)
    if listing:
        show_list(context, invocation)
        return
    text = asked_for(target, everything)
    check_message(message)
    if everything and not agreed(invocation):
        context.exit(USAGE)
    settings = invocation.settings()
    with (
        unchanged("Nothing was paused."),
        invocation.control_plane(settings, existing=True) as plane,
    ):
        catalog = live_of(plane).catalog
        tz, now = zone(catalog.site.timezone), invocation.now()
        said = Said(who(), now, message, ends(until, tz, now))
        workers = len(alive(plane.catalogs.nodes(), now))
        answer = put(text, catalog, plane.pauses, said)
    if invocation.as_json:
        output.answer(as_json(answer, tz))
        return
    output.say(f"Paused {spoken(answer.target)}{said_until(said.until, tz, now)}.")
    for note in answer.notes:
        output.say(note)
    if workers:
        what = "1 worker stops" if workers == 1 else f"{workers} workers stop"
        output.say(f"{what} within two seconds; what is on pages already counts.")
    else:
        output.say("No node is running; whichever starts knows of it.")


@click.command()
@click.argument("target", required=False, default="", metavar=f"[{TARGET}]")
@click.option("--all", "everything", is_flag=True, help="what `pause --all` has stopped")
@message_option("why, for colleagues: kept")
@common
@click.pass_context
def resume(context: click.Context, target: str, everything: bool, message: str) -> None:
    """Let something go on that was paused, by the name by which it was."""
    invocation = context.ensure_object(Invocation)
    text = asked_for(target, everything)
    check_message(message)
    settings = invocation.settings()
    with (
        unchanged("Nothing was resumed."),
        invocation.control_plane(settings, existing=True) as plane,
    ):
        catalog = live_of(plane).catalog
        said = Said(who(), invocation.now(), message)
        answer = lift(text, catalog, plane.pauses, said)
    if invocation.as_json:
        output.answer(as_json(answer, zone(catalog.site.timezone)))
    elif answer.done:
        output.say(f"Resumed {spoken(answer.target)}.")
        for note in answer.notes:
            output.say(note)
    if answer.problem:
        output.complain(f"Error: {answer.problem}.")
        context.exit(PROBLEMS)


def asked_for(target: str, everything: bool) -> str:
    if everything == bool(target):
        raise click.UsageError(f"say what: {TARGET}, or --all")
    if target == EVERYTHING:
        raise click.UsageError("say --all for everything")
    return EVERYTHING if everything else target


def who() -> str:
    """As it may be shown on anybody's terminal."""
    return shown(author.name(), MAX_AUTHOR)


def check_message(message: str) -> None:
    if len(message) > MAX_MESSAGE_CHARACTERS:
        raise click.UsageError(f"-m: at most {MAX_MESSAGE_CHARACTERS} characters")


def agreed(invocation: Invocation) -> bool:
    if invocation.confirmed:
        return True
    if not output.can_ask():
        output.complain("Nothing was paused: there is nobody to ask here; say --yes as well.")
        return False
    if output.ask("Stop every campaign in every slot, house ads included?"):
        return True
    output.complain("Nothing was paused.")
    return False


def ends(until: str, tz: ZoneInfo, now: float) -> float | None:
    if not until:
        return None
    try:
        return read_until(until, tz, now)
    except ValueError as error:
        raise click.UsageError(f"--until: {error}") from error


def said_until(until: float | None, tz: ZoneInfo, now: float) -> str:
    return "" if until is None else f" until {moments.spoken(until, tz, now)}"


def as_json(answer: Answer, tz: ZoneInfo) -> dict[str, Any]:
    return {
        "target": str(answer.target),
        "done": answer.done,
        "pause": None if answer.pause is None else pause_as_json(answer.pause, tz),
        "problem": answer.problem,
        "notes": answer.notes,
    }


def pause_as_json(pause: Pause, tz: ZoneInfo) -> dict[str, Any]:
    return {
        "target": str(pause.target),
        "since": moments.iso(pause.since, tz),
        "until": None if pause.until is None else moments.iso(pause.until, tz),
        "by": pause.by,
        "message": pause.message,
    }


def act_as_json(act: Act, tz: ZoneInfo) -> dict[str, Any]:
    return {
        "at": moments.iso(act.at, tz),
        "verb": act.verb,
        "target": str(act.target),
        "until": None if act.until is None else moments.iso(act.until, tz),
        "by": act.by,
        "message": act.message,
    }


def show_list(context: click.Context, invocation: Invocation) -> None:
    """What is over is still told of, until somebody writes again."""
    with invocation.control_plane(invocation.settings(), existing=True) as plane:
        tz = zone(live_of(plane).catalog.site.timezone)
        pauses, acts = plane.pauses.known(), plane.pauses.acts(SHOWN_ACTS)
    now = invocation.now()
    if invocation.as_json:
        output.answer(
            {
                "paused": [pause_as_json(one, tz) for one in pauses if one.holds(now)],
                "acts": [act_as_json(one, tz) for one in acts],
            }
        )
        return
    show_pauses(pauses, tz, now)
    if acts:
        output.say()
        rows = [
            (
                moments.spoken(one.at, tz, now),
                one.verb,
                spoken(one.target),
                "" if one.until is None else moments.soon(one.until, tz, one.at),
                one.by,
                one.message,
            )
            for one in acts
        ]
        output.table(("when", "", "what", "until", "by", "message"), rows)


def show_pauses(pauses: Sequence[Pause], tz: ZoneInfo, now: float) -> None:
    if not any(one.holds(now) for one in pauses):
        output.say("Nothing is paused.")
    if not pauses:
        return
    rows = [
        (
            spoken(one.target),
            moments.spoken(one.since, tz, now),
            ending(one, tz, now),
            one.by,
            one.message,
        )
        for one in pauses
    ]
    output.table(("paused", "since", "until", "by", "message"), rows)


def ending(pause: Pause, tz: ZoneInfo, now: float) -> str:
    if pause.until is None:
        return "it is resumed"
    over = "" if pause.holds(now) else " (over)"
    return f"{moments.spoken(pause.until, tz, now)}{over}"
