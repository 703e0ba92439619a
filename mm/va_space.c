/* SPDX-License-Identifier: BSD-2-Clause */
#include <mm/va_space.h>

#include <asm/page.h>
#include <lib/errno.h>

enum { LOWER, UPPER };

/* A linear congruential generator: comparing looks at its upper bits, which are random enough. */
static u32 next_random(struct va_space *space)
{
	return space->random = space->random * 747796405 + 2891336453;
}

static unsigned long max_gap_of(const struct va_range *range)
{
	return range ? range->max_gap : 0;
}

static void refresh(struct va_range *range)
{
	unsigned long below = max(max_gap_of(range->child[LOWER]), max_gap_of(range->child[UPPER]));

	range->max_gap = max(range->gap, below);
}

void va_space_init(struct va_space *space, unsigned long start, unsigned long end)
{
	space->top =
		(struct va_range){.start = end, .end = end, .gap = end - start, .priority = ~0u};
	refresh(&space->top);
	space->root = &space->top;
	space->random = 1;
}

static void refresh_up(struct va_range *range)
{
	for (; range; range = range->parent)
		refresh(range);
}

/* The pointer that leads to range. */
static struct va_range **link_to(struct va_space *space, const struct va_range *range)
{
	struct va_range *parent = range->parent;

	return parent ? &parent->child[parent->child[UPPER] == range] : &space->root;
}

static void rotate_up(struct va_space *space, struct va_range *range)
{
	struct va_range *parent = range->parent;
	int side = parent->child[UPPER] == range;
	struct va_range *inner = range->child[!side];

	*link_to(space, parent) = range;
	range->parent = parent->parent;
	range->child[!side] = parent;
	parent->parent = range;
	parent->child[side] = inner;
	if (inner)
		inner->parent = parent;
	refresh(parent);
	refresh(range);
}

/* The lowest range with a gap of at least size before it; the caller knows that there is one. */
static struct va_range *lowest_gap(struct va_space *space, unsigned long size)
{
	struct va_range *range = space->root;

	for (;;) {
		if (max_gap_of(range->child[LOWER]) >= size)
			range = range->child[LOWER];
		else if (range->gap >= size)
			return range;
		else
			range = range->child[UPPER];
	}
}

/* Hang range into the tree as a leaf directly before next, which has no other range between. */
static void attach_before(struct va_range *range, struct va_range *next)
{
	int side = LOWER;

	if (next->child[LOWER]) {
		next = next->child[LOWER];
		while (next->child[UPPER])
			next = next->child[UPPER];
		side = UPPER;
	}
	next->child[side] = range;
	range->parent = next;
}

int va_alloc(struct va_space *space, struct va_range *range, unsigned long size,
	     unsigned long align)
{
	unsigned long need = size + align - PAGE_SIZE;
	struct va_range *next;
	unsigned long gap_start;

	if (need < size || space->root->max_gap < need)
		return -ENOSPC;
	next = lowest_gap(space, need);
	gap_start = next->start - next->gap;
	range->start = ALIGN(gap_start, align);
	range->end = range->start + size;
	range->gap = range->start - gap_start;
	range->priority = next_random(space);
	range->child[LOWER] = range->child[UPPER] = NULL;
	next->gap = next->start - range->end;
	attach_before(range, next);
	refresh_up(range);
	while (range->parent && range->parent->priority < range->priority)
		rotate_up(space, range);
	return 0;
}

static struct va_range *heavier_child(const struct va_range *range)
{
	struct va_range *lower = range->child[LOWER], *upper = range->child[UPPER];

	if (!lower || !upper)
		return lower ? lower : upper;
	return lower->priority > upper->priority ? lower : upper;
}

/* The range after one that has none below it: the nearest ancestor on its upper side. */
static struct va_range *next_of_leaf(const struct va_range *leaf)
{
	struct va_range *parent = leaf->parent;

	while (parent->child[UPPER] == leaf) {
		leaf = parent;
		parent = leaf->parent;
	}
	return parent;
}

void va_free(struct va_space *space, struct va_range *range)
{
	struct va_range *child;

	while ((child = heavier_child(range)))
		rotate_up(space, child);
	next_of_leaf(range)->gap += range->end - range->start + range->gap;
	*link_to(space, range) = NULL;
	refresh_up(range->parent);
}

struct va_range *va_find(struct va_space *space, unsigned long addr)
{
	struct va_range *range = space->root, *found = NULL;

	while (range) {
		bool above = range->end > addr;

		if (above)
			found = range;
		range = range->child[above ? LOWER : UPPER];
	}
	return found == &space->top ? NULL : found;
}
