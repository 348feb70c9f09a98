"""The database: functions in schema ``api`` of the Supabase project, called as the caller.

Every call goes out with the caller's own token, so Postgres itself decides what it may see. What
all callers share is one pool of connections, an httpx *transport*, which has neither headers nor
cookies. The PostgREST client and the httpx client above it, which have both, are made for one
request and dropped (30 µs): ``postgrest.auth()`` on a shared client writes one caller's token into
the next caller's request.

Time-outs: 1 s to connect; to read, what the deadline leaves, at most 15 s. The SQL of a call that
timed out goes on, so the database's own ``statement_timeout`` is the shorter one.

Retries: once, and only what cannot happen twice: a read, a command that carries an idempotency
key, or a call that never left (connection refused, or rolled back by the database as a deadlock).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import httpx
from pydantic import SecretStr

from frontdesk.platform.clock import SystemClock
from frontdesk.platform.database_errors import DatabaseUnavailable, error_of_reply, verdict_of
from frontdesk.platform.errors import DeadlineExceeded, NotConfigured
from frontdesk.platform.resilience import CircuitBreaker, CircuitOpen, Policy, full_jitter

if TYPE_CHECKING:
    from frontdesk.platform.clock import Clock
    from frontdesk.platform.resilience import Deadline, Jitter, Verdict
    from frontdesk.platform.settings import Settings

SCHEMA = "api"
CONNECT_TIMEOUT = 1.0
CALL_TIMEOUT = 15.0
POOL = httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=20.0)
"""Of one process; a request has one call under way, so its threads are the real limit."""


class Table(StrEnum):
    """The tables of schema ``app``. Nothing reads them by name; tests, erasure and export do."""

    TENANTS = "tenants"
    TENANT_MEMBERS = "tenant_members"
    TENANT_SETTINGS = "tenant_settings"
    CLIENTS = "clients"
    CLIENT_VALUES = "client_values"
    ACTIVITIES = "activities"
    QUOTES = "quotes"
    QUOTE_ITEMS = "quote_items"
    INVOICES = "invoices"
    INVOICE_ITEMS = "invoice_items"
    PAYMENTS = "payments"
    NUMBER_COUNTERS = "number_counters"
    SHARE_LINKS = "share_links"
    KNOWLEDGE_DOCUMENTS = "knowledge_documents"
    CONVERSATIONS = "conversations"
    MESSAGES = "messages"
    FEEDBACK = "feedback"
    TICKETS = "tickets"
    TICKET_EVENTS = "ticket_events"
    TICKET_TRANSCRIPTS = "ticket_transcripts"
    OPERATIONS = "operations"
    OPERATION_STEPS = "operation_steps"
    OUTBOX = "outbox"
    IDEMPOTENCY_KEYS = "idempotency_keys"
    AUDIT_LOG = "audit_log"
    AUDIT_PERSONAL = "audit_personal"
    USAGE_COUNTERS = "usage_counters"


class Rpc(StrEnum):
    """The functions of schema ``api``: all that can be asked of the database."""

    ACCESS = "access"
    SEARCH_CLIENTS = "search_clients"
    PIPELINE = "pipeline"
    CREATE_CLIENT = "create_client"
    IMPORT_CLIENTS = "import_clients"
    READ_CLIENT = "read_client"
    ADD_DOCUMENT = "add_document"
    LIST_DOCUMENTS = "list_documents"
    READ_DOCUMENT = "read_document"
    REPLACE_DOCUMENT = "replace_document"
    UPDATE_DOCUMENT = "update_document"
    DELETE_DOCUMENT = "delete_document"
    KNOWLEDGE_STATUS = "knowledge_status"
    REINDEX_KNOWLEDGE = "reindex_knowledge"
    BEGIN_ANSWER = "begin_answer"
    RECORD_ANSWER = "record_answer"
    FIND_ANSWER = "find_answer"
    READ_CONVERSATION = "read_conversation"
    LIST_CONVERSATIONS = "list_conversations"
    RENAME_CONVERSATION = "rename_conversation"
    DELETE_CONVERSATION = "delete_conversation"
    GIVE_FEEDBACK = "give_feedback"
    LIST_FEEDBACK = "list_feedback"
    SUMMARIZE_FEEDBACK = "summarize_feedback"
    CREATE_TICKET = "create_ticket"
    LIST_TICKETS = "list_tickets"
    READ_TICKET = "read_ticket"
    CHANGE_TICKET = "change_ticket"
    CHANGE_TICKET_STATUS = "change_ticket_status"
    COMMENT_ON_TICKET = "comment_on_ticket"
    READ_HELPDESK_SETTINGS = "read_helpdesk_settings"
    CHANGE_HELPDESK_SETTINGS = "change_helpdesk_settings"
    READ_USAGE = "read_usage"
    RECORD_USAGE = "record_usage"

    PLATFORM_CREATE_TENANT = "platform_create_tenant"
    PLATFORM_READ_TENANT = "platform_read_tenant"
    PLATFORM_LIST_TENANTS = "platform_list_tenants"
    PLATFORM_SUSPEND_TENANT = "platform_suspend_tenant"
    PLATFORM_RESUME_TENANT = "platform_resume_tenant"
    PLATFORM_UPSERT_MEMBER = "platform_upsert_member"
    PLATFORM_REMOVE_MEMBER = "platform_remove_member"
    PLATFORM_SEED_SETTINGS = "platform_seed_settings"
    PLATFORM_LEASE_OPERATION = "platform_lease_operation"
    PLATFORM_RECORD_STEP = "platform_record_step"
    PLATFORM_FINISH_OPERATION = "platform_finish_operation"
    PLATFORM_RELEASE_OPERATION = "platform_release_operation"
    PLATFORM_CLAIM_OUTBOX = "platform_claim_outbox"
    PLATFORM_MARK_PUBLISHED = "platform_mark_published"
    PLATFORM_SWEEP = "platform_sweep"
    PLATFORM_DUE_RETENTION = "platform_due_retention"
    PLATFORM_APPLY_RETENTION = "platform_apply_retention"
    PLATFORM_INDEX_SOURCE = "platform_index_source"
    PLATFORM_MARK_INDEXED = "platform_mark_indexed"
    PLATFORM_ROLL_BACK_INDEX = "platform_roll_back_index"


class Database:
    """The connection pool to one Supabase project; one per process, safe to share.

    Args:
        settings: SUPABASE_URL, SUPABASE_ANON_KEY and SUPABASE_SERVICE_KEY.
        reveal: turns a secret setting into the secret, see ``Secrets.resolve``.
        clock: for waits and the breaker.
        transport: the way to the network; tests hand in their own.
        jitter: see ``Policy``.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        reveal: Callable[[SecretStr], str] = SecretStr.get_secret_value,
        clock: Clock | None = None,
        transport: httpx.BaseTransport | None = None,
        jitter: Jitter = full_jitter,
    ) -> None:
        self._settings = settings
        self._reveal = reveal
        self._clock = clock or SystemClock()
        self._jitter = jitter
        self._lock = threading.Lock()
        self._transport = transport
        # The database is the one service that nothing can replace, so its circuit is tried again
        # soon: open, it keeps threads from queueing for a second each at a closed door.
        self._breaker = CircuitBreaker(
            "database", reset_after=2.0, probes=2, probe_timeout=5.0, clock=self._clock
        )

    def as_member(self, token: str) -> CallerDatabase:
        """The database as the user whose token that is."""
        return CallerDatabase(self, token)

    def as_service(self) -> CallerDatabase:
        """The database as ourselves: platform functions with an explicit tenant, nothing else.

        Raises:
            NotConfigured: this function was not given the service key.
        """
        key = self._settings.supabase_service_key
        if key is None:
            raise NotConfigured("This function has no access to platform functions.")
        return CallerDatabase(self, self._reveal(key), apikey=self._reveal(key))

    def close(self) -> None:
        """Close the pool's connections."""
        with self._lock:
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def send(
        self,
        rpc: Rpc,
        params: Mapping[str, Any],
        *,
        token: str,
        apikey: str | None,
        timeout: float,
    ) -> httpx.Response:
        """One request to one function, answered or not. Ask through ``CallerDatabase.call``."""
        # Imported at the first call: 0.08 to 0.15 s that only a function with a database pays.
        from postgrest import SyncPostgrestClient

        session = httpx.Client(
            transport=self._pool(),
            timeout=httpx.Timeout(timeout, connect=min(CONNECT_TIMEOUT, timeout)),
            trust_env=False,
        )
        client = SyncPostgrestClient(
            f"{self._settings.supabase_url}/rest/v1",
            schema=SCHEMA,
            headers={"apikey": apikey or self._anon_key(), "Authorization": f"Bearer {token}"},
            http_client=session,
            retry_enabled=False,
        )
        # Not execute(): it would read numbers as floats, and an unreadable reply as a string.
        return client.rpc(rpc, dict(params)).request.send(httpx.Headers())

    def policy(self, classify: Callable[[BaseException], Verdict]) -> Policy:
        """How a call is repeated."""
        return Policy(
            "database",
            attempts=2,
            base_wait=0.1,
            max_wait=0.5,
            attempt_timeout=CALL_TIMEOUT,
            breaker=self._breaker,
            classify=classify,
            jitter=self._jitter,
            clock=self._clock,
        )

    def _anon_key(self) -> str:
        key = self._settings.supabase_anon_key
        if key is None:
            raise NotConfigured("SUPABASE_ANON_KEY is not set.")
        return self._reveal(key)

    def _pool(self) -> httpx.BaseTransport:
        if self._transport is None:
            with self._lock:
                if self._transport is None:
                    # HTTP/1.1: an idle HTTP/2 connection is dropped without either side noticing.
                    # Loading certificates takes 20 ms; a plain address needs none.
                    encrypted = self._settings.supabase_url.startswith("https:")
                    self._transport = httpx.HTTPTransport(
                        verify=encrypted, trust_env=False, http2=False, limits=POOL
                    )
        return self._transport


