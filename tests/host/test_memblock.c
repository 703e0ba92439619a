/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock, case by case. In the drawings a letter is a region of a type, '.' is nothing; each
 * place is a page unless the case says otherwise. Random operations against a model are in
 * test_memblock_model.c.
 *
 * Cases are in order: those before memblock_allow_resize(), those after it, memblock_free_all()
 * last, as in a boot.
 */
#include <mm/memblock.h>

#include <asm/brk.h>
#include <asm/memory.h>
#include <lib/cmdline.h>
#include <lib/errno.h>

#include "host_mm.h"
#include "stubs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sanitizer/asan_interface.h>

#define MB      SZ_1M
#define PAGE(n) ((phys_addr_t)(n) << PAGE_SHIFT)
#define FREE    MEMBLOCK_NONE
#define KERN    MEMBLOCK_RSRV_KERN

static struct memblock pristine;

static int setup(void **state)
{
	(void)state;
	if (!pristine.memory.regions)
		pristine = memblock;
	memblock = pristine;
	memset(memblock.memory.regions, 0, memblock.memory.max * sizeof(struct memblock_region));
	memset(memblock.reserved.regions, 0,
	       memblock.reserved.max * sizeof(struct memblock_region));
	movable_node_enabled = false;
	stub_warnings = 0;
	host_mm_setup();
	return 0;
}

struct expected {
	phys_addr_t base, size;
	enum memblock_flags flags;
	int nid;
};

/* The type holds exactly these regions. */
#define assert_regions(type, ...)                                                                  \
	do {                                                                                       \
		const struct expected list[] = {__VA_ARGS__};                                      \
		check_regions(type, list, sizeof(list) / sizeof(list[0]));                         \
	} while (0)

static void check_regions(const struct memblock_type *type, const struct expected *want,
			  unsigned long n)
{
	phys_addr_t total = 0;

	assert_int_equal(type->cnt, n);
	for (unsigned long i = 0; i < n; i++) {
		assert_int_equal(type->regions[i].base, want[i].base);
		assert_int_equal(type->regions[i].size, want[i].size);
		assert_int_equal(type->regions[i].flags, want[i].flags);
		assert_int_equal(type->regions[i].nid, want[i].nid);
		total += want[i].size;
	}
	assert_int_equal(type->total_size, total);
}

static void check_empty(const struct memblock_type *type)
{
	assert_int_equal(type->cnt, 0);
	assert_int_equal(type->total_size, 0);
	assert_int_equal(type->regions[0].base, 0);
	assert_int_equal(type->regions[0].size, 0);
	assert_int_equal(type->regions[0].flags, 0);
}

static void starts_empty(void **state)
{
	(void)state;
	check_empty(&memblock.memory);
	check_empty(&memblock.reserved);
	assert_string_equal(memblock.memory.name, "memory");
	assert_string_equal(memblock.reserved.name, "reserved");
	assert_int_equal(memblock.memory.max, INIT_MEMBLOCK_REGIONS);
	assert_int_equal(memblock.current_limit, MEMBLOCK_ALLOC_ANYWHERE);
	assert_false(memblock_bottom_up());
	assert_int_equal(memblock_start_of_DRAM(), 0);
	assert_int_equal(memblock_end_of_DRAM(), 0);
	assert_false(memblock_is_memory(0));
	assert_int_equal(memblock_remove(0, PHYS_ADDR_MAX), 0);
	memblock_trim_memory(MB);
	memblock_enforce_memory_limit(MB);
	check_empty(&memblock.memory);
}

/* AA..BB  + ..CC..  =  AACCBB as one region */
static void add_joins_both_sides(void **state)
{
	(void)state;
	memblock_add(PAGE(1), PAGE(2));
	memblock_add(PAGE(5), PAGE(2));
	assert_int_equal(memblock.memory.cnt, 2);
	memblock_add(PAGE(3), PAGE(2));
	assert_regions(&memblock.memory, {PAGE(1), PAGE(6), FREE, MAX_NUMNODES});
}

/* .AA..BB.CC.  +  DDDDDDDDDDD  =  DAADDBBDCCD, joined where node and flags agree */
static void add_fills_the_gaps(void **state)
{
	(void)state;
	memblock_add_node(PAGE(1), PAGE(2), 0, FREE);
	memblock_add_node(PAGE(5), PAGE(2), 1, FREE);
	memblock_add_node(PAGE(8), PAGE(2), 0, MEMBLOCK_HOTPLUG);
	assert_int_equal(stub_warnings, 0);
	memblock_add_node(0, PAGE(11), 0, FREE);
	assert_regions(&memblock.memory, {0, PAGE(5), FREE, 0}, {PAGE(5), PAGE(2), FREE, 1},
		       {PAGE(7), PAGE(1), FREE, 0}, {PAGE(8), PAGE(2), MEMBLOCK_HOTPLUG, 0},
		       {PAGE(10), PAGE(1), FREE, 0});
	assert_int_equal(stub_warnings, 1); /* node 1; flags were not asked for */
}

