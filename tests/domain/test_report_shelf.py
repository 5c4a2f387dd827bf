from mentora_pipelines.domain.analytics.report_shelf import ReportPage, ReportShelf
from tests.fakes import FakeStorage

KEY = "reports/metrics/2026-11-22/platform.html"


class Signer:
    """Satisfies `DownloadSigner`."""

    def sign_download(self, key: str, *, lifetime_s: int) -> str:
        """An address that says what was asked."""
        return f"https://bucket.example/{key}?Expires={lifetime_s}"


def test_a_page_is_linked_where_a_browser_can_open_it() -> None:
    """Else the UI shows a link into a folder of a server that nobody sits at."""
    storage = FakeStorage()
    served = ReportShelf(storage, "https://reports.example/mentora", Signer())
    assert served.put(KEY, "<p>") == ReportPage(
        KEY, f"https://reports.example/mentora/{KEY}"
    )
    signed = ReportShelf(storage, None, Signer())
    assert signed.put(KEY, "<p>").url == f"https://bucket.example/{KEY}?Expires=604800"
    assert ReportShelf(storage).put(KEY, "<p>ü") == ReportPage(KEY, None)
    with storage.open(KEY) as stored:
        assert stored.read().decode() == "<p>ü"
