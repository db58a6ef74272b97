from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.model.act import Act, Deed
from watcher.model.message import (
    Closing,
    Link,
    Message,
    MinerLine,
    Say,
    Section,
    Severity,
    Since,
    State,
)
from watcher.model.times import HOUR, MINUTE
from watcher.notify.draft import draft
from watcher.notify.family.plain import Plain, unbroken
from watcher.notify.fit import LIMIT, units
from watcher.notify.text import Kind, Text

CHICAGO = ZoneInfo("America/Chicago")


def said(message: Message, *, may_repeat: bool = False, limit: int = LIMIT, **changes: object) -> Text:
    document = draft(replace(message, **changes), CHICAGO, may_repeat=may_repeat)  # type: ignore[arg-type]
    return Plain(unbroken)(document, limit)


def test_a_firing_message_tells_all_that_matters_at_night(message: Message) -> None:
    text = said(message)
    assert text.title == "Critical: Firmware updates are failing, North Barn"
    assert text.kind is Kind.FAILURE
    assert text.body == (
        "300 of 900 tasks on 300 miners: 240× install failed: checksum mismatch at block <n>\n"
        "41× no answer from <ip>\n"
        "First 15:40:03 CST, last 16:04:11 CST\n"
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
        "and 290 more miners\n"
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
    assert text.body.split("\n")[2] == "Late: fired at 15:41:00 CST, told 25m after."


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


def test_what_was_over_before_it_could_be_told_claims_no_blindness_that_there_was_not(message: Message) -> None:
    (section,) = message.sections
    over = replace(section, state=State.RESOLVED, ended_at=message.at)
    assert said(message, say=Say.CATCH_UP, sections=(over,)).title == (
        "Already over: Firmware updates are failing, North Barn"
    )


def test_an_end_tells_no_change_since_the_last_message(message: Message) -> None:
    (section,) = message.sections
    over = replace(section, state=State.RESOLVED, ended_at=message.at)
    since = Since(message.at - HOUR, 300, 0, 0, 1)
    assert "Since the last" not in said(message, say=Say.ALL_ENDED, sections=(over,), since=since).body


def test_the_one_kind_of_task_is_named_once_and_can_be_copied(message: Message) -> None:
    (section,) = message.sections
    labels = {"farm": "North Barn", "task": "miner.firmware.update"}
    told = replace(section, labels=labels, tasks={"miner.firmware.update failed": 300})
    assert said(message, sections=(told,)).body.count("miner.firmware.update") == 1
    over = replace(told, state=State.RESOLVED, ended_at=message.at)
    assert "task: miner.firmware.update\n" in said(message, sections=(over,)).body


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
    text = said(message, may_repeat=True)
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


def test_a_note_of_nothing_visible_still_has_a_title(message: Message) -> None:
    assert said(message, sections=(), notes=("\u200b",)).title == "A note from nonce-watcher"


def test_nothing_at_all_still_makes_a_message(message: Message) -> None:
    text = said(message, sections=())
    assert text.title
    assert text.body.strip() == "Message 9c21f0"


def test_what_changed_since_the_last_message_is_told_under_the_reasons(message: Message) -> None:
    since = Since(message.at - HOUR, 120, 300, 2, 1)
    lines = said(message, say=Say.NEW_ALERTS, since=since).body.split("\n")
    assert lines[2] == "Since the last message, 15:06:00 CST: 2 new alerts, 1 ended, 120 → 300 tasks"
    still = Since(message.at - HOUR, 300, 300, 0, 0)
    assert said(message, since=still).body.split("\n")[2] == "Since the last message, 15:06:00 CST: still 300 tasks"


def test_where_the_headline_is_the_rule_s_own_the_first_line_says_where(message: Message, firing: Section) -> None:
    text = said(message, sections=(replace(firing, title="Barn down"),))
    assert text.title == "Barn down"
    assert text.body.startswith("Critical at North Barn: 300 of 900 tasks on 300 miners: 240× install failed")


def test_links_and_models_stand_in_a_line_each(message: Message, firing: Section) -> None:
    section = replace(
        firing,
        models=(("S21 Pro", 240), ("S19", 60)),
        links=(Link("Batch b-17", "https://app.farm.example/b-17"),),
        runbook="https://wiki/a b",
    )
    body = said(message, sections=(section,)).body
    assert "\nBy model: S21 Pro (240), S19 (60)\n" in body
    assert "\nBatch b-17: https://app.farm.example/b-17 · Runbook: https://wiki/a%20b\n" in body


def test_a_batch_that_is_over_tells_what_is_left_to_do(message: Message) -> None:
    closing = Closing(
        batch="b-17",
        task="miner.firmware.update",
        farm="North Barn",
        succeeded=840,
        total=900,
        statuses={"failed": 48, "timed_out": 12},
        models=(("S19", 180, 230), ("S21 Pro", 660, 670)),
        reasons=(("checksum mismatch", 40),),
        other_reasons=(2, 8),
        again=(MinerLine("M-0001", "S19", "10.0.3.1"),),
        again_total=60,
        began_at=message.at - 2 * HOUR,
        ended_at=message.at - MINUTE,
        actor="ann",
    )
    text = said(message, say=Say.BATCH_ENDED, sections=(), closing=closing, severity=Severity.WARNING)
    assert text.kind is Kind.WARNING
    assert text.title == "Batch over: 840 of 900 miner.firmware.update succeeded, North Barn"
    assert text.body == (
        "840 of 900 succeeded, 48 failed, 12 timed_out; 60 miners to do again\n"
        "Over at 16:05:00 CST, 1h59m after it began\n"
        "40× checksum mismatch\n"
        "and 2 more reasons (8×)\n"
        "By model: S19 (180 of 230), S21 Pro (660 of 670)\n"
        "To do again:\n"
        "• M-0001 (S19, 10.0.3.1)\n"
        "and 59 more miners\n"
        "Batch b-17, started by ann\n"
        "\n"
        "Message 9c21f0"
    )


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
    text = said(replace(BASE, sections=(section, section)), may_repeat=True, limit=limit)
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


def test_what_people_did_is_told_with_who_and_why_and_as_text(message: Message) -> None:
    acts = (
        Act(Deed.ACKNOWLEDGED, "bob", message.at - MINUTE, "pump @here\nevil.com"),
        Act(Deed.SILENCED, "alice", message.at + HOUR, ""),
        Act(Deed.SILENCE_ENDED, "eve", message.at - HOUR, "rollout"),
    )
    section = replace(message.sections[0], acts=acts, flaps=(6, HOUR))
    text = said(message, sections=(section,))
    assert text.title == "Flapping: Firmware updates are failing, North Barn"
    lines = [line.replace("\u200b", "") for line in text.body.splitlines()]
    assert "Flapping: it fired and ended 6 times within 1h; quiet until it is calm for 1h." in lines
    (bob,) = [line for line in lines if line.startswith("Acknowledged by bob at ")]
    assert bob.endswith(": pump ＠here evil.com")
    assert "@here" not in text.body
    assert any(line.startswith("Silenced by alice until ") and line.endswith(".") for line in lines)
    assert any(line.startswith("The silence of eve ended at ") and line.endswith(": rollout") for line in lines)


@pytest.mark.parametrize(
    ("say", "opening"),
    [(Say.ESCALATED, "Nobody has acknowledged this: "), (Say.UNMUTED, "Still firing, no longer muted: ")],
)
def test_why_it_comes_only_now_is_its_first_word(message: Message, say: Say, opening: str) -> None:
    assert said(message, say=say).title == f"{opening}Firmware updates are failing, North Barn"
