"""What providers of models are asked for, what it costs, and who may spend it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from mentora_pipelines.adapters.price_table import GenaiPrices
from mentora_pipelines.domain.spending.prices import (
    LocalPrices,
    ModelPrice,
    OwnPrices,
    PriceBook,
)
from mentora_pipelines.providers.databases import admin_database, migrated_urls
from mentora_pipelines.settings.spending import SpendingSettings

if TYPE_CHECKING:
    from mentora_pipelines.adapters.postgres.spending.ai_usage import (
        PostgresUsageLedgers,
    )
    from mentora_pipelines.adapters.postgres.spending.spending import SpendingRows


@contextmanager
def open_usage_ledgers() -> "Iterator[PostgresUsageLedgers]":
    """Books what providers are asked for; its connections are closed at the end."""
    from mentora_pipelines.adapters.postgres.database import Database
    from mentora_pipelines.adapters.postgres.spending.ai_usage import (
        PostgresUsageLedgers,
    )

    with (
        closing(Database(migrated_urls().app, "mentora-usage")) as app,
        admin_database("mentora-platform-usage") as admin,
    ):
        yield PostgresUsageLedgers(app, admin, make_price_table())


@contextmanager
def open_spending() -> "Iterator[SpendingRows]":
    """Budgets, and the bill across creators, as the admin role; closed at the end."""
    from mentora_pipelines.adapters.postgres.spending.spending import SpendingRows

    with admin_database("mentora-spending") as database:
        yield SpendingRows(database)


def make_price_table() -> PriceBook:
    """What calls cost: nothing here, else our own prices, else those published."""
    settings = SpendingSettings()
    own = {
        name: ModelPrice(price.input, price.output, price.minute)
        for name, price in settings.prices.items()
    }
    return PriceBook((LocalPrices(), OwnPrices(own, settings.version), GenaiPrices()))
