# SPDX-License-Identifier: BSD-2-Clause
"""BOARD=, LOADER= and OVERLAY=: what scripts/run refuses, and the disk that scripts/sdcard makes, read back with mtools."""
import os
import struct
import subprocess

import pytest

from test_output import make
from test_run import OUT, ROOT, run

PARTS = str(OUT / "boards")
TREES = {"rpi3": "bcm2837-rpi-3-b.dtb", "rpi4": "bcm2711-rpi-4-b.dtb"}
MIB = 1 << 20


def refused(text, **variables):
    """It is, in one line, with these words."""
    status, lines = run(BOARDS=PARTS, **variables)
    assert status == 2 and len(lines) == 1 and lines[0].startswith("run: ") and text in lines[0], lines


@pytest.mark.parametrize("name, value, more", (
    ("BOARD", "rpi5", {}), ("LOADER", "grub", {}), ("LOADER", "grub", {"BOARD": "rpi4"}), ("LOADER", "rpi_arm64", {}),
    ("MEM", "1G", {"BOARD": "rpi4"}), ("CPU", "max", {"BOARD": "rpi3"}), ("SMP", "2", {"BOARD": "rpi4", "LOADER": "none"}),
    ("NUMA", "1", {"BOARD": "rpi4"}), ("EL", "1", {"BOARD": "rpi4"}), ("EL", "3", {"LOADER": "uboot"}), ("NUMA", "1", {"LOADER": "uboot"}),
    ("DTB", "dts/rpi4-8gb.dts", {"LOADER": "uboot"}), ("LOAD", "0x40400000", {"LOADER": "uboot"}), ("X0", "1", {"BOARD": "rpi4"}),
    ("APPEND", "a\nb", {"LOADER": "uboot"}), ("APPEND", "a" * 512, {"LOADER": "uboot"}), ("SDCARD", "x.img", {}), ("OVERLAY", "/nonexistent.dtbo", {"BOARD": "rpi4"}),
))
def test_by_name(name, value, more):
    """What cannot be honoured is refused, and not left out."""
    status, lines = run(BOARDS=PARTS, **{name: value}, **more)
    assert status == 2 and len(lines) == 1 and name in lines[0].replace("/nonexistent", "OVERLAY"), lines


def test_missing_parts(tmp_path):
    """Without scripts/setup's files there is a hint at it."""
    for more in ({"BOARD": "rpi4"}, {"BOARD": "rpi3", "LOADER": "none"}, {"LOADER": "uboot"}):
        status, lines = run(BOARDS=str(tmp_path), **more)
        assert status == 2 and lines[0].endswith("is not there: make setup"), lines
    refused("/nonexistent/u-boot.bin: no such file", LOADER="/nonexistent/u-boot.bin")


def test_overlay_that_does_not_apply(tmp_path):
    """QEMU's tree has no labels."""
    source = tmp_path / "x.dtso"
    source.write_text("/dts-v1/;\n/plugin/;\n&uart0 { a; };\n")
    refused("needs __symbols__", OVERLAY=str(source))
    refused("is not a device tree", OVERLAY="Makefile")


def option(lines, name):
    """An option's argument."""
    return lines[lines.index(name) + 1]


@pytest.mark.parametrize("more, machine, kernel", (
    ({"BOARD": "rpi4"}, "raspi4b", "boards/rpi_4.bin"), ({"BOARD": "rpi3"}, "raspi3b", "boards/rpi_3.bin"),
    ({"BOARD": "rpi4", "LOADER": "rpi_arm64"}, "raspi4b", "boards/rpi_arm64.bin"), ({"BOARD": "rpi4", "LOADER": "none"}, "raspi4b", "gcc-48/Image"),
    ({"BOARD": "rpi4", "LOADER": PARTS + "/rpi_arm64.bin"}, "raspi4b", "boards/rpi_arm64.bin"),
))
def test_board(more, machine, kernel):
    """Which machine, which first program; both ports are on the terminal, or the first has a file."""
    status, lines = run(BOARDS=PARTS, **more)
    assert status == 0 and option(lines, "-M") == machine and option(lines, "-kernel").endswith(kernel), lines
    assert lines.count("chardev:con") == 2
    assert run(BOARDS=PARTS, UART0="/dev/null", **more)[1].count("chardev:con") == 1


# --- the disk ----------------------------------------------------------------------------------------------------


class Card:
    """What scripts/run writes there for SDCARD=."""

    def __init__(self, path, **variables):
        status, lines = run(BOARDS=PARTS, SDCARD=str(path), **variables)
        assert (status, lines) == (0, []), lines
        self.path = path
        self.bytes = path.read_bytes()

    def mtools(self, tool, *args):
        """One of them on the partition."""
        return subprocess.run([tool, "-i", f"{self.path}@@1M", *args], check=True, capture_output=True, timeout=60).stdout

    def files(self):
        """All their names."""
        names = self.mtools("mdir", "-b", "-/", "::").decode().splitlines()
        return {name.removeprefix("::") for name in names if not name.endswith("/")}

    def read(self, name):
        """A file's bytes."""
        return self.mtools("mtype", f"::{name}")


