/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes and zones, for the files of the page allocator and for what prints them. A zone is memory
 * of one node and one reach; its free pages are extents (ranges of sections not yet opened), blocks
 * in opened sections, and blocks on CPUs' lists.
 */
#ifndef MM_ZONE_H
#define MM_ZONE_H

#include <asm/spinlock.h>
#include <lib/types.h>
#include <mm/gfp.h>
#include <mm/memmap.h>

enum zone_type { ZONE_DMA, ZONE_DMA32, ZONE_NORMAL, NR_ZONE_TYPES };
extern const char *const zone_names[NR_ZONE_TYPES];

/* Page frames [start, end). */
struct extent {
	unsigned long start, end;
};

/* Sorted, disjoint extents. */
struct extents {
	struct extent *range;
	unsigned int nr, max;
	unsigned long pages; /* sum over all */
	bool from_pages;     /* range[] came from alloc_pages(), not from memblock */
};

struct zone {
	spinlock_t lock; /* everything below that changes */
	u16 id;          /* index in zones[] */
	u8 type;         /* enum zone_type */
	int nid;
	unsigned long start_pfn, end_pfn; /* limits; other zones' memory may lie between */
	unsigned long present;            /* pages of memory, reserved included */
	unsigned long managed;            /* pages handed over */
	unsigned long open_free;          /* pages on the lists of opened sections */
	u32 avail;                        /* bit i: sections[i] is not empty; bit 0 unused */
	struct section *sections[NR_PAGE_ORDERS + 1]; /* by highest non-empty order + 1 */
	struct section *opened;                       /* all of them, last opened first */
	const struct section *named;                  /* the newest that selftest has spoken of */
	unsigned long nr_opened;
	/* No block of open_order or above can be opened before open_need pages are open_free: until
	 * then what is unopened is to be had as contiguous ranges only. */
	unsigned long open_need;
	unsigned int open_order;
	struct extents unopened;
	struct extents contig;        /* given out by alloc_contig_pages(), one entry each */
	u16 capacity[NR_PAGE_ORDERS]; /* blocks a CPU's list holds at most; 0: no list */
};

struct node {
	int nid;
	struct zone *zone[NR_ZONE_TYPES]; /* NULL where it has no such memory */
};

extern struct zone *zones;
extern unsigned int nr_zones;
extern struct node *nodes;
extern unsigned int nr_nodes;

/* A CPU's free blocks of one zone and order: top points behind the last one, below the first lies
 * NULL. */
struct page_list {
	struct page **top, **limit;
	u64 alloc_word, free_word; /* what a block's head says when given out, and on the list */
};
#define LISTS_PER_ZONE 16 /* orders; a power of two */
/* Blocks a list is filled with at once, in pages: what one lock and a few splits bring. */
#define REFILL_PAGES 64u

/* Lists of all zones, zone id * LISTS_PER_ZONE + order, for each CPU. */
extern struct page_list **cpu_lists;

/* Blocks on a CPU's list. A snapshot, unless asked for by the CPU itself with interrupts masked. */
unsigned long page_list_count(unsigned int cpu, const struct zone *zone, unsigned int order);

/* Free pages of a zone: in sections, in extents, on CPUs' lists. */
unsigned long zone_free_pages(struct zone *zone);
/* Add the zone's free blocks of each order to count: on its sections' lists, and what its extents
 * would give. */
void zone_count_blocks(struct zone *zone, unsigned long count[NR_PAGE_ORDERS]);

/* Highest zone type the flags allow. */
static inline int gfp_zone(gfp_t gfp)
{
	return gfp & __GFP_DMA ? ZONE_DMA : gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL;
}

/* The zone of a page of memory by memblock and the limits; NULL if the page is none. */
struct zone *pfn_to_zone(unsigned long pfn);
/* Zone, its type, and node of a page that is memory. */
static inline struct zone *page_zone(const struct page *page)
{
	return pfn_to_zone(page_to_pfn(page));
}

static inline enum zone_type page_zonenum(const struct page *page)
{
	return (enum zone_type)page_zone(page)->type;
}

static inline int page_to_nid(const struct page *page)
{
	return page_zone(page)->nid;
}

/* Index in nodes[]; 0 for -1 or a node without memory. */
unsigned int node_index(int nid);
/* How many nodes, from node_index(nid) on, may serve the request. */
unsigned int nodes_to_try(int nid, gfp_t gfp);
/* True if the request may be served from the zone; and if it may be from any. */
bool zone_serves(const struct zone *zone, int nid, gfp_t gfp);
bool all_zones_serve(int nid, gfp_t gfp);

/*
 * Put [start, end) among the free pages: blocks where the section is open for the zone, extents
 * elsewhere. Zone locked. Returns end; less, and from there on nothing is done, when the extents'
 * array is full or part of it is free already.
 */
unsigned long zone_add_free(struct zone *zone, unsigned long start, unsigned long end);

/* Insert, -ENOSPC, or -EEXIST when it overlaps; join: merge with neighbours that touch. Remove
 * takes [start, end) out of one. */
int extents_insert(struct extents *ext, unsigned long start, unsigned long end, bool join);
int extents_remove(struct extents *ext, unsigned long start, unsigned long end);
/* Index of the first extent that ends above pfn. */
unsigned int extents_above(const struct extents *ext, unsigned long pfn);
/* Make room for n more entries, beside one for each contiguous range that is given out; false when
 * memory has run out. Zone not locked. */
bool extents_reserve(struct zone *zone, struct extents *ext, unsigned int n);

/* The largest block that starts at page index start and ends by end: its order. */
static inline unsigned int order_within(unsigned long start, unsigned long end)
{
	unsigned int fit = ilog2(end - start);
	unsigned int aligned = ffs64(start | UL(1) << MAX_PAGE_ORDER);

	return min(fit, aligned);
}

/* Buddy, page_alloc.c. Zone locked. */
void section_put(struct zone *zone, struct section *sec, unsigned int index, unsigned int order);
/* What is behind alloc_pages(), align 0: n is an order; and behind alloc_contig_pages(): n pages.
 */
struct page *request_pages(int nid, gfp_t gfp, unsigned long n, unsigned long align);
/* A contiguous range of this zone, NULL if it has none. Zone not locked. zone.c */
struct page *zone_contig(struct zone *zone, unsigned long nr, unsigned long align);
/* The block's word says FREE: it must be replaced before the zone is unlocked. */
struct page *zone_take(struct zone *zone, unsigned int order);
/* Take the free block of order 10 that starts at this page; false if it is not one. */
bool zone_take_at(struct zone *zone, struct page *page);
/* Set up the CPUs' lists, once the zones are known. alloc: zeroed memory or panic. */
void start_cpu_lists(void *(*alloc)(size_t size));
/* Open the section of an extent that has a block of this order; false if there is none that can be
 * paid for. zone.c */
bool zone_open(struct zone *zone, unsigned int order);

#endif
