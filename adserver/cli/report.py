"""`adserver report`: what was delivered and what it is worth, as a table, JSON, CSV or proof."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
from click.core import ParameterSource

from adserver.cli import output
from adserver.cli.failures import USAGE
from adserver.cli.options import Invocation, common
from adserver.cli.proof import Target, may_write, prove
from adserver.core.flights import zone
from adserver.publishing.moments import around, read_moment
from adserver.publishing.proof.evidence import Wish
from adserver.publishing.proof.language import LANGUAGES
from adserver.publishing.recorded import read_records
from adserver.publishing.report import By, Label, Query, Report, Sums
from adserver.publishing.report import report as make_report
from adserver.publishing.report_json import COUNTS, FIGURES, as_json, figures, with_dry_run


@click.command()
@click.option(
    "--by", type=click.Choice([*map(str, By)]), default="campaign", help="a line for each"
)
@click.option("--campaign", default="", help="of this campaign only")
@click.option("--advertiser", default="", help="of this advertiser only")
@click.option("--since", default="", help="date or whole hour of the site's zone")
@click.option("--until", default="", help="date or whole hour of the site's zone, exclusive")
@click.option("--csv", "as_csv", is_flag=True, help="comma-separated values, for spreadsheets")
@click.option("--proof", metavar="FILE", help="an HTML document for the advertiser; - for stdout")
@click.option("--language", type=click.Choice(LANGUAGES), help="of the proof [the site's]")
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
    proof: str | None,
    language: str | None,
) -> None:
    """Show what was delivered and what it is worth.

    With --proof, write a document for the advertiser of a campaign, or of all of its campaigns.
    """
    check_together(context)
    invocation = context.ensure_object(Invocation)
    now = invocation.now()
    target = Target(proof, language or "") if proof else None
    if target and not may_write(invocation, target):
        context.exit(USAGE)
    with invocation.control_plane(invocation.settings(), existing=True) as plane:
        live = plane.catalogs.live()
        catalog = live[0].catalog if live else None
        zone_name = catalog.site.timezone if catalog else "UTC"
        begin, end = window(since, until, zone_name)
        if target:
            wish = Wish(campaign, advertiser, begin, end)
            prove(invocation, plane.catalogs, plane.totals, wish, target)
            return
        query = Query(By(by), now, campaign, advertiser, begin, end)
        records = read_records(plane.totals, catalog, begin, end, now)
    made = make_report(records, query)
    if as_csv:
        output.csv((*headings(made.by), "unmatched_viewable"), csv_rows(made))
    elif invocation.as_json:
        # Of one campaign it is what a proof's digest is made of, on whatever day it is checked.
        output.answer(as_json(made) if campaign else with_dry_run(made))
    else:
        show(made, catalog.site.currency if catalog else "")


def check_together(context: click.Context) -> None:
    """Options that say nothing together, or nothing alone."""

    def given(name: str) -> bool:
        return context.get_parameter_source(name) is ParameterSource.COMMANDLINE

    if not given("proof"):
        if given("language"):
            raise click.UsageError("--language is of a proof: say --proof FILE as well")
        return
    if not context.params["proof"]:
        raise click.UsageError("--proof needs the name of a file, or - for standard output")
    if bool(context.params["campaign"]) == bool(context.params["advertiser"]):
        raise click.UsageError(
            "--proof is of one campaign or of one advertiser: say --campaign NAME or "
            "--advertiser NAME"
        )
    for name, option in (("by", "--by"), ("as_csv", "--csv")):
        if given(name):
            raise click.UsageError(
                f"--proof has all its tables in one document: leave {option} out"
            )


def window(since: str, until: str, zone_name: str) -> tuple[float | None, float | None]:
    """Both in UTC seconds, None where it is open. Whole hours, as rows are kept by the hour."""
    begin, end = moment("--since", since, zone_name), moment("--until", until, zone_name)
    if begin is not None and end is not None and end <= begin:
        raise click.UsageError(
            f"--until {until} is not after --since {since}, so there is nothing between them; "
            "--until is not included: for one day, say the next one"
        )
    return begin, end


def moment(option: str, text: str, zone_name: str) -> float | None:
    if not text:
        return None
    try:
        found = read_moment(text, zone(zone_name))
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}") from error
    hours = around(found, zone(zone_name))
    if found not in hours:
        write = " or ".join(hours.values())
        raise click.UsageError(f"{option} {text}: counts are kept by the hour; write {write}")
    return found


def headings(by: By) -> tuple[str, ...]:
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
        columns = headings(made.by)
        first = len(columns) - len(FIGURES)
        rows = [
            *(
                [*words(made, label), *printed(sums, currency)]
                for label, sums in made.lines.items()
            ),
            ["total", *[""] * (first - 1), *printed(made.total, currency)],
        ]
        output.table(columns, rows, numbers=FIGURES)
    if made.whole_days and made.by is By.HOUR:
        output.say("Hours are kept for 90 days; a day without hours is one line.")
    if early := made.total.unmatched_viewable:
        output.say(f"viewable before or without an impression: {early:,}")
    for what, reasons in (
        ("discarded impressions", made.discarded_impressions),
        ("discarded clicks", made.discarded_clicks),
        ("would be discarded (dry run), impressions", made.would_discard_impressions),
        ("would be discarded (dry run), clicks", made.would_discard_clicks),
    ):
        if reasons:
            listed = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
            output.say(f"{what}: {listed}")


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
