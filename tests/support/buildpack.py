"""What Google's Python buildpack does to an archive, step by step, on this machine.

Source: GoogleCloudPlatform/buildpacks, cmd/python/functions_framework/lib (compiles the sources),
pkg/python (installs the requirements, compiles them) and cmd/python/pip/lib (``pip check``).
Instead of the user's site-packages, which this machine shares, packages go into a virtual
environment. pip takes half a minute a function; ``uv`` installs the same locked files in seconds,
without the bytecode, which makes a start faster and cannot end a build.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.ports import free_port
from tests.support.waiting import eventually

START_WITHIN_SECONDS = 60.0
PIP_OPTIONS = (
    "--requirement=requirements.txt",
    "--require-hashes",
    "--upgrade",
    "--upgrade-strategy=only-if-needed",
    "--no-warn-script-location",
    "--no-warn-conflicts",
    "--force-reinstall",
    "--no-compile",
)
SERVED_WITH = ("HOME", "LANG", "TMPDIR")
"""What a function gets of the shell's environment."""


class StepFailed(AssertionError):
    """A step of the build ended with an error; it holds what the step printed."""


@dataclass(frozen=True)
class Python:
    """An interpreter to build with.

    Attributes:
        program: outside of any virtual environment.
        version: ``3.12``.
    """

    program: Path
    version: str

    @classmethod
    def find(cls, version: str) -> Python:
        """That version where the machine has it, on its path or under pyenv; else our own."""
        name = f"python{version}"
        folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
        folders += sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}*/bin"))
        for folder in folders:
            # pyenv's shim is on the path even where it has nothing to start.
            if (folder / name).exists() and _runs(folder / name):
                return cls(folder / name, version)
        own = f"{sys.version_info.major}.{sys.version_info.minor}"
        return cls(Path(sys.base_prefix) / "bin" / f"python{own}", own)


@dataclass(frozen=True)
class Build:
    """An archive that was unpacked and whose requirements were installed.

    Attributes:
        app: where the archive was unpacked.
        environment: the virtual environment.
    """

    app: Path
    environment: Path

    def run(self, *command: str) -> str:
        """Run a program of the environment where the function lies; what it printed."""
        return _run([str(self.environment / "bin" / command[0]), *command[1:]], self.app)

    def installed(self) -> set[str]:
        """``name==version`` of every distribution in the environment, as pip lists them."""
        code = (
            "from importlib.metadata import distributions\n"
            "for each in distributions(): print(f'{each.name}=={each.version}')"
        )
        return set(self.run("python", "-P", "-c", code).split())

    @contextmanager
    def served(
        self, name: str, entry_point: str, settings: Mapping[str, str]
    ) -> Iterator[httpx.Client]:
        """A client of the running function, started as the buildpack's web process is."""
        port = free_port()
        environment = {name: os.environ[name] for name in SERVED_WITH if name in os.environ}
        environment |= dict(settings) | {
            "PATH": f"{self.environment / 'bin'}{os.pathsep}{os.defpath}",
            "FUNCTION_TARGET": entry_point,
            "FUNCTION_SIGNATURE_TYPE": "http",
            "HOST": "127.0.0.1",
            "K_SERVICE": name,
            "PORT": str(port),
        }
        log = self.app.with_suffix(".log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(self.environment / "bin" / "functions-framework")],
                cwd=self.app,
                env=environment,
                stdout=output,
                stderr=output,
            )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                eventually(
                    lambda: _accepts(process, client), seconds=START_WITHIN_SECONDS, every=0.05
                )
                yield client
        except BaseException as error:
            error.add_note(f"{name} wrote:\n{log.read_text(encoding='utf-8')}")
            raise
        finally:
            process.terminate()
            process.wait(timeout=20)


Install = Callable[[Python, Path, Path], None]
"""``install(python, app, environment)``: the step that differs."""


def build(
    archive: Path, folder: Path, environment: Path, python: Python, install: Install
) -> Build:
    """Unpack, compile, install, check.

    Args:
        archive: the function's zip.
        folder: to unpack in.
        environment: a virtual environment; one that exists was made for the same requirements.
        python: the interpreter.
        install: ``install_with_pip`` or ``install_with_uv``.

    Raises:
        StepFailed: a step ended with an error that would end the build.
    """
    app = folder / archive.stem
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(app)
    _run([str(python.program), "-m", "compileall", "-f", "-q", "."], app)
    if not environment.exists():
        install(python, app, environment)
        check(python, environment)
    return Build(app, environment)


def install_with_pip(python: Python, app: Path, environment: Path) -> None:
    """The buildpack's own commands; it ignores what doesn't compile."""
    _run([str(python.program), "-m", "venv", str(environment)], app)
    program = str(environment / "bin" / "python")
    _run([program, "-m", "pip", "install", *PIP_OPTIONS], app)
    options = ["--invalidation-mode", "unchecked-hash", "-qq", str(environment / "lib")]
    subprocess.run([program, "-m", "compileall", *options], cwd=app, check=False)


def install_with_uv(python: Python, app: Path, environment: Path) -> None:
    """The same files, checked against the same hashes."""
    _run([str(python.program), "-m", "venv", "--without-pip", str(environment)], app)
    command = [sys.executable, "-m", "uv", "pip", "install", f"--python={environment}"]
    command += ["--requirement=requirements.txt", "--require-hashes", "--no-build"]
    # Links instead of copies: the environments take more than a gigabyte.
    command += ["--link-mode=hardlink"]
    _run(command, app)


def check(python: Python, environment: Path) -> None:
    """``pip check``: what installed distributions require is installed, in versions that fit."""
    _run([str(python.program), "-m", "pip", "--python", str(environment), "check"], environment)


def _run(command: list[str], folder: Path) -> str:
    # A proxy or a mirror is the machine's; what could bring in this repository is left out.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StepFailed(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def _runs(program: Path) -> bool:
    return (
        shutil.which(program) is not None
        and not subprocess.run(
            [program, "-c", "import venv, ensurepip"], capture_output=True, check=False
        ).returncode
    )


def _accepts(process: subprocess.Popen[bytes], client: httpx.Client) -> bool:
    assert process.poll() is None, "the function ended instead of serving"
    try:
        client.get("/")
    except httpx.ConnectError:
        return False
    return True
