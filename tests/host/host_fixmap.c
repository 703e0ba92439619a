/* SPDX-License-Identifier: BSD-2-Clause */
#include <asm/fixmap.h>

#include <assert.h>

struct host_fixmap host_fixmap[FIX_SLOTS];
unsigned long host_fixmap_calls;

void __set_fixmap(unsigned int idx, phys_addr_t phys, pgprot_t prot)
{
	assert(idx >= FIX_BTMAP_END && idx <= FIX_BTMAP_BEGIN);
	assert((phys & ~PTE_ADDR_MASK) == 0);
	assert(!host_fixmap[idx].prot.bits != !prot.bits);
	host_fixmap[idx] = (struct host_fixmap){phys, prot};
	host_fixmap_calls++;
}