static void disagreement_keeps_the_first(void **state)
{
	(void)state;
	memblock_add_node(PAGE(2), PAGE(2), 1, MEMBLOCK_MIRROR);
	memblock_add_node(PAGE(1), PAGE(2), 1, MEMBLOCK_NOMAP);
	assert_regions(&memblock.memory, {PAGE(1), PAGE(1), MEMBLOCK_NOMAP, 1},
		       {PAGE(2), PAGE(2), MEMBLOCK_MIRROR, 1});
	assert_int_equal(stub_warnings, 1);
	assert_non_null(strstr(stub_warning, "[0x1000-0x2fff] node 1 flags 0x4"));
	/* Not knowing the node is no disagreement. */
	memblock_add(0, PAGE(4));
	assert_int_equal(stub_warnings, 1);
	assert_int_equal(memblock.memory.cnt, 3);
}

static void sizes_at_the_edge(void **state)
{
	(void)state;
	memblock_add(PAGE(1), 0);
	memblock_reserve(0, 0);
	check_empty(&memblock.memory);
	check_empty(&memblock.reserved);
	memblock_add(-PAGE(1), PAGE(5));
	assert_regions(&memblock.memory, {-PAGE(1), PAGE(1) - 1, FREE, MAX_NUMNODES});
	assert_true(memblock_is_region_memory(-PAGE(1), PHYS_ADDR_MAX));
	assert_false(memblock_is_memory(PHYS_ADDR_MAX));
	memblock_remove(PAGE(1), PHYS_ADDR_MAX);
	check_empty(&memblock.memory);
	assert_int_equal(memblock.memory.regions[0].nid, MAX_NUMNODES);
}

/* AAAAAAAA  -  ..RRR...  =  AA...AAA */
static void remove_cuts(void **state)
{
	(void)state;
	memblock_add(PAGE(0), PAGE(8));
	memblock_remove(PAGE(2), PAGE(3));
	assert_regions(&memblock.memory, {0, PAGE(2), FREE, MAX_NUMNODES},
		       {PAGE(5), PAGE(3), FREE, MAX_NUMNODES});
	memblock_remove(PAGE(1), PAGE(6));
	assert_regions(&memblock.memory, {0, PAGE(1), FREE, MAX_NUMNODES},
		       {PAGE(7), PAGE(1), FREE, MAX_NUMNODES});
}

/* AAAAAAAA  mark ..MM....  =  AAMMAAAA, clear = AAAAAAAA */
static void flags_cut_and_join(void **state)
{
	(void)state;
	memblock_add(0, PAGE(8));
	memblock_mark_nomap(PAGE(2), PAGE(2));
	assert_regions(&memblock.memory, {0, PAGE(2), FREE, MAX_NUMNODES},
		       {PAGE(2), PAGE(2), MEMBLOCK_NOMAP, MAX_NUMNODES},
		       {PAGE(4), PAGE(4), FREE, MAX_NUMNODES});
	assert_true(memblock_is_memory(PAGE(2)));
	assert_false(memblock_is_map_memory(PAGE(2)));
	assert_true(memblock_is_map_memory(PAGE(4)));
	memblock_mark_hotplug(0, PAGE(8));
	memblock_clear_nomap(PAGE(3), PAGE(5));
	memblock_clear_nomap(0, PAGE(3));
	assert_regions(&memblock.memory, {0, PAGE(8), MEMBLOCK_HOTPLUG, MAX_NUMNODES});
	memblock_clear_hotplug(0, PAGE(8));
	memblock_set_node(PAGE(4), PAGE(4), &memblock.memory, 1);
	assert_regions(&memblock.memory, {0, PAGE(4), FREE, MAX_NUMNODES},
		       {PAGE(4), PAGE(4), FREE, 1});

	memblock_reserve(PAGE(1), PAGE(4));
	memblock_reserve_kern(PAGE(5), PAGE(1));
	memblock_reserved_mark_noinit(PAGE(1), PAGE(1));
	memblock_reserved_mark_kern(PAGE(4), PAGE(1));
	assert_regions(&memblock.reserved, {PAGE(1), PAGE(1), MEMBLOCK_RSRV_NOINIT, NUMA_NO_NODE},
		       {PAGE(2), PAGE(2), FREE, NUMA_NO_NODE},
		       {PAGE(4), PAGE(2), KERN, NUMA_NO_NODE});
	assert_int_equal(memblock_reserved_kern_size(MEMBLOCK_ALLOC_ANYWHERE, NUMA_NO_NODE),
			 PAGE(2));
	assert_int_equal(memblock_reserved_kern_size(PAGE(5), NUMA_NO_NODE), PAGE(1));
	assert_int_equal(memblock_estimated_nr_free_pages(), 6);
}

/* In quarters of a page: .AAAA.. AA. AAAAAAAA  ->  ....... ... AAAAAAAA */
static void trim_rounds_inwards(void **state)
{
	phys_addr_t quarter = PAGE_SIZE / 4;

	(void)state;
	memblock_add(quarter, PAGE_SIZE);
	memblock_add(PAGE(3) - quarter, 2 * quarter);
	memblock_add(PAGE(4), PAGE(2));
	memblock_add(PAGE(7) - 1, PAGE(1) + 2);
	memblock_trim_memory(PAGE_SIZE);
	assert_int_equal(memblock.memory.cnt, 2);
	assert_int_equal(memblock.memory.regions[0].base, PAGE(4));
	assert_int_equal(memblock.memory.regions[0].size, PAGE(2));
	assert_int_equal(memblock.memory.regions[1].base, PAGE(7));
	assert_int_equal(memblock.memory.regions[1].size, PAGE(1));
	/* What was cut off is still in the total, until nothing is left and a new list begins. */
	memblock_trim_memory(MB);
	assert_int_equal(memblock.memory.cnt, 0);
	memblock_add(PAGE(4), PAGE(2));
	assert_regions(&memblock.memory, {PAGE(4), PAGE(2), FREE, MAX_NUMNODES});
}

