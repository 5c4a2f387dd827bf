import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentora_pipelines.domain.storage import MAX_KEY_BYTES, checked_key
from mentora_pipelines.errors import InvalidInput

unhurried = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
"""A busy machine is not a fault of ours."""

REFUSED = {
    "empty": "",
    "absolute": "/etc/passwd",
    "upwards": "uploads/../secret",
    "only upwards": "..",
    "here": "uploads/./a",
    "hidden": "uploads/.ssh/id",
    "partial": ".partial-0",
    "empty part": "uploads//a",
    "slash at the end": "uploads/",
    "backslash": "uploads\\..\\a",
    "line break": "uploads/a\nb",
    "nul": "uploads/a\x00b",
    "delete": "uploads/a\x7fb",
    "escape": "uploads/\x1b[31ma",
    "decomposed": "uploads/cafe\u0301",
    "no Unicode": "uploads/\udcff",
    "too long": "a" * (MAX_KEY_BYTES + 1),
    "too long in bytes": "é" * (MAX_KEY_BYTES // 2 + 1),
}


@pytest.mark.parametrize("key", REFUSED.values(), ids=REFUSED)
def test_a_key_outside_the_grammar_is_refused(key: str) -> None:
    """Else a name chosen by a creator reads or writes outside the storage."""
    with pytest.raises(InvalidInput) as refused:
        checked_key(key)
    str(refused.value).encode()


@pytest.mark.parametrize(
    "key",
    [
        "a",
        "uploads/2026-11-01/ada@tests.example/Lesson 1 (final).mp4",
        "uploads/%2e%2e%2f/a+b",
        "uploads/a..b/c...",
        "uploads/café/日本語.mp4",
        "a" * MAX_KEY_BYTES,
    ],
)
def test_a_key_inside_the_grammar_is_itself(key: str) -> None:
    """Else what a creator uploads under an ordinary name is never found."""
    assert checked_key(key) == key


@unhurried
@given(st.text(max_size=40))
def test_an_accepted_key_stays_below_its_root(key: str) -> None:
    """Else some text nobody thought of leaves the storage's folder."""
    try:
        checked_key(key)
    except InvalidInput:
        return
    assert all(part and part[0] != "." for part in key.split("/"))
    assert unicodedata.normalize("NFC", key) == key
    assert key.isprintable() or not any(ord(sign) < 32 for sign in key)
    assert len(key.encode()) <= MAX_KEY_BYTES
