# SPDX-License-Identifier: BSD-2-Clause
"""What is booted, and what it must say. One list, CASES; the runner is test_boot.py, the variables of `run` are scripts/run's."""
import dataclasses
import re
import typing

import machine
import trees

PROMPT = "firstlight> "
AUDIT = "selftest pt; selftest mem"
STATUS = 42  # not what a crash or a QEMU that gives up would exit with

# Words of trouble, unless a case is about trouble.
TROUBLE = (
    r"kernel BUG at", r"WARNING:? at", r"Unhandled exception", r"Kernel panic", r"still maps", r"are lost", r"not ok",
    r"[1-9]\d* W\+X pages", r"ignored: ", r"too many ranges",
    r"does not balance",
)


@dataclasses.dataclass
class Send:
    """At the next prompt, type this."""

    text: str
    prompt: str = PROMPT


@dataclasses.dataclass
class Peek:
    """Ask QEMU's own monitor until the answer matches: for machines that cannot speak."""

    command: typing.Any  # text, or a function of the Image's bytes
    answer: str


@dataclasses.dataclass
class Stop:
    """Stop the machine at this function, and let action(machine.Machine) look at it or change it."""

    symbol: str
    action: typing.Callable


@dataclasses.dataclass
class Case:
    """One boot: scripts/run's variables in, lines and exit status out."""

    name: str
    kernel: str = "gcc-48"  # a directory of builds, the Makefile's KERNELS
    run: dict = dataclasses.field(default_factory=dict)  # a callable value gets the output directory
    append: str = f'run="{AUDIT}; poweroff {STATUS}"'  # tables and ledger are audited in every boot
    steps: typing.Sequence = ()  # regular expressions to come in this order, Send, Peek and Stop
    may_end: str = ""  # what may come in place of a step and all that follows it, the exit status included
    forbid: typing.Sequence[str] = TROUBLE
    count: dict = dataclasses.field(default_factory=dict)  # regular expression: how often in all
    status: int | None = STATUS  # QEMU's exit status; None: not waited for
    timeout: int = 60  # seconds between two steps
    max_characters: int = 2000  # before the prompt; 0: any number
    uart0: typing.Sequence[str] | None = None  # regular expressions for what a Pi's first port says, which then has a file of its own


def boot(name, *lines, before=(), **kwargs):
    """A whole boot with the usual lines, and `lines` behind them."""
    steps = (
        r"Booting firstlight on physical CPU 0x\w+", *before, r"Memory: \d+K/\d+K available \(", r"Memory balance: [^+]+ free \+", r"Boot complete: ", *lines,
    )
    return Case(name, steps=steps, **kwargs)


def session(name, *talk, append="", **kwargs):
    """A boot to the prompt, then a conversation: commands with what they print, and a poweroff at the end."""
    return boot(name, *talk, Send("selftest pt"), r"\nok pt", Send("selftest mem"), r"\nok mem", Send(f"poweroff {STATUS}"), append=append, **kwargs)


def command(line, *expect):
    """A command and what it answers."""
    return (Send(line), *expect)


def available(total):
    """The Memory line of a machine with so many bytes."""
    return rf"Memory: \d+K/{total >> 10}K available \("


K, M, G, T = 1 << 10, 1 << 20, 1 << 30, 1 << 40
KERNELS = ("gcc-48", "gcc-39", "llvm-48", "llvm-39")
BALANCE = r"\n\d+K = \d+(K| bytes) free \+ [^\n]*\n"
VIRT_MODEL = r"Machine model: linux,dummy-virt"
PL011 = r"earlycon: pl11 at MMIO 0x0*9000000 \(options '"

CASES = []

# --- every kernel at every EL -------------------------------------------------------------------------

CASES += [
    boot(f"{kernel}-el{el}", kernel=kernel, run={"EL": el}, before=(VIRT_MODEL, PL011))
    for kernel in KERNELS for el in (1, 2, 3)
]

# --- CPUs ---------------------------------------------------------------------------------------------

CASES += [
    boot(f"cpu-{cpu}-el{el}", run={"CPU": cpu, "EL": el})
    for cpu in ("cortex-a53", "cortex-a57", "cortex-a72", "cortex-a76", "neoverse-n1") for el in (1, 2)
]
CASES += [boot("cpu-max-no-lpa2", run={"CPU": "max,lpa2=off"}), boot("smp-4", run={"SMP": 4})]

# --- amounts of memory -----------------------------------------------------------------------------------

CASES += [
    Case(f"mem-{size}-{kernel}", kernel=kernel, run={"MEM": size}, steps=(available(total), "Boot complete: "))
    for kernel in ("gcc-48", "llvm-39")
    for size, total in (("64M", 64 * M), ("256M", 256 * M), ("1G", G), ("4G", 4 * G))
]
CASES += [
    Case("mem-1T", run={"MEM": "1T"}, steps=(available(T), "Boot complete: ")),
    Case("mem-1T-el2", run={"MEM": "1T", "EL": 2, "CPU": "cortex-a57"}, steps=(available(T), "Boot complete: ")),
    # 39 bits of virtual addresses have a linear map of 256 GiB; the rest is left out, in words.
    boot("mem-1T-39-bits", kernel="gcc-39", run={"MEM": "1T"}, before=(r"805306368K of memory from 0x4040000000 .* not used: ",)),
    Case("numa", run={"MEM": "1G", "NUMA": 1}, steps=(available(G), "Boot complete: ")),
    session("numa-zones", *command("zoneinfo", r"Node 0, zone", r"Node 1, zone"), run={"NUMA": 1, "MEM": "2G"}),
    boot("mem-limit-in-second-node", run={"NUMA": 1, "MEM": "1G", "LOAD": "0x44000000"}, append=f'mem=65576K run="{AUDIT}; poweroff {STATUS}"',
         before=(r"Memory limited to 65576K\r",)),
    boot("mem-limit", append=f'mem=512M run="{AUDIT}; poweroff {STATUS}"', before=(r"Memory limited to 512MB",)),
]

# --- load addresses: the start of RAM, odd multiples of 2 MiB, the top -----------------------------------------------

