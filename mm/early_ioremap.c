/* SPDX-License-Identifier: BSD-2-Clause */
#include <mm/early_ioremap.h>

#include <asm/fixmap.h>
#include <asm/memory.h>
#include <asm/page.h>
#include <lib/bug.h>
#include <lib/printk.h>

static struct window {
	void *addr; /* what the caller got; NULL: not open */
	phys_addr_t phys;
	size_t size;
} windows[FIX_BTMAPS_SLOTS];

static enum { TOO_EARLY, IN_USE, TOO_LATE } phase;

/* Fixmap index of a page of a window. Pages ascend, so indices fall. */
static unsigned int __init window_index(unsigned int slot, unsigned int page)
{
	return FIX_BTMAP_BEGIN - NR_FIX_BTMAPS * slot - page;
}

static unsigned int __init pages_touched(phys_addr_t phys, size_t size)
{
	return (unsigned int)(PFN_DOWN(phys + size - 1) - PFN_DOWN(phys)) + 1;
}

/* Which window holds addr as returned to a caller (NULL: the first that is not open);
 * FIX_BTMAPS_SLOTS if none. */
static unsigned int __init find_window(const void *addr)
{
	unsigned int slot;

	for (slot = 0; slot < FIX_BTMAPS_SLOTS; slot++)
		if (windows[slot].addr == addr)
			break;
	return slot;
}

/* Why the range cannot be mapped, or NULL. */
static const char *__init objection(phys_addr_t phys, size_t size)
{
	if (phase == TOO_EARLY)
		return "early_ioremap_init() has not run yet";
	if (phase == TOO_LATE)
		return "ioremap() works now, use it";
	if (!size)
		return "the size is 0";
	if (size - 1 > PHYS_ADDR_MAX - phys)
		return "it wraps around the end of the address space";
	if ((phys + size - 1) >> cpu_pa_bits())
		return "no physical address is that large";
	if (size > SZ_256K || pages_touched(phys, size) > NR_FIX_BTMAPS)
		return "it touches more than the 256 KiB of a window; map it in parts";
	if (find_window(NULL) == FIX_BTMAPS_SLOTS)
		return "all windows are open; close one with early_iounmap()";
	return NULL;
}

static void *__init open_window(const char *who, phys_addr_t phys, size_t size, pgprot_t prot)
{
	const char *why = objection(phys, size);
	unsigned int slot, pages;

	if (why) {
		pr_warn("%s(%#lx, %#zx): %s\n", who, phys, size, why);
		return NULL;
	}
	slot = find_window(NULL);
	pages = pages_touched(phys, size);
	for (unsigned int page = 0; page < pages; page++)
		__set_fixmap(window_index(slot, page), (phys & PAGE_MASK) + page * PAGE_SIZE, prot);

	windows[slot] = (struct window){
		.addr = (void *)(fix_to_virt(window_index(slot, 0)) + (phys & ~PAGE_MASK)),
		.phys = phys,
		.size = size,
	};
	return windows[slot].addr;
}

static void __init close_window(const char *who, void *addr, size_t size)
{
	unsigned int slot = addr ? find_window(addr) : FIX_BTMAPS_SLOTS;
	struct window *win = &windows[slot];
	unsigned int pages;

	if (slot == FIX_BTMAPS_SLOTS) {
		pr_warn("%s(%p, %#zx): no window was opened at this address\n", who, addr, size);
		return;
	}
	if (win->size != size) {
		pr_warn("%s(%p, %#zx): the window was opened with size %#zx and stays open\n", who,
			addr, size, win->size);
		return;
	}
	pages = pages_touched(win->phys, size);
	while (pages-- > 0)
		clear_fixmap(window_index(slot, pages));
	win->addr = NULL;
}

void __stage early_ioremap_init(void)
{
	BUG_ON(phase != TOO_EARLY);
	phase = IN_USE;
}

void __stage early_ioremap_reset(void)
{
	phase = TOO_LATE;
}

void *__init early_ioremap(phys_addr_t phys, size_t size)
{
	return open_window("early_ioremap", phys, size, PAGE_KERNEL_DEVICE);
}

void *__init early_memremap(phys_addr_t phys, size_t size)
{
	return open_window("early_memremap", phys, size, PAGE_KERNEL);
}

void *__init early_memremap_ro(phys_addr_t phys, size_t size)
{
	return open_window("early_memremap_ro", phys, size, PAGE_KERNEL_RO);
}

void __init early_iounmap(void *addr, size_t size)
{
	close_window("early_iounmap", addr, size);
}

void __init early_memunmap(void *addr, size_t size)
{
	close_window("early_memunmap", addr, size);
}

unsigned int __stage early_ioremap_check(void)
{
	unsigned int open = 0;

	for (unsigned int slot = 0; slot < FIX_BTMAPS_SLOTS; slot++) {
		const struct window *win = &windows[slot];

		if (!win->addr)
			continue;
		pr_warn("early_ioremap: window %u still maps %#zx bytes at %#lx; it needs an "
			"early_iounmap(%p)\n",
			slot, win->size, win->phys, win->addr);
		open++;
	}
	return open;
}
