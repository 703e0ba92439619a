/* SPDX-License-Identifier: BSD-2-Clause */
#include <mm/pt_audit.h>

#include <asm/page.h>
#include <lib/errno.h>
#include <lib/printk.h>
#include <mm/memblock.h>
#include <mm/memmap.h>

/* Tables compared with all that come after them in one walk. */
enum { BATCH = 32 };

struct audit {
	const struct pgtable *pt;
	unsigned long first, last;
	pt_translate_fn translate;
	char *text;
	size_t size;

	struct pgtable_leaf run;  /* leaves that go on from each other, of run.size bytes in all */
	struct pgtable_leaf leaf; /* the last one of it */
	phys_addr_t linear;       /* the linear map is right up to here */
	unsigned long tables, batch; /* tables seen in this walk; the first of the batch */
	phys_addr_t table[BATCH];
};

/* What a visitor returns to end the walk. */
enum { END_OF_RUN = 1, BROKEN = -EFAULT };

#define broken(audit, ...) (scnprintf((audit)->text, (audit)->size, __VA_ARGS__), BROKEN)

/* --- tables ----------------------------------------------------------------------------------- */

static bool is_table_page(phys_addr_t pa)
{
	struct page *page = phys_to_page(pa);
	u64 word = 0;

	if (!page_probe(page, &word))
		return memblock_is_reserved(pa);
	if (word_type(word) == PAGE_NONE)
		return memblock_is_reserved(pa) && !block_head(page);
	return word_type(word) == PAGE_ALLOC &&
	       (word_cache(word) == ROLE_TABLE || word_cache(word) == ROLE_META);
}

static int check_table(phys_addr_t pa, int level, unsigned long va, void *arg)
{
	struct audit *audit = arg;
	long n = (long)(audit->tables++ - audit->batch);

	for (long i = 0; i < min(n, (long)BATCH); i++)
		if (audit->table[i] == pa)
			return broken(audit, "table page 0x%lx is reached twice, again for 0x%lx",
				      pa, va);
	if (n >= 0 && n < BATCH) {
		audit->table[n] = pa;
		if (!is_table_page(pa))
			return broken(audit, "table page 0x%lx, for 0x%lx, is nobody's", pa, va);
	}
	return level == LAST_LEVEL ? PGTABLE_SKIP : 0;
}

static int check_tables(struct audit *audit)
{
	static const struct pgtable_visitor visitor = {.table = check_table};
	int err = 0;

	do {
		audit->tables = 0;
		err = pgtable_walk(audit->pt, audit->first, audit->last, &visitor, audit);
		audit->batch += BATCH;
	} while (!err && audit->batch < audit->tables);
	return err;
}

/* --- leaves, one by one ----------------------------------------------------------------------- */

static bool goes_on(const struct pgtable_leaf *from, const struct pgtable_leaf *leaf)
{
	return leaf->va == from->va + from->size && leaf->pa == from->pa + from->size &&
	       prot_same(leaf->prot, from->prot);
}

/* The next leaf: is what the one before it began complete, and what it begins itself right? */
static int check_leaf(struct audit *audit, const struct pgtable_leaf *leaf)
{
	const struct pgtable_leaf *last = &audit->leaf;
	unsigned long next = last->va + last->size;
	bool inside = last->cont && !IS_ALIGNED(next, pgtable_leaf_span(last));
	bool good = !leaf->cont || IS_ALIGNED(leaf->va | leaf->pa, pgtable_leaf_span(leaf));

	if (prot_writable(leaf->prot) && prot_executable(leaf->prot))
		return broken(audit, "0x%lx is writable and executable", leaf->va);
	if (inside)
		good = leaf->cont && leaf->level == last->level && goes_on(last, leaf);
	if (!good)
		return broken(audit, "contiguous run broken at 0x%lx", inside ? next : leaf->va);
	audit->leaf = *leaf;
	return 0;
}

static int collect_leaf(const struct pgtable_leaf *leaf, void *arg)
{
	struct audit *audit = arg;

	if (!audit->run.size)
		audit->run = *leaf;
	else if (goes_on(&audit->run, leaf))
		audit->run.size += leaf->size;
	else
		return END_OF_RUN;
	return check_leaf(audit, leaf);
}

/* --- runs of leaves --------------------------------------------------------------------------- */

