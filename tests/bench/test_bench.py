# SPDX-License-Identifier: BSD-2-Clause
"""`make bench` gives a figure for each row, from kernels of both compilers; and a run that gives none is a failure."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / os.environ.get("O", "build")
FAST = {"kmalloc_64", "cache_64", "cache_64_all", "page_0", "page_0_all", "page_3", "page_9", "vmalloc_64k"}


def bench(out, *parts, **variables):
    """Run scripts/bench on the kernels of a directory."""
    return subprocess.run([ROOT / "scripts" / "bench", *parts], env=os.environ | {"O": str(out)} | variables, cwd=ROOT,
                          capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("kernel", ("gcc-48", "llvm-48"))
def test_fast_rows(kernel):
    """The bench kernel's rows: all there, and no figure that cannot be."""
    done = bench(OUT / kernel, "fast")
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((OUT / kernel / "bench.json").read_text())
    assert result["fast"].keys() == FAST
    assert all(20 < value < 20_000 for value in result["fast"].values()), result["fast"]
    assert len(result["table"]) == len(FAST) and all(f"{round(row['value']):,}" in done.stdout for row in result["table"])


def test_stages():
    """Boots at all sizes: stages that add up, in the order of start_kernel(), and the curves."""
    done = bench(OUT / "gcc-48", "boot")
    assert done.returncode == 0, done.stdout + done.stderr
    boots = json.loads((OUT / "gcc-48" / "bench.json").read_text())["boot"]
    assert boots.keys() == {"1G", "64G", "1T", "8T", "1G quiet"}
    for run in boots.values():
        stages = list(run["stages"])
        assert stages[:2] == ["head.S", "boot_cpu_init"] and stages[-1] == "free_initmem" and "paging_init" in stages
        assert all(ticks > 0 for ticks in run["stages"].values())
        assert 100_000 < run["instructions"] < 5_000_000 and run["descriptors"] >= 8 * run["opened_pages"] > 0
    assert (OUT / "gcc-48" / "bench.svg").read_text().count("<circle") == 4 + 3 + 4 + 4 + 4


@pytest.fixture(name="other")
def fixture_other(tmp_path):
    """A directory for scripts/bench whose bench kernel is the shipped one, which does not know the command."""
    (tmp_path / "bench").mkdir()
    shutil.copy(OUT / "gcc-48" / "Image", tmp_path / "bench" / "Image")
    shutil.copy(OUT / "gcc-48" / ".flags", tmp_path / ".flags")
    return tmp_path


def test_no_figures(other):
    """A run without the figures is a failure."""
    done = bench(other, "fast")
    assert done.returncode != 0 and "has no figure for: kmalloc_64" in done.stderr, done.stdout + done.stderr
    assert not (other / "bench.json").exists()


def test_no_end(other):
    """So is one that hangs, and QEMU goes with it."""
    (other / "bench" / "Image").write_bytes(b"\0\0\0\x14" * 1024)  # branches to themselves
    done = bench(other, "fast", BENCH_TIMEOUT="3")
    assert done.returncode != 0 and "no end of 'bench'" in done.stderr, done.stdout + done.stderr
    assert [path.name for path in (other / "bench").iterdir()] == ["Image"]  # scripts/run has cleaned up


def test_marks(tmp_path):
    """A figure on the wrong side of its limit is marked, and no failure."""
    code = ("import runpy; t = runpy.run_path('scripts/bench')['Table']()\n"
            "t.row('over', 71, 70); t.row('at', 70.4, 70); t.row('under', 99.6, 99.7, unit=' %', at_least=True)")
    done = subprocess.run(["/usr/bin/python3", "-Bc", code], env=os.environ | {"O": str(tmp_path)}, cwd=ROOT, capture_output=True,
                          text=True, check=True)
    marked = {line.split()[0] for line in done.stdout.splitlines() if "misses the limit" in line}
    assert marked == {"over", "under"}