/* memory AAAA..BBBB, reserved .R....RR.R, limit of 6 pages: AAAA..BB / .R....RR.. */
static void limit_counts_memory(void **state)
{
	(void)state;
	memblock_add(0, PAGE(4));
	memblock_add(PAGE(6), PAGE(4));
	memblock_reserve(PAGE(1), PAGE(1));
	memblock_reserve(PAGE(6), PAGE(2));
	memblock_reserve(PAGE(9), PAGE(1));
	memblock_enforce_memory_limit(0);
	memblock_enforce_memory_limit(PAGE(9));
	assert_int_equal(memblock_phys_mem_size(), PAGE(8));
	memblock_enforce_memory_limit(PAGE(6));
	assert_regions(&memblock.memory, {0, PAGE(4), FREE, MAX_NUMNODES},
		       {PAGE(6), PAGE(2), FREE, MAX_NUMNODES});
	assert_regions(&memblock.reserved, {PAGE(1), PAGE(1), FREE, NUMA_NO_NODE},
		       {PAGE(6), PAGE(2), FREE, NUMA_NO_NODE});
}

/* memory AANNAAAAAANN (N no-map), cap to ....CCCC....: ..NNAAAA..NN; reservations outside go */
static void cap_spares_nomap(void **state)
{
	(void)state;
	memblock_cap_memory_range(PAGE(4), PAGE(4));
	assert_int_equal(stub_warnings, 1);
	memblock_add(0, PAGE(12));
	memblock_mark_nomap(PAGE(2), PAGE(2));
	memblock_mark_nomap(PAGE(10), PAGE(2));
	memblock_reserve(0, PAGE(5));
	memblock_reserve(PAGE(7), PAGE(4));
	memblock_cap_memory_range(PAGE(4), 0);
	assert_int_equal(memblock_phys_mem_size(), PAGE(12));
	memblock_cap_memory_range(PAGE(4), PAGE(4));
	assert_regions(&memblock.memory, {PAGE(2), PAGE(2), MEMBLOCK_NOMAP, MAX_NUMNODES},
		       {PAGE(4), PAGE(4), FREE, MAX_NUMNODES},
		       {PAGE(10), PAGE(2), MEMBLOCK_NOMAP, MAX_NUMNODES});
	assert_regions(&memblock.reserved, {PAGE(4), PAGE(1), FREE, NUMA_NO_NODE},
		       {PAGE(7), PAGE(1), FREE, NUMA_NO_NODE});
	/* A size that wraps ends at the end of the address space: nothing to forget above. */
	memblock_cap_memory_range(PAGE(4), PHYS_ADDR_MAX);
	assert_int_equal(memblock.reserved.cnt, 2);
}

static void queries(void **state)
{
	unsigned long start = 0, end = 0;

	(void)state;
	memblock_add_node(PAGE(2), PAGE(2), 3, FREE);
	memblock_add_node(PAGE(4), PAGE(2), 1, FREE);
	memblock_reserve(PAGE(3), PAGE(1));
	assert_int_equal(memblock_start_of_DRAM(), PAGE(2));
	assert_int_equal(memblock_end_of_DRAM(), PAGE(6));
	assert_false(memblock_is_memory(PAGE(2) - 1));
	assert_true(memblock_is_memory(PAGE(2)));
	assert_true(memblock_is_memory(PAGE(6) - 1));
	assert_false(memblock_is_memory(PAGE(6)));
	assert_true(memblock_is_region_memory(PAGE(2), PAGE(2)));
	assert_false(memblock_is_region_memory(PAGE(3), PAGE(2))); /* two regions */
	assert_true(memblock_is_reserved(PAGE(4) - 1));
	assert_false(memblock_is_reserved(PAGE(4)));
	assert_true(memblock_is_region_reserved(0, PAGE(3) + 1));
	assert_false(memblock_is_region_reserved(0, PAGE(3)));
	assert_false(memblock_overlaps_region(&memblock.memory, PAGE(6), PHYS_ADDR_MAX));
	assert_int_equal(memblock_search_pfn_nid(4, &start, &end), 1);
	assert_int_equal(start, 4);
	assert_int_equal(end, 6);
	assert_int_equal(memblock_search_pfn_nid(6, &start, &end), NUMA_NO_NODE);
}

