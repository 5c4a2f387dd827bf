"""What is taken out of texts before they are told."""

import pytest

from mentora_pipelines.errors import PermanentError
from mentora_pipelines.observability.scrubbing import (
    _own_secrets,
    scrubbed,
    scrubbed_value,
    told,
)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ('{"authorization": "Basic QWxhZGRpbjpv"}', "QWxhZGRpbjpv"),
        ("connecting to postgresql://ada:hunter2@db:5432/x", "hunter2"),
        ("redis://:hunter2@cache", "hunter2"),
        ("Authorization: Token abcdef123456", "abcdef123456"),
        ("https://ada:pa/ss@host/x is away", "ss@"),
        ("redis://:p/w@host", "p/w"),
        ("postgresql://ada:p@ss@db", "ss@"),
        ("password=hunter2 host=db", "hunter2"),
        ("PGPASSWORD='hunter 2'", "hunter 2"),
        ("key sk-proj-0123456789abcdef is wrong", "0123456789abcdef"),
        ("key sk-ant-api03-abcdefgh is wrong", "abcdefgh"),
        ("x-api-key: 0123456789", "0123456789"),
        ("whsec_0123456789abcdef", "0123456789abcdef"),
        ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
        ("550 <ada.lovelace+x@mentora.example>: unknown", "ada.lovelace"),
        ("uploads/2026-11-01/ada@mentora.example/a.mp4", "ada@mentora"),
        ("GET https://b/uploads/2026-11-23/ada%40mentora.example/a.mp4", "ada"),
        ("GET https://b.s3/k?X-Amz-Signature=beef&x=1", "beef"),
        ("s3://bucket/k?AWSAccessKeyId=x&Signature=beef", "beef"),
        ("https://host/path#token", "token"),
        ("token eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJ", "eyJzdWIiOiIx"),
    ],
)
def test_a_secret_is_taken_out(text: str, secret: str) -> None:
    """Else it lies in every log and on Sentry's server."""
    assert secret not in scrubbed(text)


@pytest.mark.parametrize(
    "text",
    [
        "database: UniqueViolation (23505) at videos_pkey",
        "KeyError at uploads.py:187 > folder_storage.py:45",
        "there is no video 01890a5d-ac96-774b-bcce-b302099a8057",
        "truncated_media: 12.5 of 100.0 s decoded",
        "file:///home/ada/.mentora/storage",
    ],
)
def test_what_an_engineer_needs_stays(text: str) -> None:
    """Else nobody can find a fault."""
    assert scrubbed(text) == text


def test_what_has_the_name_of_a_secret_is_hidden_at_any_depth() -> None:
    """Else a payload is told with its keys."""
    value = {"a": [{"apiKey": "x1", "n": 1}], "transcript": "words", "token": None}
    assert scrubbed_value(value) == {
        "a": [{"apiKey": "[hidden]", "n": 1}],
        "transcript": "[hidden]",
        "token": None,
    }


def test_the_secrets_of_the_environment_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a key of a shape that nobody foresaw is told."""
    monkeypatch.setenv("REDIS_URL", "redis://:odd%20word@cache")
    monkeypatch.setenv("SENTRY_DSN", "https://oddkey@sentry.example/1")
    _own_secrets.cache_clear()
    assert scrubbed("odd word, odd%20word and oddkey") == (
        "[hidden], [hidden] and [hidden]"
    )
    _own_secrets.cache_clear()


def test_a_foreign_error_is_told_without_its_words() -> None:
    """Else a driver quotes the row it could not write."""
    with pytest.raises(ValueError, match="Plants") as raised:
        int("Plants make oxygen.")
    assert told(raised.value).startswith("ValueError at test_scrubbing.py:")
    assert told(PermanentError("the disk is full")) == "the disk is full"
