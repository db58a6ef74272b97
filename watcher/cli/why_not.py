"""`why-not`: why a rule did not fire, or was not said, for a task or a miner."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watcher.cli.common import Config, Exit, Json, command, complain

if TYPE_CHECKING:
    from watcher.cli.dossier import Dossier
    from watcher.model.alert import Episode
    from watcher.model.subject import Subject
    from watcher.model.times import Millis
    from watcher.replay.candidate import Candidate
    from watcher.replay.gates import Passage, When
    from watcher.replay.why_not import Asking
    from watcher.rules.rule import Rule
    from watcher.rules.scope import Scope
    from watcher.rules.tracker import AlertKey

_LATEST = 200
_OTHERS = 8


@command
def why_not(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule's name.")],
    task: Annotated[str | None, typer.Option("--task", metavar="ID", help="A task, as `tasks` shows it.")] = None,
    miner: Annotated[str | None, typer.Option("--miner", metavar="ID", help="A miner: its latest tasks.")] = None,
    config: Config = None,
    json: Json = False,
) -> int:
    """Say why a rule did not fire or was not said for a task or a miner: the first gate that said no comes first."""
    from watcher.cli.dossier import open_dossier
    from watcher.cli.report import print_json, when_of
    from watcher.errors import ConfigError, Fault
    from watcher.rules.wording import quoted, suggestion

    if (task is None) == (miner is None):
        raise typer.BadParameter("name a task (--task ID) or a miner (--miner ID)")
    dossier = open_dossier(config)
    try:
        if dossier.loaded is None:
            raise ConfigError([Fault("rules", 0, 0, fault) for fault in dossier.faults])
        found = dossier.rules.get(rule)
        if found is None:
            complain(f"there is no rule {quoted(rule)}{suggestion(rule, dossier.rules)}: `rules list` shows them")
            return Exit.USAGE
        if found.of_watcher:
            said = "it is about the watcher itself, not about tasks: `status` shows the watch's own troubles"
            print_json({"rule": rule, "words": said}) if json else typer.echo(f"Rule {rule} sees no task: {said}")
            return Exit.DONE
        when = when_of(dossier.present, dossier.zone, as_json=json)
        answer = (
            _of_task(dossier, found, task, when) if task is not None else _of_miner(dossier, found, miner or "", when)
        )
        if answer is None:
            return Exit.USAGE
        if json:
            print_json(answer)
        else:
            _print(answer)
    finally:
        dossier.store.close()
    return Exit.DONE


def _of_task(dossier: "Dossier", rule: "Rule", task: str, when: "When") -> dict[str, Any] | None:
    from watcher.replay.candidate import candidate, furthest

    subjects = dossier.store.past.named(task)
    if not subjects:
        complain(
            f"there is no task {task!r} in the store: `tasks` lists them; the oldest are forgotten after store.retain"
        )
        return None
    ordered = furthest([candidate(rule, subject) for subject in subjects])
    return _answer(dossier, rule, ordered, when, asked=f"task {task}", every=True)


def _of_miner(dossier: "Dossier", rule: "Rule", miner: str, when: "When") -> dict[str, Any] | None:
    from watcher.notify.text import clean
    from watcher.replay.candidate import candidate, furthest
    from watcher.rules.wording import suggestion

    subjects = [listed.subject for listed in dossier.store.past.latest(_LATEST, miner_id=miner)]
    place = next((one for one in dossier.store.past.places() if one.miner is not None and one.miner.id == miner), None)
    if not subjects and place is None:
        known = [one.miner.id for one in dossier.store.past.places() if one.miner is not None]
        complain(clean(f"there is no miner {miner!r} in the store{suggestion(miner, known)}"))
        return None
    ordered = furthest([candidate(rule, subject) for subject in subjects])
    if rule.condition.remembers_last or not ordered:
        return _of_place(dossier, rule, miner, ordered, when)
    return _answer(dossier, rule, ordered, when, asked=f"miner {miner}", every=False)


def _answer(
    dossier: "Dossier", rule: "Rule", ordered: "Sequence[Candidate]", when: "When", *, asked: str, every: bool
) -> dict[str, Any]:
    """The one that gets furthest, taken apart; the others in a line each."""
    from watcher.cli.report import clauses_of, passages_of, task_of, verdict

    best, *others = ordered
    passages, figures, name = _passages(dossier, rule, best, when)
    rows = (
        []
        if not every
        else [
            {
                "part": one.part,
                "status": one.transition.status,
                "at": when(one.transition.at),
                "words": one.words,
                "clauses": clauses_of(one.clauses),
            }
            for one in best.asked
            if one is not best.best
        ]
    )
    return {
        "rule": rule.name,
        "asked": asked,
        "verdict": verdict(passages, None if best.at is None else when(best.at)),
        "notes": dossier.doubts(rule.name),
        "condition": rule.condition.phrase(),
        "place": dossier.place(rule),
        "alert": name,
        "task": task_of(best, when),
        "gates": passages_of(passages),
        "figures": figures,
        "transitions": rows,
        "others": [_brief(one, when) for one in others],
    }


def _brief(one: "Candidate", when: "When") -> dict[str, Any]:
    task, best = one.subject.task, one.best
    at = one.subject.transitions[-1].at
    words = f"matched at {when(one.at)}" if one.at is not None else "" if best is None else best.words
    return {"task": task.id, "name": task.name, "status": task.status, "at": when(at), "words": words}


def _passages(
    dossier: "Dossier", rule: "Rule", found: "Candidate", when: "When"
) -> "tuple[list[Passage], dict[str, Any] | None, str | None]":
    from watcher.alerts.identity import fingerprint
    from watcher.cli.report import figures_of
    from watcher.replay.why_not import closest, of_match, without_episode
    from watcher.rules.placing import scope_of

    asking = _asking(dossier, rule, scope_of(rule, found.subject), when)
    passages = [of_match(found, asking)]
    if found.key is None or found.at is None:
        return passages, None, None
    name = fingerprint(*found.key)
    episodes = dossier.store.episodes.of(name, 0)
    counted = [one for one in episodes if found.subject.key in one.tasks]
    if not counted:
        figures = closest(found.key, found.at, asking)
        passages += without_episode(found, figures, asking)
        return passages, figures_of(figures, when), name if episodes else None
    passages += _of_episode(dossier, rule, found.key, counted[-1], when)
    fired = dossier.retelling(rule).at(found.key, max(found.at, counted[-1].started_at))
    return passages, figures_of(fired, when), name


def _of_episode(dossier: "Dossier", rule: "Rule", key: "AlertKey", episode: "Episode", when: "When") -> "list[Passage]":
    from watcher.model.alert import Origin
    from watcher.replay.gates import of_channel, of_episode, of_origin

    fired = dossier.retelling(rule).at(key, episode.started_at)
    passages = [*of_episode(episode, fired, rule, when), of_origin(episode, dossier.edited_at(rule.name), when)]
    if episode.origin is not Origin.BASELINE:
        for channel in dossier.channels(episode):
            passages += of_channel(channel, when)
    return passages


def _asking(dossier: "Dossier", rule: "Rule", scope: "Scope", when: "When") -> "Asking":
    from watcher.replay.why_not import Asking

    known_to, doubted = dossier.known_to(scope.farm_id), partial(_doubted, dossier, rule, scope.farm_id)
    return Asking(dossier.retelling(rule), known_to, dossier.present, when, doubted)


def _doubted(dossier: "Dossier", rule: "Rule", farm_id: str | None) -> "Millis | None":
    """From when on the rule judges nothing, because a task's record was not fetched yet."""
    from watcher.rules.placing import reach

    if not rule.condition.curious:
        return None
    since = reach(rule, dossier.present)
    names = rule.condition.match.literals("task")
    subjects = dossier.store.past.subjects(since=since, names=names, farm_id=farm_id)
    found = [
        at
        for one in subjects
        if one.task.lacks and one.task.miner_id is not None and one.lost_at is None
        if (at := rule.condition.doubt(one)) is not None
    ]
    return min(found, default=None)


