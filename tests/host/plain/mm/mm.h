/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page allocator as plain functions, which the test of something above it defines: it counts
 * pages and makes requests fail where it likes, whatever the real one does inline.
 */
#ifndef MM_MM_H
#define MM_MM_H

#include <mm/gfp.h>
#include <mm/memmap.h>

#define NO_PFN (~UL(0))

struct page *alloc_pages(gfp_t gfp, unsigned int order);
struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order);
void __free_pages(struct page *page, unsigned int order);
unsigned int page_order(const struct page *page);
void page_set_role(struct page *page, enum page_role role);
bool pfn_valid(unsigned long pfn);
unsigned long nr_free_pages(void);
void check_nofail(gfp_t gfp);

#endif
