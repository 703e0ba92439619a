/* SPDX-License-Identifier: BSD-2-Clause */
/* Slab and kmalloc on simulated machines: random traces whose contents are checked, and each wrong
 * use by its words. */
#include <mm/slab.h>

#include "host_mm.h"
#include "mm_machine.h"
#include "random.h"
#include "stubs.h"
#include "trade.h"

#include <asm/percpu.h>
#include <asm/probe.h>
#include <lib/cmdline.h>
#include <lib/errno.h>
#include <mm/debug.h>
#include <mm/mm.h>

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#define MB SZ_1M
#define GB SZ_1G

static const struct machine_range plain_ram[] = {{GB, 256 * MB, 0}, {0}};
static const struct machine_range plain_reserved[] = {{GB + 2 * MB, 2 * MB, 0}, {0}};
static const struct machine plain = {plain_ram, plain_reserved, GB, 0, 0, 1};

/* --- figures ------------------------------------------------------------------------------- */

static struct slab_stats stats_of(const char *name)
{
	struct slab_stats s;

	for (unsigned int i = 0; slab_stats(&i, &s); i++)
		if (!strcmp(s.name, name))
			return s;
	CHECK(!"a cache of this name");
	return s;
}

static unsigned long slab_pages(void)
{
	unsigned long pages = 0;
	struct slab_stats s;

	for (unsigned int i = 0; slab_stats(&i, &s); i++) {
		CHECK(s.active <= s.objects && s.objects == s.slabs * s.per_slab);
		CHECK(s.empty <= s.partial && s.partial <= s.slabs);
		pages += s.slabs << s.order;
	}
	return pages;
}

static unsigned int count_caches(void)
{
	struct slab_stats s;
	unsigned int n = 0;

	for (unsigned int i = 0; slab_stats(&i, &s); i++)
		n++;
	return n;
}

static void shrink_all(void)
{
	unsigned int old = host_cpu;

	for (host_cpu = 0; host_cpu < nr_cpu_ids; host_cpu++)
		for (unsigned int i = 0; i < NR_KMALLOC_CLASSES; i++)
			kmem_cache_shrink(kmalloc_caches[i]);
	host_cpu = old;
}

/* Nothing of kmalloc's is in use, and it all goes back. */
static void check_all_returned(void)
{
	shrink_all();
	for (unsigned int i = 3; i < 16; i++) {
		static const char *const names[] = {
			"kmalloc-8",   "kmalloc-16",  "kmalloc-32",  "kmalloc-64",  "kmalloc-96",
			"kmalloc-128", "kmalloc-192", "kmalloc-256", "kmalloc-512", "kmalloc-1k",
			"kmalloc-2k",  "kmalloc-4k",  "kmalloc-8k"};
		struct slab_stats s = stats_of(names[i - 3]);

		CHECK(s.active == 0 && s.slabs == 0 && s.partial == 0 && s.empty == 0);
	}
	CHECK(stats_of("magazine-256").active == 0 && stats_of("magazine-2k").active == 0);
	CHECK(audit().slab == slab_pages() && audit().allocated == 0 && audit().contig == 0);
}

/* --- random traces ------------------------------------------------------------------------- */

#define MAX_LIVE 20000
static struct object {
	u8 *p;
	size_t size;
	u8 seed;
	struct kmem_cache *cache; /* NULL: kmalloc */
} live[MAX_LIVE];
static unsigned int nr_live;

/* Only the ends of large ones, for time's sake. */
static size_t step(size_t i, size_t size)
{
	return size > 4096 && i >= 256 && i < size - 256 ? size - 256 : i + 1;
}

static void fill(const struct object *o)
{
	for (size_t i = 0; i < o->size; i = step(i, o->size))
		o->p[i] = (u8)(o->seed + i * 7);
}

static void check(const struct object *o, size_t size)
{
	for (size_t i = 0; i < size; i = step(i, o->size))
		CHECK(o->p[i] == (u8)(o->seed + i * 7));
}

static void add(void *p, size_t size, struct kmem_cache *cache)
{
	struct object *o = &live[nr_live++];

	*o = (struct object){p, size, (u8)random_u64(), cache};
	fill(o);
}

/* Constructed state: every byte 0xc7; objects go back so. */
static void construct(void *obj)
{
	memset(obj, 0xc7, 40);
}

static struct kmem_cache *odd[3];

static void make_odd_caches(void)
{
	odd[0] = kmem_cache_create("odd-24", 20, 0, 0, NULL);
	odd[1] = kmem_cache_create("constructed", 40, 0, SLAB_HWCACHE_ALIGN, construct);
	odd[2] = kmem_cache_create("large", 40000, 512, 0, NULL);
}

static void alloc_odd(void)
{
	static const size_t size[] = {20, 40, 40000}, align[] = {8, 64, 512};
	unsigned int i = random_below(16) ? random_below(2) : 2;
	u8 *p = kmem_cache_alloc(odd[i], GFP_NOWAIT);

	if (!p)
		return;
	CHECK(IS_ALIGNED((unsigned long)p, align[i]));
	for (unsigned int b = 0; i == 1 && b < 40; b++)
		CHECK(p[b] == 0xc7);
	add(p, size[i], odd[i]);
}

static size_t random_size(void)
{
	unsigned int kind = random_below(100);

	return kind < 80   ? 1 + random_below(512)
	       : kind < 97 ? 1 + random_below(8192)
	       : kind < 99 ? 1 + random_below(100000)
			   : 1 + random_below(6 * MB);
}

static void alloc_kmalloc(void)
{
	size_t size = random_size();
	bool zero = random_below(4) == 0;
	u8 *p = zero ? kcalloc(1, size, GFP_NOWAIT) : kmalloc(size, GFP_NOWAIT);

	if (!p)
		return;
	CHECK(ksize(p) >= size);
	CHECK(!is_power_of_2(size) || IS_ALIGNED((unsigned long)p, min(size, 4 * MB)));
	CHECK(IS_ALIGNED((unsigned long)p, ARCH_KMALLOC_MINALIGN));
	for (size_t i = 0; zero && i < size; i = step(i, size))
		CHECK(!p[i]);
	add(p, size, NULL);
}

static void change_size(void)
{
	struct object *o = &live[random_below(nr_live)];
	size_t size = random_size();
	u8 *p;

	if (o->cache || o->size > 100000 || size > 100000)
		return;
	p = krealloc(o->p, size, GFP_NOWAIT);
	if (!p)
		return;
	o->p = p;
	CHECK(ksize(p) >= size);
	if (o->size <= 4096)
		check(o, min(o->size, size));
	o->size = size;
	fill(o);
}

static void release(unsigned int i)
{
	struct object o = live[i];

	live[i] = live[--nr_live];
	check(&o, o.size);
	if (o.cache == odd[1])
		construct(o.p);
	if (o.cache)
		kmem_cache_free(o.cache, o.p);
	else
		kfree(o.p);
}

/* What is in use of each cache, by its figures and by the list. */
static void check_figures(void)
{
	unsigned long in_use[NR_KMALLOC_CLASSES] = {0}, of_odd[3] = {0};
	static const char *const odd_names[] = {"odd-24", "constructed", "large"};
	struct slab_stats s;

	for (unsigned int i = 0; i < nr_live; i++)
		if (!live[i].cache && ksize(live[i].p) <= KMALLOC_MAX_CACHE_SIZE)
			in_use[kmalloc_class(ksize(live[i].p))]++;
		else
			for (unsigned int j = 0; j < 3; j++)
				of_odd[j] += live[i].cache == odd[j];
	for (unsigned int i = 0; slab_stats(&i, &s); i++) {
		for (unsigned int j = 0; j < 3; j++)
			CHECK(strcmp(s.name, odd_names[j]) || s.active == of_odd[j]);
		/* Behind three of slab's own. */
		if (!strncmp(s.name, "kmalloc-", 8))
			CHECK(s.active == in_use[i - 16 - 3]);
	}
	CHECK(audit().slab == slab_pages() && stub_warnings == 0);
}

