"""Configuration and rules together."""

from pathlib import Path

import pytest

from watcher.config import CONSOLE
from watcher.errors import ConfigError
from watcher.loading import Loaded, load_all

RULE = "rules:\n  - name: r\n    match: {status: failed}\n    notify: [oncall]\n"


def loaded(folder: Path, rules: str, *, config: str = "", **environ: str) -> Loaded:
    (folder / "rules").mkdir()
    (folder / "rules" / "own.yaml").write_text(rules)
    (folder / "config.yaml").write_text(f"nonce: {{workspace: o, api_key: '${{NONCE_API_KEY}}'}}\n{config}")
    return load_all(folder / "config.yaml", environ)


def test_the_faults_of_the_rules_come_out_with_those_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, RULE.replace("match", "macth"))
    assert [(Path(fault.path).name, fault.line) for fault in caught.value.faults] == [
        ("config.yaml", 1),
        ("own.yaml", 3),
    ]


def test_a_configuration_that_cannot_be_read_at_all_is_told_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, RULE, config="rules: [")
    assert len(caught.value.faults) == 1


def test_a_channel_that_a_rule_names_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='rule "r": there is no channel "oncall"'):
        loaded(tmp_path, RULE, config="channels: {ops: {url: json://localhost}}", NONCE_API_KEY="k")


def test_without_any_channel_every_rule_is_told_on_the_console_with_a_warning(tmp_path: Path) -> None:
    found = loaded(tmp_path, RULE, NONCE_API_KEY="k")
    (warning,) = found.warnings
    assert "there is no channel" in warning.text
    assert warning.text.endswith("it is told on the console")
    assert (warning.line, warning.column) == (4, 13)
    assert found.rules.rules[0].notify is None
    assert found.routes[-1].channels == (CONSOLE,)
