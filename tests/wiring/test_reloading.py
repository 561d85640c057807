"""What a SIGHUP reads again, in whichever process."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from adserver.serving.admin import Guard
from adserver.serving.parent_counts import Failure, ParentCounts
from adserver.settings import Settings
from adserver.wiring.reloading import Reload, Signing, reread_token

OLD, NEW, OTHER = (secrets.token_urlsafe(48).encode() for _ in range(3))


def test_a_key_signs_only_when_every_worker_has_it() -> None:
    signing = Signing([OLD], ())
    assert not signing.take([NEW, OLD])
    assert signing.keys == [OLD, NEW]
    # Not while the round has not come to its end.
    assert not signing.take([NEW, OLD])
    signing.shared = signing.keys
    assert signing.take([NEW, OLD])
    assert signing.keys == [NEW, OLD]


def test_a_key_alone_is_learnt_behind_the_one_that_it_replaces() -> None:
    signing = Signing([OLD, OTHER], ())
    assert not signing.take([NEW])
    assert signing.keys == [OLD, NEW]


def test_keys_are_never_shown() -> None:
    assert OLD.decode() not in repr(Signing([OLD], ()))


def test_a_round_that_was_given_up_has_taught_nobody(tmp_path: Path) -> None:
    signing = Signing([OLD], ())
    reload = Reload(Settings(state=tmp_path), "", signing, ParentCounts())
    signing.take([NEW, OLD])
    reload.end(done=False)
    assert signing.shared == [OLD]
    reload.end(done=True)
    assert signing.shared == [OLD, NEW]


def test_a_generated_key_that_has_gone_is_not_made_anew(tmp_path: Path) -> None:
    counts = ParentCounts()
    assert not Reload(Settings(state=tmp_path), "", Signing([OLD], ()), counts).begin()
    assert counts.count(Failure.KEYS) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_same_keys_ask_nobody(tmp_path: Path) -> None:
    settings = Settings(secret_key=OLD.decode())
    reload = Reload(settings, "redis://no-such-host.invalid", Signing([OLD], ()), ParentCounts())
    assert not reload.begin()
    assert reload.counts.count(Failure.KEYS) == 0


def test_the_admin_token_is_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, counts, guard = tmp_path / "token", ParentCounts(), Guard("the old one")
    reread_token(Settings(), guard, counts)
    assert guard.token == "the old one"
    reread_token(Settings(admin_token_file=file), guard, counts)
    assert (guard.token, counts.count(Failure.TOKEN)) == ("the old one", 1)
    assert "token_not_read" in "".join(capsys.readouterr())
    file.touch(0o600)
    file.write_text(OLD.decode())
    reread_token(Settings(admin_token_file=file), guard, counts)
    assert (guard.token, counts.count(Failure.TOKEN)) == (OLD.decode(), 1)
