"""The operator's own words: Jinja2 templates, sandboxed, bounded in size and time. API text is only ever data."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

MOST_CHARACTERS = 20_000
_MOST_SECONDS = 0.5


class TemplateFailed(Exception):
    """A template that did not compile or render; the text is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Template:
    """One compiled template; equal when its source is."""

    source: str
    compiled: "jinja2.Template" = field(repr=False, compare=False)

    def render(self, values: Mapping[str, Any], monotonic: Callable[[], float] = time.monotonic) -> str:
        """The text, cut at 20,000 characters.

        Raises:
            TemplateFailed: it names a field that isn't there, fails, or takes longer than half a second.
        """
        from watcher.rules import sandbox  # noqa: PLC0415 - loaded with the first template

        parts: list[str] = []
        size = 0
        give_up_at = monotonic() + _MOST_SECONDS

        def tick() -> None:
            if monotonic() > give_up_at:
                raise TemplateFailed("the template took longer than half a second")

        try:
            for part in self.compiled.generate({**values, sandbox.TICK: tick, sandbox.JOIN: sandbox.joined}):
                parts.append(part)
                size += len(part)
                if size > MOST_CHARACTERS:
                    break
                tick()
        except TemplateFailed:
            raise
        except Exception as error:
            raise TemplateFailed(f"the template fails: {error}") from error
        return "".join(parts)[:MOST_CHARACTERS]


def compile_template(source: str) -> Template:
    """Compile a template.

    Raises:
        TemplateFailed: in a sentence, with the line of the fault where there are several.
    """
    import jinja2  # noqa: PLC0415 - only rule sets with templates pay for it

    from watcher.rules import sandbox  # noqa: PLC0415 - as above

    try:
        return Template(source, sandbox.compiled(source))
    except jinja2.TemplateSyntaxError as error:
        where = f" in line {error.lineno} of the template" if "\n" in source.strip() else ""
        raise TemplateFailed(f"this is no Jinja2 template: {error.message}{where}") from error
