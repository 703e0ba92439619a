/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contract with mm/: the kernel's half of the address space and the linear map.
 *
 *   -2^VA_BITS       PAGE_OFFSET     linear map of RAM, from memstart_addr up
 *   -2^(VA_BITS-1)   PAGE_END        128 MiB of nothing
 *                    KIMAGE_VADDR    the kernel image, 128 MiB
 *                    VMALLOC_START   vmalloc, vmap, ioremap
 *                    VMEMMAP_START   page descriptors, 8 bytes for each page of the linear map
 *   -1 GiB           SECTMAP_START   section descriptors, one for each 2^15 pages of the linear map
 *                    FIXADDR_START   fixmap, ending at FIXADDR_TOP
 *   -16 MiB          FIXADDR_TOP     nothing: so that small negative numbers fault as pointers
 */
#ifndef ASM_MEMORY_H
#define ASM_MEMORY_H

#include <asm/geometry.h>

#define PAGE_OFFSET   (-(UL(1) << VA_BITS))
#define PAGE_END      (-(UL(1) << (VA_BITS - 1)))
#define LINEAR_SIZE   (PAGE_END - PAGE_OFFSET)
#define KIMAGE_VADDR  (PAGE_END + SZ_128M)
#define KIMAGE_END    (KIMAGE_VADDR + SZ_128M)
#define VMALLOC_START KIMAGE_END
#define VMALLOC_END   (VMEMMAP_START - SZ_128M)
#define VMEMMAP_SIZE  (UL(8) << (VA_BITS - 1 - PAGE_SHIFT))
#define VMEMMAP_START (SECTMAP_START - VMEMMAP_SIZE)
#define SECTMAP_START (-SZ_1G)
#define SECTMAP_SIZE  SZ_512M
#define FIXADDR_TOP   (-SZ_16M)

/* The linear map starts at a multiple of this, so that blocks of RAM stay blocks of the map. */
#define MEMSTART_ALIGN SZ_1G

#ifndef __ASSEMBLER__
#include <lib/types.h>

_Static_assert(VMALLOC_START < VMALLOC_END, "no room left for vmalloc");
_Static_assert(SECTMAP_START + SECTMAP_SIZE <= FIXADDR_TOP - SZ_16M,
	       "fixmap and section map overlap");

/* Physical address of PAGE_OFFSET. Set by arm64_memblock_init(), constant from then on. */
extern phys_addr_t memstart_addr;
/* Physical address bits of this CPU, 48 at most (ID_AA64MMFR0_EL1.PARange, Arm ARM D19.2.74). */
unsigned int cpu_pa_bits(void);
/* Virtual minus physical address of the kernel image. Set by head.S. */
extern unsigned long kimage_voffset;

/* True if addr lies in the linear map's window (mapped or not): bit VA_BITS-1 of a kernel address
 * is 0. */
static inline bool is_linear_address(unsigned long addr)
{
	return addr - PAGE_OFFSET < LINEAR_SIZE;
}

/* Bytes from PAGE_OFFSET to an address known to be in the window: those bits of it, one
 * instruction. */
static inline unsigned long linear_offset(const void *va)
{
	return (unsigned long)va & (LINEAR_SIZE - 1);
}

/* Linear map only. Physical bytes to virtual and back; no check. */
static inline void *phys_to_virt(phys_addr_t pa)
{
	return (void *)(unsigned long)(pa - memstart_addr + PAGE_OFFSET);
}

static inline phys_addr_t virt_to_phys(const void *va)
{
	return (unsigned long)va - PAGE_OFFSET + memstart_addr;
}

/* Address of a symbol of the kernel image to physical. */
static inline phys_addr_t __pa_symbol(const volatile void *va)
{
	return (unsigned long)va - kimage_voffset;
}

/* Either of the two. */
static inline phys_addr_t __pa(const void *va)
{
	return is_linear_address((unsigned long)va) ? virt_to_phys(va) : __pa_symbol(va);
}

#define __va(pa) phys_to_virt(pa)
#endif

#endif
