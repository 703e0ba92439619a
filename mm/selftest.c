/* SPDX-License-Identifier: BSD-2-Clause */
/* What an allocator promises, tried on the running machine: `selftest`. Each test leaves memory as
 * it found it. */
#include <asm/probe.h>
#include <asm/table.h>
#include <lib/errno.h>
#include <lib/kernel.h>
#include <lib/monitor.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/ledger.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

/* A test returns NULL, or what it found wrong. */
struct selftest {
	const char *name;
	const char *(*run)(void);
};

static void fill(void *mem, size_t size, u8 seed)
{
	u8 *p = mem;

	for (size_t i = 0; i < size; i++)
		p[i] = (u8)(seed + i);
}

static bool holds(const void *mem, size_t size, u8 seed)
{
	const u8 *p = mem;

	for (size_t i = 0; i < size; i++)
		if (p[i] != (u8)(seed + i))
			return false;
	return true;
}

static const char *test_buddy(void)
{
	struct page *blocks[MAX_PAGE_ORDER + 1] = {NULL};
	const char *wrong = NULL;
	unsigned long before;

	drain_local_pages();
	before = nr_free_pages();
	for (unsigned int order = 0; order <= MAX_PAGE_ORDER && !wrong; order++) {
		blocks[order] = alloc_pages(GFP_KERNEL, order);
		if (!blocks[order])
			wrong = "an order could not be allocated";
		else if (!IS_ALIGNED(page_to_pfn(blocks[order]), UL(1) << order))
			wrong = "a block is not aligned to its size";
		else
			fill(page_address(blocks[order]), PAGE_SIZE, (u8)order);
	}
	for (unsigned int order = 0; order <= MAX_PAGE_ORDER; order++) {
		if (!blocks[order])
			continue;
		if (!holds(page_address(blocks[order]), PAGE_SIZE, (u8)order))
			wrong = "two blocks overlap";
		__free_pages(blocks[order], order);
	}
	drain_local_pages();
	/* Opening a section for this may have cost descriptors; pages never come back in greater
	 * number. */
	if (!wrong && nr_free_pages() > before)
		wrong = "more pages are free than before";
	return wrong;
}

static const char *test_slab(void)
{
	static const size_t sizes[] = {8,   24,   64,   96,   128,   192,
				       500, 1024, 4096, 8192, 20000, 200000};
	void *objects[ARRAY_SIZE(sizes)][4] = {{NULL}};
	const char *wrong = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (u8 j = 0; j < 4; j++) {
			void *p = kmalloc(sizes[i], GFP_KERNEL);

			objects[i][j] = p;
			if (!p)
				wrong = "kmalloc failed";
			else if (ksize(p) < sizes[i])
				wrong = "ksize is less than what was asked for";
			else
				fill(p, sizes[i], (u8)(i * 4 + j));
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (u8 j = 0; j < 4; j++) {
			if (objects[i][j] && !holds(objects[i][j], sizes[i], (u8)(i * 4 + j)))
				wrong = "two objects overlap";
			kfree(objects[i][j]);
		}
	}
	return wrong;
}

static const char *check_area(u8 *p, size_t size)
{
	u64 behind;

	fill(p, size, 7);
	if (!holds(p, size, 7))
		return "the area does not keep what was written";
	if (probe_read_u64((u64 *)(p + PAGE_ALIGN(size)), &behind))
		return "the guard page behind the area can be read";
	for (size_t at = 0; at < size; at += PAGE_SIZE)
		if (!holds(page_address(vmalloc_to_page(p + at)), min(size - at, (size_t)PAGE_SIZE),
			   (u8)(7 + at)))
			return "vmalloc_to_page names another page";
	return NULL;
}