static void trace(void)
{
	unsigned int bias = 5;

	kmem_cache_init(random_u64());
	make_odd_caches();
	for (unsigned int i = 0; i < 400000; i++) {
		if (i % 20000 == 0)
			bias = 3 + random_below(5);
		host_cpu = random_below(nr_cpu_ids);
		if (random_below(10) < bias && nr_live < MAX_LIVE)
			random_below(4) ? alloc_kmalloc() : alloc_odd();
		else if (nr_live)
			random_below(8) ? release(random_below(nr_live)) : change_size();
		if (i % 20000 == 0)
			check_figures();
	}
	while (nr_live)
		release(random_below(nr_live));
	for (unsigned int i = 0; i < 3; i++)
		CHECK(!kmem_cache_destroy(odd[i]));
	check_all_returned();
	CHECK(stub_warnings == 0);
}

static void test_trace(void **state)
{
	struct machine m = plain;

	(void)state;
	on_machine(&m, trace);
	m.cpus = 3;
	on_machine(&m, trace);
}

/* Few pages: allocations fail all the time. */
static void test_trace_small(void **state)
{
	static const struct machine_range ram[] = {{GB, 5 * MB, 0}, {0}};
	struct machine m = {ram, NULL, GB, 0, 0, 2};

	(void)state;
	on_machine(&m, trace);
}

static void exhaust(void)
{
	kmem_cache_init(1);
	for (unsigned int class = 0; class < NR_KMALLOC_CLASSES; class += 4) {
		size_t size = UL(24) << class;
		void **first = NULL, **p;
		unsigned long n = 0;

		for (; (p = kmalloc(size, GFP_NOWAIT)); first = p, n++) {
			memset(p, 0x5a, size);
			*p = first;
		}
		CHECK(n * size > 12 * MB);
		for (; (p = first); n--) {
			first = *p;
			kfree(p);
		}
		CHECK(n == 0);
		check_all_returned();
	}
	CHECK(stub_warnings == 0);
}

static void test_exhaustion(void **state)
{
	static const struct machine_range ram[] = {{GB, 24 * MB, 0}, {0}};
	struct machine m = {ram, NULL, GB, 0, 0, 1};

	(void)state;
	on_machine(&m, exhaust);
}

/* What slabs and magazines keep is given up before a request for pages fails, or one for an object
 * of another cache, or one for many pages in a row. */
static void reclaimed(void)
{
	static void *p[40000];
	unsigned long n = 0, pages = 0, kept;
	struct kmem_cache *cache;
	struct page *page, *first = NULL;

	kmem_cache_init(3);
	cache = kmem_cache_create("other", 4096, 0, 0, NULL);
	for (unsigned int round = 0; round < 3; round++) {
		for (n = 0; n < ARRAY_SIZE(p) && (p[n] = kmalloc(256, GFP_NOWAIT)); n++)
			;
		CHECK(n > 10000);
		while (n)
			kfree(p[--n]);
		kept = slab_pages();
		CHECK(kept > 4);
		if (round == 0) {
			while ((page = alloc_pages(GFP_NOWAIT, 0))) {
				*(struct page **)page_address(page) = first;
				first = page;
				pages++;
			}
			CHECK(audit().free == 0 && audit().slab < 8);
			for (; (page = first); __free_page(page))
				first = *(struct page **)page_address(page);
		} else if (round == 1) {
			while (n < ARRAY_SIZE(p) && (p[n] = kmem_cache_alloc(cache, GFP_NOWAIT)))
				n++;
			/* A slab of them is a block of order 3. */
			CHECK(n + 3 * 8 + 64 > pages && stats_of("kmalloc-256").slabs == 0);
			while (n)
				kmem_cache_free(cache, p[--n]);
		} else {
			drain_local_pages();
			/* All but what the descriptors and other caches are in the way of. */
			CHECK(alloc_contig_pages(nr_free_pages(), 1, GFP_NOWAIT, -1) == NO_PFN);
			CHECK(stats_of("kmalloc-256").slabs == 0);
		}
	}
	CHECK(stub_warnings == 0);
	/* Asked not to: nothing is taken apart. */
	p[0] = kmalloc(256, GFP_KERNEL);
	kfree(p[0]);
	CHECK(alloc_contig_pages(1 << 20, 1, GFP_NOWAIT | __GFP_NORETRY, -1) == NO_PFN);
	CHECK(stats_of("kmalloc-256").slabs == 1);
	while (alloc_pages(GFP_NOWAIT, 0))
		;
	CHECK(ENDS_IN_BUG(alloc_pages(GFP_NOWAIT | __GFP_NOFAIL, 0)) &&
	      strstr(stub_text, "NOFAIL"));
	CHECK(ENDS_IN_BUG(alloc_contig_pages(9, 1, GFP_NOWAIT | __GFP_NOFAIL, -1)));
	CHECK(strstr(stub_text, "NOFAIL"));
	while (kmalloc(8, GFP_NOWAIT))
		;
	CHECK(!kmalloc(8, GFP_KERNEL) && stub_warnings == 1);
	CHECK(ENDS_IN_BUG(kmalloc(8, GFP_NOWAIT | __GFP_NOFAIL)) && strstr(stub_text, "NOFAIL"));
}

/* What must not fail does not: not by request, and not where what there is will do. */
static void nofail(void)
{
	u8 *p;

	kmem_cache_init(1);
	failslab.nth = failslab.calls + 1;
	p = kmalloc(8192, GFP_KERNEL | __GFP_NOFAIL);
	CHECK(p && failslab.calls < failslab.nth);
	failslab.nth = 0;
	for (unsigned int order = NR_PAGE_ORDERS; order-- > 0;)
		while (alloc_pages(GFP_NOWAIT | __GFP_NORETRY | __GFP_NOWARN, order))
			;
	CHECK(krealloc(p, 3000, GFP_KERNEL | __GFP_NOFAIL) == p && stub_warnings == 0);
}

static void test_reclaim(void **state)
{
	static const struct machine_range ram[] = {{GB, 8 * MB, 0}, {0}};
	struct machine m = {ram, NULL, GB, 0, 0, 1};

	(void)state;
	on_machine(&m, reclaimed);
	on_machine(&m, nofail);
}

/* --- classes and corners ------------------------------------------------------------------- */

