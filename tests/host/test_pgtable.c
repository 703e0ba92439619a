/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm/pgtable.c against a model that knows each page of a window: random map, unmap, protect,
 * lookup, walk. Built for several geometries, with the real and with an alien encoding of entries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <asm/page.h>
#include <asm/table.h>
#include <asm/tlb.h>
#include <lib/errno.h>
#include <mm/pgtable.h>

#include "host_mm.h"
#include "random.h"
#include "stubs.h"

#define BLOCK     LEVEL_SIZE(2)
#define RUN3      (CONT_PTES * PAGE_SIZE)
#define RUN2      (CONT_PMDS * BLOCK)
#define TABLE_RAM (64 * SZ_1M)
#define TABLES    0x40000000UL

/* The window of the random test: room for two runs of blocks where that is not too much for a model
 * by page. */
#define WINDOW_BLOCKS (PAGE_SHIFT == 12 ? 40 : 3)
#define WINDOW_PAGES  (WINDOW_BLOCKS * (BLOCK >> PAGE_SHIFT))

#define STEPS (PAGE_SHIFT == 12 ? 6000 : 3000)

static const pgprot_t prots[] = {PAGE_KERNEL, PAGE_KERNEL_RO, PAGE_KERNEL_ROX};

struct model_page {
	phys_addr_t pa;
	unsigned long span; /* bytes that change together; 0: not mapped */
	pgprot_t prot;
};

static struct model_page model[WINDOW_PAGES];
static bool has_table[WINDOW_BLOCKS];
static unsigned long window;
static unsigned long tables_used, tables_allowed, tables_published;
/* A table level may be handed out only when its slot is free. */
static phys_addr_t take_table(int level)
{
	phys_addr_t pa = TABLES + tables_used * PAGE_SIZE;

	assert_true(level > 0 && level <= LAST_LEVEL);
	assert_false(host_table_is_open[level]);
	if (tables_used == tables_allowed)
		return 0;
	tables_used++;
	memset(phys_to_virt(pa), 0, PAGE_SIZE);
	return pa;
}

static struct pgtable new_root(int first_level)
{
	struct pgtable pt = {.first_level = first_level, .alloc = take_table};

	host_mm_setup();
	host_ram_add(TABLES, TABLE_RAM);
	tables_used = 0;
	tables_allowed = TABLE_RAM / PAGE_SIZE;
	pt.root = TABLES;
	tables_used = 1;
	memset(phys_to_virt(pt.root), 0, PAGE_SIZE);
	/* What follows a short root is somebody else's. */
	if (first_level == FIRST_LEVEL)
		memset((pte_t *)phys_to_virt(pt.root) + PTRS_PER_PGD, 0xff,
		       PAGE_SIZE - PTRS_PER_PGD * sizeof(pte_t));
	tables_published = 0;
	return pt;
}

static struct model_page *page_at(unsigned long va)
{
	assert_true(va - window < WINDOW_PAGES * PAGE_SIZE);
	return &model[(va - window) >> PAGE_SHIFT];
}

static struct pgtable *current;

/* Where the table or leaf before ended, so that order and overlap show. */
static unsigned long walked_to;
static unsigned long walked_pages;

static int check_leaf(const struct pgtable_leaf *leaf, void *arg)
{
	unsigned long span = pgtable_leaf_span(leaf);

	(void)arg;
	assert_true(leaf->va >= walked_to || walked_to == 0);
	assert_true(IS_ALIGNED(leaf->va | leaf->pa, leaf->size));
	for (unsigned long off = 0; off < leaf->size; off += PAGE_SIZE) {
		struct model_page *page = page_at(leaf->va + off);

		assert_true(page->span == span);
		assert_true(page->pa == leaf->pa + off);
		assert_true(prot_same(page->prot, leaf->prot));
		walked_pages++;
	}
	walked_to = leaf->va + leaf->size;
	return 0;
}

static int note_table(phys_addr_t pa, int level, unsigned long va, void *arg)
{
	(void)arg;
	assert_true(pa >= TABLES && pa < TABLES + tables_used * PAGE_SIZE);
	if (level == LAST_LEVEL)
		has_table[(va - window) / BLOCK] = true;
	return 0;
}

