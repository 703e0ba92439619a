# SPDX-License-Identifier: BSD-2-Clause
"""Entries that go against the boot protocol, and what the kernel says about them: that line, and no other in its place.

What is broken is repaired and said once, or the boot ends with one line that says what is wrong and what to do, on the console that
early/console.c finds. Patterns follow each other without anything between them.
"""
import pathlib
import re

import trees
from cases import STATUS, Case, Peek, boot

KIMAGE = 0x40200000
STAMP = r"\[ +\d+\.\d{6}\] "
END = r"\r+\n"


def line(pattern, stamp=STAMP):
    """This line, and it comes next."""
    pattern = pattern.replace(".*", r"[^\r\n]*")
    return rf"\A(\(Ctrl-A X ends QEMU\){END})?{stamp}{pattern}{END}"


BOOTING = line(r"Booting firstlight on physical CPU 0x\w+ \[0x\w+\]")
MODEL = line(r"Machine model: .*")


def symbol(name, offset=0):
    """Where a function is, with the Image at its usual place: for `run`."""
    def find(out):
        text = (pathlib.Path(out) / "gcc-48" / "System.map").read_text()
        return KIMAGE + offset + int(re.search(rf"^ffff800008(\w+) . {name}(\.|$)", text, re.M)[1], 16)
    return find


def poke(name, value, offset=0):
    """An instruction put into a function."""
    return lambda out: f"{symbol(name, offset)(out):#x}={value:#x}"


def be(number):
    """A cell of a tree, as POKE writes it."""
    return int.from_bytes(number.to_bytes(4, "big"), "little")


def tree_word(index, value, at=0x48000000):
    """One word of the tree's header is something else."""
    return f"{at + 4 * index:#x}={be(value):#x}"


def reason(number):
    """It has stopped, with that in x0."""
    return Peek("info registers", rf"X00=0*{number:x}\b")


DAMAGED = "the image is not what was built: something was loaded over it, or it was damaged on the way"


def stops(name, number, *lines, damaged=False, **kwargs):
    """A dead end before the MMU is on: these lines and no others."""
    more = (DAMAGED,) if damaged else ()
    said = [line(f"preflight: {text}", stamp="") for text in (*lines, *more, f"stopped, reason {number}")]
    return Case(f"entry-{name}", append="", status=None, forbid=(), steps=(*said, reason(number)), **kwargs)


def silent(name, number, **kwargs):
    """Nobody knows a console: the reason is all there is."""
    return Case(f"entry-{name}", append="", status=None, forbid=(r"\A.*preflight",), steps=(reason(number),), **kwargs)


def refused(name, why, *before, x0="0x48000000", panic=r"no device tree: x0 must hold .*", append="", **kwargs):
    """No tree to go on with: the log goes to a console that is found without."""
    return Case(f"entry-{name}", append=append, status=None, forbid=(), steps=(
        BOOTING, *before, line(rf"preflight: x0 = {x0}, where the device tree should be: {why}"),
        line(rf"Kernel panic - in setup_machine_fdt: {panic}"), r"Call trace:", rf"\n{STAMP}stopped, reason 8{END}", reason(8)), **kwargs)


def repaired(name, *lines, before=(BOOTING,), after=(MODEL,), **kwargs):
    """What is wrong is put right, said, and the boot goes on to its end."""
    said = [line(f"preflight: {text}") for text in lines]
    return Case(f"entry-{name}", steps=(*before, *said, *after, "Boot complete: "), **kwargs)


def tree(name, stdout='stdout-path = "/pl011@9000000";', body="", chosen=""):
    """Virt's tree with another stdout-path."""
    text = trees.VIRT.format(what=name, model=name, memory=f"\tmemory@40000000 {{ device_type = \"memory\"; {trees.GIB} }};\n{body}\n")
    text = text.replace('stdout-path = "/pl011@9000000";', f"{stdout} {chosen}")
    return trees.write(f"console-{name}.dts", text.encode())


CASES = []

# --- where the image is ---------------------------------------------------------------------------------------------------

