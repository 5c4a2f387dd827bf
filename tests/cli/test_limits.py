"""What the command says of rate limits."""

from uuid import uuid4

from mentora_pipelines.domain.rate_limits.identity import user
from mentora_pipelines.domain.rate_limits.limits import AUTH
from mentora_pipelines.providers.rate_limits import open_rate_limiter
from tests.fix_commands import Mentora


def test_limits_tells_what_was_allowed_and_refused(mentora: Mentora) -> None:
    """Else nobody sees that a limit is too tight, or attacked."""
    ada = user(uuid4())
    with open_rate_limiter() as limiter:
        for _ in range(AUTH.limit + 2):
            limiter.hit(AUTH, ada)
    answer = mentora("limits", "--json", "--days", "2")
    assert answer.code == 0
    assert answer.json["days"] == 2
    shown = {each["limiter"]: each for each in answer.json["limits"]}
    assert list(shown) == ["chat", "video-upload", "quiz-gen", "auth", "api"]
    assert shown["auth"] == {
        "limiter": "auth", "limit": 5, "window_s": 300, "window": "sliding",
        "on_outage": "closed", "allowed": 5, "refused": 2, "degraded": 0,
    }  # fmt: skip
    table = mentora("limits").output
    assert "video-upload" in table
    assert mentora("limits", "--days", "9").code == 2
