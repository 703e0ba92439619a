/* SPDX-License-Identifier: BSD-2-Clause */
#include <mm/debug.h>

#include <lib/cmdline.h>
#include <lib/errno.h>
#include <lib/printk.h>

struct fail_nth fail_page_alloc = {.name = "fail_page_alloc"};
struct fail_nth failslab = {.name = "failslab"};
unsigned int init_on;

bool fail_counted(struct fail_nth *fail, const char *what, size_t n)
{
	unsigned int call = __atomic_add_fetch(&fail->calls, 1, __ATOMIC_RELAXED);

	if (call != fail->nth)
		return false;
	pr_notice("%s: call %u fails: %s %zu\n", fail->name, call, what, n);
	return true;
}

static void report(const struct fail_nth *fail)
{
	if (fail->calls < fail->nth)
		pr_notice("%s=%u: only %u calls\n", fail->name, fail->nth, fail->calls);
}

void fail_report(void)
{
	report(&fail_page_alloc);
	report(&failslab);
}

static int __init set_nth(struct fail_nth *fail, const char *val, size_t len)
{
	int n, err = parse_int(val, len, &n);

	if (!err && n < 0)
		err = -ERANGE;
	if (!err)
		fail->nth = (unsigned int)n;
	return err;
}

static int __init set_fail_page_alloc(const char *val, size_t len)
{
	return set_nth(&fail_page_alloc, val, len);
}
EARLY_PARAM("fail_page_alloc", set_fail_page_alloc, "=<n> makes the nth request fail");

static int __init set_failslab(const char *val, size_t len)
{
	return set_nth(&failslab, val, len);
}
EARLY_PARAM("failslab", set_failslab, "=<n> makes the nth request fail");

static int __init set_init_on(unsigned int which, const char *val, size_t len)
{
	int n, err = parse_int(val, len, &n);

	if (!err && n & ~1)
		err = -ERANGE;
	if (!err)
		init_on = (init_on & ~which) | which * (unsigned int)n;
	return err;
}

static int __init set_init_on_alloc(const char *val, size_t len)
{
	return set_init_on(INIT_ON_ALLOC, val, len);
}
EARLY_PARAM("init_on_alloc", set_init_on_alloc, "=1|0 clears memory given out");

static int __init set_init_on_free(const char *val, size_t len)
{
	return set_init_on(INIT_ON_FREE, val, len);
}
EARLY_PARAM("init_on_free", set_init_on_free, "=1|0 clears memory given back");
