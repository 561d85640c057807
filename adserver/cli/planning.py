"""What `plan` and `apply` have in common: the plan made, shown and told as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adserver.cli import output, problems
from adserver.cli.options import Invocation
from adserver.core.catalog import Generation
from adserver.core.errors import CatalogError, LiveHasMoved
from adserver.core.publication import Published
from adserver.publishing.change import Change
from adserver.publishing.known import Known
from adserver.publishing.mark import Mark, has_moved, write_mark
from adserver.publishing.plan_text import counted
from adserver.publishing.planning import Planned, lines, refusals
from adserver.publishing.read import Reading
from adserver.settings import Settings
from adserver.store.address import shown

if TYPE_CHECKING:
    from adserver.wiring.control import ControlPlane


def known_of(invocation: Invocation, plane: ControlPlane, live: Generation | None) -> Known:
    return Known(live, plane.totals, plane.traffic, plane.samples, plane.pauses, invocation.now())


def mark_of(settings: Settings, plane: ControlPlane, live: Published | None) -> Mark:
    """What a folder remembers of this store."""
    store = plane.catalogs.identity() or address_of(settings)
    return marked(Mark(store, settings.namespace, 0), live)


def marked(mark: Mark, live: Published | None) -> Mark:
    """The same, with what is live by now."""
    return replace(mark, generation=live.number, began=live.created_at) if live else mark


def remember(folder: Path, mark: Mark) -> None:
    """The folder has seen this generation live; one that cannot be written to says so, as nobody
    is held back then who would undo what somebody else applies."""
    if not write_mark(folder, mark) and folder.is_dir():
        output.complain(
            f"Note: {folder} cannot be written to, so it does not remember that generation "
            f"{mark.generation} was live; say `--expect {mark.generation}` when you apply it."
        )


def address_of(settings: Settings) -> str:
    """The store's, wherever one stands."""
    address = shown(settings.redis)
    scheme, embedded, folder = address.partition("embedded:")
    return f"{scheme}{embedded}{Path(folder).resolve()}" if embedded and not scheme else address


def refuse_moved(folder: Path, mark: Mark, expect: int | None, live: Published | None) -> None:
    """LiveHasMoved where another generation is live than somebody says by hand, or the folder
    has seen."""
    number = live.number if live else 0
    unexpected = expect if expect != number else None
    seen = has_moved(folder, mark) if expect is None else unexpected
    if seen is not None:
        raise LiveHasMoved(seen, number, live)


def show(invocation: Invocation, made: Planned) -> None:
    if invocation.as_json:
        return
    proposal = made.proposal
    if not proposal.plan.empty:
        was = f"live is {proposal.expected}" if proposal.expected else "nothing is live yet"
        output.say(f"Plan for generation {proposal.expected + 1} ({was}):")
    output.marked(lines(made))
    output.marked(made.hints)


def as_json(made: Planned) -> dict[str, Any]:
    """`text` of a change is what a person reads; the rest of it is what that was made of."""
    proposal, plan = made.proposal, made.proposal.plan
    return {
        "created": plan.created,
        "changed": plan.changed,
        "ended": plan.ended,
        "renamed": [{"from": one.old, "to": one.new} for one in plan.renamed],
        "kept": plan.kept,
        "settings": plan.settings,
        "fields": proposal.fields,
        "changes": told(proposal.difference.campaigns),
        "setting_changes": told(proposal.difference.settings),
        "files": [
            {
                "campaign": one.campaign,
                "name": one.file.name,
                "size": str(one.file.size),
                "bytes": one.size_bytes,
            }
            for one in made.files
        ],
        "effects": [asdict(one) for one in made.effects],
        "alike": [{"from": one.old, "to": one.new} for one in proposal.alike],
        "warnings": problems.as_json(made.warnings)["problems"],
        "summary": counted(plan),
        "empty": plan.empty,
    }


def told(changes: Mapping[str, Iterable[Change]]) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [{**asdict(change), "text": change.text} for change in some]
        for name, some in changes.items()
    }


def refuse_effects(made: Planned) -> None:
    """CatalogError where something that the plan does must not be."""
    if found := refusals(made):
        raise CatalogError(found)


def show_warnings(invocation: Invocation, made: Planned, reading: Reading) -> None:
    if not invocation.as_json:
        for line in problems.told(made.warnings, reading.sources, invocation.form):
            output.complain(line)


def refuse(invocation: Invocation, error: CatalogError, sources: Mapping[str, str]) -> None:
    """sources: the texts of the files that problems may be in."""
    if invocation.as_json:
        output.answer(problems.as_json(error.problems))
    else:
        for line in problems.told(error.problems, sources, invocation.form):
            output.complain(line)
