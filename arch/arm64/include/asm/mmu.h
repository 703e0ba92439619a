/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's page tables as the boot builds and seals them (arch/arm64/mmu.c). */
#ifndef ASM_MMU_H
#define ASM_MMU_H

#include <lib/compiler.h>
#include <lib/types.h>

/*
 * Build swapper_pg_dir from memblock and switch to it. Needs the fixmap and a complete memblock;
 * leaves the linear map live, TTBR0 empty, the early tables free in memblock, and memblock allowed
 * to grow its arrays from memory.
 */
void paging_init(void);

/* Seal what only the boot writes: read-only from here on. */
void mark_rodata_ro(void);

/* From mem_init() on: pages for new tables come from the page allocator. */
void table_pages_from_buddy(void);

/* Give init text to the page allocator: unmapped, linear alias writable again. Called
 * from outside of them. */
void free_initmem(void);
extern bool init_memory_freed;

/* Ask the MMU how it translates va for a read or a write at EL1: PAR_EL1 (Arm ARM D19.2.115; bit 0,
 * F: it does not, and bits 6:1 say why). Any context. */
u64 translate(unsigned long va, bool write);

/* End with early_dead_end(), which says why on a console that it looks for; told: the log does.
 * While init memory is there; any context. */
void leave_kernel(u64 reason, u64 v1, u64 v2, u64 v3, bool told) __noreturn;

#endif