static void corners(void)
{
	static const size_t sizes[] = {8,   16,  32,   64,   96,   128, 192,
				       256, 512, 1024, 2048, 4096, 8192};
	char *p, *q;

	kmem_cache_init(0);
	for (size_t size = 1, class = 0; size <= 8192; size++) {
		class += size > sizes[class];
		CHECK(kmalloc_class(size) == class);
		p = kmalloc(size, GFP_KERNEL);
		CHECK(ksize(p) == sizes[class]);
		kfree(p);
	}
	make_odd_caches();
	CHECK(kmalloc(0, GFP_KERNEL) == ZERO_SIZE_PTR && kmalloc_any(0, 0) == ZERO_SIZE_PTR);
	kfree(ZERO_SIZE_PTR);
	kfree(NULL);
	CHECK(ksize(NULL) == 0 && ksize(ZERO_SIZE_PTR) == 0);
	CHECK(!kcalloc(SIZE_MAX / 2, 3, GFP_KERNEL));
	CHECK(!kmalloc(SIZE_MAX, GFP_NOWAIT) && !kmalloc(SIZE_MAX - 5000, GFP_NOWAIT));

	p = krealloc(NULL, 100, GFP_KERNEL);
	strcpy(p, "kept");
	CHECK(krealloc(p, 120, GFP_KERNEL) == p);
	q = krealloc(p, 6 * MB, GFP_KERNEL);
	CHECK(!strcmp(q, "kept") && ksize(q) == 6 * MB);
	p = krealloc(q, 10000, GFP_KERNEL);
	CHECK(!strcmp(p, "kept") && ksize(p) == 16384);
	q = krealloc(p, 5, GFP_KERNEL);
	CHECK(!strcmp(q, "kept") && ksize(q) == 8);
	CHECK(!krealloc(q, SIZE_MAX / 2, GFP_NOWAIT) && !strcmp(q, "kept"));
	CHECK(krealloc(q, 0, GFP_KERNEL) == ZERO_SIZE_PTR);

	p = kmalloc_array(5, 8, GFP_KERNEL);
	CHECK(ksize(p) == 64 && ksize(p = krealloc_array(p, 50, 8, GFP_KERNEL)) == 512);
	CHECK(!kmalloc_array(SIZE_MAX / 2, 3, 0) && !krealloc_array(p, SIZE_MAX / 2, 3, 0));
	memset(p, 1, 512);
	kfree_sensitive(p);
	for (unsigned int i = 8; i < 512; i++) /* the first 8 bytes are the mark */
		CHECK(!p[i]);
	kfree_sensitive(NULL);
	kmem_cache_free(odd[0], memset(kmem_cache_alloc(odd[0], GFP_KERNEL), 1, 20));
	CHECK(!*(u64 *)kmem_cache_zalloc(odd[0], GFP_KERNEL));
	CHECK(KMEM_CACHE(object, SLAB_PANIC) && stats_of("object").size == sizeof(struct object));

	CHECK(stub_warnings == 0);
	CHECK(!kmem_cache_create("none", 0, 0, 0, NULL) && stub_warnings == 1);
	CHECK(!kmem_cache_create("odd", 8, 24, 0, NULL) && stub_warnings == 2);
	CHECK(!kmem_cache_create("giant", 5 * MB, 0, 0, NULL) && stub_warnings == 3);
	CHECK(ENDS_IN_BUG(kmem_cache_create("needed", 0, 0, SLAB_PANIC, NULL)));
	CHECK(kmem_cache_destroy(NULL) == 0);
}

/* More caches than the first table holds; numbers are used again. */
static void many_caches(void)
{
	kmem_cache_init(0);
	for (unsigned int round = 0; round < 3; round++) {
		struct kmem_cache *many[200];

		for (unsigned int i = 0; i < 200; i++) {
			many[i] = kmem_cache_create("many", 48, 0, 0, NULL);
			kmem_cache_free(many[i], kmem_cache_alloc(many[i], GFP_KERNEL));
		}
		for (unsigned int i = 0; i < 200; i++)
			CHECK(!kmem_cache_destroy(many[i]));
	}
	CHECK(count_caches() == 3 + NR_KMALLOC_CLASSES);
}

static void test_corners(void **state)
{
	(void)state;
	on_machine(&plain, corners);
	on_machine(&plain, many_caches);
}

/* All that there is, for nobody. */
static void use_up(void)
{
	for (unsigned int order = NR_PAGE_ORDERS; order-- > 0;)
		while (alloc_pages(GFP_NOWAIT | __GFP_NORETRY, order))
			;
}

/* In place, and where there is no memory for a copy. */
static void reallocs(void)
{
	struct kmem_cache *built;
	u8 *p, *q;

	kmem_cache_init(1);
	p = memset(kmalloc(64, GFP_KERNEL), 1, 64);
	CHECK(krealloc(p, 40, GFP_KERNEL | __GFP_ZERO) == p);
	for (unsigned int i = 0; i < 64; i++)
		CHECK(p[i] == (i < 40));
	built = kmem_cache_create("built", 40, 0, 0, construct);
	q = kmem_cache_alloc(built, GFP_KERNEL | __GFP_ZERO);
	for (unsigned int i = 0; i < 40; i++)
		CHECK(q[i] == 0xc7);
	p = memset(kmalloc(8192, GFP_KERNEL), 3, 8192);
	use_up();
	/* Nothing smaller than a page is left either. */
	CHECK(krealloc(p, 3000, GFP_NOWAIT) == p && p[2999] == 3);
	CHECK(!krealloc(p, 8193, GFP_NOWAIT) && p[8191] == 3);
	kfree(p);
	CHECK(stub_warnings == 0);
}

/* Numbers that would look like a free block's word in a page's are not given. */
static void cache_numbers(void)
{
	unsigned long seen = 0;

	kmem_cache_init(1);
	for (unsigned int i = 0; i < 4200; i++) {
		struct kmem_cache *cache = kmem_cache_create("many", 48, 0, 0, NULL);
		void *p = kmem_cache_alloc(cache, GFP_KERNEL);
		unsigned int id = word_cache(page_word(virt_to_page(p)));

		CHECK(id >= 16 && id % 4096);
		seen = max(seen, (unsigned long)id);
	}
	CHECK(seen > 4096 && stub_warnings == 0);
}

