/* SPDX-License-Identifier: BSD-2-Clause */
#include <mm/ledger.h>

#include <asm/page.h>
#include <lib/bug.h>
#include <lib/errno.h>
#include <lib/kernel.h>
#include <lib/monitor.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/mm.h>
#include <mm/zone.h>

static struct memblock_region first_entries[64];
static struct memblock_type ledger = {
	.name = "ledger", .max = ARRAY_SIZE(first_entries), .regions = first_entries};

static const char *(*name_of)(u32 node);
static phys_addr_t stated, left_out;
static bool incomplete; /* the list was full at some time */
static bool closed;     /* what the ledger does not hold is the page allocator's */

const char *owner_name(enum owner owner)
{
#define OWNER_NAME(id, name) name "\0"
	return nth_string(OWNERS(OWNER_NAME), owner);
}

void __init ledger_panic(const char *what, phys_addr_t base, phys_addr_t size)
{
	panic("%s: 0x%lx bytes at 0x%lx cannot be noted: too many ranges", what, size, base);
}

/* --- entries ------------------------------------------------------------------------------- */

static phys_addr_t region_end(const struct memblock_region *r)
{
	return r->base + r->size;
}

/* The first region of type that has some of [addr, end); NULL: there is none. */
static struct memblock_region *region_from(const struct memblock_type *type, phys_addr_t addr,
					   phys_addr_t end)
{
	unsigned long i = memblock_first_above(type, addr);

	return addr < end && i < type->cnt && type->regions[i].base < end ? &type->regions[i]
									  : NULL;
}

/* To erase the middle of an entry takes room, too. */
static void erase(phys_addr_t base, phys_addr_t size)
{
	incomplete |= memblock_remove_range(&ledger, base, size) != 0;
}

static bool is_gone(int label)
{
	return label_owner(label) <= OWNER_LAST_GONE;
}

bool ledger_find(enum owner owner, phys_addr_t *start, phys_addr_t *end)
{
	for (unsigned long i = memblock_first_above(&ledger, *end); !incomplete && i < ledger.cnt;
	     i++) {
		const struct memblock_region *r = &ledger.regions[i], *in;

		if (label_owner(r->nid) != owner)
			continue;
		*start = max(r->base, *end);
		*end = region_end(r);
		in = region_from(&memblock.memory, *start, *end);
		if (in)
			*end = min(*end, region_end(in));
		return true;
	}
	return false;
}

#define OWNERS_GONE ((UL(1) << (OWNER_LAST_GONE + 1)) - 1)
/* Of the image, and given back by the boot. */
#define OWNERS_PASSING                                                                             \
	(UL(1) << OWNER_KERNEL_INIT | UL(1) << OWNER_EARLY_TABLES | UL(1) << OWNER_BRK)

/*
 * Take these owners' names off the bytes of the range. reserved: and give the bytes back, of which
 * those keep their owner that cannot be.
 */
static void disown(phys_addr_t base, phys_addr_t size, u64 owners, bool reserved)
{
	phys_addr_t end = size > PHYS_ADDR_MAX - base ? PHYS_ADDR_MAX : base + size;
	const struct memblock_region *r;

	for (phys_addr_t at = base; (r = region_from(&ledger, at, end));) {
		phys_addr_t start = max(r->base, base), stop = min(region_end(r), end);

		at = stop;
		if (!(owners >> label_owner(r->nid) & 1))
			continue;
		if (!reserved || (!incomplete && !memblock_phys_free(start, stop - start)))
			erase(start, stop - start);
	}
}

void ledger_own(phys_addr_t base, phys_addr_t size, enum owner owner, u32 detail)
{
	if (owner == OWNER_MEMRESERVE || owner == OWNER_REGION)
		disown(base, size, OWNERS_PASSING, false);
	else if (owner == OWNER_SPIN_TABLE)
		disown(base, size, OWNERS_GONE,
		       false); /* memory that is yet to come may cover them */
	incomplete |= memblock_add_range(&ledger, base, size, ledger_label(owner, detail),
					 MEMBLOCK_NONE) != 0;
}

void __init ledger_lose(phys_addr_t base, phys_addr_t size)
{
	ledger_own(base, size, OWNER_LOST, 0);
}

