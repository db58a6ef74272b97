"""What all tests share: Hypothesis draws the same cases in every run, so that no run is red by chance, and what one
test makes of the log is not another's."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

settings.register_profile("same every time", derandomize=True, deadline=None)
settings.load_profile("same every time")


@pytest.fixture(autouse=True)
def _its_own_log() -> Iterator[None]:
    known = structlog.get_config()
    yield
    structlog.configure(**known)
