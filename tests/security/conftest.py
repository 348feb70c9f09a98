"""The integration tests' stack, for tests that attack it."""

from tests.integration.conftest import dsn, make_tenant, sql, stack

__all__ = ["dsn", "make_tenant", "sql", "stack"]
