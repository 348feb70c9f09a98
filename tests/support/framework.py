"""A function in a process of its own, served by functions-framework as Google serves it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from tests.support.ports import free_port
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from frontdesk.local.stack import Stack
    from frontdesk.platform.manifest import Manifest

FRAMEWORK = Path(sys.executable).with_name("functions-framework")
START_WITHIN_SECONDS = 60.0


@contextmanager
def served(manifest: Manifest, stack: Stack, **environment: str) -> Iterator[str]:
    """The function's address, once it accepts connections.

    Args:
        environment: what its process has besides the stack's.
    """
    port = free_port()
    process = subprocess.Popen(
        [
            str(FRAMEWORK),
            f"--source={manifest.main}",
            f"--target={manifest.entry_point}",
            "--host=127.0.0.1",
            f"--port={port}",
        ],
        env=os.environ | stack.environment | {"K_SERVICE": manifest.name} | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        eventually(lambda: _accepts(process, address), seconds=START_WITHIN_SECONDS, every=0.05)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


def _accepts(process: subprocess.Popen[bytes], address: str) -> bool:
    assert process.poll() is None, "the function ended instead of serving"
    try:
        httpx.get(address, timeout=5)
    except httpx.ConnectError:
        return False
    return True