MISALIGNED = r"loaded at {}, which is no multiple of 2 MiB \(U-Boot: booti puts it right, so does kernel_addr_r={}; Pi: kernel_address=0x200000\)"
CASES += [
    stops(f"misaligned-{name}", 3, MISALIGNED.format(load, right), run={"LOAD": load, "EL": el}, kernel=kernel)
    for name, load, right, el, kernel in (
        ("page", "0x40201000", "0x40400000", 1, "gcc-48"), ("page-el2", "0x40a01000", "0x40c00000", 2, "gcc-48"),
        ("1M-el3", "0x40300000", "0x40400000", 3, "gcc-48"), ("64K-llvm", "0x40210000", "0x40400000", 1, "llvm-48"),
        ("in-page", "0x44000080", "0x44200000", 1, "gcc-48"), ("in-page-el2-llvm", "0x44000ff0", "0x44200000", 2, "llvm-39"),
        ("in-page-el3", "0x44000810", "0x44200000", 3, "gcc-39"), ("word", "0x44000004", "0x44200000", 1, "gcc-48"),
        ("word-el2", "0x4400009c", "0x44200000", 2, "llvm-48"), ("word-el3", "0x44000ffc", "0x44200000", 3, "gcc-48"),
    )
]
# With the tree where a report would have its stack, and at an odd address.
CASES += [
    stops(f"misaligned-tree-{name}", 3, MISALIGNED.format("0x40280000", "0x40400000"),
          run={"LOAD": "0x40280000", "EL": el, "DTB_ADDR": lambda out, where=where: f"{symbol('init_stack_end', where)(out):#x}"})
    for name, el, where in (("on-stack", 1, 0x7f000), ("low-on-stack", 3, 0x7e000), ("odd-on-stack", 2, 0x7e003))
]
CASES += [
    stops("misaligned-tree-odd", 3, MISALIGNED.format("0x40280000", "0x40400000"),
          run={"LOAD": "0x40280000", "DTB_ADDR": "0x48000003"}),
    stops("misaligned-damaged", 3, MISALIGNED.format("0x40201000", "0x40400000"), damaged=True,
          run={"LOAD": "0x40201000", "POISON": lambda out: f"{symbol('boot_cpu_init')(out) + 0x1000 & ~7:#x}:64"}),
    stops("damaged-before-mmu", 5, r"undefined instruction before the kernel could say so itself: ESR 0x2000000, pc 0x402\w+ \(image \+ 0x\w+\), FAR 0x\w+",
          damaged=True, run={"POKE": poke("check_cpu", 0)}),
    stops("damaged-before-mmu-el2", 5, r"undefined instruction before the kernel could say so itself: ESR 0x2000000, pc 0x402\w+ \(image \+ 0x\w+\), FAR 0x\w+",
          damaged=True, run={"EL": 2, "POKE": poke("elect_boot_cpu", 0)}),
    stops("damaged-before-mmu-el3", 5, r"undefined instruction before the kernel could say so itself: ESR 0x2000000, pc 0x402\w+ \(image \+ 0x\w+\), FAR 0x\w+",
          damaged=True, run={"EL": 3, "POKE": poke("drop_to_el1", 0)}),
    # ldr x1, [x1]: x1 is an identity register, which is no address.
    stops("abort-before-mmu", 5, r"data abort on a read: \w.* before the kernel could say so itself: ESR 0x9600\w+, pc 0x402\w+ \(image \+ 0x\w+\), FAR 0x\w+",
          damaged=True, run={"POKE": poke("check_cpu", 0xf9400021, 4)}),
    # Between the MMU's first instruction and the kernel's vectors.
    stops("damaged-behind-mmu", 5, r"undefined instruction before the kernel could say so itself: ESR 0x2000000, pc 0xffff8000080\w+ \(image \+ 0x\w+\), FAR 0x\w+",
          damaged=True, run={"POKE": poke("primary_switched", 0)}),
    stops("damaged-before-bss", 5, r"undefined instruction before the kernel could say so itself: ESR 0x2000000, pc 0xffff8000080\w+ \(image \+ 0x\w+\), FAR 0x\w+",
          damaged=True, run={"POKE": poke("check_handover", 0)}),
    # What is to say it is broken too: it ends all the same, with the first reason.
    silent("damaged-console", 3, run={"LOAD": KIMAGE + 0x1000, "POKE": lambda out: poke("early_report", 0, 0x1000)(out)}),
    Case("entry-damaged-later", status=None, append="", forbid=(), run={"POKE": poke("boot_cpu_init", 0)}, steps=(
        line(r"Unhandled exception: undefined instruction .*"), rf"Kernel panic - in boot_cpu_init: undefined instruction{END}",
        line("stopped, reason 8"), line(f"preflight: {DAMAGED}", ""), reason(8))),
    # The names for the backtrace, too: none of them ends.
    Case("entry-damaged-names", status=None, append="", forbid=(), run={"POKE": lambda out: " ".join(
        [poke("boot_cpu_init", 0)(out), *(poke("kallsyms_pairs", 0x80808080, 4 * i)(out) for i in range(88))])}, steps=(
        line(r"Unhandled exception: undefined instruction .*"), rf"Kernel panic - in boot_cpu_init: undefined instruction{END}",
        line("stopped, reason 8"), line(f"preflight: {DAMAGED}", ""), reason(8))),
    # What no boot runs: it goes on.
    repaired("damaged-unused", DAMAGED, run={"POKE": poke("pt_show_walk", 0)}),
    repaired("damaged-constants", DAMAGED, run={"POKE": poke("kallsyms_pairs", 0, 340)}),
    # The kernel is up, but its vectors are not, nor its console: on the idmap.
    Case("entry-damaged-idmap", append="", status=None, forbid=(), run={"POKE": poke("idmap_replace_ttbr1", 0, 0xc)}, steps=(
        BOOTING, line(f"preflight: {DAMAGED}"), MODEL, line(r"earlycon: .*"),
        line(r"preflight: undefined instruction before the kernel could say so itself: ESR 0x2000000, pc 0x402\w+ \(image \+ 0x\w+\), FAR 0x\w+", ""),
        line(f"preflight: {DAMAGED}", ""), line("preflight: stopped, reason 5", ""), reason(5))),
    # No exception can be handled, until there is no room for another one.
    Case("entry-damaged-handler", append="", status=None, forbid=(), run={"POKE": lambda out: " ".join(
        [poke("parse_early_param", 0)(out), poke("handle_exception", 0)(out)])}, steps=(
        BOOTING, line(f"preflight: {DAMAGED}"), MODEL,
        line(r"Exception stack overflow: undefined instruction, ESR 0x2000000, FAR 0x\w+, pc handle_exception\+0x0/0x\w+"),
        line("stopped, reason 7"), reason(7))),
    # The same while BSS is not clear; and where not even the end is to be had.
    stops("damaged-handler-before-bss", 7, r"undefined instruction before the kernel could say so itself: ESR 0x2000000, pc 0xffff8000080\w+ \(image \+ 0x\w+\), FAR 0x\w+",
          damaged=True, run={"POKE": lambda out: " ".join([poke("check_handover", 0)(out), poke("handle_exception", 0)(out)])}),
    silent("damaged-end-before-bss", 7, run={"POKE": lambda out: " ".join([poke("check_handover", 0)(out), poke("dead_end", 0)(out)])}),
    # What reports a fault runs into one itself, and again.
    silent("damaged-report", 7, run={"POKE": lambda out: " ".join([poke("boot_cpu_init", 0)(out), poke("report_nested", 0)(out), poke("describe_esr", 0)(out)])}),
    # What reports a fault runs into one itself.
    Case("entry-fault-inside-a-fault", append='run="fault null"', status=None, forbid=(), run={"POKE": poke("pt_show_walk", 0)}, steps=(
        "Boot complete: ", r"Unhandled exception: data abort on a write", rf"FAR = 0x0{{16}}: null pointer{END}",
        line(r"Exception inside an exception: undefined instruction, ESR 0x2000000, FAR 0x\w+, pc pt_show_walk\+0x0/0x\w+"),
        line("stopped, reason 5"), reason(5))),
    # The log's own way is broken: what is left is the early console, without a log.
    stops("damaged-clock", 5, r"undefined instruction before the kernel could say so itself: ESR 0x2000000, pc 0xffff8000080\w+ \(image \+ 0x\w+\), FAR 0x\w+",
          damaged=True, run={"POKE": poke("clock_ns", 0)}),
    # The same once there is a console, and where that is written to.
    Case("entry-damaged-console-later", append="", status=None, forbid=(), run={"POKE": poke("write_to", 0)}, steps=(
        BOOTING, line(f"preflight: {DAMAGED}"), MODEL, line(r"earlycon: .*"), line(r"Unhandled exception: undefined instruction .*"),
        line(r"Exception inside an exception: undefined instruction, ESR 0x2000000, FAR 0x\w+, pc write_to\+0x0/0x\w+"),
        line("stopped, reason 5"), reason(5))),
    # What looks at the image is broken, or what gives the log's lock back.
    Case("entry-damaged-sum", append="", status=None, forbid=(), run={"POKE": poke("sum_words", 0)}, steps=(
        BOOTING, line(r"Unhandled exception: undefined instruction .*"), rf"Kernel panic - in boot_cpu_init: undefined instruction{END}",
        line("stopped, reason 8"), reason(8))),
    Case("entry-damaged-unlock", append="", status=None, forbid=(), run={"POKE": poke("spin_unlock", 0)}, steps=(
        r"Unhandled exception: undefined instruction ", rf"Kernel panic - in boot_cpu_init: undefined instruction{END}", line("stopped, reason 8"), reason(8))),
    # hvc #0, where nobody is at home: an exception of EL1.
    *(Case(f"entry-hvc-{name}", append="", status=None, forbid=(), kernel=kernel, run={"EL": el, "ENTER": enter, "POKE": poke("boot_cpu_init", 0xd4000002)}, steps=(
        line(r"Unhandled exception: HVC \(synchronous from EL1\)"), r"pc : boot_cpu_init\+0x4/", rf"Kernel panic - in boot_cpu_init: HVC{END}", line("stopped, reason 8"),
        line(f"preflight: {DAMAGED}", ""), reason(8)))
      for name, el, enter, kernel in (("el2", 2, "", "gcc-48"), ("el3", 3, "", "gcc-48"), ("e2h", 2, "e2h", "gcc-48"))),
    stops("hvc-before-mmu", 5, r"HVC before the kernel could say so itself: ESR 0x5a000000, pc 0x402\w+ \(image \+ 0x\w+\), FAR 0x\w+",
          damaged=True, run={"EL": 2, "POKE": poke("check_cpu", 0xd4000002)}),
    # mov x1, #0xf0000000, and mov x1, #0, in place of what this CPU can do.
    stops("no-granule", 1, r"this CPU has no translation granule of 4 KiB \(ID_AA64MMFR0_EL1 0xf0000000\)",
          damaged=True, run={"POKE": poke("check_cpu", 0xd2be0001)}),
    stops("too-high", 2, r"the image ends at 0x1401\w+, beyond this CPU's physical addresses or 48 bits; load it lower", damaged=True,
          run={"MEM": "8G", "LOAD": "0x140000000", "DTB_ADDR": "0x148000000", "POKE": poke("check_cpu", 0xd2800001, 0x140000000 - KIMAGE)}),
]

