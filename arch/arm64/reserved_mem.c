/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tree keeps from the kernel: its reservation block and /reserved-memory (Devicetree
 * Specification 3.5 and 5.3). */
#include <asm/page.h>
#include <asm/sections.h>
#include <asm/setup.h>
#include <lib/bug.h>
#include <lib/kernel.h>
#include <lib/printk.h>
#include <mm/ledger.h>
#include <mm/mm.h>

/* Regions for contiguous buffers start and end on blocks of this size. */
#define CMA_ALIGN (PAGE_SIZE << MAX_PAGE_ORDER)

/* A child of /reserved-memory. */
struct region {
	const struct dt_iter *it;
	struct dt_cells cells; /* of /reserved-memory */
	bool no_map, reusable, cma_default;
};

static void __init read_region(struct region *r, const struct dt_iter *it)
{
	r->it = it;
	r->no_map = dt_has(it, "no-map");
	r->reusable = dt_has(it, "reusable");
	r->cma_default = r->reusable && dt_has(it, "linux,cma-default");
	if (!r->no_map || !r->reusable)
		return;
	node_warn(it, "no-map and reusable exclude each other, taken as no-map\n");
	r->reusable = r->cma_default = false;
}

/* Is all of this region the user's business, because cma= replaces the tree's default area? */
static bool __init replaced_by_user(const struct region *r)
{
	if (!r->cma_default || machine.cma_param.size == PHYS_ADDR_MAX)
		return false;
	node_info(r->it, "not reserved, cma= is used in its place\n");
	return true;
}

/* Note what was reserved and for whom. */
static void __init account(const struct region *r, phys_addr_t base, phys_addr_t size)
{
	/* What is no-map is so in whole pages. */
	phys_addr_t start = r->no_map ? ALIGN_DOWN(base, PAGE_SIZE) : base;
	phys_addr_t end = r->no_map ? page_end(base + size) : base + size;

	ledger_own(start, end - start, OWNER_REGION, r->it->node);
	if (r->cma_default) {
		machine.cma_base = base;
		machine.cma_size = size;
	}
	node_debug(r->it, "0x%lx-0x%lx%s%s\n", base, base + size - 1, r->no_map ? " no-map" : "",
		   r->reusable ? " reusable" : "");
}

/* What must stay mapped of [start, end) because the kernel uses it: part, at base, of size bytes.
 */
static void __init keep_mapped(const struct region *r, phys_addr_t start, phys_addr_t end,
			       phys_addr_t base, phys_addr_t size, const char *what)
{
	phys_addr_t from = max(ALIGN_DOWN(base, PAGE_SIZE), start),
		    to = min(PAGE_ALIGN(base + size), end);

	if (!size || from >= to)
		return;
	memblock_clear_nomap(from, to - from);
	node_warn(r->it, "no-map, but 0x%lx-0x%lx stays mapped: the %s is there\n", from, to - 1,
		  what);
}

/* Take [base, base + size) out of the linear map, whole pages. */
static void __init keep_unmapped(const struct region *r, phys_addr_t base, phys_addr_t size)
{
	phys_addr_t start = ALIGN_DOWN(base, PAGE_SIZE);
	phys_addr_t end = page_end(base + size);
	int err = memblock_mark_nomap(start, end - start);

	keep_mapped(r, start, end, __pa_symbol(_text), (phys_addr_t)(image_end() - _text),
		    "kernel");
	keep_mapped(r, start, end, machine.dt_phys, machine.dt_size, "device tree");
	keep_mapped(r, start, end, machine.initrd_start, machine.initrd_end - machine.initrd_start,
		    "initrd");
	/* What cannot be unmapped is kept at least. */
	if (err)
		ledger_reserve_or_panic(base, size, OWNER_REGION, r->it->node, r->it->name);
}

static void __init reserve_static(const struct region *r, unsigned int index, phys_addr_t base,
				  phys_addr_t size)
{
	size = cut_tuple(r->it, index, base, size);
	if (!r->no_map && memblock_is_region_reserved(base, size))
		node_warn(r->it, "tuple %u overlaps what is reserved already\n", index);
	if (r->no_map)
		keep_unmapped(r, base, size);
	else
		ledger_reserve_or_panic(base, size, OWNER_REGION, r->it->node, r->it->name);
	account(r, base, size);
}

static void __init reserve_with_address(const struct region *r, const struct dt_prop *reg)
{
	u32 tuple = (r->cells.addr + r->cells.size) * 4;
	phys_addr_t base, size;

	if (replaced_by_user(r))
		return;
	if (reg->len == 0 || reg->len % tuple)
		node_warn(r->it, "reg has %u bytes, not a multiple of %u\n", reg->len, tuple);
	for (unsigned int i = 0; dt_tuple(reg, r->cells, i, &base, &size); i++) {
		if (!size)
			continue;
		/* Without a way up, the number is all there is: better reserved in the wrong place
		 * than not at all. */
		dt_translate(r->it, false, &base);
		reserve_static(r, i, base, size);
	}
}

/* A number of one to two cells by its length; otherwise when the node does not have it, false when
 * it is malformed. */
