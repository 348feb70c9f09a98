"""What a doctor finds: one line a check, and what helps."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes:
        subject: what was looked at.
        verdict: how it came out.
        message: what was found.
        remedy: what to do about it, often a command, several on a line each; empty when nothing.
    """

    subject: str
    verdict: Verdict
    message: str
    remedy: str = ""


def show(findings: Iterable[Finding], write: Callable[[str], object]) -> bool:
    """Write each finding as it comes; returns whether there is no problem."""
    healthy = True
    signs = {Verdict.OK: "  ok     ", Verdict.WARNING: "  warning", Verdict.PROBLEM: "  PROBLEM"}
    for finding in findings:
        write(f"{signs[finding.verdict]}  {finding.subject}: {finding.message}")
        for line in finding.remedy.splitlines():
            write(f"             {line}")
        healthy = healthy and finding.verdict is not Verdict.PROBLEM
    return healthy


def show_json(findings: Iterable[Finding], write: Callable[[str], object]) -> bool:
    """Write all findings as one JSON list; returns whether there is no problem."""
    found = list(findings)
    write(json.dumps([asdict(finding) for finding in found], indent=2, ensure_ascii=False))
    return all(finding.verdict is not Verdict.PROBLEM for finding in found)
