/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutations that keep a tree whole: nodes, properties and reservations the kernel reads are added,
 * changed and removed with libfdt, with addresses that are near something. Plain changes of bytes
 * come in between.
 */
#include <libfdt.h>

#include "../host/kernel_string.h"
#include "fuzz.h"

#include <lib/dt.h>
#include <lib/kernel.h>

size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned int seed);

static u64 random_state;

static u64 random_u64(void)
{
	u64 x = random_state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* 0 to n - 1. */
static unsigned int pick(unsigned int n)
{
	return (unsigned int)(random_u64() % n);
}

#define PICK(array) ((array)[pick(ARRAY_SIZE(array))])

/* ---- values ---- */

/* What properties and bootargs are made of: addresses where something begins or ends, and sizes. */
static u64 some_address(void)
{
	static const u64 at[] = {0,          0x1000,        0x40000000,  0x40200000,  0x40220000,
				 0x40310000, 0x48000000,    0x48001000,  0x7fe00000,  0x7ffff000,
				 0x80000000, 0x3fe00000,    0xfe000000,  SZ_4G,       SZ_4G - SZ_2M,
				 SZ_1T,      SZ_1T - SZ_2M, UL(1) << 36, UL(1) << 42, UL(1) << 48,
				 BIT(63),    PHYS_ADDR_MAX};
	static const u64 off[] = {0,     0,     0,      0,      1,      4,    64,
				  0x800, 0xfff, 0x1000, 0x2000, SZ_64K, SZ_2M};
	u64 value = pick(8) ? PICK(at) : random_u64() >> pick(64);

	return pick(2) ? value + PICK(off) : value - PICK(off);
}

static u64 some_size(void)
{
	static const u64 sizes[] = {0,
				    1,
				    0x10,
				    0x800,
				    0xfff,
				    0x1000,
				    0x1001,
				    0x2000,
				    SZ_64K,
				    SZ_1M,
				    SZ_2M,
				    0x400000,
				    SZ_16M,
				    SZ_128M,
				    0x40000000,
				    SZ_4G,
				    SZ_1T,
				    BIT(47),
				    BIT(63),
				    0x100000000000,
				    PHYS_ADDR_MAX,
				    PHYS_ADDR_MAX - 0xfff};

	return pick(6) ? PICK(sizes) : random_u64() >> pick(64);
}

static u8 value[4096];

static u32 put_cells(u32 at, u64 number, u32 cells)
{
	for (u32 i = cells; i-- > 0; at += 4)
		fdt32_st(value + at, i > 1 ? 0 : (u32)(number >> 32 * i));
	return at;
}

/* Tuples of addresses and sizes, in cells as the root and /reserved-memory have them, mostly. */
static u32 some_tuples(const void *fdt)
{
	u32 ac = (u32)fdt_address_cells(fdt, 0), sc = (u32)fdt_size_cells(fdt, 0), at = 0;
	u64 address = some_address();

	if (!pick(8) || ac - 1 > 1)
		ac = 1 + pick(2);
	if (!pick(8) || sc - 1 > 1)
		sc = 1 + pick(2);
	for (unsigned int n = pick(6) ? 1 + pick(3) : pick(120); n > 0; n--) {
		u64 size = some_size();

		at = put_cells(at, address, ac);
		at = put_cells(at, size, sc);
		/* The next one touches, overlaps or is elsewhere. */
		address = pick(3) ? address + size + (pick(2) ? 0 : some_size()) : some_address();
	}
	return pick(16) ? at : at + pick(8);
}

static u32 put_text(const char *text)
{
	u32 len = (u32)strlen(text) + 1;

	memcpy(value, text, len);
	/* Not ended, once in a while. */
	return pick(16) ? len : len - 1;
}

static u32 some_bootargs(void)
{
	char *p = (char *)value, *end = p + 1024;

	for (unsigned int n = pick(5); n > 0; n--) {
		unsigned long a = some_address(), s = some_size();

		switch (pick(11)) {
		case 0:
			p += sprintf(p, "mem=%luK ", s >> 10);
			break;
		case 1:
			p += sprintf(p, "mem=%luM ", a >> 20);
			break;
		case 2:
			p += sprintf(p, "cma=%luM ", s >> 20);
			break;
		case 3:
			p += sprintf(p, "cma=0x%lx@0x%lx ", s, a);
			break;
		case 4:
			p += sprintf(p, "cma=%luM@0x%lx-0x%lx ", s >> 20, a, some_address());
			break;
		case 5:
			p += sprintf(p, "earlycon=pl011,0x%lx ", a);
			break;
		case 6:
			p += sprintf(p, "earlycon=uart8250,mmio32,0x%lx,%lun8 ", a, s);
			break;
		case 7:
			p += sprintf(p, "memblock=debug ");
			break;
		case 8:
			p += sprintf(p, "loglevel=%d quiet \"a b\" -- ", (int)pick(10));
			break;
		case 9:
			p += sprintf(p, "earlycon=all ");
			break;
		default:
			for (unsigned int i = pick(20); i > 0 && p < end; i--)
				*p++ = (char)random_u64();
		}
	}
	*p++ = '\0';
	return (u32)(p - (char *)value) - !pick(16);
}

enum kind {
	CELL,
	CELLS,
	ADDRESS,
	SIZE,
	TUPLES,
	EMPTY,
	STATUS,
	TYPE,
	BOOTARGS,
	PATH,
	COMPAT,
	METHOD
};

static const struct {
	const char *name;
	enum kind kind;
} props[] = {
	{"reg", TUPLES},
	{"reg", TUPLES},
	{"#address-cells", CELLS},
	{"#size-cells", CELLS},
	{"status", STATUS},
	{"device_type", TYPE},
	{"no-map", EMPTY},
	{"reusable", EMPTY},
	{"linux,cma-default", EMPTY},
	{"hotpluggable", EMPTY},
	{"size", SIZE},
	{"alignment", SIZE},
	{"alloc-ranges", TUPLES},
	{"linux,usable-memory", TUPLES},
	{"linux,usable-memory-range", TUPLES},
	{"numa-node-id", CELL},
	{"linux,initrd-start", ADDRESS},
	{"linux,initrd-end", ADDRESS},
	{"bootargs", BOOTARGS},
	{"stdout-path", PATH},
	{"serial0", PATH},
	{"rng-seed", TUPLES},
	{"cpu-release-addr", ADDRESS},
	{"dma-ranges", TUPLES},
	{"ranges", TUPLES},
	{"ranges", EMPTY},
	{"compatible", COMPAT},
	{"method", METHOD},
	{"reg-io-width", CELL},
	{"reg-shift", CELL},
};

static u32 some_value(const void *fdt, enum kind kind)
{
	static const char *const status[] = {"okay", "ok", "disabled", "fail", "fail-sss", ""};
	static const char *const type[] = {"memory", "memory", "memory", "cpu", "pci", "memoryx"};
	static const char *const path[] = {"/",       "/pl011@9000000", "/pl011@9000000:115200n8",
					   "serial0", "serial0:9600",   "/soc/serial@7e215040",
					   "//a//b",  "/aliases"};
	static const char *const compat[] = {"arm,pl011", "ns16550a",     "brcm,bcm2835-aux-uart",
					     "arm,psci",  "arm,psci-1.0", "shared-dma-pool"};
	static const char *const method[] = {"hvc", "smc", "svc"};

	switch (kind) {
	case CELL:
		return put_cells(0, pick(4) ? pick(20) : random_u64(), 1);
	case CELLS:
		return put_cells(0, pick(4) ? 1 + pick(2) : pick(8), 1);
	case ADDRESS:
		return put_cells(0, some_address(), 1 + pick(2));
	case SIZE:
		return put_cells(0, some_size(), pick(16) ? 1 + pick(2) : pick(4));
	case TUPLES:
		return some_tuples(fdt);
	case STATUS:
		return put_text(PICK(status));
	case TYPE:
		return put_text(PICK(type));
	case BOOTARGS:
		return some_bootargs();
	case PATH:
		return put_text(PICK(path));
	case COMPAT:
		return put_text(PICK(compat));
	case METHOD:
		return put_text(PICK(method));
	case EMPTY:
		break;
	}
	return 0;
}

/* ---- steps; the tree may run out of room, then they do nothing ---- */

static int some_node(const void *fdt)
{
	int count = 0, at = 0;

	for (int node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL))
		count++;
	if (!pick(4))
		return 0;
	for (int n = (int)pick((unsigned int)count); n > 0; n--)
		at = fdt_next_node(fdt, at, NULL);
	return at;
}

