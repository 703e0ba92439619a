/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "host_mm.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include <asm/brk.h>
#include <asm/memory.h>
#include <asm/page.h>
#include <asm/percpu.h>
#include <asm/probe.h>
#include <asm/spinlock.h>
#include <asm/table.h>
#include <asm/tlb.h>

unsigned long host_linear, host_vmalloc, host_vmemmap, host_sectmap;
phys_addr_t memstart_addr;
unsigned int nr_cpu_ids = 1;
__thread unsigned int host_cpu;
__thread unsigned long host_irqs_masked;
void (*host_unlock_hook)(void), (*host_probe_hook)(void);
unsigned long host_table_syncs, host_table_publishes;
__thread bool host_table_is_open[LAST_LEVEL + 1];
void (*host_flush_hook)(unsigned long start, unsigned long end);
struct host_flush host_flushes[64];
unsigned int host_flush_count;

size_t host_brk_limit = SZ_1M;
static size_t host_brk_used;

static struct {
	unsigned long start, end;
} accessible[4096];
static unsigned int nr_accessible;

static unsigned long reserve(unsigned long old, unsigned long size)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (old ? MAP_FIXED : 0);
	unsigned long slack = old ? 0 : SZ_1G;
	void *p = mmap((void *)old, size + slack, PROT_NONE, flags, -1, 0);

	assert(p != MAP_FAILED);
	return old ? old : ALIGN((unsigned long)p, SZ_1G);
}

void host_mm_setup(void)
{
	host_linear = reserve(host_linear, LINEAR_SIZE);
	host_vmalloc = reserve(host_vmalloc, UL(1) << 36);
	host_vmemmap = reserve(host_vmemmap, VMEMMAP_SIZE);
	host_sectmap = reserve(host_sectmap, SECTMAP_SIZE);
	memstart_addr = 0;
	nr_accessible = 0;
	host_brk_limit = SZ_1M;
	host_brk_used = 0;
	host_flush_count = 0;
	host_flush_hook = NULL;
	host_unlock_hook = NULL;
	host_table_syncs = 0;
	host_table_publishes = 0;
	nr_cpu_ids = 1;
	host_cpu = 0;
	host_irqs_masked = 0;
}

static void make_accessible(unsigned long start, unsigned long end)
{
	assert(mprotect((void *)start, end - start, PROT_READ | PROT_WRITE) == 0);
	assert(nr_accessible < ARRAY_SIZE(accessible));
	accessible[nr_accessible].start = start;
	accessible[nr_accessible].end = end;
	/* Other threads may be looking. */
	__atomic_store_n(&nr_accessible, nr_accessible + 1, __ATOMIC_RELEASE);
}

static bool is_accessible(unsigned long addr)
{
	for (unsigned int i = __atomic_load_n(&nr_accessible, __ATOMIC_ACQUIRE); i-- > 0;)
		if (addr >= accessible[i].start && addr < accessible[i].end)
			return true;
	return false;
}

/* Filling terabytes would cost memory; the first and last MiB show reliance on zeroed RAM. */
void host_ram_add(phys_addr_t base, phys_addr_t size)
{
	unsigned long start = (unsigned long)phys_to_virt(base);
	unsigned long some = min(size, (phys_addr_t)SZ_1M);

	make_accessible(ALIGN_DOWN(start, PAGE_SIZE), PAGE_ALIGN(start + size));
	memset((void *)start, 0xa5, some);
	memset((void *)(start + size - some), 0xa5, some);
}

bool probe_read_u64(const volatile u64 *p, u64 *value)
{
	if (!is_accessible((unsigned long)p))
		return false;
	*value = READ_ONCE(*p);
	if (host_probe_hook)
		host_probe_hook();
	return true;
}

void table_sync(void)
{
	__atomic_fetch_add(&host_table_syncs, 1, __ATOMIC_RELAXED);
}

void flush_tlb_kernel_range(unsigned long start, unsigned long end)
{
	unsigned int n = __atomic_fetch_add(&host_flush_count, 1, __ATOMIC_RELAXED);

	if (n < ARRAY_SIZE(host_flushes))
		host_flushes[n] = (struct host_flush){start, end};
	if (host_flush_hook)
		host_flush_hook(start, end);
}

void flush_tlb_all(void)
{
	flush_tlb_kernel_range(0, ~0UL);
}

/* Takes the pages a real map would take, so that accounting is tested; the memory is the host's. */
void vmemmap_populate(unsigned long start, unsigned long end, take_page_fn take, void *arg)
{
	phys_addr_t pa;

	for (unsigned long va = ALIGN_DOWN(start, PAGE_SIZE); va < end; va += PAGE_SIZE) {
		if (is_accessible(va))
			continue;
		pa = take(arg);
		assert(pa % PAGE_SIZE == 0);
		memset(phys_to_virt(pa), 0, PAGE_SIZE); /* it must be RAM */
		make_accessible(va, va + PAGE_SIZE);
	}
}

unsigned long host_vmemmap_costs;

unsigned int vmemmap_cost(unsigned long start, unsigned long end)
{
	host_vmemmap_costs++;
	return (unsigned int)((PAGE_ALIGN(end) - ALIGN_DOWN(start, PAGE_SIZE)) >> PAGE_SHIFT);
}

void *extend_brk(size_t size, size_t align)
{
	static unsigned char area[SZ_1M] __aligned(4096);
	size_t start = ALIGN(host_brk_used, align);

	if (start + size > min(host_brk_limit, sizeof(area)))
		return NULL;
	host_brk_used = start + size;
	return memset(area + start, 0, size);
}
