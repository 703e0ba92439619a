/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page allocator on simulated machines: random traces against a list of what is out, an auditor
 * of every descriptor, and case by case what a trace does not reach.
 */
#include <mm/mm.h>

#include "host_mm.h"
#include "mm_machine.h"
#include "random.h"
#include "stubs.h"
#include "trade.h"

#include <asm/percpu.h>
#include <lib/errno.h>
#include <mm/ledger.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define MB SZ_1M
#define GB SZ_1G

/* --- what is out --------------------------------------------------------------------------- */

struct block {
	unsigned long pfn, pages;
	int order; /* -1: a contiguous range */
	u64 tag;
};

#define MAX_LIVE 60000
static struct block live[MAX_LIVE];
static unsigned int nr_live;
static unsigned long live_pages;
/* A byte for each page of the machine: 1 if out. Page frames from owner_base on. */
static u8 *owner;

/* The first and last word of each page of a block, or of its first and last pages, belong to it
 * alone. */
static u64 *page_words(unsigned long pfn)
{
	return phys_to_virt(PFN_PHYS(pfn));
}

static void tag_block(const struct block *b, bool check)
{
	unsigned long at[] = {b->pfn, b->pfn + b->pages / 2, b->pfn + b->pages - 1};

	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
		u64 *first = page_words(at[i]), *last = first + PAGE_SIZE / 8 - 1;

		if (check)
			CHECK(*first == b->tag + at[i] && *last == b->tag - at[i]);
		*first = b->tag + at[i];
		*last = b->tag - at[i];
	}
}

static void take(unsigned long pfn, unsigned long pages, int order)
{
	struct block *b = &live[nr_live++];

	*b = (struct block){pfn, pages, order, random_u64()};
	for (unsigned long i = 0; i < pages; i++) {
		CHECK(memblock_is_memory(PFN_PHYS(pfn + i)) || i);
		CHECK(!owner[pfn - PFN_DOWN(memstart_addr) + i]++);
	}
	CHECK(memblock_is_region_memory(PFN_PHYS(pfn), PFN_PHYS(pages)));
	CHECK(!memblock_is_region_reserved(PFN_PHYS(pfn), PFN_PHYS(pages)));
	live_pages += pages;
	tag_block(b, false);
}

static void give(unsigned int i)
{
	struct block b = live[i];

	live[i] = live[--nr_live];
	tag_block(&b, true);
	memset(owner + (b.pfn - PFN_DOWN(memstart_addr)), 0, b.pages);
	live_pages -= b.pages;
	if (b.order < 0)
		free_contig_range(b.pfn, b.pages);
	else
		__free_pages(pfn_to_page(b.pfn), (unsigned int)b.order);
}

static void start_model(void)
{
	owner = calloc(PFN_UP(memblock_end_of_DRAM() - memstart_addr), 1);
	CHECK(owner);
}

/* --- random traces ------------------------------------------------------------------------- */

/* Small orders are as frequent as all others together. */
static unsigned int random_order(void)
{
	unsigned int kind = random_below(8);

	return kind < 4 ? 0 : kind < 6 ? random_below(4) : random_below(NR_PAGE_ORDERS);
}

static void check_place(unsigned long pfn, gfp_t gfp, int nid)
{
	struct zone *zone = pfn_to_zone(pfn);

	CHECK(zone && zone->type <= gfp_zone(gfp));
	CHECK(!(gfp & __GFP_THISNODE) || zone->nid == nid);
}

static void random_alloc(void)
{
	static const gfp_t where[] = {0, 0, 0, 0, __GFP_DMA, __GFP_DMA32, __GFP_ZERO};
	gfp_t gfp = __GFP_NOWARN | where[random_below(ARRAY_SIZE(where))];
	int nid = nodes[random_below(nr_nodes)].nid;
	unsigned int order = random_order();
	struct page *page;

	if (random_below(4))
		nid = -1;
	else if (random_below(2))
		gfp |= __GFP_THISNODE;
	page = nid < 0 ? alloc_pages(gfp, order) : alloc_pages_node(nid, gfp, order);
	if (!page)
		return;
	CHECK(IS_ALIGNED(page_to_pfn(page), UL(1) << order) && page_order(page) == order);
	CHECK(virt_to_page(page_address(page)) == page && phys_to_page(page_to_phys(page)) == page);
	check_place(page_to_pfn(page), gfp, nid);
	if (gfp & __GFP_ZERO)
		CHECK(!*(u64 *)page_address(page));
	take(page_to_pfn(page), UL(1) << order, (int)order);
}

static void random_contig(void)
{
	unsigned long nr = 1 + random_below(6000), align = UL(1) << random_below(12);
	unsigned long pfn = alloc_contig_pages(nr, align, GFP_NOWAIT, -1);

	if (pfn == NO_PFN)
		return;
	CHECK(IS_ALIGNED(pfn, align) && contig_range_pages(pfn) == nr);
	take(pfn, nr, -1);
}

static void check_balance(void)
{
	struct audit a = audit();

	CHECK(a.allocated + a.contig == live_pages);
	CHECK(nr_free_pages() == totalram_pages() - live_pages - a.meta);
	CHECK(stub_warnings == 0);
}

/* Waves of allocating and freeing, so that memory runs out now and then, and is nearly all free now
 * and then. */
static void trace(unsigned int operations)
{
	unsigned int bias = 5;

	start_model();
	for (unsigned int i = 0; i < operations; i++) {
		if (i % 20000 == 0)
			bias = 3 + random_below(5);
		host_cpu = random_below(nr_cpu_ids);
		if (random_below(10) < bias && nr_live < MAX_LIVE) {
			if (random_below(200))
				random_alloc();
			else
				random_contig();
		} else if (nr_live) {
			give(random_below(nr_live));
		}
		if (i % 25000 == 0)
			check_balance();
	}
	while (nr_live)
		give(random_below(nr_live));
	check_balance();
	drain_all_cpus();
	check_balance();
}

/* A million operations in all four machines. */
static void trace_150k(void)
{
	trace(150000);
}