/* The tables hold what the model says, seen by the walk and, at random places, by lookup. */
static void check_all(void)
{
	static const struct pgtable_visitor visitor = {.leaf = check_leaf, .table = note_table};
	unsigned long mapped = 0;

	walked_to = 0;
	walked_pages = 0;
	assert_int_equal(pgtable_walk(current, window, window + (WINDOW_PAGES * PAGE_SIZE - 1),
				      &visitor, NULL),
			 0);
	for (unsigned long i = 0; i < WINDOW_PAGES; i++)
		mapped += model[i].span != 0;
	assert_int_equal(mapped, walked_pages);
	for (int i = 0; i < 50; i++) {
		unsigned long off = random_below(WINDOW_PAGES * PAGE_SIZE);
		struct model_page *page = page_at(window + off);
		struct pgtable_leaf leaf;

		assert_int_equal(pgtable_lookup(current, window + off, &leaf), page->span != 0);
		if (!page->span)
			continue;
		assert_true(leaf.va == ALIGN_DOWN(window + off, leaf.size));
		assert_true(leaf.pa + (window + off - leaf.va) == page->pa + off % PAGE_SIZE);
		assert_true(leaf.size == LEVEL_SIZE(leaf.level));
		assert_true(pgtable_leaf_span(&leaf) == page->span);
	}
}

/* A range to work on: of pages, runs or blocks, sometimes off by a page. */
static void random_range(unsigned long *first, unsigned long *count)
{
	static const unsigned long units[] = {1, 1, CONT_PTES, BLOCK / PAGE_SIZE};
	unsigned long unit = units[random_below(ARRAY_SIZE(units))];
	unsigned long limit = min((unsigned long)WINDOW_PAGES, unit * (1 + random_below(40)));

	*count = 1 + random_below(limit);
	if (random_below(2))
		*count = ALIGN(*count, unit);
	*count = min(*count, (unsigned long)WINDOW_PAGES);
	*first = random_below(WINDOW_PAGES - *count + 1);
	if (random_below(4))
		*first = ALIGN_DOWN(*first, unit);
}

/* True when the whole aligned unit around page i is in the mapping [first, first + count) and
 * aligned in both worlds. */
static bool unit_fits(unsigned long i, unsigned long unit, unsigned long first, unsigned long count,
		      unsigned long pa_page)
{
	unsigned long start = ALIGN_DOWN(i, unit);

	return start >= first && start + unit <= first + count && IS_ALIGNED(pa_page - first, unit);
}

static unsigned long wanted_span(unsigned long i, unsigned long first, unsigned long count,
				 unsigned long pa_page, unsigned int flags)
{
	unsigned long block = BLOCK / PAGE_SIZE, run2 = CONT_PMDS * block;
	bool cont = !(flags & PGTABLE_NO_CONT);
	bool run_free = true;

	if (!(flags & PGTABLE_NO_BLOCKS) && !has_table[i / block] &&
	    unit_fits(i, block, first, count, pa_page)) {
		if (!cont || !unit_fits(i, run2, first, count, pa_page))
			return BLOCK;
		for (unsigned long b = 0; b < CONT_PMDS; b++)
			run_free &= !has_table[ALIGN_DOWN(i, run2) / block + b];
		return run_free ? RUN2 : BLOCK;
	}
	return cont && unit_fits(i, CONT_PTES, first, count, pa_page) ? RUN3 : PAGE_SIZE;
}

static void clear_flushes(void)
{
	host_flush_count = 0;
}

static void check_flushed(unsigned long first, unsigned long count)
{
	assert_int_equal(host_flush_count, 1);
	assert_true(host_flushes[0].start <= window + first * PAGE_SIZE);
	assert_true(host_flushes[0].end >= window + (first + count) * PAGE_SIZE);
}

static bool any_mapped(unsigned long first, unsigned long count)
{
	for (unsigned long i = first; i < first + count; i++)
		if (model[i].span)
			return true;
	return false;
}

