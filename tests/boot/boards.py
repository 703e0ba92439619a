# SPDX-License-Identifier: BSD-2-Clause
"""Boots by real loaders, on QEMU's Raspberry Pis, and with upstream's trees of them. The cases are as in cases.py; nothing is
typed before the kernel's own prompt, but where U-Boot is told to reset."""
import re
import struct

import cases
import entries
import trees
from cases import AUDIT, G, STATUS, Case, Send, available, boot, command, session

U_BOOT = (r"U-Boot 20\d\d\.\d\d", r"Retrieving file: /Image", r"Starting kernel \.\.\.")
NONE = {"LOADER": "none"}  # on a Pi QEMU is the firmware, which starts the kernel itself
PI = {"rpi3": "bcm2837-rpi-3-b.dtb", "rpi4": "bcm2711-rpi-4-b.dtb"}
MODEL = {"rpi3": r"Machine model: Raspberry Pi 3 Model B", "rpi4": r"Machine model: Raspberry Pi 4 Model B"}
AUX = {"rpi3": r"earlycon: bcm2835aux0 at MMIO 0x0*3f215040 \(", "rpi4": r"earlycon: bcm2835aux0 at MMIO 0x0*fe215040 \("}
PI_BYTES = 0x3c000000  # less than the board's gigabytes, that is what QEMU writes into the tree
SPIN_TABLE = r"\n0x0*0-0x0*fff +4K  cpu-release-addr of /cpus/cpu@0\r"
INITRD = trees.write("initrd", trees.initrd())
ARGS = f'run="{AUDIT}; {{}}poweroff {STATUS}"'.format


def qemu(case, options):
    """More options for QEMU."""
    case.run = {**case.run, "QEMU_EXTRA": f"{case.run.get('QEMU_EXTRA', '')} {options}".strip()}


def by_u_boot(case, first_port=False):
    """What U-Boot says comes before; on a Pi its first words come from the other port. Time goes by instructions, so that neither its
    two seconds for a key are waited for, nor its timeouts depend on how busy the host is."""
    qemu(case, "-icount shift=7,sleep=off")
    case.steps = (*U_BOOT[first_port:], *case.steps)
    case.max_characters = 4000
    return case


def no_semihosting(case, status=0):
    """The machine ends by other means, which carry no status."""
    qemu(case, "-semihosting-config enable=off")
    case.status = status
    return case


def with_memory(case, total):
    """The Memory line has so many bytes."""
    case.steps = tuple(available(total) if str(step).startswith("Memory: ") else step for step in case.steps)
    return case


def as_it_is(blob):
    """No edit."""
    return blob


def tree(board, edit=as_it_is):
    """Upstream's tree as a file of its own, edited."""
    def make(out):
        blob = edit(bytearray((out / "boards" / PI[board]).read_bytes()))
        return trees.write(f"{edit.__name__}-{board}.dtb", bytes(blob))(out)
    return make


def overlay(name, **nodes):
    """An overlay that sets properties of nodes, which are named by path."""
    parts = "".join(f'fragment@{n} {{ target-path = "{path}"; __overlay__ {{ {body} }}; }};\n' for n, (path, body) in enumerate(nodes.items()))
    return trees.write(f"{name}.dtso", f"/dts-v1/;\n/plugin/;\n/ {{\n{parts}}};\n".encode())


def region(name, cells_a, cells_s, base, reg):
    """An overlay with a region of memory reserved, and what `mem` says of it."""
    made = overlay(f"region-{name}", **{"/": f"""reserved-memory {{ #address-cells = <{cells_a}>; #size-cells = <{cells_s}>; ranges;
        overlaid@{base:x} {{ reg = <{reg}>; }}; }};"""})
    return made, rf"\n0x0*{base:x}-0x0*{base + 0xfffff:x} +1024K  /reserved-memory/overlaid@{base:x}\r"


VIRT_REGION, VIRT_REGION_LINE = region("virt", 2, 2, 0x50000000, "0 0x50000000 0 0x100000")
PI3_REGION, PI3_REGION_LINE = region("rpi3", 1, 1, 0x20000000, "0x20000000 0x100000")
PI4_REGION, PI4_REGION_LINE = region("rpi4", 2, 1, 0x20000000, "0 0x20000000 0x100000")

CASES = []

# --- U-Boot on virt ----------------------------------------------------------------------------------------------------------