/* A cache that could not be had leaves nothing behind, nor does a magazine that could not grow. */
static void failed_growth(void)
{
	struct kmem_cache *cache, *made[200];
	unsigned int n = 0, caches;
	unsigned long active;
	void *p[400];

	kmem_cache_init(1);
	cache = kmem_cache_create("one", 64, 0, 0, NULL);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = kmem_cache_alloc(cache, GFP_KERNEL);
	kmem_cache_shrink(cache);
	for (; count_caches() < 48; n++)
		CHECK((made[n] = kmem_cache_create("before", 8, 0, 0, NULL)));
	use_up();
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		kmem_cache_free(cache, p[i]);
	CHECK(stub_warnings == 0 && stats_of("one").active == 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		CHECK(kmem_cache_alloc(cache, GFP_NOWAIT));
	/* The table of caches cannot grow beyond its first 64: two more, and no third one. */
	CHECK(!kmem_cache_destroy(made[n - 1]) && !kmem_cache_destroy(made[n - 2]));
	n = 0;
	while (n < ARRAY_SIZE(made) && (made[n] = kmem_cache_create("more", 8, 0, 0, NULL)))
		n++;
	caches = count_caches();
	active = stats_of("kmem_cache").active;
	CHECK(n == 2 && strstr(stub_warning, "cache more: no memory"));
	for (unsigned int i = 0; i < 50; i++)
		CHECK(!kmem_cache_create("more", 8, 0, 0, NULL));
	CHECK(count_caches() == caches && stats_of("kmem_cache").active == active);
}

/* Empty slabs go back by themselves, but for a few; what was overwritten in a magazine does not go
 * back into its slab. */
static void flushed(void)
{
	struct kmem_cache *cache;
	void *p[4000];

	kmem_cache_init(1);
	cache = kmem_cache_create("one", 512, 0, 0, NULL);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = kmem_cache_alloc(cache, GFP_KERNEL);
	CHECK(stats_of("one").slabs >= 250);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		kmem_cache_free(cache, p[i]);
	CHECK(stats_of("one").slabs < 80 && stats_of("one").empty < 20);
	*(u64 *)p[ARRAY_SIZE(p) - 1] = 5;
	stub_warnings = 0;
	kmem_cache_shrink(cache);
	CHECK(stub_warnings == 1 && strstr(stub_warning, "not used again: 0x5"));
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		CHECK(kmem_cache_alloc(cache, GFP_KERNEL) != p[ARRAY_SIZE(p) - 1]);
}

static void test_limits(void **state)
{
	static const struct machine_range ram[] = {{GB, 8 * MB, 0}, {0}};
	struct machine m = {ram, NULL, GB, 0, 0, 1};

	(void)state;
	on_machine(&plain, reallocs);
	on_machine(&plain, cache_numbers);
	on_machine(&m, failed_growth);
	on_machine(&plain, flushed);
}

/* --- where objects are ----------------------------------------------------------------------- */

static bool below(const void *obj, phys_addr_t limit)
{
	return virt_to_phys(obj) < limit;
}

#define DMA_LIMIT   (GB + 32 * MB)
#define DMA32_LIMIT (GB + 96 * MB)

/* Whatever a CPU keeps from requests without such flags. */
static void dma_objects(void)
{
	static const size_t sizes[] = {8, 40, 64, 96, 192, 1000, 8192, 20000, 6 * MB};
	volatile gfp_t dma = GFP_DMA;
	struct kmem_cache *cache, *dma_cache;
	unsigned int caches;
	void *p, *q;

	kmem_cache_init(1);
	caches = count_caches();
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = kmalloc(sizes[i], GFP_KERNEL);
		CHECK(!below(p, DMA32_LIMIT));
		kfree(p);
		p = kmalloc(sizes[i], GFP_DMA);
		CHECK(below(p, DMA_LIMIT) && ksize(p) >= sizes[i]);
		CHECK(!is_power_of_2(sizes[i]) || IS_ALIGNED((unsigned long)p, sizes[i]));
		q = kzalloc(sizes[i], GFP_DMA32);
		CHECK(below(q, DMA32_LIMIT) && !*(u64 *)q);
		kfree(p);
		kfree(q);
		CHECK(!below(kmalloc(sizes[i], GFP_KERNEL), DMA32_LIMIT));
	}
	p = kmalloc(64, GFP_DMA);
	CHECK(below(p, DMA_LIMIT));
	kfree(p);
	CHECK(kmalloc(64, dma) == p && below(kcalloc(4, 16, dma), DMA_LIMIT));
	CHECK(stats_of("dma-kmalloc-64").active == 2 && stats_of("dma32-kmalloc-8k").slabs == 1);
	CHECK(count_caches() == caches + 2 * 6);

	/* Contents move to where they are asked to be, and only then. */
	p = kmalloc(64, GFP_KERNEL);
	*(u64 *)p = 77;
	q = krealloc(p, 60, GFP_DMA);
	CHECK(q != p && below(q, DMA_LIMIT) && *(u64 *)q == 77);
	CHECK(krealloc(q, 50, GFP_DMA) == q && krealloc(q, 50, GFP_DMA32) == q);
	CHECK(krealloc(q, 50, GFP_KERNEL) == q);
	CHECK(below(krealloc(kmalloc(20000, GFP_KERNEL), 20001, GFP_DMA), DMA_LIMIT));
	CHECK(below(krealloc(kmalloc(6 * MB, GFP_KERNEL), 6 * MB, GFP_DMA), DMA_LIMIT));

	cache = kmem_cache_create("any", 48, 0, 0, construct);
	dma_cache = kmem_cache_create("low", 48, 0, SLAB_CACHE_DMA32, NULL);
	for (unsigned int i = 0; i < 1000; i++) {
		CHECK(kmem_cache_alloc(cache, GFP_KERNEL));
		p = kmem_cache_alloc(cache, GFP_DMA);
		CHECK(below(p, DMA_LIMIT) && *(u8 *)p == 0xc7);
		p = kmem_cache_alloc(dma_cache, GFP_KERNEL);
		CHECK(below(p, DMA32_LIMIT));
		CHECK(below(kmem_cache_alloc(dma_cache, GFP_DMA32), DMA32_LIMIT));
		CHECK(below(kmem_cache_alloc(dma_cache, GFP_DMA), DMA_LIMIT));
	}
	CHECK(stats_of("any").slabs <= 2 + 2000 / stats_of("any").per_slab);
	audit();

	while ((p = kmalloc(8192, GFP_DMA | __GFP_NOWARN)))
		CHECK(below(p, DMA_LIMIT));
	while (kmalloc(128, GFP_DMA | __GFP_NOWARN))
		;
	p = kmalloc(8192, GFP_KERNEL);
	CHECK(!krealloc(p, 8000, GFP_DMA | __GFP_NOWARN) &&
	      !krealloc(p, 100, GFP_DMA | __GFP_NOWARN));
	kfree(p);
	CHECK(stub_warnings == 0);
}

/* Where there is no other memory the flags cost nothing: no caches, the same objects. */
static void dma_is_all(void)
{
	unsigned int caches;
	void *p;

	kmem_cache_init(1);
	caches = count_caches();
	p = kmalloc(64, GFP_KERNEL);
	kfree(p);
	CHECK(kmalloc(64, GFP_DMA) == p && kmalloc(64, GFP_DMA32 | __GFP_THISNODE) != p);
	CHECK(krealloc(p, 60, GFP_DMA32 | __GFP_THISNODE) == p && count_caches() == caches);
}

static void node_objects(void)
{
	struct kmem_cache *cache, *other;
	void *p;

	kmem_cache_init(1);
	cache = kmem_cache_create("any", 48, 0, 0, NULL);
	other = kmem_cache_create("other", 48, 0, 0, NULL);
	p = kmem_cache_place(other, __GFP_THISNODE, 3);
	for (unsigned int i = 0; i < 500; i++) {
		kmem_cache_free(cache, kmem_cache_alloc(cache, GFP_KERNEL));
		CHECK(!below(kmem_cache_place(cache, __GFP_THISNODE, 3), GB));
		CHECK(below(kmem_cache_place(cache, __GFP_THISNODE, 0), GB));
		CHECK(!below(kmem_cache_place(cache, 0, 3), GB));
		CHECK(!kmem_cache_place(cache, GFP_NOWAIT | __GFP_THISNODE, 1));
	}
	for (size_t size = 8; size < 10 * MB; size *= 7) {
		CHECK(!below(kmalloc_node(size, GFP_KERNEL, 3), GB));
		CHECK(below(kmalloc_node(size, GFP_KERNEL, 0), GB));
		CHECK(!*(u64 *)kzalloc_node(size, GFP_KERNEL, 3));
	}
	CHECK(page_to_nid(virt_to_page(kmalloc_node(8, GFP_KERNEL, 3))) == 3);
	while (kmem_cache_place(cache, GFP_NOWAIT | __GFP_THISNODE, 3))
		;
	CHECK(below(kmem_cache_place(cache, GFP_NOWAIT, 3), GB) && stub_warnings == 0);
	/* What must not fail is of another node, or of what another cache need not keep. */
	CHECK(below(kmem_cache_place(cache, __GFP_NOFAIL, 3), GB));
	kmem_cache_free(other, p);
	CHECK(!below(kmem_cache_place(cache, __GFP_THISNODE | __GFP_NOFAIL, 3), GB));
	audit();
}

