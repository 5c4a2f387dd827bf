"""Any sound becomes mono at 16 kHz, in blocks, without cancelling itself.

Here belong the conversion of samples and the rule that folds channels. Not here:
where the blocks go.
"""

from array import array
from collections.abc import Iterator
from operator import mul
from typing import TYPE_CHECKING, cast

from mentora_pipelines.adapters.media.limits import SAMPLE_RATE

if TYPE_CHECKING:
    from av import AudioFrame
    from av.filter import Graph
    from av.filter.context import FilterContext

BLOCK_SAMPLES = SAMPLE_RATE // 2
"""How long one way of folding lasts at least. Shorter blocks cost more than the rest
of the conversion; a longer one would lose a word where the sound turns over."""

STRIDE = 31
"""Every 31st pair of samples is compared: 258 of a block tell its phase. A prime,
since a tone whose period divides the stride would be met at its zeros alone."""

CANCELLED_SHARE = 0.15
"""Power of the mix over that of the louder channel. Equal voices keep 1, unlike ones
0.5, a voice on one side alone 0.25, and one with its sign turned over 0."""

SILENCE = 10.0**-6 * 32768**2
"""Mean square of a block below which (-60 dB) its phase says nothing."""

USUAL_PLACES = {1: ("mono", 1), 6: ("5.1", 6), 8: ("7.1", 8)}
"""Where channels are when a file does not say. Of other numbers the first two are
heard: microphones of their own rather than places."""

MIX, LEFT, RIGHT = "0.5*c0+0.5*c1", "c0", "c1"


class Folder:
    """Converts frames of one kind; `flush` before those of another.

    Several channels are first mixed to two, as players do it (the centre of 5.1, where
    the voice is, to both). The two are mixed unless that would cancel them: then the
    louder one is taken alone, block by block.
    """

    def __init__(self) -> None:
        self.blocks = 0
        self.one_sided_blocks = 0
        self.pending_s = 0.0
        """Of sound that was pushed and did not come out yet."""
        self._kind: tuple[str, str, int] | None = None
        self._convert: Graph | None = None
        self._is_stereo = False
        self._way = MIX
        self._folds: dict[str, Graph] = {}

    def push(self, frame: "AudioFrame") -> "Iterator[AudioFrame]":
        """Take a frame; the blocks that became complete come out."""
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._kind:
            yield from self.flush()
            self._kind = kind
            self._is_stereo = frame.layout.nb_channels > 1
            self._convert = _conversion(frame)
        if self._convert is None:
            return
        frame.pts = None
        self._convert.push(frame)
        self.pending_s += frame.samples / frame.sample_rate
        if self.pending_s * SAMPLE_RATE > BLOCK_SAMPLES:
            yield from self._pull()

    def flush(self) -> "Iterator[AudioFrame]":
        """What is still inside comes out; the next frame may be of any kind."""
        if self._convert is not None:
            self._convert.push(None)
            yield from self._pull()
        self._convert = None
        self._kind = None
        self.pending_s = 0.0

    def _pull(self) -> "Iterator[AudioFrame]":
        from av.error import BlockingIOError as NothingYetError
        from av.error import EOFError as NothingMoreError

        while self._convert is not None:
            try:
                block = _pulled(self._convert)
            except (NothingYetError, NothingMoreError):
                return
            self.pending_s -= block.samples / SAMPLE_RATE
            self.blocks += 1
            yield self._folded(block) if self._is_stereo else block

    def _folded(self, block: "AudioFrame") -> "AudioFrame":
        self._way = way_to_fold(_samples(block), self._way)
        self.one_sided_blocks += self._way != MIX
        if self._way not in self._folds:
            self._folds[self._way] = _fold(self._way)
        graph = self._folds[self._way]
        block.pts = None
        graph.push(block)
        return _pulled(graph)


def way_to_fold(samples: "array[int]", before: str) -> str:
    """How a block of interleaved samples is folded; as `before` if it is silent."""
    left, right = samples[:: 2 * STRIDE], samples[1 :: 2 * STRIDE]
    power_left = sum(map(mul, left, left))
    power_right = sum(map(mul, right, right))
    louder = max(power_left, power_right)
    if louder < SILENCE * len(left):
        return before
    # (l + r)²/4, summed, without a third pass over the squares.
    across = sum(map(mul, left, right))
    if power_left + power_right + 2 * across >= 4 * CANCELLED_SHARE * louder:
        return MIX
    return LEFT if power_left >= power_right else RIGHT


def _samples(block: "AudioFrame") -> "array[int]":
    samples = array("h")
    samples.frombytes(bytes(block.planes[0])[: 4 * block.samples])
    return samples


def _conversion(frame: "AudioFrame") -> "Graph":
    """Frames like `frame` in; blocks of one or two channels at 16 kHz out."""
    from av.filter import Graph

    graph = Graph()
    graph.threads = 1
    steps = [
        graph.add(
            "abuffer",
            sample_rate=str(frame.sample_rate),
            sample_fmt=frame.format.name,
            channel_layout=frame.layout.name,
            time_base=f"1/{frame.sample_rate}",
        )
    ]
    layout = "mono" if frame.layout.nb_channels == 1 else "stereo"
    if not _has_places(frame):
        count = frame.layout.nb_channels
        places, heard = USUAL_PLACES.get(count, ("stereo", 2))
        same = "|".join(f"c{channel}=c{channel}" for channel in range(heard))
        steps.append(graph.add("pan", f"{places}|{same}"))
    steps.append(
        graph.add(
            "aformat",
            sample_rates=str(SAMPLE_RATE),
            sample_fmts="s16",
            channel_layouts=layout,
        )
    )
    _finish(graph, steps)
    graph.set_audio_frame_size(BLOCK_SAMPLES)
    return graph


def _pulled(graph: "Graph") -> "AudioFrame":
    # Sound went in: no picture comes out.
    return cast("AudioFrame", graph.pull())


def _has_places(frame: "AudioFrame") -> bool:
    """Whether each channel has a place: `5.1`, and neither `12 channels` nor order."""
    name = frame.layout.name
    return not (name.endswith("channels") or name.startswith("ambisonic"))


def _fold(way: str) -> "Graph":
    from av.filter import Graph

    graph = Graph()
    graph.threads = 1
    source = graph.add(
        "abuffer",
        sample_rate=str(SAMPLE_RATE),
        sample_fmt="s16",
        channel_layout="stereo",
        time_base=f"1/{SAMPLE_RATE}",
    )
    _finish(graph, [source, graph.add("pan", f"mono|c0={way}")])
    return graph


def _finish(graph: "Graph", steps: list["FilterContext"]) -> None:
    graph.link_nodes(*steps, graph.add("abuffersink")).configure()
