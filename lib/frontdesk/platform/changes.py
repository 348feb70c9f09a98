"""The body of a PATCH: only what is sent changes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


def _without_defaults(schema: dict[str, Any]) -> None:
    """What is left out stays as it is, so a client must not read that it becomes the default."""
    for field in schema.get("properties", {}).values():
        field.pop("default", None)


class Changes(BaseModel):
    """Fields that may change. Give each a default, which nothing reads, so that it may be left out;
    null is for fields that can be emptied.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_defaults)

    @property
    def sent(self) -> dict[str, Any]:
        """The fields that the request names, as JSON values."""
        return self.model_dump(mode="json", exclude_unset=True)
