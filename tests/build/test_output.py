# SPDX-License-Identifier: BSD-2-Clause
"""What `make` writes to and what `clean` deletes: a folder that the build made, and nothing else. On a copy of the source."""
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(name="source")
def copy_of_source(tmp_path):
    """Without what is built already."""
    return shutil.copytree(ROOT, tmp_path / "src", ignore=shutil.ignore_patterns("build", ".git"))


def make(source, *args):
    """Exit status, and all that was said. Nothing of a make around this one counts."""
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "O")}
    done = subprocess.run(["make", "-C", source, *args], capture_output=True, text=True, timeout=60, check=False, env=env)
    return done.returncode, done.stdout + done.stderr


def files(folder):
    """All there is."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.mark.parametrize("name", ("mm", "tests/boot", ".", "..", "/", "/usr", "", "a b", "a#b", "a:b", "a%b", "a'b", "a$b", "a,b", "-x"))
@pytest.mark.parametrize("goal", ("clean", "distclean", "all"))
def test_refused(source, name, goal):
    """One error says which name and why; nothing is made or deleted."""
    before = files(source)
    status, text = make(source, "-n", f"O={name}", goal)
    errors = [line for line in text.splitlines() if "***" in line]
    assert status == 2 and len(errors) == 1 and f"*** O={name}: " in errors[0], text
    if not name.startswith("/"):
        # Once more in earnest.
        assert make(source, f"O={name}", goal)[0] == 2
    assert files(source) == before


@pytest.mark.parametrize("existed", (False, True))
def test_clean(source, existed):
    """A new or an empty folder is the build's: clean empties it, distclean deletes it."""
    out = source / "out/here"
    if existed:
        out.mkdir(parents=True)
    before = files(source)
    assert make(source, "O=out/here", "out/here/.flags")[0] == 0
    assert (out / ".flags").exists()
    assert make(source, "O=out/here", "clean")[0] == 0
    assert [p.name for p in out.iterdir()] == [".firstlight"]
    # What scripts/setup has got stays, and is nobody else's.
    for name in ("libfdt", "boards"):
        (out / name).mkdir()
    assert make(source, "O=out/here", "clean")[0] == 0
    assert {p.name for p in out.iterdir()} == {".firstlight", "libfdt", "boards"}
    (out / ".firstlight").unlink()
    assert make(source, "O=out/here", "clean", "out/here/.flags")[0] == 0
    assert make(source, "O=out/here", "distclean")[0] == 0
    assert not out.exists() and set(files(source)) == {*before, "out"} - {"out/here"}
    assert make(source, "O=out/here", "clean", "distclean")[0] == 0


def test_someone_elses(source):
    """A folder with files in it stays as it is, inside and outside of the source."""
    for folder in (source / "notes", source.parent / "notes"):
        folder.mkdir()
        (folder / "note").touch()
        for goal in ("all", "clean", "distclean"):
            status, text = make(source, f"O={folder}", goal)
            assert status == 2 and "files in it that this build did not make" in text, text
        assert files(folder) == ["note"]


def test_dry_run(source):
    """make -n makes nothing."""
    before = files(source)
    assert make(source, "-n", "O=out")[0] == 0
    assert files(source) == before
