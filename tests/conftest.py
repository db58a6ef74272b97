"""What all tests share: Hypothesis draws the same cases in every run, so that no run is red by chance."""

from hypothesis import settings

settings.register_profile("same every time", derandomize=True, deadline=None)
settings.load_profile("same every time")
