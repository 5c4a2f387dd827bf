"""A Whisper model that encodes and aligns one stretch at a time, however many it gets.

Here belongs the cost of a batch on a CPU: only writing words gains from it, since a
batch reads the vocabulary's weights once. Encoding and aligning work on matrices that
are large enough alone and fall out of the cache together: per stretch of 30 s, tiny.en
encodes in 0.41 s alone and 0.50 s in a batch of 8, aligns in 0.06 s and 0.13 s, and
writes in 0.49 s and 0.21 s. A batch of encodings would also hold 8 x 54 MB of
attention.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray


class OneByOne(WhisperModel):  # type: ignore[misc]  # faster-whisper ships no types
    """For the CPU alone: on a GPU a batch is what makes it fast."""

    def encode(self, features: NDArray[np.float32]) -> StorageView:
        """The encodings of a batch of features, or of one."""
        if features.ndim == 2:
            return super().encode(features)
        encoded = [np.array(super(OneByOne, self).encode(one)) for one in features]
        return StorageView.from_array(np.concatenate(encoded))

    def find_alignment(
        self,
        tokenizer: Tokenizer,
        text_tokens: Sequence[list[int]],
        encoder_output: StorageView,
        num_frames: int | Sequence[int],
        median_filter_width: int = 7,
    ) -> list[Any]:
        """The times of the words of each stretch."""
        if isinstance(num_frames, int):
            num_frames = [num_frames] * len(text_tokens)
        encoded = np.array(encoder_output)
        alignments = []
        for place, (tokens, frames) in enumerate(
            zip(text_tokens, num_frames, strict=True)
        ):
            alignments += super().find_alignment(
                tokenizer,
                [tokens],
                StorageView.from_array(encoded[place : place + 1]),
                [frames],
                median_filter_width,
            )
        return alignments
