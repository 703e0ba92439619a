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
#include <mm/zone.h>

/* A test returns NULL, or what it found wrong. */
struct selftest {
	const char *name;
	const char *(*run)(void);
	bool twice;      /* what it takes the first time for good it must not take again */
	bool named_only; /* run when asked for, not with the others */
};

/* Write a pattern that depends on seed; or check that it is there. */
static __noinline bool pattern(u8 *mem, size_t size, u8 seed, bool check)
{
	for (size_t i = 0; i < size; i++) {
		if (check && mem[i] != (u8)(seed + i))
			return false;
		mem[i] = (u8)(seed + i);
	}
	return true;
}

/* The same by a word that is no other's in each cache line but the first. */
static __noinline bool line_pattern(u64 *mem, size_t size, u64 seed, bool check)
{
	for (u64 *p = mem + 8; p < mem + size / 8; p += 8) {
		u64 word = ((unsigned long)p + seed) * UL(0x9e3779b97f4a7c15);

		if (check && *p != word)
			return false;
		*p = word;
	}
	return true;
}

/* Free pages, when nobody keeps what he does not use. */
static __noinline unsigned long settled_pages(void)
{
	kmem_cache_shrink_all();
	drain_local_pages();
	return nr_free_pages();
}

/* Opened memory has a block of this order: a request that found none is wrong. */
static bool has_block(unsigned int order)
{
	u32 avail = 0;

	for (struct zone *zone = zones; zone < zones + nr_zones; zone++)
		avail |= READ_ONCE(zone->avail);
	return avail >> (order + 1) != 0;
}

static const char *test_buddy(void)
{
	struct page *blocks[MAX_PAGE_ORDER + 1] = {NULL};
	const char *wrong = NULL;

	for (unsigned int order = 0; order <= MAX_PAGE_ORDER; order++) {
		struct page *page = alloc_pages(GFP_NOWAIT, order);

		blocks[order] = page;
		if (!page && has_block(order))
			wrong = "an order could not be allocated";
		if (page && !IS_ALIGNED(page_to_pfn(page), UL(1) << order))
			wrong = "a block is not aligned to its size";
		if (page)
			line_pattern(page_address(page), PAGE_SIZE << order, order, false);
	}
	for (unsigned int order = 0; order <= MAX_PAGE_ORDER; order++) {
		if (!blocks[order])
			continue;
		if (!line_pattern(page_address(blocks[order]), PAGE_SIZE << order, order, true))
			wrong = "two blocks overlap";
		__free_pages(blocks[order], order);
	}
	return wrong;
}

static const char *test_slab(void)
{
	static const u32 sizes[] = {8, 24, 64, 96, 128, 192, 500, 1024, 4096, 8192, 20000, 200000};
	void *objects[ARRAY_SIZE(sizes)][4] = {{NULL}};
	const char *wrong = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (u8 j = 0; j < 4; j++) {
			void *p = kmalloc(sizes[i], GFP_NOWAIT);

			objects[i][j] = p;
			if (!p && has_block(max(get_order(sizes[i]), 3u)))
				wrong = "kmalloc failed";
			else if (!p)
				continue;
			else if (ksize(p) < sizes[i])
				wrong = "ksize is less than what was asked for";
			else
				pattern(p, sizes[i], (u8)(i * 4 + j), false);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (u8 j = 0; j < 4; j++) {
			if (objects[i][j] &&
			    !pattern(objects[i][j], sizes[i], (u8)(i * 4 + j), true))
				wrong = "two objects overlap";
			kfree(objects[i][j]);
		}
	}
	return wrong;
}

static const char *check_area(u8 *p, size_t size)
{
	u64 behind;

	pattern(p, size, 7, false);
	if (!pattern(p, size, 7, true))
		return "the area does not keep what was written";
	if (probe_read_u64((u64 *)(p + PAGE_ALIGN(size)), &behind))
		return "the guard page behind the area can be read";
	for (size_t at = 0; at < size; at += PAGE_SIZE)
		if (!pattern(page_address(vmalloc_to_page(p + at)),
			     min(size - at, (size_t)PAGE_SIZE), (u8)(7 + at), true))
			return "vmalloc_to_page names another page";
	return NULL;
}

