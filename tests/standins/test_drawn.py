"""The README's pictures show what the services get today."""

import re
from html import unescape
from pathlib import Path

from tests.standins.drawn import FOLDER, pictures

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()


def test_the_pictures_are_drawn_from_what_the_stand_ins_receive_today() -> None:
    """`python -m tests.standins.drawn` draws them anew."""
    assert {path.stem: path.read_text() for path in FOLDER.iterdir()} == pictures()


def test_the_readme_shows_each_picture_with_the_first_words_of_it_as_its_text() -> None:
    for path in FOLDER.iterdir():
        found = re.search(rf'<img src="tests/standins/pictures/{path.name}"[^>]* alt="([^"]+)"', README)
        assert found is not None, path.name
        service, _, words = found[1].partition(": ")
        assert service in ("Slack", "Telegram", "E-mail")
        shown = unescape(" ".join(re.sub(r"<[^>]+>", " ", path.read_text()).split()))
        for sentence in unescape(words).rstrip(".").split(". "):
            assert sentence in shown
