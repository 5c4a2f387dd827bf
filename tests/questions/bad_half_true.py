"""Bad and half true: right words with a wrong key, in wrong roles, of another case."""

from mentora_pipelines.domain.quizzes.questions import FALSE, TRUE
from tests.questions.cases import BOTH, CHOICE, SHORT, STATED, Case, ask

BAD_HALF_TRUE: list[Case] = [
    # Keyed false, and said in this sentence or in another one.
    ask("plants", STATED, "The stem is the part of a plant that carries the water up "
        "to the leaves.", FALSE, BOTH, line=7, fault="unsupported"),
    ask("plants", STATED, "The energy of the sun is captured by chlorophyll.", FALSE,
        BOTH, line=4, fault="unsupported"),
    ask("plants", STATED, "Roots take in water from the soil.", FALSE, BOTH, line=7,
        fault="unsupported"),
    ask("ohm", STATED, "Each branch of a parallel circuit gets the full voltage.",
        FALSE, BOTH, line=10, fault="unsupported"),
    ask("ohm", STATED, "Doubling the voltage doubles the current.", FALSE, BOTH,
        line=5, fault="unsupported"),
    # Keyed true, and said of the other side, or of another number.
    ask("plants", STATED, "Chlorophyll sends back red light.", TRUE, BOTH, line=5,
        fault="unsupported"),
    ask("search", STATED, "When the length of the list doubles, binary search needs "
        "twice as many comparisons.", TRUE, BOTH, line=13, fault="unsupported"),
    ask("rome", STATED, "Hannibal crossed the Alps with horses alone.", TRUE, BOTH,
        line=4, fault="unsupported"),
    ask("cells", STATED, "The messenger RNA is read by the ribosome.", FALSE, BOTH,
        line=2, fault="unsupported"),
    ask("code", STATED, "A while loop does not run at all if the condition is true at "
        "the start.", TRUE, BOTH, line=5, fault="unsupported"),
    ask("plants", STATED, "Chlorophyll is captured by the energy of the sun.", TRUE,
        BOTH, line=4, fault="unsupported"),
    ask("plants", STATED, "Chlorophyll captures the energy of the moon.", TRUE, BOTH,
        line=4, fault="unsupported"),
    # Wrong options that nobody takes for right, or that are right.
    ask("plants", CHOICE, "What turns water and carbon dioxide into sugar?",
        "Photosynthesis", "Photosynthesis|Tuesday|Bananas", line=2,
        fault="given_away"),
    ask("plants", CHOICE, "What stores extra sugar as starch?", "The plant",
        "The plant|The king|The bank", line=13, fault="given_away"),
    ask("market", CHOICE, "What shifts the supply curve?", "A sugar tax",
        "A sugar tax|Ice|Bananas", line=8, fault="given_away"),
    ask("plants", CHOICE, "Which of these is a part of a plant?", "The root",
        "The root|The stem|The gas", line=7, fault="ambiguous"),
    # The words of the quote in other roles, or of another case.
    ask("bread", CHOICE, "What does yeast turn into sugar?",
        "Carbon dioxide and alcohol",
        "Carbon dioxide and alcohol|Salt and gluten|Water and steam", line=1,
        fault="unsupported"),
    ask("market", CHOICE, "What do sellers do when there is a shortage?",
        "They lower their prices",
        "They lower their prices|They raise their prices|They demand a tax", line=6,
        fault="unsupported"),
    ask("bread", SHORT, "What does salt strengthen?", "It slows the yeast down",
        line=6, fault="unsupported"),
]  # fmt: skip