# Characters that U-Boot gives a meaning to in extlinux.conf arrive as they were.
ODD = r"""odd=$a'b'\c\\d\$e\\\f$$,${x},$(y)"""
CASES += [
    by_u_boot(boot("uboot-el1", run={"LOADER": "uboot"}, append=f"{ODD} {ARGS('')}", before=(
        cases.VIRT_MODEL, cases.PL011, re.escape(f"Kernel command line: {ODD} {ARGS('')}")))),
    by_u_boot(boot("uboot-el1-llvm", run={"LOADER": "uboot", "INITRD": INITRD, "CPU": "cortex-a72"}, kernel="llvm-39", append=ARGS("mem; "),
                   before=(cases.VIRT_MODEL,))),
    by_u_boot(session("uboot-el2", *command("mem", VIRT_REGION_LINE, r" 3000000 bytes  initrd\r", cases.BALANCE),
                      run={"LOADER": "uboot", "EL": 2, "INITRD": INITRD, "OVERLAY": VIRT_REGION, "MEM": "2G"})),
    by_u_boot(boot("uboot-el2-llvm", kernel="llvm-48", run={"LOADER": "uboot", "EL": 2, "CPU": "cortex-a53"})),
]

# --- Raspberry Pi: U-Boot talks on the first port, then on the one that the tree names, as does the kernel -------------------------

NOTHING = r"\A\Z"
FIRST_WORDS = r"\s*U-Boot 20\d\d\.\d\d[^\n]*\n\s*DRAM: +960 MiB\s+RPI [34] Model B \([^\n]*\n"
FIRST_PORT = (rf"\A{FIRST_WORDS}\Z",)
CASES += [
    by_u_boot(session(f"{board}-uboot-{kernel}", *command("mem", SPIN_TABLE, line, cases.BALANCE), kernel=kernel,
                      run={"BOARD": board, "OVERLAY": made}, before=(MODEL[board], AUX[board]), uart0=first), True)
    # A Pi 3's U-Boot that has a tree built in (2023.01) never talks on the first port.
    for board, kernel, made, line, first in (
        ("rpi3", "llvm-39", PI3_REGION, PI3_REGION_LINE, (rf"\A({FIRST_WORDS})?\Z",)),
        ("rpi4", "gcc-48", PI4_REGION, PI4_REGION_LINE, FIRST_PORT))
]
CASES += [
    by_u_boot(boot("rpi4-uboot-arm64", r" 3000000 bytes  initrd\r", kernel="llvm-48", append=ARGS("mem; "), uart0=FIRST_PORT,
                   run={"BOARD": "rpi4", "LOADER": "rpi_arm64", "INITRD": INITRD}, before=(MODEL["rpi4"], AUX["rpi4"])), True),
    # The other way round: the kernel talks on the first port, and not a word on the second.
    Case("rpi4-uboot-first-port", run={"BOARD": "rpi4", "QEMU_EXTRA": "-icount shift=7,sleep=off"}, append=f"earlycon=pl011,0xfe201000 {ARGS('')}", steps=U_BOOT[1:],
         forbid=(*cases.TROUBLE, "firstlight> ", r"Booting firstlight"),
         uart0=(r"\A\s*U-Boot 20", r"Booting firstlight", AUX["rpi4"].replace("bcm2835aux0", "pl11").replace("215040", "201000"), r"Boot complete: ")),
]
CASES += [
    with_memory(boot(f"{board}-{kernel}", *((r" 3000000 bytes  initrd\r",) if more else ()), kernel=kernel, run={"BOARD": board, **NONE, **more},
         append=ARGS("mem; "), before=(MODEL[board], AUX[board]), uart0=(NOTHING,)), PI_BYTES)
    for board, kernel, more in (("rpi3", "gcc-39", {}), ("rpi3", "llvm-48", {"INITRD": INITRD}), ("rpi4", "gcc-48", {"INITRD": INITRD}), ("rpi4", "llvm-39", {}))
]

# earlycon=all: both ports have the whole boot, and both are listened to. Ctrl-A C goes from one to the next, and then to QEMU.
PL011 = {board: AUX[board].replace("bcm2835aux0", "pl11").replace("215040", "201000") for board in PI}
WHOLE = (r"\A[^\n]*Booting firstlight", r"Memory: ", r"Boot complete: [^\n]*\nfirstlight> echo heard\nheard\n", r"\nok mem\n")
CASES += [
    session(f"{board}-all-{kernel}", *command("echo heard", r"\nheard\r"), kernel=kernel, append="earlycon=all", before=(AUX[board], PL011[board]),
            run={"BOARD": board, **NONE}, uart0=(*WHOLE, AUX[board], PL011[board]), count={AUX[board]: 1, PL011[board]: 1})
    for board, kernel in (("rpi3", "llvm-39"), ("rpi4", "gcc-48"))
]
CASES += [
    session("rpi4-all-typed", *command("echo one", r"\noneone\r"), *command("\x01c\x01cecho other", r"\notherother\r"),
            append="earlycon=all", run={"BOARD": "rpi4", **NONE}, count={"Boot complete: ": 2}, max_characters=0),
]
CASES += [
    session("overlay-by-label", *command("fdt /soc/serial@7e201000", r"firstlight,mark = \"here\""), run={
        "DTB": "dts/rpi4-8gb.dts", "OVERLAY": trees.write("label.dtso", b'/dts-v1/;\n/plugin/;\n&uart0 { firstlight,mark = "here"; };\n')}),
    session("overlay-virt", *command("mem", VIRT_REGION_LINE, cases.BALANCE), kernel="llvm-39", run={"OVERLAY": VIRT_REGION, "EL": 2}),
]

