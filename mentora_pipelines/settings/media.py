"""Limits of uploads and of their decoder."""

from pydantic import Field

from mentora_pipelines.settings.base import Settings


class MediaSettings(Settings):
    """Limits of an upload, and of the process that decodes it."""

    max_bytes: int = Field(8 << 30, gt=0, alias="MENTORA_MAX_UPLOAD_BYTES")
    max_duration_s: float = Field(
        6 * 3600.0, gt=0, allow_inf_nan=False, alias="MENTORA_MAX_DURATION_S"
    )
    # Address space; half of the least is taken by the libraries.
    decoder_memory_bytes: int = Field(
        1 << 30, ge=256 << 20, alias="MENTORA_DECODER_MEMORY_BYTES"
    )
