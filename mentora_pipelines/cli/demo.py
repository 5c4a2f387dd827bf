"""`mentora demo` and `mentora dev`: the sample lessons through the real daemon.

Here belong the samples, the daemon's life and what a person sees at the end. Not
here: anything that a lesson needs when nobody watches.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mentora_pipelines.adapters.postgres.catalogue import PostgresCatalogue
from mentora_pipelines.cli.daemon import Daemon, dagster_daemon, dagster_dev
from mentora_pipelines.cli.lessons import print_videos
from mentora_pipelines.cli.output import print_table, print_text, progress, say
from mentora_pipelines.cli.quiz_texts import as_text
from mentora_pipelines.cli.quizzes import newest_quiz
from mentora_pipelines.domain.lessons.times import clock
from mentora_pipelines.domain.search import SearchScope, search_lessons
from mentora_pipelines.domain.uploads import upload_key
from mentora_pipelines.domain.videos import ProcessingStatus, Video
from mentora_pipelines.errors import MentoraError, SettingsError
from mentora_pipelines.providers.lessons import open_catalogue, open_lessons
from mentora_pipelines.providers.models import make_embedder, make_reranker
from mentora_pipelines.providers.spending import open_usage_ledgers
from mentora_pipelines.providers.storage import make_storage
from mentora_pipelines.settings.home import HomeSettings

if TYPE_CHECKING:
    from mentora_pipelines.cli.code_server import CodeServerWatch

DEMO_CREATOR = "ada@mentora.example"
DEMO_DAY = date(2026, 1, 1)
"""Fixed, so that tomorrow's demo finds today's lessons."""

DEMO_TIMEOUT_S = 600.0
QUIZ_PATIENCE_S = 60.0
DEMO_QUESTIONS = (
    "Where does the oxygen that plants release come from?",
    "Why must a list be sorted before you look something up?",
    "How does money grow when interest earns interest?",
)
END_STATES = (ProcessingStatus.COMPLETED, ProcessingStatus.FAILED)


@dataclass(frozen=True, slots=True)
class SampleLesson:
    """A lesson of `samples/` and the text that is spoken in it."""

    video: Path
    reference: Path

    @property
    def title(self) -> str:
        """The title that its upload gets."""
        return self.video.stem.replace("-", " ")

    @property
    def storage_key(self) -> str:
        """Where the demo uploads it."""
        return upload_key(DEMO_DAY, DEMO_CREATOR, self.video.name)


def sample_lessons() -> list[SampleLesson]:
    """The lessons of `samples/`, by name; raises `SettingsError` when missing."""
    folder = HomeSettings().home / "samples"
    samples = [
        SampleLesson(video, video.with_suffix(".txt"))
        for video in sorted(folder.glob("*.mp4"))
    ]
    if not samples:
        raise SettingsError(f"there are no sample lessons in {folder}")
    return samples


def demo() -> None:
    """Process the sample lessons with the real sensor and real runs; show them."""
    with open_catalogue() as catalogue:
        samples = sample_lessons()
        _drop(samples)
        videos = _find(catalogue, samples)
        if _all_ended(videos, samples) and not _without_quiz(videos):
            say("the sample lessons are processed already")
        else:
            with dagster_daemon() as daemon:
                videos = _wait(catalogue, samples, daemon)
        _show(catalogue, videos)
    if any(v.processing_status is not ProcessingStatus.COMPLETED for v in videos):
        raise typer.Exit(1)


def dev(
    port: Annotated[int, typer.Option(help="Port of Dagster's UI.")] = 3000,
) -> None:
    """The same as `demo`, then leave Dagster's UI running until Ctrl-C."""
    from mentora_pipelines.cli.code_server import CodeServerWatch

    watch = CodeServerWatch(port)
    with open_catalogue() as catalogue, dagster_dev(port) as daemon:
        samples = sample_lessons()
        _drop(samples)
        _show(catalogue, _wait(catalogue, samples, daemon, watch))
        say(
            f"\nDagster's UI: http://127.0.0.1:{port}  (Ctrl-C stops it)\n"
            f"Drop videos into {make_storage().address}/uploads/YYYY-MM-DD/E-MAIL/"
        )
        watch.until_end_of(daemon)


def _drop(samples: Sequence[SampleLesson]) -> None:
    storage = make_storage()
    for sample in samples:
        # Stored anew it would be a new upload, to be looked at again.
        stored = storage.stat(sample.storage_key)
        if stored is None or stored.size != sample.video.stat().st_size:
            with sample.video.open("rb") as content:
                storage.put(sample.storage_key, content)


def _find(catalogue: PostgresCatalogue, samples: Sequence[SampleLesson]) -> list[Video]:
    found = (catalogue.find_by_storage_key(sample.storage_key) for sample in samples)
    return [video for video in found if video is not None]


