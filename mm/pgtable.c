/* SPDX-License-Identifier: BSD-2-Clause */
#include <mm/pgtable.h>

#include <asm/page.h>
#include <asm/table.h>
#include <asm/tlb.h>
#include <lib/bug.h>
#include <lib/errno.h>

/* The addresses the root's entries resolve: va ^ its sign bits must fit in this. */
static unsigned long root_mask(const struct pgtable *pt)
{
	unsigned int bits = VA_BITS;

	if (pt->first_level != FIRST_LEVEL)
		bits = min(IDMAP_BITS_MAX, LEVEL_SHIFT(pt->first_level - 1));
	return BIT(bits) - 1;
}

/* The upper bits are the same in the whole range, and all ones or all zeros. */
static bool range_of_root(const struct pgtable *pt, unsigned long start, unsigned long last)
{
	unsigned long upper = ~root_mask(pt);

	if (start > last || (start & upper) != (last & upper))
		return false;
	return (start & upper) == 0 || (start & upper) == upper;
}

static unsigned int entry_index(const struct pgtable *pt, unsigned long va, int level)
{
	if (level == pt->first_level)
		va &= root_mask(pt);
	return (va >> LEVEL_SHIFT(level)) & (PTRS_PER_TABLE - 1);
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

bool pgtable_lookup(const struct pgtable *pt, unsigned long va, struct pgtable_leaf *leaf)
{
	phys_addr_t table = pt->root;
	int level = pt->first_level;
	pte_t pte;

	if (!range_of_root(pt, va, va))
		return false;
	for (;; level++, table = pte_phys(pte)) {
		pte = table_read(table_open(table, level) + entry_index(pt, va, level));
		table_close(level);
		if (!pte_is_table(pte, level))
			break;
	}
	if (!pte_is_leaf(pte, level))
		return false;
	*leaf = leaf_of(pte, va, level);
	return true;
}

/* One pass over the leaves of a range, to read or to change them. */
struct walk {
	const struct pgtable *pt;
	unsigned long last;
	int (*leaf)(struct walk *walk, pte_t *entry, pte_t pte, unsigned long va, int level);
	const struct pgtable_visitor *visitor;
	void *arg;
	pgprot_t prot;
	bool changed;
};

static int walk_table(struct walk *walk, phys_addr_t table, int level, unsigned long va)
{
	unsigned int i = entry_index(walk->pt, va, level);
	unsigned long entry_last;
	pte_t *entries;
	int ret = 0;

	if (walk->visitor && walk->visitor->table)
		ret = walk->visitor->table(table, level, va, walk->arg);
	if (ret)
		return ret;
	entries = table_open(table, level);
	do {
		pte_t pte = table_read(&entries[i]);

		if (pte_is_table(pte, level))
			ret = walk_table(walk, pte_phys(pte), level + 1, va);
		else if (pte_is_leaf(pte, level))
			ret = walk->leaf(walk, &entries[i], pte, va, level);
		entry_last = va | (LEVEL_SIZE(level) - 1);
		va = entry_last + 1;
	} while (!ret && entry_last < walk->last && ++i < PTRS_PER_TABLE);
	table_close(level);
	return ret;
}

static int visit_leaf(struct walk *walk, pte_t *entry, pte_t pte, unsigned long va, int level)
{
	struct pgtable_leaf leaf = leaf_of(pte, va, level);

	(void)entry;
	return walk->visitor->leaf ? walk->visitor->leaf(&leaf, walk->arg) : 0;
}

int pgtable_walk(const struct pgtable *pt, unsigned long start, unsigned long last,
		 const struct pgtable_visitor *visitor, void *arg)
{
	struct walk walk = {
		.pt = pt, .last = last, .leaf = visit_leaf, .visitor = visitor, .arg = arg};

	if (!range_of_root(pt, start, last))
		return -EINVAL;
	return walk_table(&walk, pt->root, pt->first_level, start);
}

static bool valid_range(const struct pgtable *pt, unsigned long va, unsigned long size)
{
	return size && IS_ALIGNED(va | size, PAGE_SIZE) && range_of_root(pt, va, va + size - 1);
}

/* A leaf can be partly covered only where the range begins or ends. */
static bool covers_leaves(const struct pgtable *pt, unsigned long va, unsigned long size)
{
	unsigned long span;
	struct pgtable_leaf leaf;

	if (pgtable_lookup(pt, va, &leaf) && !IS_ALIGNED(va, pgtable_leaf_span(&leaf)))
		return false;
	if (!pgtable_lookup(pt, va + size - 1, &leaf))
		return true;
	span = pgtable_leaf_span(&leaf);
	return IS_ALIGNED(va + size, span);
}

static int clear_leaf(struct walk *walk, pte_t *entry, pte_t pte, unsigned long va, int level)
{
	(void)pte, (void)va, (void)level;
	table_write(entry, pte_none());
	walk->changed = true;
	return 0;
}

static int check_memtype(struct walk *walk, pte_t *entry, pte_t pte, unsigned long va, int level)
{
	(void)entry, (void)va, (void)level;
	return prot_memtype(pte_prot(pte)) == prot_memtype(walk->prot) ? 0 : -EINVAL;
}

static int change_rights(struct walk *walk, pte_t *entry, pte_t pte, unsigned long va, int level)
{
	pte_t changed = pte_leaf(pte_phys(pte), walk->prot, level, pte_is_cont(pte));

	(void)va;
	if (pte_same(pte, changed))
		return 0;
	table_write(entry, changed);
	walk->changed = true;
	return 0;
}

static int edit_leaves(struct walk *walk, unsigned long va, unsigned long size)
{
	int ret = walk_table(walk, walk->pt->root, walk->pt->first_level, va);

	if (walk->changed)
		flush_tlb_kernel_range(va, va + size);
	return ret;
}

int pgtable_unmap(struct pgtable *pt, unsigned long va, unsigned long size)
{
	struct walk walk = {.pt = pt, .last = va + size - 1, .leaf = clear_leaf};

	if (!valid_range(pt, va, size) || !covers_leaves(pt, va, size))
		return -EINVAL;
	return edit_leaves(&walk, va, size);
}

int pgtable_protect(struct pgtable *pt, unsigned long va, unsigned long size, pgprot_t prot)
{
	struct walk walk = {.pt = pt, .last = va + size - 1, .leaf = check_memtype, .prot = prot};

	if (!valid_range(pt, va, size) || !covers_leaves(pt, va, size))
		return -EINVAL;
	if (walk_table(&walk, pt->root, pt->first_level, va))
		return -EINVAL;
	walk.leaf = change_rights;
	return edit_leaves(&walk, va, size);
}

/* A mapping under way: va is the next byte to map, left what remains. */
struct mapping {
	struct pgtable *pt;
	unsigned long va, left;
	phys_addr_t pa;
	pgprot_t prot;
	unsigned int flags;
};

static int map_table(struct mapping *map, phys_addr_t table, int level);

/*
 * What an empty entry of this level needs when left bytes are to be mapped from va on: 0, a table
 * of smaller entries; 1, a leaf; more, that many leaves as a contiguous run. aligned: va | pa.
 */
static unsigned int leaves_that_fit(int level, u64 aligned, unsigned long left, unsigned int flags)
{
	unsigned long size = LEVEL_SIZE(level), run = size * cont_entries(level);
	bool may_block = level >= FIRST_BLOCK_LEVEL && !(flags & PGTABLE_NO_BLOCKS);

	if (level != LAST_LEVEL && (!may_block || left < size || !IS_ALIGNED(aligned, size)))
		return 0;
	if (flags & PGTABLE_NO_CONT || left < run || !IS_ALIGNED(aligned, run))
		return 1;
	return cont_entries(level);
}

static bool all_none(const pte_t *entry, unsigned int n)
{
	while (n--)
		if (!pte_is_none(table_read(entry + n)))
			return false;
	return true;
}

static void write_leaves(struct mapping *map, pte_t *entry, int level, unsigned int n)
{
	unsigned long size = LEVEL_SIZE(level);

	for (unsigned int i = 0; i < n; i++)
		table_write(entry + i, pte_leaf(map->pa + i * size, map->prot, level, n > 1));
	map->va += n * size;
	map->pa += n * size;
	map->left -= n * size;
}

/* The walker must find a new table zeroed whenever it finds the entry that leads to it. */
static int map_below(struct mapping *map, pte_t *entry, pte_t old, int level)
{
	phys_addr_t table;

	if (pte_is_table(old, level))
		return map_table(map, pte_phys(old), level + 1);
	table = map->pt->alloc(level + 1);
	if (!table)
		return -ENOMEM;
	table_publish();
	table_write(entry, pte_table(table));
	return map_table(map, table, level + 1);
}

/* Fill the entry at map->va, or the run from there. Returns how many entries, or an error. */
static int map_entry(struct mapping *map, pte_t *entry, int level)
{
	unsigned int n = leaves_that_fit(level, map->va | map->pa, map->left, map->flags);
	pte_t old = table_read(entry);

	if (pte_is_table(old, level) || (!n && pte_is_none(old)))
		return map_below(map, entry, old, level) ?: 1;
	if (!pte_is_none(old))
		return -EEXIST;
	if (n > 1 && !all_none(entry, n))
		n = 1;
	write_leaves(map, entry, level, n);
	return (int)n;
}

static int map_table(struct mapping *map, phys_addr_t table, int level)
{
	pte_t *entries = table_open(table, level);
	int i = (int)entry_index(map->pt, map->va, level);
	int n = 0;

	while (map->left && i < PTRS_PER_TABLE) {
		n = map_entry(map, &entries[i], level);
		if (n < 0)
			break;
		i += n;
	}
	table_close(level);
	return min(n, 0);
}

int pgtable_map(struct pgtable *pt, unsigned long va, phys_addr_t pa, unsigned long size,
		pgprot_t prot, unsigned int flags)
{
	struct mapping map = {
		.pt = pt, .va = va, .left = size, .pa = pa, .prot = prot, .flags = flags};
	int err;

	if (!valid_range(pt, va, size) || !IS_ALIGNED(pa, PAGE_SIZE) ||
	    pa > BIT(PHYS_MASK_BITS) - size)
		return -EINVAL;
	err = map_table(&map, pt->root, pt->first_level);
	table_sync();
	if (err && map.va != va)
		BUG_ON(pgtable_unmap(pt, va, map.va - va));
	return err;
}
