// ifunc_dynamic.c, static and position-independent.
// cc: -static-pie -fPIE
#include "ifunc_dynamic.c"
