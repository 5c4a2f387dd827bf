"""Embeddings by the official SDK over a real socket."""

import numpy as np
import pytest

from mentora_pipelines.adapters.openai.embeddings import (
    MAX_INPUTS,
    MAX_REQUEST_TOKENS,
    MAX_TEXT_TOKENS,
)
from mentora_pipelines.adapters.openai.tokens import count_tokens, first_tokens
from mentora_pipelines.adapters.provider_calls.pace import Quota
from mentora_pipelines.errors import InvalidInput
from tests.fix_ai import Hosted
from tests.local_ai_server import AiServer, vectors_of


def test_vectors_have_length_one_and_come_in_the_order_of_their_texts(
    hosted: Hosted,
) -> None:
    """Else each chunk is found by the words of another one."""
    texts = ["photosynthesis", "compound interest", "binary search"]
    vectors = hosted.embedder().embed(texts)
    assert vectors.shape == (3, 1536)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    expected = vectors_of(texts, 1536)
    assert np.allclose((vectors * expected).sum(axis=1), 3, atol=1e-3)


def test_a_request_holds_as_many_texts_as_the_provider_takes(
    hosted: Hosted, ai_server: AiServer
) -> None:
    """Else a lesson of a thousand chunks is a thousand requests."""
    embedder = hosted.embedder(8)
    planned = embedder.plan(["word"] * (2 * MAX_INPUTS + 1))
    assert [call.input_units for call in planned] == [MAX_INPUTS, MAX_INPUTS, 1]
    embedder.embed(["word"] * 40)
    assert len(ai_server.served) == 1


def test_a_request_holds_no_more_tokens_than_the_provider_takes(
    hosted: Hosted,
) -> None:
    """Else it is refused as a whole, for good."""
    text = "word " * 5_000
    (each,) = count_tokens([text])
    fitting = MAX_REQUEST_TOKENS // each
    planned = hosted.embedder().plan([text] * (fitting + 1))
    assert [call.input_units for call in planned] == [fitting * each, each]


def test_a_request_holds_no_more_tokens_than_the_account_may_send_in_a_minute(
    hosted: Hosted,
) -> None:
    """Else it is refused at each try, and a long lesson fails for good."""
    hosted.quota = Quota(tokens=1_000)
    texts = ["word " * 100] * 40
    each, *_ = count_tokens(texts)
    fitting = 1_000 // each
    sizes = [call.input_units for call in hosted.embedder().plan(texts)]
    assert sizes == [fitting * each] * (40 // fitting) + [40 % fitting * each]
    large, small = hosted.embedder().plan(["word " * 1_500, "word"])
    assert large.input_units > 1_000 > small.input_units


def test_a_text_is_cut_to_what_the_model_reads() -> None:
    """Else one endless sentence makes its lesson fail."""
    text = "日本語 and 🎉 words " * 2_000
    cut = first_tokens(text, MAX_TEXT_TOKENS)
    assert text.startswith(cut)
    assert MAX_TEXT_TOKENS - 4 < count_tokens([cut])[0] <= MAX_TEXT_TOKENS
    assert first_tokens("short", MAX_TEXT_TOKENS) == "short"


def test_a_blank_text_is_not_sent(hosted: Hosted, ai_server: AiServer) -> None:
    """Else the provider refuses all the texts beside it."""
    with pytest.raises(InvalidInput):
        hosted.embedder().embed(["words", " \n"])
    assert ai_server.served == []
