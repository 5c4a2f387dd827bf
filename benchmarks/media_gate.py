"""What the media gate costs: CPU of a 12-minute lesson, memory over the corpus."""

import io
from statistics import median

from mentora_pipelines.adapters.media.child_process import Usage
from mentora_pipelines.adapters.media.decoder import PyAvDecoder
from mentora_pipelines.errors import LessonRefused
from tests.media_corpus import CORPUS, LONGEST_S, Bait
from tests.media_files import FASTSTART, Track, media

LESSON_S = 720.0
ROUNDS = 5
BAIT = Bait("/nonexistent/other.wav", "http://127.0.0.1:9/other.wav")


def main() -> None:
    """Print both."""
    track = Track(LESSON_S, layout="stereo", rate=44_100)
    lesson = media("mp4", "aac", track, options=FASTSTART)
    usages = [usage_of(lesson, 2 * LESSON_S) for _ in range(ROUNDS)]
    cpu_s = median(usage.cpu_s for usage in usages)
    print(f"12 minutes of AAC, stereo: {cpu_s:.2f} s of CPU, {LESSON_S / cpu_s:.0f}x")

    peaks: list[int] = []
    for upload in CORPUS.values():
        try:
            usage = usage_of(upload.make(BAIT), LONGEST_S)
        except LessonRefused:
            continue  # by its first bytes, without a decoder
        else:
            peaks.append(usage.peak_bytes)
    print(
        f"corpus of {len(CORPUS)} files: {len(peaks)} decoders, at most "
        f"{max(peaks) >> 20} MiB resident"
    )


def usage_of(content: bytes, max_duration_s: float) -> Usage:
    """CPU and memory of the process that decodes `content`."""
    decoder = PyAvDecoder(max_bytes=1 << 30, max_duration_s=max_duration_s)
    with decoder.take_in(io.BytesIO(content), len(content)) as source:
        return source.run().usage


if __name__ == "__main__":
    main()
