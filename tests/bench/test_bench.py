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


def bench(out, *parts):
    """Run scripts/bench on the kernels of a directory."""
    return subprocess.run([ROOT / "scripts" / "bench", *parts], env=os.environ | {"O": str(out)}, cwd=ROOT, capture_output=True,
                          text=True, timeout=300, check=False)


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


def test_no_figures(tmp_path):
    """A kernel that does not know the command."""
    (tmp_path / "bench").mkdir()
    shutil.copy(OUT / "gcc-48" / "Image", tmp_path / "bench" / "Image")
    shutil.copy(OUT / "gcc-48" / ".flags", tmp_path / ".flags")
    done = bench(tmp_path, "fast")
    assert done.returncode != 0 and "has no figure for: kmalloc_64" in done.stderr, done.stdout + done.stderr
    assert not (tmp_path / "bench.json").exists()
