/* SPDX-License-Identifier: BSD-2-Clause */
/* The 8250, 16450, 16550 and their many descendants (National Semiconductor PC16550D). */
#include <asm/earlycon.h>
#include <lib/kernel.h>

#define REG_DATA 0 /* receive and transmit; divisor's low byte while LCR_DLAB */
#define REG_DLM  1 /* divisor's high byte while LCR_DLAB */
#define REG_LCR  3
#define REG_LSR  5
#define REG_SCR  7 /* for software to keep a byte in */

#define LCR_DLAB (1 << 7)
#define LSR_DR   (1 << 0)
#define LSR_THRE (1 << 5)
#define LSR_TEMT (1 << 6)

static const struct earlycon_status room = {REG_LSR, LSR_THRE, LSR_THRE},
				    idle = {REG_LSR, LSR_TEMT, LSR_TEMT},
				    there = {REG_LSR, LSR_DR, LSR_DR};

static void __init set_divisor(struct earlycon_device *dev, u32 divisor)
{
	u32 lcr = earlycon_read_reg(dev, REG_LCR);

	earlycon_write_reg(dev, REG_LCR, lcr | LCR_DLAB);
	earlycon_write_reg(dev, REG_DATA, divisor & 0xff);
	earlycon_write_reg(dev, REG_DLM, divisor >> 8);
	earlycon_write_reg(dev, REG_LCR, lcr & ~(u32)LCR_DLAB);
}

static const char *__init ns16550_setup(struct earlycon_device *dev)
{
	u64 sixteenth = (u64)dev->baud * 16, divisor;

	earlycon_read_reg(dev, REG_LSR);
	earlycon_write_reg(dev, REG_SCR, 0);
	if (dev->stuck || !dev->baud || !dev->clock)
		return NULL;
	divisor = (dev->clock + sixteenth / 2) / sixteenth;
	if (divisor < 1 || divisor > 0xffff)
		return "its clock cannot make that baud rate";
	if (!earlycon_wait(dev, &idle))
		return "its transmitter is stuck";
	set_divisor(dev, (u32)divisor);
	return NULL;
}

static void ns16550_write(struct earlycon_device *dev, const char *text, size_t len)
{
	earlycon_send(dev, text, len, &room, REG_DATA);
}

static int ns16550_getc(struct earlycon_device *dev)
{
	return earlycon_receive(dev, &there, REG_DATA);
}

EARLYCON_DRIVER(ns16550) = {
	.names = "uart8250\0uart\0ns16550\0ns16550a\0",
	.shown = "uart8250",
	.compatible =
		"ns16550a\0ns16550\0ns16450\0ns16750\0ns8250\0snps,dw-apb-uart\0nvidia,tegra20-uart\0",
	.window = 8,
	.numbered = true,
	.width = 1,
	.setup = ns16550_setup,
	.write = ns16550_write,
	.getc = ns16550_getc,
};

/* TI's trees do not say that registers are four bytes apart. */
EARLYCON_DRIVER(omap8250) = {
	.names = "omap8250\0",
	.shown = "omap8250",
	.compatible = "ti,omap2-uart\0ti,omap3-uart\0ti,omap4-uart\0ti,am654-uart\0",
	.window = 8,
	.numbered = true,
	.shift = 2,
	.width = 4,
	.setup = ns16550_setup,
	.write = ns16550_write,
	.getc = ns16550_getc,
};
