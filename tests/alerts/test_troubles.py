"""Rules about the watcher itself: when an alert begins, goes on and ends, and for which trouble."""

from dataclasses import replace
from typing import Any

from watcher.alerts.episodes import Change, EpisodeChange
from watcher.alerts.troubles import Troubles
from watcher.model.alert import EndReason, Episode, Origin
from watcher.model.times import HOUR, MINUTE, SECOND, Millis
from watcher.model.trouble import Trouble, TroubleKind
from watcher.rules.rule import Rule
from watcher.rules.schema import RulePart

T = 1_000_000_000_000
NAMES = {"f1": "Texas", "f2": "Ohio"}
BLIND = Trouble(TroubleKind.BLIND, T - 5 * MINUTE, "no route to host", "f1")
BROKEN = Trouble(TroubleKind.CHANNEL, T, "3 not delivered: no answer", channel="ops")


def rule(said: dict[str, Any], **more: Any) -> Rule:
    return RulePart.model_validate({"name": "r", "match": said, **more}).compiled()


class Watch:
    """Judges again and again, and keeps what stands, as the desk does."""

    def __init__(self, *rules: Rule) -> None:
        self.judge = Troubles(rules)
        self.standing: list[Episode] = []

    def sees(self, *troubles: Trouble, at: Millis = 0) -> list[EpisodeChange]:
        changes = self.judge.judge(troubles, self.standing, NAMES, T + at)
        for one in changes:
            name = one.episode.alert.fingerprint
            others = [episode for episode in self.standing if episode.alert.fingerprint != name]
            self.standing = [*others, one.episode] if one.episode.firing else others
        return changes


def kinds(changes: list[EpisodeChange]) -> list[Change]:
    return [one.change for one in changes]


def test_an_alert_begins_with_its_trouble_and_says_why_and_since_when() -> None:
    (begun,) = Watch(rule({"watcher": "blind"}, labels={"team": "noc"})).sees(BLIND)
    episode = begun.episode
    assert begun.change is Change.BEGAN
    assert (episode.started_at, episode.known_at, episode.origin) == (T - 5 * MINUTE, T, Origin.NEWS)
    assert (episode.cause, episode.count, episode.tasks) == ("no route to host", 1, ())
    assert episode.alert.by == ("blind", "f1", None)
    assert episode.alert.labels == {
        "rule": "r",
        "severity": "warning",
        "team": "noc",
        "watcher": "blind",
        "farm": "Texas",
        "channel": None,
    }


def test_a_trouble_that_is_dated_ahead_begins_now() -> None:
    (begun,) = Watch(rule({"watcher": "blind"})).sees(replace(BLIND, since=T + MINUTE))
    assert begun.episode.started_at == T


def test_while_it_lasts_nothing_is_said_again() -> None:
    watch = Watch(rule({"watcher": "blind"}))
    watch.sees(BLIND)
    assert watch.sees(BLIND, at=HOUR) == []


class TestFor:
    def test_counts_from_when_the_trouble_was_first_seen_not_from_when_it_began(self) -> None:
        watch = Watch(rule({"watcher": "blind"}, **{"for": "10m"}))
        assert watch.sees(BLIND) == []
        assert watch.sees(BLIND, at=10 * MINUTE - 1) == []
        (begun,) = watch.sees(BLIND, at=10 * MINUTE)
        assert begun.change is Change.BEGAN
        assert begun.episode.started_at == BLIND.since

    def test_begins_anew_when_the_trouble_was_away(self) -> None:
        watch = Watch(rule({"watcher": "blind"}, **{"for": "10m"}))
        watch.sees(BLIND)
        watch.sees(at=9 * MINUTE)
        assert watch.sees(BLIND, at=10 * MINUTE) == []
        assert watch.sees(BLIND, at=19 * MINUTE) == []
        assert kinds(watch.sees(BLIND, at=20 * MINUTE)) == [Change.BEGAN]

    def test_is_not_begun_anew_by_another_cause(self) -> None:
        watch = Watch(rule({"watcher": "blind"}, **{"for": "10m"}))
        watch.sees(BLIND)
        (begun,) = watch.sees(replace(BLIND, cause="status 503"), at=10 * MINUTE)
        assert begun.episode.cause == "status 503"

    def test_is_counted_for_each_farm(self) -> None:
        watch = Watch(rule({"watcher": "blind"}, **{"for": "10m"}))
        watch.sees(BLIND)
        (begun,) = watch.sees(BLIND, replace(BLIND, farm_id="f2"), at=10 * MINUTE)
        assert begun.episode.alert.labels["farm"] == "Texas"

    def test_is_not_asked_of_an_alert_that_stands_already(self) -> None:
        """After a restart, the process has seen nothing yet."""
        said = rule({"watcher": "blind"}, **{"for": "10m"})
        watch = Watch(said)
        watch.sees(BLIND)
        watch.sees(BLIND, at=10 * MINUTE)
        restarted = Watch(said)
        restarted.standing = watch.standing
        assert restarted.sees(BLIND, at=11 * MINUTE) == []


