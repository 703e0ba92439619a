/* SPDX-License-Identifier: BSD-2-Clause */
#include <asm/brk.h>
#include <asm/cpu.h>
#include <asm/earlycon.h>
#include <asm/fixmap.h>
#include <asm/page.h>
#include <asm/percpu.h>
#include <asm/probe.h>
#include <asm/setup.h>
#include <asm/sysreg.h>
#include <lib/cmdline.h>
#include <lib/errno.h>
#include <lib/kernel.h>
#include <lib/monitor.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/memblock.h>
#include <mm/vmalloc.h>

/* What a transmitter gets to take the next character: 50 ms are two characters at 300 bits a
 * second. */
#define WAIT_MS    50      /* drop_device() says so */
#define WAIT_LOOPS 2000000 /* looks, when the counter is of no use: each takes 25 ns and more */

extern const struct earlycon_driver __start_earlycon_drivers[], __stop_earlycon_drivers[];
#define for_each_driver(drv)                                                                       \
	for ((drv) = __start_earlycon_drivers; (drv) < __stop_earlycon_drivers; (drv)++)

/* The first console; those that are more than one follow. */
static struct earlycon_device device;
RESERVE_BRK(earlycon, SZ_1K);
#define for_each_device(dev) for (struct earlycon_device *dev = &device; dev; dev = dev->next)

/* The CPU that writes to a device now, and which. */
static struct cpu *writer;
static struct earlycon_device *written;

/* ---- what drivers use, before the MMU too ---- */

u32 earlycon_read_reg(struct earlycon_device *dev, unsigned int reg)
{
	volatile u8 *p = dev->base + (reg << dev->shift);
	u32 value = 0;
	u8 byte = 0;

	if (dev->width == 1 ? !probe_read_u8(p, &byte) : !probe_read_u32((volatile u32 *)p, &value))
		dev->stuck = true;
	return value | byte;
}

void earlycon_write_reg(struct earlycon_device *dev, unsigned int reg, u32 value)
{
	volatile u8 *p = dev->base + (reg << dev->shift);

	if (dev->width == 1 ? !probe_write_u8(p, (u8)value)
			    : !probe_write_u32((volatile u32 *)p, value))
		dev->stuck = true;
}

static bool is_ready(struct earlycon_device *dev, const struct earlycon_status *status)
{
	u32 value = earlycon_read_reg(dev, status->reg);

	return !dev->stuck && (value & status->mask) == status->ready;
}

int earlycon_receive(struct earlycon_device *dev, const struct earlycon_status *there,
		     unsigned int data_reg)
{
	return is_ready(dev, there) ? (int)(earlycon_read_reg(dev, data_reg) & 0xff) : -1;
}

/*
 * Counters have been seen to stand still, and to be read too low or too high for a moment
 * (Cortex-A73 erratum 858921 and its like): late is what two reads agree on, and the device gets
 * one more look then, for nobody knows when the last one was.
 */
bool earlycon_wait(struct earlycon_device *dev, const struct earlycon_status *status)
{
	s64 ticks = (s64)(read_sysreg(cntfrq_el0) / (1000 / WAIT_MS)) ?: INT64_MAX;
	u64 start = read_sysreg(cntvct_el0);
	bool late = false;

	for (u32 loops = 0; !dev->stuck; loops++) {
		if (is_ready(dev, status))
			return true;
		if (late || loops == WAIT_LOOPS)
			dev->stuck = true;
		late = (s64)(read_sysreg(cntvct_el0) - start) >= ticks &&
		       (s64)(read_sysreg(cntvct_el0) - start) >= ticks;
	}
	return false;
}

/* Characters are most of what a boot does: all that does not change from one to the next is looked
 * up before, and the probe's barriers come once for all, in console_write(). */
void earlycon_send(struct earlycon_device *dev, const char *text, size_t len,
		   const struct earlycon_status *room, unsigned int data_reg)
{
	volatile u8 *status = dev->base + (room->reg << dev->shift),
		    *data = dev->base + (data_reg << dev->shift);
	u32 mask = room->mask, ready = room->ready, value = 0;

	if (dev->width == 1) {
		for (; len > 0; len--) {
			DEVICE_LOAD8(value, status, fault);
			if (unlikely((value & mask) != ready) && !earlycon_wait(dev, room))
				return;
			DEVICE_STORE8((u32)(u8)*text++, data, fault);
		}
		return;
	}
	for (; len > 0; len--) {
		DEVICE_LOAD32(value, status, fault);
		if (unlikely((value & mask) != ready) && !earlycon_wait(dev, room))
			return;
		DEVICE_STORE32((u32)(u8)*text++, data, fault);
	}
	return;
fault:
	dev->stuck = true;
}

