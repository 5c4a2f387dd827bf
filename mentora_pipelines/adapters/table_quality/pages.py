"""The page of a look: what Great Expectations renders, in a frame of our own.

Its own frame loads styles, scripts and pictures from eight hosts. A page lies in
object storage for years and is opened from inside a company: ours loads nothing, runs
no script, and says so to the browser.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentora_pipelines.domain.analytics.daily_metrics import DayRange
from mentora_pipelines.domain.analytics.table_quality import Finding, QualityTable

if TYPE_CHECKING:
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
    )

FRAME = Path(__file__).with_name("frame.j2")


def quality_page(
    result: "ExpectationSuiteValidationResult",
    table: QualityTable,
    days: DayRange,
    findings: Sequence[Finding],
) -> str:
    """One page of HTML that needs nothing but itself."""
    from great_expectations.render.renderer.page_renderer import (
        ValidationResultsPageRenderer,
    )
    from great_expectations.render.view.view import DefaultJinjaPageView

    document = ValidationResultsPageRenderer(run_info_at_end=True).render(result)
    # Its methods have no types.
    view: Any = DefaultJinjaPageView(custom_views_directory=str(FRAME.parent))
    page = view.render(
        document, FRAME.name, table=table.value, days=days, findings=findings
    )
    # Its links lead to other pages of a site that there is not.
    return re.sub(r'\s+href="[^"]*"', "", str(page))
