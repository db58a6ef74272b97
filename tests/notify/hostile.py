"""Messages as somebody would have them who names miners, farms and errors to do harm; and messages without end."""

import random
from collections.abc import Iterator

from watcher.model.digest import AlertLine, Cause, Digest
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

NAMES = (
    "<!channel>",
    "<!here> <!everyone>",
    "<@U123ABC>",
    "<#C123ABC>",
    "<!subteam^S123ABC>",
    "@everyone",
    "@here @alice",
    "<http://evil.example|your bank>",
    "[bank](http://evil.example)",
    "![x](http://evil.example/x.png)",
    "</b></a></code>",
    "<a href='http://evil.example'>bank</a>",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "&lt;b&gt; &amp; &#60;",
    "*bold* _it_ ~gone~ `code`",
    "**bold** __it__ ~~gone~~ ||spoiler||",
    "```\nfence\n```",
    "a*b*c a_b_c_ *x",
    "~channel",
    "> quote",
    "# heading",
    "- list",
    "1. list",
    "===",
    "| a | b |",
    "x\r\nBcc: all@evil.example\r\n\r\nbody",
    "a\x00b\x07c",
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07",
    "\u202eevil\u202c",
    "a\u200bb\u2060c\ufeff",
    "\ud83d half",
    "😀" * 300,
    "x" * 10_000,
    "{{7*7}} {% for x in y %} ${x} %n {0.__class__}",
    "https://evil.example/?a=b",
    "evil.com www.evil.net",
    "ops@evil.org",
    "10.0.3.1:4028",
    "javascript:alert(1)",
    "mailto:a@evil.com",
    "tel:+123456789",
    "tg://resolve?domain=evil",
    "/start@evilbot #tag $BTC",
    ":skull: :fire:",
    "<t:1700000000:R> </cmd:1> <:x:1>",
    '=HYPERLINK("http://evil.example")',
    "+cmd|' /C calc'!A0",
    "",
    " ",
    "\u3000",
    "\u2028line\u2029",
    "مرحبا",
    "M-0001",
    "rack-7.barn.farm",
    "S21 Pro",
    "install failed: checksum mismatch",
    "a" * 127 + "&",
    "&" * 200,
    "<" * 200,
    "_" * 200,
    "é" * 200,
)
TASKS = ("miner.firmware.update failed", "miner.system.reboot timed_out", "evil.com failed", "<b>x</b> odd_status")
OURS = "https://app.farm.example/"


def messages(count: int, seed: int = 1) -> Iterator[Message]:
    dice = random.Random(seed)
    for number in range(count):
        chance = dice.random()
        yield (_closing if chance < 0.1 else _digest if chance < 0.2 else _message)(dice, number)


def is_ours(url: str) -> bool:
    return url.startswith(OURS)


def _word(dice: random.Random) -> str:
    return dice.choice(NAMES) if dice.random() < 0.8 else dice.choice(NAMES) + dice.choice(NAMES)


def _number(dice: random.Random) -> int:
    return int(10 ** dice.uniform(0, 7))


def _some(dice: random.Random, most: int) -> int:
    return min(most, int(10 ** dice.uniform(0, 4)) - 1)


def _miners(dice: random.Random) -> tuple[MinerLine, ...]:
    return tuple(
        MinerLine(
            _word(dice),
            dice.choice([None, _word(dice)]),
            dice.choice([None, "10.0.3.1", _word(dice)]),
            dice.choice([None, f"{OURS}m/a%22b?x=1&y=2"]),
        )
        for _ in range(_some(dice, 10))
    )


def _rows(dice: random.Random) -> tuple[TaskLine, ...]:
    return tuple(
        TaskLine("f", _word(dice), None, _word(dice), "t", "failed", _word(dice), None) for _ in range(_some(dice, 50))
    )


def _reasons(dice: random.Random) -> tuple[tuple[str, int], ...]:
    return tuple((_word(dice), _number(dice)) for _ in range(dice.randrange(6)))


