# SPDX-License-Identifier: BSD-2-Clause
"""archcheck is shown to work: each barrier, cache and TLB instruction of a kernel, and each call of a routine made of them, is
left out in turn (in the Image, so that nothing is built), and the plugin names it. What need not be caught is in NOT_CHECKED,
with the reason."""
import bisect
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / os.environ.get("O", "build")
KERNELS = ("gcc-48", "llvm-39")
TIMEOUT = 60 * float(os.environ.get("BOOT_SLOWNESS", "1"))
NOP, RET = 0xd503201f, 0xd65f03c0
# A name of linker.lds for a place, which may lie amidst a function.
MARK = re.compile(r"__\w+_(begin|start|end)$")

# Mnemonic: mask, value (Arm ARM C4.1.66), kinds of report that a missing one may give.
STALE = "stale-load stale-walk stale-fetch"
INSTRUCTIONS = {
    "dsb": (0xfffff0ff, 0xd503309f, f"new-no-dsb root-no-dsb stale-no-dsb tlbi-before-dsb tlbi-no-dsb mmu-no-tlbi icache-no-ic {STALE}"),
    "dmb": (0xfffff0ff, 0xd50330bf, f"link-no-dmb {STALE}"),
    "isb": (0xfffff0ff, 0xd50330df, "new-no-isb tlbi-no-isb register-no-isb mmu-no-tlbi"),
    "dc ivac": (0xffffffe0, 0xd5087620, f"dirty-line {STALE}"),
    "dc civac": (0xffffffe0, 0xd50b7e20, f"dirty-line {STALE}"),
    "ic iallu": (0xffffffff, 0xd508751f, "icache-no-ic"),
    "tlbi": (0xfff8f000, 0xd5088000, "stale-no-tlbi mmu-no-tlbi"),
}
# Routines made of them: what a missing call may give. The DSB of a line on the console may come first.
CALLS = {
    "dcache_clean_inval_poc": f"dirty-line {STALE}",
    "table_sync": "new-no-dsb",
    "flush_tlb_kernel_range": "stale-no-dsb stale-no-tlbi",
    "flush_tlb_all": "stale-no-dsb stale-no-tlbi",
}
# What need not be caught, and why: function, instruction, the instruction before it ("": any).
EARLY = "no tables yet: between CPUs, registers of EL2 and EL3, vectors"
TOO_MANY = "the tables are not live, or nothing is used before the next one"
NOT_CHECKED = {
    ("primary_entry", "isb", ""): EARLY,
    ("elect_boot_cpu", "dsb", ""): EARLY,
    ("park", "", ""): EARLY,
    ("drop_to_el1", "isb", ""): EARLY,
    ("drop_to_el1", "dsb", ""): EARLY,
    ("drop_to_el1", "tlbi", ""): EARLY,
    ("hand_down_to_el1", "", ""): "not in a boot that goes well",
    ("store_status", "", ""): "nothing reads on",
    ("leave_log", "", ""): "nothing reads on",
    ("logblock_adopt", "", ""): "the next boot reads on, or U-Boot",
    ("put_stage", "", ""): "the next boot reads on, or U-Boot",
    ("ring_append", "", ""): "the next boot reads on, or U-Boot",
    ("printk_move", "", ""): "the next boot reads on, or U-Boot",
    ("fixmap_map_log", "isb", ""): "probe_read_u32 has one",
    ("is_spurious", "", ""): "the walk that is tried again",
    ("primary_switched", "isb", ""): "vectors, stack pointers",
    ("clock_ticks", "isb", ""): "the counter",
    ("translate", "isb", ""): "PAR_EL1 after AT",
    ("read_par", "dmb", ""): "an erratum",
    ("populate", "dmb", ""): "for the last level, a page of zeros and no table",
    ("earlycon_read_reg", "", ""): "an abort in a device",
    ("earlycon_write_reg", "", ""): "an abort in a device",
    ("probe_settle", "", ""): "an abort in a device",
    ("probe_write_u32", "", ""): "an abort in a device",
    ("probe_read_u32", "", ""): "an abort where there is no memory",
    ("take_serror", "", ""): "an SError from before",
    ("probe_pending_serror", "", ""): "an SError from before",
    ("enable_mmu", "ic", "isb"): "a second time, for what was fetched between",
    ("enable_mmu", "dsb", "ic"): "a second time, for what was fetched between",
    ("enable_mmu", "isb", "dsb"): "a second time, for what was fetched between",
    ("early_fixmap_init", "", ""): TOO_MANY,
    ("fixmap_copy", "", ""): TOO_MANY,
    ("create_permanent_idmap", "", ""): TOO_MANY,
    ("link_descriptor_tables", "", ""): TOO_MANY,
    ("cpu_uninstall_idmap", "isb", "dsb"): "test_geometry",
    ("report_handover", "call", ""): "test_parked_cpus",
    # tests/boot/entries.py boots through these under archcheck.
    **{(function, "", ""): "not in a boot that goes well" for function in (
        "maps_itself", "prepare_mmu_off", "rescue_tree", "take_early_stack", "early_rescue_tree", "early_dead_end", "say_dead_end",
        "early_fixup", "leave_kernel", "printk_at", "search_tree", "open_tree", "readable", "read_word", "read_device", "tree_size", "find_tree",
        "dead_end", "earlycon_on_pins")},
}