# --- the state of the CPU -----------------------------------------------------------------------------------------------------

MMU = r"entered with the MMU on \(U-Boot: use booti, not go\): switched off"
CASES += [
    repaired(f"mmu-el{el}", MMU, run={"ENTER": enter, "EL": el}, kernel=kernel)
    for el, enter, kernel in ((1, "mmu dcache icache", "gcc-48"), (2, "mmu dcache icache", "llvm-39"), (3, "mmu dcache", "gcc-48"))
]
CASES += [
    repaired("mmu-without-caches", MMU, run={"ENTER": "mmu"}),
    repaired("mmu-el2-e2h", MMU, run={"ENTER": "mmu dcache e2h", "EL": 2}),
    repaired("mmu-and-arguments", MMU, r"x1-x3 nonzero in violation of the boot protocol: 0x40000000 0x0 0x0",
             run={"ENTER": "mmu dcache", "X1": "0x40000000"}),
    repaired("dcache", r"entered with the D-cache on \(U-Boot: use booti, not go\): switched off", run={"ENTER": "dcache"}),
    repaired("dcache-el2", r"entered with the D-cache on \(U-Boot: use booti, not go\): switched off", run={"ENTER": "dcache", "EL": 2}),
    repaired("interrupts", r"entered with interrupts unmasked \(DAIF 0x0\); the loader must mask them", run={"ENTER": "unmask", "EL": 2}),
    repaired("arguments", r"x1-x3 nonzero in violation of the boot protocol: 0x1 0xffffffffffffffff 0x8000000000000000",
             run={"X1": "1", "X2": "0xffffffffffffffff", "X3": "0x8000000000000000"}),
    repaired("no-clock", r"CNTFRQ_EL0 is 0, firmware must program it: time stamps stay 0", before=(), after=(BOOTING, MODEL), run={"ENTER": "no-clock"}),
    Case("entry-all-cpus", run={"ENTER": "all-cpus", "SMP": 4, "EL": 2}, steps=(
        BOOTING, rf"preflight: other CPUs entered together with this one \(0x\w+ was the last\): parked; one must enter{END}", "Boot complete: ")),
    *(Case(f"entry-el{el}", append=f'loglevel=8 run="poweroff {STATUS}"', max_characters=0, run={"EL": el}, steps=(
        BOOTING, line(rf"preflight: entered at EL{el}{dropped}, x0 = 0x48000000, image at 0x40200000, SCTLR 0x\w+, HCR_EL2 0x\w+, DAIF 0x\w+")))
      for el, dropped in ((1, ""), (2, ", dropped to EL1"), (3, ", dropped to EL1"))),
]
CASES += [
    stops(f"mmu-not-1-to-1-el{el}", 4,
          rf"entered with the MMU on \(SCTLR 0x30{sctlr}\), and the image is not mapped 1:1 \(U-Boot: use booti, not go\)",
          run={"ENTER": f"mmu shifted {enter}", "EL": el})
    for el, enter, sctlr in ((1, "dcache", "d00805"), (2, "dcache", "c50835"), (3, "dcache", "c50835"))
]
CASES += [
    # One of them says it, the others are parked.
    Case("entry-mmu-not-1-to-1-all-cpus", append="", status=None, forbid=(), run={"ENTER": "mmu shifted dcache all-cpus", "EL": 2, "SMP": 4}, steps=(
        line(r"preflight: entered with the MMU on \(SCTLR 0x30c50835\), and the image is not mapped 1:1 \(U-Boot: use booti, not go\)", ""),
        line("preflight: stopped, reason 4", ""), Peek("info registers -a", r"(?s)X00=0*([46])\b.*X00=0*(?!\1)[46]\b")), count={"stopped": 1}),
    # What lies at the UART's address there is no UART.
    silent("mmu-not-1-to-1-uart", 4, run={"ENTER": "mmu shifted dcache", "OPTIONS": "earlycon=pl011,0x49000000", "DTB_ADDR": "none"}),
]