static void trace_550k(void)
{
	trace(550000);
}

static const struct machine_range plain_ram[] = {{GB, 512 * MB, 0}, {0}};
static const struct machine_range plain_reserved[] = {
	{GB + 2 * MB, MB + 0x3000, 0}, {GB + 100 * MB + 0x800, 0x1000, 0}, {0}};
static const struct machine plain = {plain_ram, plain_reserved, GB, 0, 0, 1};

static void test_trace_plain(void **state)
{
	(void)state;
	on_machine(&plain, trace_550k);
}

/* Limits that cut sections, at places aligned to nothing; two CPUs. */
static void test_trace_zones(void **state)
{
	struct machine m = {
		plain_ram, plain_reserved, GB, GB + 37 * MB + 0x5000, GB + 300 * MB + 0x123000, 2};

	(void)state;
	on_machine(&m, trace_150k);
}

/* Two nodes, interleaved within sections, with holes; nid 7 to have a gap. */
static void test_trace_nodes(void **state)
{
	static const struct machine_range ram[] = {
		{0, 48 * MB, 0},       {48 * MB, 80 * MB, 7},
		{150 * MB, 6 * MB, 0}, {156 * MB, 11 * MB, 7},
		{200 * MB, 0x5000, 0}, {3 * GB, 130 * MB + 0x7000, 7},
		{5 * GB, 64 * MB, 0},  {0}};
	struct machine m = {ram, NULL, 0, 40 * MB, 4 * GB, 3};

	(void)state;
	on_machine(&m, trace_150k);
}

/* Hundreds of ranges, many of them too small to pay for their descriptors. */
static void test_trace_crumbs(void **state)
{
	static struct machine_range ram[401];
	struct machine m = {ram, NULL, 0, 0, 0, 1};

	(void)state;
	for (unsigned int i = 0; i < 400; i++) {
		ram[i].base = i * 3 * MB + random_below(200) * PAGE_SIZE;
		ram[i].size = i % 3 ? (1 + random_below(30)) * PAGE_SIZE
				    : (1 + random_below(512)) * PAGE_SIZE;
	}
	on_machine(&m, trace_150k);
}

/* --- fragmentation, beside a textbook's ------------------------------------------------------ */

#define FRAG_PAGES (256 * MB >> PAGE_SHIFT)

/* Knuth's buddies: a list for each order, the block freed last in front. */
static struct {
	int next[FRAG_PAGES], prev[FRAG_PAGES];
	signed char order[FRAG_PAGES]; /* of a free block's first page, else -1 */
	int head[NR_PAGE_ORDERS];
	unsigned long blocks[NR_PAGE_ORDERS], free;
} book;

static void book_link(int at, unsigned int order)
{
	book.next[at] = book.head[order];
	book.prev[at] = -1;
	if (book.head[order] >= 0)
		book.prev[book.head[order]] = at;
	book.head[order] = at;
	book.order[at] = (signed char)order;
	book.blocks[order]++;
}

static void book_unlink(int at, unsigned int order)
{
	if (book.next[at] >= 0)
		book.prev[book.next[at]] = book.prev[at];
	if (book.prev[at] >= 0)
		book.next[book.prev[at]] = book.next[at];
	else
		book.head[order] = book.next[at];
	book.order[at] = -1;
	book.blocks[order]--;
}

static void book_free(int at, unsigned int order)
{
	book.free += 1u << order;
	for (; order < MAX_PAGE_ORDER && book.order[at ^ 1 << order] == (int)order; order++) {
		book_unlink(at ^ 1 << order, order);
		at &= ~(1 << order);
	}
	book_link(at, order);
}

static int book_alloc(unsigned int order)
{
	unsigned int from = order;
	int at;

	while (from <= MAX_PAGE_ORDER && book.head[from] < 0)
		from++;
	if (from > MAX_PAGE_ORDER)
		return -1;
	at = book.head[from];
	book_unlink(at, from);
	while (from-- > order)
		book_link(at + (1 << from), from);
	book.free -= 1u << order;
	return at;
}

static struct {
	struct page *page; /* NULL: was not to be had */
	int at;            /* in the book, -1 likewise */
	unsigned int order;
} both[FRAG_PAGES];
static unsigned int nr_both;

static void both_alloc(void)
{
	unsigned int order = random_order();

	both[nr_both].order = order;
	both[nr_both].page = alloc_pages(GFP_NOWAIT, order);
	both[nr_both++].at = book_alloc(order);
}

static void both_free(void)
{
	unsigned int i = random_below(nr_both);

	if (both[i].page)
		__free_pages(both[i].page, both[i].order);
	if (both[i].at >= 0)
		book_free(both[i].at, both[i].order);
	both[i] = both[--nr_both];
}

/* Percent of what is free that can be had in blocks of order 9. */
static double publish(const char *when)
{
	unsigned long count[NR_PAGE_ORDERS] = {0};
	double ours, books;

	drain_all_cpus();
	zone_count_blocks(&zones[0], count);
	ours = 100.0 * (double)((count[9] << 9) + (count[10] << 10)) / (double)nr_free_pages();
	books = 100.0 * (double)((book.blocks[9] << 9) + (book.blocks[10] << 10)) /
		(double)book.free;
	printf("free memory to be had at order 9, %s: %.1f %%, a textbook buddy's %.1f %%\n", when,
	       ours, books);
	fflush(stdout);
	return ours - books;
}

static void fragment(void)
{
	double advantage;

	memset(book.order, -1, sizeof(book.order));
	memset(book.head, -1, sizeof(book.head));
	for (unsigned int i = 0; i < FRAG_PAGES; i += 1 << MAX_PAGE_ORDER)
		book_free((int)i, MAX_PAGE_ORDER);
	while (nr_free_pages() > FRAG_PAGES / 100)
		both_alloc();
	for (unsigned int i = nr_both / 2; i; i--)
		both_free();
	advantage = publish("half of all blocks freed at random");
	CHECK(advantage > -5);
	for (unsigned int i = 0; i < 300000; i++)
		nr_free_pages() > FRAG_PAGES / 2 ? both_alloc() : both_free();
	/* The CPU's lists cost something here: what lies there joins nothing for a while. */
	advantage = publish("after 300,000 operations more at half of memory");
	CHECK(advantage > -30);
	while (nr_both)
		both_free();
	CHECK(book.blocks[MAX_PAGE_ORDER] == FRAG_PAGES >> MAX_PAGE_ORDER);
	drain_all_cpus();
	CHECK(audit().allocated == 0);
}

