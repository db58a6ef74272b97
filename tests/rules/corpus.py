"""Mistakes that people make in rule files: of each it is told where it is, in which rule, and what would be right."""

from collections.abc import Mapping
from dataclasses import dataclass

WHOLE_FILE = "0:0"


@dataclass(frozen=True)
class Mistake:
    """Args:
    text: of the file; bytes where it is no text.
    place: line and column of the fault.
    says: what its words hold, beside the rule's name.
    about: the rule (or `test "…"`) that it stands in; empty where no name is known, as in what is no YAML.
    beside: the places of the faults that the same mistake causes elsewhere.
    """

    text: str | bytes
    place: str
    says: tuple[str, ...]
    about: str = "r"
    beside: tuple[str, ...] = ()


def raw(text: str | bytes, place: str, *says: str) -> Mistake:
    """Of a file in which no rule can be told by its name."""
    return Mistake(text, place, says, about="")


def match(written: str, place: str, *says: str) -> Mistake:
    """Of a match, which begins at 3:12."""
    return Mistake(f"rules:\n  - name: r\n    match: {written}\n", place, says)


def rule(rest: str, place: str, *says: str, beside: tuple[str, ...] = ()) -> Mistake:
    """Of further keys, which begin at 4:5, of a rule that is right otherwise."""
    text = f"rules:\n  - name: r\n    match: {{task: miner.system.reboot, status: failed}}\n    {rest}\n"
    return Mistake(text, place, says, beside=beside)


def case(rest: str, place: str, *says: str, about: str = 'test "t"', beside: tuple[str, ...] = ()) -> Mistake:
    """Of a test's further keys, which begin at 6:5."""
    text = f"rules:\n  - name: r\n    match: {{}}\ntests:\n  - name: t\n    {rest}\n"
    return Mistake(text, place, says, about=about, beside=beside)


def sequence(inner: str, place: str, *says: str) -> Mistake:
    """Of a sequence, whose keys begin at 3:16."""
    return Mistake(f"rules:\n  - name: r\n    sequence: {{{inner}}}\n", place, says)


def unless(rest: str, place: str, *says: str, other: str = "match: {}\n    by: [farm]", about: str = "r") -> Mistake:
    """Of further keys, which begin at 7:5, of a rule beside one that is called `agent-offline`."""
    text = f"rules:\n  - name: agent-offline\n    {other}\n  - name: r\n    match: {{status: failed}}\n    {rest}\n"
    return Mistake(text, place, says, about=about)


STEPS = "steps: [{status: failed}, {status: succeed}]"
LENGTHS = "90s, 15m, 6h, 7d or 1h30m"
ENDINGS = "resolve is on_success, never, {on: match} or {after: duration}"

YAML: Mapping[str, Mistake] = {
    "quotes never closed": raw(
        "rules:\n  - name: r\n    match: {task: 'miner.reboot}\n", "3:19", "the quotes that open here are never closed"
    ),
    "list never closed": raw("rules:\n  - name: r\n    match: {status: [failed}\n", "3:21", 'expected "," or "]"'),
    "mapping never closed": raw("rules:\n  - name: r\n    match: {status: failed\n", "3:12", 'expected "," or "}"'),
    "tab": raw("rules:\n\t- name: r\n", "2:1", "a tab: YAML is indented with spaces only"),
    "tab further down": raw("rules:\n  - name: r\n\t    match: {}\n", "3:1", "indented with spaces only"),
    "indented too far": raw("rules:\n  - name: r\n     match: {}\n", "3:11", "wrong indentation"),
    "indented too little": raw("rules:\n  - name: r\n   match: {}\n", "3:4", "check the indentation"),
    "colon in a text": raw("rules:\n  - name: r\n    summary: Reboots: many\n", "3:21", "a text with", "needs quotes"),
    "no space after a colon": raw("rules:\n  - name:r\n    match: {}\n", "2:9", 'a ":" needs a space after it'),
    "no colon": raw("rules:\n  - name: r\n    match\n", "4:1", 'expected ":" after a key'),
    "comparison without quotes": raw(
        "rules:\n  - name: r\n    match:\n      duration: > 10m\n",
        "4:17",
        'a text that begins with ">"',
        "needs quotes",
    ),
    "negation without quotes": raw(
        "rules:\n  - name: r\n    match:\n      status: !failed\n", "4:15", 'a text that begins with "!" needs quotes'
    ),
    "glob without quotes": raw(
        "rules:\n  - name: r\n    match: {task: *reboot}\n", "3:19", 'a text that begins with "*" needs quotes'
    ),
    "percent before the number": raw(
        "rules:\n  - name: r\n    ratio: {at_least: %20}\n", "3:23", "begins with this character needs quotes"
    ),
    "escape in double quotes": raw(
        'rules:\n  - name: r\n    match: {error: "/fan \\d/"}\n', "3:27", "single quotes take a backslash as it is"
    ),
    "template without quotes": Mistake(
        "rules:\n  - name: r\n    message: {title: {{ count }} failed}\n",
        "3:23",
        ('a template needs quotes: "{{ … }}"',),
        about="",
        beside=("3:14",),
    ),
    "anchor": raw("rules:\n  - name: r\n    match: &m {status: failed}\n", "3:12", "anchors are not allowed"),
    "alias": raw("rules:\n  - name: r\n    match: *m\n", "3:12", "aliases are not allowed"),
    "merge key": raw("rules:\n  - name: r\n    <<: {match: {}}\n", "3:5", "write the keys out"),
    "tag": raw("rules:\n  - name: !!str r\n    match: {}\n", "2:11", "tags are not allowed"),
    "second document": raw("rules: []\n---\nrules: []\n", "2:1", "the file may hold only one"),
    "directive of another YAML": raw("%YAML 1.1\n---\nrules: []\n", "2:1", "remove the %YAML line above"),
    "key twice in a rule": raw(
        "rules:\n  - name: r\n    for: 5m\n    match: {}\n    for: 6m\n", "5:5", 'duplicate key "for"', "on line 3"
    ),
    "field twice in a match": raw(
        "rules:\n  - name: r\n    match: {status: failed, status: timed_out}\n", "3:29", 'duplicate key "status"'
    ),
    "rules twice in a file": raw("rules: []\nrules: []\n", "2:1", 'duplicate key "rules", first on line 1'),
    "number for a key": raw("rules:\n  - name: r\n    match: {7: x}\n", "3:13", 'put it in quotes: "7"'),
    "control character": raw("rules:\n  - name: r\x07\n", "2:12", "a control character is not allowed here"),
}

