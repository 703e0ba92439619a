/* SPDX-License-Identifier: BSD-2-Clause */
/* What the device tree said about this machine, and the stages of the boot that find out. */
#ifndef ASM_SETUP_H
#define ASM_SETUP_H

#include <lib/dt.h>
#include <lib/types.h>

/* How PSCI is called (its node's "method"); PSCI_NONE: there is no usable node. */
enum psci_conduit { PSCI_NONE, PSCI_HVC, PSCI_SMC };

/* Strings point into the tree, which stays mapped (read-only) for good. Addresses are physical,
 * ends are exclusive. */
struct machine {
	struct dt dt;
	struct dt_cells cells; /* as the root states them; checked in arm64_memblock_init() */
	phys_addr_t dt_phys;
	u32 dt_size;             /* bytes, totalsize */
	const char *model;       /* never NULL */
	const char *bootargs;    /* never NULL */
	const char *stdout_path; /* path or alias, perhaps with ":options"; NULL: none */
	phys_addr_t initrd_start, initrd_end; /* both 0: none, or none that can be used */
	u64 seed; /* mixed from /chosen's rng-seed and kaslr-seed; 0: the tree had none */
	enum psci_conduit psci;
	u32 psci_version; /* 0x00000001 for 0.1, 0x00000002 for 0.2, 0x00010000 for 1.0 and later */
	u32 psci_node;    /* in dt; for the function numbers of version 0.1 */
	phys_addr_t watchdog;  /* registers of a Raspberry Pi's; 0: none */
	phys_addr_t dma_limit; /* last address every DMA master can reach (dma-ranges); all ones: no
				  limit stated */
	/* First and last node called /reserved-memory; 0, which is the root or a NOP: none. */
	u32 reserved_memory, last_reserved_memory;
	/*
	 * Memory kept for large contiguous buffers: cma=, or linux,cma-default. Linux lends such
	 * memory to whoever can be moved out of it. Nothing can be moved here, so it is reserved
	 * and counted, and has no user yet.
	 */
	phys_addr_t cma_base, cma_size;
	/* cma=size[@base[-limit]]: size PHYS_ADDR_MAX: not given. base 0: anywhere below limit,
	 * else at base. */
	struct {
		phys_addr_t size, base, limit;
	} cma_param;
};
extern struct machine machine;

/* The name of a node of machine.dt, with unit address. */
const char *dt_node_name(u32 node);

/* printk() of a message about a node, behind its path. For the boot. */
void node_printk(int level, const struct dt_iter *it, const char *fmt, ...) __printf(3, 4);
#define node_err(it, ...)   node_printk(LOGLEVEL_ERR, it, __VA_ARGS__)
#define node_warn(it, ...)  node_printk(LOGLEVEL_WARNING, it, __VA_ARGS__)
#define node_info(it, ...)  node_printk(LOGLEVEL_INFO, it, __VA_ARGS__)
#define node_debug(it, ...) node_printk(LOGLEVEL_DEBUG, it, __VA_ARGS__)
/* The size of a node's tuple `index`, cut where addresses end; that is said. */
phys_addr_t cut_tuple(const struct dt_iter *it, unsigned int index, phys_addr_t base,
		      phys_addr_t size);
/* PAGE_ALIGN(addr), or PHYS_ADDR_MAX in the last page. */
phys_addr_t page_end(phys_addr_t addr);

/* With unit address or without. */
static inline bool is_reserved_memory(const struct dt_iter *it)
{
	return it->name[0] == 'r' && dt_name_is(it->name, "reserved-memory");
}

/*
 * Map, check and scan the tree at physical address dt_phys, memory nodes into memblock. Ends in
 * panic, which says what is wrong and what to do, when the tree cannot be used. Once, after
 * early_ioremap_init().
 */
void setup_machine_fdt(phys_addr_t dt_phys);
/* Act on the command line's early options: mem=, cma=, earlycon, loglevel and others. Once, after
 * setup_machine_fdt(). */
void parse_early_param(void);

/* Make memblock's arrays complete and clipped, and choose memstart_addr. Once, after
 * parse_early_param(). */
void arm64_memblock_init(void);
/*
 * Move the log to the memory behind the image, if that is there and nobody's, where it outlives a
 * reset; and say how the previous boot ended. Once, after arm64_memblock_init().
 */
void log_init(void);
/* Nodes and zone limits; sets up the page allocator's zones. Once, after paging_init(). */
void bootmem_init(void);
/* Hand all free memory to the page allocator and say how much there is. Once, after bootmem_init().
 */
void mem_init(void);

/*
 * Reserve what the tree asks for: its reservation block, then /reserved-memory, first the regions
 * with an address, then those that only have a size. Part of arm64_memblock_init(), after kernel,
 * tree and initrd are reserved.
 */
void reserve_tree_regions(void);

/* memblock_phys_alloc_range() whose end, exclusive, means what it says. 0: no room. */
phys_addr_t alloc_between(phys_addr_t size, phys_addr_t align, phys_addr_t start, phys_addr_t end);

#endif
