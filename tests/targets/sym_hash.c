// sym_pie.c, exporting its functions through the old hash table only.
// cc: -rdynamic -Wl,--hash-style=sysv
#include "sym_pie.c"
