/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold when the kernel took a tree, by a reader of its own: libfdt's interface where the
 * kernel has lib/dt.c, plain lists of ranges where it has memblock.
 */
#include <libfdt.h>

#include "../host/kernel_string.h"
#include "fuzz.h"

#include <asm/memory.h>
#include <asm/page.h>
#include <asm/sections.h>
#include <asm/setup.h>
#include <mm/memblock.h>
#include <mm/mm.h>

/* ---- lists of ranges ---- */

void ranges_add(struct ranges *list, phys_addr_t start, phys_addr_t end)
{
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 64;
		list->at = realloc(list->at, list->room * sizeof(*list->at));
	}
	list->at[list->count++] = (struct range){start, end};
}

/* A tuple of the tree; what passes the end of all addresses is cut. */
static void add_tuple(struct ranges *list, u64 base, u64 size)
{
	if (size)
		ranges_add(list, base, base + min(size, PHYS_ADDR_MAX - base));
}

static int by_start(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

void ranges_join(struct ranges *list)
{
	unsigned long kept = 0;

	if (!list->count)
		return;
	qsort(list->at, list->count, sizeof(*list->at), by_start);
	for (unsigned long i = 1; i < list->count; i++) {
		if (list->at[i].start <= list->at[kept].end)
			list->at[kept].end = max(list->at[kept].end, list->at[i].end);
		else
			list->at[++kept] = list->at[i];
	}
	list->count = kept + 1;
}

/* The first range that ends above addr; the list is joined. NULL: none. */
static const struct range *range_above(const struct ranges *list, phys_addr_t addr)
{
	unsigned long low = 0, high = list->count;

	while (low < high) {
		unsigned long mid = low + (high - low) / 2;

		if (list->at[mid].end > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low < list->count ? &list->at[low] : NULL;
}

/* ---- the tree, by libfdt ---- */

static const void *fdt;

static u32 cell(const void *p)
{
	return fdt32_ld(p);
}

static u64 number(const u8 *p, u32 cells)
{
	return cells == 2 ? (u64)cell(p) << 32 | cell(p + 4) : cell(p);
}

static const u8 *prop(int node, const char *name, u32 *len)
{
	int n;
	const u8 *p = fdt_getprop(fdt, node, name, &n);

	*len = p ? (u32)n : 0;
	return p;
}

static u32 cells_of(int node, const char *name, u32 otherwise)
{
	u32 len;
	const u8 *p = prop(node, name, &len);

	return p && len == 4 ? cell(p) : otherwise;
}

static bool has(int node, const char *name)
{
	u32 len;

	return prop(node, name, &len) != NULL;
}

static bool is_type(int node, const char *type)
{
	u32 len;
	const u8 *p = prop(node, "device_type", &len);

	/* The first string counts. */
	return p && len > strlen(type) && !memcmp(p, type, strlen(type) + 1);
}

/* True when the strings in [p, p + len) have s among them. */
static bool strings_have(const u8 *p, u32 len, const char *s)
{
	u32 start = 0;

	for (u32 i = 0; i < len; i++)
		if (!p[i]) {
			if (!strcmp((const char *)p + start, s))
				return true;
			start = i + 1;
		}
	return false;
}

static bool is_available(int node)
{
	u32 len;
	const u8 *p = prop(node, "status", &len);

	return !p || strings_have(p, len, "okay") || strings_have(p, len, "ok");
}

static bool is_named(int node, const char *name)
{
	const char *n = fdt_get_name(fdt, node, NULL);

	/* With unit address or without. */
	return n && !strncmp(n, name, strlen(name)) && (!n[strlen(name)] || n[strlen(name)] == '@');
}

/* Is there a page that lies in one of the ranges, whole? */
static bool has_page(const struct ranges *list)
{
	for (unsigned long i = 0; i < list->count; i++) {
		phys_addr_t start = list->at[i].start;

		if (start <= PHYS_ADDR_MAX - PAGE_SIZE &&
		    PAGE_ALIGN(start) < ALIGN_DOWN(list->at[i].end, PAGE_SIZE))
			return true;
	}
	return false;
}

/* Tuples of a property to a list, for address and size cells of 1 or 2. */
static void add_tuples(struct ranges *list, const u8 *p, u32 len, u32 ac, u32 sc)
{
	u32 tuple = 4 * (ac + sc);

	for (; p && len >= tuple; p += tuple, len -= tuple)
		add_tuple(list, number(p, ac), number(p + 4 * ac, sc));
}

struct stated {
	struct ranges memory, usable, taken;
	bool limited; /* usable counts */
};

static void read_memory(struct stated *st, u32 ac, u32 sc)
{
	int node;

	fdt_for_each_subnode(node, fdt, 0)
	{
		u32 len;
		const u8 *p = prop(node, "linux,usable-memory", &len);

		if (!is_type(node, "memory") || !is_available(node))
			continue;
		if (!p)
			p = prop(node, "reg", &len);
		add_tuples(&st->memory, p, len, ac, sc);
	}
}

/* The last one of all nodes called chosen counts. */
static void read_usable(struct stated *st, u32 ac, u32 sc)
{
	int node, at;

	fdt_for_each_subnode(node, fdt, 0)
	{
		if (!is_named(node, "chosen"))
			continue;
		fdt_for_each_property_offset(at, fdt, node)
		{
			const char *name;
			int len;
			const u8 *p = fdt_getprop_by_offset(fdt, at, &name, &len);

			if (!p || strcmp(name, "linux,usable-memory-range"))
				continue;
			st->usable.count = 0;
			add_tuples(&st->usable, p, (u32)len, ac, sc);
			st->limited = has_page(&st->usable);
		}
	}
}

static void read_cpus(struct stated *st)
{
	int node, cpu;

	fdt_for_each_subnode(node, fdt, 0)
	{
		if (!is_named(node, "cpus"))
			continue;
		fdt_for_each_subnode(cpu, fdt, node)
		{
			u32 len, status_len;
			const u8 *p = prop(cpu, "cpu-release-addr", &len);
			const u8 *status = prop(cpu, "status", &status_len);

			if (!is_type(cpu, "cpu") || (len != 4 && len != 8) ||
			    (status_len >= 4 && !memcmp(status, "fail", 4)))
				continue;
			add_tuple(&st->taken, ALIGN_DOWN(number(p, len / 4), PAGE_SIZE), PAGE_SIZE);
		}
	}
}

static void read_memreserve(struct stated *st)
{
	const u8 *p = (const u8 *)fdt + fdt_off_mem_rsvmap(fdt);
	const u8 *end = (const u8 *)fdt + fdt_totalsize(fdt);

	for (; end - p >= 16 && number(p + 8, 2); p += 16)
		add_tuple(&st->taken, number(p, 2), number(p + 8, 2));
}

/* From /reserved-memory's address space to the CPU's; unchanged where there is no way. */
static u64 translate(int bus, u64 addr)
{
	u32 child = cells_of(bus, "#address-cells", 2), size = cells_of(bus, "#size-cells", 1);
	u32 parent = cells_of(0, "#address-cells", 2), tuple = 4 * (child + parent + size), len;
	const u8 *p = prop(bus, "ranges", &len);

	if (child - 1 > 1 || parent - 1 > 1 || size - 1 > 1)
		return addr;
	for (; len >= tuple; p += tuple, len -= tuple) {
		u64 base = number(p, child);

		if (addr >= base && addr - base < number(p + 4 * (child + parent), size))
			return number(p + 4 * child, parent) + (addr - base);
	}
	return addr;
}

/* What the kernel says in words it does not reserve is left out: cells it cannot read, the default
 * area that cma= replaces. */
static void read_reserved_memory(struct stated *st, u32 ac, u32 sc)
{
	int node, child;

	fdt_for_each_subnode(node, fdt, 0)
	{
		u32 own_ac = cells_of(node, "#address-cells", ac);
		u32 own_sc = cells_of(node, "#size-cells", sc), tuple = 4 * (own_ac + own_sc);

		if (!is_named(node, "reserved-memory") || own_ac - 1 > 1 || own_sc - 1 > 1)
			continue;
		fdt_for_each_subnode(child, fdt, node)
		{
			u32 len;
			const u8 *p = prop(child, "reg", &len);

			if (!is_available(child) ||
			    (has(child, "reusable") && has(child, "linux,cma-default") &&
			     !has(child, "no-map") && machine.cma_param.size != PHYS_ADDR_MAX))
				continue;
			for (; p && len >= tuple; p += tuple, len -= tuple)
				add_tuple(&st->taken, translate(node, number(p, own_ac)),
					  number(p + 4 * own_ac, own_sc));
		}
	}
}

/* ---- the rules ---- */

/* Ranges lie in order, apart, and on whole pages. */
static void check_given(const struct ranges *given)
{
	phys_addr_t last = 0;

	for (unsigned long i = 0; i < given->count; i++) {
		const struct range *r = &given->at[i];

		if (r->start >= r->end || !IS_ALIGNED(r->start | r->end, PAGE_SIZE))
			finding("0x%lx-0x%lx given out: no whole pages", r->start, r->end);
		if (r->start < last)
			finding("0x%lx-0x%lx given out: below the end of the last, 0x%lx", r->start,
				r->end, last);
		last = r->end;
	}
}

static void check_inside(const struct ranges *given, struct ranges *outer, const char *what)
{
	ranges_join(outer);
	for (unsigned long i = 0; i < given->count; i++) {
		const struct range *r = &given->at[i], *in = range_above(outer, r->start);

		if (!in || r->start < in->start || r->end > in->end)
			finding("0x%lx-0x%lx given out: not all of it is %s", r->start, r->end,
				what);
	}
}

static void check_outside(const struct ranges *given, phys_addr_t start, phys_addr_t end,
			  const char *what)
{
	const struct range *r = range_above(given, start);

	if (r && start < end && r->start < end)
		finding("0x%lx-0x%lx given out: 0x%lx-0x%lx in it is %s", r->start, r->end, start,
			end, what);
}

/* memblock's promise: sorted, apart, nothing empty, what can be one region is one, sums right. */
static void check_array(const struct memblock_type *type)
{
	phys_addr_t total = 0;

	if (type->cnt > type->max)
		finding("memblock.%s: %lu regions of %lu", type->name, type->cnt, type->max);
	for (unsigned long i = 0; i < type->cnt; i++) {
		const struct memblock_region *r = &type->regions[i], *last = r - 1;

		if (!r->size || r->size > PHYS_ADDR_MAX - r->base)
			finding("memblock.%s[%lu]: 0x%lx bytes at 0x%lx", type->name, i, r->size,
				r->base);
		total += r->size;
		if (!i)
			continue;
		if (r->base < last->base + last->size)
			finding("memblock.%s[%lu]: at 0x%lx, below the end of the last", type->name,
				i, r->base);
		if (r->base == last->base + last->size && r->flags == last->flags &&
		    r->nid == last->nid)
			finding("memblock.%s[%lu]: at 0x%lx, not merged", type->name, i, r->base);
	}
	if (type->cnt && total != type->total_size)
		finding("memblock.%s: total 0x%lx, kept as 0x%lx", type->name, total,
			type->total_size);
}

/* What is in memory, mapped and not reserved was given out, and nothing else. */
static void check_complete(const struct ranges *given)
{
	struct ranges all = {0};
	unsigned long n = 0;

	for (unsigned long i = 0, j = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *m = &memblock.memory.regions[i];
		phys_addr_t at = m->base, end = m->base + m->size;

		if (m->flags & MEMBLOCK_NOMAP)
			continue;
		while (at < end) {
			const struct memblock_region *r = &memblock.reserved.regions[j];
			phys_addr_t stop;

			if (j < memblock.reserved.cnt && r->base + r->size <= at) {
				j++;
				continue;
			}
			stop = j < memblock.reserved.cnt ? min(max(r->base, at), end) : end;
			if (PAGE_ALIGN(at) < ALIGN_DOWN(stop, PAGE_SIZE))
				ranges_add(&all, PAGE_ALIGN(at), ALIGN_DOWN(stop, PAGE_SIZE));
			at = stop < end ? r->base + r->size : end;
		}
	}
	for (; n < all.count && n < given->count; n++)
		if (all.at[n].start != given->at[n].start || all.at[n].end != given->at[n].end)
			break;
	if (n < all.count || n < given->count)
		finding("range %lu of those free in memblock, %lu of them: 0x%lx-; given out, %lu: 0x%lx-",
			n, all.count, n < all.count ? all.at[n].start : 0, given->count,
			n < given->count ? given->at[n].start : 0);
	free(all.at);
}

/* Memory that the linear map and the CPU reach. */
static void check_reach(const struct ranges *given, unsigned int pa_bits)
{
	for (unsigned long i = 0; i < given->count; i++) {
		const struct range *r = &given->at[i];

		if (r->start < memstart_addr || r->end - memstart_addr > LINEAR_SIZE)
			finding("0x%lx-0x%lx given out: outside the linear map from 0x%lx",
				r->start, r->end, memstart_addr);
		if ((r->end - 1) >> pa_bits)
			finding("0x%lx-0x%lx given out: beyond %u bits", r->start, r->end, pa_bits);
	}
}

static phys_addr_t array_address(const void *array)
{
	if (is_linear_address((unsigned long)array))
		return virt_to_phys(array);
	return (const char *)array >= _text && (const char *)array < image_end()
		       ? __pa_symbol(array)
		       : 0;
}

static void check_own(const struct outcome *out)
{
	const struct memblock_type *types[] = {&memblock.memory, &memblock.reserved};

	check_outside(&out->given, out->blob.start, out->blob.end, "the tree");
	check_outside(&out->given, machine.initrd_start, machine.initrd_end, "the initrd");
	check_outside(&out->given, machine.cma_base, machine.cma_base + machine.cma_size, "cma");
	for (unsigned int i = 0; i < ARRAY_SIZE(out->kept); i++)
		check_outside(&out->given, out->kept[i].start, out->kept[i].end, "the kernel's");
	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++) {
		phys_addr_t at = array_address(types[i]->regions);

		if (at)
			check_outside(&out->given, at,
				      at + types[i]->max * sizeof(*types[i]->regions),
				      "a memblock array");
	}
}

void check_outcome(const struct outcome *out)
{
	static struct stated st;
	u32 ac, sc;

	fdt = out->tree;
	if (fdt_check_full(fdt, out->size))
		finding("the kernel took a tree that libfdt calls broken");
	ac = cells_of(0, "#address-cells", 2);
	sc = cells_of(0, "#size-cells", 1);
	if (ac - 1 > 1 || sc - 1 > 1)
		finding("the kernel took a tree with %u and %u cells", ac, sc);
	st.memory.count = st.usable.count = st.taken.count = 0;
	st.limited = false;
	read_memory(&st, ac, sc);
	read_usable(&st, ac, sc);
	read_cpus(&st);
	read_memreserve(&st);
	read_reserved_memory(&st, ac, sc);

	check_array(&memblock.memory);
	check_array(&memblock.reserved);
	check_given(&out->given);
	check_complete(&out->given);
	check_reach(&out->given, out->pa_bits);
	check_own(out);
	for (unsigned long i = 0; i < st.taken.count; i++)
		check_outside(&out->given, st.taken.at[i].start, st.taken.at[i].end,
			      "reserved by the tree");
	ranges_add(&st.memory, out->image.start, out->image.end);
	check_inside(&out->given, &st.memory, "memory of the tree's");
	if (st.limited) {
		ranges_add(&st.usable, out->image.start, out->image.end);
		check_inside(&out->given, &st.usable, "usable memory");
	}
}
