"""Word classes of English, as far as a list can tell them.

Here belong the words that never are, or never begin or end, a key term of an
English lesson. Not here: what decides between noun and verb by context.
"""

from collections.abc import Iterable


def words(text: str) -> frozenset[str]:
    """Return the words of a list that is written as running text."""
    return frozenset(text.split())


DETERMINERS = words(
    "a an the this that these those each every some any no all both either neither "
    "another such what which whose my your his her its our their much many few "
    "several most more less enough one two three four five six seven eight nine "
    "ten"
)
PRONOUNS = words(
    "i me my mine myself you your yours yourself he him his himself she her hers "
    "herself it its itself we us our ours ourselves they them their theirs "
    "themselves who whom someone something anyone anything everyone everything "
    "nobody nothing none there here one ones this these those"
)
SUBJECT_PRONOUNS = words("i you he she it we they who")
PREPOSITIONS = words(
    "of in on at by for from with without into onto to toward towards through "
    "throughout across over under above below between among against about around "
    "after before during until since within behind beyond beside besides near "
    "inside outside along per via despite except like unlike upon off out up "
    "down"
)
# Prepositions that as often close a verb: no noun need follow.
PARTICLES = words("inside outside up down off out over along about")
CONJUNCTIONS = words(
    "and or but nor so yet because although though while whereas if unless when "
    "whenever where wherever as than that which who whose whether how why once "
    "then therefore however thus hence otherwise instead"
)
AUXILIARIES = words(
    "am is are was were be been being do does did doing done have has had having "
    "can could may might must shall should will would ought cannot not isn't "
    "aren't wasn't weren't don't doesn't didn't can't couldn't won't wouldn't "
    "shouldn't haven't hasn't hadn't i'm you're we're they're it's that's there's "
    "he's she's what's here's let's i've you've we've they've i'll you'll we'll "
    "they'll it'll i'd you'd we'd they'd"
)
MODALS = words(
    "can could may might must shall should will would cannot can't couldn't won't "
    "wouldn't shouldn't do does did don't doesn't didn't not"
)
ADVERBS = words(
    "also too very just only even still already always never often sometimes "
    "usually soon later now again ever almost quite rather perhaps maybe really "
    "actually basically simply well away back together apart further else faster "
    "slower better worse best worst least first second third fourth fifth "
    "sixth next last finally "
    "today tomorrow yesterday okay ok yes um uh er hmm right please ago anyway "
    "long longer far early late fast hard straight twice bc bce ad ce "
    "am pm"
)
FUNCTION_WORDS = (
    DETERMINERS | PRONOUNS | PREPOSITIONS | CONJUNCTIONS | AUXILIARIES | ADVERBS
)

LY_NOUNS = words(
    "family assembly supply anomaly butterfly monopoly reply jelly belly ally "
    "italy july fly lily bully rally tally homily melancholy dragonfly sicily "
    "gully trolley"
)
ED_NOUNS = words(
    "seed speed breed need feed bed weed creed shed sled bread thread reed deed "
    "greed hundred watershed bobsled biped moped"
)

# Nouns and adjectives too general to be a term by themselves; inside a longer
# term they are welcome ("time complexity", "simple interest").
GENERAL_WORDS = words(
    "thing things way ways lot lots kind kinds sort sorts type types part parts "
    "piece pieces example examples case cases point points bit bits lesson lessons "
    "video videos course chapter topic number numbers amount amounts people person "
    "time times year years day days week weeks month months hour hours minute "
    "minutes moment moments step steps place places side sides end ends start "
    "beginning middle half halves top bottom left rest set sets group groups "
    "problem problems question questions answer answers reason reasons result "
    "results idea ideas fact facts word words name names use uses size length "
    "level levels form forms line lines man men woman women life world work "
    "different same other good bad big small large little great new old young "
    "high low short tiny huge simple easy difficult important main common general "
    "special certain single whole full empty strong weak true false real possible "
    "able close open free clear similar several various final extra total own "
    "sure happy long-term many red blue green white black yellow brown dark bright "
    "hot cold warm cool slow quick sharp soft wide narrow deep thick thin heavy "
    "rich poor ready early late smaller larger bigger higher lower longer shorter "
    "older newer stronger weaker remaining inner outer upper earlier past century "
    "goal purpose role difference importance everybody somebody mistake trick tip "
    "secret stuff matter sense term terms key basic measure best second seconds"
)

