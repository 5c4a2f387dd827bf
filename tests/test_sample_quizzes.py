"""The page that shows the quizzes of the samples, against what the code makes."""

from tests.fix_services import PROJECT
from tests.sample_quizzes import report


def test_the_page_of_sample_quizzes_is_what_the_code_makes() -> None:
    """Else people judge the quizzes by questions that nobody writes any more."""
    page = PROJECT / "docs/sample_quizzes.md"
    assert page.read_text(encoding="utf-8") == report()