def test_another_cause_goes_on_with_the_same_alert() -> None:
    watch = Watch(rule({"watcher": "blind"}))
    (begun,) = watch.sees(BLIND)
    (went_on,) = watch.sees(replace(BLIND, cause="status 503", since=T + MINUTE), at=MINUTE)
    assert went_on.change is Change.WENT_ON
    assert went_on.episode == replace(begun.episode, cause="status 503")


def test_it_ends_with_its_trouble() -> None:
    watch = Watch(rule({"watcher": "blind"}))
    (begun,) = watch.sees(BLIND)
    (ended,) = watch.sees(at=7 * SECOND)
    assert ended.change is Change.ENDED
    assert ended.episode == replace(
        begun.episode,
        ended_at=T + 7 * SECOND,
        end_reason=EndReason.RECOVERED,
        ended_by="it is over",
        end_known_at=T + 7 * SECOND,
    )
    assert watch.sees(at=8 * SECOND) == []


def test_a_trouble_that_comes_back_is_a_new_episode_of_the_same_alert() -> None:
    watch = Watch(rule({"watcher": "blind"}))
    (first,) = watch.sees(BLIND)
    watch.sees(at=MINUTE)
    (second,) = watch.sees(replace(BLIND, since=T + HOUR), at=HOUR)
    assert second.change is Change.BEGAN
    assert second.episode.started_at == T + HOUR
    assert second.episode.alert.fingerprint == first.episode.alert.fingerprint


def test_farms_are_told_apart_and_all_of_them_at_once_are_one_alert() -> None:
    watch = Watch(rule({"watcher": "blind"}))
    assert kinds(watch.sees(BLIND, replace(BLIND, farm_id="f2"))) == [Change.BEGAN] * 2
    changes = watch.sees(replace(BLIND, farm_id=None), at=MINUTE)
    assert sorted(kinds(changes)) == sorted([Change.BEGAN, Change.ENDED, Change.ENDED])
    assert watch.standing[0].alert.labels["farm"] is None


def test_a_farm_that_the_store_does_not_know_is_shown_by_its_id() -> None:
    (begun,) = Watch(rule({"watcher": "blind", "farm": "f9"})).sees(replace(BLIND, farm_id="f9"))
    assert begun.episode.alert.labels["farm"] == "f9"


def test_each_rule_that_fits_has_its_alert() -> None:
    one, other = rule({"watcher": "blind"}), rule({"watcher": ("auth", "b*")}, name="other", severity="critical")
    changes = Watch(one, other).sees(BLIND)
    assert [change.episode.alert.rule for change in changes] == ["r", "other"]


def begins(match: dict[str, Any], trouble: Trouble) -> bool:
    return bool(Watch(rule(match)).sees(trouble))


class TestTheMatch:
    def test_sees_only_the_troubles_it_names(self) -> None:
        assert begins({"watcher": "blind"}, BLIND)
        assert begins({"watcher": "!auth"}, BLIND)
        assert not begins({"watcher": "auth"}, BLIND)
        assert not begins({"watcher": ("auth", "channel")}, BLIND)

    def test_names_a_farm_by_its_name(self) -> None:
        assert begins({"watcher": "blind", "farm": "Tex*"}, BLIND)
        assert not begins({"watcher": "blind", "farm": "Ohio"}, BLIND)
        assert not begins({"watcher": "blind", "farm": "f1"}, BLIND)

    def test_of_a_farm_does_not_see_what_is_of_none(self) -> None:
        assert not begins({"watcher": "blind", "farm": "Texas"}, replace(BLIND, farm_id=None))
        assert begins({"watcher": "blind", "farm": "!Texas"}, replace(BLIND, farm_id=None))

    def test_names_a_channel(self) -> None:
        assert begins({"watcher": "channel", "channel": "ops"}, BROKEN)
        assert begins({"watcher": "channel", "channel": ("pager", "o*")}, BROKEN)
        assert not begins({"watcher": "channel", "channel": "pager"}, BROKEN)
        assert not begins({"watcher": "channel", "channel": "!ops"}, BROKEN)
        assert not begins({"watcher": "*", "channel": "ops"}, BLIND)


def test_channels_are_told_apart() -> None:
    watch = Watch(rule({"watcher": "channel"}))
    watch.sees(BROKEN, replace(BROKEN, channel="pager"))
    (ended,) = watch.sees(BROKEN, at=MINUTE)
    assert (ended.change, ended.episode.alert.labels["channel"]) == (Change.ENDED, "pager")