static void add_node(void *fdt)
{
	static const char *const names[] = {
		"memory",        "memory", "memory@0", "reserved-memory",
		"chosen",        "cpus",   "cpu",      "soc",
		"aliases",       "psci",   "r",        "s",
		"pl011@9000000", "a/b"};
	/* With what they need to be read: type, cells, one or two more properties. */
	static const char *const whole[][4] = {
		{"/", "memory", "reg", NULL},
		{"/", "memory", "reg", "numa-node-id"},
		{"/", "memory", "linux,usable-memory", "reg"},
		{"/reserved-memory", "r", "reg", NULL},
		{"/reserved-memory", "r", "reg", "no-map"},
		{"/reserved-memory", "r", "reg", "reusable"},
		{"/reserved-memory", "r", "size", "alignment"},
		{"/reserved-memory", "r", "size", "alloc-ranges"},
		{"/reserved-memory", "r", "size", "no-map"},
		{"/reserved-memory", "r", "size", "reusable"},
		{"/cpus", "cpu", "cpu-release-addr", NULL},
		{"/soc", "s", "reg", "dma-ranges"},
		{"/", "s", "ranges", "dma-ranges"},
	};
	unsigned int row = pick(ARRAY_SIZE(whole));
	char name[32];
	int parent, node;

	if (!pick(3)) {
		fdt_add_subnode(fdt, some_node(fdt), PICK(names));
		return;
	}
	parent = fdt_path_offset(fdt, whole[row][0]);
	if (parent < 0)
		parent = fdt_add_subnode(fdt, 0, whole[row][0] + 1);
	snprintf(name, sizeof(name), "%s@%x", whole[row][1], pick(0x10000));
	node = fdt_add_subnode(fdt, parent, name);
	if (node < 0)
		return;
	if (strcmp(whole[row][1], "r"))
		fdt_setprop(fdt, node, "device_type", whole[row][1],
			    (int)strlen(whole[row][1]) + 1);
	for (unsigned int i = 2; i < 4 && whole[row][i]; i++)
		for (unsigned int p = 0; p < ARRAY_SIZE(props); p++)
			if (!strcmp(props[p].name, whole[row][i])) {
				fdt_setprop(fdt, node, props[p].name, value,
					    (int)some_value(fdt, props[p].kind));
				break;
			}
}

