/* SPDX-License-Identifier: BSD-2-Clause */
/* Host side of the contract: address windows reserved by host_mm_setup(); RAM appears with
 * host_ram_add(). */
#ifndef ASM_MEMORY_H
#define ASM_MEMORY_H

#include <asm/geometry.h>
#include <lib/types.h>

extern unsigned long host_linear, host_vmalloc, host_vmemmap, host_sectmap;

#ifndef LINEAR_BITS
#define LINEAR_BITS 40
#endif

#define LINEAR_SIZE    (UL(1) << LINEAR_BITS)
#define PAGE_OFFSET    host_linear
#define PAGE_END       (PAGE_OFFSET + LINEAR_SIZE)
#define VMALLOC_START  host_vmalloc
#define VMALLOC_END    (VMALLOC_START + (UL(1) << 36))
#define VMEMMAP_SIZE   ((LINEAR_SIZE >> PAGE_SHIFT) * 8)
#define VMEMMAP_START  host_vmemmap
#define SECTMAP_SIZE   SZ_16M
#define SECTMAP_START  host_sectmap
#define MEMSTART_ALIGN SZ_1G

extern phys_addr_t memstart_addr;

__attribute__((weak)) unsigned int host_pa_bits = PHYS_MASK_BITS;

static inline unsigned int cpu_pa_bits(void)
{
	return host_pa_bits;
}

static inline bool is_linear_address(unsigned long addr)
{
	return addr - PAGE_OFFSET < LINEAR_SIZE;
}

static inline unsigned long linear_offset(const void *va)
{
	return (unsigned long)va - PAGE_OFFSET;
}

static inline void *phys_to_virt(phys_addr_t pa)
{
	return (void *)(unsigned long)(pa - memstart_addr + PAGE_OFFSET);
}

static inline phys_addr_t virt_to_phys(const void *va)
{
	return (unsigned long)va - PAGE_OFFSET + memstart_addr;
}

#define __pa(va) virt_to_phys(va)
#define __va(pa) phys_to_virt(pa)

#endif
