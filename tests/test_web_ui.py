"""The web UI over finished lessons, as a person sees it in a browser."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Page

from tests.browser import browser_page
from tests.fix_commands import DemoHome
from tests.web_ui import View, look, views, web_server


@pytest.fixture(scope="module")
def ui(demo_home: DemoHome) -> Iterator[str]:
    """The address of the UI over the lessons of the demo."""
    with web_server(demo_home.mentora.home) as url:
        yield url


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of a real browser."""
    with browser_page() as opened:
        yield opened


@pytest.fixture(scope="module")
def video_id(demo_home: DemoHome) -> UUID:
    """One of the lessons of the demo."""
    return UUID(demo_home.mentora("status", "--json").json["videos"][0]["id"])


def test_a_page_is_drawn_before_its_own_letters_have_come(page: Page) -> None:
    """Else the browser aborts whenever a page is faster than its fonts."""
    page.set_content(
        "<style>@font-face { font-family: F; src: local('none'), url(data:,) }</style>"
        "<p style='font-family: F, monospace'>words</p><pre>more</pre><input value=x>"
    )
    assert page.evaluate("document.querySelector('p').offsetHeight") > 0


@pytest.mark.parametrize("number", range(len(views(UUID(int=0)))))
def test_a_page_shows_what_it_is_for(
    ui: str,
    page: Page,
    video_id: UUID,
    number: int,
    tmp_path: Path,
    demo_home: DemoHome,
) -> None:
    """Else an operator looks for lessons or triggers, and finds an empty page."""
    view: View = views(video_id)[number]
    assert demo_home.demo.code == 0
    text = look(page, ui, view, tmp_path)
    assert "Unexpected error" not in text
    # A picture of an empty page has a few thousand bytes.
    assert (tmp_path / f"{view.picture}.png").stat().st_size > 20_000
