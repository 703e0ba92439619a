/* SPDX-License-Identifier: BSD-2-Clause */
/* From what the tree says about memory to what the page allocator gets. */
#include <asm/brk.h>
#include <asm/cpu.h>
#include <asm/memory.h>
#include <asm/page.h>
#include <asm/sections.h>
#include <asm/setup.h>
#include <lib/bug.h>
#include <lib/cmdline.h>
#include <lib/errno.h>
#include <lib/kernel.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/ledger.h>
#include <mm/mm.h>

phys_addr_t memstart_addr __ro_after_init;

static phys_addr_t memory_limit __initdata = PHYS_ADDR_MAX;

/* ---- the command line's say ---- */

static int __init set_mem(const char *val, size_t len)
{
	const char *end;
	u64 limit;

	if (!len)
		return -EINVAL;
	limit = memparse(val, &end);
	if (end != val + len)
		return -EINVAL;
	if (limit < PAGE_SIZE)
		return -ERANGE;
	memory_limit = ALIGN_DOWN(limit, PAGE_SIZE);
	return 0;
}
EARLY_PARAM("mem", set_mem, "=<size> uses only the first <size> bytes of memory");

/* A number behind the mark at *p; all is well if there is no mark. */
static bool __init number_behind(char mark, const char **p, u64 *value)
{
	const char *start = *p + 1;

	if (**p != mark)
		return true;
	*value = memparse(start, p);
	return *p != start;
}

static int __init set_cma(const char *val, size_t len)
{
	u64 size, base = 0, limit = 0;
	const char *p;

	if (!len)
		return -EINVAL;
	size = memparse(val, &p);
	if (p == val || !number_behind('@', &p, &base) || !number_behind('-', &p, &limit) ||
	    p != val + len)
		return -EINVAL;
	machine.cma_param.size = size;
	machine.cma_param.base = base;
	machine.cma_param.limit = limit;
	return 0;
}
EARLY_PARAM("cma", set_cma, "=<size>[@<base>[-<limit>]] keeps memory for large buffers");

/* ---- the brk area ---- */

static char *brk_next = __brk_start;
static bool brk_closed;

void *extend_brk(size_t size, size_t align)
{
	char *start = (char *)ALIGN((unsigned long)brk_next, align);

	if (brk_closed || size > (size_t)(image_end() - __brk_start) || start + size > image_end())
		return NULL;
	brk_next = start + size;
	return memset(start, 0, size);
}

void __init brk_keep(size_t size)
{
	brk_next += size;
}

/* Give back what nobody took. memblock's arrays grow into memory by now. */
static void __init close_brk(void)
{
	phys_addr_t unused = PAGE_ALIGN(__pa_symbol(brk_next));

	brk_closed = true;
	ledger_free(unused, __pa_symbol(image_end()) - unused, OWNER_BRK);
}

/* ---- arm64_memblock_init ---- */

/* Remove memory in [base, end), and say so when there was any. */
static void __init drop_memory(phys_addr_t base, phys_addr_t end, enum owner reason,
			       const char *why)
{
	phys_addr_t bytes = ledger_drop_memory(base, end - base, reason),
		    last = end == PHYS_ADDR_MAX ? end : end - 1;

	if (bytes)
		pr_warn("%luK of memory from 0x%lx to 0x%lx not used: %s\n", bytes >> 10, base,
			last, why);
}

/* Bytes of [base, base + size) that are memory, whatever regions they are in. */
static phys_addr_t __init memory_inside(phys_addr_t base, phys_addr_t size)
{
	phys_addr_t start, end, sum = 0;
	u64 i;

	for_each_mem_range (i, &start, &end) {
		start = max(start, base);
		end = min(end, base + size);
		sum += start < end ? end - start : 0;
	}
	return sum;
}

/* The kernel runs where the loader put it, so that is memory, whatever the tree says. */
static void __init own_the_image(phys_addr_t base, phys_addr_t size)
{
	struct memblock_region *r;

	if (memory_inside(base, size) == size)
		return;
	pr_warn("the kernel at 0x%lx-0x%lx is not in the tree's usable memory; used all the same\n",
		base, base + size - 1);
	if (ledger_add_memory(base, size, MAX_NUMNODES, MEMBLOCK_NONE))
		ledger_panic("kernel", base, size);
	/* Spin tables are all that is reserved so far. Those in the image lost their reason when
	 * its memory went. */
	for_each_reserved_mem_region (r) {
		phys_addr_t start = max(r->base, base), end = min(r->base + r->size, base + size);

		if (start < end)
			ledger_own(start, end - start, OWNER_SPIN_TABLE, 0);
	}
	ledger_state(dt_node_name);
}