static const char *test_vmalloc(void)
{
	static const u32 sizes[] = {1, PAGE_SIZE, 3 * PAGE_SIZE + 5, SZ_64K, SZ_2M + PAGE_SIZE};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		u8 *p = __vmalloc(sizes[i], GFP_NOWAIT);
		const char *wrong;
		u64 gone;

		if (!p && sizes[i] >> PAGE_SHIFT > nr_free_pages() / 2)
			continue;
		if (!p)
			return "vmalloc failed";
		wrong = check_area(p, sizes[i]);
		vfree(p);
		if (!wrong && probe_read_u64((u64 *)p, &gone))
			wrong = "a freed area can still be read";
		if (wrong)
			return wrong;
	}
	return NULL;
}

static unsigned long slab_pages(void)
{
	struct slab_stats s;
	unsigned long pages = 0;

	for (unsigned int i = 0; slab_stats(&i, &s); i++)
		pages += s.slabs << s.order;
	return pages;
}

/* Free memory, and what a test may leave more of. */
#define OWNERS_IN_MOTION                                                                           \
	(BIT(OWNER_FREE) | BIT(OWNER_UNOPENED) | BIT(OWNER_PAGE_TABLE) | BIT(OWNER_META) |         \
	 BIT(OWNER_SLAB))

/* Does each of the other owners have what is expected? */
static const char *compare(const struct balance *expected)
{
	struct balance now;
	const char *wrong = ledger_balance(&now);

	for (enum owner i = 0; i < NR_OWNERS && !wrong; i++) {
		if (OWNERS_IN_MOTION >> i & 1 || now.bytes[i] == expected->bytes[i])
			continue;
		cprintf("%s: %lu bytes, not %lu\n", owner_name(i), now.bytes[i],
			expected->bytes[i]);
		wrong = "memory is not counted right";
	}
	return wrong;
}

/* Every byte has an owner, with the other kinds of memory given out and back again. */
static const char *test_mem(void)
{
	const unsigned long nr = (UL(2) << MAX_PAGE_ORDER) + 1;
	struct balance before, with;
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
	with = before;
	with.bytes[OWNER_PAGES] += page ? PAGE_SIZE : 0;
	with.bytes[OWNER_KMALLOC] += large ? PAGE_SIZE << get_order(KMALLOC_MAX_CACHE_SIZE + 1) : 0;
	with.bytes[OWNER_VMALLOC] += area ? SZ_64K : 0;
	with.bytes[OWNER_CONTIG] += pfn == NO_PFN ? 0 : PFN_PHYS(nr);
	wrong = compare(&with);
	if (page)
		__free_page(page);
	kfree(large);
	vfree(area);
	if (pfn != NO_PFN)
		free_contig_range(pfn, nr);
	return wrong ?: compare(&before);
}

/* --- exhaust: everything there is ---------------------------------------------------------------
 */

/* What is free, and how; meta: what descriptors, lists and tables have for good. */
struct supplies {
	unsigned long pages, meta;
	unsigned long blocks[NR_PAGE_ORDERS];
};

static void take_stock(struct supplies *s)
{
	struct balance b;

	settled_pages();
	memset(s, 0, sizeof(*s));
	ledger_balance(&b);
	s->pages = PFN_DOWN(b.bytes[OWNER_FREE] + b.bytes[OWNER_UNOPENED]);
	s->meta = PFN_DOWN(b.bytes[OWNER_META] + b.bytes[OWNER_PAGE_TABLE]);
	for (struct zone *zone = zones; zone < zones + nr_zones; zone++)
		zone_count_blocks(zone, s->blocks);
}

struct exhaustible {
	const char *name;
	void *(*get)(size_t size);
	void (*put)(const void *p);
	u32 sizes[6]; /* in turn */
};

/* Take until there is no more, write all over it, give it back. True if what was written changed.
 */