# --- the kernel ------------------------------------------------------------------------------------------


class Kernel:
    """An Image with its symbols."""

    def __init__(self, name):
        self.dir = OUT / name
        lines = [line.split() for line in (self.dir / "System.map").read_text().splitlines()]
        self.names = [(int(address, 16), name) for address, _, name in lines if not MARK.match(name)]
        self.base = self.address("_text")
        self.image = (self.dir / "Image").read_bytes()
        text = self.image[:self.address("_etext") - self.base]
        self.words = struct.unpack(f"<{len(text) // 4}I", text)

    def address(self, name):
        """Of a symbol; those of clones (.isra.0) too."""
        return next((a for a, n in self.names if n.split(".")[0] == name), None)

    def symbol(self, address):
        """The function an address is in, without a compiler's suffixes."""
        return self.names[bisect.bisect_right(self.names, (address, "\x7f")) - 1][1].split(".")[0]

    def inlined(self, addresses):
        """For each address the functions it is in, innermost first, by debug information and symbol."""
        out = subprocess.run(
            ["llvm-symbolizer", f"--obj={self.dir / 'kernel.elf'}", "--functions=linkage", "--inlines", *map(hex, addresses)],
            capture_output=True, text=True, check=True).stdout
        chains = [[name.split(".")[0] for name in block.splitlines()[::2]] for block in out.strip().split("\n\n")]
        return [(*(self.symbol(a) if MARK.match(name) else name for name in chain), self.symbol(a))
                for chain, a in zip(chains, addresses, strict=True)]

    def patched(self, address, word):
        """The Image with one instruction replaced."""
        at = address - self.base
        return self.image[:at] + struct.pack("<I", word) + self.image[at + 4:]


def branch_target(address, word):
    """Of B and BL, else None."""
    if word >> 26 & 0x1f != 5:
        return None
    offset = (word & 0x3ffffff) << 2
    return address + offset - (offset >> 27 << 28)


def sites(kernel):
    """(address, what, its replacement, kinds) of each instruction and call, and the functions it is in."""
    found = list(raw_sites(kernel))
    return list(zip(found, kernel.inlined([site[0] for site in found]), strict=True))


def checked_sites(kernel):
    """Those that must be caught."""
    return [(site, chain) for site, chain in sites(kernel) if not exempt(kernel, *site[:2], chain)]


def raw_sites(kernel):
    """The same, addresses only."""
    routines = {kernel.address(name): name for name in CALLS if kernel.address(name)}
    for i, word in enumerate(kernel.words):
        address = kernel.base + 4 * i
        for what, (mask, value, kinds) in INSTRUCTIONS.items():
            if word & mask == value:
                yield address, what, NOP, kinds
        target = routines.get(branch_target(address, word))
        if target:
            # A tail call is the function's return, too.
            yield address, f"call {target}", NOP if word >> 31 else RET, CALLS[target]


def mnemonic(word):
    """Of the instructions above, else ""."""
    return next((what for what, (mask, value, _) in INSTRUCTIONS.items() if word & mask == value), "")


