"""How much of a body is read, and uploads."""

from __future__ import annotations

import gc
import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support import door
from tests.support.toy import make_toy

BOOKINGS = "/v1/toy/bookings"
FILES = "/v1/toy/files"
LIMIT = 4096
UPLOAD_LIMIT = 200_000


@pytest.fixture
def small() -> FlaskClient:
    """A deployment with small limits."""
    return door.client(
        make_toy(lambda: door.services(max_body_bytes=LIMIT, max_upload_bytes=UPLOAD_LIMIT))
    )


def booking_of(size: int) -> bytes:
    empty = b'{"hotel": ""}'
    return b'{"hotel": "' + b"x" * (size - len(empty)) + b'"}'


class Endless:
    """A body that never ends, and counts what was taken of it."""

    taken = 0

    def read(self, size: int = -1) -> bytes:
        assert size > 0, "somebody wanted all of it"
        self.taken += size
        return b"x" * size


def send_chunked(client: FlaskClient, path: str, stream: Any, content_type: str) -> TestResponse:
    """A request without a length, as a server hands it over that has undone the chunks."""
    return client.post(
        path,
        content_type=content_type,
        environ_overrides={
            "wsgi.input": stream,
            "wsgi.input_terminated": True,
            "HTTP_TRANSFER_ENCODING": "chunked",
            "CONTENT_LENGTH": None,
        },
    )


def test_a_body_at_the_limit_is_read(small: FlaskClient) -> None:
    reply = small.post(BOOKINGS, data=booking_of(LIMIT), content_type="application/json")
    assert reply.status_code == 201


def test_a_body_over_the_limit_is_refused_before_it_is_read(small: FlaskClient) -> None:
    reply = small.post(BOOKINGS, data=booking_of(LIMIT + 1), content_type="application/json")
    error = door.error_of(reply, 413, "payload_too_large")
    assert error["details"] == {"limit_bytes": LIMIT}


def test_a_body_over_the_limit_is_refused_before_the_token_is_read(small: FlaskClient) -> None:
    reply = small.get("/v1/toy/mine", data=b"x" * (LIMIT + 1))
    door.error_of(reply, 413, "payload_too_large")


def test_a_body_without_a_length_is_read_up_to_the_limit(small: FlaskClient) -> None:
    stream = io.BytesIO(booking_of(LIMIT))
    reply = send_chunked(small, BOOKINGS, stream, "application/json")
    assert reply.status_code == 201


@pytest.mark.parametrize("extra", [1, 1000, LIMIT * 10])
def test_a_body_without_a_length_is_not_cut_at_the_limit(small: FlaskClient, extra: int) -> None:
    # The part up to the limit is valid JSON by itself.
    stream = io.BytesIO(booking_of(LIMIT) + b" " * extra)
    reply = send_chunked(small, BOOKINGS, stream, "application/json")
    door.error_of(reply, 413, "payload_too_large")


def test_an_endless_body_is_given_up(small: FlaskClient) -> None:
    stream = Endless()
    reply = send_chunked(small, BOOKINGS, stream, "application/json")
    door.error_of(reply, 413, "payload_too_large")
    assert stream.taken < 3 * 1024 * 1024


def test_an_endless_body_to_nowhere_is_not_read_to_its_end(small: FlaskClient) -> None:
    stream = Endless()
    door.error_of(send_chunked(small, "/v1/nothing", stream, "text/plain"), 404, "not_found")
    assert stream.taken < 3 * 1024 * 1024


def test_a_body_that_ends_too_early_is_refused(small: FlaskClient) -> None:
    reply = small.post(
        BOOKINGS,
        input_stream=io.BytesIO(b'{"hotel"'),
        content_type="application/json",
        headers={"Content-Length": "100"},
    )
    door.error_of(reply, 400, "invalid_request")


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "0x10"])
def test_a_length_that_is_no_number_is_no_body(small: FlaskClient, length: str) -> None:
    reply = small.post(
        BOOKINGS, content_type="application/json", headers={"Content-Length": length}
    )
    assert door.fields_of(reply) == {"body": "is required, as JSON."}


def upload_large(client: FlaskClient, size: int) -> TestResponse:
    """A file of that size; the test client's own encoder leaves its temporary files open."""
    head = (
        b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nn\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="big.txt"\r\n\r\n'
    )
    content = head + b"x" * size + b"\r\n--b--\r\n"
    return client.post(FILES, data=content, content_type="multipart/form-data; boundary=b")


