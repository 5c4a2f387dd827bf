"""Genus: what a definition says that its term is, and what else is of that kind.

"A pore is a tiny opening in a leaf": its genus is "opening". Here belong the noun
itself and the kinds of nouns, in English. Not here: what a quiz makes of it.
"""

from mentora_pipelines.domain.terms import english_words as english
from mentora_pipelines.domain.terms.definitions_of_terms import (
    Definition,
    DefinitionForm,
)
from mentora_pipelines.domain.terms.vocabulary import Vocabulary

# "A kind of interest" is interest.
_EMPTY = english.words("kind type sort form example")
_NOUNS_BY_KIND = """
process reaction stage phase cycle change movement transfer conversion growth act
action operation rise fall increase decrease;
algorithm method technique procedure way strategy approach process set;
gas liquid solid pigment substance sugar protein acid molecule compound mineral
metal material element fuel hormone enzyme fat;
part opening layer organ tissue structure cell organelle membrane muscle bone;
number amount measure rate percentage price value quantity ratio sum distance size
length speed pressure force position cost degree;
money interest payment fee tax loan debt price cost sum income;
list set group series sequence collection row table pair assembly array order;
person ruler king queen leader scientist writer worker official owner member;
device machine tool instrument computer program system component engine;
protocol rule law principle standard theory idea belief claim;
agreement promise contract offer treaty document declaration;
war battle revolution conflict revolt event period era age time;
place city country state region area building island river;
animal plant bird fish insect mammal organism fungus bacterium virus;
word noun verb sentence phrase clause sign symbol letter name mark;
interval chord note scale tone sound distance series;
data file block packet message snapshot copy record pointer address number item
list piece;
property quality feature ability measure degree
"""
_KINDS = tuple(english.words(nouns) for nouns in _NOUNS_BY_KIND.split(";"))
_NOUNS = frozenset[str]().union(*_KINDS)


def genus_of(definition: Definition, vocabulary: Vocabulary) -> str | None:
    """The stem of the noun that says what the term is, or None."""
    if definition.form is not DefinitionForm.TERM_FIRST:
        return None
    genus: str | None = None
    for token in vocabulary.tokens(definition.description):
        links = token.lower in english.PREPOSITIONS | english.CONJUNCTIONS
        # "a tiny opening in a leaf" opens nothing.
        verb = token.lower in english.VERB_FORMS and not token.lower.endswith("ing")
        known = token.lower in _NOUNS
        if links or (verb and not known) or (token.after_break and genus):
            if token.lower == "of" and genus in _EMPTY:
                continue
            break
        if token.lower not in english.DETERMINERS:
            genus = token.lower if known else token.stem
    return genus


def are_of_one_kind(one: str | None, other: str | None) -> bool:
    """Whether two nouns name things that may be taken for each other."""
    if one is None or other is None:
        return False
    return one == other or any(one in kind and other in kind for kind in _KINDS)