/*
 * Choose memstart_addr and drop what the linear map cannot cover. The map starts at the bottom of
 * memory; when the kernel lies above its end it is moved up, so that it ends with the kernel, and
 * memory below is lost in place of memory above.
 */
static void __init fit_linear_map(phys_addr_t kernel_end)
{
	const char *why = "outside the linear map, VA_BITS is too small for it";
	phys_addr_t start = ALIGN_DOWN(memblock_start_of_DRAM(), MEMSTART_ALIGN);

	if (memblock_end_of_DRAM() - start > LINEAR_SIZE) {
		drop_memory(max(start + LINEAR_SIZE, kernel_end), PHYS_ADDR_MAX, OWNER_BEYOND_MAP,
			    why);
		if (memblock_end_of_DRAM() - start > LINEAR_SIZE) {
			start = ALIGN(memblock_end_of_DRAM() - LINEAR_SIZE, MEMSTART_ALIGN);
			drop_memory(0, start, OWNER_BEYOND_MAP, why);
		}
	}
	memstart_addr = start;
}

/* Is the initrd memory that can be kept? Before mem= cuts any off. */
static void __init check_initrd(phys_addr_t kernel, phys_addr_t kernel_size)
{
	phys_addr_t start = machine.initrd_start, end = machine.initrd_end;
	const char *why = NULL;

	if (!start && !end)
		return;
	if (start >= end)
		why = "it ends where it starts, or before";
	else if (memory_inside(start, end - start) != end - start)
		why = "not all of it is memory the kernel can reach";
	else if (start < kernel + kernel_size && kernel < end)
		why = "it overlaps the kernel image or its BSS, load one of them elsewhere";
	else if (start < machine.dt_phys + machine.dt_size && machine.dt_phys < end)
		why = "it overlaps the device tree, the loader must place it elsewhere";
	if (!why)
		return;
	pr_warn("preflight: initrd at 0x%lx-0x%lx ignored: %s\n", start, end, why);
	machine.initrd_start = machine.initrd_end = 0;
}

/* Where memory must end for limit bytes of it to stay; there is more than that. */
static phys_addr_t __init limit_end(phys_addr_t limit)
{
	phys_addr_t start, end;
	u64 i;

	for_each_mem_range (i, &start, &end) {
		if (limit <= end - start)
			return start + limit;
		limit -= end - start;
	}
	return PHYS_ADDR_MAX;
}

/* mem=, as far as it goes: the kernel and the initrd stay. */
static void __init apply_memory_limit(phys_addr_t kernel, phys_addr_t kernel_size)
{
	phys_addr_t initrd = ALIGN_DOWN(machine.initrd_start, PAGE_SIZE);
	struct memblock_region keep[] = {
		{.base = kernel, .size = kernel_size},
		{.base = initrd, .size = PAGE_ALIGN(machine.initrd_end) - initrd},
	};
	phys_addr_t from;

	if (memory_limit >= memblock_phys_mem_size())
		return;
	if (initrd < kernel)
		swap(keep[0], keep[1]);
	from = limit_end(memory_limit);
	for (unsigned int i = 0; i < ARRAY_SIZE(keep); i++) {
		ledger_drop_memory(from, max(keep[i].base, from) - from, OWNER_LIMIT);
		from = max(from, keep[i].base + keep[i].size);
	}
	ledger_drop_memory(from, PHYS_ADDR_MAX, OWNER_LIMIT);
	pr_notice("Memory limited to %lu%s\n", memory_limit >> (memory_limit % SZ_1M ? 10 : 20),
		  memory_limit % SZ_1M ? "K" : "MB");
}

static void __init own_kernel(const char *start, const char *end, enum owner owner)
{
	ledger_own(__pa_symbol(start), (phys_addr_t)(end - start), owner, 0);
}

/* The parts of the image, in the order of linker.lds. */
static void __init own_kernel_parts(void)
{
	own_kernel(_text, __inittext_begin, OWNER_KERNEL_TEXT);
	own_kernel(__inittext_begin, __inittext_end, OWNER_KERNEL_INIT);
	own_kernel(__start_rodata, __end_ro_after_init, OWNER_KERNEL_RODATA);
	own_kernel(__end_ro_after_init, __early_tables_start, OWNER_KERNEL_DATA);
	own_kernel(__early_tables_start, __early_tables_end, OWNER_EARLY_TABLES);
	own_kernel(__early_tables_end, image_end(), OWNER_BRK);
}