def exempt(kernel, address, what, chain):
    """Why it need not be caught, or None."""
    before = mnemonic(kernel.words[(address - kernel.base) // 4 - 1])
    for (function, instruction, previous), why in NOT_CHECKED.items():
        if function in chain and what.startswith(instruction) and before.startswith(previous):
            return why
    return None


# --- a boot -----------------------------------------------------------------------------------------------


def boot(kernel, image, place, **variables):
    """Boot an Image until the first report or the end: the plugin's lines."""
    place.mkdir(parents=True)
    (place / "Image").write_bytes(image)
    shutil.copy(kernel.dir / "entry.bin", place)
    log = place / "log"
    log.touch()
    env = {**os.environ, "APPEND": 'run="selftest; poweroff 42"', **variables, "O": str(place), "QEMU_EXTRA":
           f"-plugin file={OUT / 'archcheck.so'},log={log},map={kernel.dir / 'System.map'}"}
    with subprocess.Popen([ROOT / "scripts/run"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, start_new_session=True) as run:
        deadline = time.monotonic() + TIMEOUT
        while run.poll() is None and not kinds_in(log) and time.monotonic() < deadline:
            time.sleep(0.01)
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
    lines = log.read_text().splitlines()
    shutil.rmtree(place)
    return lines


def kinds_in(log):
    """Kinds of the reports so far."""
    return re.findall(r"^archcheck: ([\w-]+): ", log.read_text(), re.M)


def kinds(lines):
    """The same of lines."""
    return [found[1] for line in lines if (found := re.match(r"archcheck: ([\w-]+): ", line))]


# --- tests -------------------------------------------------------------------------------------------------


def pytest_generate_tests(metafunc):
    """One test a site."""
    if "site" not in metafunc.fixturenames:
        return
    parameters, ids = [], []
    for name in KERNELS:
        kernel = Kernel(name)
        for site, chain in checked_sites(kernel):
            parameters.append((kernel, *site))
            ids.append(f"{name}-{site[1]}-{chain[0]}-{chain[-1]}+{site[0] - kernel.base:#x}".replace(" ", "-"))
    metafunc.parametrize("site", parameters, ids=ids)


def test_left_out(site, tmp_path):
    """Without it, the first report says so."""
    kernel, address, what, replacement, expected = site
    lines = boot(kernel, kernel.patched(address, replacement), tmp_path / "o")
    got = kinds(lines)
    assert got, f"{what} at {address:#x} left out, and no report: {lines}"
    assert got[0] in expected.split(), lines


@pytest.mark.parametrize("name", KERNELS)
def test_nothing_left_out(name, tmp_path):
    """The Image as it is has nothing to report, and the summary counts."""
    kernel = Kernel(name)
    lines = boot(kernel, kernel.image, tmp_path / "o")
    assert not kinds(lines), lines
    numbers = [int(n) for n in re.findall(r"\b\d+\b", lines[-1])]
    assert lines[-1].startswith("archcheck: 0 reports, ") and all(numbers[1:]), lines


@pytest.mark.parametrize("name", KERNELS)
def test_places(name):
    """What is left out is spread over the code."""
    places = {(site[1].split()[0], chain[0]) for site, chain in checked_sites(Kernel(name))}
    assert len(places) >= 12
    assert {"dc", "tlbi", "dsb", "isb", "dmb", "ic", "call"} <= {what for what, _ in places}


def replaced(kernel, function, mask, value):
    """The Image without the first such instruction of a function."""
    start = kernel.address(function)
    for i in range((start - kernel.base) // 4, len(kernel.words)):
        if kernel.words[i] & mask == value:
            assert kernel.symbol(kernel.base + 4 * i) == function
            return kernel.patched(kernel.base + 4 * i, NOP)
    raise AssertionError(f"{function} has none")


@pytest.mark.parametrize("name", KERNELS)
def test_no_empty_root(name, tmp_path):
    """One root follows the other in TTBR1 without the empty one between."""
    kernel = Kernel(name)
    lines = boot(kernel, replaced(kernel, "idmap_replace_ttbr1", 0xffffffff, 0xd5182021), tmp_path / "o")
    assert kinds(lines)[0] == "no-break", lines


def test_no_invalid_entry(tmp_path):
    """A fixmap slot changes its page, the store of the empty entry between left out."""
    kernel = Kernel("llvm-39")
    # str xzr, [base]
    lines = boot(kernel, replaced(kernel, "__set_fixmap", 0xfffffc1f, 0xf900001f), tmp_path / "o")
    assert kinds(lines)[0] == "no-break", lines


def left_out_of(kernel, function, what):
    """Images without one such instruction or call of a function."""
    for site, chain in sites(kernel):
        if function in chain and site[1].startswith(what):
            yield kernel.patched(site[0], site[2])


def test_geometry(tmp_path):
    """T0SZ changes when the image lies beyond VA_BITS: each ISB around that counts."""
    kernel = Kernel("gcc-39")
    where = {"MEM": "1T", "LOAD": "0x9000000000", "DTB_ADDR": "0x9010000000"}
    images = list(left_out_of(kernel, "cpu_uninstall_idmap", "isb"))
    assert len(images) == 3
    for i, image in enumerate([kernel.image, *images]):
        lines = boot(kernel, image, tmp_path / f"o{i}", **where)
        assert bool(kinds(lines)) == bool(i), (i, lines)


def test_parked_cpus(tmp_path):
    """Other CPUs store into boot_status with the caches off, the boot CPU reads it through them."""
    kernel = Kernel("gcc-48")
    # Those CPUs drop the line as well, for one that comes late.
    (address, _, nop, _), = (site for site, chain in sites(kernel) if "park" in chain and site[1] == "dc civac")
    kernel.image = kernel.patched(address, nop)
    image, = left_out_of(kernel, "report_handover", "call dcache_clean_inval_poc")
    lines = boot(kernel, image, tmp_path / "o", ENTER="all-cpus", SMP="4", EL="2")
    assert kinds(lines)[0] == "stale-load", lines


@pytest.mark.parametrize("cleaned", (False, True))
def test_caches_off_again(cleaned, tmp_path):
    """What the idmap's code stores is read with the MMU off again; only with a DC CVAC between it is in memory."""
    kernel = Kernel("gcc-48")
    at = msr_sctlr(kernel) + 8  # behind the ISB
    data = kernel.address("boot_status") - at
    words = (
        0x10000001 | (data & 3) << 29 | data >> 2 << 5,  # adr x1, boot_status
        0xf900003f,  # str xzr, [x1]
        0xd5381002,  # mrs x2, sctlr_el1
        0x927ff842,  # and x2, x2, #~1
        0xd50b7a21 if cleaned else NOP,  # dc cvac, x1
        0xd5033f9f,  # dsb sy
        0xd5181002,  # msr sctlr_el1, x2
        0xd5033fdf,  # isb
        0xf9400023,  # ldr x3, [x1]
        0x52800300, 0xd45e0000,  # mov w0, #0x18; hlt #0xf000: the end
    )
    at -= kernel.base
    image = kernel.image[:at] + struct.pack(f"<{len(words)}I", *words) + kernel.image[at + 4 * len(words):]
    lines = boot(kernel, image, tmp_path / "o")
    assert ("not-cleaned" in kinds(lines)) != cleaned, lines
    assert "archcheck: Image at" in lines[0]


BRANCH = 0x14000000 + 12  # b .+48: past what is straight behind
LOAD, DC = 0xf9400023, 0xd50b7a21  # ldr x3, [x1]; dc cvac, x1


@pytest.mark.parametrize("between, reported", (((), False), ((NOP,) * 4, False), ((NOP,) * 16, False), ((NOP, LOAD), True),
                                               ((BRANCH, *(NOP,) * 12), True), ((DC,), True)))
def test_isb_later(between, reported, tmp_path):
    """Between a register and its ISB there may be what does not depend on it; a load, a DC and a branch do."""
    kernel = Kernel("gcc-48")
    at = msr_sctlr(kernel) + 8  # behind the ISB
    data = kernel.address("boot_status") - at
    words = (
        0x10000001 | (data & 3) << 29 | data >> 2 << 5,  # adr x1, boot_status
        0xd5382042,  # mrs x2, tcr_el1
        0xd5182042,  # msr tcr_el1, x2
        *between,
        0xd5033fdf,  # isb
        0x52800300, 0xd45e0000,  # mov w0, #0x18; hlt #0xf000: the end
    )
    at -= kernel.base
    image = kernel.image[:at] + struct.pack(f"<{len(words)}I", *words) + kernel.image[at + 4 * len(words):]
    lines = boot(kernel, image, tmp_path / "o")
    assert ("register-no-isb" in kinds(lines)) == reported, lines
    assert "archcheck: Image at" in lines[0]


def msr_sctlr(kernel):
    """Where the MMU goes on."""
    return kernel.base + 4 * next(i for i, word in enumerate(kernel.words)
                                  if word & 0xffffffe0 == 0xd5181000 and kernel.symbol(kernel.base + 4 * i) == "enable_mmu")