static void random_map(void)
{
	static const unsigned int some_flags[] = {
		0, 0, 0, PGTABLE_NO_CONT, PGTABLE_NO_BLOCKS, PGTABLE_NO_BLOCKS | PGTABLE_NO_CONT};
	unsigned int flags = some_flags[random_below(ARRAY_SIZE(some_flags))];
	pgprot_t prot = prots[random_below(ARRAY_SIZE(prots))];
	unsigned long first, count, pa_page;
	int err;

	random_range(&first, &count);
	pa_page = first + ALIGN(UL(0x800000000) >> PAGE_SHIFT, 2 * WINDOW_PAGES);
	if (!random_below(3))
		pa_page += random_below(4) ? CONT_PTES : 1;
	tables_allowed = random_below(4) ? TABLE_RAM / PAGE_SIZE : tables_used + random_below(3);
	host_table_syncs = 0;
	err = pgtable_map(current, window + first * PAGE_SIZE, pa_page << PAGE_SHIFT,
			  count * PAGE_SIZE, prot, flags);
	if (any_mapped(first, count))
		assert_true(err == -EEXIST || (err == -ENOMEM && tables_used == tables_allowed));
	else
		assert_true(err == 0 || (err == -ENOMEM && tables_used == tables_allowed));
	if (err)
		return;
	assert_true(host_table_syncs > 0);
	for (unsigned long i = first; i < first + count; i++)
		model[i] = (struct model_page){
			.pa = (pa_page + i - first) << PAGE_SHIFT,
			.span = wanted_span(i, first, count, pa_page, flags),
			.prot = prot,
		};
}

/* No leaf is cut by the ends of the range. */
static bool ends_are_whole(unsigned long first, unsigned long count)
{
	unsigned long va = window + first * PAGE_SIZE, end = va + count * PAGE_SIZE;
	unsigned long head = model[first].span, tail = model[first + count - 1].span;

	return (!head || IS_ALIGNED(va, head)) && (!tail || IS_ALIGNED(end, tail));
}

/* Grow the range so that it cuts nothing. */
static void make_whole(unsigned long *first, unsigned long *count)
{
	unsigned long last = *first + *count - 1;
	unsigned long head = model[*first].span >> PAGE_SHIFT,
		      tail = model[last].span >> PAGE_SHIFT;

	if (tail)
		last = ALIGN_DOWN(last, tail) + tail - 1;
	if (head)
		*first = ALIGN_DOWN(*first, head);
	*count = last - *first + 1;
}

static void nothing_mapped(unsigned long start, unsigned long end)
{
	struct pgtable_leaf leaf;

	for (unsigned long va = start; va < end; va += PAGE_SIZE)
		assert_false(pgtable_lookup(current, va, &leaf));
}

static void random_unmap(void)
{
	unsigned long first, count;
	int err;

	random_range(&first, &count);
	if (random_below(3))
		make_whole(&first, &count);
	if (!random_below(8))
		host_flush_hook = nothing_mapped;
	err = pgtable_unmap(current, window + first * PAGE_SIZE, count * PAGE_SIZE);
	host_flush_hook = NULL;
	if (!ends_are_whole(first, count)) {
		assert_int_equal(err, -EINVAL);
		return;
	}
	assert_int_equal(err, 0);
	if (any_mapped(first, count))
		check_flushed(first, count);
	memset(&model[first], 0, count * sizeof(model[0]));
}

static pgprot_t protect_to;

static void rights_changed(unsigned long start, unsigned long end)
{
	struct pgtable_leaf leaf;

	for (unsigned long va = start; va < end; va += PAGE_SIZE)
		assert_true(!pgtable_lookup(current, va, &leaf) ||
			    prot_same(leaf.prot, protect_to));
}

/* True if a contiguous run lies in the range: its rights cannot be changed in place. */
static bool any_run(unsigned long first, unsigned long count)
{
	struct pgtable_leaf leaf;

	for (unsigned long i = first; i < first + count; i++)
		if (pgtable_lookup(current, window + i * PAGE_SIZE, &leaf) && leaf.cont)
			return true;
	return false;
}