FILES: Mapping[str, Mistake] = {
    "empty file": raw("", WHOLE_FILE, "is empty"),
    "everything commented out": raw("# rules:\n#  - name: r\n", WHOLE_FILE, "is empty"),
    "a list at the top": raw("- name: r\n  match: {}\n", "1:1", "expected a mapping", "found a list"),
    "a text at the top": raw("rules\n", "1:1", "expected a mapping", "found text"),
    "rule in place of rules": raw("rule: []\n", "1:1", 'unknown key "rule" (did you mean "rules"?)'),
    "a mapping of rules": raw("rules:\n  name: r\n  match: {}\n", "2:3", "expected a list, found a mapping"),
    "rules with nothing below": raw("rules:\n", "1:1", "expected a list, found nothing"),
    "no rule in the list": raw("rules: []\n", WHOLE_FILE, "at least one is needed", "nonce-watcher init"),
    "a rule that is a text": raw("rules:\n  - reboots\n", "2:5", "expected a mapping", "found text"),
    "a rule that is a list": raw(
        "rules:\n  - - name: r\n      match: {}\n", "2:5", "expected a mapping", "found a list"
    ),
    "two rules of one name": Mistake(
        "rules:\n  - name: r\n    match: {}\n  - name: r\n    match: {}\n",
        "4:11",
        ("there already", ":2: ", "another name"),
    ),
}

KEYS: Mapping[str, Mistake] = {
    "name missing": raw("rules:\n  - match: {}\n", "2:5", 'missing key "name"'),
    "name empty": Mistake("rules:\n  - name: ''\n    match: {}\n", "2:11", ('rule ""', "must not be empty"), about=""),
    "name that is a number": raw("rules:\n  - name: 5\n    match: {}\n", "2:11", 'put it in quotes: "5"'),
    "name with nothing": raw("rules:\n  - name:\n    match: {}\n", "2:5", "expected text, found nothing"),
    "name too long": Mistake(
        f"rules:\n  - name: {'x' * 1001}\n    match: {{}}\n", "2:11", ('rule "xxxxx', "at most 1000"), about=""
    ),
    "match missing": Mistake("rules:\n  - name: r\n    by: [farm]\n", "2:5", ('missing key "match"', "match: {}")),
    "match with nothing": Mistake("rules:\n  - name: r\n    match:\n", "3:5", ('missing key "match"', "match: {}")),
    "match that is a text": match("failed", "3:12", "expected a mapping", "found text"),
    "match that is a list": match("[failed, timed_out]", "3:12", "expected a mapping", "found a list"),
    "unknown key, near one": rule("sumary: x", "4:5", 'unknown key "sumary" (did you mean "summary"?)'),
    "unknown key, cut short": rule("keep_firing: 5m", "4:5", 'did you mean "keep_firing_for"?'),
    "unknown key, far from any": rule("zzz: {}", "4:5", "known here: name, summary", "spike and new"),
    "key in capitals": rule("For: 5m", "4:5", 'did you mean "for"?'),
    "a condition's key beside it": rule("within: 5m", "4:5", 'unknown key "within"', "known here"),
    "summary that is a number": rule("summary: 5", "4:14", 'put it in quotes: "5"'),
    "summary empty": rule("summary: ''", "4:14", "must not be empty"),
    "severity misspelt": rule("severity: critcal", "4:15", '"info", "warning" or "critical"', 'mean "critical"?'),
    "severity of another system": rule("severity: page", "4:15", 'expected "info", "warning" or "critical"'),
    "severity that is a number": rule("severity: 1", "4:15", 'expected "info", "warning" or "critical"', "number 1"),
    "by that is a text": rule("by: farm", "4:9", "expected a list, found text"),
    "by misspelt": rule("by: [farm, modle]", "4:16", 'unknown field "modle" (did you mean "model"?)'),
    "by of no field": rule("by: [payload]", "4:10", 'unknown field "payload"', "known here: task, status"),
    "by of a length of time": rule("by: [farm, duration]", "4:16", "no single text", "leave it out"),
    "by of several values": rule("by: [health]", "4:10", "no single text", "leave it out"),
    "by of a number": rule("by: [5]", "4:10", 'put it in quotes: "5"'),
    "by of the watcher's field": rule("by: [watcher]", "4:10", 'unknown field "watcher"'),
    "labels in a list": rule("labels: [team]", "4:13", "expected a mapping", "found a list"),
    "label that is a number": rule("labels: {team: 5}", "4:20", 'put it in quotes: "5"'),
    "label that is yes or no": rule("labels: {paged: true}", "4:21", 'put it in quotes: "true"'),
    "label empty": rule("labels: {team: ''}", "4:20", "must not be empty"),
    "label of a by field": rule("labels: {team: a, farm: b}", "4:29", 'the label "farm"', "has already"),
    "label severity": rule("labels: {severity: page}", "4:24", 'the label "severity"', "has already"),
    "notify that is a text": rule("notify: ops", "4:13", "expected a list, found text"),
    "notify of a number": rule("notify: [5]", "4:14", 'put it in quotes: "5"'),
    "runbook that is a list": rule("runbook: [a]", "4:14", "expected text, found a list"),
    "message that is a text": rule("message: failed", "4:14", "expected a mapping", "found text"),
    "message with another key": rule("message: {tilte: a}", "4:15", 'did you mean "title"?'),
    "title that is a number": rule("message: {title: 5}", "4:22", 'put it in quotes: "5"'),
}

