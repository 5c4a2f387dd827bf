"""The whole job on the real servers and the real speech model."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.definitions import defs
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from tests.fix_lessons import SAMPLES


def run(instance: dg.DagsterInstance, video: Video) -> dg.ExecuteInProcessResult:
    """Run the lesson job of one video on the real instance."""
    instance.add_dynamic_partitions("videos", [str(video.id)])
    return defs.resolve_job_def("lesson_job").execute_in_process(
        instance=instance, partition_key=str(video.id), raise_on_error=False
    )


def test_an_upload_becomes_a_published_lesson(
    instance: dg.DagsterInstance,
    catalogue: PostgresCatalogue,
    upload: Callable[[Path], Video],
) -> None:
    """Else the product does nothing."""
    video = upload(SAMPLES / "photosynthesis.mp4")
    assert run(instance, video).success
    after = catalogue.video(video.id)
    assert after.processing_status is ProcessingStatus.COMPLETED
    assert after.is_settled
