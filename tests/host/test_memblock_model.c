/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on memblock against a model that knows no regions: physical memory is UNITS
 * cells of a quarter page, each with its memory and its reservation. After every operation the
 * arrays must be what the cells say, joined as far as possible.
 */
#include <mm/memblock.h>

#include <lib/kernel.h>

#include "host_mm.h"
#include "random.h"
#include "stubs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define UNITS      128
#define UNIT       (PAGE_SIZE / 4)
#define PAGE_UNITS 4
#define OPERATIONS 1000000

struct half {
	bool there;
	int nid;
	unsigned int flags;
};

static struct {
	struct half memory, reserved;
} cells[UNITS];
static bool trimmed; /* total_size of memory counts what was cut off */

static struct memblock pristine;

void free_memblock_range(phys_addr_t start, phys_addr_t end, int nid)
{
	(void)start;
	(void)end;
	(void)nid;
}

static struct half *half(unsigned int unit, bool reserved)
{
	return reserved ? &cells[unit].reserved : &cells[unit].memory;
}

static bool same(const struct half *a, const struct half *b)
{
	return a->there == b->there && a->nid == b->nid && a->flags == b->flags;
}

/* ---- What the arrays must be ---- */

static void check_type(const struct memblock_type *type, bool reserved)
{
	unsigned int unit = 0, end;
	unsigned long i = 0;
	phys_addr_t total = 0;

	for (; unit < UNITS; unit = end) {
		const struct half *h = half(unit, reserved);
		const struct memblock_region *r = &type->regions[i];

		for (end = unit + 1; end < UNITS && same(half(end, reserved), h); end++)
			;
		if (!h->there)
			continue;
		assert_true(i < type->cnt);
		assert_int_equal(r->base, unit * UNIT);
		assert_int_equal(r->size, (end - unit) * UNIT);
		assert_int_equal(r->flags, h->flags);
		assert_int_equal(r->nid, h->nid);
		total += r->size;
		i++;
	}
	assert_int_equal(type->cnt, i);
	if (reserved || !trimmed)
		assert_int_equal(type->total_size, total);
}

static bool eligible(unsigned int unit, int nid, unsigned int flags)
{
	const struct half *m = &cells[unit].memory;

	if (!m->there || (nid != NUMA_NO_NODE && m->nid != nid))
		return false;
	if (m->flags & ~flags & (MEMBLOCK_NOMAP | MEMBLOCK_DRIVER_MANAGED))
		return false;
	if (flags & ~m->flags & MEMBLOCK_MIRROR)
		return false;
	return !(movable_node_enabled && (m->flags & ~flags & MEMBLOCK_HOTPLUG));
}

static bool is_free(unsigned int unit, int nid, unsigned int flags)
{
	return eligible(unit, nid, flags) && !cells[unit].reserved.there;
}

/* Free ranges as the cells have them, against both directions of iteration. Empty ranges are passed
 * over. */
static void check_free_ranges(void)
{
	int nid = random_below(2) ? NUMA_NO_NODE : (int)random_below(3);
	unsigned int flags = random_below(2) ? 0 : random_below(16);
	struct {
		phys_addr_t start, end;
		int nid;
	} want[UNITS];
	unsigned int n = 0, seen = 0, end;
	phys_addr_t a, b;
	int node;
	u64 i;

	for (unsigned int unit = 0; unit < UNITS; unit = end) {
		end = unit + 1;
		if (!is_free(unit, nid, flags))
			continue;
		while (end < UNITS && is_free(end, nid, flags) &&
		       same(&cells[end].memory, &cells[unit].memory))
			end++;
		want[n].start = unit * UNIT;
		want[n].end = end * UNIT;
		want[n++].nid = cells[unit].memory.nid;
	}
	for_each_free_mem_range (i, nid, flags, &a, &b, &node) {
		if (a == b)
			continue;
		assert_true(seen < n);
		assert_int_equal(a, want[seen].start);
		assert_int_equal(b, want[seen].end);
		assert_int_equal(node, want[seen++].nid);
	}
	assert_int_equal(seen, n);
	for_each_free_mem_range_reverse (i, nid, flags, &a, &b, NULL) {
		if (a == b)
			continue;
		assert_true(seen-- > 0);
		assert_int_equal(a, want[seen].start);
		assert_int_equal(b, want[seen].end);
	}
	assert_int_equal(seen, 0);
}