# --- the end: by PSCI's hvc and smc, by a Pi's watchdog; after a reset the loader starts the kernel anew ---------------------------

AGAIN = (Send("reboot"), r"Booting firstlight", r"Boot complete: ", Send("poweroff"))
CASES += [
    no_semihosting(boot(f"end-{name}", *AGAIN, kernel=kernel, run=run, append=""))
    for name, kernel, run in (
        ("hvc", "gcc-48", {}), ("smc", "llvm-39", {"EL": 2}),
        ("watchdog-rpi3", "gcc-48", {"BOARD": "rpi3", **NONE}), ("watchdog-rpi4", "llvm-39", {"BOARD": "rpi4", **NONE}))
]
CASES += [
    no_semihosting(by_u_boot(boot("end-hvc-uboot", *AGAIN[:1], *U_BOOT, *AGAIN[1:], kernel="llvm-48", append="", run={"LOADER": "uboot"}))),
    no_semihosting(by_u_boot(boot("end-watchdog-uboot", Send("reboot"), *U_BOOT[1:], r"Boot complete: ", Send("poweroff"), append="",
                                  run={"BOARD": "rpi4"}, uart0=(r"(?s)DRAM: .*DRAM: ",)), True)),
    # A watchdog in the tree, and none at that address.
    session("end-none", *command("reboot", r"cannot be ended: PSCI: the tree has no usable psci node; the watchdog did not act\r"),
            run={"DTB": "dts/rpi4-8gb.dts", "OVERLAY": overlay("watchdog", **{"/soc": 'watchdog@7e100000 { compatible = "brcm,bcm2835-pm-wdt"; reg = <0x7e100000 0x114>; };'})}),
    session("end-unknown", *command("reboot", r"cannot be ended: PSCI: the tree has no usable psci node; there is no watchdog that is known\r"),
            run={"DTB": "dts/rpi4-8gb.dts"}),
]

# --- the memory of each Pi 4 in upstream's tree, as the firmware fills it in: 12-byte tuples, RAM from 0 -----------------------------

PI4_MEMORY = {1: ((0, 0x3b400000),), 2: ((0, 0x3b400000), (0x40000000, 0x40000000)), 4: ((0, 0x3b400000), (0x40000000, 0xbc000000))}
PI4_MEMORY[8] = (*PI4_MEMORY[4], (0x100000000, 0x80000000), (0x180000000, 0x80000000))


def pi4_memory(gib):
    """The overlay that the firmware's work amounts to."""
    return overlay(f"rpi4-{gib}G", **{"/memory@0": f"reg = {', '.join(f'<{trees.cells(base)} {size:#x}>' for base, size in PI4_MEMORY[gib])};"})


def zones(gib):
    """The zones, from the bottom: what all DMA reaches (dma-ranges: 1 GiB), the rest of 32 bits, and what is beyond."""
    bounds = (("DMA", 0, G), ("DMA32", G, G << 2), ("Normal", G << 2, G << 40))
    pages = [(name, sum(size for base, size in PI4_MEMORY[gib] if low <= base < high) >> 12) for name, low, high in bounds]
    return [text for name, present in pages if present for text in (rf"zone +{name}\r", rf"present +{present}\r")]


CASES += [
    with_memory(session(f"rpi4-{gib}G-el{el}-{kernel}", *command("mem", SPIN_TABLE, cases.BALANCE), *command("zoneinfo", *zones(gib)), kernel=kernel,
            run={"DTB": tree("rpi4"), "OVERLAY": pi4_memory(gib), "EL": el}, before=(MODEL["rpi4"],)), sum(size for _, size in PI4_MEMORY[gib]))
    for gib, el, kernel in ((1, 2, "gcc-48"), (2, 1, "llvm-39"), (4, 3, "gcc-39"), (8, 2, "llvm-48"))
]

# --- spin tables: kept whatever the tree says, and a release address that is none is named --------------------------------------------


def no_memreserve(blob):
    """Without what upstream's trees say for the spin table."""
    at = struct.unpack_from(">I", blob, 16)[0]
    assert struct.unpack_from(">QQ", blob, at) == (0, 0x1000)
    blob[at:at + 16] = bytes(16)
    return blob