DURATIONS: Mapping[str, Mistake] = {
    "no unit": rule("for: 5", "4:10", f"durations carry a unit: {LENGTHS}"),
    "in words": rule("for: 5 minutes", "4:10", '"5 minutes" is no duration', LENGTHS),
    "a unit that there is not": rule("for: 2w", "4:10", '"2w" is no duration', LENGTHS),
    "unit in capitals": rule("keep_firing_for: 5M", "4:22", '"5M" is no duration', LENGTHS),
    "milliseconds": rule("keep_firing_for: 500ms", "4:22", '"500ms" is no duration', LENGTHS),
    "smaller unit first": rule("for: 5m1h", "4:10", "the larger first, like 1h30m"),
    "a unit twice": rule("for: 1h1h", "4:10", "each unit once"),
    "a fraction": rule("for: 1.5h", "4:10", '"1.5h" is no duration', LENGTHS),
    "negative": rule("for: -5m", "4:10", '"-5m" is no duration', LENGTHS),
    "a clock's": rule("for: 00:05:00", "4:10", '"00:05:00" is no duration', LENGTHS),
    "longer than a life": rule("for: 99999d", "4:10", "longer than 100 years"),
    "nothing": rule("for:", "4:5", f"expected a duration such as {LENGTHS}"),
    "a list": rule("for: [5m]", "4:10", f"expected a duration such as {LENGTHS}"),
    "none at all where one is needed": rule("stuck: {longer_than: 0s}", "4:26", "at least 1s"),
    "expire in words": rule("expire: forever", "4:13", '"forever" is no duration', LENGTHS, "or never"),
    "expire of a number": rule("expire: 7", "4:13", "durations carry a unit", "or never"),
    "expire with nothing": rule("expire:", "4:5", "expected a duration", "or never"),
}

ENDS: Mapping[str, Mistake] = {
    "misspelt": rule("resolve: on_succes", "4:14", ENDINGS, 'did you mean "on_success"?'),
    "a duration": rule("resolve: 6h", "4:14", ENDINGS),
    "with nothing": rule("resolve:", "4:5", ENDINGS),
    "neither of both": rule("resolve: {}", "4:14", ENDINGS),
    "both at once": rule("resolve: {on: {status: succeed}, after: 1h}", "4:14", ENDINGS),
    "unknown key": rule("resolve: {afer: 1h}", "4:15", 'did you mean "after"?'),
    "unknown field of on": rule("resolve: {on: {statsu: succeed}}", "4:20", 'did you mean "status"?'),
    "on that is a text": rule("resolve: {on: succeed}", "4:19", "expected a mapping", "found text"),
    "after without a unit": rule("resolve: {after: 6}", "4:22", "durations carry a unit"),
    "resolve with count": rule(
        "count: {at_least: 5, within: 1h}\n    resolve: never", "5:14", "goes with each and new", "no longer true"
    ),
    "expire with stuck": Mistake(
        "rules:\n  - name: r\n    match: {status: pending}\n    stuck: {longer_than: 1h}\n    expire: 1d\n",
        "5:13",
        ("expire goes with each and new",),
    ),
    "resolve with absent": rule("absent: {within: 1d}\n    resolve: never", "5:14", "resolve goes with each and new"),
}