# --- x0 -----------------------------------------------------------------------------------------------------------------------

NO_MAGIC = r"no device tree there: its magic is 0x\w+, not d00dfeed"
CASES += [
    refused("x0-null", "it is null, the loader passed none", x0="0x0", run={"DTB_ADDR": "none"}),
    refused("x0-null-el2-llvm", "it is null, the loader passed none", x0="0x0", run={"DTB_ADDR": "none", "EL": 2}, kernel="llvm-39"),
    refused("x0-null-el3", "it is null, the loader passed none", x0="0x0", run={"X0": "0", "EL": 3}),
    refused("go", r"that is no address \(U-Boot: use booti, go passes a count of arguments\)", line(f"preflight: {MMU}"),
            line(r"preflight: x1-x3 nonzero in violation of the boot protocol: 0x7f000000 0x0 0x0"),
            x0="0x1", run={"X0": "1", "X1": "0x7f000000", "ENTER": "mmu dcache icache", "EL": 2}),
    refused("mmu-x0-nowhere", "reading there faults, no memory", line(f"preflight: {MMU}"), x0="0xb000000", run={"X0": "0xb000000", "ENTER": "mmu dcache"}),
    refused("atags", r"an ATAGS list, give the loader a \.dtb", x0="0x44000000", run={"X0": "0x44000000", "POKE": "0x44000000=5 0x44000004=0x54410001"}),
    refused("magic", NO_MAGIC, x0="0x44000000", run={"X0": "0x44000000"}),
    refused("magic-misaligned", r"not 8-byte aligned, nor a tree of 256 KiB at most, to be copied \(U-Boot: unset fdt_high\)",
            x0="0x44000004", run={"X0": "0x44000004", "POKE": "0x44000004=0xedfe0dd0"}),
    refused("misaligned-nothing", r"not 8-byte aligned, nor a tree of 256 KiB at most, to be copied \(U-Boot: unset fdt_high\)", x0="0x44000004", run={"X0": "0x44000004"}),
    refused("odd", r"not 8-byte aligned, nor a tree of 256 KiB at most, to be copied \(U-Boot: unset fdt_high\)", x0="0x44000003", run={"X0": "0x44000003"}),
    refused("outside-ram", "reading there faults, no memory", x0="0x3000000000", run={"X0": "0x3000000000"}),
    refused("fdt-high", "beyond this CPU's physical addresses", x0="0xffffffffffffffff", run={"X0": "0xffffffffffffffff"}),
    refused("beyond-cpu", "beyond this CPU's physical addresses", x0="0xfffffffffffffff8", run={"X0": "0xfffffffffffffff8"}),
    refused("in-the-image", NO_MAGIC, x0="0x40201000", run={"X0": "0x40201000"}),
    refused("meets-the-image", "it overlaps the kernel image or its BSS, load one of them elsewhere", x0="0x401ff000",
            run={"X0": "0x401ff000", "POKE": f"0x401ff000={be(0xd00dfeed):#x} 0x401ff004={be(0x2000):#x}"}),
]
# QEMU leaves a tree of its own below the image, which no board has; what is wrong with the kernel's may be in the way to its console.
NO_OTHER = {"POISON": "0x40000000:0x100000"}
OPTIONS = {"OPTIONS": "earlycon=pl011,0x9000000"}
CASES += [
    refused(name, why, run={"POKE": tree_word(word, value), **NO_OTHER, **options})
    for name, why, word, value, options in (
        ("version-old", "its version 3 is older than 16", 5, 3, {}),
        ("version-15", "its version 15 is older than 16", 5, 15, {}),
        ("version-new", "it needs a reader of version 18, this one knows 17", 6, 18, {}),
        ("too-large", "its size 0x200001 is not between 40 bytes and 2 MiB", 1, 0x200001, {}),
        ("much-too-large", "its size 0xffffff is not between 40 bytes and 2 MiB", 1, 0xffffff, {}),
        ("too-small", "its size 0x27 is not between 40 bytes and 2 MiB", 1, 39, OPTIONS),
        ("structure-outside", "the structure block at 0x100000 is misaligned or not inside", 2, 0x100000, OPTIONS),
        ("structure-misaligned", "the structure block at 0x3a is misaligned or not inside", 2, 0x3a, OPTIONS),
        ("strings-outside", "the strings block at 0x200000 is not inside", 3, 0x200000, OPTIONS),
        ("reservations-outside", "the reservation block at 0xffff8 is misaligned or not inside", 4, 0xffff8, OPTIONS),
    )
]
CASES += [
    refused("large-misaligned", r"not 8-byte aligned, nor a tree of 256 KiB at most, to be copied \(U-Boot: unset fdt_high\)", x0="0x48000004",
            run={"DTB": tree("large", chosen=f"padding = [{'55' * 0x48000}];"), "DTB_ADDR": "0x48000004", **NO_OTHER}),
]
# A header at the end of RAM, of a tree that would end beyond.
HEADER = (0xd00dfeed, 0x2000, 0x38, 0x1000, 0x28, 17, 16, 0, 0x10, 0x20)
CASES += [
    refused(f"beyond-memory-{at:x}-{kernel}", why, x0=f"{at:#x}", kernel=kernel, run={
        "X0": f"{at:#x}", "OPTIONS": "earlycon=pl011,0x9000000", "EL": el,
        "POKE": " ".join(tree_word(i, value, at) for i, value in enumerate(HEADER))})
    for at, why, el, kernel in (
        (0x7fffff08, "it reaches beyond memory", 2, "llvm-48"),
        (0x7fffff04, r"not 8-byte aligned, nor a tree of 256 KiB at most, to be copied \(U-Boot: unset fdt_high\)", 1, "gcc-48"))
]
CASES += [
    # The header itself ends beyond RAM.
    refused("header-beyond-memory", "it reaches beyond memory", x0="0x7ffffff0", run={
        "X0": "0x7ffffff0", "OPTIONS": "earlycon=pl011,0x9000000", "POKE": f"0x7ffffff0={be(0xd00dfeed):#x} 0x7ffffff4={be(0x2000):#x}"}),
    # The console is in the part of the tree that can be read; or it is not.
    refused("broken", r".* at offset 0x\w+, in node .*", run={"DTB": tree("broken", chosen='bootargs = "earlycon=pl011,0x9000000";'), "DTB_ADDR": "0x48000000",
            "POKE": "0x48000140=0x7f7f7f7f 0x48000144=0x7f7f7f7f 0x48000148=0x7f7f7f7f"}),
    silent("broken-before-console", 8, run={"POKE": "0x48000080=0x7f7f7f7f 0x48000084=0x7f7f7f7f 0x48000088=0x7f7f7f7f"}),
    refused("broken-with-options", r".* at offset 0x\w+, in node .*",
            run={"OPTIONS": "earlycon=pl011,0x9000000", "POKE": "0x48000080=0x7f7f7f7f 0x48000084=0x7f7f7f7f 0x48000088=0x7f7f7f7f"}),
]