static int check_alias(const struct pgtable_leaf *leaf, void *arg)
{
	struct audit *audit = arg;
	const struct pgtable_leaf *run = &audit->run;

	if (leaf->pa >= run->pa + run->size || run->pa >= leaf->pa + leaf->size)
		return 0;
	if (prot_memtype(leaf->prot) != prot_memtype(run->prot))
		return broken(audit, "page 0x%lx has two memory types, at 0x%lx and 0x%lx",
			      max(leaf->pa, run->pa), run->va, leaf->va);
	if (prot_executable(run->prot) && prot_writable(leaf->prot))
		return broken(audit, "text page 0x%lx has a writable alias at 0x%lx",
			      max(leaf->pa, run->pa), leaf->va);
	return 0;
}

/* Two mappings of a page can only be at odds where one of them is executable, or no normal memory.
 */
static int check_aliases(struct audit *audit)
{
	static const struct pgtable_visitor visitor = {.leaf = check_alias};
	pgprot_t prot = audit->run.prot;

	if (!prot_executable(prot) && prot_memtype(prot) == prot_memtype(PAGE_KERNEL))
		return 0;
	return pgtable_walk(audit->pt, audit->first, audit->last, &visitor, audit);
}

/* The first byte from pa on that belongs into the linear map, and where its region ends. */
static phys_addr_t memory_from(phys_addr_t pa, phys_addr_t *end)
{
	struct memblock_region *r;

	for_each_mem_region (r) {
		phys_addr_t start = max((phys_addr_t)PAGE_ALIGN(r->base), pa);

		*end = ALIGN_DOWN(r->base + r->size, PAGE_SIZE);
		if (start < *end && !memblock_is_nomap(r))
			return start;
	}
	return *end = PHYS_ADDR_MAX;
}

/* The linear map maps pa next, or nothing more (PHYS_ADDR_MAX). */
static int check_linear_next(struct audit *audit, phys_addr_t pa, phys_addr_t *end)
{
	phys_addr_t next = memory_from(audit->linear, end);

	if (next < pa)
		return broken(audit, "memory at 0x%lx is not in the linear map", next);
	if (next > pa)
		return broken(audit, "0x%lx is in the linear map, and not memory for it", pa);
	return 0;
}

static int check_linear(struct audit *audit)
{
	phys_addr_t pa = audit->run.pa, run_end = pa + audit->run.size, end;
	int err = 0;

	if (!is_linear_address(audit->run.va))
		return 0;
	if (pa != virt_to_phys((void *)audit->run.va))
		return broken(audit, "the linear map has 0x%lx at 0x%lx", pa, audit->run.va);
	for (; !err && pa < run_end; pa = audit->linear = min(end, run_end))
		err = check_linear_next(audit, pa, &end);
	return err;
}

static int check_address(struct audit *audit, unsigned long va)
{
	struct pgtable_leaf leaf;
	bool mapped = pgtable_lookup(audit->pt, va, &leaf);

	for (int write = 0; write <= 1; write++) {
		bool expected = mapped && (!write || prot_writable(leaf.prot));
		phys_addr_t pa = 0;

		if (audit->translate(va, write, &pa) != expected ||
		    (expected && pa != leaf.pa + (va - leaf.va)))
			return broken(audit, "the MMU disagrees with the tables on a %s at 0x%lx",
				      write ? "write" : "read", va);
	}
	return 0;
}

static int check_run(struct audit *audit)
{
	unsigned long start = audit->run.va, end = start + audit->run.size;
	const unsigned long edges[] = {start - 1, start, end - 1, end};
	int err = check_aliases(audit) ?: check_linear(audit);

	for (unsigned int i = 0; i < ARRAY_SIZE(edges) && !err; i++)
		err = check_address(audit, edges[i]);
	return err;
}

static int check_runs(struct audit *audit)
{
	static const struct pgtable_visitor visitor = {.leaf = collect_leaf};
	unsigned long from = audit->first;
	phys_addr_t end;
	int err, wrong;

	do {
		audit->run.size = 0;
		err = pgtable_walk(audit->pt, from, audit->last, &visitor, audit);
		from = audit->run.va + audit->run.size;
		if (err >= 0 && audit->run.size && (wrong = check_run(audit)))
			err = wrong;
	} while (err == END_OF_RUN);
	/* Behind the last leaf nothing may be missing, neither of its contiguous run nor memory. */
	if (!err)
		err = check_leaf(audit, &(struct pgtable_leaf){.prot = PAGE_KERNEL});
	return err ?: check_linear_next(audit, PHYS_ADDR_MAX, &end);
}

bool pt_audit(const struct pgtable *pt, unsigned long first, unsigned long last,
	      pt_translate_fn translate, char *text, size_t size)
{
	struct audit audit = {.pt = pt,
			      .first = first,
			      .last = last,
			      .translate = translate,
			      .text = text,
			      .size = size};

	return !check_tables(&audit) && !check_runs(&audit);
}
