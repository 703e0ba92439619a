/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `bench`: what the allocators' fast paths cost, in ticks of the clock. Linked into the bench
 * kernel only; scripts/bench runs it under QEMU's -icount, where a tick is an instruction.
 *
 * A row is a loop of ROUNDS allocations and frees. Its first pass fills the CPU's lists, warms the
 * tables and is not counted. From the second one goes what the same loop costs without the calls.
 * Calls are calls here, as anywhere: this file is compiled for itself.
 */
#include <asm/cpu.h>
#include <lib/errno.h>
#include <lib/kernel.h>
#include <lib/monitor.h>
#include <lib/printk.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

enum { ROUNDS = 512 };

static void *got[ROUNDS];
static struct kmem_cache *cache;

/* What is stored, so that each loop of a kind has the same instructions around its calls. */
#define ONE_BY_ONE(name, type, alloc, free)                                                        \
	static void name(void)                                                                     \
	{                                                                                          \
		for (unsigned int i = 0; i < ROUNDS; i++) {                                        \
			type *p = alloc;                                                           \
                                                                                                   \
			WRITE_ONCE(got[i], p);                                                     \
			free;                                                                      \
		}                                                                                  \
	}

#define ALL_THEN_ALL(name, type, alloc, free)                                                      \
	static void name(void)                                                                     \
	{                                                                                          \
		for (unsigned int i = 0; i < ROUNDS; i++)                                          \
			WRITE_ONCE(got[i], alloc);                                                 \
		for (unsigned int i = 0; i < ROUNDS; i++) {                                        \
			type *p = READ_ONCE(got[i]);                                               \
                                                                                                   \
			free;                                                                      \
		}                                                                                  \
	}

ONE_BY_ONE(empty, void, &got, (void)p)
ALL_THEN_ALL(empty_all, void, &got, (void)p)
ONE_BY_ONE(kmalloc_64, void, kmalloc(64, GFP_KERNEL), kfree(p))
ONE_BY_ONE(cache_64, void, kmem_cache_alloc(cache, GFP_KERNEL), kmem_cache_free(cache, p))
ALL_THEN_ALL(cache_64_all, void, kmem_cache_alloc(cache, GFP_KERNEL), kmem_cache_free(cache, p))
ONE_BY_ONE(page_0, struct page, alloc_page(GFP_KERNEL), __free_page(p))
ALL_THEN_ALL(page_0_all, struct page, alloc_page(GFP_KERNEL), __free_page(p))
ONE_BY_ONE(page_3, struct page, alloc_pages(GFP_KERNEL, 3), __free_pages(p, 3))
ONE_BY_ONE(page_9, struct page, alloc_pages(GFP_KERNEL, 9), __free_pages(p, 9))
ONE_BY_ONE(vmalloc_64k, void, vmalloc(SZ_64K), vfree(p))

static u64 ticks_of(void (*loop)(void))
{
	u64 start;

	loop();
	start = clock_ticks();
	loop();
	return clock_ticks() - start;
}

static bool row(const char *name, void (*loop)(void), u64 overhead)
{
	u64 ticks = ticks_of(loop) - overhead;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (!got[i]) {
			cprintf("bench: %s: out of memory\n", name);
			return false;
		}
	}
	cprintf("bench %s %lu / %u\n", name, ticks, ROUNDS);
	return true;
}

static int bench_command(int argc, char **argv)
{
	u64 one = ticks_of(empty), all = ticks_of(empty_all);
	bool ok;

	(void)argv;
	if (argc != 1)
		return -EINVAL;
	cache = kmem_cache_create("bench", 64, 0, SLAB_PANIC, NULL);
	ok = row("kmalloc_64", kmalloc_64, one) && row("cache_64", cache_64, one) &&
	     row("cache_64_all", cache_64_all, all) && row("page_0", page_0, one) &&
	     row("page_0_all", page_0_all, all) && row("page_3", page_3, one) &&
	     row("page_9", page_9, one) && row("vmalloc_64k", vmalloc_64k, one);
	kmem_cache_destroy(cache);
	return ok ? 0 : -ENOMEM;
}
MONITOR_COMMAND(bench, "", "what the allocators' fast paths cost, in ticks", bench_command);