/* memory AAAAAAAAAA, reserved ..RR.SS...: free ..  .  ... */
static void free_ranges(void **state)
{
	static const phys_addr_t want[][2] = {
		{PAGE(0), PAGE(2)}, {PAGE(4), PAGE(5)}, {PAGE(7), PAGE(10)}};
	phys_addr_t start, end;
	int n = 0, nid;
	u64 i;

	(void)state;
	memblock_add_node(0, PAGE(10), 2, FREE);
	memblock_reserve(PAGE(2), PAGE(2));
	memblock_reserve(PAGE(5), PAGE(2));
	for_each_free_mem_range (i, NUMA_NO_NODE, FREE, &start, &end, &nid) {
		assert_int_equal(start, want[n][0]);
		assert_int_equal(end, want[n++][1]);
		assert_int_equal(nid, 2);
	}
	assert_int_equal(n, 3);
	for_each_free_mem_range_reverse (i, 2, FREE, &start, &end, NULL) {
		assert_int_equal(start, want[--n][0]);
		assert_int_equal(end, want[n][1]);
	}
	assert_int_equal(n, 0);
	for_each_free_mem_range (i, 1, FREE, &start, &end, NULL)
		fail();
	memblock_mark_nomap(0, PAGE(10));
	for_each_free_mem_range (i, NUMA_NO_NODE, FREE, &start, &end, NULL)
		fail();
	for_each_free_mem_range (i, NUMA_NO_NODE, MEMBLOCK_NOMAP, NULL, NULL, NULL)
		n++;
	assert_int_equal(n, 3);
}

/* memory AAAA, reserved .RSS: as in Linux, what lies between R and S is seen, though empty; what
 * lies behind S is not */
static void touching_reservations(void **state)
{
	static const phys_addr_t want[][2] = {{PAGE(0), PAGE(1)}, {PAGE(2), PAGE(2)}};
	phys_addr_t start, end;
	int n = 0;
	u64 i;

	(void)state;
	memblock_add(0, PAGE(4));
	memblock_reserve(PAGE(1), PAGE(1));
	memblock_reserve_kern(PAGE(2), PAGE(2));
	for_each_free_mem_range (i, NUMA_NO_NODE, FREE, &start, &end, NULL) {
		assert_true(n < 2);
		assert_int_equal(start, want[n][0]);
		assert_int_equal(end, want[n++][1]);
	}
	assert_int_equal(n, 2);
	for_each_free_mem_range_reverse (i, NUMA_NO_NODE, FREE, &start, &end, NULL) {
		assert_true(n-- > 0);
		assert_int_equal(start, want[n][0]);
		assert_int_equal(end, want[n][1]);
	}
	assert_int_equal(n, 0);
}

static void movable_nodes_are_left_alone(void **state)
{
	(void)state;
	memblock_add(0, PAGE(8));
	memblock_mark_hotplug(PAGE(4), PAGE(4));
	assert_int_equal(memblock_phys_alloc(PAGE(1), PAGE_SIZE), PAGE(7));
	movable_node_enabled = true;
	assert_int_equal(memblock_phys_alloc(PAGE(1), PAGE_SIZE), PAGE(3));
}

/* Top down: ....R..A, R reserved; bottom up: A...R...; never page 0 */
static void allocation_picks_an_end(void **state)
{
	(void)state;
	memblock_add(0, PAGE(8));
	memblock_reserve(PAGE(4), PAGE(1));
	assert_int_equal(memblock_phys_alloc(PAGE(1), PAGE_SIZE), PAGE(7));
	assert_int_equal(memblock_phys_alloc(PAGE(3), PAGE_SIZE), PAGE(1));
	assert_int_equal(memblock_phys_alloc(PAGE(3), PAGE_SIZE), 0);
	assert_regions(&memblock.reserved, {PAGE(1), PAGE(3), KERN, NUMA_NO_NODE},
		       {PAGE(4), PAGE(1), FREE, NUMA_NO_NODE},
		       {PAGE(7), PAGE(1), KERN, NUMA_NO_NODE});
	memblock_phys_free(PAGE(1), PAGE(3));
	memblock_set_bottom_up(true);
	assert_int_equal(memblock_phys_alloc(8, 8), PAGE(1));
	assert_int_equal(memblock_phys_alloc(PAGE(2), PAGE_SIZE), PAGE(2));
	assert_int_equal(memblock_phys_alloc(8, 64), PAGE(1) + 64);
	assert_int_equal(stub_warnings, 0);
	assert_int_equal(memblock_phys_alloc(8, 0), PAGE(1) + 2 * SMP_CACHE_BYTES);
	assert_int_equal(stub_warnings, 1);
}

static void allocation_obeys_limits(void **state)
{
	(void)state;
	host_ram_add(0, PAGE(16));
	memblock_add(0, PAGE(16));
	memblock_set_current_limit(PAGE(12));
	assert_int_equal(memblock_get_current_limit(), PAGE(12));
	assert_int_equal(memblock_phys_alloc(PAGE(1), PAGE_SIZE), PAGE(11));
	/* Physical: the caller's end counts; virtual: never above current_limit. */
	assert_int_equal(memblock_phys_alloc_range(PAGE(1), PAGE_SIZE, 0, MEMBLOCK_ALLOC_ANYWHERE),
			 PAGE(15));
	assert_ptr_equal(memblock_alloc_try_nid(PAGE(1), PAGE_SIZE, 0, PAGE(16), NUMA_NO_NODE),
			 __va(PAGE(10)));
	/* min_addr is a wish there, but not for a physical range. */
	assert_ptr_equal(memblock_alloc_from(PAGE(4), PAGE_SIZE, PAGE(8)), __va(PAGE(6)));
	assert_int_equal(memblock_phys_alloc_range(PAGE(4), PAGE_SIZE, PAGE(4), PAGE(9)), 0);
}

