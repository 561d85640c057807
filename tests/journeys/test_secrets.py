"""No secret gets out: whatever is run and whatever fails, none is in anything that is written.

Each secret is a word that nothing else contains, and is looked for as it is, percent-encoded, in
hexadecimal and in base64."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.journeys.small_blog import campaign, write_blog
from tests.servers import Running, adserver_running, own_environment, run_command, until
from tests.topology import redis_running

pytestmark = pytest.mark.usefixtures("unmeasured")

# Signs that an address has to escape, and that no pattern of ours may stop at.
PASSWORD = "zqcanary-pw/9?of@the#store:x%"
KEY, OLD_KEY = "zqcanary-key-that-signs-0123456789", "zqcanary-key-that-verifies-987654321"
TOKEN = "zqcanary-token-of-the-admin-port-13579"
SECRETS = {"password": PASSWORD, "key": KEY, "old key": OLD_KEY, "token": TOKEN}
COMMANDS = (
    "validate", "plan", "apply --yes -m secrets", "status", "status --format json", "why top",
    "available top", "report --by day", "report --csv", "history", "history --format json",
    "pause one", "resume one", "keys", "keys --format json", "keys add", "keys forget 0011",
    "store check", "store backup out/a.backup", "export out/folder", "snippet top --for django",
    "report --proof out/proof.html --campaign one", "keys --namespace other", "keys --bogus",
)  # fmt: skip


def forms(secret: str) -> list[bytes]:
    raw = secret.encode()
    return [raw, quote(secret, safe="").encode(), raw.hex().encode(), b64encode(raw).rstrip(b"=")]


def found_in(text: bytes) -> set[str]:
    """Which of the secrets a text has, in any form."""
    return {name for name, secret in SECRETS.items() if any(one in text for one in forms(secret))}


@dataclass
class Searched:
    """Everything that was written, by where."""

    written: dict[str, bytes] = field(default_factory=dict)

    def add(self, where: str, text: bytes | str) -> None:
        self.written[where] = text if isinstance(text, bytes) else text.encode()

    def ended(self, words: str, done: subprocess.CompletedProcess[str]) -> None:
        self.add(words, f"{done.stdout}\n{done.stderr}")

    def answered(self, answer: httpx.Response) -> None:
        self.add(str(answer.request.url), f"{answer.headers}\n{answer.text}")

    def folder(self, folder: Path, *but: Path) -> None:
        for path in folder.rglob("*"):
            if path.is_file() and path not in but:
                self.add(str(path), path.read_bytes())

    @property
    def leaks(self) -> dict[str, set[str]]:
        return {where: found for where, text in self.written.items() if (found := found_in(text))}


@dataclass
class Site:
    """Where `adserver` runs with these secrets, on a store that asks for its password."""

    folder: Path
    config: Path
    env: dict[str, str]
    program: Path

    def run(self, words: str, **env: str) -> subprocess.CompletedProcess[str]:
        given = own_environment(self.config, self.folder, self.env | env)
        return run_command(self.folder, given, *words.split(), program=[self.program])


def private(path: Path, text: str) -> Path:
    path.touch(0o600)
    path.write_text(text)
    return path


@pytest.fixture
def site(tmp_path: Path, warm: Path) -> Iterator[Site]:
    config = write_blog(tmp_path / "config", ["top"], {"one": campaign("top")})
    (tmp_path / "out").mkdir()
    with redis_running("valkey-server") as store:
        store.call("CONFIG", "SET", "requirepass", PASSWORD)
        address = f"redis://:{quote(PASSWORD, safe='')}@{store.host}:{store.port}"
        env = {
            "ADSERVER_REDIS": address,
            "ADSERVER_SECRET_KEY": "",
            "ADSERVER_SECRET_KEY_FILE": str(private(tmp_path / "keys", f"{KEY}\n{OLD_KEY}\n")),
            "ADSERVER_ADMIN_TOKEN_FILE": str(private(tmp_path / "token", TOKEN)),
            "ADSERVER_LOG_FORMAT": "json",
        }
        yield Site(tmp_path, config, env, warm)


def look_at(ads: Running, searched: Searched) -> None:
    """What a reader, an operator and a neighbour on the machine can see of a node."""
    for path in ("/slots/top", "/slots/none", "/decisions?slots=top", "/tag.js", "/c/none", "/x"):
        searched.answered(ads.get(path))
    for path in ("/metrics", "/readyz", "/livez", "/none"):
        for headers in ({}, {"authorization": f"Bearer {TOKEN}"}):
            searched.answered(httpx.get(f"{ads.admin}{path}", headers=headers))
    for process in Path("/proc").glob("[0-9]*"):
        try:
            searched.add(str(process / "cmdline"), (process / "cmdline").read_bytes())
        except OSError:
            continue  # it has ended


def test_no_secret_is_in_anything_that_commands_and_nodes_write(site: Site) -> None:
    searched = Searched()
    with adserver_running(site.config, site.folder, env=site.env, commands=[site.program]) as ads:
        until(lambda: httpx.get(f"{ads.admin}/readyz").status_code == 200)
        [made] = ads.get("/decisions?slots=top").json()["decisions"]
        for kind in ("impression_url", "click_url"):
            searched.answered(ads.get(made[kind]))
        for words in COMMANDS:
            done = site.run(words)
            assert "Traceback" not in done.stderr, words
            searched.ended(words, done)
        look_at(ads, searched)
    secret_files = [site.folder / "keys", site.folder / "token"]
    searched.folder(site.folder, *secret_files)
    assert len(searched.written) > 60
    assert searched.leaks == {}


WRONG = quote(f"{PASSWORD}!", safe="")
FAULTS = {
    "a store that is not there": {"ADSERVER_REDIS": f"redis://u:{WRONG}@127.0.0.1:1"},
    "no such host": {"ADSERVER_REDIS": f"redis://:{WRONG}@no-such-host.invalid"},
    "another password": {"ADSERVER_REDIS": f"redis://:{WRONG}@HOST"},
    "another user": {"ADSERVER_REDIS": f"redis://nobody:{WRONG}@HOST"},
    "no address": {"ADSERVER_REDIS": f"redis:/:{WRONG}@HOST/x/y"},
    "not escaped": {"ADSERVER_REDIS": f"redis://:{PASSWORD}@HOST"},
    "another scheme": {"ADSERVER_REDIS": f"http://:{WRONG}@HOST"},
    "an unknown option": {"ADSERVER_REDIS": f"redis://HOST?password={WRONG}"},
    "sentinels that are none": {
        "ADSERVER_REDIS": f"redis+sentinel://:{WRONG}@HOST/main?sentinel_password={WRONG}"
    },
    "a Cluster that is none": {"ADSERVER_REDIS": f"redis+cluster://:{WRONG}@HOST"},
    "a key that is too short": {
        "ADSERVER_SECRET_KEY_FILE": "",
        "ADSERVER_SECRET_KEY": f"{KEY},{OLD_KEY[:20]}",
    },
    "another setting that is wrong": {"ADSERVER_TICKET_LIFE": "soon"},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_no_secret_is_in_what_is_said_of_a_fault(site: Site, fault: dict[str, str]) -> None:
    host = site.env["ADSERVER_REDIS"].rpartition("@")[2]
    given = {name: value.replace("HOST", host) for name, value in fault.items()}
    searched = Searched()
    for words in ("keys", "keys add --format json"):
        done = site.run(words, **given)
        assert done.returncode in {2, 3}, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        searched.ended(words, done)
    assert searched.leaks == {}
    assert "canary" not in str(searched.written), "a part of a secret"


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_gets_out_in_any_form_is_found(name: str) -> None:
    for form in forms(SECRETS[name]):
        assert found_in(b"Error: " + form + b" is wrong") == {name}
    assert found_in(b"Error: it is wrong") == set()


def test_what_settings_show_of_themselves_has_no_secret() -> None:
    from pydantic import SecretStr

    from adserver.serving.admin import Guard
    from adserver.settings import Settings

    made = Settings(redis=f"redis://:{quote(PASSWORD, safe='')}@h", secret_key=SecretStr(KEY))
    assert found_in(f"{made!r} {made} {Guard(TOKEN)!r}".encode()) == set()
