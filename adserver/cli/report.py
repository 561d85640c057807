"""`adserver report`: what was delivered and what it is worth, as a table, JSON or CSV."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import click

from adserver.cli import output
from adserver.cli.options import Invocation, common
from adserver.core.flights import zone
from adserver.publishing.moments import read_moment
from adserver.publishing.report import By, Label, Query, Records, Report, Sums, goes_beyond
from adserver.publishing.report import report as make_report

# The hour that has just begun on a node whose clock is a little ahead is in the report too.
AHEAD_SECONDS = 3_600
COUNTS = ("served", "gross", "impressions", "viewable", "clicks", "unmatched")
FIGURES = (*COUNTS, "ctr", "revenue", "ecpm")


@click.command()
@click.option(
    "--by", type=click.Choice([*map(str, By)]), default="campaign", help="a line for each"
)
@click.option("--campaign", default="", help="of this campaign only")
@click.option("--advertiser", default="", help="of this advertiser only")
@click.option("--since", default="", help="date or time of the site's zone; whole hours count")
@click.option("--until", default="", help="date or time of the site's zone, exclusive")
@click.option("--csv", "as_csv", is_flag=True, help="comma-separated values, for spreadsheets")
@common
@click.pass_context
def report(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    by: str,
    campaign: str,
    advertiser: str,
    since: str,
    until: str,
    as_csv: bool,
) -> None:
    """Show what was delivered and what it is worth."""
    invocation = context.ensure_object(Invocation)
    now = invocation.now()
    with invocation.control_plane(invocation.settings()) as plane:
        live = plane.catalogs.live()
        catalog = live[0].catalog if live else None
        zone_name = catalog.site.timezone if catalog else "UTC"
        query = Query(
            by=By(by),
            now=now,
            campaign=campaign,
            advertiser=advertiser,
            since=moment("--since", since, zone_name),
            until=moment("--until", until, zone_name),
        )
        rows = plane.totals.rows(
            query.since if query.since is not None else 0.0,
            query.until if query.until is not None else now + AHEAD_SECONDS,
        )
        totals = plane.totals
        records = Records(catalog, totals.numbers(), totals.known_creatives(), rows)
        if query.since is not None and goes_beyond(records, totals.delivered()):
            records = replace(records, earlier=totals.rows(0.0, query.since))
    made = make_report(records, query)
    if as_csv:
        output.csv(csv_headings(made.by), csv_rows(made))
    elif invocation.as_json:
        output.answer(as_json(made))
    else:
        show(made, catalog.site.currency if catalog else "")


def moment(option: str, text: str, zone_name: str) -> float | None:
    if not text:
        return None
    try:
        return read_moment(text, zone(zone_name))
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}") from error


def figures(sums: Sums) -> dict[str, Any]:
    return {
        **{name: getattr(sums, name) for name in COUNTS},
        "ctr": sums.ctr,
        "revenue": str(sums.revenue),
        "ecpm": None if sums.ecpm is None else str(sums.ecpm),
    }


def as_json(made: Report) -> dict[str, Any]:
    return {
        "rows": [
            dict(zip(made.by.headings, label, strict=True)) | figures(sums)
            for label, sums in made.lines.items()
        ],
        "total": figures(made.total),
        "discarded": {
            "impression": dict(made.discarded_impressions.most_common()),
            "click": dict(made.discarded_clicks.most_common()),
        },
    }


def csv_headings(by: By) -> tuple[str, ...]:
    order = ("order",) if by is By.CAMPAIGN else ()
    return (*by.headings, *order, *FIGURES)


def csv_rows(made: Report) -> Iterable[list[Any]]:
    for label, sums in made.lines.items():
        order = [made.orders.get(label[0], "")] if made.by is By.CAMPAIGN else []
        yield [*label, *order, *figures(sums).values()]


def show(made: Report, currency: str) -> None:
    if not made.lines:
        output.say("Nothing was served in that time.")
    else:
        headings = csv_headings(made.by)
        first = len(headings) - len(FIGURES)
        rows = [
            *(
                [*words(made, label), *printed(sums, currency)]
                for label, sums in made.lines.items()
            ),
            ["total", *[""] * (first - 1), *printed(made.total, currency)],
        ]
        output.table(headings, rows, numbers=FIGURES)
    if made.whole_days and made.by is By.HOUR:
        output.say("Hours are kept for 90 days; a day without hours is one line.")
    for event, reasons in (
        ("impressions", made.discarded_impressions),
        ("clicks", made.discarded_clicks),
    ):
        if reasons:
            listed = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
            output.say(f"discarded {event}: {listed}")


def words(made: Report, label: Label) -> list[str]:
    order = [made.orders.get(label[0], "")] if made.by is By.CAMPAIGN else []
    return [*(part or "(none)" for part in label), *order]


def printed(sums: Sums, currency: str) -> list[str]:
    return [
        *(f"{getattr(sums, name):,}" for name in COUNTS),
        "" if sums.ctr is None else f"{sums.ctr:.2%}",
        f"{sums.revenue:,} {currency}".rstrip(),
        "" if sums.ecpm is None else f"{sums.ecpm:,}",
    ]
