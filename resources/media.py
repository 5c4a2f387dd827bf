"""What gets the sound out of an upload."""

import dagster as dg

from mentora_pipelines.domain.lessons.audio import MediaDecoder
from mentora_pipelines.providers.media import make_decoder
from resources.opening import made


class DecoderResource(dg.ConfigurableResource[MediaDecoder]):
    """Gets the sound out of uploads."""

    @made
    def create_resource(self, context: dg.InitResourceContext) -> MediaDecoder:
        """The adapter that the settings choose."""
        return make_decoder()