void __stage arm64_memblock_init(void)
{
	phys_addr_t kernel = __pa_symbol(_text), size = (phys_addr_t)(image_end() - _text);

	if (!cells_usable(machine.cells))
		panic("the tree's root has #address-cells %u and #size-cells %u; memory is described with 1 or 2 of each",
		      machine.cells.addr, machine.cells.size);
	if (memblock_phys_mem_size() == 0)
		panic("the device tree describes no memory that can be used; the loader has to fill in reg of a node "
		      "with device_type = \"memory\"");
	drop_memory(UL(1) << cpu_pa_bits(), PHYS_ADDR_MAX, OWNER_BEYOND_CPU,
		    "beyond this CPU's physical addresses");
	own_the_image(kernel, size);
	fit_linear_map(kernel + size);
	check_initrd(kernel, size);
	if (memory_inside(machine.dt_phys, machine.dt_size) != machine.dt_size)
		pr_warn("preflight: the device tree at 0x%lx-0x%lx is outside of the usable memory it describes\n",
			machine.dt_phys, machine.dt_phys + machine.dt_size);
	apply_memory_limit(kernel, size);

	own_kernel_parts();
	ledger_reserve_or_panic(kernel, size, OWNER_KERNEL_DATA, 0, "kernel");
	ledger_reserve_or_panic(machine.dt_phys, machine.dt_size, OWNER_TREE, 0, "device tree");
	if (machine.initrd_end) {
		ledger_reserve_or_panic(machine.initrd_start,
					machine.initrd_end - machine.initrd_start, OWNER_INITRD, 0,
					"initrd");
		pr_debug("initrd: 0x%lx-0x%lx\n", machine.initrd_start, machine.initrd_end - 1);
	}
	reserve_tree_regions();
	memblock_dump_all();
}

/* ---- bootmem_init ---- */

/* cma=: reserved like the tree's reusable regions, see struct machine. */
static void __init reserve_cma(phys_addr_t dma_end)
{
	const phys_addr_t align = PAGE_SIZE << MAX_PAGE_ORDER;
	phys_addr_t base = machine.cma_param.base, limit = machine.cma_param.limit,
		    size = machine.cma_param.size;
	bool fixed = base && !limit;

	if (size == PHYS_ADDR_MAX || size == 0)
		return;
	size = size > PHYS_ADDR_MAX - align ? size : ALIGN(size, align);
	if (!fixed)
		base = alloc_between(size, align, base, limit ? min(limit, dma_end) : dma_end);
	else if (!IS_ALIGNED(base, align) || size > PHYS_ADDR_MAX - base ||
		 memory_inside(base, size) != size || memblock_is_region_reserved(base, size) ||
		 memblock_reserve(base, size))
		base = 0;
	if (!base) {
		pr_warn("cma=: no room for %luK%s; nothing kept\n", size >> 10,
			fixed ? " there, or not aligned to the largest order" : "");
		return;
	}
	machine.cma_base = base;
	machine.cma_size = size;
	ledger_own(base, size, OWNER_CMA, 0);
	pr_info("cma: %luK kept at 0x%lx\n", size >> 10, base);
}

/* End of the zone whose devices reach addresses up to limit: none below memory's start, and none
 * beyond its end. */
static phys_addr_t __init zone_end(phys_addr_t limit)
{
	phys_addr_t first = memblock_start_of_DRAM();

	if (first > UINT32_MAX)
		limit = PHYS_ADDR_MAX;
	else if (first > limit)
		limit = UINT32_MAX;
	return min(limit, memblock_end_of_DRAM() - 1) + 1;
}

void __stage bootmem_init(void)
{
	phys_addr_t dma = machine.dma_limit, dma32 = UINT32_MAX, dma_end;

	close_brk();
	/* Firmware tells about buses, not about the devices on them: where there is memory below 4
	 * GiB, DMA gets some. */
	if (memblock_start_of_DRAM() < UINT32_MAX)
		dma = min(dma, (phys_addr_t)UINT32_MAX);
	dma_end = zone_end(dma);
	reserve_cma(dma_end);
	page_alloc_init(PFN_DOWN(dma_end), PFN_DOWN(zone_end(dma32)));
}

/* ---- mem_init ---- */

static unsigned long __init kib(const char *start, const char *end)
{
	return (unsigned long)(end - start) >> 10;
}

void __stage mem_init(void)
{
	unsigned long total, free;

	ledger_close();
	memblock_free_all();
	total = memblock_phys_mem_size() >> 10;
	free = nr_free_pages() << (PAGE_SHIFT - 10);
	pr_info("Memory: %luK/%luK available (%luK kernel code, %luK rwdata, %luK rodata, %luK init, %luK bss, "
		"%luK reserved)\n",
		free, total, kib(_text, __inittext_begin), kib(__start_ro_after_init, _edata),
		kib(__start_rodata, __end_rodata), kib(__inittext_begin, __inittext_end),
		kib(__bss_start, image_end()), total - free);
}
