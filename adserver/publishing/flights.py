"""Flights and hours: local dates and times of a campaign file, read into UTC instants."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from adserver.core.catalog import Flight, Hours
from adserver.core.flights import instant
from adserver.core.hours import parse_hours
from adserver.publishing.nodes import Node, Scalar, quoted
from adserver.publishing.schema import Fields
from adserver.publishing.suggest import did_you_mean

DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
TIME = re.compile(r"(\d{4}-\d{2}-\d{2}) (\d{2}):(\d{2})", re.ASCII)
# Outside these years a date is a typing mistake.
YEARS = range(2000, 2101)
# Files of the zone database that name no place.
NO_PLACES = ("localtime", "posixrules", "Factory")

FLIGHT_ENDS = ("first_day", "last_day", "from", "until")
KEYS = (*FLIGHT_ENDS, "timezone")
# What other systems call the two ends, and what they are here: a day or a minute.
BEGINS = 'write `first_day: 2026-11-02`, or `from: "2026-11-02 09:00"`'
ENDS = 'write `last_day: 2026-11-30`, included, or `until: "2026-11-30 18:00"`, not included'
OTHER_WORDS = dict.fromkeys(
    ("start", "starts", "begin", "begins", "since", "start_date", "start_day"), BEGINS
) | dict.fromkeys(("end", "ends", "stop", "to", "end_date", "end_day"), ENDS)


def read_flight(campaign: Fields, site_timezone: str) -> Flight | None:
    """The campaign's flight; open at both ends where the file has none."""
    flight = campaign.table("flight", "{first_day: 2026-11-02, last_day: 2026-11-30}")
    zone = read_zones(campaign, flight, site_timezone)
    if flight is None:
        return Flight(None, None, zone) if zone and "flight" not in campaign else None
    flight.only(KEYS, OTHER_WORDS)
    if not one_notation(flight) or zone is None:
        return None
    return read_ends(flight, zone)


def read_zones(campaign: Fields, flight: Fields | None, site_timezone: str) -> str | None:
    """The flight's own zone, else the campaign's, else the site's."""
    if flight is not None and "timezone" in flight:
        if "timezone" in campaign:
            message = "`timezone` stands in the campaign and in its flight"
            flight.findings.error(flight.at("timezone"), "two_timezones", message, "keep one")
        return read_timezone(flight)
    return read_timezone(campaign) if "timezone" in campaign else site_timezone


def read_timezone(fields: Fields) -> str | None:
    name = fields.text("timezone")
    if name is None or zone(name) is not None:
        return name
    hint = did_you_mean(name, available_timezones()) or "write it as Europe/Paris"
    message = f"{quoted(name)} is no time zone of the IANA database"
    fields.findings.error(fields.at("timezone"), "unknown_timezone", message, hint)
    return None


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo | None:
    if not re.fullmatch(r"[A-Za-z0-9_+/-]+", name) or name in NO_PLACES:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def one_notation(flight: Fields) -> bool:
    days = [key for key in ("first_day", "last_day") if key in flight]
    instants = [key for key in ("from", "until") if key in flight]
    if days and instants:
        message = f"`flight` has both `{days[0]}` and `{instants[0]}`"
        hint = "write either first_day and last_day, or from and until"
        flight.findings.error(flight.at(instants[0]), "two_notations", message, hint)
    elif not days and not instants and not flight.node.entries.keys() & OTHER_WORDS.keys():
        message = "`flight` says neither when it begins nor when it ends"
        flight.findings.error(flight.node, "empty_flight", message, "leave `flight` out if so")
    return bool(days) != bool(instants)


def read_ends(flight: Fields, zone_name: str) -> Flight | None:
    tz = ZoneInfo(zone_name)
    if "first_day" in flight or "last_day" in flight:
        first, last = read_day(flight, "first_day"), read_day(flight, "last_day")
        since = instant(first, 0, tz) if first else None
        until = instant(last + timedelta(days=1), 0, tz) if last else None
    else:
        since, until = read_instant(flight, "from", tz), read_instant(flight, "until", tz)
    if since is not None and until is not None and until <= since:
        refuse_order(flight)
        return None
    return Flight(since, until, zone_name)


