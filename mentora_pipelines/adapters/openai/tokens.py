"""Tokens as OpenAI's embedding models count them, without a network."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bpe_openai import Encoding

ENCODING = "cl100k_base"
"""That of text-embedding-3-small, -3-large and ada-002."""


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Tokens of each text; what looks like a control token is counted as text."""
    encoding = _encoding()
    return [len(tokens) for tokens in encoding.encode_ordinary_batch(list(texts))]


def first_tokens(text: str, limit: int) -> str:
    """The longest beginning of a text that has at most `limit` tokens."""
    encoding = _encoding()
    tokens = encoding.encode_ordinary(text)
    if len(tokens) <= limit:
        return text
    kept = limit
    while True:
        # A token may end within a character.
        cut = bytes(encoding.decode_bytes(tokens[:kept])).decode(errors="ignore")
        if len(encoding.encode_ordinary(cut)) <= limit:
            return cut
        kept -= 1


@cache
def _encoding() -> "Encoding":
    from bpe_openai import get_encoding

    return get_encoding(ENCODING)
