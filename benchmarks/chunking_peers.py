"""One splitting of a text by a library, in an environment of its own (`.venv-peers`).

`python benchmarks/chunking_peers.py LIBRARY WORDS` prints one line of JSON with the
seconds of the call; imports are not counted.
"""

import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

CHUNK_CHARACTERS = 600
"""About 110 words, as many as our chunks have."""

WORDS = [
    *("the", "a", "of", "plant", "light", "water", "leaf"),
    *("sugar", "energy", "carbon", "because", "every", "second", "stage"),
    *("search", "list", "half", "order", "binary", "interest", "account"),
    *("grows", "rate", "slowly", "important"),
]


def made_sentences(words: int) -> list[str]:
    """Sentences of eight to twenty words, `words` or a few more in all."""
    chance = random.Random(0)  # noqa: S311  (a text, not a secret)
    sentences = []
    count = 0
    while count < words:
        length = chance.randint(8, 20)
        sentences.append(" ".join(chance.choices(WORDS, k=length)).capitalize() + ".")
        count += length
    return sentences


def semantic_text_splitter(text: str) -> Callable[[], Any]:
    """The Rust one."""
    from semantic_text_splitter import TextSplitter

    splitter = TextSplitter(CHUNK_CHARACTERS)
    return lambda: splitter.chunks(text)


def langchain(text: str) -> Callable[[], Any]:
    """LangChain's recursive splitter."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=CHUNK_CHARACTERS, chunk_overlap=0
    )
    return lambda: splitter.split_text(text)


def chonkie(text: str) -> Callable[[], Any]:
    """Chonkie's recursive chunker, counting characters."""
    from chonkie import RecursiveChunker

    chunker = RecursiveChunker(tokenizer="character", chunk_size=CHUNK_CHARACTERS)
    return lambda: chunker(text)


def llamaindex(text: str) -> Callable[[], Any]:
    """LlamaIndex's sentence splitter, counting characters, sentences by full stop."""
    from llama_index.core.node_parser import SentenceSplitter

    splitter = SentenceSplitter(
        chunk_size=CHUNK_CHARACTERS,
        chunk_overlap=0,
        tokenizer=list,
        # Its own one asks the network for data.
        chunking_tokenizer_fn=lambda part: [one + "." for one in part.split(".")],
    )
    return lambda: splitter.split_text(text)


SPLITTERS = {
    "semantic-text-splitter": semantic_text_splitter,
    "langchain": langchain,
    "chonkie": chonkie,
    "llamaindex": llamaindex,
}


def main(name: str, words: int) -> None:
    """Split once and print the seconds."""
    split = SPLITTERS[name](" ".join(made_sentences(words)))
    started = time.process_time()
    split()
    print(json.dumps({"seconds": time.process_time() - started}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
