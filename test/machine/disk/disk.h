/* disk.h - for bare-metal programs: a driver of a virtio disk in a slot of the board (virtio 1.2, 4.2 and 5.2), without
 * interrupts. Up to DEPTH requests are in flight; each has a number.
 */
#ifndef DISK_H
#define DISK_H

#include "../bare/bare.h"

enum { SECTOR = 512, DEPTH = 32, QUEUE_SIZE = 128 };
enum { READ_FROM = 0, WRITE_TO = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, WRITE_ZEROES = 13 };

void disk_start(void);
uint64_t disk_sectors(void);
/** Makes request n of data in memory (or none); the device is told with disk_tell. */
void disk_request(unsigned n, uint32_t type, uint64_t sector, void *data, uint32_t size);
void disk_tell(void);
/** Waits until some request is done; its number. */
unsigned disk_wait(void);
/** Of the request that was n: 0, 1 (error) or 2 (there is no such thing). */
unsigned disk_status(unsigned n);
/** One request from its beginning to its end. */
unsigned disk_do(uint32_t type, uint64_t sector, void *data, uint32_t size);

#endif