def _all_ended(videos: Sequence[Video], samples: Sequence[SampleLesson]) -> bool:
    return len(videos) == len(samples) and all(
        video.processing_status in END_STATES for video in videos
    )


def _wait(
    catalogue: PostgresCatalogue,
    samples: Sequence[SampleLesson],
    daemon: Daemon,
    watch: "CodeServerWatch | None" = None,
) -> list[Video]:
    """Wait until every sample has ended, showing how far each has come."""
    from mentora_pipelines.cli.lesson_runs import dagster_instance, unfinished_runs

    deadline = time.monotonic() + DEMO_TIMEOUT_S
    quiz_deadline: float | None = None
    with _progress(samples) as show, dagster_instance() as instance:
        while time.monotonic() < deadline:
            videos = _find(catalogue, samples)
            show(videos)
            if _all_ended(videos, samples) and not unfinished_runs(instance):
                # A quiz is asked for when its lesson is there, and may be refused.
                quiz_deadline = quiz_deadline or time.monotonic() + QUIZ_PATIENCE_S
                if not _without_quiz(videos) or time.monotonic() > quiz_deadline:
                    return videos
            daemon.check()
            if watch is not None:
                watch.look(instance)
            time.sleep(0.5)
    raise MentoraError(
        f"the lessons did not end in {DEMO_TIMEOUT_S:.0f} s: {daemon.log}"
    )


def _without_quiz(videos: Sequence[Video]) -> list[Video]:
    """Those whose quiz is still to come."""
    with open_lessons() as lessons:
        return [
            video
            for video in videos
            if video.auto_generate_quiz
            and video.processing_status is ProcessingStatus.COMPLETED
            and not lessons.quizzes(video)
        ]


@contextmanager
def _progress(
    samples: Sequence[SampleLesson],
) -> Iterator[Callable[[Sequence[Video]], None]]:
    with progress() as shown:
        tasks = {
            sample.storage_key: shown.add_task(
                f"{sample.title}: waits for the sensor", total=1
            )
            for sample in samples
        }

        def show(videos: Sequence[Video]) -> None:
            for video in videos:
                shown.update(
                    tasks[video.storage_key],
                    description=f"{video.title}: {video.processing_status}",
                    completed=int(video.processing_status in END_STATES),
                )

        yield show


def _show(catalogue: PostgresCatalogue, videos: Sequence[Video]) -> None:
    """What a person would want to see of the lessons."""
    print_videos(videos, json=False)
    completed = [
        video
        for video in videos
        if video.processing_status is ProcessingStatus.COMPLETED
    ]
    hits = []
    with open_usage_ledgers() as ledgers:
        embedder = make_embedder(ledgers)
        for question in DEMO_QUESTIONS:
            found = search_lessons(
                question,
                index=catalogue,
                embedder=embedder,
                scope=SearchScope(),
                limit=1,
                reranker=make_reranker(embedder),
            )
            hits += [
                [question, hit.title, hit.start_s, hit.end_s, hit.similarity]
                for hit in found
            ]
    print_table(
        "Search", ["question", "lesson", "start s", "end s", "similarity"], hits
    )
    without_quiz = _without_quiz(completed)
    for video in [
        v for v in completed if v.auto_generate_quiz and v not in without_quiz
    ][:1]:
        quiz = newest_quiz(video.id)
        print_text(f"Draft quiz of “{video.title}”, {len(quiz.questions)} questions\n")
        print_text(
            "\n\n".join(as_text(n, q) for n, q in enumerate(quiz.questions[:3], 1))
        )
    _show_stages(catalogue, completed)
    _show_commands(completed)


def _show_stages(catalogue: PostgresCatalogue, videos: Sequence[Video]) -> None:
    from mentora_pipelines.cli.lesson_runs import ASSET_NAMES

    rows: list[list[object]] = []
    for video in videos:
        of_video = catalogue.stage_seconds(video.id)
        seconds = {n: of_video[n] for n in ASSET_NAMES if n in of_video}
        if not seconds:
            continue
        total = sum(seconds.values())
        share = 100 * (1 - seconds.get("transcripts", 0.0) / total)
        rows.append(
            [
                video.title,
                clock(video.duration_s or 0),
                *(round(seconds.get(name, 0.0), 2) for name in ASSET_NAMES),
                round(total, 2),
                round(share),
            ]
        )
    print_table(
        "Seconds per stage",
        ["lesson", "length", *ASSET_NAMES, "all", "% not recognition"],
        rows,
    )


def _show_commands(videos: Sequence[Video]) -> None:
    for video in videos[:1]:
        say(
            f"Next: mentora captions {video.id} · mentora transcript show {video.id} · "
            f"mentora quiz show {video.id}"
        )
