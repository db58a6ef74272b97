"""What the configuration file may hold, with the defaults; `config` reads it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time, tzinfo
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    GetPydanticSchema,
    model_validator,
)
from pydantic_core.core_schema import no_info_after_validator_function, str_schema, tuple_variable_schema

from watcher.addresses import checked_app_url, checked_base_url, checked_channel_url, checked_ping_url
from watcher.alerts.mute_times import WEEK, parse_span, parse_weekdays
from watcher.errors import Fault
from watcher.model.secret import Secret
from watcher.model.times import DAY, HOUR, MINUTE, SECOND
from watcher.rules.document import Document
from watcher.rules.quantities import Duration, DurationOrZero, Rate, RateText
from watcher.rules.validation import Part
from watcher.rules.wording import quoted, suggestion


def _of_text(make: Callable[[str], object]) -> GetPydanticSchema:
    text = str_schema(strict=True, min_length=1)
    return GetPydanticSchema(lambda _kind, _handler: no_info_after_validator_function(make, text))


def _of_texts(make: Callable[[tuple[str, ...]], object]) -> GetPydanticSchema:
    texts = tuple_variable_schema(str_schema(strict=True, min_length=1), min_length=1, strict=True)
    return GetPydanticSchema(lambda _kind, _handler: no_info_after_validator_function(make, texts))


def _spans(texts: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    return tuple(map(parse_span, texts))


def _file_path(text: str) -> Path:
    if "\0" in text:
        raise ValueError("a file's name cannot hold a NUL character")
    return Path(text)


def _channel_name(text: str) -> str:
    if "://" in text:
        raise ValueError('expected a name for the channel, found a URL: write NAME: {url: "…"}')
    return text


def _zone(text: str) -> tzinfo | None:
    """None for `local`, which only the environment tells."""
    if text == "local":
        return None
    try:
        return ZoneInfo(text)
    except (LookupError, ValueError, OSError):
        near = suggestion(text, available_timezones()) or "; expected local, UTC or one like America/Chicago"
        raise ValueError(f"there is no time zone {quoted(text)}{near}") from None


def _time_of_day(text: str) -> time:
    hour, colon, minute = text.partition(":")
    if not (colon and len(hour) == len(minute) == 2 and (hour + minute).isdecimal() and text.isascii()):
        raise ValueError('expected a time of the day such as "09:00"')
    try:
        return time(int(hour), int(minute))
    except ValueError:
        raise ValueError('a day has the times from "00:00" to "23:59"') from None


def _none(value: object) -> object:
    return None if value == "none" else value


def _nothing(value: object) -> object:
    return None if value in (0, "0") and not isinstance(value, bool) else value


Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
FilePath = Annotated[Path, _of_text(_file_path)]
ChannelName = Annotated[Text, AfterValidator(_channel_name)]
ChannelUrl = Annotated[Secret, _of_text(checked_channel_url)]


class Nonce(Part):
    """The API: how to reach it, and which farms and miners to watch. `Settings.api_key` is the key to use."""

    base_url: Annotated[str, AfterValidator(checked_base_url)] = "https://api.nonce.app"
    workspace: Text
    api_key: Annotated[Secret, _of_text(Secret)] | None = None
    api_key_file: FilePath | None = None
    auth: Literal["auto", "x-api-key", "bearer"] = "auto"
    requests_per_minute: Positive = 90.0
    count_searches: bool = True
    timeout: Duration = 15 * SECOND
    farms: Literal["all"] | Texts = "all"
    miners: Literal["all"] | Annotated[dict[Text, Texts], Field(min_length=1)] = "all"
    app_url: Annotated[str, AfterValidator(checked_app_url)] | None = None


class Poll(Part):
    """How to look. `sweep` is None for none."""

    strategy: Literal["auto", "batches", "miners"] = "auto"
    every: Duration = 30 * SECOND
    inventory: Duration = 24 * HOUR
    sweep: Annotated[RateText | None, BeforeValidator(_nothing)] = Rate(5, MINUTE)


class Store(Part):
    path: FilePath = Path("state.db")
    retain: Duration = 90 * DAY


class Flapping(Part):
    """When an alert flaps, and for how long it must be calm."""

    changes: Annotated[int, Field(ge=2)] = 4
    within: Duration = HOUR


class Alerts(Part):
    """What holds for all alerts. `flapping` is None for `none`."""

    baseline: Literal["learn", "alert"] = "learn"
    max_age: Duration = 24 * HOUR
    flapping: Annotated[Flapping | None, BeforeValidator(_none)] = Flapping()


class Channel(Part):
    """Where messages go. `budget` is None for `none`."""

    single: ChannelUrl | None = Field(default=None, alias="url")
    several: Annotated[tuple[ChannelUrl, ...], Field(min_length=1)] | None = Field(default=None, alias="urls")
    send_resolved: bool = True
    rate: RateText = Rate(1, SECOND)
    budget: Annotated[RateText | None, BeforeValidator(_none)] = Rate(20, 10 * MINUTE)
    fallback: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _one_kind_of_url(self) -> Self:
        if (self.single is None) == (self.several is None):
            raise ValueError('a channel has either "url" or "urls"')
        return self

    @property
    def urls(self) -> tuple[Secret, ...]:
        return self.several or tuple(filter(None, [self.single]))


class Escalate(Part):
    """Whom else to tell when nobody has acknowledged it for so long."""

    after: Duration
    channels: Texts


class MuteHours(Part):
    """Some hours of some days; `timezone` is None for the one of the file."""

    weekdays: Annotated[frozenset[int], _of_texts(parse_weekdays)] = WEEK
    times: Annotated[tuple[tuple[int, int], ...], _of_texts(_spans)] = ()
    timezone: Annotated[tzinfo | None, _of_text(_zone)] = None


class Route(Part):
    """Which alerts go where, and when.

    `group_wait` and `repeat_interval` are None where the file says nothing: what then holds depends on the
    alerts. The values of `match` are as in rules, uncompiled.
    """

    match: dict[Text, str | tuple[str, ...]] = Field(default_factory=dict)
    channels: tuple[Text, ...]
    group_by: tuple[Text, ...] = ("rule", "farm")
    group_wait: DurationOrZero | None = None
    group_interval: Duration = 5 * MINUTE
    repeat_interval: Duration | Literal["never"] | None = None
    mute_times: tuple[Text, ...] = ()
    escalate: Escalate | None = None
    goes_on: bool = Field(default=False, alias="continue")


class Daily(Part):
    """The daily summary: at which time of the day in `timezone`, and who is told; nobody by default."""

    at: Annotated[time, _of_text(_time_of_day)] = time(9)
    channels: tuple[Text, ...] = ()


class Log(Part):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Heartbeat(Part):
    """The dead man's ping; `url` is None for none."""

    url: Annotated[Secret, _of_text(checked_ping_url)] | None = None
    every: Duration = MINUTE


