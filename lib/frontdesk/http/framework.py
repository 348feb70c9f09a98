"""What functions-framework's Flask application does around our function, brought in line.

It loads ``main.py`` within the application's context, so that a function can set its application
up while it is made. Left alone it redirects ``//`` to ``/`` in HTML, answers ``/robots.txt`` in
HTML, and shows the text of an exception that nobody caught.
"""

from __future__ import annotations

import flask
from werkzeug.exceptions import HTTPException

from frontdesk.http.envelope import error_json
from frontdesk.http.headers import SECURITY_HEADERS
from frontdesk.http.requestids import HEADER
from frontdesk.platform.errors import FrontdeskError, InternalError, NotFound
from frontdesk.platform.ids import new_id
from frontdesk.platform.settings import load_settings


def adopt_application() -> None:
    """Set up the application that is loading us; nothing when a test or a tool imports a function.

    Raises:
        SettingsError: the environment is wrong, and the process must not start.
    """
    if not flask.has_app_context():
        return
    load_settings()
    app = flask.current_app
    app.url_map.merge_slashes = False
    app.register_error_handler(Exception, _outside_the_door)


def _outside_the_door(error: Exception) -> flask.Response:
    """One shape also for what never reached the function; the error's text stays here."""
    known: FrontdeskError = InternalError()
    if isinstance(error, HTTPException) and error.code is not None and error.code < 500:  # noqa: PLR2004
        known = NotFound("There is nothing at this path.")
    request_id = str(new_id())
    return flask.Response(
        error_json(known, request_id),
        status=known.status,
        headers={**SECURITY_HEADERS, HEADER: request_id},
        content_type="application/json",
    )
