"""The stand-in for Telegram's Bot API proves itself: what it refuses and why, and what a reader sees of the rest."""

import json
import time
import timeit
from typing import Any

import pytest
import requests

from tests.standins import telegram
from tests.standins.multipart import parts_of
from tests.standins.verdict import STRICT, Allowed, Live, Refused, Seen

PARSE = "can't parse entities: "
LIVE = "Bad Request: refused by the stand-in"

BAD_HTML: list[tuple[str, str, str, str]] = [
    ("a tag Telegram does not know", "<p>a</p>", PARSE + 'Unsupported start tag "p" at byte offset 0', ""),
    ("a break", "a<br>b", PARSE + 'Unsupported start tag "br" at byte offset 1', ""),
    ("a closed break", "a<br/>b", PARSE + 'Unsupported start tag "br/" at byte offset 1', ""),
    ("a script", "<script>x</script>", PARSE + 'Unsupported start tag "script"', ""),
    ("an image", '<img src="x">', PARSE + 'Unsupported start tag "img"', ""),
    ("a comment", "<!-- a -->", PARSE + 'Unsupported start tag "!--"', ""),
    ("a mention of Slack's", "<!channel> a", PARSE + 'Unsupported start tag "!channel"', ""),
    ("a name in angle brackets", "miner <unknown>", PARSE + 'Unsupported start tag "unknown" at byte offset 6', ""),
    ("the offset is told in bytes", "矿机 <x>", PARSE + 'Unsupported start tag "x" at byte offset 7', ""),
    ("a lone bracket at the end", "a <", PARSE + "Unclosed start tag at byte offset 2", ""),
    ("a lone bracket before a space", "1 < 2 > 0", PARSE + 'Unsupported start tag "" at byte offset 2', ""),
    ("a tag cut off", "a <b", PARSE + "Unclosed start tag at byte offset 2", ""),
    ("a tag that nobody closes", "<b>a", PARSE + 'Can\'t find end tag corresponding to start tag "b"', ""),
    ("two of which one is closed", "<b><i>a</i>", PARSE + 'Can\'t find end tag corresponding to start tag "b"', ""),
    ("tags that cross", "<b><i>a</b></i>", PARSE + 'Unmatched end tag at byte offset 7, expected "</i>"', ""),
    ("another tag's end", "<b>a</strong>", PARSE + 'Unmatched end tag at byte offset 4, expected "</b>"', ""),
    ("an end without a start", "a</b>", PARSE + "Unexpected end tag at byte offset 1", ""),
    ("an end that is cut off", "<b>a</b", PARSE + "Unclosed end tag at byte offset 4", ""),
    ("an end with more in it", "<b>a</b x>", PARSE + "Unclosed end tag at byte offset 4", ""),
    ("a span of another class", '<span class="x">a</span>', PARSE + 'Tag "span" must have class "tg-spoiler"', ""),
    ("a span without a class", "<span>a</span>", PARSE + 'Tag "span" must have class "tg-spoiler"', ""),
    ("an attribute without a value", "<a href>x</a>", PARSE + "Expected equal sign in declaration", ""),
    ("a value that is cut off", '<a href="x', PARSE + "Unclosed start tag at byte offset 0", ""),
    ("a bare address as a value", "<a href=http://x>x</a>", PARSE + "Unexpected end of name token", ""),
    ("half a surrogate pair", "&#xd83d;", PARSE + "Text contains invalid Unicode characters", ""),
    ("an emoji that is none", '<tg-emoji emoji-id="x">a</tg-emoji>', PARSE + "Invalid custom emoji", ""),
    ("no text", "", "message text is empty", "nothing to see"),
    ("blanks", " \n\t ", "message text is empty", "nothing to see"),
    ("tags around nothing", "<b></b> ", "message text is empty", "nothing to see"),
    ("too long a text", "x" * 4097, "message is too long", "4097 of at most 4096"),
    ("too many emoji", "🔥" * 2049, "message is too long", "4098 of at most 4096"),
    ("a text that is too long without its tags", "<b>" + "x" * 4097 + "</b>", "message is too long", "4097"),
    ("a foreign link", '<a href="http://evil.com">bank</a>', LIVE, "live link 'http://evil.com'"),
    ("a link to its own text", "<a>evil.com</a>", LIVE, "live link 'evil.com'"),
    ("a person by number", '<a href="tg://user?id=42">Bob</a>', LIVE, "live mention 'tg://user?id=42'"),
    ("a person by name", "ask @alice now", LIVE, "live mention '@alice'"),
    ("everyone who is here", "@here", LIVE, "live mention '@here'"),
    ("a person in bold", "<b>@alice</b>", LIVE, "live mention '@alice'"),
    ("a person behind an entity", "&#64;alice", LIVE, "live mention '@alice'"),
    ("a command", "/stop", LIVE, "live command '/stop'"),
    ("a command for a bot", "do /stop@watcher_bot", LIVE, "live command '/stop@watcher_bot'"),
    ("a tag", "#barn1", LIVE, "live hashtag '#barn1'"),
    ("a cashtag", "$BTC", LIVE, "live cashtag '$BTC'"),
    ("a bare link", "http://evil.com/a?b#c.", LIVE, "live link 'http://evil.com/a?b#c'"),
    ("a bare link to an unknown domain", "https://evil.example", LIVE, "live link 'https://evil.example'"),
    ("a bare host", "evil.com", LIVE, "live link 'evil.com'"),
    ("a file's name that is a host", "README.md", LIVE, "live link 'README.md'"),
    ("a bare address of a miner", "M-1 (10.0.3.1)", LIVE, "live link '10.0.3.1'"),
    ("an address with a port", "10.0.3.1:4028", LIVE, "live link '10.0.3.1:4028'"),
    ("a link of Telegram's own", "tg://resolve?domain=evil", LIVE, "live link 'tg://resolve?domain=evil'"),
    ("a mail address", "ops@farm.com", LIVE, "live link 'mailto:ops@farm.com'"),
    ("more formatting than is kept", "<b>a</b> " * 101, LIVE, "101 of at most 100 entities"),
    ("another emoji than its sign", '<tg-emoji emoji-id="5">a</tg-emoji>', LIVE, "live custom emoji"),
]  # fmt: skip