def _of_place(
    dossier: "Dossier", rule: "Rule", miner: str, ordered: "Sequence[Candidate]", when: "When"
) -> dict[str, Any]:
    """Of a rule that waits for what does not come, or a miner without a task: the alert of the place."""
    from watcher.alerts.identity import fingerprint
    from watcher.cli.dossier import latest
    from watcher.cli.report import figures_of, passages_of, verdict
    from watcher.replay.gates import Answer, Gate, Passage
    from watcher.replay.why_not import of_figures
    from watcher.rules.scope import Scope

    answer: dict[str, Any] = {
        "rule": rule.name,
        "asked": f"miner {miner}",
        "notes": dossier.doubts(rule.name),
        "condition": rule.condition.phrase(),
        "place": dossier.place(rule),
        "alert": None,
        "task": None,
        "figures": None,
        "transitions": [],
        "others": [_brief(one, when) for one in ordered],
    }
    key = _key_of_miner(dossier, rule, miner, [one.subject for one in ordered])
    if key is None:
        words = "no task of this miner is known" if not ordered else "nothing that it watches for was ever seen of it"
        passages = [Passage(Gate.MATCH, Answer.STOPS, words)]
        return answer | {"verdict": verdict(passages), "gates": passages_of(passages)}
    farm = dict(zip(rule.by, key[1], strict=True)).get("farm")
    known_to = dossier.known_to(farm)
    at = dossier.present if known_to is None else known_to
    figures = dossier.retelling(rule).at(key, at)
    name = fingerprint(*key)
    episode = latest(dossier.store.episodes.of(name, 0), at)
    if figures.holds and episode is not None and episode.firing:
        passages = _of_episode(dossier, rule, key, episode, when)
    else:
        passages = list(of_figures(key, figures, _asking(dossier, rule, Scope(farm), when)))
    answer |= {"verdict": verdict(passages), "gates": passages_of(passages), "alert": name}
    return answer | {"figures": figures_of(figures, when)}


