"""Key terms and topic tags."""

from mentora_pipelines.domain.terms.definitions_of_terms import definition_in
from mentora_pipelines.domain.terms.key_terms import key_terms, topic_tags

PLANTS = [
    "Photosynthesis is the process that turns carbon dioxide into sugar.",
    "The leaves take in carbon dioxide through their stomata.",
    "The stomata close when the plant has too little water.",
    "The leaf loses water, so photosynthesis quickly slows down.",
]
ROMANS = [
    "In 49 BC Caesar crossed the Rubicon with one legion.",
    "The senators feared Caesar, and the Senate ordered him home.",
    "The Senate was a council of rich nobles that advised the magistrates.",
    "In Egypt, Caesar met Cleopatra.",
]


def texts_of(sentences: list[str], language: str = "en") -> list[str]:
    """Return the terms of a lesson as they are written."""
    return [term.text for term in key_terms(sentences, language, 50)]


def test_the_subject_of_the_lesson_comes_first() -> None:
    """A lesson tagged with passing words is found by nobody."""
    assert texts_of(PLANTS)[0] == "photosynthesis"


def test_a_phrase_that_comes_back_is_one_term() -> None:
    """Apart, "carbon" and "dioxide" are two wrong tags in the place of a right one."""
    found = texts_of(PLANTS)
    assert "carbon dioxide" in found
    assert not {"carbon", "dioxide"} & set(found)


def test_grammar_words_verbs_adverbs_and_numbers_are_no_terms() -> None:
    """A tag "quickly" or "49" looks broken to every creator."""
    words = {w for text in texts_of(PLANTS) + texts_of(ROMANS) for w in text.split()}
    assert not words & {"the", "into", "quickly", "turns", "close", "49", "BC", "too"}


def test_forms_of_a_word_are_one_term_with_a_common_count() -> None:
    """Counted apart, "leaf" and "leaves" both look unimportant."""
    (leaf,) = [t for t in key_terms(PLANTS, "en", 50) if t.normal_form == "leaf"]
    assert (leaf.text, leaf.count) == ("leaf", 2)


def test_relatives_of_a_word_stay_apart() -> None:
    """Snowball's "senat" would show "senators" where the lesson says Senate."""
    forms = {term.normal_form for term in key_terms(ROMANS, "en", 50)}
    assert {"senate", "senator"} <= forms


def test_names_keep_their_capital_and_common_nouns_lose_the_sentences() -> None:
    """A small "caesar" or a large "Photosynthesis" reads like a typing error."""
    assert "Caesar" in texts_of(ROMANS)
    assert "Photosynthesis" not in texts_of(PLANTS)


def test_a_name_around_of_is_one_term() -> None:
    """The word "Battle" alone names nothing."""
    found = texts_of(["Caesar won the Battle of Pharsalus against Pompey."])
    assert "Battle of Pharsalus" in found
    assert "Battle" not in found


def test_the_same_lesson_gives_the_same_terms() -> None:
    """Tags that change by themselves would re-embed every chunk."""
    assert key_terms(PLANTS, "en", 50) == key_terms(list(PLANTS), "en", 50)


def test_the_limit_keeps_the_best_terms() -> None:
    """A cut that is not by rank loses the subject of the lesson."""
    assert key_terms(PLANTS, "en", 3) == key_terms(PLANTS, "en", 50)[:3]


def test_every_chunk_gets_its_own_terms() -> None:
    """Tags of the whole lesson on each chunk tell no chunk from another."""
    plants, romans = topic_tags([" ".join(PLANTS), " ".join(ROMANS)], "en", 3)
    assert "photosynthesis" in plants
    assert "Caesar" in romans
    assert not set(plants) & set(romans)


def test_a_chunk_has_at_most_the_tags_asked_for() -> None:
    """A row of thirty tags is no summary."""
    assert [len(tags) for tags in topic_tags(PLANTS, "en", 2)] == [2, 2, 2, 2]


def test_an_empty_chunk_has_no_tags() -> None:
    """Music without words must not fail the whole lesson."""
    assert topic_tags([" ".join(PLANTS), ""], "en")[1] == ()
    assert key_terms([], "en") == []


def test_german_terms_are_nouns() -> None:
    """German writes its nouns large: a verb among the tags is needless."""
    found = texts_of(
        [
            "Das Grundwasser tritt an Quellen aus dem Boden.",
            "Im Boden versickert das Wasser und bildet Grundwasser.",
        ],
        "de",
    )
    assert found[0] == "Grundwasser"
    assert all(text[0].isupper() for text in found)


def test_spanish_terms_hold_together_around_de() -> None:
    """Half a term, "dióxido" without "de carbono", misleads."""
    found = texts_of(
        [
            "Los poros dejan entrar el dióxido de carbono en la hoja.",
            "La planta fabrica glucosa a partir de dióxido de carbono.",
        ],
        "es",
    )
    assert "dióxido de carbono" in found
    assert not {"los", "partir", "entrar"} & set(found)


def test_an_unknown_language_still_gives_the_words_that_come_back() -> None:
    """A lesson in a language without a word list must not fail the pipeline."""
    found = texts_of(["Ipa quellor mi vastra.", "Na vastra to ipa solmen."], "xx")
    assert found[0] == "vastra"


def test_a_script_without_blanks_gives_no_terms_rather_than_clauses() -> None:
    """A whole Japanese clause as a tag is worse than no tag."""
    assert texts_of(["光合成は植物が光を使って糖を作る働きです。"], "ja") == []


def test_a_definition_is_read_on_both_sides_of_its_verb() -> None:
    """Definitions make the best questions; a missed one is a question less."""
    first = definition_in("So a roux is a mixture of flour and fat.")
    assert first is not None
    assert (first.term, first.verb) == ("roux", "is")
    assert first.description == "a mixture of flour and fat"
    named = definition_in("The chord on the first step is called the tonic.")
    assert named is not None
    assert (named.term, named.description) == ("tonic", "The chord on the first step")


def test_a_judgement_is_no_definition() -> None:
    """Asking "Which of these is a lot of work?" asks nothing."""
    for sentence in (
        "Linear search is simple, but it becomes slow.",
        "Binary search is a lot of work in the end.",
        "It is a process that takes very long.",
        "This method is a way that we saw before.",
        "The first thing is a bowl of warm water.",
        "The search is trying to find a value that fits.",
    ):
        assert definition_in(sentence) is None, sentence