static void test_fragmentation(void **state)
{
	static const struct machine_range ram[] = {{GB, 256 * MB, 0}, {0}};
	struct machine m = {ram, NULL, GB, 0, 0, 1};

	(void)state;
	on_machine(&m, fragment);
}

/* --- exhaustion ---------------------------------------------------------------------------- */

static void exhaust_order(unsigned int order)
{
	struct audit start = audit();
	unsigned long before = start.free + start.meta, n = 0;
	struct page *first = NULL, *page;
	u64 *link;

	while ((page = alloc_pages(GFP_NOWAIT, order))) {
		link = page_address(page);
		link[0] = (unsigned long)first;
		link[1] = page_to_pfn(page);
		first = page;
		n++;
	}
	/* Of single pages not one is left. */
	if (!order)
		CHECK(audit().free == 0);
	CHECK(audit().allocated == start.allocated + (n << order));
	for (page = first; page; page = first, n--) {
		link = page_address(page);
		CHECK(link[1] == page_to_pfn(page));
		first = (struct page *)link[0];
		__free_pages(page, order);
	}
	CHECK(n == 0);
	drain_local_pages();
	CHECK(audit().free + audit().meta == before && audit().allocated == start.allocated);
}

static void exhaust(void)
{
	struct audit a;

	exhaust_order(0);
	a = audit();
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
		exhaust_order(order);
	exhaust_order(0);
	/* All sections are open now, so nothing more went into descriptors; and it can all be had
	 * at once again. */
	CHECK(audit().meta == a.meta && audit().free == a.free);
}

static void test_exhaustion(void **state)
{
	static const struct machine_range ram[] = {{GB, 64 * MB, 0}, {0}};
	static const struct machine_range split[] = {{0, 40 * MB, 0}, {200 * MB, 60 * MB, 1}, {0}};
	struct machine m = {ram, NULL, GB, 0, 0, 1}, n = {split, NULL, 0, 10 * MB, 20 * MB, 1};

	(void)state;
	on_machine(&m, exhaust);
	on_machine(&n, exhaust);
}

/* A machine of a few pages: descriptors are paid for, or refused; nothing is lost and nothing
 * breaks. */
static void one_page_at_a_time(void)
{
	unsigned long free = nr_free_pages(), got = 0;

	while (alloc_pages(GFP_NOWAIT, 0))
		got++;
	CHECK(got + nr_free_pages() + audit().meta == free);
	CHECK(alloc_pages_node(5, GFP_NOWAIT | __GFP_THISNODE, 0) == NULL);
	CHECK(alloc_pages(GFP_NOWAIT, MAX_PAGE_ORDER + 1) == NULL);
	CHECK(alloc_pages(GFP_NOWAIT, 99) == NULL);
}

static void test_tiny(void **state)
{
	(void)state;
	for (unsigned int pages = 2; pages < 60; pages += pages < 14 ? 1 : 7) {
		struct machine_range ram[] = {{5 * MB, pages * PAGE_SIZE, 0}, {0}};
		struct machine m = {ram, NULL, 0, 0, 0, 1};

		on_machine(&m, one_page_at_a_time);
		m.dma = 5 * MB + pages / 2 * PAGE_SIZE; /* two zones in the section */
		on_machine(&m, one_page_at_a_time);
	}
}

/*
 * 64 MiB, and far off one block of order 8. When only crumbs of the first are free they pay for the
 * descriptors of the second, whose block stays whole.
 */
static void crumbs_pay(void)
{
	static struct page *page[64 * MB >> PAGE_SHIFT];
	unsigned int n = 0;

	alloc_page(GFP_KERNEL);
	while (nr_free_pages() > zones[0].unopened.pages)
		page[n++] = alloc_page(GFP_KERNEL);
	CHECK(zones[0].nr_opened == 1);
	for (unsigned int i = 0; i < 100; i++)
		__free_page(page[2 * i]);
	drain_local_pages();
	CHECK(page_to_phys(alloc_pages(GFP_KERNEL, 8)) == 512 * MB && zones[0].nr_opened == 2);
	audit();
}

/* Nothing of the crumbs can be paid for: that is found out once, not at each request that the next
 * zone serves then. When pages come back it is found out again. */
static void crumbs_wait(void)
{
	struct page *first = NULL, *page;
	unsigned long crumbs, costs;

	while ((page = alloc_page(GFP_KERNEL)) && page_to_phys(page) >= GB) {
		*(struct page **)page_address(page) = first;
		first = page;
	}
	crumbs = zones[0].unopened.pages;
	CHECK(zones[0].unopened.nr > 900 && zones[0].open_need < 100);
	costs = host_vmemmap_costs;
	for (unsigned int i = 0; i < 5000; i++)
		CHECK(page_to_phys(alloc_pages(GFP_KERNEL, i % 100 ? 0 : 2)) < GB);
	CHECK(host_vmemmap_costs - costs < 50);
	for (unsigned int i = 0; i < 400; i++, first = page) {
		page = *(struct page **)page_address(first);
		if (page_to_pfn(first) % 2)
			__free_page(first);
	}
	drain_local_pages();
	CHECK(page_to_phys(alloc_pages(GFP_KERNEL, 2)) >= 2 * GB);
	/* As a range they are to be had, without descriptors. */
	CHECK(alloc_contig_pages(4, 1, GFP_KERNEL, -1) != NO_PFN);
	CHECK(zones[0].unopened.pages < crumbs - 4);
	audit();
}