/* Nodes 0000111100001111 */
static void allocation_by_node(void **state)
{
	(void)state;
	host_ram_add(0, PAGE(16));
	for (int i = 0; i < 4; i++)
		memblock_add_node(PAGE(4 * i), PAGE(4), i % 2, FREE);
	assert_int_equal(memblock_phys_alloc_try_nid(PAGE(4), PAGE_SIZE, 0), PAGE(8));
	assert_ptr_equal(memblock_alloc_node(PAGE(2), PAGE_SIZE, 0), __va(PAGE(2)));
	/* Node 0 is out of runs of 4 pages: only the exact call says so. */
	assert_null(memblock_alloc_exact_nid_raw(PAGE(4), PAGE_SIZE, 0, 0, 0));
	assert_ptr_equal(memblock_alloc_try_nid_raw(PAGE(4), PAGE_SIZE, 0, 0, 0), __va(PAGE(12)));
	assert_regions(&memblock.reserved, {PAGE(2), PAGE(2), KERN, 0}, {PAGE(8), PAGE(4), KERN, 0},
		       {PAGE(12), PAGE(4), KERN, NUMA_NO_NODE});
}

static void allocation_clears(void **state)
{
	unsigned char *p;

	(void)state;
	host_ram_add(0, PAGE(8));
	memblock_add(0, PAGE(8));
	p = memblock_alloc(100, 64);
	assert_int_equal(p[0] | p[99], 0);
	p = memblock_alloc_raw(100, 64);
	assert_int_equal(p[0], 0xa5);
	memblock_free(p, 100);
	assert_int_equal(memblock_reserved_size(), 100);
	memblock_free(NULL, 100);
	assert_non_null(memblock_alloc_or_panic(PAGE(4), PAGE_SIZE));
	assert_true(ENDS_IN_BUG(memblock_alloc_or_panic(PAGE(4), PAGE_SIZE)));
	assert_non_null(strstr(stub_text, "allocation_clears: no memory left for 0x4000 bytes"));
	assert_null(memblock_alloc_low(PAGE(100), 1));
}

static void walks_page_frames(void **state)
{
	unsigned long start, end, pages = 0;
	int i, nid;

	(void)state;
	memblock_add_node(PAGE(1) + 1, PAGE(3), 0, FREE); /* frames 2 and 3 */
	memblock_add_node(PAGE(6) + 1, PAGE(1), 0, FREE); /* none */
	memblock_add_node(PAGE(10), PAGE(2), 1, FREE);
	for_each_mem_pfn_range (i, NUMA_NO_NODE, &start, &end, &nid) {
		pages += end - start;
		assert_int_equal(start, nid ? 10 : 2);
	}
	assert_int_equal(i, -1);
	assert_int_equal(pages, 4);
	for_each_mem_pfn_range (i, 1, &start, NULL, NULL)
		assert_int_equal(start, 10);
}

static char shown[4096];

static void show(const char *fmt, ...)
{
	size_t used = strlen(shown);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(shown + used, sizeof(shown) - used, fmt, ap);
	va_end(ap);
}

static void prints_what_linux_prints(void **state)
{
	(void)state;
	memblock_add_node(0x40000000, 0x8000000, 0, FREE);
	memblock_reserve(0x40200000, 0x1234);
	shown[0] = '\0';
	memblock_show(show);
	assert_string_equal(
		shown,
		"MEMBLOCK configuration:\n"
		" memory size = 0x0000000008000000 reserved size = 0x0000000000001234\n"
		" memory.cnt  = 0x1\n"
		" memory[0x0]\t[0x0000000040000000-0x0000000047ffffff], 0x0000000008000000 bytes on node 0 "
		"flags: 0x0\n"
		" reserved.cnt  = 0x1\n"
		" reserved[0x0]\t[0x0000000040200000-0x0000000040201233], 0x0000000000001234 bytes "
		"flags: 0x0\n");
}

extern const struct early_param __start_early_params[], __stop_early_params[];

static void understands_its_parameter(void **state)
{
	(void)state;
	assert_int_equal(__stop_early_params - __start_early_params, 1);
	assert_string_equal(__start_early_params->text, "memblock");
	assert_int_equal(__start_early_params->handler(NULL, 0), -EINVAL);
	assert_int_equal(__start_early_params->handler("debugger", 8), -EINVAL);
	assert_int_equal(__start_early_params->handler("debug ", 5), 0);
}

/* ---- Growth ---- */

static void add_pages_apart(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(memblock_add(PAGE(2 * i), PAGE(1)), 0);
	assert_int_equal(memblock.memory.cnt, n);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(memblock.memory.regions[i].base, PAGE(2 * i));
	assert_int_equal(memblock_phys_mem_size(), PAGE(n));
}

static void grows_out_of_brk(void **state)
{
	(void)state;
	add_pages_apart(2000);
	assert_int_equal(memblock.memory.max, 2048);
	check_empty(&memblock.reserved);
	/* Unsorted, and in front of everything. */
	memblock_remove(0, PAGE(4000));
	for (unsigned int i = 2000; i-- > 0;)
		assert_int_equal(memblock_reserve(PAGE(2 * i), PAGE(1)), 0);
	assert_int_equal(memblock.reserved.max, 2048);
	assert_int_equal(memblock_reserved_size(), PAGE(2000));
	assert_int_equal(stub_warnings, 0);
}

static phys_addr_t bytes_of_range(unsigned int i)
{
	return PAGE(i == 200 ? 600 : i % 16 == 0 ? 5 : i % 16 == 3 ? 4 : 1 + i % 3);
}

