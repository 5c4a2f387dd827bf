"""An endpoint of Starlette or FastAPI behind a limit.

Here belongs the decorator's work. Not here: the decision, which is given.
"""

import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias

from mentora_pipelines.adapters.asgi.answers import Scope, status_of
from mentora_pipelines.domain.rate_limits.limits import Decision

if TYPE_CHECKING:
    from starlette.requests import Request

Endpoint: TypeAlias = Callable[..., Any]
Ask: TypeAlias = Callable[[Scope], Awaitable[Decision]]

INNER = "mentora.rate_limit_decisions"
"""Where an endpoint tells the middleware around it what was decided."""


def limited_endpoint(endpoint: Endpoint, ask: Ask) -> Endpoint:
    """The endpoint, called only when `ask` allows its request.

    It keeps its signature, by which FastAPI knows its parameters. Raises `TypeError`
    when it is called without a `Request`.
    """

    @wraps(endpoint)
    async def guarded(*args: object, **kwargs: object) -> object:
        from starlette.concurrency import run_in_threadpool
        from starlette.responses import JSONResponse, Response

        request = _request_among([*args, *kwargs.values()])
        decision = await ask(request.scope)
        if not decision.allowed:
            return JSONResponse(
                decision.body, status_of(decision), headers=decision.headers
            )
        if inspect.iscoroutinefunction(endpoint):
            answer = await endpoint(*args, **kwargs)
        else:
            answer = await run_in_threadpool(endpoint, *args, **kwargs)
        if isinstance(answer, Response):
            answer.headers.update(decision.headers)
        elif INNER in request.scope:
            request.scope[INNER].append(decision)
        return answer

    return guarded


def _request_among(arguments: list[object]) -> "Request":
    from starlette.requests import Request

    for argument in arguments:
        if isinstance(argument, Request):
            return argument
    raise TypeError("an endpoint behind a limit must take its request")
