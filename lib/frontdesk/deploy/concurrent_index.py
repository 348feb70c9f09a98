"""An index that is built ``concurrently``, taken up again after a build that did not end well.

Such a build is no transaction. One that fails or is cut off leaves an index behind that Postgres
calls INVALID: it is kept up to date, used by nothing, and ``create index if not exists`` is content
with it. And a build whose runner went away goes on in the server, so that the index is there and
the history does not know it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

_NAME: Final = r'(?:"(?:[^"]|"")+"|\w+)'
_CREATES_INDEX: Final = re.compile(
    r"\s*create\s+(?:unique\s+)?index\s+concurrently\s+(?:if\s+not\s+exists\s+)?"
    rf"(?P<index>{_NAME})\s+on\s+(?:only\s+)?(?P<table>{_NAME}(?:\.{_NAME})?)",
    re.IGNORECASE,
)
# An index lives in its table's schema, whatever the search path is.
_FIND: Final = """
select schema.nspname, index.relname, entry.indisvalid
from pg_catalog.pg_index as entry
join pg_catalog.pg_class as index on index.oid = entry.indexrelid
join pg_catalog.pg_namespace as schema on schema.oid = index.relnamespace
where entry.indrelid = to_regclass(%s) and index.relname = (parse_ident(%s))[1]
"""


def make_way_for(
    connection: psycopg.Connection, statement: str, report: Callable[[str], None]
) -> bool:
    """Remove what an earlier build of the same index left behind.

    Args:
        connection: in autocommit mode.
        statement: the migration, without comments.
        report: called with a sentence when there was something.

    Returns:
        Whether the statement has to be run; not when its index is there, complete.
    """
    match = _CREATES_INDEX.match(statement)
    if match is None:
        return True
    found = connection.execute(_FIND, [match["table"], match["index"]]).fetchone()
    if found is None:
        return True
    schema, name, valid = found
    if valid:
        report(f"the index {schema}.{name} was finished by an earlier run")
        return False
    report(f"the index {schema}.{name} was left INVALID by an earlier run; building it anew")
    connection.execute(sql.SQL("drop index concurrently {}").format(sql.Identifier(schema, name)))
    return True