#define FAR (LINEAR_SIZE / 4 * 3)

/* Slabs with room whose links take more than 28 bits: each is found again. */
static void far_objects(void)
{
	struct kmem_cache *cache;
	void *p[400];

	kmem_cache_init(1);
	cache = kmem_cache_create("far", 512, 0, 0, NULL);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = kmem_cache_place(cache, __GFP_THISNODE, 3);
	CHECK(!below(p[0], FAR) && stats_of("far").partial < 2);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i += 2)
		kmem_cache_free(cache, p[i]);
	kmem_cache_shrink(cache);
	CHECK(stats_of("far").partial == stats_of("far").slabs);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i += 2)
		p[i] = kmem_cache_place(cache, __GFP_THISNODE, 3);
	CHECK(stats_of("far").partial < 2);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		kmem_cache_free(cache, p[i]);
	CHECK(!kmem_cache_destroy(cache) && stub_warnings == 0);
	audit();
}

static void test_places(void **state)
{
	static const struct machine_range two[] = {{0, 64 * MB, 0}, {GB, 32 * MB, 3}, {0}};
	static const struct machine_range far[] = {{0, 64 * MB, 0}, {FAR, 32 * MB, 3}, {0}};
	struct machine m = {plain_ram, NULL, GB, DMA_LIMIT, DMA32_LIMIT, 2};
	struct machine all = {plain_ram, NULL, GB, 2 * GB, 0, 2}, nodes = {two, NULL, 0, 0, 0, 1};
	struct machine tall = {far, NULL, 0, 0, 0, 1};

	(void)state;
	on_machine(&m, dma_objects);
	on_machine(&all, dma_is_all);
	on_machine(&nodes, node_objects);
	on_machine(&tall, far_objects);
}

/* --- wrong uses ---------------------------------------------------------------------------- */

/* The call warns once, in these words. */
#define NAMED(words, call)                                                                         \
	do {                                                                                       \
		stub_warnings = 0;                                                                 \
		call;                                                                              \
		CHECK(stub_warnings == 1 && strstr(stub_warning, words));                          \
		stub_warnings = 0;                                                                 \
	} while (0)

static void bad_frees(void)
{
	static const unsigned long ranges[] = {3, 1 << MAX_PAGE_ORDER};
	struct kmem_cache *cache, *other;
	char *p, *q, *large, *huge, on_stack[64];
	unsigned long page;

	kmem_cache_init(12345);
	cache = kmem_cache_create("one", 64, 0, 0, NULL);
	other = kmem_cache_create("two", 64, 0, 0, NULL);
	p = kmem_cache_alloc(cache, GFP_KERNEL);
	q = kmem_cache_alloc(other, GFP_KERNEL);
	NAMED("into cache two, ignored: it is slab memory", kmem_cache_free(other, p));
	NAMED("into cache one", kmem_cache_free(cache, q));
	NAMED("into cache one, ignored: it is slab memory", kmem_cache_free(cache, p + 8));
	NAMED("not an address of memory", kmem_cache_free(cache, on_stack));
	kmem_cache_free(cache, NULL);

	p = kmalloc(100, GFP_KERNEL);
	NAMED("by kfree, ignored: it is slab memory", kfree(p + 8));
	NAMED("by kfree, ignored: it is slab memory", kfree(p + 1));
	NAMED("not an address of memory", kfree(on_stack));
	NAMED("not an address of memory", kfree((void *)0x1234));
	NAMED("not an address of memory", kfree((void *)~UL(7)));
	NAMED("reserved", kfree(phys_to_virt(GB + 2 * MB + 64)));
	NAMED("never handed out", kfree(phys_to_virt(GB + 200 * MB)));
	NAMED("no memory", kfree(phys_to_virt(100 * GB)));
	page = __get_free_page(GFP_KERNEL);
	NAMED("it is allocated (order 0)", kfree((void *)page));
	free_page(page);
	NAMED("already free", kfree((void *)page));
	NAMED("slab memory", free_page((unsigned long)p & PAGE_MASK));
	NAMED("not allocated by kmalloc", ksize((void *)page));

	large = kmalloc(20000, GFP_KERNEL);
	NAMED("inside an allocated block", kfree(large + PAGE_SIZE));
	NAMED("kmalloc'ed (order 3)", kfree(large + 8));
	NAMED("kmalloc'ed (order 3)", free_pages((unsigned long)large, 3));
	kfree(large);
	NAMED("already free (order 3)", kfree(large));
	for (unsigned int i = 0; i < ARRAY_SIZE(ranges); i++) {
		unsigned long pfn = alloc_contig_pages(ranges[i], 1, GFP_KERNEL, -1);

		NAMED("not allocated by kmalloc", ksize(pfn_to_virt(pfn)));
		NAMED("never handed out", kfree(pfn_to_virt(pfn)));
		free_contig_range(pfn, ranges[i]);
	}
	huge = kmalloc(9 * MB, GFP_KERNEL);
	NAMED("never handed out", kfree(huge + PAGE_SIZE));
	kfree(huge);
	NAMED("never handed out", kfree(huge));

	NAMED("not destroyed, 1 objects", CHECK(kmem_cache_destroy(cache) == -EBUSY));
	kmem_cache_alloc(cache, GFP_KERNEL);
	NAMED("not destroyed, 2 objects", CHECK(kmem_cache_destroy(cache) == -EBUSY));
}

/* Every address of a slab that is no object's start, in the middle of the first and the last ones
 * and behind them: refused by both frees, and nothing is written. */
static void inner_frees(void)
{
	static const size_t sizes[] = {8,   16,  24,   32,   40,   64,   72,   96,    104,  136,
				       192, 200, 1000, 1024, 1032, 4096, 8192, 12000, 40000};

	kmem_cache_init(12345);
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct kmem_cache *cache = kmem_cache_create("inner", sizes[i], 0, 0, NULL);
		struct slab_stats s;
		size_t slab;
		char *p, *first;

		p = kmem_cache_alloc(cache, GFP_KERNEL);
		s = stats_of("inner");
		slab = PAGE_SIZE << s.order;
		first = phys_to_virt(ALIGN_DOWN(virt_to_phys(p), slab));
		for (unsigned int n = 1; n < s.per_slab; n++)
			memset(kmem_cache_alloc(cache, GFP_KERNEL), 0x11, sizes[i]);
		memset(p, 0x11, sizes[i]);
		CHECK(stats_of("inner").slabs == 1);
		for (size_t at = 1; at<slab; at += slab> SZ_16K ? 1 + random_below(9) : 1) {
			if (at % s.size == 0 && at / s.size < s.per_slab)
				continue;
			stub_warnings = 0;
			kmem_cache_free(cache, first + at);
			kfree(first + at);
			CHECK(stub_warnings == 2 && strstr(stub_warning, "it is slab memory"));
		}
		for (unsigned int n = 0; n < s.per_slab; n++) {
			CHECK(first[n * s.size] == 0x11);
			if (n % 2)
				kfree(first + n * s.size);
			else
				kmem_cache_free(cache, first + n * s.size);
		}
		CHECK(stub_warnings == 2 && !kmem_cache_destroy(cache));
	}
	audit();
}