static void random_protect(void)
{
	bool other_type = !random_below(5), changes = false;
	unsigned long first, count;
	int err;

	protect_to = other_type ? PAGE_KERNEL_NC : prots[random_below(ARRAY_SIZE(prots))];
	random_range(&first, &count);
	if (random_below(3))
		make_whole(&first, &count);
	for (unsigned long i = first; i < first + count; i++)
		changes |= model[i].span && !prot_same(model[i].prot, protect_to);
	if (!random_below(8))
		host_flush_hook = rights_changed;
	err = pgtable_protect(current, window + first * PAGE_SIZE, count * PAGE_SIZE, protect_to);
	host_flush_hook = NULL;
	if (!ends_are_whole(first, count) || (other_type && any_mapped(first, count)) ||
	    any_run(first, count)) {
		assert_int_equal(err, -EINVAL);
		return;
	}
	assert_int_equal(err, 0);
	if (changes)
		check_flushed(first, count);
	for (unsigned long i = first; i < first + count; i++)
		model[i].prot = protect_to;
}

static void run_random(struct pgtable *pt, unsigned long start, int steps)
{
	current = pt;
	window = start;
	memset(model, 0, sizeof(model));
	memset(has_table, 0, sizeof(has_table));
	for (int i = 0; i < steps; i++) {
		unsigned int what = random_below(10);

		clear_flushes();
		if (what < 5)
			random_map();
		else if (what < 8)
			random_unmap();
		else
			random_protect();
		if (i % 3 == 0 || i > steps - 10)
			check_all();
		else /* which tables there are decides what the next mapping may use */
			pgtable_walk(current, window, window + (WINDOW_PAGES * PAGE_SIZE - 1),
				     &(struct pgtable_visitor){.table = note_table}, NULL);
	}
	assert_int_equal(host_table_publishes, tables_used - 1);
}

/* Up to the last byte of the address space, where ends wrap to 0. */
static void test_random_top(void **state)
{
	struct pgtable pt = new_root(FIRST_LEVEL);

	(void)state;
	run_random(&pt, -(WINDOW_PAGES * PAGE_SIZE), STEPS);
}

/* At the beginning of a TTBR1 range. */
static void test_random_bottom(void **state)
{
	struct pgtable pt = new_root(FIRST_LEVEL);

	(void)state;
	run_random(&pt, -BIT(VA_BITS), STEPS);
}

/* An identity map with one level more than VA_BITS needs, in the middle of its range. */
static void test_random_idmap(void **state)
{
	struct pgtable pt = new_root(max(FIRST_LEVEL - 1, FIRST_LEVEL_OF(IDMAP_BITS_MAX)));

	(void)state;
	run_random(&pt, ALIGN_DOWN(BIT(VA_BITS - 1) + 12 * RUN2, RUN2), STEPS);
}

static int count_leaf(const struct pgtable_leaf *leaf, void *arg)
{
	(void)leaf;
	++*(unsigned int *)arg;
	return 0;
}

static unsigned int leaves(const struct pgtable *pt, unsigned long start, unsigned long last)
{
	unsigned int count = 0;

	assert_int_equal(pgtable_walk(pt, start, last,
				      &(struct pgtable_visitor){.leaf = count_leaf}, &count),
			 0);
	return count;
}

