/* SPDX-License-Identifier: BSD-2-Clause */
#include "mm_machine.h"
#include "host_mm.h"
#include "stubs.h"

#include <asm/percpu.h>
#include <mm/ledger.h>
#include <mm/mm.h>

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

void check_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not true: %s (last warning: %s)\n", file, line, what, stub_warning);
	abort();
}

/* Where slab is not: pages. */
static void *memblock_array(size_t size)
{
	return (void *)__get_free_pages(GFP_KERNEL, get_order(size));
}

static void boot(const struct machine *m)
{
	host_mm_setup();
	memstart_addr = m->start;
	nr_cpu_ids = m->cpus ? m->cpus : 1;
	for (const struct machine_range *r = m->ram; r->size; r++) {
		host_ram_add(r->base, r->size);
		CHECK(!memblock_add_node(r->base, r->size, r->nid, MEMBLOCK_NONE));
	}
	for (const struct machine_range *r = m->reserved; r && r->size; r++)
		CHECK(!ledger_reserve(r->base, r->size, OWNER_MEMRESERVE, 0));
	memblock_allow_resize();
	ledger_state(NULL);
	page_alloc_init(PFN_DOWN(m->dma), PFN_DOWN(m->dma32));
	ledger_close();
	memblock_free_all();
	memblock_late_alloc = memblock_array;
	CHECK(stub_warnings == 0);
}

void on_machine(const struct machine *machine, void (*fn)(void))
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		boot(machine);
		fn();
		fflush(NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

void drain_all_cpus(void)
{
	unsigned int old = host_cpu;

	for (host_cpu = 0; host_cpu < nr_cpu_ids; host_cpu++)
		drain_local_pages();
	host_cpu = old;
}

void yield_sometimes(void)
{
	static __thread unsigned int unlocks;

	if (++unlocks % 16 == 0)
		sched_yield();
}

/* The pages of a block of the zone: all but the first are tails. */
static void check_tails(const struct page *page, unsigned long pages)
{
	for (unsigned long i = 1; i < pages; i++)
		CHECK(page_word(page + i) == 0);
}

static void check_slab(const struct page *page, unsigned int order)
{
	u64 cache = word_cache(page_word(page));

	CHECK(order >= 1 && cache >= 16);
	for (u64 i = 1; i < UL(1) << order; i++) {
		u64 word = page_word(page + i);

		CHECK(word_cache(word) == cache);
		CHECK(word_type(word) == (i == 1 ? PAGE_SLAB_LINK : PAGE_SLAB_TAIL));
		CHECK(i == 1 || word_field(word, PAGE_BACK_POS, PAGE_COUNT_BITS) == i);
	}
}

/* A block of one of the zone's pages: its order. */
static unsigned int check_block(const struct zone *zone, const struct section *sec,
				unsigned long index, struct audit *sum, unsigned long *free_blocks)
{
	const struct page *page = &sec->map[index];
	u64 word = page_word(page);
	unsigned int order = word_order(word);
	unsigned long pages = UL(1) << order;

	CHECK(order <= MAX_PAGE_ORDER && index % pages == 0);
	if (word_type(word) == PAGE_SLAB) {
		check_slab(page, order);
		sum->slab += pages;
		return order;
	}
	check_tails(page, pages);
	switch (word_type(word)) {
	case PAGE_FREE:
		free_blocks[order]++;
		sum->free += pages;
		if (order < MAX_PAGE_ORDER) {
			u64 buddy = page_word(&sec->map[index ^ pages]);

			CHECK((u32)buddy != (u32)word); /* they would have been joined */
		}
		break;
	case PAGE_LISTED:
		CHECK(word == word_make(PAGE_LISTED, zone->id, order));
		sum->free += pages;
		sum->listed += pages;
		break;
	case PAGE_ALLOC:
		*(word_cache(word) == ROLE_META ? &sum->meta : &sum->allocated) += pages;
		break;
	default:
		CHECK(!"a known state");
	}
	return order;
}

/* The lists of a section hold the free blocks found, no others, and its figures agree. */
static void check_lists(const struct section *sec, const unsigned long *free_blocks)
{
	unsigned long pages = 0;
	int highest = -1;

	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		unsigned int prev = LINK_NONE;
		unsigned long n = 0;

		for (unsigned int i = sec->head[order]; i != LINK_NONE; n++) {
			u64 word = page_word(&sec->map[i]);

			CHECK((u32)word == word_make(PAGE_FREE, sec->zone, order));
			CHECK((u16)(word >> PAGE_PREV_POS) == prev);
			prev = i;
			i = (u16)(word >> PAGE_NEXT_POS);
		}
		CHECK(n == free_blocks[order]);
		CHECK(!n == !(sec->nonempty & 1u << order));
		pages += n << order;
		if (n)
			highest = (int)order;
	}
	CHECK(sec->free == pages);
	CHECK(sec->list == highest + 1);
}

static bool in_zone(const struct zone *zone, const struct page *page)
{
	u64 word;

	if (!page_probe(page, &word) || !word)
		return false;
	if (word_type(word) == PAGE_SLAB_LINK || word_type(word) == PAGE_SLAB_TAIL)
		CHECK(!"a slab starts with its first page");
	return word_zone(word) == zone->id;
}