static void test_crumbs_wait(void **state)
{
	static struct machine_range ram[1003] = {{0, 256 * MB, 0}, {GB, 64 * MB, 0}};
	struct machine m = {ram, NULL, 0, 0, GB, 1};

	(void)state;
	for (unsigned int i = 2; i < 1002; i++)
		ram[i] = (struct machine_range){2 * GB + i * 256 * MB, 4 * PAGE_SIZE, 0};
	on_machine(&m, crumbs_wait);
}

static void test_crumbs_pay(void **state)
{
	static const struct machine_range ram[] = {
		{0, 64 * MB, 0}, {512 * MB, MB + 0x4000, 0}, {0}};
	struct machine m = {ram, NULL, 0, 0, 0, 1};

	(void)state;
	on_machine(&m, crumbs_pay);
}

/* The first section of the memory cannot pay for its descriptors; the next one can, and for the
 * first. */
static void crumb_in_front(void)
{
	while (alloc_page(GFP_KERNEL))
		;
	CHECK(nr_free_pages() == 20);
	audit();
}

static void test_crumb_in_front(void **state)
{
	static const struct machine_range ram[] = {{0, 384 * MB, 0}, {0}};
	static const struct machine_range reserved[] = {{0, 128 * MB - 20 * PAGE_SIZE, 0}, {0}};
	struct machine m = {ram, reserved, 0, 0, 0, 1};

	(void)state;
	on_machine(&m, crumb_in_front);
}

/* The call warns once, in these words, and nothing changes. */
#define REFUSED(words, call)                                                                       \
	do {                                                                                       \
		unsigned long free = nr_free_pages();                                              \
		stub_warnings = 0;                                                                 \
		call;                                                                              \
		CHECK(stub_warnings == 1 && strstr(stub_warning, words));                          \
		CHECK(nr_free_pages() == free);                                                    \
		audit();                                                                           \
	} while (0)

/* --- edges of memory ----------------------------------------------------------------------- */

/* The last block's buddy would lie behind the end: its descriptor can be read, it is no memory. */
static void ragged_end(void)
{
	unsigned long end = PFN_DOWN(memblock_end_of_DRAM());

	exhaust_order(0);
	exhaust_order(9);
	CHECK(page_to_pfn(alloc_page(GFP_KERNEL)) < end && pfn_valid(end - 1) && !pfn_valid(end));
}

/* Two sections opened far apart: what lies between has no descriptors. */
static void hole_between(void)
{
	unsigned long hole = (3 * GB) >> PAGE_SHIFT;

	exhaust_order(0);
	CHECK(zones[0].nr_opened == 2 && !pfn_valid(hole));
	REFUSED("no memory", __free_pages(pfn_to_page(hole), 0));
	REFUSED("no memory", free_pages((unsigned long)pfn_to_virt(hole), 3));
}

static void test_edges(void **state)
{
	static const struct machine_range far[] = {{GB, 64 * MB, 0}, {5 * GB, 64 * MB, 0}, {0}};
	struct machine_range ram[] = {{GB, 0, 0}, {0}};
	struct machine m = {ram, NULL, GB, 0, 0, 1}, n = {far, NULL, GB, 0, 0, 1};
	static const unsigned long more[] = {0, 2 * MB, 0x3000, 2 * MB + 0x1000, MB};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(more); i++) {
		ram[0].size = 40 * MB + more[i];
		on_machine(&m, ragged_end);
	}
	on_machine(&n, hole_between);
}

/* --- where contiguous ranges are ------------------------------------------------------------- */

static void contig_places(void)
{
	unsigned long pfn, n = 0;

	for (; (pfn = alloc_contig_pages(300, 1, GFP_NOWAIT | __GFP_DMA, -1)) != NO_PFN; n++)
		CHECK(PFN_PHYS(pfn + 300) <= 40 * MB);
	CHECK(n == (40 * MB >> PAGE_SHIFT) / 300);
	pfn = alloc_contig_pages(300, 1, GFP_NOWAIT | __GFP_THISNODE, 7);
	CHECK(pfn_to_zone(pfn)->nid == 7);
	CHECK(alloc_contig_pages(1, 1, GFP_NOWAIT | __GFP_THISNODE, 3) == NO_PFN);
	CHECK(!alloc_pages_node(3, GFP_NOWAIT | __GFP_THISNODE, 0));
	while (alloc_contig_pages(300, 1, GFP_NOWAIT | __GFP_THISNODE, 7) != NO_PFN)
		;
	CHECK(pfn_to_zone(alloc_contig_pages(300, 1, GFP_NOWAIT, 7))->nid == 0);
	audit();
}

/* All memory but what this CPU keeps on its lists: that is given back for a range. */
static void contig_drains(void)
{
	struct page *page, *first = NULL, *kept[200];
	unsigned long pfn, n;

	free_contig_range(alloc_contig_pages(1, 1, GFP_KERNEL, -1), 1);
	for (n = 0; n < ARRAY_SIZE(kept); n++)
		kept[n] = alloc_page(GFP_KERNEL);
	while ((page = alloc_pages(GFP_NOWAIT, 0)))
		first = page;
	CHECK(first);
	while (n--)
		__free_page(kept[n]);
	CHECK(page_list_count(0, &zones[0], 0) >= 150);
	pfn = alloc_contig_pages(60, 1, GFP_NOWAIT, -1);
	CHECK(pfn != NO_PFN && contig_range_pages(pfn) == 60);
	audit();
}

/* A range that comes back where nothing is open: it is opened when all else is out. */
static void contig_comes_back(void)
{
	unsigned long pfn;

	alloc_page(GFP_KERNEL);
	pfn = alloc_contig_pages(128 * MB >> PAGE_SHIFT, 1 << SECTION_SHIFT, GFP_KERNEL, -1);
	CHECK(pfn != NO_PFN);
	while (alloc_pages(GFP_NOWAIT, 0))
		;
	CHECK(nr_free_pages() == 0);
	free_contig_range(pfn, 128 * MB >> PAGE_SHIFT);
	CHECK(alloc_pages(GFP_NOWAIT, 0));
	audit();
}

