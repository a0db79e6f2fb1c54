from __future__ import annotations

import pytest

from kms_conformance.wire.messages import Reply, Request, origin


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("https://kms.example.com/v1.0/p?a=%2f+b", "kms.example.com", "/v1.0/p?a=%2f+b"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080", "/"),
        ("http://127.0.0.1:8080?Action=A", "127.0.0.1:8080", "/?Action=A"),
        ("https://KMS.example.com:443/", "kms.example.com", "/"),
        ("http://h:443//a/../b?", "h:443", "//a/../b?"),
        ("http://[::1]:81/x", "[::1]:81", "/x"),
        ("http://[::1]/x", "[::1]", "/x"),
    ],
)
def test_a_url_is_taken_apart_as_it_is_sent(url: str, authority: str, target: str) -> None:
    request = Request("GET", url)
    assert (request.authority, request.target) == (authority, target)
    assert (request.path, request.query) == (target.partition("?")[0], target.partition("?")[2])


def test_another_target_keeps_where_the_request_goes() -> None:
    for url in ("https://h:1", "https://h:1/", "https://h:1/a/b?c=d", "https://h:1?c"):
        assert Request("GET", url).with_target("/x", "y=1").url == "https://h:1/x?y=1"
        assert Request("GET", url).with_target("/x", None).url == "https://h:1/x"
        assert Request("GET", url).with_target("/x", "").url == "https://h:1/x?"


def test_headers_are_found_replaced_and_dropped_whatever_their_case() -> None:
    request = Request("GET", "https://h/", (("A", "1"), ("b", "2"), ("a", "3")))
    assert request.header("a") == "1"
    assert request.header_values("A") == ("1", "3")
    assert request.header("c") is None
    assert request.with_header("a", "9").headers == (("b", "2"), ("a", "9"))
    assert request.without_headers("B", "a").headers == ()


@pytest.mark.parametrize(
    ("content_type", "media_type"),
    [("application/json", "application/json"), (" Text/XML ;charset=utf-8", "text/xml"), (None, ""), ("", "")],
)
def test_a_media_type_has_no_parameters(content_type: str | None, media_type: str) -> None:
    headers = (("content-type", content_type),) if content_type is not None else ()
    assert Reply(200, "", headers, b"", 0).media_type == media_type


def test_an_origin_names_scheme_host_and_port() -> None:
    assert origin("HTTPS://KMS.Example.com/x") == "https://kms.example.com:443"
    assert origin("http://[::1]") == "http://[::1]:80"
    for wrong in ("/x", "kms.example.com", "ftp://h/", "http://", "http://h:99999/", "http://h:x/"):
        with pytest.raises(ValueError):  # noqa: PT011 - the standard library words it
            origin(wrong)
