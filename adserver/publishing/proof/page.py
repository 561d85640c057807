"""The proof as one HTML document: no script, and nothing that it needs from anywhere else.

Whatever anybody wrote is escaped by the template, which knows nothing but text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from adserver.core.catalog import Creative
from adserver.core.events import Metric
from adserver.core.goals import Unit
from adserver.core.ports.commands import Catalogs
from adserver.core.reasons import DISCARDS, Discard
from adserver.publishing.proof.agreed import agreed, duration
from adserver.publishing.proof.digest import check_command, digest
from adserver.publishing.proof.evidence import Delivery, Evidence
from adserver.publishing.proof.finality import Finality, Stage
from adserver.publishing.proof.language import Language
from adserver.publishing.proof.shown import Showing, Shown
from adserver.publishing.report import By, Report, Sums

METHOD = ("impression", "viewable", "click", "once", "amount", "terms", "privacy")
# What is said after it, where clicks were discarded for want of an impression, and where none was.
AFTER_CLICK = ("method_unmatched_discarded", "method_unmatched")
BAR = 100


@dataclass(frozen=True, slots=True)
class Row:
    """bar: its share of the most that any has, of BAR; note: in small letters below its name."""

    name: str
    sums: Sums
    note: str = ""
    bar: float = 0.0


def page(evidence: Evidence, catalogs: Catalogs, language: Language, version: str) -> str:
    """version: of this release."""
    drawing = Drawing(evidence, language, Showing(catalogs.files, language))
    return (
        templates()
        .get_template("proof.html.j2")
        .render(
            language=language,
            say=language.say,
            money=drawing.money,
            publisher=evidence.catalog.site.name,
            advertiser=evidence.wish.advertiser or evidence.deliveries[0].terms.advertiser,
            subject=evidence.wish.advertiser or evidence.wish.campaign,
            campaigns=[drawing.campaign(one) for one in evidence.deliveries],
            together=drawing.together(),
            days_of=language.say("days_of", zone=drawing.timezone),
            method=drawing.method(),
            nothing_of=drawing.nothing_of(),
            forged=(str(Discard.FORGED), drawing.meaning(Discard.FORGED)),
            made=language.say("made", now=drawing.moment(evidence.now), version=version),
        )
    )


@cache
def templates() -> Environment:
    return Environment(
        loader=PackageLoader("adserver.publishing.proof"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


class Drawing:
    """What the template is told, in the words of one language."""

    def __init__(self, evidence: Evidence, language: Language, showing: Showing) -> None:
        self._evidence = evidence
        self._language = language
        self._showing = showing
        self._site = evidence.catalog.site
        self._life = duration(evidence.life, language)
        self.timezone = self._site.timezone

    def money(self, sums: Sums) -> str:
        return self._language.money(sums.revenue, self._site.currency)

    def moment(self, moment: float) -> str:
        return self._language.moment(moment, self.timezone)

    def campaign(self, delivery: Delivery) -> dict[str, Any]:
        language, whole = self._language, delivery.whole
        return {
            "name": delivery.name,
            "note": self._note(delivery),
            "agreed": agreed(delivery, self._evidence, language),
            "finality": self.finality(delivery),
            "final": delivery.finality.stage is Stage.FINAL,
            "total": whole.total,
            "billed": self._billed(delivery),
            "creatives": [self._creative(delivery, one) for one in delivery.creatives],
            "days": self._days(delivery.reports[By.DAY]),
            "slots": self._slots(delivery.reports[By.SLOT]),
            "sites": self._sites(delivery.reports[By.SITE]),
            "discarded": self.discarded(whole),
            "generations": self.generations(delivery),
            "digest": digest(delivery),
            "check": check_command(self._evidence, delivery),
        }

    def _billed(self, delivery: Delivery) -> str:
        """How many are billed, where that is fewer than were delivered and a plain number: not of
        a part of the flight, and not where a price is by another event than the goal counts."""
        sold, price, total = delivery.terms.sold, delivery.terms.price, delivery.whole.total
        if sold is None or price is None or self._evidence.wish.since is not None:
            return ""
        priced = {Metric.IMPRESSION: price.cpm, Metric.CLICK: price.cpc}[sold.metric]
        count = total.impressions if sold.metric is Metric.IMPRESSION else total.clicks
        if priced is None or count <= sold.goal:
            return ""
        number = self._language.count
        return self._language.say("billed", goal=number(sold.goal), count=number(count))

    def together(self) -> list[Row]:
        """A line for each campaign of an advertiser, and one of all."""
        if not self._evidence.wish.advertiser:
            return []
        deliveries = self._evidence.deliveries
        rows = [Row(one.name, one.whole.total, one.terms.order) for one in deliveries]
        total = added(row.sums for row in rows)
        return [*rows, Row(self._language.say("total"), total)]

    def _note(self, delivery: Delivery) -> str:
        if delivery.campaign is None:
            return self._language.say("unknown")
        return "" if delivery.live else self._language.say("gone")

    def finality(self, delivery: Delivery) -> list[str]:
        """What can still change, in sentences; the first says whether anything can."""
        say, known = self._language.say, delivery.finality
        as_of = say("as_of", now=self.moment(self._evidence.now))
        if known.closes is None or known.final is None:
            return [say("provisional_open"), as_of, self._arrived(known)]
        final, closes = self.moment(known.final), self.moment(known.closes)
        if known.stage is Stage.FINAL:
            return [say("final", final=final), say("final_why", closes=closes)]
        why = "running_why" if known.stage is Stage.RUNNING else "arriving_why"
        return [
            say("provisional", final=final),
            as_of,
            say(why, closes=closes, final=final),
            self._arrived(known),
        ]

    def _arrived(self, known: Finality) -> str:
        if known.through is None:
            return self._language.say("unheard")
        if known.heard_of_all:
            return self._language.say("heard_all")
        return self._language.say("heard", through=self.moment(known.through))

    def _creative(self, delivery: Delivery, creative: Creative) -> tuple[Shown, str]:
        sums = delivery.reports[By.CREATIVE].lines.get((delivery.name, creative.id), Sums())
        counted = ", ".join(self._language.many(unit, getattr(sums, unit)) for unit in Unit)
        return self._showing.shown(creative), counted

    def _days(self, made: Report) -> list[Row]:
        most = max((sums.impressions for sums in made.lines.values()), default=0)
        return [
            Row(self._language.day_named(day), sums, bar=bar(sums.impressions, most))
            for (day,), sums in made.lines.items()
        ]

    def _slots(self, made: Report) -> list[Row]:
        titles = {slot.name: slot.title for slot in self._evidence.catalog.slots}
        unknown = self._language.say("slot_none")
        return [
            Row(name or unknown, sums, titles.get(name, "")) for (name,), sums in made.lines.items()
        ]

    def _sites(self, made: Report) -> list[Row]:
        nowhere = self._language.say("site_none")
        return [
            Row(name or nowhere, sums, self._site.sites.get(name, ""))
            for (name,), sums in made.lines.items()
        ]

    def generations(self, delivery: Delivery) -> list[str]:
        say, found = self._language.say, delivery.generations
        if found is None:
            return [say("generations_none")]
        first, last = found.first, found.last
        key = "generation" if first.number == last.number else "generations"
        told = say(
            key,
            first=first.number,
            last=last.number,
            since=self.moment(first.created_at),
            until=self.moment(last.created_at),
        )
        return [told] if found.complete else [told, say("generations_lost", first=first.number)]

    def discarded(self, whole: Report) -> list[tuple[str, str, int, int]]:
        """Reason, what it means, impressions, clicks: those that are given, and any that were."""
        there = {*whole.discarded_impressions, *whole.discarded_clicks}
        return [
            (
                reason.value,
                self.meaning(reason),
                whole.discarded_impressions[reason],
                whole.discarded_clicks[reason],
            )
            for reason in Discard
            if reason in DISCARDS or reason in there
        ]

    def nothing_of(self) -> list[tuple[str, str]]:
        """Reasons that are in no table. Whether their rules were in force is not known: nodes have
        them in their settings."""
        wholes = [one.whole for one in self._evidence.deliveries]
        counted = {r for w in wholes for r in (*w.discarded_impressions, *w.discarded_clicks)}
        given = {*DISCARDS, Discard.FORGED, *counted}
        return [(one.value, self.meaning(one)) for one in Discard if one not in given]

    def meaning(self, reason: Discard) -> str:
        return self._language.discarded(reason, self._life)

    def method(self) -> list[str]:
        said = {key: self._language.say(f"method_{key}", life=self._life) for key in METHOD}
        said["click"] += f" {self._unmatched()}"
        return list(said.values())

    def _unmatched(self) -> str:
        """What became of clicks without an impression: by what happened, as for `nothing_of`."""
        wholes = [one.whole for one in self._evidence.deliveries]
        lost = sum(whole.discarded_clicks[Discard.UNMATCHED] for whole in wholes)
        discarded, counted = AFTER_CLICK
        if lost:
            return self._language.say(discarded, count=self._language.count(lost))
        return self._language.say(counted)


def bar(count: int, most: int) -> float:
    return round(BAR * count / most, 1) if most else 0.0


def added(many: Iterable[Sums]) -> Sums:
    """Together; what they have earned is rounded once."""
    total = Sums()
    for sums in many:
        for field in fields(Sums):
            setattr(total, field.name, getattr(total, field.name) + getattr(sums, field.name))
    return total