def refuse_order(flight: Fields) -> None:
    begin, end = ("first_day", "last_day") if "first_day" in flight else ("from", "until")
    message = f"the flight ends ({text_of(flight.get(end))}) before it begins"
    if begin == "from" and text_of(flight.get(begin)) == text_of(flight.get(end)):
        message = f"the flight ends when it begins ({text_of(flight.get(end))}): it is empty"
    hint = f"`{begin}` is {text_of(flight.get(begin))}"
    flight.findings.error(flight.at(end), "inverted_flight", message, hint)


def text_of(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""


def read_day(fields: Fields, key: str) -> date | None:
    node = fields.get(key)
    if node is None:
        return None
    day = day_of(node.text) if isinstance(node, Scalar) else None
    if day is None:
        fields.expected(key, "a day such as 2026-11-02", year_hint(node))
    return day


def day_of(text: str) -> date | None:
    match = DAY.fullmatch(text)
    if match is None or int(match[1]) not in YEARS:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def year_hint(node: Node) -> str:
    year = re.match(r"(\d{4})-", text_of(node), re.ASCII)
    outside = year is not None and int(year[1]) not in YEARS
    return f"years are {YEARS[0]} to {YEARS[-1]}" if outside else ""


def read_instant(fields: Fields, key: str, tz: ZoneInfo) -> float | None:
    node = fields.get(key)
    if node is None:
        return None
    wall = wall_of(node.text) if isinstance(node, Scalar) else None
    if wall is None:
        what = 'a day and a time such as "2026-11-02 09:00"'
        fields.expected(key, what, year_hint(node))
        return None
    return instant_of(wall, tz, fields, key)


def wall_of(text: str) -> datetime | None:
    match = TIME.fullmatch(text)
    day = day_of(match[1]) if match else None
    if match is None or day is None or int(match[2]) > 23 or int(match[3]) > 59:
        return None
    return datetime(day.year, day.month, day.day, int(match[2]), int(match[3]))  # noqa: DTZ001


def instant_of(wall: datetime, tz: ZoneInfo, fields: Fields, key: str) -> float | None:
    """UTC seconds of a wall-clock time; one that the clock leaves out is refused."""
    early, late = (wall.replace(tzinfo=tz, fold=fold) for fold in (0, 1))
    if gap := around_gap(wall, tz):
        refuse_gap(wall, tz, gap, fields, key)
        return None
    if early.utcoffset() != late.utcoffset():
        message = f"{wall:%Y-%m-%d %H:%M} happens twice in {tz.key}: the clocks go back"
        hint = "the first of the two is meant"
        fields.findings.warning(fields.at(key), "ambiguous_time", message, hint)
    return early.timestamp()


def around_gap(wall: datetime, tz: ZoneInfo) -> tuple[datetime, datetime] | None:
    """As far before and behind the hole in the clock that `wall` stands in; None in none.

    A time in it, read with the offset before it, lands as far behind it.
    """
    before, after = (wall.replace(tzinfo=tz, fold=fold) for fold in (0, 1))
    later, earlier = (one.astimezone(UTC).astimezone(tz) for one in (before, after))
    return None if later.replace(tzinfo=None) == wall else (earlier, later)


def refuse_gap(
    wall: datetime, tz: ZoneInfo, gap: tuple[datetime, datetime], fields: Fields, key: str
) -> None:
    message = f"{wall:%Y-%m-%d %H:%M} does not exist in {tz.key}: the clocks go forward"
    hint = f"write {gap[0]:%H:%M} or {gap[1]:%H:%M}"
    fields.findings.error(fields.at(key), "no_such_time", message, hint)


def read_hours(campaign: Fields) -> tuple[Hours, ...]:
    if "hours" not in campaign:
        return ()
    found: list[Hours] = []
    for node, text in campaign.texts("hours"):
        try:
            found.extend(parse_hours(text))
        except ValueError as error:
            message = f"`hours`: {quoted(text)}: {error}"
            hint = 'write it as "mon-fri 08:00-20:00"'
            campaign.findings.error(node, "bad_hours", message, hint)
    return tuple(found)
