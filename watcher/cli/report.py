"""How `explain` and `why-not` show what they found: lines for people, the same as JSON for programs."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

import typer

from watcher.model.decision import Decided
from watcher.model.times import Millis, iso
from watcher.replay.candidate import Candidate
from watcher.replay.clauses import Clause, Fit, sentence
from watcher.replay.figures import Figures
from watcher.replay.gates import Answer, Gate, Passage, When, first_no
from watcher.replay.parcels import Sent

if TYPE_CHECKING:
    from rich.text import Text

_LONGEST = 500
_MARKS = {"passes": ("✓", "green"), "stops": ("✗", "bold red"), "waits": ("…", "bold yellow")}
_CLAUSES = {"fits": ("✓", "green"), "differs": ("✗", "red"), "waits": ("…", "yellow")}

_NOT = {
    Gate.KNOWN: "not everything is known yet",
    Gate.CONDITION: "the condition did not hold",
    Gate.FOR: "it has not held for long enough",
    Gate.LEARNT: "that is nobody's news",
    Gate.INHIBITION: "another alert speaks for it",
    Gate.SILENCE: "it is silenced",
    Gate.FLAPPING: "it flaps",
    Gate.ROUTE: "no route takes it",
    Gate.MUTE: "its route is mute",
    Gate.TIMERS: "its group has not spoken of it",
    Gate.SAID: "it is not said again",
    Gate.OUTBOX: "the message has not got through",
}
"""What it means that a gate did not let something pass."""


def when_of(present: Millis, zone: tzinfo, *, as_json: bool) -> When:
    """How moments are written."""
    from watcher.notify.moments import moment

    return iso if as_json else lambda at: moment(at, present, zone)


# --- what both commands tell, as programs read it


def verdict(passages: Sequence[Passage], matched: str | None = None) -> dict[str, Any]:
    """The first gate that said no, in a sentence; or how far everything got.

    Args:
        matched: when the task that is asked about did.
    """
    no = first_no(passages)
    if no is not None:
        lead = "It waits" if no.answer is Answer.WAITS else "No"
        if matched is not None:
            lead = f"It matched at {matched}, but"
        where = "" if no.channel is None else f" on {no.channel}"
        why = "" if no.gate is Gate.MATCH else f"{',' * (matched is None)} {_NOT[no.gate]}{where}"
        return {"gate": no.gate.value, "answer": no.answer.value, "words": f"{lead}{why}: {no.words}"}
    said = [one for one in passages if one.gate is Gate.SAID]
    words = "; ".join(f"on {one.channel}, {one.words}" for one in said)
    return {
        "gate": None,
        "answer": Answer.PASSES.value,
        "words": f"It was said {words}" if words else "No gate says no.",
    }


def passages_of(passages: Iterable[Passage]) -> list[dict[str, Any]]:
    return [
        {"gate": one.gate.value, "answer": one.answer.value, "words": one.words, "channel": one.channel}
        for one in passages
    ]


def clauses_of(clauses: Iterable[Clause]) -> list[dict[str, Any]]:
    return [
        {
            "field": one.field,
            "wanted": list(one.wanted),
            "seen": one.seen,
            "verdict": one.fit.value,
            "words": sentence(one),
        }
        for one in clauses
    ]


def figures_of(found: Figures, when: When) -> dict[str, Any]:
    return {
        "at": when(found.at),
        "holds": found.holds,
        "count": found.count,
        "total": found.total,
        "words": found.words,
        "since": None if found.since is None else when(found.since),
        "ends_at": None if found.ends_at is None else when(found.ends_at),
        "fires_at": None if found.fires_at is None else when(found.fires_at),
    }


def decisions_of(decisions: Iterable[Decided], when: When) -> list[dict[str, Any]]:
    return [
        {
            "at": when(one.at),
            "channel": one.channel,
            "reason": one.why.reason.value,
            "due": None if one.why.due is None else when(one.why.due),
            "message": one.why.message,
            "by": one.why.by,
            "by_rule": one.why.by_rule,
            "what": one.why.what,
            "author": one.why.author,
            "comment": one.why.comment,
            "group": one.why.group,
            "episode": one.episode or None,
        }
        for one in decisions
    ]


def messages_of(sent: Iterable[Sent], when: When) -> list[dict[str, Any]]:
    return [
        {
            "message": one.id,
            "channel": one.channel,
            "why": one.say,
            "at": when(one.at),
            "targets": [
                {
                    "target": parcel.target,
                    "state": parcel.state,
                    "attempts": [
                        {"at": when(tried.at), "outcome": tried.outcome, "answer": tried.detail}
                        for tried in parcel.attempts
                    ],
                    "next": None if parcel.next_at is None else when(parcel.next_at),
                    "reason": parcel.reason,
                }
                for parcel in one.parcels
            ],
        }
        for one in sent
    ]


def task_of(found: Candidate, when: When) -> dict[str, Any]:
    """A task with the transition that gets furthest, and each clause that was asked of it."""
    task, best = found.subject.task, found.best
    return {
        "task": task.id,
        "name": task.name,
        "farm": found.subject.farm.name,
        "miner": task.miner_id,
        "status": None if best is None else best.transition.status,
        "at": None if best is None else when(best.transition.at),
        "part": None if best is None else best.part,
        "fits": best is not None and best.fit is Fit.FITS,
        "clauses": [] if best is None else clauses_of(best.clauses),
    }


def print_json(found: Mapping[str, Any]) -> None:
    typer.echo(json.dumps(found, indent=2))


# --- lines for people


class Sheet:
    """Lines on the terminal: what comes from elsewhere is cleaned, and is never markup."""

    def __init__(self) -> None:
        from rich.console import Console

        console = Console(highlight=False)
        self._console = console if console.is_terminal else Console(width=200, highlight=False)

    def line(self, *parts: "str | tuple[str, str]", indent: int = 0) -> None:
        """One line; a part may be a text with its style."""
        from rich.padding import Padding

        self._console.print(Padding(_joined(parts), (0, 0, 0, indent), expand=False))

    def row(self, mark: tuple[str, str], name: str, words: str, *, width: int = 11, indent: int = 2) -> None:
        """A mark, a name, and words that wrap beside it."""
        from rich.table import Table

        table = Table.grid(padding=(0, 1))
        table.add_column(width=indent - 1)
        table.add_column(width=1)
        table.add_column(width=width, overflow="fold")
        table.add_column(overflow="fold")
        table.add_row("", _joined([mark]), _joined([name]), _joined([words]))
        self._console.print(table)

    def gap(self) -> None:
        self._console.print()

    def heading(self, text: str) -> None:
        self.gap()
        self.line((text, "bold"))


def _joined(parts: "Iterable[str | tuple[str, str]]") -> "Text":
    from rich.text import Text

    from watcher.notify.text import clean

    text = Text()
    for part in parts:
        words, style = (part, "") if isinstance(part, str) else part
        # The outer spaces are ours.
        lead, tail = words[: len(words) - len(words.lstrip(" "))], words[len(words.rstrip(" ")) :]
        text.append(f"{lead}{clean(words, _LONGEST)}{tail if words.strip() else ''}", style)
    return text


def print_verdict(sheet: Sheet, found: Mapping[str, Any]) -> None:
    style = _MARKS[found["answer"]][1]
    sheet.line((found["words"], f"bold {style}" if not style.startswith("bold") else style))


def print_gates(sheet: Sheet, gates: Sequence[Mapping[str, Any]]) -> None:
    """The gates in order, those of each channel below its name."""
    channel = None
    for one in gates:
        if one["channel"] != channel:
            channel = one["channel"]
            sheet.line("  on ", (str(channel), "bold"))
        sheet.row(_MARKS[one["answer"]], one["gate"], one["words"], indent=2 if channel is None else 4)


def print_task(sheet: Sheet, task: Mapping[str, Any]) -> None:
    """A task in a line, and the clauses below it."""
    miner = "" if task["miner"] is None else f" on {task['miner']}"
    part = "" if task["part"] in (None, "match") else f" ({task['part']})"
    sheet.line(f"  {task['at']}  ", (f"{task['name']} {task['status']}", "bold"), f"{miner} ({task['task']}){part}")
    for clause in task["clauses"]:
        sheet.row(_CLAUSES[clause["verdict"]], "", clause["words"], width=0, indent=4)


def print_list(sheet: Sheet, title: str, rows: Sequence[str], most: int, more: Callable[[int], str]) -> None:
    """A heading with a line for each of the first rows."""
    if not rows:
        return
    sheet.heading(title)
    for row in rows[:most]:
        sheet.line(f"  {row}")
    if len(rows) > most:
        sheet.line(f"  {more(len(rows) - most)}")