static void set_prop(void *fdt)
{
	unsigned int p = pick(ARRAY_SIZE(props));

	fdt_setprop(fdt, some_node(fdt), props[p].name, value, (int)some_value(fdt, props[p].kind));
}

/* The offset of some property of the node, or negative. */
static int some_prop(const void *fdt, int node)
{
	int at, chosen = -1;
	unsigned int seen = 0;

	fdt_for_each_property_offset(at, fdt, node) if (!pick(++seen)) chosen = at;
	return chosen;
}

/* A new value of the kind the property has, or its bytes changed, cut or made longer. */
static void change_prop(void *fdt)
{
	int node = some_node(fdt), at = some_prop(fdt, node), len;
	const char *name;
	const void *old = at < 0 ? NULL : fdt_getprop_by_offset(fdt, at, &name, &len);
	u32 cells;

	if (!old || len < 0) /* longer than an int can say */
		return;
	if (pick(2))
		for (unsigned int p = 0; p < ARRAY_SIZE(props); p++)
			if (!strcmp(props[p].name, name)) {
				fdt_setprop(fdt, node, name, value,
					    (int)some_value(fdt, props[p].kind));
				return;
			}
	len = min(len, (int)sizeof(value) - 64);
	memcpy(value, old, (size_t)len);
	cells = (u32)len / 4;
	switch (pick(4)) {
	case 0: /* an address in place of one or two cells */
		if (cells > 1)
			put_cells(pick(cells - 1) * 4, some_address(), 2);
		break;
	case 1: /* a tuple twice */
		if (cells > 3) {
			memcpy(value + len, value + pick(cells - 3) * 4, 16);
			len += 16;
		}
		break;
	case 2:
		len = (int)pick((unsigned int)len + 1);
		break;
	default:
		len = (int)LLVMFuzzerMutate(value, (size_t)len, (size_t)len + 32);
	}
	fdt_setprop(fdt, node, name, value, len);
}

