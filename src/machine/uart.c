/* uart.c - a 16550A serial port, one byte a register, whose line is the console. Sending takes no time; what is typed
 * is fetched when the program looks or, while it has the interrupt enabled, every millisecond. Pin 0: interrupt.
 *
 * Not modelled: line errors, breaks, modem lines that change (they say "connected"), and speed.
 */
#include "machine/board.h"
#include "machine/tree.h"

enum { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR, SIZE = 0x100, FIFO = 16 };
enum { IER_DATA = 1, IER_EMPTY = 2 };
enum { IIR_NONE = 1, IIR_EMPTY = 2, IIR_DATA = 4, IIR_FIFO = 0xc0 };
enum { FCR_ENABLE = 1, FCR_CLEAR_IN = 2, LCR_DLAB = 0x80, MCR_LOOP = 0x10, LSR_DATA = 1, LSR_EMPTY = 0x60 };
enum { MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80 };

#define UART_FIELDS(FIELD, ARRAY)                                                                                      \
    ARRAY(uint8_t, in, FIFO, RESOURCE, 0, 0, 0, 0xff)                                                                  \
    FIELD(uint8_t, in_first, RESOURCE, 0, 0, 0, FIFO - 1)                                                              \
    FIELD(uint8_t, in_count, RESOURCE, 0, 0, 0, 0x1f)                                                                  \
    FIELD(uint8_t, in_ended, RESOURCE, 0, 0, 0, 1)                                                                     \
    FIELD(uint8_t, sent, RESOURCE, 0, 0, 0, 1) /* "transmitter empty" has not been acknowledged */                     \
    FIELD(uint8_t, ier, RESOURCE, 0, 0, 0, 0x0f)                                                                       \
    FIELD(uint8_t, fcr, RESOURCE, 0, 0, 0, 0xff)                                                                       \
    FIELD(uint8_t, lcr, RESOURCE, 0, 0, 0, 0xff)                                                                       \
    FIELD(uint8_t, mcr, RESOURCE, 0, 0, 0, 0x1f)                                                                       \
    FIELD(uint8_t, scr, RESOURCE, 0, 0, 0, 0xff)                                                                       \
    FIELD(uint16_t, divisor, RESOURCE, 0, 0, 0, 0xffff)                                                                \
    FIELD(uint64_t, next_look, TIME, 0, 0, 0, UINT64_MAX)

struct uart {
    FIELDS_STRUCT(UART_FIELDS)
};
#define FIELDS_OF struct uart
static const struct field fields[] = {FIELDS_TABLE(UART_FIELDS)};
FIELDS_WHOLE(struct uart, FIELDS_INIT(UART_FIELDS));

/* Something has happened: a reason that there still is asks again (update raises the pin). */
static void again(struct device_host *host) {
    board_pin(host, 0, false);
}

static void receive(struct uart *u, struct device_host *host, uint8_t byte) {
    if (u->ier & IER_DATA) again(host);
    u->in[(u->in_first + u->in_count++) % FIFO] = byte;
}

/* Fetches what has been typed, as far as there is room. */
static void look(struct uart *u, struct device_host *host) {
    unsigned room = u->fcr & FCR_ENABLE ? FIFO : 1;
    while (u->in_count < room && !u->in_ended) {
        int got = board_input(host);
        if (got == CONSOLE_NOTHING) break;
        if (got == CONSOLE_END)
            u->in_ended = 1;
        else
            receive(u, host, (uint8_t)got);
    }
    u->next_look = board_time(host) + BOARD_INPUT_TICKS;
}

/* A program that polls must not cost a system call each time: once per tick of the clock is enough. */
static void look_sometimes(struct uart *u, struct device_host *host) {
    /* With the interrupt enabled update looks: a read must not raise the pin. */
    if (!(u->ier & IER_DATA) && !(u->mcr & MCR_LOOP) && u->in_count == 0 &&
        u->next_look != board_time(host) + BOARD_INPUT_TICKS)
        look(u, host);
}

static unsigned reason(const struct uart *u) {
    if ((u->ier & IER_DATA) && u->in_count) return IIR_DATA;
    return (u->ier & IER_EMPTY) && u->sent ? IIR_EMPTY : IIR_NONE;
}

