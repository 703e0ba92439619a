/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ledger against a model that knows no ranges: physical memory is UNITS cells of a quarter
 * page, each with what it is. What the allocators own is cross-checked by mm_machine.c's auditor in
 * their tests.
 */
#include <mm/ledger.h>

#include <lib/kernel.h>
#include <mm/mm.h>

#include "host_mm.h"
#include "mm_machine.h"
#include "random.h"
#include "stubs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define UNITS      256
#define UNIT       (PAGE_SIZE / 4)
#define PAGE_UNITS 4
#define MACHINES   2000
#define OPERATIONS 60

static struct cell {
	bool memory, no_map, reserved;
	int owner; /* -1: none */
} cells[UNITS];

/* What the model says of a cell that has a place in the balance; NR_OWNERS: it has none. */
static enum owner cell_owner(const struct cell *c)
{
	if (c->owner >= 0 && (c->memory || c->owner <= OWNER_LAST_GONE))
		return (enum owner)c->owner;
	if (!c->memory)
		return NR_OWNERS;
	return c->reserved ? OWNER_NO_REASON : OWNER_FREE;
}

/* The balance is what the cells say; NULL or why not. */
static const char *compare(void)
{
	phys_addr_t bytes[NR_OWNERS + 1] = {0}, no_map = 0;
	struct balance b;

	ledger_balance(&b);
	for (unsigned int i = 0; i < UNITS; i++)
		*(cells[i].memory && cells[i].no_map ? &no_map : &bytes[cell_owner(&cells[i])]) +=
			UNIT;
	/* The list's own array may have grown into memory: that is the kernel's own. */
	for (enum owner i = 0; i < NR_OWNERS; i++)
		if (bytes[i] != b.bytes[i])
			return "an owner has another number of bytes";
	return no_map == b.no_map ? NULL : "no-map has another number of bytes";
}

/* Of the image, and given back by the boot. */
static bool is_passing(int owner)
{
	return owner == OWNER_KERNEL_INIT || owner == OWNER_EARLY_TABLES || owner == OWNER_BRK;
}

static void set_owner(unsigned int from, unsigned int to, enum owner owner)
{
	bool from_tree = owner == OWNER_MEMRESERVE || owner == OWNER_REGION;

	for (unsigned int i = from; i < to; i++)
		if (cells[i].owner < 0 || (from_tree && is_passing(cells[i].owner)) ||
		    (owner == OWNER_SPIN_TABLE && cells[i].owner <= OWNER_LAST_GONE))
			cells[i].owner = (int)owner;
}

static void do_add(unsigned int from, unsigned int to)
{
	from = ALIGN_DOWN(from, PAGE_UNITS);
	to = ALIGN(to, PAGE_UNITS);
	CHECK(!ledger_add_memory(from * UNIT, (to - from) * UNIT, 0, MEMBLOCK_NONE));
	for (unsigned int i = from; i < to; i++) {
		cells[i].memory = true;
		if (cells[i].owner >= 0 && cells[i].owner <= OWNER_LAST_GONE)
			cells[i].owner = -1;
	}
}

/* As of a tuple that is less than a page. */
static void do_lose(unsigned int from)
{
	unsigned int to = min(ALIGN(from + 1, PAGE_UNITS), from + random_below(3));

	if (cells[from].memory)
		return;
	ledger_lose(from * UNIT, (to - from) * UNIT);
	set_owner(from, to, OWNER_LOST);
}

static void do_drop(unsigned int from, unsigned int to, enum owner why)
{
	unsigned int dropped = 0;

	from = ALIGN_DOWN(from, PAGE_UNITS);
	to = ALIGN(to, PAGE_UNITS);
	for (unsigned int i = from; i < to; i++) {
		if (!cells[i].memory)
			continue;
		cells[i].memory = cells[i].no_map = false;
		cells[i].owner = (int)why;
		dropped++;
	}
	CHECK(ledger_drop_memory(from * UNIT, (to - from) * UNIT, why) == dropped * UNIT);
}

static void do_reserve(unsigned int from, unsigned int to, enum owner owner, bool with_reason)
{
	if (with_reason) {
		CHECK(!ledger_reserve(from * UNIT, (to - from) * UNIT, owner, 7));
		set_owner(from, to, owner);
	} else {
		CHECK(!memblock_reserve(from * UNIT, (to - from) * UNIT));
	}
	for (unsigned int i = from; i < to; i++)
		cells[i].reserved = true;
}