CASES += [
    boot(f"load-{load:#x}-el{el}-{kernel}", kernel=kernel, run={"LOAD": hex(load), "EL": el})
    for kernel, el, load in (
        ("gcc-48", 1, 0x40600000), ("gcc-48", 2, 0x40a00000), ("gcc-48", 3, 0x57e00000), ("gcc-48", 1, 0x7fe00000),
        ("llvm-39", 2, 0x41000000), ("llvm-39", 1, 0x7fe00000),
    )
]
# At the very start of RAM, where virt keeps a tree of its own.
CASES += [
    boot(f"load-first-{base:#x}-el{el}-{kernel}", kernel=kernel,
         run={"DTB": trees.write(f"bare-{base:x}.dts", trees.bare(base, G).encode()), "LOAD": hex(base), "EL": el})
    for kernel, el, base in (("gcc-48", 1, 0), ("gcc-48", 2, 0x40000000), ("llvm-39", 2, 0), ("llvm-39", 1, 0x4000000000))
]
CASES += [
    # The identity map needs one more level than VA_BITS has, and memory below the image is out of the linear map's reach.
    boot("load-above-512G-39-bits", kernel=kernel, run={"MEM": "1T", "LOAD": "0x9000000000", "DTB_ADDR": "0x9010000000"})
    for kernel in ("gcc-39",)
]
CASES += [
    boot("load-above-512G-48-bits", run={"MEM": "1T", "LOAD": "0x10000000000", "EL": 2}),
    boot("tree-last-in-ram", run={"DTB_ADDR": "0x7ff00000"}),
    boot("tree-across-2M", run={"DTB_ADDR": "0x481ffff8"}),
]

# --- states of the CPU and of memory that the boot protocol leaves open -----------------------------------------------

CASES += [
    boot(f"poison-{name}-{kernel}", kernel=kernel,
         run={"EL": el, "ENTER": f"poison {enter}", "CPU": cpu, "POISON": "0x50000000:0x100000"})
    for kernel in ("gcc-48", "llvm-39")
    for name, el, enter, cpu in (
        ("el1", 1, "", "max"), ("el2", 2, "", "max"), ("el2-e2h", 2, "e2h", "max"), ("el3", 3, "", "max"),
        ("el1-be", 1, "be", "max"), ("el2-be", 2, "be", "max"), ("el3-be", 3, "be", "max"),
        ("el1-a53", 1, "", "cortex-a53"), ("el2-a72", 2, "", "cortex-a72"), ("el2-n1-e2h", 2, "e2h", "neoverse-n1"),
        ("el3-a57", 3, "", "cortex-a57"), ("el1-icache", 1, "icache", "max"), ("el2-icache", 2, "icache", "max"),
    )
]
CASES += [
    # What is behind the Image's file is BSS: garbage there is what RAM holds after power-on.
    boot("poison-ram", run={"POISON": "0x40240000:0x1c0000"}),
    boot("all-cpus-enter", run={"ENTER": "all-cpus", "SMP": 4, "EL": 2}),
    boot("all-cpus-enter-el1", run={"ENTER": "all-cpus", "SMP": 2, "EL": 1}),
    boot("arguments", run={"X1": "1", "X2": "0xffffffffffffffff", "X3": "0x8000000000000000"}),
    boot("interrupts-on", run={"ENTER": "unmask", "EL": 2}),
]

# --- initrd ----------------------------------------------------------------------------------------------------------

INITRD = trees.write("initrd", trees.initrd())
CASES += [
    session("initrd", *command("dmesg", r"initrd: 0x\w+-0x\w+"), run={"INITRD": INITRD}),
    session("initrd-high", *command("dmesg", r"initrd: 0x7f000000-0x\w+"), run={"INITRD": INITRD, "INITRD_ADDR": "0x7f000000"}),
]

# --- exact trees -----------------------------------------------------------------------------------------------------

PI4_BYTES = 0x3b400000 + 0xbc000000 + 0x100000000
CASES += [
    Case(f"rpi4-8gb-el{el}-{kernel}", kernel=kernel, run={"DTB": "dts/rpi4-8gb.dts", "EL": el},
         steps=(r"Machine model: Raspberry Pi 4 Model B Rev 1.4", available(PI4_BYTES), "Boot complete: "))
    for kernel, el in (("gcc-48", 1), ("gcc-48", 2), ("gcc-48", 3), ("llvm-39", 2))
]
TUPLES = trees.write("tuples-2000.dts", trees.MANY_TUPLES.encode())
CASES += [
    Case(f"tuples-2000-{kernel}", kernel=kernel, run={"DTB": TUPLES, "EL": el}, max_characters=0,
         steps=(r"Machine model: many tuples", available(trees.MANY_TUPLES_BYTES), "Boot complete: "),
         count={r"left out": 0})
    for kernel, el in (("gcc-48", 1), ("llvm-39", 2))
]
CASES += [
    # What U-Boot does: the loader fills in the memory that the tree leaves open.
    Case(f"memory-filled-in-{name}", run={"DTB": trees.write(f"{name}.dts", source.encode()), "MEM": "0x80000000:512M"},
         steps=(available(512 * M), "Boot complete: "))
    for name, source in (("none", trees.bare_empty()), ("zero", trees.bare(0x80000000, 0)))
]

CASES += [
    # As little RAM as holds the Image and the tree; RAM that is not whole pages.
    boot("memory-2M", run={"DTB": trees.write("little.dts", trees.bare_empty().encode()), "MEM": "0x40000000:2M"}, append=f'run="poweroff {STATUS}"'),
    boot("memory-3M", run={"DTB": trees.write("little.dts", trees.bare_empty().encode()), "MEM": "0:3M"}),
    boot("memory-unaligned", run={"DTB": trees.write("unaligned.dts", trees.bare(0x12345, 64 * M).encode())}),
    boot("rpi4-8gb-cpu-max", run={"DTB": "dts/rpi4-8gb.dts", "CPU": "max"}),
]

# --- the ledger: every kind of owner, on a tree that has them all ------------------------------------------------------

