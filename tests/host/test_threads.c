/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Four threads, each a CPU, on one machine's page allocator, slab and vmalloc, under
 * ThreadSanitizer. What one allocates another may free; each thing has its address written in it,
 * and at the end everything is back.
 */
#include <mm/vmalloc.h>

#include "host_mm.h"
#include "mm_machine.h"
#include "stubs.h"
#include "trade.h"

#include <asm/percpu.h>
#include <mm/mm.h>
#include <mm/pgtable.h>
#include <mm/slab.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define MB SZ_1M
#define GB SZ_1G

struct pgtable init_mm;
unsigned int nr_table_pages;

static phys_addr_t table_page(int level)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	(void)level;
	if (!page)
		return 0;
	page_set_role(page, ROLE_TABLE);
	__atomic_fetch_add(&nr_table_pages, 1, __ATOMIC_RELAXED);
	return page_to_phys(page);
}

/* --- what is handed out -------------------------------------------------------------------- */

enum kind { NOTHING, PAGES, CONTIG, OBJECT, CACHED, AREA, NR_KINDS };

/* In the first words of the thing itself: whoever has its address can free it. */
struct label {
	void *self;
	u64 kind, size;
};

static struct kmem_cache *shared_cache;

static void put_label(struct label *at, void *self, enum kind kind, u64 size)
{
	*at = (struct label){self, kind, size};
}

/* An area is not mapped on the host: its pages are reached by the linear map. */
static struct label *area_label(const void *area)
{
	return page_address(vmalloc_to_page(area));
}

static struct label *make(enum kind kind, u64 x)
{
	unsigned long pfn, size;
	struct page *page;
	void *p = NULL;

	switch (kind) {
	case PAGES:
		size = x % 16 ? x >> 8 & 3 : (x >> 8) % NR_PAGE_ORDERS;
		page = alloc_pages(GFP_NOWAIT | (x >> 33 & 7 ? 0 : __GFP_DMA), (unsigned int)size);
		p = page ? page_address(page) : NULL;
		break;
	case CONTIG:
		size = 1 + x % 3000;
		pfn = alloc_contig_pages(size, 1, GFP_NOWAIT, -1);
		p = pfn == NO_PFN ? NULL : phys_to_virt(PFN_PHYS(pfn));
		break;
	case OBJECT:
		size = 24 + (x % 64 ? x % 500 : x % 30000);
		p = kmalloc(size, GFP_NOWAIT);
		break;
	case CACHED:
		size = 72;
		p = kmem_cache_alloc(shared_cache, GFP_NOWAIT);
		break;
	case AREA:
		size = 24 + x % (x >> 60 ? 3 * PAGE_SIZE : 200 * PAGE_SIZE);
		p = vmalloc(size);
		if (p)
			put_label(area_label(p), p, kind, size);
		return p ? area_label(p) : NULL;
	default:
		return NULL;
	}
	if (p)
		put_label(p, p, kind, size);
	return p;
}

static void unmake(void *thing)
{
	struct label *label = thing, was = *label;

	CHECK(was.kind == AREA ? area_label(was.self) == label : was.self == label);
	memset(label, 0, sizeof(*label));
	switch (was.kind) {
	case PAGES:
		free_pages((unsigned long)was.self, (unsigned int)was.size);
		break;
	case CONTIG:
		free_contig_range(PFN_DOWN(virt_to_phys(was.self)), was.size);
		break;
	case OBJECT:
		kfree(was.self);
		break;
	case CACHED:
		kmem_cache_free(shared_cache, was.self);
		break;
	case AREA:
		vfree(was.self);
		break;
	default:
		CHECK(!"a label");
	}
}

/* --- threads ------------------------------------------------------------------------------- */

/* Figures are read while others work. */
static void look(void)
{
	unsigned long count[NR_PAGE_ORDERS] = {0};
	struct slab_stats s;

	CHECK(nr_free_pages() <= totalram_pages());
	for (unsigned int i = 0; slab_stats(&i, &s); i++)
		CHECK(s.partial <= s.slabs);
	for (unsigned int i = 0; i < nr_zones; i++)
		zone_count_blocks(&zones[i], count);
}

