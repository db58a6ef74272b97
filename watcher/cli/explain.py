"""`explain`: why an alert fired, and why it was said or not; also of any moment of the past."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watcher.cli.common import Config, Exit, Json, alert_named, command, complain, time_of

if TYPE_CHECKING:
    from watcher.cli.dossier import Dossier
    from watcher.cli.report import Sheet
    from watcher.model.alert import Episode
    from watcher.model.times import Millis
    from watcher.replay.figures import Figures
    from watcher.replay.gates import Channel, Passage, When

_TASKS = 3
_EPISODES = 5
_DECISIONS = 15
_MESSAGES = 10


@command
def explain(
    alert: Annotated[
        str, typer.Argument(metavar="ALERT", help="Its id, as messages and `alerts` show it, or a beginning.")
    ],
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="As of then (ISO 8601; without a zone, the configured one)."),
    ] = None,
    config: Config = None,
    json: Json = False,
) -> int:
    """Say why an alert fired and what became of it: the first gate that said no is named."""
    from watcher.cli.dossier import latest, open_dossier
    from watcher.cli.report import print_json, when_of

    dossier = open_dossier(config)
    try:
        name = alert_named(dossier.store, alert)
        if name is None:
            return Exit.USAGE
        moment = None if at is None else time_of(at, dossier.zone, "--at")
        until = dossier.present if moment is None else moment
        episodes = dossier.store.episodes.of(name, 0)
        episode = latest(episodes, until)
        if episode is None:
            first = min(one.started_at for one in episodes)
            when = when_of(until, dossier.zone, as_json=json)
            complain(f"alert {name} had not fired yet at {when(until)}; it first did at {when(first)}")
            return Exit.USAGE
        when = when_of(until, dossier.zone, as_json=json)
        found = _explained(dossier, episode, episodes, moment, when)
        if json:
            print_json(found)
        else:
            _print(found)
    finally:
        dossier.store.close()
    return Exit.DONE


def _explained(
    dossier: "Dossier", episode: "Episode", episodes: "Sequence[Episode]", moment: "Millis | None", when: "When"
) -> dict[str, Any]:
    from watcher.cli.report import decisions_of, figures_of, messages_of, passages_of, verdict

    until = dossier.present if moment is None else moment
    alert, rule = episode.alert, dossier.rules.get(episode.alert.rule)
    asks_tasks = rule is not None and not rule.of_watcher
    figures = {}
    if rule is not None and asks_tasks:
        retelling, key = dossier.retelling(rule), (alert.rule, alert.by)
        figures = {
            "fired": retelling.at(key, episode.started_at),
            "then" if moment is not None else "now": retelling.at(key, until),
        }
    channels = dossier.channels(episode, moment)
    tasks = _tasks(dossier, episode, moment)
    passages = _passages(dossier, episode, len(tasks), until, figures.get("fired"), channels, when)
    decisions = dossier.decisions(alert.fingerprint, until)
    return {
        "alert": alert.fingerprint,
        "rule": alert.rule,
        "severity": alert.severity.value,
        "state": "firing" if episode.ended_at is None or episode.ended_at > until else "ended",
        "labels": dict(alert.labels),
        "as_of": when(until),
        "verdict": verdict(passages),
        "notes": dossier.doubts(alert.rule),
        "condition": None if rule is None else rule.condition.phrase(),
        "place": None if rule is None else dossier.place(rule),
        "for": None if rule is None else rule.hold,
        "keep_firing_for": None if rule is None else rule.keep,
        "gates": passages_of(passages),
        "figures": {name: figures_of(one, when) for name, one in figures.items()},
        "evidence": _evidence(dossier, episode, tasks, when),
        "episodes": [
            _row(one, until, when)
            for one in sorted(episodes, key=lambda one: -one.started_at)
            if one.started_at <= until
        ],
        "decisions": decisions_of(decisions, when),
        "messages": messages_of((sent for channel in channels for sent in channel.sent), when),
    }


def _passages(
    dossier: "Dossier",
    episode: "Episode",
    many: int,
    until: "Millis",
    fired: "Figures | None",
    channels: "Sequence[Channel]",
    when: "When",
) -> "list[Passage]":
    from watcher.model.alert import Origin
    from watcher.replay.gates import Answer, Gate, Passage, of_channel, of_episode, of_knowledge, of_origin

    rule = dossier.rules.get(episode.alert.rule)
    words = f"{many:,} {'task fits' if many == 1 else 'tasks fit'}"
    if episode.cause is not None:
        words = f"the watcher itself: {episode.cause}"
    elif not many:
        words = "nothing that it waited for came"
    found = [
        Passage(Gate.MATCH, Answer.PASSES, words),
        *of_episode(episode, fired, rule, when),
        *of_knowledge(episode, until, when),
        of_origin(episode, dossier.edited_at(episode.alert.rule), when),
    ]
    if episode.origin is not Origin.BASELINE:
        for channel in channels:
            found += of_channel(channel, when)
    return found


def _evidence(dossier: "Dossier", episode: "Episode", tasks: "Sequence[int]", when: "When") -> dict[str, Any]:
    from watcher.cli.report import task_of
    from watcher.replay.candidate import candidate

    rule = dossier.rules.get(episode.alert.rule)
    known = dossier.store.past.subjects_of(tasks[:_TASKS])
    shown = [known[key] for key in tasks[:_TASKS] if key in known]
    found = [] if rule is None else [task_of(candidate(rule, subject), when) for subject in shown]
    return {"tasks": len(tasks), "shown": found}


def _tasks(dossier: "Dossier", episode: "Episode", moment: "Millis | None") -> "Sequence[int]":
    """The tasks that made it up, by then."""
    from watcher.replay.candidate import candidate

    rule = dossier.rules.get(episode.alert.rule)
    if rule is None or moment is None or episode.last_at is None or episode.last_at <= moment:
        return episode.tasks
    known = dossier.store.past.subjects_of(episode.tasks)
    came = {key: candidate(rule, subject).at for key, subject in known.items()}
    return [key for key in episode.tasks if (at := came.get(key)) is not None and at <= moment]


def _row(episode: "Episode", until: "Millis", when: "When") -> dict[str, Any]:
    ended = episode.ended_at is not None and episode.ended_at <= until
    return {
        "started_at": when(episode.started_at),
        "ended_at": when(episode.ended_at) if ended and episode.ended_at is not None else None,
        "end": episode.end_reason.value if ended and episode.end_reason is not None else None,
        "ended_by": episode.ended_by if ended else None,
        "origin": episode.origin.value,
        "count": episode.count,
        "total": episode.total,
    }


# --- for people


def _print(found: dict[str, Any]) -> None:
    from watcher.cli.report import Sheet, print_gates, print_list, print_task, print_verdict
    from watcher.model.times import duration_text

    sheet = Sheet()
    latest = found["episodes"][0]
    state = f"firing since {latest['started_at']}"
    if found["state"] == "ended":
        state = f"ended at {latest['ended_at']}: {latest['end']}" + (
            f" ({latest['ended_by']})" if latest["ended_by"] else ""
        )
    sheet.line(("alert ", "dim"), (found["alert"], "bold"), f"  {found['rule']}, {found['severity']}, {state}")
    print_verdict(sheet, found["verdict"])
    for note in found["notes"]:
        sheet.line((f"Note: {note}", "yellow"))
    labels = " ".join(
        f"{name}={value}" for name, value in found["labels"].items() if name not in ("rule", "severity") and value
    )
    sheet.gap()
    if labels:
        sheet.row(("", ""), "labels", labels)
    if found["condition"] is not None:
        holds = [
            f"{name} {duration_text(found[key])}"
            for name, key in (("for", "for"), ("keep_firing_for", "keep_firing_for"))
            if found[key]
        ]
        sheet.row(("", ""), "condition", ", ".join([found["condition"], *holds]))
        sheet.row(("", ""), "written at", str(found["place"]))
    sheet.heading(f"gates, as of {found['as_of']}")
    print_gates(sheet, found["gates"])
    _print_figures(sheet, found["figures"])
    evidence = found["evidence"]
    if evidence["shown"]:
        sheet.heading("evidence")
        for task in evidence["shown"]:
            print_task(sheet, task)
        more = evidence["tasks"] - len(evidence["shown"])
        if more:
            sheet.line(f"  and {more:,} more")
    episodes = [_episode_line(one) for one in found["episodes"]]
    print_list(sheet, "episodes, the latest first", episodes, _EPISODES, lambda more: f"and {more:,} before")
    decisions = [_decision_line(one) for one in reversed(found["decisions"])]
    print_list(sheet, "decisions, the latest first", decisions, _DECISIONS, lambda more: f"and {more:,} before")
    messages = [line for one in reversed(found["messages"]) for line in _message_lines(one)]
    print_list(sheet, "messages, the latest first", messages, _MESSAGES, lambda more: f"and {more:,} more lines")


def _print_figures(sheet: "Sheet", figures: dict[str, Any]) -> None:
    if not figures:
        return
    sheet.heading("condition")
    for name, one in figures.items():
        ends = f"; it ends at {one['ends_at']} unless it holds again by then" if one["ends_at"] else ""
        sheet.row(("✓", "green") if one["holds"] else ("✗", "red"), name, f"{one['at']}: {one['words']}{ends}")


def _episode_line(one: dict[str, Any]) -> str:
    end = "still fires" if one["ended_at"] is None else f"to {one['ended_at']}: {one['end']}"
    by = f" ({one['ended_by']})" if one["ended_by"] else ""
    total = "" if one["total"] is None else f" of {one['total']}"
    origin = "" if one["origin"] == "news" else f", {one['origin']}"
    return f"{one['started_at']} {end}{by}, count {one['count']}{total}{origin}"


def _decision_line(one: dict[str, Any]) -> str:
    details = [
        f"message {one['message']}" if one["message"] else "",
        f"because of {one['by_rule']} (alert {one['by']})" if one["by"] else "",
        f"by {one['author']}" + (f" ({one['comment']})" if one["comment"] else "") if one["author"] else "",
        f"until {one['due']}" if one["due"] else "",
    ]
    if one["what"]:
        details.insert(0, f"silence {one['what']}" if one["reason"] == "silenced" else one["what"])
    said = ", ".join(text for text in details if text)
    where = "" if one["channel"] is None else f" on {one['channel']}"
    return f"{one['at']}  {one['reason']}{where}" + (f": {said}" if said else "")


def _message_lines(one: dict[str, Any]) -> list[str]:
    lines = [f"{one['at']}  {one['message']} on {one['channel']} ({one['why']})"]
    for target in one["targets"]:
        where = target["target"]
        lines += [f"    {one['at']}  {where}: {one['outcome']}, {one['answer']}" for one in target["attempts"]]
        if target["state"] != "sent":
            again = f", next try {target['next']}" if target["next"] else ""
            lines.append(f"    {where}: {target['state']}{again}")
    return lines
