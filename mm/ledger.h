/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ledger: who owns each byte of the memory the device tree states, and why. It is a third list
 * of memblock's kind beside `memory` and `reserved`, whose nid is the owner; what comes first is
 * kept. The boot changes memory and reservations through the functions below, so that a list and
 * its reasons change together. After ledger_close() what the list does not hold is the page
 * allocator's, whose descriptors say the rest.
 *
 *   memory stated = not used (gone) + in memblock.memory
 *   memory        = reserved, each byte with an owner + free             until ledger_close()
 *                 = the ledger's entries + the page allocator's pages    from then on
 *
 * Addresses are physical, sizes and ends in bytes. Boot CPU, unless said otherwise.
 */
#ifndef MM_LEDGER_H
#define MM_LEDGER_H

#include <lib/types.h>
#include <mm/memblock.h>

/* Who it can be, and how that is called. What is stated and not used; what is kept from the page
 * allocator; what that has. */
#define OWNERS(X)                                                                                  \
	X(LOST, "lost to alignment") /* less than a page */                                        \
	X(LIMIT, "clipped by mem=")                                                                \
	X(UNUSABLE, "outside linux,usable-memory-range")                                           \
	X(BEYOND_CPU, "beyond this CPU's physical addresses")                                      \
	X(BEYOND_MAP, "outside the linear map")                                                    \
	X(LEFT_OUT, "left out: too many ranges")                                                   \
                                                                                                   \
	X(KERNEL_TEXT, "kernel text")                                                              \
	X(KERNEL_INIT, "kernel init")                                                              \
	X(KERNEL_RODATA, "kernel rodata")                                                          \
	X(KERNEL_DATA, "kernel data")                                                              \
	X(EARLY_TABLES, "early page tables")                                                       \
	X(BRK, "brk")                                                                              \
	X(TREE, "device tree")                                                                     \
	X(INITRD, "initrd")                                                                        \
	X(MEMRESERVE, "memreserve")   /* detail: index in the tree's reservation block */          \
	X(REGION, "/reserved-memory") /* detail: the node below that */                            \
	X(SPIN_TABLE, "cpu-release-addr of /cpus") /* detail: the CPU's node */                    \
	X(CMA, "cma=")                                                                             \
	X(LOG, "log")                                                                              \
	X(TABLES, "table pages")                                                                   \
	X(BOOT, "boot's lists")                      /* other allocations from memblock */         \
	X(NO_REASON, "reserved and nobody says why") /* a mistake of ours */                       \
                                                                                                   \
	X(FREE, "free")                                                                            \
	X(UNOPENED, "free, not opened") /* no descriptors yet */                                   \
	X(PAGES, "pages")               /* and four more in the order of enum page_role */         \
	X(KMALLOC, "kmalloc")                                                                      \
	X(PAGE_TABLE, "table pages")                                                               \
	X(META, "page descriptors")                                                                \
	X(VMALLOC, "vmalloc")                                                                      \
	X(SLAB, "slab")                                                                            \
	X(CONTIG, "contiguous pages")                                                              \
	X(NOBODY, "neither free nor given out") /* a mistake of ours */

#define OWNER_ID(id, name) OWNER_##id,
enum owner { OWNERS(OWNER_ID) NR_OWNERS, OWNER_LAST_GONE = OWNER_LEFT_OUT };

const char *owner_name(enum owner owner);

/* The boot cannot go on without what it has no room to note. */
void ledger_panic(const char *what, phys_addr_t base, phys_addr_t size) __noreturn;

/* An owner and its detail in the form the list has them; above every node number. */
#define OWNER_SHIFT 24

static inline int ledger_label(enum owner owner, u32 detail)
{
	return (int)((owner + 1) << OWNER_SHIFT | (detail & ((1u << OWNER_SHIFT) - 1)));
}

static inline enum owner label_owner(int label)
{
	return (enum owner)((label >> OWNER_SHIFT) - 1);
}

/*
 * What memblock.memory has now, and what is noted as gone, is all the memory there is. node_name:
 * how a detail that is a node of the device tree is shown.
 */
void ledger_state(const char *(*node_name)(u32 node));

/* memblock_add_node(); what was gone of it is back. */
int ledger_add_memory(phys_addr_t base, phys_addr_t size, int nid, enum memblock_flags flags);
/* Note a part of a page, which memblock.memory has not. */
void ledger_lose(phys_addr_t base, phys_addr_t size);
/* Count memory for which the arrays have no room. */
void ledger_left_out(phys_addr_t size);
/* memblock_remove() with a reason, or panic. Returns the bytes that were memory until now. */
phys_addr_t ledger_drop_memory(phys_addr_t base, phys_addr_t size, enum owner why);
/*
 * memblock_reserve() with an owner; ledger_own() where the range is reserved by other means. What
 * the tree reserves outranks those parts of the image that the boot gives back.
 */
int ledger_reserve(phys_addr_t base, phys_addr_t size, enum owner owner, u32 detail);
/* For what; or panic, else it would be given out. */
void ledger_reserve_or_panic(phys_addr_t base, phys_addr_t size, enum owner owner, u32 detail,
			     const char *what);
void ledger_own(phys_addr_t base, phys_addr_t size, enum owner owner, u32 detail);
/* memblock_phys_free() of those bytes of the range that are owner's. */
void ledger_free(phys_addr_t base, phys_addr_t size, enum owner owner);
/* The first range of owner's at or above *end, of one node, to be given back: *start, *end. False:
 * there is none, or the list was full at some time, and nobody knows who else reserved it. Any
 * context. */
bool ledger_find(enum owner owner, phys_addr_t *start, phys_addr_t *end);

/* Give every byte that is not a free page an entry. Just before memblock_free_all(). */
void ledger_close(void);
/* Whole pages of [start, end) go to the page allocator; what is over at the ends is lost. False,
 * and nothing done, unless all of the range is kept from it now. Any CPU, one at a time. */
bool ledger_release(phys_addr_t start, phys_addr_t end);

/* Bytes by owner, no-map ones apart. */
struct balance {
	phys_addr_t stated, no_map;
	phys_addr_t bytes[NR_OWNERS];
};

/*
 * Count every byte. NULL when the sum is right and the page allocator's own figures agree, else
 * what is wrong. Any context; exact while no other CPU allocates or frees.
 */
const char *ledger_balance(struct balance *b);
/* For the boot: the sum without a look at each page. A wrong one is a warning that names the stage
 * which leaves it; ledger_report() logs a right one in one line. */
void ledger_check(void);
void ledger_report(void);

#endif