/* Free again while the object is in this CPU's magazine, another's, and back in its slab. */
static void double_frees(void)
{
	struct kmem_cache *cache, *constructed;
	void *p[300], *q;

	kmem_cache_init(99);
	cache = kmem_cache_create("twice", 64, 0, 0, NULL);
	constructed = kmem_cache_create("built", 40, 0, 0, construct);
	q = kmem_cache_alloc(constructed, GFP_KERNEL);
	kmem_cache_free(constructed, q);
	NAMED("cache built: object", kmem_cache_free(constructed, q));
	CHECK(strstr(stub_warning, "double free"));
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = kmem_cache_alloc(cache, GFP_KERNEL);
	kmem_cache_free(cache, p[0]);
	NAMED("double free, ignored", kmem_cache_free(cache, p[0]));
	host_cpu = 1;
	NAMED("double free, ignored", kmem_cache_free(cache, p[0]));
	host_cpu = 0;
	for (unsigned int i = 1; i < 200; i++)
		kmem_cache_free(cache, p[i]);
	kmem_cache_shrink(cache);
	/* With a magazine that has room: the fast path must see it. */
	kmem_cache_free(cache, kmem_cache_alloc(cache, GFP_KERNEL));
	for (unsigned int i = 130; i < 198; i++)
		NAMED("double free, ignored", kmem_cache_free(cache, p[i]));
	NAMED("into cache twice, ignored: it is already free", kmem_cache_free(cache, p[5]));
	NAMED("double free, ignored", kmem_cache_free(cache, p[199]));
	q = kmalloc(64, GFP_KERNEL);
	kfree(q);
	NAMED("double free, ignored", kfree(q));
	/* An object whose data are what its mark would be is not taken for free. */
	q = kmem_cache_alloc(cache, GFP_KERNEL);
	kmem_cache_free(cache, q);
	u64 mark = *(u64 *)q;
	CHECK(kmem_cache_alloc(cache, GFP_KERNEL) == q && !*(u64 *)q);
	*(u64 *)q = mark;
	kmem_cache_free(cache, q);
	CHECK(stub_warnings == 0 && kmem_cache_alloc(cache, GFP_KERNEL) == q);
	audit();
}

static void overwritten(void)
{
	struct kmem_cache *cache, *constructed;
	u64 *p[100];

	kmem_cache_init(7);
	cache = kmem_cache_create("late", 64, 0, 0, NULL);
	constructed = kmem_cache_create("built", 40, 0, 0, construct);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = kmem_cache_alloc(cache, GFP_KERNEL);
	/* In the magazine: not handed out. */
	kmem_cache_free(cache, p[0]);
	*p[0] = 0xdead;
	NAMED("cache late: object", CHECK(kmem_cache_alloc(cache, GFP_KERNEL) != p[0]));
	CHECK(strstr(stub_warning, "overwritten while free, not used again: 0xdead at offset 0"));
	/* On its slab's list, the mark next in line. */
	for (unsigned int i = 1; i < 50; i++)
		kmem_cache_free(cache, p[i]);
	kmem_cache_shrink(cache);
	*p[49] ^= UL(1) << 40;
	NAMED("overwritten while free", CHECK(kmem_cache_alloc(cache, GFP_KERNEL)));
	for (unsigned int i = 0; i < 500; i++)
		CHECK(kmem_cache_alloc(cache, GFP_KERNEL) != p[49]);
	/* Behind the object: one byte too many. */
	u8 *q = kmem_cache_alloc(constructed, GFP_KERNEL);
	kmem_cache_free(constructed, q);
	q[40] ^= 1;
	NAMED("at offset 40", CHECK(kmem_cache_alloc(constructed, GFP_KERNEL) != q));
	/* What is live of the slab that was given up can still be freed. */
	for (unsigned int i = 50; i < ARRAY_SIZE(p); i++)
		kmem_cache_free(cache, p[i]);
	kmem_cache_shrink(cache);
	CHECK(stub_warnings == 0);
	audit();
}

/* Each bit of a listed object's mark: that object is named, it alone is lost, and none that is in
 * use is handed out. */
static void one_bit(void)
{
	kmem_cache_init(7);
	for (unsigned int bit = 0; bit < 64; bit++) {
		struct kmem_cache *cache = kmem_cache_create("bit", 64, 0, 0, NULL);
		u64 *p[128], *got;
		char address[32];

		for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
			*(p[i] = kmem_cache_alloc(cache, GFP_KERNEL)) = i;
		for (unsigned int i = 0; i < 60; i++)
			kmem_cache_free(cache, p[i]);
		kmem_cache_shrink(cache);
		*p[30] ^= UL(1) << bit;
		snprintf(address, sizeof(address), "0x%lx", (unsigned long)p[30]);
		stub_warnings = 0;
		for (unsigned int i = 0; i < 300; i++) {
			got = kmem_cache_alloc(cache, GFP_KERNEL);
			for (unsigned int j = 60; j < ARRAY_SIZE(p); j++)
				CHECK(got != p[j]);
			CHECK(got != p[30]);
		}
		CHECK(stub_warnings == 1 && strstr(stub_warning, address));
	}
	stub_warnings = 0;
}

static void *racing;

static void kfree_elsewhere(void)
{
	host_probe_hook = NULL;
	host_cpu = 1;
	kfree(racing);
	host_cpu = 0;
}

/* Another CPU frees the same pages, once this one has seen that they are kmalloc's. */
static void kfree_at_once(void)
{
	kmem_cache_init(1);
	racing = kmalloc(100000, GFP_KERNEL);
	host_probe_hook = kfree_elsewhere;
	NAMED("already free", kfree(racing));
	CHECK(!host_probe_hook && audit().allocated == 0);
}

/* The page of descriptors that theirs are in. */
static void protect_words(int prot)
{
	unsigned long word = (unsigned long)virt_to_page(racing);

	CHECK(!mprotect((void *)(word & PAGE_MASK), PAGE_SIZE, prot));
}

/* This CPU writes there: another one is faster. Behind this it writes once more. */
static void written(int signal)
{
	(void)signal;
	CHECK(racing);
	protect_words(PROT_READ | PROT_WRITE);
	host_cpu = 1;
	kfree(racing);
	racing = NULL;
	host_cpu = 0;
}

/* The same when this CPU has found them not free yet and is about to write that they are. */
static void kfree_at_last(void)
{
	struct sigaction act = {.sa_handler = written}, old;

	kmem_cache_init(1);
	racing = kmalloc(100000, GFP_KERNEL);
	CHECK(!sigaction(SIGSEGV, &act, &old));
	protect_words(PROT_READ);
	NAMED("already free", kfree(racing));
	CHECK(!sigaction(SIGSEGV, &old, NULL) && !racing && audit().allocated == 0);
}

static void shrink_counts(void)
{
	static void *p[5000];
	struct kmem_cache *cache;
	unsigned long free;

	kmem_cache_init(1);
	cache = kmem_cache_create("one", 64, 0, 0, NULL);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = kmem_cache_alloc(cache, GFP_KERNEL);
	for (unsigned int i = 0; i < ARRAY_SIZE(p) - 1; i++)
		kmem_cache_free(cache, p[i]);
	free = stats_of("one").slabs << stats_of("one").order;
	free -= kmem_cache_shrink(cache);
	CHECK(stats_of("one").slabs == 1 && stats_of("one").slabs << stats_of("one").order == free);
	NAMED("not destroyed, 1 objects", CHECK(kmem_cache_destroy(cache) == -EBUSY));
	kmem_cache_free(cache, p[ARRAY_SIZE(p) - 1]);
	CHECK(!kmem_cache_destroy(cache));
	NAMED("into cache kmem_cache, ignored", CHECK(kmem_cache_destroy(cache) == -EINVAL));
	/* All at once: those of magazines too, which the others give back. */
	kfree(kmalloc(64, GFP_KERNEL));
	CHECK(stats_of("magazine-256").active == 1);
	kmem_cache_shrink_all();
	CHECK(stats_of("kmalloc-64").slabs == 0 && stats_of("magazine-256").slabs == 0);
	CHECK(kmem_cache_create("a", 64, 0, 0, NULL) != kmem_cache_create("b", 64, 0, 0, NULL));
}

