"""The storage server: the JSON API's routes over the catalogue."""

from __future__ import annotations

import functools
import json
import re
import time
from typing import TYPE_CHECKING, Any, Final

from frontdesk.local.http_server import ThreadServer
from frontdesk.local.storage.catalogue import MAX_PAGE, Catalogue
from frontdesk.local.storage.faults import Faults
from frontdesk.local.storage.objects import BucketMissing, ConditionFailed, ObjectMissing
from frontdesk.local.storage.uploads import (
    CHUNK_QUANTUM,
    ContentRange,
    Receiver,
    Session,
    Sessions,
    UploadGone,
    UploadInvalid,
    split_related,
)
from frontdesk.local.storage.wire import (
    JsonApiHandler,
    Refused,
    bucket_resource,
    object_resource,
    path_part,
)

if TYPE_CHECKING:
    from pathlib import Path

    from frontdesk.local.storage.objects import Conditions

_PATH: Final = re.compile(
    r"/(?P<kind>upload/|download/)?storage/v1/b(?:/(?P<bucket>[^/]+)(?P<o>/o(?:/(?P<name>.+))?)?)?"
)
_NOT_BUILT: Final = re.compile(r"/(?:compose|rewriteTo/.*|copyTo/.*)$")
_RESUME_INCOMPLETE: Final = 308
_CANCELLED: Final = 499


class StorageServer(ThreadServer):
    """Cloud Storage for one stack.

    Args:
        folder: where objects are kept.
        port: to listen on, loopback only.
        buckets: made at start when they are missing.
    """

    def __init__(self, folder: Path, *, port: int, buckets: tuple[str, ...] = ()) -> None:
        self.catalogue = Catalogue(folder)
        self.sessions = Sessions(self.catalogue.incoming)
        self.faults = Faults()
        for bucket in buckets:
            self.catalogue.create_bucket(bucket)
        super().__init__("storage", port, functools.partial(_StorageHandler, self))

    def close(self) -> None:
        """Stop for good and close the files."""
        self.stop()
        self.catalogue.close()


