/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables: map, unmap, change rights, look up, walk. One recursion of at most four levels
 * serves every granule and VA size (asm/geometry.h); entries are known only through asm/pte.h,
 * tables only through asm/table.h.
 *
 * Addresses va are virtual, pa physical, sizes bytes. A root serves either the top of the address
 * space, from
 * -(1 << VA_BITS) up (TTBR1), or the bottom, from 0 up (TTBR0): as in hardware the upper bits of va
 * are not looked at beyond being all ones or all zeros, so the caller picks the root that belongs
 * to the half.
 *
 * Nothing here locks: who edits a root that others may edit holds a lock. Lookups and walks may run
 * beside edits; they see each entry old or new, and table pages are never freed.
 */
#ifndef MM_PGTABLE_H
#define MM_PGTABLE_H

#include <asm/pte.h>
#include <lib/types.h>

struct pgtable {
	phys_addr_t root; /* physical address of the first table */
	int first_level;  /* its level: FIRST_LEVEL, or less for an identity map beyond VA_BITS */
	/*
	 * Returns a zeroed page for a table of the given level, physical, page aligned; 0 when
	 * there is none. That level's table_open() slot is free during the call, those of the
	 * levels above may be in use.
	 */
	phys_addr_t (*alloc)(int level);
};

/* The kernel's own tables (TTBR1). */
extern struct pgtable init_mm;
/* Pages of its tables, those in the image not counted. None is ever given back. */
extern unsigned int nr_table_pages;

/* Flags of pgtable_map(). */
enum {
	PGTABLE_NO_BLOCKS = 1, /* pages only, in contiguous runs where those fit */
	PGTABLE_NO_CONT = 2,   /* no contiguous runs (Arm ARM D8.7.1) */
};

/* What one valid last entry of a walk maps. Of a contiguous run each entry is a leaf of its own. */
struct pgtable_leaf {
	unsigned long va;   /* first byte */
	phys_addr_t pa;     /* where that is */
	unsigned long size; /* of a page or block of this level */
	pgprot_t prot;
	int level;
	bool cont; /* part of a contiguous run of pgtable_leaf_span() bytes, aligned to that */
};

/*
 * Map [va, va + size) to [pa, pa + size): the largest blocks that fit, then contiguous runs, then
 * pages. All page aligned. -EEXIST when a part of it is mapped already, -ENOMEM when alloc failed,
 * -EINVAL for a range that is unaligned, empty, not of this root or beyond PHYS_MASK_BITS. After an
 * error nothing of the range is newly mapped; table pages that were added stay, empty. On return
 * walks and accesses of this CPU see the mapping (table_sync()).
 */
int pgtable_map(struct pgtable *pt, unsigned long va, phys_addr_t pa, unsigned long size,
		pgprot_t prot, unsigned int flags);

/*
 * Remove what [va, va + size) maps and invalidate the TLBs of all CPUs, once for the range. Holes
 * are fine. -EINVAL, and nothing is changed, when the range ends inside a block or contiguous run,
 * or is one pgtable_map() would refuse. Table pages stay linked for the next mapping: freeing one
 * would need a second invalidation before its reuse.
 */
int pgtable_unmap(struct pgtable *pt, unsigned long va, unsigned long size);

/*
 * Give all leaves in [va, va + size) the rights of prot; output address, size and memory type stay.
 * Holes are fine. -EINVAL, and nothing is changed, when a leaf has another memory type than prot or
 * is part of a contiguous run (either would need break-before-make, Arm ARM D8.16.1: map with
 * PGTABLE_NO_CONT what is to change), or as for pgtable_unmap(). TLBs are invalidated; until the
 * return an access may be judged by the old or the new rights.
 */
int pgtable_protect(struct pgtable *pt, unsigned long va, unsigned long size, pgprot_t prot);

/* The leaf that maps va, which need not be aligned. False, and *leaf untouched, when nothing does.
 */
bool pgtable_lookup(const struct pgtable *pt, unsigned long va, struct pgtable_leaf *leaf);

/* Bytes that can only change together with the leaf: its contiguous run, or itself. */
unsigned long pgtable_leaf_span(const struct pgtable_leaf *leaf);

/*
 * Called in ascending order of va, a table before what it holds; NULL: not interested. va of a
 * table: first byte of the walk that it translates. Non-zero ends the walk, except that table()
 * may say PGTABLE_SKIP: go on, but not below it.
 */
enum { PGTABLE_SKIP = 1 };
struct pgtable_visitor {
	int (*table)(phys_addr_t pa, int level, unsigned long va, void *arg);
	int (*leaf)(const struct pgtable_leaf *leaf, void *arg);
};

/*
 * Visit all leaves and tables that translate addresses of [start, last], last included so that the
 * top of the address space can be reached. Returns 0, what a visitor returned, or -EINVAL for a
 * range not of this root. The tables on the way are open during a visit (asm/table.h).
 */
int pgtable_walk(const struct pgtable *pt, unsigned long start, unsigned long last,
		 const struct pgtable_visitor *visitor, void *arg);

#endif
