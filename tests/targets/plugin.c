// A library that plugins.c loads and unloads: a constructor, a destructor, and
// plugin_work(), which counts its calls in the program.
// cc: -shared -fPIC -Wl,--no-as-needed -lc
extern long calls __attribute__((weak));
extern long starts __attribute__((weak));
extern long ends __attribute__((weak));

__attribute__((constructor, used)) void plugin_start(void) {
  if (&starts)
    __atomic_add_fetch(&starts, 1, __ATOMIC_SEQ_CST);
}

__attribute__((destructor, used)) void plugin_end(void) {
  if (&ends)
    __atomic_add_fetch(&ends, 1, __ATOMIC_SEQ_CST);
}

long plugin_work(long n) {
  if (&calls)
    __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
  return n + 1;
}