/* ---- the console ---- */

void earlycon_write(struct earlycon_device *dev, const char *text, size_t len)
{
	while (len > 0 && !dev->stuck) {
		const char *newline = memchr(text, '\n', len);
		size_t n = newline ? (size_t)(newline - text) : len;

		if (n)
			dev->driver->write(dev, text, n);
		if (!newline)
			return;
		if (!dev->stuck)
			dev->driver->write(dev, "\r\n", 2);
		text += n + 1;
		len -= n + 1;
	}
}

/*
 * Until earlycon_remap() all are reached through one slot. Who holds it: NULL, nobody. Boot CPU, or
 * with the console's lock held.
 */
static struct earlycon_device *in_slot;

static void take_slot(struct earlycon_device *dev)
{
	if (in_slot)
		in_slot->away = true;
	in_slot = dev;
	dev->away = false;
	/* nGnRnE, here and in earlycon_remap(): a write's error comes from the device itself, so a
	 * DSB waits for it. */
	__set_fixmap(FIX_EARLYCON_MEM_BASE, dev->phys, PAGE_KERNEL_DEVICE_NP);
}

static void leave_slot(struct earlycon_device *dev)
{
	if (in_slot != dev)
		return;
	in_slot = NULL;
	clear_fixmap(FIX_EARLYCON_MEM_BASE);
}

static struct console console;
static int working; /* devices */

static void drop_device(const struct earlycon_device *dev)
{
	if (!--working) {
		unregister_console(&console);
		monitor_getc = NULL;
	}
	pr_err("earlycon: %s at 0x%lx takes nothing for 50 ms or faults (SError 0x%lx): dropped\n",
	       dev->driver->shown, dev->phys, dev->serror);
}

static void write_to(struct earlycon_device *dev, const char *text, size_t len)
{
	if (dev->stuck)
		return;
	if (unlikely(dev->away))
		take_slot(dev);
	dev->tried = true;
	WRITE_ONCE(written, dev);
	WRITE_ONCE(writer, this_cpu());
	earlycon_write(dev, text, len);
	/* What a write comes back as belongs to it. */
	probe_settle();
	WRITE_ONCE(writer, NULL);
	if (READ_ONCE(dev->stuck))
		drop_device(dev);
}

static void console_write(struct console *con, const char *text, size_t len)
{
	(void)con;
	for_each_device (dev)
		write_to(dev, text, len);
}

static struct console console = {.name = "earlycon", .write = console_write};

bool earlycon_works(void)
{
	return working > 0;
}

int earlycon_getc(void)
{
	/* smh waits for a character: not with the lock held, unless it takes turns. */
	bool shared = in_slot != NULL;
	unsigned long cookie = shared ? console_lock() : 0;
	int c = -1;

	for_each_device (dev) {
		if (dev->stuck)
			continue;
		if (dev->away)
			take_slot(dev);
		c = dev->driver->getc(dev);
		if (dev->stuck)
			drop_device(dev);
		else if (c >= 0)
			break;
	}
	if (shared)
		console_unlock(cookie);
	return c;
}

/* The registers that were interrupted are as they were: writing goes on, to a device that is not
 * asked any more. */
bool earlycon_serror(u64 esr)
{
	if (READ_ONCE(writer) != this_cpu())
		return false;
	written->serror = esr;
	WRITE_ONCE(written->stuck, true);
	return true;
}

/* ---- bringing one up ---- */

static void __init announce(const struct earlycon_device *dev)
{
	int len = (int)dev->options_len;

	if (dev->driver->window)
		pr_info("earlycon: %s at %s 0x%016lx (options '%.*s')\n", dev->driver->shown,
			dev->space, dev->phys, len, dev->options);
	else
		pr_info("earlycon: %s (options '%.*s')\n", dev->driver->shown, len, dev->options);
}

