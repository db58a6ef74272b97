"""Rules about the watcher itself, as they are written: what is refused, and what the others have."""

from pathlib import Path

import pytest

from watcher.errors import ConfigError
from watcher.loading import load_all
from watcher.model.times import MINUTE
from watcher.model.trouble import TroubleKind
from watcher.rules.load import RuleSet, load_rules

ENVIRON = {"NONCE_API_KEY": "nk-1", "OPS": "slack://T/B/C"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rules = tmp_path / "rules"
    rules.mkdir()
    return rules


def loaded(folder: Path, match: str, rest: str = "") -> RuleSet:
    """One rule with this match, and further keys below it."""
    (folder / "own.yaml").write_text(f"rules:\n  - name: r\n    match: {match}\n    {rest}\n")
    return load_rules(folder)


def faults_of(folder: Path, match: str, rest: str = "") -> list[str]:
    """The faults of one rule, without the file's name."""
    with pytest.raises(ConfigError) as caught:
        loaded(folder, match, rest)
    return [str(fault).removeprefix(f"{folder / 'own.yaml'}:") for fault in caught.value.faults]


BAD_MATCHES = [
    ("{watcher: blnd}", '3:22: rule "r": the watcher has no trouble "blnd" (did you mean "blind"?)'),
    ("{watcher: Blind}", '3:22: rule "r": the watcher has no trouble "Blind" (did you mean "blind"?)'),
    ('{watcher: "!ath"}', '3:22: rule "r": the watcher has no trouble "ath" (did you mean "auth"?)'),
    ("{watcher: [blind, gapp]}", '3:22: rule "r": the watcher has no trouble "gapp" (did you mean "gap"?)'),
    (
        "{watcher: everything}",
        f'3:22: rule "r": the watcher has no trouble "everything": there are {", ".join(TroubleKind)}',
    ),
    ("{watcher: []}", '3:22: rule "r": must not be empty'),
    ("{watcher: 5}", '3:22: rule "r": expected text or a list, found the number 5: put it in quotes: "5"'),
    (
        "{watcher: /(/}",
        '3:22: rule "r": /(/ is not a regular expression that RE2 understands: missing ): (',
    ),
    ("{wacher: blind}", '3:13: rule "r": unknown key "wacher" (did you mean "watcher"?)'),
    ("{watcher: channel, chanel: ops}", '3:31: rule "r": unknown key "chanel" (did you mean "channel"?)'),
    (
        "{watcher: blind, task: miner.log.get}",
        '3:12: rule "r": a match with watcher sees no tasks: only farm and channel go with it',
    ),
    (
        "{watcher: blind, farm_id: f1}",
        '3:12: rule "r": a match with watcher sees no tasks: only farm and channel go with it',
    ),
    ("{channel: ops}", '3:12: rule "r": channel goes with watcher: channel only'),
    ("{status: failed, channel: ops}", '3:12: rule "r": channel goes with watcher: channel only'),
    (
        "{watcher: blind, farm: /(/}",
        '3:35: rule "r": /(/ is not a regular expression that RE2 understands: missing ): (',
    ),
]


@pytest.mark.parametrize(("match", "fault"), BAD_MATCHES)
def test_a_wrong_match_is_told_what_is_wrong_and_where(folder: Path, match: str, fault: str) -> None:
    assert faults_of(folder, match) == [fault]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("by", "[farm]"),
        ("where", '"true"'),
        ("keep_firing_for", "1m"),
        ("resolve", "never"),
        ("expire", "1h"),
        ("each", "{}"),
        ("count", "{at_least: 2, within: 1h}"),
        ("stuck", "{longer_than: 1h}"),
    ],
)
def test_what_goes_with_tasks_is_refused(folder: Path, key: str, value: str) -> None:
    (fault,) = faults_of(folder, "{watcher: blind}", f"{key}: {value}")
    assert fault.endswith(f'rule "r": {key} goes with tasks: a rule about the watcher lasts as long as its trouble')


def test_a_rule_about_tasks_cannot_tell_its_alerts_apart_by_the_watcher(folder: Path) -> None:
    (fault,) = faults_of(folder, "{status: failed}", "by: [farm, watcher]")
    assert 'rule "r": unknown field "watcher"' in fault


