/* SPDX-License-Identifier: BSD-2-Clause */
#include <asm/fixmap.h>
#include <asm/page.h>
#include <asm/sections.h>
#include <asm/table.h>
#include <asm/tlb.h>
#include <lib/bug.h>
#include <lib/kernel.h>
#include <lib/string.h>

/* The window's tables: one a level down to level 2, then as many level 3 tables as the slots need.
 */
#define BM_PTE_TABLES (DIV_ROUND_UP(FIX_SLOTS, PTRS_PER_TABLE))

_Static_assert(IS_ALIGNED(FIXADDR_TOP, LEVEL_SIZE(2)),
	       "slots count down from a level 3 table's end");
_Static_assert((FIXADDR_TOP - 1) >> LEVEL_SHIFT(1) == FIXADDR_START >> LEVEL_SHIFT(1),
	       "one bm_pmd serves the whole window");
_Static_assert(FIXADDR_START >= SECTMAP_START + SECTMAP_SIZE,
	       "the window reaches into the section map");
_Static_assert(FIX_BTMAP_BEGIN - FIX_BTMAP_END + 1 == FIX_BTMAPS_SLOTS * NR_FIX_BTMAPS,
	       "early_ioremap's slots lie one behind the other");
_Static_assert((FIX_FDT - FIX_FDT_END + 1) * PAGE_SIZE >= MAX_FDT_SIZE + PAGE_SIZE - 8,
	       "a tree of the largest size fits wherever in a page it starts");
_Static_assert(FIX_PGD - FIX_PTE == LAST_LEVEL && FIX_LOOK - FIX_PTE == LAST_LEVEL - TABLE_LOOK,
	       "table_open() counts levels in these slots");

static pte_t bm_pud[PTRS_PER_TABLE] __aligned(PAGE_SIZE);
static pte_t bm_pmd[PTRS_PER_TABLE] __aligned(PAGE_SIZE);
static pte_t bm_pte[BM_PTE_TABLES * PTRS_PER_TABLE] __aligned(PAGE_SIZE);

extern pte_t init_pg_dir[PTRS_PER_TABLE];

static unsigned int entry_index(unsigned long va, int level)
{
	return (va >> LEVEL_SHIFT(level)) & (PTRS_PER_TABLE - 1);
}

static pte_t *fixmap_pte(unsigned int idx)
{
	unsigned long tables_end = FIXADDR_TOP >> PAGE_SHIFT;

	BUG_ON(idx == FIX_HOLE || idx >= FIX_SLOTS);
	return &bm_pte[ARRAY_SIZE(bm_pte) - (tables_end - (fix_to_virt(idx) >> PAGE_SHIFT))];
}

/* The table of the given level that the window is reached through; bm_pte's first for level 3. */
static pte_t *bm_table(int level)
{
	return level == 1 ? bm_pud : level == 2 ? bm_pmd : bm_pte;
}

/* Link bm_pud, bm_pmd and bm_pte below the root. What a level needs not, with fewer levels, stays
 * empty. */
static void link_tables(pte_t *pgd)
{
	pte_t *table = pgd;

	/* The tables are in BSS: that it is clear must be seen before what leads to them. */
	table_publish();
	for (int level = FIRST_LEVEL; level < 2; level++) {
		pte_t *entry = &table[entry_index(FIXADDR_START, level)];

		BUG_ON(!pte_is_none(table_read(entry)));
		table_write(entry, pte_table(__pa_symbol(bm_table(level + 1))));
		table = bm_table(level + 1);
	}
	for (unsigned int i = 0; i < BM_PTE_TABLES; i++) {
		unsigned long va = FIXADDR_TOP - (BM_PTE_TABLES - i) * LEVEL_SIZE(2);

		table_write(&table[entry_index(va, 2)],
			    pte_table(__pa_symbol(&bm_pte[i * PTRS_PER_TABLE])));
	}
	table_sync();
}

bool fixmap_linked __ro_after_init;

void __stage early_fixmap_init(void)
{
	link_tables(init_pg_dir);
	fixmap_linked = true;
}

void __init fixmap_copy(pte_t *pgd)
{
	pte_t *entry = &pgd[entry_index(FIXADDR_START, FIRST_LEVEL)];

	BUG_ON(!pte_is_none(table_read(entry)));
	table_write(entry, init_pg_dir[entry_index(FIXADDR_START, FIRST_LEVEL)]);
	table_sync();
}

void __set_fixmap(unsigned int idx, phys_addr_t phys, pgprot_t prot)
{
	pte_t *pte = fixmap_pte(idx);
	unsigned long va = fix_to_virt(idx);

	if (!pte_is_none(table_read(pte))) {
		table_write(pte, pte_none());
		flush_tlb_kernel_range(va, va + PAGE_SIZE);
	}
	if (prot_same(prot, (pgprot_t){0}))
		return;
	table_write(pte, pte_leaf(phys & PAGE_MASK, prot, LAST_LEVEL, false));
	table_sync();
}

bool fixmap_in_use(unsigned int idx)
{
	return !pte_is_none(table_read(fixmap_pte(idx)));
}

/* Pages of the tree's window in use, from its start. */
static unsigned int fdt_pages;

void *fixmap_remap_fdt(phys_addr_t dt_phys, u32 size, pgprot_t prot)
{
	phys_addr_t page = ALIGN_DOWN(dt_phys, PAGE_SIZE);
	unsigned long va = fix_to_virt(FIX_FDT);
	pte_t *pte = fixmap_pte(FIX_FDT);

	table_fill(pte, pte_none(), 0, fdt_pages);
	if (fdt_pages)
		flush_tlb_kernel_range(va, va + fdt_pages * PAGE_SIZE);
	fdt_pages = PFN_UP(dt_phys + size) - PFN_DOWN(dt_phys);
	table_fill(pte, pte_leaf(page, prot, LAST_LEVEL, false), PAGE_SIZE, fdt_pages);
	table_sync();
	return (void *)(va + (dt_phys & ~PAGE_MASK));
}

void *__init fixmap_map_log(phys_addr_t phys)
{
	table_fill(fixmap_pte(FIX_LOG), pte_leaf(phys, PAGE_KERNEL, LAST_LEVEL, false), PAGE_SIZE,
		   LOGBLOCK_SIZE / PAGE_SIZE);
	table_sync();
	return (void *)fix_to_virt(FIX_LOG);
}
