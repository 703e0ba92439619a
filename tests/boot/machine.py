# SPDX-License-Identifier: BSD-2-Clause
"""A machine stopped at a function, through QEMU's gdb stub: its tables are read, and spoilt, from outside."""
import shutil
import socket
import tempfile
import time

PAGE = 4096
VALID, TABLE, DEVICE, RDONLY, AF, CONT, PXN, UXN = 1, 3, 1 << 2, 1 << 7, 1 << 10, 1 << 52, 1 << 53, 1 << 54
ADDRESS = (1 << 48) - PAGE
LOADED_AT = 0x40200000


class Machine:
    """One QEMU that waits, as `options` ask it to, for what is at the end of a socket."""

    def __init__(self, directory, timeout):
        self.dir = tempfile.mkdtemp(prefix="gdb-")
        self.options = f"-S -gdb unix:{self.dir}/s,server=on,wait=off"
        self.timeout = timeout
        self.socket = None
        self.saved = {}
        self.symbols = {}
        for line in (directory / "System.map").read_text().splitlines():
            value, _, name = line.split()
            self.symbols.setdefault(name, int(value, 16))
        self.image = self.symbols["_text"]
        self.page_end = self.image - (128 << 20)
        self.page_offset = 2 * self.page_end & (1 << 64) - 1
        self.first_level = 0 if self.page_end < 0xffffc00000000000 else 1

    # --- the stub's protocol: $data#checksum, acknowledged with + ---

    def connect(self):
        """Wait for QEMU to be there."""
        deadline = time.monotonic() + self.timeout
        while not self.socket:
            attempt = socket.socket(socket.AF_UNIX)
            try:
                attempt.connect(f"{self.dir}/s")
                self.socket = attempt
            except OSError:
                attempt.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self.socket.settimeout(self.timeout)
        assert self.ask("Qqemu.PhyMemMode:1") == "OK"

    def close(self):
        """The socket and its directory go."""
        if self.socket:
            self.socket.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def send(self, data):
        """One packet."""
        self.socket.sendall(f"${data}#{sum(data.encode()) & 255:02x}".encode())

    def answer(self):
        """The next packet."""
        data = b""
        while b"#" not in data or len(data) - data.index(b"#") < 3:
            more = self.socket.recv(65536)
            if not more:
                raise OSError("QEMU is gone")
            data = (data + more).lstrip(b"+")
        self.socket.sendall(b"+")
        return data[1:data.index(b"#")].decode()

    def ask(self, data):
        """A packet and its answer."""
        self.send(data)
        return self.answer()

    # --- run and stop ---

    def go(self, symbol):
        """Let it run, to the function if one is named; from where it stands, which may be that function."""
        if symbol:
            where = self.address(symbol)
            assert self.ask("s").startswith("T")
            assert self.ask(f"Z1,{where:x},4") == "OK"
        self.send("c")

    def wait(self, symbol):
        """It has reached the function."""
        reply = self.answer()
        assert reply.startswith("T"), reply
        assert self.ask(f"z1,{self.address(symbol):x},4") == "OK"

    # --- registers ---

    def argument(self):
        """x0."""
        return int.from_bytes(bytes.fromhex(self.ask("p0")), "little")

    def set_argument(self, value):
        """x0."""
        assert self.ask(f"P0={value.to_bytes(8, 'little').hex()}") == "OK"

    # --- memory, physical ---

    def address(self, symbol):
        """Virtual; compilers may add to the name of a static function."""
        return self.symbols.get(symbol) or next(v for n, v in self.symbols.items() if n.startswith(symbol + "."))

    def physical(self, symbol):
        """Of something in the Image."""
        return self.address(symbol) - self.image + LOADED_AT

    def linear(self, physical):
        """Where the linear map has it; RAM starts at 1 GiB."""
        return self.page_offset + physical - 0x40000000

    def read(self, at, count=1):
        """Words of 64 bits; the stub's packets hold 2 KiB."""
        if count > 256:
            return self.read(at, 256) + self.read(at + 8 * 256, count - 256)
        reply = self.ask(f"m{at:x},{8 * count:x}")
        assert len(reply) == 16 * count, f"no memory to read at {at:#x}: {reply}"
        return [int.from_bytes(bytes.fromhex(reply[i:i + 16]), "little") for i in range(0, len(reply), 16)]

    def write(self, at, value):
        """One word; undo() will know what was there."""
        self.saved.setdefault(at, self.read(at)[0])
        assert self.ask(f"M{at:x},8:{value.to_bytes(8, 'little').hex()}") == "OK"

    def undo(self):
        """All words are what they were before write()."""
        for at, value in self.saved.items():
            assert self.ask(f"M{at:x},8:{value.to_bytes(8, 'little').hex()}") == "OK"
        self.saved = {}

    def insn(self, at):
        """The instruction there."""
        return self.read(at & ~7)[0] >> 8 * (at & 4) & 0xffffffff

    def put(self, at, *insns):
        """Other instructions from there on."""
        for at, insn in zip(range(at, at + 4 * len(insns), 4), insns):
            shift = 8 * (at & 4)
            self.write(at & ~7, self.read(at & ~7)[0] & ~(0xffffffff << shift) | insn << shift)

    def find(self, symbol, mask, value, count=64):
        """Where instructions of a kind are among the first of a function."""
        start = self.physical(symbol)
        return [at for at in range(start, start + 4 * count, 4) if self.insn(at) & mask == value]

    def log(self):
        """The text in the log: what was said before it had its block, and what is there (lib/logblock.h)."""
        size, = self.read(LOADED_AT + 0x10)
        words = self.read(self.physical("early_log"), 2048) + self.read(LOADED_AT + size + 0xffff & ~0xffff, 8192)
        return b"".join(word.to_bytes(8, "little") for word in words).decode("latin-1")

    # --- tables ---

    def entry(self, va, level=None, root="swapper_pg_dir"):
        """Where the entry for va is: the last one of the walk, or that of a level."""
        table = self.physical(root)
        for here in range(self.first_level, 4):
            at = table + 8 * (va >> 39 - 9 * here & 511)
            value = self.read(at)[0]
            if here == level or here == 3 or value & 3 != TABLE:
                return at
            table = value & ADDRESS
        raise AssertionError("no level 4")

    def change(self, va, clear=0, put=0, level=None):
        """Bits of that entry."""
        at = self.entry(va, level)
        self.write(at, self.read(at)[0] & ~clear | put)

    def leaves(self, root, level=None):
        """Every (va, size, entry) under a root, va without the sign bits; root: a symbol or an address."""
        table = self.physical(root) if isinstance(root, str) else root
        level = self.first_level if level is None else level
        size = 1 << 39 - 9 * level
        for i, value in enumerate(self.read(table, 512)):
            if level < 3 and value & 3 == TABLE:
                for va, leaf_size, leaf in self.leaves(value & ADDRESS, level + 1):
                    yield i * size + va, leaf_size, leaf
            elif value & VALID:
                yield i * size, size, value