/* Each may come back as an extent of its own, when no page is left for a list of them: there is
 * room before it is given out. */
static void contig_one_by_one(void)
{
	unsigned long one[200];

	for (unsigned int i = 0; i < 200; i++)
		CHECK((one[i] = alloc_contig_pages(1, 1, GFP_NOWAIT, -1)) != NO_PFN);
	for (unsigned long size = 1 << 13; size > 0; size >>= 1)
		while (alloc_contig_pages(size, 1, GFP_NOWAIT | __GFP_NOWARN, -1) != NO_PFN)
			;
	CHECK(nr_free_pages() == 0);
	for (unsigned int i = 0; i < 200; i += 2)
		free_contig_range(one[i], 1);
	for (unsigned int i = 1; i < 200; i += 2)
		free_contig_range(one[i], 1);
	CHECK(nr_free_pages() == 200 && stub_warnings == 0);
}

/* Entries of unopened memory that neither it nor ranges given out need: room for this many. */
static unsigned int spare_entries(void)
{
	const struct zone *zone = &zones[0];

	CHECK(zone->unopened.nr + zone->contig.nr <= zone->unopened.max);
	return zone->unopened.max - zone->unopened.nr - zone->contig.nr;
}

/* Ranges of one page, until so many entries are left: none of these ranges needs more. */
static unsigned long leave_entries(unsigned int n)
{
	unsigned long pfn;

	do {
		pfn = alloc_contig_pages(1, 1, GFP_KERNEL, -1);
		CHECK(pfn != NO_PFN);
	} while (spare_entries() > n);
	CHECK(spare_entries() == n);
	return pfn;
}

/* Unopened memory begins with too few pages of a section. The next section waits where it would
 * cut that memory in two, and every entry is for a range that may come back. */
static void crumb_keeps_entries(void)
{
	unsigned long last = leave_entries(1);

	CHECK(free_reserved_range(130 * MB, 130 * MB + PAGE_SIZE, "one page") == 1);
	CHECK(spare_entries() == 0);
	while (alloc_page(GFP_NOWAIT))
		;
	CHECK(spare_entries() == 0 && nr_free_pages() > 200 * MB >> PAGE_SHIFT);
	free_contig_range(last, 1);
	CHECK(alloc_page(GFP_NOWAIT) && spare_entries() == 0);
	audit();
}

/* Once, behind the second unlock, when this CPU has seen that there is room: CPU 1 takes some. */
static void contig_elsewhere(void)
{
	static unsigned int unlocked;

	if (++unlocked < 2)
		return;
	host_unlock_hook = NULL;
	host_cpu = 1;
	CHECK(alloc_contig_pages(1, 1, GFP_NOWAIT, -1) != NO_PFN);
	host_cpu = 0;
	CHECK(spare_entries() == 1);
}

/* The range is cut out of the middle, which takes an entry, and one more when it comes back. */
static void contig_behind_contig(void)
{
	unsigned int max;

	leave_entries(2);
	max = zones[0].unopened.max;
	host_unlock_hook = contig_elsewhere;
	CHECK(alloc_contig_pages(1, SECTION_PAGES, GFP_NOWAIT, -1) != NO_PFN && !host_unlock_hook);
	CHECK(spare_entries() && zones[0].unopened.max > max);
	audit();
}

static void test_contig_places(void **state)
{
	static const struct machine_range ram[] = {{0, 80 * MB, 0}, {GB, 40 * MB, 7}, {0}};
	static const struct machine_range one[] = {{GB, 128 * MB, 0}, {0}};
	static const struct machine_range two[] = {{GB, 256 * MB, 0}, {0}};
	static const struct machine_range four[] = {{0, 512 * MB, 0}, {0}};
	static const struct machine_range crumb[] = {{128 * MB, 128 * MB - 20 * PAGE_SIZE, 0}, {0}};
	struct machine m = {ram, NULL, 0, 40 * MB, 0, 1}, n = {one, NULL, GB, 0, 0, 1};
	struct machine sections = {two, NULL, GB, 0, 0, 1}, crumbs = {four, crumb, 0, 0, 0, 2};

	(void)state;
	on_machine(&m, contig_places);
	on_machine(&n, contig_drains);
	on_machine(&plain, contig_comes_back);
	on_machine(&sections, contig_one_by_one);
	on_machine(&crumbs, crumb_keeps_entries);
	on_machine(&crumbs, contig_behind_contig);
}

/* --- size does not matter ------------------------------------------------------------------ */

static void terabyte(void)
{
	unsigned long pfn;

	CHECK(totalram_pages() > 1020 * (GB >> PAGE_SHIFT));
	CHECK(nr_free_pages() == totalram_pages() && zones[0].nr_opened == 0);
	for (unsigned int i = 0; i < 1000; i++)
		CHECK(alloc_page(GFP_KERNEL));
	CHECK(zones[0].nr_opened == 1 && audit().meta < 80);
	/* Half of memory as one range: no descriptors for it. */
	pfn = alloc_contig_pages((512 * GB) >> PAGE_SHIFT, 1 << 18, GFP_KERNEL, -1);
	CHECK(pfn != NO_PFN && zones[0].nr_opened == 1);
	CHECK(alloc_contig_pages((512 * GB) >> PAGE_SHIFT, 1, GFP_NOWAIT, -1) == NO_PFN);
	free_contig_range(pfn, (512 * GB) >> PAGE_SHIFT);
	CHECK(audit().contig == 0 && zones[0].unopened.nr == 1);
}

static void test_terabyte(void **state)
{
	static const struct machine_range ram[] = {{GB, 1023 * GB, 0}, {0}};
	static const struct machine_range reserved[] = {{GB, 2 * MB, 0}, {0}};
	struct machine m = {ram, reserved, GB, 0, 0, 4};

	(void)state;
	on_machine(&m, terabyte);
}

/* --- contiguous ranges from opened memory -------------------------------------------------- */

