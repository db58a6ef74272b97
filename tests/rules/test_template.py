"""Templates: what they may not do to the daemon, and what they may."""

import time
from typing import Any

import pytest

from watcher.rules.load import SAMPLE
from watcher.rules.template import MOST_CHARACTERS, TemplateFailed, compile_template

MANY = "range(100000)"
LATE = "longer than half a second"
BUSY = {
    "empty loops inside each other": f"{{% for a in {MANY} %}}{{% for b in {MANY} %}}{{% endfor %}}{{% endfor %}}",
    "a loop that passes everything over": (
        f"{{% for a in {MANY} %}}{{% for b in {MANY} if b < 0 %}}x{{% endfor %}}{{% endfor %}}"
    ),
    "a loop in a macro": (
        f"{{% macro m() %}}{{% for a in {MANY} %}}{{% for b in {MANY} %}}x{{% endfor %}}{{% endfor %}}{{% endmacro %}}"
        "{{ m() }}"
    ),
    "a macro that calls itself twice": (
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}"
    ),
    "a loop that calls itself": (
        "{% for a in [1, 2] recursive %}{% if loop.depth < 40 %}{{ loop([1, 2]) }}{% endif %}{% endfor %}"
    ),
    "a block that a macro is called with": (
        "{% macro m(n) %}{% if n %}{{ caller(n) }}{{ caller(n) }}{% endif %}{% endmacro %}"
        f"{{% for a in {MANY} %}}{{% for b in {MANY} %}}{{% call(n) m(1) %}}{{% endcall %}}{{% endfor %}}{{% endfor %}}"
    ),
    "a set of what a loop says": (
        f"{{% set x %}}{{% for a in {MANY} %}}{{% for b in {MANY} %}}{{% endfor %}}{{% endfor %}}{{% endset %}}"
    ),
}
HUGE = {
    "a text repeated": "{{ 'a' * 200000000 }}",
    "a repetition repeated": "{{ ('a' * 10000) * 10000 }}",
    "a list repeated": "{{ ([0] * 10000 * 10000) | length }}",
    "a text doubled with a tilde": (
        "{% set n = namespace(x='aaaa') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}"
    ),
    "a text doubled with a plus": (
        "{% set n = namespace(x='aaaa') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}"
    ),
    "a number squared": (
        "{% set n = namespace(x=9) %}{% for i in range(60) %}{% set n.x = n.x * n.x %}{% endfor %}{{ n.x }}"
    ),
    "a power of powers": "{{ ((9 ** 100) ** 100) ** 100 }}",
    "a wide format": "{{ '%0999999999d' % 1 }}",
    "a width that is given": "{{ '%*d' % (999999999, 1) }}",
    "a wide format in braces": "{{ '{:>999999999}'.format(1) }}",
    "the filter format": "{{ '%999999999d' | format(1) }}",
    "the filter center": "{{ 'a' | center(999999999) }}",
    "the method ljust": "{{ 'a'.ljust(999999999) }}",
    "the filter indent": "{{ 'a' | indent(999999999, first=true) }}",
    "the filter slice": "{{ [1] | slice(999999999) | list | length }}",
    "the filter batch": "{{ [1] | batch(999999999, 0) | list | length }}",
}
GOOD = {
    "{{ count ~ ' of ' ~ total }}": "3 of 20",
    "{{ count + 1 }} {{ count * 2 }} {{ 'a' * 3 }} {{ 2 ** 8 }}": "4 6 aaa 256",
    "{{ '%s of %5.1f' % (count, ratio * 100) }}": "3 of  15.0",
    "{{ '*%s* of 123456' % count }}": "*3* of 123456",
    "{{ '{:>5}'.format(count) }}{{ 'a' | center(3) }}": "    3 a ",
    "{% for text, number in reasons %}{{ number }} {{ text }};{% endfor %}": "2 checksum mismatch;1 no answer;",
    "{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(count) }}": "<3>",
    "{% for m in miners %}{{ loop.index }}{% else %}none{% endfor %}": "123",
    "{{ (reasons | first)[0].split('*') | join('') }}": "checksum mismatch",
}


def render(source: str, **values: Any) -> str:
    return compile_template(source).render({**SAMPLE, **values})


@pytest.mark.parametrize("source", BUSY.values(), ids=BUSY)
def test_what_goes_round_without_a_word_is_cut_off(source: str) -> None:
    began = time.monotonic()
    with pytest.raises(TemplateFailed, match=LATE):
        render(source)
    assert time.monotonic() - began < 3


def test_the_time_is_up_when_the_clock_says_so() -> None:
    seconds = iter(range(100))
    with pytest.raises(TemplateFailed, match=LATE):
        compile_template("{% for a in [1] %}{% endfor %}").render({}, lambda: next(seconds))


@pytest.mark.parametrize("source", HUGE.values(), ids=HUGE)
def test_what_makes_much_out_of_little_is_refused(source: str) -> None:
    began = time.monotonic()
    with pytest.raises(TemplateFailed, match=r"the template (repeats|joins|makes|formats|calls)"):
        render(source)
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize(("source", "text"), GOOD.items())
def test_what_people_write_is_rendered(source: str, text: str) -> None:
    assert render(source) == text


def test_a_long_text_is_cut() -> None:
    assert len(render("{% for a in range(100000) %}abc{% endfor %}")) == MOST_CHARACTERS


def test_what_the_api_says_is_data() -> None:
    assert render("{{ error }}", error="{{ 7 * 7 }} %s {x}") == "{{ 7 * 7 }} %s {x}"