MATCHES: Mapping[str, Mistake] = {
    "unknown field, near one": match("{statsu: failed}", "3:13", 'unknown key "statsu" (did you mean "status"?)'),
    "unknown field, far from any": match("{payload: x}", "3:13", 'unknown key "payload"', "known here: task, status"),
    "number": match("{rack: 12}", "3:19", "quotes", '"12"'),
    "version that is a number": match("{firmware_version: 3.1}", "3:31", "quotes", '"3.1"'),
    "number in a list": match("{rack: [12, 13]}", "3:19", "quotes"),
    "nothing": match("{model: }", "3:13", "expected text"),
    "empty list": match("{status: []}", "3:21", "expected text or a list of texts"),
    "mapping": match("{status: {is: failed}}", "3:21", "expected text"),
    "regex that is none": match("{error: /fan (/}", "3:20", "is not a regular expression that RE2", "missing )"),
    "regex with lookahead": match("{error: '/(?=fan)/'}", "3:20", "is not a regular expression that RE2 understands"),
    "regex that is none, negated": match("{error: '!/fan [/'}", "3:20", "/fan [/ is not a regular expression"),
    "regex that is none, in a list": match("{error: [ok, '/*/']}", "3:20", "/*/ is not a regular expression"),
    "pattern too long": match(f"{{error: {'x' * 1001}}}", "3:20", "at most 1000 characters", "1001"),
    "length of time without a unit": match("{duration: '> 10'}", "3:23", '"10" is no duration', LENGTHS),
    "length of time in words": match("{duration: '> 10 min'}", "3:23", '"10 min" is no duration', LENGTHS),
    "length of time that is a number": match("{duration: 10}", "3:23", "a comparison"),
    "length of time with a glob": match("{queue_time: '*'}", "3:25", '"*" is no duration', LENGTHS),
    "length of time in a bad list": match("{queue_time: ['> 1h', '< 5']}", "3:25", '"5" is no duration', LENGTHS),
    "where inside match": match("{where: 'true'}", "3:13", 'unknown key "where"'),
}

CONDITIONS: Mapping[str, Mistake] = {
    "two of them": rule("each: {}\n    count: {at_least: 5, within: 1h}", "4:11", "one condition", "count and each"),
    "three of them": rule(
        "stuck: {longer_than: 5m}\n    absent: {within: 5m}\n    each: {}", "4:12", "absent, each and stuck"
    ),
    "each with a key": rule("each: {at_least: 5}", "4:11", "each takes no keys: write each: {}"),
    "each: true": rule("each: true", "4:11", "expected a mapping", "found true"),
    "count that is a number": rule("count: 5", "4:12", "expected a mapping", "found the number 5"),
    "count with nothing": rule("count:", "4:5", "expected a mapping", "found nothing"),
    "count without within": rule("count: {at_least: 5}", "4:12", 'missing key "within"'),
    "count without at_least": rule("count: {within: 1h}", "4:12", 'missing key "at_least"'),
    "count misspelt": rule(
        "count: {atleast: 5, within: 1h}", "4:13", '"atleast" (did you mean "at_least"?)', beside=("4:12",)
    ),
    "count in quotes": rule("count: {at_least: '5', within: 1h}", "4:23", "write it without quotes"),
    "count of none": rule("count: {at_least: 0, within: 1h}", "4:23", "must be at least 1"),
    "count of a half": rule("count: {at_least: 2.5, within: 1h}", "4:23", "expected a whole number"),
    "count of a percentage": rule("count: {at_least: 20%, within: 1h}", "4:23", "expected a whole number"),
    "distinct of another field": rule("count: {at_least: 5, within: 1h, distinct: farm}", "4:48", 'expected "miner"'),
    "distinct: true": rule("count: {at_least: 5, within: 1h, distinct: true}", "4:48", 'expected "miner", found true'),
    "ratio as a fraction": rule("ratio: {at_least: 0.2, within: 1h}", "4:23", "a percentage such as 20% or 12.5%"),
    "ratio without the sign": rule("ratio: {at_least: 20, within: 1h}", "4:23", "a percentage such as 20% or 12.5%"),
    "ratio with a comma": rule("ratio: {at_least: '1,5%', within: 1h}", "4:23", "a percentage such as 20% or 12.5%"),
    "ratio of nothing": rule("ratio: {at_least: 0%, within: 1h}", "4:23", "more than 0% and at most 100%"),
    "ratio of more than all": rule("ratio: {at_least: 120%, within: 1h}", "4:23", "more than 0% and at most 100%"),
    "ratio without at_least": rule("ratio: {within: 1h}", "4:12", 'missing key "at_least"'),
    "ratio without within": rule("ratio: {at_least: 20%}", "4:12", 'missing key "within"'),
    "ratio with nothing": rule("ratio:", "4:5", "expected a mapping", "found nothing"),
    "ratio with another's key": rule("ratio: {at_least: 2%, within: 1h, min: 5}", "4:39", '"min"', "min_total"),
    "min_total of none": rule("ratio: {at_least: 2%, within: 1h, min_total: 0}", "4:50", "must be at least 1"),
    "min_total in words": rule("ratio: {at_least: 2%, within: 1h, min_total: ten}", "4:50", "expected a whole number"),
    "confidence of all": rule("ratio: {at_least: 2%, within: 1h, confidence: 100%}", "4:51", "95% is usual"),
    "confidence as a fraction": rule("ratio: {at_least: 2%, within: 1h, confidence: .9}", "4:51", "a percentage such"),
    "of that is a text": rule("ratio: {at_least: 2%, within: 1h, of: all}", "4:43", "expected a mapping", "found text"),
    "of with an unknown field": rule(
        "ratio: {at_least: 2%, within: 1h, of: {tsak: x}}", "4:44", 'did you mean "task"?'
    ),
    "of with a bad regex": rule("ratio: {at_least: 2%, within: 1h, of: {task: /(/}}", "4:50", "regular expression"),
    "stuck that is a duration": rule("stuck: 20m", "4:12", "expected a mapping", "found text"),
    "stuck misspelt": rule("stuck: {longer: 20m}", "4:13", 'did you mean "longer_than"?', beside=("4:12",)),
    "stuck without its key": rule("stuck: {}", "4:12", 'missing key "longer_than"'),
    "absent without its key": rule("absent: {}", "4:13", 'missing key "within"'),
    "absent for": rule("absent: {for: 1d}", "4:14", 'unknown key "for"; known here: within', beside=("4:13",)),
    "absent without a unit": rule("absent: {within: 24}", "4:22", "durations carry a unit"),
    "sequence without steps": sequence("within: 1h", "3:15", 'missing key "steps"'),
    "sequence without within": sequence(STEPS, "3:15", 'missing key "within"'),
    "one step": sequence("steps: [{status: failed}], within: 1h", "3:23", "at least 2"),
    "no step": sequence("steps: [], within: 1h", "3:23", "must not be empty"),
    "eleven steps": sequence(f"steps: [{', '.join(['{}'] * 11)}], within: 1h", "3:23", "at most 10"),
    "steps in a mapping": sequence("steps: {status: failed}, within: 1h", "3:23", "expected a list, found a mapping"),
    "step that is a text": sequence("steps: [{}, failed], within: 1h", "3:28", "expected a mapping", "found text"),
    "step with an unknown field": sequence("steps: [{}, {stauts: x}], within: 1h", "3:29", 'did you mean "status"?'),
    "without in a list": sequence(
        f"{STEPS}, within: 1h, without: [{{}}]", "3:83", "expected a mapping", "found a list"
    ),
    "without misspelt": sequence(f"{STEPS}, within: 1h, witout: {{}}", "3:74", 'did you mean "without"?'),
    "spike without baseline": rule("spike: {times: 3, within: 1h}", "4:12", 'missing key "baseline"'),
    "spike without times": rule("spike: {baseline: 1d, within: 1h}", "4:12", 'missing key "times"'),
    "times as people say it": rule("spike: {times: 3x, within: 1h, baseline: 1d}", "4:20", "a number such as 3 or 2.5"),
    "times in quotes": rule("spike: {times: '3', within: 1h, baseline: 1d}", "4:20", "3 or 2.5, without quotes"),
    "times none": rule("spike: {times: 0, within: 1h, baseline: 1d}", "4:20", "more than 0 and at most"),
    "times without an end": rule("spike: {times: .inf, within: 1h, baseline: 1d}", "4:20", "at most 1000000"),
    "min of none": rule("spike: {times: 3, within: 1h, baseline: 1d, min: 0}", "4:54", "must be at least 1"),
    "spike with another's key": rule("spike: {times: 3, within: 1h, baseline: 1d, min_total: 5}", "4:49", "and min"),
    "new that is a field": rule("new: model", "4:10", "expected a mapping", "found text"),
    "new without memory": rule("new: {field: model, learn: 7d}", "4:10", 'missing key "memory"'),
    "new without field": rule("new: {memory: 30d, learn: 7d}", "4:10", 'missing key "field"'),
    "field misspelt": rule("new: {field: modle, memory: 30d, learn: 7d}", "4:18", 'did you mean "model"?'),
    "field that is none": rule("new: {field: payload, memory: 30d, learn: 7d}", "4:18", "known here: task, status"),
    "field of several values": rule("new: {field: health, memory: 30d, learn: 7d}", "4:18", "name another field"),
    "memory without an end": rule("new: {field: model, memory: never, learn: 7d}", "4:33", '"never" is no duration'),
    "learn of nothing": rule("new: {field: model, memory: 30d, learn: 0s}", "4:45", "at least 1s"),
}

