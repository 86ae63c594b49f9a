"""Which links are found in HTML, and where."""

from __future__ import annotations

import pytest

from chalicelib.domain.tracking.links_html import HtmlScan

A, B = "https://a.example/", "https://b.example/"


def found(html: str) -> list[str]:
    """The addresses of the links; a mark is shown as an empty one."""
    return [link.url for link in HtmlScan(html.encode()).links]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="https://a.example/">', A),
        ("<A HREF='https://a.example/'>", A),
        ("<a href=https://a.example/>", A),
        ("<a\r\n\tclass=x href = \r\n 'https://a.example/' id=y>", A),
        ("<a/href='https://a.example/'>", A),
        ("<area shape=rect href='https://a.example/' />", A),
        ('<a href="  https://a.example/ \r\n">', A),
        ('<a href="&#104;ttps://a.example&#x2F;">', A),
        ('<a href="https://a.example/?a=1&amp;b=2">', A + "?a=1&b=2"),
        ('<a href="https://a.example/?a=1&b=2">', A + "?a=1&b=2"),
        ('<a href="https://a.example/?a=1&copy=2&amp=3">', A + "?a=1&copy=2&amp=3"),
        ('<a href="https://a.example/?a=1&notit;&bogus;x">', A + "?a=1&notit;&bogus;x"),
        ('<a href="https://a.example/?a=1&amp/b">', A + "?a=1&/b"),
        ('<a href="http://a.example:8080">', "http://a.example:8080"),
        ('<a href="http://[::1]/x">', "http://[::1]/x"),
        ('<a href="https://a.example/?x=(1)[2]~!$\'*+,;@:%20#f/?">', A + "?x=(1)[2]~!$'*+,;@:%20#f/?"),
        ('<p title=">" x=\'>\'><a title="<" href="https://a.example/">', A),
        ("<p x=don't><a href='https://a.example/'>", A),
        ('< a><1><a href="https://a.example/">', A),
        ('<p' + " x='1'" * 100 + '><a' + " y='2'" * 100 + ' href="https://a.example/">', A),
        ("<!doctype html><?xml version='1.0'?><a href='https://a.example/'>", A),
        ("<!--><a href='https://a.example/'>", A),
        ("<!-- x --!><a href='https://a.example/'>", A),
        ("<!--[if !mso]><!--><a href='https://a.example/'><!--<![endif]-->", A),
        ("<![if !mso]><a href='https://a.example/'><![endif]>", A),
        ("<![CDATA[<b>]]><a href='https://a.example/'>", A),
        ("<![CDATA[ x ><a href='https://a.example/'>", A),
        ("</ x><a href='https://a.example/'>", A),
        ("<title>x</title><style></style ><a href='https://a.example/'>", A),
        ("<script>'<a href=\"https://b.example/\">'</SCRIPT\n><a href='https://a.example/'>", A),
        ("<scripted><a href='https://a.example/'>", A),
        ("<a href='https://a.example/' href='https://b.example/'>", A),
        ("<" * 1_001 + "<a href='https://a.example/'>", A),
        ("</p" + " x=1" * 100 + "><a href='https://a.example/'>", A),
        ("x<b>" * 1_001 + "<a href='https://a.example/'>", A),
    ],
)  # fmt: skip
def test_these_are_links(html: str, expected: str) -> None:
    assert found(html) == [expected]


@pytest.mark.parametrize(
    "html",
    [
        '<a href="//a.example/">', '<a href="/a">', '<a href="#top">', '<a href="">', "<a href>", "<a href=>",
        '<a href="mailto:a@a.example">', '<a href="tel:1">', '<a href="cid:1@a">', '<a href="ftp://a.example/">',
        '<a href="javascript:x(\'https://a.example/\')">', '<a href="https://">', '<a href="https:///x">',
        '<a href="https://user@a.example/">', '<a href="https://user:pw@a.example/">',
        '<a href="https://a.example/ b">', '<a href="https://a.example/\r\nb">', '<a href="https://a.example/\x01">',
        '<a href="https://a.example/{{unsubscribe}}">', '<a href="https://a.example/*|UNSUB|*">',
        '<a href="https://a.example/%%unsub%%">', '<a href="{{url}}">', '<a href="https://a.example/caf\u00e9">',
        '<a href="https://a.example/&eacute;">', '<a href="https://a.example/&#233;">',
        '<a href="https://a.example/&quot;x">', '<a href="https://a.example/?x&copy">', '<a href="https://a.example/&#0;">',
        '<a href="https://b\u00fccher.example/">', '<link href="https://a.example/">', '<abbr href="https://a.example/">',
        '<base href="https://a.example/">', '<img src="https://a.example/">', '<a xlink:href="https://a.example/">',
        '<a data-href="https://a.example/">', '<a title="href=\'https://a.example/\'">', '</a href="https://a.example/">',
        '<!-- <a href="https://a.example/"> -->', '<!--[if mso]><a href="https://a.example/"></a><![endif]-->',
        '<script><a href="https://a.example/"></script>', '<style><a href="https://a.example/"></style>',
        '<textarea><a href="https://a.example/"></textarea>', '<plaintext><a href="https://a.example/">',
        '<script><a href="https://a.example/">', '<!-- <a href="https://a.example/">', '<![CDATA[<a href="https://a.example/">]]>',
        '<a title="x href=\'https://a.example/\'>', '<p title=\'><a href="https://a.example/">', '<a href="https://a.example/"',
        '<a href="https://a.example/">'.replace("a.example", "a" * 2_000), "&lt;a href='https://a.example/'&gt;",
    ],
)  # fmt: skip
def test_these_are_none(html: str) -> None:
    assert found(html) == []


def test_the_span_is_the_address_inside_its_quotes() -> None:
    html = b"<p><a class=x href = ' https://a.example/?a&amp;b '>"
    (link,) = HtmlScan(html).links
    assert html[link.start : link.end] == b"https://a.example/?a&amp;b"
    assert html[link.break_at :].startswith(b"href = ")
    assert link.host == "a.example"


def test_a_mark_is_found_where_it_stands() -> None:
    html = b"<a href='HTTPS+NoTrack://a.example/{{x}}'><a href='x+notrack://a.example/'>"
    (mark,) = HtmlScan(html).links
    assert (html[mark.start : mark.end], mark.url) == (b"+NoTrack", "")


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (b"<body>x</body></html>", 7),
        (b"<body>x</BODY\n></html></body >", 22),
        (b"<body>x<!-- </body> --></body>", 23),
        (b"<body>x<!-- </body> -->", -1),
        (b"<p title='</body>'>", -1),
        (b"</bodywork>", -1),
    ],
)
def test_the_end_of_the_body(html: bytes, expected: int) -> None:
    assert HtmlScan(html).body_end == expected


def test_hosts_are_told_in_lower_case_with_their_port() -> None:
    html = b"<a href='https://A.Example:8443/'><a href='http://[2001:DB8::1]:80/'><a href='http://a?x'>"
    assert [link.host for link in HtmlScan(html).links] == [
        "a.example:8443",
        "[2001:db8::1]:80",
        "a",
    ]
