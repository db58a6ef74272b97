"""The documents name everything the program has."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from watcher import __version__
from watcher.cli.app import app
from watcher.settings import File

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


@pytest.mark.parametrize("key", sorted(keys_of(File)))
def test_every_configuration_key_is_in_the_readme(key: str) -> None:
    assert re.search(rf"\b{key}:", README)


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
