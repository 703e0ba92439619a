/* SPDX-License-Identifier: BSD-2-Clause */
/* Host side of the contract: tables are reached through the simulated linear map. */
#ifndef ASM_TABLE_H
#define ASM_TABLE_H

#include <asm/memory.h>
#include <asm/pte.h>
#include <assert.h>

/* In place of a level, for a look at a table; nobody looks here. */
#define TABLE_LOOK (-1)

/* Which levels this thread has a table open of: the target has one fixmap slot for each. */
extern __thread bool host_table_is_open[LAST_LEVEL + 1];

static inline pte_t *table_open(phys_addr_t pa, int level)
{
	assert(!host_table_is_open[level]);
	host_table_is_open[level] = true;
	return phys_to_virt(pa);
}

static inline void table_close(int level)
{
	assert(host_table_is_open[level]);
	host_table_is_open[level] = false;
}

static inline pte_t table_read(const pte_t *entry)
{
	pte_t pte;

	__atomic_load(entry, &pte, __ATOMIC_RELAXED);
	return pte;
}

static inline void table_write(pte_t *entry, pte_t pte)
{
	__atomic_store(entry, &pte, __ATOMIC_RELAXED);
}

static inline void table_fill(pte_t *entry, pte_t leaf, unsigned long bytes, unsigned int n)
{
	for (; n; n--, leaf = pte_advance(leaf, bytes))
		table_write(entry++, leaf);
}

/* Counts calls in host_table_publishes. */
extern unsigned long host_table_publishes;
static inline void table_publish(void)
{
	__atomic_fetch_add(&host_table_publishes, 1, __ATOMIC_SEQ_CST);
}

/* Counts calls in host_table_syncs. */
void table_sync(void);
extern unsigned long host_table_syncs;

typedef phys_addr_t (*take_page_fn)(void *arg);
void vmemmap_populate(unsigned long start, unsigned long end, take_page_fn take, void *arg);
unsigned int vmemmap_cost(unsigned long start, unsigned long end);
extern unsigned long host_vmemmap_costs; /* how often that was asked */

#endif
