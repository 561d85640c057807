"""The framework of invalid traffic: which rule discards an event, and what a dry run counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.invalid import (
    BY_DEFAULT,
    COUNTS,
    REASON,
    Mode,
    Rule,
    Verdict,
    asked,
    judge,
    read_modes,
)
from adserver.core.reasons import Discard

HOLDS = {rule: (lambda held, rule=rule: rule in held) for rule in Rule}


def verdict(held: set[Rule], **modes: str) -> Verdict:
    """Of an event for which `held` hold, where all other rules than those named are off."""
    chosen = {rule: Mode(modes.get(rule, "off")) for rule in Rule}
    return judge(asked(chosen, HOLDS), held)


def test_every_rule_has_its_reason() -> None:
    assert set(REASON) == set(Rule)


def test_an_event_that_no_rule_is_about_counts() -> None:
    assert verdict(set(), **dict.fromkeys(Rule, "discard")) is COUNTS


def test_a_rule_that_is_off_is_not_asked() -> None:
    assert verdict({Rule.ROBOTS}) is COUNTS
    assert verdict({Rule.ROBOTS}, robots="discard") == Verdict(Discard.BOT)


def test_of_several_rules_the_first_is_the_reason() -> None:
    both = {Rule.ROBOTS, Rule.INTERNAL}
    assert verdict(both, robots="discard", internal="discard") == Verdict(Discard.INTERNAL)


def test_a_dry_run_discards_nothing_and_says_what_it_would() -> None:
    assert verdict({Rule.ROBOTS}, robots="dry_run") == Verdict(None, (Discard.BOT,))


def test_a_dry_run_is_about_what_is_not_discarded_anyway() -> None:
    both = {Rule.ROBOTS, Rule.INTERNAL}
    assert verdict(both, internal="dry_run", robots="discard") == Verdict(Discard.BOT)


def test_two_dry_runs_with_one_reason_say_it_once() -> None:
    both = {Rule.ROBOTS, Rule.UNKNOWN_AGENTS}
    said = verdict(both, robots="dry_run", unknown_agents="dry_run")
    assert said == Verdict(None, (Discard.BOT,))


def test_without_a_word_of_the_operator_the_default_holds() -> None:
    found = [(one.rule, one.mode) for one in asked({}, HOLDS)]
    assert found == list(BY_DEFAULT.items())


def test_a_rule_that_nobody_can_check_is_not_asked() -> None:
    assert asked({Rule.CONSENT: Mode.DISCARD}, {}) == []


@given(
    st.sets(st.sampled_from(Rule)), st.dictionaries(st.sampled_from(Rule), st.sampled_from(Mode))
)
def test_whatever_is_set_an_event_has_one_reason_or_counts(
    held: set[Rule], modes: dict[Rule, Mode]
) -> None:
    said = judge(asked(modes, HOLDS), held)
    mode = {**dict.fromkeys(Rule, Mode.OFF), **BY_DEFAULT, **modes}
    discarding = [rule for rule in Rule if rule in held and mode[rule] is Mode.DISCARD]
    trying = [rule for rule in Rule if rule in held and mode[rule] is Mode.DRY_RUN]
    if discarding:
        assert said == Verdict(REASON[discarding[0]])
    else:
        assert said == Verdict(None, tuple(dict.fromkeys(REASON[rule] for rule in trying)))


def test_rules_are_written_as_a_list_of_names_and_modes() -> None:
    assert dict(read_modes(" internal=discard, robots = dry_run,")) == {
        Rule.INTERNAL: Mode.DISCARD,
        Rule.ROBOTS: Mode.DRY_RUN,
    }
    assert list(read_modes("")) == []


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("robot=off", "there is no rule 'robot': did you mean 'robots'?"),
        ("Unknown-Agents=off", "there is no rule 'Unknown-Agents': did you mean 'unknown_agents'?"),
        ("robots=dry-run", "there is no mode 'dry-run': did you mean 'dry_run'?"),
        ("robots=yes", "there is no mode 'yes': there are off, dry_run, discard"),
        ("robots", "'robots' is not RULE=MODE, such as unknown_agents=dry_run"),
        ("robots=off,robots=discard", "'robots' is named twice"),
    ],
)
def test_what_cannot_be_read_is_said_with_what_may_be_meant(written: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        list(read_modes(written))
    assert str(raised.value) == said
