"""Alerts as an unlucky or a hostile fleet makes them: names that are markup somewhere, lists without end. The same
seed makes the same alerts."""

from collections.abc import Iterator
from random import Random

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
    TaskLine,
)

APP = "https://app.farm.example/"
RUNBOOK = "https://farm.example/runbook"

NAMES = (
    "<!channel>", "<!here|all>", "<@U024BE7LH>", "<#C024BE7LR|ops>", "<!subteam^SAZ94GDB8>", "<!date^1^{date}|x>",
    "<http://evil.com|your bank>", "http://evil.com/login", "https://evil.com?a=1&b=2", "www.evil.com", "evil.com",
    "README.md", "mailto:ops@evil.com", "ops@evil.com", "@here", "@everyone", "@channel", "@alice", "x @alice_bob",
    "/stop", "/start@evil_bot", "#barn1", "$BTC", "tg://user?id=42", "<a href='tg://user?id=42'>Bob</a>",
    "<b>bold</b>", "</b>", "<b>", "</code>", "</pre>", "<br>", "<p>", "<script>alert(1)</script>", "<unknown>", "<",
    ">", "&", "R&D", "&lt;b&gt;", "&amp;", "&nbsp;", "&#64;here", "&#x40;here", "a < b > c", "-> out", "> quoted",
    "*bold*", "_italic_", "~gone~", "`code`", "```pre```", "snake_case_name", "__init__", "**x**", "[a](http://evil.com)",
    "||spoiler||", ":fire:", "00:1a:2b:3c:4d:5e", "10.0.3.1", "10.0.3.1:4028", "fe80::1%eth0", "x\r\nBcc: a@evil.com",
    "x\nSubject: y", "\r\n.\r\n", ".", "..", "=?utf-8?q?evil?=", "\x1b[31mred\x1b[0m", "\x1b]8;;http://evil.com\x07x",
    "\x00", "\x07bell", "\u202egnp.exe", "\u2066a\u2069", "zero\u200bwidth", "\ufeff", "\ud83d", "\udc00",
    "\ufdd00\ufdd1", "<img src=x onerror=alert(1)>", "<img src='http://evil.com/x.png'>", "<!--", "-->", "]]>",
    "<![CDATA[", "<?php", "javascript:alert(1)", "{{7*7}}", "${x}", "%s %n", "'; DROP TABLE miners;--",
    '=HYPERLINK("http://evil.com")',
    "+1+1", "-1", "=1+1", "\t=1", '"', "'", "\\", "\\u003c!channel\\u003e", "🔥" * 70, "𝕏", "e\u0301" * 60, "矿机" * 70,
    "ß" * 200, "x" * 500, " ", "", "null", "None", "0", "S21 Pro", "Scheune Süd", "M-0001", "antminer.farm",
    "v1.2.3.zip",
)  # fmt: skip
_SAYS = (Say.FIRST, Say.NEW_ALERTS, Say.GREW, Say.REPEAT, Say.ALREADY, Say.ALL_ENDED, Say.CATCH_UP)
_START = 1_795_471_560_000


def alerts(count: int, seed: int = 7) -> Iterator[Message]:
    """So many messages, of which every tenth has lists that nobody bounded, and every fifteenth ends a batch."""
    random = Random(seed)
    for number in range(count):
        most = 300 if number % 10 == 0 else 3
        yield _closing(number, random, most) if number % 15 == 8 else _message(number, random, most)


def is_ours(url: str) -> bool:
    """Whether a link is one that the operator has configured."""
    return url == RUNBOOK or url.startswith(APP)


def name(random: Random) -> str:
    """One of the names, or two of them in one."""
    first = random.choice(NAMES)
    return first if random.random() < 0.7 else f"{first}{random.choice((' ', '', ', '))}{random.choice(NAMES)}"