COPIED = r"the device tree at {} {}: copied to 0x402\w+"
NOT_ALIGNED, IN_BSS = r"is not 8-byte aligned \(U-Boot: unset fdt_high\)", r"lies where the kernel has its BSS \(U-Boot: fdt_addr_r must be beyond image_size\)"
CASES += [
    repaired(f"tree-{name}", COPIED.format(at, why), run={"DTB_ADDR": at, "EL": el}, kernel=kernel)
    for name, at, why, el, kernel in (
        ("misaligned-4", "0x48000004", NOT_ALIGNED, 1, "gcc-48"), ("misaligned-1", "0x48000001", NOT_ALIGNED, 2, "gcc-48"),
        ("misaligned-7-llvm", "0x48000ff7", NOT_ALIGNED, 3, "llvm-39"), ("in-bss", "0x40228000", IN_BSS, 1, "gcc-48"),
        ("in-stacks", "0x40240008", IN_BSS, 1, "gcc-48"), ("in-tables", "0x40248000", IN_BSS, 2, "llvm-39"),
        ("in-brk", "0x40260000", IN_BSS, 1, "gcc-48"), ("near-where-it-goes", "0x4024f000", IN_BSS, 1, "gcc-48"),
        ("misaligned-in-bss", "0x40229006", NOT_ALIGNED, 1, "gcc-48"),
    )
]
CASES += [
    boot("tree-in-the-first-page", run={"DTB": "dts/rpi4-8gb.dts", "LOAD": "0x200000", "DTB_ADDR": "0x100"}),
    repaired("tree-version-16", COPIED.format("0x48000004", NOT_ALIGNED),
             run={"DTB": trees.odd("version-16"), "DTB_ADDR": "0x48000004", "POKE": tree_word(5, 16, 0x48000004)}),
    repaired("tree-where-it-goes", COPIED.format(r"0x402\w+", IN_BSS), run={"DTB_ADDR": symbol("__brk_start")}),
    repaired("tree-across-the-end", COPIED.format(r"0x40\w+", IN_BSS), run={"DTB_ADDR": symbol("_end", -0x800), "EL": 2}),
    repaired("tree-misaligned-mmu", MMU, COPIED.format("0x48000004", NOT_ALIGNED), run={"DTB_ADDR": "0x48000004", "ENTER": "mmu dcache"}),
    repaired("tree-not-in-memory", r"the device tree at 0x50000000-0x5000\w+ is outside of the usable memory it describes",
             before=(BOOTING, MODEL, line(r"earlycon: .*"), line(r"Kernel command line: .*")), after=(),
             run={"DTB": trees.odd("not-in-memory", memory='device_type = "memory"; reg = <0 0x40000000 0 0x4000000 0 0x60000000 0 0x4000000>;'),
                  "DTB_ADDR": "0x50000000"}),
]