def _section(dice: random.Random) -> Section:
    state = dice.choice(list(State))
    over = state is not State.FIRING
    count = _number(dice)
    first = 1_793_500_000_000 + dice.randrange(10**8)
    miners = _miners(dice)
    return Section(
        rule=_word(dice),
        summary=_word(dice) or "s",
        state=state,
        severity=dice.choice(list(Severity)),
        labels={
            "farm": _word(dice),
            **{_word(dice): dice.choice([None, _word(dice)]) for _ in range(dice.randrange(4))},
        },
        alerts=1 + _some(dice, 500),
        alert_ids=("7f3a9c12ab34", "<b>")[: dice.randrange(1, 3)],
        new=dice.randrange(2),
        count=count,
        total=dice.choice([None, count + _number(dice)]),
        tasks={dice.choice(TASKS): _number(dice) for _ in range(dice.randrange(4))}
        | {f"{_word(dice)} {number}": _number(dice) for number in range(_some(dice, 100))},
        reasons=_reasons(dice),
        miners=miners,
        miners_total=len(miners) and len(miners) + _some(dice, 5000),
        first_at=dice.choice([None, first]),
        last_at=first + 1000,
        started_at=first,
        ended_at=first + dice.randrange(10**8) if over else None,
        ended_by=_word(dice) if over else None,
        unrepaired=dice.choice([None, (3, 40)]) if over else None,
        late=dice.random() < 0.1,
        title=dice.choice([None, None, _word(dice)]),
        body=dice.choice([None, None, None, "\n".join(_word(dice) for _ in range(_some(dice, 200)))[:20_000]]),
        runbook=dice.choice([None, f"{OURS}runbook?a=1&b='2'|<3>\"", "see the wiki"]),
        cause=dice.choice([None, None, None, _word(dice)]),
        without=tuple(_word(dice) for _ in range(dice.randrange(3))),
        other_reasons=dice.choice([(0, 0), (3, 9)]),
        models=tuple((_word(dice), _number(dice)) for _ in range(_some(dice, 20))),
        links=dice.choice([(), (Link(_word(dice) or "b", f"{OURS}b?x=1&y=%3C"),)]),
        rows=_rows(dice),
    )


def _message(dice: random.Random, number: int) -> Message:
    sections = tuple(_section(dice) for _ in range(dice.choice([0, 1, 1, 1, 1, 2, 3, 40])))
    says = [say for say in Say if say is not Say.BATCH_ENDED]
    return Message(
        id=f"{number:010x}",
        say=dice.choice(says),
        channel="ops",
        severity=dice.choice(list(Severity)),
        sections=sections,
        at=1_793_600_000_000,
        notes=tuple(_word(dice) for _ in range(dice.choice([0, 0, 0, 1, 30]))),
        unseen=dice.choice([None, (1_793_500_000_000, 1_793_600_000_000)]),
        since=dice.choice([None, Since(1_793_500_000_000, _number(dice), _number(dice), 1, dice.randrange(3))]),
    )


def _closing(dice: random.Random, number: int) -> Message:
    total = _number(dice)
    closing = Closing(
        batch=_word(dice),
        task=_word(dice),
        farm=_word(dice),
        succeeded=total // 2,
        total=total,
        statuses={_word(dice): total - total // 2},
        models=tuple((_word(dice), 1, 2) for _ in range(_some(dice, 20))),
        reasons=_reasons(dice),
        other_reasons=(2, 7),
        again=_miners(dice),
        again_total=_some(dice, 5000),
        began_at=1_793_500_000_000,
        ended_at=dice.choice([None, 1_793_600_000_000]),
        actor=_word(dice),
        links=(Link(_word(dice) or "b", f"{OURS}b"),),
        rows=_rows(dice),
    )
    return Message(f"{number:010x}", Say.BATCH_ENDED, "ops", Severity.WARNING, (), 1_793_600_000_000, closing=closing)


def _alert(dice: random.Random) -> AlertLine:
    ended = 1_793_600_000_000 if dice.random() < 0.5 else None
    place = tuple(_word(dice) for _ in range(dice.randrange(3)))
    return AlertLine(
        f"{dice.randrange(16**6):06x}",
        _word(dice),
        dice.choice(list(Severity)),
        place,
        _number(dice),
        1_793_500_000_000,
        ended,
        _word(dice),
    )


def _digest(dice: random.Random, number: int) -> Message:
    standing = tuple(_alert(dice) for _ in range(_some(dice, 60)))
    over = tuple(_alert(dice) for _ in range(_some(dice, 60)))
    digest = Digest(
        cause=dice.choice(list(Cause)),
        messages=_number(dice),
        since=1_793_500_000_000,
        standing=standing,
        standing_total=len(standing) + _number(dice),
        over=over,
        over_total=len(over) + _number(dice),
        passed=_number(dice),
        rules=_reasons(dice),
        farms=_reasons(dice),
        others=tuple(_word(dice) for _ in range(_some(dice, 5))),
        unsaid=tuple((_word(dice), _number(dice)) for _ in range(dice.randrange(3))),
        died=tuple((_word(dice), _word(dice), _number(dice)) for _ in range(dice.randrange(3))),
    )
    undelivered = _word(dice) if dice.random() < 0.3 else None
    at = 1_793_600_000_000
    return Message(
        f"{number:010x}", Say.DIGEST, "ops", Severity.WARNING, (), at, digest=digest, undelivered=undelivered
    )
