"""The stand-in for Slack's webhook proves itself: what it refuses and why, and what a reader would see of the rest."""

import json
import time
import timeit
from typing import Any

import pytest
import requests

from tests.standins import slack
from tests.standins.verdict import STRICT, Allowed, Live, Refused


def body(**payload: Any) -> bytes:
    return json.dumps(payload).encode()


def section(text: Any, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def header(text: str, kind: str = "plain_text") -> dict[str, Any]:
    return {"type": "header", "text": {"type": kind, "text": text}}


def button(**more: Any) -> dict[str, Any]:
    return {
        "type": "actions",
        "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Go"}, **more}],
    }


BAD: list[tuple[str, bytes, str, str]] = [
    ("an empty body", b"", "invalid_payload", "no JSON"),
    ("a form", b"payload=%7B%7D", "invalid_payload", "no JSON"),
    ("bytes that are no UTF-8", b'{"text": "\xff"}', "invalid_payload", "no JSON"),
    ("half a surrogate pair", b'{"text": "\\ud83d"}', "invalid_payload", "surrogates"),
    ("an array", b'["text"]', "invalid_payload", "no JSON object"),
    ("NaN", b'{"text": "a", "ts": NaN}', "invalid_payload", "NaN"),
    ("a key twice", b'{"text": "a", "text": "b"}', "invalid_payload", "twice"),
    ("a cut body", b'{"text": "a', "invalid_payload", "no JSON"),
    ("an endless nest", b"[" * 100_000, "invalid_payload", "no JSON"),
    ("a number for a text", body(text=5), "invalid_payload", "no string"),
    ("nothing to say", body(), "no_text", "nothing to see"),
    ("an empty text", body(text=""), "no_text", "nothing to see"),
    ("a blank text", body(text=" \n\t"), "no_text", "nothing to see"),
    ("too long a text", body(text="x" * 40_001), "msg_too_long", "40001"),
    ("a tag", body(text="<b>bold</b>"), "invalid_payload", "nothing that Slack knows"),
    ("a lone opening bracket", body(text="a < b"), "invalid_payload", "unescaped <"),
    ("a lone closing bracket", body(text="a -> b"), "invalid_payload", "unescaped >"),
    ("an ampersand", body(text="R&D"), "invalid_payload", "unescaped &"),
    ("a quote escaped too far", body(text="Bob&#x27;s"), "invalid_payload", "unescaped &"),
    ("a non-breaking space of HTML", body(text="a&nbsp;b"), "invalid_payload", "unescaped &"),
    ("an empty control sequence", body(text="<>"), "invalid_payload", "nothing that Slack knows"),
    ("a date without a fallback", body(text="<!date^1^{date}>"), "invalid_payload", "nothing that Slack knows"),
    ("a script for a link", body(text="<javascript:alert(1)|x>"), "invalid_payload", "nothing that Slack knows"),
    ("all of the channel", body(text="<!channel> M-1"), "invalid_payload", "live mention '!channel'"),
    ("all who are here", body(text="<!here|here>"), "invalid_payload", "live mention '!here'"),
    ("everyone", body(text="<!everyone>"), "invalid_payload", "live mention '!everyone'"),
    ("a person", body(text="<@U024BE7LH>"), "invalid_payload", "live mention '@U024BE7LH'"),
    ("a group", body(text="<!subteam^SAZ94GDB8>"), "invalid_payload", "live mention '!subteam^SAZ94GDB8'"),
    ("a channel", body(text="<#C024BE7LR>"), "invalid_payload", "live channel '#C024BE7LR'"),
    ("a foreign link", body(text="<http://evil.example|bank>"), "invalid_payload", "live link 'http://evil.example'"),
    ("a bare link", body(text="see http://evil.example/a."), "invalid_payload", "live link 'http://evil.example/a'"),
    ("a bare host", body(text="on evil.com now"), "invalid_payload", "live link 'evil.com'"),
    ("a mail address", body(text="ask ops@evil.com"), "invalid_payload", "live link 'ops@evil.com'"),
    ("a date", body(text="<!date^1^{date}|then>"), "invalid_payload", "live date"),
    ("a mention in code", body(text="`<!channel>`"), "invalid_payload", "live mention"),
    ("a name where names are linked", body(text="@here", link_names=1), "invalid_payload", "live mention '@here'"),
    ("a name where all is parsed", body(text="@bob", parse="full"), "invalid_payload", "live mention '@bob'"),
    (
        "a mention that only the push shows",
        body(text="<!here>", blocks=[section("a")]),
        "invalid_payload",
        "live mention",
    ),
    ("blocks that are no list", body(blocks={}), "invalid_blocks", "no list"),
    ("no block", body(blocks=[]), "invalid_blocks", "no list"),
    ("too many blocks", body(blocks=[section("a")] * 51), "invalid_blocks", "no list of 1 to 50"),
    ("a block that is a string", body(blocks=["a"]), "invalid_blocks", "no object"),
    ("a block without a type", body(blocks=[{"text": "a"}]), "invalid_blocks", "type None"),
    ("a block of no message", body(blocks=[{"type": "input"}]), "invalid_blocks", "type 'input'"),
    ("a block with a strange field", body(blocks=[section("a", colour="red")]), "invalid_blocks", "colour"),
    ("a section without a text", body(blocks=[{"type": "section"}]), "invalid_blocks", "neither text nor fields"),
    ("a section with an empty text", body(blocks=[section("")]), "invalid_blocks", "empty"),
    ("a section with a bare string", body(blocks=[{"type": "section", "text": "a"}]), "invalid_blocks", "no object"),
    ("too long a section", body(blocks=[section("x" * 3001)]), "invalid_blocks", "3001 of at most 3000"),
    ("a section that escaping made too long", body(blocks=[section("&lt;" * 751)]), "invalid_blocks", "3004"),
    ("too long a section of emoji", body(blocks=[section("🔥" * 1501)]), "invalid_blocks", "3002"),
    ("a section with raw markup", body(blocks=[section("<b>")]), "invalid_blocks", "nothing that Slack knows"),
    (
        "too long a field",
        body(blocks=[{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}]),
        "invalid_blocks",
        "2001",
    ),
    (
        "too many fields",
        body(blocks=[{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}]),
        "invalid_blocks",
        "1 to 10",
    ),
    ("too long a header", body(blocks=[header("x" * 151)]), "invalid_blocks", "151 of at most 150"),
    ("a header in mrkdwn", body(blocks=[header("x", "mrkdwn")]), "invalid_blocks", "type 'mrkdwn'"),
    ("raw markup in a header", body(blocks=[header("<!channel>")]), "invalid_blocks", "angle bracket"),
    ("a raw ampersand in a header", body(blocks=[header("R&D")]), "invalid_blocks", "unescaped &"),
    (
        "emoji in mrkdwn",
        body(blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": "a", "emoji": True}}]),
        "invalid_blocks",
        "emoji",
    ),
    (
        "too full a context",
        body(blocks=[{"type": "context", "elements": [{"type": "mrkdwn", "text": "a"}] * 11}]),
        "invalid_blocks",
        "1 to 10",
    ),
    (
        "an empty context",
        body(blocks=[{"type": "context", "elements": []}]),
        "invalid_blocks",
        "1 to 10",
    ),
    ("a divider with a text", body(blocks=[{"type": "divider", "text": "a"}]), "invalid_blocks", "text"),
    ("a block_id twice", body(blocks=[section("a", block_id="1")] * 2), "invalid_blocks", "twice"),
    ("a button without an address", body(blocks=[button(url="evil")]), "invalid_blocks", "no web address"),
    ("a button of a strange style", body(blocks=[button(style="loud")]), "invalid_blocks", "primary or danger"),
    ("a button to a stranger", body(blocks=[button(url="https://evil.example")]), "invalid_payload", "live link"),
    (
        "an image",
        body(blocks=[{"type": "image", "image_url": "https://evil.example/x.png", "alt_text": "x"}]),
        "invalid_payload",
        "live image",
    ),
    ("attachments that are no list", body(attachments={}), "invalid_attachments", "no list"),
    ("too many attachments", body(attachments=[{"text": "a"}] * 101), "too_many_attachments", "101"),
    ("an attachment without a text", body(attachments=[{"color": "#f00"}]), "no_text", "no text"),
    ("raw markup in an attachment's title", body(attachments=[{"title": "<a>"}]), "invalid_payload", "angle bracket"),
    ("a mention in an attachment", body(attachments=[{"text": "<!here>"}]), "invalid_payload", "live mention"),
    (
        "a mention in an attachment's block",
        body(attachments=[{"blocks": [section("<!here>")]}]),
        "invalid_payload",
        "live mention",
    ),
    ("an attachment's title that links", body(attachments=[{"text": "a", "title_link": "x"}]), "invalid_payload", "x"),
]


@pytest.mark.parametrize(("payload", "answer", "reason"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_it_refuses_what_slack_would_refuse_and_what_may_not_be_live(payload: bytes, answer: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        slack.judged(payload, allowed=STRICT)
    assert caught.value.answer == answer
    assert reason in caught.value.reason


GOOD: list[tuple[str, str, list[Live]]] = [
    ("plain words", "plain words", []),
    ("&lt;!channel&gt; R&amp;D", "<!channel> R&D", []),
    ("&amp;lt;b&amp;gt;", "&lt;b&gt;", []),
    ("*bold* and _italic_ and ~gone~", "bold and italic and gone", [
        Live("bold", "bold"), Live("italic", "italic"), Live("strike", "gone")]),
    ("*_both_*", "both", [Live("bold", "_both_"), Live("italic", "both")]),
    ("2 * 3 * 4, snake_case_name, a*b*c, ~5", "2 * 3 * 4, snake_case_name, a*b*c, ~5", []),
    ("`*not bold* &lt;b&gt;`", "*not bold* <b>", [Live("code", "*not bold* <b>")]),
    ("```a\n*b*```", "a\n*b*", [Live("pre", "a\n*b*")]),
    ("&gt; quoted", "quoted", [Live("quote", "&gt; ")]),
    ("a &gt; b", "a > b", []),
    ("*<https://farm.example/w?a=1&amp;b=2|the wiki>*", "the wiki", [
        Live("link", "https://farm.example/w?a=1&b=2"), Live("bold", "the wiki")]),
    ("<https://farm.example/>", "https://farm.example/", [Live("link", "https://farm.example/")]),
    ("<@U024BE7LH|Bob> <!here>", "Bob @here", [Live("mention", "@U024BE7LH"), Live("mention", "!here")]),
    ("M-0001 (S21 Pro, 10.0.3.1) at 15:40:03, v1.2.3.bin", "M-0001 (S21 Pro, 10.0.3.1) at 15:40:03, v1.2.3.bin", []),
    ("see README.md, or @here", "see README.md, or @here", [Live("link", "README.md")]),
    ("a :fire: at 00:1a:2b", "a :fire: at 00:1a:2b", [Live("emoji", ":fire:")]),
    ("\ufdd00\ufdd1", "\ufffd0\ufffd", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "seen", "live"), GOOD)
def test_a_reader_sees_the_text_without_its_marks(text: str, seen: str, live: list[Live]) -> None:
    verdict = slack.judged(body(text=text))
    assert (verdict.text, list(verdict.live)) == (seen, live)


def test_the_blocks_are_seen_in_their_order_and_the_text_beside_them_is_not() -> None:
    payload = body(
        text="what the push shows",
        attachments=[
            {
                "color": "#a00",
                "blocks": [header("Critical: 300 &lt; 900"), section("*300* of 900"), {"type": "divider"}],
            }
        ],
        blocks=[button(url="https://farm.example")],
    )
    assert slack.judged(payload).text == "Go\nCritical: 300 < 900\n300 of 900"


def test_without_mrkdwn_the_marks_stay_but_a_mention_is_one() -> None:
    verdict = slack.judged(body(text="*a* <!here>", mrkdwn=False))
    assert verdict.text == "*a* @here"
    assert verdict.live == (Live("mention", "!here"),)


def test_a_link_that_is_allowed_is_taken() -> None:
    own = Allowed(links=lambda url: url.startswith("https://farm.example/"))
    assert slack.judged(body(text="<https://farm.example/a|wiki>"), allowed=own).text == "wiki"
    with pytest.raises(Refused, match="live link"):
        slack.judged(body(text="<https://farm.example.evil.com/a|wiki>"), allowed=own)


def test_it_answers_as_slack_does_and_keeps_what_it_took_and_what_it_refused() -> None:
    with slack.Stand() as stand:
        taken = requests.post(stand.hook, json={"text": "R&amp;D"}, timeout=5)
        refused = requests.post(stand.hook, json={"text": "<!channel>"}, timeout=5)
        elsewhere = requests.post(f"{stand.url}/T0/B0/xyz", json={"text": "a"}, timeout=5)
    assert (taken.status_code, taken.text) == (200, "ok")
    assert (refused.status_code, refused.text) == (400, "invalid_payload")
    assert (elsewhere.status_code, elsewhere.text) == (404, "no_service")
    assert [message.seen for message in stand.received] == ["R&D"]
    assert [refusal.reason for refusal in stand.refused] == [
        "live mention '!channel'",
        "nothing is at /services/T0/B0/xyz",
    ]


def test_what_slack_says_of_a_channel_that_is_gone_can_be_scripted() -> None:
    with slack.Stand() as stand:
        stand.answers += [slack.ARCHIVED, slack.INVALID_TOKEN, slack.NO_SERVICE]
        said = [requests.post(stand.hook, json={"text": "a"}, timeout=5) for _ in range(4)]
    assert [(one.status_code, one.text) for one in said] == [
        (410, "channel_is_archived"),
        (403, "invalid_token"),
        (404, "no_service"),
        (200, "ok"),
    ]


def test_more_than_a_message_a_second_is_told_to_wait() -> None:
    now = [100.0]
    with slack.Stand(clock=lambda: now[0]) as stand:
        statuses = []
        for now[0] in (100.0, 100.4, 101.0, 101.9, 102.0):
            answer = requests.post(stand.hook, json={"text": "a"}, timeout=5)
            statuses.append((answer.status_code, answer.headers.get("Retry-After")))
    assert statuses == [(200, None), (429, "1"), (200, None), (429, "1"), (200, None)]


def test_a_message_is_judged_in_well_under_two_milliseconds() -> None:
    lines = "\n".join(f"• M-{number:04} (S21 Pro, 10.0.3.{number}) &lt;!channel&gt; *x* _y_" for number in range(40))
    payload = body(attachments=[{"blocks": [header("Critical"), section(lines)]}])
    rounds = timeit.repeat(lambda: slack.judged(payload, allowed=STRICT), number=20, repeat=10, timer=time.process_time)
    assert min(rounds) / 20 < 0.002