/* Ranges that lie apart, touch, overlap, and one that covers 150 others, in several orders: the
 * same as one by one. */
static void collects_in_any_order(void **state)
{
	enum { RANGES = 509 }; /* a prime: every step goes through all */
	static const unsigned int steps[] = {1, 2, 211, RANGES - 1};
	struct memblock_region want[RANGES];
	phys_addr_t total = 0;
	unsigned long cnt;

	(void)state;
	for (unsigned int i = 0; i < RANGES; i++) {
		memblock_add_node(PAGE(4 * i), bytes_of_range(i), 0, FREE);
		total += bytes_of_range(i);
	}
	cnt = memblock.memory.cnt;
	memcpy(want, memblock.memory.regions, cnt * sizeof(want[0]));
	total -= memblock_phys_mem_size(); /* what is there twice */
	assert_in_range(cnt, 10, RANGES - 10);
	assert_int_not_equal(total, 0);
	for (size_t s = 0; s < ARRAY_SIZE(steps); s++) {
		setup(NULL);
		for (unsigned int i = 0, at = 7; i < RANGES; i++, at = (at + steps[s]) % RANGES)
			assert_int_equal(
				memblock_collect_node(PAGE(4 * at), bytes_of_range(at), 0, FREE),
				0);
		assert_int_equal(memblock.memory.cnt, 0);
		memblock_add_collected();
		assert_int_equal(memblock.memory.cnt, cnt);
		assert_memory_equal(memblock.memory.regions, want, cnt * sizeof(want[0]));
		assert_true(stub_warnings > 0);
	}
}

static void collects_what_there_is_room_for(void **state)
{
	(void)state;
	memblock_collect_node(PAGE(8), PAGE(2), 1, FREE);
	memblock_collect_node(PAGE(4), PAGE(2), 0, MEMBLOCK_HOTPLUG);
	memblock_collect_node(PAGE(6), PAGE(3), 1, FREE);
	memblock_collect_node(PAGE(2), 0, 1, FREE);
	memblock_add_collected();
	assert_regions(&memblock.memory, {PAGE(4), PAGE(2), MEMBLOCK_HOTPLUG, 0},
		       {PAGE(6), PAGE(4), FREE, 1});
	assert_int_equal(stub_warnings, 1);
	assert_string_equal(
		stub_warning,
		"memblock: memory [0x8000-0x9fff] repeats 0x1000 bytes, counted once\n");

	setup(NULL);
	host_brk_limit = 0;
	for (unsigned int i = INIT_MEMBLOCK_REGIONS; i-- > 0;)
		assert_int_equal(memblock_collect_node(PAGE(2 * i), PAGE(1), 0, FREE), 0);
	assert_int_equal(memblock_collect_node(PAGE(1000), PAGE(1), 0, FREE), -ENOMEM);
	assert_int_equal(stub_warnings, 1);
	memblock_add_collected();
	assert_int_equal(memblock.memory.cnt, INIT_MEMBLOCK_REGIONS);
	assert_int_equal(memblock_end_of_DRAM(), PAGE(2 * INIT_MEMBLOCK_REGIONS - 1));
}

static void names_an_exhausted_brk(void **state)
{
	struct memblock before;

	(void)state;
	host_brk_limit = 3 * INIT_MEMBLOCK_REGIONS * sizeof(struct memblock_region);
	add_pages_apart(256);
	before = memblock;
	assert_int_equal(memblock_add(PAGE(1000), PAGE(1)), -ENOMEM);
	assert_int_equal(memblock_add(PAGE(2000), PAGE(1)), -ENOMEM);
	assert_int_equal(memblock_remove(PAGE(2), 8), -ENOMEM);
	assert_int_equal(stub_warnings, 1);
	assert_string_equal(
		stub_warning,
		"memblock: memory array is full at 256 regions and has no room to grow\n");
	assert_memory_equal(&memblock, &before, sizeof(before));
	/* What needs no new region still works. */
	assert_int_equal(memblock_add(0, PAGE(1)), 0);
	assert_int_equal(memblock_mark_nomap(0, PHYS_ADDR_MAX), 0);
	assert_int_equal(memblock_clear_nomap(0, PHYS_ADDR_MAX), 0);
	assert_true(memblock_is_memory(PAGE(510)));
	assert_int_equal(memblock_remove(PAGE(400), PHYS_ADDR_MAX), 0);
	assert_false(memblock_is_memory(PAGE(400)));
	assert_true(memblock_is_memory(PAGE(398)));
	assert_int_equal(memblock.memory.cnt, 200);
}

/* No entry but the last three may be touched: adding sorted ranges does not scan. */
static void sorted_adds_touch_the_end_only(void **state)
{
	(void)state;
	for (unsigned long i = 0; i < 4000; i++) {
		struct memblock_region *regions = memblock.memory.regions;
		unsigned long hidden = 0;

		if (memblock.memory.cnt > 3 && memblock.memory.cnt < memblock.memory.max)
			hidden = (memblock.memory.cnt - 3) * sizeof(*regions);
		ASAN_POISON_MEMORY_REGION(regions, hidden);
		memblock_add(PAGE(2 * i), PAGE(1 + i % 2));
		ASAN_UNPOISON_MEMORY_REGION(regions, hidden);
	}
	assert_int_equal(memblock.memory.cnt, 2000 + 1);
}

