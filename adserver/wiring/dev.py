"""`serve --dev`: the folder is served as it is saved, in a store of its own, and nothing counts."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from adserver.core.catalog import Campaign, Catalog, Tier
from adserver.core.errors import AdserverError, CatalogError, SettingsError
from adserver.core.publication import Entry
from adserver.publishing.content import content_of
from adserver.publishing.publish import Wish, choose, propose, publish, summary
from adserver.publishing.read import Reading, read_folder
from adserver.publishing.watching import Watch
from adserver.serving.children import Lifeline, Role
from adserver.settings import Settings
from adserver.store.address import shown
from adserver.store.embedded import Embedded
from adserver.wiring.control import ControlPlane, control_plane
from adserver.wiring.dev_pages import dev_pages
from adserver.wiring.node import LOOPBACK, Node, serve

AUTHOR = "serve --dev"
# With what reading, applying and the workers' own look take, less than a second to the page.
LOOK_SECONDS = 0.3
# Lines of a plan: a screen, of which the last save still shows something.
MAX_SHOWN_CHANGES = 20

Say = Callable[[str], None]
# The problems of a folder in lines, as `validate` shows them.
Tell = Callable[[Reading], Iterable[str]]


@dataclass(slots=True)
class Workbench:
    """The folder of whoever writes it, and what is served of it."""

    settings: Settings
    say: Say
    tell: Tell
    watch: Watch = field(init=False)
    trouble: str = ""  # what was said of it last, so that it is said once

    def __post_init__(self) -> None:
        self.watch = Watch(self.settings.config)

    def look(self, address: str) -> None:
        """Read and apply what was saved since the last look; what is wrong with it is said."""
        if not self.watch.changed():
            return
        begun = time.monotonic()
        reading = read_folder(self.settings.config, now=time.time())
        clock = datetime.now().astimezone().strftime("%H:%M:%S")
        for line in self.tell(reading) if not self.trouble else ():
            self.say(line)
        try:
            changes = apply_folder(self.settings, reading, address)
        except CatalogError:
            self.say(f"{clock} not applied: the last good version is served")
            return
        except AdserverError as error:
            self.watch.forget()
            if self.trouble != str(error):
                self.say(f"{clock} not applied, and tried again: {error}")
            self.trouble = str(error)
            return
        self.trouble = ""
        seconds = time.monotonic() - begun
        self.say(
            f"{clock} applied in {seconds:.1f} s{':' if changes else ', nothing is different'}"
        )
        if len(changes) > MAX_SHOWN_CHANGES:
            changes = [line for line in changes if not line.startswith(" ")]
        for line in changes[:MAX_SHOWN_CHANGES]:
            self.say(f"    {line}")
        if len(changes) > MAX_SHOWN_CHANGES:
            self.say(f"    … and {len(changes) - MAX_SHOWN_CHANGES} more lines")


def run_dev(settings: Settings, say: Say, tell: Tell, *, confirmed: bool) -> int:
    """Until SIGTERM or Ctrl-C; the exit code. confirmed: whatever may be dangerous is meant."""
    if not confirmed:
        refuse_what_is_not_ours(settings)
    bench = Workbench(settings, say, tell)

    def prepare(node: Node) -> None:
        with control_plane(settings) as plane:
            if not confirmed:
                refuse_what_is_live(settings, plane)
        bench.look(node.address)

    def announce(node: Node) -> None:
        say(f"adserver serves on {node.address}, its admin port is {node.admin_address}")
        say(f"It watches {settings.config}: save a file, and pages show it. Nothing counts.")

    return serve(
        settings,
        announce,
        prepare=prepare,
        beside=lambda _: lambda ads: dev_pages(settings, lambda: ads().generation),
        extra_roles=lambda node: [Role("watch", watching(bench, node.address))],
        preview=True,
    )


def refuse_what_is_not_ours(settings: Settings) -> None:
    if Embedded.of(settings.redis) is None:
        raise SettingsError(
            f"serve --dev has a store of its own, and this is a server: {shown(settings.redis)}. "
            "Leave --redis and ADSERVER_REDIS away, or say --yes if what is in it may change"
        )
    if settings.host not in LOOPBACK:
        raise SettingsError(
            f"serve --dev shows to whoever asks why each campaign serves, and --host "
            f"{settings.host} can be reached from other machines. Keep it on 127.0.0.1, or say "
            "--yes if that is meant"
        )


def refuse_what_is_live(settings: Settings, plane: ControlPlane) -> None:
    """A store that was used for anything else may be somebody's live one."""
    live = plane.catalogs.live()
    if live is not None and live[1].kind != "dev":
        raise SettingsError(
            f"what is live in {shown(settings.redis)} was applied by {live[1].author}, and "
            "serve --dev would replace it with every save. Leave --redis and ADSERVER_REDIS away, "
            "or say --yes if that is meant"
        )


def apply_folder(settings: Settings, reading: Reading, address: str) -> list[str]:
    """Make the folder live; the lines of its plan. CatalogError for a folder with errors."""
    wish = Wish(settings.config, prune=True)
    written = served_here(choose(reading, wish), settings.public_url or address)
    with control_plane(settings) as plane:
        found = plane.catalogs.live()
        live = found[0] if found else None
        proposal = propose(written, live, wish)
        if proposal.plan.empty:
            return []
        content = content_of(reading, live, proposal.catalog, wish)
        publish(proposal, content, plane.catalogs, Entry(AUTHOR, "saved", kind="dev"))
    return summary(proposal)


def served_here(catalog: Catalog, address: str) -> Catalog:
    """Its ads and their beacons come from this server, not from the one that `site.yaml` names.

    Without goals and limits: nothing counts, so there is nothing to spread and nothing to stop at,
    and whoever writes a campaign sees it.
    """
    campaigns = tuple(without_limits(campaign) for campaign in catalog.campaigns)
    return replace(catalog, site=replace(catalog.site, server=address), campaigns=campaigns)


def without_limits(campaign: Campaign) -> Campaign:
    """A sponsorship's share is no limit."""
    goal = campaign.goal if campaign.tier is Tier.SPONSORSHIP else None
    return replace(campaign, goal=goal, buffer=Decimal(0), max_per_day=0, max_total=0)


def watching(bench: Workbench, address: str) -> Callable[[Lifeline], None]:
    def watch(lifeline: Lifeline) -> None:
        lifeline.ready()
        parent = os.getppid()
        while os.getppid() == parent:  # a process whose supervisor was killed leaves
            bench.look(address)
            time.sleep(LOOK_SECONDS)

    return watch
