/* SPDX-License-Identifier: BSD-2-Clause */
/* Contract with mm/: page size and page-frame arithmetic. */
#ifndef ASM_PAGE_H
#define ASM_PAGE_H

#include <asm/geometry.h>
#include <lib/kernel.h>

#define PAGE_ALIGN(x) ALIGN(x, PAGE_SIZE)

/* Page frame numbers: physical address >> PAGE_SHIFT. UP rounds to the next frame. */
#define PFN_DOWN(pa)  ((unsigned long)((pa) >> PAGE_SHIFT))
#define PFN_UP(pa)    ((unsigned long)(((pa) + PAGE_SIZE - 1) >> PAGE_SHIFT))
#define PFN_PHYS(pfn) ((phys_addr_t)(pfn) << PAGE_SHIFT)

#endif