/* ---- After memblock_allow_resize() ---- */

static void allow_resize(void **state)
{
	(void)state;
	memblock_allow_resize();
}

static phys_addr_t array_bytes(unsigned long max)
{
	return PAGE_ALIGN(max * sizeof(struct memblock_region));
}

static void fill_reserved(unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		assert_int_equal(memblock_reserve(i * 32, 16), 0);
}

/* Memory of 1 MiB; the array goes to its upper end, and later to where there is room. */
static void reserved_grows_into_memory(void **state)
{
	phys_addr_t top = 2 * MB;

	(void)state;
	host_ram_add(MB, MB);
	memblock_add(MB, MB);
	fill_reserved(128);
	assert_int_equal(memblock.reserved.max, 128);
	memblock_reserve(128 * 32, 16);
	assert_int_equal(memblock.reserved.max, 256);
	assert_int_equal(memblock.reserved.cnt, 130);
	assert_ptr_equal(memblock.reserved.regions, __va(top - array_bytes(256)));
	assert_int_equal(memblock.reserved.regions[129].base, top - array_bytes(256));
	assert_int_equal(memblock.reserved.regions[129].size, array_bytes(256));
	assert_int_equal(memblock.reserved.regions[129].flags, KERN);
	assert_int_equal(memblock.reserved.regions[129].nid, NUMA_NO_NODE);

	/* The next one replaces it: the first array's place is free again. */
	fill_reserved(300);
	assert_int_equal(memblock.reserved.max, 512);
	assert_false(memblock_is_reserved(top - 1));
	assert_true(memblock_is_reserved(top - array_bytes(256) - 1));
	assert_int_equal(memblock_reserved_size(), 300 * 16 + array_bytes(512));
}

/* RRRR is being reserved: the new array must lie above it, else below it, never in it. */
static void growth_avoids_what_is_reserved(void **state)
{
	(void)state;
	host_ram_add(MB, MB);
	memblock_add(MB, MB);
	fill_reserved(128);
	memblock_reserve(MB + PAGE(1), MB - PAGE(2)); /* one page below, one above: no room */
	assert_int_equal(memblock.reserved.cnt, 128);
	assert_int_equal(memblock.reserved.max, 128);
	assert_int_equal(stub_warnings, 1);

	memblock_reserve(MB + PAGE(2), MB - PAGE(2)); /* two pages below */
	assert_int_equal(memblock.reserved.cnt, 130);
	assert_ptr_equal(memblock.reserved.regions, __va(MB));

	setup(NULL);
	host_ram_add(MB, MB);
	memblock_add(MB, MB);
	fill_reserved(128);
	memblock_reserve(MB, MB - PAGE(8));
	assert_ptr_equal(memblock.reserved.regions, __va(2 * MB - PAGE(2)));

	/* Nothing above, and below there can be nothing. */
	for (phys_addr_t base = 0; base < 2; base++) {
		setup(NULL);
		host_ram_add(0, MB);
		memblock_add(0, MB);
		fill_reserved(128);
		assert_int_equal(memblock_reserve(base, MB - base), -ENOMEM);
		assert_int_equal(memblock.reserved.cnt, 128);
		assert_int_equal(memblock.reserved.max, 128);
	}
}

/*
 * Memory grows for the second time while reserved is full: giving back memory's old array makes
 * reserved grow, which must not take the place found for memory's new one.
 */
static void two_arrays_grow_at_once(void **state)
{
	phys_addr_t a, b;

	(void)state;
	host_ram_add(64 * MB, MB);
	memblock_add(64 * MB, MB);
	for (unsigned int i = 0; i < 255; i++)
		memblock_add(PAGE(2 * i), PAGE(1));
	assert_int_equal(memblock.memory.max, 256);
	/* Joins memory's old array, which has to be cut off again. */
	assert_int_not_equal(memblock_phys_alloc(PAGE_SIZE, PAGE_SIZE), 0);
	for (unsigned int i = 0; memblock.reserved.cnt < 128; i++)
		memblock_reserve(PAGE(2 * i), 16);
	assert_int_equal(memblock.reserved.max, 128);
	assert_int_equal(memblock_add(PAGE(1001), 16), 0);
	assert_int_equal(memblock.memory.max, 512);
	assert_int_equal(memblock.reserved.max, 256);
	a = virt_to_phys(memblock.memory.regions);
	b = virt_to_phys(memblock.reserved.regions);
	assert_true(a + array_bytes(512) <= b || b + array_bytes(256) <= a);
	for (phys_addr_t at = 0; at < array_bytes(512); at += PAGE_SIZE)
		assert_true(memblock_is_reserved(a + at));
	assert_true(memblock_is_reserved(b));
	assert_int_equal(memblock.memory.cnt, 255 + 2);
}

static void full_without_memory(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 128; i++)
		memblock_add(PAGE_SIZE + i * 32, 16);
	assert_int_equal(memblock_add(MB, 16), -ENOMEM);
	assert_int_equal(memblock.memory.cnt, 128);
	assert_int_equal(memblock.memory.max, 128);
	check_empty(&memblock.reserved);
}

static unsigned int late_arrays;

static void *late_alloc(size_t size)
{
	late_arrays++;
	return malloc(size);
}

static void late_free(const void *array)
{
	late_arrays--;
	free((void *)array);
}

