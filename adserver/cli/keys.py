"""`adserver keys …`: the signing keys that nodes of this store may use, by their fingerprints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

import click

from adserver.cli import author, output
from adserver.cli.failures import Commands, moment
from adserver.cli.options import Invocation, common, settings_options
from adserver.core.errors import KeyInUse, NoSuchName, SettingsError
from adserver.core.nodes import KnownKey, NodeState
from adserver.publishing.rollout import alive

key_options = settings_options("state", "secret_key_file")
SIGNS, VERIFIES = "signs", "verifies"
WORDS = {SIGNS: "this node signs with it", VERIFIES: "this node verifies with it", None: ""}


@click.group(cls=Commands, invoke_without_command=True)
@key_options
@common
@click.pass_context
def keys(context: click.Context) -> None:
    """Show the signing keys that nodes may use (alone), or change them."""
    if context.invoked_subcommand is None:
        show(context.ensure_object(Invocation))


@keys.command()
@key_options
@common
@click.pass_context
def add(context: click.Context) -> None:
    """Let nodes use the keys that are set up here. Give them to all nodes first."""
    invocation = context.ensure_object(Invocation)
    settings = invocation.settings()
    here = keys_here(invocation)
    if not here:
        raise SettingsError(
            "no signing key is set up here: set ADSERVER_SECRET_KEY_FILE to the file that the "
            f"nodes have, or ADSERVER_STATE (now {settings.state}) to the folder of their key"
        )
    with invocation.control_plane(settings) as plane:
        added = plane.signing.add(here)
    if invocation.as_json:
        output.answer({"added": added, "known": [key.fingerprint for key in here]})
        return
    for key in here:
        done = "may be used now" if key.fingerprint in added else "was known already"
        output.say(f"{key.fingerprint} {done}.")


@keys.command()
@click.argument("fingerprint")
@common
@click.pass_context
def forget(context: click.Context, fingerprint: str) -> None:
    """Refuse nodes that sign with this key when they start next."""
    invocation = context.ensure_object(Invocation)
    with invocation.control_plane(invocation.settings()) as plane:
        known = [key.fingerprint for key in plane.signing.known()]
        running = signers(alive(plane.catalogs.nodes(), invocation.now()))
        check_forgettable(fingerprint, known, running)
        plane.signing.forget(fingerprint)
    if invocation.as_json:
        output.answer({"forgotten": fingerprint})
    else:
        output.say(f"{fingerprint} is forgotten: a node that signs with it does not start again.")


def check_forgettable(
    fingerprint: str, known: Sequence[str], running: Mapping[str, Sequence[str]]
) -> None:
    if fingerprint not in known:
        near = get_close_matches(fingerprint, known, 1)
        raise NoSuchName("known signing key", fingerprint, near[0] if near else None)
    if fingerprint in running:
        nodes = ", ".join(running[fingerprint])
        raise KeyInUse(
            f"{fingerprint} is what {nodes} signs with; make another key the first one there, "
            "reload it, then forget this one"
        )
    if len(known) == 1:
        # With none known, whichever node starts first would found the store anew.
        raise KeyInUse(
            f"{fingerprint} is the only key that is known; add the one that takes its place first"
        )


def show(invocation: Invocation) -> None:
    here = [key.fingerprint for key in keys_here(invocation)]
    with invocation.control_plane(invocation.settings()) as plane:
        known = plane.signing.known()
        running = signers(alive(plane.catalogs.nodes(), invocation.now()))
    names = [key.fingerprint for key in known]
    unknown = [one for one in here if one not in names]
    if invocation.as_json:
        shown = [as_json(key, use_of(key.fingerprint, here), running) for key in known]
        output.answer({"keys": shown, "unknown": unknown})
    else:
        say_known(known, here, running)
        say_unknown(unknown, here)


def as_json(
    key: KnownKey, use: str | None, running: Mapping[str, Sequence[str]]
) -> dict[str, object]:
    return {
        "fingerprint": key.fingerprint,
        "added_at": key.added_at,
        "added_by": key.added_by,
        "here": use,
        "signs_on": list(running.get(key.fingerprint, ())),
    }


def say_known(
    known: Sequence[KnownKey], here: Sequence[str], running: Mapping[str, Sequence[str]]
) -> None:
    if not known:
        output.say("No signing key is known yet: the first node that starts makes its own known.")
        return
    rows = [
        (
            key.fingerprint,
            moment(key.added_at),
            key.added_by,
            ", ".join(running.get(key.fingerprint, ())),
            WORDS[use_of(key.fingerprint, here)],
        )
        for key in known
    ]
    output.table(("key", "added", "by", "signs on", "here"), rows)


def say_unknown(unknown: Sequence[str], here: Sequence[str]) -> None:
    for one in unknown:
        use = WORDS[use_of(one, here)]
        output.say(f"{one} is not known, and {use}: `adserver keys add` makes it known.")


def use_of(fingerprint: str, here: Sequence[str]) -> str | None:
    """here: this node's keys, the one that signs first."""
    if fingerprint not in here:
        return None
    return SIGNS if fingerprint == here[0] else VERIFIES


def signers(nodes: Sequence[NodeState]) -> dict[str, list[str]]:
    """By fingerprint, the workers that sign with it."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        found.setdefault(node.signs_with, []).append(node.name)
    return found


def keys_here(invocation: Invocation) -> list[KnownKey]:
    from adserver.wiring.control import keys_here

    return keys_here(invocation.settings(), author.name())