/* Plain ranges in both directions see each cell once. */
static void check_ranges(void)
{
	unsigned int memory = 0, reserved = 0;
	phys_addr_t a, b, last = 0;
	u64 i;

	for (unsigned int unit = 0; unit < UNITS; unit++) {
		memory += eligible(unit, NUMA_NO_NODE, MEMBLOCK_HOTPLUG | MEMBLOCK_DRIVER_MANAGED);
		reserved += cells[unit].reserved.there;
	}
	for_each_mem_range (i, &a, &b) {
		assert_true(a >= last && a < b);
		last = b;
		memory -= (b - a) / UNIT;
	}
	assert_int_equal(memory, 0);
	for_each_mem_range_rev (i, &a, &b) {
		assert_true(b <= last && a < b);
		last = a;
		memory += (b - a) / UNIT;
	}
	for_each_mem_range (i, &a, &b)
		memory -= (b - a) / UNIT;
	assert_int_equal(memory, 0);
	for_each_reserved_mem_range (i, &a, &b)
		reserved -= (b - a) / UNIT;
	assert_int_equal(reserved, 0);
}

static void check_queries(void)
{
	unsigned int unit = random_below(UNITS), n = 1 + random_below(UNITS - unit);
	phys_addr_t base = unit * UNIT + random_below(UNIT);
	phys_addr_t size = (unit + n) * UNIT - base;
	bool whole = cells[unit].memory.there, any_memory = false, any_reserved = false;

	for (unsigned int i = unit; i < unit + n; i++) {
		whole = whole && same(&cells[i].memory, &cells[unit].memory);
		any_memory |= cells[i].memory.there;
		any_reserved |= cells[i].reserved.there;
	}
	assert_int_equal(memblock_is_memory(base), cells[unit].memory.there);
	assert_int_equal(memblock_is_reserved(base), cells[unit].reserved.there);
	assert_int_equal(memblock_is_map_memory(base),
			 cells[unit].memory.there && !(cells[unit].memory.flags & MEMBLOCK_NOMAP));
	assert_int_equal(memblock_is_region_memory(base, size), whole);
	assert_int_equal(memblock_is_region_reserved(base, size), any_reserved);
	assert_int_equal(memblock_overlaps_region(&memblock.memory, base, size), any_memory);
}

/* ---- Operations, on both ---- */

struct range {
	unsigned int from, to; /* units */
};

static struct range random_range(void)
{
	unsigned int from = random_below(UNITS), most = UNITS - from;

	return (struct range){from,
			      from + 1 + random_below(random_below(4) ? min(most, 12u) : most)};
}

static void put(struct range r, bool reserved, int nid, unsigned int flags)
{
	for (unsigned int i = r.from; i < r.to; i++)
		if (!half(i, reserved)->there)
			*half(i, reserved) = (struct half){true, nid, flags};
}

static void erase(unsigned int from, unsigned int to, bool reserved)
{
	for (unsigned int i = from; i < to; i++)
		*half(i, reserved) = (struct half){0};
}

static void set_flag(struct range r, bool reserved, unsigned int flag, bool set)
{
	for (unsigned int i = r.from; i < r.to; i++)
		if (half(i, reserved)->there)
			half(i, reserved)->flags = set ? half(i, reserved)->flags | flag
						       : half(i, reserved)->flags & ~flag;
}

static void set_nid(struct range r, bool reserved, int nid)
{
	for (unsigned int i = r.from; i < r.to; i++)
		if (half(i, reserved)->there)
			half(i, reserved)->nid = nid;
}

