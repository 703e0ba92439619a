/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of contents of the boot. head.S ends here; each stage states in its header what it
 * needs and what it leaves. */
#include <asm/boot.h>
#include <asm/cpu.h>
#include <asm/earlycon.h>
#include <asm/fixmap.h>
#include <asm/mmu.h>
#include <asm/power.h>
#include <asm/sections.h>
#include <asm/setup.h>
#include <asm/stacktrace.h>
#include <lib/bug.h>
#include <lib/errno.h>
#include <lib/logblock.h>
#include <lib/monitor.h>
#include <lib/printk.h>
#include <mm/debug.h>
#include <mm/early_ioremap.h>
#include <mm/ledger.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

/* When each stage began, in ticks of the clock; head.S did at handover.time. */
struct stage {
	const char *name;
	u64 ticks;
	struct stage *next;
};
static struct stage *first_stage, **last_stage = &first_stage;

static __noinline void begin_stage(struct stage *stage, const struct stage_name *name)
{
	stage->name = boot_stage = name->text;
	stage->ticks = clock_ticks();
	logblock_stage(name);
	*last_stage = stage;
	last_stage = &stage->next;
}

#define STAGE(call, ...)                                                                           \
	do {                                                                                       \
		static struct stage stage;                                                         \
		static const struct stage_name name = {#call};                                     \
		_Static_assert(sizeof(#call) <= sizeof(name), "the name ends in NUL");             \
		begin_stage(&stage, &name);                                                        \
		call(__VA_ARGS__);                                                                 \
	} while (0)
/* A stage after which memory has other owners: each byte has one. */
#define MEMORY_STAGE(call)                                                                         \
	do {                                                                                       \
		STAGE(call);                                                                       \
		ledger_check();                                                                    \
	} while (0)

/* What lib/ asks of the machine. */
static void __init connect_lib(void)
{
	printk_lock = console_lock;
	printk_unlock = console_unlock;
	printk_symbol = format_symbol;
	bug_hooks.dump_stack = dump_stack;
	bug_hooks.halt = machine_halt;
}

/* The rest of the boot, once init memory can go: nothing of it is called from here on. */
static void __noreturn __noinline rest_of_boot(void)
{
	STAGE(free_initmem);
	ledger_report();
	pr_info("Boot complete: buddy, slab and vmalloc are up, %lu pages free\n", nr_free_pages());
	fail_report();

	STAGE(monitor_loop);
}

void __init start_kernel(void)
{
	bss_is_clear = true;
	connect_lib();
	STAGE(boot_cpu_init);                    /* who we are, since when */
	STAGE(early_fixmap_init);                /* any single page can be reached */
	STAGE(early_ioremap_init);               /* and up to 256 KiB of a device */
	STAGE(setup_machine_fdt, handover.tree); /* the tree: mapped, checked, scanned */
	seed_stack_guard(machine.seed ^ clock_ticks());
	STAGE(parse_early_param);          /* earlycon talks from here on */
	unmask_serror();                   /* an error of the memory system is shown */
	MEMORY_STAGE(arm64_memblock_init); /* memory and reserved, clipped and complete */
	STAGE(log_init);                   /* what is logged outlives a reset from here on */
	MEMORY_STAGE(paging_init);         /* swapper_pg_dir live, linear map there */
	MEMORY_STAGE(bootmem_init);        /* zones and nodes */
	MEMORY_STAGE(mem_init);            /* memory goes to the page allocator */
	STAGE(kmem_cache_init, machine.seed ^ clock_ticks()); /* slab, kmalloc */
	STAGE(table_pages_from_buddy); /* new page tables are ordinary pages now */
	STAGE(vmalloc_init);           /* vmalloc, ioremap */
	STAGE(earlycon_remap);         /* the console leaves the fixmap */
	STAGE(early_ioremap_reset);    /* no more windows through the fixmap */
	STAGE(early_ioremap_check);    /* nobody left a window open */
	STAGE(mark_rodata_ro);         /* what only the boot writes is sealed */
	rest_of_boot();
}

static int stages_command(int argc, char **argv)
{
	u64 start = handover.time;
	const char *name = "head.S";

	(void)argv;
	if (argc != 1)
		return -EINVAL;
	for (const struct stage *stage = first_stage; stage; stage = stage->next) {
		cprintf("%12lu ns %s\n", ticks_to_ns(stage->ticks - start), name);
		start = stage->ticks;
		name = stage->name;
	}
	return 0;
}
MONITOR_COMMAND(stages, "", "how long each boot stage took", stages_command);