# Verbs of explanation that are seldom the subject of a lesson themselves.
PLAIN_VERBS = words(
    "absorb accept achieve act add affect agree aim allow appear apply argue arise "
    "ask assume attach avoid become begin behave belong bring build call carry "
    "cause check choose combine come compare complete compute conquer consider "
    "consist contain continue convert count create cross cut decide decline "
    "decrease define depend describe destroy determine develop die differ divide "
    "do double drop eat emerge enable end enjoy ensure enter escape exist expand "
    "expect explain express fail fall fill find finish flow follow force get give "
    "go grow guess happen help hold imagine improve include increase keep know "
    "lead learn leave let lie live look lose love make mean meet melt mix move "
    "multiply need obtain occur open organise organize pay perform pick play pour "
    "prefer prepare prevent produce protect prove provide pull push put raise reach "
    "read receive recognise recognize reduce refer reflect release rely remain "
    "remember remove repeat replace require retrieve return reveal rise run save "
    "say see seem sell send separate serve shrink sit solve speak spend split "
    "spread stand start stay stick stir stop store suggest suppose surround take "
    "talk tell tend think throw touch travel treat try turn understand use vary "
    "wait want win write rule fit fold overthrow abolish appoint declare invade "
    "defeat bind bake boil fry peel chop slice simmer"
)
_IRREGULAR_FORMS = words(
    "became begun began brought built came chose chosen drew drawn drove driven "
    "ate eaten fell fallen felt found fought forgot forgotten gave given went gone "
    "got gotten grew grown heard held kept knew known led left lent lost made meant "
    "met paid put read ran rose risen said sang saw seen sold sent shook shown "
    "shrank sat slept spoke spoken spent stood stuck struck taught told thought "
    "threw thrown took taken understood won wore worn wrote written laid lay bound "
    "tore torn spun split spread overthrew overthrown"
)

# Verbs whose plain form is just as often a noun: only their other forms count.
_NOUN_TOO = words(
    "act aim call cause check count cross cut decline drop end fall fit flow fold "
    "force guess lead lie love mean mix move need play raise reach return "
    "rise rule run save sense slice split spread stand start stick stop store talk "
    "travel treat turn use wait win work increase decrease double release read "
    "dress touch complete separate open express produce"
)


def _inflected(verb: str) -> Iterable[str]:
    """Yield the regular forms of `verb`; those that do not exist do no harm."""
    stem = verb.removesuffix("e")
    if verb not in _NOUN_TOO:
        yield verb
        yield verb + "s"
    yield from (verb + "es", verb + "ed", verb + "ing", stem + "ed", stem + "ing")
    yield from (verb + verb[-1] + "ed", verb + verb[-1] + "ing")
    if verb.endswith("y"):
        yield from (verb[:-1] + "ies", verb[:-1] + "ied")


VERB_FORMS = _IRREGULAR_FORMS.union(*(_inflected(verb) for verb in PLAIN_VERBS)) - {
    "leaves", "building", "buildings", "meaning", "writing", "reading",
    "baking",
}  # fmt: skip

IRREGULAR_SINGULARS = {
    "leaves": "leaf", "halves": "half", "wolves": "wolf", "knives": "knife",
    "shelves": "shelf", "loaves": "loaf", "calves": "calf", "thieves": "thief",
    "men": "man", "women": "woman", "children": "child", "teeth": "tooth",
    "feet": "foot", "mice": "mouse", "geese": "goose", "vertices": "vertex",
    "indices": "index", "matrices": "matrix", "axes": "axis", "stomata": "stoma",
    "bacteria": "bacterium", "hypotheses": "hypothesis", "analyses": "analysis",
    "crises": "crisis", "nuclei": "nucleus", "fungi": "fungus", "phenomena":
    "phenomenon", "criteria": "criterion", "mitochondria": "mitochondrion",
}  # fmt: skip