CASES += [
    session(f"ledger-{kernel}", *command(
        "mem",
        r"\n0x0*40000000-0x0*40000fff +4K  cpu-release-addr of /cpus/cpu@1\r",
        r"\n0x0*40200000-0x\w+ +\d+K  kernel text\r", r"  kernel rodata\r", r"  kernel data\r",
        r"\n0x0*44000000-0x0*44000fff +4K  memreserve\[0\]\r",
        r"\n0x0*45000000-0x0*450000ff +256 bytes  lost to alignment",
        r"\n0x0*45000100-0x0*450001ff +256 bytes  memreserve\[1\]\r",
        r"\n0x0*46000000-0x0*467fffff +8192K  /reserved-memory/firmware@46000000, no-map\r",
        r"\n0x0*47000000-0x0*47000fff +4K  /reserved-memory/log@47000000\r",
        r"\n0x0*48000000-0x\w+ +\w+( bytes)?  device tree\r",
        r"\n0x0*4a000000-0x0*4a2dc6bf +3000000 bytes  initrd\r", r"  free, not opened\r",
        r"\n0x0*50000000-0x0*50ffffff +16384K  cma=\r", r"\n0x0*67c00000-0x0*67ffffff +4096K  /reserved-memory/pool\r",
        r"\n0x0*6fff\w+-0x0*6fff\w+ +\d+K  table pages\r", r"  boot's lists\r",
        r"\n0x0*70000000-0x0*7fffffff +262144K  clipped by mem=\r",
        r"\n0x0*80000800-0x0*80000fff +2K  lost to alignment\r", r"\n0x0*80001000-0x0*800fffff +1020K  clipped by mem=\r",
        BALANCE), kernel=kernel, append="mem=768M cma=16M@0x50000000",
        run={"DTB": trees.write("owners.dts", trees.OWNERS.encode()), "INITRD": INITRD, "INITRD_ADDR": "0x4a000000"})
    for kernel in ("gcc-48", "llvm-39")
]

# --- odd trees: what is meant to be kept is kept, and what is wrong is said ------------------------------------------------


def odd(name, *lines, mem=(), run=(), **tree):
    """A boot of virt's tree with something odd in it: what the log says about it, and what `mem` shows."""
    talk = [Send("dmesg"), *lines] if lines else []
    return session(f"odd-{name}", *talk, *([Send("mem"), *mem, BALANCE] if mem else []),
                   run={"DTB": trees.odd(name, **tree), **dict(run)})


FIRMWARE = "fw@50000000 { reg = <0 0x50000000 0 0x100000>; no-map; };"
CASES += [
    odd("no-map-with-spin-table", cpu="cpu-release-addr = <0 0x50000100>;", body=trees.regions(FIRMWARE),
        mem=(r"\n0x0*50000000-0x0*50000fff +4K  cpu-release-addr of /cpus/cpu@0, no-map\r",
             r"\n0x0*50001000-0x0*500fffff +1020K  /reserved-memory/fw@50000000, no-map\r")),
    odd("no-map-in-memreserve", reserve="/memreserve/ 0x50000000 0x1000;", body=trees.regions(FIRMWARE),
        mem=(r"  memreserve\[0\], no-map\r", r"\n0x0*50001000-0x0*500fffff +1020K  /reserved-memory/fw@50000000, no-map\r")),
    odd("no-map-over-kernel", r"no-map, but 0x40200000-0x\w+ stays mapped: the kernel is there",
        body=trees.regions("fw@40000000 { reg = <0 0x40000000 0 0x1000000>; no-map; };"),
        mem=(r"\n0x0*40000000-0x0*401fffff +2048K  /reserved-memory/fw@40000000, no-map\r", r"  kernel text\r",
             r"-0x0*40ffffff +\d+K  /reserved-memory/fw@40000000, no-map\r")),
    odd("no-map-over-tree", r"no-map, but 0x48000000-0x48000fff stays mapped: the device tree is there",
        body=trees.regions("fw@47000000 { reg = <0 0x47000000 0 0x2000000>; no-map; };"),
        mem=(r"\n0x0*48000000-0x0*\w+ +\d+( bytes|K)  device tree\r", r"-0x0*48ffffff +16380K  /reserved-memory/fw@47000000, no-map\r")),
    # scripts/run packs it: nothing is behind the reservation of nothing.
    odd("memreserve-of-nothing", reserve="/memreserve/ 0x50000000 0x1000; /memreserve/ 0x51000000 0;", mem=(r"\n0x0*50000000-0x0*50000fff +4K  memreserve\[0\]\r",)),
    odd("memreserve-past-the-end", r"memreserve\[0\]: 0xfffffffffffff000-0xfffffffffffffffe\r",
        reserve="/memreserve/ 0xfffffffffffff000 0x2000;"),
    # Whatever the boot would give back of the image stays when the tree says so.
    odd("memreserve-over-kernel", reserve="/memreserve/ 0x40000000 0x2000000;",
        mem=(r"\n0x0*40000000-0x0*401fffff +2048K  memreserve\[0\]\r", r"  kernel text\r", r"  memreserve\[0\]\r", r"  kernel rodata\r",
             r"  kernel data\r", r"\n0x0*402\w+-0x0*41ffffff +\d+K  memreserve\[0\]\r")),
    odd("reserved-memory-with-unit", body=trees.regions("fw@50000000 { reg = <0 0x50000000 0 0x1000000>; };", "reserved-memory@0"),
        mem=(r"\n0x0*50000000-0x0*50ffffff +16384K  /reserved-memory/fw@50000000\r",)),
    odd("two-reserved-memory", r"/reserved-memory@1: not the only node of this name, all of them count",
        body=trees.regions("a@50000000 { reg = <0 0x50000000 0 0x1000>; };") + "\n"
        + trees.regions("b@60000000 { reg = <0 0x60000000 0 0x1000>; };", "reserved-memory@1"),
        mem=(r"/reserved-memory/a@50000000\r", r"/reserved-memory/b@60000000\r")),
    odd("usable-range-no-tuple", r"linux,usable-memory-range of 12 bytes names no whole page, not heeded",
        chosen="linux,usable-memory-range = <0 0x50000000 0>;"),
    odd("usable-range-empty", r"linux,usable-memory-range of 16 bytes names no whole page, not heeded",
        chosen="linux,usable-memory-range = <0 0x50000000 0 0>;"),
    odd("usable-range-at-the-top", r"linux,usable-memory-range of 16 bytes names no whole page, not heeded",
        chosen="linux,usable-memory-range = <0xffffffff 0xfffff001 0 0x10>;"),
    odd("usable-range", r"linux,usable-memory-range leaves 262144K of memory",
        chosen="linux,usable-memory-range = <0 0x40000000 0 0x10000000>;",
        mem=(r"\n0x0*50000000-0x0*7fffffff +786432K  outside linux,usable-memory-range\r",)),
    odd("alloc-ranges-to-1", r"/reserved-memory/d: no room for 0x100000 bytes; nothing reserved",
        body=trees.regions("d { size = <0 0x100000>; alloc-ranges = <0 0 0 1>; };")),
    odd("numa-node-16", r"/memory@40000000: numa-node-id 16 is above 15, taken as none",
        memory=f'device_type = "memory"; {trees.GIB} numa-node-id = <16>;'),
    # Init memory lies on both sides of the border, and each node gets its part.
    odd("node-ends-in-init", r"Freeing init memory: \d+K", r"Freeing init memory: \d+K", run={"LOAD": "0x40200000"},
        memory='device_type = "memory"; reg = <0 0x40000000 0 0x216000>; numa-node-id = <0>;',
        body='memory@40216000 { device_type = "memory"; reg = <0 0x40216000 0 0x3fdea000>; numa-node-id = <1>; };',
        mem=(r"  kernel text\r", r"\n0x0*40216000-0x0*40218fff +12K  free, not opened\r")),
    odd("initrd-of-3-cells", chosen="linux,initrd-start = <0 0 0x50000000>; linux,initrd-end = <0 0 0x51000000>;",
        mem=(r"\n0x0*50000000-0x0*50ffffff +16384K  initrd\r",)),
    odd("device-type-list", memory=f'device_type = "memory", "x"; {trees.GIB}', mem=(r"  free, not opened\r",)),
    odd("model-with-escape", r"Machine model:  \[2J AB \r", model=r"\x1b[2J\nAB\x7f"),
    Case("odd-nothing-usable", run={"DTB": trees.odd("nothing-usable", memory=f'device_type = "memory"; {trees.GIB} linux,usable-memory;')},
         append="", status=None, forbid=("Boot complete",), steps=(
             r"Kernel panic - in arm64_memblock_init: the device tree describes no memory that can be used",)),
    boot("parameter-wrong-twice", append=f'mem=x mem=y cma=z run="{AUDIT}; poweroff {STATUS}"', count={'"mem=x" ignored': 1, '"mem=y"': 0, '"cma=z" ignored': 1},
         forbid=()),
]