EXPRESSIONS: Mapping[str, Mistake] = {
    "broken off": rule("where: payload.mode ==", "4:12", "is no CEL", "line 1, character 16"),
    "one equals sign": rule("where: status = 'failed'", "4:12", "is no CEL", "line 1, character 8"),
    "and in letters": rule("where: status == 'a' and task == 'b'", "4:12", "is no CEL", "line 1, character 15"),
    "unknown field": rule("where: modle == 'S19'", "4:12", 'unknown field "modle" (did you mean "model"?)'),
    "unknown function": rule("where: task.startswith('a')", "4:12", 'did you mean "startsWith"?'),
    "a text": rule("where: status", "4:12", "gives text, not true or false"),
    "a text against a number": rule("where: status > 5", "4:12", "compares or calls what does not fit together"),
    "YAML's true": rule("where: true", "4:12", 'put it in quotes: "true"'),
    "a list": rule("where: ['true']", "4:12", "expected text, found a list"),
    "empty": rule("where: ''", "4:12", "must not be empty"),
    "bad regex": rule("where: error.matches('(')", "4:12", "is not a regular expression that RE2 understands"),
    "regex out of a value": rule("where: error.matches(actor)", "4:12", "a pattern written out in quotes"),
    "too long": rule(f"where: status == '{'x' * 1990}'", "4:12", "at most 2000 characters", "2002"),
    "too many loops": rule("where: log.all(a, log.all(b, log.all(c, a == b)))", "4:12", "at most 2 loops"),
    "key that conditions lack": rule(
        "ratio: {at_least: 2%, within: 1h, where: 'true'}", "4:39", 'unknown key "where"', "known here: at_least"
    ),
}