# --- initrd -------------------------------------------------------------------------------------------------------------------

CASES += [
    repaired(f"initrd-{name}", rf"initrd at {start:#x}-{end:#x} ignored: {why}", before=(BOOTING, MODEL, line(r"earlycon: .*"), line(r"Kernel command line: .*")),
             after=(), forbid=(),
             run={"DTB": trees.odd(f"initrd-{name}", chosen=f"linux,initrd-start = <{start:#x}>; linux,initrd-end = <{end:#x}>;")})
    for name, start, end, why in (
        ("in-kernel", 0x40200000, 0x40300000, "it overlaps the kernel image or its BSS, load one of them elsewhere"),
        ("in-bss", 0x40230000, 0x40231000, "it overlaps the kernel image or its BSS, load one of them elsewhere"),
        ("over-tree", 0x47fff000, 0x48000100, "it overlaps the device tree, the loader must place it elsewhere"),
        ("backwards", 0x50001000, 0x50000000, "it ends where it starts, or before"),
        ("outside", 0x7ff00000, 0x80100000, "not all of it is memory the kernel can reach"),
    )
]

# --- which console: each is found without a boot, for the image is misaligned ----------------------------------------------------

TWO = {"LOAD": "0x40201000"}
SAID = MISALIGNED.format("0x40201000", "0x40400000")
PORT_ON = "0x4010010010=0x1001 0x4010010004=1"  # a port of PCI's I/O space, switched on: 16550 at 0x3eff1000


# A 16550 that talks to the same console as the machine's own UART.
BOTH = {"QEMU_EXTRA": "-device pci-serial,addr=2,chardev=con", "POKE": PORT_ON}
# What the other one prints is thrown away.
OTHER = {**BOTH, "UART0": "/dev/null"}


BUS = """	aliases { serial0 = "/soc/uart@1000000"; };
	soc { #address-cells = <1>; #size-cells = <1>; ranges = <0x1000000 0 0x9000000 0x100000>;
		uart@1000000 { compatible = "arm,pl011"; reg = <0x1000000 0x1000>; };
	};"""
PORT = "serial@3eff1000 { compatible = \"ns16550a\"; reg = <0 0x3eff1000 0 8>; };"


