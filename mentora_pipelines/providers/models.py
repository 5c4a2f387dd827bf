"""Models that hear and embed: which one, on this machine or hosted.

Not here: how hosted ones are reached (`hosted_models`), and who writes quizzes
(`quizzes`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mentora_pipelines.adapters.minilm.embedder import MiniLmEmbedder
from mentora_pipelines.domain.lessons.recognition import Transcriber
from mentora_pipelines.domain.spending.metering import MeteredTranscriber
from mentora_pipelines.domain.spending.usage import UsageLedgers
from mentora_pipelines.errors import InvalidInput, SettingsError
from mentora_pipelines.providers.hosted_models import (
    make_openai_embedder,
    make_openai_transcriber,
)
from mentora_pipelines.providers.lessons import open_catalogue
from mentora_pipelines.settings.home import HomeSettings
from mentora_pipelines.settings.models import EmbedderSettings, TranscriberSettings

if TYPE_CHECKING:
    from mentora_pipelines.domain.caching.cache import Cache
    from mentora_pipelines.domain.caching.embeddings import TextModel
    from mentora_pipelines.domain.lessons.embeddings import (
        Embedders,
        EmbeddingModel,
    )
    from mentora_pipelines.domain.search import Reranker


def make_transcriber(ledgers: UsageLedgers) -> Transcriber:
    """Turns speech into words, and books what it hears; whoever asks says who pays.

    A model of this machine loads at first use.
    """
    from mentora_pipelines.adapters.whisper.transcriber import WhisperTranscriber

    settings = TranscriberSettings()
    if settings.transcriber == "openai":
        return make_openai_transcriber(ledgers)
    local = WhisperTranscriber(
        settings.whisper_model,
        device=settings.whisper_device,
        language=settings.language,
    )
    return MeteredTranscriber(local, Path(settings.whisper_model).name, ledgers)


def make_embedder(ledgers: UsageLedgers) -> "TextModel":
    """Turns texts into vectors of the model that is searched.

    Another one that is set takes its place by `mentora reembed`; in a database without
    vectors the one that is set is the first. A model of this machine loads at first
    use.
    """
    with open_catalogue() as catalogue:
        active = catalogue.active_model()
    return (
        make_set_embedder(ledgers) if active is None else embedder_of(active, ledgers)
    )


def make_set_embedder(ledgers: UsageLedgers) -> "TextModel":
    """The model that the settings name."""
    if EmbedderSettings().embedder == "openai":
        return make_openai_embedder(ledgers)
    return make_local_embedder()


def embedder_of(model: "EmbeddingModel", ledgers: UsageLedgers) -> "TextModel":
    """What makes vectors of this very model; raises `SettingsError`."""
    local = make_local_embedder()
    if model == local.model:
        return local
    if model.provider == "openai":
        return make_openai_embedder(ledgers, model.model, model.dimensions)
    raise SettingsError(
        f"nothing here makes vectors of {model.provider}/{model.model} any more: "
        "`mentora reembed` makes those of another model"
    )


def make_reranker(embedder: "TextModel") -> "Reranker | None":
    """Looks closer at what a search by this model has found.

    None for a hosted model: each search would wait for it once more, and pay.
    """
    from mentora_pipelines.domain.search_reranking import SentenceReranker

    is_local = embedder.model == make_local_embedder().model
    return SentenceReranker(embedder) if is_local else None


def make_embedders(ledgers: UsageLedgers, cache: "Cache | None" = None) -> "Embedders":
    """The adapters of models whose vectors are stored here, or are being made.

    Behind the cache, where one is given.
    """
    return _Embedders(ledgers, cache)


def make_local_embedder() -> MiniLmEmbedder:
    """The model of this machine."""
    return MiniLmEmbedder(HomeSettings().state_folder / "models")


def make_cached_embedder(cache: "Cache", ledgers: UsageLedgers) -> "TextModel":
    """The same behind a cache: a text that was embedded once is not asked for."""
    from mentora_pipelines.domain.caching.embeddings import CachedEmbedder

    return CachedEmbedder(make_embedder(ledgers), cache)


@dataclass(frozen=True, slots=True)
class _Embedders:
    ledgers: UsageLedgers
    cache: "Cache | None"

    def of(self, model: "EmbeddingModel") -> "TextModel":
        from mentora_pipelines.domain.caching.embeddings import CachedEmbedder

        embedder = embedder_of(model, self.ledgers)
        return embedder if self.cache is None else CachedEmbedder(embedder, self.cache)


def make_text_model(name: str, ledgers: UsageLedgers) -> "TextModel":
    """An embedding model by name, whatever is set; raises `InvalidInput`."""
    local = make_local_embedder()
    if name in ("minilm", local.model.model):
        return local
    if name == "openai" or name.startswith("text-embedding-"):
        return make_openai_embedder(ledgers, None if name == "openai" else name)
    raise InvalidInput(f"there is no embedding model {name!r}")