TEMPLATES: Mapping[str, Mistake] = {
    "never closed": rule("message: {title: '{{ count'}", "4:22", "no Jinja2 template", "end of print statement"),
    "block never closed": rule(
        "message:\n      body: |\n        one\n        {% if count %}\n        two", "5:13", "'endif'", "in line 2"
    ),
    "wrong end of a block": rule("message: {title: '{% for a in log %}{% endif %}'}", "4:22", "'endfor'"),
    "unknown filter": rule("message: {title: '{{ reasons | joi }}'}", "4:22", "No filter named 'joi'"),
    "unknown name, near one": rule(
        "message: {title: '{{ cuont }}'}", "4:22", "'cuont' is undefined", 'did you mean "count"?'
    ),
    "unknown name, far from any": rule(
        "message: {body: '{{ payload.mode }}'}", "4:21", "'payload' is undefined", "the fields, and", "reasons", "total"
    ),
    "number and text": rule("message: {title: '{{ count + model }}'}", "4:22", "the template fails", "'int' and 'str'"),
    "what the sandbox forbids": rule("message: {title: '{{ count.__class__ }}'}", "4:22", "fails", "unsafe"),
    "another file": rule("message: {title: '{% include \"x\" %}'}", "4:22", "the template fails: no loader"),
    "empty": rule("message: {title: ''}", "4:22", "must not be empty"),
}

HUSHED: Mapping[str, Mistake] = {
    "a text": unless("unless: agent-offline", "7:13", "expected a list, found text"),
    "a number": unless("unless: [5]", "7:14", 'put it in quotes: "5"'),
    "a rule misspelt": unless(
        "unless: [agent-ofline]", "7:14", 'there is no rule "agent-ofline" (did you mean "agent-offline"?)'
    ),
    "a rule that there is not": unless("unless: [zzz]", "7:14", 'no rule "zzz"', "other rules of this folder"),
    "the rule itself": unless("unless: [agent-offline, r]", "7:29", "this rule itself", "name the rules"),
    "without farm in by": unless(
        "by: [miner]\n    unless: [agent-offline]", "8:13", 'label "farm"', "write unless_same, or add farm to by"
    ),
    "the other without farm in by": unless(
        "unless: [agent-offline]",
        "7:14",
        '"agent-offline" do not carry',
        'write unless_same, or add farm to the by of "agent-offline"',
        other="match: {}\n    by: [model]",
    ),
    "a label misspelt": unless(
        "unless: [agent-offline]\n    unless_same: [minr]", "8:19", "this rule's alerts do not carry", 'mean "miner"?'
    ),
    "a label that this rule lacks": unless(
        "unless: [agent-offline]\n    unless_same: [farm, rack]", "8:25", '"rack"', "they carry farm, miner, severity"
    ),
    "a label that the other lacks": unless(
        "unless: [agent-offline]\n    unless_same: [farm, miner]", "8:25", '"agent-offline"', "carry farm and severity"
    ),
    "a label that the watcher's rule lacks": unless(
        "unless: [agent-offline]\n    unless_same: [miner]",
        "8:19",
        '"agent-offline"',
        "they carry channel, farm, severity and watcher",
        other="match: {watcher: blind}\n    for: 1m",
    ),
    "each other": unless(
        "unless: [agent-offline]",
        "4:14",
        "hush each other",
        '"agent-offline" by "r", "r" by "agent-offline"; take one of them out of unless',
        other="match: {}\n    unless: [r]",
        about="agent-offline",
    ),
    "closing without a batch": unless("closing: true", "7:14", "closing goes with by: [farm, batch]"),
    "unless_same alone": unless("unless_same: [farm]", "7:18", "unless_same goes with unless"),
    "unless_same as a text": unless(
        "unless: [agent-offline]\n    unless_same: farm", "8:18", "expected a list, found text"
    ),
}

WATCHER: Mapping[str, Mistake] = {
    "a trouble misspelt": match("{watcher: blnd}", "3:22", 'no trouble "blnd" (did you mean "blind"?)'),
    "a trouble that there is not": match("{watcher: all}", "3:22", "there are blind, auth, gap"),
    "a number": match("{watcher: 5}", "3:22", 'put it in quotes: "5"'),
    "no trouble": match("{watcher: []}", "3:22", "must not be empty"),
    "a field of tasks": match("{watcher: blind, task: x}", "3:12", "only farm and channel go with it"),
    "channel alone": match("{channel: ops}", "3:12", "channel goes with watcher: channel only"),
    "by": match("{watcher: blind}\n    by: [farm]", "4:9", "by goes with tasks", "as long as its trouble"),
    "a condition": match("{watcher: blind}\n    count: {at_least: 5, within: 1h}", "4:12", "count goes with tasks"),
    "an end": match("{watcher: blind}\n    resolve: never", "4:14", "resolve goes with tasks"),
    "an expression": match("{watcher: blind}\n    where: 'true'", "4:12", "where goes with tasks"),
    "a rule that hushes it": match("{watcher: blind}\n    unless: [a]", "4:13", "unless goes with tasks"),
    "a label that it has": match("{watcher: blind}\n    labels: {channel: a}", "4:23", 'the label "channel"'),
}

GIVEN = "given: [{at: 1m, task: x, miner: m1, status: failed}]"
EXPECT = "expect: [{at: 2m, firing: []}]"