class CallerDatabase:
    """The database as one caller sees it; made for a request, holds no connection."""

    __slots__ = ("_apikey", "_database", "_token")

    def __init__(self, database: Database, token: str, *, apikey: str | None = None) -> None:
        self._database = database
        self._token = token
        self._apikey = apikey

    def call(
        self,
        rpc: Rpc,
        params: Mapping[str, Any],
        *,
        deadline: Deadline,
        idempotent: bool,
    ) -> Any:
        """Call a function and return its JSON, numbers with a fraction as Decimal.

        Args:
            rpc: the function.
            params: its parameters, ``p_`` included, as JSON values.
            deadline: of the request.
            idempotent: it may run twice without harm. A command that carries an idempotency key
                in ``p_command`` is, whatever is said here.

        Raises:
            FrontdeskError: what SQL raised, or how the database failed; see ``database_errors``.
        """
        repeatable = idempotent or _carries_key(params)

        def attempt(timeout: float) -> Any:
            return _value(
                self._database.send(
                    rpc, params, token=self._token, apikey=self._apikey, timeout=timeout
                )
            )

        policy = self._database.policy(lambda error: verdict_of(error, repeatable=repeatable))
        try:
            return policy.run(attempt, deadline)
        except CircuitOpen as refused:
            raise DatabaseUnavailable(retry_after=refused.retry_after) from None
        except httpx.RequestError as error:
            # Our own cut, because the request's time is over, is not the database's failure.
            if deadline.expired:
                raise DeadlineExceeded from error
            raise DatabaseUnavailable from error


def _carries_key(params: Mapping[str, Any]) -> bool:
    command = params.get("p_command")
    return isinstance(command, Mapping) and command.get("idempotency_key") is not None


def _value(response: httpx.Response) -> Any:
    if not response.is_success:
        raise error_of_reply(response)
    if not response.content:
        return None
    try:
        return json.loads(response.content, parse_float=Decimal)
    except ValueError as error:
        raise DatabaseUnavailable from error  # something between us and PostgREST answered