void __init ledger_left_out(phys_addr_t size)
{
	left_out += size;
}

int __init ledger_add_memory(phys_addr_t base, phys_addr_t size, int nid, enum memblock_flags flags)
{
	int err = memblock_add_node(base, size, nid, flags);

	if (!err)
		disown(base, size, OWNERS_GONE, false);
	return err;
}

phys_addr_t __init ledger_drop_memory(phys_addr_t base, phys_addr_t size, enum owner why)
{
	phys_addr_t before = memblock.memory.total_size;
	phys_addr_t end = size > PHYS_ADDR_MAX - base ? PHYS_ADDR_MAX : base + size;
	const struct memblock_region *r;

	for (phys_addr_t at = base; (r = region_from(&memblock.memory, at, end));) {
		phys_addr_t start = max(r->base, base), stop = min(region_end(r), end);

		/* Whatever it was to be, now it is gone. */
		erase(start, stop - start);
		ledger_own(start, stop - start, why, 0);
		at = stop;
	}
	if (memblock_remove(base, end - base))
		ledger_panic(owner_name(why), base, end - base);
	return before - memblock.memory.total_size;
}

int __init ledger_reserve(phys_addr_t base, phys_addr_t size, enum owner owner, u32 detail)
{
	int err = memblock_reserve(base, size);

	if (!err)
		ledger_own(base, size, owner, detail);
	return err;
}

void __init ledger_reserve_or_panic(phys_addr_t base, phys_addr_t size, enum owner owner,
				    u32 detail, const char *what)
{
	if (ledger_reserve(base, size, owner, detail))
		ledger_panic(what, base, size);
}

void __init ledger_free(phys_addr_t base, phys_addr_t size, enum owner owner)
{
	disown(base, size, UL(1) << owner, true);
}

void __init ledger_state(const char *(*node_name)(u32 node))
{
	struct memblock_region *r;

	name_of = node_name;
	/* Two tuples may each have a part of a page, and a third one all of it. */
	for_each_mem_region (r)
		if (ledger.cnt)
			disown(r->base, r->size, OWNERS_GONE, false);
	stated = memblock.memory.total_size + left_out;
	for (unsigned long i = 0; i < ledger.cnt; i++)
		if (is_gone(ledger.regions[i].nid))
			stated += ledger.regions[i].size;
}

/* --- the handing over ---------------------------------------------------------------------- */

/* Detail of OWNER_LOST: so that it does not join what a tuple has beyond whole pages. */
#define LOST_IN_MEMORY 1

/* The part of [start, end) that is no whole page, at either end. */
static void lose_edges(phys_addr_t start, phys_addr_t end)
{
	phys_addr_t first = min(PAGE_ALIGN(start), end);
	phys_addr_t last = max(ALIGN_DOWN(end, PAGE_SIZE), first);

	ledger_own(start, first - start, OWNER_LOST, LOST_IN_MEMORY);
	ledger_own(last, end - last, OWNER_LOST, LOST_IN_MEMORY);
}

/* False when the list has grown into memory, which changed what is reserved. */
static bool __init try_close(void)
{
	const struct memblock_region *array = ledger.regions;
	phys_addr_t start, end;
	u64 cursor;

	for (unsigned long i = 0; i < memblock.reserved.cnt && array == ledger.regions; i++) {
		struct memblock_region r = memblock.reserved.regions[i];

		ledger_own(r.base, r.size,
			   r.flags & MEMBLOCK_RSRV_KERN ? OWNER_BOOT : OWNER_NO_REASON, 0);
	}
	for_each_free_mem_range (cursor, NUMA_NO_NODE, MEMBLOCK_NONE, &start, &end, NULL)
		lose_edges(start, end);
	return array == ledger.regions;
}

void __init ledger_close(void)
{
	/* The edges that are lost stay the same: arrays are whole pages. */
	while (!try_close())
		disown(0, PHYS_ADDR_MAX, UL(1) << OWNER_BOOT | UL(1) << OWNER_NO_REASON, false);
	closed = true;
}

bool ledger_release(phys_addr_t start, phys_addr_t end)
{
	phys_addr_t at = start;
	const struct memblock_region *r;

	if (start >= end || !memblock_is_region_memory(start, end - start))
		return false;
	while (at < end && (r = region_from(&ledger, at, at + 1)))
		at = region_end(r);
	if (at < end)
		return false;
	erase(start, end - start);
	lose_edges(start, end);
	return true;
}

