/* SPDX-License-Identifier: BSD-2-Clause */
/* The device tree: mapped, checked, scanned once. */
#include <asm/boot.h>
#include <asm/earlycon.h>
#include <asm/fixmap.h>
#include <asm/page.h>
#include <asm/percpu.h>
#include <asm/probe.h>
#include <asm/setup.h>
#include <lib/bug.h>
#include <lib/cmdline.h>
#include <lib/kernel.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/ledger.h>

struct machine machine __ro_after_init = {
	.model = "unknown",
	.bootargs = "",
	.cells = {2, 1},
	.dma_limit = PHYS_ADDR_MAX,
	.cma_param = {.size = PHYS_ADDR_MAX},
};

/* What the scan keeps until all nodes were seen. */
struct scan {
	unsigned int cpus;
	unsigned int buses; /* dma-ranges */
	int dead;           /* depth of the disabled node the scan is below; INT32_MAX: none */
	int cpu_depth;      /* depth at which nodes are children of /cpus; -1: not there */
	struct dt_prop usable_range; /* linux,usable-memory-range; len 0: none */
};

void __init node_printk(int level, const struct dt_iter *it, const char *fmt, ...)
{
	char path[160];
	va_list ap;

	dt_path(it, path, sizeof(path));
	va_start(ap, fmt);
	printk(level, "%s: %pV", path, &(struct va_format){fmt, &ap});
	va_end(ap);
}

/* ---- memory nodes ---- */

phys_addr_t __init page_end(phys_addr_t addr)
{
	return addr > PHYS_ADDR_MAX - PAGE_SIZE ? PHYS_ADDR_MAX : PAGE_ALIGN(addr);
}

phys_addr_t __init cut_tuple(const struct dt_iter *it, unsigned int index, phys_addr_t base,
			     phys_addr_t size)
{
	if (size <= PHYS_ADDR_MAX - base)
		return size;
	node_warn(it, "tuple %u, 0x%lx bytes at 0x%lx, ends beyond all addresses, cut there\n",
		  index, size, base);
	return PHYS_ADDR_MAX - base;
}

/* Collect one tuple of a memory node; whatever is odd about it is said and repaired. */
static void __init add_memory(const struct dt_iter *it, unsigned int index, phys_addr_t base,
			      phys_addr_t size, int nid, enum memblock_flags flags)
{
	phys_addr_t start = base, end;

	if (size == 0) {
		node_debug(it, "tuple %u has size 0, ignored\n", index);
		return;
	}
	size = cut_tuple(it, index, base, size);
	end = ALIGN_DOWN(base + size, PAGE_SIZE);
	start = page_end(base);
	if (start != base || end != base + size) {
		node_debug(it,
			   "tuple %u, 0x%lx bytes at 0x%lx, is not whole pages, rounded inwards\n",
			   index, size, base);
		ledger_lose(base, min(start, base + size) - base);
		ledger_lose(max(end, base), base + size - max(end, base));
	}
	if (start >= end)
		return;
	if (memblock_collect_node(start, end - start, nid, flags)) {
		ledger_left_out(end - start);
		node_err(it, "tuple %u, 0x%lx bytes at 0x%lx, left out: too many ranges\n", index,
			 size, base);
	}
}

/* Devicetree Specification 3.4; linux,usable-memory takes reg's place after a crash, numa-node-id
 * as in the NUMA binding. */
static void __init scan_memory(const struct dt_iter *it)
{
	const struct dt *dt = it->dt;
	u32 tuple = (machine.cells.addr + machine.cells.size) * 4;
	u32 nid = dt_u32(dt, it->node, "numa-node-id", NUMA_NO_NODE);
	enum memblock_flags flags = MEMBLOCK_NONE;
	phys_addr_t base, size, last = 0;
	bool unsorted = false;
	struct dt_prop prop;

	if (!cells_usable(machine.cells))
		return;
	if (!dt_available(dt, it->node)) {
		node_debug(it, "disabled, ignored\n");
		return;
	}
	if (!dt_prop(dt, it->node, "linux,usable-memory", &prop) &&
	    !dt_prop(dt, it->node, "reg", &prop)) {
		node_warn(it, "no reg, ignored\n");
		return;
	}
	if (prop.len % tuple)
		node_warn(it, "%s has %u bytes behind its last tuple of %u, ignored\n", prop.name,
			  prop.len % tuple, tuple);
	if (nid >= MAX_NUMNODES) {
		if (nid != (u32)NUMA_NO_NODE)
			node_warn(it, "numa-node-id %u is above %u, taken as none\n", nid,
				  MAX_NUMNODES - 1);
		nid = MAX_NUMNODES;
	}
	if (dt_has(it, "hotpluggable"))
		flags = MEMBLOCK_HOTPLUG;
	for (unsigned int i = 0; dt_tuple(&prop, machine.cells, i, &base, &size); i++) {
		add_memory(it, i, base, size, (int)nid, flags);
		unsorted |= size && base < last;
		last = size ? base : last;
	}
	if (unsorted)
		node_debug(it, "tuples are not in order, sorted\n");
}

