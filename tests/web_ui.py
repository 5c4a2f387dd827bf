"""The web UI over finished lessons, looked at by a browser: pages, words, pictures.

`python -m tests.web_ui FOLDER` makes a home with the sample lessons and takes the
pictures of the README; the tests look at the same pages.
"""

import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from playwright.sync_api import Page

from mentora_pipelines.local_stack import stop_local_stack
from mentora_pipelines.settings.environment import child_environment
from tests.browser import browser_page
from tests.ports import free_port

PATIENCE_S = 180.0
PATIENCE_MS = 1000 * PATIENCE_S


@dataclass(frozen=True)
class View:
    """A page of the UI, what must stand on it, and the name of its picture."""

    picture: str
    path: str
    words: tuple[str, ...]


def views(video_id: UUID) -> tuple[View, ...]:
    """What the README shows, for one finished lesson."""
    return (
        View(
            "lineage",
            "/locations/mentora/asset-groups/lessons/lineage",
            (
                "audio", "transcripts", "captions", "chunks", "embeddings",
                "published_lessons", "quizzes",
            ),
        ),
        View(
            "partition",
            f"/assets/transcripts?view=partitions&partition={video_id}",
            (str(video_id), "Materialized", "words", "duration_s"),
        ),
        View(
            "asset",
            "/assets/transcripts?view=overview",
            (
                "The words of the lesson", "Owners", "Postgres", "whisper",
                "source_hash", "SHA-256", "lesson_job", "due_events",
            ),
        ),
        View(
            "checks",
            "/assets/transcripts?view=checks",
            (
                "every_word_follows_the_one_before", "nothing_heard_is_doubtful",
                "Passed", "citation points to the wrong moment",
            ),
        ),
        View(
            "automation",
            "/automation",
            (
                "new_uploads", "due_events", "stranded_videos", "ended_runs",
                "daily_metrics_schedule", "At 02:00 AM UTC", "content_health_schedule",
                "platform_health_schedule", "Every 10 minutes",
            ),
        ),
        View(
            "sensor",
            "/locations/mentora/sensors/due_events",
            ("due_events", "Gives each due event to its consumer", "lesson_job"),
        ),
        View(
            "schedule",
            "/locations/mentora/schedules/daily_metrics_schedule",
            ("daily_metrics_schedule", "At 02:00 AM UTC", "daily_metrics_job"),
        ),
    )  # fmt: skip


def look(page: Page, url: str, view: View, folder: Path) -> str:
    """Open a page, wait for its words, and take its picture; all that stands there.

    Raises playwright's error, with the word that is missing.
    """
    page.set_default_timeout(PATIENCE_MS)
    page.goto(url + view.path)
    for word in view.words:
        page.get_by_text(re.compile(re.escape(word))).first.wait_for(state="attached")
    # What moves into its place is not to be caught half-way, nor without its letters.
    page.wait_for_function("document.fonts.status === 'loaded'")
    page.wait_for_timeout(1500)
    page.screenshot(path=folder / f"{view.picture}.png")
    return page.locator("body").inner_text()


@contextmanager
def web_server(home: Path) -> Iterator[str]:
    """The UI over a home, without a daemon; its address."""
    port = free_port()
    log = home / "webserver.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [
                sys.executable, "-m", "dagster_webserver", "-w", "workspace.yaml",
                "-h", "127.0.0.1", "-p", str(port),
            ],
            cwd=home,
            env=child_environment(
                DAGSTER_HOME=str(home), DAGSTER_DISABLE_TELEMETRY="1"
            ),
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as server,
    ):  # fmt: skip
        try:
            _wait_for(f"http://127.0.0.1:{port}/server_info", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and server.poll() is None:
        # S310 is about schemes that a caller chooses: this one is written above.
        with suppress(urllib.error.URLError, TimeoutError):
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])


def main() -> None:
    """Take the pictures into the folder that is named."""
    from tests.fix_commands import Mentora
    from tests.fix_lessons import SAMPLES
    from tests.fix_services import make_home

    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        home = make_home(Path(place) / "home")
        (home / "samples").symlink_to(SAMPLES)
        mentora = Mentora(home)
        assert mentora("demo").code == 0
        video = UUID(mentora("status", "--json").json["videos"][0]["id"])
        with web_server(home) as url, browser_page() as page:
            for view in views(video):
                # Twice: the first page comes before the letters that it is set in.
                look(page, url, view, folder)
                look(page, url, view, folder)
        stop_local_stack(home / ".mentora")


if __name__ == "__main__":
    main()