static void test_wrong_uses(void **state)
{
	struct machine m = plain;

	(void)state;
	m.cpus = 2;
	on_machine(&m, bad_frees);
	on_machine(&m, inner_frees);
	on_machine(&m, double_frees);
	on_machine(&m, overwritten);
	on_machine(&m, one_bit);
	on_machine(&m, kfree_at_once);
	on_machine(&m, kfree_at_last);
	on_machine(&m, shrink_counts);
}

/* --- checks that are asked for ---------------------------------------------------------------- */

extern const struct early_param __start_early_params[], __stop_early_params[];

/* As on the command line; the value may be NULL. */
static int param(const char *name, const char *value)
{
	for (const struct early_param *p = __start_early_params; p < __stop_early_params; p++)
		if (!strcmp(p->text, name))
			return p->handler(value, value ? strlen(value) : 0);
	CHECK(!"a parameter of this name");
	return 0;
}

static void red_zones(void)
{
	struct kmem_cache *cache, *aligned;
	u8 *p, *q;

	CHECK(!param("slab_debug", "Z,red*,kmalloc-32"));
	kmem_cache_init(3);
	CHECK(stats_of("kmalloc-32").limit == 0 && stats_of("kmalloc-64").limit > 0);
	cache = kmem_cache_create("red-one", 20, 0, 0, NULL);
	aligned = kmem_cache_create("red-two", 24, 512, 0, NULL);
	CHECK(IS_ALIGNED((unsigned long)kmem_cache_alloc(aligned, GFP_KERNEL), 512));
	CHECK(IS_ALIGNED((unsigned long)kmalloc(32, GFP_KERNEL), 32));
	CHECK(kmem_cache_create("red", 32, 0, 0, NULL) && stats_of("red").limit == 0);
	CHECK(kmem_cache_create("re", 32, 0, 0, NULL) && stats_of("re").limit > 0);
	for (int at = 20; at < 40; at++) {
		char words[128];

		p = kmem_cache_alloc(cache, GFP_KERNEL);
		p[at] ^= 0x10;
		sprintf(words, "cache red-one: object 0x%lx: overflow to the %s: 0xdc at offset %d",
			(unsigned long)p, at < 32 ? "right" : "left", at < 32 ? at : at - 40);
		/* Behind the last 8 bytes the next object begins. */
		if (at < 32) {
			NAMED(words, kmem_cache_free(cache, p));
		} else {
			q = kmem_cache_alloc(cache, GFP_KERNEL);
			CHECK(q == p + 40);
			CHECK(stub_warnings == 1 && strstr(stub_warning, "overflow to the left"));
			stub_warnings = 0;
			kmem_cache_free(cache, q);
			kmem_cache_free(cache, p);
		}
	}
	p = kmalloc(32, GFP_KERNEL);
	p[-3] = 7;
	NAMED("cache kmalloc-32: object", kfree(p));
	CHECK(strstr(stub_warning, "overflow to the left: 0x7 at offset -3"));
	/* It was put right, and the object can be used again. */
	CHECK(kmalloc(32, GFP_KERNEL) == p);
	kfree(p);
	NAMED("double free, ignored", kfree(p));
	NAMED("by kfree, ignored: it is slab memory", kfree(p + 8));
	NAMED("by kfree, ignored: it is slab memory",
	      kfree((void *)((unsigned long)p & PAGE_MASK)));
	NAMED("into cache red-one, ignored", kmem_cache_free(cache, p));
	CHECK(kmem_cache_create("red-giant", 4 * MB - 64, 0, 0, NULL) && stub_warnings == 0);
	audit();
}

static void poison(void)
{
	struct kmem_cache *cache, *constructed;
	u8 *p, *q;

	CHECK(!param("slab_debug", "P"));
	kmem_cache_init(4);
	cache = kmem_cache_create("poisoned", 50, 0, 0, NULL);
	constructed = kmem_cache_create("built", 40, 0, 0, construct);
	p = kmem_cache_alloc(cache, GFP_KERNEL);
	for (unsigned int i = 0; i < 50; i++)
		CHECK(p[i] == 0x5a);
	kmem_cache_free(cache, p);
	p[37] = 0x6a;
	NAMED("used after free: 0x6a at offset 37", q = kmem_cache_alloc(cache, GFP_KERNEL));
	CHECK(q && q != p);
	for (unsigned int i = 0; i < 200; i++)
		CHECK(kmem_cache_alloc(cache, GFP_KERNEL) != p);
	/* Constructed ones stay so, and their mark is watched. */
	p = kmem_cache_alloc(constructed, GFP_KERNEL);
	for (unsigned int i = 0; i < 40; i++)
		CHECK(p[i] == 0xc7);
	kmem_cache_free(constructed, p);
	p[43]++;
	NAMED("overwritten while free", CHECK(kmem_cache_alloc(constructed, GFP_KERNEL) != p));
	p = kzalloc(33, GFP_KERNEL);
	for (unsigned int i = 0; i < 33; i++)
		CHECK(!p[i]);
	audit();
}

static void lists(void)
{
	struct kmem_cache *cache;
	u64 *p[40];

	kmem_cache_init(5);
	cache = kmem_cache_create("listed", 64, 0, SLAB_CONSISTENCY_CHECKS, NULL);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = kmem_cache_alloc(cache, GFP_KERNEL);
	/* Freed, overwritten, freed again: its mark does not tell, the list does. */
	kmem_cache_free(cache, p[0]);
	kmem_cache_free(cache, p[1]);
	u64 mark = p[0][8];
	p[0][8] = 0;
	NAMED("overwritten while free, not used again: 0x0 at offset 64",
	      kmem_cache_free(cache, p[2]));
	CHECK(stats_of("listed").active >= 38);
	p[0][8] = mark;
	NAMED("double free, ignored", kmem_cache_free(cache, p[1]));
	p[2][8] ^= UL(1) << 50;
	NAMED("overwritten while free", CHECK(kmem_cache_alloc(cache, GFP_KERNEL) != p[2]));
	for (unsigned int i = 0; i < 300; i++) {
		void *q = kmem_cache_alloc(cache, GFP_KERNEL);

		CHECK(q != p[0] && q != p[1] && q != p[2]);
	}
	for (unsigned int i = 3; i < ARRAY_SIZE(p); i++)
		kmem_cache_free(cache, p[i]);
	CHECK(stub_warnings == 0);
	/* A slab whose list is cut is not empty any more. */
	cache = kmem_cache_create("cut", 64, 0, SLAB_CONSISTENCY_CHECKS, NULL);
	for (unsigned int i = 0; i < 3; i++)
		p[i] = kmem_cache_alloc(cache, GFP_KERNEL);
	for (unsigned int i = 0; i < 3; i++)
		kmem_cache_free(cache, p[i]);
	CHECK(stats_of("cut").empty == 1);
	p[1][8] = 0;
	NAMED("overwritten while free", CHECK(kmem_cache_alloc(cache, GFP_KERNEL) == p[2]));
	CHECK(stats_of("cut").empty == 0);
	audit();
}

