/*
 * A library with static probes that plugins.c loads and unloads: one that it
 * always comes to, and one that it only comes to if somebody listens, which
 * plugin_work() tells by the thousands of its result.
 */
// cc: -shared -fPIC
#include "static_notes.h"

SEMAPHORE(plugin_semaphore) = 0;

long plugin_work(long n);

long plugin_work(long n) {
  NOTE("plug", "always", "0", "-8@%[n]", [n] "r"(n));
  if (!plugin_semaphore)
    return n + 1;
  NOTE("plug", "gated", "plugin_semaphore",
       "-8@%[n] 2@%w[s]", [n] "r"(n), [s] "r"(plugin_semaphore));
  return n + 1000;
}
