/* only_window.h - under the address sanitizer, whose shadow lies where guests have their memory, there is only the
 * window.
 */
#ifndef TEST_VM_ONLY_WINDOW_H
#define TEST_VM_ONLY_WINDOW_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
enum { ONLY_WINDOW = 1 };
#else
enum { ONLY_WINDOW = 0 };
#endif

#endif