def test_a_where_about_tasks_does_not_know_the_watcher(folder: Path) -> None:
    (fault,) = faults_of(folder, "{status: failed}", "where: watcher == 'blind'")
    assert 'rule "r": unknown field "watcher"' in fault


@pytest.mark.parametrize(
    "match",
    [
        *(f"{{watcher: {kind.value}}}" for kind in TroubleKind),
        "{watcher: [blind, auth]}",
        '{watcher: "*"}',
        '{watcher: "!clock"}',
        "{watcher: /^(gap|behind)$/}",
        '{watcher: blind, farm: [Texas, "Oh*"]}',
        '{watcher: channel, channel: "!ops"}',
        "{watcher: channel, farm: Texas, channel: ops}",
    ],
)
def test_a_good_match_loads_without_a_warning(folder: Path, match: str) -> None:
    rules = loaded(folder, match)
    assert rules.warnings == ()
    assert rules.rules[0].of_watcher


def test_it_carries_the_labels_that_tell_its_troubles_apart(folder: Path) -> None:
    (rule,) = loaded(folder, "{watcher: blind}", "labels: {team: noc}").rules
    assert rule.by == ("watcher", "farm", "channel")
    assert rule.label_names == {"rule", "severity", "team", "watcher", "farm", "channel"}


@pytest.mark.parametrize("label", ["watcher", "farm", "channel", "rule", "severity"])
def test_a_label_of_its_own_has_another_name(folder: Path, label: str) -> None:
    (fault,) = faults_of(folder, "{watcher: blind}", f"labels: {{{label}: x}}")
    assert fault.endswith(f'the label "{label}" is one that every alert of this rule has already')


def test_what_goes_with_it_is_kept(folder: Path) -> None:
    rest = "for: 5m\n    severity: critical\n    notify: [ops]\n    runbook: https://wiki.example/blind"
    (rule,) = loaded(folder, "{watcher: blind}", rest).rules
    assert (rule.hold, rule.severity, rule.notify) == (5 * MINUTE, "critical", ("ops",))
    assert rule.runbook == "https://wiki.example/blind"


def test_it_is_repeated_while_it_lasts(folder: Path) -> None:
    """A trouble is a state, not a single event."""
    assert not loaded(folder, "{watcher: blind}").rules[0].of_single_events


@pytest.mark.parametrize("name", ["watcher", "farm", "channel", "cause", "count", "first", "last", "runbook"])
def test_its_templates_know_what_there_is(folder: Path, name: str) -> None:
    loaded(folder, "{watcher: blind}", f'message: {{title: "{{{{ {name} }}}}"}}')


def test_its_templates_are_rendered_once_when_they_are_loaded(folder: Path) -> None:
    (fault,) = faults_of(folder, "{watcher: blind}", 'message: {title: "{{ cuase }}"}')
    assert "'cuase' is undefined" in fault


def routed(folder: Path, route: str) -> list[str]:
    """The faults of a configuration with one route of its own, before the one that takes everything."""
    config = folder.parent / "config.yaml"
    config.write_text(
        "nonce: {workspace: org_1}\n"
        "channels: {ops: {url: '${OPS}'}}\n"
        f"routes: [{{{route}, channels: [ops]}}, {{channels: [ops]}}]\n"
    )
    try:
        load_all(config, ENVIRON)
    except ConfigError as error:
        return [fault.text for fault in error.faults]
    return []


class TestRoutes:
    @pytest.mark.parametrize(
        "route",
        [
            'match: {watcher: "*"}',
            "match: {watcher: [blind, auth], farm: Texas}",
            "match: {watcher: channel, channel: ops}",
            "group_by: [rule, watcher, channel]",
        ],
    )
    def test_match_and_group_by_the_labels_of_the_watcher(self, folder: Path, route: str) -> None:
        loaded(folder, "{watcher: blind}")
        assert routed(folder, route) == []

    @pytest.mark.parametrize("label", ["watcher", "channel"])
    def test_do_not_know_them_without_such_a_rule(self, folder: Path, label: str) -> None:
        loaded(folder, "{status: failed}")
        (fault,) = routed(folder, f'match: {{{label}: "*"}}')
        assert fault.startswith(f'no rule carries the label "{label}"')
