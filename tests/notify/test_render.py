from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.model.message import Message, MinerLine, Say, Section, Severity, State
from watcher.model.times import HOUR, MINUTE
from watcher.notify.fit import units
from watcher.notify.render import render
from watcher.notify.text import Kind, Text

CHICAGO = ZoneInfo("America/Chicago")


def said(message: Message, **changes: object) -> Text:
    return render(replace(message, **changes), CHICAGO, may_repeat=False)  # type: ignore[arg-type]


def test_a_firing_message_tells_all_that_matters_at_night(message: Message) -> None:
    text = said(message)
    assert text.title == "Critical: Firmware updates are failing, North Barn"
    assert text.kind is Kind.FAILURE
    assert text.body == (
        "Critical at North Barn: 300 of 900 tasks on 300 miners.\n"
        "First 15:40:03 CST, last 16:04:11 CST\n"
        "240× install failed: checksum mismatch at block <n>\n"
        "41× no answer from <ip>\n"
        "Tasks: miner.firmware.update failed (280), miner.firmware.update timed_out (20)\n"
        "Miners:\n"
        "• M-0001 (S21 Pro, 10.0.3.1)\n"
        "• M-0002 (S21 Pro, 10.0.3.2)\n"
        "• M-0003 (S21 Pro, 10.0.3.3)\n"
        "• M-0004 (S21 Pro, 10.0.3.4)\n"
        "• M-0005 (S21 Pro, 10.0.3.5)\n"
        "• M-0006 (S21 Pro, 10.0.3.6)\n"
        "• M-0007 (S21 Pro, 10.0.3.7)\n"
        "• M-0008 (S21 Pro, 10.0.3.8)\n"
        "• M-0009 (S21 Pro, 10.0.3.9)\n"
        "• M-0010 (S21 Pro, 10.0.3.10)\n"
        "and 290 more\n"
        "model: S21 Pro\n"
        "Rule firmware-failing, alert 7f3a9c\n"
        "\n"
        "Message 9c21f0"
    )


def test_a_resolved_message_tells_how_long_it_lasted_and_what_ended_it(message: Message, resolved: Section) -> None:
    text = said(message, say=Say.ALL_ENDED, sections=(resolved,), at=message.at + HOUR)
    assert text.title == "Resolved: Firmware updates are failing, North Barn"
    assert text.kind is Kind.SUCCESS
    assert text.body.startswith("Resolved at 16:31:40 CST, after 50m40s.\nAll 300 miners have since succeeded.\n")


def test_a_quiet_end_says_what_is_still_without_success(message: Message, resolved: Section) -> None:
    quiet = replace(resolved, ended_by="fewer than 20 in the window", unrepaired=(12, 40))
    text = said(message, say=Say.ALL_ENDED, sections=(quiet,))
    assert "; 12 of 40 miners still without a later success.\n" in text.body
    assert "\nNo new ones since " in text.body


def test_another_end_is_not_called_resolved(message: Message, resolved: Section) -> None:
    text = said(message, sections=(replace(resolved, state=State.ENDED, ended_by="the rule was removed"),))
    assert text.title.startswith("Ended: ")
    assert text.kind is Kind.INFO
    assert "\nThe rule was removed.\n" in text.body
    assert "Resolved" not in text.body


def test_what_is_told_late_says_so(message: Message, firing: Section) -> None:
    text = said(message, sections=(replace(firing, late=True),))
    assert text.body.startswith("Late: fired at 15:41:00 CST, told 25m after.\n")


def test_a_catch_up_has_one_line_for_each_section(message: Message, resolved: Section, firing: Section) -> None:
    reboot = replace(
        resolved, summary="Reboot timed out", labels={}, count=1, total=None, miners_total=1, ended_by=None
    )
    text = said(
        message,
        say=Say.CATCH_UP,
        sections=(resolved, reboot),
        unseen=(message.at - 2 * HOUR, message.at - 3 * MINUTE),
        at=message.at + HOUR,
    )
    assert text.title == "While I could not see, 14:06–16:03 CST: 2 alerts came and went"
    assert text.body == (
        "• Firmware updates are failing, North Barn: 300 of 900 tasks on 300 miners, 15:41–16:31 CST; "
        "all 300 miners have since succeeded (alert 7f3a9c)\n"
        "• Reboot timed out: 1 task on 1 miner, 15:41–16:31 CST (alert 7f3a9c)\n"
        "\n"
        "Message 9c21f0"
    )


@pytest.mark.parametrize(
    ("say", "opening"),
    [
        (Say.FIRST, "Critical: "),
        (Say.NEW_ALERTS, "Critical: "),
        (Say.GREW, "Growing: "),
        (Say.REPEAT, "Still firing: "),
        (Say.ALREADY, "Already so when I started: "),
        (Say.SAMPLE, "Sample, nothing has happened: "),
    ],
)
def test_the_title_tells_why_it_is_sent(message: Message, say: Say, opening: str) -> None:
    assert said(message, say=say).title == f"{opening}Firmware updates are failing, North Barn"


