"""`adserver pause` and `adserver resume`: what a name stands for, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from click.testing import Result

from adserver.cli import output
from adserver.core.catalog import State
from adserver.core.nodes import NodeState
from adserver.core.pauses import MAX_PAUSES, Pause, Target, Verb
from adserver.publishing.pausing import MAX_MESSAGE_CHARACTERS
from tests.cli.command import adserver
from tests.factories import NOW, campaign, catalog, slot, text_creative
from tests.memory import MemoryStore, store

BY = {"GIT_AUTHOR_NAME": "Ana"}


@pytest.fixture
def memory() -> MemoryStore:
    made = store(
        catalog(
            campaign("brulerie", creatives=(text_creative("carte"), text_creative("bandeau"))),
            campaign("fanaux", advertiser="Nuit des fanaux"),
            campaign("dormant", advertiser="Nuit des fanaux", state=State.PAUSED),
            slots=(slot("post-top"), slot("post-bottom")),
        )
    )
    made.clock = NOW
    return made


def run(memory: MemoryStore, *words: str) -> Result:
    return adserver(*words, store=memory, env=BY)


def paused(memory: MemoryStore) -> list[str]:
    return [str(one.target) for one in memory.pauses.known()]


def test_who_has_paused_what_and_why_is_kept(memory: MemoryStore) -> None:
    memory.workers = [NodeState(f"web/{n}", 1, NOW, NOW) for n in range(2)]
    result = run(memory, "pause", "brulerie", "-m", "réclamation", "--until", "+2h")
    assert result.exit_code == 0, result.output
    assert "Paused brulerie until " in result.stdout
    assert "2 workers stop within two seconds; what is on pages already counts." in result.stdout
    [made] = memory.pauses.known()
    assert made.by.startswith("Ana@")
    assert (made.since, made.until, made.message) == (NOW, NOW + 7_200, "réclamation")
    [act] = memory.pauses.done
    assert (act.verb, act.at, act.until, act.message) == (
        Verb.PAUSE,
        NOW,
        NOW + 7_200,
        "réclamation",
    )
    assert run(memory, "resume", "brulerie", "-m", "réglé").stdout == "Resumed brulerie.\n"
    assert paused(memory) == []
    assert [(one.verb, one.message) for one in memory.pauses.acts(1)] == [(Verb.RESUME, "réglé")]


@pytest.mark.parametrize(
    ("words", "target", "told"),
    [
        (["brulerie"], "brulerie", "Paused brulerie.\n"),
        (["brulerie/carte"], "brulerie/carte", "brulerie goes on with 1 other creative."),
        (["fanaux/carte"], "fanaux/carte", "so all of fanaux is paused."),
        (["advertiser:nuit DES fanaux"], "advertiser:Nuit des fanaux", "2 live campaigns of Nuit"),
        (["slot:post-top"], "slot:post-top", "Paused slot:post-top."),
        (["--all", "--yes"], "*", "Paused --all."),
        (["dormant"], "dormant", "Its file says `state: paused` as well."),
    ],
)
def test_each_kind_of_target_is_found_in_what_is_live(
    memory: MemoryStore, words: list[str], target: str, told: str
) -> None:
    result = run(memory, "pause", *words)
    assert result.exit_code == 0, result.output
    assert paused(memory) == [target]
    assert told in result.stdout
    assert "No node is running; whichever starts knows of it." in result.stdout
    back = ["--all"] if "--all" in words else words
    assert run(memory, "resume", *back).exit_code == 0
    assert paused(memory) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("bruleri", "there is no live campaign 'bruleri'.\nDid you mean 'brulerie'?"),
        ("brulerie/cart", "no live creative 'brulerie/cart'.\nDid you mean 'brulerie/carte'?"),
        ("bruleri/carte", "no live campaign 'bruleri'.\nDid you mean 'brulerie"),
        ("slot:post-tpo", "there is no slot 'post-tpo'.\nDid you mean 'slot:post-top'?"),
        ("advertiser:Nuit", "there is no advertiser 'Nuit'."),
        ("advertiser:Nuit des fanau", "Did you mean 'advertiser:Nuit des fanaux'?"),
    ],
)
@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_a_name_that_is_not_live_is_answered_with_the_nearest(
    memory: MemoryStore, verb: str, name: str, told: str
) -> None:
    result = run(memory, verb, name)
    assert result.exit_code == 1
    assert told in result.stderr
    assert memory.pauses.done == []


def test_pausing_what_is_paused_changes_its_end_and_not_its_beginning(memory: MemoryStore) -> None:
    before = Pause(Target.read("brulerie"), NOW - 60, NOW + 7_200, "bob@desk", "old")
    memory.pauses.kept[before.target] = before
    result = run(memory, "pause", "brulerie", "--until", "+1h", "-m", "new")
    assert (
        "It was paused already, by bob@desk. No longer said of it: "
        'until Mon 2 Nov 12:00 (Paris), "old".\n'
    ) in result.stdout
    [made] = memory.pauses.known()
    assert (made.since, made.until, made.message) == (NOW - 60, NOW + 3_600, "new")
    same = run(memory, "pause", "brulerie", "--until", "+1h", "-m", "new").stdout
    assert f"It was paused already, by {made.by}.\n" in same
    over = Pause(Target.read("fanaux"), NOW - 60, NOW - 1, "bob@desk")
    memory.pauses.kept[over.target] = over
    assert "already" not in run(memory, "pause", "fanaux").stdout
    assert memory.pauses.kept[over.target].since == NOW


@pytest.mark.parametrize(
    ("held", "name", "told"),
    [
        ([], "brulerie", "brulerie is not paused.\n"),
        (["fanaux"], "brulerie", "brulerie is not paused; paused is `fanaux` (bob@desk).\n"),
        ([], "dormant", "its file says `state: paused`; change that, and apply.\n"),
        (["*"], "brulerie", "brulerie is not paused by itself, but by `--all` (bob@desk)"),
        (
            ["advertiser:Nuit des fanaux"],
            "fanaux",
            "not paused by itself, but by `advertiser:Nuit des fanaux` (bob@desk)",
        ),
        (["slot:post-top", "slot:post-bottom"], "fanaux", "`slot:post-bottom` (bob@desk), `slot"),
        (["brulerie/carte"], "brulerie", "is not paused, but `brulerie/carte` (bob@desk)"),
        (["brulerie"], "brulerie/carte", "not paused by itself, but by `brulerie` (bob@desk)"),
        (["brulerie"], "--all", "--all is not paused; paused is `brulerie` (bob@desk)"),
        (["over"], "fanaux", "fanaux is not paused.\n"),
    ],
)
def test_where_nothing_is_resumed_it_is_said_what_would_be(
    memory: MemoryStore, held: list[str], name: str, told: str
) -> None:
    for text in held:
        until = NOW if text == "over" else None
        target = Target.read("fanaux" if text == "over" else text)
        memory.pauses.kept[target] = Pause(target, NOW - 60, until, "bob@desk")
    result = run(memory, "resume", name)
    assert result.exit_code == 1
    assert told in result.stderr
    assert memory.pauses.done == []


@pytest.mark.parametrize(
    ("held", "name", "told"),
    [
        (["*"], "brulerie", "brulerie stays paused, by `--all` (bob@desk).\n"),
        ([], "dormant", "It is not shown: its file says `state: paused`.\n"),
        ([], "gone", "It is not live.\n"),
        (["brulerie"], "--all", "Paused is still `brulerie` (bob@desk).\n"),
        ([], "advertiser:NUIT DES FANAUX", ""),
    ],
)
def test_what_stays_paused_of_what_is_resumed_is_said(
    memory: MemoryStore, held: list[str], name: str, told: str
) -> None:
    own = {"--all": "*", "advertiser:NUIT DES FANAUX": "advertiser:Nuit des fanaux"}.get(name, name)
    for text in [*held, own]:
        target = Target.read(text)
        memory.pauses.kept[target] = Pause(target, NOW - 60, None, "bob@desk")
    result = run(memory, "resume", name)
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith(told)
    assert paused(memory) == held


def test_the_nearest_name_may_be_one_that_is_only_paused(memory: MemoryStore) -> None:
    target = Target.read("voilerie")
    memory.pauses.kept[target] = Pause(target, NOW - 60, None, "bob@desk")
    assert "Did you mean 'voilerie'?" in run(memory, "resume", "voileri").stderr


def test_everything_is_paused_when_somebody_has_agreed(
    memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(memory, "pause", "--all")
    assert result.exit_code == 2
    assert "say --yes" in result.stderr
    monkeypatch.setattr(output, "can_ask", lambda: True)
    monkeypatch.setattr(output, "ask", lambda _: False)
    assert run(memory, "pause", "--all").exit_code == 2
    assert paused(memory) == []
    monkeypatch.setattr(output, "ask", lambda _: True)
    assert run(memory, "pause", "--all").exit_code == 0
    assert paused(memory) == ["*"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "say what: CAMPAIGN"),
        (["brulerie", "--all"], "say what"),
        (["*"], "say --all for everything"),
        (["brulerie", "-m", "x" * (MAX_MESSAGE_CHARACTERS + 1)], "at most 500 characters"),
        (["brulerie", "-m", "a\x1b[31mb"], "without control characters"),
        (["brulerie", "--until", "lundi"], "--until: 'lundi' is no time"),
    ],
)
def test_what_cannot_be_meant_is_refused(memory: MemoryStore, words: list[str], told: str) -> None:
    result = run(memory, "pause", *words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert memory.pauses.done == []


def test_no_more_is_paused_than_anybody_keeps_track_of(memory: MemoryStore) -> None:
    for n in range(MAX_PAUSES):
        target = Target.read(f"c{n}")
        memory.pauses.kept[target] = Pause(target, NOW, None, "bob@desk")
    result = run(memory, "pause", "brulerie")
    assert result.exit_code == 2
    assert "1,000 pauses" in result.stderr
    memory.pauses.kept.popitem()
    assert run(memory, "pause", "brulerie").exit_code == 0
    assert run(memory, "pause", "brulerie").exit_code == 0


def test_whoever_pauses_moves_nobodys_terminal(memory: MemoryStore) -> None:
    adserver("pause", "brulerie", store=memory, env={"GIT_AUTHOR_NAME": "A\x1b[2Jna" + "a" * 500})
    [made] = memory.pauses.known()
    assert made.by.isprintable()
    assert made.by.startswith("A\ufffd[2Jna")
    assert len(made.by) <= 200


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_before_anything_is_live_there_is_nothing_to_pause(verb: str) -> None:
    result = adserver(verb, "brulerie", store=store())
    assert result.exit_code == 1
    assert "adserver apply" in result.stderr


def test_the_list_has_what_is_paused_and_who_did_what(memory: MemoryStore) -> None:
    assert run(memory, "pause", "--list").stdout == "Nothing is paused.\n"
    run(memory, "pause", "brulerie", "-m", "réclamation", "--until", "+2h")
    run(memory, "pause", "fanaux")
    run(memory, "resume", "fanaux")
    over = Pause(Target.read("slot:post-top"), NOW - 9, NOW - 1, "bob@desk")
    memory.pauses.kept[over.target] = over
    lines = run(memory, "pause", "--list").stdout.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["paused", "brulerie", "slot:post-top"]
    assert lines[1].endswith("réclamation")
    assert "(over)" in lines[2]
    assert [line.split()[5:7] for line in lines[5:]] == [
        ["resume", "fanaux"],
        ["pause", "fanaux"],
        ["pause", "brulerie"],
    ]


def test_json_says_the_same(memory: MemoryStore) -> None:
    answer = orjson.loads(run(memory, "pause", "fanaux", "-m", "x", "--format", "json").stdout)
    since = answer["pause"].pop("since")
    assert datetime.fromisoformat(since) == datetime.fromtimestamp(NOW, UTC)
    [by] = {one.by for one in memory.pauses.known()}
    assert answer == {
        "target": "fanaux",
        "done": True,
        "pause": {"target": "fanaux", "until": None, "by": by, "message": "x"},
        "problem": "",
        "notes": [],
    }
    wrong = run(memory, "resume", "brulerie", "--format", "json")
    assert wrong.exit_code == 1
    assert orjson.loads(wrong.stdout)["problem"].startswith("brulerie is not paused")
    run(memory, "pause", "brulerie", "--until", "+1h")
    listed = orjson.loads(run(memory, "pause", "--list", "--format", "json").stdout)
    assert [one["target"] for one in listed["paused"]] == ["brulerie", "fanaux"]
    assert [one["verb"] for one in listed["acts"]] == ["pause", "pause"]
    assert listed["acts"][0]["until"] == listed["paused"][0]["until"] is not None