static void do_free(unsigned int from, unsigned int to, enum owner owner)
{
	ledger_free(from * UNIT, (to - from) * UNIT, owner);
	for (unsigned int i = from; i < to; i++) {
		if (cells[i].owner != (int)owner)
			continue;
		cells[i].reserved = false;
		cells[i].owner = -1;
	}
}

static void do_no_map(unsigned int from, unsigned int to)
{
	from = ALIGN_DOWN(from, PAGE_UNITS);
	to = ALIGN(to, PAGE_UNITS);
	CHECK(!memblock_mark_nomap(from * UNIT, (to - from) * UNIT));
	ledger_own(from * UNIT, (to - from) * UNIT, OWNER_REGION, 3);
	set_owner(from, to, OWNER_REGION);
	for (unsigned int i = from; i < to; i++)
		cells[i].no_map |= cells[i].memory;
}

static void random_operation(void)
{
	unsigned int from = random_below(UNITS), to = from + 1 + random_below(UNITS - from);
	enum owner owner = OWNER_KERNEL_TEXT + random_below(OWNER_BOOT - OWNER_KERNEL_TEXT);

	if (random_below(2))
		to = min(to, from + 1 + random_below(12));
	switch (random_below(8)) {
	case 0:
	case 1:
		do_add(from, to);
		break;
	case 2:
		do_lose(from);
		break;
	case 3:
		do_drop(from, to, OWNER_LIMIT + random_below(OWNER_LAST_GONE));
		break;
	case 4:
	case 5:
		do_reserve(from, to, owner, random_below(4));
		break;
	case 6:
		do_free(from, to, owner);
		break;
	case 7:
		do_no_map(from, to);
	}
}

/* Changes of memory and reservations, in any order: after each the balance is that of the cells. */
static void random_machine(void)
{
	for (unsigned int i = 0; i < UNITS; i++)
		cells[i] = (struct cell){.owner = -1};
	for (unsigned int i = 0; i < OPERATIONS; i++) {
		const char *wrong;

		random_operation();
		wrong = compare();
		if (wrong)
			check_failed(__FILE__, __LINE__, wrong);
	}
}

static void in_child(void (*fn)(void))
{
	int status;
	pid_t child;

	fflush(NULL);
	random_u64();
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_random_machines(void **state)
{
	(void)state;
	host_mm_setup();
	for (unsigned int i = 0; i < MACHINES; i++)
		in_child(random_machine);
}

/* --- the right sum, and each way in which it is wrong -------------------------------------------
 */

#define MB SZ_1M
#define GB SZ_1G

static const struct machine_range ram[] = {{GB, 512 * MB, 0}, {3 * GB, 256 * MB, 1}, {0}};
static const struct machine_range reserved[] = {
	{GB + 2 * MB, 2 * MB, 0}, {GB + 5 * MB + 0x123, 0x77, 0}, {0}};
static const struct machine plain = {ram, reserved, GB, 0, 0, 2};

static const char *balance(void)
{
	static struct balance b;

	return ledger_balance(&b);
}

static void balances(void)
{
	const char *wrong = balance();

	if (wrong)
		check_failed(__FILE__, __LINE__, wrong);
}

#define SAYS(part) CHECK(balance() && strstr(balance(), part))

static void warns(const char *part)
{
	ledger_check();
	CHECK(stub_warnings && strstr(stub_warning, part));
}

static void lost_without_a_word(void)
{
	balances();
	ledger_report();
	CHECK(!stub_warnings);
	memblock_remove(GB + 100 * MB, PAGE_SIZE);
	SAYS("come or gone");
	warns("does not balance after host test: memory has come or gone");
}

static void found_without_a_word(void)
{
	memblock_add(8 * GB, MB);
	SAYS("come or gone");
}

/* An allocated page whose descriptor says reserved. */
static void forgotten_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	balances();
	page_set_word(page, 0);
	SAYS("neither free nor given out");
}

/* A free page whose descriptor says allocated. */
static void miscounted_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL);
	u64 word = page_word(page);

	__free_page(page);
	balances();
	page_set_word(page, word);
	SAYS("counts other free pages");
}

static void forged_role(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	page_set_word(page, page_word(page) | (u64)9 << PAGE_CACHE_POS);
	SAYS("neither free nor given out");
}

static void given_out_twice(void)
{
	/* Reserved memory that the page allocator has, too. */
	ledger_own(GB + 200 * MB, MB, OWNER_INITRD, 0);
	SAYS("the page allocator counts other pages");
	warns("the page allocator counts other pages");
}

