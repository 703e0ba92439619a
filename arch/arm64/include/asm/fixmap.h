/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fixmap: virtual addresses known at compile time, one page a slot, to reach physical memory or
 * a device before (and without) an allocator. Slot 0 ends at FIXADDR_TOP and larger numbers lie
 * lower.
 *
 *   FIXADDR_TOP    FIX_HOLE            never mapped
 *                  FIX_PTE..FIX_PGD    the page table being edited, a slot for each level
 *                  FIX_LOOK            a page table that is only looked at
 *                  FIX_EARLYCON_MEM_BASE  the console's registers until ioremap works
 *                  FIX_BTMAP_END..     early_ioremap: 7 slots of 256 KiB
 *                  FIX_FDT_END..       the device tree: 2 MiB and a page, for trees that start
 *                                      anywhere in a page
 *   FIXADDR_START  FIX_LOG_END..       the log's block (lib/logblock.h)
 */
#ifndef ASM_FIXMAP_H
#define ASM_FIXMAP_H

#include <asm/memory.h>
#include <asm/pte.h>
#include <lib/logblock.h>

#define MAX_FDT_SIZE     SZ_2M
#define LOGBLOCK_SIZE    sizeof(struct logblock)
#define FIX_BTMAPS_SLOTS 7
#define NR_FIX_BTMAPS    ((unsigned int)(SZ_256K >> PAGE_SHIFT))

enum fixed_addresses {
	FIX_HOLE,
	FIX_PTE,
	FIX_PMD,
	FIX_PUD,
	FIX_PGD,
	FIX_LOOK,
	FIX_EARLYCON_MEM_BASE,
	FIX_BTMAP_END,
	FIX_BTMAP_BEGIN = FIX_BTMAP_END + (int)(FIX_BTMAPS_SLOTS * NR_FIX_BTMAPS) - 1,
	FIX_FDT_END,
	FIX_FDT = FIX_FDT_END + (int)(MAX_FDT_SIZE >> PAGE_SHIFT),
	FIX_LOG_END,
	FIX_LOG = FIX_LOG_END + (int)(LOGBLOCK_SIZE >> PAGE_SHIFT) - 1,
	FIX_SLOTS
};

#define FIXADDR_SIZE  ((unsigned long)FIX_SLOTS << PAGE_SHIFT)
#define FIXADDR_START (FIXADDR_TOP - FIXADDR_SIZE)

/* First byte of slot idx. */
static inline unsigned long fix_to_virt(unsigned int idx)
{
	return FIXADDR_TOP - ((unsigned long)idx << PAGE_SHIFT);
}

/* Hang bm_pud, bm_pmd and bm_pte into the early kernel map; from here on any single page can be
 * reached. */
void early_fixmap_init(void);
extern bool fixmap_linked; /* that has been done */

/* Take over the same tables into the root at physical address pgd, before that root goes live
 * (paging_init). */
void fixmap_copy(pte_t *pgd);

/*
 * Map the page that holds physical address phys at slot idx; an entry that is there is replaced
 * with break-before-make. prot with no bits clears the slot. Boot CPU, or the slot's owner.
 */
void __set_fixmap(unsigned int idx, phys_addr_t phys, pgprot_t prot);

#define set_fixmap(idx, phys) __set_fixmap(idx, phys, PAGE_KERNEL)
#define clear_fixmap(idx)     __set_fixmap(idx, 0, (pgprot_t){0})

/* Map phys at the slot and return its virtual address with phys's offset in the page. */
static inline void *set_fixmap_offset(unsigned int idx, phys_addr_t phys)
{
	set_fixmap(idx, phys);
	return (void *)(fix_to_virt(idx) + (phys & ~PAGE_MASK));
}

/* True if slot idx maps something. */
bool fixmap_in_use(unsigned int idx);

/* Map size bytes (MAX_FDT_SIZE at most) of the device tree at physical address dt_phys into its
 * window with rights prot, replacing an earlier map of it. Returns its virtual address. */
void *fixmap_remap_fdt(phys_addr_t dt_phys, u32 size, pgprot_t prot);

/* Map the log's block at physical address phys, for good. */
void *fixmap_map_log(phys_addr_t phys);

#endif