# --- command line -----------------------------------------------------------------------------------------------------

CASES += [
    boot("unknown-words", append=f'frobnicate=1 nonsense run="{AUDIT}; poweroff {STATUS}"', before=(r"frobnicate=1 nonsense",)),
    Case("quiet", append=f'quiet run="echo quiet is over; poweroff {STATUS}"', steps=(r"quiet is over",),
         forbid=(*TROUBLE, "Boot complete", "Memory: ")),
    boot("loglevel-8", append=f'loglevel=8 run="{AUDIT}; poweroff {STATUS}"', max_characters=0),
    boot("earlycon-named", append=f'earlycon=pl011,0x9000000 run="{AUDIT}; poweroff {STATUS}"', before=(PL011,)),
    boot("run-in-order", r"one.*\n.*two.*\n", append=f'run="echo one; echo two; poweroff {STATUS}"'),
    Case("exit-status-0", append='run="poweroff 0"', steps=("Boot complete: ",), status=0),
]

# --- what a terminal would obey, in the tree's names, comes out as ?, a value that holds such things as numbers ----------------------

CASES += [
    session(f"escapes-{kernel}", *command("fdt", r"odd\?\[31m@100000000 \{"), *command("fdt /odd", r"prop\?\]0 = \[61 1b 5b 32 4a 7f 00\]"),
            *command("mem", r"/reserved-memory/kept\?\[31m@50000000\r"),
            kernel=kernel, append="loglevel=8", forbid=(*TROUBLE, r"[\x07\x1b\x7f]"), max_characters=0, run={"DTB": trees.escapes},
            before=(r"/reserved-memory/kept\?\[31m@50000000: 0x50000000-0x50000fff",))
    for kernel in ("gcc-48", "llvm-39")
]

# --- consoles that are none, or that go: they cost the console, not the boot --------------------------------------------


def logged(*patterns, end="poweroff_command"):
    """At the end the log, which nobody may have seen, has these lines."""
    def action(stopped):
        text = stopped.log()
        for pattern in patterns:
            assert re.search(pattern, text), f"not in the log: {pattern}\n{text}"
    return Stop(end, action)


def log_in_memory(name, *patterns, before=(), **kwargs):
    """A boot to its end, most of it not shown."""
    return Case(name, steps=(*before, logged(*patterns, "Boot complete: ")), **kwargs)


DROPPED = r"earlycon: \w+ at 0x\w+ takes nothing for 50 ms or faults \(SError 0x"


def vanish(stopped):
    """The console's registers are where nothing is."""
    stopped.write(stopped.physical("device") + 8, 0x3000000000)


def vanish_mapped(stopped):
    """The same, where the registers are mapped."""
    stopped.write(stopped.physical("device") + 16, -(1 << 20) & (1 << 64) - 1)


def counter(reads):
    """Reads of the counter in earlycon_wait() give 0: the counter stands still, or but for the first, goes back."""
    def action(stopped):
        places = stopped.find("earlycon_wait", 0xffffffe0, 0xd53be040)[reads]
        assert len(places) > 1
        for at in places:
            stopped.put(at, 0xd2800000 | stopped.insn(at) & 31)  # mov x, #0
    return action


