/* Loaded with LD_PRELOAD: counts calls of some functions of libc in the same
 * run in which they are traced, and writes the counts to the file $COUNTS at
 * the end. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_long mutex_lock_total, thread_total;

int pthread_mutex_lock(pthread_mutex_t *mutex) {
  static int (*real)(pthread_mutex_t *);
  if (!real)
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_mutex_lock");
  atomic_fetch_add(&mutex_lock_total, 1);
  return real(mutex);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*start)(void *), void *argument) {
  static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
                     void *);
  if (!real)
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
  atomic_fetch_add(&thread_total, 1);
  return real(thread, attributes, start, argument);
}

__attribute__((destructor)) static void report(void) {
  FILE *file = fopen(getenv("COUNTS"), "w");
  fprintf(file, "%ld %ld\n", mutex_lock_total, thread_total);
  fclose(file);
}
