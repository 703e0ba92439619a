/* SPDX-License-Identifier: BSD-2-Clause */
/* Contract with mm/: how one page-table page is reached, and how its entries are written. */
#ifndef ASM_TABLE_H
#define ASM_TABLE_H

#include <asm/pte.h>
#include <lib/compiler.h>

/*
 * Map the table at physical address pa and return it; one table of each level may be open at a
 * time. Before the linear map is live this goes through the fixmap slot of that level
 * (FIX_PTE..FIX_PGD), afterwards through the linear map. Close in any order. TABLE_LOOK in place of
 * the level: just to look, in a slot of its own, whatever else is open and to be looked at.
 */
#define TABLE_LOOK (-1)
pte_t *table_open(phys_addr_t pa, int level);
void table_close(int level);

/* Single-copy atomic read and write of an entry. A write is not visible to the walker before
 * table_sync(). */
static __force_inline pte_t table_read(const pte_t *entry)
{
	return (pte_t){__atomic_load_n(&entry->bits, __ATOMIC_RELAXED)};
}

static __force_inline void table_write(pte_t *entry, pte_t pte)
{
	__atomic_store_n(&entry->bits, pte.bits, __ATOMIC_RELAXED);
}

/*
 * Write n leaves from entry on, each bytes further in its output address. Terabytes are mapped by
 * this: two entries a store, each half of which is single-copy atomic (Arm ARM B2.2.1).
 */
static inline void table_fill(pte_t *entry, pte_t leaf, unsigned long bytes, unsigned int n)
{
	pte_t odd = pte_advance(leaf, bytes);

	for (; n >= 32; n -= 32)
		__asm__ volatile(".rept 16\n"
				 "stp %1, %2, [%0], #16\n"
				 "add %1, %1, %3\n"
				 "add %2, %2, %3\n"
				 ".endr"
				 : "+r"(entry), "+r"(leaf.bits), "+r"(odd.bits)
				 : "r"(2 * bytes)
				 : "memory");
	for (; n; n--, leaf = pte_advance(leaf, bytes))
		table_write(entry++, leaf);
}

/* Order the writes that filled a new table before the write that links it: walkers follow the link
 * (DMB ISHST). */
static inline void table_publish(void)
{
	__asm__ volatile("dmb ishst" ::: "memory");
}

/* Order entry writes made so far before later walks and accesses (DSB ISHST; ISB). Invalid to valid
 * needs no more. */
void table_sync(void);

/*
 * Back the descriptors in [start, end) (virtual, within vmemmap or the section map; rounded out to
 * pages) with zeroed memory. Pages already there are kept. take() hands out one free page's
 * physical address; it is called at most vmemmap_cost(start, end) times and must not fail. Does not
 * allocate by itself; any context.
 */
typedef phys_addr_t (*take_page_fn)(void *arg);
void vmemmap_populate(unsigned long start, unsigned long end, take_page_fn take, void *arg);
unsigned int vmemmap_cost(unsigned long start, unsigned long end);

/*
 * Audit the live tables: the rules of mm/pt_audit.h, no fixmap slot in use but those of the device
 * tree, the log, and a console that ioremap had no room for, nothing below TTBR0. Returns NULL, or
 * what is wrong. Once the boot is complete, and while nobody edits tables.
 */
const char *tables_audit(void);

#endif
