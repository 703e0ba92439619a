/* SPDX-License-Identifier: BSD-2-Clause */
/* early_ioremap against the fixmap's record: every page of every window, refusals, leaks. In the
 * order of a boot. */
#include <mm/early_ioremap.h>

#include <asm/fixmap.h>

#include "random.h"
#include "stubs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define WINDOW SZ_256K
#define UART   ((phys_addr_t)0xfe201040)

static unsigned int mapped_pages(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < FIX_SLOTS; i++)
		n += host_fixmap[i].prot.bits != 0;
	return n;
}

/* The page table's view: where a virtual address of the fixmap leads. */
static const struct host_fixmap *walk(const void *va)
{
	return &host_fixmap[(FIXADDR_TOP - ((unsigned long)va & PAGE_MASK)) >> PAGE_SHIFT];
}

/* Every byte of [va, va + size) leads to its byte of phys, with prot. */
static void check_window(const char *va, phys_addr_t phys, size_t size, pgprot_t prot)
{
	size_t at = 0;

	while (at < size) {
		const struct host_fixmap *page = walk(va + at);

		assert_true(prot_same(page->prot, prot));
		assert_int_equal(page->phys + ((unsigned long)(va + at) & ~PAGE_MASK), phys + at);
		at = at + 1 == size || at + PAGE_SIZE < size ? at + PAGE_SIZE : size - 1;
	}
}

#define assert_refused(call, why)                                                                  \
	do {                                                                                       \
		unsigned int before = stub_warnings;                                               \
		unsigned long calls = host_fixmap_calls;                                           \
		assert_null(call);                                                                 \
		assert_int_equal(stub_warnings, before + 1);                                       \
		assert_int_equal(host_fixmap_calls, calls);                                        \
		assert_non_null(strstr(stub_warning, why));                                        \
	} while (0)

static void too_early(void **state)
{
	(void)state;
	assert_refused(early_ioremap(UART, 0x1000), "early_ioremap_init() has not run");
	early_ioremap_init();
	assert_true(ENDS_IN_BUG(early_ioremap_init()));
	assert_int_equal(early_ioremap_check(), 0);
}

static void maps_what_was_asked_for(void **state)
{
	void *p;

	(void)state;
	p = early_ioremap(UART, 0x40);
	assert_int_equal((unsigned long)p & ~PAGE_MASK, 0x40);
	assert_int_equal(mapped_pages(), 1);
	check_window(p, UART, 0x40, PAGE_KERNEL_DEVICE);
	early_iounmap(p, 0x40);
	assert_int_equal(mapped_pages(), 0);

	p = early_memremap(UART, PAGE_SIZE); /* into the next page */
	assert_int_equal(mapped_pages(), 2);
	check_window(p, UART, PAGE_SIZE, PAGE_KERNEL);
	early_memunmap(p, PAGE_SIZE);

	p = early_memremap_ro(0, WINDOW); /* a whole window, at physical 0 */
	assert_int_equal(mapped_pages(), NR_FIX_BTMAPS);
	check_window(p, 0, WINDOW, PAGE_KERNEL_RO);
	early_memunmap(p, WINDOW);

	p = early_ioremap((UL(1) << PHYS_MASK_BITS) - 1, 1); /* the last byte there can be */
	check_window(p, (UL(1) << PHYS_MASK_BITS) - 1, 1, PAGE_KERNEL_DEVICE);
	early_iounmap(p, 1);
	assert_int_equal(mapped_pages(), 0);
	assert_int_equal(stub_warnings, 1); /* that of too_early() */
}

static void refuses_with_a_reason(void **state)
{
	(void)state;
	assert_refused(early_ioremap(UART, 0), "early_ioremap(0xfe201040, 0): the size is 0");
	assert_refused(early_ioremap(PHYS_ADDR_MAX, 2), "wraps");
	assert_refused(early_memremap(UART, SIZE_MAX), "wraps");
	assert_refused(early_memremap(0, SIZE_MAX), "no physical address is that large");
	assert_refused(early_memremap((UL(1) << PHYS_MASK_BITS) - 1, 2), "no physical address");
	assert_refused(early_ioremap(0, WINDOW + 1), "map it in parts");
	assert_refused(early_memremap_ro(1, WINDOW), "early_memremap_ro(0x1, 0x40000): it touches");
	assert_int_equal(mapped_pages(), 0);
}