/* Where n free units of one region start, at a multiple of align, within [low, high); 0: nowhere.
 */
static unsigned int model_find(unsigned int n, unsigned int align, unsigned int low,
			       unsigned int high, int nid)
{
	unsigned int found = 0;

	for (unsigned int at = ALIGN(max(low, (unsigned int)PAGE_UNITS), align); at + n <= high;
	     at += align) {
		unsigned int i = at;

		while (i < at + n && is_free(i, nid, 0) &&
		       same(&cells[i].memory, &cells[at].memory))
			i++;
		if (i < at + n)
			continue;
		found = at;
		if (memblock_bottom_up())
			break;
	}
	return found;
}

static void allocate(void)
{
	unsigned int n = 1 + random_below(8), align = 1 << random_below(5);
	unsigned int low = random_below(2) ? 0 : random_below(UNITS);
	unsigned int high = random_below(2) ? UNITS : random_below(UNITS);
	int nid = random_below(2) ? NUMA_NO_NODE : (int)random_below(3);
	bool exact = random_below(2);
	/* An end of 0 asks for current_limit. */
	unsigned int found = model_find(n, align, low, high ? high : UNITS, nid);
	int on = nid;

	if (!found && nid != NUMA_NO_NODE && !exact) {
		on = NUMA_NO_NODE;
		found = model_find(n, align, low, high ? high : UNITS, on);
	}
	assert_int_equal(memblock_alloc_range_nid(n * UNIT, align * UNIT, low * UNIT, high * UNIT,
						  nid, exact),
			 found * UNIT);
	if (found)
		put((struct range){found, found + n}, true, on, MEMBLOCK_RSRV_KERN);
}

static void trim(void)
{
	unsigned int align = 1 << random_below(4), end;

	for (unsigned int unit = 0; unit < UNITS; unit = end) {
		struct half h = cells[unit].memory;
		unsigned int start = ALIGN(unit, align);

		for (end = unit + 1; end < UNITS && same(&cells[end].memory, &h); end++)
			;
		if (!h.there)
			continue;
		trimmed |= start != unit || end % align;
		erase(unit, min(start, end), false);
		erase(max(start, ALIGN_DOWN(end, align)), end, false);
	}
	memblock_trim_memory(align * UNIT);
}

/* The unit behind the first n units of memory, 0 if there are fewer. */
static unsigned int end_of_first(unsigned int n)
{
	for (unsigned int i = 0; i < UNITS; i++)
		if (cells[i].memory.there && --n == 0)
			return i + 1;
	return 0;
}

static void model_cap(unsigned int from, unsigned int to)
{
	for (unsigned int i = 0; i < UNITS; i++) {
		if (i >= from && i < to)
			continue;
		if (!(cells[i].memory.flags & MEMBLOCK_NOMAP))
			erase(i, i + 1, false);
		erase(i, i + 1, true);
	}
}

/* As in Linux, no-map memory across an edge of what is kept stays cut there. The model knows no
 * cuts: not done. */
static bool cuts_nomap(unsigned int edge)
{
	return edge > 0 && edge < UNITS && cells[edge].memory.flags & MEMBLOCK_NOMAP &&
	       same(&cells[edge].memory, &cells[edge - 1].memory);
}

static void limit(struct range r)
{
	unsigned int n = 1 + random_below(UNITS), end = end_of_first(n);

	switch (random_below(3)) {
	case 0:
		if (end)
			erase(end, UNITS, false);
		if (end)
			erase(end, UNITS, true);
		memblock_enforce_memory_limit(n * UNIT);
		break;
	case 1:
		if (cuts_nomap(end))
			break;
		if (end)
			model_cap(0, end);
		memblock_mem_limit_remove_map(n * UNIT);
		break;
	default:
		if (cuts_nomap(r.from) || cuts_nomap(r.to) || !memblock_phys_mem_size())
			break;
		model_cap(r.from, r.to);
		memblock_cap_memory_range(r.from * UNIT, (r.to - r.from) * UNIT);
	}
}

