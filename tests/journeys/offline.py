"""Everything that `adserver` does, in a folder, for somebody who watches what it dials.

    python -m tests.journeys.offline FOLDER    the demonstration, and every command
    python -m tests.journeys.offline --dial    a program that does dial, and looks a name up

Run in a network of its own, which has a loopback and no route; exits with 0 if all of it worked.
"""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
import sys
from pathlib import Path

from tests.journeys.small_blog import campaign, write_blog
from tests.servers import adserver_running, until
from tests.warm import warm_command

# Linux: ioctl numbers and a flag (linux/sockios.h, linux/if.h).
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
NOWHERE = ("192.0.2.1", 80)  # TEST-NET-1 (RFC 5737)
COMMANDS = (
    "validate",
    "schema",
    "schema openapi",
    "plan",
    "apply --yes -m offline",
    "status",
    "why top",
    "available top",
    "report --by day",
    "report --csv",
    "history",
    "pause one",
    "resume one",
    "export --yes out",
    "snippet top --for html",
    "keys",
    "store check",
    "store backup a.backup",
)
# A forecast needs a week of traffic.
TOO_EARLY = ("available top",)


def loopback_up() -> None:
    with socket.socket() as any_socket:
        asked = struct.pack("16sh14x", b"lo", 0)
        _, flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, asked))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def dial() -> None:
    with contextlib.suppress(OSError):
        socket.create_connection(NOWHERE, timeout=1)
    with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.sendto(b"found out", NOWHERE)


def everything(folder: Path) -> None:
    config = write_blog(folder / "config", ["top"], {"one": campaign("top")})
    with warm_command(folder) as program:
        (folder / "demo").mkdir()
        with adserver_running(config, folder / "demo", command="demo") as demo:
            for path in ("/", "/slots/home-top", "/tag.js", "/slots.css"):
                demo.get(path).raise_for_status()
            [made] = demo.get("/decisions?slots=home-top").json()["decisions"]
            for kind in ("impression_url", "viewable_url", "click_url"):
                answer = demo.get(made[kind].removeprefix(demo.public))
                assert answer.headers["x-ad-event"] == "accepted"
            assert "adserver_impressions_total" in demo.metrics()
        (folder / "own").mkdir()
        with adserver_running(config, folder / "own", commands=[program]) as ads:
            until(lambda: ads.get("/slots/top").status_code == 200)
            for words in COMMANDS:
                done = ads.cli(*words.split())
                assert done.returncode == (words in TOO_EARLY), (words, done.stdout, done.stderr)


if __name__ == "__main__":
    loopback_up()
    if sys.argv[1] == "--dial":
        dial()
    else:
        everything(Path(sys.argv[1]))
