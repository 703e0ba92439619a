/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A first look at what the loader handed over, while BSS still holds what the loader left there.
 * Runs at the kernel's addresses but before relocation: no table of pointers, no initialised
 * pointer may be read here.
 */
#include <asm/boot.h>
#include <asm/geometry.h>
#include <asm/irqflags.h>
#include <asm/probe.h>
#include <asm/sections.h>
#include <asm/sysreg.h>
#include <lib/kernel.h>

_Static_assert(offsetof(struct boot_status, reason) == STATUS_REASON, "head.S writes it there");
_Static_assert(offsetof(struct boot_status, value) == STATUS_VALUES, "head.S writes it there");
_Static_assert(offsetof(struct boot_status, parked) == STATUS_PARKED, "head.S writes it there");
_Static_assert(offsetof(struct handover, args) == HANDOVER_ARGS, "head.S writes it there");
_Static_assert(offsetof(struct handover, el) == HANDOVER_EL, "head.S writes it there");
_Static_assert(offsetof(struct handover, sctlr) == HANDOVER_SCTLR, "head.S writes it there");
_Static_assert(offsetof(struct handover, daif) == HANDOVER_DAIF, "head.S writes it there");
_Static_assert(offsetof(struct handover, hcr) == HANDOVER_HCR, "head.S writes it there");
_Static_assert(offsetof(struct handover, time) == HANDOVER_TIME, "head.S writes it there");
_Static_assert(offsetof(struct handover, image) == HANDOVER_IMAGE, "head.S writes it there");
_Static_assert(offsetof(struct handover, window) == HANDOVER_WINDOW, "head.S writes it there");

_Static_assert(offsetof(struct handover, tree) == HANDOVER_TREE, "head.S writes it there");

struct handover handover __ro_after_init;
const char *handover_fault __ro_after_init;
u64 handover_serror __ro_after_init;
bool bss_is_clear __ro_after_init;
bool image_checked __ro_after_init;
bool log_tells __section(".data"); /* read before BSS is clear */

#define FDT_MAGIC 0xd00dfeed
/* The first two words of an ATAGS list: its size in words and ATAG_CORE. */
#define ATAG_CORE 0x54410001

/* Words that say what is wrong with x0 as a device tree's address, or NULL. */
static const char *judge_tree(phys_addr_t tree)
{
	const volatile u32 *window = (void *)(handover.window + (tree & ~PAGE_MASK));
	phys_addr_t image_last = handover.image + (unsigned long)(image_end() - _text);
	const char *misaligned =
		"not 8-byte aligned, nor a tree of 256 KiB at most, to be copied (U-Boot: unset fdt_high)";
	u32 magic, second;

	if (!tree)
		return "it is null, the loader passed none";
	if (tree < 0x100) /* where RAM begins at 0, a tree may lie in its first page */
		return "that is no address (U-Boot: use booti, go passes a count of arguments)";
	if (tree & 3 && !(tree >> PHYS_MASK_BITS))
		return misaligned;
	if (!handover.window)
		return "beyond this CPU's physical addresses";
	if (!probe_read_u32(window, &magic) || !probe_read_u32(window + 1, &second))
		return "reading there faults, no memory";
	if (second == ATAG_CORE)
		return "an ATAGS list, give the loader a .dtb";
	if (tree & 7)
		return misaligned;
	/* What else is wrong with the header, dt_header() says. */
	if (magic == __builtin_bswap32(FDT_MAGIC) && tree == handover.args[0] &&
	    tree < image_last && tree + __builtin_bswap32(second) > handover.image)
		return "it overlaps the kernel image or its BSS, load one of them elsewhere";
	return NULL;
}

u64 take_serror(void)
{
	return probe_pending_serror() ? read_sysreg(esr_el1) : 0;
}

/* On some boards nothing is answered by an SError, and what firmware left is pending still: that is
 * taken before, and none is let in behind. */
void check_handover(void)
{
	handover_serror = take_serror();
	handover_fault = judge_tree(handover.tree);
	local_serror_save();
}
