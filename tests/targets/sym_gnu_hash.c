// sym_pie.c, exporting its functions through the GNU hash table only.
// cc: -rdynamic -Wl,--hash-style=gnu
#include "sym_pie.c"