const char *__init earlycon_check(const struct earlycon_device *dev)
{
	if (!dev->driver->window)
		return NULL;
	if (!dev->phys)
		return "it has no address";
	if (dev->phys >> cpu_pa_bits())
		return "beyond this CPU's physical addresses";
	if (dev->shift > 4 || (dev->width != 1 && dev->width != 4))
		return "only registers of 1 and 4 bytes, 16 bytes apart at most, are known";
	if (dev->phys & (dev->width - 1U))
		return "the address is misaligned";
	if ((dev->phys & ~PAGE_MASK) + ((size_t)dev->driver->window << dev->shift) > PAGE_SIZE)
		return "the registers cross the end of a page";
	return NULL;
}

static const char *__init map_registers(struct earlycon_device *dev)
{
	const char *why = earlycon_check(dev);

	if (why || !dev->driver->window)
		return why;
	/* Device and cacheable mappings of one page must not mix, and what is written there would
	 * be lost data. */
	if (memblock_is_memory(dev->phys))
		return "the address is RAM";
	dev->base = (volatile u8 *)fix_to_virt(FIX_EARLYCON_MEM_BASE) + (dev->phys & ~PAGE_MASK);
	take_slot(dev);
	return NULL;
}

/* Start the device described by *wanted. NULL, or why it cannot be a console. */
static const char *__init start_console(const struct earlycon_device *wanted)
{
	static struct earlycon_device *spare __initdata = &device;
	struct earlycon_device *dev = spare ?: extend_brk(sizeof(device), __alignof__(device));
	unsigned long pos = 0;
	const char *why, *line;
	size_t len;

	if (!dev)
		return "no memory";
	spare = dev;
	*dev = *wanted;
	unmask_serror();
	why = map_registers(dev);
	if (!why)
		why = dev->driver->setup(dev);
	if (!why && dev->stuck)
		why = "nothing answers at this address";
	if (why) {
		leave_slot(dev);
		dev->driver = NULL;
		dev->base = NULL;
		return why;
	}
	spare = NULL;
	working++;
	announce(dev);
	monitor_getc = earlycon_getc;
	register_console(&console);
	if (dev == &device)
		return NULL;
	/* What counts as shown, because another was given it. */
	while ((line = printk_next(&pos, &len)) != NULL)
		write_to(dev, line, len);
	dev->next = device.next;
	device.next = dev;
	return NULL;
}

/* "115200n8,24000000": bits per second, a format that is left as it is, and the clock in Hz. */
static void __init read_options(struct earlycon_device *dev)
{
	const char *end = dev->options + dev->options_len, *p = dev->options;

	if (p == end)
		return;
	dev->baud = (u32)memparse(p, NULL);
	p = memchr(p, ',', dev->options_len);
	if (p && p + 1 < end)
		dev->clock = (u32)memparse(p + 1, NULL);
}

/* Is the string [s, s + len) one of list's, which are ended by NUL each and by an empty one? */
static bool __init is_one_of(const char *list, const char *s, size_t len)
{
	for (; *list; list += strlen(list) + 1)
		if (strlen(list) == len && !memcmp(list, s, len))
			return true;
	return false;
}

/* ---- chosen by the user ---- */

/* What stands between p and the next comma, or end; *p moves behind the comma. */
static size_t __init next_field(const char **p, const char *end)
{
	const char *start = *p, *comma = memchr(start, ',', (size_t)(end - start));

	*p = comma ? comma + 1 : end;
	return (size_t)((comma ? comma : end) - start);
}

static const struct earlycon_driver *__init driver_called(const char *name, size_t len)
{
	const struct earlycon_driver *drv;

	for_each_driver(drv) if (is_one_of(drv->names, name, len)) return drv;
	return NULL;
}

/* The optional second field says how registers are reached. NULL, or what is wrong with it. */
static const char *__init read_space(struct earlycon_device *dev, const char **p, const char *end)
{
	const char *field = *p;
	size_t len;

	/* The address itself, or nothing at all: earlycon_parse() knows what to say. */
	if (field == end || (*field >= '0' && *field <= '9'))
		return NULL;
	len = next_field(p, end);
	if (is_one_of("mmio32\0mmio32native\0", field, len)) {
		dev->space = "MMIO32";
		dev->width = 4;
		dev->shift = dev->driver->numbered ? 2 : 0;
	} else if (is_one_of("mmio\0", field, len)) {
		dev->width = 1;
		dev->shift = 0;
	} else if (is_one_of("io\0", field, len)) {
		return "arm64 has no I/O ports; mmio or mmio32 is meant";
	} else {
		return "registers are reached by mmio or mmio32";
	}
	return NULL;
}