static void *no_late_alloc(size_t size)
{
	(void)size;
	return NULL;
}

static void grows_from_slab(void **state)
{
	(void)state;
	memblock_late_alloc = late_alloc;
	memblock_late_free = late_free;
	add_pages_apart(1000);
	assert_int_equal(memblock.memory.max, 1024);
	assert_int_equal(late_arrays, 1);
	check_empty(&memblock.reserved);
	memblock_late_alloc = no_late_alloc;
	add_pages_apart(1024);
	assert_int_equal(memblock_add(PAGE(5000), 1), -ENOMEM);
	late_free(memblock.memory.regions);
	memblock_late_alloc = NULL;
}

/* ---- The end ---- */

static struct {
	phys_addr_t start, end;
	int nid;
} handed[8];
static unsigned int nr_handed;

void free_memblock_range(phys_addr_t start, phys_addr_t end, int nid)
{
	assert_true(nr_handed < 8);
	handed[nr_handed].start = start;
	handed[nr_handed].end = end;
	handed[nr_handed++].nid = nid;
}

/* Quarters of a page: memory AAAAAAAA AAAA BBBB NNNN, reserved .R...... .... SS.. */
static void hands_over_everything(void **state)
{
	phys_addr_t quarter = PAGE_SIZE / 4;

	(void)state;
	movable_node_enabled = true;
	memblock_add(PAGE(4), PAGE(3));
	memblock_add_node(PAGE(7), PAGE(1), 1, FREE);
	memblock_add_node(PAGE(8), PAGE(1), 1, MEMBLOCK_NOMAP);
	memblock_mark_hotplug(PAGE(6), PAGE(1));
	memblock_reserve(PAGE(4) + quarter, quarter);
	memblock_reserve(PAGE(7), 2 * quarter);
	memblock_free_all();
	assert_int_equal(nr_handed, 1);
	assert_int_equal(handed[0].start, PAGE(5));
	assert_int_equal(handed[0].end, PAGE(7));
	assert_int_equal(handed[0].nid, 0);

	/* From now on it is for reading. */
	assert_int_equal(stub_warnings, 0);
	assert_int_equal(memblock_phys_alloc(16, 16), 0);
	assert_non_null(strstr(stub_warning, "use alloc_pages() or kmalloc()"));
	assert_null(memblock_alloc_from(16, 16, PAGE(5)));
	assert_int_equal(memblock_phys_free(PAGE(4), PAGE(1)), -EBUSY);
	assert_non_null(strstr(stub_warning, "use __free_pages()"));
	assert_int_equal(memblock_reserve(PAGE(4), PAGE(1)), -EBUSY);
	assert_int_equal(stub_warnings, 4);
	assert_int_equal(memblock_reserved_size(), 3 * quarter);
	assert_true(memblock_is_memory(PAGE(5)));
	/* Growth now waits for slab. */
	for (unsigned int i = 0; memblock.memory.cnt < memblock.memory.max; i++)
		assert_int_equal(memblock_add(MB + i * 32, 16), 0);
	assert_int_equal(memblock_add(0, 16), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(starts_empty, setup),
		cmocka_unit_test_setup(add_joins_both_sides, setup),
		cmocka_unit_test_setup(add_fills_the_gaps, setup),
		cmocka_unit_test_setup(disagreement_keeps_the_first, setup),
		cmocka_unit_test_setup(sizes_at_the_edge, setup),
		cmocka_unit_test_setup(remove_cuts, setup),
		cmocka_unit_test_setup(flags_cut_and_join, setup),
		cmocka_unit_test_setup(trim_rounds_inwards, setup),
		cmocka_unit_test_setup(limit_counts_memory, setup),
		cmocka_unit_test_setup(cap_spares_nomap, setup),
		cmocka_unit_test_setup(queries, setup),
		cmocka_unit_test_setup(free_ranges, setup),
		cmocka_unit_test_setup(touching_reservations, setup),
		cmocka_unit_test_setup(movable_nodes_are_left_alone, setup),
		cmocka_unit_test_setup(allocation_picks_an_end, setup),
		cmocka_unit_test_setup(allocation_obeys_limits, setup),
		cmocka_unit_test_setup(allocation_by_node, setup),
		cmocka_unit_test_setup(allocation_clears, setup),
		cmocka_unit_test_setup(walks_page_frames, setup),
		cmocka_unit_test_setup(prints_what_linux_prints, setup),
		cmocka_unit_test_setup(understands_its_parameter, setup),
		cmocka_unit_test_setup(grows_out_of_brk, setup),
		cmocka_unit_test_setup(collects_in_any_order, setup),
		cmocka_unit_test_setup(collects_what_there_is_room_for, setup),
		cmocka_unit_test_setup(names_an_exhausted_brk, setup),
		cmocka_unit_test_setup(sorted_adds_touch_the_end_only, setup),
		cmocka_unit_test_setup(allow_resize, setup),
		cmocka_unit_test_setup(reserved_grows_into_memory, setup),
		cmocka_unit_test_setup(growth_avoids_what_is_reserved, setup),
		cmocka_unit_test_setup(two_arrays_grow_at_once, setup),
		cmocka_unit_test_setup(full_without_memory, setup),
		cmocka_unit_test_setup(grows_from_slab, setup),
		cmocka_unit_test_setup(hands_over_everything, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