def check_layout(card):
    """A partition table with one partition that begins at 1 MiB and ends with the card, whose size is a power of two; FAT32 in it."""
    size = len(card.bytes)
    assert size & (size - 1) == 0 and card.bytes[510:512] == b"\x55\xaa"
    entries = [struct.unpack_from("<B3xB3xII", card.bytes, 446 + 16 * n) for n in range(4)]
    assert entries == [(0, 0x0c, MIB // 512, size // 512 - MIB // 512), *[(0, 0, 0, 0)] * 3]
    boot = card.bytes[MIB:MIB + 512]
    assert boot[82:90] == b"FAT32   " and struct.unpack_from("<H", boot, 11)[0] == 512
    # Hidden sectors and all sectors; clusters enough for FAT32 to be what it says it is.
    hidden, total, per_fat = struct.unpack_from("<III", boot, 28)
    assert (hidden, total) == (MIB // 512, size // 512 - MIB // 512)
    reserved, = struct.unpack_from("<H", boot, 14)
    assert (total - reserved - boot[16] * per_fat) // boot[13] >= 65525


@pytest.mark.parametrize("board", ("rpi3", "rpi4"))
def test_card(tmp_path, board):
    """All that a Pi's firmware and U-Boot look for, but the firmware itself."""
    card = Card(tmp_path / "card", BOARD=board, APPEND="loglevel=8 x=$y")
    check_layout(card)
    image = (OUT / "gcc-48/Image").read_bytes()
    tree = TREES[board]
    assert card.files() == {"/Image", "/kernel8.img", "/u-boot.bin", f"/{tree}", "/config.txt", "/cmdline.txt", "/extlinux/extlinux.conf"}
    assert card.read("Image") == card.read("kernel8.img") == image
    assert card.read("u-boot.bin") == (OUT / "boards" / f"rpi_{board[3]}.bin").read_bytes()
    assert card.read(tree) == (OUT / "boards" / tree).read_bytes()
    assert card.read("cmdline.txt") == b"loglevel=8 x=$y\n"
    extlinux = [line.split() for line in card.read("extlinux/extlinux.conf").decode().splitlines() if line]
    assert extlinux == [["default", "firstlight"], ["label", "firstlight"], ["kernel", "/Image"], ["append", "loglevel=8", r"x=\$y"]]
    config = card.read("config.txt").decode().splitlines()
    assert {"arm_64bit=1", "enable_uart=1", f"device_tree={tree}", "kernel=u-boot.bin", "#kernel_address=0x200000"} <= set(config)


def test_card_without_u_boot(tmp_path):
    """The firmware starts kernel8.img, with the initrd behind it, the overlay in the tree; a large initrd makes a large card."""
    initrd = tmp_path / "initrd"
    initrd.write_bytes(os.urandom(MIB) * 40)
    overlay = tmp_path / "x.dtso"
    overlay.write_text('/dts-v1/;\n/plugin/;\n/ { fragment@0 { target-path = "/"; __overlay__ { overlaid = "here"; }; }; };\n')
    card = Card(tmp_path / "card", BOARD="rpi4", LOADER="none", INITRD=str(initrd), OVERLAY=str(overlay))
    check_layout(card)
    assert len(card.bytes) == 128 * MIB and "/u-boot.bin" not in card.files()
    assert card.read("initrd") == initrd.read_bytes()
    assert b"initrd /initrd" in card.read("extlinux/extlinux.conf")
    config = card.read("config.txt").decode().splitlines()
    assert {"kernel_address=0x200000", "initramfs initrd followkernel"} <= set(config) and not [line for line in config if line.startswith("kernel=")]
    (tmp_path / "dtb").write_bytes(card.read(TREES["rpi4"]))
    assert subprocess.run(["fdtget", tmp_path / "dtb", "/", "overlaid"], check=True, capture_output=True, text=True).stdout == "here\n"


def test_disk_of_virt(tmp_path):
    """No more than what U-Boot reads."""
    card = Card(tmp_path / "disk", LOADER="uboot")
    check_layout(card)
    assert card.files() == {"/Image", "/extlinux/extlinux.conf"}


def test_card_that_cannot_be_written(tmp_path):
    """No half of it is left."""
    status, lines = run(BOARDS=PARTS, SDCARD=str(tmp_path / "no/card"), BOARD="rpi4")
    assert status and lines and not list(tmp_path.iterdir())


@pytest.mark.parametrize("goal, parts", (
    (("run",), ""), (("gdb", "BOARD=rpi4"), ""), (("sdcard", "BOARD=rpi3"), ""), (("test",), "BOARD=all"), (("setup", "BOARD=rpi4"), "BOARD=all")))
def test_parts_to_get(tmp_path, goal, parts):
    """What make has scripts/setup look for: all, or what BOARD= and LOADER= in the environment say."""
    status, text = make(ROOT, "-n", f"O={tmp_path}", *goal)
    assert [line.split("scripts/setup ")[0].strip() for line in text.splitlines() if "scripts/setup " in line] == [parts], (status, text)


def test_loader_with_blank(tmp_path):
    """make hands its name on as one."""
    for name in ("libfdt", "boards"):
        (tmp_path / name).symlink_to(OUT / name)
    assert make(ROOT, "--no-print-directory", f"O={tmp_path}", "ready", "BOARD=rpi4", f"LOADER={tmp_path}/p q; false/u-boot.bin") == (0, "")