static void closes_only_what_is_open(void **state)
{
	char *p = early_ioremap(UART, 0x100);
	unsigned int before = stub_warnings;

	(void)state;
	early_iounmap(NULL, 0x100);
	early_iounmap(p + 1, 0x100);
	assert_non_null(strstr(stub_warning, "no window was opened at this address"));
	early_iounmap(p, 0x101);
	assert_non_null(strstr(stub_warning, "was opened with size 0x100 and stays open"));
	assert_int_equal(stub_warnings, before + 3);
	assert_int_equal(mapped_pages(), 1);
	early_iounmap(p, 0x100);
	assert_int_equal(mapped_pages(), 0);
	early_iounmap(p, 0x100);
	assert_int_equal(stub_warnings, before + 4);
}

static void all_windows_at_once(void **state)
{
	void *p[FIX_BTMAPS_SLOTS];

	(void)state;
	for (unsigned int i = 0; i < FIX_BTMAPS_SLOTS; i++)
		p[i] = early_memremap(i * UL(0x12345000), WINDOW);
	for (unsigned int i = 0; i < FIX_BTMAPS_SLOTS; i++)
		check_window(p[i], i * UL(0x12345000), WINDOW, PAGE_KERNEL);
	assert_int_equal(mapped_pages(), FIX_BTMAPS_SLOTS * NR_FIX_BTMAPS);
	assert_refused(early_ioremap(UART, 1), "all windows are open");

	/* What one gives back is taken again. */
	early_memunmap(p[3], WINDOW);
	p[3] = early_ioremap(UART, 8);
	check_window(p[3], UART, 8, PAGE_KERNEL_DEVICE);
	early_iounmap(p[3], 8);
	for (unsigned int i = 0; i < FIX_BTMAPS_SLOTS; i++)
		if (i != 3)
			early_memunmap(p[i], WINDOW);
	assert_int_equal(mapped_pages(), 0);
}

static void random_windows(void **state)
{
	struct {
		char *va;
		phys_addr_t phys;
		size_t size;
	} open[FIX_BTMAPS_SLOTS] = {0};
	unsigned int warnings = stub_warnings;

	(void)state;
	for (unsigned int n = 0; n < 50000; n++) {
		unsigned int i = random_below(FIX_BTMAPS_SLOTS);

		if (open[i].va) {
			check_window(open[i].va, open[i].phys, open[i].size, PAGE_KERNEL);
			early_memunmap(open[i].va, open[i].size);
			open[i].va = NULL;
			continue;
		}
		open[i].phys = random_u64() >> 17;
		open[i].size = 1 + random_below(WINDOW - PAGE_SIZE + 1);
		open[i].va = early_memremap(open[i].phys, open[i].size);
		assert_non_null(open[i].va);
	}
	for (unsigned int i = 0; i < FIX_BTMAPS_SLOTS; i++)
		if (open[i].va)
			early_memunmap(open[i].va, open[i].size);
	assert_int_equal(mapped_pages(), 0);
	assert_int_equal(stub_warnings, warnings);
}

static void names_leaks(void **state)
{
	void *p = early_ioremap(UART, 0x40), *q = early_memremap(0x80000000, 0x2000);
	unsigned int before = stub_warnings;

	(void)state;
	assert_int_equal(early_ioremap_check(), 2);
	assert_int_equal(stub_warnings, before + 2);
	assert_non_null(strstr(stub_warning, "window 1 still maps 0x2000 bytes at 0x80000000"));

	/* ioremap() takes over; what is open can still be closed. */
	early_ioremap_reset();
	assert_refused(early_ioremap(UART, 1), "use it");
	early_iounmap(p, 0x40);
	early_memunmap(q, 0x2000);
	assert_int_equal(early_ioremap_check(), 0);
	assert_int_equal(mapped_pages(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_early),
		cmocka_unit_test(maps_what_was_asked_for),
		cmocka_unit_test(refuses_with_a_reason),
		cmocka_unit_test(closes_only_what_is_open),
		cmocka_unit_test(all_windows_at_once),
		cmocka_unit_test(random_windows),
		cmocka_unit_test(names_leaks),
	};

	return cmocka_run_group_tests(tests, random_setup, NULL);
}
