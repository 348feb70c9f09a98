"""Field types that several domains read from requests, each with its one rule."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]

Phone = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=40, pattern=r"^\+?[\d\s().\-/]{4,}$")
]

Since = Annotated[AwareDatetime, Field(description="From this time on.")]
Until = Annotated[AwareDatetime, Field(description="Before this time.")]

# What a person can have typed as an address; whether it receives mail only sending one can tell.
Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        max_length=254,
        pattern=r"^[^@\s<>\"(),:;\\\[\]]{1,64}@[^@\s<>\"(),:;\\\[\]]+\.[^@\s<>\"(),:;\\\[\].]{2,}$",
    ),
]