# No UART: it reads as 0, so it is never ready.
NEVER_READY = "earlycon=uart8250,mmio32,0xa000000"
CASES += [
    boot("console-nowhere", append=f'earlycon=pl011,0x3000000000 run="selftest pt; poweroff {STATUS}"',
         before=(r"earlycon=pl011,0x3000000000: nothing answers at this address", PL011)),
    *(Case(f"console-stuck{name}", append=f'{NEVER_READY} run="selftest pt; poweroff {STATUS}"',
           steps=(*before, rf"{DROPPED}0\)", PL011, "Boot complete: "))
      for name, before in (("", ()), ("-counter-stopped", (Stop("earlycon_wait", counter(slice(None))),)),
                           ("-counter-goes-back", (Stop("earlycon_wait", counter(slice(1, None))),)))),
    log_in_memory("console-vanishes", rf"{DROPPED}0\)", before=(Stop("earlycon_remap", vanish),)),
    log_in_memory("console-write-serror", r'stdout-path "[^"]*": nothing answers at this address', run={"EL": 1, "BUS_ERROR": 0}),
    log_in_memory("console-write-serror-later", rf"{DROPPED}be000000\)", before=("Memory: ",), run={"EL": 1, "BUS_ERROR": 330}),
    log_in_memory("console-write-serror-later-llvm", rf"{DROPPED}be000000\)", before=("Memory: ",), kernel="llvm-39",
                  run={"EL": 1, "BUS_ERROR": 330, "CPU": "cortex-a57"}),
    # A tree is moved first, by probes that wait for SErrors of their own.
    boot("serror-at-entry-tree-moved", before=(r"SError pending at entry: dropped, ESR 0xbe", r"is not 8-byte aligned", PL011), forbid=(),
         run={"EL": 1, "ENTER": "serror", "DTB_ADDR": "0x48000004"}),
    boot("serror-at-entry", before=(r"SError pending at entry: dropped, ESR 0xbe", PL011),
         run={"EL": 1, "ENTER": "serror"}),
    Case("console-read-fails", append="", status=None, forbid=(), steps=(
        "Boot complete: ", "firstlight> ", Stop("earlycon_getc", vanish_mapped),
        Peek("info registers", r"X00=0*8\b"))),
]

# --- the monitor ------------------------------------------------------------------------------------------------------

COMMANDS = "help mem iomem memblock buddyinfo zoneinfo slabinfo vmallocinfo pt fdt dmesg selftest reboot poweroff".split()


def usage(line):
    """A command with arguments it does not take."""
    return command(line, rf"usage: {re.escape(line.split()[0])}\b")


CASES += [
    session("monitor-help", *command("help", *(rf"\n{c}\b" for c in sorted(COMMANDS))), *command("help pt", r"pt "),
            *command("help frob", r"frob"), *usage("help a b"),
            *command("help fault", r"\nfault null\|rodata\|stack\|exec\|<address>\r+\n {24}do what"), *command("help dmesg", r"\ndmesg \[-p\] {14}the log")),
    session("monitor-memory",
            *command("mem", r"0x0*40200000-0x\w+ +\d+K  kernel text\r", r"0x0*48000000-0x0*480fffff +1024K  device tree\r", BALANCE),
            *usage("mem all"),
            *command("iomem", r"\n40000000-7fffffff : System RAM\s+40200000-402\w+ : Kernel code\s+402\w+-402\w+ : Kernel data\r",
                     r"\n  48000000-480fffff : reserved\r"), *usage("iomem 1"),
            *command("memblock", r"\n memory\.cnt  = 0x1\r+\n memory\[0x0\]\t\[0x0{8}40000000-0x0{8}7fffffff\], 0x0{8}40000000 bytes flags: 0x0\r",
                     r"\n reserved\.cnt  = 0x\w+\r+\n reserved\[0x0\]\t\["), *usage("memblock 1"),
            *command("buddyinfo", r"Node 0, zone +\w+( +\d+){11}"), *usage("buddyinfo 1"),
            *command("zoneinfo", r"\nNode 0, zone +\w+\r+\n  pages free     \d+\r+\n        boost    0\r+\n        min      0\r",
                     r"\n        spanned  262144\r+\n        present  262144\r+\n        managed  \d+\r", r"\n        protection: \(0, 0, 0\)\r",
                     r"\n      nr_free_pages \d+\r+\n  pagesets\r+\n    cpu: 0\r+\n {14}count:    \d+\r+\n {14}high:     \d+\r+\n {14}batch:    \d+\r",
                     r"\n  start_pfn:           262144\r+\n  unopened_pages: +\d+\r"), *usage("zoneinfo 1"),
            *command("slabinfo", r"slabinfo - version: 2.1", r"\nkmalloc-96 ", r"\nkmalloc-8k "), *usage("slabinfo 1"),
            # The caller was init text, and is freed.
            *command("vmallocinfo", r"\n0x\w{16}-0x\w{16} +8192 [a-z]\w+\+0x\w+/0x\w+ phys=0x0{8}09000000 ioremap\r"), *usage("vmallocinfo 1")),
    session("monitor-pt",
            *command("pt", r"\n.*0x\w+", r"W\+X.*0 W\+X"), *command("pt 0", r"."), *command("pt 0xffff800008000000", r"."),
            *command("pt 0xffffffffffffffff", r"."), *usage("pt frob"), *usage("pt 1 2"), *usage("pt 0x"),
            *usage("pt 0x1ffffffffffffffff")),
    session("monitor-fdt",
            *command("fdt", r"/ \{", r"compatible = \"linux,dummy-virt\""), *command("fdt /chosen", r"stdout-path"),
            *command("fdt /pl011@9000000", r"reg = <"), *command("fdt /nothing/here", r"no node /nothing/here"),
            *command("fdt /pl011", r"\n/pl011@9000000 \{"), *command("fdt chosen", r"no node chosen"), *usage("fdt / /"), *usage('fdt ""')),
    session("monitor-fdt-text", *command("fdt /chosen", r'\n/chosen \{', r'\n\tnote = "a \\"quoted\\" C:\\\\path", "end";'),
            *command("fdt", r"\n/ \{", r"\n\tpsci \{ /\* \.\.\. \*/ \};"),
            run={"DTB": trees.odd("quoted", chosen='note = "a \\"quoted\\" C:\\\\path", "end";')}),
    session("monitor-dmesg", *command("dmesg", r"Booting firstlight", r"Boot complete"), *usage("dmesg -x")),
    session("monitor-selftest", *command("selftest", r"(?i)ok|pass"), *command("selftest buddy", r"."),
            *command("selftest slab", r"."), *command("selftest vmalloc", r"."), *usage("selftest frob"), timeout=120),
    session("monitor-power", *usage("poweroff x"), *usage("poweroff 256"), *usage("poweroff 1 2"), *usage("reboot now")),
    session("monitor-lines", *command("nonsense", r"nonsense"), *command("   ", r""), *command('echo "a b" c', r"a b c"),
            *command("echo 'open", r"quote"), *command("echo " + "x" * 400, r"\n405 characters are too many for a command, 255 are possible\r"),
            *command("echo " + "x" * 250, r"\nx{250}\r"), *command("echo alive", r"\nalive")),
    session("monitor-semicolons", *command("echo one; echo two", r"one", r"two")),
    Case("monitor-reboot", append="", status=None, steps=("Boot complete: ", Send("reboot"), r"Booting firstlight", "Boot complete: ")),
    session("monitor-39-bits", *command("pt", r"W\+X.*0 W\+X"), *command("selftest", r"(?i)ok|pass"), kernel="llvm-39",
            timeout=120),
    session("monitor-semihosting-console", *command("mem", BALANCE), *command("frob", r"frob"),
            run={"DTB": "dts/rpi4-8gb.dts"}),
]