static unsigned long audit_section(const struct zone *zone, const struct section *sec,
				   struct audit *sum)
{
	unsigned long free_blocks[NR_PAGE_ORDERS] = {0}, i = 0;

	CHECK(sec->zone == zone->id && sec->open);
	CHECK(section_lookup(page_index(sec->map) >> SECTION_SHIFT, zone->id) == sec);
	while (i < SECTION_PAGES) {
		if (in_zone(zone, &sec->map[i])) {
			i += UL(1) << check_block(zone, sec, i, sum, free_blocks);
		} else {
			u64 word;

			/* Another zone's block is passed whole, its slab pages too. */
			if (page_probe(&sec->map[i], &word) && word)
				i += UL(1) << word_order(word);
			else
				i++;
		}
	}
	check_lists(sec, free_blocks);
	return sec->free;
}

static unsigned long check_extents(const struct zone *zone, const struct extents *ext, bool joined)
{
	unsigned long pages = 0, end = 0;

	CHECK(ext->nr <= ext->max);
	for (unsigned int i = 0; i < ext->nr; i++) {
		const struct extent e = ext->range[i];

		CHECK(e.start < e.end && e.start >= zone->start_pfn && e.end <= zone->end_pfn);
		CHECK(i == 0 || (joined ? e.start > end : e.start >= end));
		end = e.end;
		pages += e.end - e.start;
	}
	CHECK(pages == ext->pages);
	return pages;
}

/* Extents lie in sections not opened for the zone, and the zone's lists are those of its sections.
 */
static void check_zone(const struct zone *zone)
{
	unsigned long base = PFN_DOWN(memstart_addr);

	for (unsigned int i = 0; i < zone->unopened.nr; i++) {
		struct extent e = zone->unopened.range[i];

		for (unsigned long s = (e.start - base) >> SECTION_SHIFT;
		     s <= (e.end - 1 - base) >> SECTION_SHIFT; s++)
			CHECK(!section_lookup(s, zone->id));
	}
	CHECK(!(zone->avail & 1) && !(zone->avail >> (NR_PAGE_ORDERS + 1)));
	for (unsigned int list = 1; list <= NR_PAGE_ORDERS; list++) {
		const struct section *prev = NULL;

		CHECK(!zone->sections[list] == !(zone->avail & 1u << list));
		for (const struct section *s = zone->sections[list]; s; s = s->next) {
			CHECK(s->list == list && s->prev == prev);
			prev = s;
		}
	}
}

static unsigned long audit_zone(struct zone *zone, struct audit *sum)
{
	struct audit a = {0};
	unsigned long open_free = 0, sections = 0, listed = 0, contig, extents;
	unsigned long count[NR_PAGE_ORDERS] = {0}, blocks = 0;

	for (const struct section *sec = zone->opened; sec; sec = sec->below, sections++)
		open_free += audit_section(zone, sec, &a);
	check_zone(zone);
	extents = check_extents(zone, &zone->unopened, true);
	contig = check_extents(zone, &zone->contig, false);
	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++)
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			listed += page_list_count(cpu, zone, order) << order;
	CHECK(listed == a.listed);
	CHECK(open_free == zone->open_free && open_free + listed == a.free);
	CHECK(sections == zone->nr_opened);
	CHECK(zone->managed == a.free + a.meta + a.allocated + a.slab + extents + contig);
	CHECK(zone_free_pages(zone) == a.free + extents);
	zone_count_blocks(zone, count);
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
		blocks += count[order] << order;
	CHECK(blocks == open_free + extents);
	sum->free += a.free + extents;
	sum->listed += a.listed;
	sum->meta += a.meta;
	sum->allocated += a.allocated;
	sum->slab += a.slab;
	sum->contig += contig;
	return zone->managed;
}

/* The ledger comes to the same figures by another way. */
static void check_ledger(const struct audit *sum)
{
	struct balance b;
	const char *wrong = ledger_balance(&b);
	phys_addr_t allocated = 0;

	if (wrong)
		check_failed(__FILE__, __LINE__, wrong);
	for (enum owner i = OWNER_PAGES; i <= OWNER_VMALLOC; i++)
		allocated += i == OWNER_META ? 0 : b.bytes[i];
	CHECK(b.bytes[OWNER_FREE] + b.bytes[OWNER_UNOPENED] == PFN_PHYS(sum->free));
	CHECK(b.bytes[OWNER_META] == PFN_PHYS(sum->meta));
	CHECK(b.bytes[OWNER_SLAB] == PFN_PHYS(sum->slab));
	CHECK(b.bytes[OWNER_CONTIG] == PFN_PHYS(sum->contig));
	CHECK(allocated == PFN_PHYS(sum->allocated));
}

struct audit audit(void)
{
	struct audit sum = {0};
	unsigned long managed = 0;

	for (struct zone *zone = zones; zone < zones + nr_zones; zone++)
		managed += audit_zone(zone, &sum);
	CHECK(managed == totalram_pages() && !host_irqs_masked);
	CHECK(sum.free == nr_free_pages());
	check_ledger(&sum);
	return sum;
}
