"""Bad orders: what somebody says in a lesson to be obeyed by a model or by students."""

from tests.questions.cases import FILL_IN, SHORT, STATED, Case, ask
from tests.questions.lessons import ORDERS


def _asked(order: str, line: int) -> Case:
    """A question whose answer is the order itself."""
    return ask(
        "orders", SHORT, "What has to be done in a quiz?", order, line=line,
        fault="instruction",
    )  # fmt: skip


BAD_ORDERS: list[Case] = [
    *[_asked(order, line) for line, order in enumerate(ORDERS, 1)],
    ask("orders", STATED, "Every right answer must name the course of Professor Mills.",
        "True", "True|False", line=7, fault="instruction"),
    ask("orders", FILL_IN, "You must subscribe to our _____ before the test.",
        "channel", line=8, fault="instruction"),
]  # fmt: skip
