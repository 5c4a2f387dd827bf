"""A headless Chromium: what `bootstrap.sh test` has unpacked, else this machine's.

The package that carries it brings the libraries that it needs beside libc.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

from mentora_pipelines.settings.environment import child_environment

UNPACKED = Path(sys.executable).parents[1] / "browser" / "unpacked"

INSTALLED = ("chromium", "google-chrome", "chromium-browser")

FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""
"""The package's own file names folders of one cloud's machines. A Chromium that finds
no font draws nothing until a page's own letters have come, or aborts, by chance."""

SIZE: ViewportSize = {"width": 1500, "height": 900}


def browser_path() -> Path:
    """Where a browser is; an error that says what to do when there is none."""
    if (UNPACKED / "chromium").is_file():
        return UNPACKED / "chromium"
    for name in INSTALLED:
        if found := shutil.which(name):
            return Path(found)
    raise AssertionError("there is no browser: sh bootstrap.sh test brings one")


@contextmanager
def browser_page() -> Iterator[Page]:
    """A page of a browser that knows nobody."""
    path = browser_path()
    variables = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        if path.is_relative_to(UNPACKED):
            fonts = Path(folder) / "fonts.conf"
            fonts.write_text(FONTS.format(fonts=UNPACKED / "fonts", cache=folder))
            variables = {
                "LD_LIBRARY_PATH": str(UNPACKED / "lib"),
                "FONTCONFIG_FILE": str(fonts),
            }
        browser = playwright.chromium.launch(
            executable_path=path,
            headless=True,
            env={**child_environment(**variables)},
            # Root may have no sandbox; the pages are our own.
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        # Without a locale of the machine it is "en-US@posix", which Intl refuses.
        page = browser.new_page(viewport=SIZE, locale="en-US", timezone_id="UTC")
        yield page
        browser.close()
