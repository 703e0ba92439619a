/* SPDX-License-Identifier: BSD-2-Clause */
/* Arm PrimeCell UART (PL011, DDI 0183) and the SBSA generic UART, which is a part of it. */
#include <asm/earlycon.h>

#define UARTDR  0x00
#define UARTFR  0x18
#define UARTICR 0x44

#define FR_BUSY (1 << 3) /* there is something to send */
#define FR_RXFE (1 << 4) /* nothing received */
#define FR_TXFF (1 << 5) /* no room to send */
#define FR_TXFE (1 << 7) /* nothing to send, but for what is on its way */

static const struct earlycon_status room = {UARTFR, FR_TXFF, 0}, there = {UARTFR, FR_RXFE, 0};

static const char *__init pl011_setup(struct earlycon_device *dev)
{
	u32 fr = earlycon_read_reg(dev, UARTFR);

	/* Clearing no interrupt at all is a write without effect. */
	earlycon_write_reg(dev, UARTICR, 0);
	return dev->stuck || fr & (FR_TXFE | FR_BUSY) ? NULL : "what answers there is no PL011";
}

static void pl011_write(struct earlycon_device *dev, const char *text, size_t len)
{
	earlycon_send(dev, text, len, &room, UARTDR);
}

static int pl011_getc(struct earlycon_device *dev)
{
	return earlycon_receive(dev, &there, UARTDR);
}

EARLYCON_DRIVER(pl011) = {
	.names = "pl011\0",
	.shown = "pl11",
	.compatible = "arm,pl011\0arm,sbsa-uart\0",
	.window = 0x48,
	.width = 4,
	.setup = pl011_setup,
	.write = pl011_write,
	.getc = pl011_getc,
};