def upload(client: FlaskClient, data: dict[str, Any], **kwargs: Any) -> TestResponse:
    return client.post(FILES, data=data, content_type="multipart/form-data", **kwargs)


def test_a_file_arrives_with_its_fields(toy: FlaskClient) -> None:
    reply = upload(
        toy,
        {
            "file": (io.BytesIO(b"%PDF-1.7 ..."), "Łukasz.pdf", "application/PDF"),
            "note": "李雷",
            "tag": ["a", "b"],
        },
    )
    assert reply.get_json()["data"]["value"] == {
        "filename": "Łukasz.pdf",
        "content_type": "application/pdf",
        "size": 12,
        "starts": b"%PDF".hex(),
        "note": "李雷",
        "tag": ["a", "b"],
    }


def test_a_large_file_arrives_whole_and_leaves_no_open_file_behind(toy: FlaskClient) -> None:
    # Warnings are errors here, that of an unclosed temporary file among them.
    assert upload_large(toy, 3_000_000).get_json()["data"]["value"]["size"] == 3_000_000
    gc.collect()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..", "upload"),
        (" . ", "upload"),
        ("a" * 300 + ".pdf", "a" * 251 + ".pdf"),
        ("te\u202extfdp.exe", "textfdp.exe"),
        ("e\u0301.txt", "\u00e9.txt"),
    ],
)
def test_a_file_name_is_no_path(toy: FlaskClient, sent: str, kept: str) -> None:
    reply = upload(toy, {"file": (io.BytesIO(b"x"), sent), "note": "n"})
    assert reply.get_json()["data"]["value"]["filename"] == kept


def test_missing_and_unknown_parts_are_named(toy: FlaskClient) -> None:
    assert door.fields_of(upload(toy, {"colour": "red"})) == {
        "file": "is required.",
        "note": "is required.",
        "colour": "is not known here.",
    }


def test_a_repeated_field_is_refused(toy: FlaskClient) -> None:
    reply = upload(toy, {"file": (io.BytesIO(b"x"), "a"), "note": ["1", "2"]})
    assert door.fields_of(reply) == {"note": "is given more than once."}


def test_only_one_file_of_that_name_is_taken(toy: FlaskClient) -> None:
    two = [(io.BytesIO(b"x"), "a"), (io.BytesIO(b"y"), "b")]
    assert "file" in door.fields_of(upload(toy, {"file": two, "note": "n"}))
    other = upload(toy, {"document": (io.BytesIO(b"x"), "a"), "note": "n"})
    assert "file" in door.fields_of(other)


def test_a_file_over_the_limit_is_refused(small: FlaskClient) -> None:
    error = door.error_of(upload_large(small, UPLOAD_LIMIT), 413, "payload_too_large")
    assert error["details"] == {"limit_bytes": UPLOAD_LIMIT}


def test_an_endless_file_is_given_up(small: FlaskClient) -> None:
    class Multipart(Endless):
        head = (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n'
            b"Content-Type: text/plain\r\n\r\n"
        )

        def read(self, size: int = -1) -> bytes:
            head, self.head = self.head, b""
            return head or super().read(size)

    stream = Multipart()
    reply = send_chunked(small, FILES, stream, "multipart/form-data; boundary=b")
    door.error_of(reply, 413, "payload_too_large")
    assert stream.taken < 3 * 1024 * 1024


def test_a_form_of_a_thousand_fields_is_refused(toy: FlaskClient) -> None:
    fields: dict[str, Any] = {f"field{n}": "x" for n in range(1000)}
    door.error_of(upload(toy, fields), 413, "payload_too_large")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"--b",
        b"--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nn',
        b"--b\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\n" + b"A" * 100_000,
        b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n\xff\r\n--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n\x00\r\n--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b--\r\n',
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
    ],
)
def test_a_broken_form_is_refused(toy: FlaskClient, content: bytes) -> None:
    reply = toy.post(FILES, data=content, content_type="multipart/form-data; boundary=b")
    assert reply.status_code in {400, 413}, reply.text
    assert reply.get_json()["success"] is False


def test_a_form_without_a_boundary_is_refused(toy: FlaskClient) -> None:
    reply = toy.post(FILES, data=b"--b--", content_type="multipart/form-data")
    assert reply.status_code == 400


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_an_upload_is_multipart(toy: FlaskClient, content_type: str) -> None:
    reply = toy.post(FILES, data=b"file=x&note=n", content_type=content_type)
    door.error_of(reply, 415, "unsupported_media_type")
