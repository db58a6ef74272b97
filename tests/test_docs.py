"""The documents name everything the program has."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from watcher import __version__
from watcher.cli.app import app
from watcher.config import load
from watcher.settings import Alerts, Channel, Daily, File, Heartbeat, Log, Nonce, Poll, Settings, Store
from watcher.watch.farm import Strategy

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def keys_of(model: type[BaseModel]) -> set[str]:
    keys: set[str] = set()
    for name, field in model.model_fields.items():
        keys.add(field.alias or name)
        for inner in _models(field.annotation):
            keys |= keys_of(inner)
    return keys


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in getattr(annotation, "__args__", ()) for model in _models(argument)]


def section(title: str) -> str:
    """What stands under a heading of the second level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE)
    assert found is not None, f"no section {title}"
    return found[1]


def configuration() -> str:
    """The file that the README shows."""
    found = re.search(r"```yaml\n(.*?)```", section("Configuration"), re.DOTALL)
    assert found is not None
    return found[1]


def settings_of(text: str, folder: Path) -> Settings:
    config = folder / "config.yaml"
    config.write_text(text)
    return load(config, {"NONCE_API_KEY": "nk-1", "OPS_SLACK_URL": "slack://T/B/C"})


@pytest.mark.parametrize("key", sorted(keys_of(File)))
def test_every_configuration_key_is_in_the_readme(key: str) -> None:
    assert re.search(rf"\b{key}:", section("Configuration"))


def test_the_configuration_of_the_readme_shows_the_defaults(tmp_path: Path) -> None:
    shown = settings_of(configuration(), tmp_path)
    assert shown.warnings == ()
    assert shown.nonce == Nonce.model_validate({"workspace": "org_…", "api_key": "nk-1"})
    assert (shown.poll, shown.alerts, shown.heartbeat, shown.log) == (Poll(), Alerts(), Heartbeat(), Log())
    assert (shown.store.retain, shown.store.path) == (Store().retain, tmp_path / Store().path)
    assert shown.daily == Daily()
    assert shown.rules == tmp_path / "rules"
    channel = shown.channels["ops"]
    assert channel == Channel.model_validate({"url": "slack://T/B/C"})


@pytest.mark.parametrize("example", re.findall(r"```yaml\n((?:nonce|channels):.*?)```", README, re.DOTALL))
def test_every_configuration_of_the_readme_loads(example: str, tmp_path: Path) -> None:
    assert settings_of(example, tmp_path).warnings == ()


def test_every_choice_of_the_poll_strategy_is_explained() -> None:
    choices = Poll.model_fields["strategy"].annotation
    told = section("How it looks")
    for choice in getattr(choices, "__args__", ()):
        assert re.search(rf"`(poll\.)?(strategy: )?{choice}`", told), choice


@pytest.mark.parametrize("strategy", Strategy)
def test_every_way_of_reading_is_told(strategy: Strategy) -> None:
    words = {
        Strategy.SEARCH: "search of batches",
        Strategy.LIST: "listed by the other way",
        Strategy.MINERS: "miners are read one by one",
    }
    assert words[strategy] in " ".join(section("How it looks").split())


def test_every_command_is_in_the_readme() -> None:
    commands = typer.main.get_command(app)
    assert isinstance(commands, typer.core.TyperGroup)
    missing = [name for name in commands.commands if not re.search(rf"^\| `{name}\b", README, re.MULTILINE)]
    assert missing == []


def test_the_changelog_knows_this_version() -> None:
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_ci_runs_the_command_of_the_readme() -> None:
    command = re.search(r"^python3 -m venv .*pytest$", README, re.MULTILINE)
    assert command is not None
    assert "README.md" in (ROOT / ".ci" / "run").read_text()