def judged(text: Any, mode: Any = "HTML", allowed: Allowed | None = STRICT, **more: Any) -> Seen:
    return telegram.judged("sendMessage", {"text": text, "parse_mode": mode, **more}, {}, allowed)


@pytest.mark.parametrize(
    ("text", "answer", "reason"), [case[1:] for case in BAD_HTML], ids=[case[0] for case in BAD_HTML]
)
def test_it_refuses_what_telegram_would_refuse_and_what_may_not_be_live(text: str, answer: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        judged(text)
    assert caught.value.answer.removeprefix("Bad Request: ").startswith(answer.removeprefix("Bad Request: "))
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"text": 5}, "message text is empty"),
        ({"text": None}, "message text is empty"),
        ({"text": "a", "parse_mode": "Markup"}, "unsupported parse_mode"),
        ({"text": "a", "parse_mode": "MarkdownV2"}, "unsupported parse_mode"),
        ({"text": "a", "reply_markup": "{"}, "can't parse reply keyboard"),
        ({"text": "a", "reply_markup": {"inline_keyboard": [[{"text": "x"}]]}}, "can't parse reply keyboard"),
        ({"text": "a", "reply_markup": {"inline_keyboard": [[{"text": "x", "url": "http://e"}]]}}, "refused by"),
    ],
)
def test_it_refuses_bad_fields(fields: dict[str, Any], answer: str) -> None:
    with pytest.raises(Refused, match=answer):
        telegram.judged("sendMessage", fields, {}, STRICT)


