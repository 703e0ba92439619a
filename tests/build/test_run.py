# SPDX-License-Identifier: BSD-2-Clause
"""What scripts/run refuses: one line that names the variable, exit status 2, QEMU not started. And how it ends."""
import contextlib
import os
import pathlib
import signal
import subprocess
import time

import pexpect
from pexpect.popen_spawn import PopenSpawn
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / os.environ.get("O", "build")
TREE = """/dts-v1/;
/ {{ #address-cells = <{cells}>; #size-cells = <{cells}>; compatible = "firstlight,bare"; {memory} }};
"""
PI4 = "dts/rpi4-8gb.dts"


def environment(**variables):
    """Nothing of a make's around this one but these."""
    return {**{k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "TMPDIR", "LANG")}, "O": str(OUT / "gcc-48"), **variables}


def run(**variables):
    """Exit status, the command or the error as lines."""
    done = subprocess.run([ROOT / "scripts/run"], env=environment(PRINT="1", **variables), cwd=ROOT,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def refused(text, **variables):
    """It is, with these words."""
    status, lines = run(**variables)
    assert status == 2 and len(lines) == 1 and lines[0].startswith("run: ") and text in lines[0], lines


@pytest.fixture(name="tree")
def tree_maker(tmp_path):
    """A function that writes a tree and returns its path."""
    def write(cells=2, memory=""):
        path = tmp_path / "tree.dts"
        path.write_text(TREE.format(cells=cells, memory=memory))
        return str(path)
    return write


@pytest.mark.parametrize("mem", ("x", "1.5G", "", "99999999999T", "-1", "0"))
def test_mem(mem):
    """Without a tree MEM is a size."""
    if mem:
        refused("MEM", MEM=mem)
    else:
        assert "1048576k" in run(MEM=mem)[1]
    assert f"{8 << 10}k" in run(MEM="08M")[1]


def test_mem_with_base():
    """virt's RAM has its place."""
    refused("MEM=0x40000000:1G: ", MEM="0x40000000:1G")


@pytest.mark.parametrize("more", ({}, {"EL": "3"}, {"DTB": PI4}))
def test_initrd(more):
    """It must be there, however it is loaded."""
    refused("/nonexistent: no such file", INITRD="/nonexistent", **more)


@pytest.mark.parametrize("name, value, more", (
    ("EL", "9", {}), ("EL", "9", {"DTB": PI4}), ("EL", "0", {}), ("SMP", "x", {}), ("NUMA", "x", {}), ("SMP", "0", {}), ("SMP", "2", {"DTB": PI4}),
    ("MEM", "1G", {"DTB": PI4}), ("MEM", "0:1G", {"DTB": PI4}), ("NUMA", "1", {"DTB": PI4}), ("X0", "zz", {}), ("LOAD", "here", {}),
    ("POISON", "1", {}), ("POKE", "5", {}), ("MEM", "1234567", {}), ("CPU", "cortex-a15", {}), ("SMP", "1000", {}), ("ENTER", "abracadabra", {}), ("DTB_ADDR", "1x", {}), ("INITRD_ADDR", "1x", {}),
))
def test_by_name(name, value, more):
    """What cannot be honoured is refused, and not left out."""
    refused(name, **{name: value}, **more)


def test_cpu():
    """One that QEMU does not know is named; on -M none a CPU that was asked for is used."""
    refused("nosuch", CPU="nosuch", EL="3")
    assert "max,has_el3=off" in run(CPU="max", DTB=PI4)[1]
    assert "cortex-a72,has_el3=off" in run(DTB=PI4)[1]


@pytest.mark.parametrize("mem, text", (
    ("", "has no memory: say MEM="), ("64M", "has no memory: say MEM="), ("0:0", "MEM=0:0: "), ("0x12345:64M", "whole pages"), ("0:64x", "64x"),
    ("0x40000000:1M", "no room"), ("0x100000000000:1G", "8T"), ("0:16T", "8T"), ("0xffffffffffffff00:1G", "whole pages"),
))
def test_mem_of_tree(tree, mem, text):
    """For a tree without memory, and for one whose memory is disabled."""
    refused(text, DTB=tree(), MEM=mem)
    refused(text, DTB=tree(memory='memory@0 { device_type = "memory"; status = "disabled"; reg = <0 0 0 0x10000000>; };'), MEM=mem)


@pytest.mark.parametrize("mem", ("0x100000000:64M", "0:4G"))
def test_mem_of_one_cell(tree, mem):
    """A base or size that does not fit."""
    refused(f"MEM={mem}: the tree has one cell", DTB=tree(cells=1), MEM=mem)


def test_no_tree(tmp_path):
    """A file that is none, or not there."""
    other = tmp_path / "tree.dtb"
    other.write_bytes(b"no tree")
    refused(f"{other} is not a device tree", DTB=str(other))
    refused("Makefile is not a device tree", DTB="Makefile")
    refused("/nonexistent.dtb: no such file", DTB="/nonexistent.dtb")
    bad = tmp_path / "tree.dts"
    bad.write_text("no tree")
    status, lines = run(DTB=str(bad))
    assert status == 2 and lines[-1] == f"run: {bad}: dtc cannot make a tree of it", lines


@pytest.mark.parametrize("damage", (lambda b: b[:-40], lambda b: b[:20] + b"\0\0\0\x0f" + b[24:], lambda b: b[:24] + b"\0\0\0\x12" + b[28:],
                                    lambda b: b[:8] + b"\x7f" + b[9:], lambda b: b[:4] + b"\0\x30\0\0" + b[8:]))
def test_broken_tree(tree, tmp_path, damage):
    """Truncated, of other versions, without a structure, of another size: none of it is called a tree without memory, nor put right."""
    whole, broken = tmp_path / "whole.dtb", tmp_path / "broken.dtb"
    subprocess.run(["dtc", "-q", "-o", whole, tree(memory='memory@0 { device_type = "memory"; reg = <0 0 0 0x10000000>; };')], check=True)
    broken.write_bytes(damage(whole.read_bytes()))
    run(DTB=str(whole))
    refused(f"{broken} is broken", DTB=str(broken))


def places(lines):
    """Addresses of what QEMU's loader loads."""
    found = {}
    for line in lines:
        if line.startswith("loader,file="):
            name, address = line.split(",")[1:3]
            found[os.path.basename(name)] = int(address.split("=")[1], 16)
    return found


@pytest.mark.parametrize("mem, image, dtb", (("0x80000000:512M", 0x80200000, 0x88000000), ("0:64M", 0x200000, 0x2000000), ("0:8M", 0x200000, 0x400000)))
def test_places(tree, mem, image, dtb):
    """Where Image and tree go."""
    found = places(run(DTB=tree(), MEM=mem)[1])
    assert (found["Image"], found["dtb"]) == (image, dtb)


@pytest.mark.parametrize("options", ("a\n", "\n", "a\nb", "\x7f", "\u00e4"))
def test_options(options):
    """What the option field has no place for."""
    assert run(OPTIONS=options) == (2, ["set-options: options are printable ASCII"])


@pytest.mark.filterwarnings("ignore:setDaemon")
@pytest.mark.parametrize("script, ready, end", (
    ("run", "Boot complete", signal.SIGTERM), ("run", "Boot complete", signal.SIGHUP), ("run", "Boot complete", signal.SIGQUIT),
    ("gdb", "Breakpoint 1, ", signal.SIGTERM),
    ("gdb", "Breakpoint 1, ", "quit"), ("gdb", "Breakpoint 1, ", "detach"),
))
def test_end(tmp_path, script, ready, end):
    """QEMU ends with what has started it, and takes its pidfile along."""
    pid = tmp_path / "pid"
    deadline = time.monotonic() + 60
    child = PopenSpawn([str(ROOT / "scripts" / script)], cwd=ROOT, env=environment(QEMU_EXTRA=f"-pidfile {pid}"), timeout=60)
    try:
        child.expect_exact(ready)
        if isinstance(end, str):
            child.sendline(end)
            child.sendeof()
        else:
            child.kill(end)
        child.expect(pexpect.EOF)
        child.wait()
        while pid.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        with contextlib.suppress(OSError):
            os.kill(int(pid.read_text()), signal.SIGKILL)
