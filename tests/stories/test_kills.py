"""Kills at the named points; `python -m tests.stories.kills 1000` does as many as one likes."""

from pathlib import Path

import pytest

from tests.stories.kills import story
from watcher.crash import POINTS


@pytest.mark.parametrize("budget", ["none", "5/2s"])
def test_kills_at_named_points_lose_nothing_and_repeat_at_most_the_message_in_flight(
    tmp_path: Path, budget: str
) -> None:
    tally = story(tmp_path, 12, seed=7, budget=budget)
    killed = sum(tally.killed.values())
    assert killed == 12
    assert set(POINTS) <= set(tally.killed)
    assert tally.lost == set()
    assert tally.repeats <= killed
    assert tally.unmarked == 0