GOOD: list[tuple[str, str | None, list[Live]]] = [
    ("plain words", "plain words", []),
    ("<b>a</b> <STRONG>b</STRONG> <i>c</i> <u>d</u> <del>e</del>", "a b c d e", [
        Live("bold", "a"), Live("bold", "b"), Live("italic", "c"), Live("underline", "d"), Live("strike", "e")]),
    ("<b>a <i>b</i></b>", "a b", [Live("italic", "b"), Live("bold", "a b")]),
    ("<b>a</>", "a", [Live("bold", "a")]),
    ("<code>@alice 10.0.3.1</code>", "@alice 10.0.3.1", [Live("code", "@alice 10.0.3.1")]),
    ('<pre><code class="language-yaml">a: b</code></pre>', "a: b", [Live("code", "a: b"), Live("pre", "a: b")]),
    ("<blockquote expandable>a</blockquote>", "a", [Live("quote", "a")]),
    ('<span class="tg-spoiler">a</span><tg-spoiler>b</tg-spoiler>', "ab", [Live("spoiler", "a"), Live("spoiler", "b")]),
    ("&lt;b&gt; &amp;amp; &quot;x&quot; &#39; &#x1F525;", '<b> &amp; "x" \' 🔥', []),
    ("&nbsp; R&D &#0; &lt", "&nbsp; R&D &#0; <", []),
    ("a > b", "a > b", []),
    ('<a href="https://farm.com/?a=1&amp;b=2">evil.com</a>', "evil.com", [Live("link", "https://farm.com/?a=1&b=2")]),
    ("1/2 and/or a@b 10.0.3 1.2.3.4.5 v1.2.3.bin #1 $5 @bob x@alice", None, []),
    ("M-0001 (S21 Pro) at 15:40:03 CST, 300 of 900", None, []),
    ("\uff20here", None, []),
    ("机@alice, 机/stop, é#barn1", None, []),
    ("  a\r\nb\x07\n", "a\nb", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "seen", "live"), GOOD)
def test_a_reader_sees_the_text_without_its_tags(text: str, seen: str | None, live: list[Live]) -> None:
    verdict = judged(text, allowed=None)
    assert (verdict.text, list(verdict.live)) == (text if seen is None else seen, live)


def test_without_a_parse_mode_tags_are_text() -> None:
    assert judged("<b>a</b> &amp;", mode="").text == "<b>a</b> &amp;"


@pytest.mark.parametrize("text", ["x" * 4096, "🔥" * 2048, "<b>" + "&lt;" * 4096 + "</b>"])
def test_what_is_just_short_enough_once_read_is_taken(text: str) -> None:
    assert judged(text).text


def sent(stand: telegram.Stand, method: str = "sendMessage", token: str = telegram.TOKEN, **fields: Any) -> Any:
    answer = requests.post(f"{stand.url}{token}/{method}", json=fields, timeout=5)
    said = answer.json()
    assert said["ok"] is (answer.status_code == 200)
    assert answer.status_code == said.get("error_code", 200)
    return said


def test_it_answers_as_telegram_does_and_keeps_what_it_took_and_what_it_refused() -> None:
    with telegram.Stand() as stand:
        stand.blocked.add("4712")
        stand.migrated["-5"] = -1005
        assert sent(stand, chat_id=4711, text="<b>a</b>", parse_mode="HTML")["result"]["text"] == "a"
        refused = [
            sent(stand, chat_id=4711, text="<b>a", parse_mode="HTML"),
            sent(stand, chat_id=1, text="a"),
            sent(stand, text="a"),
            sent(stand, chat_id=4712, text="a"),
            sent(stand, chat_id=-5, text="a"),
            sent(stand, token="1:other", chat_id=4711, text="a"),
            sent(stand, method="sendDance", chat_id=4711),
        ]
    assert [(one["error_code"], one["description"]) for one in refused] == [
        (400, "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\""),
        (400, "Bad Request: chat not found"),
        (400, "Bad Request: chat_id is empty"),
        (403, "Forbidden: bot was blocked by the user"),
        (400, "Bad Request: group chat was upgraded to a supergroup chat"),
        (401, "Unauthorized"),
        (404, "Not Found"),
    ]
    assert refused[4]["parameters"] == {"migrate_to_chat_id": -1005}
    assert [(message.to, message.seen) for message in stand.received] == [("4711", "a")]
    assert len(stand.refused) == 7


