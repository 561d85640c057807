"""Options and what they become: settings, the form of the answer, the doors to the store.

The common options stand before or after the command; of two, the later one wins. A flag wins
over `ADSERVER_<NAME>`, which wins over the default.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from adserver.settings import Settings

if TYPE_CHECKING:
    from adserver.wiring.control import ControlPlane

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
# As long as a person waits for `apply --wait` before looking for what is wrong.
WAIT_LIMIT_SECONDS = 10.0


class Manner(BaseSettings):
    """How a command answers, whatever it does."""

    model_config = SettingsConfigDict(env_prefix="ADSERVER_", frozen=True, extra="ignore")

    format: Literal["text", "json", "github"] = "text"
    yes: bool = False


def open_store(
    settings: Settings, *, existing: bool = False
) -> AbstractContextManager[ControlPlane]:
    from adserver.wiring.control import control_plane

    return control_plane(settings, existing=existing)


@dataclass(slots=True)
class Invocation:
    """One call of the command: what it was given, and what it may use (a test brings its own).

    control_plane: with `existing=True` for what has nothing to do where nothing was ever applied.
    now: UTC seconds. author, commit: whose command this is and the Git commit of the folder, where
    both are elsewhere. answers_follow: what is asked is answered on stdin, though that is no
    terminal.
    """

    control_plane: Callable[..., AbstractContextManager[ControlPlane]] = open_store
    now: Callable[[], float] = time.time
    wait_limit_seconds: float = WAIT_LIMIT_SECONDS
    given: dict[str, Any] = field(default_factory=dict)
    author: str = ""
    commit: str | None = None
    answers_follow: bool = False

    def settings(self, **defaults: Any) -> Settings:
        """The settings of this call. `defaults` stand in for what nobody has set."""
        settings = read(Settings, self.given)
        unset = {k: v for k, v in defaults.items() if k not in settings.model_fields_set}
        return settings.model_copy(update=unset)

    @property
    def form(self) -> Literal["text", "json", "github"]:
        """`github` is for commands that tell problems; the others answer as text then."""
        return read(Manner, self.given).format

    @property
    def as_json(self) -> bool:
        return self.form == "json"

    @property
    def confirmed(self) -> bool:
        return read(Manner, self.given).yes


Model = TypeVar("Model", bound=BaseSettings)


def read(model: type[Model], given: dict[str, Any]) -> Model:
    """UsageError (exit 2) names the option or variable that cannot be used."""
    try:
        return model(**{name: given[name] for name in model.model_fields if name in given})
    except ValidationError as error:
        complaints = [
            f"{origin(str(one['loc'][0]), given)}: {complaint(model, one)}"
            for one in error.errors()
        ]
        raise click.UsageError("\n".join(complaints)) from error


def complaint(model: type[BaseSettings], error: Any) -> str:
    """Where only a few words can be used, which ones, instead of a pattern."""
    if error["type"] == "string_pattern_mismatch":
        expected = model.model_fields[str(error["loc"][0])].description
        return f"{error['input']!r} cannot be used; expected {expected}"
    return str(error["msg"]).removeprefix("Value error, ")


def origin(name: str, given: dict[str, Any]) -> str:
    return f"--{name.replace('_', '-')}" if name in given else f"ADSERVER_{name.upper()}"


def remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None and parameter.name is not None:
        context.ensure_object(Invocation).given[parameter.name] = value


def option(name: str, **attributes: Any) -> Callable[[Decorated], Decorated]:
    """An option that is kept for `Invocation` and not passed to the command."""
    flag = f"--{name.replace('_', '-')}"
    return click.option(flag, name, expose_value=False, callback=remember, **attributes)


def settings_option(name: str) -> Callable[[Decorated], Decorated]:
    """The option of one field of Settings."""
    description = Settings.model_fields[name].description or ""
    default = Settings.model_fields[name].get_default()
    shown = f"{description} [{default}]" if default not in (None, "", ()) else description
    return option(name, metavar=name.rpartition("_")[2].upper(), help=shown)


def settings_options(*names: str) -> Callable[[Decorated], Decorated]:
    def decorate(command: Decorated) -> Decorated:
        for name in reversed(names):
            command = settings_option(name)(command)
        return command

    return decorate


def common(command: Decorated) -> Decorated:
    """The options that every command has, and that may stand before it as well."""
    command = option(
        "yes", is_flag=True, default=None, help="do not ask; needed where nobody can answer"
    )(command)
    command = option(
        "format",
        type=click.Choice(["text", "json", "github"]),
        help="text, json, or github: problems as annotations of a review",
    )(command)
    return settings_options("config", "redis", "namespace")(command)