static void contig_opened(void)
{
	unsigned long pfn, free;

	exhaust_order(0);                                               /* opens all */
	free_contig_range(alloc_contig_pages(1, 1, GFP_KERNEL, -1), 1); /* the array for these */
	free = nr_free_pages();
	pfn = alloc_contig_pages(5000, 1024, GFP_KERNEL, -1);
	CHECK(pfn != NO_PFN && nr_free_pages() == free - 5000 && audit().contig == 5000);
	free_contig_range(pfn + 1, 4999);
	CHECK(strstr(stub_warning, "bad free of 4999 contiguous pages") && stub_warnings == 1);
	free_contig_range(pfn, 5000);
	CHECK(nr_free_pages() == free && audit().contig == 0 && stub_warnings == 1);
	free_contig_range(pfn, 5000);
	CHECK(strstr(stub_warning, "0 are given out") && stub_warnings == 2);
	free_contig_range(1, 1);
	CHECK(stub_warnings == 3 && nr_free_pages() == free);
	CHECK(alloc_contig_pages(0, 1, GFP_NOWAIT, -1) == NO_PFN);
	CHECK(alloc_contig_pages(1, 3, GFP_NOWAIT, -1) == NO_PFN);
	for (unsigned long nr = ~UL(0); nr > 65536; nr = nr > ~UL(0) - 3000 ? nr - 100 : nr / 2)
		CHECK(alloc_contig_pages(nr, 1, GFP_NOWAIT, -1) == NO_PFN);
	CHECK(alloc_contig_pages(1, UL(1) << 63, GFP_NOWAIT, -1) == NO_PFN);
	CHECK(nr_free_pages() == free && audit().contig == 0);
}

/* All is open, and of each 4 MiB a page is out: ranges of less are to be had, and only what they
 * need is taken. */
static void contig_small(void)
{
	static unsigned long got[2000];
	struct page *first = NULL, *page;
	unsigned long free, n = 0;

	while ((page = alloc_pages(GFP_NOWAIT, 0)))
		if (page_to_pfn(page) % 1024 != 77) {
			*(struct page **)page_address(page) = first;
			first = page;
		}
	for (; (page = first); __free_page(page))
		first = *(struct page **)page_address(page);
	drain_local_pages();
	free = nr_free_pages();
	CHECK(alloc_contig_pages(1000, 1, GFP_NOWAIT, -1) == NO_PFN);
	for (unsigned long nr = 1; nr <= 512; nr = nr * 3 / 2 + 1) {
		for (unsigned long align = 1; align <= 512; align *= 8) {
			unsigned long pfn = alloc_contig_pages(nr, align, GFP_NOWAIT, -1);

			CHECK(pfn != NO_PFN && IS_ALIGNED(pfn, align));
			free -= nr;
			CHECK(contig_range_pages(pfn) == nr);
			/* The array of ranges may have had to grow. */
			CHECK(nr_free_pages() <= free && nr_free_pages() + 2 >= free);
			free = nr_free_pages();
			got[n++] = pfn;
		}
	}
	audit();
	while (n--)
		free_contig_range(got[n], contig_range_pages(got[n]));
	CHECK(audit().contig == 0 && stub_warnings == 0);
}

/* Runs of blocks of order 10: found across sections and where they are aligned, wherever the search
 * begins. */
static void contig_runs(void)
{
	struct page *block[128] = {NULL};
	unsigned long pfn, first = GB >> PAGE_SHIFT, n = 0;
	struct page *page;

	alloc_page(GFP_KERNEL);
	free_contig_range(alloc_contig_pages(1, 1, GFP_KERNEL, -1), 1);
	while ((page = alloc_pages(GFP_NOWAIT, 10))) {
		block[(page_to_pfn(page) - first) >> 10] = page;
		n++;
	}
	CHECK(n >= 120);
	while (alloc_pages(GFP_NOWAIT, 0))
		;
	/* Blocks 20 to 23; 28 to 36, which lie in two sections; 38 to 41. */
	for (unsigned int i = 20; i <= 41; i++)
		if (i < 24 || (i >= 28 && i < 37) || i >= 38)
			__free_pages(block[i], 10);
	CHECK(alloc_contig_pages(9 * 1024 + 1, 1, GFP_NOWAIT, -1) == NO_PFN);
	CHECK(alloc_contig_pages(4 * 1024 + 1, 8 * 1024, GFP_NOWAIT, -1) == first + 32 * 1024);
	free_contig_range(first + 32 * 1024, 4 * 1024 + 1);
	CHECK(alloc_contig_pages(9 * 1024 - 5, 1, GFP_NOWAIT, -1) == first + 28 * 1024);
	pfn = alloc_contig_pages(2 * 1024, 4 * 1024, GFP_NOWAIT, -1);
	CHECK(pfn == first + 20 * 1024 || pfn == first + 40 * 1024);
	CHECK(alloc_contig_pages(3 * 1024, 1, GFP_NOWAIT, -1) != NO_PFN);
	audit();
}

static void test_contig_opened(void **state)
{
	static const struct machine_range ram[] = {{GB, 256 * MB, 0}, {0}};
	static const struct machine_range large[] = {{GB, 512 * MB, 0}, {0}};
	struct machine m = {ram, NULL, GB, 0, 0, 1}, n = {large, NULL, GB, 0, 0, 1};

	(void)state;
	on_machine(&m, contig_opened);
	on_machine(&m, contig_small);
	on_machine(&n, contig_runs);
}

/* --- names that ports know ------------------------------------------------------------------- */

