/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables for people: one address level by level, or all ranges with their attributes in words.
 */
#include <asm/boot.h>
#include <asm/fixmap.h>
#include <asm/memory.h>
#include <asm/mmu.h>
#include <asm/pte.h>
#include <asm/ptdump.h>
#include <asm/ptrace.h>
#include <asm/sysreg.h>
#include <asm/table.h>
#include <lib/errno.h>
#include <lib/kernel.h>
#include <lib/monitor.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/pgtable.h>

/* By number: MT_NORMAL, ... and what has none. */
#define MEMTYPES "normal\0device-nGnRnE\0device-nGnRE\0normal-nc\0?"

static void format_prot(pgprot_t prot, bool cont, char *buf, size_t size)
{
	scnprintf(buf, size, "%s %s %s%s", prot_writable(prot) ? "RW" : "ro",
		  prot_executable(prot) ? "X" : "nx",
		  nth_string(MEMTYPES, min(prot_memtype(prot), MT_NORMAL_NC + 1U)),
		  cont ? " cont" : "");
}

/* The root TTBR1 holds: the early one or the final one. */
static phys_addr_t kernel_root(void)
{
	return read_sysreg(ttbr1_el1) & GENMASK(47, 1);
}

static void describe_entry(pte_t pte, int level, char *buf, size_t size)
{
	char attributes[48];

	if (pte_is_table(pte, level)) {
		scnprintf(buf, size, "level %d: table at 0x%lx", level, pte_phys(pte));
	} else if (pte_is_leaf(pte, level)) {
		format_prot(pte_prot(pte), pte_is_cont(pte), attributes, sizeof(attributes));
		scnprintf(buf, size, "level %d: %s 0x%lx, %s", level,
			  level == LAST_LEVEL ? "page" : "block", pte_phys(pte), attributes);
	} else {
		scnprintf(buf, size, "level %d: nothing mapped", level);
	}
}

static void walk_tables(unsigned long va, void (*print_line)(const char *line))
{
	phys_addr_t table = kernel_root();
	char line[96];

	if (va < PAGE_OFFSET || !fixmap_linked) {
		print_line(fixmap_linked ? "not in the kernel's half: TTBR0 translates nothing"
					 : "no tables yet");
		return;
	}
	for (int level = FIRST_LEVEL; level <= LAST_LEVEL; level++) {
		pte_t *entries = table_open(table, TABLE_LOOK);
		pte_t pte = table_read(&entries[(va >> LEVEL_SHIFT(level)) & (PTRS_PER_TABLE - 1)]);

		table_close(TABLE_LOOK);
		describe_entry(pte, level, line, sizeof(line));
		print_line(line);
		if (!pte_is_table(pte, level))
			return;
		table = pte_phys(pte);
	}
}

void pt_show_walk(unsigned long va, void (*print_line)(const char *line))
{
	char what[48], line[80];

	walk_tables(va, print_line);
	for (int write = 0; write < 2; write++) {
		u64 par = translate(va, write);

		if (par & 1)
			describe_fault_status(par >> 1 & 0x3f, what, sizeof(what));
		else
			scnprintf(what, sizeof(what), "0x%lx",
				  (par & GENMASK(47, 12)) | (va & GENMASK(11, 0)));
		scnprintf(line, sizeof(line), "the MMU: %s %s", write ? "write" : "read", what);
		print_line(line);
	}
}

/* --- all ranges ----------------------------------------------------------------------------------
 */

/* Consecutive leaves of one kind, collected until something else comes. */
struct dump {
	unsigned long start, end;
	struct pgtable_leaf first;
	unsigned int next_marker;
	unsigned long wx_pages;
};

static const unsigned long markers[] = {PAGE_OFFSET,   KIMAGE_VADDR,  VMALLOC_START,
					VMEMMAP_START, SECTMAP_START, FIXADDR_START};
#define MARKER_NAMES                                                                               \
	"Linear mapping\0Kernel image\0vmalloc area\0Page descriptors\0Section descriptors\0Fixmap"

static void flush_range(struct dump *dump)
{
	char attributes[48], unit = 'K';
	unsigned long size = dump->first.size >> 10;

	if (dump->start == dump->end)
		return;
	if (size >= SZ_1M)
		size >>= 20, unit = 'G';
	else if (size >= SZ_1K)
		size >>= 10, unit = 'M';
	format_prot(dump->first.prot, dump->first.cont, attributes, sizeof(attributes));
	cprintf("0x%016lx-0x%016lx %9luK %s %lu%c  %s\n", dump->start, dump->end,
		(dump->end - dump->start) >> 10,
		dump->first.level == LAST_LEVEL ? "page " : "block", size, unit, attributes);
	dump->start = dump->end;
}

static bool continues(const struct dump *dump, const struct pgtable_leaf *leaf)
{
	return dump->start != dump->end && leaf->va == dump->end &&
	       leaf->level == dump->first.level && leaf->cont == dump->first.cont &&
	       prot_same(leaf->prot, dump->first.prot);
}

static int dump_leaf(const struct pgtable_leaf *leaf, void *arg)
{
	struct dump *dump = arg;

	if (prot_writable(leaf->prot) && prot_executable(leaf->prot))
		dump->wx_pages += leaf->size >> PAGE_SHIFT;
	if (!continues(dump, leaf)) {
		flush_range(dump);
		while (dump->next_marker < ARRAY_SIZE(markers) &&
		       leaf->va >= markers[dump->next_marker])
			cprintf("---[ %s ]---\n", nth_string(MARKER_NAMES, dump->next_marker++));
		dump->first = *leaf;
		dump->start = leaf->va;
	}
	dump->end = leaf->va + leaf->size;
	return 0;
}

static void dump_all(void)
{
	static const struct pgtable_visitor visitor = {.leaf = dump_leaf};
	struct dump dump = {0};

	pgtable_walk(&init_mm, PAGE_OFFSET, ~0UL, &visitor, &dump);
	flush_range(&dump);
	cprintf("Checked W+X mappings: %s, %lu W+X pages found\n",
		dump.wx_pages ? "FAILED" : "passed", dump.wx_pages);
}

static void print_line(const char *line)
{
	cprintf("  %s\n", line);
}

static int pt_command(int argc, char **argv)
{
	char where[80];
	u64 va;

	if (argc == 1) {
		dump_all();
		return 0;
	}
	if (argc != 2 || !parse_u64(argv[1], &va))
		return -EINVAL;
	describe_address(va, where, sizeof(where));
	cprintf("0x%016lx: %s\n", va, where);
	pt_show_walk(va, print_line);
	return 0;
}
MONITOR_COMMAND(pt, "[address]", "page tables: all, or one address level by level", pt_command);
