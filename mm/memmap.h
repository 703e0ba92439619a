/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory map: one 8-byte descriptor for each page of the linear map, virtually contiguous from
 * VMEMMAP_START, and one struct section for each 2^15 pages from SECTMAP_START. Both windows are
 * empty at first; a section's part is backed when the section is opened, for pages that exist
 * (rounded out to blocks of the largest order, so that a buddy's descriptor can always be read).
 *
 *   state      63..50  49..36  35..20  19..8  7..4   3..0
 *   NONE       0       0       0       0      0      0     reserved, hole, or tail of a block
 *   ALLOC      0       0       role    zone   order  1     head of a block given out
 *   FREE       (links)         0       zone   order  2     head of a block on its section's list
 *   LISTED     0       0       0       zone   order  4     head of a block on a CPU's list
 *   SLAB       index   in use  cache   zone   order  8     first page; index: first free object
 *   SLAB_LINK  (link 27..0)    cache   (43..28)      10    second page: next slab with room
 *   SLAB_TAIL  0       back    cache   0      0      12    further pages: distance to the first
 *
 * Links of FREE, next in 63..48 and previous in 47..32, are page numbers within the section, 0xffff
 * ends the list. The link of a slab counts pairs of pages from VMEMMAP_START, plus 1; 0 ends the
 * list. Cache numbers are 16 and up and no multiples of 4096, so that the field alone tells a
 * slab's page from any other: roles are below 16, and of a FREE word's field the low 12 bits are 0.
 *
 * Zero is a valid state, so opening clears memory and is done. A NONE page is told apart by the
 * heads that could cover it (block_head()).
 *
 * Who may read: the owner of a block reads and writes its words. FREE words change under the zone's
 * lock only, SLAB words under the cache's lock; the cache number is constant while the page is a
 * slab's. Words are accessed whole and atomically, so that a look at a neighbour's word is one of
 * its states.
 */
#ifndef MM_MEMMAP_H
#define MM_MEMMAP_H

#include <asm/memory.h>
#include <asm/page.h>
#include <asm/table.h>
#include <lib/types.h>

#define MAX_PAGE_ORDER 10
#define NR_PAGE_ORDERS (MAX_PAGE_ORDER + 1)

struct page {
	u64 word;
};

enum page_type {
	PAGE_NONE = 0,
	PAGE_ALLOC = 1,
	PAGE_FREE = 2,
	PAGE_LISTED = 4,
	PAGE_SLAB = 8,
	PAGE_SLAB_LINK = 10,
	PAGE_SLAB_TAIL = 12,
};

/* What an ALLOC block is for. Only PLAIN ones may be freed; who set another role takes it back
 * first. */
enum page_role { ROLE_PLAIN, ROLE_KMALLOC, ROLE_TABLE, ROLE_META, ROLE_VMALLOC, NR_ROLES };

#define PAGE_TYPE_MASK  UL(0xf)
#define PAGE_SLAB_BIT   UL(8) /* set in the three slab types only */
#define PAGE_ORDER_POS  4
#define PAGE_ZONE_POS   8
#define PAGE_ZONE_BITS  12
#define PAGE_CACHE_POS  20 /* role of an ALLOC block */
#define PAGE_CACHE_BITS 16
#define PAGE_PREV_POS   32
#define PAGE_NEXT_POS   48
#define PAGE_USED_POS   36
#define PAGE_INDEX_POS  50
#define PAGE_COUNT_BITS 14
#define PAGE_BACK_POS   36
#define PAGE_LINK_LOW   28

#define MAX_ZONES (1u << PAGE_ZONE_BITS)
#define LINK_NONE 0xffffu

#define SECTION_SHIFT 15
#define SECTION_PAGES (UL(1) << SECTION_SHIFT)

_Static_assert(LINEAR_SIZE >> (PAGE_SHIFT + 1) <= UL(1) << 44,
	       "a slab's link must reach every page");

/* Descriptor <-> page number <-> physical address <-> linear address: arithmetic only, no check. */
#define vmemmap ((struct page *)VMEMMAP_START)

static inline unsigned long page_index(const struct page *page)
{
	return ((unsigned long)page - VMEMMAP_START) / sizeof(struct page);
}

static inline struct page *pfn_to_page(unsigned long pfn)
{
	return (struct page *)(VMEMMAP_START +
			       (pfn - PFN_DOWN(memstart_addr)) * sizeof(struct page));
}

static inline unsigned long page_to_pfn(const struct page *page)
{
	return page_index(page) + PFN_DOWN(memstart_addr);
}

static inline struct page *virt_to_page(const void *addr)
{
	unsigned long index = ((unsigned long)addr - PAGE_OFFSET) >> PAGE_SHIFT;

	return (struct page *)(VMEMMAP_START + index * sizeof(struct page));
}

static inline void *page_address(const struct page *page)
{
	return (void *)(PAGE_OFFSET + (page_index(page) << PAGE_SHIFT));
}

static inline void *page_to_virt(const struct page *page)
{
	return page_address(page);
}

static inline unsigned long virt_to_pfn(const void *addr)
{
	return PFN_DOWN(virt_to_phys(addr));
}

static inline void *pfn_to_virt(unsigned long pfn)
{
	return phys_to_virt(PFN_PHYS(pfn));
}

static inline phys_addr_t page_to_phys(const struct page *page)
{
	return PFN_PHYS(page_to_pfn(page));
}

static inline struct page *phys_to_page(phys_addr_t phys)
{
	return pfn_to_page(PFN_DOWN(phys));
}

/* The word, whole. */
static inline u64 page_word(const struct page *page)
{
	return READ_ONCE(page->word);
}

static inline void page_set_word(struct page *page, u64 word)
{
	WRITE_ONCE(page->word, word);
}

static inline u64 word_make(enum page_type type, unsigned int zone, unsigned int order)
{
	return (u64)zone << PAGE_ZONE_POS | order << PAGE_ORDER_POS | type;
}

static inline u64 word_field(u64 word, unsigned int pos, unsigned int bits)
{
	return word >> pos & ((UL(1) << bits) - 1);
}

static inline u64 word_with(u64 word, unsigned int pos, unsigned int bits, u64 value)
{
	return (word & ~(((UL(1) << bits) - 1) << pos)) | value << pos;
}

static inline enum page_type word_type(u64 word)
{
	return (enum page_type)(word & PAGE_TYPE_MASK);
}

static inline unsigned int word_order(u64 word)
{
	return (unsigned int)word_field(word, PAGE_ORDER_POS, 4);
}

static inline unsigned int word_zone(u64 word)
{
	return (unsigned int)word_field(word, PAGE_ZONE_POS, PAGE_ZONE_BITS);
}

/* Cache number of a slab's page, role of an ALLOC block. */
static inline unsigned int word_cache(u64 word)
{
	return (unsigned int)word_field(word, PAGE_CACHE_POS, PAGE_CACHE_BITS);
}

/*
 * 2^15 pages that were opened for one zone: the zone's free blocks there, in one list for each
 * order. Where a zone or node ends inside, each has its own struct; those after the first hang on
 * it. All under the zone's lock.
 */
struct section {
	u64 open;                    /* 0 in a slot nobody opened yet */
	struct section *sibling;     /* same pages, another zone */
	struct section *below;       /* the zone's section opened before this one */
	struct section *prev, *next; /* on zone->sections[list] */
	struct page *map;            /* descriptor of the first of the 2^15 pages */
	u32 free;                    /* pages on the lists */
	u16 zone;                    /* id */
	u16 nonempty;                /* bit for each order whose list has a block */
	u8 list;                     /* highest non-empty order + 1; 0: nothing free */
	u16 head[NR_PAGE_ORDERS];
};

#define SECTION_SLOT 128
_Static_assert(sizeof(struct section) <= SECTION_SLOT, "section descriptors share a page evenly");
_Static_assert((LINEAR_SIZE >> (PAGE_SHIFT + SECTION_SHIFT)) * SECTION_SLOT <= SECTMAP_SIZE,
	       "the section window covers the linear map");

static inline struct section *section_slot(unsigned long index)
{
	return (struct section *)(SECTMAP_START + index * SECTION_SLOT);
}

/* The section of zone in which page lies; the page must be the zone's and its section open. */
static inline struct section *page_section(const struct page *page, unsigned int zone)
{
	struct section *sec = section_slot(page_index(page) >> SECTION_SHIFT);

	while (unlikely(sec->zone != zone))
		sec = sec->sibling;
	return sec;
}

/* The open section index for zone, NULL if it is not open. Reads nothing that may not be there. */
struct section *section_lookup(unsigned long index, unsigned int zone);

/*
 * Open section index for zone. Needs at most section_cost(index) pages, which take(arg) hands out
 * and which must not fail; they become page descriptors and tables for good. Under the zone's lock;
 * bounded; does not allocate itself.
 */
unsigned int section_cost(unsigned long index);
struct section *section_open(unsigned long index, unsigned int zone, take_page_fn take, void *arg);

/*
 * Descriptors known to be there, as page and as linear addresses. Each bound only ever grows
 * outwards, so any mix of old and new ones is true. It spares the fast paths a probe; what lies
 * outside may still be open.
 */
struct open_span {
	unsigned long page_start, page_end; /* bytes, virtual, in vmemmap */
	unsigned long virt_start, virt_end; /* bytes, virtual, in the linear map */
};
extern struct open_span open_span;

static inline bool page_in_span(const struct page *page)
{
	unsigned long start = READ_ONCE(open_span.page_start), end = READ_ONCE(open_span.page_end);

	return ((unsigned long)page >= start) & ((unsigned long)page < end);
}

static inline bool virt_in_span(const void *addr)
{
	unsigned long start = READ_ONCE(open_span.virt_start), end = READ_ONCE(open_span.virt_end);

	return ((unsigned long)addr >= start) & ((unsigned long)addr < end);
}

/* virt_to_page() of an address in the span, where a shorter way gives the same. */
static inline struct page *span_page(const void *addr)
{
	return (struct page *)VMEMMAP_START + (linear_offset(addr) >> PAGE_SHIFT);
}

/* The word of a descriptor that may not exist: WORD_ABSENT, which is no page's, if page is none or
 * its section is not open. Any context. */
#define WORD_ABSENT (~UL(0))
u64 page_look(const struct page *page);

/* The same; false if it does not exist. */
static __force_inline bool page_probe(const struct page *page, u64 *word)
{
	*word = page_look(page);
	return *word != WORD_ABSENT;
}

/*
 * The head of the FREE, LISTED or ALLOC block that covers a page whose own word is NONE; NULL if
 * there is none (reserved, a hole). The page's descriptor must exist.
 */
struct page *block_head(struct page *page);

/* Say in words what a page is, into buf: for messages about it. Never faults. */
void describe_page(const struct page *page, char *buf, size_t size);

#endif