static void remove_something(void *fdt)
{
	int node = some_node(fdt), at = some_prop(fdt, node);
	const char *name = NULL;

	if (node > 0 && !pick(2)) {
		if (pick(4))
			fdt_del_node(fdt, node);
		else
			fdt_nop_node(fdt, node);
		return;
	}
	if (at >= 0)
		fdt_getprop_by_offset(fdt, at, &name, NULL);
	if (name && pick(4))
		fdt_delprop(fdt, node, name);
	else if (name)
		fdt_nop_property(fdt, node, name);
}

static void change_reservations(void *fdt)
{
	int n = fdt_num_mem_rsv(fdt);

	if (pick(3) || n <= 0)
		fdt_add_mem_rsv(fdt, some_address(), some_size());
	else
		fdt_del_mem_rsv(fdt, (int)pick((unsigned int)n));
}

/* ---- */

static u64 buffer[(DT_MAX_SIZE + SZ_64K) / 8];

/* Change a whole tree; its new size, 0 when it is none or does not fit. */
static size_t change_tree(const u8 *data, size_t size, size_t max_size)
{
	u32 total = tree_size(data, size);
	struct dt dt;
	char why[8];

	if (!total || total > size || total > DT_MAX_SIZE)
		return 0;
	memcpy(buffer, data, total);
	if (dt_check(&dt, buffer, total, why, sizeof(why)) ||
	    fdt_open_into(buffer, buffer, (int)min(max_size, sizeof(buffer))))
		return 0;
	for (unsigned int n = 1 + pick(4); n > 0; n--) {
		unsigned int what = pick(20);

		if (what < 5)
			add_node(buffer);
		else if (what < 9)
			set_prop(buffer);
		else if (what < 14)
			change_prop(buffer);
		else if (what < 17)
			change_reservations(buffer);
		else
			remove_something(buffer);
	}
	if (fdt_pack(buffer))
		return 0;
	return fdt_totalsize(buffer);
}

static void change_trailer(struct trailer *trailer)
{
	u8 *bytes = (u8 *)trailer;

	memcpy(trailer->magic, "fz", 2);
	bytes[2 + pick(sizeof(*trailer) - 2)] = (u8)pick(16);
	if (trailer->flags & TRAILER_SKEW && pick(8))
		trailer->flags &= (u8)~TRAILER_SKEW;
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned int seed)
{
	struct trailer trailer = {.magic = "fz"};
	size_t room, changed = 0;

	random_state = seed;
	if (max_size <= sizeof(trailer))
		return LLVMFuzzerMutate(data, size, max_size);
	room = max_size - sizeof(trailer);
	if (size >= sizeof(trailer) && !memcmp(data + size - sizeof(trailer), "fz", 2)) {
		size -= sizeof(trailer);
		memcpy(&trailer, data + size, sizeof(trailer));
	}
	size = min(size, room);
	if (pick(10) < 8)
		changed = change_tree(data, size, room);
	if (changed && changed <= room) {
		memcpy(data, buffer, changed);
		size = changed;
	} else {
		size = LLVMFuzzerMutate(data, size, room);
	}
	if (!pick(4))
		change_trailer(&trailer);
	memcpy(data + size, &trailer, sizeof(trailer));
	return size + sizeof(trailer);
}