# --- page tables: the early ones seen from outside, violations in the final ones ---------------------------------------


def violations(kernel):
    """Plant one after the other while the audit begins, and see it named."""
    talk = []
    for text, plant in machine.VIOLATIONS:
        def action(stopped, plant=plant):
            stopped.undo()
            plant(stopped)
        talk += [Send("selftest pt"), Stop("tables_audit", action), rf"\nnot ok pt: [^\n]*{text}"]
    talk += [Send("selftest pt"), Stop("tables_audit", machine.Machine.undo), r"\nok pt", Send(f"poweroff {STATUS}")]
    return Case(f"violations-{kernel}", kernel=kernel, append="", steps=("Boot complete: ", *talk), forbid=(),
                count={r"not ok": len(machine.VIOLATIONS)})


CASES += [violations(kernel) for kernel in ("gcc-48", "llvm-39")]
CASES += [
    Case(f"early-map-{kernel}-el{el}", kernel=kernel, run={"EL": el}, steps=(
        Stop("relocate_kernel", machine.early_map), Stop("paging_init", machine.early_map), "Boot complete: "))
    for kernel, el in (("gcc-48", 1), ("llvm-48", 2), ("gcc-39", 2), ("llvm-39", 1))
]

# --- wrong uses of slab -----------------------------------------------------------------------------------------------


def misuse(kernel, name, append, *steps):
    """`selftest slab`, whose frees go wrong one after the other; it runs twice, and so finds what is spoilt."""
    return Case(
        f"misuse-{name}-{kernel}", kernel=kernel, append=append, forbid=(), max_characters=0,
        steps=("Boot complete: ", Send("selftest slab"), *steps, Send(f"poweroff {STATUS}")))


def at_kfree(action):
    """Once it begins."""
    return Stop("kfree", action)


OBJECT = r"cache kmalloc-8: object 0x\w+: "
USERS = r" allocated by \w+\+0x\w+/0x\w+, last freed by \w+"
for kernel in ("gcc-48", "llvm-39"):
    CASES += [
        misuse(kernel, "default", "",
               at_kfree(machine.remember), at_kfree(machine.free_again), OBJECT + "double free, ignored",
               at_kfree(machine.remember),
               at_kfree(machine.free_text), r"bad free of 0x\w+ by kfree, ignored: it is not an address of memory",
               at_kfree(machine.spoil_freed(0)),
               OBJECT + "overwritten while free, not used again: 0x1122334455667788 at offset 0"),
        misuse(kernel, "slab-debug", "slab_debug=FZPU,kmalloc-8",
               at_kfree(machine.remember), at_kfree(machine.free_again), OBJECT + "double free, ignored", USERS,
               at_kfree(machine.both(machine.remember, machine.spoil(8))),
               OBJECT + "overflow to the right: 0x88 at offset 8", USERS,
               at_kfree(machine.both(machine.spoil_freed(8), machine.both(machine.remember, machine.spoil(-8)))),
               OBJECT + "overflow to the left: 0x88 at offset -8", USERS,
               at_kfree(machine.both(machine.spoil_freed(0), machine.free_text)), r"bad free of 0x\w+ by kfree, ignored",
               OBJECT + "overwritten while free, not used again: 0x1122334455667788 at offset 8", USERS,
               OBJECT + "used after free: 0x88 at offset 0", USERS,
               Send("slabinfo"), r"kmalloc-8 .* tunables    0 ", r"kmalloc-16 .* tunables +[1-9]"),
    ]
# All there is, three ways, each twice: nothing is missing then.
CASES += [
    session(f"exhaust-{kernel}-{name}", *command(
        "selftest exhaust", r"section 0x4\w+ is open", r"section 0x4\w+ is open",
        r"pages: 6\d{4} had, 6\d{4} pages free before, 6\d{4} after, \d+ for good", r"kmalloc: \d+ had, .*, 0 for good",
        r"vmalloc: \d+ had", r"\nok exhaust"), kernel=kernel, run={"MEM": "256M", **run}, timeout=240)
    for kernel, name, run in (("gcc-48", "plain", {}), ("llvm-39", "plain", {}), ("gcc-48", "numa", {"NUMA": 1}))
]
# Everything on: nothing is found where nothing is wrong.
CASES += [
    session(f"checks-{kernel}", *command("selftest", r"\nok buddy", r"\nok slab", r"\nok vmalloc"), kernel=kernel,
            append="slab_debug init_on_alloc=1 init_on_free=1", timeout=120)
    for kernel in ("gcc-48", "llvm-39")
]

# --- dead ends: a reason code in x0 and in boot_status, whose offset stands at 0x40 of the Image (asm/boot.h) ---------