def _message(number: int, random: Random, most: int) -> Message:
    sections = tuple(_section(random, most) for _ in range(random.randint(1, min(most, 12))))
    notes = tuple(name(random) for _ in range(random.choice((0, 0, 1, most))))
    severity = random.choice(list(Severity))
    say = random.choice(_SAYS)
    unseen = (_START - 7_200_000, _START - 180_000) if say is Say.CATCH_UP else None
    counts = random.randint(1, 9_999), random.randint(1, 9_999)
    since = random.choice((None, Since(_START - 600_000, *counts, random.randint(0, 3), random.randint(0, 3))))
    return Message(f"{number:06x}", say, "ops", severity, sections, _START, notes=notes, unseen=unseen, since=since)


def _section(random: Random, most: int) -> Section:
    count = random.randint(1, 99_999)
    state = random.choice(list(State))
    miners = random.randint(0, most)
    ended = state is not State.FIRING
    alerts = random.randint(1, most)
    return Section(
        rule=name(random),
        summary=name(random),
        state=state,
        severity=random.choice(list(Severity)),
        labels={"farm": name(random), **{name(random): name(random) for _ in range(random.randint(0, min(most, 40)))}},
        alerts=alerts,
        alert_ids=tuple(f"{random.randrange(1 << 24):06x}" for _ in range(alerts)),
        new=random.randint(0, 3),
        count=count,
        total=random.choice((None, count + random.randint(0, 9_999))),
        tasks={name(random): random.randint(1, 9_999) for _ in range(random.randint(0, most))},
        reasons=_reasons(random, most),
        miners=_miners(random, miners),
        miners_total=miners + random.randint(0, 9_999),
        first_at=_START - 3_600_000,
        last_at=_START - 60_000,
        started_at=_START - 1_800_000,
        ended_at=_START if ended else None,
        ended_by=name(random) if ended else None,
        unrepaired=random.choice((None, (3, 4_000))) if ended else None,
        late=random.random() < 0.1,
        title=name(random) if random.random() < 0.1 else None,
        body=f"{name(random)}\n{name(random)}" if random.random() < 0.05 else None,
        runbook=random.choice((None, RUNBOOK, "ask the night shift")),
        cause=name(random) if random.random() < 0.03 else None,
        without=tuple(name(random) for _ in range(random.choice((0, 0, 2)))),
        other_reasons=random.choice(((0, 0), (3, 1_234))),
        models=tuple((name(random), random.randint(1, 9_999)) for _ in range(random.randint(0, most))),
        links=random.choice(((), (Link(name(random), f"{APP}b?x=1&y=%3C"),))),
        rows=_rows(random, most),
    )


def _reasons(random: Random, most: int) -> tuple[tuple[str, int], ...]:
    return tuple((name(random), random.randint(1, 9_999)) for _ in range(random.randint(0, most)))


def _miners(random: Random, count: int) -> tuple[MinerLine, ...]:
    url = random.choice((None, f"{APP}m/a%22b?x=1&y=2"))
    return tuple(MinerLine(name(random), name(random), name(random), url) for _ in range(count))


def _rows(random: Random, most: int) -> tuple[TaskLine, ...]:
    return tuple(
        TaskLine(name(random), name(random), None, name(random), "t", "failed", name(random), None)
        for _ in range(random.randint(0, most))
    )


def _closing(number: int, random: Random, most: int) -> Message:
    total = random.randint(2, 99_999)
    again = random.randint(0, most)
    closing = Closing(
        batch=name(random),
        task=name(random),
        farm=name(random),
        succeeded=total // 2,
        total=total,
        statuses={name(random): total - total // 2},
        models=tuple((name(random), 1, 2) for _ in range(random.randint(0, most))),
        reasons=_reasons(random, most),
        other_reasons=random.choice(((0, 0), (2, 777))),
        again=_miners(random, again),
        again_total=again + random.randint(0, 9_999),
        began_at=_START - 3_600_000,
        ended_at=random.choice((None, _START)),
        actor=name(random),
        links=random.choice(((), (Link(name(random), f"{APP}b"),))),
        rows=_rows(random, most),
    )
    return Message(f"{number:06x}", Say.BATCH_ENDED, "ops", Severity.WARNING, (), _START, closing=closing)