/*
 * linux,usable-memory-range: memory outside its tuples belongs to somebody else. What is inside is
 * marked by a flag nobody uses yet, the rest removed.
 */
static void __init keep_usable_memory(const struct dt_prop *prop)
{
	phys_addr_t base, size;
	bool any = false;

	for (unsigned int i = 0; dt_tuple(prop, machine.cells, i, &base, &size); i++) {
		phys_addr_t end = ALIGN_DOWN(base + min(size, PHYS_ADDR_MAX - base), PAGE_SIZE);
		phys_addr_t start = page_end(base);

		/* Whole pages only: no other can be mapped. */
		if (start >= end)
			continue;
		any = true;
		if (memblock_mark_nomap(start, end - start))
			pr_err("/chosen: linux,usable-memory-range: tuple %u ignored: too many ranges\n",
			       i);
	}
	if (!any) {
		pr_warn("/chosen: linux,usable-memory-range of %u bytes names no whole page, not heeded\n",
			prop->len);
		return;
	}
	for (unsigned long i = memblock.memory.cnt; i-- > 0;) {
		struct memblock_region *region = &memblock.memory.regions[i];

		if (!memblock_is_nomap(region))
			ledger_drop_memory(region->base, region->size, OWNER_UNUSABLE);
	}
	memblock_clear_nomap(0, PHYS_ADDR_MAX);
	pr_info("linux,usable-memory-range leaves %luK of memory\n",
		(memblock_phys_mem_size() >> 10));
}

/* ---- the other nodes ---- */

/* What goes to somebody's terminal holds no control characters; the tree is writable still. */
static const char *__init clean(const char *text)
{
	for (u8 *p = (u8 *)(uintptr_t)text; *p; p++)
		if (*p < ' ' || *p == 0x7f)
			*p = ' ';
	return text;
}

static void __init scan_root(const struct dt_iter *it)
{
	struct dt_prop prop;
	const char *model = NULL;

	if (dt_prop(it->dt, it->node, "model", &prop) ||
	    dt_prop(it->dt, it->node, "compatible", &prop))
		model = dt_string(&prop);
	if (model)
		machine.model = clean(model);
	pr_info("Machine model: %.64s\n", machine.model);
	machine.cells = dt_cells(it->dt, it->node, DT_CELLS_DEFAULT);
}

/* Fold bytes into the seed (FNV-1a with the upper half folded back), then wipe them: nobody else is
 * to read them. */
static void __init take_seed(const struct dt_prop *prop)
{
	const u8 *p = prop->data;

	for (u32 i = 0; i < prop->len; i++) {
		machine.seed = (machine.seed ^ p[i]) * 0x100000001b3;
		machine.seed ^= machine.seed >> 29;
	}
	dt_wipe(prop);
}

/* The command line must end in NUL. Where it does not, its last byte makes room for one: the tree
 * is writable still. */
static const char *__init end_bootargs(const struct dt_prop *prop)
{
	if (prop->len == 0)
		return "";
	if (!dt_string(prop)) {
		pr_warn("/chosen: bootargs has no end, its last character is dropped\n");
		((char *)(uintptr_t)prop->data)[prop->len - 1] = '\0';
	}
	return clean(prop->data);
}

/* An address of as many cells as there are. */
static phys_addr_t __init read_address(const struct dt_prop *prop)
{
	return dt_number(prop->data, prop->len / 4);
}

/* Devicetree Specification 3.6, and the arm64 boot protocol's additions. */
static void __init scan_chosen(struct dt_iter *it, struct scan *scan)
{
	struct dt_prop prop;

	while (dt_next_prop(it, &prop)) {
		if (!strcmp(prop.name, "bootargs"))
			machine.bootargs = end_bootargs(&prop);
		else if (!strcmp(prop.name, "stdout-path"))
			machine.stdout_path = dt_string(&prop);
		else if (!strcmp(prop.name, "linux,stdout-path") && !machine.stdout_path)
			machine.stdout_path = dt_string(&prop);
		else if (!strcmp(prop.name, "linux,initrd-start"))
			machine.initrd_start = read_address(&prop);
		else if (!strcmp(prop.name, "linux,initrd-end"))
			machine.initrd_end = read_address(&prop);
		else if (!strcmp(prop.name, "rng-seed") || !strcmp(prop.name, "kaslr-seed"))
			take_seed(&prop);
		else if (!strcmp(prop.name, "linux,usable-memory-range"))
			scan->usable_range = prop;
	}
}