CASES += [
    stops("console-option-field", 3, SAID, run={**TWO, "OPTIONS": "earlycon=pl011,mmio32,0x9000000", "DTB_ADDR": "none"}),
    stops("console-option-field-first", 3, SAID,
          run={**TWO, **OTHER, "OPTIONS": "quiet earlycon=uart8250,mmio,0x3eff1000", "DTB": tree("args", chosen='bootargs = "earlycon=pl011,0x9000000";')}),
    stops("console-option-field-wrong", 3, SAID, run={**TWO, "OPTIONS": "earlycon=pl011,0x3000000000"}),
    stops("console-option-field-smh", 3, SAID, run={**TWO, "OPTIONS": "earlycon=smh", "EL": 2}),
    stops("console-bootargs", 3, SAID, run={**TWO, **OTHER, "DTB": tree("args-port", chosen='bootargs = "quiet earlycon=uart8250,0x3eff1000";')}),
    stops("console-bootargs-smh-el3", 3, SAID, run={**TWO, "EL": 3, "DTB": tree("args-smh", stdout="", chosen='bootargs = "earlycon=smh";')}),
    stops("console-stdout-uart8250", 3, SAID,
          run={**TWO, **OTHER, "DTB": tree("stdout-port", stdout='stdout-path = "/serial@3eff1000:115200n8";', body=PORT)}),
    stops("console-alias-and-ranges", 3, SAID, run={**TWO, "DTB": tree("alias", stdout='stdout-path = "serial0:115200n8";', body=BUS)}),
    stops("console-alias-and-ranges-llvm", 3, SAID, kernel="llvm-39",
          run={**TWO, "EL": 2, "DTB": tree("alias", stdout='stdout-path = "serial0:115200n8";', body=BUS)}),
    # Each line comes out of both.
    Case("entry-console-all", append="", status=None, forbid=(), run={**TWO, **BOTH, "OPTIONS": "earlycon=all", "DTB": tree("all", stdout="", body=PORT)},
         steps=[line(f"preflight: {text}", "") for text in (SAID, "stopped, reason 3") * 2] + [reason(3)]),
    Case("entry-console-all-enabled", append="", status=None, forbid=(),
         run={**TWO, **BOTH, "OPTIONS": "earlycon=all",
              "DTB": tree("disabled", stdout="", body=PORT.replace("reg", 'status = "disabled"; reg'))},
         steps=[line(f"preflight: {text}", "") for text in (SAID, "stopped, reason 3")] + [reason(3)], count={"stopped": 1}),
    # Nothing is known, and nothing guessed.
    silent("console-none", 3, run={**TWO, "DTB": tree("none", stdout="")}),
    silent("console-disabled-by-path", 3, run={**TWO, "DTB": tree("no-node", stdout='stdout-path = "/nothing";')}),
    refused("console-tree-found", "it is null, the loader passed none", x0="0x0", run={"X0": "0", "DTB_ADDR": "0x40400000"}),
    refused("console-smh-panic", "it is null, the loader passed none", x0="0x0", run={"X0": "0", "OPTIONS": "earlycon=smh", "EL": 2}),
]

# --- earlycon=all with the MMU on: each that is there has the whole log, whatever becomes of the others -----------------------------

ALL = f'{{}}earlycon=all run="selftest pt; selftest mem; poweroff {STATUS}"'.format
FIRST, SECOND = r"earlycon: pl11 at MMIO 0x0*9000000 \(", r"earlycon: uart8250 at MMIO 0x0*3eff1000 \("
ONE_LOG = {text: 1 for text in ("Booting firstlight", FIRST, "Kernel command line", "Boot complete: ", r"\nok pt", r"\nok mem")}
TWO_LOGS = {text: 2 for text in (*ONE_LOG, SECOND)}
DROPPED = r"earlycon: {} at 0x{} takes nothing for 50 ms or faults \(SError 0x{}\): dropped\r".format
NOT_THERE = 'serial@3000000000 { compatible = "arm,pl011"; reg = <0x30 0 0 0x1000>; };'
# Reads as 0, so it is never ready.
STUCK = 'serial@a000000 { compatible = "ns16550a"; reg = <0 0xa000000 0 0x20>; reg-shift = <2>; reg-io-width = <4>; };'
CASES += [
    *(Case(f"earlycon-all-{kernel}", append=ALL(""), kernel=kernel, steps=(FIRST, SECOND, "Boot complete: "), count=TWO_LOGS, max_characters=0,
           run={**BOTH, "DTB": tree("both", body=PORT)}) for kernel in ("gcc-48", "llvm-39")),
    # Named by none, both are found.
    Case("earlycon-all-no-stdout", append=ALL(""), steps=(FIRST, SECOND, "Boot complete: "), count=TWO_LOGS, max_characters=0,
         run={**BOTH, "DTB": tree("both-no-stdout", stdout="", body=PORT)}),
    Case("earlycon-all-not-there", append=ALL(""), steps=(FIRST, r"earlycon: pl11 at 0x3000000000: nothing answers at this address\r", "Boot complete: "),
         count=ONE_LOG, run={"DTB": tree("not-there", body=NOT_THERE)}),
    Case("earlycon-all-stuck", append=ALL(""), steps=(FIRST, DROPPED("uart8250", "a000000", 0), "Boot complete: "), count=ONE_LOG,
         run={"DTB": tree("stuck", body=STUCK)}),
    Case("earlycon-all-stuck-first", append=ALL(""), count=ONE_LOG, kernel="llvm-48",
         steps=("Booting firstlight", r"a000000 takes nothing .* dropped\r", FIRST, "Boot complete: "),
         run={"DTB": tree("stuck-first", stdout='stdout-path = "/serial@a000000";', body=STUCK)}),
    Case("earlycon-all-stuck-quiet", append=ALL("quiet "), steps=(DROPPED("uart8250", "a000000", 0), r"\nok mem"),
         run={"DTB": tree("stuck", body=STUCK)}),
    # The first ends in an SError, before its registers have a mapping of their own and after.
    *(Case(f"earlycon-all-serror-{count}", append=ALL(""), kernel=kernel, steps=(SECOND, DROPPED("pl11", "9000000", "be000000"), "Boot complete: ", r"\nok mem"),
           run={**BOTH, "EL": 1, "BUS_ERROR": count, "DTB": tree("both", body=PORT)}, count={SECOND: 2, "Boot complete: ": 1}, max_characters=0)
      for count, kernel in ((330, "gcc-48"), (560, "llvm-39"))),
    # No memory for the second one's mapping: it stays where it was.
    Case("earlycon-all-no-mapping", append=ALL("failslab=16 "), steps=(FIRST, SECOND, "failslab: call 16 fails: vm_area ", "Boot complete: "), count=TWO_LOGS,
         max_characters=0, run={**BOTH, "DTB": tree("both", body=PORT)}),
]

# --- a Raspberry Pi whose tree names no console: the pins know, GPFSEL1 is written as firmware would -------------------------------