/* A cache comes and goes. */
static void own_cache(void)
{
	struct kmem_cache *cache = kmem_cache_create("own", 100, 0, 0, NULL);
	void *p[100];

	CHECK(cache);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = kmem_cache_alloc(cache, GFP_NOWAIT);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		if (p[i])
			kmem_cache_free(cache, p[i]);
	CHECK(!kmem_cache_destroy(cache));
}

/* A cache of all CPUs' goes, while they give up magazines for want of memory on a node. */
static pthread_barrier_t meeting;

static void pass_cache(void)
{
	static struct kmem_cache *cache;
	void *p[60];

	if (!host_cpu)
		cache = kmem_cache_create("passing", 200, 0, SLAB_PANIC, NULL);
	pthread_barrier_wait(&meeting);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = kmem_cache_alloc(cache, GFP_NOWAIT);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		if (p[i])
			kmem_cache_free(cache, p[i]);
	pthread_barrier_wait(&meeting);
	for (unsigned int i = 0; host_cpu && i < 20; i++)
		CHECK(!kmalloc_node(64, GFP_NOWAIT | __GFP_THISNODE | __GFP_NOWARN, 5));
	if (!host_cpu)
		CHECK(!kmem_cache_destroy(cache));
}

/* Contiguous ranges by all CPUs at one time: their notes in the zone grow and shrink. */
static void pass_ranges(void)
{
	unsigned long pfn[10];

	pthread_barrier_wait(&meeting);
	for (unsigned int i = 0; i < ARRAY_SIZE(pfn); i++)
		pfn[i] = alloc_contig_pages(i + 1, 1, GFP_NOWAIT, -1);
	for (unsigned int i = 0; i < ARRAY_SIZE(pfn); i++)
		if (pfn[i] != NO_PFN)
			free_contig_range(pfn[i], i + 1);
}

static enum kind random_kind(u64 x)
{
	return x % 500 == 0 ? CONTIG
	       : x % 8 == 0 ? AREA
	       : x % 4 == 1 ? PAGES
	       : x % 4 == 2 ? CACHED
			    : OBJECT;
}

static void *make_any(u64 x)
{
	return make(random_kind(x >> 20), x >> 32 ^ x << 60);
}

static void disturb(unsigned int i, u64 x)
{
	(void)x;
	if (i % 2000 == 0)
		look();
	if (i % 5000 == 0)
		own_cache();
	if (i % 8000 == 0)
		kmem_cache_shrink(shared_cache);
	if (i % 9000 == 0)
		drain_local_pages();
	if (i % 500 == 7)
		pass_cache();
	if (i % 500 == 11)
		pass_ranges();
}

static void run_threads(void)
{
	kmem_cache_init(5);
	init_mm = (struct pgtable){.first_level = FIRST_LEVEL, .alloc = table_page};
	init_mm.root = table_page(FIRST_LEVEL);
	vmalloc_init();
	shared_cache = kmem_cache_create("shared", 72, 0, SLAB_PANIC, NULL);
	CHECK(!pthread_barrier_init(&meeting, NULL, nr_cpu_ids));
	trade(&(const struct trade){60000, make_any, unmake, disturb});
	for (host_cpu = 0; host_cpu < nr_cpu_ids; host_cpu++)
		kmem_cache_shrink_all();
	host_cpu = 0;
	drain_all_cpus();
	CHECK(!kmem_cache_destroy(shared_cache));
	CHECK(audit().allocated == nr_table_pages && audit().contig == 0 && audit().listed == 0);
	CHECK(stub_warnings == 0);
}

static void test_threads(void **state)
{
	/* Two zones; most sections are not open at first. */
	static const struct machine_range ram[] = {{GB, 768 * MB, 0}, {0}};
	static const struct machine_range reserved[] = {{GB + 2 * MB, MB + 0x3000, 0}, {0}};
	struct machine m = {ram, reserved, GB, GB + 150 * MB, 0, trade_cpus()};

	(void)state;
	on_machine(&m, run_threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
