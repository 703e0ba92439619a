/* SPDX-License-Identifier: BSD-2-Clause */
#include <mm/pgtable.h>

#include <asm/page.h>
#include <asm/table.h>
#include <asm/tlb.h>
#include <lib/bug.h>
#include <lib/errno.h>

/*
 * The address bits that the root's entries resolve, those above being the same in all of [start,
 * last], and all ones or all zeros; 0 if they are not.
 */
static unsigned long range_mask(const struct pgtable *pt, unsigned long start, unsigned long last)
{
	unsigned int bits = VA_BITS;
	unsigned long upper;

	if (pt->first_level != FIRST_LEVEL)
		bits = min(IDMAP_BITS_MAX, LEVEL_SHIFT(pt->first_level - 1));
	upper = ~(BIT(bits) - 1);
	if (start > last || (start & upper) != (last & upper))
		return 0;
	return (start & upper) == 0 || (start & upper) == upper ? ~upper : 0;
}

/* The same of size bytes, which must be whole pages. */
static unsigned long pages_mask(const struct pgtable *pt, unsigned long va, unsigned long size)
{
	return size && IS_ALIGNED(va | size, PAGE_SIZE) ? range_mask(pt, va, va + size - 1) : 0;
}

/* mask: range_mask(). Only the root's index needs it. */
static unsigned int entry_index(unsigned long mask, unsigned long va, int level)
{
	return (va & mask) >> LEVEL_SHIFT(level) & (PTRS_PER_TABLE - 1);
}

static unsigned int cont_entries(int level)
{
	return level == LAST_LEVEL ? CONT_PTES : level == LAST_LEVEL - 1 ? CONT_PMDS : 1;
}

static struct pgtable_leaf leaf_of(pte_t pte, unsigned long va, int level)
{
	return (struct pgtable_leaf){
		.va = ALIGN_DOWN(va, LEVEL_SIZE(level)),
		.pa = pte_phys(pte),
		.size = LEVEL_SIZE(level),
		.prot = pte_prot(pte),
		.level = level,
		.cont = pte_is_cont(pte),
	};
}

unsigned long pgtable_leaf_span(const struct pgtable_leaf *leaf)
{
	return leaf->cont ? leaf->size * cont_entries(leaf->level) : leaf->size;
}

/* A table on the way down. */
struct place {
	phys_addr_t table;
	int level;
};

static struct place root_of(const struct pgtable *pt)
{
	return (struct place){pt->root, pt->first_level};
}

static pte_t read_entry(struct place at, unsigned long mask, unsigned long va)
{
	pte_t pte = table_read(table_open(at.table, at.level) + entry_index(mask, va, at.level));

	table_close(at.level);
	return pte;
}

/* The lowest table that translates all of [va, last]. */
static struct place common_table(const struct pgtable *pt, unsigned long mask, unsigned long va,
				 unsigned long last)
{
	struct place at = root_of(pt);

	for (; (va ^ last) >> LEVEL_SHIFT(at.level) == 0; at.level++) {
		pte_t pte = read_entry(at, mask, va);

		if (!pte_is_table(pte, at.level))
			break;
		at.table = pte_phys(pte);
	}
	return at;
}

/* The entry at which the walk down from a table ends, and its level. */
struct found {
	pte_t pte;
	int level;
};

static struct found walk_down(struct place at, unsigned long mask, unsigned long va)
{
	for (;; at.level++) {
		pte_t pte = read_entry(at, mask, va);

		if (!pte_is_table(pte, at.level))
			return (struct found){pte, at.level};
		at.table = pte_phys(pte);
	}
}

bool pgtable_lookup(const struct pgtable *pt, unsigned long va, struct pgtable_leaf *leaf)
{
	unsigned long mask = range_mask(pt, va, va);
	struct found found;

	if (!mask)
		return false;
	found = walk_down(root_of(pt), mask, va);
	if (!pte_is_leaf(found.pte, found.level))
		return false;
	*leaf = leaf_of(found.pte, va, found.level);
	return true;
}

/* One pass over the leaves of a range, to read or to change them. */
struct walk {
	unsigned long mask, last;
	pgprot_t prot;                         /* CHECK_PROTECT, PROTECT */
	const struct pgtable_visitor *visitor; /* VISIT */
	void *arg;
	struct pgtable_leaf leaf;
	enum edit { VISIT, CHECK_PROTECT, PROTECT, CLEAR } what;
	bool changed;
};

static int visit_leaf(struct walk *walk, pte_t pte, unsigned long va, int level)
{
	walk->leaf = leaf_of(pte, va, level);
	return walk->visitor->leaf ? walk->visitor->leaf(&walk->leaf, walk->arg) : 0;
}

static void clear_run(struct walk *walk, pte_t *entry, unsigned int n)
{
	while (n--)
		table_write(entry++, pte_none());
	walk->changed = true;
}

