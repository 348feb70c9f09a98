"""Finding gcloud lines in texts, and asking gcloud itself whether they are right."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import subprocess
import tempfile
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from frontdesk.deploy.gcloud import shell

MISSING = (
    "gcloud is not on PATH, and no gcloud line can be checked without it. Install the Google Cloud"
    " CLI as https://cloud.google.com/sdk/docs/install says; it needs no login and no network."
)
_FENCE = re.compile(r"^ *```(?:sh|bash|shell|console)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`(gcloud [^`\n]+(?:\n[^`\n]+)*)`")
_SUBSTITUTION = re.compile(r"\$\((gcloud [^()]*(?:\([^()]*\)[^()]*)*)\)")
_OPERATOR = re.compile(r"[|&;<>()]+")
_BEFORE_A_COMMAND = {"if", "then", "else", "do", "!", "while", "until", "exec", "time", "sudo"}
_ASSIGNMENT = re.compile(r"\w+=.*")


class GcloudMissing(AssertionError):
    """There is no gcloud to ask; the message says how to get it."""


def lint(lines: Iterable[str]) -> dict[str, str]:
    """What gcloud says is wrong with lines, by line; empty when all are right.

    All are asked in one process, which takes 0.2 s a line: a process for each takes 2 s. The exit
    status is 0 also for wrong lines; what counts is ``success`` in the JSON.

    Raises:
        GcloudMissing: there is no gcloud.
    """
    by_question = {_filled_in(line): line for line in lines}
    asked = sorted(by_question)
    executable = shutil.which("gcloud")
    if executable is None:
        raise GcloudMissing(MISSING)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump([{"command_string": question} for question in asked], file)
        file.flush()
        done = subprocess.run(
            [executable, "meta", "lint-gcloud-commands", f"--commands-file={file.name}"],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stdout.startswith("["), f"the linter itself failed:\n{done.stderr}"
    answers = json.loads(done.stdout)
    assert len(answers) == len(asked), "every line has an answer"
    return {
        by_question[question]: (answer["error_message"] or answer["error_type"]).partition("\n")[0]
        for question, answer in zip(asked, answers, strict=True)
        if not answer["success"]
    }


def _filled_in(line: str) -> str:
    """The line with a value for each variable, and for a project that is only a placeholder."""
    filled = re.sub(r"--project=[A-Z_]+\b", "--project=agency-prod", " ".join(line.split("\n")))
    return re.sub(r"\$\{?\w+\}?", "variable1", filled)


def of_shell(text: str) -> Iterator[str]:
    """The gcloud lines of a shell script: each is one command, as the shell would split it."""
    for line in _logical_lines(text):
        outer = line
        for match in _SUBSTITUTION.finditer(line):
            yield from _commands(match[1])
            outer = outer.replace(match[0], "SUBSTITUTED")
        yield from _commands(outer)


def _logical_lines(text: str) -> Iterator[str]:
    """Lines with what continues them: a backslash, a quote left open, an operator at the end."""
    pending = ""
    for line in text.splitlines():
        stripped = line.strip().removeprefix("$ ")
        if not pending and stripped.startswith("#"):
            continue
        pending += stripped
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
            continue
        try:
            shlex.split(pending, comments=True)
        except ValueError:
            pending += "\n"
            continue
        yield pending
        pending = ""


def _commands(line: str) -> Iterator[str]:
    if "gcloud" not in line:
        return
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    redirected = False
    for token in [*lexer, ";"]:
        if not _OPERATOR.fullmatch(token):
            if not redirected:
                words.append(token)
            redirected = False
            continue
        redirected = token[0] in "<>"
        if redirected:
            if words and words[-1].isdigit():  # 2>file
                words.pop()
            continue
        while words and (words[0] in _BEFORE_A_COMMAND or _ASSIGNMENT.fullmatch(words[0])):
            words.pop(0)
        if words and words[0] == "gcloud":
            yield shell(words[1:])
        words = []


def of_markdown(text: str) -> Iterator[str]:
    """The gcloud lines in a page's shell blocks, and in its inline code those with flags."""
    for block in _FENCE.findall(text):
        yield from of_shell(textwrap.dedent(block))
    for code in _INLINE.findall(_FENCE.sub("", text)):
        if "--" in code and "…" not in code:
            yield from of_shell(" ".join(code.split("\n")))


def of_yaml(text: str) -> Iterator[str]:
    """The gcloud lines in the strings of a pipeline, and its steps that run gcloud itself."""
    yield from _of_node(yaml.safe_load(text))


def _of_node(node: Any) -> Iterator[str]:
    match node:
        case {"entrypoint": "gcloud", "args": [*arguments]}:
            yield shell([str(argument) for argument in arguments])
        case dict():
            for value in node.values():
                yield from _of_node(value)
        case list():
            for value in node:
                yield from _of_node(value)
        case str() if "gcloud " in node:
            # A $$ of Cloud Build is a $ of the shell.
            yield from of_shell(node.replace("$$", "$"))
        case _:
            return


def of_python(source: str) -> Iterator[str]:
    """The gcloud lines that a program has as text, but for sentences that begin with the word.

    What an f-string fills in is taken for a word.
    """
    for text in _texts(ast.parse(source)):
        if re.match(r"gcloud [a-z-]+ [a-z]", text) and not text.endswith("."):
            yield from of_shell(text)


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
        yield "".join(map(str, parts))
    else:
        for child in ast.iter_child_nodes(node):
            yield from _texts(child)


def of_file(file: Path) -> list[str]:
    """The gcloud lines of a file, by its kind."""
    text = file.read_text(encoding="utf-8")
    readers = {".md": of_markdown, ".py": of_python, ".yaml": of_yaml, ".yml": of_yaml}
    return list(readers.get(file.suffix, of_shell)(text))
