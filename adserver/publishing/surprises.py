"""What is allowed in a campaign and will surprise whoever wrote it: seldom shown, or never."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from adserver.core.booking import may_book
from adserver.core.catalog import Campaign, Clause, Device, Site, Slot, State, Tier
from adserver.core.fit import fitting, room_for
from adserver.core.flights import zone
from adserver.core.targeting import COUNTRY, DEVICE, SITE, fold
from adserver.publishing.findings import Findings
from adserver.publishing.moments import spoken
from adserver.publishing.schema import Fields
from adserver.publishing.suggest import listed
from adserver.publishing.weeks import WEEK_SECONDS, flight_of, running

# Facts of which a page or a reader has one value.
SINGLE = (DEVICE, SITE, COUNTRY)
DAYS_A_WEEK = 7


def warn_of_surprises(
    fields: Fields,
    campaign: Campaign,
    site: Site | None,
    slots: Sequence[Slot],
    now: float | None,
) -> None:
    """now: UTC seconds; None leaves out what depends on the date."""
    findings = fields.findings
    if now is not None and campaign.state is not State.DRAFT:
        warn_if_over(fields, campaign, now)
    warn_of_slow_days(fields, campaign)
    booked = [slot for slot in slots if may_book(campaign, slot)]
    for why in never_by_targeting(campaign, site, booked):
        findings.warning(fields.at("targeting"), "never_shown", f"this is never shown: {why}")
    if never_by_hours(campaign):
        message = "this is never shown: none of its hours falls into its flight"
        findings.warning(fields.at("hours"), "never_shown", message, "compare the days of both")
    warn_of_devices(fields, campaign, booked, findings)


def warn_if_over(fields: Fields, campaign: Campaign, now: float) -> None:
    until = campaign.flight.until
    if until is not None and until <= now:
        ended = spoken(until, zone(campaign.flight.timezone), now)
        message = f"the flight is over: it ended {ended}"
        hint = "move its end, or end the campaign: delete the file and apply with --prune"
        fields.findings.warning(fields.at("flight"), "flight_over", message, hint)


def warn_of_slow_days(fields: Fields, campaign: Campaign) -> None:
    """A daily limit with which the goal cannot be reached within the flight."""
    goal = (campaign.goal.impressions or campaign.goal.clicks) if campaign.goal else None
    days = days_of(campaign)
    if not goal or not campaign.max_per_day or days is None:
        return
    most = days * campaign.max_per_day
    if most < goal:
        running_days = "day" if days == 1 else "days"
        message = (
            f"{campaign.max_per_day:,} a day are {most:,} in the {days:,} {running_days} of this "
            f"campaign, and the goal is {goal:,}"
        )
        hint = f"write at least {-(-goal // days):,}" if days else ""
        fields.findings.warning(fields.at("max_per_day"), "unreachable_goal", message, hint)


def days_of(campaign: Campaign) -> int | None:
    """Local days of the flight with some hours in them; None where an end is open."""
    since, until = campaign.flight.since, campaign.flight.until
    if since is None or until is None:
        return None
    tz = zone(campaign.flight.timezone)
    first = datetime.fromtimestamp(since, tz).date()
    last = datetime.fromtimestamp(until - 1, tz).date()
    weekdays = {day for part in campaign.hours for day in part.days} or set(range(DAYS_A_WEEK))
    weeks, rest = divmod((last - first).days + 1, DAYS_A_WEEK)
    odd = sum((first + timedelta(days=n)).weekday() in weekdays for n in range(rest))
    return weeks * len(weekdays) + odd


def never_by_hours(campaign: Campaign) -> bool:
    """Within a week every hour comes round."""
    since, until = flight_of(campaign)
    short = 0 < until - since < WEEK_SECONDS
    return bool(campaign.hours) and short and not running(campaign, since, until)


def never_by_targeting(
    campaign: Campaign, site: Site | None, booked: Sequence[Slot]
) -> Iterator[str]:
    single = {*SINGLE, *(key.name for key in site.context if not key.many)} if site else SINGLE
    for clause in campaign.targeting:
        if clause.fact in single and len({fold(value) for value in clause.all}) > 1:
            yield f"no page has all of {listed(clause.all)} at once; write `any`"
    wanted = devices_of(campaign)
    if wanted != set(Device) and booked and not served(campaign, booked, wanted):
        words = " or ".join(sorted(wanted)) or "no device"
        yield f"it wants readers on {words}, and none of its creatives fits a slot there"


def served(campaign: Campaign, slots: Sequence[Slot], devices: set[Device]) -> bool:
    return any(fitting(campaign, slot, device) for slot in slots for device in devices)


def devices_of(campaign: Campaign) -> set[Device]:
    """The devices that its targeting lets through."""
    return {d for d in Device if all(lets_through(one, d) for one in campaign.targeting)}


def lets_through(clause: Clause, device: Device) -> bool:
    """Whether a clause about the device, or about something else, may hold on it."""
    if clause.fact != DEVICE:
        return True
    some, every, none = (
        {fold(v) for v in values} for values in (clause.any, clause.all, clause.none)
    )
    return (not some or device in some) and every <= {device} and device not in none


def only_about_device(campaign: Campaign) -> bool:
    return all(clause.fact == DEVICE for clause in campaign.targeting)


def warn_of_devices(
    fields: Fields, campaign: Campaign, booked: Sequence[Slot], findings: Findings
) -> None:
    """Slots where a kind of screen has room, the campaign wants it, and has nothing that fits."""
    wanted = devices_of(campaign)
    if not served(campaign, booked, wanted):
        return
    for device in Device:
        bare = [s for s in booked if room_for(s, device) and not fitting(campaign, s, device)]
        if device in wanted and bare and campaign.tier is not Tier.HOUSE:
            sizes = sorted({str(room_for(slot, device)) for slot in bare})
            message = (
                f"on {device}, nothing of this campaign fits {listed(s.name for s in bare)} "
                f"({', '.join(sizes)})"
            )
            others = ", ".join(other for other in Device if other is not device)
            hint = f"add a picture of that size, or write `targeting: {{device: [{others}]}}`"
            findings.warning(fields.at("creatives"), "device_without_creative", message, hint)