/* --- every byte in turn -------------------------------------------------------------------- */

/*
 * [start, end) has one label. It is part of a stretch that memblock and the ledger tell nothing
 * more about. The indices are those of the first regions that end above it. Begin with zeros.
 */
struct run {
	phys_addr_t start, end, stretch_end;
	unsigned long memory, entry, reserved;
	int label;
	bool no_map;
	bool has_entry; /* the stretch is in the ledger */
	bool coarse;    /* set by the caller: the page allocator's pages are one run */
};

/* The region of type that holds addr, or the next one above it; NULL: there is none. *i counts up.
 */
static const struct memblock_region *advance(const struct memblock_type *type, unsigned long *i,
					     phys_addr_t addr)
{
	while (*i < type->cnt && region_end(&type->regions[*i]) <= addr)
		++*i;
	return *i < type->cnt ? &type->regions[*i] : NULL;
}

/* True if addr is in r; else *end is cut to where r begins, if it is there. */
static __noinline bool inside(const struct memblock_region *r, phys_addr_t addr, phys_addr_t *end)
{
	bool in = r && r->base <= addr;

	if (r)
		*end = min(*end, in ? region_end(r) : r->base);
	return in;
}

static bool in_extent(const struct extents *ext, unsigned long pfn, unsigned long *end)
{
	unsigned int i = extents_above(ext, pfn);

	if (i == ext->nr || ext->range[i].start > pfn)
		return false;
	*end = ext->range[i].end;
	return true;
}

/* What a page that heads no block is, and to which page frame on. */
static int extent_label(unsigned long pfn, unsigned long *end)
{
	struct zone *zone = pfn_to_zone(pfn);
	enum owner owner = OWNER_NOBODY;
	unsigned long flags;

	*end = pfn + 1;
	if (!zone)
		return ledger_label(owner, 0);
	flags = spin_lock_irqsave(&zone->lock); /* the arrays can move */
	if (in_extent(&zone->contig, pfn, end))
		owner = OWNER_CONTIG;
	else if (in_extent(&zone->unopened, pfn, end))
		owner = OWNER_UNOPENED;
	spin_unlock_irqrestore(&zone->lock, flags);
	return ledger_label(owner, 0);
}

/* Cut run, pages of the page allocator, down to what its first page belongs to. */
static void page_run(struct run *run)
{
	unsigned long pfn = PFN_DOWN(run->start), end;
	u64 word = 0;

	if (page_probe(pfn_to_page(pfn), &word) && word) {
		end = pfn + (UL(1) << word_order(word));
		run->label = ledger_label(OWNER_NOBODY, 0);
		switch (word_type(word)) {
		case PAGE_FREE:
		case PAGE_LISTED:
			run->label = ledger_label(OWNER_FREE, 0);
			break;
		case PAGE_ALLOC:
			if (word_cache(word) < NR_ROLES)
				run->label = ledger_label(OWNER_PAGES + word_cache(word), 0);
			break;
		case PAGE_SLAB:
			run->label = ledger_label(OWNER_SLAB, 0);
			break;
		default:
			end = pfn + 1;
		}
	} else {
		run->label = extent_label(pfn, &end);
	}
	run->end = min(run->end, PFN_PHYS(end));
}

/* Memory without an entry: before ledger_close(), reserved or free. */
static void boot_run(struct run *run)
{
	const struct memblock_region *r = advance(&memblock.reserved, &run->reserved, run->start);
	enum owner owner = OWNER_FREE;

	if (inside(r, run->start, &run->end))
		owner = r->flags & MEMBLOCK_RSRV_KERN ? OWNER_BOOT : OWNER_NO_REASON;
	run->label = ledger_label(owner, 0);
}

