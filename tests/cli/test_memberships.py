"""What the command says of memberships."""

from tests.fix_commands import Mentora
from tests.fix_whop import NewSeller
from tests.whop_server import KEY, PRODUCT, WhopServer


def test_check_tells_who_has_access_and_what_that_rests_on(
    mentora: Mentora, whop_server: WhopServer, new_seller: NewSeller
) -> None:
    """Else nobody can say why a student is shut out."""
    seller = new_seller()
    whop_server.grants("user_1")
    asked = mentora(
        "membership",
        "check",
        "user_1",
        "--creator",
        seller,
        "--json",
        WHOP_API_KEY=KEY,
        WHOP_BASE_URL=whop_server.url,
    )
    assert asked.code == 0, asked.progress
    assert asked.json.pop("answered_at")
    assert asked.json | {"answered_at": None} == {
        "creator": str(seller),
        "user": "user_1",
        "granted": True,
        "basis": "whop",
        "resources": [PRODUCT],
        "answered_at": None,
    }
