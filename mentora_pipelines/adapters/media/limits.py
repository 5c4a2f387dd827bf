"""What a decoder may use: numbers, each with its reason.

Here belong the limits of one decoding and the rates that scale them. Not here: how
they are enforced (`confinement`, in the child; `child_process`, around it).
"""

from dataclasses import dataclass

SAMPLE_RATE = 16_000
"""What Whisper models were trained on."""

MIN_SHARE = 0.95
"""Less sound, or fewer bytes, than this share of what the file announces means that
it breaks off: truncated files decode without an error."""

START_CPU_S = 20
"""Enough to start and to read any index: a lesson of 6 h costs under 1 s."""

START_WALL_S = 120
"""The same on a machine that is busy with other things."""

CPU_PER_SECOND = 0.03
"""Decoding costs 0.0015 s of CPU per second of AAC; this leaves 20 times that."""

WALL_PER_SECOND = 0.15
"""Wall time is what a busy machine stretches, so it is five times the CPU."""

BYTES_PER_CPU_S = 50_000_000
"""Reading past the picture copies its bytes; 20 times slower than measured."""

BYTES_PER_WALL_S = 5_000_000
"""A slow disk."""


@dataclass(frozen=True, slots=True)
class DecoderLimits:
    """Limits of one decoding; `memory_bytes` is address space, not what is resident."""

    max_duration_s: float
    memory_bytes: int
    start_wall_s: float = START_WALL_S

    def cpu_s(self, duration_s: float, size: int) -> int:
        """CPU seconds for sound of this length in a file of `size` bytes."""
        scaled = self._believed_s(duration_s) * CPU_PER_SECOND + size / BYTES_PER_CPU_S
        return round(START_CPU_S + scaled)

    def wall_s(self, duration_s: float, size: int) -> float:
        """Seconds after which it hangs."""
        believed_s = self._believed_s(duration_s)
        return (
            self.start_wall_s + believed_s * WALL_PER_SECOND + size / BYTES_PER_WALL_S
        )

    def flac_bytes(self) -> int:
        """The largest file that the longest sound can become: noise, uncompressed."""
        return round(self.max_duration_s * SAMPLE_RATE * 2 * 1.1) + (1 << 20)

    def _believed_s(self, duration_s: float) -> float:
        """An announcement may be missing (0.0), or a lie: then it is the longest."""
        return (
            duration_s if 0 < duration_s < self.max_duration_s else self.max_duration_s
        )
