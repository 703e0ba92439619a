/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's contract, and what arch/arm64 wants besides: the image, and the fixmap at addresses
 * that are free in a host process. */
#ifndef FUZZ_ASM_MEMORY_H
#define FUZZ_ASM_MEMORY_H

#include "../../../host/include/asm/memory.h"

#undef SECTMAP_START
#undef SECTMAP_SIZE
#define FIXADDR_TOP   UL(0x300000000000)
#define SECTMAP_START (FIXADDR_TOP - SZ_1G)
#define SECTMAP_SIZE  SZ_512M

/* Virtual minus physical address of the image, which is an array (asm/sections.h). */
extern unsigned long kimage_voffset;

static inline phys_addr_t __pa_symbol(const volatile void *va)
{
	return (unsigned long)va - kimage_voffset;
}

#endif