static bool __init read_number(const struct region *r, const char *name, u64 otherwise, u64 *value)
{
	struct dt_prop prop;

	*value = otherwise;
	if (!dt_prop(r->it->dt, r->it->node, name, &prop))
		return true;
	if (prop.len != 4 && prop.len != 8) {
		node_err(r->it, "%s has %u bytes, not 4 or 8; nothing reserved\n", name, prop.len);
		return false;
	}
	*value = dt_number(prop.data, prop.len / 4);
	return true;
}

phys_addr_t __init alloc_between(phys_addr_t size, phys_addr_t align, phys_addr_t start,
				 phys_addr_t end)
{
	/* memblock takes an end of 0 or 1 for none. */
	return end > PAGE_SIZE ? memblock_phys_alloc_range(size, align, start, end) : 0;
}

/* Find room in one of the alloc-ranges, in their order; anywhere without them. 0: there is none. */
static phys_addr_t __init find_room(const struct region *r, phys_addr_t size, phys_addr_t align)
{
	phys_addr_t base, len, found = 0;
	struct dt_prop ranges;

	if (!dt_prop(r->it->dt, r->it->node, "alloc-ranges", &ranges))
		return memblock_phys_alloc_range(size, align, 0, MEMBLOCK_ALLOC_ANYWHERE);
	for (unsigned int i = 0; !found && dt_tuple(&ranges, r->cells, i, &base, &len); i++)
		if (len)
			found = alloc_between(size, align, base,
					      base + min(len, PHYS_ADDR_MAX - base));
	return found;
}

static void __init refuse_region(const struct region *r, const char *what, u64 value,
				 const char *why)
{
	node_err(r->it, "%s 0x%lx %s; nothing reserved\n", what, value, why);
}

static void __init reserve_by_size(const struct region *r)
{
	phys_addr_t size, align, base,
		least = r->reusable ? CMA_ALIGN
			: r->no_map ? PAGE_SIZE
				    : SMP_CACHE_BYTES;

	if (!read_number(r, "size", 0, &size) || !read_number(r, "alignment", 0, &align) ||
	    replaced_by_user(r))
		return;
	if (align & (align - 1)) {
		refuse_region(r, "alignment", align, "is no power of two");
		return;
	}
	align = max(align, least);
	if (size == 0 || size > memblock_phys_mem_size()) {
		refuse_region(r, "size", size, "is not possible");
		return;
	}
	if (r->reusable || r->no_map)
		size = ALIGN(size, least);
	base = find_room(r, size, align);
	if (!base) {
		refuse_region(r, "no room for", size, "bytes");
		return;
	}
	if (r->no_map && memblock_mark_nomap(base, size))
		node_err(r->it, "reserved at 0x%lx but mapped: too many ranges\n", base);
	account(r, base, size);
}

/* The regions with an address, or those without: the latter must not take what the former need. */
static void __init reserve_children(const struct dt_iter *parent, struct dt_cells cells,
				    bool with_address)
{
	struct dt_iter it = *parent;
	struct region r = {.cells = cells};
	struct dt_prop prop;
	int depth = it.depth + 1;

	while (dt_next_node(&it) && it.depth >= depth) {
		bool has_reg;

		if (it.depth != depth || !dt_available(it.dt, it.node))
			continue;
		has_reg = dt_prop(it.dt, it.node, "reg", &prop);
		if (has_reg != with_address)
			continue;
		read_region(&r, &it);
		if (has_reg)
			reserve_with_address(&r, &prop);
		else if (dt_has(&it, "size"))
			reserve_by_size(&r);
		else
			node_warn(&it, "neither reg nor size, ignored\n");
	}
}

/* What is odd about the node is said when it comes by for the first time. */
static void __init reserve_node(const struct dt_iter *it, bool with_address)
{
	struct dt_cells cells = dt_cells(it->dt, it->node, machine.cells);

	if (with_address && (cells.addr != machine.cells.addr || cells.size != machine.cells.size))
		node_warn(it, "#address-cells %u, #size-cells %u differ from the root's %u, %u\n",
			  cells.addr, cells.size, machine.cells.addr, machine.cells.size);
	if (with_address && !cells_usable(cells))
		node_err(it, "cells can be 1 or 2; nothing of it is reserved\n");
	else if (with_address && !dt_has(it, "ranges"))
		node_warn(it, "no ranges, its addresses are taken as the CPU's\n");
	if (cells_usable(cells))
		reserve_children(it, cells, with_address);
}

static void __init reserve_nodes(bool with_address)
{
	struct dt_iter it;

	if (!machine.reserved_memory || !dt_seek(&it, &machine.dt, machine.reserved_memory))
		return;
	do {
		if (it.depth == 1 && is_reserved_memory(&it))
			reserve_node(&it, with_address);
	} while (it.node < machine.last_reserved_memory && dt_next_node(&it));
}

void __init reserve_tree_regions(void)
{
	phys_addr_t base, size;

	for (u32 i = 0; dt_mem_rsv(&machine.dt, i, &base, &size); i++) {
		size = min(size, PHYS_ADDR_MAX - base);
		ledger_reserve_or_panic(base, size, OWNER_MEMRESERVE, i, "memreserve");
		pr_debug("memreserve[%u]: 0x%lx-0x%lx\n", i, base, base + size - 1);
	}
	reserve_nodes(true);
	reserve_nodes(false);
}
