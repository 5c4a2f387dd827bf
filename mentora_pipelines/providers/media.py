"""What gets the sound out of an upload."""

from mentora_pipelines.adapters.media.decoder import PyAvDecoder
from mentora_pipelines.settings.media import MediaSettings
from mentora_pipelines.settings.models import TranscriberSettings


def make_decoder() -> PyAvDecoder:
    """Gets the sound out of uploads, within the limits of the settings."""
    settings = MediaSettings()
    return PyAvDecoder(
        max_bytes=settings.max_bytes,
        max_duration_s=settings.max_duration_s,
        memory_bytes=settings.decoder_memory_bytes,
        language=TranscriberSettings().language,
    )