# --- wrong uses of slab: the machine is stopped where kfree begins -------------------------------------------------------

FREED = []  # what kfree got, once for each stop; a case has a process of its own


def spoil(offset):
    """Write over eight bytes beside, or of, the object that is being freed."""
    def action(machine):
        machine.write(machine.argument() - machine.page_offset + 0x40000000 + offset, 0x1122334455667788)
    return action


def remember(machine):
    """The object that is being freed."""
    FREED.append(machine.argument())


def spoil_freed(offset):
    """The same for the object that was freed before."""
    def action(machine):
        machine.write(FREED[-1] - machine.page_offset + 0x40000000 + offset, 0x1122334455667788)
    return action


def free_again(machine):
    """Free that one in place of another."""
    machine.set_argument(FREED[-1])


def both(first, second):
    """One action after the other."""
    def action(machine):
        first(machine)
        second(machine)
    return action


def free_text(machine):
    """Free what never was anybody's."""
    machine.set_argument(machine.image)


# --- the early map -------------------------------------------------------------------------------------------------


def early_trouble(machine):
    """What is wrong with the maps that head.S made, None if nothing is."""
    executable, writable = set(), set()
    for root in ("init_idmap_pg_dir", "init_pg_dir"):
        for va, size, leaf in machine.leaves(root):
            if not leaf & (PXN | RDONLY):
                return f"{root}: {va:#x} is writable and executable: {leaf:#x}"
            if size != PAGE:
                return f"{root}: {va:#x} is no page"
            if not leaf & PXN:
                executable.add(leaf & ADDRESS)
            if not leaf & RDONLY:
                writable.add(leaf & ADDRESS)
    text = set(range(LOADED_AT, machine.physical("__inittext_end"), PAGE))
    if executable != text:
        return f"executable is not just text: {sorted(map(hex, executable ^ text))}"
    if executable & writable:
        return f"text has a writable alias: {sorted(map(hex, executable & writable))}"
    return None