class File(Part):
    """The file as it is written."""

    nonce: Nonce
    poll: Poll = Poll()
    store: Store = Store()
    rules: FilePath = Path("rules")
    timezone: Annotated[tzinfo | None, _of_text(_zone)] = None
    alerts: Alerts = Alerts()
    channels: dict[ChannelName, Channel] = Field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    mute_times: dict[Text, Annotated[tuple[MuteHours, ...], Field(min_length=1)]] = Field(default_factory=dict)
    daily: Daily = Daily()
    heartbeat: Heartbeat = Heartbeat()
    log: Log = Log()


@dataclass(frozen=True, slots=True)
class Settings:
    """The file, resolved: paths are relative to nothing but the working directory, secrets are there.

    Args:
        routes: never empty; without any in the file, one to all channels.
        warnings: what works, but should not be so.
        document: as written, for further faults with their places.
    """

    nonce: Nonce
    api_key: Secret
    poll: Poll
    store: Store
    rules: Path
    timezone: tzinfo
    alerts: Alerts
    channels: Mapping[str, Channel]
    routes: tuple[Route, ...]
    mute_times: Mapping[str, tuple[MuteHours, ...]]
    daily: Daily
    heartbeat: Heartbeat
    log: Log
    warnings: tuple[Fault, ...]
    document: Document = field(repr=False)


class ForReading(Part):
    """The part of the file that a command needs to look into the store: no secret is among it."""

    model_config = ConfigDict(extra="ignore")

    store: Store = Store()
    rules: FilePath = Path("rules")
    timezone: Annotated[tzinfo | None, _of_text(_zone)] = None
