"""The operator's own words: Jinja2 templates, sandboxed, bounded in size and time. API text is only ever data."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

MOST_CHARACTERS = 20_000
_MOST_SECONDS = 0.5
_LONGEST_REPEAT = 10_000


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
        parts: list[str] = []
        size = 0
        give_up_at = monotonic() + _MOST_SECONDS
        try:
            for part in self.compiled.generate(values):
                parts.append(part)
                size += len(part)
                if size > MOST_CHARACTERS:
                    break
                if monotonic() > give_up_at:
                    raise TemplateFailed("the template took longer than half a second")
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

    try:
        return Template(source, _environment().from_string(source))
    except jinja2.TemplateSyntaxError as error:
        where = f" in line {error.lineno} of the template" if "\n" in source.strip() else ""
        raise TemplateFailed(f"this is no Jinja2 template: {error.message}{where}") from error


@cache
def _environment() -> "jinja2.Environment":
    import jinja2  # noqa: PLC0415 - as above
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - as above

    class Sandbox(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset({"*", "**"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 - Jinja2's own signature
            for one, other in ((left, right), (right, left)):
                if isinstance(one, str | list | tuple) and isinstance(other, int) and other > _LONGEST_REPEAT:
                    raise TemplateFailed("the template repeats something too often")
            if operator == "**" and isinstance(right, int | float) and abs(right) > 100:
                raise TemplateFailed("the template raises something to too high a power")
            return super().call_binop(context, operator, left, right)

    return Sandbox(undefined=jinja2.StrictUndefined, keep_trailing_newline=False)
