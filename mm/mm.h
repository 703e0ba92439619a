/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page allocator: blocks of 2^order pages, orders 0 to MAX_PAGE_ORDER, aligned to their size.
 * Usable once mem_init() has handed over what memblock had free. All functions: any context, any
 * CPU; nothing sleeps.
 *
 * A wrong free (freed twice, wrong order, the middle of a block, reserved, no memory at all) is a
 * warning that names the page and what it is, and changes nothing.
 */
#ifndef MM_MM_H
#define MM_MM_H

#include <mm/gfp.h>
#include <mm/memmap.h>

/* alloc_pages(), and its most frequent case: one page, GFP_KERNEL. */
struct page *alloc_block(gfp_t gfp, unsigned int order);
struct page *alloc_one_page(void);

/* A block of 2^order pages; NULL when there is none, or order is above MAX_PAGE_ORDER. */
static __force_inline struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	if (__builtin_constant_p(gfp | order) && !(gfp | order))
		return alloc_one_page();
	return alloc_block(gfp, order);
}

/* The same, from node nid if it has any. nid -1: this CPU's own, which is always taken to be the
 * first one: nobody asks the device tree for the nodes of CPUs. */
struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order);
/* Give back what alloc_pages() returned, with the same order. */
void __free_pages(struct page *page, unsigned int order);

/* The same by linear address; 0 when there is none, and freeing 0 does nothing. */
unsigned long __get_free_pages(gfp_t gfp, unsigned int order);
void free_pages(unsigned long addr, unsigned int order);

#define __get_dma_pages(gfp, order) __get_free_pages((gfp) | __GFP_DMA, order)

#define alloc_page(gfp)      alloc_pages(gfp, 0)
#define __free_page(page)    __free_pages(page, 0)
#define __get_free_page(gfp) __get_free_pages(gfp, 0)
#define get_zeroed_page(gfp) __get_free_pages((gfp) | __GFP_ZERO, 0)
#define free_page(addr)      free_pages(addr, 0)

/* Order of the smallest block of at least size bytes (size > 0). May exceed MAX_PAGE_ORDER. */
static inline unsigned int get_order(size_t size)
{
	return fls64((size - 1) >> PAGE_SHIFT);
}

/* Order of an allocated block, by its first page. */
static inline unsigned int page_order(const struct page *page)
{
	return word_order(page_word(page));
}

/* Make an allocated block single pages, each to be freed by itself. */
static inline void split_page(struct page *page, unsigned int order)
{
	u64 one = word_make(PAGE_ALLOC, word_zone(page_word(page)), 0);

	for (unsigned long i = 0; i < UL(1) << order; i++)
		page_set_word(page + i, one);
}

/* size bytes in whole pages, of which none is too many; NULL as alloc_pages(). */
static inline void *alloc_pages_exact(size_t size, gfp_t gfp)
{
	unsigned int order = get_order(size);
	struct page *page = alloc_pages(gfp, order);

	if (!page)
		return NULL;
	split_page(page, order);
	for (unsigned long i = ((size - 1) >> PAGE_SHIFT) + 1; i < UL(1) << order; i++)
		__free_page(page + i);
	return page_address(page);
}

static inline void free_pages_exact(void *addr, size_t size)
{
	for (unsigned long i = 0; i < PAGE_ALIGN(size) >> PAGE_SHIFT; i++)
		__free_page(virt_to_page(addr) + i);
}

/* True if the page has a descriptor: it is memory and its section is open. */
bool pfn_valid(unsigned long pfn);

/* Mark an allocated block's use, for the ledger; back to ROLE_PLAIN before it is freed. */
void page_set_role(struct page *page, enum page_role role);
/* Back to ROLE_PLAIN from role. False if the page is no such block: so of several CPUs that free it
 * only one succeeds. */
bool page_drop_role(struct page *page, enum page_role role);

/* Whole pages for lists of our own, by their linear address; NULL as alloc_pages(). */
void *alloc_meta(size_t size, gfp_t gfp);
void free_meta(const void *addr);

/*
 * Any number of pages in a row, aligned to align pages (a power of two, not larger than the linear
 * map's own alignment). Returns the first page number, or NO_PFN. Comes from memory without
 * descriptors where possible: use PFN_PHYS and phys_to_virt. nid -1: any node. free_contig_range()
 * takes back exactly what was given out.
 */
#define NO_PFN (~UL(0))
unsigned long alloc_contig_pages(unsigned long nr, unsigned long align, gfp_t gfp, int nid);
void free_contig_range(unsigned long pfn, unsigned long nr);
/* Pages in the contiguous range that starts at pfn; 0 if none does. */
unsigned long contig_range_pages(unsigned long pfn);

/* Pages free, on CPUs' lists and in sections not yet open included; pages handed over in all. */
unsigned long nr_free_pages(void);
unsigned long totalram_pages(void);

/* Give what this CPU keeps back to the zones, so that it can merge. */
void drain_local_pages(void);

/*
 * Before a request fails, this CPU's lists are drained, and who keeps memory that nobody uses gives
 * it back by reclaim_pages(), which returns the pages freed: the slab allocator. Called with
 * whatever locks the caller of the allocator holds; who holds those reclaim_pages() takes asks with
 * __GFP_NORETRY. What other CPUs keep on their lists is theirs, and counts as free: 1,024 pages a
 * zone at most and two blocks of order 9, until they call drain_local_pages().
 */
extern unsigned long (*reclaim_pages)(void);
/* The request has failed: panic if it must not. */
void check_nofail(gfp_t gfp);

/* -- start of life -- */

/*
 * Build nodes and zones from memblock.memory. Pages below dma_limit are ZONE_DMA, below dma32_limit
 * ZONE_DMA32, others ZONE_NORMAL (page numbers; 0: no such zone). Memory for it comes from
 * memblock. Boot CPU, once, in bootmem_init().
 */
void page_alloc_init(unsigned long dma_limit, unsigned long dma32_limit);

/* Take over a free range (bytes, physical; nid as in memblock.memory). memblock_free_all() calls it
 * for each. */
void free_memblock_range(phys_addr_t start, phys_addr_t end, int nid);

/* Take over memory that was reserved until now, bytes, physical. what: its name for the log.
 * Returns the pages gained. */
unsigned long free_reserved_range(phys_addr_t start, phys_addr_t end, const char *what);

#endif
