"""What a definition says that its term is."""

import pytest

from mentora_pipelines.domain.terms.definitions_of_terms import definition_in
from mentora_pipelines.domain.terms.genus import are_of_one_kind, genus_of
from mentora_pipelines.domain.terms.vocabulary import Vocabulary


@pytest.mark.parametrize(
    ("sentence", "genus"),
    [
        ("A pore is a tiny opening in a leaf where oxygen escapes.", "opening"),
        ("Photosynthesis is the process that uses light.", "process"),
        ("A loan is a kind of debt that somebody pays back.", "debt"),
        ("A tsunami is a series of long waves on the sea.", "series"),
        ("Inflation is a general rise in prices of most things.", "rise"),
        ("The amount that is paid each year is called interest.", None),
    ],
)
def test_the_noun_that_says_what_a_term_is_is_found(
    sentence: str, genus: str | None
) -> None:
    """Else "tiny" and "kind" decide what may stand beside an answer."""
    definition = definition_in(sentence)
    assert definition is not None
    assert genus_of(definition, Vocabulary("en")) == genus


def test_nouns_of_one_kind_may_be_taken_for_each_other() -> None:
    """Else a list stands among processes, and the answer is seen at a glance."""
    assert are_of_one_kind("opening", "layer")
    assert are_of_one_kind("interest", "interest")
    assert not are_of_one_kind("process", "gas")
    assert not are_of_one_kind(None, None)
