"""Alerts as an unlucky or a hostile fleet makes them: names that are markup somewhere, lists without end. The same
seed makes the same alerts."""

from collections.abc import Iterator
from random import Random

from watcher.model.message import Message, MinerLine, Say, Section, Severity, State

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
    """So many messages, of which every tenth has lists that nobody bounded."""
    random = Random(seed)
    for number in range(count):
        yield _message(number, random, 300 if number % 10 == 0 else 3)


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
    return Message(f"{number:06x}", say, "ops", severity, sections, _START, notes=notes, unseen=unseen)


def _section(random: Random, most: int) -> Section:
    count = random.randint(1, 99_999)
    state = random.choice(list(State))
    miners = random.randint(0, most)
    ended = state is not State.FIRING
    return Section(
        rule=name(random),
        summary=name(random),
        state=state,
        severity=random.choice(list(Severity)),
        labels={"farm": name(random), **{name(random): name(random) for _ in range(random.randint(0, min(most, 40)))}},
        alerts=random.randint(1, most),
        alert_ids=tuple(f"{random.randrange(1 << 24):06x}" for _ in range(random.randint(1, most))),
        new=random.randint(0, 3),
        count=count,
        total=random.choice((None, count + random.randint(0, 9_999))),
        tasks={name(random): random.randint(1, 9_999) for _ in range(random.randint(0, most))},
        reasons=tuple((name(random), random.randint(1, 9_999)) for _ in range(random.randint(0, most))),
        miners=tuple(MinerLine(name(random), name(random), name(random)) for _ in range(miners)),
        miners_total=miners + random.randint(0, 9_999),
        first_at=_START - 3_600_000,
        last_at=_START - 60_000,
        started_at=_START - 1_800_000,
        ended_at=_START if ended else None,
        ended_by=name(random) if ended else None,
        runbook=random.choice((None, "https://farm.example/runbook", name(random))),
    )