@pytest.mark.parametrize(
    ("body", "kind", "description"),
    [
        (b"{", "application/json", "Bad Request: can't parse JSON object"),
        (b'{"text": "\xff"}', "application/json", "Bad Request: strings must be encoded in UTF-8"),
        (b'{"text": "\\ud83d"}', "application/json", "Bad Request: strings must be encoded in UTF-8"),
        (b"[]", "application/json", "Bad Request: message text is empty"),
        (b"{}", "text/plain", "Bad Request: message text is empty"),
        (b"", "multipart/form-data", "Bad Request: can't parse JSON object"),
        (b"--x\r\n", "multipart/form-data; boundary=x", "Bad Request: can't parse JSON object"),
    ],
)
def test_a_body_that_holds_no_fields_is_refused(body: bytes, kind: str, description: str) -> None:
    with telegram.Stand() as stand:
        url = f"{stand.url}{telegram.TOKEN}/sendMessage"
        answer = requests.post(url, data=body, headers={"Content-Type": kind}, timeout=5)
    assert (answer.status_code, answer.json()["description"]) == (400, description)


def test_a_document_arrives_with_its_caption() -> None:
    with telegram.Stand() as stand:
        url = f"{stand.url}{telegram.TOKEN}/sendDocument"
        fields = {"chat_id": "4711", "caption": "<b>300</b> miners", "parse_mode": "HTML"}
        answer = requests.post(url, data=fields, files={"document": ("miners.csv", b"id\r\nM-1\r\n")}, timeout=5)
    assert answer.status_code == 200
    (message,) = stand.received
    assert (message.seen, message.files) == ("300 miners", {"miners.csv": b"id\r\nM-1\r\n"})


@pytest.mark.parametrize(
    ("caption", "files", "answer"),
    [
        ("a", {}, "there is no document"),
        ("a", {"document": {"a.csv": b""}}, "file must be non-empty"),
        ("x" * 1025, {"document": {"a.csv": b"a"}}, "message caption is too long"),
        ("<b>", {"document": {"a.csv": b"a"}}, "can't parse entities"),
        ("@alice", {"document": {"a.csv": b"a"}}, "live mention"),
    ],
)
def test_a_bad_document_is_refused(caption: str, files: dict[str, dict[str, bytes]], answer: str) -> None:
    with pytest.raises(Refused, match=answer):
        telegram.judged("sendDocument", {"caption": caption, "parse_mode": "HTML"}, files, STRICT)


def test_a_form_of_requests_own_is_read() -> None:
    request = requests.Request("POST", "http://x", data={"a": "ä"}, files={"f": ("n.csv", b"\r\n--\r\n")}).prepare()
    assert isinstance(request.body, bytes)
    assert parts_of(request.body, str(request.headers["Content-Type"])) == ({"a": "ä"}, {"f": {"n.csv": b"\r\n--\r\n"}})


def test_a_chat_gets_one_message_a_second_and_a_group_twenty_a_minute() -> None:
    now = [0.0]
    group = -1001234567890
    with telegram.Stand(clock=lambda: now[0]) as stand:
        assert sent(stand, chat_id=4711, text="a")["ok"]
        hasty = sent(stand, chat_id=4711, text="a")
        assert sent(stand, chat_id=4712, text="a")["ok"]
        for now[0] in range(1, 21):
            assert sent(stand, chat_id=group, text="a")["ok"]
        now[0] = 22.5
        crowded = sent(stand, chat_id=group, text="a")
        now[0] = 61.0
        assert sent(stand, chat_id=group, text="a")["ok"]
    assert (hasty["error_code"], hasty["parameters"]) == (429, {"retry_after": 1})
    assert (crowded["description"], crowded["parameters"]) == ("Too Many Requests: retry after 39", {"retry_after": 39})


def test_another_answer_can_be_scripted() -> None:
    with telegram.Stand() as stand:
        stand.answers.append(telegram.failure(429, "Too Many Requests: retry after 7", {"retry_after": 7}))
        url = f"{stand.url}{telegram.TOKEN}/sendMessage"
        answer = requests.post(url, data=json.dumps({}), timeout=5)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert stand.received == []


def test_a_message_is_judged_in_well_under_two_milliseconds() -> None:
    lines = "\n".join(f"• <b>M-{number:04}</b> (S21 Pro, 10.0.3.{number}) &lt;!channel&gt; a_b" for number in range(40))
    rounds = timeit.repeat(lambda: judged(lines, allowed=None), number=20, repeat=10, timer=time.process_time)
    assert min(rounds) / 20 < 0.002