static const char *test_vmalloc(void)
{
	static const size_t sizes[] = {1, PAGE_SIZE, 3 * PAGE_SIZE + 5, SZ_64K, SZ_2M + PAGE_SIZE};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		u8 *p = vmalloc(sizes[i]);
		const char *wrong;
		u64 gone;

		if (!p)
			return "vmalloc failed";
		wrong = check_area(p, sizes[i]);
		vfree(p);
		if (wrong)
			return wrong;
		if (probe_read_u64((u64 *)p, &gone))
			return "a freed area can still be read";
	}
	return NULL;
}

/* Bytes that owner has more of since before; ~0 when memory does not balance. */
static phys_addr_t gained(enum owner owner, const struct balance *before)
{
	struct balance now;

	return ledger_balance(&now) ? ~(phys_addr_t)0 : now.bytes[owner] - before->bytes[owner];
}

static unsigned long slab_pages(void)
{
	struct slab_stats s;
	unsigned long pages = 0;

	for (unsigned int i = 0; slab_stats(&i, &s); i++)
		pages += s.slabs << s.order;
	return pages;
}

/* Every byte has an owner, with the other kinds of memory given out and back again. */
static const char *test_mem(void)
{
	const unsigned long nr = (UL(2) << MAX_PAGE_ORDER) + 1;
	struct balance before;
	const char *wrong = ledger_balance(&before);
	unsigned long pfn;
	struct page *page;
	void *area, *large;

	if (wrong)
		return wrong;
	if (before.bytes[OWNER_SLAB] != PFN_PHYS(slab_pages()))
		return "slab counts other pages than the ledger";
	page = alloc_pages(GFP_NOWAIT, 0);
	large = kmalloc(KMALLOC_MAX_CACHE_SIZE + 1, GFP_NOWAIT);
	area = vmalloc(SZ_64K);
	pfn = alloc_contig_pages(nr, 1, GFP_NOWAIT, -1);
	if (gained(OWNER_PAGES, &before) != (page ? PAGE_SIZE : 0))
		wrong = "a page given out is not counted";
	else if (gained(OWNER_KMALLOC, &before) !=
		 (large ? PAGE_SIZE << get_order(KMALLOC_MAX_CACHE_SIZE + 1) : 0))
		wrong = "kmalloc's pages are not counted";
	else if (gained(OWNER_VMALLOC, &before) != (area ? SZ_64K : 0))
		wrong = "vmalloc's pages are not counted";
	else if (gained(OWNER_CONTIG, &before) != (pfn == NO_PFN ? 0 : PFN_PHYS(nr)))
		wrong = "contiguous pages are not counted";
	if (page)
		__free_page(page);
	kfree(large);
	vfree(area);
	if (pfn != NO_PFN)
		free_contig_range(pfn, nr);
	for (enum owner i = 0; i < OWNER_FREE && !wrong; i++)
		if (gained(i, &before))
			wrong = "what the boot reserved has changed";
	for (enum owner i = OWNER_PAGES; i < NR_OWNERS && !wrong; i++)
		if (i != OWNER_PAGE_TABLE && i != OWNER_META && i != OWNER_SLAB &&
		    gained(i, &before))
			wrong = "memory given back is not counted";
	return wrong;
}

static int selftest_command(int argc, char **argv)
{
	const struct selftest tests[] = {{"buddy", test_buddy},
					 {"slab", test_slab},
					 {"vmalloc", test_vmalloc},
					 {"mem", test_mem},
					 {"pt", tables_audit}};
	unsigned int failed = 0, ran = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		const char *wrong;

		if (argc > 2 || (argc == 2 && strcmp(argv[1], tests[i].name)))
			continue;
		wrong = tests[i].run();
		cprintf("%s %s%s%s\n", wrong ? "not ok" : "ok", tests[i].name, wrong ? ": " : "",
			wrong ? wrong : "");
		failed += wrong != NULL;
		ran++;
	}
	if (!ran)
		return -EINVAL;
	return failed ? -EFAULT : 0;
}
MONITOR_COMMAND(selftest, "[buddy|slab|vmalloc|mem|pt]",
		"try the allocators, audit memory and page tables", selftest_command);
