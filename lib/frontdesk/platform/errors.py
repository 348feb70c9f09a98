"""Every error a caller can meet, drawn once.

::

    FrontdeskError
    ├── InvalidRequest            400 invalid_request          a field is wrong; details name it
    ├── InvalidCursor             400 invalid_cursor           edited, or made for another list
    ├── Unauthenticated           401 unauthenticated          no token, or one that does not hold
    ├── PermissionDenied          403 permission_denied        the role does not allow it
    │   ├── TenantRequired        403 tenant_required          the token names no tenant
    │   ├── TenantSuspended       403 tenant_suspended
    │   ├── MembershipRevoked     403 membership_revoked
    │   └── QuotaExceeded         403 quota_exceeded           details name the quota
    ├── NotFound                  404 not_found                also what the caller may not see
    ├── MethodNotAllowed          405 method_not_allowed       the Allow header lists the others
    ├── Conflict                  409 conflict                 a unique value is taken
    │   ├── InvalidTransition     409 invalid_transition       details list the allowed states
    │   └── IdempotencyInProgress 409 idempotency_in_progress  the same key is being worked on
    ├── PreconditionFailed        412 precondition_failed      somebody changed it in between
    ├── PayloadTooLarge           413 payload_too_large
    ├── UnsupportedMediaType      415 unsupported_media_type
    ├── Unprocessable             422 unprocessable            understood, but a rule refuses it
    │   └── IdempotencyKeyReused  422 idempotency_key_reused   same key, another request
    ├── RateLimited               429 rate_limited             Retry-After says when
    ├── InternalError             500 internal_error           a bug; the log has the request id
    ├── UpstreamUnavailable       503 upstream_unavailable     an outside service failed
    ├── NotConfigured             503 not_configured           a setting this route needs is missing
    └── DeadlineExceeded          504 deadline_exceeded        the time for this request is over
        └── StatementTimeout      504 statement_timeout        the database cancelled the statement

The code, not the class, is the contract: ``error_from_code`` turns what SQL raises (SQLSTATE
``PTxyz`` with the code as DETAIL) into the same classes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping


class ErrorCode(StrEnum):
    """The documented values of ``error.code``."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CURSOR = "invalid_cursor"
    UNAUTHENTICATED = "unauthenticated"
    PERMISSION_DENIED = "permission_denied"
    TENANT_REQUIRED = "tenant_required"
    TENANT_SUSPENDED = "tenant_suspended"
    MEMBERSHIP_REVOKED = "membership_revoked"
    QUOTA_EXCEEDED = "quota_exceeded"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CONFLICT = "conflict"
    INVALID_TRANSITION = "invalid_transition"
    IDEMPOTENCY_IN_PROGRESS = "idempotency_in_progress"
    PRECONDITION_FAILED = "precondition_failed"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UNPROCESSABLE = "unprocessable"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    RATE_LIMITED = "rate_limited"
    INTERNAL_ERROR = "internal_error"
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"
    NOT_CONFIGURED = "not_configured"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    STATEMENT_TIMEOUT = "statement_timeout"


class FrontdeskError(Exception):
    """An error with a sentence for the caller, a documented code and an HTTP status.

    Args:
        message: what went wrong, for a person; holds no secret and no other tenant's fact.
        details: JSON facts for a program, such as ``{"errors": [{"field": …, "message": …}]}``.
        retry_after: seconds after which the same request may succeed.
    """

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL_ERROR
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    default_message: ClassVar[str] = "Something went wrong on our side."

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.message = message or self.default_message
        self.details: dict[str, Any] = dict(details or {})
        self.retry_after = retry_after
        super().__init__(self.message)


class InvalidRequest(FrontdeskError):
    """A path, query or body value is wrong; details name each field."""

    code = ErrorCode.INVALID_REQUEST
    status = 400
    default_message = "The request is not valid."

    @classmethod
    def for_field(cls, field: str, message: str) -> InvalidRequest:
        """The common case: one field, one sentence."""
        return cls(
            f"{field}: {message}", details={"errors": [{"field": field, "message": message}]}
        )


class InvalidCursor(FrontdeskError):
    """A cursor was edited, or used with another tenant, filter or sort."""

    code = ErrorCode.INVALID_CURSOR
    status = 400
    default_message = "This cursor does not belong to this list. Start again without a cursor."


class Unauthenticated(FrontdeskError):
    """No token, or one that is expired, forged, or meant for somebody else."""

    code = ErrorCode.UNAUTHENTICATED
    status = 401
    default_message = "A valid token is required."


class PermissionDenied(FrontdeskError):
    """The caller is known and may not do this."""

    code = ErrorCode.PERMISSION_DENIED
    status = 403
    default_message = "Your role does not allow this."


