from mentora_pipelines.domain.analytics.report_shelf import ReportPage, ReportShelf
from tests.fakes import FakeStorage

KEY = "reports/metrics/2026-11-22/platform.html"


def test_a_page_is_linked_where_it_is_served_and_else_named() -> None:
    """Else the UI keeps links that anybody may open, and that are dead in a week."""
    storage = FakeStorage()
    served = ReportShelf(storage, "https://reports.example/mentora")
    assert served.put(KEY, "<p>") == ReportPage(
        KEY, f"https://reports.example/mentora/{KEY}"
    )
    assert ReportShelf(storage).put(KEY, "<p>ü") == ReportPage(KEY, None)
    with storage.open(KEY) as stored:
        assert stored.read().decode() == "<p>ü"
