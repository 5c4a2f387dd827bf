"""Good: questions that a teacher would keep. The rules are fitted to these."""

from tests.questions.cases import Case
from tests.questions.good_on_samples import GOOD_ON_SAMPLES
from tests.questions.good_on_subjects import GOOD_ON_SUBJECTS
from tests.questions.good_on_trades import GOOD_ON_TRADES

GOOD: list[Case] = [*GOOD_ON_SAMPLES, *GOOD_ON_SUBJECTS, *GOOD_ON_TRADES]