class _StorageHandler(JsonApiHandler):
    def __init__(self, storage: StorageServer, *args: Any) -> None:
        self._catalogue = storage.catalogue
        self._sessions = storage.sessions
        self._faults = storage.faults
        super().__init__(*args)

    def _serve(self) -> None:
        path = self.begin()
        fault = self.fault = self._faults.take(self.command, path_part(path))
        time.sleep(fault.delay)
        if fault.drop:
            self.close_connection = True
            return
        if fault.status is not None:
            self.send_refusal(fault.status, "backendError", "As a test asked for.")
            return
        try:
            self._route(path)
        except Refused as refused:
            self.send_refusal(refused.status, refused.reason, refused.message)
        except BucketMissing:
            self.send_refusal(404, "notFound", "The specified bucket does not exist.")
        except ObjectMissing:
            self.send_refusal(404, "notFound", "No such object.")
        except UploadGone:
            self.send_refusal(404, "notFound", "No such upload.")
        except (UploadInvalid, json.JSONDecodeError) as error:
            self.send_refusal(400, "invalid", str(error))
        except ConditionFailed as failed:
            if failed.unchanged and self.command in {"GET", "HEAD"}:
                self.send(304)
            else:
                self.send_refusal(412, "conditionNotMet", "A precondition does not hold.")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815

    def _route(self, path: str) -> None:
        match = _PATH.fullmatch(path)
        if match is None or _NOT_BUILT.search(path):
            raise Refused(501, "notImplemented", f"{path} is not built here.")
        self._bucket, self._name = path_part(match["bucket"]), path_part(match["name"])
        if match["kind"] == "upload/" and self._bucket:
            methods = {"POST": self._begin_upload, "PUT": self._resume, "DELETE": self._cancel}
        elif not self._bucket:
            methods = {"GET": self._list_buckets, "POST": self._create_bucket}
        elif match["o"] is None:
            methods = {"GET": self._read_bucket}
        elif not self._name:
            methods = {"GET": self._list_objects}
        else:
            methods = {
                "GET": self._read_object,
                "PATCH": self._patch_object,
                "PUT": self._patch_object,
                "DELETE": self._delete_object,
            }
        if self.command not in methods:
            raise Refused(501, "notImplemented", f"{self.command} {path} is not built here.")
        methods[self.command]()

    # -- buckets ----------------------------------------------------------------------------

    def _list_buckets(self) -> None:
        items = [bucket_resource(name, created) for name, created in self._catalogue.buckets()]
        self.send_json({"kind": "storage#buckets", "items": items})

    def _create_bucket(self) -> None:
        name = str(json.loads(self.body())["name"])
        if not self._catalogue.create_bucket(name):
            raise Refused(409, "conflict", "The bucket exists.")
        self.send_json(bucket_resource(name, self._catalogue.bucket_created(name)))

    def _read_bucket(self) -> None:
        created = self._catalogue.bucket_created(self._bucket)
        self.send_json(bucket_resource(self._bucket, created))

    # -- objects ----------------------------------------------------------------------------

    def _list_objects(self) -> None:
        for parameter in ("matchGlob", "versions", "softDeleted"):
            if self.first(parameter) not in {"", "false"}:
                raise Refused(501, "notImplemented", f"{parameter} is not built here.")
        page = self._catalogue.page(
            self._bucket,
            prefix=self.first("prefix"),
            delimiter=self.first("delimiter"),
            after=self.first("pageToken"),
            start=self.first("startOffset"),
            end=self.first("endOffset"),
            limit=min(self.integer("maxResults") or MAX_PAGE, MAX_PAGE),
        )
        reply: dict[str, Any] = {
            "kind": "storage#objects",
            "items": [object_resource(stored) for stored in page.objects],
            "prefixes": page.prefixes,
        }
        if page.next_start is not None:
            reply["nextPageToken"] = page.next_start
        self.send_json(reply)

    def _read_object(self) -> None:
        wanted = (self._bucket, self._name, self.conditions(), self.integer("generation"))
        if self.first("alt") != "media":
            self.send_resource(self._catalogue.read(*wanted))
            return
        stored, content = self._catalogue.open(*wanted)
        with content:
            self.send_content(stored, content)

    def _patch_object(self) -> None:
        changes = json.loads(self.body())
        self.send_resource(
            self._catalogue.update(self._bucket, self._name, changes, self.conditions())
        )

    def _delete_object(self) -> None:
        self._catalogue.delete(
            self._bucket, self._name, self.conditions(), self.integer("generation")
        )
        self.send(204)

    # -- uploads ----------------------------------------------------------------------------

    def _begin_upload(self) -> None:
        self._catalogue.bucket_created(self._bucket)
        kind = self.first("uploadType")
        if kind == "resumable":
            self._begin_session()
            return
        if kind == "multipart":
            content_type = self.headers.get("Content-Type", "")
            head, content, media_type = split_related(content_type, self.body())
            resource = {"contentType": media_type} | json.loads(head or b"{}")
        elif kind == "media":
            content = self.body()
            resource = {"contentType": self.headers.get("Content-Type")}
        else:
            raise Refused(400, "invalid", f"Unknown uploadType {kind!r}.")
        receiver = Receiver(self._catalogue.incoming)
        receiver.write([content])
        name = self.first("name") or resource.get("name", "")
        self._finish(receiver, name, resource, self.conditions())

    def _begin_session(self) -> None:
        resource = json.loads(self.body() or b"{}")
        media_type = self.headers.get("X-Upload-Content-Type")
        if media_type and "contentType" not in resource:
            resource["contentType"] = media_type
        name = self.first("name") or resource.get("name", "")
        upload_id = self._sessions.begin(self._bucket, name, resource, self.conditions())
        location = (
            f"http://{self.headers['Host']}/upload/storage/v1/b/{self._bucket}/o"
            f"?uploadType=resumable&upload_id={upload_id}"
        )
        self.send(200, {"Location": location, "X-GUploader-UploadID": upload_id})

    def _resume(self) -> None:
        upload_id = self.first("upload_id")
        session = self._sessions.get(upload_id)
        with session.lock:
            self._take_part(upload_id, session)

    def _take_part(self, upload_id: str, session: Session) -> None:
        receiver = session.receiver
        part = ContentRange.parse(self.headers.get("Content-Range"), self.unread)
        if part.start is not None:
            last = part.total is not None and part.start + self.unread == part.total
            if part.start != receiver.size:
                raise Refused(503, "backendError", f"Byte {receiver.size} was expected next.")
            if not last and self.unread % CHUNK_QUANTUM:
                raise Refused(400, "invalid", f"Parts are multiples of {CHUNK_QUANTUM} bytes.")
            receiver.write(self.blocks())
        if part.total == receiver.size:
            self._sessions.end(upload_id)
            self._finish(receiver, session.name, session.resource, session.conditions)
            return
        received = {"Range": f"bytes=0-{receiver.size - 1}"} if receiver.size else {}
        self.send(_RESUME_INCOMPLETE, received)

    def _cancel(self) -> None:
        upload_id = self.first("upload_id")
        self._sessions.get(upload_id).receiver.discard()
        self._sessions.end(upload_id)
        self.send(_CANCELLED)

    def _finish(
        self, receiver: Receiver, name: str, resource: dict[str, Any], conditions: Conditions
    ) -> None:
        if not name:
            receiver.discard()
            raise Refused(400, "required", "Required parameter: name")
        upload = receiver.finish(resource, self.hashes())
        try:
            stored = self._catalogue.store(self._bucket, name, upload, conditions)
        except (BucketMissing, ConditionFailed):
            receiver.discard()
            raise
        self.send_resource(stored)
