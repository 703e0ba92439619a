# SPDX-License-Identifier: BSD-2-Clause
"""Inputs that are made when a test needs them: device trees with too much memory to write down, an initrd."""
import pathlib
import random
import subprocess

VIRT = """/dts-v1/;
/* {what} */
/ {{
	#address-cells = <2>;
	#size-cells = <2>;
	compatible = "linux,dummy-virt";
	model = "{model}";
	chosen {{ stdout-path = "/pl011@9000000"; }};
	psci {{ compatible = "arm,psci-1.0", "arm,psci-0.2"; method = "hvc"; }};
	cpus {{
		#address-cells = <1>;
		#size-cells = <0>;
		cpu@0 {{ device_type = "cpu"; compatible = "arm,armv8"; reg = <0>; enable-method = "psci"; }};
	}};
	pl011@9000000 {{ compatible = "arm,pl011", "arm,primecell"; reg = <0 0x9000000 0 0x1000>; }};
{memory}}};
"""


BARE = """/dts-v1/;
/* A machine without devices; scripts/run makes it talk through semihosting. */
/ {{
	#address-cells = <2>;
	#size-cells = <2>;
	compatible = "firstlight,bare";
	model = "bare";
{memory}}};
"""


def cells(value):
    """Two cells, as dtc writes them."""
    return f"{value >> 32:#x} {value & 0xffffffff:#x}"


def bare(base, size):
    """Source of a tree with one range of memory and nothing else."""
    return BARE.format(memory=f"\tmemory@{base:x} {{ device_type = \"memory\"; reg = <{cells(base)} {cells(size)}>; }};\n")


def bare_empty():
    """The same without any."""
    return BARE.format(memory="")


def total(ranges):
    """Bytes in the union of (base, size) ranges, whole pages only."""
    end = bytes_ = 0
    for base, size in sorted(ranges):
        first, last = max(base, end), base + size
        bytes_ += max(0, last - first)
        end = max(end, last)
    return bytes_


def many_tuples(count=2000):
    """Memory in `count` ranges, unsorted, some of them empty, some overlapping or touching: (source, bytes in all)."""
    rand = random.Random(2000)
    ranges = [(0x40000000, 64 << 20)]
    base = 0x44200000
    while len(ranges) < count - 100:
        size = rand.randrange(1, 257) << 12
        ranges.append((base, size))
        # Every tenth touches its predecessor.
        base += size + (rand.randrange(1, 64) << 12 if rand.randrange(10) else 0)
    for base, size in rand.sample(ranges[1:], 5):
        ranges.append((base + size // 2 & ~0xfff, size))
    while len(ranges) < count:
        ranges.append((rand.randrange(0x40000, 0x80000) << 12, 0))
    rand.shuffle(ranges)
    text = "".join(f"\t\t\t<{cells(b)} {cells(s)}>,\n" for b, s in ranges)
    text = "\tmemory@40000000 {\n\t\tdevice_type = \"memory\";\n\t\treg =\n" + text[:-2] + ";\n\t};\n"
    return VIRT.format(what=f"{count:,} tuples", model="many tuples", memory=text), total(ranges)


MANY_TUPLES, MANY_TUPLES_BYTES = many_tuples()


GIB = "reg = <0 0x40000000 0 0x40000000>;"


def odd(name, body="", chosen="", memory=f'device_type = "memory"; {GIB}', reserve="", model=None, cpu=""):
    """Virt's tree with something odd in it, for scripts/run's DTB."""
    text = VIRT.format(what=name, model=model or name, memory=f"\tmemory@40000000 {{ {memory} }};\n{body}\n")
    text = text.replace("/dts-v1/;\n", f"/dts-v1/;\n{reserve}\n", 1)
    text = text.replace('"/pl011@9000000"; };', f'"/pl011@9000000"; {chosen} }};', 1)
    text = text.replace('enable-method = "psci";', f'enable-method = "psci"; {cpu}', 1)
    return write(f"odd-{name}.dts", text.encode())


def regions(children, name="reserved-memory"):
    """/reserved-memory with these nodes."""
    return f"\t{name} {{ #address-cells = <2>; #size-cells = <2>; ranges;\n{children}\n\t}};"


OWNERS = VIRT.format(what="An owner of every kind", model="owners", memory="""
	memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x40000000>, <0 0x80000800 0 0xff800>; };
	reserved-memory {
		#address-cells = <2>;
		#size-cells = <2>;
		ranges;
		firmware@46000000 { reg = <0 0x46000000 0 0x800000>; no-map; };
		log@47000000 { reg = <0 0x47000000 0 0x1000>; };
		pool { size = <0 0x400000>; alignment = <0 0x400000>; alloc-ranges = <0 0x60000000 0 0x8000000>; reusable; };
	};
""").replace("/dts-v1/;\n", "/dts-v1/;\n/memreserve/ 0x44000000 0x1000;\n/memreserve/ 0x45000100 0x100;\n").replace(
    "reg = <0>; enable-method = \"psci\"; };", """reg = <0>; enable-method = "psci"; };
		cpu@1 {
			device_type = "cpu"; compatible = "arm,armv8"; reg = <1>;
			enable-method = "spin-table"; cpu-release-addr = <0 0x400000e0>;
		};""")


def write(name, data):
    """A run variable: the path of a file of this content below O, made when the case starts."""
    def make(out):
        path = pathlib.Path(out) / "boot-inputs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != data:
            scratch = path.with_suffix(f"{path.suffix}.new")
            scratch.write_bytes(data)
            scratch.replace(path)
        return path
    return make


def escapes(out):
    """Virt's tree with escape sequences in names, where dtc would not have them."""
    source = odd("escapes", body=r'odd { prop+X0 = "a\x1b[2J\x7f"; };' " odd+Y31m@100000000 { };" + regions(
        "kept+Y31m@50000000 { reg = <0 0x50000000 0 0x1000>; };"))(out)
    blob = subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", source], check=True, capture_output=True).stdout
    return write("escapes.dtb", blob.replace(b"+X", b"\x1b]").replace(b"+Y", b"\x1b["))(out)


def initrd(size=3_000_000):
    """Bytes of no pattern."""
    return random.Random(1).randbytes(size)