static void protect_run(struct walk *walk, pte_t *entry, unsigned int n, int level)
{
	for (; n--; entry++) {
		pte_t old = table_read(entry);
		pte_t changed = pte_leaf(pte_phys(old), walk->prot, level, pte_is_cont(old));

		if (pte_same(old, changed))
			continue;
		table_write(entry, changed);
		walk->changed = true;
	}
}

/* What is done to the n leaves from entry on, a contiguous run or one; pte: the first of them. */
static int edit_run(struct walk *walk, pte_t *entry, pte_t pte, unsigned int n, int level)
{
	if (walk->what == CLEAR)
		clear_run(walk, entry, n);
	else if (walk->what == PROTECT)
		protect_run(walk, entry, n, level);
	else if (pte_is_cont(pte) || prot_memtype(pte_prot(pte)) != prot_memtype(walk->prot))
		return -EINVAL;
	return 0;
}

/* Leaves from the one at va to the end of its run. */
static unsigned int run_length(pte_t pte, unsigned long va, int level)
{
	unsigned int n = cont_entries(level);

	return pte_is_cont(pte) ? n - (va >> LEVEL_SHIFT(level)) % n : 1;
}

static int walk_table(struct walk *walk, phys_addr_t table, int level, unsigned long va)
{
	pte_t *entry, *end;
	int ret = 0;

	if (walk->what == VISIT && walk->visitor->table)
		ret = walk->visitor->table(table, level, va, walk->arg);
	if (ret)
		return ret == PGTABLE_SKIP ? 0 : ret;
	entry = table_open(table, level);
	end = entry + PTRS_PER_TABLE;
	entry += entry_index(walk->mask, va, level);
	do {
		pte_t pte = table_read(entry);
		unsigned int n = 1;

		if (pte_is_table(pte, level)) {
			ret = walk_table(walk, pte_phys(pte), level + 1, va);
		} else if (pte_is_leaf(pte, level) && walk->what == VISIT) {
			ret = visit_leaf(walk, pte, va, level);
		} else if (pte_is_leaf(pte, level)) {
			n = run_length(pte, va, level);
			ret = edit_run(walk, entry, pte, n, level);
		}
		entry += n;
		va = ALIGN_DOWN(va, LEVEL_SIZE(level)) + n * LEVEL_SIZE(level);
	} while (!ret && va - 1 < walk->last && entry < end);
	table_close(level);
	return ret;
}

int pgtable_walk(const struct pgtable *pt, unsigned long start, unsigned long last,
		 const struct pgtable_visitor *visitor, void *arg)
{
	struct walk walk = {.what = VISIT,
			    .mask = range_mask(pt, start, last),
			    .last = last,
			    .visitor = visitor,
			    .arg = arg};

	if (!walk.mask)
		return -EINVAL;
	return walk_table(&walk, pt->root, pt->first_level, start);
}

/* Bytes that can only change together with the one at va. */
static unsigned long span_at(struct place at, unsigned long mask, unsigned long va)
{
	struct found found = walk_down(at, mask, va);
	unsigned int n = pte_is_cont(found.pte) ? cont_entries(found.level) : 1;

	return pte_is_leaf(found.pte, found.level) ? n * LEVEL_SIZE(found.level) : PAGE_SIZE;
}

/* A leaf can be partly covered only where the range begins or ends. */
static bool covers_leaves(struct place at, unsigned long mask, unsigned long va, unsigned long size)
{
	unsigned long span = span_at(at, mask, va + size - 1);

	return IS_ALIGNED(va + size, span) &&
	       (span == size || IS_ALIGNED(va, span_at(at, mask, va)));
}

static int edit_leaves(struct pgtable *pt, unsigned long va, unsigned long size, enum edit what,
		       pgprot_t prot)
{
	struct walk walk;
	struct place at;
	int ret;

	/* One by one: to clear what only visits need would cost more than all of this. */
	walk.what = what;
	walk.changed = false;
	walk.prot = prot;
	walk.mask = pages_mask(pt, va, size);
	walk.last = va + size - 1;
	if (!walk.mask)
		return -EINVAL;
	at = common_table(pt, walk.mask, va, walk.last);
	if (!covers_leaves(at, walk.mask, va, size))
		return -EINVAL;
	ret = walk_table(&walk, at.table, at.level, va);
	if (!ret && what == CHECK_PROTECT) {
		walk.what = PROTECT;
		walk_table(&walk, at.table, at.level, va);
	}
	if (walk.changed)
		flush_tlb_kernel_range(va, va + size);
	return ret;
}

int pgtable_unmap(struct pgtable *pt, unsigned long va, unsigned long size)
{
	return edit_leaves(pt, va, size, CLEAR, PAGE_KERNEL);
}

int pgtable_protect(struct pgtable *pt, unsigned long va, unsigned long size, pgprot_t prot)
{
	return edit_leaves(pt, va, size, CHECK_PROTECT, prot);
}

