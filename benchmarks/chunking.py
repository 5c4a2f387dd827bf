"""Chunking: our packing of timed sentences against text splitters.

`python -m benchmarks.chunking [WORDS [TURNS]]` (a million and 5 by default). The text
is made of sentences of eight to twenty words; ours packs them as segments with their
times and token counts, the others split the same text into chunks of as many
characters, in `.venv-peers`, and know no times. Prints words per CPU second
(median of the turns).
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.chunking_peers import made_sentences
from mentora_pipelines.domain.lessons.chunks import pack_segments
from mentora_pipelines.domain.lessons.transcripts import Segment

PROJECT = Path(__file__).parents[1]
PEERS = ("semantic-text-splitter", "langchain", "chonkie", "llamaindex")
WORD_S = 0.4
MAX_TOKENS = 254


def pack_ours(sentences: list[str]) -> float:
    """Seconds to pack the sentences, whose times and tokens are known."""
    segments: list[Segment] = []
    now_s = 0.0
    for sentence in sentences:
        end_s = now_s + WORD_S * len(sentence.split())
        segments.append(Segment(sentence, now_s, end_s, ()))
        now_s = end_s + WORD_S
    counts = [len(sentence.split()) * 4 // 3 for sentence in sentences]
    started = time.process_time()
    chunks = pack_segments(segments, counts, MAX_TOKENS)
    elapsed = time.process_time() - started
    assert len(chunks) > len(sentences) / 20
    return elapsed


def split_by(name: str, words: int) -> float:
    """Seconds of a peer, measured in its own process."""
    with tempfile.TemporaryDirectory() as folder:
        answer = subprocess.run(
            [
                PROJECT / ".venv-peers/bin/python",
                PROJECT / "benchmarks/chunking_peers.py",
                name,
                str(words),
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    if answer.returncode:
        raise SystemExit(f"{name} failed:\n{answer.stderr[-2000:]}")
    return float(json.loads(answer.stdout.splitlines()[-1])["seconds"])


def main(words: int, turns: int) -> None:
    """Run every splitter in turn and print the figures."""
    subprocess.run(["sh", PROJECT / "bootstrap.sh", "peers"], check=True)  # noqa: S607
    sentences = made_sentences(words)
    count = sum(len(sentence.split()) for sentence in sentences)
    found: dict[str, list[float]] = {name: [] for name in ("ours", *PEERS)}
    for _ in range(turns):
        found["ours"].append(pack_ours(sentences))
        for name in PEERS:
            # The slowest takes half a minute for a million words.
            share = 20 if name == "llamaindex" else 1
            found[name].append(share * split_by(name, words // share))
    print(f"{count} words, median of {turns}")
    medians = {name: statistics.median(seconds) for name, seconds in found.items()}
    for name, median in medians.items():
        print(
            f"  {name:24} {count / median / 1e6:6.2f} million words/s, "
            f"ours is {median / medians['ours']:6.1f}x"
        )


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 5,
    )