CASES += [
    session(f"spin-table-{board}-{kernel}", *command("mem", SPIN_TABLE, r"\n0x0*30000000-0x0*30000fff +4K  cpu-release-addr of /cpus/cpu@1\r", cases.BALANCE),
            kernel=kernel, run={"DTB": tree(board, no_memreserve), **({"MEM": "0:960M"} if board == "rpi4" else {}), "OVERLAY": overlay("spin-elsewhere", **{"/cpus/cpu@1": "cpu-release-addr = <0 0x300000d8>;"})})
    for board, kernel in (("rpi3", "llvm-48"), ("rpi4", "gcc-48"))
]
CASES += [
    session("spin-table-odd",
            *command("dmesg", r"/cpus/cpu@0: cpu-release-addr of 12 bytes, ignored: 8 are an address", r"/cpus/cpu@1: cpu-release-addr of 0 bytes, ignored",
                     r"/cpus/cpu@2: cpu-release-addr of 5 bytes, ignored"),
            *command("mem", r"\n0x0*0-0x0*fff +4K  memreserve\[0\]\r", r"\n0x0*30000000-0x0*30000fff +4K  cpu-release-addr of /cpus/cpu@3\r", cases.BALANCE),
            forbid=[words for words in cases.TROUBLE if "ignored" not in words], run={
                "DTB": tree("rpi4"), "MEM": "0:960M", "OVERLAY": overlay("spin-odd", **{
                    "/cpus/cpu@0": "cpu-release-addr = <0 0xd8 0>;", "/cpus/cpu@1": "cpu-release-addr;",
                    "/cpus/cpu@2": "cpu-release-addr = [01 02 03 04 05];", "/cpus/cpu@3": "cpu-release-addr = <0x300000d8>;"})}),
]

# --- an image that has run is no Image any more, and says so where it is entered all the same ---------------------------------------------

NO_BOOT = Send("", "Hit any key")
NO_IMAGE = r"Bad Linux ARM64 Image magic!"
RUN_BEFORE = (r"preflight: this copy of the image has run before; load it anew\r+\npreflight: stopped, reason 9\r", entries.reason(9))
CASES += [
    by_u_boot(boot(f"run-before-{kernel}", Send("reboot"), NO_BOOT, Send("booti ${kernel_addr_r} - ${fdtcontroladdr}", "=> "), NO_IMAGE, kernel=kernel, append="",
                   forbid=(), status=None, run={"LOADER": "uboot", "EL": el}))
    for kernel, el in (("gcc-48", 1), ("llvm-39", 2))
]
CASES += [
    by_u_boot(boot("run-before-go", Send("reboot"), NO_BOOT, Send("go 200000", "U-Boot> "), *RUN_BEFORE, append="", forbid=(), status=None, uart0=(),
                   run={"BOARD": "rpi4"}), True),
    # It came to a dead end on the early console, and with that to addresses of its own; where it is moved to it speaks all the same.
    Case("run-before-to-a-dead-end", run={"BOARD": "rpi4"}, append="", forbid=(), status=None, max_characters=0, uart0=(), steps=(
        NO_BOOT, Send("load mmc 0:1 480080 Image; go 480080", "U-Boot> "), r"preflight: loaded at 0x480080, which", entries.reason(3), cases.RESET,
        NO_BOOT, Send("booti 480080 - ${fdt_addr}", "U-Boot> "), NO_IMAGE, Send("cp.b 480080 600000 100000; go 600000", "U-Boot> "), *RUN_BEFORE)),
]

# --- the log outlives U-Boot, its own reset, and a Pi's watchdog ------------------------------------------------------------------------

FAULT_AGAIN = (r"Booting firstlight", cases.LAST + cases.FAULT_SAID, r"Boot complete: ")
OLD_LOG = command("dmesg -p", r"Booting firstlight", r"Unhandled exception", r"Kernel panic")
OLD_REBOOT = command("dmesg -p", r"Booting firstlight", r"Boot complete: ")
CASES += [
    by_u_boot(session("log-uboot", *cases.FAULT, cases.RESET, *U_BOOT, *FAULT_AGAIN, *OLD_LOG, run={"LOADER": "uboot"}, forbid=())),
    by_u_boot(session("log-uboot-reset", *cases.FAULT, cases.RESET, Send("", "Hit any key"), Send("reset", "=> "), *U_BOOT, *FAULT_AGAIN, *OLD_LOG,
                      kernel="llvm-39", run={"LOADER": "uboot", "EL": 2}, forbid=())),
    session("log-watchdog-rpi3", Send("reboot"), r"Booting firstlight", r"Boot complete: ", *OLD_REBOOT, kernel="llvm-48", run={"BOARD": "rpi3", **NONE}),
    session("log-watchdog-rpi4", Send("reboot"), r"Booting firstlight", r"Boot complete: ", *OLD_REBOOT, run={"BOARD": "rpi4", **NONE}),
]