/* A mapping under way: va is the next byte to map, left what remains. */
struct mapping {
	struct pgtable *pt;
	unsigned long mask, va, left;
	phys_addr_t pa;
	pgprot_t prot;
	unsigned int flags;
};

static int map_table(struct mapping *map, phys_addr_t table, int level, bool fresh);

/* Entries that can be filled alike: count of them, in contiguous runs or not. */
struct fill {
	unsigned int count;
	bool cont;
};

/*
 * What empty entries of this level need when left bytes are to be mapped from va to pa on and room
 * entries are left in the table: a count of 0, a table of smaller entries; else so many leaves, as
 * whole contiguous runs or up to where runs can begin.
 */
static struct fill leaves_that_fit(int level, unsigned long va, phys_addr_t pa, unsigned long left,
				   unsigned int flags, unsigned int room)
{
	unsigned int shift = LEVEL_SHIFT(level), entries = cont_entries(level);
	unsigned long size = LEVEL_SIZE(level), run = size * entries;
	bool may_block = level >= FIRST_BLOCK_LEVEL && !(flags & PGTABLE_NO_BLOCKS);

	if (level != LAST_LEVEL && (!may_block || left < size || !IS_ALIGNED(va | pa, size)))
		return (struct fill){0, false};
	if (entries > 1 && !(flags & PGTABLE_NO_CONT)) {
		if (IS_ALIGNED(va | pa, run) && left >= run)
			return (struct fill){(unsigned int)min(left / run * entries, (u64)room),
					     true};
		left = min(left, run - (va & (run - 1)));
	}
	return (struct fill){(unsigned int)min(left >> shift, (u64)room), false};
}

static bool all_none(const pte_t *entry, unsigned int n)
{
	bool none = true;

	/* Four at a time: a run has many, and the loop itself would cost more than they do. */
	for (; n >= 4; n -= 4, entry += 4) {
		none &= pte_is_none(table_read(entry));
		none &= pte_is_none(table_read(entry + 1));
		none &= pte_is_none(table_read(entry + 2));
		none &= pte_is_none(table_read(entry + 3));
	}
	while (n--)
		none &= pte_is_none(table_read(entry++));
	return none;
}

static void write_leaves(struct mapping *map, pte_t *entry, int level, struct fill fill)
{
	unsigned long size = LEVEL_SIZE(level), total = fill.count * size;

	table_fill(entry, pte_leaf(map->pa, map->prot, level, fill.cont), size, fill.count);
	map->va += total;
	map->pa += total;
	map->left -= total;
}

/* The walker must find a new table zeroed whenever it finds the entry that leads to it. */
static int map_below_new(struct mapping *map, pte_t *entry, int level)
{
	phys_addr_t table = map->pt->alloc(level + 1);

	if (!table)
		return -ENOMEM;
	table_publish();
	table_write(entry, pte_table(table));
	return map_table(map, table, level + 1, true);
}

/*
 * Fill the entry at map->va and what is alike behind it, room entries at most, of which none is in
 * use where the table is fresh. Returns how many entries, or an error.
 */
static int map_entry(struct mapping *map, pte_t *entry, int level, unsigned int room, bool fresh)
{
	pte_t old = table_read(entry);
	struct fill fill;

	if (pte_is_table(old, level))
		return map_table(map, pte_phys(old), level + 1, false) ?: 1;
	if (!pte_is_none(old))
		return -EEXIST;
	fill = leaves_that_fit(level, map->va, map->pa, map->left, map->flags, room);
	if (!fill.count)
		return map_below_new(map, entry, level) ?: 1;
	if (!fresh && !all_none(entry, fill.count))
		fill = (struct fill){1, false};
	write_leaves(map, entry, level, fill);
	return (int)fill.count;
}

static int map_table(struct mapping *map, phys_addr_t table, int level, bool fresh)
{
	pte_t *entries = table_open(table, level);
	unsigned int i = entry_index(map->mask, map->va, level);
	int n = 0;

	while (map->left && i < PTRS_PER_TABLE) {
		n = map_entry(map, &entries[i], level, PTRS_PER_TABLE - i, fresh);
		if (n < 0)
			break;
		i += (unsigned int)n;
	}
	table_close(level);
	return min(n, 0);
}

int pgtable_map(struct pgtable *pt, unsigned long va, phys_addr_t pa, unsigned long size,
		pgprot_t prot, unsigned int flags)
{
	struct mapping map = {.pt = pt,
			      .mask = pages_mask(pt, va, size),
			      .va = va,
			      .left = size,
			      .pa = pa,
			      .prot = prot,
			      .flags = flags};
	struct place at;
	int err;

	if (!map.mask || !IS_ALIGNED(pa, PAGE_SIZE) || pa > BIT(PHYS_MASK_BITS) - size)
		return -EINVAL;
	at = common_table(pt, map.mask, va, va + size - 1);
	err = map_table(&map, at.table, at.level, false);
	table_sync();
	if (err && map.va != va)
		BUG_ON(pgtable_unmap(pt, va, map.va - va));
	return err;
}
