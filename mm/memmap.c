/* SPDX-License-Identifier: BSD-2-Clause */
/* Page and section descriptors: opening them, and saying what they say. See memmap.h for the words.
 */
#include <asm/probe.h>
#include <asm/spinlock.h>
#include <lib/bug.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/memblock.h>
#include <mm/memmap.h>
#include <mm/zone.h>

struct open_span open_span;

/* Taken inside a zone's lock: two zones may open sections at the same time. Guards the window, the
 * span and the spares. */
static spinlock_t open_lock = SPIN_LOCK_UNLOCKED;
/* Section descriptors for the second and further zones of a section, linked by sibling. */
static struct section *spare_sections;

#define BLOCK_PAGES (UL(1) << MAX_PAGE_ORDER)

/* A run of descriptors by page index: of memory within one section, rounded out to blocks. */
struct run {
	unsigned long start, end;
};

/* The next run of section index at or above run->end (0: the first), joined where the rounding
 * makes runs meet. */
static bool next_run(unsigned long index, struct run *run)
{
	unsigned long first = index << SECTION_SHIFT, last = first + SECTION_PAGES;
	unsigned long from = max(run->end, first);
	bool found = false;

	for (unsigned long i =
		     memblock_first_above(&memblock.memory, memstart_addr + PFN_PHYS(from));
	     i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.regions[i];
		unsigned long start = 0, end;

		if (r->base > memstart_addr)
			start = ALIGN_DOWN(PFN_DOWN(r->base - memstart_addr), BLOCK_PAGES);
		end = ALIGN(PFN_UP(r->base + r->size - memstart_addr), BLOCK_PAGES);
		start = max(start, from);
		end = min(end, last);
		if (start >= end || (found && start > run->end))
			break;
		run->start = found ? run->start : start;
		run->end = end;
		found = true;
	}
	return found;
}

static unsigned long descriptor_va(unsigned long page_index)
{
	return VMEMMAP_START + page_index * sizeof(struct page);
}

/* The slot, if it is there and open. It may be another zone that opens it just now: hence acquire.
 */
static struct section *slot_if_open(unsigned long index)
{
	struct section *slot = section_slot(index);
	u64 there;

	if (!probe_read_u64(&slot->open, &there) || !__atomic_load_n(&slot->open, __ATOMIC_ACQUIRE))
		return NULL;
	return slot;
}

struct section *section_lookup(unsigned long index, unsigned int zone)
{
	struct section *sec = slot_if_open(index);

	while (sec && sec->zone != zone)
		sec = __atomic_load_n(&sec->sibling, __ATOMIC_ACQUIRE);
	return sec;
}

unsigned int section_cost(unsigned long index)
{
	unsigned long slot = (unsigned long)section_slot(index);
	unsigned int pages = vmemmap_cost(slot, slot + SECTION_SLOT) + 1; /* 1: spare descriptors */
	struct run run = {0, 0};

	while (next_run(index, &run))
		pages += vmemmap_cost(descriptor_va(run.start), descriptor_va(run.end));
	return pages;
}

static void grow_span(const struct run *run)
{
	unsigned long start = descriptor_va(run->start), end = descriptor_va(run->end);
	bool first = !open_span.page_end;

	if (!first && (start > open_span.page_end || end < open_span.page_start))
		return;
	if (first || start < open_span.page_start) {
		WRITE_ONCE(open_span.page_start, start);
		WRITE_ONCE(open_span.virt_start, PAGE_OFFSET + (run->start << PAGE_SHIFT));
	}
	if (end > open_span.page_end) {
		WRITE_ONCE(open_span.page_end, end);
		WRITE_ONCE(open_span.virt_end, PAGE_OFFSET + (run->end << PAGE_SHIFT));
	}
}

/* A descriptor for a section whose slot another zone has. */
static struct section *spare_section(take_page_fn take, void *arg)
{
	struct section *sec;