static void __init scan_psci(const struct dt_iter *it)
{
	struct dt_prop method;
	const char *how;

	if (!dt_available(it->dt, it->node))
		return;
	if (dt_compatible(it, "arm,psci-1.0"))
		machine.psci_version = 0x10000;
	else if (dt_compatible(it, "arm,psci-0.2"))
		machine.psci_version = 2;
	else if (dt_compatible(it, "arm,psci"))
		machine.psci_version = 1;
	else
		return;
	how = dt_prop(it->dt, it->node, "method", &method) ? dt_string(&method) : NULL;
	if (how && !strcmp(how, "hvc"))
		machine.psci = PSCI_HVC;
	else if (how && !strcmp(how, "smc"))
		machine.psci = PSCI_SMC;
	else
		node_warn(it, "method is neither \"hvc\" nor \"smc\", PSCI is not used\n");
	machine.psci_node = it->node;
}

static void __init scan_watchdog(const struct dt_iter *it)
{
	u64 phys, size;

	if (dt_compatible(it, "brcm,bcm2835-pm-wdt") && dt_reg(it, 0, &phys, &size) &&
	    dt_translate(it, false, &phys))
		machine.watchdog = phys;
}

/* A CPU waiting in a spin table polls its release address (Devicetree Specification 3.8.1), whether
 * the tree reserves it or not. */
static void __init scan_cpu(const struct dt_iter *it, struct scan *scan)
{
	struct dt_prop prop;
	phys_addr_t page;

	if (dt_prop(it->dt, it->node, "status", &prop) && prop.len >= 4 &&
	    !memcmp(prop.data, "fail", 4))
		return;
	scan->cpus++;
	if (!dt_prop(it->dt, it->node, "cpu-release-addr", &prop))
		return;
	if (prop.len != 8 && prop.len != 4) {
		node_warn(it, "cpu-release-addr of %u bytes, ignored: 8 are an address\n",
			  prop.len);
		return;
	}
	page = ALIGN_DOWN(read_address(&prop), PAGE_SIZE);
	ledger_reserve_or_panic(page, PAGE_SIZE, OWNER_SPIN_TABLE, it->node, it->name);
}

/* How many dma-ranges are looked at: each costs as much as its parents have ranges. */
#define BUSES_MAX 1000

/* What a bus's masters reach: the highest address its dma-ranges lead to. The lowest of these
 * limits holds for all. */
static void __init scan_dma_ranges(const struct dt_iter *it, const struct dt_prop *ranges)
{
	const struct dt *dt = it->dt;
	struct dt_cells cells = dt_cells(dt, it->node, DT_CELLS_DEFAULT);
	u32 parent, tuple;
	u64 top = 0, top_base = 0;

	if (it->depth < 1 || it->depth >= DT_BUS_DEPTH)
		return;
	parent = dt_u32(dt, it->up[it->depth - 1], "#address-cells", 2);
	if (cells.addr > 3 || parent - 1 > 1 || cells.size - 1 > 1)
		return;
	tuple = (cells.addr + parent + cells.size) * 4;
	for (u32 i = 0; i < ranges->len / tuple; i++) {
		const u8 *p = (const u8 *)ranges->data + i * tuple + cells.addr * 4;
		u64 base = dt_number(p, parent), size = dt_number(p + parent * 4, cells.size);

		if (!size)
			continue;
		size = min(size - 1, PHYS_ADDR_MAX - base);
		if (base + size >= top) {
			top = base + size;
			top_base = base;
		}
	}
	/* Only the highest: a translation for each would cost their product with the parents'. */
	top -= top_base;
	if ((!top && !top_base) || !dt_translate(it, true, &top_base))
		return;
	top = top > PHYS_ADDR_MAX - top_base ? PHYS_ADDR_MAX : top_base + top;
	machine.dma_limit = min(machine.dma_limit, top);
}

/* ---- the pass ---- */

static void __init note_reserved_memory(const struct dt_iter *it)
{
	if (machine.reserved_memory)
		node_warn(it, "not the only node of this name, all of them count\n");
	else
		machine.reserved_memory = it->node;
	machine.last_reserved_memory = it->node;
}

/* The first string counts. */
static bool __init is_type(const struct dt_prop *device_type, const char *name, u32 size)
{
	return device_type->len >= size && !memcmp(device_type->data, name, size);
}

