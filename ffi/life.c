/*
 * life.c - telling others of the end of a thread, whatever ends it.
 *
 * The kernel goes through a thread's list of robust futexes
 * (set_robust_list(2)) when it ends, also by SIGKILL, and marks those that it
 * holds, before it lets go of the tracees of the thread. The list belongs to
 * the C library: an element is added as that adds one for a mutex. Its links
 * are not in the file, which others may write, but in a page of our own right
 * behind it.
 */
#define _GNU_SOURCE
#include "fasttrap.h"
#include "internal.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096
/* Where the word is, from the end of its page. */
#define WORD_BEFORE_END 16

/* An element as the kernel and the C library link it. */
typedef struct robust_list *link_t;

static struct robust_list_head *list_of_thread(void) {
  struct robust_list_head *head = NULL;
  size_t size = 0;
  if (syscall(SYS_get_robust_list, 0, &head, &size) != 0 ||
      size != sizeof *head)
    return NULL;
  return head;
}

/* The link without the bit that says what kind of futex it is of. */
static link_t plain(link_t link) { return (link_t)((uintptr_t)link & ~1ul); }

/* The C library links backwards with the word in front. */
static void set_previous(link_t link, link_t previous) {
  memcpy((uint8_t *)link - sizeof previous, &previous, sizeof previous);
}

static link_t previous_of(link_t link) {
  link_t previous;
  memcpy(&previous, (uint8_t *)link - sizeof previous, sizeof previous);
  return previous;
}

double ft_mark_end(int32_t fd, double offset) {
  uint64_t from;
  struct robust_list_head *head = list_of_thread();
  if (!ft_integer(offset, &from))
    return -EINVAL;
  if (head == NULL || head->futex_offset > -(WORD_BEFORE_END + 8) ||
      head->futex_offset < -(PAGE / 2))
    return -ENOSYS;
  uint8_t *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED)
    return -errno;
  if (mmap(pages, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
           (off_t)from) == MAP_FAILED) {
    int error = errno;
    munmap(pages, 2 * PAGE);
    return -error;
  }
  uint8_t *word = pages + PAGE - WORD_BEFORE_END;
  link_t own = (link_t)(void *)(word - head->futex_offset);
  link_t first = head->list.next;
  memcpy(own, &first, sizeof first);
  set_previous(own, &head->list);
  if (plain(first) != &head->list)
    set_previous(plain(first), own);
  /* Only then: the thread can be killed in between. */
  __atomic_store_n(&head->list.next, own, __ATOMIC_RELEASE);
  __atomic_store_n((uint32_t *)(void *)word, (uint32_t)gettid(),
                   __ATOMIC_RELEASE);
  return (double)(uintptr_t)pages;
}

int32_t ft_unmark_end(double address) {
  uint64_t from;
  struct robust_list_head *head = list_of_thread();
  if (!ft_integer(address, &from) || from == 0)
    return -EINVAL;
  if (head == NULL)
    return -ENOSYS;
  uint8_t *pages = (uint8_t *)from;
  uint8_t *word = pages + PAGE - WORD_BEFORE_END;
  link_t own = (link_t)(void *)(word - head->futex_offset);
  link_t next, previous = previous_of(own);
  memcpy(&next, own, sizeof next);
  memcpy(previous, &next, sizeof next);
  if (plain(next) != &head->list)
    set_previous(plain(next), previous);
  return ft_result(munmap(pages, 2 * PAGE));
}
