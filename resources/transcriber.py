"""Turns speech into timed words."""

import dagster as dg

from mentora_pipelines.domain.lessons.recognition import Transcriber
from mentora_pipelines.providers import make_transcriber


class TranscriberResource(dg.ConfigurableResource[Transcriber]):
    """Turns speech into timed words."""

    def create_resource(self, context: dg.InitResourceContext) -> Transcriber:
        """The adapter that the settings choose."""
        return make_transcriber()
