"""Which pages of a day are written, and when."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

from mentora_pipelines.adapters.folder_storage import FolderStorage
from mentora_pipelines.domain.analytics.daily_metrics import DayRange, Metrics
from mentora_pipelines.domain.analytics.metric_reports import (
    MAX_TOLD,
    Reach,
    report_key,
    write_reports,
)
from mentora_pipelines.domain.analytics.report_shelf import ReportShelf

DAY = date(2026, 3, 29)


class NoHistory:
    """Satisfies `MetricsHistory`: nothing happened."""

    def history(self, days: DayRange) -> list[Metrics]:
        """Nothing."""
        assert days.last == DAY
        return []

    def reach(self, day: date) -> dict[UUID | None, Reach]:
        """Nobody."""
        assert day == DAY
        return {}


class ImpatientReports:
    """Satisfies `MetricReports`: no page before the last one is stored."""

    def __init__(self, storage: FolderStorage, creators: Sequence[UUID]) -> None:
        self._storage = storage
        self._creators = creators

    def render(
        self,
        day: date,
        history: Sequence[Metrics],
        reach: Mapping[UUID | None, Reach],
    ) -> Iterator[tuple[UUID | None, str]]:
        """A page for each creator and for the platform."""
        assert not history
        assert not reach
        for creator_id in (*self._creators, None):
            page = f"<p>{creator_id}</p>"
            yield creator_id, page
            assert self._storage.stat(report_key(day, creator_id, page)) is not None


def test_each_page_is_stored_before_the_next_is_made(tmp_path: Path) -> None:
    """Else five thousand creators are 290 MB of pages in one run."""
    storage = FolderStorage(tmp_path)
    creators = [uuid4() for _ in range(MAX_TOLD + 1)]
    written = write_reports(
        DAY,
        history=NoHistory(),
        reports=ImpatientReports(storage, creators),
        shelf=ReportShelf(storage),
    )
    assert written.pages == len(creators) + 1
    assert written.platform is not None
    assert list(written.creators) == creators[:MAX_TOLD], "the first, and no more"
