"""The signature of a delivery: whether Whop sent it, and just now.

Standard Webhooks: HMAC-SHA256 over id, time and body. A delivery that is older or newer
than five minutes is refused; one that is repeated within them carries its old id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from mentora_pipelines.errors import InvalidInput, SignatureRefused

MAX_ID_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class SignedDelivery:
    """A delivery that Whop has signed; `id` is the same when it is sent again."""

    id: str
    body: Mapping[str, Any]


def verified(
    body: bytes, headers: Mapping[str, str], secret: SecretStr
) -> SignedDelivery:
    """The delivery; `body` as it came, byte for byte.

    Raises `SignatureRefused` when it is not Whop's, or not of now, and `InvalidInput`
    when it is but is no JSON object.
    """
    from whop_sdk.lib.verify_webhook import WebhookVerificationError, unwrap

    named = {name.lower(): value for name, value in headers.items()}
    refused = malformed = False
    try:
        told = unwrap(body, headers=named, key=secret.get_secret_value())
    except WebhookVerificationError:
        refused = True
    except (ValueError, RecursionError):
        malformed = True
    delivery_id = named.get("webhook-id", "")
    # Outside of the handlers, so that no foreign error hangs on ours.
    if refused or not 1 <= len(delivery_id) <= MAX_ID_CHARACTERS:
        raise SignatureRefused("delivery: the signature or its time is not right")
    if malformed:
        raise InvalidInput("delivery: no JSON object")
    return SignedDelivery(delivery_id, told)