def _key_of_miner(dossier: "Dossier", rule: "Rule", miner: str, subjects: "Sequence[Subject]") -> "AlertKey | None":
    """The alert of a rule that a miner belongs to: of its tasks, else of its place in the inventory."""
    from watcher.rules.fields import by_value
    from watcher.rules.log import Log

    for subject in subjects:
        for hit in rule.condition.hits(subject):
            return rule.name, tuple(by_value(name, subject, hit.transition) for name in rule.by)
    farms = {one.farm.id for one in dossier.store.past.places() if one.miner is not None and one.miner.id == miner}
    for key, (event, _) in Log(dossier.store.past).seeds(rule).items():
        if event.miner_id == miner or ("miner" not in rule.by and event.farm_id in farms):
            return key
    return None


# --- for people


def _print(found: dict[str, Any]) -> None:
    from watcher.cli.report import Sheet, print_gates, print_list, print_task, print_verdict

    sheet = Sheet()
    print_verdict(sheet, found["verdict"])
    alert = "" if found["alert"] is None else f", alert {found['alert']} (`explain` tells more)"
    sheet.line((f"rule {found['rule']} ({found['condition']}, {found['place']}), {found['asked']}{alert}", "dim"))
    for note in found["notes"]:
        sheet.line((f"Note: {note}", "yellow"))
    if found["task"] is not None:
        sheet.heading("the transition that gets furthest" if found["transitions"] else "the task that gets furthest")
        print_task(sheet, found["task"])
    sheet.heading("gates")
    print_gates(sheet, found["gates"])
    rows = [f"{one['at']}  {one['status']} ({one['part']}): {one['words']}" for one in found["transitions"]]
    print_list(sheet, "its other transitions", rows, _OTHERS, lambda more: f"and {more} more")
    others = [f"{one['at']}  {one['name']} {one['status']}: {one['words']}" for one in found["others"]]
    print_list(sheet, "the others" if found["task"] else "its tasks", others, _OTHERS, lambda more: f"and {more} more")