static void users(void)
{
	void *p;

	CHECK(!param("slab_debug", NULL));
	kmem_cache_init(6);
	p = kmalloc(100, GFP_KERNEL);
	kfree(p);
	kfree(p);
	CHECK(stub_warnings == 2 && !strncmp(stub_warning, " allocated by 0x", 16));
	CHECK(strstr(stub_warning, ", last freed by 0x"));
}

static void parameters(void)
{
	CHECK(param("slab_debug", "FX") == -EINVAL && param("slab_debug", "F-") == -EINVAL);
	CHECK(!param("slab_debug", "ZF") && !param("slab_debug", "-"));
	kmem_cache_init(6);
	CHECK(stats_of("kmalloc-64").limit > 0);
	CHECK(!param("slab_debug", ",mine"));
	kmem_cache_create("mine", 64, 0, 0, NULL);
	kmem_cache_create("mines", 64, 0, 0, NULL);
	CHECK(stats_of("mine").limit == 0 && stats_of("mines").limit > 0);
	CHECK(param("init_on_alloc", "2") == -ERANGE && param("init_on_free", "yes") == -EINVAL);
	CHECK(param("failslab", "-1") == -ERANGE && param("failslab", NULL) == -EINVAL);
}

/* With everything on, and memory cleared twice, the traces find nothing wrong. */
static void checked_trace(void)
{
	CHECK(!param("slab_debug", NULL));
	trace();
}

static void cleared(void)
{
	u64 *p;
	unsigned long pfn;

	kmem_cache_init(7);
	CHECK(stats_of("kmalloc-64").limit == 0 && zones[0].capacity[0] == 0);
	p = kmalloc(64, GFP_KERNEL);
	memset(p, 1, 64);
	kfree(p);
	for (unsigned int i = 1; i < 8; i++)
		CHECK(p[i] == (init_on_free ? 0 : 0x0101010101010101));
	CHECK(kmalloc(64, GFP_KERNEL) == p);
	for (unsigned int i = 1; i < 8; i++)
		CHECK(p[i] == 0);
	p = (void *)__get_free_pages(GFP_KERNEL, 1);
	CHECK(!p[1] || !init_on_alloc);
	memset(p, 1, 2 * PAGE_SIZE);
	free_pages((unsigned long)p, 1);
	CHECK(!p[1023] == !!init_on_free);
	pfn = alloc_contig_pages(3, 1, GFP_KERNEL, -1);
	p = phys_to_virt(PFN_PHYS(pfn));
	CHECK(!p[1535] || !init_on_alloc);
	memset(p, 1, 3 * PAGE_SIZE);
	free_contig_range(pfn, 3);
	CHECK(!p[1535] == !!init_on_free);
	CHECK(stub_warnings == 0);
}

/* The third request for memory fails, the others do not. */
static void fail_third(void)
{
	struct kmem_cache *cache;
	void *p[9];

	CHECK(!param("failslab", "16"));
	kmem_cache_init(8);
	CHECK(failslab.calls == NR_KMALLOC_CLASSES);
	cache = kmem_cache_create("failing", 64, 0, 0, NULL);
	CHECK(cache && stats_of("failing").limit == 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = i % 2 ? kmalloc(64, GFP_KERNEL) : kmem_cache_alloc(cache, GFP_KERNEL);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		CHECK(!p[i] == (i == 1));
	CHECK(stub_warnings == 0);
	audit();
}

static void fail_pages(void)
{
	CHECK(zones[0].capacity[0] == 0);
	for (unsigned int i = 1; i < 9; i++)
		CHECK(!alloc_pages(GFP_NOWAIT, i % 3) == (i == 5));
	fail_page_alloc.nth = 9;
	CHECK(alloc_contig_pages(3, 1, GFP_NOWAIT, -1) == NO_PFN);
	audit();
}

static void test_checks(void **state)
{
	static const struct machine_range ram[] = {{GB, 12 * MB, 0}, {0}};
	struct machine m = {ram, NULL, GB, 0, 0, 2};

	(void)state;
	on_machine(&plain, red_zones);
	on_machine(&plain, poison);
	on_machine(&plain, lists);
	on_machine(&plain, users);
	on_machine(&plain, parameters);
	on_machine(&plain, fail_third);
	fail_page_alloc.nth = 5;
	on_machine(&plain, fail_pages);
	fail_page_alloc.nth = 0;
	for (unsigned int which = 1; which < 4; which++) {
		init_on_alloc = which & 1;
		init_on_free = which >> 1;
		on_machine(&plain, cleared);
	}
	on_machine(&m, checked_trace);
	init_on_alloc = init_on_free = 0;
}

/* --- threads ------------------------------------------------------------------------------- */

#define OPERATIONS 40000

static void *make_marked(u64 x)
{
	u64 *p = kmalloc(8u << (x >> 45 & 3), GFP_NOWAIT);

	if (p)
		p[0] = (unsigned long)p;
	return p;
}

static void free_marked(void *thing)
{
	u64 *p = thing;

	CHECK(p[0] == (unsigned long)p);
	p[0] = 0;
	kfree(p);
}

static void shrink_and_look(unsigned int i, u64 x)
{
	if (i % 8000 == 0)
		kmem_cache_shrink(kmalloc_caches[x >> 45 & 3]);
	if (i % 10000 == 0)
		slab_pages();
}

static void run_threads(void)
{
	kmem_cache_init(5);
	host_unlock_hook = yield_sometimes;
	trade(&(const struct trade){OPERATIONS, make_marked, free_marked, shrink_and_look});
	check_all_returned();
	CHECK(stub_warnings == 0);
}

static int churning;

/* CPU 1: a magazine grows and is given up, over and over. */
static void *churn(void *arg)
{
	static void *p[600];

	host_cpu = 1;
	while (__atomic_load_n(&churning, __ATOMIC_ACQUIRE)) {
		for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
			p[i] = kmalloc(64, GFP_NOWAIT);
		for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
			kfree(p[i]);
		kmem_cache_shrink(kmalloc_caches[3]);
	}
	return arg;
}

/* CPU 0 looks into that magazine: for figures, which are possible ones, and for a double free. */
static void look_at_magazines(void)
{
	unsigned int rounds = environment("TEST_OPERATIONS", OPERATIONS) / 10;
	pthread_t thread;

	kmem_cache_init(3);
	host_unlock_hook = yield_sometimes;
	churning = 1;
	CHECK(!pthread_create(&thread, NULL, churn, NULL));
	for (unsigned int i = 0; i < rounds; i++) {
		void *p = kmalloc(64, GFP_NOWAIT);

		kfree(p);
		kfree(p);
		CHECK(stub_warnings == i + 1 && strstr(stub_warning, "double free"));
		slab_pages();
	}
	__atomic_store_n(&churning, 0, __ATOMIC_RELEASE);
	CHECK(!pthread_join(thread, NULL));
	stub_warnings = 0;
	check_all_returned();
}

/* TEST_THREADS, TEST_OPERATIONS: how many (4), and how much each does. For ThreadSanitizer too. */
static void test_threads(void **state)
{
	struct machine m = plain;

	(void)state;
	m.cpus = trade_cpus();
	on_machine(&m, run_threads);
	on_machine(&m, look_at_magazines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trace),      cmocka_unit_test(test_trace_small),
		cmocka_unit_test(test_exhaustion), cmocka_unit_test(test_corners),
		cmocka_unit_test(test_wrong_uses), cmocka_unit_test(test_checks),
		cmocka_unit_test(test_places),     cmocka_unit_test(test_reclaim),
		cmocka_unit_test(test_limits),     cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, random_setup, NULL);
}