def dead_end(name, reason, run, load=0x40200000, **kwargs):
    """An entry that cannot be gone on from."""
    def status(image):
        return f"xp /2gx {load + int.from_bytes(image[0x40:0x48], 'little'):#x}"

    return Case(f"dead-end-{name}", run=run, status=None, forbid=(), append="", steps=(
        Peek("info registers", rf"X00=0*{reason:x}\b"), Peek(status, rf"0x53544f4f424c4631 0x0*{reason:x}\b")), **kwargs)


CASES += [
    dead_end("misaligned", 3, {"LOAD": "0x40201000"}, load=0x40201000),
    dead_end("misaligned-el2", 3, {"LOAD": "0x40a01000", "EL": 2}, load=0x40a01000),
    dead_end("misaligned-in-page", 3, {"LOAD": "0x44000080"}, load=0x44000080),
    dead_end("no-tree", 8, {"DTB_ADDR": "none"}),
    dead_end("tree-outside-ram", 8, {"X0": "0x3000000000"}),
]

# The same of what goes wrong before a console is there, or where nothing should.


def halts(name, *steps, said, reason=8, values=r"", **kwargs):
    """A boot that ends in machine_halt(), with `said` in the log; values: what boot_status has behind the reason."""
    def status(image):
        return f"xp /5gx {0x40200000 + int.from_bytes(image[0x40:0x48], 'little'):#x}"

    answer = rf"0x53544f4f424c4631 0x0*{reason:x}\s+\w+: {values}"
    return Case(f"halts-{name}", status=None, forbid=(), steps=(*steps, logged(*said, end="machine_halt"), Peek(status, answer)), **kwargs)


def abort_early(stopped):
    """mov x0, #PAGE_OFFSET; ldr x0, [x0]"""
    stopped.put(stopped.physical("early_fixmap_init"), 0xd2ffffe0, 0xf9400000)


def abort_in_table(stopped):
    """add x0, x0, #1; ldxr x1, [x0], in the first memset() of a table"""
    stopped.put(stopped.physical("memset"), 0x91000400, 0xc85f7c01)


CASES += [
    halts("tree-address-wraps", said=(r"x0 = 0xfffffffffffffffc, .*: beyond this CPU's physical addresses",), append="",
          run={"X0": "0xfffffffffffffffc"}, values=r"0x0+ 0x0+"),
    # An abort before there are fixmap tables to look at the others through.
    halts("abort-early", Stop("early_fixmap_init", abort_early), append="", values=r"0x0*96000004 0xffff8000080\w+\s+\w+: 0xffff0+\s",
          said=(r"data abort on a read: translation fault, level 0", r"FAR = 0xffff0+: linear map", r"no tables yet", r"Kernel panic")),
    # An abort in a table under construction, which is reached through a slot of the fixmap.
    halts("abort-in-table", Stop("paging_init", abort_in_table), append="quiet", run={"CPU": "cortex-a72"}, values=r"0x0*96000021 ",
          said=(r"alignment fault", r"fixmap slot [1-4]\s", r"level 3: page 0x\w+, RW nx normal")),
    halts("fault-status", "Boot complete: ", said=(r"Kernel panic",), append='run="fault null"',
          values=r"0x0*9600004\w 0xffff8000080\w+\s+\w+: 0x0+\s"),
]

# --- the log outlives a reset: the next boot says how the one before ended -------------------------------------------------

RESET = Peek("system_reset", "")
LAST = r"\n\[[^\n]*\] previous boot ended in "


def after_reset(name, *steps, said, **kwargs):
    """A boot that comes to `steps`, a reset, and a boot that says how that one ended; then to the prompt."""
    return session(f"reset-{name}", *steps, RESET, r"Booting firstlight", LAST + said, "Boot complete: ",
                   *command("dmesg -p", r"\n\[    0\.\d{6}\] Booting firstlight", r"Machine model: ", *kwargs.pop("log", ())),
                   forbid=(), **kwargs)


def hang(stopped):
    """b ."""
    stopped.put(stopped.physical("paging_init"), 0x14000000)


FAULT = (Send("fault null"), r"Unhandled exception", r"Kernel panic")
FAULT_SAID = r"monitor_loop: \[ +\d+\.\d{6}\] Unhandled exception: data abort on a write: translation fault, level \d [^\n]*\n" \
    r"\[[^\n]*\]   ESR 0x9600004\w, pc 0xffff\w+, FAR 0x0\r"
CASES += [
    after_reset(f"fault-{kernel}-el{el}", *FAULT, said=FAULT_SAID, kernel=kernel,
                run={"EL": el}, log=(r"FAR = 0x0{16}: null pointer", r"fault_command\+0x", r"Kernel panic"))
    for kernel, el in (("gcc-48", 1), ("gcc-48", 3), ("llvm-48", 2), ("llvm-39", 2))
]
CASES += [
    # Its registers are not Linux's virt's, the console is semihosting, RAM starts at 0.
    after_reset("fault-bare", *FAULT, said=FAULT_SAID, run={"DTB": "dts/rpi4-8gb.dts"}),
    # Two resets, and what lay on the other side of the block before does not come back.
    after_reset("twice", *FAULT, RESET, LAST + FAULT_SAID, *FAULT, said=FAULT_SAID, log=(LAST,), count={LAST: 3}),
    session("reset-of-a-complete-boot", Send("reboot"), "Booting firstlight", "Boot complete: ",
            *command("dmesg -p", r"Booting firstlight", r"Boot complete: "), count={r"previous boot": 0, r"Booting firstlight": 3}),
    session("dmesg-p-of-none", *command("dmesg -p", r"no log of a previous boot"), *command("dmesg", r"Booting firstlight"),
            *command("mem", r"\n0x0*40[2-5]\w0000-0x0*40[2-5]\wffff +64K  log\r"), count={r"previous boot ended": 0}),
    Case("reset-hang", append=f'run="dmesg -p; poweroff {STATUS}"', max_characters=0, steps=(
        Stop("paging_init", hang), RESET, LAST + r"paging_init: it hung or was reset, see dmesg -p",
        "Boot complete: ", r"dmesg -p\r", r"Booting firstlight", r"poweroff")),
    # Where the block would be is none of the kernel's memory.
    session("log-beyond-mem-limit", *command("dmesg", r"Log: no room at 0x40[2-5]\w0000 to outlive a reset"), append="mem=2M"),
    odd("log-in-memreserve", r"Log: no room at", reserve="/memreserve/ 0x40300000 0x100000;"),
    odd("log-in-no-map", r"Log: no room at", body=trees.regions("fw@40300000 { reg = <0 0x40300000 0 0x100000>; no-map; };")),
]

