/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the command line may ask of the allocators to find errors. All of it is done in their slow
 * paths: who asks for it gives up the CPUs' lists and magazines, so that the slow paths see every
 * call, and the fast ones know nothing of it.
 */
#ifndef MM_DEBUG_H
#define MM_DEBUG_H

#include <lib/compiler.h>
#include <lib/types.h>
#include <mm/gfp.h>

/*
 * fail_page_alloc=<n>: the nth request to the page allocator finds no memory, fail_page_alloc=1
 * being the first one after mem_init(). failslab=<n>: the same for objects of slab caches, the
 * caches themselves included, from kmem_cache_init() on. One request, once; a line in the log says
 * which.
 */
struct fail_nth {
	unsigned int nth, calls; /* nth 0: off */
};
extern struct fail_nth fail_page_alloc, failslab;

/* Count a call, unless it must not fail (__GFP_NOFAIL). True if it is to; what and n say in the log
 * what was asked for. Any context. */
bool fail_call(gfp_t gfp, struct fail_nth *fail, const char *what, size_t n);

/* init_on_alloc=1, init_on_free=1: pages and slab objects are cleared when they are given out,
 * given back. */
extern unsigned int init_on_alloc, init_on_free;

/* Say of what was asked for and has not happened how many calls there were: nth is too large. */
void fail_report(void);

#endif
