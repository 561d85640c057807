"""Reading files for a command: garbage is looked for as before when it has ended."""

from __future__ import annotations

import gc

import pytest

from adserver.cli.reading import uncollected


def test_nothing_is_collected_meanwhile_and_all_is_as_before_behind() -> None:
    assert gc.isenabled()
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_leaves_it_as_it_was_too() -> None:
    with pytest.raises(RuntimeError), uncollected():
        raise RuntimeError
    assert gc.isenabled()


def test_who_collects_nothing_goes_on_so() -> None:
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