static void exact_pages(void)
{
	unsigned long free = nr_free_pages();
	struct page *page;
	char *p;

	__free_page(alloc_page(GFP_KERNEL));
	free = nr_free_pages();
	for (unsigned long pages = 1; pages <= 1024; pages = pages * 2 + pages / 3) {
		p = alloc_pages_exact(pages * PAGE_SIZE - 1, GFP_KERNEL);
		CHECK(p && nr_free_pages() == free - pages);
		CHECK(pfn_to_virt(virt_to_pfn(p)) == p && page_to_virt(virt_to_page(p)) == p);
		free_pages_exact(p, pages * PAGE_SIZE - 1);
		CHECK(nr_free_pages() == free);
	}
	page = alloc_pages(GFP_KERNEL, 3);
	split_page(page, 3);
	for (unsigned int i = 0; i < 8; i++)
		__free_page(page + i);
	drain_local_pages();
	CHECK(audit().allocated == 0 && stub_warnings == 0);
	page = virt_to_page((void *)__get_dma_pages(GFP_KERNEL, 1));
	CHECK(page_zonenum(page) == ZONE_DMA && page_zone(page + 1) == page_zone(page));
	CHECK(page_to_nid(page) == 0);
}

static void test_exact_pages(void **state)
{
	struct machine m = {plain_ram, NULL, GB, GB + 100 * MB, 0, 1};

	(void)state;
	on_machine(&m, exact_pages);
}

/* --- wrong frees --------------------------------------------------------------------------- */

static void wrong_frees(void)
{
	struct page *one = alloc_page(GFP_KERNEL), *eight = alloc_pages(GFP_KERNEL, 3);
	struct page *big = alloc_pages(GFP_KERNEL, 9), *huge = alloc_pages(GFP_KERNEL, 10);
	static const unsigned long kernel = (GB + 2 * MB) >> PAGE_SHIFT;
	u64 word;

	REFUSED("as order 1, ignored: it is allocated (order 0)", __free_pages(one, 1));
	REFUSED("as order 0, ignored: it is allocated (order 3)", __free_pages(eight, 0));
	REFUSED("inside an allocated block of order 3", __free_pages(eight + 5, 0));
	REFUSED("as order 11", __free_pages(eight, 11));
	REFUSED("as order 17", __free_pages(one, 17));
	/* Orders that are the right one but for their upper bits. */
	REFUSED("as order 16", __free_pages(one, 16));
	REFUSED("as order 32", __free_pages(one, 32));
	REFUSED("as order 19", __free_pages(eight, 19));
	REFUSED("as order 2147483648", __free_pages(one, 1u << 31));
	REFUSED("no memory, reserved, or never handed out", __free_pages(pfn_to_page(kernel), 0));
	REFUSED("no memory, reserved, or never handed out",
		__free_pages(pfn_to_page(kernel + 90000), 0));
	CHECK(page_probe(one, &word) && !page_probe((struct page *)((char *)one + 4), &word));
	CHECK(pfn_valid(kernel) && pfn_valid(page_to_pfn(one)) && !pfn_valid(kernel + 90000));
	REFUSED("no memory", __free_pages((struct page *)VMEMMAP_START - 1, 0));
	REFUSED("no memory", free_pages(0x1000, 0));
	REFUSED("page descriptors", __free_pages(virt_to_page(cpu_lists[0][0].top), 1));
	__free_pages(one, 0);
	__free_pages(eight, 3);
	__free_pages(big, 9);
	__free_pages(huge, 10);
	CHECK(stub_warnings == 1);
	REFUSED("already free (order 0)", __free_pages(one, 0));
	REFUSED("already free (order 3)", __free_pages(eight, 3));
	REFUSED("already free (order 9)", __free_pages(big, 9));
	REFUSED("already free (order 10)", __free_pages(huge, 10));
	drain_local_pages();
	REFUSED("free", __free_pages(one, 0));
	REFUSED("free", __free_pages(eight, 3));
	REFUSED("inside a free block of order 10", __free_pages(huge + 1, 0));
	free_pages(0, 0);
	stub_warnings = 0;
	CHECK(!alloc_pages(GFP_KERNEL, 11) && strstr(stub_warning, "order:11"));
	CHECK(stub_warnings == 1);
}

static void test_wrong_frees(void **state)
{
	(void)state;
	on_machine(&plain, wrong_frees);
}

/* --- reserved memory given back ------------------------------------------------------------ */

static void give_back(void)
{
	unsigned long total = totalram_pages();
	struct page *page = alloc_page(GFP_KERNEL); /* opens the first section, not the others */
	struct balance b, before;

	ledger_balance(&before);
	CHECK(free_reserved_range(GB + 2 * MB, GB + 2 * MB + 0x5000, "init") == 5);
	CHECK(free_reserved_range(GB + 2 * MB + 0x5800, GB + 2 * MB + 0x8800, "init") == 2);
	CHECK(free_reserved_range(GB + 300 * MB, GB + 301 * MB, "initrd") == 256);
	CHECK(totalram_pages() == total + 263 && stub_warnings == 0);
	ledger_balance(&b);
	CHECK(b.bytes[OWNER_LOST] == before.bytes[OWNER_LOST] + 0x1000);
	audit();
	REFUSED("not reserved", free_reserved_range(GB + 2 * MB, GB + 2 * MB + 0x1000, "twice"));
	REFUSED("not reserved",
		free_reserved_range(GB + 300 * MB, GB + 300 * MB + 0x1000, "twice"));
	REFUSED("not reserved",
		free_reserved_range(page_to_phys(page), page_to_phys(page) + 0x1000, "used"));
	REFUSED("not reserved", free_reserved_range(100 * GB, 101 * GB, "nothing"));
	/* All reserved memory of the opened section given back: it merges into the largest blocks.
	 */
	CHECK(free_reserved_range(GB + 2 * MB + 0x8000, GB + 4 * MB, "kernel"));
	exhaust_order(0);
	__free_page(page);
	exhaust_order(10);
	CHECK(audit().allocated == 0);
}

static void test_give_back(void **state)
{
	static const struct machine_range reserved[] = {
		{GB + 2 * MB, 2 * MB, 0}, {GB + 300 * MB, MB, 0}, {0}};
	struct machine m = {plain_ram, reserved, GB, 0, 0, 1};

	(void)state;
	on_machine(&m, give_back);
}

/* --- many extents -------------------------------------------------------------------------- */

/* Every other range of a comb given back: the array of extents has to grow, out of the memory it
 * describes. */
