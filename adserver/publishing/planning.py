"""All that is to be said before a proposal is applied: what changes, which files come with it, and
what it does to delivery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from adserver.core.catalog import Catalog, Html, Image
from adserver.core.problems import Problem, Severity
from adserver.publishing.effect import Effect, Kind, Weight, by_weight
from adserver.publishing.effects import effects
from adserver.publishing.folder import SLOTS_FILE
from adserver.publishing.known import Known
from adserver.publishing.plan_text import INDENT, counted
from adserver.publishing.publish import Proposal, Wish, choose, problems_of, propose, summary
from adserver.publishing.read import Reading
from adserver.publishing.renaming import Beside, said_at

# More files than these are counted instead of listed.
MAX_FILES_SHOWN = 20
# What a plan does to more slots and campaigns is not read one by one.
MAX_EFFECTS_SHOWN = 60


@dataclass(frozen=True, slots=True)
class NewFile:
    """A picture or document that was not live before."""

    campaign: str
    file: Image | Html
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Planned:
    """effects: errors first. warnings: of the files that are concerned. hints: what would be
    otherwise if the files, or the command, said so."""

    proposal: Proposal
    files: tuple[NewFile, ...] = ()
    effects: tuple[Effect, ...] = ()
    warnings: tuple[Problem, ...] = ()
    hints: tuple[str, ...] = ()


def make_plan(reading: Reading, wish: Wish, known: Known, *, remove_slots: bool) -> Planned:
    """CatalogError or NoSuchName where the files, or the wish, make no sense."""
    written = choose(reading, wish)
    beside = Beside(known.now, broken=reading.broken)
    if any(one.renamed_from for one in written.campaigns):
        beside = replace(beside, ever=known.ever, said_at=said_at(reading.sources))
    proposal = propose(written, known.live, wish, beside)
    made = plan_of(proposal, known, remove_slots=remove_slots)
    warnings = problems_of(reading, wish.only)
    # Where something stays that the files do not have, what they say is not all.
    told = () if wish.only or proposal.plan.kept else warnings
    return replace(
        made,
        files=tuple(new_files(proposal.before, proposal.catalog, reading.sizes)),
        effects=tuple(one for one in made.effects if not is_told(one, told)),
        warnings=warnings,
        hints=tuple(hints(proposal)),
    )


def plan_of(
    proposal: Proposal, known: Known, *, remove_slots: bool, besides: Iterable[Effect] = ()
) -> Planned:
    """Of a proposal that was made of no folder. besides: effects that the catalogs do not tell."""
    found = effects(proposal, known, remove_slots=remove_slots)
    return Planned(proposal, effects=by_weight((*found, *besides)))


# What the files are warned of as well, by the code of that.
TOLD_OF_FILES = {Kind.OVERSOLD: "oversold", Kind.NO_HOUSE: "no_house_campaign"}


def is_told(effect: Effect, warnings: Iterable[Problem]) -> bool:
    """Whether a warning of the files says so, beside the line that is to be changed."""
    code, slot = TOLD_OF_FILES.get(effect.kind), f"`{effect.subject}`"
    return any(one.code == code and slot in one.message for one in warnings)


def refusals(planned: Planned) -> list[Problem]:
    """What stands in the way: of all effects, a slot that goes while pages ask for it."""
    hint = "take it out of the pages first, or say --remove-slot"
    return [
        Problem(SLOTS_FILE, 0, 0, Severity.ERROR, "slot_in_use", one.message, hint)
        for one in planned.effects
        if one.weight is Weight.ERROR
    ]


def new_files(
    before: Catalog | None, after: Catalog, sizes: Mapping[str, int]
) -> Iterator[NewFile]:
    """Each once, by the first campaign that needs it. sizes: bytes of the folder's, by digest."""
    met = {file.digest for _, file in files_of(before)} if before else set()
    for campaign, file in files_of(after):
        if file.digest not in met and file.digest in sizes:
            met.add(file.digest)
            yield NewFile(campaign, file, sizes[file.digest])


def files_of(catalog: Catalog) -> Iterator[tuple[str, Image | Html]]:
    for campaign in catalog.campaigns:
        for creative in campaign.creatives:
            for image in creative.images:
                yield campaign.name, image
            if creative.html:
                yield campaign.name, creative.html


def lines(planned: Planned) -> Iterator[str]:
    """What changes, and what comes of it; nothing where nothing does. The first character says
    what a line is about (`plan_text`); `!` is a warning, `x` is in the way."""
    proposal = planned.proposal
    yield from summary(proposal)
    yield from file_lines(planned.files)
    yield from effect_lines(planned.effects)
    if not proposal.plan.empty:
        yield ""
        yield counted(proposal.plan)


SIGNS = {Weight.NOTE: " ", Weight.WARNING: "!", Weight.ERROR: "x"}


def effect_lines(found: tuple[Effect, ...]) -> Iterator[str]:
    """What matters most comes first, and so is never cut."""
    if not found:
        return
    yield ""
    yield "Delivery:"
    yield from (f"{SIGNS[one.weight]} {one.message}" for one in found[:MAX_EFFECTS_SHOWN])
    if len(found) > MAX_EFFECTS_SHOWN:
        yield f"  and {len(found) - MAX_EFFECTS_SHOWN:,} more (all of them with --format json)"


def file_lines(files: tuple[NewFile, ...]) -> Iterator[str]:
    if not files:
        return
    total = sum(one.size_bytes for one in files)
    yield ""
    yield f"New files: {len(files):,}, {kilobytes(total)}"
    for one in files[:MAX_FILES_SHOWN]:
        yield (
            f"{INDENT}{one.file.name}  {one.file.size}  {kilobytes(one.size_bytes)}"
            f"  ({one.campaign})"
        )
    if len(files) > MAX_FILES_SHOWN:
        yield f"{INDENT}and {len(files) - MAX_FILES_SHOWN:,} more"


def kilobytes(count: int) -> str:
    """Rounded up: nothing that is there has 0 kB."""
    return f"{-(-count // 1000):,} kB"


def hints(proposal: Proposal) -> Iterator[str]:
    for rename in proposal.alike:
        yield (
            f"? {rename.new} looks like {rename.old} under another name: write "
            f"`renamed_from: {rename.old}` in campaigns/{rename.new}.yaml to carry its counts over"
        )
    for name in proposal.plan.kept:
        yield f"= {name} stays live without a file (--prune would end it)"
