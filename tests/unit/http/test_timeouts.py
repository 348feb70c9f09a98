"""How long a handler has."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontdesk.http.timeouts import DEFAULT, VARIABLE, seconds_for_handlers
from frontdesk.platform.manifest import Manifest, all_manifests

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("manifest", all_manifests(REPOSITORY), ids=lambda manifest: manifest.name)
def test_what_is_read_is_what_the_manifest_says(manifest: Manifest) -> None:
    allowed = manifest.resources.timeout_seconds
    assert seconds_for_handlers(manifest.folder) == allowed - min(1.0, allowed / 10)


def test_a_comment_is_not_the_manifest(tmp_path: Path) -> None:
    text = "# timeout_seconds: 5\nresources: {cpu: 1, timeout_seconds: 20}\n"
    (tmp_path / "function.yaml").write_text(text)
    assert seconds_for_handlers(tmp_path) == 19.0


@pytest.mark.parametrize("folder", [None, Path("/nowhere")])
def test_a_function_without_a_manifest_has_a_minute(folder: Path | None) -> None:
    assert seconds_for_handlers(folder) == DEFAULT - 1.0


def test_a_short_time_out_keeps_a_tenth_for_the_reply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "function.yaml").write_text("resources: {timeout_seconds: 20}\n")
    monkeypatch.setenv(VARIABLE, "2")
    assert seconds_for_handlers(tmp_path) == pytest.approx(1.8)