static void change_marks(struct range r, phys_addr_t base, phys_addr_t size)
{
	static const struct {
		int (*call)(phys_addr_t base, phys_addr_t size);
		unsigned int flag;
		bool reserved, set;
	} marks[] = {
		{memblock_mark_nomap, MEMBLOCK_NOMAP, false, true},
		{memblock_clear_nomap, MEMBLOCK_NOMAP, false, false},
		{memblock_mark_hotplug, MEMBLOCK_HOTPLUG, false, true},
		{memblock_clear_hotplug, MEMBLOCK_HOTPLUG, false, false},
		{memblock_reserved_mark_noinit, MEMBLOCK_RSRV_NOINIT, true, true},
		{memblock_reserved_mark_kern, MEMBLOCK_RSRV_KERN, true, true},
	};
	unsigned int i = random_below(ARRAY_SIZE(marks));

	set_flag(r, marks[i].reserved, marks[i].flag, marks[i].set);
	assert_int_equal(marks[i].call(base, size), 0);
}

static void operate(void)
{
	struct range r = random_range();
	phys_addr_t base = r.from * UNIT, size = (r.to - r.from) * UNIT;
	unsigned int flag = random_below(2) ? 0 : 1u << random_below(4);
	int nid = random_below(2) ? MAX_NUMNODES : (int)random_below(3);
	bool type = random_below(2);

	switch (random_below(16)) {
	case 0:
	case 1:
		put(r, false, MAX_NUMNODES, 0);
		assert_int_equal(memblock_add(base, size), 0);
		break;
	case 2:
	case 3:
	case 4:
		put(r, false, nid, flag);
		assert_int_equal(memblock_add_node(base, size, nid, flag), 0);
		break;
	case 5:
		erase(r.from, r.to, false);
		assert_int_equal(memblock_remove(base, size), 0);
		break;
	case 6:
		put(r, true, NUMA_NO_NODE, 0);
		assert_int_equal(memblock_reserve(base, size), 0);
		break;
	case 7:
		put(r, true, nid, flag << 3);
		assert_int_equal(__memblock_reserve(base, size, nid, flag << 3), 0);
		break;
	case 8:
	case 9:
		erase(r.from, r.to, true);
		assert_int_equal(memblock_phys_free(base, size), 0);
		break;
	case 10:
		change_marks(r, base, size);
		break;
	case 11:
		set_nid(r, type, nid);
		assert_int_equal(memblock_set_node(base, size,
						   type ? &memblock.reserved : &memblock.memory,
						   nid),
				 0);
		break;
	case 12:
		if (!random_below(8))
			trim();
		else if (!random_below(8))
			limit(r);
		break;
	default:
		allocate();
	}
}

static void start_over(void)
{
	memblock = pristine;
	memset(memblock.memory.regions, 0, memblock.memory.max * sizeof(struct memblock_region));
	memset(memblock.reserved.regions, 0,
	       memblock.reserved.max * sizeof(struct memblock_region));
	memset(cells, 0, sizeof(cells));
	trimmed = false;
	host_mm_setup();
	memblock_set_current_limit(UNITS * UNIT);
	memblock_set_bottom_up(random_below(2));
	movable_node_enabled = random_below(2);
}

static void agrees_with_the_model(void **state)
{
	(void)state;
	pristine = memblock;
	for (unsigned int n = 0; n < OPERATIONS; n++) {
		if (n % 1000 == 0)
			start_over();
		operate();
		check_type(&memblock.memory, false);
		check_type(&memblock.reserved, true);
		if (n % 4 == 0)
			check_free_ranges();
		if (n % 64 == 0)
			check_ranges();
		check_queries();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_model),
	};

	return cmocka_run_group_tests(tests, random_setup, NULL);
}