	if (!spare_sections) {
		char *page = phys_to_virt(take(arg));

		memset(page, 0, PAGE_SIZE);
		for (unsigned long i = 0; i < PAGE_SIZE; i += SECTION_SLOT) {
			sec = (struct section *)(page + i);
			sec->sibling = spare_sections;
			spare_sections = sec;
		}
	}
	sec = spare_sections;
	spare_sections = sec->sibling;
	return sec;
}

static void section_init(struct section *sec, unsigned long index, unsigned int zone)
{
	sec->zone = (u16)zone;
	sec->map = vmemmap + (index << SECTION_SHIFT);
	memset(sec->head, 0xff, sizeof(sec->head)); /* LINK_NONE */
	__atomic_store_n(&sec->open, 1, __ATOMIC_RELEASE);
}

struct section *section_open(unsigned long index, unsigned int zone, take_page_fn take, void *arg)
{
	struct section *slot = section_slot(index), *sec = slot;
	unsigned long va = (unsigned long)slot;
	struct run run = {0, 0};

	spin_lock(&open_lock);
	vmemmap_populate(va, va + SECTION_SLOT, take, arg);
	while (next_run(index, &run)) {
		vmemmap_populate(descriptor_va(run.start), descriptor_va(run.end), take, arg);
		grow_span(&run);
	}
	if (slot->open) {
		sec = spare_section(take, arg);
		sec->sibling = slot->sibling;
	}
	section_init(sec, index, zone);
	if (sec != slot)
		__atomic_store_n(&slot->sibling, sec, __ATOMIC_RELEASE);
	spin_unlock(&open_lock);
	return sec;
}

u64 page_look(const struct page *page)
{
	unsigned long offset = (unsigned long)page - VMEMMAP_START;
	u64 word = WORD_ABSENT;

	if (offset < VMEMMAP_SIZE && offset % sizeof(*page) == 0)
		probe_read_u64(&page->word, &word);
	return word;
}

struct page *block_head(struct page *page)
{
	for (unsigned int order = 1; order <= MAX_PAGE_ORDER; order++) {
		struct page *head = vmemmap + ALIGN_DOWN(page_index(page), UL(1) << order);
		u64 word = page_word(head);
		enum page_type type = word_type(word);

		if (head == page || type == PAGE_NONE)
			continue;
		if (type != PAGE_ALLOC && type != PAGE_FREE && type != PAGE_LISTED)
			return NULL;
		return word_order(word) >= order ? head : NULL;
	}
	return NULL;
}

static const char *role_name(unsigned int role)
{
	return nth_string(
		"allocated\0kmalloc'ed\0a page table\0page descriptors or lists\0vmalloc'ed",
		role < NR_ROLES ? role : ROLE_PLAIN);
}

void describe_page(const struct page *page, char *buf, size_t size)
{
	struct page *head;
	u64 word;

	if (!page_probe(page, &word)) {
		scnprintf(buf, size, "no memory, reserved, or never handed out");
		return;
	}
	switch (word_type(word)) {
	case PAGE_FREE:
	case PAGE_LISTED:
		scnprintf(buf, size, "already free (order %u)", word_order(word));
		return;
	case PAGE_ALLOC:
		scnprintf(buf, size, "%s (order %u)", role_name(word_cache(word)),
			  word_order(word));
		return;
	case PAGE_SLAB:
	case PAGE_SLAB_LINK:
	case PAGE_SLAB_TAIL:
		scnprintf(buf, size, "slab memory of cache %u", word_cache(word));
		return;
	case PAGE_NONE:
		break;
	}
	head = block_head((struct page *)page);
	if (!head) {
		scnprintf(buf, size, "no memory, reserved, or never handed out");
		return;
	}
	word = page_word(head);
	scnprintf(buf, size, "inside %s block of order %u at page frame 0x%lx",
		  word_type(word) == PAGE_ALLOC ? "an allocated" : "a free", word_order(word),
		  page_to_pfn(head));
}
