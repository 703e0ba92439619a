#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Where tree fuzzing starts: whole trees to change, and one of each kind of broken tree.
usage: tests/fuzz/seeds.py DIR   writes DIR/whole/* and DIR/broken/*, the same bytes each time"""
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/boot"))
import trees  # noqa: E402

BEGIN, END, PROP, NOP, LAST = 1, 2, 3, 4, 9
TWO_MIB = 0x200000


def dtc(source, form="dts"):
    """Compiled and packed: QEMU's own blobs are 1 MiB of mostly nothing."""
    return subprocess.run(["dtc", "-q", "-I", form, "-O", "dtb", "-o", "-", "-"], input=source, stdout=subprocess.PIPE,
                          check=True).stdout


def qemu(*options):
    """The tree QEMU makes for its board, without what differs from run to run."""
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "virt.dtb"
        subprocess.run(["qemu-system-aarch64", "-M", f"virt,dtb-randomness=off,dumpdtb={path}", "-cpu", "cortex-a57", "-nodefaults",
                        "-display", "none", *options], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return dtc(path.read_bytes(), "dtb")


NUMA = ("-m", "1G", "-smp", "4", "-object", "memory-backend-ram,id=a,size=256M", "-object", "memory-backend-ram,id=b,size=768M",
        "-numa", "node,memdev=a,cpus=0-1", "-numa", "node,memdev=b,cpus=2-3")

RESERVATIONS = """
	chosen { bootargs = "mem=256M cma=16M memblock=debug"; linux,initrd-start = <0x44000000>; linux,initrd-end = <0 0x44800123>;
		rng-seed = <1 2 3 4>; stdout-path = "serial0:115200"; };
	aliases { serial0 = "/pl011@9000000"; };
	pl011@9000000 { compatible = "arm,pl011", "arm,primecell"; reg = <0 0x9000000 0 0x1000>; };
	cpus { #address-cells = <1>; #size-cells = <0>;
		cpu@0 { device_type = "cpu"; reg = <0>; enable-method = "spin-table"; cpu-release-addr = <0 0x47fff0f8>; }; };
	reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;
		fixed@41000000 { reg = <0 0x41000000 0 0x100123>; };
		hole@42000000 { reg = <0 0x42000800 0 0x1000>, <0 0x43000000 0 0x200000>; no-map; };
		off@45000000 { reg = <0 0x45000000 0 0x1000>; status = "disabled"; };
		pool { size = <0 0x400000>; alignment = <0 0x200000>; alloc-ranges = <0 0x40000000 0 0x10000000>; };
		cma { compatible = "shared-dma-pool"; size = <0 0x2000000>; reusable; linux,cma-default; }; };
	soc { #address-cells = <1>; #size-cells = <1>; ranges = <0x7e000000 0 0xfe000000 0x1800000>;
		dma-ranges = <0xc0000000 0 0 0x40000000>; };
	memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x10000000>, <0 0x60000000 0 0x10000800>; numa-node-id = <0>; };
	memory@80000000 { device_type = "memory"; reg = <0 0x80000000 0 0x20000000>; numa-node-id = <1>; hotpluggable; };
"""


def fdt(struct_block, strings=b"", reservations=(), **header):
    """A tree of these blocks; header: fields that say something else than they should."""
    rsv = b"".join(struct.pack(">QQ", *r) for r in (*reservations, (0, 0)))
    off_struct = 40 + len(rsv)
    off_strings = off_struct + len(struct_block)
    fields = dict(magic=0xd00dfeed, totalsize=off_strings + len(strings), off_dt_struct=off_struct, off_dt_strings=off_strings,
                  off_mem_rsvmap=40, version=17, last_comp=16, boot_cpu=0, size_strings=len(strings), size_struct=len(struct_block))
    fields.update(header)
    return struct.pack(">10I", *fields.values()) + rsv + struct_block + strings


def word(*values):
    return struct.pack(f">{len(values)}I", *values)


def name(text, ended=True):
    data = text + b"\0" if ended else text
    return data + b"\0" * (-len(data) % 4) if ended else data


STRINGS = b"device_type\0reg\0#address-cells\0#size-cells\0bootargs\0no-map\0linux,usable-memory-range\0"

def prop(which, data):
    """which: a name, or an offset in the strings."""
    offset = which if isinstance(which, int) else STRINGS.index(which.encode())
    return word(PROP, len(data), offset) + data + b"\0" * (-len(data) % 4)


MEMORY = word(BEGIN) + name(b"memory") + prop("device_type", b"memory\0") + prop("reg", struct.pack(">QQ", 0x40000000, 0x10000000)) + word(END)
CELLS = prop("#address-cells", word(2)) + prop("#size-cells", word(2))


def tree(*nodes, **header):
    return fdt(word(BEGIN, 0) + CELLS + MEMORY + b"".join(nodes) + word(END, LAST), STRINGS, **header)


def nested(levels):
    """levels nodes, one inside the other, the last with a property."""
    return (word(BEGIN) + name(b"n")) * levels + prop("reg", word(1)) + word(END) * levels


def tuples(count):
    """Pages of memory, each apart from the last, around the end of 32-bit addresses."""
    reg = b"".join(struct.pack(">QQ", 0x100000000 + (i - count // 2) * 0x2000, 0x1000) for i in range(count))
    return word(BEGIN) + name(b"memory@4") + prop("device_type", b"memory\0") + prop("reg", reg) + word(END)


def holes(count):
    """The same as reserved regions that are not to be mapped."""
    reg = b"".join(struct.pack(">QQ", 0x41000000 + i * 0x2000, 0x1000) for i in range(count))
    return (word(BEGIN) + name(b"reserved-memory") + CELLS + word(BEGIN) + name(b"r") + prop("reg", reg) + prop("no-map", b"") + word(END) * 2)


def apart(count):
    """A tree of as many memreserve entries, no two of them neighbours."""
    return tree(reservations=[(0x41000000 + i * 0x2000, 0x1000) for i in range(count)])


def trailer(image=0, dt=0, pa=0, brk=0, flags=0, fill=0):
    """See struct trailer of fuzz.h."""
    return b"fz" + bytes((image, dt, pa, brk, flags, fill))


def whole():
    yield "virt", qemu("-m", "1G")
    yield "virt-numa", qemu(*NUMA)
    yield "virt-el2", qemu("-m", "4G", "-machine", "virtualization=on,secure=on")
    for dts in sorted((ROOT / "dts").glob("*.dts")):
        yield dts.stem, dtc(dts.read_bytes())
    yield "bare", dtc(trees.bare(0x40000000, 64 << 20).encode())
    reservations = dtc(trees.BARE.format(memory=RESERVATIONS).replace(
        "/dts-v1/;", "/dts-v1/;\n/memreserve/ 0x46000000 0x1001;").encode())
    for i in range(10):
        yield f"reservations-{i}", reservations + trailer(image=i, dt=i, pa=i // 2, brk=i, flags=i % 2)
    yield "cma-fixed", dtc(trees.BARE.format(memory=RESERVATIONS.replace("mem=256M cma=16M", "cma=16M@0x4a000000")).encode())
    # Just short of what memblock's first arrays hold, 128: they grow where the linear map is there already.
    for count in range(120, 128):
        yield f"nearly-full-{count}", apart(count) + trailer()
    yield "many-tuples", dtc(trees.many_tuples(200)[0].encode())


def broken():
    good = tree()
    rand = random.Random(3)
    for cut in (*range(0, 64, 7), *range(64, len(good), 13)):
        yield f"truncated-{cut}", good[:cut]
        yield f"truncated-ones-{cut}", good[:cut] + trailer(fill=0xff)
    for i in range(200):
        bent = bytearray(good)
        for _ in range(1 + i % 3):
            bent[rand.randrange(len(bent))] ^= 1 << rand.randrange(8)
        yield f"bit-flipped-{i}", bytes(bent)
    for levels in (63, 64, 65, 1000, 10000, 100000):
        yield f"nested-{levels}", tree(nested(levels))
        yield f"nested-open-{levels}", fdt(word(BEGIN, 0) + (word(BEGIN) + name(b"n")) * levels, STRINGS)
    for size in (0xfffffff4, 0xffffffff, 0x7fffffff, 0x80000000, 0x1000, len(good)):
        for place, nodes in (("in-node", word(BEGIN) + name(b"chosen") + prop("reg", b"") + word(END)), ("behind-nodes", prop("reg", b""))):
            huge = bytearray(tree(nodes))
            at = huge.rfind(word(PROP, 0)) + 4
            huge[at:at + 4] = word(size)
            yield f"huge-property-{place}-{size:x}", bytes(huge)
    yield "huge-property-inside", tree(word(BEGIN) + name(b"chosen") + prop("bootargs", b"x " * 0xf0000) + word(END))
    yield "huge-name", tree(word(BEGIN) + name(b"n" * 0x100000) + word(END))
    yield "too-large", tree(word(NOP) * (TWO_MIB // 4))
    yield "largest", tree(word(NOP) * ((TWO_MIB - len(good)) // 4))
    yield "all-nop", fdt(word(NOP) * 1000)
    yield "name-without-end", fdt(word(BEGIN, 0) + CELLS + word(BEGIN) + name(b"nameless", ended=False), STRINGS)
    yield "name-to-the-last-byte", fdt(word(BEGIN) + b"x" * 4096)
    yield "string-without-end", fdt(word(BEGIN, 0) + prop(0, b"") + word(END, LAST), b"device_type")
    yield "string-beyond", fdt(word(BEGIN, 0) + prop(len(STRINGS), b"") + word(END, LAST), STRINGS)
    yield "bootargs-without-end", tree(word(BEGIN) + name(b"chosen") + prop("bootargs", b"quiet mem=1G") + word(END))
    yield "reservations-without-end", fdt(b"", reservations=((1, 1),) * 64, off_mem_rsvmap=40 + 16 * 64)
    for field, values in {"totalsize": (0, 39, 40, TWO_MIB, TWO_MIB + 1, 0xffffffff), "off_dt_struct": (0, 41, len(good), 0xfffffffc),
                          "off_dt_strings": (0, len(good), 0xffffffff), "off_mem_rsvmap": (0, 44, len(good) - 8, 0xfffffff8),
                          "version": (0, 15, 16, 18), "last_comp": (18,), "size_strings": (0, 1, 0xffffffff),
                          "size_struct": (0, 3, 4, 0xffffffff)}.items():
        for value in values:
            yield f"header-{field}-{value:x}", tree(**{field: value})
    # More ranges than the brk area has room for, the kernel's own memory among them or not, edges of the CPU's reach.
    for count in (200, 2000, 20000):
        for brk in range(5):
            yield f"tuples-{count}-brk-{brk}", tree(tuples(count)) + trailer(brk=brk, pa=1)
            yield f"usable-{count}-brk-{brk}", tree(
                tuples(count), word(BEGIN) + name(b"chosen") + 
                prop("linux,usable-memory-range", struct.pack(">QQ", 0x44000000, 0xc0000000)) + word(END)) + trailer(brk=brk)
            yield f"holes-{count}-brk-{brk}", tree(holes(count)) + trailer(brk=brk)
            yield f"memreserve-{count}-brk-{brk}", apart(count) + trailer(brk=brk)


def main():
    out = pathlib.Path(sys.argv[1])
    for kind in (whole, broken):
        directory = out / kind.__name__
        directory.mkdir(parents=True, exist_ok=True)
        for stem, data in kind():
            (directory / stem).write_bytes(data)


main()
