"""The only three shapes in which Frontdesk answers in JSON."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from frontdesk.platform.errors import ErrorCode, FrontdeskError
from frontdesk.platform.paging import Page

T = TypeVar("T")


class APIResponse(BaseModel, Generic[T]):
    """A success."""

    success: Literal[True] = True
    data: T
    request_id: str = Field(description="Names this request in logs; quote it to support.")


class PaginatedResponse(BaseModel, Generic[T]):
    """A page of a list."""

    success: Literal[True] = True
    data: list[T]
    count: int = Field(description="Items on this page.", ge=0)
    page_size: int = Field(description="Items that were asked for.", ge=1)
    next_cursor: str | None = Field(description="Send it as `cursor` for the next page.")
    has_more: bool = Field(description="Whether another page follows.")
    total: int | None = Field(
        None, description="Items on all pages; only when it was asked for.", ge=0
    )
    request_id: str = Field(description="Names this request in logs; quote it to support.")


class ErrorBody(BaseModel):
    """What went wrong."""

    code: ErrorCode = Field(description="For programs; documented in docs/errors.md.")
    message: str = Field(description="For people.")
    details: dict[str, Any] = Field(
        description="Facts for programs, such as `errors`: a list of `field` and `message`."
    )
    retryable: bool = Field(description="Whether the same request may succeed later.")


class ErrorResponse(BaseModel):
    """A failure; never looks like an empty result."""

    success: Literal[False] = False
    error: ErrorBody
    request_id: str = Field(description="Names this request in logs; quote it to support.")


# The unparametrised models serialise whatever model is inside. One class serves every route, so
# no request and no cold start pays for building APIResponse[Client].


def success_json(value: BaseModel, request_id: str) -> bytes:
    """``APIResponse`` of a value, as JSON."""
    reply: APIResponse[Any] = APIResponse.model_construct(
        success=True, data=value, request_id=request_id
    )
    return reply.model_dump_json(by_alias=True).encode()


def page_json(page: Page[Any], request_id: str) -> bytes:
    """``PaginatedResponse`` of a page, as JSON; without ``total`` unless it was counted."""
    reply: PaginatedResponse[Any] = PaginatedResponse.model_construct(
        success=True,
        data=list(page.items),
        count=len(page.items),
        page_size=page.page_size,
        next_cursor=page.next_cursor,
        has_more=page.has_more,
        total=page.total,
        request_id=request_id,
    )
    left_out = {"total"} if page.total is None else None
    return reply.model_dump_json(by_alias=True, exclude=left_out).encode()


def error_json(error: FrontdeskError, request_id: str) -> bytes:
    """``ErrorResponse`` of an error, as JSON."""
    body = ErrorBody.model_construct(
        code=error.code,
        message=error.message,
        details=error.details,
        retryable=error.retryable,
    )
    reply = ErrorResponse.model_construct(success=False, error=body, request_id=request_id)
    return reply.model_dump_json().encode()