# --- translation faults of what the MMU translates: tried again, but not for ever -----------------------------------------


def map_null(stopped):
    """Page 0 is there by the time the MMU is asked again."""
    stopped.write(machine.FREE + 0x2000, machine.FREE | machine.NORMAL)  # 2 MiB, of which the first word is written
    stopped.write(machine.FREE + 0x1000, machine.FREE + 0x2000 | machine.TABLE)
    stopped.write(stopped.physical("empty_table"), machine.FREE + 0x1000 | machine.TABLE)


def forge_syndrome(stopped):
    """Each exception says that _text, which is mapped, faulted: from words of the Image's header."""
    text = machine.LOADED_AT
    for register, at, value in ((4, 0x20, 0x96000007), (5, 0x28, stopped.image)):
        place, = stopped.find("save_and_handle", 0xffffffff, {4: 0xd5385204, 5: 0xd5386005}[register])
        stopped.write(text + at, value)
        stopped.put(place, 0x58000000 | ((text + at - place) // 4 & 0x7ffff) << 5 | register)  # ldr x, text + at


CASES += [
    # The compiler has put a trap behind the store that cannot go well.
    Case("spurious-fault", append='run="fault null"', status=None, forbid=("translation fault",), steps=(
        "Boot complete: ", Stop("fault_command", lambda stopped: None), Stop("handle_exception", map_null),
        r"Unhandled exception: breakpoint instruction", r"Kernel panic")),
    Case("spurious-fault-for-ever", append='run="fault null"', status=None, forbid=(), steps=(
        "Boot complete: ", Stop("fault_command", forge_syndrome),
        r"Unhandled exception: data abort on a read: translation fault, level 3", r"FAR = 0xffff800008000000: kernel text", r"Kernel panic")),
]

# --- faults are caught and named --------------------------------------------------------------------------------------


def fault(name, *lines, kernel="gcc-48"):
    """A fault on purpose."""
    return Case(f"fault-{name}-{kernel}", kernel=kernel, append=f'run="fault {name}"', status=None, forbid=("nothing happened",),
                steps=("Boot complete: ", *lines, r"Kernel panic"))


CASES += [
    fault_case
    for kernel in ("gcc-48", "llvm-39")
    for fault_case in (
        fault("null", r"data abort on a write: translation fault", r"FAR = 0x0{16}: null pointer", r"fault_command\+0x",
              kernel=kernel),
        fault("rodata", r"data abort on a write: permission fault", r"FAR = 0x\w+: kernel rodata", r"level 3: page 0x\w+, ro nx normal",
              r"the MMU: read 0x\w+\r", r"the MMU: write permission fault, level 3", kernel=kernel),
        fault("stack", r"guard page below the kernel stack: stack overflow", r"fault_stack\S*\+0x", kernel=kernel),
        fault("exec", r"instruction abort on a fetch: permission fault", r"FAR = 0x\w+: kernel (ro)?data", kernel=kernel),
    )
]

CASES += [
    fault(address, rf"data abort on a read: {status}", rf"FAR = {address}: {where}", *walk, rf"the MMU: read {status}", rf"the MMU: write {status}")
    for address, status, where, walk in (
        ("0xffff000050000000", "translation fault, level 1", "linear map of 0x90000000", ("level 1: nothing mapped",)),
        ("0xffff800000000000", "translation fault, level 2", "hole in the kernel's address space", ("level 2: nothing mapped",)),
        ("0xffff800008018000", "translation fault, level 3", "kernel init text", ("level 3: nothing mapped",)),
        ("0xffff8000081ff000", "translation fault, level 3", "kernel image window", ("level 3: nothing mapped",)),
        ("0xffff800010001000", "translation fault, level 3", "vmalloc area", ("level 2: table at ", "level 3: nothing mapped")),
        ("0xffffffbfc0080008", "translation fault, level 3", "page descriptor of pfn 0x50001, whose section is not open", ("level 3: nothing mapped",)),
        ("0xffffffffc0001000", "translation fault, level 3", "section descriptor", ("level 3: nothing mapped",)),
        ("0xfffffffffefff000", "translation fault, level 3", "fixmap slot 1", ("level 3: nothing mapped",)),
        ("0x0000000040200000", "translation fault, level 0", "not a kernel address", ("TTBR0 translates nothing",)),
    )
]

assert len({case.name for case in CASES}) == len(CASES), "names are file names: each once"

# --- the nth request for memory fails ------------------------------------------------------------------------------------


@dataclasses.dataclass
class Sweep:
    """One boot after the other, boot(1), boot(2)..., until `clean` is printed; at least so many."""

    name: str
    boot: typing.Callable[[int], Case]
    clean: str
    at_least: int


def failing(parameter, at_least, kernel):
    """Each boot without that memory comes up all the same, or says in which stage it was missing, and for what."""
    def nth(n):
        return Case(
            f"{parameter}-{n}-{kernel}", kernel=kernel, append=f'{parameter}={n} run="selftest pt; poweroff {STATUS}"',
            steps=(rf"{parameter}: call {n} fails: \w|{parameter}={n}: only {n - 1} calls", r"\nok pt"),
            may_end=r"Kernel panic - in \w+: [^\n]*no (memory|\d+ bytes) for[^\n]*\n.*start_kernel\+",
            forbid=tuple(words for words in TROUBLE if "panic" not in words), max_characters=0)
    return Sweep(f"{parameter}-{kernel}", nth, clean=rf"{parameter}=\d+: only", at_least=at_least)


SWEEPS = [
    failing(parameter, at_least, kernel)
    for kernel in ("gcc-48", "llvm-39") for parameter, at_least in (("fail_page_alloc", 4), ("failslab", 15))
]
