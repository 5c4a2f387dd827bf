"""Bad: planted questions, every kind of fault, each of which must be refused."""

from tests.questions.bad_as_it_stands import BAD_AS_IT_STANDS
from tests.questions.bad_evidence import BAD_EVIDENCE
from tests.questions.bad_half_true import BAD_HALF_TRUE
from tests.questions.bad_of_weak_models import BAD_OF_WEAK_MODELS
from tests.questions.bad_orders import BAD_ORDERS
from tests.questions.cases import Case

BAD: list[Case] = [
    *BAD_EVIDENCE,
    *BAD_HALF_TRUE,
    *BAD_AS_IT_STANDS,
    *BAD_ORDERS,
    *BAD_OF_WEAK_MODELS,
]
