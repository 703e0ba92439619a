/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtually contiguous memory and device windows, in [VMALLOC_START, VMALLOC_END). Each area is
 * followed by a page that is never mapped, so that running over its end faults. Freeing removes the
 * mapping and invalidates the TLBs of all CPUs before pages or addresses can be used again.
 *
 * Any context; takes locks with interrupts masked. Sizes are bytes, phys is physical, the rest
 * virtual. What cannot be done yields NULL and one line that says why; freeing what is not there is
 * named and ignored.
 */
#ifndef MM_VMALLOC_H
#define MM_VMALLOC_H

#include <asm/memory.h>
#include <asm/pte.h>
#include <lib/types.h>
#include <mm/mm.h>
#include <mm/slab.h>

/* After kmem_cache_init(); init_mm.alloc must take its pages from the page allocator by now. */
void vmalloc_init(void);

/* size bytes, rounded up to pages, read-write; vzalloc: zeroed. */
void *vmalloc(unsigned long size);
void *vzalloc(unsigned long size);
/* The same with flags of a page request, and from node nid if it has any; nid -1: any. */
void *__vmalloc_node(unsigned long size, gfp_t gfp, int nid);
#define __vmalloc(size, gfp)    __vmalloc_node(size, gfp, -1)
#define vmalloc_node(size, nid) __vmalloc_node(size, GFP_KERNEL, nid)
/* Give an area of these back. addr: what was returned, or NULL. */
void vfree(const void *addr);

/*
 * Map count pages, in the order given, side by side. The pages stay the caller's. flags: VM_MAP.
 * prot: normal memory as in the linear map (a page must not have two memory types), and not
 * executable, for the linear map can write to it.
 */
enum { VM_IOREMAP = 1, VM_ALLOC = 2, VM_MAP = 4 };
void *vmap(struct page **pages, unsigned int count, unsigned long flags, pgprot_t prot);
void vunmap(const void *addr);

/*
 * Map the device registers [phys, phys + size), neither of which need be aligned; returned is the
 * address of phys itself. Refused when any of it is memory of the linear map, or mapped with
 * another memory type already.
 */
void *ioremap_prot(phys_addr_t phys, size_t size, pgprot_t prot);
void iounmap(const volatile void *addr);

/* Device-nGnRE: writes may be acknowledged early. */
#define ioremap(phys, size) ioremap_prot(phys, size, PAGE_KERNEL_DEVICE)
/* Device-nGnRnE: a write is acknowledged by its end point ("non-posted"). */
#define ioremap_np(phys, size) ioremap_prot(phys, size, PAGE_KERNEL_DEVICE_NP)
/* Normal non-cacheable: writes may be gathered, unaligned access works (frame buffers). */
#define ioremap_wc(phys, size) ioremap_prot(phys, size, PAGE_KERNEL_NC)

/* True for any address of the window, mapped or not. */
static inline bool is_vmalloc_addr(const void *addr)
{
	return (unsigned long)addr - VMALLOC_START < VMALLOC_END - VMALLOC_START;
}

/* kmalloc(), or else vmalloc(): kvfree() knows. */
static inline void *kvmalloc(size_t size, gfp_t gfp)
{
	void *p = kmalloc(size, (gfp | __GFP_NOWARN | __GFP_NORETRY) & ~__GFP_NOFAIL);

	return p ? p : __vmalloc(size, gfp);
}

static inline void kvfree(const void *p)
{
	if (is_vmalloc_addr(p))
		vfree(p);
	else
		kfree(p);
}

/* The page frame number addr is mapped to, NO_PFN when it is not; and its page, NULL when none. */
unsigned long vmalloc_to_pfn(const void *addr);
struct page *vmalloc_to_page(const void *addr);

#endif
