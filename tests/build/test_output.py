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


def make(source, *args, **environment):
    """Exit status, and all that was said. Nothing of a make around this one counts, nor what it has exported."""
    env = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "TMPDIR", "LANG")}
    done = subprocess.run(["make", "-C", source, *args], capture_output=True, text=True, timeout=60, check=False, env={**env, **environment})
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


def test_one_folder(source):
    """However it is spelled, what is built in it stays."""
    flags = "out/here/.flags"
    assert make(source, "O=out/here", flags)[0] == 0
    for name in ("out/here/", "./out/here", "out/../out/here", str(source / "out/here")):
        assert make(source, "-q", f"O={name}", flags)[0] == 0, name


def test_compiler(source):
    """It is said that one is not there, and setup named where setup installs it."""
    status, text = make(source, "O=out", "CROSS_COMPILE=foo-", "out/.flags")
    assert status == 2 and "no foo-gcc here, and make setup installs none of that name\n" in text, text


TEXTS = ('run="echo $HOME $(O) $$; poweroff 7"', " a  b ", "a#b\\", "it's", "a\nb", "%:=,`", "")


@pytest.mark.parametrize("name", ("APPEND", "OPTIONS", "LOADER", "BOARD", "DTB", "INITRD", "OVERLAY"))
def test_text(source, name):
    """What the scripts get is what was said."""
    show = ("-s", "--no-print-directory", f'--eval=show: ; @printf "%s|" "$${{{name}-unset}}"', "show")
    for text in TEXTS:
        assert make(source, "O=out", *show, **{name: text}) == (0, f"{text}|")
        # Not of make's command line, but of make: it takes blanks in front away.
        assert make(source, "O=out", *show, f"{name}={text}") == (0, f"{text.lstrip(' ')}|")
    assert make(source, "O=out", *show) == (0, "unset|")


@pytest.mark.parametrize("name", ("a b", "a'b", "a;b", "a$b"))
def test_libfdt(source, name):
    """It goes into rules."""
    status, text = make(source, "O=out", f"LIBFDT={name}", "clean")
    assert status == 2 and f"*** LIBFDT={name}: a folder's name " in text, text