PI = """/dts-v1/;
/ {
	#address-cells = <2>;
	#size-cells = <1>;
	compatible = "raspberrypi,4-model-b", "brcm,bcm2711";
	model = "Raspberry Pi 4 Model B";
	memory@0 { device_type = "memory"; reg = <0 0 0x3c000000>; };
	soc {
		#address-cells = <1>;
		#size-cells = <1>;
		ranges = <0x7e000000 0 0xfe000000 0x1800000>;
		gpio@7e200000 { compatible = "brcm,bcm2711-gpio"; reg = <0x7e200000 0xb4>; };
		serial@7e201000 { compatible = "arm,pl011", "arm,primecell"; reg = <0x7e201000 0x200>; };
		serial@7e201400 { compatible = "arm,pl011", "arm,primecell"; reg = <0x7e201400 0x200>; status = "disabled"; };
		serial@7e215040 { compatible = "brcm,bcm2835-aux-uart"; reg = <0x7e215040 0x40>; };
	};
};
"""
ALT0, ALT5, INPUT = 4 << 12, 2 << 12, 0


def pi(function, path=None, **run):
    """raspi4b entered through tests/entry, GPIO14 with that function; the second serial port is the mini UART."""
    source = PI.replace("\tsoc {", f'\tchosen {{ stdout-path = "{path}"; }};\n\tsoc {{') if path else PI
    return {"DTB": trees.write(f"pi{'-' + path.replace('/', '-') if path else ''}.dts", source.encode()), "MACHINE": "raspi4b", "CPU": "cortex-a72", "SMP": 4, "EL": 2, "POKE": f"0xfe200004={function:#x}",
            **({"UART0": "/dev/null"} if function == ALT5 else {}), **run}


PI_SAID = MISALIGNED.format("0x201000", "0x400000")
CASES += [
    stops("console-pi-pl011", 3, PI_SAID, run=pi(ALT0, LOAD="0x201000")),
    stops("console-pi-mini-uart", 3, PI_SAID, run=pi(ALT5, LOAD="0x201000")),
    stops("console-pi-mini-uart-llvm", 3, PI_SAID, run=pi(ALT5, LOAD="0x201000", EL=3), kernel="llvm-48"),
    silent("console-pi-input", 3, run=pi(INPUT, LOAD="0x201000")),
    Case("entry-console-pi-boot", append="", status=None, run=pi(ALT5), steps=(
        BOOTING, MODEL, line(r"earlycon: bcm2835aux0 at MMIO 0x00000000fe215040 \(options ''\)"), "Boot complete: ")),
    # Nor is a path that leads nowhere, or to a port that is none, any use.
    *(Case(f"entry-console-pi-{name}", append="", status=None, run=pi(ALT5, path=path), steps=(
        BOOTING, MODEL, line(r"earlycon: bcm2835aux0 at MMIO 0x00000000fe215040 \(options ''\)"), "Boot complete: "))
      for name, path in (("no-alias", "serial0:115200n8"), ("not-there", "/soc/serial@7e201800"))),
    refused("console-pi-no-tree", "it is null, the loader passed none", x0="0x0", run=pi(ALT5, X0="0")),
]

# RAM and image at 0, the tree far away, and an end before the console is there.
AT_0 = """/dts-v1/;
/ {
	#address-cells = <2>;
	#size-cells = <1>;
	model = "RAM at 0";
	memory@0 { device_type = "memory"; reg = <0 0 0x3c000000>; };
	chosen { bootargs = "earlycon=smh"; };
};
"""
CASES += [
    Case("entry-image-at-0", append="", status=None, forbid=(), steps=(
        BOOTING, line(f"preflight: {DAMAGED}"), MODEL, line(r"Unhandled exception: undefined instruction .*"),
        rf"Kernel panic - in parse_early_param: undefined instruction{END}", line("stopped, reason 8"), reason(8)),
         run={"DTB": trees.write("at-0.dts", AT_0.encode()), "LOAD": "0", "DTB_ADDR": "0x20000000",
              "POKE": poke("parse_early_param", 0, -KIMAGE)}),
]

# --- the option field as bootargs ----------------------------------------------------------------------------------------------

CASES += [
    Case("entry-options-are-bootargs", append="", run={"OPTIONS": f'run="echo from the field; poweroff {STATUS}"', "DTB": tree("bare")},
         steps=(r"Kernel command line: run=.*", r"\nfrom the field")),
    Case("entry-options-give-way", append=f'run="echo from bootargs; poweroff {STATUS}"', run={"OPTIONS": 'run="echo from the field"', "DTB": tree("bare")},
         steps=(r"\nfrom bootargs",), forbid=(r"from the field",)),
    Case("entry-options-console", append=f'earlycon=pl011,0x9000000 run="poweroff {STATUS}"', run={"OPTIONS": "earlycon=smh", "DTB": tree("bare")},
         steps=(r"earlycon: smh \(options ''\)", "Boot complete: ")),
]

# --- a console that takes nothing is found out before it is trusted, whatever the log level -------------------------------------------------

CASES += [
    Case(f"console-wrong-quiet-{kernel}", append=f'earlycon=uart8250,mmio32,0x9000000 quiet run="echo alive; poweroff {STATUS}"', forbid=(), kernel=kernel,
         steps=(r"earlycon: uart8250 at 0x9000000 takes nothing for 50 ms", r"\nalive\r"))
    for kernel in ("gcc-48", "llvm-39")
]