static unsigned modem_status(const struct uart *u) {
    if (!(u->mcr & MCR_LOOP)) return MSR_CTS | MSR_DSR | MSR_DCD;
    /* Looped back: RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD. */
    return (u->mcr & 2 ? MSR_CTS : 0) | (u->mcr & 1 ? MSR_DSR : 0) | (u->mcr & 4 ? MSR_RI : 0) |
           (u->mcr & 8 ? MSR_DCD : 0);
}

static bool read(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                 uint64_t *value) {
    struct uart *u = state;
    (void)region, (void)size;
    *value = 0;
    switch (offset) {
    case RBR_THR:
        if (u->lcr & LCR_DLAB) {
            *value = u->divisor & 0xff;
        } else if (u->in_count) {
            *value = u->in[u->in_first];
            u->in_first = (u->in_first + 1) % FIFO;
            u->in_count--;
            again(host);
        }
        break;
    case IER: *value = u->lcr & LCR_DLAB ? u->divisor >> 8 : u->ier; break;
    case IIR_FCR:
        *value = reason(u) | (u->fcr & FCR_ENABLE ? IIR_FIFO : 0);
        if (reason(u) == IIR_EMPTY) {
            u->sent = 0;
            again(host);
        }
        break;
    case LCR: *value = u->lcr; break;
    case MCR: *value = u->mcr; break;
    case LSR:
        look_sometimes(u, host);
        *value = LSR_EMPTY | (u->in_count ? LSR_DATA : 0);
        break;
    case MSR: *value = modem_status(u); break;
    case SCR: *value = u->scr; break;
    default: break;
    }
    return true;
}

static void send(struct uart *u, struct device_host *host, uint8_t byte) {
    u->sent = 1;
    if (!(u->mcr & MCR_LOOP))
        board_output(host, &byte, 1);
    else if (u->in_count < FIFO)
        receive(u, host, byte);
}

static bool write(void *state, struct device_host *host, unsigned region, uint64_t offset, unsigned size,
                  uint64_t value) {
    struct uart *u = state;
    uint8_t byte = (uint8_t)value;
    (void)region, (void)size;
    again(host);
    switch (offset) {
    case RBR_THR:
        if (u->lcr & LCR_DLAB)
            u->divisor = (uint16_t)((u->divisor & 0xff00) | byte);
        else
            send(u, host, byte);
        break;
    case IER:
        if (u->lcr & LCR_DLAB) {
            u->divisor = (uint16_t)((u->divisor & 0xff) | byte << 8);
        } else {
            if (!(u->ier & IER_EMPTY) && (byte & IER_EMPTY)) u->sent = 1; /* it is empty: say so at once */
            u->ier = byte & 0x0f;
        }
        break;
    case IIR_FCR:
        /* Turning the FIFO on or off also empties it. */
        if ((byte & FCR_CLEAR_IN) || ((byte ^ u->fcr) & FCR_ENABLE)) u->in_count = 0;
        u->fcr = byte & 0xc9;
        break;
    case LCR: u->lcr = byte; break;
    case MCR: u->mcr = byte & 0x1f; break;
    case SCR: u->scr = byte; break;
    default: break;
    }
    return true;
}

static uint64_t update(void *state, struct device_host *host) {
    struct uart *u = state;
    bool waits = (u->ier & IER_DATA) && !u->in_ended && !(u->mcr & MCR_LOOP);
    if (waits && (board_time(host) >= u->next_look || board_input_ready(host))) look(u, host);
    waits = waits && !u->in_ended;
    board_listen(host, waits);
    board_pin(host, 0, reason(u) != IIR_NONE);
    return waits ? u->next_look : UINT64_MAX;
}

static void describe(struct tree *tree, const struct device_host *host) {
    (void)host;
    tree_cell(tree, "clock-frequency", 3686400); /* what divisors are of; the line has no speed */
}

const struct device device_uart = {
    .name = "uart",
    .size = SIZE,
    .state_size = sizeof(struct uart),
    .fields = fields,
    .nfields = sizeof fields / sizeof *fields,
    .read = read,
    .write = write,
    .update = update,
    .node = "serial",
    .compatible = "ns16550a",
    .describe = describe,
};