/* A linear map of 1 GiB takes the largest blocks there are, and few tables. */
static void test_largest_blocks(void **state)
{
	struct pgtable pt = new_root(FIRST_LEVEL);
	unsigned long va = -BIT(VA_BITS);
	unsigned long big = LEVEL_SIZE(FIRST_BLOCK_LEVEL);
	struct pgtable_leaf leaf;

	(void)state;
	assert_int_equal(pgtable_map(&pt, va, 8 * big, 2 * big, PAGE_KERNEL, 0), 0);
	assert_int_equal(leaves(&pt, va, -1UL), 2);
	assert_int_equal(tables_used, 1 + FIRST_BLOCK_LEVEL - FIRST_LEVEL);
	assert_true(pgtable_lookup(&pt, va + big + 5, &leaf));
	assert_int_equal(leaf.level, FIRST_BLOCK_LEVEL);
	assert_true(leaf.va == va + big && leaf.pa == 9 * big && leaf.size == big && !leaf.cont);
	/* Where a block of the level above would fit but does not exist. */
	if (FIRST_BLOCK_LEVEL > FIRST_LEVEL) {
		unsigned long bigger = LEVEL_SIZE(FIRST_BLOCK_LEVEL - 1);

		assert_int_equal(pgtable_map(&pt, -bigger, 0, bigger, PAGE_KERNEL, 0), 0);
		assert_int_equal(leaves(&pt, -bigger, -1UL), bigger / big);
	}
	/* A page less at both ends. */
	assert_int_equal(pgtable_unmap(&pt, va, 2 * big), 0);
	assert_int_equal(pgtable_map(&pt, va + PAGE_SIZE, PAGE_SIZE, 3 * big - 2 * PAGE_SIZE,
				     PAGE_KERNEL, 0),
			 0);
	assert_true(pgtable_lookup(&pt, va + big, &leaf));
	assert_int_equal(leaf.level, FIRST_BLOCK_LEVEL);
	assert_false(pgtable_lookup(&pt, va, &leaf));
	assert_false(pgtable_lookup(&pt, va + 3 * big - 1, &leaf));
}

/* Both ends of what each kind of root resolves, in distinct entries. */
static void test_root_reach(void **state)
{
	struct pgtable pt = new_root(FIRST_LEVEL);
	unsigned long first = -BIT(VA_BITS), last = -PAGE_SIZE;
	struct pgtable_leaf leaf;

	(void)state;
	assert_int_equal(pgtable_map(&pt, first, 0x1000000, PAGE_SIZE, PAGE_KERNEL, 0), 0);
	assert_int_equal(pgtable_map(&pt, last, 0x2000000, PAGE_SIZE, PAGE_KERNEL_RO, 0), 0);
	assert_true(pgtable_lookup(&pt, -1UL, &leaf));
	assert_true(leaf.va == last && leaf.pa == 0x2000000);
	assert_true(pgtable_lookup(&pt, first, &leaf));
	assert_true(leaf.va == first && leaf.pa == 0x1000000);
	assert_int_equal(leaves(&pt, first, -1UL), 2);
	assert_int_equal(leaves(&pt, first + PAGE_SIZE, last - 1), 0);
	for (unsigned int i = 0; i < PTRS_PER_PGD; i++) {
		pte_t *root = phys_to_virt(pt.root);

		assert_int_equal(!pte_is_none(root[i]), i == 0 || i == PTRS_PER_PGD - 1);
	}
	assert_false(pgtable_lookup(&pt, first - 1, &leaf));
	assert_false(pgtable_lookup(&pt, BIT(VA_BITS), &leaf));

	pt = new_root(FIRST_LEVEL_OF(IDMAP_BITS_MAX));
	last = BIT(IDMAP_BITS_MAX) - PAGE_SIZE;
	if (pt.first_level == FIRST_LEVEL)
		last = BIT(VA_BITS) - PAGE_SIZE;
	assert_int_equal(pgtable_map(&pt, last, last, PAGE_SIZE, PAGE_KERNEL_ROX, 0), 0);
	assert_true(pgtable_lookup(&pt, last, &leaf));
	assert_true(leaf.va == last && leaf.pa == last);
	assert_false(pgtable_lookup(&pt, last + PAGE_SIZE, &leaf));
}