TESTS: Mapping[str, Mistake] = {
    "expect without at": case(f"{GIVEN}\n    expect: [{{firing: []}}]", "7:14", 'missing key "at"'),
    "given without at": case(f"given: [{{status: failed}}]\n    {EXPECT}", "6:13", 'missing key "at"'),
    "given without status": case(f"given: [{{at: 1m}}]\n    {EXPECT}", "6:13", 'missing key "status"'),
    "nothing given": case(f"given: []\n    {EXPECT}", "6:12", "must not be empty"),
    "nothing expected": case(GIVEN, "5:5", 'missing key "expect"'),
    "at without a unit": case(f"{GIVEN}\n    expect: [{{at: 2}}]", "7:19", "durations carry a unit"),
    "firing that is a text": case(f"{GIVEN}\n    expect: [{{at: 2m, firing: r}}]", "7:31", "write it in brackets"),
    "miners that are no range": case(
        f"given: [{{at: 1m, miner: m9..m1, status: failed}}]\n    {EXPECT}", "6:29", "write it like m1..m20"
    ),
    "a key misspelt": case(f"{GIVEN}\n    expect: [{{at: 2m, fires: []}}]", "7:23", "known here: at, firing and sent"),
    "without a name": raw(
        f"rules:\n  - name: r\n    match: {{}}\ntests:\n  - {GIVEN}\n    {EXPECT}\n", "5:5", 'missing key "name"'
    ),
    "in a mapping": raw("rules:\n  - {name: r, match: {}}\ntests: {name: t}\n", "3:8", 'every entry begins with "- "'),
    "in a rule": rule("tests: []", "4:5", 'unknown key "tests"', "known here"),
}

