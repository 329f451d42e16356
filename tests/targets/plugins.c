// Loads plugin.c, calls it and unloads it, ROUNDS times in each of THREADS
// threads: plugins FILE ROUNDS THREADS. Prints how often its code has run. With
// one thread it takes the place of what it has unloaded, so that the library
// comes back elsewhere. "NEW" as fourth argument loads it into a new link map
// each time, of which there are few; such a copy does not see our counters.
// With 0 for ROUNDS all threads but the first work until another line comes.
// cc: -rdynamic -pthread -ldl
#define _GNU_SOURCE
#include "target.h"
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>

#ifndef LM_ID_NEWLM
#define dlmopen(list, file, mode) dlopen(file, mode)
#endif
long calls, starts, ends;
static long rounds, threads, sum, places;
static const char *file;
static volatile int separate, stop;

static void *work(void *unused) {
  long last = 0;
  for (long i = 0; rounds ? i < rounds : !stop; i++) {
    void *library = separate ? dlmopen(LM_ID_NEWLM, file, RTLD_NOW)
                             : dlopen(file, RTLD_NOW);
    long (*function)(long) = (long (*)(long))dlsym(library, "plugin_work");
    long place = (long)((struct link_map *)library)->l_addr;
    __atomic_add_fetch(&sum, function(rounds ? i : 0), __ATOMIC_SEQ_CST);
    places += place != last;
    last = place;
    dlclose(library);
    if (threads == 1)
      mmap((void *)last, 4096, PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  }
  return unused;
}

int main(int argc, char **argv) {
  pthread_t thread[64];
  file = argc > 1 ? argv[1] : "";
  rounds = number(argc, argv, 2, 1);
  threads = number(argc, argv, 3, 1);
  separate = argc > 4;
  await_go();
  for (long i = 1; i < threads; i++)
    pthread_create(&thread[i], 0, work, 0);
  if (rounds)
    work(0);
  else
    stop = getchar();
  for (long i = 1; i < threads; i++)
    pthread_join(thread[i], 0);
  if (threads == 1)
    printf("%ld places\n", places);
  printf("%ld %ld %ld %ld\n", calls, starts, ends, sum);
  return 6;
}