static void test_refusals(void **state)
{
	struct pgtable pt = new_root(FIRST_LEVEL);
	unsigned long va = -BIT(VA_BITS), half = PAGE_SIZE / 2;

	(void)state;
	assert_int_equal(pgtable_map(&pt, va + half, 0, PAGE_SIZE, PAGE_KERNEL, 0), -EINVAL);
	assert_int_equal(pgtable_map(&pt, va, half, PAGE_SIZE, PAGE_KERNEL, 0), -EINVAL);
	assert_int_equal(pgtable_map(&pt, va, 0, half, PAGE_KERNEL, 0), -EINVAL);
	assert_int_equal(pgtable_map(&pt, va, 0, 0, PAGE_KERNEL, 0), -EINVAL);
	assert_int_equal(pgtable_map(&pt, va - PAGE_SIZE, 0, PAGE_SIZE, PAGE_KERNEL, 0), -EINVAL);
	assert_int_equal(pgtable_map(&pt, -PAGE_SIZE, 0, 2 * PAGE_SIZE, PAGE_KERNEL, 0), -EINVAL);
	assert_int_equal(pgtable_map(&pt, va, BIT(PHYS_MASK_BITS) - PAGE_SIZE, 2 * PAGE_SIZE,
				     PAGE_KERNEL, 0),
			 -EINVAL);
	assert_int_equal(pgtable_map(&pt, va, -PAGE_SIZE, PAGE_SIZE, PAGE_KERNEL, 0), -EINVAL);
	assert_int_equal(pgtable_unmap(&pt, va, 0), -EINVAL);
	assert_int_equal(pgtable_unmap(&pt, va + half, PAGE_SIZE), -EINVAL);
	assert_int_equal(pgtable_protect(&pt, va, half, PAGE_KERNEL), -EINVAL);
	assert_int_equal(pgtable_walk(&pt, va - 1, va, &(struct pgtable_visitor){0}, NULL),
			 -EINVAL);
	assert_int_equal(pgtable_walk(&pt, va + 1, va, &(struct pgtable_visitor){0}, NULL),
			 -EINVAL);
	assert_int_equal(pgtable_walk(&pt, 0, -1UL, &(struct pgtable_visitor){0}, NULL), -EINVAL);
	assert_int_equal(tables_used, 1);
	assert_int_equal(host_flush_count, 0);
}

/* Whatever step runs out of tables, the range is as before, and what became visible is flushed. */
static void test_no_memory(void **state)
{
	unsigned long va = -BIT(VA_BITS) + 5 * BLOCK - 3 * PAGE_SIZE, size = BLOCK + 7 * PAGE_SIZE;

	(void)state;
	for (unsigned long allowed = 0;; allowed++) {
		struct pgtable pt = new_root(FIRST_LEVEL);
		int err;

		tables_allowed = 1 + allowed;
		err = pgtable_map(&pt, va, 7 * BLOCK - 3 * PAGE_SIZE, size, PAGE_KERNEL, 0);
		if (!err) {
			assert_int_equal(leaves(&pt, va, va + size - 1), 3 + 1 + 4);
			return;
		}
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(leaves(&pt, -BIT(VA_BITS), -1UL), 0);
		assert_true(allowed < 8);
		if (tables_used > LAST_LEVEL - FIRST_LEVEL + 1)
			assert_true(host_flush_count == 1 && host_flushes[0].start == va);
	}
}

static int stop_at_second(const struct pgtable_leaf *leaf, void *arg)
{
	(void)leaf;
	return ++*(int *)arg == 2 ? 77 : 0;
}

static int stop_at_table(phys_addr_t pa, int level, unsigned long va, void *arg)
{
	(void)pa, (void)va, (void)arg;
	return level == LAST_LEVEL ? 78 : 0;
}

static void test_walk_stops(void **state)
{
	struct pgtable pt = new_root(FIRST_LEVEL);
	unsigned long va = -BIT(VA_BITS);
	int seen = 0;

	(void)state;
	assert_int_equal(pgtable_map(&pt, va, 0, 3 * PAGE_SIZE, PAGE_KERNEL, 0), 0);
	assert_int_equal(pgtable_walk(&pt, va, -1UL,
				      &(struct pgtable_visitor){.leaf = stop_at_second}, &seen),
			 77);
	assert_int_equal(seen, 2);
	assert_int_equal(pgtable_walk(&pt, va, -1UL,
				      &(struct pgtable_visitor){.table = stop_at_table}, NULL),
			 78);
	for (int level = 0; level <= LAST_LEVEL; level++)
		assert_false(host_table_is_open[level]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),       cmocka_unit_test(test_root_reach),
		cmocka_unit_test(test_largest_blocks), cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_walk_stops),     cmocka_unit_test(test_random_top),
		cmocka_unit_test(test_random_bottom),  cmocka_unit_test(test_random_idmap),
	};

	printf("PAGE_SHIFT %d, VA_BITS %d\n", PAGE_SHIFT, VA_BITS);
	return cmocka_run_group_tests(tests, random_setup, NULL);
}