TIRED: Mapping[str, Mistake] = {
    "saved as UTF-16": raw("rules: []\n".encode("utf-16"), "1:1", "save the file as UTF-8"),
    "saved as Latin-1": raw("rules:\n  - name: Zürich\n".encode("latin-1"), "2:12", "save the file as UTF-8"),
    "a program": raw(b"\x7fELF\x02\x01\x01\x00", "1:1", "a control character is not allowed"),
    "an archive": raw(b"\x1f\x8b\x08\x00abc", "1:2", "is not UTF-8 text"),
    "a byte of nothing": raw("rules: []\n\0", "2:1", "a control character is not allowed here"),
    "too large": raw("# " + "x" * 1_100_000, WHOLE_FILE, "larger than 1 MiB", "split it"),
    "nested without an end": raw(f"rules: {'[' * 300}{']' * 300}\n", "1:40", "nested more than 32 deep"),
    "spaces from a web page": raw("rules:\n\xa0\xa0- name: r\n", "2:1", "a no-break space", "type a plain space"),
    "a space from a web page after a colon": raw("rules:\n  - name:\xa0r\n    match: {}\n", "2:10", "no-break space"),
    "quotes from a web page": raw(
        "rules:\n  - name: r\n    match: {status: “failed”}\n", "3:21", "“ is part of the text", "write plain ones"
    ),
    "a dash without a space": raw("rules:\n  -name: r\n    match: {}\n", "2:3", 'a "-" needs a space after it'),
    "a tab after a colon": raw("rules:\n  - name: r\n    match:\t{}\n", "3:11", "a tab: YAML"),
    "a merge left half done": raw(
        "rules:\n<<<<<<< HEAD\n  - name: r\n    match: {}\n=======\n  - name: s\n", "2:1", "keep one side"
    ),
    "an equals sign": raw("rules:\n  - name = r\n    match = {}\n", "2:5", "a mapping with the keys name, summary"),
    "a channel with a hash": raw(
        "rules:\n  - name: r\n    match: {}\n    notify: [#ops]\n", "4:14", "begins a comment", "needs quotes"
    ),
    "a channel with an at": raw("rules:\n  - name: r\n    notify: [@ops]\n", "3:14", "needs quotes"),
    "an apostrophe in quotes": raw("rules:\n  - name: r\n    summary: 'don't'\n", "3:19", "check", "the quotes"),
    "a path of Windows": raw('rules:\n  - name: r\n    summary: "C:\\data"\n', "3:18", "single quotes"),
    "a file included": raw("rules: !include more.yaml\n", "1:8", "tags are not allowed"),
    "rules as a text": raw("rules: |\n  - name: r\n", "1:8", "expected a list, found text"),
    "rules in capitals": raw("Rules:\n  - name: r\n", "1:1", 'did you mean "rules"?'),
    "groups, as in Prometheus": raw("groups:\n  - name: g\n", "1:1", "known here: rules and tests"),
    "a rule under its name": Mistake(
        "rules:\n  - r: {match: {}}\n", "2:5", ('missing key "name"',), about="", beside=("2:5",)
    ),
    "alert, as in Prometheus": Mistake(
        "rules:\n  - alert: r\n    match: {}\n", "2:5", ('missing key "name"',), about="", beside=("2:5",)
    ),
    "expr, as in Prometheus": rule("expr: count > 5", "4:5", 'did you mean "where"?'),
    "name in capitals": Mistake(
        "rules:\n  - Name: r\n    match: {}\n", "2:5", ('missing key "name"',), about="", beside=("2:5",)
    ),
    "name that is a list": raw("rules:\n  - name: [r]\n    match: {}\n", "2:11", "expected text, found a list"),
    "a name for another's key": rule("group_by: [farm]", "4:5", 'did you mean "by"?'),
    "description": rule("description: x", "4:5", 'did you mean "summary"?'),
    "channels": rule("channels: [ops]", "4:5", 'did you mean "notify"?'),
    "title beside the message": rule("title: x", "4:5", 'did you mean "message"?'),
    "on, which is text here": rule("on: failed", "4:5", 'unknown key "on" (did you mean "match"?)'),
    "condition": rule("condition: count", "4:5", 'unknown key "condition"', "count, ratio"),
    "enabled": rule("enabled: false", "4:5", 'unknown key "enabled"', "known here"),
    "subject": rule("message: {subject: x}", "4:15", "known here: title and body"),
    "severity in smart quotes": raw(
        "rules:\n  - name: r\n    severity: “critical”\n", "3:15", "“ is part of the text", "plain ones"
    ),
    "severity in capitals": rule("severity: Critical", "4:15", 'did you mean "critical"?'),
    "severity error": rule("severity: error", "4:15", 'expected "info", "warning" or "critical"'),
    "severity with nothing": rule("severity:", "4:5", "found nothing"),
    "by with commas": rule("by: farm, miner", "4:9", "write it in brackets, [first, second]"),
    "by in capitals": rule("by: [Farm]", "4:10", 'did you mean "farm"?'),
    "by of a label": rule("labels: {team: a}\n    by: [farm, team]", "5:16", 'unknown field "team"', "known here"),
    "by in a mapping": rule("by: {farm: x}", "4:9", 'every entry begins with "- "'),
    "nobody to notify": rule("notify: []", "4:13", "must not be empty"),
    "label without a value": rule("labels: {team: }", "4:14", "expected text, found nothing"),
    "a comparison for a count": rule("count: '>= 5'", "4:12", "keys at_least, within and distinct", "found text"),
    "count in words": rule("count: {at_least: five, within: 1h}", "4:23", "expected a whole number, found text"),
    "count below nothing": rule("count: {at_least: -1, within: 1h}", "4:23", "must be at least 1"),
    "threshold": rule("count: {threshold: 5, within: 1h}", "4:13", 'did you mean "at_least"?', beside=("4:12",)),
    "window": rule("count: {at_least: 5, window: 1h}", "4:26", 'did you mean "within"?', beside=("4:12",)),
    "at least as two words": rule("count: {at least: 5, within: 1h}", "4:13", '"at_least"?', beside=("4:12",)),
    "a window of nothing": rule("count: {at_least: 5, within: 0s}", "4:34", "at least 1s"),
    "a window without a unit": rule("count: {at_least: 5, within: '10'}", "4:34", LENGTHS),
    "percent in words": rule("ratio: {at_least: 20 percent, within: 1h}", "4:23", "such as 20% or 12.5%"),
    "percent after a space": rule("ratio: {at_least: 20 %, within: 1h}", "4:23", "such as 20% or 12.5%"),
    "of a number": rule("ratio: {at_least: 20%, within: 1h, of: 10}", "4:44", "expected a mapping", "number 10"),
    "stuck for": rule("stuck: {for: 5m}", "4:13", 'did you mean "longer_than"?', beside=("4:12",)),
    "stuck of what is over": rule(
        "stuck: {longer_than: 5m}", "3:12", "stuck is about open tasks: a status of created, queuing or pending"
    ),
    "percent of times": rule("spike: {times: 300%, within: 1h, baseline: 1d}", "4:20", "such as 3 or 2.5"),
    "resolve in words": rule("resolve: after 6h", "4:14", ENDINGS),
    "expire in capitals": rule("expire: Never", "4:13", "or never"),
    "a length in two words": rule("keep_firing_for: 1d 2h", "4:22", LENGTHS),
    "a length as in ISO": rule("for: PT5M", "4:10", LENGTHS),
    "match in a list": Mistake(
        "rules:\n  - name: r\n    match:\n      - status: failed\n", "4:7", ("with the keys task, status",)
    ),
    "field in camels": match("{firmwareVersion: x}", "3:13", 'did you mean "firmware_version"?'),
    "field in a field": match("{miner: {model: x}}", "3:20", "expected text or a list of texts"),
    "comparison the wrong way": match("{duration: '=> 10m'}", "3:23", LENGTHS),
    "from one length to another": match("{duration: 5m..10m}", "3:23", LENGTHS),
    "or in letters": rule("where: status == 'a' or task == 'b'", "4:12", "CEL writes || for or"),
    "not in letters": rule("where: not (status == 'a')", "4:12", "CEL writes ! for not"),
    "a length in an expression": rule("where: duration > 5m", "4:12", "numbers of seconds"),
    "a regex as in Perl": rule("where: model =~ 'S19'", "4:12", "model.matches("),
    "an expression with a fault in its second line": rule(
        "where: |\n      status == 'a' &&\n      model == == 'x'", "4:12", "line 2, character 10"
    ),
    "a template of Go": rule("message: {title: '{{ .count }}'}", "4:22", "no Jinja2 template"),
    "a template of Prometheus": rule("message: {title: '{{ $labels.farm }}'}", "4:22", "no Jinja2 template"),
    "a division by zero": rule("message: {title: '{{ 1 / 0 }}'}", "4:22", "the template fails: division by zero"),
    "a template without an end": rule(
        "message: {title: '{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}'}",
        "4:22",
        "longer than half a second",
    ),
    "a template that repeats without an end": rule(
        "message: {title: \"{{ 'a' * 200000000 }}\"}", "4:22", "repeats something too often"
    ),
}

CORPUS = {
    f"{kind}: {name}": mistake
    for kind, mistakes in {
        "yaml": YAML,
        "file": FILES,
        "key": KEYS,
        "duration": DURATIONS,
        "resolve": ENDS,
        "match": MATCHES,
        "condition": CONDITIONS,
        "where": EXPRESSIONS,
        "template": TEMPLATES,
        "unless": HUSHED,
        "watcher": WATCHER,
        "test": TESTS,
        "tired": TIRED,
    }.items()
    for name, mistake in mistakes.items()
}
