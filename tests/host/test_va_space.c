/* SPDX-License-Identifier: BSD-2-Clause */
/* mm/va_space.c against a map of pages: no overlap, alignment, lowest fit, everything back; the
 * tree's invariants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <asm/page.h>
#include <lib/errno.h>
#include <mm/va_space.h>

#include "random.h"

#define PAGES 4096
#define BASE  0x7f0000000000UL

static struct va_range ranges[1024];
static bool in_use[ARRAY_SIZE(ranges)];
static struct va_range *owner[PAGES];
static struct va_space space;

/* Depth of the tree below range; checks order, heap, links and gaps on the way. prev: range before,
 * updated. */
static unsigned int check_tree(struct va_range *range, struct va_range *parent,
			       unsigned long *prev_end)
{
	unsigned long max_gap;
	unsigned int lower, upper;

	if (!range)
		return 0;
	assert_ptr_equal(range->parent, parent);
	assert_true(!parent || parent->priority >= range->priority);
	lower = check_tree(range->child[0], range, prev_end);
	assert_true(range->start - *prev_end == range->gap);
	*prev_end = range->end;
	upper = check_tree(range->child[1], range, prev_end);
	max_gap = range->gap;
	for (int side = 0; side < 2; side++)
		if (range->child[side])
			max_gap = max(max_gap, range->child[side]->max_gap);
	assert_true(range->max_gap == max_gap);
	return 1 + max(lower, upper);
}

static unsigned int check(void)
{
	unsigned long end = BASE;
	unsigned int depth = check_tree(space.root, NULL, &end);

	assert_true(end == BASE + PAGES * PAGE_SIZE);
	return depth;
}

static unsigned long gap_pages_at(unsigned long page)
{
	unsigned long n = 0;

	while (page + n < PAGES && !owner[page + n])
		n++;
	return n;
}

static void random_alloc(unsigned int i)
{
	unsigned long pages = 1 + random_below(random_below(10) ? 12 : 300);
	unsigned long align = UL(1) << random_below(6), want, need = pages + align - 1;
	int err = va_alloc(&space, &ranges[i], pages * PAGE_SIZE, align * PAGE_SIZE);

	for (want = 0; want < PAGES; want += max(gap_pages_at(want), UL(1)))
		if (gap_pages_at(want) >= need)
			break;
	if (want >= PAGES) {
		assert_int_equal(err, -ENOSPC);
		return;
	}
	assert_int_equal(err, 0);
	want = ALIGN((BASE >> PAGE_SHIFT) + want, align) - (BASE >> PAGE_SHIFT);
	assert_true(ranges[i].start == BASE + want * PAGE_SIZE);
	assert_true(ranges[i].end == ranges[i].start + pages * PAGE_SIZE);
	in_use[i] = true;
	while (pages--)
		owner[want + pages] = &ranges[i];
}

static void release(unsigned int i)
{
	for (unsigned long va = ranges[i].start; va < ranges[i].end; va += PAGE_SIZE) {
		struct va_range **page = &owner[(va - BASE) >> PAGE_SHIFT];

		assert_ptr_equal(*page, &ranges[i]);
		*page = NULL;
	}
	va_free(&space, &ranges[i]);
	memset(&ranges[i], 0xee, sizeof(ranges[i]));
	in_use[i] = false;
}

static void check_find(void)
{
	unsigned long page = random_below(PAGES), next = page;

	while (next < PAGES && !owner[next])
		next++;
	assert_ptr_equal(va_find(&space, BASE + page * PAGE_SIZE + random_below(PAGE_SIZE)),
			 next < PAGES ? owner[next] : NULL);
}

static void test_random(void **state)
{
	unsigned int deepest = 0;

	(void)state;
	va_space_init(&space, BASE, BASE + PAGES * PAGE_SIZE);
	for (int step = 0; step < 1000000; step++) {
		unsigned int i = random_below(ARRAY_SIZE(ranges));

		if (in_use[i])
			release(i);
		else if (step / 3000 % 3 != 2) /* every third stretch only frees */
			random_alloc(i);
		check_find();
		if (step % 256 == 0)
			deepest = max(deepest, check());
	}
	assert_in_range(deepest, 5, 40);
	for (unsigned int i = 0; i < ARRAY_SIZE(ranges); i++)
		if (in_use[i])
			release(i);
	check();
	assert_ptr_equal(space.root, &space.top);
	assert_true(space.top.gap == PAGES * PAGE_SIZE);
	assert_null(va_find(&space, BASE));
}

/* Requests in ascending order, where a plain search tree would be a list. */
static void test_depth(void **state)
{
	(void)state;
	va_space_init(&space, BASE, BASE + PAGES * PAGE_SIZE);
	for (unsigned int i = 0; i < ARRAY_SIZE(ranges); i++)
		assert_int_equal(va_alloc(&space, &ranges[i], 2 * PAGE_SIZE, PAGE_SIZE), 0);
	assert_in_range(check(), 10, 40);
	memset(owner, 0, sizeof(owner));
}

static void test_limits(void **state)
{
	struct va_range *range = &ranges[0];

	(void)state;
	va_space_init(&space, BASE, BASE + PAGES * PAGE_SIZE);
	assert_int_equal(va_alloc(&space, range, (PAGES + 1) * PAGE_SIZE, PAGE_SIZE), -ENOSPC);
	assert_int_equal(va_alloc(&space, range, -PAGE_SIZE, 16 * PAGE_SIZE), -ENOSPC);
	assert_int_equal(va_alloc(&space, range, PAGES * PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(va_alloc(&space, &ranges[1], PAGE_SIZE, PAGE_SIZE), -ENOSPC);
	assert_ptr_equal(va_find(&space, BASE + PAGES * PAGE_SIZE - 1), range);
	assert_null(va_find(&space, BASE + PAGES * PAGE_SIZE));
	va_free(&space, range);
	check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, random_setup, NULL);
}