/* Find the next bytes that are memory or gone, in order of addresses; false behind the last. */
static bool next_stretch(struct run *run)
{
	const struct memblock_region *memory, *entry;
	bool in_memory, in_entry;

	do {
		phys_addr_t at = run->end = run->stretch_end;

		memory = advance(&memblock.memory, &run->memory, at);
		entry = advance(&ledger, &run->entry, at);
		if (!memory && !entry)
			return false;
		run->stretch_end = PHYS_ADDR_MAX;
		in_memory = inside(memory, at, &run->stretch_end);
		in_entry =
			inside(entry, at, &run->stretch_end) && (in_memory || is_gone(entry->nid));
	} while (!in_memory && !in_entry);
	run->no_map = in_memory && memory->flags & MEMBLOCK_NOMAP;
	run->label = in_entry ? entry->nid : 0;
	run->has_entry = in_entry;
	return true;
}

static bool next_run(struct run *run)
{
	if (run->end == run->stretch_end && !next_stretch(run))
		return false;
	run->start = run->end;
	run->end = run->stretch_end;
	if (run->has_entry)
		return true;
	if (!closed || run->no_map)
		boot_run(run);
	else if (run->coarse || incomplete) /* or there may be much that nobody has */
		run->label = ledger_label(OWNER_PAGES, 0);
	else
		page_run(run);
	return true;
}

/* --- the sum ------------------------------------------------------------------------------- */

static __noinline phys_addr_t sum(const struct balance *b, enum owner first, enum owner last)
{
	phys_addr_t bytes = 0;

	for (unsigned int i = first; i <= last; i++)
		bytes += b->bytes[i];
	return bytes;
}

/* Add up all runs. */
static void add_up(struct balance *b, bool coarse)
{
	struct run run = {.coarse = coarse};

	memset(b, 0, sizeof(*b));
	b->stated = stated;
	b->bytes[OWNER_LEFT_OUT] = left_out;
	while (next_run(&run))
		*(run.no_map ? &b->no_map : &b->bytes[label_owner(run.label)]) +=
			run.end - run.start;
}

/* What is wrong with the sum, NULL if nothing. */
static const char *judge(const struct balance *b)
{
	if (incomplete)
		return "there was no room to note every owner";
	if (b->bytes[OWNER_NO_REASON])
		return "memory is reserved and nobody says why";
	if (sum(b, 0, NR_OWNERS - 1) + b->no_map != stated)
		return "memory has come or gone";
	if (closed && sum(b, OWNER_FREE, OWNER_NOBODY) != PFN_PHYS(totalram_pages()))
		return "the page allocator counts other pages";
	return NULL;
}

const char *ledger_balance(struct balance *b)
{
	const char *wrong;

	add_up(b, false);
	wrong = judge(b);
	if (wrong)
		return wrong;
	if (b->bytes[OWNER_NOBODY])
		return "pages are neither free nor given out";
	if (closed && b->bytes[OWNER_FREE] + b->bytes[OWNER_UNOPENED] != PFN_PHYS(nr_free_pages()))
		return "the page allocator counts other free pages";
	return NULL;
}

enum { BALANCE_LINE = 200 };

/* Put a size behind the n characters of a line; returns how many they are now. */
static __noinline size_t add_size(char line[BALANCE_LINE], size_t n, const char *before,
				  phys_addr_t bytes, const char *what)
{
	bool kib = bytes % 1024 == 0;

	return n + (size_t)scnprintf(line + n, BALANCE_LINE - n, "%s%lu%s %s", before,
				     kib ? bytes / 1024 : bytes, kib ? "K" : " bytes", what);
}

static void balance_line(const struct balance *b, char line[BALANCE_LINE])
{
	static const struct {
		char what[18];
		u8 first, last; /* owners; NR_OWNERS: no-map */
	} parts[] = {
		{"free", OWNER_FREE, OWNER_UNOPENED},
		{"in use", OWNER_PAGES, OWNER_NOBODY},
		{"reserved", OWNER_LAST_GONE + 1, OWNER_NO_REASON},
		{"no-map", NR_OWNERS, 0},
		{"lost to alignment", OWNER_LOST, OWNER_LOST},
		{"not used", OWNER_LOST + 1, OWNER_LAST_GONE},
	};
	size_t n = add_size(line, 0, "", b->stated, "=");

	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++) {
		phys_addr_t bytes = parts[i].first == NR_OWNERS
					    ? b->no_map
					    : sum(b, parts[i].first, parts[i].last);

		if (!i || bytes)
			n = add_size(line, n, i ? " + " : " ", bytes, parts[i].what);
	}
}