/* What a node's properties say about what it is, for nodes of any kind. */
static void __init scan_node(struct dt_iter *it, struct scan *scan)
{
	struct dt_prop prop, type = {0}, dma = {0};
	bool status = false;

	if (it->depth <= scan->dead)
		scan->dead = INT32_MAX;
	if (it->depth < scan->cpu_depth)
		scan->cpu_depth = -1;
	if (it->depth == 0)
		return scan_root(it);
	if (it->depth == 1 && it->name[0] == 'c' && dt_name_is(it->name, "chosen"))
		return scan_chosen(it, scan);
	if (it->depth == 1 && !strcmp(it->name, "cpus"))
		scan->cpu_depth = 2;
	if (it->depth == 1 && is_reserved_memory(it))
		note_reserved_memory(it);
	while (dt_next_prop(it, &prop)) {
		/* The first one counts. */
		if (prop.name[0] == 'd' && !type.name && !strcmp(prop.name, "device_type"))
			type = prop;
		else if (prop.name[0] == 'd' && !strcmp(prop.name, "dma-ranges"))
			dma = prop;
		else if (prop.name[0] == 's' && !strcmp(prop.name, "status"))
			status = true;
	}
	if (status && scan->dead == INT32_MAX && !dt_available(it->dt, it->node))
		scan->dead = it->depth;
	if (dma.len && scan->dead == INT32_MAX && scan->buses++ < BUSES_MAX)
		scan_dma_ranges(it, &dma);
	if (is_type(&type, "memory", sizeof("memory")) && it->depth == 1)
		scan_memory(it);
	else if (is_type(&type, "cpu", sizeof("cpu")) && it->depth == scan->cpu_depth)
		scan_cpu(it, scan);
	else if (it->name[0] == 'p' && dt_name_is(it->name, "psci"))
		scan_psci(it);
	else if (it->name[0] == 'w' && scan->dead == INT32_MAX && dt_name_is(it->name, "watchdog"))
		scan_watchdog(it);
	else if (it->name[0] == 'm' && it->depth == 1 && dt_name_is(it->name, "memory"))
		node_warn(it, "no device_type = \"memory\", ignored\n");
}

static void __noreturn __init refuse(const char *why)
{
	pr_emerg("preflight: x0 = 0x%lx, where the device tree should be: %s\n", handover.args[0],
		 why);
	panic("no device tree: x0 must hold its physical address (U-Boot: booti <kernel> <initrd or -> <fdt>)");
}

const char *dt_node_name(u32 node)
{
	struct dt_iter it;

	return dt_seek(&it, &machine.dt, node) ? it.name : "?";
}

static void __init scan_tree(void)
{
	struct scan scan = {.dead = INT32_MAX, .cpu_depth = -1};
	struct dt_iter it;

	dt_start(&it, &machine.dt);
	while (dt_next_node(&it))
		scan_node(&it, &scan);
	if (it.broken)
		refuse(it.broken);
	if (scan.buses > BUSES_MAX)
		pr_warn("%u dma-ranges, %u heeded\n", scan.buses, BUSES_MAX);
	memblock_add_collected();
	nr_cpu_ids = max(scan.cpus, 1U);
	ledger_state(dt_node_name);
	if (scan.usable_range.len)
		keep_usable_memory(&scan.usable_range);
}

void __stage setup_machine_fdt(phys_addr_t dt_phys)
{
	char why[160];
	void *tree;
	u64 last;

	machine.dt_phys = dt_phys;
	if (handover_fault)
		refuse(handover_fault);
	/* Aligned by 8 a header may still cross a page. */
	tree = fixmap_remap_fdt(dt_phys, DT_HEADER_SIZE, PAGE_KERNEL);
	if (!probe_read_u64((u64 *)tree + DT_HEADER_SIZE / 8 - 1, &last))
		refuse("it reaches beyond memory");
	if (dt_header(tree, &machine.dt_size, why, sizeof(why)))
		refuse(why);
	fixmap_remap_fdt(dt_phys, machine.dt_size, PAGE_KERNEL);
	if (!probe_read_u64((u64 *)tree + (machine.dt_size - 1) / 8, &last))
		refuse("it reaches beyond memory");
	if (dt_check(&machine.dt, tree, machine.dt_size, why, sizeof(why)))
		refuse(why);
	scan_tree();
	/* Same place, no more writing: pointers into it stay good. */
	fixmap_remap_fdt(dt_phys, machine.dt_size, PAGE_KERNEL_RO);
}

void __stage parse_early_param(void)
{
	const char *spec;
	size_t len;

	if (!machine.bootargs[0]) {
		machine.bootargs = user_options();
	} else {
		spec = cmdline_value(user_options(), "earlycon", &len);
		if (spec)
			earlycon_choose(spec, len);
	}
	parse_early_params(machine.bootargs);
	earlycon_default();
	if (machine.bootargs[0])
		pr_info("Kernel command line: %s\n", machine.bootargs);
}
