"""`routes test`: which route takes an alert with these labels, on which channels, and when its group speaks."""

from typing import Annotated, Any

import typer

from watcher.cli.common import Config, Exit, Json, command, show

app = typer.Typer(help="Tools for routes.", no_args_is_help=True)


@app.callback()
def _all() -> None:
    pass


@app.command("test")
@command
def try_labels(
    labels: Annotated[list[str], typer.Argument(metavar="LABEL=VALUE…", help="Such as severity=critical farm=Texas.")],
    config: Config = None,
    json: Json = False,
) -> int:
    """Show the routes that take an alert with these labels, their channels and timers."""
    import os

    from watcher.alerts.routes import destinations
    from watcher.cli.rules.secrets import WithoutSecrets
    from watcher.config import find
    from watcher.loading import load_all
    from watcher.model.alert import Alert
    from watcher.model.message import Severity
    from watcher.model.times import duration_text
    from watcher.rules.wording import quoted, suggestion

    loaded = load_all(find(config, os.environ), WithoutSecrets())
    said = {}
    known = loaded.rules.label_names
    for text in labels:
        name, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"{text}: write it as LABEL=VALUE", param_hint="LABEL=VALUE")
        if name not in known:
            stranger = f"no rule carries the label {quoted(name)}{suggestion(name, sorted(known))}"
            raise typer.BadParameter(stranger, param_hint="LABEL=VALUE")
        said[name] = value
    rule = next((one for one in loaded.rules.rules if one.name == said.get("rule")), None)
    try:
        severity = Severity(said.get("severity", "warning" if rule is None else rule.severity.value))
    except ValueError:
        raise typer.BadParameter("severity is info, warning or critical", param_hint="LABEL=VALUE") from None
    complete = {"severity": severity.value, **({} if rule is None else rule.labels), **said}
    alert = Alert("", said.get("rule", ""), severity, (), complete)
    notify = None if rule is None else rule.notify
    rows: list[dict[str, Any]] = [
        {
            "route": f"routes[{found.route}]",
            "channel": found.channel,
            "group": " ".join(f"{name}={value or '…'}" for name, value in found.labels.items()) or "(all)",
            **_timers(found.timers, severity, single=rule is not None and rule.of_single_events),
            "mute_times": " ".join(one.name for one in found.mutes.times) or None,
            "escalated after": None if found.after is None else duration_text(found.after),
        }
        for found in destinations(loaded.routes, alert, notify)
    ]
    columns = ["route", "channel", "group", "group_wait", "group_interval", "repeat_interval"]
    columns += [name for name in ("mute_times", "escalated after") if any(row[name] for row in rows)]
    show(rows, columns, as_json=json, empty="no route takes it")
    return Exit.DONE


def _timers(timers: Any, severity: Any, *, single: bool) -> dict[str, str]:  # noqa: ANN401 - of a route
    from watcher.model.times import duration_text

    repeat = timers.repeat_for(single_events=single)
    return {
        "group_wait": duration_text(timers.wait_for([severity])) or "0s",
        "group_interval": duration_text(timers.interval),
        "repeat_interval": duration_text(repeat) if repeat else "never",
    }