/* The sum without a look at pages: free ones as the page allocator counts them. */
static void quick_report(bool always)
{
	phys_addr_t free = closed ? PFN_PHYS(nr_free_pages()) : 0;
	struct balance b;
	const char *wrong;
	char line[BALANCE_LINE];

	add_up(&b, true);
	b.bytes[OWNER_FREE] += free;
	b.bytes[OWNER_PAGES] -= free;
	wrong = judge(&b);
	if (!wrong && !always)
		return;
	balance_line(&b, line);
	if (wrong)
		pr_warn("Memory does not balance after %s: %s: %s\n", boot_stage, wrong, line);
	else
		pr_info("Memory balance: %s\n", line);
}

void ledger_check(void)
{
	quick_report(false);
}

void ledger_report(void)
{
	quick_report(true);
}

/* --- commands ------------------------------------------------------------------------------ */

static void print_run(const struct run *run)
{
	enum owner owner = label_owner(run->label);
	u32 detail = (u32)run->label & ((1u << OWNER_SHIFT) - 1);
	phys_addr_t bytes = run->end - run->start;
	bool kib = bytes % 1024 == 0;

	cprintf("0x%012lx-0x%012lx %*lu%s  %s", run->start, run->end - 1, kib ? 15 : 10,
		kib ? bytes / 1024 : bytes, kib ? "K" : " bytes", owner_name(owner));
	if (owner == OWNER_MEMRESERVE)
		cprintf("[%u]", detail);
	else if (owner == OWNER_REGION || owner == OWNER_SPIN_TABLE)
		cprintf("/%s", name_of(detail));
	cprintf("%s\n", run->no_map ? ", no-map" : "");
}

static int mem_command(int argc, char **argv)
{
	struct run run = {0}, line = {0};
	struct balance b;
	const char *wrong;
	char text[BALANCE_LINE];

	(void)argv;
	if (argc != 1)
		return -EINVAL;
	/* Runs that look the same are one line. */
	while (next_run(&run)) {
		if (run.start == line.end && run.label == line.label && run.no_map == line.no_map) {
			line.end = run.end;
			continue;
		}
		if (line.end)
			print_run(&line);
		line = run;
	}
	if (line.end)
		print_run(&line);
	wrong = ledger_balance(&b);
	balance_line(&b, text);
	cprintf("%s\n", text);
	if (!wrong)
		return 0;
	cprintf("mem: this does not balance: %s\n", wrong);
	return -EFAULT;
}
MONITOR_COMMAND(mem, "", "who owns each byte of memory, and their sum", mem_command);

/* As in Linux: the resource inside System RAM, NULL for what has no line of its own. */
static const char *resource_name(int label)
{
	enum owner owner = label_owner(label);

	if (owner == OWNER_KERNEL_TEXT)
		return "Kernel code";
	if (owner == OWNER_KERNEL_RODATA || owner == OWNER_KERNEL_DATA || owner == OWNER_BRK)
		return "Kernel data";
	return owner < OWNER_FREE ? "reserved" : NULL;
}

static __noinline void print_resource(phys_addr_t start, phys_addr_t end, const char *name,
				      const char *indent)
{
	if (name)
		cprintf("%s%08lx-%08lx : %s\n", indent, start, end - 1, name);
}

/* Runs of a name are one line. */
static void print_resources_in(const struct memblock_region *r)
{
	struct run run = {.end = r->base, .stretch_end = r->base};
	phys_addr_t start = r->base, at = start;
	const char *name, *last = NULL;

	for (; at < region_end(r) && next_run(&run); at = run.end) {
		name = resource_name(run.label);
		if (name == last)
			continue;
		print_resource(start, at, last, "  ");
		start = at;
		last = name;
	}
	print_resource(start, at, last, "  ");
}

static int iomem_command(int argc, char **argv)
{
	struct memblock_region *r;

	(void)argv;
	if (argc != 1)
		return -EINVAL;
	for_each_mem_region (r) {
		print_resource(r->base, region_end(r),
			       memblock_is_nomap(r) ? "reserved" : "System RAM", "");
		if (!memblock_is_nomap(r))
			print_resources_in(r);
	}
	return 0;
}
MONITOR_COMMAND(iomem, "", "memory in the form of Linux's /proc/iomem", iomem_command);
