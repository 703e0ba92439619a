/* SPDX-License-Identifier: BSD-2-Clause */
#include <mm/debug.h>

#include <lib/cmdline.h>
#include <lib/errno.h>
#include <lib/printk.h>

struct fail_nth fail_page_alloc, failslab;
unsigned int init_on_alloc, init_on_free;

static const char *name_of(const struct fail_nth *fail)
{
	return fail == &failslab ? "failslab" : "fail_page_alloc";
}

bool fail_call(gfp_t gfp, struct fail_nth *fail, const char *what, size_t n)
{
	unsigned int call;

	if (likely(!fail->nth) || gfp & __GFP_NOFAIL)
		return false;
	call = __atomic_add_fetch(&fail->calls, 1, __ATOMIC_RELAXED);
	if (call != fail->nth)
		return false;
	pr_notice("%s: call %u fails: %s %zu\n", name_of(fail), call, what, n);
	return true;
}

static void report(const struct fail_nth *fail)
{
	if (fail->calls < fail->nth)
		pr_notice("%s=%u: only %u calls\n", name_of(fail), fail->nth, fail->calls);
}

void fail_report(void)
{
	report(&fail_page_alloc);
	report(&failslab);
}

static int __init set_number(unsigned int *number, int most, const char *val, size_t len)
{
	int n, err = parse_int(val, len, &n);

	if (!err && (n < 0 || n > most))
		err = -ERANGE;
	if (!err)
		*number = (unsigned int)n;
	return err;
}

static int __init set_fail_page_alloc(const char *val, size_t len)
{
	return set_number(&fail_page_alloc.nth, INT32_MAX, val, len);
}
EARLY_PARAM("fail_page_alloc", set_fail_page_alloc, "=<n>");

static int __init set_failslab(const char *val, size_t len)
{
	return set_number(&failslab.nth, INT32_MAX, val, len);
}
EARLY_PARAM("failslab", set_failslab, "=<n>");

static int __init set_init_on_alloc(const char *val, size_t len)
{
	return set_number(&init_on_alloc, 1, val, len);
}
EARLY_PARAM("init_on_alloc", set_init_on_alloc, "=0|1");

static int __init set_init_on_free(const char *val, size_t len)
{
	return set_number(&init_on_free, 1, val, len);
}
EARLY_PARAM("init_on_free", set_init_on_free, "=0|1");
