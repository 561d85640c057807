"""`demo`: a blog beside the ad server, the shipped campaigns, and what it says when it is up."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import adserver
from adserver.core.assets import digest_of
from adserver.core.publication import Entry
from adserver.demo.blog import blog
from adserver.demo.traffic import Server, send_day
from adserver.publishing.content import content_of
from adserver.publishing.folder import SITE_FILE
from adserver.publishing.publish import Wish, choose, propose, publish
from adserver.publishing.read import Reading, read_folder
from adserver.serving.children import Lifeline, Role
from adserver.settings import Settings
from adserver.store.address import shown
from adserver.wiring.control import control_plane
from adserver.wiring.node import Node, serve
from adserver.wiring.run import Say

# Beside the package in a checkout, inside it in a wheel.
SHIPPED = (
    Path(adserver.__file__).parent / "demo" / "config",
    Path(adserver.__file__).parent.parent / "config",
)


def run_demo(settings: Settings, say: Say, *, traffic: bool = False) -> int:
    """Until SIGTERM or Ctrl-C; the exit code. say: tells a person one line."""
    say("Starting the demonstration …")

    def prepare(node: Node) -> None:
        publish_shipped(settings, node.address)

    def announce(node: Node) -> None:
        for line in demo_lines(node, settings):
            say(line)

    return serve(
        settings,
        announce,
        prepare=prepare,
        beside=lambda node: lambda ad_server: blog(ad_server, node.address),
        extra_roles=traffic_roles if traffic else lambda _: [],
    )


def publish_shipped(settings: Settings, address: str) -> None:
    """Apply the shipped folder, if that is not what is live already."""
    folder = shipped_folder()
    wish = Wish(folder, prune=True)
    reading = at_address(read_folder(folder), wish, address)
    with control_plane(settings) as plane:
        found = plane.catalogs.live()
        live = found[0] if found else None
        proposal = propose(choose(reading, wish), live, wish)
        if not proposal.plan.empty:
            content = content_of(reading, live, proposal.catalog, wish)
            entry = Entry("demo", "the shipped set-up", kind="demo")
            publish(proposal, content, plane.catalogs, entry)


def shipped_folder() -> Path:
    return next(path for path in SHIPPED if (path / "site.yaml").is_file())


def at_address(reading: Reading, wish: Wish, address: str) -> Reading:
    """The blog is the catalog's site, wherever it is served: counts are then the site's.

    In the text of its file as well, so that what is exported is what was applied.
    """
    catalog = choose(reading, wish)
    sites = dict.fromkeys(catalog.site.sites, address)
    text = reading.texts[reading.files[SITE_FILE][SITE_FILE]]
    for was in catalog.site.sites.values():
        text = text.replace(was.encode(), address.encode())
    return replace(
        reading,
        catalog=replace(catalog, site=replace(catalog.site, sites=sites)),
        files={**reading.files, SITE_FILE: {SITE_FILE: digest_of(text)}},
        texts={**reading.texts, digest_of(text): text},
    )


def demo_lines(node: Node, settings: Settings) -> list[str]:
    command = f"adserver --redis {shown(settings.redis)}"
    return [
        "",
        f"  The blog        {node.address}/",
        f"  An ad alone     {node.address}/slots/home-top",
        f"  Metrics         {node.admin_address}/metrics",
        "",
        "  In another terminal, after `. .venv/bin/activate`:",
        f"    {command} status",
        f"    {command} why post-top",
        f"    {command} report",
        "",
        "  Ctrl-C stops it; what was counted is kept in var/demo.",
    ]


def traffic_roles(node: Node) -> list[Role]:
    host = "127.0.0.1" if node.settings.host in {"0.0.0.0", "::"} else node.settings.host  # noqa: S104

    def send(lifeline: Lifeline) -> None:
        lifeline.ready()
        os.nice(5)  # visitors of flesh and blood go first
        asyncio.run(send_day(Server(host, node.public.getsockname()[1], node.address)))

    return [Role("traffic", send, once=True)]