static void ranges_of_any_size(void)
{
	unsigned long pfn = alloc_contig_pages(70000, 1, GFP_KERNEL, -1);
	struct balance b;

	CHECK(pfn != NO_PFN && !ledger_balance(&b));
	CHECK(b.bytes[OWNER_CONTIG] == PFN_PHYS(70000));
	free_contig_range(pfn, 70000);
	CHECK(!ledger_balance(&b) && b.bytes[OWNER_CONTIG] == 0);
}

/* Only what is kept from the page allocator can be given to it, and only all of it. */
static void released(void)
{
	struct balance b, before;

	ledger_balance(&before);
	CHECK(!ledger_release(GB, GB + PAGE_SIZE));
	CHECK(!ledger_release(GB + 2 * MB, GB + 4 * MB + 1));
	CHECK(!ledger_release(GB + 3 * MB, GB + 3 * MB));
	CHECK(!ledger_release(7 * GB, 7 * GB + MB));
	balances();
	CHECK(free_reserved_range(GB + 2 * MB + 100, GB + 3 * MB, "half") == 255);
	CHECK(!ledger_balance(&b));
	CHECK(b.bytes[OWNER_LOST] == before.bytes[OWNER_LOST] + PAGE_SIZE - 100);
	CHECK(b.bytes[OWNER_MEMRESERVE] == MB + 100 + 0x77);
}

static void test_wrong_sums(void **state)
{
	static void (*const cases[])(void) = {
		lost_without_a_word, found_without_a_word, forgotten_page,     miscounted_page,
		forged_role,         given_out_twice,      ranges_of_any_size, released};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++)
		on_machine(&plain, cases[i]);
}

/* Before the handing over: a reservation without a reason is named. */
static void unreasoned(void)
{
	struct balance b;

	CHECK(!ledger_add_memory(GB, GB, 0, MEMBLOCK_NONE));
	ledger_state(NULL);
	CHECK(!ledger_balance(&b) && b.bytes[OWNER_FREE] == GB);
	CHECK(!memblock_reserve(GB + MB, PAGE_SIZE));
	SAYS("nobody says why");
	warns("nobody says why: 1048576K = 1048572K free + 4K reserved");
	ledger_own(GB + MB, PAGE_SIZE, OWNER_TREE, 0);
	balances();
	ledger_drop_memory(2 * GB - 3 * PAGE_SIZE, GB, OWNER_LIMIT);
	balances();
	stub_warnings = 0;
	ledger_check();
	CHECK(!stub_warnings);
}

/* What tuples have of a page is not lost where another one has all of the page. */
static void lost_by_two(void)
{
	struct balance b;

	CHECK(!memblock_add(GB, GB));
	ledger_lose(GB + MB, PAGE_SIZE / 4);
	ledger_lose(GB + MB + PAGE_SIZE / 2, PAGE_SIZE / 4);
	ledger_lose(2 * GB, 100);
	ledger_state(NULL);
	CHECK(!ledger_balance(&b) && b.bytes[OWNER_FREE] == GB && b.bytes[OWNER_LOST] == 100);
}

/* Many more entries than the array has at first, before memory can be used and after. */
static void many_entries(void)
{
	struct balance b;

	memstart_addr = GB;
	host_ram_add(GB, GB);
	CHECK(!ledger_add_memory(GB, GB, 0, MEMBLOCK_NONE));
	ledger_state(NULL);
	for (unsigned int i = 0; i < 2000; i++) {
		if (i == 1000)
			memblock_allow_resize();
		CHECK(!ledger_reserve(GB + i * 0x10000, 0x100, OWNER_MEMRESERVE, i));
	}
	CHECK(!ledger_balance(&b));
	CHECK(b.bytes[OWNER_MEMRESERVE] == 2000 * 0x100 && b.bytes[OWNER_BOOT]);
	page_alloc_init(0, 0);
	ledger_close();
	memblock_free_all();
	balances();
	ledger_balance(&b);
	CHECK(b.bytes[OWNER_LOST] == 2000 * (PAGE_SIZE - 0x100) + b.bytes[OWNER_LOST] % PAGE_SIZE);
}

static void test_before(void **state)
{
	(void)state;
	host_mm_setup();
	in_child(unreasoned);
	in_child(lost_by_two);
	in_child(many_entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_machines),
		cmocka_unit_test(test_wrong_sums),
		cmocka_unit_test(test_before),
	};

	return cmocka_run_group_tests(tests, random_setup, NULL);
}
