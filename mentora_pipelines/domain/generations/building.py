"""The vectors that a generation lacks are made."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from mentora_pipelines.domain.generations.generations import GenerationStore
from mentora_pipelines.domain.lessons.embeddings import (
    Embedder,
    check_vectors,
    embedded_batches,
)
from mentora_pipelines.domain.spending.usage import Payer, paid_by
from mentora_pipelines.errors import OverBudget, PermanentError, SetAside


@dataclass(frozen=True, slots=True)
class BuildFigures:
    """What a build has done; `refused` are creators without budget for it."""

    videos: int = 0
    embedded: int = 0
    calls: int = 0
    refused: frozenset[UUID] = field(default_factory=frozenset)


def build_generation(
    generation_id: UUID,
    *,
    embedder: Embedder,
    store: GenerationStore,
    on_video: Callable[[int], None] = lambda _: None,
) -> BuildFigures:
    """Embed what has no vector in a generation, each video at its creator's cost.

    Stored batch by batch: after a crash only what is missing is asked for. A creator
    whose budget does not allow it is passed over and named, and a video that is
    deleted meanwhile is passed over. `on_video` is told the texts of each video that is
    done. Raises as `Embedder.embed` does.
    """
    videos = embedded = calls = 0
    refused = set()
    for missing in store.missing_texts(generation_id):
        if missing.creator_id in refused:
            continue
        payer = Payer(missing.creator_id, missing.video_id)
        hashes = list(missing.texts)
        texts = list(missing.texts.values())
        try:
            for batch in embedded_batches(paid_by(embedder, payer), texts):
                check_vectors(
                    batch.vectors, len(batch.places), embedder.model.dimensions
                )
                of_batch = [hashes[place] for place in batch.places]
                store.add_vectors(generation_id, missing, of_batch, batch.vectors)
                embedded += len(of_batch)
                calls += batch.is_new
        except (OverBudget, SetAside):
            refused.add(missing.creator_id)
            continue
        except PermanentError:
            if store.has_video(missing.video_id):
                raise
            # Deleted since its texts were read: nobody wants its vectors.
            continue
        videos += 1
        on_video(len(texts))
    return BuildFigures(videos, embedded, calls, frozenset(refused))
