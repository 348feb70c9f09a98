"""``frontdesk publish-model``: the embedder's model, put where functions load it from."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from frontdesk.deploy.gcloud import shell
from frontdesk.deploy.runner import GcloudFailed
from frontdesk.knowledge.minilm import (
    MODEL_FILES,
    MODEL_FORMAT,
    model_object,
    model_pointer_object,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from frontdesk.deploy.runner import Gcloud
    from frontdesk.deploy.target import Target

PREFIX = "models"
"""MODELS_PREFIX of deployed functions."""


def publish_model(
    folder: Path, target: Target, gcloud: Gcloud, write: Callable[[str], object]
) -> None:
    """Upload a built model and point ``models/minilm.json`` at it; again, only the pointer.

    Args:
        folder: with the model's files, named by its SHA-256.
        write: gets every line before it runs.

    Raises:
        GcloudFailed: a line failed; the pointer moves last, to a model that is whole.
    """
    bucket = f"gs://{target.bucket('indexes')}"
    project = f"--project={target.project}"
    with tempfile.TemporaryDirectory() as scratch:
        pointer = Path(scratch) / "minilm.json"
        pointer.write_text(json.dumps({"format": MODEL_FORMAT, "sha256": folder.name}))
        copies = [
            # What is there under this name is the same, and need not be sent again.
            [
                str(folder / name),
                f"{bucket}/{model_object(PREFIX, folder.name, name)}",
                "--no-clobber",
            ]
            for name in MODEL_FILES
        ]
        copies.append([str(pointer), f"{bucket}/{model_pointer_object(PREFIX)}"])
        for copy in copies:
            line = ["storage", "cp", *copy, project]
            write(shell(line))
            result = gcloud.run(line)
            if not result.ok:
                raise GcloudFailed(result)
