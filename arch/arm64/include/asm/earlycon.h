/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console from the first lines of the boot to the monitor: polled, the one device chosen by
 * earlycon= or the tree's stdout-path, or all there are (earlycon=all). A driver is one small file
 * that describes itself with EARLYCON_DRIVER().
 */
#ifndef ASM_EARLYCON_H
#define ASM_EARLYCON_H

#include <lib/compiler.h>
#include <lib/dt.h>
#include <lib/types.h>

struct earlycon_driver;

struct earlycon_device {
	const struct earlycon_driver *driver;
	phys_addr_t phys;  /* of the registers */
	volatile u8 *base; /* where they are mapped; NULL for a driver without registers */
	u8 shift;          /* register n lies at n << shift */
	u8 width;          /* bytes of one access: 1 or 4 */
	bool tried;        /* something was written to it as the console */
	bool stuck;        /* it takes no more characters, or faults: it is not used any more */
	bool away;         /* base is in the fixmap's slot, where another device is now */
	u64 serror;        /* ESR of the SError that came of it; 0: none did */
	u32 clock, baud; /* Hz and bits per second that the user or the tree asked for; 0: leave it
			    as it is */
	const char *space;   /* how registers are reached, for the announcement */
	const char *options; /* as given, for the announcement: options_len characters */
	unsigned int options_len;
	struct earlycon_device *next;
};

struct earlycon_driver {
	const char
		*names; /* in earlycon=NAME,...: each ended by NUL, an empty one behind the last */
	const char *shown;      /* in the line that announces it */
	const char *compatible; /* what the tree calls such a device, in the same form */
	u16 window;             /* bytes of registers at shift 0; 0: a driver without registers */
	bool numbered;   /* registers have numbers, and reg-shift says how far apart they are */
	u8 shift, width; /* when neither user nor tree say */
	/*
	 * Get ready to write, without changing what firmware set up: the device is read and
	 * written here for the first time. NULL, or why it cannot be used; that it faults
	 * (dev->stuck) is said by the caller.
	 */
	const char *(*setup)(struct earlycon_device *dev);
	/* Write text as it is; line ends are CR LF already. Sets dev->stuck when the device takes
	 * no more. */
	void (*write)(struct earlycon_device *dev, const char *text, size_t len);
	/* A character from the device, or -1 when there is none. Does not wait (smh cannot but
	 * wait). */
	int (*getc)(struct earlycon_device *dev);
};

/* The linker table of drivers. */
#define EARLYCON_DRIVER(id)                                                                        \
	static const struct earlycon_driver id __used __section("earlycon_drivers") __aligned(8)

/* Register reg of the device. When the access faults dev->stuck is set, and a read gives 0. */
u32 earlycon_read_reg(struct earlycon_device *dev, unsigned int reg);
void earlycon_write_reg(struct earlycon_device *dev, unsigned int reg, u32 value);

/* A status register and what its bits in mask say when the device is ready. */
struct earlycon_status {
	u8 reg, mask, ready;
};

/* Wait for the status, 50 ms or so at most. False, and dev->stuck set, when it did not come. */
bool earlycon_wait(struct earlycon_device *dev, const struct earlycon_status *status);

/* A driver's getc(): what is in data_reg, when the status says that something is there. */
int earlycon_receive(struct earlycon_device *dev, const struct earlycon_status *there,
		     unsigned int data_reg);

/* A driver's write(): each character to data_reg, once the status says that there is room. */
void earlycon_send(struct earlycon_device *dev, const char *text, size_t len,
		   const struct earlycon_status *room, unsigned int data_reg);

/*
 * Describe a console: by NAME[,mmio|mmio32],ADDRESS[,OPTIONS], by the node the iterator stands on,
 * by the path or alias of one, perhaps with ":options". NULL, or what is wrong. Then, what can be
 * told about it without touching it. These and earlycon_write() are called before the MMU is on,
 * too.
 */
const char *earlycon_parse(struct earlycon_device *dev, const char *spec, size_t len);
const char *earlycon_from_node(struct earlycon_device *dev, const struct dt_iter *it);
const char *earlycon_from_path(struct earlycon_device *dev, const struct dt *dt, const char *path);
const char *earlycon_check(const struct earlycon_device *dev);
/* On a Raspberry Pi, the compatible of the UART that GPIO14, the serial port's pin, is switched to;
 * NULL: neither, or not such a board. read() gets at a register of the GPIO block. */
const char *earlycon_on_pins(const struct dt *dt, bool (*read)(phys_addr_t at, u32 *value));
/* Write text, CR LF for each newline. */
void earlycon_write(struct earlycon_device *dev, const char *text, size_t len);

/* earlycon=val: start that console, or all there are, unless there is one that works; else say why
 * not. */
int earlycon_choose(const char *val, size_t len);
/*
 * At the end of parse_early_param(): when no console came up, or what did got stuck, try the tree's
 * stdout-path, so that no boot is silent for want of an option. Writes nothing to a device the tree
 * does not name.
 */
void earlycon_default(void);
/* After vmalloc_init(): move the registers from their fixmap slot to ioremap(), if that has memory.
 */
void earlycon_remap(void);
/* Has a console stayed there? */
bool earlycon_in_fixmap(void);
/* There is a console that takes what it gets. */
bool earlycon_works(void);
/* A character typed at any console, or -1. Does not wait. */
int earlycon_getc(void);
/* An SError was taken: true when it is a console's, which is dropped for it. Any context. */
bool earlycon_serror(u64 esr);

#endif