def early_map(machine):
    """Nothing is writable and executable, whatever root, and the check sees it when something is."""
    trouble = early_trouble(machine)
    assert not trouble, trouble
    for root in ("init_idmap_pg_dir", "init_pg_dir"):
        for symbol, clear in (("_text", RDONLY), ("_edata", PXN)):
            base = LOADED_AT if "idmap" in root else machine.image
            at = machine.entry(machine.address(symbol) - machine.image + base, root=root)
            machine.write(at, machine.read(at)[0] & ~clear)
            trouble = early_trouble(machine)
            assert trouble and "is writable and executable" in trouble, trouble
            machine.undo()


# --- violations in the final map, and what the audit calls them ----------------------------------------------------------

TEXT = LOADED_AT + PAGE
NORMAL = VALID | AF | 3 << 8 | PXN | UXN
FREE = 0x7f000000  # of 1 GiB; from both ends memory is in use


def gib(machine, number):
    """The level 1 entry for a GiB of the linear map."""
    return machine.entry(machine.page_offset + (number << 30), 1)


VIOLATIONS = (
    (r"is writable and executable", lambda m: m.change(m.linear(FREE), clear=PXN)),
    (r"is writable and executable", lambda m: m.change(m.image, clear=RDONLY)),
    (r"text page 0x40201000 has a writable alias at 0x", lambda m: m.change(m.linear(TEXT), clear=RDONLY)),
    (r"page 0x\w+ has two memory types, at 0x\w+ and 0x", lambda m: m.change(m.linear(TEXT), put=DEVICE)),
    (r"memory at 0x40201000 is not in the linear map", lambda m: m.change(m.linear(TEXT), clear=VALID)),
    (r"0x80000000 is in the linear map, and not memory", lambda m: m.write(gib(m, 1), 0x80000000 | NORMAL)),
    (r"the linear map has 0x7f000000 at 0x", lambda m: m.change(m.linear(TEXT), clear=ADDRESS, put=FREE)),
    (r"table page 0x\w+ is reached twice", lambda m: m.write(gib(m, 5), m.read(gib(m, 0))[0])),
    (r"table page 0x7f000000, for 0x\w+, is nobody's", lambda m: m.write(gib(m, 5), FREE | TABLE)),
    (r"contiguous run broken at 0x\w+3000", lambda m: m.change(m.image + 3 * PAGE, clear=CONT)),
    (r"contiguous run broken at 0x\w+3000", lambda m: m.change(m.image + 3 * PAGE, clear=VALID)),
    (r"contiguous run broken at", lambda m: m.change(m.linear(FREE), put=0x200000)),
    # APTable and an XN that only hardware heeds: the MMU refuses what the walk in software thinks possible.
    (r"the MMU disagrees with the tables on a write at", lambda m: m.change(m.linear(TEXT), put=1 << 62, level=2)),
    (r"the MMU disagrees with the tables on a read at", lambda m: m.change(m.linear(FREE), clear=AF)),
    (r"fixmap slot 1 is in use", lambda m: m.write(m.entry(-(16 << 20) - PAGE), FREE | NORMAL | 2)),
    (r"TTBR0 is not empty: 1 entries", lambda m: m.write(m.physical("empty_table") + 8 * 7, FREE | NORMAL)),
)
