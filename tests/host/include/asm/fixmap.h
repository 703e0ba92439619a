/* SPDX-License-Identifier: BSD-2-Clause */
/* Host side of the contract: nothing is mapped, what was asked for is recorded for the test to look
 * at. */
#ifndef ASM_FIXMAP_H
#define ASM_FIXMAP_H

#include <asm/pte.h>

#define FIXADDR_TOP      (-SZ_16M)
#define FIX_BTMAPS_SLOTS 7
#define NR_FIX_BTMAPS    ((unsigned int)(SZ_256K >> PAGE_SHIFT))

enum {
	FIX_HOLE,
	FIX_BTMAP_END = 6,
	FIX_BTMAP_BEGIN = FIX_BTMAP_END + (int)(FIX_BTMAPS_SLOTS * NR_FIX_BTMAPS) - 1,
	FIX_SLOTS
};

/* What each slot maps, prot.bits 0: nothing; and how often __set_fixmap() was called. */
struct host_fixmap {
	phys_addr_t phys;
	pgprot_t prot;
};
extern struct host_fixmap host_fixmap[FIX_SLOTS];
extern unsigned long host_fixmap_calls;

static inline unsigned long fix_to_virt(unsigned int idx)
{
	return FIXADDR_TOP - ((unsigned long)idx << PAGE_SHIFT);
}

/* Stops the test if a slot is not early_ioremap's, phys is no page, or a slot is set or cleared
 * twice. */
void __set_fixmap(unsigned int idx, phys_addr_t phys, pgprot_t prot);
#define clear_fixmap(idx) __set_fixmap(idx, 0, (pgprot_t){0})

#endif
