"""Letters that no server should take, each with what is wrong with it, and how to write a right one."""

from email import policy
from email.message import EmailMessage

from tests.standins import mail

TO = ("ops@farm.example",)


def written(text: str = "300 of 900 tasks", html: str | None = None, subject: str = "Critical: M-1") -> EmailMessage:
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = mail.SENDER
    message["To"] = ", ".join(TO)
    message["Subject"] = subject
    message["Date"] = "Mon, 23 Nov 2026 22:06:00 +0000"
    message["Message-ID"] = "<9c21f0@farm.example>"
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message


def changed(old: str, new: str, message: EmailMessage | None = None) -> bytes:
    content = (message or written()).as_bytes()
    assert old.encode() in content
    return content.replace(old.encode(), new.encode("utf-8", "surrogateescape"), 1)


def with_file(content: bytes = b"id\r\nM-1\r\n", name: str = "miners.csv", subtype: str = "csv") -> bytes:
    message = written()
    message.add_attachment(content, maintype="text", subtype=subtype, filename=name)
    return message.as_bytes()


def in_html(html: str) -> bytes:
    return written(html=html).as_bytes()


ALTERNATIVE = written(html="<p>300</p>")

BAD: list[tuple[str, bytes, str]] = [
    ("a bare LF", changed("\r\n", "\n"), "a bare LF at byte"),
    ("a bare CR", changed("300", "30\r0"), "a bare CR at byte"),
    ("a NUL", changed("300", "3\x000"), "a NUL"),
    ("a line without end", changed("300", "x" * 999), "a line of 1012 bytes"),
    ("no body", b"From: a@b.example\r\n", "there is no body"),
    ("a header that is not ASCII", changed("Critical", "Kritisch ü"), "a header that is not ASCII"),
    ("8-bit text undeclared", changed("300", "ü"), "8-bit text that is not declared"),
    ("an injected Bcc", changed("Subject:", "Bcc: x@evil.example\r\nSubject:"), "nobody asked for: bcc"),
    ("an injected Cc", changed("Subject:", "Cc: x@evil.example\r\nSubject:"), "nobody asked for: cc"),
    ("a header of its own", changed("Subject:", "X-Evil: 1\r\nSubject:"), "nobody asked for: x-evil"),
    ("two subjects", changed("Subject:", "Subject: a\r\nSubject:"), "2 headers named Subject"),
    ("no subject", changed("Subject: Critical: M-1\r\n", ""), "0 headers named Subject"),
    ("two senders' headers", changed("Subject:", "From: a@b.example\r\nSubject:"), "2 headers named From"),
    ("two senders", changed(mail.SENDER, f"{mail.SENDER}, a@b.example"), "2 senders"),
    ("no sender", changed(f"From: {mail.SENDER}\r\n", ""), "0 headers named From"),
    ("no recipient", changed("To: ops@farm.example\r\n", ""), "0 headers named To"),
    ("a recipient that is none", changed("To: ops@farm.example", "To: ops"), "To"),
    ("another recipient", changed("To: ops@farm.example", "To: bob@farm.example"), "but the envelope says"),
    ("one recipient more", changed("To: ops@farm.example", "To: ops@farm.example, x@evil.example"), "envelope"),
    ("no date", changed("Date: Mon, 23 Nov 2026 22:06:00 +0000\r\n", ""), "0 headers named Date"),
    ("a date that is none", changed("Mon, 23 Nov 2026 22:06:00 +0000", "today"), "Date"),
    ("no message id", changed("Message-ID: <9c21f0@farm.example>\r\n", ""), "0 headers named Message-ID"),
    ("a message id that is none", changed("<9c21f0@farm.example>", "9c21f0"), "Message-ID"),
    ("no MIME version", changed("MIME-Version: 1.0\r\n", ""), "0 headers named MIME-Version"),
    ("an empty subject", changed("Critical: M-1", ""), "Subject"),
    ("a subject that does not decode", changed("Critical: M-1", "=?utf-8?b?w?w?="), "Subject"),
    ("a line break in the subject", changed("Critical: M-1", "=?utf-8?q?a=0D=0ABcc=3A_x?="), "Subject"),
    ("a bell in the subject", changed("Critical: M-1", "=?utf-8?q?a=07?="), "Subject has a control character"),
    ("no text", written("\n").as_bytes(), "the text is empty"),
    ("a terminal's escape in the text", written("\x1b[31mred").as_bytes(), "control character"),
    ("an unknown alphabet", changed('charset="utf-8"', 'charset="klingon"'), "a text that is not klingon"),
    ("bytes of another alphabet", changed('charset="utf-8"', 'charset="ascii"', written("ä")), "not ascii"),
    ("a transfer encoding that is none", changed("7bit", "base64"), "MIME"),
    ("a part without an end", ALTERNATIVE.as_bytes()[:-20], "MIME"),
    ("parts without a boundary", changed("boundary=", "border=", ALTERNATIVE), "MIME"),
    ("HTML alone", changed("text/plain", "text/html"), "the texts are text/html"),
    ("HTML beside the text", changed("multipart/alternative", "multipart/mixed", ALTERNATIVE), "the texts are"),
    ("HTML before the text", changed("text/html", "text/plain", ALTERNATIVE), "the texts are text/plain, text/plain"),
    ("parts of a strange kind", changed("multipart/alternative", "multipart/related", ALTERNATIVE), "related"),
    ("a bare link in the text", written("see http://evil.example/x.").as_bytes(), "live link 'http://evil.example/x'"),
    ("a bare host with www", written("see www.evil.com").as_bytes(), "live link 'www.evil.com'"),
    ("a link in the subject", written(subject="http://evil.example").as_bytes(), "live link"),
    ("a foreign link", in_html('<a href="https://evil.example">bank</a>'), "live link 'https://evil.example'"),
    ("a script for a link", in_html('<a href="javascript:alert(1)">x</a>'), "a link to 'javascript:"),
    ("a script", in_html("<script>alert(1)</script>"), "<script> has no place"),
    ("a form", in_html("<form action='https://evil.example'></form>"), "<form> has no place"),
    ("a field", in_html("<input name='password'>"), "<input> has no place"),
    ("a frame", in_html("<iframe src='https://evil.example'></iframe>"), "<iframe> has no place"),
    ("a drawing", in_html("<svg onload='alert(1)'></svg>"), "<svg> has no place"),
    ("a base", in_html("<base href='https://evil.example'>"), "<base> has no place"),
    ("a style sheet", in_html("<link rel='stylesheet' href='https://evil.example/x.css'>"), "<link> has no place"),
    ("an event handler", in_html("<p onclick='x()'>a</p>"), "event handler, onclick"),
    ("a remote image", in_html("<img src='https://evil.example/x.png'>"), "a remote image"),
    ("an image with two sources", in_html("<img src='cid:a' srcset='https://evil.example/x.png'>"), "srcset"),
    ("a remote background", in_html("<td background='https://evil.example/x.png'>a</td>"), "background"),
    ("a style that loads", in_html("<p style='background: url(https://evil.example)'>a</p>"), "loads something"),
    ("a sheet that loads", in_html("<style>@import 'https://evil.example';</style>"), "loads something"),
    ("a page that leads away", in_html("<meta http-equiv='refresh' content='0;url=https://evil.example'>"), "leads"),
    ("a comment", in_html("<!--[if mso]>a<![endif]-->"), "a comment"),
    ("a tag of the API's making", in_html("<unknown>a</unknown>"), "<unknown> has no place"),
    ("a tag that nobody closes", in_html("<b>a"), "<b> is never closed"),
    ("tags that cross", in_html("<b><i>a</b></i>"), "</b> ends i"),
    ("an end without a start", in_html("a</b>"), "</b> ends nothing"),
    ("a raw ampersand", in_html("R&D"), "an unescaped &"),
    ("a raw bracket", in_html("1 < 2"), "an unescaped <"),
    ("a file that is no table", with_file(name="miners.exe"), "a file named 'miners.exe'"),
    ("a file in another folder", with_file(name="../../miners.csv"), "a file named"),
    ("a file of another type", with_file(subtype="html"), "miners.csv is of the type text/html"),
    ("an empty file", with_file(b""), "miners.csv is empty"),
]