def test_several_sections_are_told_apart(message: Message, firing: Section, resolved: Section) -> None:
    text = said(message, sections=(firing, replace(firing, summary="Reboots fail"), resolved))
    assert text.title == "Critical: Firmware updates are failing, North Barn (and 1 more)"
    assert [line for line in text.body.split("\n") if line.startswith(("CRITICAL", "RESOLVED"))] == [
        "CRITICAL: Firmware updates are failing, North Barn",
        "CRITICAL: Reboots fail, North Barn",
        "RESOLVED: Firmware updates are failing, North Barn",
    ]


def test_a_rule_s_own_words_replace_the_default_ones(message: Message, firing: Section) -> None:
    own = replace(firing, title="Barn is\ndown", body="Call Bob.\nNow.\x1b[31m", runbook="https://wiki/barn")
    text = said(message, sections=(own,))
    assert text.title == "Barn is down"
    assert text.body == (
        "Call Bob.\nNow.\nRunbook: https://wiki/barn\nRule firmware-failing, alert 7f3a9c\n\nMessage 9c21f0"
    )


def test_own_words_that_are_empty_do_not(message: Message, firing: Section) -> None:
    text = said(message, sections=(replace(firing, title="\u200b", body=" \n\u200b"),))
    assert text == said(message, sections=(replace(firing, title=None, body=None),))


def test_a_possible_repeat_says_so(message: Message) -> None:
    text = render(message, UTC, may_repeat=True)
    assert text.body.endswith("\nMessage 9c21f0 (may be a repeat of a message you already have)")


def test_another_day_is_named(message: Message, firing: Section) -> None:
    old = replace(firing, first_at=message.at - 25 * HOUR)
    assert "First 22 Nov 15:06:00 CST, last 16:04:11 CST" in said(message, sections=(old,)).body


def test_summer_and_winter_time_are_told_apart(message: Message, firing: Section) -> None:
    switch = 1_793_516_400_000  # 1 November 2026, 07:00 UTC: the hour in which Chicago's clocks go back
    section = replace(firing, first_at=switch - HOUR, last_at=switch + MINUTE)
    body = said(message, at=switch + HOUR, sections=(section,)).body
    assert "First 01:00:00 CDT, last 01:01:00 CST" in body


def test_notes_are_told_even_alone(message: Message) -> None:
    text = said(message, sections=(), notes=("rule X changed: 3 closed, 2 go on",), severity=Severity.INFO)
    assert text.title == "rule X changed: 3 closed, 2 go on"
    assert text.body == "Note: rule X changed: 3 closed, 2 go on\n\nMessage 9c21f0"


def test_nothing_at_all_still_makes_a_message(message: Message) -> None:
    text = said(message, sections=())
    assert text.title
    assert text.body.strip() == "Message 9c21f0"


FOREIGN = st.text(st.characters(), max_size=200)
HOSTILE = st.builds(
    lambda words, miner, count: {
        "summary": words[0],
        "labels": {words[1]: words[2], "farm": words[3]},
        "reasons": ((words[4], count), (words[0], 1)),
        "tasks": {words[1]: count},
        "miners": tuple(MinerLine(miner, words[2], words[3]) for _ in range(10)),
        "runbook": words[4],
    },
    st.lists(FOREIGN, min_size=5, max_size=5),
    FOREIGN,
    st.integers(0, 10**9),
)


@settings(max_examples=60)
@given(HOSTILE, st.integers(200, 3500))
def test_whatever_the_api_says_the_message_stays_whole(hostile: dict[str, object], limit: int) -> None:
    section = replace(BASE.sections[0], **hostile)  # type: ignore[arg-type]
    text = render(replace(BASE, sections=(section, section)), UTC, may_repeat=True, limit=limit)
    assert len(text.title.splitlines()) == 1
    assert units(text.title) <= 200
    assert units(text.body) <= limit
    assert text.body.endswith("Message m (may be a repeat of a message you already have)")
    (text.title + text.body).encode()


BASE = Message(
    "m",
    Say.FIRST,
    "ops",
    Severity.WARNING,
    (
        Section(
            rule="r",
            summary="s",
            state=State.FIRING,
            severity=Severity.WARNING,
            labels={},
            alerts=1,
            alert_ids=("a",),
            new=1,
            count=1,
            total=None,
            tasks={},
            reasons=(),
            miners=(),
            miners_total=10,
            first_at=None,
            last_at=None,
            started_at=0,
        ),
    ),
    0,
)
