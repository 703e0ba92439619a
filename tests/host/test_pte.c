/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The encoding of entries in arch/arm64/include/asm/pte.h: bits where the Arm ARM (D8.3, D8.4,
 * D8.5) puts them, written as numbers here, and what the functions promise each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <asm/page.h>
#include <asm/pte.h>

#include "random.h"

static const pgprot_t prots[] = {
	PAGE_KERNEL,    PAGE_KERNEL_RO,     PAGE_KERNEL_ROX,
	PAGE_KERNEL_NC, PAGE_KERNEL_DEVICE, PAGE_KERNEL_DEVICE_NP,
};

/* A page and a block, each permission and memory type, against hand-made descriptors. */
static void test_bits(void **state)
{
	const phys_addr_t pa = 0x123456789000, block = 0x123456600000;

	(void)state;
	assert_true(pte_leaf(pa, PAGE_KERNEL, 3, false).bits == 0x0060123456789703);
	assert_true(pte_leaf(pa, PAGE_KERNEL_RO, 3, false).bits == 0x0060123456789783);
	assert_true(pte_leaf(pa, PAGE_KERNEL_ROX, 3, false).bits == 0x0040123456789783);
	assert_true(pte_leaf(pa, PAGE_KERNEL_DEVICE_NP, 3, false).bits == 0x0060123456789707);
	assert_true(pte_leaf(pa, PAGE_KERNEL_DEVICE, 3, false).bits == 0x006012345678970b);
	assert_true(pte_leaf(pa, PAGE_KERNEL_NC, 3, false).bits == 0x006012345678970f);
	assert_true(pte_leaf(pa, PAGE_KERNEL, 3, true).bits == 0x0070123456789703);
	assert_true(pte_leaf(block, PAGE_KERNEL, 2, false).bits == 0x0060123456600701);
	assert_true(pte_leaf(block, PAGE_KERNEL, 2, true).bits == 0x0070123456600701);
	assert_true(pte_leaf(0xffffc0000000, PAGE_KERNEL, 1, false).bits == 0x0060ffffc0000701);
	assert_true(pte_table(pa).bits == 0x123456789003);
	assert_true(pte_none().bits == 0);
}

/* MAIR_EL1 (D19.2.97): the byte of each index says what the index is called. */
static void test_memory_types(void **state)
{
	static const struct {
		unsigned int index;
		u8 attr;
	} types[] = {
		{MT_NORMAL, 0xff},
		{MT_DEVICE_nGnRnE, 0x00},
		{MT_DEVICE_nGnRE, 0x04},
		{MT_NORMAL_NC, 0x44},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++)
		assert_int_equal((u8)(MAIR_VALUE >> (8 * types[i].index)), types[i].attr);
	assert_int_equal(prot_memtype(PAGE_KERNEL), MT_NORMAL);
	assert_int_equal(prot_memtype(PAGE_KERNEL_RO), MT_NORMAL);
	assert_int_equal(prot_memtype(PAGE_KERNEL_ROX), MT_NORMAL);
	assert_int_equal(prot_memtype(PAGE_KERNEL_NC), MT_NORMAL_NC);
	assert_int_equal(prot_memtype(PAGE_KERNEL_DEVICE), MT_DEVICE_nGnRE);
	assert_int_equal(prot_memtype(PAGE_KERNEL_DEVICE_NP), MT_DEVICE_nGnRnE);
}

static void test_rights(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(prots); i++) {
		pgprot_t prot = prots[i];

		assert_false(prot_writable(prot) && prot_executable(prot));
		assert_true(prot.bits & BIT(54)); /* never executable at EL0 */
		assert_false(prot.bits & BIT(6)); /* no access from EL0 */
		assert_true(prot.bits & BIT(10)); /* no access flag faults */
		for (unsigned int j = 0; j < ARRAY_SIZE(prots); j++)
			assert_int_equal(prot_same(prot, prots[j]), i == j);
	}
	assert_true(prot_writable(PAGE_KERNEL) && !prot_executable(PAGE_KERNEL));
	assert_true(!prot_writable(PAGE_KERNEL_RO) && !prot_executable(PAGE_KERNEL_RO));
	assert_true(!prot_writable(PAGE_KERNEL_ROX) && prot_executable(PAGE_KERNEL_ROX));
}

/* Exactly one of the three at most. */
static void check_exclusive(pte_t pte, int level)
{
	assert_true(pte_is_none(pte) + pte_is_table(pte, level) + pte_is_leaf(pte, level) <= 1);
}

static void test_round_trips(void **state)
{
	(void)state;
	for (int i = 0; i < 200000; i++) {
		int level =
			FIRST_BLOCK_LEVEL + (int)random_below(LAST_LEVEL + 1 - FIRST_BLOCK_LEVEL);
		phys_addr_t pa = random_u64() & GENMASK(PHYS_MASK_BITS - 1, LEVEL_SHIFT(level));
		pgprot_t prot = prots[random_below(ARRAY_SIZE(prots))];
		bool cont = random_below(2);
		pte_t leaf = pte_leaf(pa, prot, level, cont);
		pte_t table = pte_table(pa);

		assert_true(pte_is_leaf(leaf, level) && !pte_is_none(leaf));
		assert_true(pte_phys(leaf) == pa);
		assert_true(prot_same(pte_prot(leaf), prot));
		assert_int_equal(pte_is_cont(leaf), cont);
		assert_true(pte_same(leaf, pte_leaf(pte_phys(leaf), pte_prot(leaf), level, cont)));
		assert_false(pte_same(leaf, pte_leaf(pa, prot, level, !cont)));
		check_exclusive(leaf, level);
		assert_true(pte_phys(table) == pa && !pte_is_none(table));
		assert_int_equal(pte_is_table(table, level), level != LAST_LEVEL);
		check_exclusive(table, level);
	}
}

/* Whatever 64 bits a broken table holds; and what is not valid is empty, so a zeroed table is. */
static void test_any_bits(void **state)
{
	(void)state;
	for (int i = 0; i < 200000; i++) {
		pte_t pte = {random_u64()};

		for (int level = 0; level <= LAST_LEVEL; level++)
			check_exclusive(pte, level);
		assert_int_equal(pte_is_none(pte), !(pte.bits & 1));
	}
	assert_true(pte_is_none(pte_none()) && pte_is_none((pte_t){0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits),     cmocka_unit_test(test_memory_types),
		cmocka_unit_test(test_rights),   cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_any_bits),
	};

	return cmocka_run_group_tests(tests, random_setup, NULL);
}