class TenantRequired(PermissionDenied):
    """The token names no tenant."""

    code = ErrorCode.TENANT_REQUIRED
    default_message = "This token names no tenant. Choose one and sign in again."


class TenantSuspended(PermissionDenied):
    """The tenant exists and is not active."""

    code = ErrorCode.TENANT_SUSPENDED
    default_message = "This agency's account is not active."


class MembershipRevoked(PermissionDenied):
    """The caller is not, or is no longer, a member of the tenant."""

    code = ErrorCode.MEMBERSHIP_REVOKED
    default_message = "You are not a member of this agency."


class QuotaExceeded(PermissionDenied):
    """The tenant's plan allows no more; details name the quota."""

    code = ErrorCode.QUOTA_EXCEEDED
    default_message = "This agency's plan allows no more of these."


class NotFound(FrontdeskError):
    """It does not exist, or the caller may not see it."""

    code = ErrorCode.NOT_FOUND
    status = 404
    default_message = "Not found."


class MethodNotAllowed(FrontdeskError):
    """The path exists, the method does not."""

    code = ErrorCode.METHOD_NOT_ALLOWED
    status = 405
    default_message = "This path does not answer to that method."


class Conflict(FrontdeskError):
    """A unique value is already taken."""

    code = ErrorCode.CONFLICT
    status = 409
    default_message = "This already exists."


class InvalidTransition(Conflict):
    """The state machine has no such step; details list the allowed states."""

    code = ErrorCode.INVALID_TRANSITION
    default_message = "This step is not possible from the present state."


class IdempotencyInProgress(Conflict):
    """Another request with the same Idempotency-Key has not ended yet."""

    code = ErrorCode.IDEMPOTENCY_IN_PROGRESS
    retryable = True
    default_message = "A request with this Idempotency-Key is still being worked on."


class PreconditionFailed(FrontdeskError):
    """It changed since the caller read it."""

    code = ErrorCode.PRECONDITION_FAILED
    status = 412
    default_message = "Somebody changed this in between. Read it again."


class PayloadTooLarge(FrontdeskError):
    """The body or file is over the limit; details name the limit in bytes."""

    code = ErrorCode.PAYLOAD_TOO_LARGE
    status = 413
    default_message = "The request is too large."


class UnsupportedMediaType(FrontdeskError):
    """The body is of a type this route does not read."""

    code = ErrorCode.UNSUPPORTED_MEDIA_TYPE
    status = 415
    default_message = "This content type is not supported here."


class Unprocessable(FrontdeskError):
    """The request is well formed and a rule of the business refuses it."""

    code = ErrorCode.UNPROCESSABLE
    status = 422
    default_message = "A rule refuses this request."


class IdempotencyKeyReused(Unprocessable):
    """The same Idempotency-Key came with another request."""

    code = ErrorCode.IDEMPOTENCY_KEY_REUSED
    default_message = "This Idempotency-Key was used for another request."


class RateLimited(FrontdeskError):
    """Too many requests; Retry-After says when the next one may come."""

    code = ErrorCode.RATE_LIMITED
    status = 429
    retryable = True
    default_message = "Too many requests. Slow down."


class InternalError(FrontdeskError):
    """A bug on our side; the log has it under the request id."""


class UpstreamUnavailable(FrontdeskError):
    """An outside service failed, refused or is cut off by its circuit breaker."""

    code = ErrorCode.UPSTREAM_UNAVAILABLE
    status = 503
    retryable = True
    default_message = "A service we depend on does not answer. Try again shortly."


class NotConfigured(FrontdeskError):
    """This deployment lacks a setting that the route needs."""

    code = ErrorCode.NOT_CONFIGURED
    status = 503
    default_message = "This is not configured here."


class DeadlineExceeded(FrontdeskError):
    """The time allowed for this request is over."""

    code = ErrorCode.DEADLINE_EXCEEDED
    status = 504
    retryable = True
    default_message = "This took too long. Try again."


class StatementTimeout(DeadlineExceeded):
    """The database cancelled the statement at its own limit."""

    code = ErrorCode.STATEMENT_TIMEOUT
    default_message = "The database took too long for this request."


def _tree(root: type[FrontdeskError]) -> list[type[FrontdeskError]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in _tree(child))]


# Only this module's classes: an adapter's own subclass shares its parent's code.
_BY_CODE: dict[str, type[FrontdeskError]] = {
    str(kind.code): kind for kind in reversed(_tree(FrontdeskError))
} | {str(ErrorCode.INTERNAL_ERROR): InternalError}


def error_from_code(
    code: str, message: str, details: Mapping[str, Any] | None = None
) -> FrontdeskError:
    """The error of that documented code; an unknown code is a bug and becomes InternalError."""
    return _BY_CODE.get(code, InternalError)(message, details=details)
