/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hands out ranges of virtual addresses. The ranges in use stand in a treap (a search tree by
 * address that is a heap by random priority, so its depth is logarithmic whatever the order of
 * requests); each knows the free gap before it and the largest gap of its subtree, so finding
 * space, finding a range and giving one back take O(log n) steps.
 *
 * The memory of a range is the caller's, who also locks. Addresses and sizes are virtual, bytes,
 * page aligned.
 */
#ifndef MM_VA_SPACE_H
#define MM_VA_SPACE_H

#include <lib/types.h>

struct va_range {
	unsigned long start, end; /* end exclusive */
	unsigned long gap;        /* free bytes between the range before this one and start */
	unsigned long max_gap;    /* the largest gap of this range and those below it in the tree */
	struct va_range *parent, *child[2];
	u32 priority; /* not below that of the children */
};

struct va_space {
	struct va_range *root;
	struct va_range top; /* empty, where the space ends, atop the tree: it has the last gap */
	u32 random;
};

/* Make [start, end) one free gap. */
void va_space_init(struct va_space *space, unsigned long start, unsigned long end);

/*
 * Take size bytes aligned to align (a power of two, at least a page): range->start and end are set.
 * Lowest gap that is sure to fit. -ENOSPC when none is large enough for size and the worst case of
 * aligning.
 */
int va_alloc(struct va_space *space, struct va_range *range, unsigned long size,
	     unsigned long align);

/* Give a range of this space back. */
void va_free(struct va_space *space, struct va_range *range);

/* The range that holds addr, or else the next one above it; NULL when there is none. */
struct va_range *va_find(struct va_space *space, unsigned long addr);

#endif