const char *__init earlycon_parse(struct earlycon_device *dev, const char *spec, size_t len)
{
	const char *p = spec, *end = spec + len, *why, *after, *address;

	*dev = (struct earlycon_device){.driver = driver_called(spec, next_field(&p, end)),
					.space = "MMIO"};
	if (!dev->driver)
		return "no such driver; there are pl011, uart8250, bcm2835aux, omap8250 and smh";
	dev->width = dev->driver->width;
	dev->shift = dev->driver->shift;
	if (dev->driver->window) {
		why = read_space(dev, &p, end);
		if (why)
			return why;
		address = p;
		next_field(&p, end);
		dev->phys = memparse(address, &after);
		if (after == address || (after != end && *after != ','))
			return "a device address is missing, as in earlycon=pl011,0x9000000";
	}
	dev->options = p;
	dev->options_len = (unsigned int)(end - p);
	read_options(dev);
	return NULL;
}

/* ---- chosen by the tree ---- */

static const struct earlycon_driver *__init driver_for(const struct dt_prop *compatible)
{
	const struct earlycon_driver *drv;

	for_each_driver(drv) for (const char *s = drv->compatible; *s;
				  s += strlen(s) + 1) if (dt_list_has(compatible, s)) return drv;
	return NULL;
}

const char *__init earlycon_from_node(struct earlycon_device *dev, const struct dt_iter *it)
{
	const struct dt *dt = it->dt;
	struct dt_prop compatible;
	u32 width;
	u64 size;

	*dev = (struct earlycon_device){.options = "", .space = "MMIO"};
	if (!dt_prop(dt, it->node, "compatible", &compatible) ||
	    !(dev->driver = driver_for(&compatible)))
		return "no driver for its \"compatible\"";
	if (!dt_reg(it, 0, &dev->phys, &size))
		return "it has no usable reg";
	if (!dt_translate(it, false, &dev->phys))
		return "a bus above it has no ranges that cover its address";
	dev->phys += dt_u32(dt, it->node, "reg-offset", 0);
	width = dt_u32(dt, it->node, "reg-io-width", 0);
	if (width == 4)
		dev->space = "MMIO32";
	dev->width = (u8)(width ? min(width, 255U) : dev->driver->width);
	dev->shift = dev->driver->shift;
	if (dev->driver->numbered)
		dev->shift = (u8)min(dt_u32(dt, it->node, "reg-shift", dev->shift), 255U);
	dev->clock = dt_u32(dt, it->node, "clock-frequency", 0);
	return NULL;
}

const char *__init earlycon_from_path(struct earlycon_device *dev, const struct dt *dt,
				      const char *path)
{
	size_t len = strlen(path);
	const char *colon = memchr(path, ':', len), *why;
	struct dt_iter it;

	if (!dt_find_path(&it, dt, path, colon ? (size_t)(colon - path) : len))
		return "there is no such node or alias";
	why = earlycon_from_node(dev, &it);
	if (colon) {
		dev->options = colon + 1;
		dev->options_len = (unsigned int)(path + len - dev->options);
		read_options(dev);
	}
	return why;
}

/* GPFSEL1 of the Raspberry Pi's SoCs (BCM2835 ARM Peripherals 6.1), and of it GPIO14's function. */
#define GPFSEL1       4
#define GPIO14(fsel1) ((fsel1) >> 12 & 7)
#define ALT0          4
#define ALT5          2