static void comb(void)
{
	unsigned long pages = 0;

	for (unsigned long at = 256 * MB; at < 500 * MB; at += 64 * PAGE_SIZE)
		pages += free_reserved_range(GB + at, GB + at + 8 * PAGE_SIZE, "tooth");
	CHECK(pages == DIV_ROUND_UP(244 * MB, 64 * PAGE_SIZE) * 8);
	CHECK(zones[0].unopened.from_pages && stub_warnings == 0);
	audit();
	exhaust_order(0);
	exhaust_order(3);
}

static void test_comb(void **state)
{
	static const struct machine_range reserved[] = {{GB + 200 * MB, 312 * MB, 0}, {0}};
	struct machine m = {plain_ram, reserved, GB, 0, 0, 1};

	(void)state;
	on_machine(&m, comb);
}

/* --- what another CPU does in between -------------------------------------------------------- */

static struct page *passing;
static unsigned int passing_order;
static struct page **no_limit; /* of a list without memory */

/* Once: CPU 1 frees a block as soon as this CPU lets go of a lock. */
static void free_elsewhere(void)
{
	host_unlock_hook = NULL;
	CHECK(cpu_lists[0][0].limit == no_limit);
	host_cpu = 1;
	__free_pages(passing, passing_order);
	host_cpu = 0;
}

/* Of an order without a list, all blocks are out but one, whose buddy is what CPU 1 frees. */
static struct page *part_buddies(unsigned int order)
{
	struct page *page, *lower = NULL, *upper = NULL;

	CHECK(!zones[0].capacity[order]);
	while ((page = alloc_pages(GFP_NOWAIT, order))) {
		if (IS_ALIGNED(page_to_pfn(page), UL(2) << order))
			lower = page;
		else if (lower && page == lower + (UL(1) << order))
			upper = page;
	}
	CHECK(upper);
	passing = upper;
	passing_order = order;
	lower = upper - (UL(1) << order);
	__free_pages(lower, order);
	no_limit = cpu_lists[0][0].limit;
	host_unlock_hook = free_elsewhere;
	return lower;
}

/* The block just taken must not be joined with its buddy. */
static void buddy_freed_behind_alloc(void)
{
	struct page *lower = part_buddies(5);

	CHECK(alloc_pages(GFP_KERNEL, 5) == lower && !host_unlock_hook);
	audit();
}

/* Nor that for the CPU's lists. The zone is so small that only single pages have one. */
static void buddy_freed_behind_lists(void)
{
	part_buddies(1);
	CHECK(alloc_page(GFP_KERNEL) && !host_unlock_hook && page_list_count(0, &zones[0], 0));
	audit();
}

static unsigned int unlocks;

static void count_unlock(void)
{
	unlocks++;
}

static void drain_locks(void)
{
	__free_page(alloc_page(GFP_KERNEL));
	host_unlock_hook = count_unlock;
	drain_local_pages();
	CHECK(unlocks == 1);
	drain_local_pages();
	CHECK(unlocks == 1);
}

static void test_buddy_freed_elsewhere(void **state)
{
	static const struct machine_range small[] = {{GB, 200 * PAGE_SIZE, 0}, {0}};
	struct machine m = {plain_ram, NULL, GB, 0, 0, 2}, n = {small, NULL, GB, 0, 0, 2};

	(void)state;
	on_machine(&m, buddy_freed_behind_alloc);
	on_machine(&n, buddy_freed_behind_lists);
	on_machine(&m, drain_locks);
}

/* --- threads ------------------------------------------------------------------------------- */

static void mark(struct page *page, unsigned int order)
{
	u64 *word = page_address(page);

	word[0] = (unsigned long)page ^ order;
	word[1] = order;
}

static void release(void *thing)
{
	struct page *page = thing;
	u64 *word = page_address(page);
	unsigned int order = (unsigned int)word[1];

	CHECK(word[0] == ((unsigned long)page ^ order));
	word[0] = 0;
	__free_pages(page, order);
}

static void *make_block(u64 x)
{
	unsigned int order = (x >> 40) % 4 ? (x >> 44) % 4 : (x >> 44) % NR_PAGE_ORDERS;
	struct page *page = alloc_pages(GFP_NOWAIT | (x >> 33 & 7 ? 0 : __GFP_DMA), order);

	if (page)
		mark(page, order);
	return page;
}

static void count(unsigned int i, u64 x)
{
	(void)x;
	if (i % 5000 == 0)
		CHECK(nr_free_pages() <= totalram_pages());
}

static void run_threads(void)
{
	host_unlock_hook = yield_sometimes;
	trade(&(const struct trade){30000, make_block, release, count});
	drain_all_cpus();
	CHECK(audit().allocated == 0 && audit().listed == 0 && stub_warnings == 0);
}

/* TEST_THREADS, TEST_OPERATIONS: how many (4), and how much each does. For ThreadSanitizer too. */
static void test_threads(void **state)
{
	struct machine m = {plain_ram, plain_reserved, GB, GB + 150 * MB, 0, trade_cpus()};

	(void)state;
	on_machine(&m, run_threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trace_plain),   cmocka_unit_test(test_trace_zones),
		cmocka_unit_test(test_trace_nodes),   cmocka_unit_test(test_trace_crumbs),
		cmocka_unit_test(test_fragmentation), cmocka_unit_test(test_exhaustion),
		cmocka_unit_test(test_tiny),          cmocka_unit_test(test_edges),
		cmocka_unit_test(test_contig_places), cmocka_unit_test(test_crumbs_pay),
		cmocka_unit_test(test_crumbs_wait),   cmocka_unit_test(test_terabyte),
		cmocka_unit_test(test_contig_opened), cmocka_unit_test(test_wrong_frees),
		cmocka_unit_test(test_exact_pages),   cmocka_unit_test(test_give_back),
		cmocka_unit_test(test_comb),          cmocka_unit_test(test_buddy_freed_elsewhere),
		cmocka_unit_test(test_threads),       cmocka_unit_test(test_crumb_in_front),
	};

	return cmocka_run_group_tests(tests, random_setup, NULL);
}