static bool use_up(const struct exhaustible *e, unsigned long *got, unsigned long *bytes)
{
	bool wrong = false;
	u64 *last = NULL, *p;
	unsigned long n;

	*bytes = 0;
	for (n = 0; (p = e->get(e->sizes[n % 6])); last = p, n++) {
		*bytes += e->sizes[n % 6];
		line_pattern(p, e->sizes[n % 6], 0, false);
		*p = (unsigned long)last; /* in the line without a pattern */
	}
	for (*got = n; (p = last); e->put(p)) {
		n--;
		wrong |= !line_pattern(p, e->sizes[n % 6], 0, true);
		last = (u64 *)*p;
	}
	return wrong;
}

/* Say which sections are open, each once. */
static void name_opened(void)
{
	for (struct zone *zone = zones; zone < zones + nr_zones; zone++) {
		for (const struct section *sec = zone->opened; sec != zone->named; sec = sec->below)
			cprintf("section 0x%llx is open\n",
				(unsigned long long)page_to_phys(sec->map));
		zone->named = zone->opened;
	}
}

static void *get_page(size_t size)
{
	(void)size;
	return (void *)__get_free_page(GFP_NOWAIT);
}

/* The first time opens sections and makes tables for good; the second must change nothing at all.
 */
static const char *exhaust(const struct exhaustible *e)
{
	struct supplies before, after, again;
	bool wrong;
	unsigned long got, bytes;

	take_stock(&before);
	wrong = use_up(e, &got, &bytes);
	take_stock(&after);
	wrong |= use_up(e, &got, &bytes);
	take_stock(&again);
	name_opened();
	cprintf("%s: %lu had, %lu pages free before, %lu after, %lu for good\n", e->name, got,
		before.pages, again.pages, again.meta - before.meta);
	if (wrong)
		return "something was handed out twice";
	if (e->get == get_page && bytes < after.pages << (PAGE_SHIFT - 1))
		return "free memory cannot be had";
	if (before.pages - after.pages != after.meta - before.meta)
		return "pages are missing";
	return memcmp(&after, &again, sizeof(after)) ? "free memory is not what it was" : NULL;
}

static void put_page(const void *p)
{
	free_page((unsigned long)p);
}

static void *get_object(size_t size)
{
	return kmalloc(size, GFP_NOWAIT);
}

static const char *test_exhaust(void)
{
	static const struct exhaustible all[] = {
		{"pages", get_page, put_page, {[0 ... 5] = PAGE_SIZE}},
		{"kmalloc", get_object, kfree, {8192, 64, 2000, 96, 4096, 512}},
		{"vmalloc",
		 vmalloc,
		 vfree,
		 {PAGE_SIZE, SZ_1M, 3 * PAGE_SIZE + 5, 8, SZ_64K, SZ_2M + 1}}};
	const char *wrong = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(all) && !wrong; i++)
		wrong = exhaust(&all[i]);
	return wrong;
}

/* Twice: the first time pays for descriptors and tables, which stay. */
static const char *run_twice(const char *(*test)(void))
{
	const char *wrong = test();
	unsigned long before = settled_pages();

	if (!wrong)
		wrong = test();
	return wrong || settled_pages() == before ? wrong : "free pages are not what they were";
}

static int selftest_command(int argc, char **argv)
{
	static const struct selftest tests[] = {
		{"buddy", test_buddy, true, false},     {"slab", test_slab, true, false},
		{"vmalloc", test_vmalloc, true, false}, {"mem", test_mem, true, false},
		{"pt", tables_audit, false, false},     {"exhaust", test_exhaust, false, true}};
	unsigned int failed = 0, ran = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		const char *wrong;

		if (argc > 2 || (argc == 2 ? strcmp(argv[1], tests[i].name) : tests[i].named_only))
			continue;
		wrong = tests[i].twice ? run_twice(tests[i].run) : tests[i].run();
		if (wrong)
			cprintf("not ok %s: %s\n", tests[i].name, wrong);
		else
			cprintf("ok %s\n", tests[i].name);
		failed += wrong != NULL;
		ran++;
	}
	if (!ran)
		return -EINVAL;
	return failed ? -EFAULT : 0;
}
MONITOR_COMMAND(selftest, "[buddy|slab|vmalloc|mem|pt|exhaust]",
		"try the allocators, audit memory and page tables; exhaust: all memory",
		selftest_command);
