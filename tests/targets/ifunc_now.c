// ifunc_dynamic.c, with all its calls bound at the start.
// cc: -Wl,-z,now
#include "ifunc_dynamic.c"
