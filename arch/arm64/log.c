/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log outlives a reset: it lies just behind the image, for what is inside image_size loaders
 * write to. Whether that is memory, and nobody's, memblock knows. A reset that keeps RAM leaves it
 * there for the next boot of the same kernel at the same place.
 */
#include <asm/cache.h>
#include <asm/cpu.h>
#include <asm/fixmap.h>
#include <asm/page.h>
#include <asm/probe.h>
#include <asm/sections.h>
#include <asm/setup.h>
#include <lib/logblock.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/ledger.h>

/* More than image_size is rounded to: a kernel that is built again has it at the same place,
 * mostly. */
#define LOGBLOCK_ALIGN SZ_64K

/* What RAM has lost may be answered with an abort, where there is ECC. */
static bool __init usable(void *start, size_t size)
{
	u32 word;

	for (char *p = start; p < (char *)start + size; p += SMP_CACHE_BYTES)
		if (!probe_read_u32((const u32 *)p, &word)) {
			memset(start, 0, size);
			return false;
		}
	return true;
}

void __stage log_init(void)
{
	phys_addr_t base = ALIGN(__pa_symbol(image_end()), LOGBLOCK_ALIGN);

	if (alloc_between(LOGBLOCK_SIZE, PAGE_SIZE, base, base + LOGBLOCK_SIZE) != base) {
		pr_debug("Log: no room at 0x%lx to outlive a reset\n", base);
		return;
	}
	ledger_own(base, LOGBLOCK_SIZE, OWNER_LOG, 0);
	logblock_clean = dcache_clean_inval_poc;
	logblock_adopt(fixmap_map_log(base), clock_ticks(), usable);
	logblock_report("monitor_loop");
}