const char *__init earlycon_on_pins(const struct dt *dt, bool (*read)(phys_addr_t at, u32 *value))
{
	struct dt_iter it;
	u64 base, size;
	u32 value;

	dt_start(&it, dt);
	if (!dt_find_compatible(&it, "brcm,bcm2711-gpio")) {
		dt_start(&it, dt);
		if (!dt_find_compatible(&it, "brcm,bcm2835-gpio"))
			return NULL;
	}
	if (!dt_reg(&it, 0, &base, &size) || !dt_translate(&it, false, &base) ||
	    !read(base + GPFSEL1, &value))
		return NULL;
	return GPIO14(value) == ALT0   ? "arm,pl011"
	       : GPIO14(value) == ALT5 ? "brcm,bcm2835-aux-uart"
				       : NULL;
}

/* ---- when ---- */

/* Through the console's own slot, which is not in use yet. */
static bool __init read_device(phys_addr_t at, u32 *value)
{
	bool ok;

	__set_fixmap(FIX_EARLYCON_MEM_BASE, at, PAGE_KERNEL_DEVICE_NP);
	ok = probe_read_u32((u32 *)(fix_to_virt(FIX_EARLYCON_MEM_BASE) + (at & ~PAGE_MASK)), value);
	clear_fixmap(FIX_EARLYCON_MEM_BASE);
	return ok;
}

/* The first that is enabled, of this kind; NULL: all, of any. */
static bool __init start_any(const char *compatible)
{
	struct earlycon_device dev;
	struct dt_iter it;
	const char *why;

	dt_start(&it, &machine.dt);
	while (compatible ? dt_find_compatible(&it, compatible) : dt_next_node(&it)) {
		/* stdout-path had its turn. */
		if (!dt_available(it.dt, it.node) || earlycon_from_node(&dev, &it) ||
		    dev.phys == device.phys)
			continue;
		why = start_console(&dev);
		if (why)
			pr_warn("earlycon: %s at 0x%lx: %s\n", dev.driver->shown, dev.phys, why);
		else if (compatible)
			return true;
	}
	return false;
}

static bool __init start_on_pins(void)
{
	const char *uart = earlycon_on_pins(&machine.dt, read_device);

	return uart && start_any(uart);
}

static void __init start_by_tree(void)
{
	const char *path = machine.stdout_path, *why = "/chosen has none";
	struct earlycon_device dev;

	if (path)
		why = earlycon_from_path(&dev, &machine.dt, path) ?: start_console(&dev);
	if (why && !start_on_pins())
		pr_warn("earlycon: stdout-path \"%s\": %s; earlycon=<driver>,<address> names a console\n",
			path ?: "", why);
}

int __init earlycon_choose(const char *val, size_t len)
{
	struct earlycon_device dev;
	const char *why;

	if (earlycon_works())
		return 0;
	if (!val || !len) {
		start_by_tree();
		return 0;
	}
	if (len == 3 && !memcmp(val, "all", 3)) {
		if (machine.stdout_path)
			start_by_tree();
		start_any(NULL);
		return 0;
	}
	why = earlycon_parse(&dev, val, len) ?: start_console(&dev);
	if (why)
		pr_warn("earlycon=%.*s: %s\n", (int)len, val, why);
	return 0;
}
EARLY_PARAM(
	"earlycon", earlycon_choose,
	"[=<driver>[,mmio|mmio32],<address>[,<options>]] sets the first console; =all: each UART there is");

/* Linux's console=uart8250,mmio32,... means an early console too; ttyS0 and the like name drivers
 * that are not here. */
static int __init set_console(const char *val, size_t len)
{
	const char *p = val;

	if (val && memchr(val, ',', len) && driver_called(val, next_field(&p, val + len)))
		return earlycon_choose(val, len);
	return 0;
}
EARLY_PARAM("console", set_console, "=<driver>,... is the same as earlycon=");

void __init earlycon_default(void)
{
	/* With `quiet` nothing was written yet: try what was chosen while something else can be. */
	for_each_device (dev)
		if (dev->driver && !dev->tried)
			write_to(dev, "\r", 1);
	if (!earlycon_works())
		start_by_tree();
}

bool earlycon_in_fixmap(void)
{
	return in_slot != NULL;
}

void __stage earlycon_remap(void)
{
	volatile u8 *base;

	for_each_device (dev) {
		if (!dev->base)
			continue;
		/* When there is no room the slot goes on serving. */
		base = ioremap_np(dev->phys, (size_t)dev->driver->window << dev->shift);
		if (!base)
			continue;
		dev->base = base;
		dev->away = false;
		leave_slot(dev);
	}
}
